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

import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.inference.Pipeline;
import io.shoji.inference.Prediction;
import io.shoji.inference.PreparedInference;
import io.shoji.inference.Provenance;
import io.shoji.inference.Sample;
import io.shoji.model.ModelDescription;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A stream of samples through the steps of whatever version of a model serves.
 *
 * <p>Which version that is shows only in its answer: asking before each run would be slower, and
 * the answer could still come from another one. So each answer of a generation not seen before is
 * checked; if it came from another package than the one whose steps made the input, it is thrown
 * away, and the sample goes through the other package's steps.
 */
final class ModelPipeline implements Pipeline {
  private static final Logger LOG = LoggerFactory.getLogger(ModelPipeline.class);

  /** Changes of version within one call after which it gives up. */
  private static final int MAX_CHANGES = 4;

  /** Pause between two looks for a package that is being exchanged. */
  private static final long EXCHANGE_PAUSE_NANOS = 10_000_000;

  /** Copies of outputs that are kept for calls that lead to several predictions. */
  private static final int MAX_KEPT_COPIES = 16;

  private final InferenceService inference;
  private final ModelRef ref;
  private final BooleanSupplier stopping;
  private final List<List<Tensor>> copies = new ArrayList<>();
  private Plan plan;
  private ModelCall call;
  private @Nullable Provenance known;
  private boolean closed;

  private ModelPipeline(
      InferenceService inference,
      ModelRef ref,
      BooleanSupplier stopping,
      Plan plan,
      ModelCall call) {
    this.inference = inference;
    this.ref = ref;
    this.stopping = stopping;
    this.plan = plan;
    this.call = call;
  }

  /**
   * Opens the pipeline of a model, waiting for one that is being loaded.
   *
   * @param stopping whether the service that opened it has ended
   * @throws InferenceException as {@link io.shoji.inference.PipelineService#open}
   */
  static ModelPipeline open(
      InferenceService inference, ModelRef ref, long deadlineNanos, BooleanSupplier stopping)
      throws InferenceException {
    do {
      Optional<ModelDescription> serving = serving(inference, ref);
      if (serving.isEmpty()) {
        await(inference, ref, deadlineNanos);
        serving = serving(inference, ref);
      }
      if (serving.isPresent()) {
        Plan plan = PlanCompiler.compile(serving.get());
        Optional<ModelCall> call = prepare(inference, ref, plan, deadlineNanos);
        if (call.isPresent()) {
          return new ModelPipeline(inference, ref, stopping, plan, call.get());
        }
      }
      // The engine answers while a package is being exchanged, but nobody has its steps then.
      LockSupport.parkNanos(EXCHANGE_PAUSE_NANOS);
    } while (deadlineNanos - System.nanoTime() > 0 && !Thread.currentThread().isInterrupted());
    throw new InferenceException(
        InferenceException.Code.NOT_READY,
        "the model's package is being exchanged; try again model=" + ref);
  }

  /** What the version that answers says of itself. */
  private static Optional<ModelDescription> serving(InferenceService inference, ModelRef ref) {
    // An operator's policy may prefer another version to the highest.
    Optional<ModelDescription> asked =
        inference
            .model(ref)
            .filter(
                status -> status.serving().filter(s -> made(status.description(), s)).isPresent())
            .map(ModelStatus::description);
    if (asked.isPresent()) {
      return asked;
    }
    return inference.models().stream()
        .filter(status -> ref.accepts(status.description().name(), status.description().version()))
        .filter(status -> status.serving().filter(s -> made(status.description(), s)).isPresent())
        .map(ModelStatus::description)
        .max(Comparator.comparing(ModelDescription::version));
  }

  /**
   * Whether a package's model is the one that answered. While a package is replaced by another one
   * of the same version, the engine lists the new one and answers from the old one; the digest of
   * its contents tells them apart.
   */
  private static boolean made(ModelDescription model, Provenance answer) {
    return model.name().equals(answer.model()) && model.sha256().equals(answer.packageSha256());
  }

  private static void await(InferenceService inference, ModelRef ref, long deadlineNanos)
      throws InferenceException {
    try {
      inference.prepare(ref, 1, deadlineNanos).close();
    } catch (InferenceException e) {
      if (e.code() != InferenceException.Code.INVALID_INPUT) {
        throw e;
      }
      // Loaded, but of a kind that cannot be prepared: the pipeline will not try to.
      LOG.debug("model is ready but cannot be prepared model={}", ref, e);
    }
  }

  /**
   * Prepares calls for a plan.
   *
   * @return empty if another version took over meanwhile, so that the tensors do not fit the plan
   */
  private static Optional<ModelCall> prepare(
      InferenceService inference, ModelRef ref, Plan plan, long deadlineNanos)
      throws InferenceException {
    List<TensorSpec> inputs = plan.model().inputs();
    if (plan.batchOnly()) {
      try {
        PreparedInference prepared = inference.prepare(ref, 1, deadlineNanos);
        if (fits(prepared, plan.model())) {
          return Optional.of(new PreparedCall(prepared));
        }
        prepared.close();
        return Optional.empty();
      } catch (InferenceException e) {
        if (e.code() != InferenceException.Code.INVALID_INPUT) {
          throw e;
        }
        LOG.debug("outputs depend on the data, calls are not prepared model={}", ref, e);
      }
    }
    return Optional.of(new UnpreparedCall(inference, ref, inputs.get(0).type()));
  }

  private static boolean fits(PreparedInference prepared, ModelDescription model) {
    return fit(prepared.inputs(), model.inputs()) && fit(prepared.outputs(), model.outputs());
  }

