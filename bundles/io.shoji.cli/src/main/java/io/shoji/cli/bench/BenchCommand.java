/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.bench;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.cli.CommandException;
import io.shoji.cli.Environment;
import io.shoji.cli.ExitCode;
import io.shoji.cli.Json;
import io.shoji.cli.Text;
import io.shoji.cli.bench.BenchReport.Scenarios;
import io.shoji.cli.bench.Comparison.Candidate;
import io.shoji.cli.bench.Comparison.Figures;
import io.shoji.cli.local.LocalAccelerators;
import io.shoji.cli.report.Machine;
import io.shoji.cli.report.Page;
import io.shoji.cli.tty.ProgressBar;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code shoji bench}. */
@Command(
    name = "bench",
    description = {
      "Measure a model on an accelerator of this machine: latency, throughput, peak memory, temperature, power.",
      "",
      "One model is run in the scenarios of MLPerf Inference: SingleStream (one sample after the other; the result is"
          + " the 90th percentile of latency), MultiStream (eight samples per query; the 99th) and Offline (all samples"
          + " at once; throughput). --sustain shows what a warm device does.",
      "",
      "Several models, variants or accelerators are compared: they take turns in short rounds, so that whatever else"
          + " this machine does meets all of them; the ratio of two is that of neighbouring rounds.",
      "",
      "Measure on the device that the model is for: figures of another machine say little."
    },
    exitCodeList = {
      "0:measured",
      "1:no accelerator of this machine runs it, or it fails there",
      "2:wrong command line, or a file or an input that cannot be used; nothing was measured",
      "130:interrupted; what was measured until then is printed, and says that it is partial"
    },
    footer = {
      "  shoji bench io.shoji.model.digits-1.1.0.jar",
      "  shoji bench model.onnx --scenario SingleStream --duration 600s --json",
      "  shoji bench model.onnx --sustain 10m --threads 4 --plot bench.html",
      "  shoji bench fp32.onnx int8.onnx                       side by side",
      "  shoji bench digits.jar --variant all                  its variants side by side",
      "  shoji bench model.onnx -A cpu -A tensorrt             two accelerators side by side",
      "  shoji bench model.onnx --input samples/ --pipeline model.json"
    })
public final class BenchCommand implements Callable<Integer> {
  private static final long IDLE_NANOS = 2_000_000_000L;
  private static final String ALL = "all";
  private static final String GOLDEN = "golden";
  private static final String RANDOM = "random";

  @Parameters(
      index = "0..*",
      arity = "1..*",
      paramLabel = "MODEL",
      description = {
        "Model files (.onnx, .tflite, .hef, .xml of OpenVINO) or packages (bundle .jar, .dp, or their folder)."
      })
  private List<Path> files = new ArrayList<>();

  @Option(
      names = "--variant",
      paramLabel = "NAME",
      order = 1,
      description = {
        "Variant of a package; may be given several times, or as all: then they are compared. Default: the first that"
            + " an accelerator of this machine runs."
      })
  private List<String> variants = new ArrayList<>();

  @Option(
      names = {"-A", "--accelerator"},
      paramLabel = "ID|KIND",
      order = 2,
      description = {
        "Where to run it, as cpu or cpu:cpu0; may be given several times, to compare. Default: the first that can."
      })
  private List<String> accelerators = new ArrayList<>();

  @Option(
      names = "--driver",
      paramLabel = "JAR",
      order = 3,
      description =
          "A driver bundle to start beside those of this command; several times for more.")
  private List<Path> drivers = new ArrayList<>();

  @Option(
      names = "--scenario",
      paramLabel = "NAME",
      order = 4,
      description =
          "SingleStream, MultiStream, Offline; several times for more. Default: all three.")
  private List<String> scenarioNames = new ArrayList<>();

  @Option(
      names = "--duration",
      paramLabel = "TIME",
      order = 5,
      converter = Durations.class,
      description = {
        "Least time of each scenario, as 500ms, 10s, 10m. MLPerf asks for 600s. Default: ${DEFAULT-VALUE}."
      },
      defaultValue = "10s")
  private long durationNanos;

