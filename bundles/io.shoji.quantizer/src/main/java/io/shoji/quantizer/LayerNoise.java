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

import io.shoji.operations.Progress;
import io.shoji.quantizer.onnx.Graph;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * How far a layer's result is from what it is in FP32.
 *
 * @param layer name of the node
 * @param operator of the node
 * @param integer whether it computes in integers
 * @param tensor its result in the prepared model
 * @param decibels signal-to-quantization-noise ratio with all noise of the layers before it: ten
 *     times the logarithm of the sum of squares over that of the squared differences; 200 if there
 *     are none
 */
public record LayerNoise(
    String layer, String operator, boolean integer, String tensor, double decibels) {
  /** Samples that show a ratio well within a decibel. */
  public static final int ENOUGH_SAMPLES = 16;

  /** A layer's result in both models. */
  private record Pair(StaticQuantizer.Layer layer, String quantized, Noise noise) {}

  /**
   * Runs both models side by side, with the results of all layers as outputs, and compares these:
   * of layers in integers after their 8 bits, of those in FP32 as they are. Left out: constants,
   * types other than FLOAT32, and results whose Relu or Clip a range replaces.
   *
   * @param most samples to run at most, the first ones; see {@link #ENOUGH_SAMPLES}
   * @return in the order of the layers
   * @throws QuantizerException BAD_SAMPLES, CANCELLED, RUNTIME
   */
  public static List<LayerNoise> measure(
      Preparation.Prepared prepared,
      StaticQuantizer.Quantized quantized,
      Samples samples,
      int most,
      ModelRunner runner,
      Progress progress)
      throws QuantizerException {
    int count = Math.min(most, samples.size());
    if (count == 0) {
      throw new QuantizerException(Code.BAD_SAMPLES, "there are no samples to measure noise with");
    }
    Map<String, Pair> pairs = pairs(prepared, quantized);
    List<Set<String>> passes =
        Calibration.passes(pairs.keySet(), Set.of(), prepared.tensors(), samples.inputs(0));
    for (int pass = 0; pass < passes.size(); pass++) {
      Set<String> real = passes.get(pass);
      List<Pair> compared =
          pairs.values().stream().filter(pair -> real.contains(pair.layer().output())).toList();
      List<String> integer = compared.stream().map(Pair::quantized).toList();
      try (ModelRunner.Session first =
              runner.openPlain(ModelRunner.exposing(prepared.model(), real));
          ModelRunner.Session second =
              runner.openPlain(ModelRunner.exposing(quantized.model(), integer))) {
        for (int i = 0; i < count; i++) {
          if (progress.cancelled()) {
            throw new QuantizerException(Code.CANCELLED, "cancelled while noise was measured");
          }
          Map<String, Tensor> inputs = samples.inputs(i);
          Map<String, Tensor> expected = first.run(inputs);
          Map<String, Tensor> found = second.run(inputs);
          for (Pair pair : compared) {
            pair.noise().add(expected.get(pair.layer().output()), found.get(pair.quantized()));
          }
          progress.report(
              (pass + (i + 1.0) / count) / passes.size(),
              "measuring each layer's noise, sample " + (i + 1) + " of " + count);
        }
      }
    }
    List<LayerNoise> measured = new ArrayList<>();
    pairs.forEach(
        (tensor, pair) ->
            measured.add(
                new LayerNoise(
                    pair.layer().name(),
                    pair.layer().operator(),
                    pair.layer().integer(),
                    tensor,
                    pair.noise().decibels())));
    return measured;
  }

  private static Map<String, Pair> pairs(
      Preparation.Prepared prepared, StaticQuantizer.Quantized quantized) {
    Graph graph = quantized.model().graph();
    Set<String> made = graph.producers().keySet();
    Map<String, Pair> pairs = new LinkedHashMap<>();
    for (StaticQuantizer.Layer layer : quantized.layers()) {
      String tensor = layer.output();
      TensorSpec spec = prepared.tensors().get(tensor);
      if (spec == null || spec.type() != ElementType.FLOAT32) {
        continue;
      }
      StaticQuantizer.Activation activation = quantized.activations().get(tensor);
      String after = activation == null ? tensor : activation.dequantized();
      if (made.contains(after)) {
        pairs.put(tensor, new Pair(layer, after, new Noise()));
      }
    }
    return pairs;
  }
}
