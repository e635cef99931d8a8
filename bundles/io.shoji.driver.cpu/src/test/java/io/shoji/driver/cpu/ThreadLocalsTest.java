/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.ModelFormats;
import io.shoji.driver.onnxruntime.OnnxFile;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.Artifacts;
import io.shoji.testkit.Eventually;
import io.shoji.testkit.OnnxGraph;
import io.shoji.testkit.OnnxGraph.Attribute;
import io.shoji.testkit.OnnxModels;
import io.shoji.testkit.ProcessFigures;
import io.shoji.testkit.Tensors;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Measures what {@link ThreadLocals} says: after models have run on a thread that lives on, closing
 * the driver unmaps the library.
 */
@Timeout(180)
class ThreadLocalsTest {
  private static final Shape IMAGE = Shape.of(2, 16, 12, 12);
  private static final Shape MATRIX = Shape.of(4, 32);

  @TempDir Path folder;
  private Artifacts artifacts;

  @BeforeEach
  void start() {
    artifacts = new Artifacts(folder, ModelFormats.ONNX);
  }

  /** Every operator that is taken to be clean, on images. */
  private static OnnxGraph images() {
    return new OnnxGraph("images")
        .input("x", ElementType.FLOAT32, IMAGE)
        .constant("w1", weights(32, 16, 3, 3))
        .constant("w2", weights(32, 32, 3, 3))
        .constant("w3", weights(32, 32, 1, 1))
        .constant("depthwise", weights(32, 1, 3, 3))
        .constant("one", weights(32))
        .node("Conv", List.of("x", "w1"), List.of("c1"), Attribute.ofInts("pads", 1, 1, 1, 1))
        .node("BatchNormalization", List.of("c1", "one", "one", "one", "one"), List.of("n1"))
        .node("Relu", List.of("n1"), List.of("r1"))
        .node("Conv", List.of("r1", "w2"), List.of("c2"), Attribute.ofInts("pads", 1, 1, 1, 1))
        .node("Clip", List.of("c2"), List.of("k2"))
        .node("Conv", List.of("k2", "w3"), List.of("c3"))
        .node("LeakyRelu", List.of("c3"), List.of("r3"))
        .node(
            "Conv",
            List.of("r3", "depthwise"),
            List.of("c4"),
            Attribute.ofInts("pads", 1, 1, 1, 1),
            Attribute.of("group", 32L))
        .node("HardSigmoid", List.of("c4"), List.of("s4"))
        .node("Add", List.of("s4", "c3"), List.of("a4"))
        .node("Softmax", List.of("a4"), List.of("softChannels"), Attribute.of("axis", 1L))
        .node(
            "MaxPool",
            List.of("softChannels"),
            List.of("p5"),
            Attribute.ofInts("kernel_shape", 2, 2),
            Attribute.ofInts("strides", 2, 2))
        .node(
            "AveragePool",
            List.of("p5"),
            List.of("p6"),
            Attribute.ofInts("kernel_shape", 2, 2),
            Attribute.ofInts("strides", 2, 2))
        .node("GlobalMaxPool", List.of("p6"), List.of("m7"))
        .node("GlobalAveragePool", List.of("p6"), List.of("g7"))
        .node("Sub", List.of("g7", "m7"), List.of("d7"))
        .node("Flatten", List.of("d7"), List.of("y"))
        .output("y", ElementType.FLOAT32, Shape.of(2, 32));
  }

