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
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.shoji.operations.Progress;
import io.shoji.quantizer.onnx.Graph;
import io.shoji.quantizer.onnx.Node;
import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.tflite.TfliteConverter;
import io.shoji.quantizer.tflite.TfliteOptions;
import io.shoji.quantizer.wire.ValueInfoProto;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/** The trained networks for TensorFlow Lite, by what they were trained for. */
@ExtendWith(Runtime.class)
final class TfliteNetworksTest {
  private static final double POINTS = 0.01;

  private static final TfliteOptions INT8 = new TfliteOptions(ElementType.INT8);

  private static OnnxModel quantized(TrainedNetwork network, OnnxModel model, ModelRunner runner)
      throws Exception {
    return StaticQuantizer.calibrateAndQuantize(
            Preparation.prepare(model, runner),
            QuantizationOptions.forIntegersOnly(),
            network.calibration(),
            false,
            runner,
            Progress.NONE)
        .model();
  }

  @Test
  void shouldBeAsGoodAsInOnnxWhenResidualIsConverted(ModelRunner runner) throws Exception {
    TrainedNetwork network = TrainedNetwork.RESIDUAL;
    OnnxModel model = network.model();
    OnnxModel quantized = quantized(network, model, runner);
    TfliteConverter.Converted converted = TfliteConverter.convert(quantized, runner, INT8);
    double real = measure(network, model, runner);
    double onnx = measure(network, quantized, runner);
    double tflite;
    try (TfliteRuntime.Session session = new TfliteRuntime.Session(converted.content(), true)) {
      tflite =
          Evaluation.measure(
                  inputs -> run(session, converted, inputs),
                  network.evaluation(),
                  network.metric(),
                  Progress.NONE)
              .value();
    }
    System.out.printf(
        "%s %s fp32=%.4f onnx=%.4f tflite=%.4f bytes=%d of %d%n",
        network,
        network.metric(),
        real,
        onnx,
        tflite,
        converted.content().length,
        model.toBytes().length);
    assertThat(tflite).isGreaterThanOrEqualTo(real - 1.5 * POINTS);
    assertThat(tflite).isBetween(onnx - 0.2 * POINTS, onnx + 0.2 * POINTS);
    assertThat(converted.coverage().cpuShareOfOnePart()).isZero();
    assertThat(converted.model().operatorCounts()).doesNotContainKey("TRANSPOSE");
  }

  /** Its boxes are decoded in the model, with exponentials; up to there it is a network. */
  @Test
  void shouldConvertUpToWhereBoxesAreDecodedWhenDetectorIsConverted(ModelRunner runner)
      throws Exception {
    TrainedNetwork network = TrainedNetwork.DETECTOR;
    OnnxModel whole = quantized(network, network.model(), runner);
    assertThatExceptionOfType(QuantizerException.class)
        .isThrownBy(() -> TfliteConverter.convert(whole, runner, INT8))
        .withMessageContaining("Exp (TensorFlow Lite's integer operators have none for it)");

    OnnxModel model = upToLastConvolutions(network.model());
    OnnxModel quantized = quantized(network, model, runner);
    TfliteConverter.Converted converted = TfliteConverter.convert(quantized, runner, INT8);
    double[] sums = new double[3];
    LabelledSamples samples = network.evaluation();
    try (ModelRunner.Session real = runner.openPlain(model);
        ModelRunner.Session onnx = runner.openPlain(quantized);
        TfliteRuntime.Session tflite = new TfliteRuntime.Session(converted.content(), true)) {
      for (int i = 0; i < 20; i++) {
        Map<String, Tensor> inputs = samples.inputs(i);
        Map<String, Tensor> asked = real.run(inputs);
        Map<String, Tensor> integers = onnx.run(inputs);
        Map<String, Tensor> found = run(tflite, converted, inputs);
        for (TensorSpec spec : converted.outputs()) {
          float[] a = Graphs.floats(asked.get(spec.name()));
          float[] b = Graphs.floats(integers.get(spec.name()));
          Tensor c = found.get(spec.name());
          int[] order = TfliteRuntime.order(asked.get(spec.name()).shape(), spec.layout());
          for (int j = 0; j < a.length; j++) {
            sums[0] += a[order[j]] * a[order[j]];
            sums[1] += Math.pow(a[order[j]] - b[order[j]], 2);
            sums[2] += Math.pow(a[order[j]] - c.getFloat(j), 2);
          }
        }
      }
    }
    double onnxDecibels = 10 * Math.log10(sums[0] / sums[1]);
    double decibels = 10 * Math.log10(sums[0] / sums[2]);
    System.out.printf(
        "%s onnx=%.1f dB tflite=%.1f dB %s%n",
        network, onnxDecibels, decibels, converted.model().operatorCounts());
    assertThat(decibels).isGreaterThan(onnxDecibels - 0.5);
    assertThat(converted.coverage().cpuShareOfOnePart()).isZero();
  }

  private static OnnxModel upToLastConvolutions(OnnxModel model) {
    OnnxModel cut = model.copy();
    Graph graph = cut.graph();
    Set<String> leading = new HashSet<>();
    List<Node> last = new ArrayList<>();
    for (int i = graph.nodes().size() - 1; i >= 0; i--) {
      Node node = graph.nodes().get(i);
      boolean leads = node.outputs().stream().anyMatch(leading::contains);
      if (node.is("Conv") && !leads) {
        last.add(0, node);
      }
      if (node.is("Conv") || leads) {
        leading.addAll(node.inputs());
      }
    }
    graph.outputs().clear();
    for (Node conv : last) {
      graph.outputs().add(ValueInfoProto.newBuilder().setName(conv.output()).build());
    }
    graph.removeUnused();
    return cut;
  }

  private static double measure(TrainedNetwork network, OnnxModel model, ModelRunner runner)
      throws Exception {
    return BudgetedQuantizer.evaluate(
        model, network.evaluation(), network.metric(), runner, Progress.NONE);
  }

  /** Outputs in memory as TensorFlow Lite gives them. */
  private static Map<String, Tensor> run(
      TfliteRuntime.Session session,
      TfliteConverter.Converted converted,
      Map<String, Tensor> inputs) {
    List<Tensor> given = new ArrayList<>();
    for (TensorSpec spec : converted.inputs()) {
      given.add(TfliteRuntime.given(inputs.get(spec.name()), spec));
    }
    List<Tensor> found = session.run(given);
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    for (int i = 0; i < found.size(); i++) {
      TensorSpec spec = converted.outputs().get(i);
      Tensor real = Tensor.allocate(ElementType.FLOAT32, spec.shape());
      spec.quantization().orElseThrow().dequantize(found.get(i), real);
      outputs.put(spec.name(), real);
    }
    return outputs;
  }

  @Test
  void shouldNameAllThatStandsInTheWayWhenEncoderIsConverted(ModelRunner runner) throws Exception {
    OnnxModel quantized = quantized(TrainedNetwork.ENCODER, TrainedNetwork.ENCODER.model(), runner);
    assertThatExceptionOfType(QuantizerException.class)
        .isThrownBy(() -> TfliteConverter.convert(quantized, runner, INT8))
        .satisfies(e -> assertThat(e.code()).isEqualTo(QuantizerException.Code.UNSUPPORTED))
        .withMessageContaining("a product of two activations, as attention computes it");
  }
}
