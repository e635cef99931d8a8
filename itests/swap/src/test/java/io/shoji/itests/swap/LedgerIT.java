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
import static org.assertj.core.api.Assumptions.assumeThat;

import io.shoji.itests.swap.probe.Probe;
import io.shoji.testkit.FelixWithPackages;
import io.shoji.testkit.Proof;
import io.shoji.testkit.Samples;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * Clients that send on a timetable of their own, whatever comes back, while models and the runtime
 * beneath them are exchanged through DeploymentAdmin. Every request must have one answer, and that
 * must be, bit for bit, what the generation named in it gives when it is alone; and nothing may
 * remain of what was exchanged.
 */
class LedgerIT {
  private static final String ARCHITECTURE =
      System.getProperty("os.arch").equals("aarch64") ? "aarch64" : "x86_64";
  private static final String DRIVER = "io.shoji.driver.cpu";
  private static final int SWAPS = Proof.rounds(18, 1_000);

  /** What is replaced, in turn. */
  private static final List<Phase> KINDS = List.of(Phase.MODEL, Phase.DRIVER, Phase.BOTH);

  /** After so many swaps the clients pause, resources are read and the capacity is taken anew. */
  private static final int BLOCK = Proof.rounds(9, 50);

  /** The block from which on resources are compared. */
  private static final int FIRST_BLOCK = Proof.rounds(1, 2);

  /** Blocks at either end whose median is taken. */
  private static final int COMPARED = Proof.rounds(1, 3);

  private static final double MOST_GROWTH = Proof.isLong() ? 1.03 : 1.15;
  private static final double LOAD = 0.6;
  private static final long CAPACITY_MS = Proof.rounds(200, 500);
  private static final long SETTLING_MS = Proof.rounds(50, 200);

  /** Longest wait until what piled up in a driver's gap has been worked off. */
  private static final long CATCH_UP_MS = Proof.rounds(300, 5_000);

  private static final long STEADY_MS = Proof.rounds(100, 400);

  /** A swap's time goes on so long after the first answer of the new generation. */
  private static final long TAIL_MS = 50;

  private static final long DEADLINE_MS = 60_000;
  private static final long POLL_MS = 200;

  /** Longer than the engine takes to say that something remains. */
  private static final long SETTLED_NANOS = 90_000_000_000L;

  private static final int QUESTIONS = 96;
  private static final int ENOUGH_QUIET = 50;
  private static final double MOST_SLOWDOWN = 2;

  private final Path shoji = Path.of(System.getProperty("swap.shoji"));
  private final Path work = Path.of(System.getProperty("swap.work"));
  private final Answers answers = new Answers();
  private final List<Window> windows = new ArrayList<>();
  private final List<Window> open = new ArrayList<>();
  private final Map<Phase, Latencies> totals = new EnumMap<>(Phase.class);
  private final Map<Phase, List<Double>> took = new EnumMap<>(Phase.class);
  private final List<Resources> resources = new ArrayList<>();
  private final List<Double> capacities = new ArrayList<>();
  private final List<Object> remains = new ArrayList<>();
  private long receipts;
  private long lastReceipt;
  private int late;

  @Test
  void shouldGiveEveryRequestOneRightAnswerWhileModelsAndRuntimeAreExchanged() throws Exception {
    Path folder = Files.createDirectories(work.resolve("ledger"));
    Samples samples = new Samples(shoji.resolve("io.shoji.model.digits.jar"));
    List<Map<String, Object>> questions = new ArrayList<>();
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
    try (FelixWithPackages felix =
        new FelixWithPackages(
            folder.resolve("framework"),
            Path.of(System.getProperty("swap.platform")),
            shoji,
            Probe.class)) {
      // A gap that is shorter than the deadline costs nobody an error, however busy the machine is;
      // and that it is busy is no reason here to go back to what was replaced a moment ago.
      felix.configure("io.shoji.engine", Map.of("gapWaitMs", (int) DEADLINE_MS, "probationMs", 0));
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
          learn(felix, questions, new Answers.Pair(versions[model], runtimes[driver]));
        }
      }
      assertThat(answers.of(new Answers.Pair(versions[0], runtimes[1]))[0])
          .as("two models that answer differently")
          .isNotEqualTo(answers.of(new Answers.Pair(versions[1], runtimes[1]))[0]);

