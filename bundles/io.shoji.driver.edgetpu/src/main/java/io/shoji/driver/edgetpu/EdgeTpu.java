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

import com.sun.jna.Function;
import com.sun.jna.Pointer;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.VendorLibrary;
import io.shoji.accelerator.VendorLibraryException;
import io.shoji.driver.memory.NativeMemory;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * libedgetpu's C API in one library that is open. It ends the process where it is called wrongly
 * ({@code CHECK}), so every argument is made here. Thread safe; whoever closes the library makes
 * sure that no call runs and no delegate is left.
 */
final class EdgeTpu {
  /** {@code sizeof(struct edgetpu_device)}. */
  static final int DEVICE_BYTES = 16;

  /** Offset of {@code enum edgetpu_device_type type}. */
  static final int DEVICE_TYPE = 0;

  /** Offset of {@code const char *path}. */
  static final int DEVICE_PATH = 8;

  /** {@code sizeof(struct edgetpu_option)}. */
  static final int OPTION_BYTES = 16;

  /** Offset of {@code const char *name}. */
  static final int OPTION_NAME = 0;

  /** Offset of {@code const char *value}. */
  static final int OPTION_VALUE = 8;

  /** {@code EDGETPU_APEX_PCI}. */
  static final int PCI = 0;

  /** {@code EDGETPU_APEX_USB}. */
  static final int USB = 1;

  /** Name of the option that says how fast, and so how hot, the chip is to be. */
  static final String PERFORMANCE = "Performance";

  /** Values of {@link #PERFORMANCE}, the slowest first. */
  static final List<String> PERFORMANCES = List.of("Low", "Medium", "High", "Max");

  /** No machine has so many. */
  private static final int MOST_DEVICES = 256;

  private static final Pattern RUNTIME = Pattern.compile("RuntimeVersion\\((\\d{1,6})\\)");
  private static final Pattern COMPILER = Pattern.compile("COMPILER=(\\d{1,4})[. ]");

  /**
   * A device that the library lists.
   *
   * @param type {@link #PCI} or {@link #USB}
   * @param path {@code /dev/apex_0}, or the device's folder below {@code /sys/bus/usb/devices}
   */
  record Found(int type, String path) {
    boolean isUsb() {
      return type == USB;
    }
  }

  /**
   * What the library says of itself.
   *
   * @param text as it says it
   * @param runtime the version that models ask for
   * @param compiler first number of its compiler's version, 0 if it does not tell
   */
  record Version(String text, int runtime, int compiler) {
    /**
     * Reads what {@code edgetpu_version} gives.
     *
     * @throws AcceleratorException INCOMPATIBLE_RUNTIME if that names no runtime version
     */
    static Version of(String text) throws AcceleratorException {
      Matcher runtime = RUNTIME.matcher(text);
      Matcher compiler = COMPILER.matcher(text);
      if (!runtime.find()) {
        throw new AcceleratorException(
            Code.INCOMPATIBLE_RUNTIME,
            "the Edge TPU's runtime does not tell its version as any that is known; install"
                + " libedgetpu as it was published asked=RuntimeVersion(N) found="
                + text);
      }
      return new Version(
          text,
          Integer.parseInt(runtime.group(1)),
          compiler.find() ? Integer.parseInt(compiler.group(1)) : 0);
    }
  }

  private final Version version;
  private final Map<EdgeTpuFunction, Function> functions;

  private EdgeTpu(Version version, Map<EdgeTpuFunction, Function> functions) {
    this.version = version;
    this.functions = functions;
  }

