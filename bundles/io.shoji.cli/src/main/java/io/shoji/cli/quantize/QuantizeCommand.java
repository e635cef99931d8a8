/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.quantize;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;
import io.shoji.cli.CommandException;
import io.shoji.cli.Environment;
import io.shoji.cli.ExitCode;
import io.shoji.cli.Json;
import io.shoji.cli.Text;
import io.shoji.cli.local.LocalAccelerators;
import io.shoji.cli.report.QuantizationReport;
import io.shoji.cli.report.QuantizationReport.Performance;
import io.shoji.cli.report.QuantizationReport.Variant;
import io.shoji.cli.samples.ModelInterface;
import io.shoji.cli.samples.SampleOptions.Expected;
import io.shoji.cli.samples.SampleSet;
import io.shoji.cli.samples.SampleSets;
import io.shoji.cli.samples.StepOptions;
import io.shoji.cli.tty.OutputOptions;
import io.shoji.cli.tty.ProgressBar;
import io.shoji.quantizer.AccuracyBudget;
import io.shoji.quantizer.CalibrationMethod;
import io.shoji.quantizer.Metric;
import io.shoji.quantizer.QuantizationOptions;
import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.tensor.ElementType;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code shoji quantize}. */
@Command(
    name = "quantize",
    description = {
      "Quantize an ONNX model, and see that it is still good enough.",
      "",
      "Says first what must be reached: a metric, and how much it may drop or its least value. Every",
      "result is measured on the evaluation samples by the runtime that will run it. If INT8 misses the",
      "budget, the layers that cost most stay in FP32, as few as will do; if nothing helps, the model is",
      "refused, with what helps instead. Beside each model lies FILE.evidence.json for shoji package, and",
      "a report in HTML says the rest: accuracy, confusion, noise and range of each layer, size, latency",
      "and peak memory on this machine.",
      "",
      "Samples: a folder per class with PNG, JPEG, WAV, CSV or .npy files; a folder of files with",
      "labels.csv; a .csv table; .npy arrays; .safetensors with input.NAME and label. PATH[FROM:TO]",
      "takes a part, as in samples.npy[:200]."
    },
    footer = {
      "  shoji quantize digits.onnx --package io.shoji.model.digits --calibration photos/train \\",
      "      --evaluation photos/test --metric top1 --max-drop 0.01",
      "",
      "  For a Coral too, and for GPUs, from pictures that were scaled as with torchvision:",
      "  shoji quantize net.onnx --calibration train --evaluation test --metric top5 --max-drop 0.01 \\",
      "      --size 224x224 --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 \\",
      "      --precision int8,fp16 --target all --output build",
      "",
      "  Without labels, against the model's own answers in FP32:",
      "  shoji quantize net.onnx --calibration x.npy[:300] --evaluation x.npy[300:] \\",
      "      --metric cosine --minimum 0.99 --reference fp32"
    })
public final class QuantizeCommand implements Callable<Integer> {
  private final Environment environment;

  @Spec private @Nullable CommandSpec spec;

  @Parameters(index = "0", paramLabel = "MODEL", description = "ONNX file in FP32.")
  private Path model = Path.of("");

  @Option(
      names = "--calibration",
      paramLabel = "PATH",
      order = 100,
      description =
          "Samples that ranges are chosen from, for INT8: 100 to 1000, as the device will see them.")
  private @Nullable Path calibration;

  @Option(
      names = "--evaluation",
      paramLabel = "PATH",
      required = true,
      order = 101,
      description =
          "Samples with their labels, other ones than those, that accuracy is measured on.")
  private Path evaluation = Path.of("");

  @Option(
      names = "--metric",
      paramLabel = "NAME",
      required = true,
      order = 110,
      description = "top1, top5 (any top-k), map50, map, rmse, auc or cosine.")
  private String metric = "";

  @Option(
      names = "--max-drop",
      paramLabel = "X",
      order = 111,
      description =
          "Largest drop against FP32, in the metric's unit: 0.01 of top1 is a percentage point.")
  private @Nullable Double maxDrop;

  @Option(
      names = "--minimum",
      paramLabel = "X",
      order = 112,
      description = "Least value of the metric (of rmse the largest).")
  private @Nullable Double minimum;

  @Option(
      names = "--reference",
      paramLabel = "fp32",
      order = 113,
      description =
          "For rmse and cosine: compare with the model's answers in FP32; no labels needed.")
  private @Nullable String reference;

  @Option(
      names = "--precision",
      paramLabel = "LIST",
      split = ",",
      order = 120,
      description = "int8 (unless given), fp16, int4 (weights of products), dynamic (products).")
  private List<String> precisions = new ArrayList<>();

