/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.example;

import com.sun.jna.Function;
import com.sun.jna.Pointer;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.VendorLibrary;
import io.shoji.accelerator.VendorLibraryException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The functions of libsoroban 1.x, by their own names. Thread safe, like the library. */
final class Soroban {
  private static final int OK = 0;
  private static final int NO_MODEL = 1;
  private static final int TOO_LARGE = 2;
  private static final int NO_MEMORY = 3;

  private final String version;
  private final Function load;
  private final Function inputs;
  private final Function outputs;
  private final Function run;
  private final Function free;

  /**
   * Looks the functions up, the version first: in another one the rest may mean something else.
   *
   * @throws AcceleratorException INCOMPATIBLE_RUNTIME
   */
  Soroban(VendorLibrary library) throws AcceleratorException {
    try {
      version = function(library, "soroban_version").invokeString(new Object[0], false);
      if (!version.startsWith("1.")) {
        throw new AcceleratorException(
            Code.INCOMPATIBLE_RUNTIME,
            "install libsoroban 1 asked=1.x found=" + version + " file=" + library.file());
      }
      load = function(library, "soroban_load");
      inputs = function(library, "soroban_inputs");
      outputs = function(library, "soroban_outputs");
      run = function(library, "soroban_run");
      free = function(library, "soroban_free");
    } catch (VendorLibraryException e) {
      throw new AcceleratorException(
          Code.INCOMPATIBLE_RUNTIME, "this is no libsoroban 1: " + e.getMessage(), e);
    }
  }

  private static Function function(VendorLibrary library, String name)
      throws VendorLibraryException {
    return Function.getFunction(new Pointer(library.symbol(name)));
  }

  String version() {
    return version;
  }

  /**
   * Loads a model.
   *
   * @param file its content, direct
   * @param what it is, for messages
   * @return its handle, for {@link #free}
   */
  long load(ByteBuffer file, String what) throws AcceleratorException {
    ByteBuffer handle = ByteBuffer.allocateDirect(Long.BYTES).order(ByteOrder.nativeOrder());
    check(load.invokeInt(new Object[] {file, (long) file.capacity(), handle}), what);
    return handle.getLong(0);
  }

  int inputs(long handle) {
    return inputs.invokeInt(new Object[] {handle});
  }

  int outputs(long handle) {
    return outputs.invokeInt(new Object[] {handle});
  }

  void run(long handle, ByteBuffer input, ByteBuffer output, String what)
      throws AcceleratorException {
    check(run.invokeInt(new Object[] {handle, input, output}), what);
  }

  void free(long handle) {
    free.invokeVoid(new Object[] {handle});
  }

  private static void check(int status, String what) throws AcceleratorException {
    switch (status) {
      case OK -> {}
      case NO_MODEL ->
          throw AcceleratorException.withStatus(
              Code.INVALID_MODEL,
              "the file is no model, or cut off: make it again " + what,
              status);
      case TOO_LARGE ->
          throw AcceleratorException.withStatus(
              Code.UNSUPPORTED, "the device takes at most 1024 by 1024 " + what, status);
      case NO_MEMORY ->
          throw AcceleratorException.withStatus(
              Code.OUT_OF_MEMORY, "libsoroban gets no memory " + what, status);
      default ->
          throw AcceleratorException.withStatus(Code.FAILED, "libsoroban failed " + what, status);
    }
  }
}
