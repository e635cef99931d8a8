/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.swap;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.dp.SideBySide;
import io.shoji.itests.swap.probe.Probe;
import io.shoji.testkit.FelixWithPackages;
import io.shoji.testkit.Proof;
import io.shoji.testkit.Samples;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.InvocationTargetException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.Test;
import org.osgi.framework.Bundle;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;

/**
 * ONNX Runtime 1.28.0 and 1.29.0 with a driver each, installed beside each other through
 * DeploymentAdmin: models go from one to the other while clients ask, and whichever is not used any
 * more is uninstalled, there and back again. Nothing is stopped that serves, so nothing waits.
 */
class SideBySideIT {
  private static final String ARCHITECTURE =
      System.getProperty("os.arch").equals("aarch64") ? "aarch64" : "x86_64";
  private static final String DRIVER = "io.shoji.driver.cpu";
  private static final String OLD = "1.0.1";
  private static final String NEW = "1.0.2";
  private static final int ROUNDS = Proof.rounds(2, 100);

  /** Requests a second: few, since it is what they get and not how fast that is tested. */
  private static final double LOAD = 80;

  private static final int QUESTIONS = 48;
  private static final long DEADLINE_MS = 60_000;

  private final Path shoji = Path.of(System.getProperty("swap.shoji"));
  private final Path work = Path.of(System.getProperty("swap.work"));
  private final Answers answers = new Answers();
  private final Answers.Pair before =
      new Answers.Pair("1.0.0", System.getProperty("swap.previous"));
  private final Answers.Pair after = new Answers.Pair("1.0.0", System.getProperty("swap.current"));
  private final List<Map<String, Object>> questions = new ArrayList<>();

  private void ask(Path folder) throws IOException {
    Files.createDirectories(folder);
    Samples samples = new Samples(shoji.resolve("io.shoji.model.digits.jar"));
    for (int i = 0; i < QUESTIONS; i++) {
      questions.add(
          Map.of(
              "model",
              "digits",
              "values",
              samples.sample("input.image", i),
              "shape",
              samples.sampleShape("input.image"),
              "timeoutMs",
              DEADLINE_MS));
    }
  }

  private FelixWithPackages start(Path folder) throws Exception {
    FelixWithPackages felix =
        new FelixWithPackages(
            folder.resolve("framework"),
            Path.of(System.getProperty("swap.platform")),
            shoji,
            Probe.class);
    // While a generation is on probation the one before is kept, and with it its driver.
    felix.configure("io.shoji.engine", Map.of("probationMs", 0));
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
    felix.deploy(felix.write(folder, "io.shoji.model.digits", "0.1.0", "io.shoji.model.digits"));
    return felix;
  }

  private Path driver(Path folder, String version, String runtime) throws Exception {
    return driver(folder, version, shoji.resolve(runtime + ARCHITECTURE + ".jar"));
  }

  private Path driver(Path folder, String version, Path runtime) throws Exception {
    Path file = folder.resolve(DRIVER + "-" + version + "-beside.dp");
    SideBySide.write(
        DRIVER, version, Map.of(), List.of(runtime, shoji.resolve(DRIVER + ".jar")), file);
    return file;
  }

  @Test
  void shouldLetNothingWaitWhenDriversAreUpgradedBesideEachOther() throws Exception {
    Path folder = work.resolve("beside");
    ask(folder);
    try (FelixWithPackages felix = start(folder)) {
      Path old = driver(folder, OLD, "io.shoji.onnxruntime.previous.linux.");
      Path next = driver(folder, NEW, "io.shoji.onnxruntime.linux.");
      felix.deploy(old);
      felix.startProbe();
      learn(felix, before);
      felix.deploy(next);
      learn(felix, after);
      awaitUnused(felix, OLD, 1);
      uninstall(felix, OLD);

      Clients clients = new Clients(felix, answers, questions);
      clients.start(LOAD);
      List<Double> silences = new ArrayList<>();
      for (int round = 1; round <= ROUNDS; round++) {
        Window window = clients.enter(Phase.DRIVER);
        felix.deploy(old);
        await("the older driver is there", () -> released(felix, NEW));
        await("models go back to the older driver", () -> answers.latest().equals(before));
        awaitUnused(felix, NEW, round);
        uninstall(felix, NEW);
        awaitUnmapped(1);
        felix.deploy(next);
        await("models go to the newer driver", () -> answers.latest().equals(after));
        awaitUnused(felix, OLD, 1 + round);
        uninstall(felix, OLD);
        awaitUnmapped(1);
        clients.enter(Phase.STEADY);
        silences.add(window.longestSilenceMillis());
      }
      clients.stop();

      System.out.printf(
          Locale.ROOT,
          "side by side: swaps=%d sent=%d answered=%d generations=%d longest without an answer, ms"
              + " a round: %s%n",
          2 * ROUNDS,
          clients.sent(),
          clients.answered(),
          answers.generations(),
          silences.stream().map(s -> String.format(Locale.ROOT, "%.1f", s)).toList());
      assertThat(answers.complaints()).isEmpty();
      assertThat(clients.answered())
          .as("answers to %d requests", clients.sent())
          .isEqualTo(clients.sent());
      // The device was never away, so nothing can have waited for it.
      assertThat(events(felix)).noneMatch(text -> text.contains("type=DEVICE_LOST"));
    }
  }