  /** The others, on matrices. */
  private static OnnxGraph matrices() {
    return new OnnxGraph("matrices")
        .input("x", ElementType.FLOAT32, MATRIX)
        .constant("w", weights(32, 64))
        .constant("b", weights(64))
        .constant("v", weights(64, 64))
        .constant("half", Tensor.ofFloats(Shape.scalar(), 0.5f))
        .constant("sixteen", longs(4, 4, 16))
        .constant("axis0", longs(0))
        .constant("axis2", longs(2))
        .constant("starts", longs(0))
        .constant("ends", longs(2))
        .constant("pads", longs(0, 0, 1, 1))
        .node("Gemm", List.of("x", "w", "b"), List.of("g"))
        .node("Sigmoid", List.of("g"), List.of("s"))
        .node("MatMul", List.of("s", "v"), List.of("m"))
        .node("Tanh", List.of("m"), List.of("t"))
        .node("Mul", List.of("t", "half"), List.of("mu"))
        .node("Erf", List.of("mu"), List.of("e"))
        .node("Abs", List.of("e"), List.of("ab"))
        .node("Add", List.of("ab", "half"), List.of("ah"))
        .node("Sqrt", List.of("ah"), List.of("sq"))
        .node("Log", List.of("sq"), List.of("lg"))
        .node("Exp", List.of("lg"), List.of("ex"))
        .node("Pow", List.of("ex", "half"), List.of("pw"))
        .node("Div", List.of("pw", "ah"), List.of("dv"))
        .node("Neg", List.of("dv"), List.of("ng"))
        .node("Dropout", List.of("ng"), List.of("dr"))
        .node("Identity", List.of("dr"), List.of("id"))
        .node("Reshape", List.of("id", "sixteen"), List.of("rs"))
        .node("Transpose", List.of("rs"), List.of("tr"), Attribute.ofInts("perm", 0, 2, 1))
        .node("MatMul", List.of("rs", "tr"), List.of("mm"))
        .node("Softmax", List.of("mm"), List.of("sm"), Attribute.of("axis", 2L))
        .node("LogSoftmax", List.of("sm"), List.of("ls"), Attribute.of("axis", 2L))
        .node(
            "ReduceMean",
            List.of("ls"),
            List.of("rm"),
            Attribute.ofInts("axes", 2),
            Attribute.of("keepdims", 1L))
        .node("ReduceMax", List.of("ls"), List.of("rx"), Attribute.ofInts("axes", 2))
        .node("Concat", List.of("rm", "rx"), List.of("cc"), Attribute.of("axis", 2L))
        .node("Split", List.of("cc"), List.of("left", "right"), Attribute.of("axis", 2L))
        .node("Squeeze", List.of("left", "axis2"), List.of("sz"))
        .node("Unsqueeze", List.of("sz", "axis0"), List.of("us"))
        .node("Slice", List.of("sz", "starts", "ends"), List.of("sl"))
        .node("Pad", List.of("sl", "pads"), List.of("pd"))
        .node("Gather", List.of("pd", "axis0"), List.of("y"))
        .node("ArgMax", List.of("pd"), List.of("am"))
        .node("NonZero", List.of("us"), List.of("nz"))
        .node(
            "Constant",
            List.of(),
            List.of("co"),
            Attribute.ofTensor(
                "value", OnnxGraph.tensorProto("co", Tensor.ofFloats(Shape.of(1), 1))))
        .output("y", ElementType.FLOAT32, Shape.of(1, 6))
        .output("am", ElementType.INT64, Shape.of(1, 6))
        .output("nz", ElementType.INT64, Shape.of(3, Shape.DYNAMIC))
        .output("co", ElementType.FLOAT32, Shape.of(1))
        .output("right", ElementType.FLOAT32, Shape.of(4, 4, 1));
  }

  private static byte[] gru() {
    return new OnnxGraph("gru")
        .input("x", ElementType.FLOAT32, Shape.of(10, 1, 16))
        .constant("w", weights(1, 96, 16))
        .constant("r", weights(1, 96, 32))
        .node("GRU", List.of("x", "w", "r"), List.of("y"), Attribute.of("hidden_size", 32L))
        .output("y", ElementType.FLOAT32, Shape.of(10, 1, 1, 32))
        .toModel();
  }

  @ParameterizedTest
  @ValueSource(strings = {Runtimes.CURRENT, Runtimes.PREVIOUS, Runtimes.OLDEST})
  void shouldLeaveNothingOnTheCallersThreadWhenCalledThere(String version) throws Exception {
    Set<String> measured = new TreeSet<>();
    for (byte[] model : List.of(images().toModel(), matrices().toModel())) {
      measured.addAll(OnnxFile.read(artifacts.write("operators", model)).operators());
    }
    assertThat(measured).isEqualTo(ThreadLocals.clean());
    assertUnmapped(
        version,
        Map.of(),
        CpuDriver.architecture().equals("x86_64") ? "caller" : "driver",
        List.of(artifacts.of("images", images().toModel())));
    assertUnmapped(
        version,
        Map.of(),
        "caller",
        List.of(
            artifacts.of("matrices", matrices().toModel()),
            artifacts.of("mlp", OnnxModels.smallMlp())));
  }

