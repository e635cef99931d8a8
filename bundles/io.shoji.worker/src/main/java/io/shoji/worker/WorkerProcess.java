/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker;

import io.shoji.worker.agent.ControlMessage;
import io.shoji.worker.agent.WorkerMain;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One process of a worker, from its start to its end. It has no descriptor of the gateway's but its
 * standard input and output, few of its variables, and a folder of its own to write to; it ends
 * when the gateway does. Thread safe.
 */
final class WorkerProcess {
  /** Variables that every worker gets: what programs need to run and to speak. */
  static final List<String> ENVIRONMENT =
      List.of("PATH", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH");

  private static final int LAST_LINES = 20;
  private static final int LINES_PER_SECOND = 50;
  private static final int SIGNALS = 128;
  private static final Map<Integer, String> SIGNAL_NAMES =
      Map.of(
          1, "SIGHUP", 2, "SIGINT", 3, "SIGQUIT", 4, "SIGILL", 6, "SIGABRT", 7, "SIGBUS", 8,
          "SIGFPE", 9, "SIGKILL", 11, "SIGSEGV", 15, "SIGTERM");
  private static final Logger LOG = LoggerFactory.getLogger(WorkerProcess.class);

  private final Process process;
  private final OutputStream control;
  private final Path folder;
  private final String name;
  private final long startNanos = System.nanoTime();
  private final Deque<String> last = new ArrayDeque<>();
  private final Thread output;

  /** Guarded by this: what was written while reading the output is bounded per second. */
  private long second;

  private int linesInSecond;

  /**
   * Starts a process.
   *
   * @param name for the log
   * @param archive options of the JVM that name an archive of class data, or none
   * @param folder where it runs and writes, and where the JVM writes its error file
   * @param ended told once, on a thread of its own, when the process has ended and all that it
   *     wrote was read
   * @throws IOException if it cannot be started
   */
  WorkerProcess(
      String name,
      WorkerSettings settings,
      List<Path> classPath,
      List<String> archive,
      Path folder,
      Consumer<WorkerProcess> ended)
      throws IOException {
    this.name = name;
    this.folder = folder;
    Files.createDirectories(folder.resolve("tmp"));
    Files.deleteIfExists(errorFile());
    List<String> command = new ArrayList<>(settings.wrapper());
    command.addAll(command(settings, classPath, archive, folder));
    process = builder(command, settings, folder).start();
    control = process.getOutputStream();
    output = new Thread(() -> readOutput(ended), "shoji-worker-" + process.pid());
    output.setDaemon(true);
    output.start();
  }

  /** A process with few variables that writes nowhere but to its folder. */
  static ProcessBuilder builder(List<String> command, WorkerSettings settings, Path folder) {
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.directory(folder.toFile());
    builder.redirectErrorStream(true);
    Map<String, String> environment = builder.environment();
    environment
        .keySet()
        .removeIf(
            variable ->
                !ENVIRONMENT.contains(variable) && !settings.environment().contains(variable));
    environment.putIfAbsent("HOME", folder.toString());
    // Each thread that allocates would have an arena of its own, which stays resident.
    environment.putIfAbsent("MALLOC_ARENA_MAX", "2");
    environment.put("TMPDIR", folder.resolve("tmp").toString());
    return builder;
  }

  /**
   * The JVM and what it runs, without a wrapper.
   *
   * @param archive options that name an archive of class data, or none
   */
  static List<String> command(
      WorkerSettings settings, List<Path> classPath, List<String> archive, Path folder) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-Xmx" + settings.heapMb() + "m",
            "-Xms6m",
            "-XX:MinHeapFreeRatio=20",
            "-XX:MaxHeapFreeRatio=40",
            "-Xss512k",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-XX:ReservedCodeCacheSize=24m",
            "-Xshare:auto",
            "-XX:-UsePerfData",
            "-XX:+DisableAttachMechanism",
            "-XX:-CreateCoredumpOnCrash",
            "-XX:+ExitOnOutOfMemoryError",
            "-XX:ErrorFile=" + folder.resolve("hs_err.log"),
            "-Djava.io.tmpdir=" + folder.resolve("tmp"),
            "-Djava.awt.headless=true",
            "-Dorg.slf4j.simpleLogger.showThreadName=false",
            "-Dorg.slf4j.simpleLogger.levelInBrackets=true"));
    command.addAll(archive);
    command.addAll(settings.vmOptions());
    command.add("-cp");
    command.add(
        classPath.stream().map(Path::toString).collect(Collectors.joining(File.pathSeparator)));
    command.add(WorkerMain.class.getName());
    return command;
  }

  /** Where the JVM writes when a signal ends it. */
  Path errorFile() {
    return folder.resolve("hs_err.log");
  }

  /** Number of the process; of the wrapper if there is one that does not become the JVM. */
  long pid() {
    return process.pid();
  }

  /** Whether it has not ended yet. */
  boolean isAlive() {
    return process.isAlive();
  }

  /** How long since it was started. */
  long upMs() {
    return (System.nanoTime() - startNanos) / 1_000_000;
  }

  /** Tells it something. */
  synchronized void tell(ControlMessage message) throws IOException {
    message.write(control);
  }

  /** Asks it to end, and ends it if it does not do so in time. Returns when it has ended. */
  void stop(long patienceMs) throws InterruptedException {
    try {
      tell(ControlMessage.of(ControlMessage.Kind.STOP));
    } catch (IOException e) {
      LOG.debug("a worker does not read any more worker={}", name, e);
    }
    if (!process.waitFor(patienceMs, TimeUnit.MILLISECONDS)) {
      LOG.warn(
          "a worker does not end in time and is killed worker={} pid={} waitedMs={}",
          name,
          pid(),
          patienceMs);
    }
    kill();
    process.waitFor();
  }

  /** Ends it, and what it started, at once. */
  void kill() {
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly();
  }

  /** Its exit code: 128 and the signal's number if a signal ended it. */
  int exitCode() {
    return process.exitValue();
  }

  /** The signal that an exit code tells of, or empty. */
  static String signal(int exitCode) {
    return exitCode > SIGNALS && exitCode < SIGNALS + 65
        ? SIGNAL_NAMES.getOrDefault(exitCode - SIGNALS, "signal " + (exitCode - SIGNALS))
        : "";
  }

  /** The last lines that it wrote. */
  List<String> lastLines() {
    synchronized (last) {
      return List.copyOf(last);
    }
  }

  private void readOutput(Consumer<WorkerProcess> ended) {
    try (BufferedReader reader =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      StringBuilder line = new StringBuilder();
      int c = reader.read();
      while (c >= 0) {
        if (c == '\n') {
          line(line.toString());
          line.setLength(0);
        } else if (line.length() < CrashReport.MOST_LINE) {
          line.append((char) c);
        }
        c = reader.read();
      }
    } catch (IOException e) {
      LOG.debug("a worker's output ended worker={}", name, e);
    }
    try {
      process.waitFor();
    } catch (InterruptedException e) {
      LOG.warn("interrupted while a worker ends worker={}", name, e);
    }
    ended.accept(this);
  }

  private void line(String line) {
    if (line.isBlank()) {
      return;
    }
    synchronized (last) {
      if (last.size() == LAST_LINES) {
        last.removeFirst();
      }
      last.addLast(CrashReport.bounded(line));
    }
    long now = System.nanoTime() / 1_000_000_000;
    if (now != second) {
      second = now;
      linesInSecond = 0;
    }
    linesInSecond++;
    if (linesInSecond > LINES_PER_SECOND) {
      if (linesInSecond == LINES_PER_SECOND + 1) {
        LOG.warn("a worker writes very much, some lines are left out worker={}", name);
      }
      return;
    }
    if (line.startsWith("[ERROR] ")) {
      LOG.error("{}: {}", name, line.substring(8));
    } else if (line.startsWith("[WARN] ")) {
      LOG.warn("{}: {}", name, line.substring(7));
    } else if (line.startsWith("[INFO] ")) {
      LOG.info("{}: {}", name, line.substring(7));
    } else {
      LOG.info("{}: {}", name, line);
    }
  }

  @Override
  public String toString() {
    return name + " pid=" + pid();
  }
}
