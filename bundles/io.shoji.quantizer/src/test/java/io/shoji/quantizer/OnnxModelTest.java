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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.OnnxGraph;
import io.shoji.testkit.OnnxModels;
import io.shoji.testkit.ProtobufMessage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

@ExtendWith(Runtime.class)
final class OnnxModelTest {
  @Test
  void shouldWriteSameBytesTwiceAndSameResultsWhenReadAgain(
      ModelRunner runner, @TempDir Path folder) throws Exception {
    OnnxModel model = OnnxModel.read(OnnxModels.mlp(3, 16, 32, 8));
    Path file = folder.resolve("model.onnx");
    model.write(file);
    byte[] first = Files.readAllBytes(file);
    assertThat(OnnxModel.read(file).toBytes()).isEqualTo(first);
    assertThat(model.copy().toBytes()).isEqualTo(first);
    assertThat(Files.list(folder)).containsExactly(file);

    Map<String, Tensor> input = Map.of("x", Graphs.random(new Random(1), 1, 4, 16));
    assertThat(
            Graphs.difference(runner, OnnxModel.read(OnnxModels.mlp(3, 16, 32, 8)), model, input))
        .isZero();
  }

  @Test
  void shouldSayWhereWhenFileIsCutOffOrHostile(@TempDir Path folder) throws Exception {
    byte[] whole = OnnxModels.mlp(3, 16, 32, 8);
    // Where the graph's message is cut the file is damaged; before it there is no model at all.
    for (int length : new int[] {1, 5, 40, 100, whole.length / 2, whole.length - 3}) {
      assertRefused(Arrays.copyOf(whole, length), Code.DAMAGED);
    }
    Random random = new Random(7);
    for (int i = 0; i < 300; i++) {
      byte[] noise = new byte[random.nextInt(400)];
      random.nextBytes(noise);
      assertRefused(noise, Code.DAMAGED);
    }
    int readable = 0;
    for (int i = 0; i < 2_000; i++) {
      byte[] flipped = whole.clone();
      flipped[random.nextInt(200)] ^= (byte) (1 << random.nextInt(8));
      try {
        OnnxModel.read(flipped);
        readable++;
      } catch (QuantizerException e) {
        assertThat(e.code())
            .isIn(Code.DAMAGED, Code.UNSUPPORTED, Code.TOO_LARGE, Code.EXTERNAL_DATA);
      }
    }
    assertThat(readable).isPositive();
    Path empty = Files.createFile(folder.resolve("empty.onnx"));
    assertThatThrownBy(() -> OnnxModel.read(empty)).hasMessageContaining("empty");
    assertThatThrownBy(() -> OnnxModel.read(folder.resolve("none.onnx")))
        .hasMessageContaining("UNREADABLE");
    Path large = Files.write(folder.resolve("large.onnx"), whole);
    assertThatThrownBy(() -> OnnxModel.read(large, 100)).hasMessageContaining("allowed=100");
  }

  @Test
  void shouldRefuseWhenConstantHoldsOtherAmountOfData() {
    for (ProtobufMessage tensor :
        List.of(
            new ProtobufMessage().add(1, 1L << 40).add(2, 1).add(8, "w").add(9, new byte[16]),
            new ProtobufMessage().add(1, -4L).add(2, 1).add(8, "w").add(9, new byte[16]),
            new ProtobufMessage().add(1, 5L).add(2, 1).add(8, "w").add(9, new byte[16]))) {
      byte[] model =
          new OnnxGraph("bad")
              .input("x", ElementType.FLOAT32, Shape.of(1, 4))
              .constant(tensor)
              .node("Add", List.of("x", "w"), List.of("y"))
              .output("y", ElementType.FLOAT32, Shape.of(1, 4))
              .toModel();
      assertThatThrownBy(() -> OnnxModel.read(model))
          .isInstanceOf(QuantizerException.class)
          .hasMessageContaining("name=w");
    }
  }

  @Test
  void shouldRefuseAndNameItWhenStructureIsNotSupported() {
    assertRefused(OnnxModels.slow(), Code.UNSUPPORTED, "control flow", "Loop");
    assertRefused(OnnxModels.sequenceInput(), Code.UNSUPPORTED, "no tensor", "name=x");
    assertRefused(OnnxModels.externalDataInSubgraph("w.bin"), Code.UNSUPPORTED, "control flow");
    assertRefused(OnnxModels.externalData("w.bin"), Code.EXTERNAL_DATA, "w.bin");
  }

