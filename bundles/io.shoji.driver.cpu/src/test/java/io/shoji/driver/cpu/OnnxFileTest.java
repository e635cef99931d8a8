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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.driver.onnxruntime.OnnxFile;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.OnnxGraph;
import io.shoji.testkit.OnnxModels;
import io.shoji.testkit.ProtobufMessage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class OnnxFileTest {
  private static final int MODEL_GRAPH = 7;
  private static final int GRAPH_NODE = 1;
  private static final int GRAPH_INITIALIZER = 5;
  private static final int NODE_ATTRIBUTE = 5;

  @TempDir Path folder;

  private OnnxFile read(byte[] content) throws Exception {
    return OnnxFile.read(new Bytes(content), "model.onnx");
  }

  private void assertInvalid(byte[] content, String mentions) {
    assertThatThrownBy(() -> read(content))
        .isInstanceOfSatisfying(
            AcceleratorException.class, e -> assertThat(e.code()).isEqualTo(Code.INVALID_MODEL))
        .hasMessageContaining(mentions);
  }

  @Test
  void shouldTellFactsOfAModel() throws Exception {
    OnnxFile file = read(OnnxModels.mlp(1, 4, 3, 2));
    assertThat(file.irVersion()).isEqualTo(7);
    assertThat(file.opsets()).containsOnlyKeys("ai.onnx").containsEntry("ai.onnx", 13L);
    assertThat(file.nodes()).isEqualTo(3);
    assertThat(file.operators()).containsExactly("Gemm", "Relu");
    assertThat(file.tensorTypes()).containsExactly(1);
    assertThat(file.externalLocations()).isEmpty();
    assertThat(file.givesShape("x")).isTrue();
    assertThat(file.givesShape("w1")).isFalse();
  }

  @Test
  void shouldTellOperatorsOfOtherDomainsAndOfInnerGraphs() throws Exception {
    assertThat(read(OnnxModels.unknownDomain()).operators()).containsExactly("com.example:Special");
    OnnxFile loop = read(OnnxModels.slow());
    assertThat(loop.operators()).containsExactly("Identity", "Loop", "MatMul");
    assertThat(loop.nodes()).isEqualTo(3);
  }

  @Test
  void shouldTellAShapeFromNone() throws Exception {
    OnnxFile file =
        read(
            new OnnxGraph("shapes")
                .input("scalar", ElementType.FLOAT32, Shape.scalar())
                .output("unknown", OnnxGraph.tensorTypeOfAnyShape(ElementType.FLOAT32))
                .toModel());
    assertThat(file.givesShape("scalar")).isTrue();
    assertThat(file.givesShape("unknown")).isFalse();
    assertThat(file.givesShape("absent")).isFalse();
  }

  @Test
  void shouldFindExternalDataWhereverTheyHide() throws Exception {
    ProtobufMessage tensor =
        OnnxGraph.externalTensor("t", ElementType.FLOAT32, Shape.of(1), "hidden.bin", 0);
    ProtobufMessage inTensor = new ProtobufMessage().add(5, tensor);
    ProtobufMessage inTensors = new ProtobufMessage().add(10, tensor);
    ProtobufMessage inSparse = new ProtobufMessage().add(22, new ProtobufMessage().add(1, tensor));
    ProtobufMessage inSparses = new ProtobufMessage().add(23, new ProtobufMessage().add(2, tensor));
    ProtobufMessage inGraph =
        new ProtobufMessage().add(6, new ProtobufMessage().add(GRAPH_INITIALIZER, tensor));
    ProtobufMessage inGraphs =
        new ProtobufMessage()
            .add(11, new ProtobufMessage().add(15, new ProtobufMessage().add(1, tensor)));
    for (ProtobufMessage attribute :
        List.of(inTensor, inTensors, inSparse, inSparses, inGraph, inGraphs)) {
      ProtobufMessage node =
          new ProtobufMessage().add(4, "Constant").add(NODE_ATTRIBUTE, attribute);
      assertThat(read(model(new ProtobufMessage().add(GRAPH_NODE, node))).externalLocations())
          .containsExactly("hidden.bin");
      ProtobufMessage function = new ProtobufMessage().add(1, "f").add(7, node);
      assertThat(
              read(new ProtobufMessage()
                      .add(1, 8L)
                      .add(MODEL_GRAPH, new ProtobufMessage())
                      .add(25, function)
                      .toBytes())
                  .externalLocations())
          .containsExactly("hidden.bin");
    }
    ProtobufMessage graph = new ProtobufMessage().add(GRAPH_INITIALIZER, tensor);
    ProtobufMessage training = new ProtobufMessage().add(2, graph);
    assertThat(
            read(new ProtobufMessage()
                    .add(1, 8L)
                    .add(MODEL_GRAPH, new ProtobufMessage())
                    .add(20, training)
                    .toBytes())
                .externalLocations())
        .containsExactly("hidden.bin");
  }

  @Test
  void shouldFindExternalDataOfAMessageInPieces() throws Exception {
    // Protocol buffers merge a field that comes twice, and let the last location win.
    ProtobufMessage entry =
        new ProtobufMessage().add(1, "location").add(2, "first.bin").add(2, "second.bin");
    ProtobufMessage tensor = new ProtobufMessage().add(13, entry);
    ProtobufMessage graph = new ProtobufMessage().add(GRAPH_INITIALIZER, tensor);
    byte[] model =
        new ProtobufMessage()
            .add(1, 8L)
            .add(MODEL_GRAPH, new ProtobufMessage())
            .add(MODEL_GRAPH, graph)
            .toBytes();
    assertThat(read(model).externalLocations()).containsExactly("first.bin", "second.bin");
  }

  @Test
  void shouldSkipWeightsWithoutReadingThem() throws Exception {
    // A hole of a gigabyte where the weights are: reading it would take a while, skipping does not.
    long hole = 1L << 30;
    byte[] head = new ProtobufMessage().add(1, 7L).toBytes();
    byte[] tail = new ProtobufMessage().add(8, new ProtobufMessage().add(2, 13L)).toBytes();
    Path path = folder.resolve("sparse.onnx");
    ProtobufMessage lengths = new ProtobufMessage();
    // Graph { initializer { raw_data: hole } }, with lengths that fit.
    byte[] rawTag = tagAndLength(9, hole);
    byte[] tensorTag = tagAndLength(GRAPH_INITIALIZER, rawTag.length + hole);
    byte[] graphTag = tagAndLength(MODEL_GRAPH, tensorTag.length + rawTag.length + hole);
    try (var channel =
        Files.newByteChannel(
            path, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.SPARSE)) {
      for (byte[] part : List.of(head, graphTag, tensorTag, rawTag, lengths.toBytes())) {
        channel.write(ByteBuffer.wrap(part));
      }
      channel.position(channel.position() + hole);
      channel.write(ByteBuffer.wrap(tail));
    }
    long start = System.nanoTime();
    OnnxFile file = OnnxFile.read(path);
    assertThat(System.nanoTime() - start).isLessThan(1_000_000_000);
    assertThat(file.opsets()).containsEntry("ai.onnx", 13L);
  }

  private static byte[] tagAndLength(int field, long length) {
    byte[] tag = new ProtobufMessage().add(field, new byte[0]).toBytes();
    // The varint of a number is what follows the tag of field 1.
    byte[] number = new ProtobufMessage().add(1, length).toBytes();
    byte[] both = Arrays.copyOf(tag, tag.length - 1 + number.length - 1);
    System.arraycopy(number, 1, both, tag.length - 1, number.length - 1);
    return both;
  }

  @Test
  void shouldRefuseEveryTruncationOrHandItToTheRuntimeWhole() throws Exception {
    byte[] whole = OnnxModels.mlp(1, 4, 3, 2);
    int refused = 0;
    for (int length = 0; length < whole.length; length++) {
      try {
        read(Arrays.copyOf(whole, length));
      } catch (AcceleratorException e) {
        assertThat(e.code()).isEqualTo(Code.INVALID_MODEL);
        refused++;
      }
    }
    // Only a cut exactly between two fields of the outermost message is a message too.
    assertThat(refused).isGreaterThanOrEqualTo(whole.length - 4);
  }

  @Test
  void shouldAlwaysEndAndOnlyFailAsInvalidWhateverTheBytes() throws Exception {
    Random random = new Random(2024);
    byte[] whole = OnnxModels.externalDataInSubgraph("weights.bin");
    int read = 0;
    for (int round = 0; round < 20_000; round++) {
      byte[] bytes;
      if (round % 4 == 0) {
        bytes = new byte[1 + random.nextInt(64)];
        random.nextBytes(bytes);
      } else {
        bytes = whole.clone();
        for (int i = random.nextInt(6); i >= 0; i--) {
          bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
        }
      }
      try {
        read(bytes);
        read++;
      } catch (AcceleratorException e) {
        assertThat(e.code()).isEqualTo(Code.INVALID_MODEL);
      }
    }
    assertThat(read).isPositive();
  }

  @Test
  void shouldRefuseNestingAsDeepAsWouldOverflow() throws Exception {
    ProtobufMessage graph = new ProtobufMessage();
    for (int depth = 0; depth < 200; depth++) {
      ProtobufMessage attribute = new ProtobufMessage().add(6, graph);
      graph =
          new ProtobufMessage()
              .add(GRAPH_NODE, new ProtobufMessage().add(NODE_ATTRIBUTE, attribute));
    }
    assertInvalid(model(graph), "nested too deep");
  }

  @Test
  void shouldSkipFieldsAndGroupsThatItDoesNotKnow() throws Exception {
    byte[] known = OnnxModels.add(2);
    // Field 100: a group with a number in it; field 101: eight bytes; field 102: four.
    byte[] unknown = {
      (byte) 0xa3,
      6,
      8,
      1,
      (byte) 0xa4,
      6,
      (byte) 0xa9,
      6,
      1,
      2,
      3,
      4,
      5,
      6,
      7,
      8,
      (byte) 0xb5,
      6,
      1,
      2,
      3,
      4
    };
    byte[] both = Arrays.copyOf(unknown, unknown.length + known.length);
    System.arraycopy(known, 0, both, unknown.length, known.length);
    assertThat(read(both).operators()).containsExactly("Add");
    byte[] openGroup = Arrays.copyOf(both, 4);
    assertInvalid(openGroup, "group does not end");
    assertInvalid(new byte[] {(byte) 0xa4, 6}, "no field is encoded like this");
    assertInvalid(new byte[] {(byte) 0xa3, 6, (byte) 0xac, 6}, "ends as another");
  }

  @Test
  void shouldSayWhatIsMissing() throws Exception {
    assertInvalid(new byte[0], "is empty");
    assertInvalid(new ProtobufMessage().add(1, 7L).toBytes(), "it has no graph");
    assertInvalid(
        new ProtobufMessage().add(MODEL_GRAPH, new ProtobufMessage()).toBytes(),
        "it has no IR version");
    assertInvalid(new byte[] {0}, "no field has the tag 0 offset=0");
    byte[] endless = new byte[12];
    Arrays.fill(endless, (byte) 0xff);
    assertInvalid(endless, "a number does not end");
    assertThatThrownBy(() -> OnnxFile.read(folder.resolve("absent.onnx")))
        .isInstanceOf(AcceleratorException.class)
        .hasMessageContaining("absent.onnx")
        .hasMessageContaining("NoSuchFileException")
        .hasCauseInstanceOf(IOException.class);
  }

  @Test
  void shouldReadAcrossItsWindow() throws Exception {
    OnnxGraph graph = new OnnxGraph("long");
    for (int i = 0; i < 3_000; i++) {
      graph.node("Relu", List.of("a" + i), List.of("a" + (i + 1)));
    }
    graph.constant("c", Tensor.allocate(ElementType.FLOAT32, Shape.of(10_000)));
    graph.node("Sigmoid", List.of("a3000"), List.of("y"));
    OnnxFile file = read(graph.toModel());
    assertThat(file.nodes()).isEqualTo(3_001);
    assertThat(file.operators()).containsExactly("Relu", "Sigmoid");
  }

  private static byte[] model(ProtobufMessage graph) {
    return new ProtobufMessage().add(1, 8L).add(MODEL_GRAPH, graph).toBytes();
  }

  /** A file in memory. */
  private static final class Bytes implements SeekableByteChannel {
    private final ByteBuffer content;

    Bytes(byte[] content) {
      this.content = ByteBuffer.wrap(content);
    }

    @Override
    public int read(ByteBuffer to) {
      if (!content.hasRemaining()) {
        return -1;
      }
      int count = Math.min(to.remaining(), content.remaining());
      to.put(content.slice().limit(count));
      content.position(content.position() + count);
      return count;
    }

    @Override
    public int write(ByteBuffer from) {
      throw new UnsupportedOperationException();
    }

    @Override
    public long position() {
      return content.position();
    }

    @Override
    public SeekableByteChannel position(long position) {
      content.position((int) position);
      return this;
    }

    @Override
    public long size() {
      return content.capacity();
    }

    @Override
    public SeekableByteChannel truncate(long size) {
      throw new UnsupportedOperationException();
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }
}
