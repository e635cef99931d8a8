/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.accelerator;

import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** A model behind its borders, see {@link ModelAdaptation}. */
final class AdaptedModel implements LoadedModel {
  private final LoadedModel model;
  private final List<TensorBorder> inputs;
  private final List<TensorBorder> outputs;

  /** Whether the model is run once per sample. */
  private final boolean perSample;

  /** Shapes of the model's outputs, where nothing but the batch decides; else empty. */
  private final List<Shape> modelOutputShapes;

  /** Passages of calls without binding, to be used again. */
  private final ArrayBlockingQueue<Passage> idle;

  /** Those that are open. */
  private final Set<AdaptedBuffers> buffers = ConcurrentHashMap.newKeySet();

  private volatile boolean closed;

  AdaptedModel(
      LoadedModel model, List<TensorBorder> inputs, List<TensorBorder> outputs, boolean perSample) {
    this.model = model;
    this.inputs = List.copyOf(inputs);
    this.outputs = List.copyOf(outputs);
    this.perSample = perSample;
    List<Shape> shapes = outputs.stream().map(o -> o.outward().from().shape()).toList();
    this.modelOutputShapes =
        perSample
            ? shapes.stream().map(s -> s.withDynamicAs(1)).toList()
            : shapes.stream().anyMatch(Shape::isDynamic) ? List.of() : shapes;
    this.idle = new ArrayBlockingQueue<>(Math.max(1, model.concurrency()));
  }

  /** Tensors of the model's own, and the way to and from them. One thread at a time. */
  private final class Passage implements AutoCloseable {
    private final List<Tensor> modelInputs;
    private final List<Tensor> modelOutputs;
    private final @Nullable Binding binding;

    /** What the tensors are of, if they are the passage's own. */
    private final @Nullable Buffers memory;

    Passage(List<Tensor> modelInputs, List<Tensor> modelOutputs) throws AcceleratorException {
      this.modelInputs = modelInputs;
      this.modelOutputs = modelOutputs;
      this.binding = modelOutputs.isEmpty() ? null : model.bind(modelInputs, modelOutputs);
      this.memory = null;
    }

    /** One on memory of the model's, which it closes in the end. */
    Passage(Buffers memory) throws AcceleratorException {
      this.modelInputs = memory.inputs();
      this.modelOutputs = memory.outputs();
      this.memory = memory;
      boolean bound = false;
      try {
        this.binding = model.bind(modelInputs, modelOutputs);
        bound = true;
      } finally {
        if (!bound) {
          memory.close();
        }
      }
    }

    /** Whether inputs of a caller go through. */
    boolean takes(List<Tensor> given) {
      for (int i = 0; i < modelInputs.size(); i++) {
        if (!inputs
            .get(i)
            .modelShape(given.get(i).shape(), perSample)
            .equals(modelInputs.get(i).shape())) {
          return false;
        }
      }
      return true;
    }

    private void enter(List<Tensor> given, int sample) {
      for (int i = 0; i < modelInputs.size(); i++) {
        Tensor target = modelInputs.get(i);
        if (perSample) {
          inputs.get(i).inward().convert(given.get(i), sample, target, 0, 1);
        } else if (target != given.get(i)) {
          inputs.get(i).inward().convert(given.get(i), target);
        }
      }
    }

    private void leave(List<Tensor> results, int sample) {
      for (int i = 0; i < modelOutputs.size(); i++) {
        Tensor source = modelOutputs.get(i);
        if (perSample) {
          outputs.get(i).outward().convert(source, 0, results.get(i), sample, 1);
        } else if (source != results.get(i)) {
          outputs.get(i).outward().convert(source, results.get(i));
        }
      }
    }

    /** Runs into tensors of the caller; with a binding. */
    void run(List<Tensor> given, List<Tensor> results, long deadlineNanos)
        throws AcceleratorException {
      Binding bound = binding;
      if (bound == null) {
        throw new IllegalStateException("a passage without binding has no outputs");
      }
      int samples = perSample ? samples(given) : 1;
      for (int sample = 0; sample < samples; sample++) {
        checkDeadline(deadlineNanos, sample, samples);
        enter(given, sample);
        bound.run(deadlineNanos);
        leave(results, sample);
      }
      checkDeadline(deadlineNanos, samples, samples);
    }

