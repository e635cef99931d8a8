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

import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.MemoryUse;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.Precision;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.osgi.framework.Version;

/** Writes the fields of frames, little-endian, into memory that grows up to a frame. */
final class WireWriter {
  private static final int START_BYTES = 256;

  private ByteBuffer buffer =
      ByteBuffer.allocate(START_BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(0);

  /** The frame, its length in front, from position to limit. */
  ByteBuffer frame() throws ProtocolException {
    int length = buffer.position() - Integer.BYTES;
    if (length > Limits.FRAME_BYTES) {
      throw new ProtocolException(
          "a frame would be too long bytes=" + length + " most=" + Limits.FRAME_BYTES);
    }
    return buffer.putInt(0, length).flip();
  }

  private ByteBuffer room(int bytes) throws ProtocolException {
    if (buffer.remaining() < bytes) {
      long size = Math.max(2L * buffer.capacity(), (long) buffer.position() + bytes);
      long most = Limits.FRAME_BYTES + Integer.BYTES;
      if ((long) buffer.position() + bytes > most) {
        throw new ProtocolException("a frame would be too long most=" + Limits.FRAME_BYTES);
      }
      byte[] larger = Arrays.copyOf(buffer.array(), (int) Math.min(size, most));
      buffer = ByteBuffer.wrap(larger).order(ByteOrder.LITTLE_ENDIAN).position(buffer.position());
    }
    return buffer;
  }

  WireWriter u8(int value) throws ProtocolException {
    room(Byte.BYTES).put((byte) value);
    return this;
  }

  WireWriter flag(boolean value) throws ProtocolException {
    return u8(value ? 1 : 0);
  }

  WireWriter u16(int value) throws ProtocolException {
    room(Short.BYTES).putShort((short) value);
    return this;
  }

  WireWriter i32(int value) throws ProtocolException {
    room(Integer.BYTES).putInt(value);
    return this;
  }

  WireWriter i64(long value) throws ProtocolException {
    room(Long.BYTES).putLong(value);
    return this;
  }

  WireWriter f32(float value) throws ProtocolException {
    return i32(Float.floatToRawIntBits(value));
  }

  WireWriter f64(double value) throws ProtocolException {
    return i64(Double.doubleToRawLongBits(value));
  }

  WireWriter bytes(ByteBuffer bytes) throws ProtocolException {
    i32(bytes.remaining());
    room(bytes.remaining()).put(bytes.duplicate());
    return this;
  }

  WireWriter text(String text) throws ProtocolException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    if (bytes.length > Limits.TEXT_BYTES) {
      throw new ProtocolException(
          "a text is too long bytes=" + bytes.length + " most=" + Limits.TEXT_BYTES);
    }
    return bytes(ByteBuffer.wrap(bytes));
  }

  private WireWriter count(int count, int most) throws ProtocolException {
    if (count > most) {
      throw new ProtocolException("too many entries count=" + count + " most=" + most);
    }
    return u16(count);
  }

  WireWriter texts(Collection<String> texts) throws ProtocolException {
    count(texts.size(), Limits.ENTRIES);
    for (String text : texts) {
      text(text);
    }
    return this;
  }

  WireWriter table(Map<String, String> table) throws ProtocolException {
    count(table.size(), Limits.ENTRIES);
    for (Map.Entry<String, String> entry : new TreeMap<>(table).entrySet()) {
      text(entry.getKey()).text(entry.getValue());
    }
    return this;
  }

  WireWriter shape(Shape shape) throws ProtocolException {
    if (shape.rank() > Limits.RANK) {
      throw new ProtocolException(
          "a shape has too many dimensions rank=" + shape.rank() + " most=" + Limits.RANK);
    }
    u8(shape.rank());
    for (int axis = 0; axis < shape.rank(); axis++) {
      i64(shape.dim(axis));
    }
    return this;
  }

