/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.packaging;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import io.shoji.accelerator.Precision;
import io.shoji.cli.CommandException;
import io.shoji.cli.Environment;
import io.shoji.cli.ExitCode;
import io.shoji.cli.Json;
import io.shoji.cli.Shoji;
import io.shoji.cli.Text;
import io.shoji.cli.samples.ModelInterface;
import io.shoji.cli.samples.PipelineFile;
import io.shoji.cli.samples.SampleDigest;
import io.shoji.cli.samples.SampleOptions;
import io.shoji.cli.samples.SampleSet;
import io.shoji.cli.samples.SampleSets;
import io.shoji.model.ModelDescription;
import io.shoji.model.PipelineDescription;
import io.shoji.quantizer.NpyFile;
import io.shoji.quantizer.Samples;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.tensor.TensorSpec;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code shoji handover}. */
@Command(
    name = "handover",
    description = {
      "Prepare a folder for a vendor's own compiler, which this command cannot replace: the model, the calibration"
          + " samples as the model sees them, a script with the compiler's command line, and a form for the figures"
          + " that come back with the result.",
      "",
      "  hailo8, hailo8l   an FP32 model (.onnx); samples as .npy with channels last; Hailo Dataflow Compiler",
      "  edgetpu           an integer model (.tflite of shoji quantize); edgetpu_compiler",
      "  tensorrt          a model (.onnx, of shoji quantize for INT8); trtexec, on the device"
    },
    exitCodeList = {
      "0:the folder was made",
      "1:it was not; nothing was left behind",
      "2:wrong command line, or a file that it names cannot be used",
      "130:interrupted; nothing was left behind"
    },
    footer = {
      "  shoji handover pump.onnx --for hailo8l --base dist/io.shoji.model.pump-1.1.0.dp \\",
      "    --calibration samples/calibration -o to-hailo",
      "",
      "  elsewhere, with the vendor's compiler installed:",
      "  sh to-hailo/compile.sh",
      "",
      "  and back, with the figures in to-hailo/pump.hef.evidence.json:",
      "  shoji package --base dist/io.shoji.model.pump-1.1.0.dp --model-version 1.2.0 --import to-hailo/pump.hef"
    })
public final class HandoverCommand implements Callable<Integer> {
  private static final int FEWEST = 100;

  /** What is to be filled in is there, as null. */
  private static final Gson FORM =
      new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().serializeNulls().create();

  @Parameters(paramLabel = "MODEL", description = "The model, ONNX or TFLite.")
  private @Nullable Path model;

  @Option(
      names = "--for",
      required = true,
      paramLabel = "TARGET",
      order = 1,
      description = "${COMPLETION-CANDIDATES}.")
  private @Nullable VendorTarget target;

  @Option(
      names = "--calibration",
      paramLabel = "SAMPLES",
      order = 2,
      description =
          "Representative samples, at least 100: a folder, .npy, .safetensors, .csv, as shoji quantize takes them.")
  private @Nullable Path calibration;

  @Option(
      names = "--count",
      paramLabel = "N",
      order = 3,
      description = "So many of them, from the first on. Default: all.")
  private @Nullable Integer count;

  @Option(
      names = "--base",
      paramLabel = "PACKAGE",
      order = 4,
      description =
          "The model's package: its steps make the model's input of a sample, and its figures are what the result is"
              + " compared with.")
  private @Nullable Path base;

  @Option(
      names = "--pipeline",
      paramLabel = "FILE",
      order = 5,
      description = "JSON with the steps, if there is no package yet.")
  private @Nullable Path pipeline;

  @Option(names = "--force", order = 6, description = "Take fewer than 100 samples.")
  private boolean force;

  @Option(
      names = {"-o", "--output"},
      required = true,
      paramLabel = "FOLDER",
      order = 7,
      description = "A new folder.")
  private @Nullable Path output;

  @Option(
      names = "--json",
      order = 900,
      description = "Print one JSON document on standard output.")
  private boolean json;

  @Option(
      names = {"-q", "--quiet"},
      order = 901,
      description = "No progress and no notes on standard error.")
  private boolean quiet;

  private final Environment environment;

  HandoverCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() throws CommandException, InterruptedException {
    if (model == null || target == null || output == null) {
      throw new IllegalStateException("picocli asks for these");
    }
    Path file = model;
    VendorTarget vendor = target;
    if (!Files.isRegularFile(file)) {
      throw Refusal.usage("there is no such file file=" + file);
    }
    if (base != null && pipeline != null) {
      throw Refusal.usage("the package of --base has its own steps; leave --pipeline out");
    }
    Path folder = output.toAbsolutePath().normalize();
    checkFree(folder);
    Instant now = SourceDate.of(environment);
    ModelFacts facts = ModelContent.read(file, Optional.empty(), Optional.empty());
    checkModel(vendor, facts, file);
    Path parent = folder.getParent();
    if (parent == null) {
      throw Refusal.usage("this is no folder that can be made folder=" + folder);
    }
    try (WorkFolder work = WorkFolder.in(parent)) {
      Optional<ModelDescription> described = described(work);
      Path made = Files.createDirectory(work.file("handover"));
      JsonObject report = fill(made, vendor, facts, file, described, now);
      if (Files.exists(folder)) {
        Files.delete(folder);
      }
      Files.move(made, folder);
      print(report, vendor, folder);
      return ExitCode.OK.code();
    } catch (IOException e) {
      throw Refusal.io("the folder cannot be written", folder, e);
    }
  }

