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

import io.shoji.inference.AcceleratorStatus;
import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceResult;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelMetrics;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.inference.Pipeline;
import io.shoji.inference.Prediction;
import io.shoji.inference.PreparedInference;
import io.shoji.inference.Provenance;
import io.shoji.inference.Sample;
import io.shoji.model.ModelDescription;
import io.shoji.model.PipelineDescription;
import io.shoji.model.PipelineDescription.Step;
import io.shoji.pipeline.ModelPipelines;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Layout;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.CompletableFuture;
import org.osgi.framework.Version;

/**
 * What a gateway sees in a detector's outputs: the steps {@code decode-boxes} and {@code nms} of
 * the pipeline bundle, on outputs that were computed before.
 */
final class BoxPipeline implements InferenceService {
  private static final Provenance PROVENANCE =
      new Provenance(
          1, "detector", "1.0.0", "file", "", "", "cpu", "cpu0", "", "", "", "", "", false, false);

  private final ModelDescription model;
  private final List<Tensor> outputs;

  private BoxPipeline(ModelDescription model, List<Tensor> outputs) {
    this.model = model;
    this.outputs = outputs;
  }

  /** The boxes in rows of x1, y1, x2, y2, score, class. */
  static Tensor boxes(Tensor picture, Map<String, Tensor> outputs) throws QuantizerException {
    BoxPipeline service =
        new BoxPipeline(description(picture, outputs), List.copyOf(outputs.values()));
    long deadline = InferenceService.deadlineIn(10_000);
    try (Pipeline pipeline =
        new ModelPipelines(service).open(ModelRef.latest("detector"), deadline)) {
      List<Prediction.Box> boxes =
          pipeline.process(new Sample.Tensors(List.of(picture)), deadline).get(0).boxes();
      Tensor rows = Tensor.allocate(ElementType.FLOAT32, Shape.of(boxes.size(), 6));
      for (int i = 0; i < boxes.size(); i++) {
        Prediction.Box box = boxes.get(i);
        float[] row = {
          box.x(), box.y(), box.x() + box.width(), box.y() + box.height(), box.score(), box.index()
        };
        for (int j = 0; j < row.length; j++) {
          rows.setFloat(6L * i + j, row[j]);
        }
      }
      return rows;
    } catch (InferenceException e) {
      throw new QuantizerException(
          Code.BAD_SAMPLES, "the outputs are no boxes: " + e.getMessage(), e);
    }
  }

  private static ModelDescription description(Tensor picture, Map<String, Tensor> outputs) {
    return new ModelDescription(
        "detector",
        new Version(1, 0, 0),
        "",
        "",
        "",
        "detection",
        List.of(TensorSpec.of("input", picture.type(), picture.shape()).withLayout(Layout.NCHW)),
        outputs.entrySet().stream()
            .map(
                each ->
                    TensorSpec.of(each.getKey(), each.getValue().type(), each.getValue().shape()))
            .toList(),
        List.of("washer", "nut", "plate"),
        List.of(),
        Optional.of(
            new PipelineDescription(
                PipelineDescription.Source.TENSORS,
                OptionalDouble.empty(),
                List.of(),
                List.of(),
                List.of(
                    new Step(
                        "decode-boxes",
                        Map.of(
                            "output", "boxes",
                            "scores", "scores",
                            "format", "xyxy",
                            "coordinates", "input",
                            "scoreThreshold", 0.01)),
                    new Step("nms", Map.of("iouThreshold", 0.6))))),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        "");
  }

  @Override
  public InferenceResult infer(ModelRef ref, List<Tensor> inputs, long deadlineNanos) {
    return new InferenceResult(outputs, PROVENANCE, 0, 0);
  }

  @Override
  public CompletableFuture<InferenceResult> inferAsync(
      ModelRef ref, List<Tensor> inputs, long deadlineNanos) {
    return CompletableFuture.completedFuture(infer(ref, inputs, deadlineNanos));
  }

  @Override
  public PreparedInference prepare(
      ModelRef ref, List<Tensor> inputs, List<Tensor> results, long deadlineNanos)
      throws InferenceException {
    throw new InferenceException(
        InferenceException.Code.INVALID_INPUT, "the outputs are there already");
  }

  @Override
  public PreparedInference prepare(ModelRef ref, long batchSize, long deadlineNanos)
      throws InferenceException {
    return prepare(ref, List.of(), List.of(), deadlineNanos);
  }

  @Override
  public Optional<ModelStatus> model(ModelRef ref) {
    ModelMetrics.Latency none = new ModelMetrics.Latency(0, 0, 0, 0, 0, 0, 0, "");
    return Optional.of(
        new ModelStatus(
            model,
            ModelStatus.State.SERVING,
            "",
            Optional.of(PROVENANCE),
            List.of(),
            new ModelMetrics(0, 0, Map.of(), 0, none, none)));
  }

  @Override
  public List<ModelStatus> models() {
    return model(ModelRef.latest("detector")).stream().toList();
  }

  @Override
  public List<AcceleratorStatus> accelerators() {
    return List.of();
  }
}
