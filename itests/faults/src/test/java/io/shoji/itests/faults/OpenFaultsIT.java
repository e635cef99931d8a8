/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceException.Code;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.testkit.SimulatedOnnxRuntime;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;

/**
 * A runtime that cannot be opened: a fault at each native call by which the driver begins, then the
 * way out that its message names.
 */
class OpenFaultsIT {
  private static final ModelRef REF = ModelRef.latest(Bench.MODEL);
  private static final String BROKEN = "the simulated device is out of order";

  /**
   * A fault at the first call of a function.
   *
   * @param reason what the log says; empty if the driver opens all the same, sooner or later
   */
  private record Opening(String function, String action, String reason) {}

  private static final List<Opening> OPENINGS =
      List.of(
          new Opening("OrtGetApiBase", "skip", "OrtGetApiBase"),
          new Opening("OrtGetApiBase", "hang", ""),
          new Opening("GetApi", "skip", "does not have the API that the driver needs"),
          new Opening("GetApi", "hang", ""),
          new Opening("CreateEnv", "status 11 " + BROKEN, BROKEN),
          new Opening("CreateEnv", "memory", "Failed to allocate memory"),
          new Opening("CreateEnv", "skip", "CreateEnv says success and gives nothing"),
          new Opening("CreateEnv", "hang", ""),
          new Opening("CreateEnv", "slow 200", ""));

  @TempDir Path folder;

  /** What is logged, beside where it goes. */
  private static final class Log extends PrintStream {
    private final ByteArrayOutputStream kept = new ByteArrayOutputStream();

    Log(PrintStream to) {
      super(to, true, StandardCharsets.UTF_8);
    }

    @Override
    public synchronized void write(byte[] bytes, int from, int length) {
      kept.write(bytes, from, length);
      super.write(bytes, from, length);
    }

    synchronized String since(int start) {
      return kept.toString(StandardCharsets.UTF_8).substring(start);
    }
  }

  @Test
  void shouldSayWhyAndServeAfterwardsWhateverCallFailsWhenTheDriverOpens() throws Exception {
    PrintStream before = System.err;
    Log log = new Log(before);
    System.setErr(log);
    try (Gateway gateway =
        new Gateway(
            folder,
            Map.of(
                Gateway.ENGINE,
                Gateway.engine(Map.of("probationMs", 0, "loaderNiceness", 0)),
                Gateway.CPU,
                Map.of("libraryPath", "/nowhere/libonnxruntime.so")))) {
      gateway.install(new Multiplier(Bench.MODEL).write(folder, 0)).start();
      InferenceService inference = gateway.inference();
      Waiting.until("the model is known", () -> inference.model(REF).isPresent());
      List<SimulatedOnnxRuntime> all = new ArrayList<>();
      Path real = Gateway.realRuntime(folder);
      for (Opening each : OPENINGS) {
        SimulatedOnnxRuntime runtime =
            SimulatedOnnxRuntime.in(folder.resolve("runtime" + all.size()), real);
        open(gateway, runtime, each, log);
        all.add(runtime);
      }
      gateway.bundle(Gateway.CPU).stop();
      for (int i = 0; i < all.size(); i++) {
        assertThat(all.get(i).record().open()).as("open after %s", OPENINGS.get(i)).isEmpty();
        assertThat(all.get(i).record().twice()).as("twice after %s", OPENINGS.get(i)).isEmpty();
      }
    } finally {
      System.setErr(before);
    }
  }

  private static void open(Gateway gateway, SimulatedOnnxRuntime runtime, Opening opening, Log log)
      throws Exception {
    InferenceService inference = gateway.inference();
    int start = log.since(0).length();
    runtime.tape("at " + opening.function() + " 1 " + opening.action());

    gateway.configure(Gateway.CPU, Gateway.driver(runtime));

    Waiting.until(opening + " is hit", () -> faults(runtime) > 0);
    if (!opening.action().startsWith("slow")) {
      long asked = System.nanoTime();
      assertThatThrownBy(() -> Asker.check(inference, REF, 1, 100))
          .as("a request meanwhile, %s", opening)
          .isInstanceOfSatisfying(
              InferenceException.class,
              e ->
                  assertThat(e.code())
                      .isIn(Code.NOT_READY, Code.NO_ACCELERATOR, Code.DEADLINE_EXCEEDED));
      assertThat(System.nanoTime() - asked).isLessThan(TimeUnit.SECONDS.toNanos(10));
    }
    if (!opening.reason().isEmpty()) {
      Waiting.until(
          () -> opening + " is told " + log.since(start),
          () -> log.since(start).contains(opening.reason()));
    }
    runtime.tape();
    if (!opening.reason().isEmpty()) {
      Bundle driver = gateway.bundle(Gateway.CPU);
      driver.stop();
      driver.start();
    }
    Waiting.until(
        opening + ", and then it serves",
        () -> inference.model(REF).stream().anyMatch(each -> each.serving().isPresent()));
    assertThat(Asker.check(inference, REF, 1, 10_000)).as("answers after %s", opening).isEmpty();
  }

  private static long faults(SimulatedOnnxRuntime runtime) {
    try {
      return runtime.record().faultCount();
    } catch (IOException e) {
      // The library is just making it.
      return 0;
    }
  }
}
