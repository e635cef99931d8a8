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
import io.shoji.inference.InferenceResult;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.inference.PreparedInference;
import io.shoji.inference.Provenance;
import io.shoji.model.ModelDescription;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Calls models with inputs that are written for the package that serves, and reads their outputs
 * with its names. Thread safe; each call runs on its caller's thread.
 *
 * <p>Where only the batch of a model is dynamic, calls are prepared and kept for the next caller,
 * so that values go straight into the memory that the accelerator reads. Else the inputs lie in
 * buffers that are used again, and the outputs are new.
 *
 * <p>Which version answers shows only in its answer. If it is not the one that the inputs were
 * written for, the answer is thrown away and the inputs are written anew.
 */
final class ModelCaller {
  private static final Logger LOG = LoggerFactory.getLogger(ModelCaller.class);

  /** Changes of version within one call after which it gives up. */
  private static final int MAX_CHANGES = 4;

  /** Models whose package is remembered. */
  private static final int MAX_KNOWN = 64;

  /** What writes the inputs of a call; may be asked more than once. */
  interface Feed {
    /**
     * The shape of each input, in the model's order.
     *
     * @throws InferenceException INVALID_INPUT if there is none that fits
     */
    List<Shape> shapes(ModelDescription model) throws InferenceException;

    /**
     * Writes an input whole.
     *
     * @param target of the type that the model asks for and the shape that {@link #shapes} said
     * @throws InferenceException INVALID_INPUT if a value does not fit
     */
    void write(ModelDescription model, int index, Tensor target) throws InferenceException;
  }

  /**
   * What reads the outputs of a call.
   *
   * @param <T> what it makes of them
   */
  interface Reader<T> {
    /**
     * Reads.
     *
     * @param outputs in the model's order
     * @param borrowed whether the outputs are overwritten later; if not, they are the reader's
     */
    T read(ModelDescription model, List<Tensor> outputs, boolean borrowed, Provenance provenance)
        throws InferenceException;
  }

  /** A package, and the generation that was seen to be of it. */
  private record Known(ModelDescription model, long generation, boolean preparable) {}

  private final InferenceService inference;
  private final PreparedCalls calls;
  private final DirectBuffers buffers;
  // By access, so that the oldest can go.
  private final Map<ModelRef, Known> known = new LinkedHashMap<>(16, 0.75f, true);

  /**
   * @param preparedCalls most prepared calls that are kept
   * @param bufferBytes most bytes of buffers that are kept
   */
  ModelCaller(InferenceService inference, int preparedCalls, long bufferBytes) {
    this.inference = inference;
    this.calls = new PreparedCalls(preparedCalls);
    this.buffers = new DirectBuffers(bufferBytes);
  }

  /** What it calls. */
  InferenceService inference() {
    return inference;
  }

  /** Lets go of what is kept. Calls that run go on. */
  void close() {
    calls.close();
  }

  /**
   * Calls a model once.
   *
   * @throws InferenceException any code of the engine, and whatever feed and reader throw
   */
  <T> T call(ModelRef ref, Feed feed, Reader<T> reader, long deadlineNanos)
      throws InferenceException {
    for (int change = 0; change < MAX_CHANGES; change++) {
      Known serving = serving(ref, deadlineNanos);
      List<Shape> shapes;
      try {
        shapes = feed.shapes(serving.model);
      } catch (InferenceException e) {
        if (changed(ref, serving)) {
          continue;
        }
        throw e;
      }
      Optional<T> answer;
      try {
        long batch = serving.preparable ? batch(serving.model, shapes) : 0;
        answer =
            batch > 0
                ? prepared(ref, serving, batch, feed, reader, deadlineNanos)
                : unprepared(ref, serving, shapes, feed, reader, deadlineNanos);
      } catch (InferenceException e) {
        if (e.code() == InferenceException.Code.UNKNOWN_MODEL) {
          forget(ref);
          throw e;
        }
        // This is also how the engine says that a new version takes other inputs.
        if (e.code() == InferenceException.Code.INVALID_INPUT && changed(ref, serving)) {
          continue;
        }
        throw e;
      }
      if (answer.isPresent()) {
        return answer.get();
      }
    }
    throw new InferenceException(
        InferenceException.Code.NOT_READY,
        "the model changes its versions faster than a request can be answered; try again model="
            + ref);
  }

  /** The package that serves, as far as is known. */
  ModelDescription model(ModelRef ref, long deadlineNanos) throws InferenceException {
    return serving(ref, deadlineNanos).model;
  }

  private Known serving(ModelRef ref, long deadlineNanos) throws InferenceException {
    synchronized (known) {
      Known found = known.get(ref);
      if (found != null) {
        return found;
      }
    }
    ModelDescription model = Serving.await(inference, ref, deadlineNanos);
    return remember(ref, new Known(model, 0, batchOnly(model)));
  }

  private Known remember(ModelRef ref, Known serving) {
    synchronized (known) {
      known.put(ref, serving);
      if (known.size() > MAX_KNOWN) {
        known.remove(known.keySet().iterator().next());
      }
    }
    return serving;
  }

  private void forget(ModelRef ref) {
    synchronized (known) {
      known.remove(ref);
    }
    calls.drop(ref);
  }

  /** Whether another package serves than the one that was thought to; it is known then. */
  private boolean changed(ModelRef ref, Known before) {
    Optional<ModelDescription> now = Serving.find(inference, ref);
    if (now.isEmpty() || now.get().sha256().equals(before.model.sha256())) {
      return false;
    }
    LOG.debug("another version serves model={} now={}", ref, now.get());
    calls.drop(ref);
    remember(ref, new Known(now.get(), 0, batchOnly(now.get())));
    return true;
  }

