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

import io.shoji.accelerator.VendorLibraryException;
import io.shoji.accelerator.VendorLibraryException.Code;
import io.shoji.natives.MappedFiles.MappedFile;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * Follows what a library needs, and what that needs, as the dynamic loader would, before it does.
 *
 * <p>The loader knows two kinds of failure. What it refuses by itself (a missing file, a missing
 * symbol version) it refuses cleanly but explains badly: these become {@link Report#causes()},
 * which are only used once it has refused, since it may know better. What it accepts silently, a
 * dependency that is taken from another file because that is already mapped under the same SONAME,
 * becomes {@link Report#conflicts()}: nobody else would notice.
 */
final class Preflight {
  /**
   * Run-time libraries of compilers, which promise that a newer one serves programs built for an
   * older one and which say by symbol versions what they offer. Vendors like to ship copies.
   */
  private static final Set<String> COMPILER_RUNTIMES =
      Set.of("libstdc++.so.6", "libgcc_s.so.1", "libgomp.so.1", "libatomic.so.1");

  /** Something that is wrong, or may be. */
  record Finding(Code code, String message) {}

  /**
   * What was found.
   *
   * @param conflicts what must not be opened although the loader would
   * @param causes why the loader will probably refuse
   */
  record Report(List<Finding> conflicts, List<Finding> causes) {}

  private final LoaderSearch search;
  private final Function<MappedFile, Optional<ElfFile>> elfOfMapped;
  private final String glibc;

  /**
   * A preflight in one environment.
   *
   * @param elfOfMapped reads a mapped file, which may have been deleted since
   * @param glibc version of the C library that is present, or empty if it is another
   */
  Preflight(
      LoaderSearch search, Function<MappedFile, Optional<ElfFile>> elfOfMapped, String glibc) {
    this.search = search;
    this.elfOfMapped = elfOfMapped;
    this.glibc = glibc;
  }

  /** A mapped file, what it calls itself, and what could be read of it. */
  private record Mapped(MappedFile file, Optional<ElfFile> elf) {}

  /** Examines a library that is not loaded yet, or is loaded and opened once more. */
  Report examine(Path library, ElfFile elf, MappedFiles mappedFiles) {
    return new Examination(mappedFiles).run(library, elf);
  }

  /** The state of one examination. */
  private final class Examination {
    private final Map<String, List<Mapped>> mapped = new HashMap<>();
    private final Map<String, Path> planned = new HashMap<>();
    private final Set<String> visited = new HashSet<>();
    private final Deque<LoaderSearch.Requester> queue = new ArrayDeque<>();
    private final List<Finding> conflicts = new ArrayList<>();
    private final List<Finding> causes = new ArrayList<>();

    Examination(MappedFiles mappedFiles) {
      for (MappedFile file : mappedFiles.all()) {
        if (!file.executable()) {
          continue;
        }
        Optional<ElfFile> elf = elfOfMapped.apply(file);
        String name = elf.map(ElfFile::soname).orElse("");
        if (name.isEmpty()) {
          name = file.path().getFileName().toString();
        }
        mapped.computeIfAbsent(name, key -> new ArrayList<>()).add(new Mapped(file, elf));
      }
    }

    Report run(Path library, ElfFile elf) {
      plan(elf.soname(), library, elf, null);
      while (!queue.isEmpty()) {
        LoaderSearch.Requester requester = queue.remove();
        checkGlibc(requester);
        Map<String, List<String>> versions = requester.elf().versionNeedsByFile();
        for (String name : requester.elf().needed()) {
          if (visited.add(name)) {
            follow(name, requester, versions.getOrDefault(name, List.of()));
          }
        }
      }
      return new Report(conflicts, causes);
    }

    private void plan(
        String soname,
        Path file,
        ElfFile elf,
        LoaderSearch.@org.jspecify.annotations.Nullable Requester neededBy) {
      planned.put(soname.isEmpty() ? file.getFileName().toString() : soname, file);
      queue.add(new LoaderSearch.Requester(file, elf, neededBy));
    }

    private void follow(String name, LoaderSearch.Requester requester, List<String> versions) {
      List<Mapped> present = mapped.getOrDefault(name, List.of());
      Path plannedFile = planned.get(name);
      if (present.isEmpty() && plannedFile != null) {
        return;
      }
      LoaderSearch.Result found = search.find(name, requester);
      if (!present.isEmpty()) {
        // The loader looks among the loaded ones first, in whatever folder they lie.
        List<Path> own = plannedFile == null ? found.files() : List.of(plannedFile);
        checkBinding(name, requester, versions, present, own);
        return;
      }
      if (found.files().isEmpty()) {
        causes.add(missing(name, requester, found));
        return;
      }
      Path file = found.files().get(found.files().size() - 1);
      try {
        ElfFile elf = ElfFile.readHeaders(file);
        checkVersions(name, requester, versions, file, elf);
        plan(name, file, elf, requester);
      } catch (VendorLibraryException e) {
        causes.add(new Finding(e.code(), "neededBy=" + requester.file() + ": " + e.getMessage()));
      }
    }

    private Finding missing(
        String name, LoaderSearch.Requester requester, LoaderSearch.Result found) {
      List<Path> uncached = search.findUncached(name);
      String advice =
          uncached.isEmpty()
              ? "install the package that has it, or name its folder in LD_LIBRARY_PATH before the"
                  + " gateway starts."
              : "it is there, but not in the loader's cache yet: run ldconfig as root. file="
                  + uncached;
      return new Finding(
          Code.MISSING_DEPENDENCY,
          "a library that it needs is not on this system: "
              + advice
              + " missing="
              + name
              + " neededBy="
              + requester.file()
              + " searched="
              + found.searched());
    }

    private void checkBinding(
        String name,
        LoaderSearch.Requester requester,
        List<String> versions,
        List<Mapped> present,
        List<Path> own) {
      for (Mapped other : present) {
        if (own.isEmpty() || isOneOf(other, own)) {
          other
              .elf()
              .ifPresent(elf -> checkVersions(name, requester, versions, other.file().path(), elf));
          continue;
        }
        if (COMPILER_RUNTIMES.contains(name)) {
          List<String> lacking = lacking(versions, other.elf());
          if (lacking.isEmpty()) {
            continue;
          }
          conflicts.add(
              conflict(
                  name, requester, own, other, "The mapped one is too old: it lacks " + lacking));
        } else {
          conflicts.add(
              conflict(name, requester, own, other, "Close what uses the mapped one first"));
        }
      }
    }

    private Finding conflict(
        String name, LoaderSearch.Requester requester, List<Path> own, Mapped other, String what) {
      return new Finding(
          Code.SONAME_CONFLICT,
          "another file is mapped under a name that it needs, and the loader would bind it to that"
              + " one. "
              + what
              + ", or run the two in processes of their own. soname="
              + name
              + " neededBy="
              + requester.file()
              + " wouldBe="
              + own
              + " mapped="
              + other.file().path()
              + (other.file().deleted() ? " (replaced or deleted since)" : "")
              + " mappedBuildId="
              + other.elf().map(ElfFile::buildId).orElse("unknown"));
    }

    private boolean isOneOf(Mapped other, List<Path> own) {
      for (Path file : own) {
        Path real;
        try {
          real = file.toRealPath();
        } catch (IOException e) {
          continue;
        }
        Path folder = real.getParent();
        if (real.equals(other.file().path())
            && (!other.file().deleted() || (folder != null && search.isSystemFolder(folder)))) {
          // Replaced in place by the system's package manager: a SONAME that stayed is its promise
          // that programs go on.
          return true;
        }
        String buildId = other.elf().map(ElfFile::buildId).orElse("");
        if (!buildId.isEmpty() && buildId.equals(buildIdOf(real))) {
          return true;
        }
      }
      return false;
    }

    private String buildIdOf(Path file) {
      try {
        return ElfFile.readHeaders(file).buildId();
      } catch (VendorLibraryException e) {
        return "";
      }
    }

    private List<String> lacking(List<String> versions, Optional<ElfFile> elf) {
      List<String> lacking = new ArrayList<>();
      if (elf.isPresent()) {
        for (String version : versions) {
          if (!version.startsWith("GLIBC_") && !elf.get().versionsDefined().contains(version)) {
            lacking.add(version);
          }
        }
      }
      return lacking;
    }

    private void checkVersions(
        String name,
        LoaderSearch.Requester requester,
        List<String> versions,
        Path file,
        ElfFile elf) {
      List<String> lacking = lacking(versions, Optional.of(elf));
      if (!lacking.isEmpty()) {
        causes.add(
            new Finding(
                Code.MISSING_DEPENDENCY,
                "a library that it needs is too old here: install a newer "
                    + name
                    + ", or a build of this library for this system. lacking="
                    + lacking
                    + " in="
                    + file
                    + " neededBy="
                    + requester.file()));
      }
    }

    private void checkGlibc(LoaderSearch.Requester requester) {
      String required = requester.elf().requiredGlibc();
      if (!glibc.isEmpty() && ElfFile.compareVersions(required, glibc) > 0) {
        causes.add(
            new Finding(
                Code.GLIBC_TOO_OLD,
                "it was built for a newer C library: install a build for this system, or a newer"
                    + " system. required=GLIBC_"
                    + required
                    + " present=GLIBC_"
                    + glibc
                    + " file="
                    + requester.file()));
      }
    }
  }
}
