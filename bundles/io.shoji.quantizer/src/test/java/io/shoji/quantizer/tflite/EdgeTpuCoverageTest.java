/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer.tflite;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.tflite.EdgeTpuCoverage.Operation;
import io.shoji.quantizer.tflite.TfliteWriter.OperatorEntry;
import io.shoji.quantizer.tflite.TfliteWriter.Options;
import io.shoji.quantizer.tflite.TfliteWriter.TensorEntry;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

/** Every rule of the table, met and broken. */
final class EdgeTpuCoverageTest {
  private static final int LEAKY_RELU = 98;

  private final TfliteWriter writer = new TfliteWriter();

  private int tensor(TfliteType type, int... shape) {
    return writer.add(
        new TensorEntry("t", type, shape, new float[] {0.5f}, new long[] {0}, 0, null));
  }

  private int tensor(int... shape) {
    return tensor(TfliteType.INT8, shape);
  }

  private int ints(int... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(values);
    int[] shape = {values.length};
    return writer.add(
        new TensorEntry("c", TfliteType.INT32, shape, new float[0], new long[0], 0, bytes.array()));
  }

  private int constant(int... shape) {
    int size = 1;
    for (int dim : shape) {
      size *= dim;
    }
    return writer.add(
        new TensorEntry(
            "k", TfliteType.INT8, shape, new float[] {1}, new long[] {0}, 0, new byte[size]));
  }

  private void operation(int code, Options options, int output, int... inputs) {
    writer.add(new OperatorEntry(code, 1, inputs, new int[] {output}, options));
  }

  private EdgeTpuCoverage coverage() throws QuantizerException {
    return EdgeTpuCoverage.of(TfliteModel.read(writer.toBytes("", new int[0], new int[0])));
  }

  private String reason() throws QuantizerException {
    EdgeTpuCoverage coverage = coverage();
    Operation last = coverage.operations().get(coverage.operations().size() - 1);
    assertThat(last.mapped()).isEqualTo(last.reason().isEmpty());
    return last.reason();
  }

  @Test
  void shouldLookAtDimensionsWhenOperatorTakesOneOnly() throws Exception {
    operation(Builtin.SOFTMAX, new Options(9).with(0, 1f), tensor(1, 10), tensor(1, 10));
    assertThat(reason()).isEmpty();
    operation(Builtin.SOFTMAX, new Options(9).with(0, 1f), tensor(4, 10), tensor(4, 10));
    assertThat(reason()).contains("one dimension only shape=[4, 10]");
    operation(Builtin.SOFTMAX, new Options(9).with(0, 1f), tensor(1, 16001), tensor(1, 16001));
    assertThat(reason()).contains("elements=16001");
    Options plain = new Options(8).with(0, (byte) 0);
    operation(Builtin.FULLY_CONNECTED, plain, tensor(1, 3), tensor(1, 8), constant(3, 8));
    assertThat(reason()).isEmpty();
    operation(Builtin.FULLY_CONNECTED, plain, tensor(2, 3), tensor(2, 8), constant(3, 8));
    assertThat(reason()).contains("more than one dimension shape=[2, 3]");
    operation(Builtin.LOGISTIC, Emitter.NONE, tensor(2, 4, 4, 4), tensor(2, 4, 4, 4));
    assertThat(reason()).contains("three innermost dimensions");
  }

