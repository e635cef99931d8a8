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

import com.google.gson.JsonObject;
import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;
import io.shoji.cli.CommandException;
import io.shoji.cli.ExitCode;
import io.shoji.cli.Shoji;
import io.shoji.cli.bench.Comparison;
import io.shoji.cli.bench.PeakMemory;
import io.shoji.cli.local.LocalAccelerators;
import io.shoji.cli.report.Example;
import io.shoji.cli.report.Findings;
import io.shoji.cli.report.HtmlReport;
import io.shoji.cli.report.Machine;
import io.shoji.cli.report.QuantizationReport;
import io.shoji.cli.report.QuantizationReport.Activation;
import io.shoji.cli.report.QuantizationReport.Coverage;
import io.shoji.cli.report.QuantizationReport.Layer;
import io.shoji.cli.report.QuantizationReport.Performance;
import io.shoji.cli.report.QuantizationReport.SampleSet;
import io.shoji.cli.report.QuantizationReport.Variant;
import io.shoji.cli.samples.ModelInterface;
import io.shoji.cli.samples.SampleDigest;
import io.shoji.cli.samples.SampleOptions;
import io.shoji.model.DriftReference;
import io.shoji.model.ModelVariant;
import io.shoji.model.ModelVariant.Evidence;
import io.shoji.operations.Progress;
import io.shoji.quantizer.BudgetedQuantizer;
import io.shoji.quantizer.Calibration;
import io.shoji.quantizer.CalibrationMethod;
import io.shoji.quantizer.DriftSketch;
import io.shoji.quantizer.DynamicQuantizer;
import io.shoji.quantizer.Evaluation;
import io.shoji.quantizer.HalfPrecision;
import io.shoji.quantizer.Int4Quantizer;
import io.shoji.quantizer.IntegerInstructions;
import io.shoji.quantizer.LabelledSamples;
import io.shoji.quantizer.LayerNoise;
import io.shoji.quantizer.Metric;
import io.shoji.quantizer.ModelRunner;
import io.shoji.quantizer.NpyFile;
import io.shoji.quantizer.Preparation;
import io.shoji.quantizer.QuantizationOptions;
import io.shoji.quantizer.Samples;
import io.shoji.quantizer.StaticQuantizer;
import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.quantizer.tflite.TfliteConverter;
import io.shoji.quantizer.tflite.TfliteOptions;
import io.shoji.tensor.Layout;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorConversion;
import io.shoji.tensor.TensorSpec;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One run of {@code shoji quantize}: makes each product, measures it by its file on the runtime
 * that will run it, and writes those that are good enough, all together.
 */
final class QuantizationRun {
  private static final int BLOCK = 32;
  private static final int MOST_EXAMPLES = 24;
  private static final int LATENCY_SAMPLES = 16;
  private static final int WORST = 5;
  private static final String BASELINE = "onnx-fp32";

  private final QuantizationTask task;
  private final LocalAccelerators local;
  private final Stages stages;
  private final Accelerator cpu;
  private final ModelInterface tensors;
  private final Samples calibrationSet;
  private final LabelledSamples evaluationSet;
  private final List<String> labels;
  private final String calibrationName;
  private final String evaluationName;
  private final List<String> notes = new ArrayList<>();
  private final List<Made> made = new ArrayList<>();
  private final Map<String, String> refused = new LinkedHashMap<>();
  private final List<Example> examples = new ArrayList<>();

  /** Samples and what they are called. */
  record Sets(
      Samples calibration,
      String calibrationName,
      LabelledSamples evaluation,
      String evaluationName,
      List<String> labels) {}

  /**
   * A product as it lies in the output folder, under another name until all are done.
   *
   * @param refusal why it is not good enough; empty if it is
   */
  private record Made(
      Product product,
      Path part,
      ModelInterface tensors,
      List<String> kept,
      List<Layer> layers,
      List<Activation> activations,
      @Nullable Coverage coverage,
      @Nullable CalibrationMethod method,
      Evaluation evaluation,
      String runtime,
      String refusal) {}

