/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.edgetpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.FlatTable;
import io.shoji.testkit.SimulatedEdgeTpuModel;
import io.shoji.testkit.SimulatedHef;
import io.shoji.testkit.TfliteGraph;
import io.shoji.testkit.TfliteGraph.Subgraph;
import io.shoji.testkit.TfliteModels;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What is refused before the runtime sees it. */
@Timeout(60)
class TfliteFileTest {
  private static final int BUFFERS = 4;

  private static TfliteFile read(byte[] content) throws AcceleratorException {
    return TfliteFile.read(ByteBuffer.wrap(content));
  }

  private static void assertRefused(Code code, byte[] content, String... mentions) {
    assertThatThrownBy(() -> read(content))
        .isInstanceOfSatisfying(
            AcceleratorException.class,
            e -> {
              assertThat(e.code()).as(e.getMessage()).isEqualTo(code);
              assertThat(e.getMessage()).contains(mentions);
            });
  }

  /** A model of one operator, {@code y = a + b}, and what a test does to it. */
  private static byte[] model(Consumer<Subgraph> operators) {
    TfliteGraph model = new TfliteGraph("model");
    Subgraph graph = model.subgraph();
    int a = graph.tensor("a", ElementType.FLOAT32, Shape.of(1, 4));
    int b = graph.tensor("b", ElementType.FLOAT32, Shape.of(1, 4));
    int y = graph.tensor("y", ElementType.FLOAT32, Shape.of(1, 4));
    graph.input(a).input(b).output(y);
    operators.accept(graph);
    return model.toModel();
  }

  private static byte[] add(List<Integer> from, List<Integer> to) {
    return model(graph -> graph.operator(TfliteGraph.ADD, from, to));
  }

  @Test
  void shouldTellFactsOfAModel() throws Exception {
    TfliteFile file = read(TfliteModels.quantizedLayer(4, ElementType.UINT8));
    assertThat(file.operators()).containsExactly("FULLY_CONNECTED", "QUANTIZE");
    assertThat(file.operatorCount()).isEqualTo(3);
    assertThat(file.inputQuantizations()).hasSize(1);
    assertThat(file.outputQuantizations()).hasSize(1);
    assertThat(read(TfliteModels.slow()).operators())
        .containsExactly("BATCH_MATMUL", "GREATER", "SUB", "WHILE");
    assertThat(read(add(List.of(0, 1), List.of(2))).operatorCount()).isEqualTo(1);
  }

  @Test
  void shouldRefuseAFileThatIsCutOffAnywhere() {
    byte[] whole = TfliteModels.quantizedLayer(4, ElementType.FLOAT32);
    for (int length = 0; length < whole.length - 16; length++) {
      assertRefused(Code.INVALID_MODEL, Arrays.copyOf(whole, length), "damaged or cut off");
    }
  }

  @Test
  void shouldNeverReadOutsideOfTheFileWhateverIsInIt() throws Exception {
    Random random = new Random(5);
    List<byte[]> models =
        List.of(
            TfliteModels.mlp(1, 4, 3, 2),
            TfliteModels.quantizedLayer(4, ElementType.INT8),
            TfliteModels.slow(),
            TfliteModels.recurrent());
    int accepted = 0;
    for (int round = 0; round < 5_000; round++) {
      byte[] content = models.get(random.nextInt(models.size())).clone();
      ByteBuffer buffer = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
      int most = Math.min(content.length, 4_096) - Integer.BYTES;
      for (int i = random.nextInt(4); i >= 0; i--) {
        int at = random.nextInt(most);
        switch (random.nextInt(3)) {
          case 0 -> content[at] = (byte) random.nextInt();
          case 1 -> buffer.putInt(at & ~3, random.nextInt());
          default -> buffer.putInt(at & ~3, buffer.getInt(at & ~3) + random.nextInt(65) - 32);
        }
      }
      try {
        read(content);
        accepted++;
      } catch (AcceleratorException e) {
        assertThat(e.code()).isIn(Code.INVALID_MODEL, Code.UNSUPPORTED);
      }
    }
    // Names, weights and the like may be anything.
    assertThat(accepted).isBetween(25, 4_750);
  }

