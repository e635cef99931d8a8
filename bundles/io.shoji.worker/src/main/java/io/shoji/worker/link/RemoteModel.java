/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.link;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.MemoryUse;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A model in a worker, in the gateway. Runs without a binding of the caller's are made on bindings
 * of its own, which it keeps for the next ones of the same shapes.
 */
final class RemoteModel implements LoadedModel {
  private static final Logger LOG = LoggerFactory.getLogger(RemoteModel.class);

  /** Own bindings that wait for their next run, at most; and no fewer than the concurrency. */
  private static final int IDLE = 4;

  /** Room for outputs whose size is not known yet, at most, bytes. */
  private static final long FIRST_AREA = 1 << 20;

  private final LinkClient link;
  private final ModelArtifact artifact;
  private final int number;
  private final List<TensorSpec> inputs;
  private final List<TensorSpec> outputs;
  private final int concurrency;
  private final int idleMost;

  private volatile MemoryUse memory;
  private volatile Map<String, String> details;

  /** What the outputs of a run without binding took at most, bytes. */
  private volatile long outputBytes;

  /** Guards what follows; never held while anything is asked. */
  private final Object lock = new Object();

  /** Held for the whole of {@link #close}, so that a second one returns when all is gone. */
  private final Object closing = new Object();

  private final Set<RemoteBinding> bindings = new HashSet<>();
  private final Set<SharedBuffers> buffers = new HashSet<>();
  private final ArrayDeque<RemoteBinding> idle = new ArrayDeque<>();
  private boolean closed;

  RemoteModel(LinkClient link, ModelArtifact artifact, Message.Loaded loaded) {
    this.link = link;
    this.artifact = artifact;
    this.number = loaded.model();
    this.inputs = List.copyOf(loaded.inputs());
    this.outputs = List.copyOf(loaded.outputs());
    this.concurrency = Math.max(1, loaded.concurrency());
    this.idleMost = Math.max(IDLE, Math.min(concurrency, link.options().lanes()));
    this.memory = loaded.memory();
    this.details = Map.copyOf(loaded.details());
  }

  LinkClient link() {
    return link;
  }

  int number() {
    return number;
  }

  /** Name, version and variant, for messages. */
  String name() {
    return artifact.toString();
  }

  String sha256() {
    return artifact.sha256();
  }

  /** Has the owner of the link look at inputs. */
  void check(List<Tensor> given) throws AcceleratorException {
    InputCheck check = link.options().inputCheck();
    if (check != InputCheck.NONE) {
      check.check(artifact, given);
    }
  }

  /** Outputs of a run without binding took so much. */
  void outputsTook(long bytes) {
    outputBytes = Math.max(outputBytes, bytes);
  }

  @Override
  public List<TensorSpec> inputs() {
    return inputs;
  }

  @Override
  public List<TensorSpec> outputs() {
    return outputs;
  }

  @Override
  public int concurrency() {
    return concurrency;
  }

  @Override
  public Binding bind(List<Tensor> givenInputs, List<Tensor> givenOutputs)
      throws AcceleratorException {
    check("input", inputs, givenInputs);
    check("output", outputs, givenOutputs);
    SharedBuffers shared = shared(givenInputs, givenOutputs);
    // Whoever prepares calls may be about to run one: what takes longer than a run's margin hangs.
    long deadlineNanos = System.nanoTime();
    return keep(
        shared == null
            ? RemoteBinding.bound(this, givenInputs, givenOutputs, true, deadlineNanos)
            : RemoteBinding.on(this, shared, deadlineNanos));
  }

  private @Nullable SharedBuffers shared(List<Tensor> givenInputs, List<Tensor> givenOutputs) {
    synchronized (lock) {
      checkOpen();
      for (SharedBuffers candidate : buffers) {
        if (candidate.are(givenInputs, givenOutputs)) {
          return candidate;
        }
      }
    }
    return null;
  }

  private void checkOpen() {
    if (closed) {
      throw new IllegalStateException("the model is closed " + artifact);
    }
  }

  /** Takes note of a binding, if the model was not closed meanwhile. */
  private RemoteBinding keep(RemoteBinding binding) {
    synchronized (lock) {
      if (!closed) {
        bindings.add(binding);
        return binding;
      }
    }
    binding.close();
    throw new IllegalStateException("the model is closed " + artifact);
  }

  @Override
  public Buffers buffers(List<Shape> inputShapes, List<Shape> outputShapes)
      throws AcceleratorException {
    checkShapes("input", inputs, inputShapes);
    checkShapes("output", outputs, outputShapes);
    SharedBuffers made = SharedBuffers.create(this, inputShapes, outputShapes);
    synchronized (lock) {
      if (!closed) {
        buffers.add(made);
        return made;
      }
    }
    made.close();
    throw new IllegalStateException("the model is closed " + artifact);
  }

  void forget(SharedBuffers gone) {
    synchronized (lock) {
      buffers.remove(gone);
    }
  }

  @Override
  public void run(List<Tensor> givenInputs, List<Tensor> givenOutputs, long deadlineNanos)
      throws AcceleratorException {
    check("input", inputs, givenInputs);
    check("output", outputs, givenOutputs);
    RemoteBinding binding = take(givenInputs, givenOutputs, deadlineNanos);
    try {
      binding.run(givenInputs, givenOutputs, deadlineNanos);
    } finally {
      give(binding);
    }
  }