  private static boolean fit(List<Tensor> tensors, List<TensorSpec> specs) {
    boolean fits = tensors.size() == specs.size();
    for (int i = 0; fits && i < specs.size(); i++) {
      fits = specs.get(i).mismatch(tensors.get(i)).isEmpty();
    }
    return fits;
  }

  @Override
  public ModelDescription model() {
    return plan.model();
  }

  @Override
  public List<Prediction> process(Sample sample, long deadlineNanos) throws InferenceException {
    if (closed) {
      throw new IllegalStateException("the pipeline is closed model=" + ref);
    }
    if (stopping.getAsBoolean()) {
      throw new InferenceException(
          InferenceException.Code.SHUTTING_DOWN,
          "the pipeline service has stopped; open the pipeline again when it is back model=" + ref);
    }
    long start = System.nanoTime();
    plan.source().offer(sample, 0);
    try {
      return predict(sample, start, deadlineNanos);
    } finally {
      plan.source().finish();
    }
  }

  private List<Prediction> predict(Sample sample, long begin, long deadlineNanos)
      throws InferenceException {
    List<Prediction> predictions = new ArrayList<>(1);
    long start = begin;
    int answered = 0;
    int changes = 0;
    while (plan.source().next(call)) {
      long ready = System.nanoTime();
      Provenance provenance = run(sample, answered, deadlineNanos);
      long done = System.nanoTime();
      if (provenance != null) {
        List<Tensor> outputs = plan.source().hasNext() ? copy(predictions.size()) : call.outputs();
        predictions.add(plan.predict(call, outputs, provenance, ready - start, done - ready, done));
        answered = plan.source().position();
      } else if (++changes > MAX_CHANGES) {
        throw new InferenceException(
            InferenceException.Code.NOT_READY,
            "the model changes its versions faster than a sample can be answered; try again model="
                + ref
                + " changes="
                + changes);
      }
      start = System.nanoTime();
    }
    return List.copyOf(predictions);
  }

  /**
   * Runs the model on the input that was made last.
   *
   * @param answered values of the piece of a signal that predictions were made of already
   * @return the generation that answered; null if it was another package, or one that takes other
   *     shapes: then the steps are that one's from here on, and have been offered the sample
   */
  private @Nullable Provenance run(Sample sample, int answered, long deadlineNanos)
      throws InferenceException {
    Provenance provenance = null;
    Optional<ModelDescription> other;
    try {
      provenance = call.run(deadlineNanos);
      other = stepsOfOther(provenance);
    } catch (InferenceException e) {
      // This is also how a prepared call says that a new version takes other shapes.
      other =
          e.code() == InferenceException.Code.INVALID_INPUT
              ? serving(inference, ref).filter(model -> !plan.isOf(model))
              : Optional.empty();
      if (other.isEmpty()) {
        throw e;
      }
    }
    if (other.isEmpty()) {
      return provenance;
    }
    change(other.get(), deadlineNanos);
    plan.source().offer(sample, answered);
    return null;
  }

  /**
   * The package that answered, if it is not the one whose steps made the input.
   *
   * @throws InferenceException NOT_READY if the package that answered has gone
   */
  private Optional<ModelDescription> stepsOfOther(Provenance provenance) throws InferenceException {
    Provenance before = known;
    if (before != null && before.generation() == provenance.generation()) {
      return Optional.empty();
    }
    for (ModelStatus status : inference.models()) {
      ModelDescription model = status.description();
      if (made(model, provenance)) {
        if (plan.isOf(model)) {
          known = provenance;
          return Optional.empty();
        }
        return Optional.of(model);
      }
    }
    // Its package was removed or replaced a moment ago; what was loaded of it may still answer.
    if (!made(plan.model(), provenance)) {
      throw new InferenceException(
          InferenceException.Code.NOT_READY,
          "the version that answered has gone, and so have its steps; try again asked="
              + plan.model()
              + " found="
              + provenance.model()
              + " "
              + provenance.modelVersion());
    }
    return Optional.empty();
  }

  /** Goes over to the steps of another package; if that fails all stays as it was. */
  private void change(ModelDescription model, long deadlineNanos) throws InferenceException {
    Plan next = PlanCompiler.compile(model);
    Optional<ModelCall> nextCall = prepare(inference, ref, next, deadlineNanos);
    if (nextCall.isEmpty()) {
      throw new InferenceException(
          InferenceException.Code.NOT_READY,
          "another version of the model took over while its steps were made ready; try again model="
              + model);
    }
    LOG.info("pipeline goes over to another version from={} to={}", plan.model(), model);
    plan.source().finish();
    call.close();
    copies.clear();
    plan = next;
    call = nextCall.get();
    known = null;
  }

  /** The outputs of the last run, kept from being overwritten by the next one of this sample. */
  private List<Tensor> copy(int index) {
    List<Tensor> outputs = call.outputs();
    if (!call.overwritesOutputs()) {
      return outputs;
    }
    List<Tensor> copy;
    if (index < copies.size()) {
      copy = copies.get(index);
    } else {
      List<Tensor> fresh = new ArrayList<>(outputs.size());
      for (Tensor output : outputs) {
        fresh.add(Tensor.allocate(output.type(), output.shape()));
      }
      copy = List.copyOf(fresh);
      if (index < MAX_KEPT_COPIES) {
        copies.add(copy);
      }
    }
    for (int i = 0; i < outputs.size(); i++) {
      copy.get(i).copyFrom(outputs.get(i));
    }
    return copy;
  }

  @Override
  public void reset() {
    plan.reset();
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      copies.clear();
      call.close();
    }
  }
}
