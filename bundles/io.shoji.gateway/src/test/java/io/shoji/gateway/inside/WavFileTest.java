/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.inside;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class WavFileTest {
  @TempDir private Path folder;

  @Test
  void shouldScaleToOneWhenPcmHas16Bits() throws Exception {
    ByteBuffer data = data(8).putShort((short) -32768).putShort((short) 0);
    data.putShort((short) 16384).putShort((short) 32767);

    WavFile wav = WavFile.read(wav(1, 1, 12000, 16, data));

    assertThat(wav.sampleRateHz()).isEqualTo(12000);
    assertThat(wav.length()).isEqualTo(4);
    assertThat(wav.channels().get(0)).containsExactly(-1f, 0f, 0.5f, 32767 / 32768f);
  }

  @Test
  void shouldSeparateChannelsWhenThereAreSeveral() throws Exception {
    ByteBuffer data = data(6).put((byte) 0).put((byte) 128).put((byte) 192);
    data.put((byte) 128).put((byte) 128).put((byte) 64);

    WavFile wav = WavFile.read(wav(1, 2, 8000, 8, data));

    assertThat(wav.channels().get(0)).containsExactly(-1f, 0.5f, 0f);
    assertThat(wav.channels().get(1)).containsExactly(0f, 0f, -0.5f);
  }

  @Test
  void shouldReadEveryKindThatItNamesWhenValueIsAQuarter() throws Exception {
    ByteBuffer of24 = data(3).put((byte) 0).put((byte) 0).put((byte) 0xe0);
    assertThat(WavFile.read(wav(1, 1, 1, 24, of24)).channels().get(0)).containsExactly(-0.25f);
    ByteBuffer of32 = data(4).putInt(1 << 29);
    assertThat(WavFile.read(wav(1, 1, 1, 32, of32)).channels().get(0)).containsExactly(0.25f);
    ByteBuffer ofFloats = data(4).putFloat(0.25f);
    assertThat(WavFile.read(wav(3, 1, 1, 32, ofFloats)).channels().get(0)).containsExactly(0.25f);
  }

  @Test
  void shouldSayCutOffWhenBytesAreMissing() throws Exception {
    Path file = wav(1, 1, 12000, 16, data(100));
    byte[] whole = Files.readAllBytes(file);
    for (int length = 0; length < whole.length; length++) {
      Files.write(file, Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> WavFile.read(file))
          .as("cut at %d", length)
          .isInstanceOf(IOException.class)
          .hasMessageContaining(file.toString());
    }
  }

  @Test
  void shouldNameKindWhenItIsNotRead() throws Exception {
    Path file = wav(85, 1, 12000, 0, data(10));

    assertThatThrownBy(() -> WavFile.read(file))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("coding=85");
  }

  private static ByteBuffer data(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** A file with an odd chunk before its data, as recorders write them. */
  private Path wav(int coding, int channels, int rate, int bits, ByteBuffer data)
      throws IOException {
    ByteBuffer file = data(12 + 24 + 12 + 8 + data.capacity());
    file.put("RIFF".getBytes(StandardCharsets.US_ASCII)).putInt(file.capacity() - 8);
    file.put("WAVE".getBytes(StandardCharsets.US_ASCII));
    file.put("fmt ".getBytes(StandardCharsets.US_ASCII)).putInt(16);
    file.putShort((short) coding).putShort((short) channels).putInt(rate);
    file.putInt(rate * channels * bits / 8);
    file.putShort((short) (channels * bits / 8)).putShort((short) bits);
    file.put("note".getBytes(StandardCharsets.US_ASCII)).putInt(3).put(new byte[] {1, 2, 3, 0});
    file.put("data".getBytes(StandardCharsets.US_ASCII)).putInt(data.capacity());
    file.put(data.array());
    return Files.write(folder.resolve("r.wav"), file.array());
  }
}