  @ParameterizedTest
  @ValueSource(strings = {Runtimes.CURRENT, Runtimes.PREVIOUS, Runtimes.OLDEST})
  void shouldCallOnThreadsOfItsOwnWhatWouldTieTheLibraryToTheCallers(String version)
      throws Exception {
    assertUnmapped(
        version,
        Map.of(),
        "driver",
        List.of(
            artifacts.of("quantized", OnnxModels.quantizedLayer(64)), artifacts.of("gru", gru())));
    assertUnmapped(
        version,
        Map.of("intraOpThreads", 2),
        "driver",
        List.of(
            artifacts.of("images", images().toModel()),
            artifacts.of("mlp", OnnxModels.largeMlp())));
  }

  @Test
  void shouldTieTheLibraryToTheCallersThreadOnlyWhenTold() throws Exception {
    // What the driver's own threads are for: without them the library stays.
    Path library = Runtimes.library(Runtimes.CURRENT);
    ExecutorService caller = Executors.newSingleThreadExecutor();
    try (Gateway gateway = new Gateway(folder)) {
      CpuDriver driver =
          gateway.start(Map.of("libraryPath", library.toString(), "callThread", "caller"));
      Accelerator accelerator = gateway.accelerator();
      caller
          .submit(
              () -> {
                use(
                    accelerator,
                    artifacts.of("quantized", OnnxModels.quantizedLayer(64)),
                    "caller");
                return null;
              })
          .get();
      driver.stop();
      assertThat(ProcessFigures.mappedFiles()).contains(library.toString());
      caller.shutdown();
      assertThat(caller.awaitTermination(10, TimeUnit.SECONDS)).isTrue();
      Eventually.assertThat(() -> gateway.libraries().mapped().isEmpty());
    }
  }

  private void assertUnmapped(
      String version, Map<String, Object> settings, String thread, List<ModelArtifact> models)
      throws Exception {
    Path library = Runtimes.library(version);
    ExecutorService caller = Executors.newSingleThreadExecutor();
    try (Gateway gateway = new Gateway(folder.resolve("gateway" + settings + thread + version))) {
      Map<String, Object> all = new java.util.HashMap<>(settings);
      all.put("libraryPath", library.toString());
      CpuDriver driver = gateway.start(all);
      Accelerator accelerator = gateway.accelerator();
      caller
          .submit(
              () -> {
                for (ModelArtifact model : models) {
                  use(accelerator, model, thread);
                }
                return null;
              })
          .get();
      assertThat(ProcessFigures.mappedFiles()).contains(library.toString());
      driver.stop();
      assertThat(ProcessFigures.mappedFiles()).doesNotContain(library.toString());
    } finally {
      caller.shutdownNow();
    }
  }

  private static void use(Accelerator accelerator, ModelArtifact artifact, String thread)
      throws Exception {
    LoadedModel model = accelerator.load(artifact, LoadOptions.defaults());
    assertThat(model.details()).containsEntry("callThread", thread);
    List<Tensor> inputs = Tensors.random(model.inputs(), 3, 1);
    for (int i = 0; i < 3; i++) {
      model.run(inputs, LoadedModel.noDeadline());
    }
    model.close();
  }

  private static Tensor weights(long... dims) {
    Tensor tensor = Tensor.allocate(ElementType.FLOAT32, Shape.of(dims));
    Tensors.fill(tensor, new Random(1));
    for (int i = 0; i < tensor.elementCount(); i++) {
      tensor.setFloat(i, Math.abs(tensor.getFloat(i)));
    }
    return tensor;
  }

  private static Tensor longs(long... values) {
    Tensor tensor = Tensor.allocate(ElementType.INT64, Shape.of(values.length));
    for (int i = 0; i < values.length; i++) {
      tensor.setLong(i, values[i]);
    }
    return tensor;
  }
}