  /**
   * Whether an answer came from the package that the inputs were written for; if not, what is known
   * is set right.
   */
  private boolean isAnswerOf(ModelRef ref, Known serving, Provenance answer)
      throws InferenceException {
    if (serving.generation == answer.generation()) {
      return true;
    }
    if (Serving.made(serving.model, answer)) {
      remember(ref, new Known(serving.model, answer.generation(), serving.preparable));
      return true;
    }
    Optional<ModelDescription> other = Serving.of(inference, answer);
    calls.drop(ref);
    if (other.isEmpty()) {
      forget(ref);
      throw new InferenceException(
          InferenceException.Code.NOT_READY,
          "the version that answered has gone, and so have the names of its inputs; try again asked="
              + serving.model
              + " found="
              + answer.model()
              + " "
              + answer.modelVersion());
    }
    remember(ref, new Known(other.get(), answer.generation(), batchOnly(other.get())));
    return false;
  }

  private static boolean batchOnly(ModelDescription model) {
    return batchOnly(model.inputs()) && batchOnly(model.outputs());
  }

  private static boolean batchOnly(List<TensorSpec> specs) {
    for (TensorSpec spec : specs) {
      for (int axis = 1; axis < spec.shape().rank(); axis++) {
        if (spec.shape().dim(axis) == Shape.DYNAMIC) {
          return false;
        }
      }
    }
    return true;
  }

  /** The size of every dynamic dimension, 1 if there is none; 0 if they differ. */
  private static long batch(ModelDescription model, List<Shape> shapes) {
    long batch = 0;
    for (int i = 0; i < shapes.size(); i++) {
      if (model.inputs().get(i).shape().isDynamic()) {
        long size = shapes.get(i).dim(0);
        if (batch != 0 && batch != size) {
          return 0;
        }
        batch = size;
      }
    }
    return Math.max(1, batch);
  }

  private <T> Optional<T> prepared(
      ModelRef ref, Known serving, long batch, Feed feed, Reader<T> reader, long deadlineNanos)
      throws InferenceException {
    PreparedCalls.Call call = calls.take(ref, serving.model, batch);
    if (call == null) {
      PreparedInference prepared = prepare(ref, serving, batch, deadlineNanos);
      if (prepared == null) {
        List<Shape> shapes = feed.shapes(serving.model);
        return unprepared(ref, serving, shapes, feed, reader, deadlineNanos);
      }
      if (!fits(prepared, serving.model)) {
        // Another version took over in this moment.
        prepared.close();
        forget(ref);
        return Optional.empty();
      }
      call = new PreparedCalls.Call(ref, serving.model, batch, prepared);
    }
    boolean usable = true;
    try {
      List<Tensor> inputs = call.prepared().inputs();
      for (int i = 0; i < inputs.size(); i++) {
        feed.write(serving.model, i, inputs.get(i));
      }
      usable = false;
      Provenance provenance = call.prepared().run(deadlineNanos);
      if (!isAnswerOf(ref, serving, provenance)) {
        return Optional.empty();
      }
      usable = true;
      return Optional.of(reader.read(serving.model, call.prepared().outputs(), true, provenance));
    } finally {
      if (usable) {
        calls.give(call);
      } else {
        call.prepared().close();
      }
    }
  }

  /** A new preparation; null if the model cannot be prepared, which is remembered. */
  private @Nullable PreparedInference prepare(
      ModelRef ref, Known serving, long batch, long deadlineNanos) throws InferenceException {
    try {
      return inference.prepare(ref, batch, deadlineNanos);
    } catch (InferenceException e) {
      if (e.code() != InferenceException.Code.INVALID_INPUT) {
        throw e;
      }
      LOG.debug("calls cannot be prepared model={} batch={}", ref, batch, e);
      remember(ref, new Known(serving.model, serving.generation, false));
      return null;
    }
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

  private <T> Optional<T> unprepared(
      ModelRef ref,
      Known serving,
      List<Shape> shapes,
      Feed feed,
      Reader<T> reader,
      long deadlineNanos)
      throws InferenceException {
    List<ByteBuffer> taken = new ArrayList<>(shapes.size());
    InferenceResult result;
    // Not after a failed run: what was given up may still be read by the accelerator.
    boolean idle = true;
    try {
      List<Tensor> inputs = new ArrayList<>(shapes.size());
      for (int i = 0; i < shapes.size(); i++) {
        TensorSpec spec = serving.model.inputs().get(i);
        ByteBuffer buffer = take(spec, shapes.get(i));
        taken.add(buffer);
        Tensor input = DirectBuffers.tensor(spec.type(), shapes.get(i), buffer);
        feed.write(serving.model, i, input);
        inputs.add(input);
      }
      idle = false;
      result = inference.infer(ref, inputs, deadlineNanos);
      idle = true;
    } finally {
      if (idle) {
        taken.forEach(buffers::give);
      }
    }
    if (!isAnswerOf(ref, serving, result.provenance())) {
      return Optional.empty();
    }
    return Optional.of(reader.read(serving.model, result.outputs(), false, result.provenance()));
  }

  private ByteBuffer take(TensorSpec spec, Shape shape) throws InferenceException {
    long bytes = spec.type().bytes(shape.elementCount());
    try {
      return buffers.take(Math.toIntExact(bytes));
    } catch (ArithmeticException | IllegalArgumentException | OutOfMemoryError e) {
      throw Shapes.refused(spec, "needs more memory than there is", bytes + " bytes", e);
    }
  }
}
