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

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;
import io.shoji.cli.CommandException;
import io.shoji.cli.DriftJson;
import io.shoji.cli.Environment;
import io.shoji.cli.Json;
import io.shoji.cli.Shoji;
import io.shoji.cli.local.LocalAccelerators;
import io.shoji.cli.samples.ModelInterface;
import io.shoji.cli.samples.SafetensorsFile;
import io.shoji.cli.samples.SampleDigest;
import io.shoji.cli.samples.SampleOptions;
import io.shoji.cli.samples.SampleSet;
import io.shoji.cli.samples.SampleSets;
import io.shoji.model.DriftReference;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelVariant;
import io.shoji.quantizer.DriftSketch;
import io.shoji.quantizer.Evaluation;
import io.shoji.quantizer.onnx.QuantizerException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Golden samples of a package in the making, and the figure of its FP32 model. */
final class Golden {
  private static final String PATH = "golden/samples.safetensors";
  private static final int MOST = 1_000_000;

  private final Environment environment;
  private final boolean quiet;
  private final Draft draft;
  private final Acceptance acceptance;
  private final WorkFolder work;
  private final List<String> notes;

  Golden(
      Environment environment,
      boolean quiet,
      Draft draft,
      Acceptance acceptance,
      WorkFolder work,
      List<String> notes) {
    this.environment = environment;
    this.quiet = quiet;
    this.draft = draft;
    this.acceptance = acceptance;
    this.work = work;
    this.notes = notes;
  }

  /**
   * Adds what was asked for, and measures the FP32 model if it has to be.
   *
   * @param golden a file, or how many of the evaluation set; empty for the base's
   * @param evaluation held-out samples; empty for the golden samples
   * @param made the variants, of which the FP32 model may have come in anew
   * @param calibration samples to sketch inputs and outputs with; empty for what is known of them,
   *     else the evaluation set
   */
  void make(
      Optional<String> golden,
      Optional<Path> evaluation,
      Optional<String> dataset,
      Variants made,
      Optional<Path> calibration,
      Instant now)
      throws CommandException, InterruptedException {
    Optional<Integer> count = golden.filter(g -> g.matches("[0-9]{1,7}")).map(Integer::parseInt);
    if (golden.isPresent() && count.isEmpty()) {
      take(Path.of(golden.get()));
    }
    if (count.isPresent() && evaluation.isEmpty()) {
      throw Refusal.usage(
          "--golden N takes N of the evaluation set: name that with --evaluation golden="
              + count.get());
    }
    if (count.isPresent() && (count.get() < 1 || count.get() > MOST)) {
      throw Refusal.usage("asked for 1 to " + MOST + " golden samples found=" + count.get());
    }
    Optional<JsonObject> baseline =
        draft.variants().stream()
            .map(JsonElement::getAsJsonObject)
            .filter(Variants::isBaseline)
            .findFirst();
    if (baseline.isEmpty()
        && (count.isPresent() || evaluation.isPresent() || calibration.isPresent())) {
      throw Refusal.usage(
          "samples are measured with the FP32 model, and this package has none: add it with --variant variants="
              + draft.variantNames());
    }
    boolean changed = made.changedBaseline();
    if (changed) {
      draft.remove("drift");
    }
    baseline.flatMap(made::sketchOf).ifPresent(sketch -> draft.set("drift", sketch));
    if (baseline.isEmpty()) {
      draft.remove("evidence");
    } else if (changed || count.isPresent() || evaluation.isPresent() || calibration.isPresent()) {
      measure(baseline.get(), count, evaluation, calibration, dataset, now);
    }
    if (draft.get("golden").isEmpty()) {
      throw Refusal.usage(
          "a package needs golden samples, on which the device proves that the model is right there: --golden");
    }
    compare(baseline);
  }