  @Option(
      names = "--min-queries",
      paramLabel = "N",
      order = 6,
      description = {
        "Least number of queries of each scenario (samples, for Offline). Default: what MLPerf's rules need for their"
            + " estimates, 64, 662, and each sample once."
      })
  private @Nullable Long minQueries;

  @Option(
      names = "--warmup",
      paramLabel = "TIME",
      order = 7,
      converter = Durations.class,
      description = "Time before each scenario that does not count. Default: ${DEFAULT-VALUE}.",
      defaultValue = "1s")
  private long warmUpNanos;

  @Option(
      names = "--threads",
      paramLabel = "N",
      order = 8,
      description = {
        "Callers at a time in MultiStream, Offline and --sustain, 1 to 256. Default: 1, and for Offline as many as the"
            + " accelerator says it can serve."
      })
  private @Nullable Integer threads;

  @Option(
      names = "--batch",
      paramLabel = "N",
      order = 9,
      description =
          "Samples of each inference, if the model takes that. Default: ${DEFAULT-VALUE}.")
  private int batch = 1;

  @Option(
      names = "--sustain",
      paramLabel = "TIME",
      order = 10,
      converter = Durations.class,
      description = {
        "Load for so long after the scenarios: throughput and latency over time, and whether the device throttles."
      })
  private @Nullable Long sustainNanos;

  @Option(
      names = "--input",
      paramLabel = "WHAT",
      order = 11,
      description = {
        "golden (the package's samples), random, or samples as shoji quantize takes them: a folder, .safetensors,"
            + " .npy, .csv. Default: golden for packages that have some, random otherwise."
      })
  private @Nullable String input;

  @Option(
      names = "--pipeline",
      paramLabel = "FILE",
      order = 12,
      description = "model.json with the steps from pictures or signals to the model's input.")
  private @Nullable Path pipeline;

  @Option(
      names = "--shape",
      paramLabel = "INPUT=SHAPE",
      order = 13,
      description =
          "Size of an input with open dimensions for --input random, as images=1x3x640x640.")
  private Map<String, String> shapes = new LinkedHashMap<>();

