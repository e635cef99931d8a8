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
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A copy of the simulated ONNX Runtime in a folder of its own, with its tape and its record
 * (described in the README of {@code native-libs}). Each copy is a library of its own: two of them
 * may be open at once, with different tapes. Thread safe.
 */
public final class SimulatedOnnxRuntime {
  /** For so long a line of the record may be half written. */
  private static final long TORN_NANOS = TimeUnit.SECONDS.toNanos(10);

  private static final String FILE = "libonnxruntime-simulated.so";
  private static final Pattern CALL = Pattern.compile("call (\\w+) count=(\\d+) faults=(\\d+) *");
  private static final Pattern HANDLE =
      Pattern.compile(
          "handle (\\w+) made=(\\d+) released=(\\d+) open=(-?\\d+) twice=(\\d+) unknown=(\\d+) *");

  private final Path library;
  private final Path runtime;

  private SimulatedOnnxRuntime(Path library, Path runtime) {
    this.library = library;
    this.runtime = runtime;
  }

  /**
   * What became of one kind of object.
   *
   * @param made how many were made
   * @param released how many of these were released
   * @param twice releases of one that was released already
   * @param unknown releases of one that no listed function made
   */
  public record Handles(long made, long released, long twice, long unknown) {
    /** How many are open now. */
    public long open() {
      return made - released;
    }
  }

  /**
   * What the library has recorded since it was opened.
   *
   * @param counts how often each function was called, by its C name; without those never called
   * @param faults how often the tape had something for it; without those never hit
   * @param handles by kind, without those never seen
   */
  public record Calls(
      Map<String, Long> counts, Map<String, Long> faults, Map<String, Handles> handles) {
    /** Kinds of which something is open, and how many; empty if nothing is left. */
    public Map<String, Long> open() {
      Map<String, Long> open = new TreeMap<>();
      handles.forEach((kind, of) -> open.merge(kind, of.open(), Long::sum));
      open.values().removeIf(count -> count == 0);
      return open;
    }

    /** Kinds of which something was released twice, and how often. */
    public Map<String, Long> twice() {
      Map<String, Long> twice = new TreeMap<>();
      handles.forEach((kind, of) -> twice.put(kind, of.twice()));
      twice.values().removeIf(count -> count == 0);
      return twice;
    }

    /** How often the tape had something, whatever the function. */
    public long faultCount() {
      return faults.values().stream().mapToLong(Long::longValue).sum();
    }

    /** Calls of one function. */
    public long of(String function) {
      return counts.getOrDefault(function, 0L);
    }
  }

  /**
   * Puts a copy into a folder, which is made if need be, with a tape that has no faults.
   *
   * @param runtime the real library behind it
   */
  public static SimulatedOnnxRuntime in(Path folder, Path runtime) throws IOException {
    String architecture = System.getProperty("os.arch").equals("aarch64") ? "aarch64" : "x86_64";
    URL url =
        SimulatedOnnxRuntime.class
            .getClassLoader()
            .getResource("native/linux-" + architecture + "/" + FILE);
    if (url == null) {
      throw new IOException(
          "the simulated runtime is not on the class path arch=" + architecture + " file=" + FILE);
    }
    Path library = Files.createDirectories(folder).toRealPath().resolve(FILE);
    try (InputStream in = url.openStream()) {
      Files.copy(in, library, StandardCopyOption.REPLACE_EXISTING);
    }
    SimulatedOnnxRuntime simulated = new SimulatedOnnxRuntime(library, runtime.toRealPath());
    simulated.tape();
    return simulated;
  }

  /** The library, for {@code libraryPath}. */
  public Path library() {
    return library;
  }

  /** Replaces the tape as a whole; none is no fault. What hangs by the one before goes on. */
  public void tape(String... lines) throws IOException {
    List<String> all = new ArrayList<>();
    all.add("runtime " + runtime);
    all.addAll(List.of(lines));
    Path fresh = library.resolveSibling(FILE + ".tape.new");
    Files.write(fresh, all);
    Files.move(
        fresh,
        library.resolveSibling(FILE + ".tape"),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
  }

  /**
   * What is recorded so far; stays readable when the library is closed, until it is opened anew.
   */
  public Calls record() throws IOException {
    long giveUp = System.nanoTime() + TORN_NANOS;
    while (true) {
      try {
        return calls(lines(".record"));
      } catch (IOException e) {
        // A line may be half written, and stay so if its process was killed, until the next opens.
        if (System.nanoTime() - giveUp > 0) {
          throw e;
        }
        LockSupport.parkNanos(TORN_NANOS / 1_000);
      }
    }
  }

  /** Understands the lines of a record that are about calls and handles. */
  static Calls calls(List<String> lines) throws IOException {
    Map<String, Long> calls = new TreeMap<>();
    Map<String, Long> faults = new TreeMap<>();
    Map<String, Handles> handles = new TreeMap<>();
    for (String line : lines) {
      Matcher call = CALL.matcher(line);
      Matcher handle = HANDLE.matcher(line);
      if (call.matches()) {
        put(calls, call.group(1), Long.parseLong(call.group(2)));
        put(faults, call.group(1), Long.parseLong(call.group(3)));
      } else if (handle.matches()) {
        Handles found =
            new Handles(
                Long.parseLong(handle.group(2)),
                Long.parseLong(handle.group(3)),
                Long.parseLong(handle.group(5)),
                Long.parseLong(handle.group(6)));
        if (found.made() + found.twice() + found.unknown() > 0) {
          handles.put(handle.group(1), found);
        }
      } else {
        throw new IOException("the record has a line that is not understood line=" + line);
      }
    }
    return new Calls(calls, faults, handles);
  }

  private static void put(Map<String, Long> map, String name, long count) {
    if (count > 0) {
      map.put(name, count);
    }
  }

  /**
   * The functions called while the tape said {@code trace}, in order: since the library was opened.
   */
  public List<String> trace() throws IOException {
    return lines(".trace").stream()
        .map(
            line -> {
              int function = line.indexOf(' ') + 1;
              return line.substring(function, line.indexOf(' ', function));
            })
        .toList();
  }

  private List<String> lines(String suffix) throws IOException {
    Path file = library.resolveSibling(FILE + suffix);
    if (Files.notExists(file)) {
      return List.of();
    }
    return Files.readString(file, StandardCharsets.US_ASCII).lines().toList();
  }
}
