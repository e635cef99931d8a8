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

import io.shoji.operations.Progress;
import io.shoji.quantizer.onnx.Constants;
import io.shoji.quantizer.onnx.Node;
import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.quantizer.wire.TensorProto;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.OnnxGraph;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(Runtime.class)
final class StaticQuantizerTest {
  private static final QuantizationOptions ORT = QuantizationOptions.forOnnxRuntime();

  @Test
  void shouldFuseWholeResidualNetworkWhenOnnxRuntimeOptimizesIt(
      ModelRunner runner, @TempDir Path folder) throws Exception {
    OnnxModel model = Networks.residual(1, 13);
    StaticQuantizer.Quantized quantized = quantize(model, ORT, runner, 3, 16, 16);
    assertThat(quantized.layers()).allMatch(StaticQuantizer.Layer::integer);
    assertThat(FusedGraph.operators(quantized.model(), folder))
        .contains("QLinearConv", "QLinearAdd", "QLinearGlobalAveragePool", "QGemm")
        .doesNotContain("Conv", "Add", "Clip", "Gemm", "DequantizeLinear");
    assertThat(noise(runner, model, quantized.model(), 3, 16, 16)).isGreaterThan(25);
  }

  @Test
  void shouldShareScaleWhenOperatorsOnlyMoveValues(ModelRunner runner, @TempDir Path folder)
      throws Exception {
    OnnxModel model = Networks.detector(2, 13);
    StaticQuantizer.Quantized quantized = quantize(model, ORT, runner, 3, 16, 16);
    Map<String, StaticQuantizer.Activation> activations = quantized.activations();
    for (String tensor : List.of("a1", "up", "cat", "spp")) {
      assertThat(activations.get(tensor).quantization())
          .as(tensor)
          .isEqualTo(activations.get("swish").quantization());
    }
    assertThat(activations.get("g2").quantization()).isEqualTo(Quantization.perTensor(1f / 256, 0));
    assertThat(FusedGraph.operators(quantized.model(), folder))
        .contains("QLinearConv", "QLinearLeakyRelu", "QLinearSigmoid", "QLinearMul", "Resize")
        .doesNotContain("Conv", "LeakyRelu", "Mul");
    assertThat(noise(runner, model, quantized.model(), 3, 16, 16)).isGreaterThan(25);
  }

  @Test
  void shouldQuantizeProductsAndPassRestThroughWhenModelIsTransformer(
      ModelRunner runner, @TempDir Path folder) throws Exception {
    OnnxModel model = Networks.transformer(3, 13);
    StaticQuantizer.Quantized quantized = quantize(model, ORT, runner, 8, 16);
    assertThat(quantized.layers())
        .filteredOn(layer -> layer.operator().equals("MatMul"))
        .isNotEmpty()
        .allMatch(StaticQuantizer.Layer::integer);
    assertThat(quantized.layers())
        .filteredOn(layer -> List.of("Div", "Sqrt", "Pow").contains(layer.operator()))
        .isNotEmpty()
        .allMatch(layer -> !layer.integer() && layer.reason().contains("not quantized"));
    assertThat(FusedGraph.operators(quantized.model(), folder))
        .contains("MatMulIntegerToFloat")
        .doesNotContain("MatMul");
    assertThat(noise(runner, model, quantized.model(), 8, 16)).isGreaterThan(20);
  }

  @Test
  void shouldLoadAndAgreeWhenOperatorSetIsAnyFrom13To21(ModelRunner runner) throws Exception {
    for (int opset = 13; opset <= 21; opset++) {
      OnnxModel residual = Networks.residual(4, opset);
      assertThat(
              noise(
                  runner, residual, quantize(residual, ORT, runner, 3, 16, 16).model(), 3, 16, 16))
          .as("residual %d", opset)
          .isGreaterThan(25);
      OnnxModel detector = Networks.detector(4, opset);
      QuantizationOptions unsigned = ORT.withActivations(ElementType.UINT8);
      assertThat(
              noise(
                  runner,
                  detector,
                  quantize(detector, unsigned, runner, 3, 16, 16).model(),
                  3,
                  16,
                  16))
          .as("detector %d", opset)
          .isGreaterThan(25);
      OnnxModel transformer = Networks.transformer(4, opset);
      assertThat(
              noise(runner, transformer, quantize(transformer, ORT, runner, 8, 16).model(), 8, 16))
          .as("transformer %d", opset)
          .isGreaterThan(20);
    }
  }

