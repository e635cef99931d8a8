/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.onnxruntime;

import com.sun.jna.Native;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * A little memory that a native call reads or writes: a direct buffer and its address. The garbage
 * collector frees it, so whoever passes the address on keeps this object reachable until the call
 * is back.
 */
public final class NativeMemory {
  private final ByteBuffer buffer;
  private final Long address;

  private NativeMemory(ByteBuffer buffer) {
    this.buffer = buffer;
    this.address = addressOf(buffer);
  }

  /** Zeroed memory, which costs a collection little as that of small tensors does. */
  public static NativeMemory ofBytes(int bytes) {
    return new NativeMemory(Tensor.allocate(ElementType.UINT8, Shape.of(bytes)).data());
  }

  /** A C string in UTF-8. */
  public static NativeMemory ofString(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    NativeMemory memory = ofBytes(bytes.length + 1);
    memory.buffer.put(0, bytes);
    return memory;
  }

  /** An array of 64-bit integers, or of addresses. */
  public static NativeMemory ofLongs(long... values) {
    NativeMemory memory = ofBytes(Math.max(1, values.length) * Long.BYTES);
    memory.buffer.asLongBuffer().put(values);
    return memory;
  }

  /** Address of the first byte of a direct buffer. */
  public static Long addressOf(ByteBuffer buffer) {
    return com.sun.jna.Pointer.nativeValue(Native.getDirectBufferPointer(buffer));
  }

  /** Where it lies, as an argument of a native call. */
  public Long address() {
    return address;
  }

  public int getInt() {
    return buffer.getInt(0);
  }

  public long getLong() {
    return buffer.getLong(0);
  }

  public long getLong(int index) {
    return buffer.getLong(index * Long.BYTES);
  }

  public void putLong(int index, long value) {
    buffer.putLong(index * Long.BYTES, value);
  }
}
