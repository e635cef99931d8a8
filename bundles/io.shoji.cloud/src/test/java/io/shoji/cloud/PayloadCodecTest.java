/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cloud;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.shoji.cloud.wire.WireMetric;
import io.shoji.cloud.wire.WirePayload;
import java.io.ByteArrayOutputStream;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class PayloadCodecTest {
  private static final PayloadCodec CODEC = PayloadCodec.standard();

  private static Payload everything() {
    return Payload.builder()
        .timestampMs(1_795_329_137_990L)
        .position(new Position(35.01, 135.77, 50.5, 2.0, 90.0, 1.5, 12L, 7, 4))
        .metric("double", -0.0)
        .metric("float", Float.NaN)
        .metric("long", Long.MIN_VALUE)
        .metric("int", -1)
        .metric("flag", true)
        .metric("text", "障子 \u0000 \uD83C\uDFEF")
        .metric("bytes", new byte[] {0, -1, 1})
        .metric("", "")
        .body(new byte[] {1, 2, 3})
        .build();
  }

  private static PayloadException.Code refused(PayloadCodec codec, byte[] message) {
    Throwable thrown = catchThrowable(() -> codec.decode(message));
    assertThat(thrown).isInstanceOf(PayloadException.class);
    return ((PayloadException) thrown).code();
  }

  @Test
  void shouldComeBackWhenItHasEverything() throws Exception {
    Payload payload = everything();

    assertThat(CODEC.decode(CODEC.encode(payload))).isEqualTo(payload).hasSameHashCodeAs(payload);
    assertThat(CODEC.decode(CODEC.encodeCompressed(payload))).isEqualTo(payload);
    assertThat(CODEC.decode(CODEC.encode(payload)).metrics().keySet())
        .containsExactly("double", "float", "long", "int", "flag", "text", "bytes", "");
    assertThat(payload.toBuilder().build()).isEqualTo(payload);
    assertThat(payload.toBuilder().metric("int", 2).build()).isNotEqualTo(payload);
  }

  @Test
  void shouldComeBackWhenItHasNothing() throws Exception {
    Payload nothing = Payload.builder().build();

    assertThat(CODEC.encode(nothing)).isEmpty();
    assertThat(CODEC.decode(new byte[0])).isEqualTo(nothing);
  }

  @Test
  void shouldDeflateOnlyWhenThatMakesItSmaller() {
    Payload large = Payload.builder().body(new byte[10_000]).build();
    Payload small = Payload.builder().metric("a", 1).build();

    assertThat(Gzip.is(CODEC.encodeCompressed(large))).isTrue();
    assertThat(CODEC.encodeCompressed(large)).hasSizeLessThan(200);
    assertThat(CODEC.encodeCompressed(small)).isEqualTo(CODEC.encode(small));
  }

  @Test
  void shouldNotChangeWhenAnArrayOutsideChanges() throws Exception {
    byte[] bytes = {1};
    Payload payload = Payload.builder().metric("a", bytes).body(bytes).build();
    bytes[0] = 2;
    payload.body().orElseThrow()[0] = 3;
    payload.required("a", byte[].class)[0] = 4;
    ((byte[]) payload.metrics().get("a"))[0] = 5;

    assertThat(payload.body()).hasValue(new byte[] {1});
    assertThat(payload.required("a", byte[].class)).containsExactly(1);
  }

  @Test
  void shouldSayWhichWhenAMetricIsMissingOrOfAnotherType() {
    Payload payload = Payload.builder().metric("job.id", "12").build();

    assertThatThrownBy(() -> payload.required("job.id", Long.class))
        .isInstanceOf(PayloadException.class)
        .hasMessage("the metric has another type name=job.id expected=Long found=String");
    assertThatThrownBy(() -> payload.required("dp.uri", String.class))
        .hasMessage("the metric is missing name=dp.uri");
    assertThatThrownBy(() -> Payload.builder().metric("a", 'x'))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void shouldTakeTheTypesEmptyValueWhenAMetricHasNone() throws Exception {
    WirePayload.Builder wire = WirePayload.newBuilder();
    for (WireMetric.Type type : WireMetric.Type.values()) {
      wire.addMetric(WireMetric.newBuilder().setName(type.name()).setType(type));
    }
    Payload payload = CODEC.decode(wire.build().toByteArray());

    assertThat(payload.required("STRING", String.class)).isEmpty();
    assertThat(payload.required("INT64", Long.class)).isZero();
    assertThat(payload.required("BYTES", byte[].class)).isEmpty();
    assertThat(payload.metrics()).hasSize(7);
  }

  @Test
  void shouldSkipWhatIsUnknown() throws Exception {
    byte[] message = HexFormat.of().parseHex("0801" + "9a0103414243" + "f0b802" + "07");

    assertThat(CODEC.decode(message)).isEqualTo(Payload.builder().timestampMs(1).build());
  }

  @Test
  void shouldRefuseWhenItIsCutOffAnywhereInsideOfAField() {
    byte[] message = CODEC.encode(everything());
    byte[] deflated = Gzip.deflate(message);
    int whole = 0;
    for (int length = 1; length < message.length; length++) {
      byte[] cut = Arrays.copyOf(message, length);
      Throwable thrown = catchThrowable(() -> CODEC.decode(cut));
      if (thrown == null) {
        whole++;
      } else {
        assertThat(thrown).isInstanceOf(PayloadException.class);
      }
    }
    // Between two fields the rest is a shorter payload: after the time, the place and each metric.
    assertThat(whole).isEqualTo(2 + 8);
    for (int length = 3; length < deflated.length; length++) {
      assertThat(refused(CODEC, Arrays.copyOf(deflated, length)))
          .isEqualTo(PayloadException.Code.MALFORMED);
    }
  }

  @Test
  void shouldRefuseWhenAMetricHasNoNameNoTypeOrAnUnknownOne() {
    assertThat(refused(CODEC, HexFormat.of().parseHex("c2b802021000")))
        .isEqualTo(PayloadException.Code.MALFORMED);
    assertThat(refused(CODEC, HexFormat.of().parseHex("c2b802030a0161")))
        .isEqualTo(PayloadException.Code.MALFORMED);
    assertThat(refused(CODEC, HexFormat.of().parseHex("c2b802050a01611063")))
        .isEqualTo(PayloadException.Code.MALFORMED);
  }

  @Test
  void shouldRefuseWhenItInflatesToMoreThanIsAllowed() {
    byte[] bomb = Gzip.deflate(new byte[200 * 1024 * 1024]);

    assertThat(bomb).hasSizeLessThan(300_000);
    assertThat(refused(CODEC, bomb)).isEqualTo(PayloadException.Code.TOO_LARGE);
    byte[] twice = Gzip.deflate(bomb);
    assertThat(refused(CODEC, twice)).isEqualTo(PayloadException.Code.MALFORMED);
  }

  @Test
  void shouldHoldExactlyWhenTheLimitIsReached() throws Exception {
    byte[] message = CODEC.encode(Payload.builder().body(new byte[100]).build());
    PayloadCodec exact = new PayloadCodec(message.length, 0);
    PayloadCodec less = new PayloadCodec(message.length - 1, 0);

    assertThat(exact.decode(message).body().orElseThrow()).hasSize(100);
    assertThat(exact.decode(Gzip.deflate(message)).body().orElseThrow()).hasSize(100);
    assertThat(refused(less, message)).isEqualTo(PayloadException.Code.TOO_LARGE);
    assertThat(refused(less, Gzip.deflate(message))).isEqualTo(PayloadException.Code.TOO_LARGE);
  }

  @Test
  void shouldRefuseWhenFewBytesWouldTakeMuchMemory() throws Exception {
    ByteArrayOutputStream metrics = new ByteArrayOutputStream();
    ByteArrayOutputStream unknown = new ByteArrayOutputStream();
    ByteArrayOutputStream groups = new ByteArrayOutputStream();
    for (int i = 0; i < 4_000_000; i++) {
      metrics.write(new byte[] {(byte) 0xc2, (byte) 0xb8, 0x02, 0});
      unknown.write(new byte[] {0x18, 1});
      groups.write(0x1b);
    }
    byte[] oneMetric = unknown.toByteArray();
    byte[] inside = new byte[oneMetric.length + 7];
    System.arraycopy(HexFormat.of().parseHex("c2b80280a4e803"), 0, inside, 0, 7);
    System.arraycopy(oneMetric, 0, inside, 7, oneMetric.length);

    assertThat(refused(CODEC, metrics.toByteArray())).isEqualTo(PayloadException.Code.TOO_LARGE);
    assertThat(refused(CODEC, unknown.toByteArray())).isEqualTo(PayloadException.Code.TOO_LARGE);
    assertThat(refused(CODEC, inside)).isEqualTo(PayloadException.Code.TOO_LARGE);
    assertThat(refused(CODEC, groups.toByteArray())).isEqualTo(PayloadException.Code.MALFORMED);
  }

  @Test
  void shouldRefuseOrReadButNothingElseWhenBytesAreRandom() {
    Random random = new Random(7);
    byte[] good = CODEC.encode(everything());
    int read = 0;
    for (int round = 0; round < 200_000; round++) {
      byte[] message;
      if (round % 4 == 0) {
        message = new byte[random.nextInt(64)];
        random.nextBytes(message);
      } else {
        message = good.clone();
        for (int flips = 1 + random.nextInt(4); flips > 0; flips--) {
          message[random.nextInt(message.length)] = (byte) random.nextInt();
        }
        if (round % 40 == 1) {
          message = Gzip.deflate(message);
          message[3 + random.nextInt(message.length - 3)] ^= (byte) (1 << random.nextInt(8));
        }
      }
      byte[] finalMessage = message;
      Throwable thrown = catchThrowable(() -> CODEC.decode(finalMessage));
      if (thrown == null) {
        read++;
      } else {
        assertThat(thrown).isInstanceOf(PayloadException.class);
      }
    }
    assertThat(read).isBetween(1_000, 199_000);
  }
}
