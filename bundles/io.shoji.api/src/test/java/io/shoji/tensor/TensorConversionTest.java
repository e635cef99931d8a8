/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TensorConversionTest {
  private static final int CASES = 1_000;

  private static TensorSpec spec(ElementType type, Layout layout, long... dims) {
    return TensorSpec.of("x", type, Shape.of(dims)).withLayout(layout);
  }

  private static TensorSpec quantized(ElementType type, Layout layout, long... dims) {
    return spec(type, layout, dims).withQuantization(Quantization.perTensor(0.25f, 3));
  }

  /** Where each letter of a layout is. */
  private static Map<Character, Integer> axes(Layout layout) {
    Map<Character, Integer> axes = new HashMap<>();
    for (int i = 0; i < layout.toString().length(); i++) {
      axes.put(layout.toString().charAt(i), i);
    }
    return axes;
  }

  private static Shape shape(Layout layout, Map<Character, Long> sizes) {
    return Shape.of(layout.toString().chars().mapToLong(c -> sizes.get((char) c)).toArray());
  }

  private static long index(Layout layout, Map<Character, Long> sizes, Map<Character, Long> at) {
    long index = 0;
    for (char c : layout.toString().toCharArray()) {
      index = index * sizes.get(c) + at.get(c);
    }
    return index;
  }

  @Test
  void shouldPutEveryElementWhereItsLayoutSays() {
    Random random = new Random(11);
    List<Layout> known = List.of(Layout.NC, Layout.NCW, Layout.NWC, Layout.NCHW, Layout.NHWC);
    List<ElementType> types =
        List.of(
            ElementType.FLOAT32,
            ElementType.INT8,
            ElementType.UINT8,
            ElementType.INT16,
            ElementType.INT64,
            ElementType.INT4);
    for (int i = 0; i < CASES; i++) {
      Layout from = known.get(random.nextInt(known.size()));
      Layout to = known.get(random.nextInt(known.size()));
      Map<Character, Long> sizes = new HashMap<>();
      for (char c : "NCHW".toCharArray()) {
        boolean both = axes(from).containsKey(c) && axes(to).containsKey(c);
        sizes.put(c, both ? 1L + random.nextInt(4) : 1L);
      }
      ElementType fromType = types.get(random.nextInt(types.size()));
      ElementType toType = fromType;
      if (fromType == ElementType.FLOAT32 && random.nextBoolean()) {
        toType = random.nextBoolean() ? ElementType.INT8 : ElementType.UINT8;
      } else if ((fromType == ElementType.INT8 || fromType == ElementType.UINT8)
          && random.nextBoolean()) {
        toType = ElementType.FLOAT32;
      }
      Quantization quantization =
          Quantization.perTensor(0.01f + random.nextFloat(), random.nextInt(100));
      TensorSpec source = TensorSpec.of("x", fromType, shape(from, sizes)).withLayout(from);
      TensorSpec target = TensorSpec.of("x", toType, shape(to, sizes)).withLayout(to);
      if (fromType != toType) {
        boolean inward = fromType == ElementType.FLOAT32;
        source = inward ? source : source.withQuantization(quantization);
        target = inward ? target.withQuantization(quantization) : target;
      }
      check(random, sizes, source, target, quantization);
    }
  }

  private static void check(
      Random random,
      Map<Character, Long> sizes,
      TensorSpec source,
      TensorSpec target,
      Quantization quantization) {
    TensorConversion conversion = TensorConversion.between(source, target);
    Tensor in = Tensor.allocate(source.type(), source.shape());
    for (int k = 0; k < in.elementCount(); k++) {
      in.setFloat(k, (random.nextFloat() - 0.5f) * 100);
    }
    Tensor out = Tensor.allocate(target.type(), target.shape());

    conversion.convert(in, out);

    assertThat(conversion.apply(source.shape())).isEqualTo(target.shape());
    for (long n = 0; n < sizes.get('N'); n++) {
      for (long c = 0; c < sizes.get('C'); c++) {
        for (long h = 0; h < sizes.get('H'); h++) {
          for (long w = 0; w < sizes.get('W'); w++) {
            Map<Character, Long> at = Map.of('N', n, 'C', c, 'H', h, 'W', w);
            long from = index(source.layout(), sizes, at);
            long to = index(target.layout(), sizes, at);
            String what = conversion + " at " + at;
            if (source.type() == target.type()) {
              assertThat(out.getFloat(to)).as(what).isEqualTo(in.getFloat(from));
            } else if (source.type() == ElementType.FLOAT32) {
              assertThat(out.getLong(to))
                  .as(what)
                  .isEqualTo(quantization.quantize(in.getFloat(from), 0, target.type()));
            } else {
              assertThat(out.getFloat(to))
                  .as(what)
                  .isEqualTo(quantization.dequantize(in.getLong(from), 0));
            }
          }
        }
      }
    }
    assertThat(!conversion.isIdentity() || bytes(in).equals(bytes(out)))
        .as("" + conversion)
        .isTrue();
  }

  private static List<Byte> bytes(Tensor tensor) {
    List<Byte> bytes = new ArrayList<>();
    for (int i = 0; i < tensor.byteSize(); i++) {
      bytes.add(tensor.data().get(i));
    }
    return bytes;
  }

  @Test
  void shouldConvertSamplesOneByOne() {
    TensorSpec nchw = spec(ElementType.FLOAT32, Layout.NCHW, -1, 2, 1, 3);
    TensorSpec nhwc = quantized(ElementType.INT8, Layout.NHWC, 1, 1, 3, 2);
    TensorConversion inward = TensorConversion.between(nchw, nhwc);
    TensorConversion outward = TensorConversion.between(nhwc, nchw);
    Tensor batch = Tensor.allocate(ElementType.FLOAT32, Shape.of(4, 2, 1, 3));
    for (int i = 0; i < batch.elementCount(); i++) {
      batch.setFloat(i, i * 0.25f);
    }
    Tensor one = Tensor.allocate(ElementType.INT8, Shape.of(1, 1, 3, 2));
    Tensor back = Tensor.allocate(ElementType.FLOAT32, Shape.of(4, 2, 1, 3));

    for (int sample = 3; sample >= 0; sample--) {
      inward.convert(batch, sample, one, 0, 1);
      assertThat(one.getLong(1)).isEqualTo(sample * 6L + 3 + 3);
      outward.convert(one, 0, back, sample, 1);
    }

    assertThat(bytes(back)).isEqualTo(bytes(batch));
  }

  @Test
  void shouldQuantizeWhatIsNoNumberOrOutOfRange() {
    TensorConversion conversion =
        TensorConversion.between(
            spec(ElementType.FLOAT32, Layout.ANY, 5), quantized(ElementType.UINT8, Layout.ANY, 5));
    Tensor reals =
        Tensor.ofFloats(
            Shape.of(5), Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, -0f, 1e30f);
    Tensor bytes = Tensor.allocate(ElementType.UINT8, Shape.of(5));

    conversion.convert(reals, bytes);

    assertThat(bytes(bytes)).containsExactly((byte) 3, (byte) 255, (byte) 0, (byte) 3, (byte) 255);
  }

  @ParameterizedTest
  @CsvSource({
    "NCHW, NHWC, 1, false",
    "NCHW, NHWC, 2, false",
    "NCW, NWC, 1, false",
    "NCHW, ANY, 2, true",
    "NCHW, NCHW, 2, true"
  })
  void shouldSayWhenBytesStayAsTheyAre(Layout from, Layout to, long channels, boolean identity) {
    // Height and width are open: two that are 1 only by accident do not count.
    long[] dims =
        from.rank() == 4 ? new long[] {-1, channels, -1, -1} : new long[] {-1, channels, -1};
    long[] other =
        to == Layout.NHWC
            ? new long[] {-1, -1, -1, channels}
            : to == Layout.NWC ? new long[] {-1, -1, channels} : dims;
    TensorConversion conversion =
        TensorConversion.between(
            spec(ElementType.FLOAT32, from, dims), spec(ElementType.FLOAT32, to, other));

    assertThat(conversion.isIdentity()).isEqualTo(identity || channels == 1);
  }

  @Test
  void shouldNameBothSidesWhenThereIsNoConversion() {
    assertThatThrownBy(
            () ->
                TensorConversion.between(
                    spec(ElementType.FLOAT32, Layout.NCHW, -1, 3, 8, 8),
                    spec(ElementType.FLOAT32, Layout.NHWC, -1, 3, 8, 8)))
        .hasMessageContaining("another shape name=x from=NCHW[?, 3, 8, 8] to=NHWC[?, 3, 8, 8]");
    assertThatThrownBy(
            () ->
                TensorConversion.between(
                    spec(ElementType.FLOAT32, Layout.NCHW, -1, 3, 8, 8),
                    spec(ElementType.FLOAT32, Layout.ANY, -1, 8, 8, 3)))
        .hasMessageContaining("from=NCHW[?, 3, 8, 8] to=[?, 8, 8, 3]");
    assertThatThrownBy(
            () ->
                TensorConversion.between(
                    spec(ElementType.FLOAT32, Layout.NC, -1, 3),
                    spec(ElementType.FLOAT16, Layout.NC, -1, 3)))
        .hasMessageContaining("another element type name=x from=FLOAT32 to=FLOAT16");
    assertThatThrownBy(
            () ->
                TensorConversion.between(
                    spec(ElementType.INT8, Layout.NC, -1, 3),
                    quantized(ElementType.UINT8, Layout.NC, -1, 3)))
        .hasMessageContaining("another element type name=x from=INT8 to=UINT8");
    assertThatThrownBy(
            () ->
                TensorConversion.between(
                    spec(ElementType.FLOAT32, Layout.NC, -1, 3),
                    spec(ElementType.INT8, Layout.NC, -1, 3)
                        .withQuantization(
                            Quantization.perAxis(1, new float[] {1, 2, 3}, new int[3]))))
        .hasMessageContaining("only with a scale for the whole tensor");
    assertThatThrownBy(
            () ->
                TensorConversion.between(
                    quantized(ElementType.INT8, Layout.NC, -1, 3),
                    spec(ElementType.INT8, Layout.NC, -1, 3)
                        .withQuantization(Quantization.perTensor(0.5f, 3))))
        .hasMessageContaining("another quantization name=x from=scale=0.25")
        .hasMessageContaining("to=scale=0.5");
  }

  @Test
  void shouldRefuseTensorsThatAreNotAsDescribed() {
    TensorConversion conversion =
        TensorConversion.between(
            spec(ElementType.FLOAT32, Layout.NC, -1, 3),
            quantized(ElementType.INT8, Layout.NC, -1, 3));
    Tensor two = Tensor.allocate(ElementType.FLOAT32, Shape.of(2, 3));

    assertThatThrownBy(
            () -> conversion.convert(two, Tensor.allocate(ElementType.FLOAT32, Shape.of(2, 3))))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(
            () -> conversion.convert(two, Tensor.allocate(ElementType.INT8, Shape.of(1, 3))))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(
            () -> conversion.convert(two, Tensor.allocate(ElementType.INT8, Shape.of(2, 4))))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(
            () ->
                conversion.convert(two, 2, Tensor.allocate(ElementType.INT8, Shape.of(2, 3)), 0, 1))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
