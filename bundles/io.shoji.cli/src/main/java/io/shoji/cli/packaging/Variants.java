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

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.ModelAdaptation;
import io.shoji.accelerator.ModelFormats;
import io.shoji.cli.CommandException;
import io.shoji.cli.Json;
import io.shoji.tensor.Layout;
import io.shoji.tensor.TensorSpec;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/** Takes model files into a package, each checked against what is said of it. */
final class Variants {
  /** Above this share of operations on the CPU an Edge TPU gains little. */
  private static final double MOST_ON_CPU = 0.1;

  private final Draft draft;
  private final Acceptance acceptance;
  private final Instant now;
  private final List<String> notes;
  private final Map<String, String> sources = new LinkedHashMap<>();
  private final Map<String, JsonObject> sketches = new LinkedHashMap<>();
  private boolean changedBaseline;

  Variants(Draft draft, Acceptance acceptance, Instant now, List<String> notes) {
    this.draft = draft;
    this.acceptance = acceptance;
    this.now = now;
    this.notes = notes;
  }

  /** Whether a variant is what the others are compared with: the model as it was trained. */
  static boolean isBaseline(JsonObject variant) {
    return Json.text(variant, "format").equals(Optional.of(ModelFormats.ONNX))
        && Json.text(variant, "precision").equals(Optional.of("FP32"));
  }

  /** Whether the model as it was trained came in anew, so that its figure has to be measured. */
  boolean changedBaseline() {
    return changedBaseline;
  }

  /**
   * Takes a file in.
   *
   * @param declaredEvidence figures of an imported file; empty for the document beside it
   */
  void add(VariantArgument argument, String name, ModelFacts facts, Optional<Path> declaredEvidence)
      throws CommandException {
    Path file = argument.file();
    Digest digest;
    try {
      digest = Digest.of(file);
    } catch (IOException e) {
      throw Refusal.io("the model cannot be read", file, e);
    }
    boolean vendors =
        facts.format().equals(ModelFormats.HEF)
            || facts.format().equals(ModelFormats.EDGETPU_TFLITE)
            || facts.format().equals(ModelFacts.TENSORRT_ENGINE);
    if (vendors != argument.declared()) {
      throw Refusal.usage(
          vendors
              ? "a vendor's compiler made this file, and nothing here measures it: take it in with --import file="
                  + file
              : "this is no file of a vendor's compiler: take it in with --variant format="
                  + facts.format()
                  + " file="
                  + file);
    }
    Map<String, String> properties = new LinkedHashMap<>();
    properties.put(AcceleratorInfo.FORMAT, facts.format());
    properties.put(AcceleratorInfo.PRECISION, facts.precision().name());
    properties.putAll(facts.properties());
    JsonObject variant = new JsonObject();
    variant.addProperty("name", name);
    variant.addProperty("format", facts.format());
    variant.addProperty("precision", facts.precision().name());
    variant.addProperty("filter", filter(argument, name, properties, facts));
    String path = draft.freePath("models", String.valueOf(file.getFileName()), name);
    JsonArray files = new JsonArray();
    files.add(draft.addFile(path, file, digest));
    variant.add("files", files);
    Optional<EvidenceFile> known =
        argument.declared() && declaredEvidence.isPresent()
            ? Optional.of(EvidenceFile.read(declaredEvidence.get()))
            : EvidenceFile.beside(file);
    describe(variant, facts, known, file);
    known.ifPresent(this::sketch);
    if (isBaseline(variant)) {
      changedBaseline = true;
    } else {
      variant.add("evidence", evidence(argument, name, facts, digest, known));
    }
    notes.addAll(facts.warnings().stream().map(w -> "variant " + name + ": " + w).toList());
    noteCpuShare(name, facts);
    draft.addVariant(variant);
  }

  /** Keeps what shoji quantize found out of inputs and outputs, by the model it ran. */
  private void sketch(EvidenceFile known) {
    Optional<String> source =
        Json.member(known.document(), "source").flatMap(s -> Json.text(s, "sha256"));
    if (source.isPresent()
        && Json.member(known.document(), "drift").orElse(null) instanceof JsonObject drift) {
      sketches.put(source.get(), drift);
    }
  }