  /** Takes a file of samples in as it is. */
  private void take(Path file) throws CommandException {
    try (SafetensorsFile samples = SafetensorsFile.open(file)) {
      Optional<String> first = samples.names().stream().sorted().findFirst();
      if (first.isEmpty() || samples.shape(first.get()).rank() == 0) {
        throw Refusal.of("BAD_SAMPLES", "there are no samples in the file file=" + file);
      }
      add(file, Math.toIntExact(samples.shape(first.get()).dim(0)));
    } catch (QuantizerException e) {
      throw Refusal.of("BAD_SAMPLES", e.getMessage() + " code=" + e.code(), e);
    } catch (ArithmeticException e) {
      throw Refusal.of("BAD_SAMPLES", "there are too many samples in the file file=" + file, e);
    }
  }

  private void add(Path file, int count) throws CommandException {
    try {
      JsonObject json = draft.addFile(PATH, file, Digest.of(file));
      json.addProperty("count", count);
      draft.set("golden", json);
    } catch (IOException e) {
      throw Refusal.io("the golden samples cannot be read", file, e);
    }
  }

  private void measure(
      JsonObject baseline,
      Optional<Integer> count,
      Optional<Path> evaluation,
      Optional<Path> calibration,
      Optional<String> dataset,
      Instant now)
      throws CommandException, InterruptedException {
    if (evaluation.isEmpty() && draft.get("golden").isEmpty()) {
      throw Refusal.usage(
          "the FP32 model has to be measured: name held-out samples with --evaluation, or golden samples with --golden");
    }
    ModelDescription description = preliminary();
    String name = Json.text(baseline, "name").orElse("");
    ModelVariant variant = description.variant(name).orElseThrow();
    Path model = copy(draft.content(baseline), "baseline.onnx");
    Path samplesFile =
        evaluation.isPresent()
            ? evaluation.get()
            : copy(draft.file(PATH, draft.get("golden").orElseThrow()), "golden.safetensors");
    // Without the folder: whoever makes the package elsewhere gets the same one.
    String from =
        evaluation.map(e -> "evaluation set " + e.getFileName()).orElse("the golden samples");
    SampleOptions options =
        new SampleOptions(
            description.pipeline(),
            description.labels(),
            Optional.empty(),
            SampleOptions.Expected.of(acceptance.metric()));
    try (LocalAccelerators local = LocalAccelerators.start(List.of());
        SampleSet samples =
            SampleSets.open(
                samplesFile,
                new ModelInterface(description.inputs(), description.outputs()),
                options);
        LocalModel loaded =
            LocalModel.load(
                local.accelerator(Optional.empty(), ModelFormats.ONNX, Precision.FP32),
                description,
                variant,
                List.of(model))) {
      try (FollowedWork progress =
          new FollowedWork(environment, quiet, "measuring the FP32 model")) {
        Evaluation found = Evaluation.measure(loaded, samples, acceptance.metric(), progress);
        String digest = SampleDigest.of(samples, progress.next("computing the samples' digest"));
        evidence(baseline, found, digest, loaded.runtime(), dataset, from, now);
        if (calibration.isPresent()) {
          try (SampleSet lab =
              SampleSets.open(
                  calibration.get(),
                  new ModelInterface(description.inputs(), description.outputs()),
                  options.with(SampleOptions.Expected.NOTHING))) {
            sketch(loaded, lab, description, DriftReference.Source.CALIBRATION, progress);
          }
        } else if (draft.get("drift").isEmpty()) {
          sketch(loaded, samples, description, DriftReference.Source.EVALUATION, progress);
        }
        if (count.isPresent()) {
          if (count.get() > samples.size()) {
            throw Refusal.usage(
                "there are fewer samples in the evaluation set than golden samples are asked for asked="
                    + count.get()
                    + " found="
                    + samples.size());
          }
          Path file = work.file("golden-new.safetensors");
          GoldenWriter.write(
              file,
              samples,
              options.expected() == SampleOptions.Expected.LABEL,
              count.get(),
              loaded);
          add(file, count.get());
        }
      }
    } catch (QuantizerException e) {
      if (e.code() == QuantizerException.Code.CANCELLED) {
        throw new InterruptedException();
      }
      throw Refusal.of("BAD_SAMPLES", e.getMessage() + " code=" + e.code(), e);
    } catch (AcceleratorException e) {
      throw Refusal.of(
          "BAD_MODEL",
          "the FP32 model does not run here: " + e.getMessage() + " code=" + e.code(),
          e);
    } catch (IllegalArgumentException e) {
      throw Refusal.of(
          "CONTRADICTION", "the FP32 model is not what the package says: " + e.getMessage(), e);
    } catch (IOException e) {
      throw Refusal.io("the golden samples cannot be written", PATH, e);
    }
  }

