/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.pipeline;

import io.shoji.inference.AcceleratorStatus;
import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceException.Code;
import io.shoji.inference.InferenceResult;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelMetrics;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.inference.PreparedInference;
import io.shoji.inference.Provenance;
import io.shoji.model.ModelDescription;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/** An engine without accelerators: the model is a function of the test. One thread. */
final class FakeEngine implements InferenceService {
  /** What runs as the model: inputs, outputs to write. */
  interface Body extends BiConsumer<List<Tensor>, List<Tensor>> {}

  /** Called before each run, to change what serves or to fail. */
  interface Before {
    void run() throws InferenceException;
  }

  private final List<ModelDescription> installed = new ArrayList<>();
  private @Nullable ModelDescription serving;
  private Body body = (inputs, outputs) -> {};
  private long generation;
  private @Nullable Provenance provenance;
  final Deque<Before> before = new ArrayDeque<>();
  final List<List<Float>> seen = new ArrayList<>();
  int prepared;
  int closed;
  int listings;
  boolean unpreparable;
  @Nullable Before onPrepare;

  /** Puts a package live, in the place of what served. */
  void serve(ModelDescription model, Body newBody) {
    installed.removeIf(m -> m.version().equals(model.version()));
    installed.add(model);
    serving = model;
    body = newBody;
    nextGeneration();
  }

  /** The same package, on another generation, as after a driver was replaced. */
  void nextGeneration() {
    generation++;
    provenance = provenance(generation, served());
  }

  /** Lists another package of the version that serves, which is not loaded yet. */
  void replaceListed(ModelDescription model) {
    installed.removeIf(m -> m.version().equals(model.version()));
    installed.add(model);
  }

  /** Installs a package that does not serve. */
  void install(ModelDescription model) {
    installed.add(model);
  }

  /** Removes all packages from the list, while the last one still answers. */
  void forget() {
    installed.clear();
  }

  private ModelDescription served() {
    ModelDescription now = serving;
    if (now == null) {
      throw new IllegalStateException("nothing serves");
    }
    return now;
  }

  private static Provenance provenance(long generation, ModelDescription model) {
    return new Provenance(
        generation,
        "m",
        model.version().toString(),
        "fp32",
        model.variants().get(0).files().get(0).sha256(),
        model.sha256(),
        "cpu",
        "cpu0",
        "fake",
        "1",
        "fake",
        "1",
        "",
        true,
        false);
  }

  private Provenance answer(List<Tensor> inputs, List<Tensor> outputs) throws InferenceException {
    Before hook = before.poll();
    if (hook != null) {
      hook.run();
    }
    if (!fit(inputs, served().inputs()) || !fit(outputs, served().outputs())) {
      throw new InferenceException(Code.INVALID_INPUT, "takes other shapes: prepare again");
    }
    List<Float> values = new ArrayList<>();
    for (Tensor input : inputs) {
      for (int i = 0; i < input.elementCount(); i++) {
        values.add(input.getFloat(i));
      }
    }
    seen.add(values);
    body.accept(inputs, outputs);
    return Objects.requireNonNull(provenance);
  }

  private static boolean fit(List<Tensor> tensors, List<TensorSpec> specs) {
    boolean fits = tensors.size() == specs.size();
    for (int i = 0; fits && i < specs.size(); i++) {
      fits = specs.get(i).mismatch(tensors.get(i)).isEmpty();
    }
    return fits;
  }

  private static List<Tensor> allocate(List<TensorSpec> specs) {
    return specs.stream().map(s -> Tensor.allocate(s.type(), s.shape().withDynamicAs(1))).toList();
  }

  @Override
  public InferenceResult infer(ModelRef model, List<Tensor> inputs, long deadlineNanos)
      throws InferenceException {
    List<Tensor> outputs = allocate(served().outputs());
    return new InferenceResult(outputs, answer(inputs, outputs), 0, 0);
  }

  @Override
  public CompletableFuture<InferenceResult> inferAsync(
      ModelRef model, List<Tensor> inputs, long deadlineNanos) {
    throw new UnsupportedOperationException("a pipeline does not call this");
  }

  @Override
  public PreparedInference prepare(
      ModelRef model, List<Tensor> inputs, List<Tensor> outputs, long deadlineNanos) {
    throw new UnsupportedOperationException("a pipeline does not call this");
  }

  @Override
  public PreparedInference prepare(ModelRef model, long batchSize, long deadlineNanos)
      throws InferenceException {
    if (onPrepare != null) {
      onPrepare.run();
    }
    if (serving == null) {
      throw new InferenceException(Code.UNKNOWN_MODEL, "not installed model=" + model);
    }
    if (unpreparable) {
      throw new InferenceException(Code.INVALID_INPUT, "an output's shape depends on the data");
    }
    prepared++;
    List<Tensor> inputs = allocate(served().inputs());
    List<Tensor> outputs = allocate(served().outputs());
    return new PreparedInference() {
      @Override
      public List<Tensor> inputs() {
        return inputs;
      }

      @Override
      public List<Tensor> outputs() {
        return outputs;
      }

      @Override
      public Provenance run(long deadline) throws InferenceException {
        return answer(inputs, outputs);
      }

      @Override
      public void close() {
        closed++;
      }
    };
  }

  @Override
  public Optional<ModelStatus> model(ModelRef model) {
    return statuses().stream()
        .filter(s -> model.accepts(s.description().name(), s.description().version()))
        .max(Comparator.comparing(s -> s.description().version()));
  }

  @Override
  public List<ModelStatus> models() {
    listings++;
    return statuses();
  }

  private List<ModelStatus> statuses() {
    return installed.stream()
        .map(
            m -> {
              boolean now = serving != null && m.version().equals(serving.version());
              ModelMetrics.Latency none = new ModelMetrics.Latency(0, 0, 0, 0, 0, 0, 0, "");
              return new ModelStatus(
                  m,
                  now ? ModelStatus.State.SERVING : ModelStatus.State.LOADING,
                  "",
                  now ? Optional.ofNullable(provenance) : Optional.empty(),
                  List.of(
                      new ModelStatus.Candidate(
                          "fp32", "cpu:cpu0", now, "", OptionalLong.empty(), OptionalLong.empty())),
                  new ModelMetrics(0, 0, Map.of(), 0, none, none));
            })
        .toList();
  }

  @Override
  public List<AcceleratorStatus> accelerators() {
    return List.of();
  }
}