      Clients clients = new Clients(felix, answers, questions);
      try {
        exchange(felix, clients, new Parts(drivers, runtimes, models, versions));
      } finally {
        clients.stop();
      }
      settle(felix);
      fold();
      report(clients);
      Map<String, Object> futures = felix.call(Map.of("figures", true));
      assertThat(answers.complaints()).isEmpty();
      assertThat(clients.answered())
          .as("answers to %d requests", clients.sent())
          .isEqualTo(clients.sent());
      assertThat(remains).as("receipts of what was replaced that are not clean").isEmpty();
      assertThat(receipts).as("receipts").isGreaterThanOrEqualTo(SWAPS);
      assertThat(futures.get("completions"))
          .as("completions of futures")
          .isEqualTo(futures.get("futures"));
    }
    assertFlat("resident memory", Resources::residentBytes);
    assertFlat("mappings", Resources::mappings);
    assertFlat("libraries of the runtime", Resources::libraries);
    assertFlat("threads", Resources::threads);
    assertFlat("descriptors", Resources::descriptors);
    assertFlat("class loaders", Resources::classLoaders);
    if (Proof.isLong()) {
      assertQuickEnough();
    }
  }

  /**
   * What is exchanged, the older of two first.
   *
   * @param drivers packages, each with the runtime of that place
   * @param models packages, each with the version of that place
   */
  private record Parts(Path[] drivers, String[] runtimes, Path[] models, String[] versions) {}

  /** Every swap; the newer driver and the newer model serve when it begins. */
  private void exchange(FelixWithPackages felix, Clients clients, Parts parts) throws Exception {
    int driver = 1;
    int model = 1;
    for (int swap = 0; swap < SWAPS; swap++) {
      if (swap % BLOCK == 0) {
        begin(clients);
      }
      Phase kind = KINDS.get(swap % KINDS.size());
      driver = kind == Phase.MODEL ? driver : 1 - driver;
      model = kind == Phase.DRIVER ? model : 1 - model;
      enter(clients, Phase.SETTLING);
      late += clients.awaitOnTime(CATCH_UP_MS) ? 0 : 1;
      Thread.sleep(SETTLING_MS);
      enter(clients, Phase.STEADY);
      Thread.sleep(STEADY_MS);
      long start = System.nanoTime();
      enter(clients, kind);
      if (kind != Phase.MODEL) {
        felix.deploy(parts.drivers[driver]);
      }
      if (kind != Phase.DRIVER) {
        felix.deploy(parts.models[model]);
      }
      await(new Answers.Pair(parts.versions[model], parts.runtimes[driver]));
      took.computeIfAbsent(kind, k -> new ArrayList<>()).add((System.nanoTime() - start) / 1e6);
      Thread.sleep(TAIL_MS);
      if ((swap + 1) % BLOCK == 0 || swap + 1 == SWAPS) {
        clients.stop();
        enter(clients, Phase.SETTLING);
        receipts(felix);
        resources.add(
            Resources.read(resources.isEmpty() ? Long.MAX_VALUE : resources.get(0).classLoaders()));
        double[] ratio = ratios(true);
        System.out.printf(
            Locale.ROOT,
            "ledger: swaps=%d receipts=%d %s, p99 of model swaps over p99 before=%.2f in %.0f quiet"
                + " pairs%n",
            swap + 1,
            receipts,
            resources.get(resources.size() - 1),
            ratio[1],
            ratio[0]);
      }
    }
  }

  /** Clients start, at their share of what they can do now. */
  private void begin(Clients clients) throws InterruptedException {
    double capacity = clients.capacity(CAPACITY_MS);
    capacities.add(capacity);
    clients.start(LOAD * capacity);
  }

  private Window enter(Clients clients, Phase phase) {
    Window window = clients.enter(phase);
    // Requests of the one before last have ended, but for those that wait very long.
    while (open.size() > 2) {
      fold(open.remove(0));
    }
    open.add(window);
    windows.add(window);
    return window;
  }

  private void fold() {
    open.forEach(this::fold);
    open.clear();
  }

  private void fold(Window window) {
    window.fold(totals.computeIfAbsent(window.phase, p -> new Latencies()));
  }

  private Path driver(FelixWithPackages felix, Path folder, String version, String runtime)
      throws Exception {
    return felix.write(folder, DRIVER, version, runtime + ARCHITECTURE, DRIVER);
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

  /** What a generation answers when nothing else is there. */
  private void learn(
      FelixWithPackages felix, List<Map<String, Object>> questions, Answers.Pair pair)
      throws InterruptedException {
    ask(felix, questions, pair);
    float[][] all = new float[QUESTIONS][];
    for (int i = 0; i < QUESTIONS; i++) {
      Map<String, Object> answer = felix.call(questions.get(i));
      assertThat(Answers.Pair.of(answer)).isEqualTo(pair);
      all[i] = (float[]) answer.get("scores");
    }
    answers.learn(pair, all);
  }

  /** Asks until a pair answers. */
  private void ask(FelixWithPackages felix, List<Map<String, Object>> questions, Answers.Pair pair)
      throws InterruptedException {
    long deadline = System.nanoTime() + DEADLINE_MS * 1_000_000;
    while (true) {
      Map<String, Object> answer = felix.call(questions.get(0));
      if (Answers.Pair.of(answer).equals(pair)) {
        return;
      }
      assertThat(System.nanoTime() - deadline).as("%s, answer=%s", pair, answer).isNegative();
      Thread.sleep(1);
    }
  }

  /** Reads the receipts of what was replaced, as far as they are settled; how many are not. */
  private long receipts(FelixWithPackages felix) {
    Map<String, Object> found = felix.call(Map.of("receipts", lastReceipt));
    receipts += (Long) found.get("count");
    lastReceipt = (Long) found.get("last");
    remains.addAll((List<?>) found.get("remains"));
    return (Long) found.get("checking");
  }

  /** Waits until the engine knows what became of everything that was replaced. */
  private void settle(FelixWithPackages felix) throws InterruptedException {
    long deadline = System.nanoTime() + SETTLED_NANOS;
    while (receipts(felix) > 0) {
      assertThat(System.nanoTime() - deadline).as("receipts are not settled").isNegative();
      // A class loader goes with a collection, and nothing makes garbage while the clients pause.
      System.gc();
      Thread.sleep(POLL_MS);
    }
  }

  /** Waits until clients are answered by a pair. */
  private void await(Answers.Pair pair) throws InterruptedException {
    long deadline = System.nanoTime() + DEADLINE_MS * 1_000_000;
    while (!answers.latest().equals(pair)) {
      assertThat(System.nanoTime() - deadline)
          .as(
              "%s does not come, latest=%s complaints=%s",
              pair, answers.latest(), answers.complaints())
          .isNegative();
      Thread.sleep(1);
    }
  }

  private void assertFlat(String what, ToLongFunction<Resources> figure) {
    List<Double> all = resources.stream().map(r -> (double) figure.applyAsLong(r)).toList();
    double first = median(all.subList(FIRST_BLOCK - 1, FIRST_BLOCK - 1 + COMPARED));
    double last = median(all.subList(all.size() - COMPARED, all.size()));
    assertThat(last / first)
        .as("%s at the end over those after %d swaps: %s", what, FIRST_BLOCK * BLOCK, all)
        .isLessThan(MOST_GROWTH);
  }

  /** A model swap's time, and the steady time right before it, of those in which others slept. */
  private void assertQuickEnough() {
    double[] ratio = ratios(true);
    assumeThat((int) ratio[0])
        .as("model swaps while no other process took a tenth of the processors")
        .isGreaterThanOrEqualTo(ENOUGH_QUIET);
    assertThat(ratio[1])
        .as("p99 while a model is swapped over p99 right before, medians")
        .isLessThanOrEqualTo(MOST_SLOWDOWN);
  }

  /** How many pairs of windows there are, and the ratio of the medians of their p99. */
  private double[] ratios(boolean onlyQuiet) {
    List<Double> swapped = new ArrayList<>();
    List<Double> steady = new ArrayList<>();
    for (int i = 1; i < windows.size(); i++) {
      Window before = windows.get(i - 1);
      Window now = windows.get(i);
      if (now.phase == Phase.MODEL && (!onlyQuiet || (before.use().quiet() && now.use().quiet()))) {
        swapped.add(now.p99Micros());
        steady.add(before.p99Micros());
      }
    }
    return new double[] {
      swapped.size(), swapped.isEmpty() ? Double.NaN : median(swapped) / median(steady)
    };
  }

  private static double median(List<Double> values) {
    return quantile(values, 0.5);
  }

  private static double quantile(List<Double> values, double share) {
    List<Double> sorted = values.stream().sorted().toList();
    return sorted.get((int) Math.min(sorted.size() - 1, share * sorted.size()));
  }

  private void report(Clients clients) {
    System.out.printf(
        Locale.ROOT,
        "ledger: swaps=%d generations=%d capacity=%s/s load=%.0f %% sent=%d answered=%d"
            + " notOnTimeBeforeSwap=%d%n",
        SWAPS,
        answers.generations(),
        capacities.stream().map(c -> String.format("%.0f", c)).toList(),
        100 * LOAD,
        clients.sent(),
        clients.answered(),
        late);
    for (Phase phase : Phase.values()) {
      List<Window> all = windows.stream().filter(w -> w.phase == phase).toList();
      System.out.printf(
          Locale.ROOT,
          "%-8s windows=%d %s p99 of windows=%s us processors own=%s others=%s%n",
          phase,
          all.size(),
          totals.get(phase),
          middle(all, Window::p99Micros, "%.0f"),
          middle(all, w -> w.use().own(), "%.2f"),
          middle(all, w -> w.use().others(), "%.2f"));
      if (took.containsKey(phase)) {
        System.out.printf(
            Locale.ROOT,
            "         until the new one answers: median %.0f ms, max %.0f ms; longest without an"
                + " answer: %s ms; processor time by thread, ms a swap: %s%n",
            median(took.get(phase)),
            quantile(took.get(phase), 1),
            middle(all, Window::longestSilenceMillis, "%.1f"),
            threads(all));
      }
    }
    double[] every = ratios(false);
    double[] quiet = ratios(true);
    System.out.printf(
        Locale.ROOT,
        "p99 while a model is swapped over p99 right before, ratio of medians: %.2f of %.0f swaps;"
            + " %.2f of the %.0f with others below 10 %%%n",
        every[1],
        every[0],
        quiet[1],
        quiet[0]);
  }

  private static String middle(
      List<Window> windows, ToDoubleFunction<Window> figure, String format) {
    List<Double> values = windows.stream().map(figure::applyAsDouble).toList();
    return String.format(
        Locale.ROOT, "median " + format + " max " + format, median(values), quantile(values, 1));
  }

  private static String threads(List<Window> windows) {
    Map<String, Long> sum = new TreeMap<>();
    windows.forEach(w -> w.use().threads().forEach((name, t) -> sum.merge(name, t, Long::sum)));
    return sum.entrySet().stream()
        .sorted(Map.Entry.<String, Long>comparingByValue().reversed())
        .limit(12)
        .map(
            e ->
                String.format(
                    Locale.ROOT, "%s=%.0f", e.getKey(), 10.0 * e.getValue() / windows.size()))
        .collect(Collectors.joining(" "));
  }
}