  /** What the quantizer gave for a product, before it is measured. */
  private record Draft(
      @Nullable OnnxModel model,
      TfliteConverter.@Nullable Converted converted,
      @Nullable CalibrationMethod method,
      List<String> kept,
      List<Layer> layers,
      List<Activation> activations) {}

  /**
   * What came of a run.
   *
   * @param report all of it
   * @param files that were written, by variant
   * @param refused why variants were not written
   */
  record Outcome(QuantizationReport report, Map<String, Path> files, Map<String, String> refused) {
    JsonObject toJson() {
      JsonObject written = new JsonObject();
      files.forEach((variant, file) -> written.addProperty(variant, file.toString()));
      JsonObject not = new JsonObject();
      refused.forEach(not::addProperty);
      JsonObject document = new JsonObject();
      document.addProperty("exit", (refused.isEmpty() ? ExitCode.OK : ExitCode.REFUSED).code());
      document.add("files", written);
      document.add("refused", not);
      document.add("report", report.toJson());
      return document;
    }
  }

  /**
   * @param cpu runs ONNX models, for calibration too
   * @param tensors of the model, with layouts as far as they are known
   */
  QuantizationRun(
      QuantizationTask task,
      LocalAccelerators local,
      Stages stages,
      Accelerator cpu,
      ModelInterface tensors,
      Sets sets) {
    this.task = task;
    this.local = local;
    this.stages = stages;
    this.cpu = cpu;
    this.tensors = tensors;
    this.calibrationSet = sets.calibration();
    this.calibrationName = sets.calibrationName();
    this.evaluationSet = sets.evaluation();
    this.evaluationName = sets.evaluationName();
    this.labels = sets.labels();
  }

  /**
   * Does all of it.
   *
   * @throws QuantizerException as the quantizer does; nothing was written then
   * @throws CommandException if a result cannot be measured or written; nothing was written then
   * @throws InterruptedException if the thread was interrupted; nothing was written then
   */
  Outcome run() throws QuantizerException, CommandException, InterruptedException {
    try (OutputFiles files = OutputFiles.into(task.output())) {
      boolean calibrates = task.products().stream().anyMatch(Product::calibrated);
      if (calibrates) {
        checkCount();
      }
      List<String> evaluated = new ArrayList<>();
      String evaluationSha =
          SampleDigest.of(evaluationSet, evaluated::add, stages.next("reading the evaluation set"));
      String calibrationSha = "";
      if (calibrates) {
        Set<String> calibrated = new HashSet<>();
        calibrationSha =
            SampleDigest.ofInputs(
                calibrationSet, calibrated::add, stages.next("reading the calibration set"));
        noteOverlap(calibrated, evaluated);
      }
      ModelRunner runner = new ModelRunner(cpu, local.workFolder());
      stages.next("preparing the model");
      OnnxModel source = OnnxModel.read(task.model());
      long parameters = source.parameters();
      String format = "ONNX, operator set " + source.opset();
      Preparation.Prepared prepared = Preparation.prepare(source, runner);
      Calibration calibration =
          calibrates ? calibrate(prepared, runner, stages.next("calibrating")) : null;
      Evaluation baseline = baseline(stages.next("measuring FP32"));
      Optional<DriftReference> drift =
          calibrates
              ? Optional.of(sketch(calibrationSha, stages.next("sketching inputs and outputs")))
              : Optional.empty();
      for (Product product : task.products()) {
        make(product, prepared, calibration, baseline, runner, files);
      }
      List<Performance> performance = measure();
      stages.next("writing");
      return write(
          files, baseline, performance, calibrationSha, evaluationSha, drift, parameters, format);
    }
  }

