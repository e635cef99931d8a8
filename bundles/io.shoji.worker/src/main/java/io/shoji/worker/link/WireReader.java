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
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.MemoryUse;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.Precision;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.osgi.framework.Version;

/**
 * Reads the fields of one frame, little-endian. Every length is checked before anything is
 * allocated for it; what does not fit throws {@link ProtocolException}, and nothing else is thrown.
 */
final class WireReader {
  private final ByteBuffer buffer;

  /** Reads from position to limit, which is the whole frame without its length. */
  WireReader(ByteBuffer buffer) {
    this.buffer = buffer;
  }

  private ByteBuffer need(int bytes) throws ProtocolException {
    if (bytes < 0 || buffer.remaining() < bytes) {
      throw new ProtocolException(
          "a frame ends in the middle of a field bytes=" + bytes + " left=" + buffer.remaining());
    }
    return buffer;
  }

  /** Checks that nothing is left. */
  void end() throws ProtocolException {
    if (buffer.hasRemaining()) {
      throw new ProtocolException(
          "a frame is longer than its fields bytesLeft=" + buffer.remaining());
    }
  }

  int u8() throws ProtocolException {
    return need(Byte.BYTES).get() & 0xff;
  }

  boolean flag() throws ProtocolException {
    int value = u8();
    if (value > 1) {
      throw new ProtocolException("a truth value is 0 or 1 found=" + value);
    }
    return value == 1;
  }

  int u16() throws ProtocolException {
    return need(Short.BYTES).getShort() & 0xffff;
  }

  int i32() throws ProtocolException {
    return need(Integer.BYTES).getInt();
  }

  /** A number from 0 to one less than {@code end}. */
  int index(int end) throws ProtocolException {
    int value = i32();
    if (value < 0 || value >= end) {
      throw new ProtocolException("a number is out of its range found=" + value + " end=" + end);
    }
    return value;
  }

  long i64() throws ProtocolException {
    return need(Long.BYTES).getLong();
  }

  float f32() throws ProtocolException {
    return Float.intBitsToFloat(i32());
  }

  double f64() throws ProtocolException {
    return Double.longBitsToDouble(i64());
  }

  ByteBuffer bytes(int most) throws ProtocolException {
    int count = i32();
    if (count < 0 || count > most) {
      throw new ProtocolException("too many bytes in a field bytes=" + count + " most=" + most);
    }
    need(count);
    byte[] bytes = new byte[count];
    buffer.get(bytes);
    return ByteBuffer.wrap(bytes).asReadOnlyBuffer();
  }

  String text() throws ProtocolException {
    int count = i32();
    if (count < 0 || count > Limits.TEXT_BYTES) {
      throw new ProtocolException(
          "a text is too long bytes=" + count + " most=" + Limits.TEXT_BYTES);
    }
    need(count);
    ByteBuffer bytes = buffer.slice(buffer.position(), count);
    buffer.position(buffer.position() + count);
    try {
      return StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .onUnmappableCharacter(CodingErrorAction.REPORT)
          .decode(bytes)
          .toString();
    } catch (CharacterCodingException e) {
      throw new ProtocolException("a text is not UTF-8", e);
    }
  }

  private int count(int most) throws ProtocolException {
    int count = u16();
    if (count > most) {
      throw new ProtocolException("too many entries count=" + count + " most=" + most);
    }
    return count;
  }

