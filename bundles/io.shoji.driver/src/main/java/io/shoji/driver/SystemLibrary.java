/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.VendorLibraries;
import io.shoji.accelerator.VendorLibrary;
import io.shoji.accelerator.VendorLibraryException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A library that no bundle brings, since it belongs to the machine, as its kernel driver and
 * firmware do: the one of the configured path, else the system's. That there is none is no fault,
 * and why it cannot be used is said once.
 *
 * @param name as people call it
 * @param file name under which distributions install it
 * @param accelerator what is not there without it, as people call it
 * @param setting name of the setting that holds its path
 */
public record SystemLibrary(String name, String file, String accelerator, String setting) {
  private static final Logger LOG = LoggerFactory.getLogger(SystemLibrary.class);

  /**
   * What a driver makes of the library.
   *
   * @param <L> the library with what the driver keeps of it
   */
  public interface Use<L> {
    /** The library is closed if this throws. */
    L of(VendorLibrary library) throws AcceleratorException;
  }

  /**
   * Opens the library.
   *
   * @param configuredPath absolute path, or empty
   * @param retryMs when it is tried again, for the log
   * @param complaint what was said last
   * @return null if there is none, or one that cannot be used
   */
  public <L> @Nullable L open(
      VendorLibraries libraries,
      String configuredPath,
      long retryMs,
      Complaint complaint,
      Use<L> use) {
    VendorLibrary library = null;
    boolean done = false;
    try {
      library =
          configuredPath.isBlank()
              ? libraries.openSystem(file)
              : libraries.open(Path.of(configuredPath.strip()));
      L used = use.of(library);
      done = true;
      complaint.settle();
      return used;
    } catch (VendorLibraryException e) {
      if (e.code() == VendorLibraryException.Code.NOT_FOUND && configuredPath.isBlank()) {
        if (complaint.isNew("absent")) {
          LOG.info(
              "no {} is installed, so that there is no {}; it is looked for again everyMs={}",
              name,
              accelerator,
              retryMs);
        }
      } else if (complaint.isNew(e.toString())) {
        LOG.error(
            "{} cannot be opened, so that there is no {}; correct this, it is tried again by itself"
                + " {}={}",
            name,
            accelerator,
            setting,
            configuredPath,
            e);
      }
    } catch (AcceleratorException | InvalidPathException e) {
      if (complaint.isNew(e.toString())) {
        LOG.error(
            "this {} cannot be used, so that there is no {} {}={}",
            name,
            accelerator,
            setting,
            configuredPath,
            e);
      }
    } finally {
      if (!done && library != null) {
        library.close();
      }
    }
    return null;
  }
}