  private static void checkFree(Path folder) throws CommandException {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> inside = Files.isDirectory(folder) ? Files.list(folder) : Stream.of(folder)) {
      if (inside.findAny().isPresent()) {
        throw Refusal.usage("the folder is not empty; name a new one folder=" + folder);
      }
    } catch (IOException e) {
      throw Refusal.io("the folder cannot be read", folder, e);
    }
  }

  private static void checkModel(VendorTarget vendor, ModelFacts facts, Path file)
      throws CommandException {
    if (!facts.format().equals(vendor.takes())) {
      throw Refusal.of(
          "WRONG_MODEL",
          "the compiler takes another format"
              + (vendor == VendorTarget.EDGETPU
                  ? "; shoji quantize writes it with --format tflite"
                  : "")
              + " asked="
              + vendor.takes()
              + " found="
              + facts.format()
              + " for="
              + vendor
              + " file="
              + file);
    }
    boolean fits =
        switch (vendor) {
          case HAILO8, HAILO8L -> facts.precision() == Precision.FP32;
          case EDGETPU -> facts.precision() == Precision.INT8;
          case TENSORRT -> facts.precision() != Precision.INT4;
        };
    if (!fits) {
      throw Refusal.of(
          "WRONG_MODEL",
          (vendor.isHailo()
                  ? "Hailo's compiler quantizes by itself and takes the FP32 model"
                  : vendor == VendorTarget.EDGETPU
                      ? "the Edge TPU computes in integers only: quantize the model first"
                      : "trtexec takes no such model")
              + " found="
              + facts.precision()
              + " for="
              + vendor
              + " file="
              + file);
    }
    if (vendor.isHailo() && facts.inputs().size() != 1) {
      throw Refusal.of(
          "WRONG_MODEL",
          "hailo optimize takes one array of samples, so a model of one input; with several use Hailo's Python"
              + " interface inputs="
              + facts.inputs().size()
              + " file="
              + file);
    }
  }

  private Optional<ModelDescription> described(WorkFolder work)
      throws CommandException, InterruptedException {
    if (base == null) {
      return Optional.empty();
    }
    return Optional.of(BaseBundle.of(base, work).description());
  }

  private JsonObject fill(
      Path made,
      VendorTarget vendor,
      ModelFacts facts,
      Path file,
      Optional<ModelDescription> described,
      Instant now)
      throws CommandException, InterruptedException, IOException {
    String name = name(file);
    Path copy = made.resolve(name + "." + vendor.takes());
    Files.copy(file, copy);
    Digest digest = Digest.of(copy);
    JsonObject report = new JsonObject();
    report.addProperty("for", vendor.toString());
    report.addProperty("tool", Shoji.version());
    report.addProperty("created", now.toString());
    JsonObject source = new JsonObject();
    source.addProperty("file", copy.getFileName().toString());
    source.addProperty("size", digest.size());
    source.addProperty("sha256", digest.sha256());
    report.add("model", source);
    if (calibration != null) {
      report.add("calibration", calibration(made, vendor, facts, described));
    } else if (vendor.calibrates()) {
      throw Refusal.usage(
          "the compiler chooses ranges from samples: name them with --calibration for=" + vendor);
    }
    JsonObject form = form(vendor, name, source, described);
    Files.writeString(
        made.resolve(vendor.resultName(name) + ".evidence.json"), FORM.toJson(form) + "\n");
    Path script = made.resolve("compile.sh");
    Files.writeString(script, vendor.script(name, facts.inputs(), facts));
    if (script.getFileSystem().supportedFileAttributeViews().contains("posix")) {
      Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
    Files.writeString(made.resolve("handover.json"), Json.pretty(report) + "\n");
    Files.writeString(
        made.resolve("README.md"), HandoverText.of(vendor, name, report), StandardCharsets.UTF_8);
    return report;
  }

  /** A file's name that needs no quotes anywhere. */
  private static String name(Path file) {
    String whole = String.valueOf(file.getFileName());
    int dot = whole.lastIndexOf('.');
    String name = (dot > 0 ? whole.substring(0, dot) : whole).replaceAll("[^A-Za-z0-9_]", "_");
    return name.isEmpty() ? "model" : name;
  }

  private JsonObject calibration(
      Path made, VendorTarget vendor, ModelFacts facts, Optional<ModelDescription> described)
      throws CommandException, InterruptedException {
    Path from = calibration;
    if (from == null) {
      throw new IllegalStateException("there is no calibration set");
    }
    ModelInterface taken =
        new ModelInterface(
            described.map(ModelDescription::inputs).orElse(facts.inputs()),
            described.map(ModelDescription::outputs).orElse(facts.outputs()));
    JsonObject result = new JsonObject();
    try {
      SampleOptions options =
          new SampleOptions(
              pipeline(described),
              described.map(ModelDescription::labels).orElse(List.of()),
              Optional.empty(),
              SampleOptions.Expected.NOTHING);
      try (SampleSet all = SampleSets.open(from, taken, options);
          FollowedWork progress = new FollowedWork(environment, quiet, "reading the samples")) {
        int taking = count == null ? all.size() : Math.min(count, all.size());
        if (taking < 1 || (taking < FEWEST && !force)) {
          throw Refusal.of(
              "TOO_FEW_SAMPLES",
              "ranges that are chosen from few samples fit few inputs; give more, or --force asked="
                  + FEWEST
                  + " found="
                  + taking);
        }
        SampleSet samples = all.part(0, taking);
        result.addProperty("count", taking);
        result.addProperty("samplesSha256", SampleDigest.ofInputs(samples, progress));
        for (TensorSpec input : taken.inputs()) {
          String npy =
              vendor.isHailo()
                  ? "calibration.npy"
                  : "calibration-" + input.name().replaceAll("[^A-Za-z0-9_]", "_") + ".npy";
          Samples written = vendor.isHailo() ? new ChannelsLast(samples, input) : samples;
          NpyFile.write(made.resolve(npy), written, input.name());
          try (NpyFile read = NpyFile.open(made.resolve(npy))) {
            result.addProperty(npy, read.type() + " " + read.shape());
          }
        }
      }
      return result;
    } catch (QuantizerException e) {
      if (e.code() == QuantizerException.Code.CANCELLED) {
        throw new InterruptedException();
      }
      throw Refusal.of("BAD_SAMPLES", e.getMessage() + " code=" + e.code(), e);
    }
  }

  private Optional<PipelineDescription> pipeline(Optional<ModelDescription> described)
      throws QuantizerException {
    return pipeline == null
        ? described.flatMap(ModelDescription::pipeline)
        : PipelineFile.read(pipeline).pipeline();
  }

  /** What is to be filled in, with all that is known already. */
  private static JsonObject form(
      VendorTarget vendor, String name, JsonObject source, Optional<ModelDescription> described) {
    JsonObject evidence = new JsonObject();
    Optional<ModelDescription.Evidence> whole = described.flatMap(ModelDescription::evidence);
    evidence.addProperty("metric", whole.map(ModelDescription.Evidence::metric).orElse("top1"));
    evidence.add("value", JsonNull.INSTANCE);
    whole.ifPresentOrElse(
        w -> {
          evidence.addProperty("baseline", w.value());
          evidence.addProperty("evaluationCount", w.evaluationCount());
        },
        () -> {
          evidence.add("baseline", JsonNull.INSTANCE);
          evidence.add("evaluationCount", JsonNull.INSTANCE);
        });
    Optional<String> digest =
        described.stream()
            .flatMap(d -> d.variants().stream())
            .flatMap(v -> v.evidence().stream())
            .map(e -> e.evaluationSha256())
            .findFirst();
    digest.ifPresentOrElse(
        d -> evidence.addProperty("evaluationSha256", d),
        () -> evidence.add("evaluationSha256", JsonNull.INSTANCE));
    evidence.add("runtime", JsonNull.INSTANCE);
    evidence.addProperty("tool", vendor.tool());
    JsonObject form = new JsonObject();
    form.addProperty("file", vendor.resultName(name));
    form.addProperty("format", vendor.format());
    form.add("source", source.deepCopy());
    form.add("evidence", evidence);
    return form;
  }

  private void print(JsonObject report, VendorTarget vendor, Path folder) throws IOException {
    List<String> files = new ArrayList<>();
    try (Stream<Path> inside = Files.list(folder)) {
      inside.map(f -> f.getFileName().toString()).sorted().forEach(files::add);
    }
    if (json) {
      report.addProperty("exit", 0);
      report.addProperty("folder", folder.toString());
      com.google.gson.JsonArray array = new com.google.gson.JsonArray();
      files.forEach(array::add);
      report.add("files", array);
      environment.out().println(Json.pretty(report));
      return;
    }
    environment.out().println(folder + " for " + vendor.tool());
    files.forEach(f -> environment.out().println("  " + Text.printable(f)));
    environment.out().println("next: sh " + folder.resolve("compile.sh"));
  }

  /** Samples with the channels as the last axis, in four dimensions. */
  private static final class ChannelsLast implements Samples {
    private final Samples samples;
    private final TensorSpec input;

    ChannelsLast(Samples samples, TensorSpec input) {
      this.samples = samples;
      this.input = input;
    }

    @Override
    public int size() {
      return samples.size();
    }

    @Override
    public Map<String, io.shoji.tensor.Tensor> inputs(int index) throws QuantizerException {
      io.shoji.tensor.Tensor tensor = samples.inputs(index).get(input.name());
      if (tensor == null) {
        return Map.of();
      }
      return Map.of(input.name(), ChannelOrder.last(tensor, input.layout()));
    }
  }
}
