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
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * TensorFlow Lite's C API in one library that is open: its functions, and the calls themselves.
 *
 * <p>Arguments are {@link Long} for addresses and {@code size_t}, {@link Integer} for C's {@code
 * int} and {@code bool}. Thread safe as the C API is: a model may be used by several threads, an
 * interpreter by one at a time, but for {@code TfLiteInterpreterCancel}. Whoever closes the library
 * makes sure that no call runs.
 */
final class TfLite {
  /** The releases whose functions and structures this driver was compared with. */
  static final String SUPPORTED = "2.21";

  private final String version;
  private final int schemaVersion;
  private final Map<TfLiteFunction, Function> functions;
  private final Function invoke;
  private final Function data;

  private TfLite(String version, int schemaVersion, Map<TfLiteFunction, Function> functions) {
    this.version = version;
    this.schemaVersion = schemaVersion;
    this.functions = functions;
    this.invoke = function(TfLiteFunction.TfLiteInterpreterInvoke);
    this.data = function(TfLiteFunction.TfLiteTensorData);
  }

  /**
   * Finds the functions of a library.
   *
   * @throws AcceleratorException INCOMPATIBLE_RUNTIME if it is no TensorFlow Lite, another release
   *     than {@link #SUPPORTED}, or lacks a function
   */
  static TfLite of(VendorLibrary library) throws AcceleratorException {
    // The version first: in another release the rest may mean something else.
    Map<TfLiteFunction, Function> functions = new EnumMap<>(TfLiteFunction.class);
    String version =
        text(symbol(library, TfLiteFunction.TfLiteVersion).invokePointer(new Object[0]));
    if (!version.equals(SUPPORTED) && !version.startsWith(SUPPORTED + ".")) {
      throw new AcceleratorException(
          Code.INCOMPATIBLE_RUNTIME,
          "this driver was not made for this release of TensorFlow Lite; use the one of the driver's"
              + " package asked="
              + SUPPORTED
              + " found="
              + version
              + " file="
              + library.file());
    }
    for (TfLiteFunction function : TfLiteFunction.values()) {
      functions.put(function, symbol(library, function));
    }
    int schema = symbol(library, TfLiteFunction.TfLiteSchemaVersion).invokeInt(new Object[0]);
    return new TfLite(version, schema, functions);
  }

  private static Function symbol(VendorLibrary library, TfLiteFunction function)
      throws AcceleratorException {
    try {
      return Function.getFunction(new Pointer(library.symbol(function.name())));
    } catch (VendorLibraryException e) {
      throw new AcceleratorException(
          Code.INCOMPATIBLE_RUNTIME,
          "this library is not TensorFlow Lite with its C API and XNNPACK, or was built without a"
              + " part that the driver needs missing="
              + function
              + " file="
              + library.file(),
          e);
    }
  }

  private static String text(@Nullable Pointer text) {
    return text == null ? "" : text.getString(0, "UTF-8");
  }

  /** Version as the library itself says, as {@code 2.21.0}. */
  String version() {
    return version;
  }

  /** Version of the model files that the library reads. */
  int schemaVersion() {
    return schemaVersion;
  }

  /** Calls a function that returns a status or an integer. */
  int callInt(TfLiteFunction function, Object... arguments) {
    return function(function).invokeInt(arguments);
  }

  /**
   * Calls a function that returns an address or a {@code size_t}, or {@code
   * TfLiteQuantizationParams}, whose 8 bytes come back in one register (System V x86-64: one
   * eightbyte of class INTEGER; AAPCS64: a composite of up to 16 bytes that is no homogeneous
   * aggregate).
   */
  long callLong(TfLiteFunction function, Object... arguments) {
    return function(function).invokeLong(arguments);
  }

  /** Calls a function that returns a borrowed C string; empty for NULL. */
  String callText(TfLiteFunction function, Object... arguments) {
    return text(function(function).invokePointer(arguments));
  }

  /** Calls a function that returns nothing. */
  void callVoid(TfLiteFunction function, Object... arguments) {
    function(function).invokeVoid(arguments);
  }

  /**
   * {@code TfLiteInterpreterInvoke}, the call that each inference makes.
   *
   * @param arguments address of the interpreter, made once
   */
  int invoke(Object[] arguments) {
    return invoke.invokeInt(arguments);
  }

  /**
   * {@code TfLiteTensorData}.
   *
   * @param arguments address of the tensor, made once
   */
  long data(Object[] arguments) {
    return data.invokeLong(arguments);
  }

  private Function function(TfLiteFunction function) {
    Function found = functions.get(function);
    if (found == null) {
      throw new IllegalStateException("not looked up function=" + function);
    }
    return found;
  }
}
