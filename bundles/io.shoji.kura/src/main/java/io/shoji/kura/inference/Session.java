/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.inference;

import io.shoji.inference.InferenceException;
import io.shoji.inference.ModelRef;
import io.shoji.inference.Pipeline;
import io.shoji.inference.PipelineService;
import io.shoji.inference.Prediction;
import io.shoji.inference.Provenance;
import io.shoji.inference.Sample;
import io.shoji.kura.inference.WireSettings.Steps;
import io.shoji.model.ModelDescription;
import io.shoji.model.PipelineDescription;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.eclipse.kura.type.TypedValue;
import org.eclipse.kura.wire.WireRecord;
import org.jspecify.annotations.Nullable;

/**
 * The records of a box through its model. Opens the package's pipeline when the first record comes,
 * keeps it while the settings and the services stay, and its windows with it. One thread at a time.
 */
final class Session {
  /** Pause between two looks for a service that is being exchanged. */
  private static final long EXCHANGE_PAUSE_NANOS = 10_000_000;

  private final Bound<PipelineService> pipelines;
  private final Bound<ModelCaller> callers;
  private @Nullable WireSettings settings;
  private @Nullable Pipeline pipeline;
  private @Nullable PipelineService opener;
  private List<Tensor> tensors = List.of();

  Session(Bound<PipelineService> pipelines, Bound<ModelCaller> callers) {
    this.pipelines = pipelines;
    this.callers = callers;
  }

  /**
   * Takes a record through.
   *
   * @return the properties of each answer, in the order of time: one, or, for a signal, none or
   *     several
   * @throws InferenceException any code; a signal's samples count as seen if its pipeline is open
   */
  List<Map<String, TypedValue<?>>> answer(
      WireSettings current, WireRecord record, long deadlineNanos) throws InferenceException {
    WireSettings before = settings;
    if (before == null || !current.asksTheSame(before)) {
      close();
    }
    settings = current;
    ModelRef ref = current.ref().orElseThrow(Session::noModel);
    while (true) {
      try {
        return answer(current, ref, record, deadlineNanos);
      } catch (InferenceException e) {
        if (e.code() != InferenceException.Code.SHUTTING_DOWN
            || deadlineNanos - System.nanoTime() <= EXCHANGE_PAUSE_NANOS
            || Thread.currentThread().isInterrupted()) {
          throw e;
        }
        // The engine or the pipelines are exchanged: what comes next has the same name.
        close();
        LockSupport.parkNanos(EXCHANGE_PAUSE_NANOS);
      }
    }
  }

  static InferenceException noModel() {
    return RecordInputs.invalid("the box names no model; fill in its model");
  }

  private List<Map<String, TypedValue<?>>> answer(
      WireSettings current, ModelRef ref, WireRecord record, long deadlineNanos)
      throws InferenceException {
    Optional<Pipeline> open = pipeline(current, ref, deadlineNanos);
    RecordInputs inputs = new RecordInputs(current, record);
    if (open.isEmpty()) {
      return List.of(bare(current, ref, inputs, deadlineNanos));
    }
    try {
      return process(current, open.get(), inputs, deadlineNanos);
    } catch (InferenceException e) {
      if (e.code() == InferenceException.Code.INVALID_INPUT
          && current.steps() == Steps.AUTO
          && hasLostItsSteps(ref)) {
        close();
        return List.of(bare(current, ref, inputs, deadlineNanos));
      }
      throw e;
    }
  }

  /** Whether a version took over that declares no pipeline. */
  private boolean hasLostItsSteps(ModelRef ref) {
    return callers
        .get()
        .flatMap(caller -> Serving.find(caller.inference(), ref))
        .filter(model -> model.pipeline().isEmpty())
        .isPresent();
  }

