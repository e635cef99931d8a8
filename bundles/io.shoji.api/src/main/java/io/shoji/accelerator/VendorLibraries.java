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
import java.util.List;
import org.osgi.annotation.versioning.ProviderType;
import org.osgi.framework.Bundle;

/**
 * Opens vendors' shared libraries so that they can be closed for real, and a second version opened
 * beside the first.
 *
 * <p>Each opening reads the library's ELF header first and refuses, with a message that says what
 * to do, what would fail or, worse, quietly bind to something else. Thread safe.
 */
@ProviderType
public interface VendorLibraries {
  /**
   * Opens a library that lies in a bundle. The resource is extracted once per content digest,
   * atomically, into a folder only this user can enter (0700), and removed when no one has it open
   * and it is not part of an installed bundle any more.
   *
   * @param bundle the bundle that holds the resource
   * @param resource path in the bundle, as {@code native/linux-x86_64/libonnxruntime.so}
   * @throws VendorLibraryException NOT_FOUND if there is no such resource, or any other code
   */
  VendorLibrary open(Bundle bundle, String resource) throws VendorLibraryException;

  /**
   * Opens a library at a configured absolute path.
   *
   * @throws VendorLibraryException NOT_FOUND if there is no such file, or any other code
   */
  VendorLibrary open(Path file) throws VendorLibraryException;

  /**
   * Opens a library of the system by its file name, as {@code libhailort.so.4}, searched where the
   * dynamic loader does: {@code LD_LIBRARY_PATH}, the loader's cache, the architecture's default
   * folders.
   *
   * @throws VendorLibraryException NOT_FOUND, with every place that was searched, or any other code
   */
  VendorLibrary openSystem(String fileName) throws VendorLibraryException;

  /**
   * Reads what an ELF shared library says of itself, without opening it.
   *
   * @throws VendorLibraryException NOT_FOUND, NOT_A_LIBRARY
   */
  LibraryFacts inspect(Path file) throws VendorLibraryException;

  /**
   * Files of vendor libraries that are mapped into this process now and were opened here, open or
   * not.
   */
  List<MappedLibrary> mapped();

  /** What an ELF header says; immutable. */
  final class LibraryFacts {
    private final String soname;
    private final List<String> needed;
    private final String buildId;
    private final String machine;
    private final String requiredGlibc;

    /** Facts as read; an absent one is empty. */
    public LibraryFacts(
        String soname, List<String> needed, String buildId, String machine, String requiredGlibc) {
      this.soname = soname;
      this.needed = List.copyOf(needed);
      this.buildId = buildId;
      this.machine = machine;
      this.requiredGlibc = requiredGlibc;
    }

    /** DT_SONAME, or empty. */
    public String soname() {
      return soname;
    }

    /** DT_NEEDED, in order. */
    public List<String> needed() {
      return needed;
    }

    /** GNU build-id, lower-case hex, or empty. */
    public String buildId() {
      return buildId;
    }

    /**
     * Machine as the kernel names it: {@code x86_64}, {@code aarch64}, {@code armv7l}, or {@code
     * e_machine=N}.
     */
    public String machine() {
      return machine;
    }

    /**
     * Newest {@code GLIBC_x.y} that the library's version needs name, as {@code 2.28}, or empty.
     */
    public String requiredGlibc() {
      return requiredGlibc;
    }

    @Override
    public String toString() {
      return "soname="
          + soname
          + " machine="
          + machine
          + " buildId="
          + buildId
          + " glibc="
          + requiredGlibc
          + " needed="
          + needed;
    }
  }

  /** A library file that is mapped; immutable. */
  final class MappedLibrary {
    private final Path file;
    private final long mappedBytes;
    private final boolean open;
    private final String reason;

    /**
     * A file of {@code /proc/self/maps}.
     *
     * @param reason why it is still mapped although nobody holds it open; empty if somebody does
     */
    public MappedLibrary(Path file, long mappedBytes, boolean open, String reason) {
      this.file = file;
      this.mappedBytes = mappedBytes;
      this.open = open;
      this.reason = reason;
    }

    /** The file; it may have been deleted since. */
    public Path file() {
      return file;
    }

    /** Sum of its mappings, bytes. */
    public long mappedBytes() {
      return mappedBytes;
    }

    /** Whether someone holds it open; false means that it should have gone and did not. */
    public boolean open() {
      return open;
    }

    /**
     * Why it is still mapped although nobody holds it open, as far as its file and the others tell;
     * empty if somebody does.
     */
    public String reason() {
      return reason;
    }

    @Override
    public String toString() {
      return "file="
          + file
          + " mappedBytes="
          + mappedBytes
          + " open="
          + open
          + (reason.isEmpty() ? "" : " reason=" + reason);
    }
  }
}