  List<String> texts() throws ProtocolException {
    int count = count(Limits.ENTRIES);
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      texts.add(text());
    }
    return texts;
  }

  Map<String, String> table() throws ProtocolException {
    int count = count(Limits.ENTRIES);
    Map<String, String> table = new LinkedHashMap<>();
    for (int i = 0; i < count; i++) {
      String key = text();
      if (table.put(key, text()) != null) {
        throw new ProtocolException("a table has a key twice key=" + key);
      }
    }
    return table;
  }

  Shape shape() throws ProtocolException {
    int rank = u8();
    if (rank > Limits.RANK) {
      throw new ProtocolException(
          "a shape has too many dimensions rank=" + rank + " most=" + Limits.RANK);
    }
    need(rank * Long.BYTES);
    long[] dims = new long[rank];
    for (int axis = 0; axis < rank; axis++) {
      dims[axis] = i64();
    }
    try {
      return Shape.of(dims);
    } catch (IllegalArgumentException e) {
      throw new ProtocolException("no such shape", e);
    }
  }

  List<TensorSpec> specs() throws ProtocolException {
    int count = count(Limits.TENSORS);
    List<TensorSpec> specs = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      specs.add(spec());
    }
    return specs;
  }

  private TensorSpec spec() throws ProtocolException {
    String name = text();
    ElementType type = WireCodes.elementType(u8());
    Shape shape = shape();
    try {
      TensorSpec spec = TensorSpec.of(name, type, shape).withLayout(WireCodes.layout(u8()));
      int quantized = u8();
      if (quantized == 0) {
        return spec;
      }
      int axis = i32();
      int size = i32();
      if (quantized > 2 || size < 1 || (quantized == 1 && (axis != -1 || size != 1))) {
        throw new ProtocolException(
            "no such quantization kind=" + quantized + " axis=" + axis + " size=" + size);
      }
      if (size > Limits.FRAME_BYTES / (2 * Float.BYTES)) {
        throw new ProtocolException("too many scales size=" + size);
      }
      need(size * 2 * Float.BYTES);
      float[] scales = new float[size];
      int[] zeroPoints = new int[size];
      for (int i = 0; i < size; i++) {
        scales[i] = f32();
        zeroPoints[i] = i32();
      }
      return spec.withQuantization(
          quantized == 1
              ? Quantization.perTensor(scales[0], zeroPoints[0])
              : Quantization.perAxis(axis, scales, zeroPoints));
    } catch (IllegalArgumentException e) {
      throw new ProtocolException("no such input or output", e);
    }
  }

  List<Slice> slices() throws ProtocolException {
    int count = count(Limits.TENSORS);
    List<Slice> slices = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      slices.add(new Slice(WireCodes.elementType(u8()), shape(), i64()));
    }
    return slices;
  }

  Failure failure() throws ProtocolException {
    int kind = u8();
    if (kind >= Failure.KINDS.size()) {
      throw new ProtocolException("no such kind of failure kind=" + kind);
    }
    AcceleratorException.Code code = WireCodes.code(u8());
    boolean hasStatus = flag();
    long status = i64();
    if (!hasStatus && status != 0) {
      throw new ProtocolException("a failure without status has one status=" + status);
    }
    return new Failure(Failure.KINDS.get(kind), code, hasStatus ? status : null, text());
  }

  MemoryUse memory() throws ProtocolException {
    return MemoryUse.of(i64(), i64(), i64());
  }

  AcceleratorInfo info() throws ProtocolException {
    try {
      AcceleratorInfo.Builder builder =
          AcceleratorInfo.builder(text(), text()).deviceName(text()).architecture(text());
      builder.formats(texts());
      int count = u8();
      List<Precision> precisions = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        precisions.add(WireCodes.precision(u8()));
      }
      return builder
          .precisions(precisions)
          .driver(text(), text())
          .runtime(text(), text(), text())
          .concurrency(i32())
          .exclusive(flag())
          .dynamicShapes(flag())
          .remote(flag())
          .simulated(flag())
          .build();
    } catch (IllegalArgumentException e) {
      throw new ProtocolException("no such accelerator", e);
    }
  }

  ModelArtifact artifact() throws ProtocolException {
    try {
      String model = text();
      String version = text();
      String variant = text();
      String format = text();
      Precision precision = WireCodes.precision(u8());
      String sha256 = text();
      List<Path> files = new ArrayList<>();
      for (String file : texts()) {
        files.add(Path.of(file));
      }
      return new ModelArtifact(
          model, version, variant, format, precision, sha256, files, specs(), specs(), table());
    } catch (InvalidPathException e) {
      throw new ProtocolException("no such path", e);
    } catch (IllegalArgumentException e) {
      throw new ProtocolException("no such artifact", e);
    }
  }

  Map<String, Object> properties() throws ProtocolException {
    int count = count(Limits.ENTRIES);
    Map<String, Object> properties = new LinkedHashMap<>();
    for (int i = 0; i < count; i++) {
      String key = text();
      if (properties.put(key, value()) != null) {
        throw new ProtocolException("a table has a key twice key=" + key);
      }
    }
    return properties;
  }

  private Object value() throws ProtocolException {
    int kind = u8();
    return switch (kind) {
      case 1 -> text();
      case 2 -> texts().toArray(new String[0]);
      case 3 -> flag();
      case 4 -> i32();
      case 5 -> i64();
      case 6 -> f32();
      case 7 -> f64();
      case 8 -> version(text());
      default -> throw new ProtocolException("no such kind of value kind=" + kind);
    };
  }

  private static Version version(String text) throws ProtocolException {
    try {
      return Version.parseVersion(text);
    } catch (IllegalArgumentException e) {
      throw new ProtocolException("no such version text=" + text, e);
    }
  }
}