  @Override
  public List<Tensor> run(List<Tensor> givenInputs, long deadlineNanos)
      throws AcceleratorException {
    check("input", inputs, givenInputs);
    RemoteBinding binding = take(givenInputs, null, deadlineNanos);
    try {
      return binding.runIntoNew(givenInputs, deadlineNanos);
    } finally {
      give(binding);
    }
  }

  /** A binding of the model's own for tensors of these shapes. */
  private RemoteBinding take(
      List<Tensor> givenInputs, @Nullable List<Tensor> givenOutputs, long deadlineNanos)
      throws AcceleratorException {
    RemoteBinding old = null;
    synchronized (lock) {
      checkOpen();
      for (Iterator<RemoteBinding> candidates = idle.iterator(); candidates.hasNext(); ) {
        RemoteBinding candidate = candidates.next();
        if (candidate.takes(givenInputs, givenOutputs)) {
          candidates.remove();
          return candidate;
        }
      }
      if (idle.size() >= idleMost) {
        old = idle.pollLast();
      }
    }
    if (old != null) {
      old.close();
    }
    return keep(
        givenOutputs == null
            ? RemoteBinding.open(this, givenInputs, firstArea(givenInputs), deadlineNanos)
            : RemoteBinding.bound(this, givenInputs, givenOutputs, false, deadlineNanos));
  }

  /** Room for the outputs: as much as they took before, else what their shapes let expect. */
  private long firstArea(List<Tensor> givenInputs) {
    long batch = givenInputs.get(0).shape().rank() == 0 ? 1 : givenInputs.get(0).shape().dim(0);
    long expected = 0;
    try {
      for (TensorSpec output : outputs) {
        Shape shape = output.shape().withDynamicAs(Math.max(1, batch));
        expected =
            Math.addExact(expected, Slice.aligned(output.type().bytes(shape.elementCount())));
      }
    } catch (ArithmeticException | IllegalArgumentException e) {
      expected = FIRST_AREA;
    }
    return Math.max(outputBytes, Math.min(expected, FIRST_AREA));
  }

  private void give(RemoteBinding binding) {
    RemoteBinding surplus = null;
    synchronized (lock) {
      if (closed) {
        return;
      }
      idle.addFirst(binding);
      if (idle.size() > idleMost) {
        surplus = idle.pollLast();
      }
    }
    if (surplus != null) {
      surplus.close();
    }
  }

  /** A binding has ended: the worker is to close its side. */
  void unbind(RemoteBinding binding) {
    synchronized (lock) {
      bindings.remove(binding);
    }
    ask(new Message.Unbind(link.number(), binding.number()));
    binding.release();
  }

  /** Asks for something to be closed; a worker that is gone has nothing left to close. */
  private void ask(Message.Request request) {
    if (link.isLost()) {
      return;
    }
    try {
      Message.Answer unused = link.request(request, this);
    } catch (AcceleratorException | RuntimeException e) {
      if (!link.isLost()) {
        LOG.warn("the worker could not {} {} reason={}", request.label(), artifact, e.toString());
      }
    }
  }

  private void describe() {
    synchronized (lock) {
      if (closed) {
        return;
      }
    }
    if (link.isLost()) {
      return;
    }
    try {
      Message.Answer answer = link.request(new Message.Describe(link.number(), number), this);
      if (answer instanceof Message.ModelIs is) {
        memory = is.memory();
        details = Map.copyOf(is.details());
      }
    } catch (AcceleratorException | RuntimeException e) {
      LOG.debug("the worker could not describe {} reason={}", artifact, e.toString());
    }
  }

  @Override
  public MemoryUse memory() {
    describe();
    return memory;
  }

  @Override
  public Map<String, String> details() {
    describe();
    return details;
  }

  @Override
  public void close() {
    synchronized (closing) {
      List<RemoteBinding> left;
      List<SharedBuffers> shared;
      synchronized (lock) {
        if (closed) {
          return;
        }
        closed = true;
        left = new ArrayList<>(bindings);
        shared = new ArrayList<>(buffers);
        bindings.clear();
        idle.clear();
      }
      left.forEach(RemoteBinding::end);
      ask(new Message.Close(link.number(), number));
      left.forEach(RemoteBinding::release);
      shared.forEach(SharedBuffers::close);
    }
  }

  private static void check(String kind, List<TensorSpec> specs, List<Tensor> tensors) {
    if (specs.size() != tensors.size()) {
      throw new IllegalArgumentException(
          "the model takes another number of " + kind + "s asked=" + specs + " found=" + tensors);
    }
    for (int i = 0; i < specs.size(); i++) {
      Optional<String> mismatch = specs.get(i).mismatch(tensors.get(i));
      if (mismatch.isPresent()) {
        throw new IllegalArgumentException(kind + " " + mismatch.get());
      }
    }
  }

  private static void checkShapes(String kind, List<TensorSpec> specs, List<Shape> shapes) {
    if (specs.size() != shapes.size()) {
      throw new IllegalArgumentException(
          "the model takes another number of " + kind + "s asked=" + specs + " found=" + shapes);
    }
    for (int i = 0; i < specs.size(); i++) {
      if (!specs.get(i).shape().accepts(shapes.get(i))) {
        throw new IllegalArgumentException(
            kind
                + " has the wrong shape name="
                + specs.get(i).name()
                + " asked="
                + specs.get(i).shape()
                + " found="
                + shapes.get(i));
      }
    }
  }

  @Override
  public String toString() {
    return artifact + " in worker pid=" + link.workerPid();
  }
}