  @Test
  void shouldWriteWhatTensorRtTakesWhenItIsTheTarget(ModelRunner runner) throws Exception {
    OnnxModel model = Networks.residual(5, 13);
    StaticQuantizer.Quantized quantized =
        quantize(model, QuantizationOptions.forTensorRt(), runner, 3, 16, 16);
    for (Node node : quantized.model().graph().nodes()) {
      if (node.is("QuantizeLinear") || node.is("DequantizeLinear")) {
        TensorProto zero = quantized.model().graph().constant(node.input(2));
        assertThat(zero).isNotNull();
        assertThat(zero.getDataType()).isEqualTo(Constants.INT8);
        assertThat(Constants.integers(zero)).containsOnly(0);
      }
      if (node.is("Conv")) {
        // Biases stay in FP32, and Clip stays since a symmetric range cannot do its work.
        assertThat(quantized.model().graph().constant(node.input(2)).getDataType())
            .isEqualTo(Constants.FLOAT);
      }
    }
    assertThat(quantized.model().graph().nodes()).extracting(Node::operator).contains("Clip");
    assertThat(noise(runner, model, quantized.model(), 3, 16, 16)).isGreaterThan(20);
  }

  @Test
  void shouldLeaveLayerInFloatWhenAsked(ModelRunner runner) throws Exception {
    OnnxModel model = Networks.residual(6, 13);
    String kept = model.graph().nodes().get(2).name();
    StaticQuantizer.Quantized quantized =
        quantize(model, ORT.withInFloat(List.of(kept)), runner, 3, 16, 16);
    assertThat(quantized.layers())
        .filteredOn(layer -> layer.name().equals(kept))
        .allMatch(layer -> !layer.integer() && layer.reason().contains("as asked"));
    assertThat(quantized.model().graph().nodes()).extracting(Node::name).doesNotHaveDuplicates();
    assertThat(noise(runner, model, quantized.model(), 3, 16, 16)).isGreaterThan(25);
  }

  @Test
  void shouldGiveSameBytesWhenDoneTwice(ModelRunner runner) throws Exception {
    OnnxModel model = Networks.detector(7, 15);
    byte[] first = quantize(model, ORT, runner, 3, 16, 16).model().toBytes();
    assertThat(quantize(model, ORT, runner, 3, 16, 16).model().toBytes()).isEqualTo(first);
  }

  @Test
  void shouldRefuseWhenSamplesAreTooFewOrNotFit(ModelRunner runner) throws Exception {
    OnnxModel model = Networks.residual(8, 13);
    Preparation.Prepared prepared = Preparation.prepare(model, runner);
    assertRefused(prepared, Networks.samples(99, 1, 3, 16, 16), runner, Code.TOO_FEW_SAMPLES, "99");
    assertRefused(prepared, Networks.samples(0, 1, 3, 16, 16), runner, Code.TOO_FEW_SAMPLES, "no ");
    assertRefused(
        prepared, Networks.samples(100, 1, 3, 16, 15), runner, Code.BAD_SAMPLES, "sample=0");
    Samples good = Networks.samples(100, 1, 3, 16, 16);
    Samples bad =
        new Samples() {
          @Override
          public int size() {
            return 100;
          }

          @Override
          public Map<String, Tensor> inputs(int index) throws QuantizerException {
            Tensor tensor = good.inputs(index).get("x");
            tensor.setFloat(17, index == 42 ? Float.NaN : 1);
            return Map.of("x", tensor);
          }
        };
    assertRefused(prepared, bad, runner, Code.BAD_SAMPLES, "sample=42", "element=17");
    Samples mixed =
        new Samples() {
          @Override
          public int size() {
            return 100;
          }

          @Override
          public Map<String, Tensor> inputs(int index) throws QuantizerException {
            int side = index == 57 ? 15 : 16;
            return Networks.samples(100, 1, 3, 16, side).inputs(index);
          }
        };
    assertRefused(
        prepared, mixed, runner, Code.BAD_SAMPLES, "sample=57", "found=FLOAT32[1, 3, 16, 15]");
    byte[] old =
        new OnnxGraph("old")
            .opset(6)
            .input("x", ElementType.FLOAT32, Shape.of(1, 4))
            .node("Relu", List.of("x"), List.of("y"))
            .output("y", ElementType.FLOAT32, Shape.of(1, 4))
            .toModel();
    OnnxModel oldModel = OnnxModel.read(old);
    assertThatThrownBy(() -> Preparation.prepare(oldModel, runner))
        .hasMessageContainingAll("UNSUPPORTED", "found=6", "oldest=7");
  }

  private static void assertRefused(
      Preparation.Prepared prepared,
      Samples samples,
      ModelRunner runner,
      Code code,
      String... mentions) {
    assertThatThrownBy(
            () ->
                StaticQuantizer.calibrateAndQuantize(
                    prepared, ORT, samples, false, runner, Progress.NONE))
        .isInstanceOfSatisfying(QuantizerException.class, e -> assertThat(e.code()).isEqualTo(code))
        .hasMessageContainingAll(mentions);
  }

