/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.hailo;

import com.sun.jna.Function;
import com.sun.jna.NativeLibrary;
import com.sun.jna.Pointer;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.VendorLibrary;
import io.shoji.accelerator.VendorLibraryException;
import io.shoji.driver.memory.NativeMemory;
import java.nio.ByteBuffer;
import java.util.EnumMap;
import java.util.Map;

/**
 * HailoRT's C interface in one library that is open: its functions, its release and the layout of
 * its structures. Arguments are {@link Long} for addresses and {@code size_t}, {@link Integer} for
 * what is 32 bits or less.
 *
 * <p>Thread safe as the C interface is: a stream is for one thread, devices and network groups for
 * several. Whoever closes the library makes sure that no call runs.
 */
final class HailoRt {
  /** The releases whose functions and structures this driver was compared with. */
  static final String SUPPORTED = "4.15 to 4.23";

  private static final int MAJOR = 4;
  private static final int OLDEST = 15;
  private static final int NEWEST = 23;

  private final String version;
  private final HailoLayout layout;
  private final Map<HailoFunction, Function> functions;
  private final Notifications.Pool notifications = new Notifications.Pool();

  private HailoRt(String version, HailoLayout layout, Map<HailoFunction, Function> functions) {
    this.version = version;
    this.layout = layout;
    this.functions = functions;
  }

  /** Keeps the library from writing hailort.log into the working directory, if nobody decided. */
  static void keepQuiet() {
    NativeLibrary.getProcess()
        .getFunction("setenv")
        .invokeInt(new Object[] {"HAILORT_LOGGER_PATH", "NONE", 0});
  }

  /**
   * Finds the functions of a library, its release first: in another one the rest means something
   * else.
   *
   * @throws AcceleratorException INCOMPATIBLE_RUNTIME if it is no HailoRT, another release than
   *     {@link #SUPPORTED}, or lacks a function
   */
  static HailoRt of(VendorLibrary library) throws AcceleratorException {
    int[] parts = new int[3];
    try (NativeMemory memory = NativeMemory.ofBytes(12)) {
      int status =
          symbol(library, HailoFunction.hailo_get_library_version)
              .invokeInt(new Object[] {memory.address()});
      if (status != HailoStatus.SUCCESS) {
        throw HailoStatus.failure(status, "the library does not tell its version", "unknown");
      }
      for (int i = 0; i < parts.length; i++) {
        parts[i] = memory.buffer().getInt(4 * i);
      }
    } catch (NativeMemory.OutOfMemoryException e) {
      throw new AcceleratorException(
          Code.OUT_OF_MEMORY, "HailoRT gets no memory: " + e.getMessage(), e);
    }
    String version = parts[0] + "." + parts[1] + "." + parts[2];
    if (parts[0] == 5) {
      throw new AcceleratorException(
          Code.INCOMPATIBLE_RUNTIME,
          "HailoRT 5 drives Hailo-10 and Hailo-15; for Hailo-8 and Hailo-8L install the line 4 of"
              + " HailoRT, library, kernel driver and firmware asked="
              + SUPPORTED
              + " found="
              + version
              + " file="
              + library.file());
    }
    if (parts[0] != MAJOR || parts[1] < OLDEST || parts[1] > NEWEST) {
      throw new AcceleratorException(
          Code.INCOMPATIBLE_RUNTIME,
          "this driver was not made for this release of HailoRT; install one that it knows,"
              + " library, kernel driver and firmware asked="
              + SUPPORTED
              + " found="
              + version
              + " file="
              + library.file());
    }
    Map<HailoFunction, Function> functions = new EnumMap<>(HailoFunction.class);
    for (HailoFunction function : HailoFunction.values()) {
      functions.put(function, symbol(library, function));
    }
    return new HailoRt(version, HailoLayout.of(parts[1]), functions);
  }

  private static Function symbol(VendorLibrary library, HailoFunction function)
      throws AcceleratorException {
    try {
      return Function.getFunction(new Pointer(library.symbol(function.name())));
    } catch (VendorLibraryException e) {
      throw new AcceleratorException(
          Code.INCOMPATIBLE_RUNTIME,
          "this library is not HailoRT, or one that was cut down; install libhailort of a release"
              + " that this driver knows asked="
              + SUPPORTED
              + " missing="
              + function
              + " file="
              + library.file(),
          e);
    }
  }

  /** Version as the library itself says, as {@code 4.23.0}. */
  String version() {
    return version;
  }

  /** Where fields are. */
  HailoLayout layout() {
    return layout;
  }

  /** Functions for HailoRT to call. */
  Notifications.Pool notifications() {
    return notifications;
  }

  /** Calls a function and returns its status. */
  int call(HailoFunction function, Object... arguments) {
    return function(function).invokeInt(arguments);
  }

  /** The function itself, for calls whose arguments are made once. */
  Function function(HailoFunction function) {
    Function found = functions.get(function);
    if (found == null) {
      throw new IllegalStateException("not looked up function=" + function);
    }
    return found;
  }

  /**
   * Calls a function that must succeed.
   *
   * @param what is asked, for the message
   */
  void check(String what, HailoFunction function, Object... arguments) throws AcceleratorException {
    int status = call(function, arguments);
    if (status != HailoStatus.SUCCESS) {
      throw HailoStatus.failure(status, what + " function=" + function, version);
    }
  }

  /** Zeroed memory. */
  static NativeMemory memory(int bytes) throws AcceleratorException {
    try {
      return NativeMemory.ofBytes(bytes);
    } catch (NativeMemory.OutOfMemoryException e) {
      throw new AcceleratorException(
          Code.OUT_OF_MEMORY, "HailoRT gets no memory: " + e.getMessage(), e);
    }
  }

  /** Text of at most {@code room} bytes, up to its zero. */
  static String text(ByteBuffer memory, int at, int room) {
    byte[] bytes = new byte[room];
    memory.get(at, bytes);
    int length = 0;
    while (length < room && bytes[length] != 0) {
      length++;
    }
    return new String(bytes, 0, length, java.nio.charset.StandardCharsets.UTF_8);
  }
}