  private void checkCount() throws QuantizerException {
    if (calibrationSet.size() < Calibration.FEWEST_SAMPLES && !task.force()) {
      throw new QuantizerException(
          Code.TOO_FEW_SAMPLES,
          "ranges need representative inputs: 100 to 1000, each as the device will see it; give"
              + " more, or --force to go on with fewer found="
              + calibrationSet.size()
              + " needed="
              + Calibration.FEWEST_SAMPLES
              + " calibration="
              + calibrationName);
    }
    if (calibrationSet.size() < Calibration.FEWEST_SAMPLES) {
      note(
          "calibrated on "
              + calibrationSet.size()
              + " samples only: ranges may be wrong for what the device will see");
    }
  }

  private void note(String text) {
    notes.add(text);
    stages.note(text);
  }

  private void noteOverlap(Set<String> calibrated, List<String> evaluated) {
    long both = evaluated.stream().filter(calibrated::contains).count();
    if (both > 0) {
      note(
          both
              + " of "
              + evaluated.size()
              + " evaluation samples were used for calibration too: the accuracy may look better"
              + " than it is");
    }
  }

  private Calibration calibrate(
      Preparation.Prepared prepared, ModelRunner runner, Progress progress)
      throws QuantizerException {
    return Calibration.run(
        prepared.model(),
        StaticQuantizer.watched(prepared),
        prepared.tensors(),
        calibrationSet,
        task.force(),
        runner,
        progress);
  }

  /** How inputs and outputs are distributed over the calibration set, in FP32. */
  private DriftReference sketch(String calibrationSha, Progress progress)
      throws QuantizerException {
    try (FileModel model = FileModel.load(cpu, ModelFormats.ONNX, Precision.FP32, task.model())) {
      return DriftSketch.of(
          model,
          calibrationSet,
          tensors.inputs(),
          tensors.outputs(),
          SampleOptions.Expected.of(task.budget().metric()) == SampleOptions.Expected.LABEL,
          DriftReference.Source.CALIBRATION,
          calibrationSha,
          progress);
    }
  }

  private Evaluation baseline(Progress progress) throws QuantizerException {
    try (FileModel model = FileModel.load(cpu, ModelFormats.ONNX, Precision.FP32, task.model())) {
      Evaluation evaluation =
          Evaluation.measure(model, evaluationSet, task.budget().metric(), progress);
      if (!task.budget()
          .allows(evaluation.higherIsBetter(), evaluation.value(), evaluation.value())) {
        throw new QuantizerException(
            Code.BUDGET_MISSED,
            "the model misses the budget in FP32 already: it needs more training, not quantization"
                + " metric="
                + evaluation.metric()
                + " found="
                + evaluation.value()
                + (Double.isNaN(task.budget().limit()) ? "" : " asked=" + task.budget().limit()));
      }
      return evaluation;
    }
  }

  /** Makes a product and measures its accuracy. */
  private void make(
      Product product,
      Preparation.Prepared prepared,
      @Nullable Calibration calibration,
      Evaluation baseline,
      ModelRunner runner,
      OutputFiles files)
      throws QuantizerException, CommandException {
    String file = product.file(task.name());
    Progress progress = stages.next("making " + product.variant());
    Draft draft;
    try {
      draft = draft(product, prepared, calibration, baseline, runner, progress);
    } catch (QuantizerException e) {
      boolean refusal = e.code() == Code.BUDGET_MISSED || e.code() == Code.UNSUPPORTED;
      if (!refusal || task.products().size() == 1) {
        throw e;
      }
      // The other products may still be good.
      refused.put(product.variant(), CommandException.of(e).getMessage());
      return;
    }
    Path part = files.stage(file, target -> write(draft, target));
    ModelInterface inside =
        draft.converted() == null
            ? tensors
            : new ModelInterface(draft.converted().inputs(), draft.converted().outputs());
    Accelerator accelerator = accelerator(product);
    Evaluation evaluation;
    Progress evaluating = stages.next("measuring " + product.variant());
    try (FileModel model =
        draft.converted() == null
            ? FileModel.load(accelerator, product.format(), product.precision(), part)
            : FileModel.load(
                accelerator, product.format(), product.precision(), part, tensors, inside)) {
      evaluation = Evaluation.measure(model, evaluationSet, task.budget().metric(), evaluating);
    }
    boolean met =
        task.budget().allows(evaluation.higherIsBetter(), baseline.value(), evaluation.value());
    Coverage coverage =
        draft.converted() == null ? null : Coverage.of(draft.converted().coverage());
    String refusal = met ? "" : refusal(product, draft, baseline, evaluation);
    made.add(
        new Made(
            product,
            part,
            inside,
            draft.kept(),
            draft.layers(),
            draft.activations(),
            coverage,
            draft.method(),
            evaluation,
            LocalAccelerators.runtime(accelerator.info()),
            refusal));
    if (!met) {
      refused.put(product.variant(), refusal);
    }
    examples.addAll(
        Example.changed(
            product.variant(),
            evaluationSet,
            tensors.inputs().get(0).name(),
            layout(tensors.inputs().get(0)),
            baseline,
            evaluation,
            MOST_EXAMPLES));
  }

