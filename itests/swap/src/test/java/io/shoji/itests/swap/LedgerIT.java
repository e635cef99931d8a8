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

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/**
 * Clients that send on a timetable of their own, whatever comes back, while models and the runtime
 * beneath them are exchanged through DeploymentAdmin. Every request must have one answer, and that
 * must be, bit for bit, what the generation named in it gives when it is alone.
 */
class LedgerIT {
  private static final String ARCHITECTURE =
      System.getProperty("os.arch").equals("aarch64") ? "aarch64" : "x86_64";
  private static final int SWAPS = Integer.getInteger("ledger.swaps");
  private static final int CLIENTS = 8;
  private static final double LOAD = 0.3;
  private static final long DEADLINE_MS = 20_000;
  private static final int QUESTIONS = 100;
  private static final int MOST_COMPLAINTS = 20;

  /** What is going on. */
  private enum Phase {
    STEADY,
    MODEL,
    DRIVER,
    BOTH
  }

  private final Path shoji = Path.of(System.getProperty("swap.shoji"));
  private final Path work = Path.of(System.getProperty("swap.work"));
  private final Map<String, Map<String, float[][]>> alone = new HashMap<>();
  private final ConcurrentLinkedQueue<String> complaints = new ConcurrentLinkedQueue<>();
  private final AtomicLong sent = new AtomicLong();
  private final AtomicLong answered = new AtomicLong();
  private final AtomicLong failed = new AtomicLong();
  private volatile Phase phase = Phase.STEADY;
  private volatile boolean ended;
  private Samples samples;

  @Test
  void shouldGiveEveryRequestOneRightAnswerWhileModelsAndRuntimeAreExchanged() throws Exception {
    Path folder = Files.createDirectories(work.resolve("ledger"));
    samples = new Samples(shoji.resolve("io.shoji.model.digits.jar"));
    try (FelixWithPackages felix =
        new FelixWithPackages(
            folder.resolve("framework"), Path.of(System.getProperty("swap.platform")), shoji)) {
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
      Path[] drivers = {
        driver(felix, folder, "1.0.1", "io.shoji.onnxruntime.previous.linux."),
        driver(felix, folder, "1.0.2", "io.shoji.onnxruntime.linux.")
      };
      String[] runtimes = {System.getProperty("swap.previous"), System.getProperty("swap.current")};
      String[] versions = {"1.0.0", "1.0.1"};
      Path[] models = {
        model(felix, folder, versions[0], 1), model(felix, folder, versions[1], 1.001f)
      };
      felix.startProbe();
      for (int driver = 0; driver < 2; driver++) {
        for (int model = 0; model < 2; model++) {
          felix.deploy(drivers[driver]);
          felix.deploy(models[model]);
          learn(felix, versions[model], runtimes[driver]);
        }
      }
      assertThat(alone.get(versions[0]).get(runtimes[1])[0])
          .as("two models that answer differently")
          .isNotEqualTo(alone.get(versions[1]).get(runtimes[1])[0]);

      double capacity = capacity(felix);
      List<Client> clients = new ArrayList<>();
      for (int i = 0; i < CLIENTS; i++) {
        clients.add(new Client(felix, i, (long) (1e9 * CLIENTS / (LOAD * capacity))));
      }
      clients.forEach(Thread::start);
      int driver = 1;
      int model = 1;
      Map<Phase, List<Long>> took = new HashMap<>();
      try {
        for (int swap = 0; swap < SWAPS; swap++) {
          Phase kind = Phase.values()[1 + swap % 3];
          driver = kind == Phase.MODEL ? driver : 1 - driver;
          model = kind == Phase.DRIVER ? model : 1 - model;
          TimeUnit.MILLISECONDS.sleep(200);
          long start = System.nanoTime();
          phase = kind;
          if (kind != Phase.MODEL) {
            felix.deploy(drivers[driver]);
          }
          if (kind != Phase.DRIVER) {
            felix.deploy(models[model]);
          }
          awaitAnswer(felix, versions[model], runtimes[driver]);
          phase = Phase.STEADY;
          took.computeIfAbsent(kind, k -> new ArrayList<>()).add(System.nanoTime() - start);
        }
      } finally {
        ended = true;
        for (Client client : clients) {
          client.join();
        }
      }
      report(capacity, clients, took);
      assertThat(complaints).isEmpty();
      assertThat(failed.get()).as("requests that failed").isZero();
      assertThat(answered.get()).as("answers to %d requests", sent.get()).isEqualTo(sent.get());
      assertThat(sent.get()).isGreaterThan(100L * SWAPS);
    }
  }

  private Path driver(FelixWithPackages felix, Path folder, String version, String runtime)
      throws Exception {
    return felix.write(
        folder, "io.shoji.driver.cpu", version, runtime + ARCHITECTURE, "io.shoji.driver.cpu");
  }

  private Path model(FelixWithPackages felix, Path folder, String version, float factor)
      throws Exception {
    Path bundle =
        ModelBundle.write(
            shoji.resolve("io.shoji.model.digits.jar"),
            folder.resolve("digits-" + version + ".jar"),
            version,
            factor);
    return felix.writeFiles(folder, "io.shoji.model.digits", version, bundle);
  }

