/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.accelerator;

import java.nio.file.Path;
import java.util.OptionalLong;
import org.osgi.annotation.versioning.ProviderType;

/**
 * A vendor library that is open. Thread safe; the owner makes sure that no call into it runs when
 * it closes it.
 */
@ProviderType
public interface VendorLibrary extends AutoCloseable {
  /** The file that was opened, absolute. */
  Path file();

  /** What its ELF header says. */
  VendorLibraries.LibraryFacts facts();

  /** SHA-256 of the file, lower-case hex. */
  String sha256();

  /**
   * Address of an exported symbol, for the driver's own binding.
   *
   * @throws VendorLibraryException MISSING_SYMBOL
   * @throws IllegalStateException after {@link #close}
   */
  long symbol(String name) throws VendorLibraryException;

  /**
   * Address of a symbol that some versions lack.
   *
   * @throws IllegalStateException after {@link #close}
   */
  OptionalLong optionalSymbol(String name);

  /**
   * Closes the library. If it is still mapped afterwards (another owner, a thread-local destructor,
   * a NODELETE flag), a warning is logged that says so, and {@link VendorLibraries#mapped} goes on
   * naming it. Idempotent.
   */
  @Override
  void close();
}