  @Option(
      names = "--no-memory",
      order = 14,
      description = "Do not measure peak memory, which takes two more processes and some seconds.")
  private boolean noMemory;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      order = 15,
      description = "Rounds of a comparison, 1 to 10000. Default: ${DEFAULT-VALUE}.")
  private int rounds = 21;

  @Option(
      names = "--plot",
      paramLabel = "FILE",
      order = 16,
      description = "Write an HTML page with charts, which needs no other file.")
  private @Nullable Path plot;

  @Option(
      names = "--sensors-root",
      paramLabel = "DIR",
      order = 17,
      description = {
        "Folder that holds sys with the sensors, for a container that sees the host's elsewhere. Default:"
            + " ${DEFAULT-VALUE}."
      })
  private Path sensorsRoot = Path.of("/");

  @Option(
      names = "--json",
      order = 900,
      description = "Print one JSON document on standard output.")
  private boolean json;

  @Option(
      names = {"-q", "--quiet"},
      order = 901,
      description = "No progress on standard error.")
  private boolean quiet;

  private final Environment environment;

  BenchCommand(Environment environment) {
    this.environment = environment;
  }

  /** A model on an accelerator. */
  private record Subject(BenchModel model, Accelerator accelerator) {}

  @Override
  public Integer call() throws CommandException, InterruptedException {
    Set<Scenario> scenarios = scenarios();
    check(scenarios);
    Map<String, Shape> sizes = sizes();
    try (ProgressBar bar = new ProgressBar(environment, quiet, "bench")) {
      bar.begin("starting the drivers");
      try (LocalAccelerators local = LocalAccelerators.start(drivers)) {
        List<Subject> subjects = subjects(local);
        return subjects.size() == 1
            ? measure(subjects.get(0), scenarios, sizes, bar)
            : compare(subjects, sizes, bar);
      }
    }
  }

  private Set<Scenario> scenarios() throws CommandException {
    if (scenarioNames.isEmpty()) {
      return EnumSet.allOf(Scenario.class);
    }
    EnumSet<Scenario> chosen = EnumSet.noneOf(Scenario.class);
    for (String name : scenarioNames) {
      chosen.add(
          Scenario.of(name)
              .orElseThrow(
                  () ->
                      usage(
                          "no such scenario asked="
                              + name
                              + " known=[SingleStream, MultiStream, Offline]")));
    }
    return chosen;
  }

  private void check(Set<Scenario> scenarios) throws CommandException {
    if (threads != null && (threads < 1 || threads > 256)) {
      throw usage("--threads is 1 to 256 asked=" + threads);
    }
    if (batch < 1 || batch > 65_536) {
      throw usage("--batch is 1 to 65536 asked=" + batch);
    }
    int eight = Scenario.MULTI_STREAM.samplesPerQuery();
    if (scenarios.contains(Scenario.MULTI_STREAM) && eight % batch != 0) {
      throw usage(
          "a query of MultiStream has 8 samples, so that --batch is 1, 2, 4 or 8; leave it out with --scenario"
              + " SingleStream --scenario Offline asked="
              + batch);
    }
    if (minQueries != null && minQueries < 1) {
      throw usage("--min-queries is at least 1 asked=" + minQueries);
    }
    if (rounds < 1 || rounds > 10_000) {
      throw usage("--rounds is 1 to 10000 asked=" + rounds);
    }
    if (plot != null) {
      Path folder = plot.toAbsolutePath().getParent();
      if (folder == null || !Files.isDirectory(folder) || Files.isDirectory(plot)) {
        throw usage("--plot names no file in an existing folder asked=" + plot);
      }
    }
    for (Path file : files) {
      BenchModels.check(file);
    }
    for (Path driver : drivers) {
      if (!Files.isRegularFile(driver)) {
        throw usage("there is no such driver bundle file=" + driver);
      }
    }
  }

  private static CommandException usage(String message) {
    return new CommandException(ExitCode.USAGE, "USAGE", message);
  }

  private Map<String, Shape> sizes() throws CommandException {
    Map<String, Shape> sizes = new LinkedHashMap<>();
    for (Map.Entry<String, String> each : shapes.entrySet()) {
      if (!each.getValue().matches("[1-9]\\d{0,8}(x[1-9]\\d{0,8}){0,7}")) {
        throw usage("--shape is written INPUT=1x3x224x224 asked=" + each.getValue());
      }
      String[] dims = each.getValue().split("x", -1);
      long[] values = new long[dims.length];
      for (int i = 0; i < values.length; i++) {
        values[i] = Long.parseLong(dims[i]);
      }
      sizes.put(each.getKey(), Shape.of(values));
    }
    return sizes;
  }

  private List<Subject> subjects(LocalAccelerators local) throws CommandException {
    List<Subject> subjects = new ArrayList<>();
    List<Optional<String>> places = new ArrayList<>();
    accelerators.forEach(place -> places.add(Optional.of(place)));
    if (places.isEmpty()) {
      places.add(Optional.empty());
    }
    for (Path file : files) {
      List<BenchModel> models = BenchModels.open(file, local.workFolder());
      for (Optional<String> place : places) {
        subjects.addAll(chosen(models, file, place, local));
      }
    }
    return subjects;
  }

  private List<Subject> chosen(
      List<BenchModel> models, Path file, Optional<String> place, LocalAccelerators local)
      throws CommandException {
    List<Subject> subjects = new ArrayList<>();
    boolean single = models.size() == 1 && models.get(0).description().isEmpty();
    if (variants.isEmpty() || single) {
      CommandException first = null;
      for (BenchModel model : models) {
        try {
          return List.of(new Subject(model, accelerator(model, place, local)));
        } catch (CommandException e) {
          first = first == null ? e : first;
        }
      }
      throw first == null ? usage("there is no variant in it file=" + file) : first;
    }
    List<String> names = models.stream().map(model -> model.artifact().variant()).toList();
    for (String variant : variants) {
      if (!variant.equals(ALL) && !names.contains(variant)) {
        throw usage(
            "the package has no such variant asked="
                + variant
                + " found="
                + names
                + " file="
                + file);
      }
    }
    for (BenchModel model : models) {
      if (variants.contains(ALL) || variants.contains(model.artifact().variant())) {
        subjects.add(new Subject(model, accelerator(model, place, local)));
      }
    }
    return subjects;
  }

  private static Accelerator accelerator(
      BenchModel model, Optional<String> place, LocalAccelerators local) throws CommandException {
    return local.accelerator(place, model.artifact().format(), model.artifact().precision());
  }

  private InputSource source(BenchModel model, Map<String, Shape> sizes) throws CommandException {
    String chosen = input;
    if (chosen == null) {
      chosen = model.golden().isPresent() ? GOLDEN : RANDOM;
    }
    if (chosen.equals(RANDOM)) {
      RandomInputs few = RandomInputs.ofBatch(batch);
      return new RandomInputs(few.count(), batch, sizes);
    }
    if (chosen.equals(GOLDEN)) {
      Path golden =
          model
              .golden()
              .orElseThrow(
                  () ->
                      usage(
                          "only packages have golden samples; take --input random, or a folder model="
                              + model.name()));
      return new SampleInputs(golden, model, Optional.empty(), batch);
    }
    return new SampleInputs(Path.of(chosen), model, Optional.ofNullable(pipeline), batch);
  }

  private String sourceName(BenchModel model) {
    if (input != null && !input.equals(RANDOM) && !input.equals(GOLDEN)) {
      return "samples of " + input;
    }
    boolean golden = input == null ? model.golden().isPresent() : input.equals(GOLDEN);
    return golden ? "golden samples" : "random samples";
  }

  private static void checkBatch(List<TensorSpec> inputs, int batch) throws CommandException {
    for (TensorSpec spec : inputs) {
      if (batch > 1
          && (spec.shape().rank() == 0
              || (spec.shape().dim(0) != Shape.DYNAMIC && spec.shape().dim(0) != batch))) {
        throw new CommandException(
            ExitCode.USAGE,
            "INPUT_MISMATCH",
            "the model's file fixes its batch asked=" + batch + " found=" + spec);
      }
    }
  }

  private int measure(
      Subject subject, Set<Scenario> scenarios, Map<String, Shape> sizes, ProgressBar bar)
      throws CommandException, InterruptedException {
    BenchModel model = subject.model();
    Accelerator accelerator = subject.accelerator();
    BenchReport report = new BenchReport(model, accelerator.info(), Machine.here());
    report.batch = batch;
    Sensors sensors = new Sensors(sensorsRoot, System::nanoTime);
    SensorLog log = new SensorLog(sensors, accelerator);
    if (sensors.hasPower()) {
      report.idleWatts = idle(log, bar);
      report.powerOf = sensors.totalIs();
    }
    bar.begin("loading " + model.name());
    long begin = System.nanoTime();
    List<String> names;
    List<Tensor> sample;
    try (LoadedModel loaded =
        accelerator.load(
            model.artifact(),
            LoadOptions.defaults()
                .withBatchSize(batch)
                .withProgress(step -> bar.update(-1, step)))) {
      report.loadNanos = System.nanoTime() - begin;
      checkBatch(loaded.inputs(), batch);
      List<List<Tensor>> samples = source(model, sizes).samples(loaded.inputs());
      report.input = samples.size() + " " + sourceName(model);
      names = loaded.inputs().stream().map(TensorSpec::name).toList();
      sample = samples.get(0);
      try (Bound bound = Bound.of(loaded, samples, most(accelerator, loaded))) {
        scenarios(report, bound.inferences, scenarios, offline(accelerator, loaded), log, bar);
        if (sustainNanos != null && !report.partial) {
          sustain(report, bound.inferences, log, bar);
        }
      }
      report.driverMemory = loaded.memory();
    } catch (AcceleratorException e) {
      throw failed(model, e);
    } catch (IllegalArgumentException e) {
      throw new CommandException(
          ExitCode.USAGE,
          "INPUT_MISMATCH",
          "the input does not fit the model: " + e.getMessage(),
          e);
    }
    report.sensorNotes = sensors.notes();
    if (noMemory) {
      report.memoryMissing = "as --no-memory asks";
    } else if (!report.partial) {
      memory(report, names, sample, bar);
    }
    bar.close();
    ExitCode exit = report.partial ? ExitCode.INTERRUPTED : ExitCode.OK;
    environment.out().print(json ? Json.pretty(report.json(exit)) + "\n" : report.text());
    write(BenchPage.of(report));
    return exit.code();
  }

  private static CommandException failed(BenchModel model, AcceleratorException e) {
    return new CommandException(
        ExitCode.FAILED,
        e.code().name(),
        model.name() + " cannot be measured: " + e.getMessage(),
        e);
  }

  /** The same model for several threads. */
  private record Bound(List<Inference> inferences) implements AutoCloseable {
    static Bound of(LoadedModel model, List<List<Tensor>> samples, int threads)
        throws AcceleratorException {
      List<Inference> inferences = new ArrayList<>();
      try {
        for (int i = 0; i < threads; i++) {
          inferences.add(BoundInference.of(model, samples));
        }
      } catch (AcceleratorException | RuntimeException e) {
        inferences.forEach(Inference::close);
        throw e;
      }
      return new Bound(inferences);
    }

    @Override
    public void close() {
      inferences.forEach(Inference::close);
    }
  }

  private int offline(Accelerator accelerator, LoadedModel model) {
    return threads == null
        ? Math.max(1, Math.min(accelerator.info().concurrency(), model.concurrency()))
        : threads;
  }

  private int most(Accelerator accelerator, LoadedModel model) {
    return Math.max(threads == null ? 1 : threads, offline(accelerator, model));
  }

  private OptionalDouble idle(SensorLog log, ProgressBar bar) throws InterruptedException {
    bar.begin("measuring the idle machine");
    log.begin();
    long begin = System.nanoTime();
    long now = begin;
    while (now - begin < IDLE_NANOS) {
      Thread.sleep(100);
      now = System.nanoTime();
      log.look(now);
      bar.update((double) (now - begin) / IDLE_NANOS, "");
    }
    return log.end().totalWatts();
  }

  private void scenarios(
      BenchReport report,
      List<Inference> inferences,
      Set<Scenario> scenarios,
      int offlineThreads,
      SensorLog log,
      ProgressBar bar)
      throws AcceleratorException {
    for (Scenario scenario : scenarios) {
      int used =
          switch (scenario) {
            case SINGLE_STREAM -> 1;
            case MULTI_STREAM -> threads == null ? 1 : threads;
            case OFFLINE -> offlineThreads;
          };
      int samples = inferences.get(0).samples();
      bar.begin(scenario.label());
      log.begin();
      LoadRun run =
          new LoadRun(
              System::nanoTime,
              (done, queries) -> {
                log.look(System.nanoTime());
                bar.update(
                    queries == 0 ? -1 : done,
                    queries == 0 ? "warming up" : queries + " " + counted(scenario));
              });
      LoadRun.Result result =
          run.run(
              scenario,
              inferences.subList(0, used),
              batch,
              new LoadRun.Limits(
                  durationNanos,
                  minQueries == null ? scenario.fewestQueries(samples) : minQueries,
                  warmUpNanos));
      report.scenarios.add(new Scenarios(result, used, samples, log.end()));
      if (!result.complete()) {
        report.partial = true;
        return;
      }
    }
  }

  private static String counted(Scenario scenario) {
    return scenario == Scenario.OFFLINE ? "samples" : "queries";
  }

  private void sustain(
      BenchReport report, List<Inference> inferences, SensorLog log, ProgressBar bar)
      throws AcceleratorException {
    bar.begin("sustained load");
    log.begin();
    SustainedRun run =
        new SustainedRun(
            System::nanoTime, log::take, (done, samples) -> bar.update(done, samples + " samples"));
    SustainedRun.Result result =
        run.run(
            inferences.subList(0, threads == null ? 1 : threads),
            batch,
            sustainNanos == null ? 0 : sustainNanos);
    report.sustained = Optional.of(result);
    report.sustainedSensors = Optional.of(log.end());
    report.partial = !result.complete();
  }

  private void memory(BenchReport report, List<String> names, List<Tensor> sample, ProgressBar bar)
      throws CommandException {
    bar.begin("peak memory");
    bar.update(-1, "in a process of its own");
    try {
      report.memory =
          PeakMemory.measure(
              report.accelerator.kind() + ":" + report.accelerator.device(),
              report.model.artifact(),
              names,
              sample,
              drivers);
      if (report.memory.isEmpty()) {
        report.memoryMissing = "this system does not tell, only Linux does";
      }
    } catch (InterruptedException e) {
      report.partial = true;
      report.memoryMissing = "interrupted";
    }
  }

  private int compare(List<Subject> subjects, Map<String, Shape> sizes, ProgressBar bar)
      throws CommandException, InterruptedException {
    if (!scenarioNames.isEmpty() || sustainNanos != null) {
      throw usage(
          "--scenario and --sustain are for one model; several are compared models="
              + subjects.size());
    }
    List<Candidate> candidates = new ArrayList<>();
    List<String> names = names(subjects);
    for (Subject subject : subjects) {
      InputSource source = source(subject.model(), sizes);
      candidates.add(
          new Candidate(
              names.get(candidates.size()),
              subject.accelerator(),
              subject.model().artifact(),
              inputs -> {
                checkBatch(inputs, batch);
                return source.samples(inputs);
              }));
    }
    bar.begin("comparing");
    Comparison.Outcome outcome;
    try {
      outcome =
          Comparison.measureUntilInterrupted(
              candidates,
              new Comparison.Settings(rounds, 200_000_000, 10, warmUpNanos),
              bar::update);
    } catch (AcceleratorException e) {
      throw new CommandException(
          ExitCode.FAILED, e.code().name(), "the comparison ends: " + e.getMessage(), e);
    } catch (IllegalArgumentException e) {
      throw new CommandException(
          ExitCode.USAGE, "INPUT_MISMATCH", "the input does not fit: " + e.getMessage(), e);
    }
    List<Figures> figures = outcome.figures();
    List<Optional<PeakMemory>> memory = new ArrayList<>();
    boolean partial = !outcome.complete();
    for (Subject subject : subjects) {
      Optional<PeakMemory> peak = Optional.empty();
      if (!noMemory && !partial) {
        try {
          peak = memory(subject, sizes, bar);
        } catch (InterruptedException e) {
          partial = true;
        }
      }
      memory.add(peak);
    }
    ExitCode exit = partial ? ExitCode.INTERRUPTED : ExitCode.OK;
    bar.close();
    String lead =
        BenchReport.machine(Machine.here())
            + ", batch "
            + batch
            + ", "
            + outcome.rounds()
            + " rounds";
    if (json) {
      environment.out().println(Json.pretty(document(subjects, outcome, memory, exit)));
    } else {
      environment.out().print(table(subjects, figures, memory));
      environment
          .out()
          .println(
              "\nby turns, medians over "
                  + outcome.rounds()
                  + " rounds; RATIO is that of the median latency to the first one's in the same"
                  + " round, with its quartiles: below 1 is faster\n"
                  + BenchReport.machine(Machine.here())
                  + (partial ? "\nPARTIAL: interrupted before all was measured" : ""));
    }
    write(BenchPage.of(figures, lead));
    return exit.code();
  }

  /** The models' names, with what tells one from the others. */
  private static List<String> names(List<Subject> subjects) {
    List<String> plain = subjects.stream().map(subject -> subject.model().name()).toList();
    List<String> names = new ArrayList<>();
    for (Subject subject : subjects) {
      String name = subject.model().name();
      if (plain.indexOf(name) != plain.lastIndexOf(name)) {
        name += " on " + subject.accelerator().info().kind();
      }
      String numbered = name;
      for (int i = 2; names.contains(numbered); i++) {
        numbered = name + " (" + i + ")";
      }
      names.add(numbered);
    }
    return names;
  }

  private Optional<PeakMemory> memory(Subject subject, Map<String, Shape> sizes, ProgressBar bar)
      throws CommandException, InterruptedException {
    bar.begin("peak memory of " + subject.model().name());
    bar.update(-1, "in a process of its own");
    List<String> names;
    List<Tensor> sample;
    try (LoadedModel loaded =
        subject.accelerator().load(subject.model().artifact(), LoadOptions.defaults())) {
      names = loaded.inputs().stream().map(TensorSpec::name).toList();
      sample = source(subject.model(), sizes).samples(loaded.inputs()).get(0);
    } catch (AcceleratorException e) {
      throw failed(subject.model(), e);
    }
    return PeakMemory.measure(
        subject.accelerator().info().kind() + ":" + subject.accelerator().info().device(),
        subject.model().artifact(),
        names,
        sample,
        drivers);
  }

  private static String table(
      List<Subject> subjects, List<Figures> figures, List<Optional<PeakMemory>> memory) {
    Text.Table table =
        new Text.Table(
            "MODEL",
            "FORMAT",
            "PRECISION",
            "ACCELERATOR",
            "P50",
            "P90",
            "P99",
            "RATIO",
            "QUARTILES",
            "PEAK MEMORY",
            "FILE");
    for (int i = 0; i < figures.size(); i++) {
      Figures each = figures.get(i);
      Subject subject = subjects.get(i);
      table.row(
          each.name(),
          subject.model().artifact().format(),
          subject.model().artifact().precision().name(),
          subject.accelerator().info().kind() + ":" + subject.accelerator().info().device(),
          BenchReport.time(each.medianNanos()),
          BenchReport.time(each.p90Nanos()),
          BenchReport.time(each.p99Nanos()),
          String.format(Locale.ROOT, "%.3f", each.ratio()),
          String.format(Locale.ROOT, "%.3f..%.3f", each.ratioLow(), each.ratioHigh()),
          memory.get(i).map(peak -> BenchReport.bytes(peak.modelBytes())).orElse("-"),
          BenchReport.bytes(subject.model().sizeBytes()));
    }
    return table.toString();
  }

  private JsonObject document(
      List<Subject> subjects,
      Comparison.Outcome outcome,
      List<Optional<PeakMemory>> memory,
      ExitCode exit) {
    List<Figures> figures = outcome.figures();
    JsonObject document = new JsonObject();
    document.addProperty("command", "bench");
    document.addProperty("exit", exit.code());
    document.addProperty("partial", exit != ExitCode.OK);
    document.add("machine", BenchReport.machineJson(Machine.here()));
    document.addProperty("batch", batch);
    document.addProperty("rounds", outcome.rounds());
    JsonArray all = new JsonArray();
    for (int i = 0; i < figures.size(); i++) {
      Figures each = figures.get(i);
      JsonObject one = new JsonObject();
      one.addProperty("name", each.name());
      one.add("model", BenchReport.model(subjects.get(i).model()));
      one.add("accelerator", BenchReport.accelerator(subjects.get(i).accelerator().info()));
      one.addProperty("inferences", each.runs());
      JsonObject latency = new JsonObject();
      latency.addProperty("p50Nanos", each.medianNanos());
      latency.addProperty("p90Nanos", each.p90Nanos());
      latency.addProperty("p99Nanos", each.p99Nanos());
      one.add("latency", latency);
      JsonObject ratio = new JsonObject();
      ratio.addProperty("median", each.ratio());
      ratio.addProperty("lowerQuartile", each.ratioLow());
      ratio.addProperty("upperQuartile", each.ratioHigh());
      one.add("ratioToFirst", ratio);
      memory.get(i).ifPresent(peak -> one.add("memory", BenchReport.memoryJson(peak)));
      all.add(one);
    }
    document.add("comparison", all);
    return document;
  }

  private void write(Page page) throws CommandException {
    if (plot == null) {
      return;
    }
    try {
      page.write(plot);
    } catch (IOException e) {
      throw new CommandException(
          ExitCode.FAILED,
          "UNWRITABLE",
          "the plot cannot be written file=" + plot + " cause=" + e,
          e);
    }
  }
}