  private static Layout layout(TensorSpec spec) {
    return FileModel.withLayouts(List.of(spec)).get(0).layout();
  }

  private static void write(Draft draft, Path target) throws IOException {
    try (var out = new BufferedOutputStream(Files.newOutputStream(target), 1 << 16)) {
      if (draft.converted() != null) {
        out.write(draft.converted().content());
      } else if (draft.model() != null) {
        draft.model().writeTo(out);
      }
    }
  }

  private Accelerator accelerator(Product product) throws CommandException {
    return product.format().equals(ModelFormats.ONNX)
        ? cpu
        : local.accelerator(Optional.empty(), product.format(), product.precision());
  }

  private Draft draft(
      Product product,
      Preparation.Prepared prepared,
      @Nullable Calibration calibration,
      Evaluation baseline,
      ModelRunner runner,
      Progress progress)
      throws QuantizerException, CommandException {
    return switch (product) {
      case INT8, INT8_TENSORRT ->
          budgeted(product, prepared, calibrated(calibration), runner, progress);
      case INT8_TFLITE -> integers(prepared, calibrated(calibration), baseline, runner, progress);
      case FP16 -> {
        HalfPrecision.Converted half = HalfPrecision.convert(prepared, task.keep());
        yield new Draft(
            half.model(), null, null, kept(half.inFloat().keySet()), List.of(), List.of());
      }
      case INT4 -> {
        DynamicQuantizer.Converted converted =
            Int4Quantizer.quantize(prepared.model(), Int4Quantizer.Form.MAT_MUL_N_BITS, BLOCK);
        yield products(product, converted);
      }
      case DYNAMIC -> products(product, DynamicQuantizer.quantize(prepared.model()));
    };
  }

  private static Calibration calibrated(@Nullable Calibration calibration) {
    if (calibration == null) {
      throw new IllegalStateException("a product that is calibrated, without calibration");
    }
    return calibration;
  }

  private Draft products(Product product, DynamicQuantizer.Converted converted)
      throws QuantizerException {
    if (converted.converted().isEmpty()) {
      throw new QuantizerException(
          Code.UNSUPPORTED,
          "the model has no products (MatMul, Gemm) that this precision is for; leave it out"
              + " precision="
              + product.variant()
              + " kept="
              + converted.kept());
    }
    return new Draft(converted.model(), null, null, List.of(), List.of(), List.of());
  }

  private Draft budgeted(
      Product product,
      Preparation.Prepared prepared,
      Calibration calibration,
      ModelRunner runner,
      Progress progress)
      throws QuantizerException {
    QuantizationOptions asked = task.options(product);
    BudgetedQuantizer.Outcome outcome =
        BudgetedQuantizer.quantize(
            prepared, calibration, asked, evaluationSet, task.budget(), runner, progress);
    noteMethod(product, asked.method(), outcome.method());
    List<String> kept = new ArrayList<>(outcome.returned());
    task.keep().stream().sorted().filter(node -> !kept.contains(node)).forEach(kept::add);
    return described(
            prepared,
            calibration,
            asked.with(outcome.method()),
            outcome.quantized(),
            kept,
            outcome.sensitivity(),
            runner)
        .with(outcome.quantized().model(), null);
  }