  @Test
  void shouldLookAtOptionsWhenOperatorHasConditions() throws Exception {
    Options same = new Options(1).with(4, 2).with(5, 2);
    operation(Builtin.CONV_2D, same, tensor(1, 4, 4, 2), tensor(1, 8, 8, 1), constant(2, 3, 3, 1));
    assertThat(reason()).isEmpty();
    Options other = new Options(1).with(4, 2).with(5, 1);
    operation(Builtin.CONV_2D, other, tensor(1, 4, 6, 2), tensor(1, 6, 8, 1), constant(2, 3, 3, 1));
    assertThat(reason()).contains("dilation");
    operation(
        Builtin.MAX_POOL_2D,
        new Options(5).with(5, (byte) 1),
        tensor(1, 2, 2, 1),
        tensor(1, 4, 4, 1));
    assertThat(reason()).contains("activation");
    operation(
        Builtin.CONCATENATION,
        new Options(10).with(0, 1),
        tensor(1, 4),
        tensor(1, 2),
        constant(1, 2));
    assertThat(reason()).contains("constant");
    operation(Builtin.MEAN, new Options(27), tensor(1, 6), tensor(1, 4, 4, 6), ints(1, 2));
    assertThat(reason()).isEmpty();
    operation(Builtin.MEAN, new Options(27), tensor(1, 4, 4), tensor(1, 4, 4, 6), ints(-1));
    assertThat(reason()).contains("channels=6");
    operation(
        Builtin.PRELU, Emitter.NONE, tensor(1, 4, 4, 2), tensor(1, 4, 4, 2), constant(1, 1, 2));
    assertThat(reason()).isEmpty();
    operation(
        Builtin.PRELU, Emitter.NONE, tensor(1, 4, 4, 2), tensor(1, 4, 4, 2), constant(4, 4, 2));
    assertThat(reason()).contains("slopes");
    Options slice = new Options(32);
    operation(
        Builtin.STRIDED_SLICE,
        slice,
        tensor(1, 2),
        tensor(1, 4),
        ints(0, 0),
        ints(1, 2),
        ints(1, 1));
    assertThat(reason()).isEmpty();
    operation(
        Builtin.STRIDED_SLICE,
        slice,
        tensor(1, 2),
        tensor(1, 4),
        ints(0, 0),
        ints(1, 4),
        ints(1, 2));
    assertThat(reason()).contains("stride=2");
    operation(Builtin.SPLIT, new Options(35), tensor(1, 2, 2, 1), ints(3), tensor(1, 2, 2, 2));
    assertThat(reason()).isEmpty();
    operation(Builtin.SPLIT, new Options(35), tensor(1, 2, 2, 2), ints(0), tensor(2, 2, 2, 2));
    assertThat(reason()).isNotEmpty();
    operation(Builtin.PAD, new Options(22), tensor(1, 3, 3, 1), tensor(1, 2, 2, 1), ints(0));
    assertThat(reason()).isEmpty();
    operation(LEAKY_RELU, new Options(75), tensor(1, 2), tensor(1, 2));
    assertThat(reason()).isEqualTo("the Edge TPU has no such operation");
    writer.add(new OperatorEntry(Builtin.ADD, 1, new int[0], new int[0], new Options(11)));
    assertThat(reason()).contains("no input");
  }

  @Test
  void shouldCountWhatComesAfterWhenOnePartIsMade() throws Exception {
    for (int i = 0; i < 10; i++) {
      operation(
          i == 4 ? LEAKY_RELU : Builtin.LOGISTIC,
          i == 4 ? new Options(75) : Emitter.NONE,
          tensor(1, 8),
          tensor(1, 8));
    }
    EdgeTpuCoverage coverage = coverage();
    assertThat(coverage.cpuShare()).isEqualTo(0.1);
    assertThat(coverage.cpuShareOfOnePart()).isEqualTo(0.6);
    assertThat(coverage.unmapped()).hasSize(1);
    assertThat(coverage.warning().orElseThrow())
        .contains("10 %", "60 %", "-a", "LEAKY_RELU (the Edge TPU has no such operation)");
    assertThat(coverage.warning(0.7)).isEmpty();
  }

  @Test
  void shouldNotEndPartAtConversionOfInputs() throws Exception {
    operation(Builtin.QUANTIZE, new Options(89), tensor(1, 8), tensor(TfliteType.FLOAT32, 1, 8));
    for (int i = 0; i < 8; i++) {
      operation(Builtin.LOGISTIC, Emitter.NONE, tensor(1, 8), tensor(1, 8));
    }
    operation(Builtin.DEQUANTIZE, new Options(38), tensor(TfliteType.FLOAT32, 1, 8), tensor(1, 8));
    EdgeTpuCoverage coverage = coverage();
    assertThat(coverage.cpuShare()).isEqualTo(0.2);
    assertThat(coverage.cpuShareOfOnePart()).isEqualTo(0.2);
    assertThat(coverage.unmapped())
        .extracting(Operation::reason)
        .allMatch(reason -> reason.contains("FLOAT32"));
  }

  @Test
  void shouldHaveNothingToSayWhenThereAreNoOperations() throws Exception {
    tensor(1);
    assertThat(coverage().cpuShare()).isZero();
    assertThat(coverage().warning()).isEmpty();
  }
}
