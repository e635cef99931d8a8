/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.natives;

import com.sun.jna.Function;
import com.sun.jna.Memory;
import com.sun.jna.Pointer;
import io.shoji.accelerator.VendorLibraries;
import io.shoji.accelerator.VendorLibrary;
import io.shoji.accelerator.VendorLibraryException;
import java.nio.file.Path;

/**
 * What a driver does with a library, in a class that a loader of its own can define: takes the
 * service and a file, returns what the library's function {@code answer} does.
 */
public final class DriverStandIn implements java.util.function.Function<Object[], Integer> {
  @Override
  public Integer apply(Object[] serviceAndFile) {
    VendorLibraries libraries = (VendorLibraries) serviceAndFile[0];
    try (VendorLibrary library = libraries.open((Path) serviceAndFile[1])) {
      Function answer = Function.getFunction(new Pointer(library.symbol("answer")));
      // Left to JNA's cleaner on purpose, which must not keep this class.
      Memory memory = new Memory(4);
      memory.setInt(0, answer.invokeInt(new Object[0]));
      return memory.getInt(0);
    } catch (VendorLibraryException e) {
      throw new IllegalStateException(e);
    }
  }
}