  private void noteMethod(Product product, CalibrationMethod asked, CalibrationMethod used) {
    if (asked != used) {
      note(
          product.variant()
              + ": ranges were chosen by "
              + name(used)
              + ", as with "
              + name(asked)
              + " the budget was missed");
    }
  }

  /** In integers throughout; with the other methods' ranges if those asked for miss the budget. */
  private Draft integers(
      Preparation.Prepared prepared,
      Calibration calibration,
      Evaluation baseline,
      ModelRunner runner,
      Progress progress)
      throws QuantizerException, CommandException {
    QuantizationOptions asked = task.options(Product.INT8_TFLITE);
    Set<CalibrationMethod> methods = new LinkedHashSet<>(List.of(asked.method()));
    methods.addAll(List.of(CalibrationMethod.values()));
    Metric metric = Metric.of(task.budget().metric());
    StaticQuantizer.Quantized best = null;
    TfliteConverter.Converted converted = null;
    CalibrationMethod used = asked.method();
    double value = Double.NaN;
    for (CalibrationMethod method : methods) {
      boolean met = task.budget().allows(metric.higherIsBetter(), baseline.value(), value);
      if (!met) {
        progress.report(0.3, "ranges by " + name(method));
        StaticQuantizer.Quantized tried =
            StaticQuantizer.quantize(prepared, calibration, asked.with(method));
        TfliteConverter.Converted written =
            TfliteConverter.convert(tried.model(), runner, new TfliteOptions(task.io()));
        double found = value(written);
        if (best == null || metric.drop(value, found) < 0) {
          best = tried;
          converted = written;
          used = method;
          value = found;
        }
      }
    }
    if (best == null || converted == null) {
      throw new IllegalStateException("there is a method");
    }
    noteMethod(Product.INT8_TFLITE, asked.method(), used);
    converted.coverage().warning().ifPresent(this::note);
    return described(prepared, calibration, asked.with(used), best, List.of(), Map.of(), runner)
        .with(null, converted);
  }

  /** The metric of a TensorFlow Lite model. */
  private double value(TfliteConverter.Converted converted)
      throws QuantizerException, CommandException {
    Path file = local.workFolder().resolve("try.tflite");
    converted.write(file);
    try (FileModel model =
        FileModel.load(
            accelerator(Product.INT8_TFLITE),
            ModelFormats.TFLITE,
            Precision.INT8,
            file,
            tensors,
            new ModelInterface(converted.inputs(), converted.outputs()))) {
      return Evaluation.measure(
              model, evaluationSet, task.budget().metric(), Interruption.OF_THIS_THREAD)
          .value();
    }
  }

  /** What the report tells of a quantized model's layers. */
  private Description described(
      Preparation.Prepared prepared,
      Calibration calibration,
      QuantizationOptions options,
      StaticQuantizer.Quantized quantized,
      List<String> kept,
      Map<String, Double> sensitivity,
      ModelRunner runner)
      throws QuantizerException {
    List<LayerNoise> noise =
        LayerNoise.measure(
            prepared,
            quantized,
            evaluationSet,
            LayerNoise.ENOUGH_SAMPLES,
            runner,
            Interruption.OF_THIS_THREAD);
    return new Description(
        options.method(),
        kept,
        Findings.layers(prepared, quantized, kept, noise, sensitivity),
        Findings.activations(calibration, quantized, options.activations().name()));
  }

  private record Description(
      CalibrationMethod method,
      List<String> kept,
      List<Layer> layers,
      List<Activation> activations) {
    Draft with(@Nullable OnnxModel model, TfliteConverter.@Nullable Converted converted) {
      return new Draft(model, converted, method, kept, layers, activations);
    }
  }

