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
import io.shoji.accelerator.AcceleratorException.Code;
import java.io.IOException;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A piece of memory that both processes have mapped.
 *
 * <p>The gateway makes the file, maps it, has the worker map it and removes its name: from then on
 * there is nothing that a death of either could leave behind. The file is written in full before it
 * is mapped, which is what takes its pages; so a file system without room is an error here, and
 * never a signal later.
 *
 * <p>It is unmapped when the last holder has let go of it; explicitly, since memory that waits for
 * the garbage collector counts against small file systems. Memory that was given to callers ({@link
 * #give}) is left to the collector, which alone knows when they are done: so nobody ever touches
 * memory that is unmapped.
 */
final class SharedMemory {
  private static final Logger LOG = LoggerFactory.getLogger(SharedMemory.class);
  private static final int ZEROS = 1 << 16;

  /** {@code Unsafe.invokeCleaner}, bound; null where this Java has none. */
  private static final @Nullable MethodHandle CLEANER = cleaner();

  private final Path file;
  private @Nullable MappedByteBuffer memory;

  /** Who uses it. Guarded by this. */
  private int holders = 1;

  private boolean given;

  private SharedMemory(Path file, MappedByteBuffer memory) {
    this.file = file;
    this.memory = memory;
    memory.order(ByteOrder.nativeOrder());
  }

  private static @Nullable MethodHandle cleaner() {
    try {
      Class<?> unsafe = Class.forName("sun.misc.Unsafe", true, null);
      java.lang.reflect.Field instance = unsafe.getDeclaredField("theUnsafe");
      instance.setAccessible(true);
      return MethodHandles.lookup()
          .findVirtual(unsafe, "invokeCleaner", MethodType.methodType(void.class, ByteBuffer.class))
          .bindTo(instance.get(null));
    } catch (ReflectiveOperationException | RuntimeException e) {
      LOG.info("shared memory is left to the garbage collector, which this Java alone has for it");
      return null;
    }
  }

  /**
   * Makes a file and maps it.
   *
   * @param name in the folder
   * @param bytes its size, above 0
   * @throws AcceleratorException OUT_OF_MEMORY if the file system or this process has no room for
   *     it; nothing stays
   */
  static SharedMemory create(Path folder, String name, long bytes) throws AcceleratorException {
    Path file = folder.resolve(name);
    if (bytes > Integer.MAX_VALUE - 8) {
      throw new AcceleratorException(
          Code.OUT_OF_MEMORY,
          "tensors of one call take at most 2 GiB in shared memory; give smaller batches asked="
              + bytes);
    }
    // An interrupt closes the channel that it meets; so it waits until this is done.
    boolean interrupted = Thread.interrupted();
    try {
      while (true) {
        try {
          return create(file, bytes);
        } catch (ClosedByInterruptException e) {
          interrupted |= Thread.interrupted();
        }
      }
    } catch (IOException | OutOfMemoryError e) {
      throw new AcceleratorException(
          Code.OUT_OF_MEMORY,
          "there is no room for the tensors in shared memory; make "
              + folder.getParent()
              + " larger or give another folder asked="
              + bytes
              + " usable="
              + usable(folder)
              + " reason="
              + e,
          e);
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static SharedMemory create(Path file, long bytes) throws IOException {
    boolean whole = false;
    try (FileChannel channel =
        FileChannel.open(
            file,
            Set.of(
                StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE),
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
      ByteBuffer zeros = ByteBuffer.allocateDirect((int) Math.min(bytes, ZEROS));
      for (long at = 0; at < bytes; ) {
        zeros.clear().limit((int) Math.min(zeros.capacity(), bytes - at));
        at += channel.write(zeros, at);
      }
      MappedByteBuffer memory = channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes);
      whole = true;
      return new SharedMemory(file, memory);
    } finally {
      if (!whole) {
        Files.deleteIfExists(file);
      }
    }
  }

  private static long usable(Path folder) {
    try {
      return Files.getFileStore(folder).getUsableSpace();
    } catch (IOException e) {
      return -1;
    }
  }

  /**
   * Maps a file that the other side made.
   *
   * @throws IOException if it is not there, or not of that size: a mapping beyond a file's end
   *     would be a signal at its first touch
   */
  static SharedMemory open(Path folder, String name, long bytes) throws IOException {
    Path file = folder.resolve(name);
    if (name.isEmpty() || !folder.equals(file.getParent()) || !file.startsWith(folder)) {
      throw new IOException("not a name in the link's folder name=" + name);
    }
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      if (channel.size() != bytes || bytes < 1 || bytes > Integer.MAX_VALUE) {
        throw new IOException(
            "shared memory of another size asked=" + bytes + " found=" + channel.size());
      }
      return new SharedMemory(file, channel.map(FileChannel.MapMode.READ_WRITE, 0, bytes));
    }
  }

  /** Name of the file in its folder. */
  String name() {
    return String.valueOf(file.getFileName());
  }

  /** Removes the file's name; the memory stays. Idempotent. */
  void unlink() {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      LOG.warn("cannot remove shared memory file={}", file, e);
    }
  }

  /**
   * The memory, native order. To be used only as long as it is held.
   *
   * @throws IllegalStateException if nobody holds it any more
   */
  synchronized ByteBuffer memory() {
    if (memory == null) {
      throw new IllegalStateException("shared memory is unmapped file=" + file);
    }
    return memory;
  }

  /** Holds it until {@link #release}; false if it is unmapped already. */
  synchronized boolean hold() {
    if (memory == null) {
      return false;
    }
    holders++;
    return true;
  }

  /** Leaves the unmapping to the garbage collector, for memory that others have views of. */
  synchronized void give() {
    given = true;
  }

  /** Ends a hold; the last one unmaps it. */
  synchronized void release() {
    holders--;
    MappedByteBuffer last = memory;
    if (holders > 0 || last == null) {
      return;
    }
    memory = null;
    if (CLEANER != null && !given) {
      try {
        CLEANER.invoke((ByteBuffer) last);
      } catch (Throwable e) {
        throw new IllegalStateException("shared memory cannot be unmapped file=" + file, e);
      }
    }
  }

  @Override
  public String toString() {
    return "SharedMemory " + file;
  }
}