    /** Runs into new tensors; whatever shapes result. */
    List<Tensor> run(List<Tensor> given, long deadlineNanos) throws AcceleratorException {
      if (binding != null) {
        List<Tensor> results = new ArrayList<>(outputs.size());
        for (int i = 0; i < outputs.size(); i++) {
          TensorBorder output = outputs.get(i);
          Shape shape = modelOutputs.get(i).shape();
          results.add(
              Tensor.allocate(
                  output.spec().type(),
                  output.callerShape(shape, perSample ? samples(given) : -1)));
        }
        run(given, results, deadlineNanos);
        return results;
      }
      checkDeadline(deadlineNanos, 0, 1);
      enter(given, 0);
      List<Tensor> raw = model.run(modelInputs, deadlineNanos);
      List<Tensor> results = new ArrayList<>(raw.size());
      for (int i = 0; i < raw.size(); i++) {
        TensorBorder output = outputs.get(i);
        Tensor source = raw.get(i);
        Shape shape = output.callerShape(source.shape(), -1);
        if (output.passes(source.shape(), shape)) {
          results.add(source);
        } else {
          Tensor result = Tensor.allocate(output.spec().type(), shape);
          output.outward().convert(source, result);
          results.add(result);
        }
      }
      checkDeadline(deadlineNanos, 1, 1);
      return results;
    }

    @Override
    public void close() {
      try {
        if (binding != null) {
          binding.close();
        }
      } finally {
        if (memory != null) {
          memory.close();
        }
      }
    }
  }

  /**
   * Tensors of a caller over memory of the model's: those that pass as they are lie in it, the
   * others are converted to and from it.
   */
  private final class AdaptedBuffers implements Buffers {
    private final Buffers memory;
    private final List<Tensor> callerInputs;
    private final List<Tensor> callerOutputs;

    AdaptedBuffers(Buffers memory, List<Shape> inputShapes, List<Shape> outputShapes) {
      this.memory = memory;
      this.callerInputs = callerTensors(inputs, inputShapes, memory.inputs());
      this.callerOutputs = callerTensors(outputs, outputShapes, memory.outputs());
    }

    private List<Tensor> callerTensors(
        List<TensorBorder> borders, List<Shape> shapes, List<Tensor> own) {
      List<Tensor> tensors = new ArrayList<>(shapes.size());
      for (int i = 0; i < shapes.size(); i++) {
        TensorBorder border = borders.get(i);
        tensors.add(
            !perSample && border.passes(shapes.get(i), own.get(i).shape())
                ? own.get(i)
                : Tensor.allocate(border.spec().type(), shapes.get(i)));
      }
      return List.copyOf(tensors);
    }

    /** Whether these tensors are all of its, in order. */
    boolean are(List<Tensor> given, List<Tensor> results) {
      return same(callerInputs, given) && same(callerOutputs, results);
    }

    private static boolean same(List<Tensor> own, List<Tensor> given) {
      for (int i = 0; i < own.size(); i++) {
        if (own.get(i) != given.get(i)) {
          return false;
        }
      }
      return true;
    }

    @Override
    public List<Tensor> inputs() {
      return callerInputs;
    }

    @Override
    public List<Tensor> outputs() {
      return callerOutputs;
    }

    @Override
    public void close() {
      buffers.remove(this);
      memory.close();
    }
  }

  private static int samples(List<Tensor> given) {
    return (int) given.get(0).shape().dim(0);
  }

  private static void checkDeadline(long deadlineNanos, int done, int samples)
      throws AcceleratorException {
    if (deadlineNanos - System.nanoTime() <= 0) {
      throw new AcceleratorException(
          Code.TIMEOUT, "the deadline has passed samplesDone=" + done + " samples=" + samples);
    }
  }

  @Override
  public List<TensorSpec> inputs() {
    return inputs.stream().map(TensorBorder::spec).toList();
  }

