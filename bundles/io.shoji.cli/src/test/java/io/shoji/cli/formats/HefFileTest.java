/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.formats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.dynatrace.hash4j.hashing.Hashing;
import io.shoji.cli.formats.FormatException.Code;
import io.shoji.cli.formats.HefFile.Architecture;
import io.shoji.cli.formats.HefFile.Checksum;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class HefFileTest {
  @TempDir private Path folder;

  private HefFile read(byte[] content) throws Exception {
    return HefFile.read(Files.write(folder.resolve("model.hef"), content));
  }

  @ParameterizedTest
  @CsvSource({"0, MD5", "1, CRC32", "2, XXH3", "3, XXH3", "4, XXH3_OF_MESSAGE"})
  void shouldTellWhatAFileIsWhateverItsContainer(int version, Checksum checksum) throws Exception {
    HefFile file =
        read(HefSample.container(version, HefSample.message(3, "digits"), new byte[9_000]));
    assertThat(file.version()).isEqualTo(Math.min(3, version));
    assertThat(file.checksum()).isEqualTo(checksum);
    assertThat(file.architecture()).isEqualTo(Architecture.HAILO8L);
    assertThat(file.compiler()).isEqualTo("3.33.0");
    assertThat(file.created()).isEqualTo(Instant.ofEpochSecond(1_700_000_000L));
    assertThat(file.extensions()).containsExactly("periph_calculation_in_hailort");
    HefFile.Network network = file.network().orElseThrow();
    assertThat(network.name()).isEqualTo("digits");
    assertThat(network.framesPerSecond()).isEqualTo(1_234.5);
    assertThat(network.operations()).isEqualTo(2_400_000);
    // Pads between operations are neither inputs nor outputs.
    assertThat(network.inputs())
        .containsExactly(
            new HefFile.Stream(
                "digits/input_layer1", "UINT8", "NHWC", List.of(8, 8, 1), 0.25f, 14));
    assertThat(network.outputs())
        .extracting(HefFile.Stream::name)
        .containsExactly("digits/softmax1");
  }

  @Test
  void shouldKnowTheChipEvenWhenItsNumberIsZeroAndThereforeNotWritten() throws Exception {
    HefFile file = HefFile.read(HefSample.write(folder.resolve("a.hef"), 1, HefSample.HAILO8));
    assertThat(file.architecture()).isEqualTo(Architecture.HAILO8);
    assertThat(file.architecture().runsOnHailo8()).isTrue();
    assertThat(file.architecture().runsOnHailo8L()).isFalse();
    HefFile small = HefFile.read(HefSample.write(folder.resolve("b.hef"), 1, HefSample.HAILO8L));
    assertThat(small.architecture().runsOnHailo8()).isTrue();
    assertThat(small.architecture().runsOnHailo8L()).isTrue();
    HefFile other = HefFile.read(HefSample.write(folder.resolve("c.hef"), 1, 103));
    assertThat(other.architecture()).isEqualTo(Architecture.HAILO1XH);
    assertThat(other.architecture().runsOnHailo8()).isFalse();
    HefFile unknown = HefFile.read(HefSample.write(folder.resolve("d.hef"), 1, 77));
    assertThat(unknown.architecture()).isEqualTo(Architecture.OTHER);
  }

  @Test
  void shouldComputeXxh3AsPublished() {
    // From the test vectors of xxHash: seed 0, no bytes; and of the streaming interface.
    assertThat(Hashing.xxh3_64().hashBytesToLong(new byte[0])).isEqualTo(0x2d06800538d394c2L);
    byte[] bytes = new byte[100_003];
    new Random(1).nextBytes(bytes);
    var stream = Hashing.xxh3_64().hashStream();
    stream.putBytes(bytes, 0, 777).putBytes(bytes, 777, bytes.length - 777);
    assertThat(stream.getAsLong()).isEqualTo(Hashing.xxh3_64().hashBytesToLong(bytes));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3, 4})
  void shouldRefuseEveryFileThatWasCutOrChanged(int version) throws Exception {
    byte[] whole = HefSample.container(version, HefSample.message(0, "digits"), new byte[300]);
    Random random = new Random(version);
    for (int length = 0; length < whole.length; length += 1 + random.nextInt(40)) {
      byte[] cut = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> read(cut)).isInstanceOf(FormatException.class);
    }
    assertThatThrownBy(() -> read(Arrays.copyOf(whole, whole.length + 1)))
        .isInstanceOfSatisfying(
            FormatException.class, e -> assertThat(e.code()).isEqualTo(Code.DAMAGED));
    // Reserved numbers of the header are not read; of version 4 the data is the chip's to check.
    int header = new int[] {32, 28, 44, 56, 56}[version];
    int covered = version == 4 ? whole.length - 300 : whole.length;
    for (int i = header; i < covered; i += 1 + random.nextInt(5)) {
      byte[] flipped = whole.clone();
      flipped[i] ^= (byte) (1 << random.nextInt(8));
      assertThatThrownBy(() -> read(flipped))
          .as("byte %d", i)
          .isInstanceOfSatisfying(
              FormatException.class, e -> assertThat(e.code()).isEqualTo(Code.DAMAGED))
          .hasMessageContaining("checksum");
    }
    for (int i = 0; i < 12; i++) {
      byte[] flipped = whole.clone();
      flipped[i] ^= (byte) 0x80;
      assertThatThrownBy(() -> read(flipped)).isInstanceOf(FormatException.class);
    }
  }

  @Test
  void shouldNeverDoWorseThanRefuseWhenTheMessageIsAnything() throws Exception {
    byte[] message = HefSample.message(3, "digits");
    Random random = new Random(42);
    int read = 0;
    for (int i = 0; i < 3_000; i++) {
      byte[] changed = message.clone();
      for (int k = 0; k < 1 + random.nextInt(4); k++) {
        changed[random.nextInt(changed.length)] = (byte) random.nextInt();
      }
      if (i % 3 == 0) {
        changed = Arrays.copyOf(changed, random.nextInt(changed.length));
      }
      try {
        read(HefSample.container(1, changed, new byte[0]));
        read++;
      } catch (FormatException e) {
        assertThat(e.code()).isEqualTo(Code.DAMAGED);
      }
    }
    assertThat(read).isPositive();
    byte[] groups = new byte[1 << 20];
    Arrays.fill(groups, (byte) 0x0b);
    assertThatThrownBy(() -> read(HefSample.container(1, groups, new byte[0])))
        .isInstanceOf(FormatException.class);
  }

  @Test
  void shouldSayWhatIsWrong() throws Exception {
    assertThatThrownBy(() -> read(HefSample.utf8("not a model at all")))
        .isInstanceOfSatisfying(
            FormatException.class, e -> assertThat(e.code()).isEqualTo(Code.OTHER_FORMAT))
        .hasMessageContaining("model.hef");
    byte[] future = HefSample.container(1, HefSample.message(0, "a"), new byte[0]);
    future[7] = 9;
    assertThatThrownBy(() -> read(future))
        .isInstanceOfSatisfying(
            FormatException.class, e -> assertThat(e.code()).isEqualTo(Code.UNSUPPORTED))
        .hasMessageContaining("found=9");
    assertThatThrownBy(() -> read(HefSample.container(1, new byte[0], new byte[0])))
        .hasMessageContaining("no header");
    assertThatThrownBy(() -> HefFile.read(folder.resolve("missing.hef")))
        .isInstanceOfSatisfying(
            FormatException.class, e -> assertThat(e.code()).isEqualTo(Code.UNREADABLE));
    assertThatThrownBy(() -> HefFile.read(folder)).isInstanceOf(FormatException.class);
  }
}