  @Option(
      names = "--target",
      paramLabel = "LIST",
      split = ",",
      order = 121,
      description = "For INT8: onnxruntime (unless given), tensorrt, edgetpu, all.")
  private List<String> targets = new ArrayList<>();

  @Option(
      names = "--format",
      paramLabel = "LIST",
      split = ",",
      order = 122,
      description = "onnx, tflite (INT8 throughout); by the target unless given.")
  private List<String> formats = new ArrayList<>();

  @Option(
      names = "--io",
      paramLabel = "TYPE",
      defaultValue = "int8",
      order = 123,
      description = "Inputs and outputs of .tflite: int8 (unless given), uint8, float32.")
  private String io = "int8";

  @Option(
      names = "--method",
      paramLabel = "NAME",
      order = 130,
      description =
          "How ranges are chosen: min-max, moving-average, percentile, entropy, "
              + "mse; unless given entropy for TensorRT, else min-max.")
  private @Nullable String method;

  @Option(
      names = "--percentile",
      paramLabel = "P",
      defaultValue = "99.99",
      order = 131,
      description = "Of method percentile, in percent: 99.99 unless given.")
  private double percentile;

  @Option(
      names = "--weight-bits",
      paramLabel = "7|8",
      defaultValue = "8",
      order = 132,
      description = "7 for x86 processors without VNNI, whose sums overflow with 8.")
  private int weightBits;

  @Option(
      names = "--keep",
      paramLabel = "NODE",
      split = ",",
      order = 133,
      description = "Nodes that stay in FP32, by name.")
  private List<String> keep = new ArrayList<>();

  @Option(names = "--force", order = 134, description = "Calibrate on fewer than 100 samples.")
  private boolean force;

  @Mixin private final StepOptions steps = new StepOptions();

  @Option(
      names = {"-o", "--output"},
      paramLabel = "DIR",
      defaultValue = ".",
      order = 300,
      description = "Folder for the results, made if need be; the present one unless given.")
  private Path output = Path.of(".");

  @Option(
      names = "--report",
      paramLabel = "FILE",
      order = 301,
      description =
          "The report in HTML; NAME-report.html in the folder of the results unless given.")
  private @Nullable Path report;