  @Override
  public List<TensorSpec> outputs() {
    return outputs.stream().map(TensorBorder::spec).toList();
  }

  @Override
  public int concurrency() {
    return model.concurrency();
  }

  @Override
  public Binding bind(List<Tensor> given, List<Tensor> results) throws AcceleratorException {
    check("input", inputs, given);
    check("output", outputs, results);
    checkBatch(given, results);
    List<Tensor> ownInputs = List.copyOf(given);
    List<Tensor> ownOutputs = List.copyOf(results);
    Passage passage = passage(ownInputs, ownOutputs);
    return new Binding() {
      @Override
      public void run(long deadlineNanos) throws AcceleratorException {
        passage.run(ownInputs, ownOutputs, deadlineNanos);
      }

      @Override
      public void close() {
        passage.close();
      }
    };
  }

  /** The way for tensors of a caller. */
  private Passage passage(List<Tensor> given, List<Tensor> results) throws AcceleratorException {
    for (AdaptedBuffers candidate : buffers) {
      if (candidate.are(given, results)) {
        return new Passage(candidate.memory.inputs(), candidate.memory.outputs());
      }
    }
    List<Shape> inputShapes = modelShapes(inputs, shapes(given));
    List<Shape> outputShapes = modelShapes(outputs, shapes(results));
    if (nonePasses(inputs, given, inputShapes) && nonePasses(outputs, results, outputShapes)) {
      return new Passage(model.buffers(inputShapes, outputShapes));
    }
    return new Passage(
        modelTensors(inputs, given, inputShapes), modelTensors(outputs, results, outputShapes));
  }

  private static List<Shape> shapes(List<Tensor> tensors) {
    return tensors.stream().map(Tensor::shape).toList();
  }

  private List<Shape> modelShapes(List<TensorBorder> borders, List<Shape> shapes) {
    List<Shape> all = new ArrayList<>(shapes.size());
    for (int i = 0; i < shapes.size(); i++) {
      all.add(borders.get(i).modelShape(shapes.get(i), perSample));
    }
    return all;
  }

  private boolean nonePasses(
      List<TensorBorder> borders, List<Tensor> tensors, List<Shape> modelShapes) {
    for (int i = 0; i < tensors.size(); i++) {
      if (!perSample && borders.get(i).passes(tensors.get(i).shape(), modelShapes.get(i))) {
        return false;
      }
    }
    return true;
  }

  /** The caller's tensors where they pass as they are, else new ones. */
  private List<Tensor> modelTensors(
      List<TensorBorder> borders, List<Tensor> tensors, List<Shape> modelShapes) {
    List<Tensor> own = new ArrayList<>(tensors.size());
    for (int i = 0; i < tensors.size(); i++) {
      TensorBorder border = borders.get(i);
      Shape shape = modelShapes.get(i);
      own.add(
          !perSample && border.passes(tensors.get(i).shape(), shape)
              ? tensors.get(i)
              : Tensor.allocate(border.inward().to().type(), shape));
    }
    return own;
  }

  @Override
  public Buffers buffers(List<Shape> inputShapes, List<Shape> outputShapes)
      throws AcceleratorException {
    OrdinaryBuffers.check("input", inputs(), inputShapes);
    OrdinaryBuffers.check("output", outputs(), outputShapes);
    if (perSample) {
      checkSameBatch(inputShapes, outputShapes);
    }
    Buffers memory =
        model.buffers(modelShapes(inputs, inputShapes), modelShapes(outputs, outputShapes));
    boolean made = false;
    try {
      AdaptedBuffers own = new AdaptedBuffers(memory, inputShapes, outputShapes);
      buffers.add(own);
      made = true;
      return own;
    } finally {
      if (!made) {
        memory.close();
      }
    }
  }

  private static void checkSameBatch(List<Shape> inputShapes, List<Shape> outputShapes) {
    long samples = inputShapes.get(0).dim(0);
    for (List<Shape> shapes : List.of(inputShapes, outputShapes)) {
      for (Shape shape : shapes) {
        if (shape.dim(0) != samples) {
          throw new IllegalArgumentException(
              "tensors of different batches asked=" + samples + " found=" + shape);
        }
      }
    }
  }

