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
import static org.assertj.core.api.Assertions.offset;

import io.shoji.operations.Progress;
import io.shoji.quantizer.Int4Quantizer.Form;
import io.shoji.quantizer.onnx.Constants;
import io.shoji.quantizer.onnx.Node;
import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.OnnxGraph;
import io.shoji.testkit.OnnxModels;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(Runtime.class)
final class OtherPrecisionsTest {
  @Test
  void shouldComputeProductsInIntegersWithoutCalibrationWhenDynamic(
      ModelRunner runner, @TempDir Path folder) throws Exception {
    OnnxModel model = OnnxModel.read(OnnxModels.mlp(5, 64, 128, 32));
    OnnxModel prepared = Preparation.prepare(model, runner).model();
    DynamicQuantizer.Converted converted = DynamicQuantizer.quantize(prepared);
    assertThat(converted.converted()).hasSize(2);
    assertThat(noise(runner, model, converted.model(), 1, 64)).isGreaterThan(30);
    assertThat(converted.model().toBytes().length).isLessThan(model.toBytes().length * 3 / 10);
    assertThat(FusedGraph.operators(converted.model(), folder))
        .doesNotContain("Gemm", "MatMul", "MatMulInteger");

    OnnxModel transformer = Networks.transformer(6, 17);
    DynamicQuantizer.Converted encoder =
        DynamicQuantizer.quantize(Preparation.prepare(transformer, runner).model());
    assertThat(encoder.kept()).hasSize(2);
    assertThat(noise(runner, transformer, encoder.model(), 1, 8, 16)).isGreaterThan(25);
  }

  @Test
  void shouldRunWithWeightsOf4BitsWhenWrittenInEitherForm(ModelRunner runner) throws Exception {
    OnnxModel model = OnnxModel.read(mlp(21));
    OnnxModel prepared = Preparation.prepare(model, runner).model();
    int large = model.toBytes().length;
    double[] decibels = new double[2];
    for (Form form : Form.values()) {
      DynamicQuantizer.Converted converted = Int4Quantizer.quantize(prepared, form, 32);
      assertThat(converted.converted()).hasSize(2);
      decibels[form.ordinal()] = noise(runner, model, converted.model(), 1, 96);
      assertThat(decibels[form.ordinal()]).as("%s", form).isGreaterThan(15);
      assertThat(converted.model().toBytes().length).isLessThan(large * 2 / 10);
    }
    // Two ways to write the same numbers; the kernel of one may round activations to 8 bits.
    assertThat(decibels[0]).isCloseTo(decibels[1], offset(1.0));

    OnnxModel old = OnnxModel.read(mlp(13));
    OnnxModel upgraded = Int4Quantizer.quantize(old, Form.DEQUANTIZE_LINEAR, 32).model();
    assertThat(upgraded.opset()).isEqualTo(21);
    assertThat(noise(runner, old, upgraded, 1, 96)).isGreaterThan(15);
    assertThat(
            noise(runner, old, Int4Quantizer.quantize(old, Form.MAT_MUL_N_BITS, 16).model(), 1, 96))
        .isGreaterThan(15);
    assertThatThrownBy(() -> Int4Quantizer.quantize(old, Form.MAT_MUL_N_BITS, 24))
        .hasMessageContaining("INVALID_OPTION");
  }

  /** A Gemm with a transposed weight and a product, whose inputs are no whole number of blocks. */
  private static byte[] mlp(int opset) {
    Random random = new Random(2);
    return new OnnxGraph("mlp")
        .opset(opset)
        .irVersion(opset < 21 ? 8 : 10)
        .input("x", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, 96))
        .constant("w1", Graphs.random(random, 0.15, 200, 96))
        .constant("b1", Graphs.random(random, 0.1, 200))
        .node("Gemm", List.of("x", "w1", "b1"), List.of("h"), OnnxGraph.Attribute.of("transB", 1))
        .node("Relu", List.of("h"), List.of("r"))
        .constant("w2", Graphs.random(random, 0.1, 200, 40))
        .node("MatMul", List.of("r", "w2"), List.of("y"))
        .output("y", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, 40))
        .toModel();
  }

  @Test
  void shouldKeepInputsAndOutputsWhenConvertedToHalfPrecision(ModelRunner runner) throws Exception {
    OnnxModel[] models = {
      Networks.residual(1, 13), Networks.detector(2, 15), Networks.transformer(3, 17)
    };
    long[][] dims = {{1, 3, 16, 16}, {1, 3, 16, 16}, {1, 8, 16}};
    for (int i = 0; i < models.length; i++) {
      Preparation.Prepared prepared = Preparation.prepare(models[i], runner);
      HalfPrecision.Converted converted = HalfPrecision.convert(prepared, Set.of());
      assertThat(noise(runner, models[i], converted.model(), dims[i])).isBetween(40.0, 199.0);
      try (ModelRunner.Session session = runner.open(converted.model())) {
        assertThat(session.inputs()).allMatch(spec -> spec.type() == ElementType.FLOAT32);
        assertThat(session.outputs()).allMatch(spec -> spec.type() == ElementType.FLOAT32);
      }
    }
    HalfPrecision.Converted digits =
        HalfPrecision.convert(Preparation.prepare(Golden.model("digits"), runner), Set.of());
    assertThat(digits.inFloat()).isEmpty();
    assertThat(digits.model().toBytes().length)
        .isLessThan((int) (0.55 * Golden.model("digits").toBytes().length));
  }

  @Test
  void shouldKeepOperatorsInFloatAndSayWhyWhenHalfPrecisionWouldHarm(ModelRunner runner)
      throws Exception {
    OnnxModel detector = Networks.detector(2, 15);
    Preparation.Prepared prepared = Preparation.prepare(detector, runner);
    String asked = prepared.model().graph().nodes().get(0).name();
    HalfPrecision.Converted converted = HalfPrecision.convert(prepared, Set.of(asked));
    assertThat(converted.inFloat()).containsEntry(asked, "kept in FP32 as asked");
    assertThat(converted.inFloat().values()).anyMatch(reason -> reason.contains("operator stays"));
    assertThat(noise(runner, detector, converted.model(), 1, 3, 16, 16)).isGreaterThan(40);

    Tensor huge = Tensor.ofFloats(Shape.of(1, 4), 1, 2, 3, 1e6f);
    OnnxModel large =
        OnnxModel.read(
            new OnnxGraph("large")
                .input("x", ElementType.FLOAT32, Shape.of(1, 4))
                .constant("c", huge)
                .node("Add", List.of("x", "c"), List.of("y"))
                .output("y", ElementType.FLOAT32, Shape.of(1, 4))
                .toModel());
    HalfPrecision.Converted kept =
        HalfPrecision.convert(Preparation.prepare(large, runner), Set.of());
    assertThat(kept.inFloat().values()).allMatch(reason -> reason.contains("too large for FP16"));
    assertThat(kept.model().graph().nodes()).extracting(Node::operator).containsExactly("Add");
    assertThat(kept.model().graph().constant("c").getDataType()).isEqualTo(Constants.FLOAT);
  }

  private static double noise(ModelRunner runner, OnnxModel real, OnnxModel other, long... dims)
      throws Exception {
    return BudgetedQuantizer.signalToNoise(
        real, other, Networks.samples(20, dims), runner, Progress.NONE);
  }
}