  /** Part of a stage: shares are no news. */
  private enum Interruption implements Progress {
    OF_THIS_THREAD;

    @Override
    public void report(double fraction, String message) {}

    @Override
    public boolean cancelled() {
      return Thread.currentThread().isInterrupted();
    }
  }

  private List<String> kept(Set<String> inFloat) {
    Set<String> kept = new LinkedHashSet<>(inFloat);
    kept.retainAll(task.keep());
    return List.copyOf(kept);
  }

  private String refusal(Product product, Draft draft, Evaluation baseline, Evaluation evaluation) {
    List<String> noisiest =
        draft.layers().stream()
            .filter(layer -> layer.state() == QuantizationReport.State.INTEGER)
            .filter(layer -> !Double.isNaN(layer.noiseDecibels()))
            .sorted(Comparator.comparingDouble(Layer::noiseDecibels))
            .limit(WORST)
            .map(layer -> layer.name() + "=" + Math.round(layer.noiseDecibels()) + "dB")
            .toList();
    String advice =
        switch (product) {
          case INT8_TFLITE ->
              "an integer model keeps no layer in FP32, and no --method is enough: calibrate on more"
                  + " samples, train with quantization in the loop (QAT), or use the ONNX model";
          case INT8, INT8_TENSORRT ->
              "calibrate on more samples, or train with quantization in the loop (QAT)";
          case FP16 -> "name layers that must stay in FP32 with --keep, or leave it out";
          case INT4 -> "INT4 nearly always needs training with quantization in the loop (QAT)";
          case DYNAMIC -> "calibrate instead: --precision int8";
        };
    return String.format(
        Locale.ROOT,
        "the model misses the budget; %s variant=%s metric=%s fp32=%s found=%s%s",
        advice,
        product.variant(),
        evaluation.metric(),
        baseline.value(),
        evaluation.value(),
        noisiest.isEmpty() ? "" : " noisiest=" + noisiest);
  }

  /** Latency and memory of the model before, and of each product. */
  private List<Performance> measure()
      throws CommandException, InterruptedException, QuantizerException {
    if (task.rounds() == 0 || made.isEmpty()) {
      return List.of();
    }
    List<Comparison.Candidate> candidates = new ArrayList<>();
    List<ModelInterface> insides = new ArrayList<>();
    candidates.add(
        candidate(
            BASELINE,
            cpu,
            FileModel.artifact(ModelFormats.ONNX, Precision.FP32, task.model()),
            tensors));
    insides.add(tensors);
    for (Made each : made) {
      candidates.add(
          candidate(
              each.product().variant(),
              accelerator(each.product()),
              FileModel.artifact(each.product().format(), each.product().precision(), each.part()),
              each.tensors()));
      insides.add(each.tensors());
    }
    Comparison.Settings defaults = Comparison.Settings.defaults();
    Progress progress = stages.next("measuring latency");
    List<Comparison.Figures> figures;
    try {
      figures =
          Comparison.measure(
              candidates,
              new Comparison.Settings(
                  task.rounds(),
                  defaults.roundNanos(),
                  defaults.roundRuns(),
                  defaults.warmUpNanos()),
              progress::report);
    } catch (AcceleratorException e) {
      throw new CommandException(
          ExitCode.FAILED, "RUNTIME", "latency cannot be measured: " + e.getMessage(), e);
    }
    Progress memory = stages.next("measuring peak memory");
    List<Performance> performance = new ArrayList<>();
    for (int i = 0; i < candidates.size(); i++) {
      Comparison.Candidate candidate = candidates.get(i);
      memory.report((double) i / candidates.size(), candidate.name());
      Comparison.Figures figure = figures.get(i);
      String accelerator =
          candidate.accelerator().info().kind() + ":" + candidate.accelerator().info().device();
      List<Tensor> inputs = new ArrayList<>();
      for (TensorSpec spec : insides.get(i).inputs()) {
        inputs.add(Tensor.allocate(spec.type(), shape(spec)));
      }
      Optional<PeakMemory> peak =
          PeakMemory.measure(
              accelerator,
              candidate.artifact(),
              insides.get(i).inputs().stream().map(TensorSpec::name).toList(),
              inputs,
              List.of());
      performance.add(
          new Performance(
              accelerator,
              1,
              (int) Math.min(Integer.MAX_VALUE, figure.runs()),
              figure.medianNanos(),
              figure.p90Nanos(),
              figure.p99Nanos(),
              peak.map(PeakMemory::modelBytes).orElse(-1L)));
    }
    return performance;
  }