  @Test
  void shouldServeOnWhenTheNewDriversLibraryIsDamaged() throws Exception {
    Path folder = work.resolve("beside-damaged");
    ask(folder);
    try (FelixWithPackages felix = start(folder)) {
      felix.deploy(driver(folder, OLD, "io.shoji.onnxruntime.previous.linux."));
      felix.startProbe();
      learn(felix, before);
      Clients clients = new Clients(felix, answers, questions);
      clients.start(LOAD);
      clients.enter(Phase.DRIVER);

      felix.deploy(driver(folder, NEW, damaged(folder)));

      assertThat(felix.bundle(DRIVER + "-" + NEW).getState()).isEqualTo(Bundle.ACTIVE);
      long asked = clients.answered() + 200;
      await("clients are answered on", () -> clients.answered() > asked);
      clients.stop();
      assertThat(answers.complaints()).isEmpty();
      assertThat(clients.answered()).isEqualTo(clients.sent());
      assertThat(answers.latest()).isEqualTo(before);
    }
  }

  /** The library of the newer runtime, cut off in the middle. */
  private Path damaged(Path folder) throws IOException {
    Path target = folder.resolve("damaged.jar");
    try (ZipInputStream from =
            new ZipInputStream(
                Files.newInputStream(
                    shoji.resolve("io.shoji.onnxruntime.linux." + ARCHITECTURE + ".jar")));
        ZipOutputStream to = new ZipOutputStream(Files.newOutputStream(target))) {
      for (ZipEntry entry = from.getNextEntry(); entry != null; entry = from.getNextEntry()) {
        to.putNextEntry(new ZipEntry(entry.getName()));
        byte[] content = from.readAllBytes();
        to.write(
            entry.getName().endsWith(".so") ? Arrays.copyOf(content, content.length / 2) : content);
        to.closeEntry();
      }
    }
    return target;
  }

  /** Asks until that pair answers, and takes what it answers. */
  private void learn(FelixWithPackages felix, Answers.Pair pair) throws Exception {
    await(
        "first answer of " + pair,
        () -> Answers.Pair.of(felix.call(questions.get(0))).equals(pair));
    float[][] all = new float[QUESTIONS][];
    for (int i = 0; i < QUESTIONS; i++) {
      Map<String, Object> answer = felix.call(questions.get(i));
      assertThat(Answers.Pair.of(answer)).isEqualTo(pair);
      all[i] = (float[]) answer.get("scores");
    }
    answers.learn(pair, all);
  }

  private void await(String what, BooleanSupplier condition) throws InterruptedException {
    long deadline = System.nanoTime() + DEADLINE_MS * 1_000_000;
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime() - deadline)
          .as("%s; latest=%s complaints=%s", what, answers.latest(), answers.complaints())
          .isNegative();
      Thread.sleep(1);
    }
  }

  /** Waits until the engine has said so often that a driver may be uninstalled. */
  private void awaitUnused(FelixWithPackages felix, String version, int times)
      throws InterruptedException {
    await(
        "driver " + version + " is of no use",
        () ->
            events(felix).stream()
                    .filter(text -> text.contains("type=DRIVER_UNUSED"))
                    .filter(text -> text.contains("driver=" + DRIVER + "-" + version))
                    .count()
                >= times);
  }

  /** Lets models leave a driver; false as long as the other one has not opened its library yet. */
  private static boolean released(FelixWithPackages felix, String version) {
    try {
      Object operations = operations(felix);
      var method = operations.getClass().getMethod("releaseDriver", String.class);
      method.setAccessible(true);
      method.invoke(operations, DRIVER + "-" + version);
      return true;
    } catch (InvocationTargetException e) {
      assertThat(e.getCause()).hasMessageContaining("has no other");
      return false;
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  private static void uninstall(FelixWithPackages felix, String version) throws Exception {
    Object admin = service(felix, "org.osgi.service.deploymentadmin.DeploymentAdmin");
    var lookUp = admin.getClass().getMethod("getDeploymentPackage", String.class);
    lookUp.setAccessible(true);
    Object found = lookUp.invoke(admin, DRIVER + "-" + version);
    var method = found.getClass().getMethod("uninstall");
    method.setAccessible(true);
    method.invoke(found);
  }

  private void awaitUnmapped(int left) throws InterruptedException {
    await(
        "the old library is unmapped",
        () -> {
          try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
            return lines
                    .filter(line -> line.contains("libonnxruntime"))
                    .map(line -> line.substring(line.indexOf('/')))
                    .distinct()
                    .count()
                <= left;
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  private static Object operations(FelixWithPackages felix) {
    return service(felix, "io.shoji.operations.Operations");
  }

  private static List<String> events(FelixWithPackages felix) {
    try {
      Object operations = operations(felix);
      var method = operations.getClass().getMethod("events", long.class);
      method.setAccessible(true);
      List<?> all = (List<?>) method.invoke(operations, 0L);
      return all.stream().map(Object::toString).toList();
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  private static Object service(FelixWithPackages felix, String type) {
    try {
      // The test has no classes of the framework's bundles, so it asks for every service there is.
      ServiceReference<?>[] references = felix.context().getAllServiceReferences(type, null);
      assertThat(references).as(type).isNotEmpty();
      return felix.context().getService(references[0]);
    } catch (InvalidSyntaxException e) {
      throw new AssertionError(e);
    }
  }
}