  /** How inputs and outputs of a model's file were distributed when another was made from it. */
  Optional<JsonObject> sketchOf(JsonObject baseline) {
    return Json.elements(baseline, "files").stream()
        .map(file -> Json.text(file, "sha256").orElse(""))
        .map(sketches::get)
        .filter(Objects::nonNull)
        .findFirst();
  }

  /** Says which files were made from a model that is not in the package, once all are in. */
  void noteSources() {
    List<String> here = new ArrayList<>();
    for (JsonElement variant : draft.variants()) {
      for (JsonElement file : Json.elements(variant, "files")) {
        Json.text(file, "sha256").ifPresent(here::add);
      }
    }
    sources.forEach(
        (name, source) -> {
          if (!here.contains(source)) {
            notes.add(
                "variant "
                    + name
                    + " was made from a file that is none of this package; is it the same model? source="
                    + source);
          }
        });
  }

  private static String filter(
      VariantArgument argument, String name, Map<String, String> properties, ModelFacts facts)
      throws CommandException {
    String needed = VariantFilter.of(properties);
    if (argument.filter().isEmpty()) {
      return needed;
    }
    String filter = argument.filter().get();
    if (!VariantFilter.canMatch(filter, properties)) {
      throw Refusal.of(
          "CONTRADICTION",
          "the filter asks for accelerators that cannot run the file variant="
              + name
              + " filter="
              + filter
              + " file="
              + properties);
    }
    for (String bound : facts.properties().keySet()) {
      Map<String, String> other = new LinkedHashMap<>(properties);
      other.put(bound, "another");
      if (VariantFilter.canMatch(filter, other)) {
        throw Refusal.of(
            "CONTRADICTION",
            "the filter lets in accelerators that cannot run the file; it is bound to "
                + bound
                + "="
                + properties.get(bound)
                + " variant="
                + name
                + " filter="
                + filter
                + " asked="
                + needed);
      }
    }
    return filter;
  }

  /** Writes down what the file takes and gives, where the package says something else. */
  private void describe(
      JsonObject variant, ModelFacts facts, Optional<EvidenceFile> known, Path file)
      throws CommandException {
    if (draft.get("inputs").isEmpty() || draft.get("outputs").isEmpty()) {
      if (!isBaseline(variant)) {
        throw Refusal.usage(
            "say first what the model takes and gives: the first --variant of a new package is the FP32 model, or"
                + " the file of --description has inputs and outputs");
      }
      if (draft.get("inputs").isEmpty()) {
        draft.set("inputs", TensorJson.of(usualLayouts(facts.inputs())));
      }
      if (draft.get("outputs").isEmpty()) {
        draft.set("outputs", TensorJson.of(usualLayouts(facts.outputs())));
      }
    }
    boolean told = isTold(facts);
    for (String kind : List.of("inputs", "outputs")) {
      JsonArray found = TensorJson.of(kind.equals("inputs") ? facts.inputs() : facts.outputs());
      Optional<JsonElement> said = known.flatMap(k -> Json.member(k.document(), kind));
      if (said.isPresent() && said.get() instanceof JsonArray array && !array.isEmpty()) {
        checkSame(array, found, kind, file);
        found = array;
      }
      if (!found.isEmpty() && told) {
        JsonArray packaged = draft.get(kind).orElseThrow().getAsJsonArray();
        JsonArray difference = TensorJson.difference(packaged, found, kind, file.toString());
        if (!difference.isEmpty()) {
          variant.add(kind, difference);
        }
      }
    }
  }

  /**
   * Whether the package is to say what the file takes and gives. Of a HEF it does where the gateway
   * can convert; else that is left to the driver, whose runtime converts by itself.
   */
  private boolean isTold(ModelFacts facts) throws CommandException {
    if (!facts.format().equals(ModelFormats.HEF)) {
      return true;
    }
    List<String> differences =
        ModelAdaptation.differences(
            TensorJson.specs(draft.get("inputs").orElseThrow().getAsJsonArray()),
            TensorJson.specs(draft.get("outputs").orElseThrow().getAsJsonArray()),
            facts.inputs(),
            facts.outputs());
    if (!differences.isEmpty()) {
      notes.add(
          "the HEF takes or gives something else than the package says, and gateways do not convert between them; the"
              + " driver has to: "
              + String.join("; ", differences));
    }
    return differences.isEmpty();
  }

