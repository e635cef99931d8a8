/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.worker;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.itests.worker.probe.Probe;
import io.shoji.testkit.FelixWithPackages;
import io.shoji.testkit.Samples;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.jar.JarEntry;
import java.util.jar.JarInputStream;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;

/** A gateway in a folder of its own with the CPU driver in a worker, and what a test asks of it. */
final class Place implements AutoCloseable {
  static final String ARCHITECTURE =
      System.getProperty("os.arch").equals("aarch64") ? "aarch64" : "x86_64";
  static final Path SHOJI = Path.of(System.getProperty("worker.shoji"));
  static final Path PLATFORM = Path.of(System.getProperty("worker.platform"));
  static final Path WORK = Path.of(System.getProperty("worker.work"));
  static final String DRIVER = "io.shoji.driver.cpu";
  static final String RUNTIME = "io.shoji.onnxruntime.linux." + ARCHITECTURE;
  static final String PREVIOUS = "io.shoji.onnxruntime.previous.linux." + ARCHITECTURE;
  private static final long PATIENCE_NANOS = 60_000_000_000L;

  final FelixWithPackages felix;
  final Path folder;
  final Samples samples;
  private int packages;

  /**
   * A gateway with everything but the driver.
   *
   * @param settings of {@code io.shoji.worker}, besides where drivers run
   */
  Place(Path folder, Map<String, Object> settings) throws Exception {
    this.folder = folder;
    Files.createDirectories(folder);
    samples = new Samples(SHOJI.resolve("io.shoji.model.digits.jar"));
    felix = new FelixWithPackages(folder.resolve("framework"), PLATFORM, SHOJI, Probe.class);
    // That the machine is busy is no reason here to refuse what is exchanged: it would be too slow.
    felix.configure("io.shoji.engine", Map.of("probationMs", 0, "acceptance", false));
    Map<String, Object> all = new HashMap<>(settings);
    all.putIfAbsent("hosting", new String[] {"cpu=worker"});
    felix.configure("io.shoji.worker", all);
    felix.deploy(
        felix.write(
            folder,
            "io.shoji.core",
            "1.0.0",
            "io.shoji.api",
            "io.shoji.jna",
            "io.shoji.natives",
            "io.shoji.models",
            "io.shoji.engine",
            "io.shoji.pipeline"));
    felix.deploy(felix.write(folder, "io.shoji.worker", "1.0.0", "io.shoji.worker"));
    felix.deploy(felix.write(folder, "io.shoji.model.digits", "0.1.0", "io.shoji.model.digits"));
    felix.startProbe();
  }

  /** Installs or upgrades the driver with a runtime. */
  void driver(String runtime) throws Exception {
    packages++;
    felix.deploy(felix.write(folder, DRIVER, "1.0." + packages, runtime, DRIVER));
  }

  /** Installs or upgrades a driver that is one bundle, as if it were of that version. */
  void driver(String bundle, String version) throws Exception {
    packages++;
    Path jar = folder.resolve(bundle + "-" + version + ".jar");
    try (JarInputStream in =
        new JarInputStream(Files.newInputStream(SHOJI.resolve(bundle + ".jar")))) {
      Manifest manifest = in.getManifest();
      manifest.getMainAttributes().putValue("Bundle-Version", version);
      try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar), manifest)) {
        for (JarEntry entry = in.getNextJarEntry(); entry != null; entry = in.getNextJarEntry()) {
          out.putNextEntry(new JarEntry(entry.getName()));
          in.transferTo(out);
        }
      }
    }
    felix.deploy(felix.writeFiles(folder, bundle, "1.0." + packages, jar));
  }

  /** Installs a model. */
  void model(String name, Path bundle) throws Exception {
    felix.deploy(felix.writeFiles(folder, name, "1.0.0", bundle));
  }

  /** What {@code shoji:workers} shows. */
  String table() throws Exception {
    Object commands = felix.service("io.shoji.worker.WorkerCommands", null);
    return (String) commands.getClass().getMethod("workers").invoke(commands);
  }

  /** Copies of drivers that workers run from. */
  List<String> copies() throws Exception {
    String[] found = felix.bundle("io.shoji.worker").getDataFile("copies").list();
    return found == null ? List.of() : List.of(found);
  }

  /** A request of a golden sample. */
  Map<String, Object> question(int index, long timeoutMs) {
    return Map.of(
        "model",
        "digits",
        "values",
        samples.sample("input.image", index),
        "shape",
        samples.sampleShape("input.image"),
        "timeoutMs",
        timeoutMs);
  }

  Map<String, Object> ask(int index) {
    return felix.call(question(index, 10_000));
  }

  /** Waits until the model answers, and gives the answer. */
  Map<String, Object> awaitAnswer() throws Exception {
    return await(
        "an answer",
        () -> {
          Map<String, Object> answer = ask(0);
          return answer.containsKey("scores") ? answer : null;
        });
  }

  /** Waits until something is there, and gives it. */
  <T> T await(String what, Callable<T> look) throws Exception {
    long until = System.nanoTime() + PATIENCE_NANOS;
    while (true) {
      T found = look.call();
      if (found != null) {
        return found;
      }
      assertThat(System.nanoTime() - until)
          .as("%s; status=%s events=%s", what, felix.call(Map.of("status", true)), events())
          .isNegative();
      Thread.sleep(10);
    }
  }

  /** Waits until something holds. */
  void awaitThat(String what, Callable<Boolean> holds) throws Exception {
    await(what, () -> holds.call() ? true : null);
  }

  @SuppressWarnings("unchecked")
  List<Map<String, String>> events() {
    return (List<Map<String, String>>) felix.call(Map.of("events", true)).get("events");
  }

  List<Map<String, String>> events(String type) {
    return events().stream().filter(event -> event.get("type").equals(type)).toList();
  }

  /** Workers of this process that are alive; without one that only makes the class archive. */
  static List<ProcessHandle> workers() {
    return ProcessHandle.current()
        .descendants()
        .filter(ProcessHandle::isAlive)
        .filter(process -> !commandLine(process).contains("-XX:ArchiveClassesAtExit"))
        .toList();
  }

  /** Command and arguments of a process; empty if it has ended. */
  static String commandLine(ProcessHandle process) {
    try {
      return Files.readString(Path.of("/proc", Long.toString(process.pid()), "cmdline"))
          .replace('\0', ' ');
    } catch (IOException e) {
      return "";
    }
  }

  /** Whether a process has a file with such a name mapped. */
  static boolean maps(long pid, String name) {
    try (Stream<String> lines = Files.lines(Path.of("/proc", Long.toString(pid), "maps"))) {
      return lines.anyMatch(line -> line.contains(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What is left of links in memory that a process made. */
  static List<Path> links(long pid) {
    List<Path> found = new ArrayList<>();
    try (var folders =
        Files.newDirectoryStream(Path.of("/dev/shm"), "shoji-link-*-" + pid + "-*")) {
      folders.forEach(found::add);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return found;
  }

  @Override
  public void close() throws Exception {
    felix.close();
  }
}