  /**
   * Finds the functions of a library, and asks it for its version.
   *
   * @throws AcceleratorException INCOMPATIBLE_RUNTIME if it lacks a function or tells no version
   */
  static EdgeTpu of(VendorLibrary library) throws AcceleratorException {
    Map<EdgeTpuFunction, Function> functions = new EnumMap<>(EdgeTpuFunction.class);
    for (EdgeTpuFunction function : EdgeTpuFunction.values()) {
      try {
        functions.put(function, Function.getFunction(new Pointer(library.symbol(function.name()))));
      } catch (VendorLibraryException e) {
        throw new AcceleratorException(
            Code.INCOMPATIBLE_RUNTIME,
            "this library is not the Edge TPU's runtime, or one that was cut down; install"
                + " libedgetpu as it was published missing="
                + function
                + " file="
                + library.file(),
            e);
      }
    }
    String text = text(function(functions, EdgeTpuFunction.edgetpu_version));
    return new EdgeTpu(Version.of(text), functions);
  }

  private static Function function(
      Map<EdgeTpuFunction, Function> functions, EdgeTpuFunction function) {
    Function found = functions.get(function);
    if (found == null) {
      throw new IllegalStateException("not looked up function=" + function);
    }
    return found;
  }

  private static String text(Function function) {
    Pointer text = function.invokePointer(new Object[0]);
    return text == null ? "" : text.getString(0, "UTF-8");
  }

  /** What the library says of itself. */
  Version version() {
    return version;
  }

  /** The devices that are there now, open or not. */
  List<Found> list() throws AcceleratorException {
    try (NativeMemory count = NativeMemory.ofBytes(Long.BYTES)) {
      long devices =
          function(functions, EdgeTpuFunction.edgetpu_list_devices)
              .invokeLong(new Object[] {count.address()});
      if (devices == 0) {
        return List.of();
      }
      List<Found> found = new ArrayList<>();
      long listed = Math.min(MOST_DEVICES, count.buffer().getLong(0));
      ByteBuffer fields = NativeMemory.view(devices, Math.toIntExact(listed * DEVICE_BYTES));
      for (int i = 0; i < listed; i++) {
        long path = fields.getLong(i * DEVICE_BYTES + DEVICE_PATH);
        if (path != 0) {
          found.add(
              new Found(
                  fields.getInt(i * DEVICE_BYTES + DEVICE_TYPE),
                  new Pointer(path).getString(0, "UTF-8")));
        }
      }
      // One block with the texts in it: only the library gives it back.
      function(functions, EdgeTpuFunction.edgetpu_free_devices).invokeVoid(new Object[] {devices});
      return found;
    } catch (NativeMemory.OutOfMemoryException e) {
      throw new AcceleratorException(
          Code.OUT_OF_MEMORY, "there is no memory to list devices: " + e.getMessage(), e);
    }
  }

  /**
   * Opens a device, or joins the delegates that have it open in this process.
   *
   * @param performance one of {@link #PERFORMANCES}; empty for the library's own choice
   * @return the delegate's address, which the caller frees; 0 if the library refuses, which does
   *     not say why
   */
  long createDelegate(Found device, String performance) throws AcceleratorException {
    boolean plain = performance.isEmpty();
    try (NativeMemory path = text(device.path());
        NativeMemory name = text(PERFORMANCE);
        NativeMemory value = text(performance);
        NativeMemory option = NativeMemory.ofBytes(OPTION_BYTES)) {
      option.buffer().putLong(OPTION_NAME, name.address());
      option.buffer().putLong(OPTION_VALUE, value.address());
      // Path and options are copied during the call.
      return function(functions, EdgeTpuFunction.edgetpu_create_delegate)
          .invokeLong(
              new Object[] {
                device.type(), path.address(), plain ? 0L : option.address(), plain ? 0L : 1L
              });
    } catch (NativeMemory.OutOfMemoryException e) {
      throw new AcceleratorException(
          Code.OUT_OF_MEMORY, "there is no memory to open a device: " + e.getMessage(), e);
    }
  }

  /** Frees a delegate, whose interpreter is gone. */
  void freeDelegate(long delegate) {
    function(functions, EdgeTpuFunction.edgetpu_free_delegate).invokeVoid(new Object[] {delegate});
  }

  /** Text with its zero. */
  private static NativeMemory text(String text) throws NativeMemory.OutOfMemoryException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    NativeMemory memory = NativeMemory.ofBytes(bytes.length + 1);
    memory.buffer().put(0, bytes);
    return memory;
  }
}