  @Test
  void shouldSortNodesAndRefuseCycleWhenOrderIsNotGiven() throws Exception {
    OnnxGraph unsorted =
        new OnnxGraph("unsorted")
            .input("x", ElementType.FLOAT32, Shape.of(1, 4))
            .node("Relu", List.of("b"), List.of("y"))
            .node("Neg", List.of("a"), List.of("b"))
            .node("Abs", List.of("x"), List.of("a"))
            .output("y", ElementType.FLOAT32, Shape.of(1, 4));
    OnnxModel model = OnnxModel.read(unsorted.toModel());
    assertThat(model.graph().nodes()).extracting("operator").containsExactly("Abs", "Neg", "Relu");

    byte[] cycle =
        new OnnxGraph("cycle")
            .input("x", ElementType.FLOAT32, Shape.of(1, 4))
            .node("Add", List.of("x", "b"), List.of("a"))
            .node("Neg", List.of("a"), List.of("b"))
            .output("b", ElementType.FLOAT32, Shape.of(1, 4))
            .toModel();
    assertRefused(cycle, Code.DAMAGED, "cycle");
    byte[] missing =
        new OnnxGraph("missing")
            .input("x", ElementType.FLOAT32, Shape.of(1, 4))
            .node("Add", List.of("x", "nowhere"), List.of("y"))
            .output("y", ElementType.FLOAT32, Shape.of(1, 4))
            .toModel();
    assertRefused(missing, Code.DAMAGED, "nowhere");
  }

  @Test
  void shouldTakeWeightsInWhenTheyLieBesideTheModelAndNowhereElse(
      ModelRunner runner, @TempDir Path folder) throws Exception {
    Path inside = Files.createDirectories(folder.resolve("inside"));
    ByteBuffer weights = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    weights.asFloatBuffer().put(new float[] {1, 2, 3, 4});
    Files.write(inside.resolve("w.bin"), weights.array());
    Files.write(folder.resolve("secret.bin"), weights.array());
    Files.createSymbolicLink(inside.resolve("link.bin"), folder.resolve("secret.bin"));

    OnnxModel model = OnnxModel.read(external(inside, "w.bin"));
    try (ModelRunner.Session session = runner.open(model)) {
      Tensor zero = Tensor.allocate(ElementType.FLOAT32, Shape.of(1, 4));
      assertThat(Graphs.floats(session.run(Map.of("x", zero)).get("y")))
          .containsExactly(1, 2, 3, 4);
    }
    for (String location :
        List.of("../secret.bin", "link.bin", folder.resolve("secret.bin").toString(), "", "gone")) {
      Path file = external(inside, location);
      assertThatThrownBy(() -> OnnxModel.read(file))
          .isInstanceOf(QuantizerException.class)
          .hasMessageContaining("EXTERNAL_DATA");
    }
    Files.write(inside.resolve("w.bin"), new byte[8]);
    Path shorter = external(inside, "w.bin");
    assertThatThrownBy(() -> OnnxModel.read(shorter)).hasMessageContaining("too short");
  }

  @Test
  void shouldLeaveNothingBehindWhenFileCannotBeWritten(@TempDir Path folder) throws Exception {
    OnnxModel model = OnnxModel.read(OnnxModels.mlp(3, 16, 32, 8));
    Path taken = Files.createDirectories(folder.resolve("taken.onnx"));
    Files.createFile(taken.resolve("content"));
    assertThatThrownBy(() -> model.write(taken)).hasMessageContaining("UNWRITABLE");
    assertThat(Files.list(folder)).containsExactly(taken);
  }

  private static Path external(Path folder, String location) throws IOException {
    return Files.write(folder.resolve("model.onnx"), OnnxModels.externalData(location));
  }

  private static void assertRefused(byte[] content, Code code, String... mentions) {
    var thrown =
        assertThatThrownBy(() -> OnnxModel.read(content))
            .isInstanceOfSatisfying(
                QuantizerException.class, e -> assertThat(e.code()).isEqualTo(code));
    for (String mention : mentions) {
      thrown.hasMessageContaining(mention);
    }
  }
}