  /** What the evidence says of the tensors must be what the file says, as far as it tells. */
  private static void checkSame(JsonArray said, JsonArray found, String kind, Path file)
      throws CommandException {
    for (int i = 0; i < found.size(); i++) {
      JsonElement one = i < said.size() ? said.get(i) : null;
      JsonElement other = found.get(i);
      if (said.size() != found.size()
          || !Json.text(one, "type").equals(Json.text(other, "type"))
          || !Json.member(one, "shape").equals(Json.member(other, "shape"))) {
        throw Refusal.of(
            "CONTRADICTION",
            "the evidence says of the file's "
                + kind
                + " what they are not asked="
                + said
                + " found="
                + found
                + " file="
                + file);
      }
    }
  }

  /** As ONNX has them: channels first. */
  private static List<TensorSpec> usualLayouts(List<TensorSpec> specs) {
    List<TensorSpec> usual = new ArrayList<>();
    for (TensorSpec spec : specs) {
      usual.add(
          spec.withLayout(
              switch (spec.shape().rank()) {
                case 2 -> Layout.NC;
                case 3 -> Layout.NCW;
                case 4 -> Layout.NCHW;
                default -> Layout.ANY;
              }));
    }
    return usual;
  }

  private JsonObject evidence(
      VariantArgument argument,
      String name,
      ModelFacts facts,
      Digest digest,
      Optional<EvidenceFile> known)
      throws CommandException {
    if (known.isEmpty()) {
      throw Refusal.of(
          "NO_EVIDENCE",
          argument.declared()
              ? "nothing says how good this is: take the figures of the vendor's tool into the form that shoji handover"
                  + " left, and give it as --evidence file="
                  + argument.file()
              : "nothing shows how good this is: make it with shoji quantize, which writes that beside it as"
                  + " FILE.evidence.json file="
                  + argument.file());
    }
    JsonObject evidence = known.get().evidence();
    if (argument.declared()) {
      if (Json.text(known.get().document(), "sha256").isPresent()) {
        known.get().checkAgainst(digest, facts, argument.file());
      }
      evidence.addProperty("declared", true);
      if (!evidence.has("created")) {
        evidence.addProperty("created", now.toString());
      }
      notes.add(
          "variant "
              + name
              + ": its figure was declared and not measured by Shoji; the package says so figure="
              + Json.text(evidence, "value").orElse("none")
              + " tool="
              + Json.text(evidence, "tool").orElse("none"));
    } else {
      known.get().checkAgainst(digest, facts, argument.file());
      if (Json.text(evidence, "declared").filter("true"::equals).isPresent()) {
        throw Refusal.of(
            "CONTRADICTION",
            "the figure was declared, not measured: only files of vendors' compilers (--import) may have such evidence="
                + known.get().path());
      }
    }
    acceptance.check(evidence, "variant=" + name + " evidence=" + known.get().path());
    return evidence;
  }

  /** Of what the Edge TPU's compiler took, only what was left over can be counted. */
  private void noteCpuShare(String name, ModelFacts facts) {
    String left = facts.details().get("cpuOperators");
    if (left == null) {
      return;
    }
    int onCpu = Integer.parseInt(left);
    Optional<Integer> whole =
        draft.variants().stream()
            .filter(v -> Json.text(v, "format").equals(Optional.of(ModelFormats.TFLITE)))
            .map(JsonElement::getAsJsonObject)
            .map(this::operators)
            .flatMap(Optional::stream)
            .findFirst();
    String share =
        whole.isEmpty()
            ? ""
            : " of="
                + whole.get()
                + " share="
                + Math.round(100.0 * onCpu / Math.max(1, whole.get()))
                + "%";
    boolean much = whole.isPresent() && onCpu > MOST_ON_CPU * whole.get();
    notes.add(
        "variant "
            + name
            + ": Edge TPU runtime "
            + facts.details().get("minRuntimeVersion")
            + " or newer; operations left on the CPU="
            + onCpu
            + share
            + (much ? ", which costs much of what the Edge TPU gains" : ""));
  }

  private Optional<Integer> operators(JsonObject variant) {
    try (java.io.InputStream in = draft.content(variant).open()) {
      return Optional.of(TfliteFacts.operators(in.readAllBytes()));
    } catch (IOException | CommandException e) {
      notes.add("a TFLite variant cannot be read to count its operations: " + e.getMessage());
      return Optional.empty();
    }
  }
}