  @Option(
      names = "--handover",
      paramLabel = "npy",
      order = 302,
      description = "Also write the calibration samples as .npy, for vendors' compilers.")
  private @Nullable String handover;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      defaultValue = "11",
      order = 303,
      description =
          "Rounds of the measurement of latency, 11 unless given; 0 measures neither that nor memory.")
  private int rounds;

  @Option(
      names = "--created",
      paramLabel = "TIME",
      order = 304,
      description =
          "Time in the evidence, as 2026-11-22T00:00:00Z; else "
              + "$SOURCE_DATE_EPOCH, else now. With one of the two the models and their "
              + "evidence are the same bytes each time.")
  private @Nullable String created;

  @Mixin private final OutputOptions print = new OutputOptions();

  QuantizeCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() throws CommandException, InterruptedException {
    QuantizationRun.Outcome outcome;
    Path reportFile = report;
    try (ProgressBar bar = new ProgressBar(environment, print.quiet(), "reading the model")) {
      QuantizationTask task = task();
      reportFile = task.report().orElse(null);
      // Before anything is started: a file that is no model is said at once.
      OnnxModel.read(model);
      bar.begin("starting the drivers");
      try (LocalAccelerators local = LocalAccelerators.start(List.of())) {
        outcome = run(task, local, bar);
      }
    } catch (QuantizerException e) {
      if (Thread.interrupted()) {
        throw interrupted(e);
      }
      throw CommandException.of(e);
    } catch (CommandException e) {
      if (Thread.interrupted()) {
        throw interrupted(e);
      }
      throw e;
    }
    if (print.json()) {
      environment.out().println(Json.pretty(outcome.toJson()));
    } else {
      print(outcome, reportFile);
    }
    return (outcome.refused().isEmpty() ? ExitCode.OK : ExitCode.REFUSED).code();
  }

  private static CommandException interrupted(Exception cause) {
    return new CommandException(
        ExitCode.INTERRUPTED, "INTERRUPTED", "interrupted; nothing was written", cause);
  }

  private QuantizationRun.Outcome run(
      QuantizationTask task, LocalAccelerators local, ProgressBar bar)
      throws QuantizerException, CommandException, InterruptedException {
    Accelerator cpu = local.accelerator(Optional.of("cpu"), ModelFormats.ONNX, Precision.FP32);
    boolean against = reference != null;
    Expected expected = against ? Expected.NOTHING : Expected.of(task.budget().metric());
    try (FileModel real = FileModel.load(cpu, ModelFormats.ONNX, Precision.FP32, model)) {
      StepOptions.Steps read = steps.read(real.tensors(), expected);
      ModelInterface tensors = read.tensors();
      try (SampleSet evaluated = open(evaluation, tensors, read, expected);
          SampleSet calibrated =
              open(
                  calibration == null ? evaluation : calibration,
                  tensors,
                  read,
                  Expected.NOTHING)) {
        bar.note("evaluation: " + evaluated.description());
        if (calibration != null) {
          bar.note("calibration: " + calibrated.description());
        }
        return new QuantizationRun(
                task,
                local,
                new Stages(bar),
                cpu,
                tensors,
                new QuantizationRun.Sets(
                    calibrated,
                    String.valueOf(calibration),
                    against ? new ReferenceSamples(evaluated, real) : evaluated,
                    evaluation.toString(),
                    read.options().classes()))
            .run();
      }
    }
  }

  private static SampleSet open(
      Path path, ModelInterface tensors, StepOptions.Steps read, Expected expected)
      throws QuantizerException {
    return SampleSets.open(path, tensors, read.options().with(expected));
  }

  private QuantizationTask task() throws QuantizerException {
    if (maxDrop == null && minimum == null) {
      throw invalid(
          "say what must be reached before anything is quantized: --max-drop X, --minimum X or both");
    }
    if (reference != null
        && !(reference.equals("fp32") && Expected.of(metric) == Expected.TENSOR)) {
      throw invalid(
          "--reference fp32 goes with --metric rmse or cosine reference="
              + reference
              + " metric="
              + metric);
    }
    if (handover != null && !handover.equals("npy")) {
      throw invalid("a calibration set is handed over as npy found=" + handover);
    }
    if (rounds < 0 || rounds > 1000) {
      throw invalid("--rounds is 0 to 1000 found=" + rounds);
    }
    String name = Metric.of(metric).name();
    AccuracyBudget budget =
        new AccuracyBudget(
            name,
            minimum == null ? Double.NaN : AccuracyBudget.limit(name, minimum).limit(),
            maxDrop == null ? Double.NaN : AccuracyBudget.maxDrop(name, maxDrop).maxDrop());
    List<Product> products = products();
    if (calibration == null
        && (handover != null || products.stream().anyMatch(Product::calibrated))) {
      throw invalid("INT8 needs samples that its ranges are chosen from: --calibration PATH");
    }
    Optional<CalibrationMethod> chosen =
        method == null ? Optional.empty() : Optional.of(QuantizationOptions.method(method));
    if (weightBits != 7 && weightBits != 8) {
      throw invalid("weights have 7 or 8 bits found=" + weightBits);
    }
    if (!(percentile > 50 && percentile <= 100)) {
      throw invalid("--percentile is above 50 and at most 100 found=" + percentile);
    }
    String file = String.valueOf(model.getFileName());
    return new QuantizationTask(
        model,
        products,
        budget,
        new QuantizationTask.Ranges(chosen, percentile, weightBits),
        type(),
        force,
        Set.copyOf(keep),
        output,
        Optional.of(
            report != null
                ? report
                : output.resolve(file.replaceFirst("\\.onnx$", "") + "-report.html")),
        handover != null,
        rounds,
        time(),
        typed());
  }

  private static QuantizerException invalid(String what) {
    return new QuantizerException(Code.INVALID_OPTION, what);
  }

  private ElementType type() throws QuantizerException {
    return switch (io.toLowerCase(Locale.ROOT)) {
      case "int8" -> ElementType.INT8;
      case "uint8" -> ElementType.UINT8;
      case "float32" -> ElementType.FLOAT32;
      default -> throw invalid("--io is int8, uint8 or float32 found=" + io);
    };
  }

  private Instant time() throws QuantizerException {
    String epoch = environment.variables().get("SOURCE_DATE_EPOCH");
    try {
      if (created != null) {
        return Instant.parse(created);
      }
      return epoch == null || epoch.isBlank()
          ? Instant.now().truncatedTo(ChronoUnit.SECONDS)
          : Instant.ofEpochSecond(Long.parseLong(epoch.strip()));
    } catch (DateTimeException | NumberFormatException e) {
      throw new QuantizerException(
          Code.INVALID_OPTION,
          "a time is written as 2026-11-22T00:00:00Z, in SOURCE_DATE_EPOCH as seconds found="
              + (created != null ? created : epoch),
          e);
    }
  }

  private List<Product> products() throws QuantizerException {
    Set<String> asked = known("--precision", precisions, "int8", "fp16", "int4", "dynamic");
    Set<String> forTargets =
        known("--target", targets, "onnxruntime", "tensorrt", "edgetpu", "all");
    Set<String> in = known("--format", formats, "onnx", "tflite");
    if (asked.isEmpty()) {
      asked.add("int8");
    }
    boolean all = forTargets.contains("all");
    boolean tflite = in.isEmpty() ? all || forTargets.contains("edgetpu") : in.contains("tflite");
    boolean onnx = in.isEmpty() || in.contains("onnx");
    Set<Product> products = new LinkedHashSet<>();
    if (asked.contains("int8")) {
      boolean runtime = all || forTargets.contains("onnxruntime") || forTargets.isEmpty();
      if (onnx && runtime) {
        products.add(Product.INT8);
      }
      if (onnx && (all || forTargets.contains("tensorrt"))) {
        products.add(Product.INT8_TENSORRT);
      }
      if (tflite) {
        products.add(Product.INT8_TFLITE);
      }
    }
    if (onnx && asked.contains("fp16")) {
      products.add(Product.FP16);
    }
    if (onnx && asked.contains("int4")) {
      products.add(Product.INT4);
    }
    if (onnx && asked.contains("dynamic")) {
      products.add(Product.DYNAMIC);
    }
    if (products.isEmpty()) {
      throw invalid(
          "nothing is asked for: .tflite is INT8, for edgetpu or all precision="
              + asked
              + " target="
              + forTargets
              + " format="
              + in);
    }
    return List.copyOf(products);
  }

  private static Set<String> known(String option, List<String> values, String... known)
      throws QuantizerException {
    Set<String> found = new LinkedHashSet<>();
    for (String value : values) {
      String lower = value.strip().toLowerCase(Locale.ROOT);
      if (!List.of(known).contains(lower)) {
        throw invalid(option + " has no such value found=" + value + " known=" + List.of(known));
      }
      found.add(lower);
    }
    return found;
  }

  /** The command for the report. */
  private String typed() {
    if (spec == null) {
      throw new IllegalStateException("the command was not parsed");
    }
    List<String> words = new ArrayList<>(List.of("shoji"));
    for (String word : spec.commandLine().getParseResult().originalArgs()) {
      words.add(
          word.matches("[A-Za-z0-9_./:=,@%+-]+") ? word : "'" + word.replace("'", "'\\''") + "'");
    }
    return String.join(" ", words);
  }

  private void print(QuantizationRun.Outcome outcome, @Nullable Path reportFile) {
    QuantizationReport made = outcome.report();
    Text.Table table =
        new Text.Table(
            "", made.budget().metric(), "DROP", "SIZE", "MEDIAN", "P99", "PEAK MEMORY", "");
    row(table, made, made.baseline(), true, "");
    for (Variant variant : made.variants()) {
      row(
          table,
          made,
          variant,
          false,
          outcome.refused().containsKey(variant.name())
              ? "refused"
              : variant.keptInFloat().isEmpty()
                  ? ""
                  : variant.keptInFloat().size() + " layers in FP32");
    }
    environment.out().print(table);
    made.notes().forEach(note -> environment.out().println("note: " + Text.printable(note)));
    outcome
        .refused()
        .forEach(
            (variant, why) ->
                environment.out().println("refused: " + variant + ": " + Text.printable(why)));
    for (Map.Entry<String, Path> file : outcome.files().entrySet()) {
      environment.out().println("written: " + shown(file.getValue()));
    }
    if (reportFile != null && !made.variants().isEmpty()) {
      environment.out().println("report: " + shown(reportFile));
    }
  }

  private static Path shown(Path file) {
    Path here = Path.of("").toAbsolutePath();
    Path absolute = file.toAbsolutePath().normalize();
    return absolute.startsWith(here) ? here.relativize(absolute) : absolute;
  }

  private static void row(
      Text.Table table, QuantizationReport report, Variant variant, boolean before, String remark) {
    Performance speed = variant.performance();
    table.row(
        variant.name(),
        String.format(Locale.ROOT, "%.4f", variant.evaluation().value()),
        before ? "" : String.format(Locale.ROOT, "%.4f", report.verdict(variant).drop()),
        Text.bytes((double) variant.bytes()),
        speed == null ? "-" : Text.milliseconds(speed.medianNanos()),
        speed == null ? "-" : Text.milliseconds(speed.p99Nanos()),
        speed == null || speed.peakMemoryBytes() < 0
            ? "-"
            : Text.bytes((double) speed.peakMemoryBytes()),
        remark);
  }
}