  @Override
  public void run(List<Tensor> given, List<Tensor> results, long deadlineNanos)
      throws AcceleratorException {
    if (modelOutputShapes.isEmpty()) {
      LoadedModel.super.run(given, results, deadlineNanos);
      return;
    }
    check("input", inputs, given);
    check("output", outputs, results);
    checkBatch(given, results);
    Passage passage = take(given);
    boolean done = false;
    try {
      passage.run(given, results, deadlineNanos);
      done = true;
    } finally {
      giveBack(passage, done);
    }
  }

  @Override
  public List<Tensor> run(List<Tensor> given, long deadlineNanos) throws AcceleratorException {
    check("input", inputs, given);
    checkBatch(given, List.of());
    Passage passage = take(given);
    boolean done = false;
    try {
      List<Tensor> results = passage.run(given, deadlineNanos);
      done = true;
      return results;
    } finally {
      giveBack(passage, done);
    }
  }

  private Passage take(List<Tensor> given) throws AcceleratorException {
    Passage passage = idle.poll();
    if (passage != null) {
      if (passage.takes(given)) {
        return passage;
      }
      passage.close();
    }
    List<Shape> inputShapes = modelShapes(inputs, shapes(given));
    if (!modelOutputShapes.isEmpty()) {
      return new Passage(model.buffers(inputShapes, modelOutputShapes));
    }
    List<Tensor> modelInputs = new ArrayList<>(given.size());
    for (int i = 0; i < given.size(); i++) {
      modelInputs.add(Tensor.allocate(inputs.get(i).inward().to().type(), inputShapes.get(i)));
    }
    return new Passage(modelInputs, List.of());
  }

  private void giveBack(Passage passage, boolean usable) {
    if (!usable || closed || !idle.offer(passage)) {
      passage.close();
    }
  }

  private static void check(String kind, List<TensorBorder> borders, List<Tensor> tensors) {
    if (borders.size() != tensors.size()) {
      throw new IllegalArgumentException(
          "another number of "
              + kind
              + "s asked="
              + borders.stream().map(TensorBorder::spec).toList()
              + " found="
              + tensors);
    }
    for (int i = 0; i < tensors.size(); i++) {
      Optional<String> mismatch = borders.get(i).spec().mismatch(tensors.get(i));
      if (mismatch.isPresent()) {
        throw new IllegalArgumentException(kind + " " + mismatch.get());
      }
    }
  }

  /** One sample of each input makes one of each output. */
  private void checkBatch(List<Tensor> given, List<Tensor> results) {
    if (!perSample) {
      return;
    }
    int samples = samples(given);
    for (int i = 0; i < given.size(); i++) {
      checkBatch(inputs.get(i).spec(), given.get(i), samples);
    }
    for (int i = 0; i < results.size(); i++) {
      checkBatch(outputs.get(i).spec(), results.get(i), samples);
    }
  }

  private static void checkBatch(TensorSpec spec, Tensor tensor, int samples) {
    if (tensor.shape().dim(0) != samples) {
      throw new IllegalArgumentException(
          "tensors of different batches name="
              + spec.name()
              + " asked="
              + samples
              + " found="
              + tensor.shape());
    }
  }

  @Override
  public MemoryUse memory() {
    return model.memory();
  }

  /** What the model says, and each tensor that is converted. */
  @Override
  public Map<String, String> details() {
    Map<String, String> details = new LinkedHashMap<>(model.details());
    for (TensorBorder input : inputs) {
      if (!input.isOpen()) {
        details.put("input." + input.spec().name(), input.inward().toString());
      }
    }
    for (TensorBorder output : outputs) {
      if (!output.isOpen()) {
        details.put("output." + output.spec().name(), output.outward().toString());
      }
    }
    if (perSample) {
      details.put("batch", "one run per sample");
    }
    return details;
  }

  @Override
  public void close() {
    closed = true;
    for (Passage passage = idle.poll(); passage != null; passage = idle.poll()) {
      passage.close();
    }
    model.close();
  }
}
