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

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;
import io.shoji.quantizer.onnx.Graph;
import io.shoji.quantizer.onnx.Node;
import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.quantizer.wire.ValueInfoProto;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Runs ONNX models on an accelerator, by files in a working folder that go as soon as the model is
 * closed. Not thread safe.
 */
public final class ModelRunner {
  /** Most tensors of unknown rank that are given up before the model is. */
  private static final int UNKNOWN_LIMIT = 256;

  /** Operators that can make a tensor of known rank of one of unknown rank. */
  private static final Set<String> RANK_OF_THEIR_OWN =
      Set.of("Reshape", "Flatten", "Gemm", "Shape", "Size", "Expand", "ConstantOfShape", "NonZero");

  private final Accelerator accelerator;
  private final Path workFolder;
  private int count;

  /**
   * A runner.
   *
   * @param accelerator the CPU driver's, for calibration: the one that computes what ONNX says
   * @param workFolder an existing folder with room for the model in FP32
   */
  public ModelRunner(Accelerator accelerator, Path workFolder) {
    this.accelerator = accelerator;
    this.workFolder = workFolder;
  }

  /**
   * Loads a model as it will be used, with all optimizations of the runtime.
   *
   * @throws QuantizerException RUNTIME, UNWRITABLE or CANCELLED
   */
  public Session open(OnnxModel model) throws QuantizerException {
    return open(model, Map.of());
  }

  /**
   * Loads a model so that it computes node by node what it says, with nothing fused.
   *
   * @throws QuantizerException RUNTIME, UNWRITABLE or CANCELLED
   */
  public Session openPlain(OnnxModel model) throws QuantizerException {
    return open(model, Map.of("cpu.graphOptimization", "disable"));
  }

  private Session open(OnnxModel model, Map<String, String> options) throws QuantizerException {
    Path file = workFolder.resolve("run-" + count++ + ".onnx");
    // If the process is told to end while the model is open.
    file.toFile().deleteOnExit();
    boolean opened = false;
    try {
      try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file))) {
        model.writeTo(out);
      }
      ModelArtifact artifact =
          new ModelArtifact(
              "quantizer",
              "0",
              "work",
              ModelFormats.ONNX,
              Precision.FP32,
              "",
              List.of(file),
              List.of(),
              List.of(),
              accelerator.info().kind().equals("cpu") ? options : Map.of());
      LoadedModel loaded = accelerator.load(artifact, LoadOptions.defaults());
      opened = true;
      return new Session(loaded, file);
    } catch (AcceleratorException e) {
      throw failed("the model cannot be loaded", e);
    } catch (IOException e) {
      throw new QuantizerException(
          Code.UNWRITABLE, "no model can be written in the working folder file=" + file, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new QuantizerException(Code.CANCELLED, "interrupted while the model was loaded", e);
    } finally {
      if (!opened) {
        delete(file);
      }
    }
  }

  private static QuantizerException failed(String what, AcceleratorException e) {
    return new QuantizerException(Code.RUNTIME, what + ": " + e.getMessage(), e);
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      throw new UncheckedIOException("a working file cannot be removed file=" + file, e);
    }
  }

  /**
   * Type and shape of every tensor that a node makes, as the runtime infers them. Tensors whose
   * rank or type it cannot tell are left out.
   *
   * @throws QuantizerException RUNTIME if it does not load the model at all
   */
  public Map<String, TensorSpec> describe(OnnxModel model) throws QuantizerException {
    Set<String> exposed = new LinkedHashSet<>();
    for (Node node : model.graph().nodes()) {
      node.outputs().stream().filter(name -> !name.isEmpty()).forEach(exposed::add);
    }
    for (int i = 0; ; i++) {
      try (Session session = openPlain(exposing(model, exposed))) {
        Map<String, TensorSpec> specs = new LinkedHashMap<>();
        session.inputs().forEach(spec -> specs.put(spec.name(), spec));
        session.outputs().forEach(spec -> specs.put(spec.name(), spec));
        return specs;
      } catch (QuantizerException e) {
        String message = String.valueOf(e.getMessage());
        String unknown =
            e.code() == Code.RUNTIME && i < UNKNOWN_LIMIT
                ? exposed.stream()
                    .filter(name -> message.contains(" name=" + name + " "))
                    .filter(name -> !model.graph().isOutput(name))
                    .findFirst()
                    .orElse(null)
                : null;
        if (unknown == null) {
          throw e;
        }
        exposed.removeAll(inheriting(model.graph(), unknown));
      }
    }
  }

  /** A tensor of unknown rank, and what is of unknown rank because that one is. */
  private static Set<String> inheriting(Graph graph, String tensor) {
    Set<String> unknown = new LinkedHashSet<>(Set.of(tensor));
    // Nodes are in an order in which they can run.
    for (Node node : graph.nodes()) {
      if (!RANK_OF_THEIR_OWN.contains(node.operator())
          && node.inputs().stream().anyMatch(unknown::contains)) {
        unknown.addAll(node.outputs());
      }
    }
    unknown.removeAll(graph.outputNames());
    return unknown;
  }

  /** A model whose outputs are its own and these tensors. */
  static OnnxModel exposing(OnnxModel model, Collection<String> tensors) {
    OnnxModel exposed = model.copy();
    Graph graph = exposed.graph();
    for (String tensor : tensors) {
      if (!graph.isOutput(tensor) && !graph.inputNames().contains(tensor)) {
        graph.outputs().add(ValueInfoProto.newBuilder().setName(tensor).build());
      }
    }
    return exposed;
  }

  /** A loaded model, whose file goes with it. One thread at a time. */
  public static final class Session implements AutoCloseable {
    private final LoadedModel model;
    private final Path file;

    private Session(LoadedModel model, Path file) {
      this.model = model;
      this.file = file;
    }

    /** The inputs, in the model's order. */
    public List<TensorSpec> inputs() {
      return model.inputs();
    }

    /** The outputs, in the model's order. */
    public List<TensorSpec> outputs() {
      return model.outputs();
    }

    /**
     * Runs once.
     *
     * @param inputs by name, all of them
     * @return the outputs by name, in the model's order
     * @throws QuantizerException BAD_SAMPLES if the inputs do not fit, RUNTIME if the run fails
     */
    public Map<String, Tensor> run(Map<String, Tensor> inputs) throws QuantizerException {
      List<Tensor> ordered = new ArrayList<>();
      for (TensorSpec spec : model.inputs()) {
        Tensor tensor = inputs.get(spec.name());
        if (tensor == null) {
          throw new QuantizerException(
              Code.BAD_SAMPLES,
              "a sample lacks an input asked=" + spec + " found=" + inputs.keySet());
        }
        if (spec.mismatch(tensor).isPresent()) {
          throw new QuantizerException(Code.BAD_SAMPLES, spec.mismatch(tensor).orElseThrow());
        }
        ordered.add(tensor);
      }
      try {
        List<Tensor> results = model.run(ordered, LoadedModel.noDeadline());
        Map<String, Tensor> named = new LinkedHashMap<>();
        for (int i = 0; i < results.size(); i++) {
          named.put(model.outputs().get(i).name(), results.get(i));
        }
        return named;
      } catch (AcceleratorException e) {
        throw failed("the model cannot be run", e);
      }
    }

    @Override
    public void close() {
      model.close();
      delete(file);
    }
  }
}
