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

import io.shoji.itests.swap.probe.Probe;
import io.shoji.testkit.FelixWithPackages;
import io.shoji.testkit.Samples;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.osgi.framework.ServiceReference;

/**
 * Replaces ONNX Runtime 1.28.0 by 1.29.0 and back through DeploymentAdmin, and reads the engine's
 * receipts: the real driver leaves nothing, and the receipts say so.
 */
class SwapReceiptIT {
  private static final String ARCHITECTURE =
      System.getProperty("os.arch").equals("aarch64") ? "aarch64" : "x86_64";
  private static final String CURRENT = System.getProperty("swap.current");
  private static final String PREVIOUS = System.getProperty("swap.previous");
  private static final long TIMEOUT_MS = 60_000;

  private final Path shoji = Path.of(System.getProperty("swap.shoji"));
  private final Path work = Path.of(System.getProperty("swap.work"));

  @Test
  void shouldGiveCleanReceiptsWhenTheRuntimeIsReplaced() throws Exception {
    try (FelixWithPackages felix =
        new FelixWithPackages(
            work.resolve("receipts"),
            Path.of(System.getProperty("swap.platform")),
            shoji,
            Probe.class)) {
      felix.deploy(
          felix.write(
              work,
              "io.shoji.core",
              "1.0.0",
              "io.shoji.api",
              "io.shoji.jna",
              "io.shoji.natives",
              "io.shoji.models",
              "io.shoji.engine",
              "io.shoji.pipeline"));
      felix.deploy(felix.write(work, "io.shoji.model.digits", "1.0.0", "io.shoji.model.digits"));
      Path previous = driver(felix, PREVIOUS, "io.shoji.onnxruntime.previous.linux.");
      Path current = driver(felix, CURRENT, "io.shoji.onnxruntime.linux.");
      felix.startProbe();
      Samples samples = new Samples(shoji.resolve("io.shoji.model.digits.jar"));

      felix.deploy(previous);
      awaitAnswerBy(felix, samples, PREVIOUS);
      List<String> left = new ArrayList<>();
      for (String runtime : List.of(CURRENT, PREVIOUS, CURRENT)) {
        felix.deploy(runtime.equals(CURRENT) ? current : previous);
        awaitAnswerBy(felix, samples, runtime);
        left.add(runtime.equals(CURRENT) ? PREVIOUS : CURRENT);
        awaitReceipts(felix, left.size());
      }

      List<Object> receipts = receipts(felix);
      assertThat(receipts)
          .allSatisfy(receipt -> assertThat(text(receipt, "state")).isEqualTo("CLEAN"));
      List<Object> drivers =
          receipts.stream().filter(r -> text(r, "subject").equals("DRIVER")).toList();
      assertThat(drivers).extracting(r -> text(r, "runtimeVersion")).isEqualTo(left);
      for (Object receipt : drivers) {
        System.out.println(receipt);
        Map<String, Long> held = held(receipt);
        assertThat(held).as("%s", receipt).containsEntry("CLASS_LOADER", 1L);
        assertThat(held.get("MAPPING")).as("%s", receipt).isPositive();
        assertThat(held.get("NATIVE_MEMORY")).as("%s", receipt).isPositive();
      }
    }
  }

  private Path driver(FelixWithPackages felix, String runtime, String library) throws Exception {
    return felix.write(
        work,
        "io.shoji.driver.cpu",
        "1.0." + runtime.split("\\.")[1],
        library + ARCHITECTURE,
        "io.shoji.driver.cpu");
  }

  private static void awaitAnswerBy(FelixWithPackages felix, Samples samples, String runtime)
      throws Exception {
    long deadline = System.nanoTime() + TIMEOUT_MS * 1_000_000;
    Map<String, Object> answer = Map.of();
    while (!runtime.equals(answer.get("runtimeVersion"))) {
      assertThat(System.nanoTime() - deadline).as("last answer: %s", answer).isNegative();
      answer =
          felix.call(
              Map.of(
                  "model",
                  "digits",
                  "values",
                  samples.sample("input.image", 0),
                  "shape",
                  samples.sampleShape("input.image"),
                  "timeoutMs",
                  TIMEOUT_MS));
      LockSupport.parkNanos(5_000_000);
    }
  }

  /** Waits until so many drivers' receipts, and all of generations, are settled. */
  private static void awaitReceipts(FelixWithPackages felix, int drivers) throws Exception {
    long deadline = System.nanoTime() + 2 * TIMEOUT_MS * 1_000_000;
    boolean settled = false;
    while (!settled) {
      List<Object> all = receipts(felix);
      settled =
          all.stream().filter(r -> text(r, "subject").equals("DRIVER")).count() == drivers
              && all.stream().noneMatch(r -> text(r, "state").equals("CHECKING"));
      assertThat(System.nanoTime() - deadline).as("receipts: %s", all).isNegative();
      // The engine asks for one collection, later than a test likes to wait.
      System.gc();
      LockSupport.parkNanos(100_000_000);
    }
  }

  // Classes of the API exist only in the framework.

  private static List<Object> receipts(FelixWithPackages felix) throws Exception {
    ServiceReference<?>[] references =
        felix.context().getAllServiceReferences("io.shoji.operations.Operations", null);
    assertThat(references).isNotEmpty();
    Object operations = felix.context().getService(references[0]);
    Class<?> contract =
        operations.getClass().getClassLoader().loadClass("io.shoji.operations.Operations");
    return List.copyOf((List<?>) contract.getMethod("receipts", long.class).invoke(operations, 0L));
  }

  private static Object get(Object object, String name) {
    try {
      return object.getClass().getMethod(name).invoke(object);
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(name, e);
    }
  }

  private static String text(Object object, String name) {
    return get(object, name).toString();
  }

  private static Map<String, Long> held(Object receipt) {
    Map<String, Long> held = new HashMap<>();
    for (Object account : (List<?>) get(receipt, "accounts")) {
      held.put(text(account, "resource"), (Long) get(account, "held"));
    }
    return held;
  }
}
