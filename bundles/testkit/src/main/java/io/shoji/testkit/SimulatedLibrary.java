/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.testkit;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A copy of a vendor's simulated library in a folder of its own, with its tape and its record
 * (described in the README of {@code native-libs}). Each copy is a library of its own. Thread safe.
 */
public abstract class SimulatedLibrary {
  private static final Pattern MISUSE = Pattern.compile("misuse (\\w+) count=(\\d+) *");

  private final Path library;

  /**
   * Puts a copy into a folder, which is made if need be, with a tape that has no faults.
   *
   * @param file name of the library on the class path, below {@code native/linux-ARCHITECTURE}
   */
  SimulatedLibrary(Path folder, String file) throws IOException {
    String architecture = System.getProperty("os.arch").equals("aarch64") ? "aarch64" : "x86_64";
    URL url =
        SimulatedLibrary.class
            .getClassLoader()
            .getResource("native/linux-" + architecture + "/" + file);
    if (url == null) {
      throw new IOException(
          "the simulated library is not on the class path arch=" + architecture + " file=" + file);
    }
    library = Files.createDirectories(folder).toRealPath().resolve(file);
    try (InputStream in = url.openStream()) {
      Files.copy(in, library, StandardCopyOption.REPLACE_EXISTING);
    }
    write(List.of());
  }

  /** The library, for the driver's setting that names it. */
  public final Path library() {
    return library;
  }

  /** Replaces the tape as a whole; none is no fault. What hangs by the one before goes on. */
  public final void tape(String... lines) throws IOException {
    write(List.of(lines));
  }

  private void write(List<String> lines) throws IOException {
    List<String> all = new ArrayList<>();
    all.add("# " + library.getFileName());
    all.addAll(lines);
    Path fresh = beside(".tape.new");
    Files.write(fresh, all);
    Files.move(
        fresh,
        beside(".tape"),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
  }

  /** Calls and handles since the library was opened; stays readable when it is closed. */
  public final SimulatedOnnxRuntime.Calls record() throws IOException {
    return SimulatedOnnxRuntime.calls(
        lines().stream().filter(line -> !line.startsWith("misuse ")).toList());
  }

  /** Rules that the caller broke, and how often; empty if none. */
  public final Map<String, Long> misuse() throws IOException {
    Map<String, Long> found = new TreeMap<>();
    for (String line : lines()) {
      Matcher misuse = MISUSE.matcher(line);
      if (misuse.matches() && !misuse.group(2).equals("0")) {
        found.put(misuse.group(1), Long.parseLong(misuse.group(2)));
      }
    }
    return found;
  }

  private List<String> lines() throws IOException {
    Path file = beside(".record");
    return Files.exists(file)
        ? Files.readString(file, StandardCharsets.US_ASCII).lines().toList()
        : List.of();
  }

  private Path beside(String ending) {
    return library.resolveSibling(library.getFileName() + ending);
  }
}