  private Map<String, Object> ask(FelixWithPackages felix, int question, boolean async)
      throws Exception {
    Map<String, Object> request = new HashMap<>();
    request.put("model", "digits");
    request.put("values", samples.sample("input.image", question));
    request.put("shape", samples.sampleShape("input.image"));
    request.put("timeoutMs", DEADLINE_MS);
    if (async) {
      request.put("async", true);
    }
    return felix.call(request);
  }

  private void awaitAnswer(FelixWithPackages felix, String version, String runtime)
      throws Exception {
    long deadline = System.nanoTime() + DEADLINE_MS * 1_000_000;
    Map<String, Object> answer = ask(felix, 0, false);
    while (!(version.equals(answer.get("modelVersion"))
        && runtime.equals(answer.get("runtimeVersion")))) {
      assertThat(System.nanoTime() - deadline)
          .as("version=%s runtime=%s do not come, answer=%s", version, runtime, answer)
          .isNegative();
      LockSupport.parkNanos(1_000_000);
      answer = ask(felix, 0, false);
    }
  }

  /** What a generation answers when nothing else is there. */
  private void learn(FelixWithPackages felix, String version, String runtime) throws Exception {
    awaitAnswer(felix, version, runtime);
    float[][] answers = new float[QUESTIONS][];
    for (int i = 0; i < QUESTIONS; i++) {
      Map<String, Object> answer = ask(felix, i, false);
      assertThat(answer)
          .containsEntry("modelVersion", version)
          .containsEntry("runtimeVersion", runtime);
      answers[i] = (float[]) answer.get("scores");
    }
    alone.computeIfAbsent(version, v -> new HashMap<>()).put(runtime, answers);
  }

  /** Answers in a second to clients that send the next request when they have the answer. */
  private double capacity(FelixWithPackages felix) throws Exception {
    double best = 0;
    for (int round = 0; round < 3; round++) {
      AtomicLong done = new AtomicLong();
      long end = System.nanoTime() + 700_000_000L;
      List<Thread> all = new ArrayList<>();
      for (int i = 0; i < CLIENTS; i++) {
        all.add(
            new Thread(
                () -> {
                  try {
                    for (int k = 0; System.nanoTime() - end < 0; k++) {
                      ask(felix, k % QUESTIONS, false);
                      done.incrementAndGet();
                    }
                  } catch (Exception e) {
                    complain("capacity: " + e);
                  }
                }));
      }
      all.forEach(Thread::start);
      for (Thread each : all) {
        each.join();
      }
      best = Math.max(best, done.get() / 0.7);
    }
    return best;
  }

  private void complain(String text) {
    if (complaints.size() < MOST_COMPLAINTS) {
      complaints.add(text);
    }
  }

  /** Sends at fixed times, and counts a latency from when it was to send. */
  private final class Client extends Thread {
    private final FelixWithPackages felix;
    private final long periodNanos;
    private final boolean async;
    private final int number;
    private final Latencies[] latencies = new Latencies[Phase.values().length];

    Client(FelixWithPackages felix, int number, long periodNanos) {
      super("client-" + number);
      this.felix = felix;
      this.number = number;
      this.periodNanos = periodNanos;
      this.async = number % 4 == 3;
      Arrays.setAll(latencies, i -> new Latencies());
    }

    @Override
    public void run() {
      long due = System.nanoTime() + periodNanos * number / CLIENTS;
      for (int i = number; !ended; i++, due += periodNanos) {
        long wait = due - System.nanoTime();
        if (wait > 0) {
          LockSupport.parkNanos(wait);
        }
        Phase before = phase;
        sent.incrementAndGet();
        try {
          check(i % QUESTIONS, ask(felix, i % QUESTIONS, async));
        } catch (Exception e) {
          failed.incrementAndGet();
          complain("client " + number + ": " + e);
        }
        Phase after = phase;
        latencies[(before == Phase.STEADY ? after : before).ordinal()].add(System.nanoTime() - due);
      }
    }

    private void check(int question, Map<String, Object> answer) {
      if (!answer.containsKey("scores")) {
        failed.incrementAndGet();
        complain("phase=" + phase + " " + answer);
        return;
      }
      answered.incrementAndGet();
      float[][] expected =
          alone
              .getOrDefault(answer.get("modelVersion"), Map.of())
              .get(answer.get("runtimeVersion"));
      if (expected == null) {
        complain("an answer of nobody: " + answer);
      } else if (!Arrays.equals(expected[question], (float[]) answer.get("scores"))) {
        complain("not what that generation answers alone: " + answer);
      }
    }
  }

  private void report(double capacity, List<Client> clients, Map<Phase, List<Long>> took)
      throws IOException {
    System.out.printf(
        "ledger: swaps=%d capacity=%.0f/s load=%.0f/s sent=%d answered=%d failed=%d%n",
        SWAPS, capacity, LOAD * capacity, sent.get(), answered.get(), failed.get());
    for (Phase each : Phase.values()) {
      Latencies all = new Latencies();
      clients.forEach(client -> all.add(client.latencies[each.ordinal()]));
      List<Long> durations = took.getOrDefault(each, List.of()).stream().sorted().toList();
      System.out.printf(
          "%-7s %s%s%n",
          each,
          all,
          durations.isEmpty()
              ? ""
              : String.format(
                  "; until the new one answers: median %d ms, max %d ms",
                  durations.get(durations.size() / 2) / 1_000_000,
                  durations.get(durations.size() - 1) / 1_000_000));
    }
  }
}