  WireWriter specs(List<TensorSpec> specs) throws ProtocolException {
    count(specs.size(), Limits.TENSORS);
    for (TensorSpec spec : specs) {
      text(spec.name())
          .u8(WireCodes.of(spec.type()))
          .shape(spec.shape())
          .u8(WireCodes.of(spec.layout()));
      Quantization quantization = spec.quantization().orElse(null);
      if (quantization == null) {
        u8(0);
      } else {
        u8(quantization.isPerTensor() ? 1 : 2);
        i32(quantization.axis()).i32(quantization.size());
        for (int i = 0; i < quantization.size(); i++) {
          f32(quantization.scale(i)).i32(quantization.zeroPoint(i));
        }
      }
    }
    return this;
  }

  WireWriter slices(List<Slice> slices) throws ProtocolException {
    count(slices.size(), Limits.TENSORS);
    for (Slice slice : slices) {
      u8(WireCodes.of(slice.type())).shape(slice.shape()).i64(slice.offset());
    }
    return this;
  }

  WireWriter failure(Failure failure) throws ProtocolException {
    u8(Failure.KINDS.indexOf(failure.kind())).u8(WireCodes.of(failure.code()));
    flag(failure.status() != null);
    return i64(failure.status() == null ? 0 : failure.status()).text(failure.message());
  }

  WireWriter memory(MemoryUse memory) throws ProtocolException {
    return i64(memory.loadBytes().orElse(-1))
        .i64(memory.currentBytes().orElse(-1))
        .i64(memory.peakBytes().orElse(-1));
  }

  WireWriter info(AcceleratorInfo info) throws ProtocolException {
    text(info.kind()).text(info.device()).text(info.deviceName()).text(info.architecture());
    texts(info.formats());
    u8(info.precisions().size());
    for (Precision precision : info.precisions()) {
      u8(WireCodes.of(precision));
    }
    text(info.driver()).text(info.driverVersion());
    text(info.runtime()).text(info.runtimeVersion()).text(info.runtimeBuildId());
    return i32(info.concurrency())
        .flag(info.exclusive())
        .flag(info.dynamicShapes())
        .flag(info.remote())
        .flag(info.simulated());
  }

  WireWriter artifact(ModelArtifact artifact) throws ProtocolException {
    text(artifact.model()).text(artifact.version()).text(artifact.variant());
    text(artifact.format()).u8(WireCodes.of(artifact.precision())).text(artifact.sha256());
    return texts(artifact.files().stream().map(Path::toString).toList())
        .specs(artifact.inputs())
        .specs(artifact.outputs())
        .table(artifact.options());
  }

  WireWriter properties(Map<String, Object> properties) throws ProtocolException {
    count(properties.size(), Limits.ENTRIES);
    for (Map.Entry<String, Object> entry : new TreeMap<>(properties).entrySet()) {
      text(entry.getKey());
      Object value = entry.getValue();
      if (value instanceof String text) {
        u8(1).text(text);
      } else if (value instanceof String[] texts) {
        u8(2).texts(Arrays.asList(texts));
      } else if (value instanceof Boolean flag) {
        u8(3).flag(flag);
      } else if (value instanceof Integer number) {
        u8(4).i32(number);
      } else if (value instanceof Long number) {
        u8(5).i64(number);
      } else if (value instanceof Float number) {
        u8(6).f32(number);
      } else if (value instanceof Double number) {
        u8(7).f64(number);
      } else if (value instanceof Version version) {
        u8(8).text(version.toString());
      } else {
        throw new ProtocolException("no way to write a value key=" + entry.getKey());
      }
    }
    return this;
  }

  /** Whether {@link #properties} can write a value. */
  static boolean takes(Object value) {
    return value instanceof String
        || value instanceof String[]
        || value instanceof Boolean
        || value instanceof Integer
        || value instanceof Long
        || value instanceof Float
        || value instanceof Double
        || value instanceof Version;
  }
}
