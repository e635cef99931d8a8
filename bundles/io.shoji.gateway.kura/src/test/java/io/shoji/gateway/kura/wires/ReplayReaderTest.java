/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.wires;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.imageio.ImageIO;
import org.eclipse.kura.type.TypedValue;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ReplayReaderTest {
  @TempDir Path work;
  private Path base;

  @BeforeEach
  void makeFolder() throws IOException {
    base = Files.createDirectory(work.resolve("replay"));
  }

  private static Map<String, Object> settings(Object... pairs) {
    Map<String, Object> settings = new HashMap<>();
    for (int i = 0; i < pairs.length; i += 2) {
      settings.put((String) pairs[i], pairs[i + 1]);
    }
    return settings;
  }

  private List<Map<String, Object>> read(Object... pairs) {
    return read(new ReplayReader(ReplayPlan.of(settings(pairs), base)));
  }

  private static List<Map<String, Object>> read(ReplayReader reader) {
    List<Map<String, Object>> all = new ArrayList<>();
    for (Map<String, TypedValue<?>> record = reader.next();
        record != null;
        record = reader.next()) {
      Map<String, Object> values = new HashMap<>();
      record.forEach((name, value) -> values.put(name, value.getValue()));
      all.add(values);
    }
    return all;
  }

  private void csv(String name, String text) throws IOException {
    Files.writeString(base.resolve(name), text);
  }

  @Test
  void shouldFindTheTypesWhenColumnsAreNotDeclared() throws IOException {
    csv(
        "a.csv",
        "\ufeffn,x,on,text,label\r\n1,1,true,a,ok\r\n-2,2.5e3,FALSE,\"b, \"\"c\"\"\nd\",bad\r\n\r\n3,,true,4,\n");
    assertThat(read("path", "a.csv", "index.property", "i"))
        .containsExactly(
            Map.of("n", 1L, "x", 1.0, "on", true, "text", "a", "label", "ok", "i", 0L),
            Map.of(
                "n", -2L, "x", 2500.0, "on", false, "text", "b, \"c\"\nd", "label", "bad", "i", 1L),
            Map.of("n", 3L, "on", true, "text", "4", "i", 2L));
  }

  @Test
  void shouldMapColumnsWhenTheyAreDeclared() throws IOException {
    csv("a.csv", "temp;vib;class\n20;0.5;7\n21;0.25;8\n");
    assertThat(
            read(
                "path",
                "a.csv",
                "separator",
                ";",
                "columns",
                "temp:FLOAT=t, vib:DOUBLE",
                "label.column",
                "class",
                "label.property",
                "truth"))
        .containsExactly(
            Map.of("t", 20f, "vib", 0.5, "truth", "7"),
            Map.of("t", 21f, "vib", 0.25, "truth", "8"));
  }

  @Test
  void shouldPassOverRowsAndFilesWhenTheyDoNotFit() throws IOException {
    csv("a.csv", "n,m\n1,1\nx,2\n3\n4,4\n");
    csv("b.csv", "");
    csv("c.csv", "m\n1\n");
    csv("d.csv", "n,m\n5,\"not closed\n");
    csv("e.csv", "n,m\n6,6\n");
    ReplayReader reader =
        new ReplayReader(ReplayPlan.of(settings("path", ".", "columns", "n:INTEGER,m:LONG"), base));
    assertThat(read(reader))
        .containsExactly(Map.of("n", 1, "m", 1L), Map.of("n", 4, "m", 4L), Map.of("n", 6, "m", 6L));
    assertThat(reader.skipped()).isEqualTo(5);
    assertThat(reader.lastProblem()).contains("a quote is not closed row=2").contains("d.csv");
  }

  private void wav(String name, int bits, boolean floats, int channels, byte[] data)
      throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(44 + data.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put("RIFF".getBytes(StandardCharsets.US_ASCII)).putInt(36 + data.length);
    bytes.put("WAVEfmt ".getBytes(StandardCharsets.US_ASCII)).putInt(16);
    bytes.putShort((short) (floats ? 3 : 1)).putShort((short) channels).putInt(8_000);
    bytes.putInt(8_000 * channels * bits / 8).putShort((short) (channels * bits / 8));
    bytes.putShort((short) bits).put("data".getBytes(StandardCharsets.US_ASCII));
    bytes.putInt(data.length).put(data);
    Files.write(base.resolve(name), bytes.array());
  }

  private static byte[] shorts(int... values) {
    ByteBuffer bytes = ByteBuffer.allocate(values.length * 2).order(ByteOrder.LITTLE_ENDIAN);
    for (int value : values) {
      bytes.putShort((short) value);
    }
    return bytes.array();
  }

  private static List<Float> floats(Object bytes) {
    ByteBuffer buffer = ByteBuffer.wrap((byte[]) bytes).order(ByteOrder.LITTLE_ENDIAN);
    List<Float> values = new ArrayList<>();
    while (buffer.hasRemaining()) {
      values.add(buffer.getFloat());
    }
    return values;
  }

  @Test
  void shouldGiveOverlappingWindowsWhenHopIsShorter() throws IOException {
    wav("a_inner-race.wav", 16, false, 2, shorts(0, 1, 16384, 2, -32768, 3, 8192, 4, 0, 5));
    csv("labels.csv", "file,label\nother.wav,x\n");
    List<Map<String, Object>> records =
        read("path", "a_inner-race.wav", "audio.window", 3, "audio.hop", 1, "property", "w");
    assertThat(records).hasSize(3);
    assertThat(floats(records.get(0).get("w"))).containsExactly(0f, 0.5f, -1f);
    assertThat(floats(records.get(2).get("w"))).containsExactly(-1f, 0.25f, 0f);
    assertThat(records.get(0))
        .containsEntry("label", "inner-race")
        .containsEntry("sampleRate", 8_000);
  }

  @Test
  void shouldGiveSingleValuesOfAChannelWhenAsked() throws IOException {
    wav("a.wav", 16, false, 2, shorts(0, 16384, 1, -16384));
    csv("labels.csv", "file,label\na.wav,good\n");
    assertThat(read("path", ".", "audio.content", "SAMPLES", "audio.channel", 1, "property", "v"))
        .containsExactly(
            Map.of("v", 0.5f, "sampleRate", 8_000, "label", "good"),
            Map.of("v", -0.5f, "sampleRate", 8_000, "label", "good"));
  }

  @Test
  void shouldReadEveryCodingWhenRecordingsDiffer() throws IOException {
    wav("a.wav", 8, false, 1, new byte[] {(byte) 128, (byte) 192});
    wav("b.wav", 24, false, 1, new byte[] {0, 0, 0, 0, 0, (byte) 0xc0});
    ByteBuffer ints =
        ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putInt(0).putInt(1 << 30);
    wav("c.wav", 32, false, 1, ints.array());
    ByteBuffer values =
        ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putFloat(3f).putFloat(-0.1f);
    wav("d.wav", 32, true, 1, values.array());
    List<Map<String, Object>> records = read("path", ".", "audio.window", 0);
    assertThat(records.stream().map(r -> floats(r.get("input"))))
        .containsExactly(
            List.of(0f, 0.5f), List.of(0f, -0.5f), List.of(0f, 0.5f), List.of(3f, -0.1f));
  }

  @Test
  void shouldPassOverRecordingWhenItIsCutOff() throws IOException {
    wav("a.wav", 16, false, 1, shorts(1, 2, 3));
    byte[] whole = Files.readAllBytes(base.resolve("a.wav"));
    for (int length = 0; length < whole.length; length++) {
      Files.write(base.resolve("a.wav"), java.util.Arrays.copyOf(whole, length));
      ReplayReader reader = new ReplayReader(ReplayPlan.of(settings("path", "a.wav"), base));
      assertThat(read(reader)).isEmpty();
      assertThat(reader.skipped()).isEqualTo(1);
    }
  }

  private byte[] picture(String name, int type, int... rgb) throws IOException {
    BufferedImage image = new BufferedImage(2, rgb.length / 2, type);
    for (int i = 0; i < rgb.length; i++) {
      if (type == BufferedImage.TYPE_BYTE_GRAY) {
        image.getRaster().setSample(i % 2, i / 2, 0, rgb[i]);
      } else {
        image.setRGB(i % 2, i / 2, rgb[i]);
      }
    }
    ImageIO.write(image, "png", base.resolve(name).toFile());
    return Files.readAllBytes(base.resolve(name));
  }

  @Test
  void shouldGivePixelsAsTheyAreStoredWhenPictureIsGray() throws IOException {
    picture("000_7.png", BufferedImage.TYPE_BYTE_GRAY, 0, 100, 200, 255, 1, 128);
    List<Map<String, Object>> records =
        read("path", ".", "image.content", "PIXELS", "property", "p");
    assertThat(records).hasSize(1);
    assertThat(records.get(0))
        .containsEntry("width", 2)
        .containsEntry("height", 3)
        .containsEntry("channels", 1)
        .containsEntry("label", "7");
    assertThat((byte[]) records.get(0).get("p"))
        .containsExactly(0, 100, (byte) 200, (byte) 255, 1, (byte) 128);
  }

  @Test
  void shouldGiveColoursInOrderWhenAskedForRgb() throws IOException {
    picture("a.png", BufferedImage.TYPE_INT_RGB, 0x010203, 0xff0000);
    assertThat(
            (byte[])
                read("path", "a.png", "image.content", "PIXELS", "image.color", "RGB")
                    .get(0)
                    .get("input"))
        .containsExactly(1, 2, 3, (byte) 255, 0, 0);
    assertThat((byte[]) read("path", "a.png", "image.content", "PIXELS").get(0).get("input"))
        .containsExactly(2, 76);
  }

  @Test
  void shouldGiveTheFilesBytesWhenAskedForFiles() throws IOException {
    byte[] file = picture("a_x_9.png", BufferedImage.TYPE_INT_RGB, 1, 2);
    List<Map<String, Object>> records = read("path", "a_x_9.png", "label.property", "truth");
    assertThat((byte[]) records.get(0).get("input")).isEqualTo(file);
    assertThat(records.get(0)).containsOnlyKeys("input", "truth").containsEntry("truth", "9");
  }

  @Test
  void shouldPassOverPictureWhenItIsDamaged() throws IOException {
    Files.writeString(base.resolve("a.png"), "no picture");
    byte[] whole = picture("b.png", BufferedImage.TYPE_INT_RGB, 1, 2, 3, 4);
    Files.write(base.resolve("b.png"), java.util.Arrays.copyOf(whole, whole.length / 2));
    picture("c.png", BufferedImage.TYPE_INT_RGB, 1, 2);
    ReplayReader reader =
        new ReplayReader(ReplayPlan.of(settings("path", ".", "image.content", "PIXELS"), base));
    assertThat(read(reader)).hasSize(1);
    assertThat(reader.skipped()).isEqualTo(2);
  }

  @Test
  void shouldRefuseWhenPathLeadsOutOfTheFolder() throws IOException {
    Files.writeString(work.resolve("secret.csv"), "a\n1\n");
    Files.createSymbolicLink(base.resolve("link.csv"), work.resolve("secret.csv"));
    for (String path :
        List.of("../secret.csv", "link.csv", work.resolve("secret.csv").toString(), "..")) {
      assertThatThrownBy(() -> ReplayPlan.of(settings("path", path), base))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("only what lies in the base folder");
    }
    // A link in a folder is passed over in silence: it is no file of the folder.
    assertThatThrownBy(() -> ReplayPlan.of(settings("path", "."), base))
        .hasMessageContaining("nothing to replay");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "rate | -1 | a number from 0.0",
        "rate | fast | a number from 0.0",
        "batch | 0 | an integer from 1",
        "start.delay | -5 | an integer from 0",
        "mode | sometimes | one of [RATE, TRIGGER]",
        "format | MP3 | one of [AUTO, CSV, WAV, IMAGES]",
        "format | WAV | nothing to replay",
        "separator | ;; | one character",
        "columns | a:COMPLEX | BOOLEAN, DOUBLE",
        "columns | a,b=a | each property once",
        "columns | a,,b | each property once",
        "loop | yes | true or false",
        "audio.window | 99999999 | an integer from 0",
        "property | '' | a name",
        "path | nowhere.csv | no such file or folder",
        "path | '' | no file or folder",
      })
  void shouldNameTheSettingWhenItIsWrong(String id, String value, String message)
      throws IOException {
    csv("a.csv", "a\n1\n");
    Object typed = value.matches("-?[0-9]+") ? (Object) Integer.valueOf(value) : (Object) value;
    assertThatThrownBy(() -> ReplayPlan.of(settings("path", "a.csv", id, typed), base))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  @Test
  void shouldAskWhichWhenAFolderHasSeveralKinds() throws IOException {
    csv("a.csv", "a\n1\n");
    wav("b.wav", 16, false, 1, shorts(1));
    assertThatThrownBy(() -> ReplayPlan.of(settings("path", "."), base))
        .hasMessageContaining("files of several kinds");
    assertThat(read("path", ".", "format", "CSV")).containsExactly(Map.of("a", 1L));
  }
}