  /** The pipeline, unless the model is to be called without one. */
  private Optional<Pipeline> pipeline(WireSettings current, ModelRef ref, long deadlineNanos)
      throws InferenceException {
    Pipeline open = pipeline;
    if (open != null && pipelines.get().filter(service -> service.equals(opener)).isPresent()) {
      return Optional.of(open);
    }
    close();
    if (current.steps() == Steps.NONE
        || (current.steps() == Steps.AUTO
            && callers.await(deadlineNanos).model(ref, deadlineNanos).pipeline().isEmpty())) {
      return Optional.empty();
    }
    PipelineService service = pipelines.await(deadlineNanos);
    Pipeline fresh = service.open(ref, deadlineNanos);
    pipeline = fresh;
    opener = service;
    return Optional.of(fresh);
  }

  private List<Map<String, TypedValue<?>>> process(
      WireSettings current, Pipeline open, RecordInputs inputs, long deadlineNanos)
      throws InferenceException {
    PipelineDescription steps = open.model().pipeline().orElseThrow();
    Sample sample =
        switch (steps.source()) {
          case IMAGE -> inputs.picture();
          case SIGNAL -> signal(current, steps, inputs);
          case TENSORS -> tensors(current, open.model(), inputs);
        };
    List<Map<String, TypedValue<?>>> answers = new ArrayList<>();
    for (Prediction prediction : open.process(sample, deadlineNanos)) {
      check(current, prediction.provenance());
      answers.add(Results.of(current, open.model(), prediction));
    }
    return answers;
  }

  private static Sample signal(WireSettings current, PipelineDescription steps, RecordInputs inputs)
      throws InferenceException {
    if (steps.channels().size() > 1 && !current.inputs().unknown(steps.channels()).isEmpty()) {
      throw RecordInputs.invalid(
          "the box's inputs name a channel that the model does not have asked="
              + steps.channels()
              + " found="
              + current.inputs().unknown(steps.channels()));
    }
    return inputs.signal(steps.channels());
  }

  private Sample tensors(WireSettings current, ModelDescription model, RecordInputs inputs)
      throws InferenceException {
    RecordTensors feed = new RecordTensors(current, inputs);
    List<Shape> shapes = feed.shapes(model);
    List<Tensor> reused = new ArrayList<>(shapes.size());
    for (int i = 0; i < shapes.size(); i++) {
      Tensor before = i < tensors.size() ? tensors.get(i) : null;
      boolean fits =
          before != null
              && before.type() == model.inputs().get(i).type()
              && before.shape().equals(shapes.get(i));
      Tensor tensor =
          fits && before != null
              ? before
              : Tensor.allocate(model.inputs().get(i).type(), shapes.get(i));
      feed.write(model, i, tensor);
      reused.add(tensor);
    }
    tensors = reused;
    return new Sample.Tensors(reused);
  }

  private Map<String, TypedValue<?>> bare(
      WireSettings current, ModelRef ref, RecordInputs inputs, long deadlineNanos)
      throws InferenceException {
    long start = System.nanoTime();
    return callers
        .await(deadlineNanos)
        .call(
            ref,
            new RecordTensors(current, inputs),
            (model, outputs, borrowed, provenance) -> {
              check(current, provenance);
              return Results.of(current, model, outputs, provenance, System.nanoTime() - start);
            },
            deadlineNanos);
  }

  private static void check(WireSettings current, Provenance answer) throws InferenceException {
    if (!current.takes(answer.accelerator(), answer.device())) {
      throw new InferenceException(
          InferenceException.Code.NO_ACCELERATOR,
          "another accelerator answered than the box takes asked="
              + current.accelerators()
              + " found="
              + answer.accelerator()
              + ":"
              + answer.device()
              + " model="
              + answer.model());
    }
  }

  /** Whether the order of records matters, as for a signal. */
  boolean keepsWindows() {
    Pipeline open = pipeline;
    return open != null
        && open.model()
            .pipeline()
            .filter(steps -> steps.source() == PipelineDescription.Source.SIGNAL)
            .isPresent();
  }

  /** Empties windows, as after a piece of a signal that was lost. */
  void reset() {
    Pipeline open = pipeline;
    if (open != null) {
      open.reset();
    }
  }

  /** Lets go of the pipeline; the next record opens it again. Idempotent. */
  void close() {
    Pipeline open = pipeline;
    pipeline = null;
    opener = null;
    tensors = List.of();
    if (open != null) {
      open.close();
    }
  }
}
