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

import io.shoji.accelerator.VendorLibraries.LibraryFacts;
import io.shoji.accelerator.VendorLibrary;
import io.shoji.accelerator.VendorLibraryException;
import io.shoji.accelerator.VendorLibraryException.Code;
import io.shoji.natives.MappedFiles.FileId;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/** One opening of a library. The file that was opened stays readable even if it is replaced. */
final class OpenLibrary implements VendorLibrary {
  private final LibraryRegistry registry;
  private final DynamicLoader loader;
  private final FileId id;
  private final Path file;
  private final ElfFile elf;
  private final FileContent content;
  private final @Nullable String extractedAs;
  private final long handle;
  private @Nullable String sha256;
  private boolean closed;

  OpenLibrary(
      LibraryRegistry registry,
      DynamicLoader loader,
      FileId id,
      Path file,
      ElfFile elf,
      FileContent content,
      long handle,
      @Nullable String extractedAs) {
    this.registry = registry;
    this.loader = loader;
    this.id = id;
    this.file = file;
    this.elf = elf;
    this.content = content;
    this.handle = handle;
    this.extractedAs = extractedAs;
    this.sha256 = extractedAs;
  }

  FileId id() {
    return id;
  }

  FileContent content() {
    return content;
  }

  /** Digest under which it was extracted from a bundle, if it was. */
  Optional<String> extractedAs() {
    return Optional.ofNullable(extractedAs);
  }

  @Override
  public Path file() {
    return file;
  }

  @Override
  public LibraryFacts facts() {
    return elf.facts();
  }

  @Override
  public synchronized String sha256() {
    if (sha256 == null) {
      requireOpen();
      try {
        sha256 = Digests.sha256(content);
      } catch (IOException e) {
        throw new UncheckedIOException("an open library cannot be read. file=" + file, e);
      }
    }
    return sha256;
  }

  @Override
  public long symbol(String name) throws VendorLibraryException {
    OptionalLong address = optionalSymbol(name);
    if (address.isEmpty()) {
      throw new VendorLibraryException(
          Code.MISSING_SYMBOL,
          "the library does not export what the driver needs: install the version that the"
              + " driver's README names. symbol="
              + name
              + " file="
              + file
              + " soname="
              + elf.soname()
              + " buildId="
              + elf.buildId());
    }
    return address.getAsLong();
  }

  @Override
  public synchronized OptionalLong optionalSymbol(String name) {
    requireOpen();
    return loader.symbol(handle, name);
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("the library is closed. file=" + file);
    }
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      registry.close(this, loader, handle);
    }
  }

  @Override
  public String toString() {
    return "file=" + file + " " + elf;
  }
}