  /** That of the first evaluation sample, in the order of the file. */
  private Shape shape(TensorSpec inside) throws QuantizerException {
    if (!inside.shape().isDynamic()) {
      return inside.shape();
    }
    Tensor sample = evaluationSet.inputs(0).get(inside.name());
    return sample == null ? inside.shape().withDynamicAs(1) : sample.shape();
  }

  private Comparison.Candidate candidate(
      String name, Accelerator accelerator, ModelArtifact artifact, ModelInterface inside) {
    return new Comparison.Candidate(
        name,
        accelerator,
        artifact,
        loaded -> {
          try {
            return samples(inside);
          } catch (QuantizerException e) {
            throw CommandException.of(e);
          }
        });
  }

  /** The first evaluation samples as a file takes them. */
  private List<List<Tensor>> samples(ModelInterface inside) throws QuantizerException {
    List<TensorSpec> outside = FileModel.withLayouts(tensors.inputs());
    List<List<Tensor>> samples = new ArrayList<>();
    for (int i = 0; i < Math.min(LATENCY_SAMPLES, evaluationSet.size()); i++) {
      Map<String, Tensor> inputs = evaluationSet.inputs(i);
      List<Tensor> sample = new ArrayList<>();
      for (int j = 0; j < outside.size(); j++) {
        Tensor input = inputs.get(outside.get(j).name());
        if (input == null) {
          throw new IllegalStateException("samples were checked");
        }
        TensorSpec to = FileModel.withLayouts(inside.inputs()).get(j);
        TensorConversion conversion = TensorConversion.between(outside.get(j), to);
        Tensor converted = Tensor.allocate(to.type(), conversion.apply(input.shape()));
        conversion.convert(input, converted);
        sample.add(converted);
      }
      samples.add(sample);
    }
    return samples;
  }