  @Test
  void shouldKeepSignalWhenCalibratedByAnyMethod(ModelRunner runner) throws Exception {
    OnnxModel[] models = {
      Networks.residual(1, 13), Networks.detector(2, 13), Networks.transformer(3, 13)
    };
    long[][] dims = {{3, 16, 16}, {3, 16, 16}, {8, 16}};
    for (int i = 0; i < models.length; i++) {
      Preparation.Prepared prepared = Preparation.prepare(models[i], runner);
      Calibration calibration =
          Calibration.run(
              prepared.model(),
              StaticQuantizer.watched(prepared),
              prepared.tensors(),
              Networks.samples(100, batch(dims[i])),
              false,
              runner,
              Progress.NONE);
      assertThat(calibration.sha256()).hasSize(64);
      for (CalibrationMethod method : CalibrationMethod.values()) {
        OnnxModel quantized =
            StaticQuantizer.quantize(prepared, calibration, ORT.with(method)).model();
        double decibels = noise(runner, models[i], quantized, dims[i]);
        assertThat(decibels).as("%d %s", i, method).isGreaterThan(15);
      }
    }
  }

  @Test
  void shouldReportProgressAndStopWhenCancelled(ModelRunner runner) throws Exception {
    OnnxModel model = Networks.residual(8, 13);
    Preparation.Prepared prepared = Preparation.prepare(model, runner);
    List<Double> fractions = new ArrayList<>();
    Progress progress =
        new Progress() {
          @Override
          public void report(double fraction, String message) {
            fractions.add(fraction);
          }

          @Override
          public boolean cancelled() {
            return fractions.size() >= 10;
          }
        };
    assertThatThrownBy(
            () ->
                StaticQuantizer.calibrateAndQuantize(
                    prepared, ORT, Networks.samples(100, 1, 3, 16, 16), false, runner, progress))
        .hasMessageContaining("CANCELLED");
    assertThat(fractions).hasSize(10).isSorted();
  }

  @Test
  void shouldQuantizeAsOnnxRuntimeDoesWhenRangeIsAny(ModelRunner runner) throws Exception {
    Random random = new Random(9);
    for (ElementType type : List.of(ElementType.INT8, ElementType.UINT8)) {
      for (int i = 0; i < 20; i++) {
        float low = -Math.abs((float) random.nextGaussian()) * (i % 3);
        float high = Math.abs((float) random.nextGaussian()) * (i % 4);
        Quantization parameters = new Range(low, high).parameters(type, i % 5 == 0);
        Tensor zero = Tensor.allocate(type, Shape.scalar());
        zero.setLong(0, parameters.zeroPoint(0));
        OnnxModel model =
            OnnxModel.read(
                new OnnxGraph("pair")
                    .input("x", ElementType.FLOAT32, Shape.of(1_000))
                    .constant("s", Tensor.ofFloats(Shape.scalar(), parameters.scale(0)))
                    .constant("z", zero)
                    .node("QuantizeLinear", List.of("x", "s", "z"), List.of("q"))
                    .node("DequantizeLinear", List.of("q", "s", "z"), List.of("y"))
                    .output("q", type, Shape.of(1_000))
                    .output("y", ElementType.FLOAT32, Shape.of(1_000))
                    .toModel());
        Tensor x = Graphs.random(random, 2, 1_000);
        for (int j = 0; j < 200; j++) {
          // Ties: half way between two steps.
          x.setFloat(j, (j - 100 + 0.5f) * parameters.scale(0));
        }
        try (ModelRunner.Session session = runner.openPlain(model)) {
          Map<String, Tensor> results = session.run(Map.of("x", x));
          Tensor quantized = results.get("q");
          for (int j = 0; j < 1_000; j++) {
            long ours = parameters.quantize(x.getFloat(j), 0, type);
            assertThat(quantized.getLong(j)).isEqualTo(ours);
            assertThat(results.get("y").getFloat(j)).isEqualTo(parameters.dequantize(ours, 0));
          }
        }
      }
    }
  }

  private static StaticQuantizer.Quantized quantize(
      OnnxModel model, QuantizationOptions options, ModelRunner runner, long... dims)
      throws QuantizerException {
    return StaticQuantizer.calibrateAndQuantize(
        Preparation.prepare(model, runner),
        options,
        Networks.samples(100, batch(dims)),
        false,
        runner,
        Progress.NONE);
  }

  private static long[] batch(long... dims) {
    long[] all = new long[dims.length + 1];
    all[0] = 1;
    System.arraycopy(dims, 0, all, 1, dims.length);
    return all;
  }

  /** Signal-to-noise ratio of the second model's output to the first's, dB, on new samples. */
  private static double noise(
      ModelRunner runner, OnnxModel model, OnnxModel quantized, long... dims)
      throws QuantizerException {
    Samples samples = Networks.samples(120, batch(dims));
    double signal = 0;
    double noise = 0;
    try (ModelRunner.Session first = runner.openPlain(model);
        ModelRunner.Session second = runner.open(quantized)) {
      for (int i = 100; i < 120; i++) {
        float[] a = Graphs.floats(first.run(samples.inputs(i)).get("y"));
        float[] b = Graphs.floats(second.run(samples.inputs(i)).get("y"));
        for (int j = 0; j < a.length; j++) {
          signal += (double) a[j] * a[j];
          noise += ((double) a[j] - b[j]) * ((double) a[j] - b[j]);
        }
      }
    }
    return 10 * Math.log10(signal / noise);
  }
}