  @Test
  void shouldNeverReadOutsideOfACompiledFileWhateverIsInIt() {
    Random random = new Random(7);
    byte[] whole = SimulatedEdgeTpuModel.withRest(SimulatedHef.classifier());
    for (int round = 0; round < 2_000; round++) {
      byte[] content = whole.clone();
      ByteBuffer buffer = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN);
      for (int i = random.nextInt(4); i >= 0; i--) {
        int at = random.nextInt(content.length - Integer.BYTES);
        switch (random.nextInt(3)) {
          case 0 -> content[at] = (byte) random.nextInt();
          case 1 -> buffer.putInt(at & ~3, random.nextInt());
          default -> buffer.putInt(at & ~3, buffer.getInt(at & ~3) + random.nextInt(65) - 32);
        }
      }
      try {
        TfliteFile file = TfliteFile.readCompiled(ByteBuffer.wrap(content));
        assertThat(file.edgeTpuOperatorCount()).isPositive();
        assertThat(file.minRuntimeVersion()).isBetween(10, 10_000);
        assertThat(file.cpuShare()).isBetween(0.0, 1.0);
      } catch (AcceleratorException e) {
        assertThat(e.code()).isIn(Code.INVALID_MODEL, Code.UNSUPPORTED);
      }
    }
  }

  @Test
  void shouldNameWhatAnOperatorGetsWrong() {
    assertRefused(Code.INVALID_MODEL, add(List.of(0), List.of(2)), "ADD", "asked=2>1", "found=1>1");
    assertRefused(Code.INVALID_MODEL, add(List.of(0, 7), List.of(2)), "asked=7", "count=3");
    assertRefused(Code.INVALID_MODEL, add(List.of(0, -1), List.of(2)), "asked=-1");
    assertRefused(Code.INVALID_MODEL, add(List.of(0, 1), List.of(-1)), "output 0", "asked=-1");
    assertRefused(Code.INVALID_MODEL, add(List.of(0, 2), List.of(2)), "nobody has computed");
    assertRefused(Code.INVALID_MODEL, model(graph -> {}), "computes no output");
    assertRefused(
        Code.INVALID_MODEL,
        model(graph -> graph.operator(TfliteGraph.CONV_2D, List.of(0, 1), List.of(2))),
        "CONV_2D",
        "options");
    assertRefused(
        Code.INVALID_MODEL,
        model(
            graph -> {
              int table = graph.constant("t", Tensor.allocate(ElementType.FLOAT32, Shape.of(1, 4)));
              graph.operator(TfliteGraph.ADD, List.of(0, 1), List.of(table));
            }),
        "writes to a constant");
    assertRefused(
        Code.INVALID_MODEL,
        model(
            graph -> {
              int plain = graph.tensor("i", ElementType.INT8, Shape.of(1, 4));
              graph.input(plain).operator(TfliteGraph.ADD, List.of(plain, plain), List.of(2));
            }),
        "integers without a scale");
  }

  @Test
  void shouldNameWhatATensorGetsWrong() {
    FlatTable good = new FlatTable().ints(0, 1, 4).string(3, "t");
    assertRefused(Code.INVALID_MODEL, withTensor(good.ints(0, 1, -4)), "name=t", "dimension=-4");
    assertRefused(
        Code.INVALID_MODEL,
        withTensor(new FlatTable().string(3, "t").ints(0, 1 << 30, 1 << 30)),
        "impossible size");
    assertRefused(
        Code.INVALID_MODEL, withTensor(new FlatTable().string(3, "t").int32(2, 9)), "asked=9");
    assertRefused(
        Code.UNSUPPORTED, withTensor(new FlatTable().string(3, "t").int8(1, 77)), "tensorType=77");
    assertRefused(
        Code.UNSUPPORTED,
        withTensor(new FlatTable().string(3, "t").table(6, new FlatTable())),
        "sparse");
    assertRefused(
        Code.UNSUPPORTED, withTensor(new FlatTable().string(3, "t").int32(10, 1)), "other files");
    assertRefused(
        Code.INVALID_MODEL,
        withQuantization(new FlatTable().floats(2, 0f).longs(3, 0)),
        "scale=0.0");
    assertRefused(
        Code.INVALID_MODEL,
        withQuantization(new FlatTable().floats(2, Float.NaN).longs(3, 0)),
        "scale=NaN");
    assertRefused(
        Code.INVALID_MODEL,
        withQuantization(new FlatTable().floats(2, 1f).longs(3, 200)),
        "zeroPoint=200");
    assertRefused(
        Code.INVALID_MODEL,
        withQuantization(new FlatTable().floats(2, 1f, 1f).longs(3, 0, 0).int32(6, 1)),
        "axis=1",
        "scales=2");
    assertRefused(
        Code.INVALID_MODEL,
        withQuantization(new FlatTable().floats(2, 1f, 1f, 1f, 1f).longs(3, 0, 0).int32(6, 1)),
        "scales=4",
        "zeroPoints=2");
    assertRefused(
        Code.UNSUPPORTED,
        withQuantization(new FlatTable().int8(4, 2).table(5, new FlatTable())),
        "scale and zero point");
  }

  private static byte[] withTensor(FlatTable tensor) {
    return model(
        graph -> {
          graph.operator(TfliteGraph.ADD, List.of(0, 1), List.of(2));
          graph.add(tensor);
        });
  }

  private static byte[] withQuantization(FlatTable quantization) {
    return withTensor(
        new FlatTable().ints(0, 1, 4).int8(1, 9).string(3, "t").table(4, quantization));
  }

  @Test
  void shouldRefuseConstantsThatAreNotWhatTheirShapeSays() {
    TfliteGraph model = new TfliteGraph("model");
    Subgraph graph = model.subgraph();
    int a = graph.tensor("a", ElementType.FLOAT32, Shape.of(4));
    int b = graph.constant("b", Tensor.ofFloats(Shape.of(3), 1, 2, 3));
    int y = graph.tensor("y", ElementType.FLOAT32, Shape.of(4));
    graph.input(a).output(y).operator(TfliteGraph.ADD, List.of(a, b), List.of(y));
    byte[] shorter =
        model.toTable().tables(BUFFERS, List.of(new FlatTable(), data(8))).toFile("TFL3");
    assertRefused(Code.INVALID_MODEL, shorter, "name=b", "askedBytes=12", "foundBytes=8");
    byte[] outside =
        model
            .toTable()
            .tables(
                BUFFERS, List.of(new FlatTable(), new FlatTable().int64(1, 1 << 20).int64(2, 12)))
            .toFile("TFL3");
    assertRefused(Code.INVALID_MODEL, outside, "outside of the file", "offset=1048576");
  }

  private static FlatTable data(int bytes) {
    return new FlatTable().bytes(0, new byte[bytes]);
  }

  @Test
  void shouldRefuseTextsThatAreNotThere() {
    for (int[] words :
        new int[][] {{1}, {2, 12, 12}, {1, 12, 99}, {1, 4, 12}, {1, 12, 11}, {-1, 0, 0}}) {
      ByteBuffer texts =
          ByteBuffer.allocate(Integer.BYTES * words.length).order(ByteOrder.LITTLE_ENDIAN);
      texts.asIntBuffer().put(words);
      byte[] bytes = new byte[Integer.BYTES * words.length];
      texts.get(bytes);
      TfliteGraph model = new TfliteGraph("texts");
      Subgraph graph = model.subgraph();
      graph.add(new FlatTable().ints(0, 1).int8(1, 5).int32(2, 1).string(3, "texts"));
      graph.output(0);
      assertRefused(
          Code.INVALID_MODEL,
          model
              .toTable()
              .tables(BUFFERS, List.of(new FlatTable(), new FlatTable().bytes(0, bytes)))
              .toFile("TFL3"),
          "texts");
    }
  }

  @Test
  void shouldRefuseGraphsThatRunThemselves() {
    TfliteGraph model = new TfliteGraph("loop");
    for (int i = 0; i < 3; i++) {
      Subgraph graph = model.subgraph();
      int x = graph.tensor("x", ElementType.FLOAT32, Shape.of(1));
      int y = graph.tensor("y", ElementType.FLOAT32, Shape.of(1));
      int next = i == 2 ? 1 : i + 1;
      graph.input(x).output(y);
      graph.operator(
          TfliteGraph.WHILE,
          1,
          List.of(x),
          List.of(y),
          TfliteGraph.WHILE_OPTIONS,
          new FlatTable().int32(0, next).int32(1, next));
    }
    assertRefused(Code.INVALID_MODEL, model.toModel(), "runs itself");
  }

  @Test
  void shouldRefuseOtherVersionsAndFormats() {
    assertRefused(
        Code.UNSUPPORTED, new FlatTable().int32(0, 4).toFile("TFL3"), "asked=3", "found=4");
    assertRefused(
        Code.INVALID_MODEL, new FlatTable().int32(0, 3).toFile("TFL2"), "asked=TFL3", "found=TFL2");
    assertRefused(Code.INVALID_MODEL, new FlatTable().int32(0, 3).toFile("TFL3"), "no graph");
    assertRefused(Code.INVALID_MODEL, new byte[] {1, 2, 3}, "bytes=3");
  }

  @Test
  void shouldRefuseIndicesThatLeadNowhere() {
    TfliteGraph whole = new TfliteGraph("model");
    whole.subgraph().output(whole.subgraph().text("t"));
    assertRefused(Code.INVALID_MODEL, whole.toModel(), "graph 0 output 0");
    byte[] metadata =
        tableOfAdd().tables(6, List.of(new FlatTable().string(0, "m").int32(1, 9))).toFile("TFL3");
    assertRefused(Code.INVALID_MODEL, metadata, "metadata 0", "asked=9");
    FlatTable map = new FlatTable().string(0, "x").int32(1, 77);
    byte[] signature =
        tableOfAdd()
            .tables(7, List.of(new FlatTable().tables(0, List.of(map)).string(2, "serving")))
            .toFile("TFL3");
    assertRefused(Code.INVALID_MODEL, signature, "signature 0", "asked=77");
  }

  private static FlatTable tableOfAdd() {
    TfliteGraph model = new TfliteGraph("model");
    Subgraph graph = model.subgraph();
    int a = graph.tensor("a", ElementType.FLOAT32, Shape.of(1));
    int y = graph.tensor("y", ElementType.FLOAT32, Shape.of(1));
    graph.input(a).output(y).operator(TfliteGraph.ADD, List.of(a, a), List.of(y));
    return model.toTable();
  }
}