  private Outcome write(
      OutputFiles files,
      Evaluation baseline,
      List<Performance> performance,
      String calibrationSha,
      String evaluationSha,
      Optional<DriftReference> drift,
      long parameters,
      String format)
      throws CommandException, QuantizerException {
    String sourceSha = sha256(task.model());
    Map<String, Path> written = new LinkedHashMap<>();
    List<Variant> variants = new ArrayList<>();
    for (int i = 0; i < made.size(); i++) {
      Made each = made.get(i);
      String file = each.product().file(task.name());
      String sha = sha256(each.part());
      long size = size(each.part());
      variants.add(
          new Variant(
              each.product().variant(),
              file,
              sha,
              size,
              each.product().format(),
              each.product().precision(),
              each.runtime(),
              each.evaluation(),
              performance.isEmpty() ? null : performance.get(i + 1),
              each.layers(),
              each.activations(),
              each.coverage()));
      if (!each.refusal().isEmpty()) {
        files.drop(file);
        continue;
      }
      EvidenceFile evidence =
          new EvidenceFile(
              file,
              sha,
              size,
              each.product().format(),
              each.product().precision(),
              each.tensors(),
              String.valueOf(task.model().getFileName()),
              sourceSha,
              evidence(each, baseline, calibrationSha, evaluationSha),
              each.product().calibrated() ? drift : Optional.empty());
      files.stage(
          EvidenceFile.nameFor(file), target -> Files.writeString(target, evidence.toJson()));
      written.put(each.product().variant(), files.place(file));
    }
    noteSpeed(performance);
    CalibrationMethod method =
        made.stream().map(Made::method).filter(m -> m != null).findFirst().orElse(null);
    QuantizationReport report =
        new QuantizationReport(
            task.name(),
            new QuantizationReport.Source(
                String.valueOf(task.model().getFileName()),
                sourceSha,
                size(task.model()),
                format,
                parameters),
            task.budget(),
            new SampleSet(evaluationName, evaluationSet.size(), evaluationSha),
            method == null
                ? null
                : new QuantizationReport.CalibrationRun(
                    name(method),
                    new SampleSet(calibrationName, calibrationSet.size(), calibrationSha)),
            labels,
            new Variant(
                BASELINE,
                String.valueOf(task.model().getFileName()),
                sourceSha,
                size(task.model()),
                ModelFormats.ONNX,
                Precision.FP32,
                LocalAccelerators.runtime(cpu.info()),
                baseline,
                performance.isEmpty() ? null : performance.get(0),
                List.of(),
                List.of(),
                null),
            variants,
            examples,
            notes,
            task.command(),
            Shoji.version(),
            Machine.here(),
            task.created());
    if (task.handover()) {
      for (TensorSpec input : tensors.inputs()) {
        String name = task.name() + "-calibration-" + plain(input.name()) + ".npy";
        files.stage(name, target -> npy(target, input));
      }
    }
    if (task.report().isPresent() && !made.isEmpty()) {
      Path file = task.report().get();
      files.stage(file.toAbsolutePath().normalize(), target -> HtmlReport.write(report, target));
    }
    files.commit();
    return new Outcome(report, written, refused);
  }

  private void npy(Path target, TensorSpec input) throws IOException, CommandException {
    try {
      NpyFile.write(target, calibrationSet, input.name());
    } catch (QuantizerException e) {
      throw CommandException.of(e);
    }
  }

  /** A name as a part of a file's. */
  private static String plain(String name) {
    return name.replaceAll("[^A-Za-z0-9._-]", "_");
  }

  private Evidence evidence(
      Made each, Evaluation baseline, String calibrationSha, String evaluationSha) {
    return new Evidence(
        each.evaluation().metric(),
        each.evaluation().value(),
        baseline.value(),
        evaluationSet.size(),
        evaluationSha,
        Optional.ofNullable(each.method())
            .map(
                method ->
                    new ModelVariant.Calibration(
                        name(method), calibrationSet.size(), calibrationSha)),
        each.kept(),
        each.runtime(),
        Shoji.version(),
        task.created().toString(),
        false);
  }

  private static String name(CalibrationMethod method) {
    return method.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private void noteSpeed(List<Performance> performance) throws QuantizerException {
    for (int i = 0; i + 1 < performance.size(); i++) {
      double ratio = performance.get(i + 1).medianNanos() / performance.get(0).medianNanos();
      // What TensorRT wants is measured here for its accuracy only.
      if (ratio > 1
          && made.get(i).product().precision() == Precision.INT8
          && made.get(i).product() != Product.INT8_TENSORRT) {
        notes.add(
            String.format(
                Locale.ROOT,
                "%s takes %.2f times as long as FP32 on this machine; %s",
                made.get(i).product().variant(),
                ratio,
                IntegerInstructions.ofThisMachine()));
      }
    }
  }

  private static long size(Path file) throws CommandException {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  private static String sha256(Path file) throws CommandException {
    try (InputStream in = Files.newInputStream(file)) {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      byte[] buffer = new byte[1 << 16];
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        digest.update(buffer, 0, n);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  private static CommandException unreadable(Path file, IOException cause) {
    return new CommandException(
        ExitCode.FAILED,
        "UNREADABLE",
        "a file cannot be read file=" + file + " cause=" + cause,
        cause);
  }
}
