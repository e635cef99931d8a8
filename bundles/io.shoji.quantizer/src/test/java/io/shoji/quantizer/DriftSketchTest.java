/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.model.DriftReference;
import io.shoji.model.DriftReference.Feature;
import io.shoji.model.DriftReference.Kind;
import io.shoji.operations.Progress;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Layout;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.IntFunction;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;

final class DriftSketchTest {
  private static final List<TensorSpec> INPUTS =
      List.of(
          TensorSpec.of("image", ElementType.FLOAT32, Shape.of(-1, 2, 3, 4))
              .withLayout(Layout.NCHW));
  private static final List<TensorSpec> OUTPUTS =
      List.of(TensorSpec.of("scores", ElementType.FLOAT32, Shape.of(-1, 3)));

  /** Samples that are made when they are asked for. */
  private record Made(int size, IntFunction<Tensor> image) implements Samples {
    @Override
    public Map<String, Tensor> inputs(int index) {
      return Map.of("image", image.apply(index));
    }
  }

  /** Answers the class that the first element says, with a margin of 2. */
  private static Map<String, Tensor> answer(Map<String, Tensor> inputs) {
    float[] scores = new float[3];
    scores[(int) inputs.get("image").getFloat(0)] = 2;
    return Map.of("scores", Tensor.ofFloats(Shape.of(1, 3), scores));
  }

  private static DriftReference sketch(Samples samples) throws QuantizerException {
    return DriftSketch.of(
        DriftSketchTest::answer,
        samples,
        INPUTS,
        OUTPUTS,
        true,
        DriftReference.Source.CALIBRATION,
        "sha",
        Progress.NONE);
  }

  private static Feature feature(DriftReference reference, String label) {
    return reference.features().stream()
        .filter(f -> f.label().equals(label))
        .findFirst()
        .orElseThrow();
  }

  /** Channel 0 is its class and then noise, channel 1 is dead. */
  private static Tensor image(int index) {
    Random random = new Random(index);
    float[] values = new float[24];
    values[0] = index % 3;
    for (int i = 1; i < 12; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Tensor.ofFloats(Shape.of(1, 2, 3, 4), values);
  }

  @Test
  void shouldHaveTenBinsOfEqualMassWhenValuesAreContinuous() throws Exception {
    DriftReference reference = sketch(new Made(300, DriftSketchTest::image));
    assertThat(reference.count()).isEqualTo(300);
    Feature mean = feature(reference, "input image channel 0 mean");
    assertThat(mean.edges()).hasSize(11);
    assertThat(mean.counts()).as("one row per class").hasSize(3);
    for (int bin = 0; bin < 12; bin++) {
      int of = bin;
      assertThat(mean.counts().stream().mapToLong(row -> row.get(of)).sum())
          .isEqualTo(bin == 0 || bin == 11 ? 0 : 30);
    }
    long values =
        feature(reference, "input image channel 0 value").counts().get(0).stream()
            .mapToLong(Long::longValue)
            .sum();
    assertThat(values).as("12 elements of 100 samples of a class").isEqualTo(1_200);
    assertThat(feature(reference, "output scores label").counts())
        .containsExactly(List.of(100L, 100L, 100L));
    assertThat(feature(reference, "output scores margin").mean()).isEqualTo(2);
  }

  @Test
  void shouldTellMoreAndLessFromSameWhenValueIsConstant() throws Exception {
    DriftReference reference = sketch(new Made(100, DriftSketchTest::image));
    Feature dead = feature(reference, "input image channel 1 std");
    assertThat(dead.edges()).hasSize(2);
    assertThat(dead.bin(-0.01)).isZero();
    assertThat(dead.bin(0)).isEqualTo(1);
    assertThat(dead.bin(0.01)).isEqualTo(2);
  }

  @Test
  void shouldGiveFrequentValueBinOfItsOwn() {
    double[] sorted =
        DoubleStream.concat(
                DoubleStream.generate(() -> 0).limit(50),
                DoubleStream.iterate(1, v -> v + 1).limit(50))
            .sorted()
            .toArray();
    List<Double> edges = DriftSketch.edges(sorted, 0);
    assertThat(edges).isSorted().contains(0.5).doesNotHaveDuplicates();
    assertThat(DriftReference.bin(edges, 0)).isNotEqualTo(DriftReference.bin(edges, 1));
  }

  @Test
  void shouldBeSameWhenLastBitsDiffer() throws Exception {
    DriftReference one = sketch(new Made(300, DriftSketchTest::image));
    DriftReference other =
        sketch(
            new Made(
                300,
                index -> {
                  Tensor tensor = image(index);
                  for (int i = 1; i < 12; i++) {
                    tensor.setFloat(i, Math.nextUp(tensor.getFloat(i)));
                  }
                  return tensor;
                }));
    for (int i = 0; i < one.features().size(); i++) {
      assertThat(other.features().get(i).counts())
          .as(one.features().get(i).label())
          .isEqualTo(one.features().get(i).counts());
    }
  }

  @Test
  void shouldRefuseWhenThereIsOneSampleOnly() {
    assertThatThrownBy(() -> sketch(new Made(1, DriftSketchTest::image)))
        .isInstanceOf(QuantizerException.class)
        .hasMessageContaining("found=1");
  }

  @Test
  void shouldLookAtWholeTensorWhenThereAreManyChannels() throws Exception {
    List<TensorSpec> wide =
        List.of(
            TensorSpec.of("image", ElementType.FLOAT32, Shape.of(-1, 64)).withLayout(Layout.NC));
    DriftReference reference =
        DriftSketch.of(
            inputs -> Map.of("y", Tensor.ofFloats(Shape.of(1, 1), 1)),
            new Made(50, index -> Tensor.ofFloats(Shape.of(1, 64), new float[64])),
            wide,
            List.of(TensorSpec.of("y", ElementType.FLOAT32, Shape.of(-1, 1))),
            true,
            DriftReference.Source.EVALUATION,
            "sha",
            Progress.NONE);
    assertThat(reference.features())
        .extracting(Feature::kind)
        .containsExactly(
            Kind.VALUE, Kind.MEAN, Kind.STD, Kind.MIN, Kind.MAX, Kind.STEP, Kind.VALUE);
    assertThat(reference.features()).allMatch(f -> f.axis() == 0 && f.counts().size() == 1);
  }
}
