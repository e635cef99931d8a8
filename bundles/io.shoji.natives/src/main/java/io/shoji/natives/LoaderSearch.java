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
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where the dynamic loader looks for a library by its name, in its order (ld.so(8)): DT_RPATH of
 * the file that needs it and of those it was needed by, {@code LD_LIBRARY_PATH}, DT_RUNPATH, the
 * cache, the default folders. Files made for another machine are passed over, as the loader does.
 * Immutable, but for the file system that it looks at.
 */
final class LoaderSearch {
  private static final Path CACHE = Path.of("/etc/ld.so.cache");
  private static final Path CONFIGURATION = Path.of("/etc/ld.so.conf");

  private static final Logger LOG = LoggerFactory.getLogger(LoaderSearch.class);

  private final ElfFile.Target target;
  private final List<String> libraryPath;
  private final LoaderCache cache;
  private final List<Path> defaults;
  private final List<Path> programPath;
  private final Set<Path> systemFolders = new LinkedHashSet<>();

  /** A file on its way to being loaded, with the one that needs it. */
  record Requester(Path file, ElfFile elf, @Nullable Requester neededBy) {}

  /**
   * What a search found.
   *
   * @param files the candidates of the first place that had any; more than one if that place has
   *     variants for several processors
   * @param searched every place that was looked at, for a message
   */
  record Result(List<Path> files, List<String> searched) {}

  LoaderSearch(
      ElfFile.Target target,
      List<String> libraryPath,
      LoaderCache cache,
      List<Path> defaults,
      List<Path> programPath) {
    this.target = target;
    this.libraryPath = List.copyOf(libraryPath);
    this.cache = cache;
    this.defaults = List.copyOf(defaults);
    this.programPath = List.copyOf(programPath);
    systemFolders.addAll(cache.folders());
    for (Path folder : defaults) {
      systemFolders.add(folder);
      try {
        systemFolders.add(folder.toRealPath());
      } catch (IOException e) {
        LOG.debug("Not every distribution has every default folder. reason={}", e.toString());
      }
    }
  }

  /** The search of this process; reads the loader's cache as it is now. */
  static LoaderSearch ofThisProcess(ElfFile.Target target) {
    String environment = System.getenv("LD_LIBRARY_PATH");
    List<String> libraryPath = new ArrayList<>();
    if (environment != null && !environment.isEmpty()) {
      // Both separators are the loader's; an empty entry is the working folder.
      for (String entry : environment.split("[:;]", -1)) {
        libraryPath.add(entry.isEmpty() ? "." : entry);
      }
    }
    return new LoaderSearch(
        target, libraryPath, LoaderCache.read(CACHE), defaults(target), programPath());
  }

  /** Folders compiled into the loaders of the usual distributions. */
  private static List<Path> defaults(ElfFile.Target target) {
    String tuple =
        target.machineName().equals("armv7l")
            ? "arm-linux-gnueabihf"
            : target.machineName() + "-linux-gnu";
    List<Path> folders = new ArrayList<>();
    folders.add(Path.of("/lib", tuple));
    folders.add(Path.of("/usr/lib", tuple));
    if (target.bits() == 64) {
      folders.add(Path.of("/lib64"));
      folders.add(Path.of("/usr/lib64"));
    }
    folders.add(Path.of("/lib"));
    folders.add(Path.of("/usr/lib"));
    return folders;
  }

  /** DT_RPATH of the java launcher, which the loader consults for everything. */
  private static List<Path> programPath() {
    Path program = Path.of("/proc/self/exe");
    try {
      Path real = program.toRealPath();
      ElfFile elf = ElfFile.readHeaders(real);
      List<Path> folders = new ArrayList<>();
      for (String entry : elf.runpath().isEmpty() ? elf.rpath() : List.<String>of()) {
        folders.addAll(expanded(entry, real, elf.target()));
      }
      return folders;
    } catch (IOException | VendorLibraryException e) {
      // Then it has none to search.
      return List.of();
    }
  }

  /**
   * Finds a library as the loader would for {@code requester}, which lies on disk but need not be
   * loaded.
   */
  Result find(String name, @Nullable Requester requester) {
    List<String> searched = new ArrayList<>();
    if (name.indexOf('/') >= 0) {
      Path file = Path.of(name).toAbsolutePath();
      return new Result(fits(file) ? List.of(file) : List.of(), List.of(name));
    }
    boolean defaultsAllowed = requester == null || !requester.elf().nodeflib();
    for (Path folder : folders(requester)) {
      List<Path> found = in(folder, name, searched);
      if (!found.isEmpty()) {
        return new Result(found, searched);
      }
    }
    if (defaultsAllowed) {
      searched.add(CACHE.toString());
      List<Path> cached = new ArrayList<>();
      for (Path file : cache.find(name)) {
        if (fits(file)) {
          cached.add(file);
        }
      }
      if (!cached.isEmpty()) {
        return new Result(cached, searched);
      }
      for (Path folder : defaults) {
        List<Path> found = in(folder, name, searched);
        if (!found.isEmpty()) {
          return new Result(found, searched);
        }
      }
    }
    return new Result(List.of(), searched);
  }