  /** Takes in how inputs and outputs are distributed over samples. */
  private void sketch(
      LocalModel model,
      SampleSet samples,
      ModelDescription description,
      DriftReference.Source source,
      FollowedWork progress)
      throws QuantizerException {
    if (samples.size() < 2) {
      notes.add(
          "gateways will not tell drift: that takes 2 samples or more, better hundreds found="
              + samples.size());
      return;
    }
    String digest =
        SampleDigest.ofInputs(
            samples, sha256 -> {}, progress.next("computing the digest of the sketched samples"));
    draft.set(
        "drift",
        DriftJson.of(
            DriftSketch.of(
                model,
                samples,
                description.inputs(),
                description.outputs(),
                description.task().equals("classification"),
                source,
                digest,
                progress.next("sketching inputs and outputs"))));
  }

  /** What the package says so far, by the gateway's own reading. */
  private ModelDescription preliminary() throws CommandException, InterruptedException {
    BundleWriter writer =
        new BundleWriter(
            "io.shoji.preliminary",
            "0.0.0",
            draft.text("name").orElse(""),
            draft.text("version").orElse(""));
    draft.writePreliminaryTo(writer);
    Path jar = work.file("preliminary.jar");
    try {
      writer.write(jar);
    } catch (IOException e) {
      throw Refusal.io("the bundle cannot be written", draft, e);
    }
    var check = GatewayCheck.of(jar, draft);
    return check
        .description()
        .orElseThrow(
            () ->
                GatewayCheck.refused("gateways would refuse this package", draft, check.reasons()));
  }

  private Path copy(BundleWriter.Content content, String name) throws CommandException {
    Path file = work.file(name);
    try (InputStream in = content.open()) {
      Files.copy(in, file);
      return file;
    } catch (IOException e) {
      throw Refusal.io("a file of the package cannot be copied", name, e);
    }
  }

  private void evidence(
      JsonObject baseline,
      Evaluation found,
      String digest,
      String runtime,
      Optional<String> dataset,
      String from,
      Instant now) {
    String tool = Shoji.version();
    JsonObject whole = new JsonObject();
    whole.addProperty("metric", found.metric());
    whole.addProperty("value", found.value());
    whole.addProperty("evaluationCount", found.count());
    whole.addProperty("dataset", dataset.orElse(from));
    whole.addProperty("tool", tool);
    whole.addProperty("created", now.toString());
    draft.set("evidence", whole);
    JsonObject own = new JsonObject();
    own.addProperty("metric", found.metric());
    own.addProperty("value", found.value());
    own.addProperty("baseline", found.value());
    own.addProperty("evaluationCount", found.count());
    own.addProperty("evaluationSha256", digest);
    own.addProperty("runtime", runtime);
    own.addProperty("tool", tool);
    own.addProperty("created", now.toString());
    baseline.add("evidence", own);
  }

  /** Says where figures were compared with something else than this package's FP32 model. */
  private void compare(Optional<JsonObject> baseline) {
    Optional<JsonElement> ours = baseline.flatMap(b -> Json.member(b, "evidence"));
    if (ours.isEmpty()) {
      return;
    }
    for (JsonElement variant : draft.variants()) {
      Optional<JsonElement> its = Json.member(variant, "evidence");
      if (its.isPresent()
          && Json.text(its.get(), "evaluationSha256")
              .equals(Json.text(ours.get(), "evaluationSha256"))
          && !Json.number(its.get(), "baseline").equals(Json.number(ours.get(), "value"))) {
        notes.add(
            "variant "
                + Json.text(variant, "name").orElse("")
                + " was compared with another figure than the FP32 model has here, on the same samples baseline="
                + Json.text(its.get(), "baseline").orElse("none")
                + " found="
                + Json.text(ours.get(), "value").orElse("none"));
      }
    }
  }
}
