/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.memory;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Memory of the C library, zeroed, aligned to 64 bytes, and given back by {@link #close}: neither
 * the heap nor the limit of direct buffers counts it, and nobody cleans up behind its owner.
 */
public final class NativeMemory implements AutoCloseable {
  private static final int ALIGNMENT = 64;

  private final AtomicLong address;
  private final ByteBuffer buffer;

  private NativeMemory(long address, int bytes) {
    this.address = new AtomicLong(address);
    this.buffer = view(address, bytes);
  }

  /**
   * Takes memory.
   *
   * @throws OutOfMemoryException if the system has none
   */
  public static NativeMemory ofBytes(int bytes) throws OutOfMemoryException {
    long rounded = Math.max(ALIGNMENT, (bytes + (ALIGNMENT - 1L)) / ALIGNMENT * ALIGNMENT);
    long address = function("aligned_alloc").invokeLong(new Object[] {(long) ALIGNMENT, rounded});
    if (address == 0) {
      throw new OutOfMemoryException(bytes);
    }
    new Pointer(address).setMemory(0, rounded, (byte) 0);
    return new NativeMemory(address, bytes);
  }

  /** A view on native memory of somebody else, who keeps it as long as the view is used. */
  public static ByteBuffer view(long address, int bytes) {
    return new Pointer(address).getByteBuffer(0, bytes).order(ByteOrder.nativeOrder());
  }

  /** Where it lies, as an argument of a native call. */
  public Long address() {
    long current = address.get();
    if (current == 0) {
      throw new IllegalStateException("the memory was given back");
    }
    return current;
  }

  /** The memory; not to be touched after {@link #close}. */
  public ByteBuffer buffer() {
    return buffer;
  }

  @Override
  public void close() {
    long current = address.getAndSet(0);
    if (current != 0) {
      function("free").invokeVoid(new Object[] {current});
    }
  }

  private static Function function(String name) {
    return NativeLibrary.getProcess().getFunction(name);
  }

  /** The system has no memory. */
  public static final class OutOfMemoryException extends Exception {
    private static final long serialVersionUID = 1L;

    OutOfMemoryException(int bytes) {
      super("the system has not enough memory askedBytes=" + bytes);
    }
  }
}