  /** Folders that are searched before the cache. */
  private Set<Path> folders(@Nullable Requester requester) {
    Set<Path> folders = new LinkedHashSet<>();
    if (requester != null && requester.elf().runpath().isEmpty()) {
      for (Requester up = requester; up != null; up = up.neededBy()) {
        if (up.elf().runpath().isEmpty()) {
          addAll(folders, up.elf().rpath(), up);
        }
      }
      folders.addAll(programPath);
    }
    for (String entry : libraryPath) {
      addAll(folders, List.of(entry), requester);
    }
    if (requester != null) {
      addAll(folders, requester.elf().runpath(), requester);
    }
    return folders;
  }

  private void addAll(Set<Path> folders, List<String> entries, @Nullable Requester requester) {
    for (String entry : entries) {
      folders.addAll(expanded(entry, requester == null ? null : requester.file(), target));
    }
  }

  /** A search path entry with the loader's tokens replaced. */
  private static List<Path> expanded(String entry, @Nullable Path file, ElfFile.Target target) {
    String text = entry.isEmpty() ? "." : entry;
    Path folder = file == null ? null : file.toAbsolutePath().getParent();
    if (folder != null) {
      text = text.replace("${ORIGIN}", folder.toString()).replace("$ORIGIN", folder.toString());
    }
    text =
        text.replace("${PLATFORM}", target.machineName())
            .replace("$PLATFORM", target.machineName());
    List<String> texts = new ArrayList<>();
    if (text.contains("$LIB") || text.contains("${LIB}")) {
      // Its value is compiled into the loader: that of Debian, of Red Hat, and of the rest.
      for (String lib : List.of("lib/" + target.machineName() + "-linux-gnu", "lib64", "lib")) {
        texts.add(text.replace("${LIB}", lib).replace("$LIB", lib));
      }
    } else {
      texts.add(text);
    }
    List<Path> paths = new ArrayList<>();
    for (String each : texts) {
      try {
        paths.add(Path.of(each).toAbsolutePath());
      } catch (InvalidPathException e) {
        LOG.debug(
            "No folder has such a name, so the loader finds nothing there. entry={}", each, e);
      }
    }
    return paths;
  }

  private List<Path> in(Path folder, String name, List<String> searched) {
    searched.add(folder.toString());
    List<Path> found = new ArrayList<>();
    Path variants = folder.resolve("glibc-hwcaps");
    if (Files.isDirectory(variants)) {
      try (DirectoryStream<Path> levels = Files.newDirectoryStream(variants)) {
        for (Path level : levels) {
          Path file = level.resolve(name);
          if (fits(file)) {
            found.add(file);
          }
        }
      } catch (IOException e) {
        searched.add(variants + " (not readable: " + e.getMessage() + ")");
      }
    }
    Path file = folder.resolve(name);
    if (fits(file)) {
      found.add(file);
    }
    return found;
  }

  private boolean fits(Path file) {
    if (!Files.isRegularFile(file)) {
      return false;
    }
    try {
      return ElfFile.readHeaders(file).target().equals(target);
    } catch (VendorLibraryException e) {
      // The loader passes over what is no library in a search.
      return false;
    }
  }

  /** Whether a folder belongs to the system: one of the defaults, or one with cached libraries. */
  boolean isSystemFolder(Path folder) {
    return systemFolders.contains(folder);
  }

  /**
   * Where a library lies that {@code ldconfig} would find and the loader does not yet: in a folder
   * named in {@code /etc/ld.so.conf} that changed after the cache was written.
   */
  List<Path> findUncached(String name) {
    List<Path> found = new ArrayList<>();
    Set<Path> folders = new LinkedHashSet<>();
    configured(CONFIGURATION, folders, 0);
    for (Path folder : folders) {
      Path file = folder.resolve(name);
      if (fits(file)) {
        found.add(file);
      }
    }
    return found;
  }

  private static void configured(Path file, Set<Path> folders, int depth) {
    List<String> lines;
    try {
      lines = Files.readAllLines(file, StandardCharsets.UTF_8);
    } catch (IOException e) {
      // A system without it has no further folders.
      return;
    }
    for (String line : lines) {
      String text = line.replaceFirst("#.*", "").trim();
      if (text.startsWith("include ") && depth < 4) {
        Path pattern = Path.of(text.substring(8).trim());
        Path base = file.toAbsolutePath().getParent();
        Path absolute = base == null ? pattern : base.resolve(pattern);
        Path folder = absolute.getParent();
        Path glob = absolute.getFileName();
        if (folder == null || glob == null || !Files.isDirectory(folder)) {
          continue;
        }
        try (DirectoryStream<Path> more = Files.newDirectoryStream(folder, glob.toString())) {
          for (Path each : more) {
            configured(each, folders, depth + 1);
          }
        } catch (IOException e) {
          LOG.debug("Not readable, so it names no further folders. folder={}", folder, e);
        }
      } else if (text.startsWith("/")) {
        folders.add(Path.of(text));
      }
    }
  }
}
