/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.models;

import io.shoji.accelerator.ModelAdaptation;
import io.shoji.accelerator.Precision;
import io.shoji.model.DriftReference;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelDescription.Acceptance;
import io.shoji.model.ModelDescription.Evidence;
import io.shoji.model.ModelDescription.GoldenSamples;
import io.shoji.model.ModelFile;
import io.shoji.model.ModelVariant;
import io.shoji.model.PipelineDescription;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Layout;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.Set;
import java.util.regex.Pattern;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.Version;

/**
 * Turns {@code model.json} into a {@link ModelDescription} and checks what a schema cannot say.
 * What the schema reports (a member missing, of the wrong type, out of range) is passed over in
 * silence here, so that one reading finds everything else. For one document, one thread.
 */
final class DescriptionReader {
  private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");
  private static final Pattern METRIC =
      Pattern.compile("top[1-9][0-9]{0,3}|map50|map|rmse|auc|cosine");
  private static final Pattern OPTION = Pattern.compile("[A-Za-z][A-Za-z0-9._-]{0,63}");

  private final Json document;
  private final Reasons reasons;
  private final Map<String, ModelFile> filesByPath = new HashMap<>();

  DescriptionReader(Json document, Reasons reasons) {
    this.document = document;
    this.reasons = reasons;
  }

  /**
   * Reads the whole document.
   *
   * @param sha256 digest of the document's bytes
   * @return the description; empty if something that it needs is missing or wrong, which then is in
   *     the reasons or violates the schema
   */
  Optional<ModelDescription> read(String sha256) {
    Optional<Version> version = document.text("version").flatMap(DescriptionReader::version);
    List<TensorSpec> inputs = tensors(document, "inputs");
    List<TensorSpec> outputs = tensors(document, "outputs");
    List<String> labels = texts("labels");
    Optional<String> task = document.text("task");
    if (task.isPresent() && task.get().equals("classification")) {
      checkLabels(labels, outputs);
    }
    List<ModelVariant> variants = variants(inputs, outputs);
    boolean labelsKnown =
        document.get("labels").map(l -> l.element().isJsonArray()).orElse(true)
            && labels.size() == document.items("labels").size();
    boolean outputsKnown = outputs.size() == document.items("outputs").size();
    Optional<PipelineDescription> pipeline =
        document
            .get("pipeline")
            .flatMap(
                json ->
                    new PipelineReader(json, reasons)
                        .read(
                            inputs,
                            outputsKnown ? Optional.of(outputs) : Optional.empty(),
                            labelsKnown ? Optional.of(labels) : Optional.empty()));
    Optional<GoldenSamples> golden = document.get("golden").flatMap(this::golden);
    Optional<Evidence> evidence = document.get("evidence").flatMap(this::evidence);
    Optional<Acceptance> acceptance = document.get("acceptance").flatMap(this::acceptance);
    if (acceptance.isPresent()) {
      checkAcceptance(acceptance.get(), evidence, variants);
    }
    Optional<DriftReference> drift =
        document
            .get("drift")
            .flatMap(
                json ->
                    new DriftReader(json, reasons)
                        .read(
                            inputs,
                            outputs,
                            outputsKnown && inputs.size() == document.items("inputs").size()));
    checkTree();
    boolean whole =
        inputs.size() == document.items("inputs").size()
            && outputs.size() == document.items("outputs").size()
            && variants.size() == document.items("variants").size()
            && pipeline.isPresent() == document.get("pipeline").isPresent()
            && golden.isPresent() == document.get("golden").isPresent()
            && evidence.isPresent() == document.get("evidence").isPresent()
            && acceptance.isPresent() == document.get("acceptance").isPresent()
            && drift.isPresent() == document.get("drift").isPresent();
    if (!whole || version.isEmpty() || task.isEmpty() || document.text("name").isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new ModelDescription(
            document.text("name").get(),
            version.get(),
            document.text("title").orElse(""),
            document.text("description").orElse(""),
            document.text("licence").orElse(""),
            task.get(),
            inputs,
            outputs,
            labels,
            variants,
            pipeline,
            golden,
            evidence,
            acceptance,
            drift,
            sha256));
  }

  /** Every file that the document names with a safe path, a digest and a size. */
  List<ModelFile> files() {
    return List.copyOf(filesByPath.values());
  }

  private static Optional<Version> version(String text) {
    try {
      return Optional.of(Version.parseVersion(text));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private List<String> texts(String member) {
    List<String> texts = new ArrayList<>();
    for (Json item : document.items(member)) {
      item.text().ifPresent(texts::add);
    }
    return texts;
  }

  private List<TensorSpec> tensors(Json owner, String member) {
    List<TensorSpec> tensors = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (Json json : owner.items(member)) {
      Optional<String> name = json.text("name");
      if (name.isPresent() && !names.add(name.get())) {
        reasons.add(
            json.pointer() + "/name",
            "the name is there twice among the "
                + member
                + "; names are unique found="
                + Reasons.quote(name.get()));
      }
      tensor(json).ifPresent(tensors::add);
    }
    return tensors;
  }

  private Optional<TensorSpec> tensor(Json json) {
    Optional<String> name = json.text("name").filter(n -> !n.isEmpty());
    Optional<ElementType> type = json.text("type").flatMap(t -> constant(ElementType.values(), t));
    Optional<Shape> shape = json.get("shape").flatMap(this::shape);
    Optional<Layout> layout =
        json.get("layout").isEmpty()
            ? Optional.of(Layout.ANY)
            : json.text("layout").flatMap(l -> constant(Layout.values(), l));
    if (type.isPresent() && shape.isPresent() && !checkSize(json, type.get(), shape.get())) {
      return Optional.empty();
    }
    if (layout.isPresent()
        && shape.isPresent()
        && layout.get().rank() >= 0
        && layout.get().rank() != shape.get().rank()) {
      reasons.add(
          json.pointer() + "/layout",
          "the layout has another number of dimensions than the shape; correct one of the two layout="
              + layout.get()
              + " asked="
              + layout.get().rank()
              + " found="
              + shape.get().rank()
              + " shape="
              + shape.get());
      return Optional.empty();
    }
    if (name.isEmpty() || type.isEmpty() || shape.isEmpty() || layout.isEmpty()) {
      return Optional.empty();
    }
    TensorSpec spec = TensorSpec.of(name.get(), type.get(), shape.get()).withLayout(layout.get());
    Optional<Json> quantization = json.get("quantization");
    if (quantization.isEmpty()) {
      return Optional.of(spec);
    }
    try {
      return quantization(quantization.get()).map(spec::withQuantization);
    } catch (IllegalArgumentException e) {
      reasons.add(quantization.get().pointer(), String.valueOf(e.getMessage()));
      return Optional.empty();
    }
  }

  private Optional<Shape> shape(Json json) {
    List<Json> items = json.items();
    long[] dims = new long[items.size()];
    for (int i = 0; i < dims.length; i++) {
      OptionalLong dim = items.get(i).integer();
      if (dim.isEmpty() || dim.getAsLong() < -1 || dim.getAsLong() == 0) {
        return Optional.empty();
      }
      dims[i] = dim.getAsLong();
    }
    if (!json.element().isJsonArray()) {
      return Optional.empty();
    }
    try {
      return Optional.of(Shape.of(dims));
    } catch (IllegalArgumentException e) {
      reasons.add(json.pointer(), String.valueOf(e.getMessage()));
      return Optional.empty();
    }
  }

  private boolean checkSize(Json json, ElementType type, Shape shape) {
    long elements = shape.withDynamicAs(1).elementCount();
    if (elements > Integer.MAX_VALUE || type.bytes(elements) > Integer.MAX_VALUE) {
      reasons.add(
          json.pointer() + "/shape",
          "a tensor takes at most 2147483647 bytes; correct the shape or split the tensor type="
              + type
              + " shape="
              + shape);
      return false;
    }
    return true;
  }

  private static Optional<Quantization> quantization(Json json) {
    OptionalLong axis = json.integer("axis");
    if (axis.isEmpty()) {
      OptionalDouble scale = json.number("scale");
      OptionalLong zeroPoint = json.integer("zeroPoint");
      return scale.isEmpty()
              || json.get("scales").isPresent()
              || zeroPoint.isPresent() != json.get("zeroPoint").isPresent()
              || zeroPoint.orElse(0) != (int) zeroPoint.orElse(0)
          ? Optional.empty()
          : Optional.of(
              Quantization.perTensor((float) scale.getAsDouble(), (int) zeroPoint.orElse(0)));
    }
    List<Json> scales = json.items("scales");
    List<Json> zeroPoints = json.items("zeroPoints");
    float[] scaleValues = new float[scales.size()];
    int[] zeroPointValues = new int[zeroPoints.isEmpty() ? scales.size() : zeroPoints.size()];
    for (int i = 0; i < scales.size(); i++) {
      if (scales.get(i).number().isEmpty()) {
        return Optional.empty();
      }
      scaleValues[i] = (float) scales.get(i).number().getAsDouble();
    }
    for (int i = 0; i < zeroPoints.size(); i++) {
      OptionalLong value = zeroPoints.get(i).integer();
      if (value.isEmpty() || value.getAsLong() != (int) value.getAsLong()) {
        return Optional.empty();
      }
      zeroPointValues[i] = (int) value.getAsLong();
    }
    return scales.isEmpty() || axis.getAsLong() != (int) axis.getAsLong()
        ? Optional.empty()
        : Optional.of(Quantization.perAxis((int) axis.getAsLong(), scaleValues, zeroPointValues));
  }

  private void checkLabels(List<String> labels, List<TensorSpec> outputs) {
    if (labels.isEmpty() || outputs.isEmpty()) {
      return;
    }
    List<String> found = new ArrayList<>();
    for (TensorSpec output : outputs) {
      int rank = output.shape().rank();
      int axis = output.layout().channelAxis() >= 0 ? output.layout().channelAxis() : rank - 1;
      long classes = rank == 0 ? 1 : output.shape().dim(axis);
      if (classes == Shape.DYNAMIC || classes == labels.size()) {
        return;
      }
      found.add(output.name() + ":" + classes);
    }
    reasons.add(
        "/labels",
        "a classification has one label per class of an output; correct the labels or the output's shape"
            + " labels="
            + labels.size()
            + " classes="
            + Reasons.quote(String.join(", ", found)));
  }

  private List<ModelVariant> variants(List<TensorSpec> inputs, List<TensorSpec> outputs) {
    List<ModelVariant> variants = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (Json json : document.items("variants")) {
      Optional<String> name = json.text("name");
      if (name.isPresent() && !names.add(name.get())) {
        reasons.add(
            json.pointer() + "/name",
            "another variant has this name; names are unique found=" + Reasons.quote(name.get()));
      }
      Optional<String> filter = json.text("filter");
      filter.ifPresent(text -> checkFilter(text, json.pointer() + "/filter"));
      Set<String> paths = new HashSet<>();
      List<ModelFile> files = new ArrayList<>();
      for (Json item : json.items("files")) {
        Optional<String> path = item.text("path");
        if (path.isPresent() && !paths.add(path.get().toLowerCase(Locale.ROOT))) {
          reasons.add(
              item.pointer() + "/path",
              "the variant names this file twice, or names two that differ in upper and lower case"
                  + " only; not every file system can hold both found="
                  + Reasons.quote(path.get()));
        }
        file(item).ifPresent(files::add);
      }
      Optional<Map<String, String>> options = options(json);
      Optional<String> format = json.text("format");
      Optional<Precision> precision =
          json.text("precision").flatMap(p -> constant(Precision.values(), p));
      List<TensorSpec> variantInputs = tensors(json, "inputs");
      List<TensorSpec> variantOutputs = tensors(json, "outputs");
      boolean tensorsKnown =
          variantInputs.size() == json.items("inputs").size()
              && variantOutputs.size() == json.items("outputs").size();
      if (tensorsKnown
          && inputs.size() == document.items("inputs").size()
          && outputs.size() == document.items("outputs").size()) {
        checkTensors(json, inputs, outputs, variantInputs, variantOutputs);
      }
      Optional<ModelVariant.Evidence> evidence =
          json.get("evidence").flatMap(this::variantEvidence);
      if (name.isPresent()
          && format.isPresent()
          && precision.isPresent()
          && filter.isPresent()
          && options.isPresent()
          && tensorsKnown
          && evidence.isPresent() == json.get("evidence").isPresent()
          && !files.isEmpty()
          && files.size() == json.items("files").size()) {
        variants.add(
            new ModelVariant(
                name.get(),
                format.get(),
                precision.get(),
                filter.get(),
                files,
                options.get(),
                variantInputs,
                variantOutputs,
                evidence));
      }
    }
    return variants;
  }

  /**
   * What a variant's file takes and gives must be convertible from and to what the package says.
   */
  private void checkTensors(
      Json variant,
      List<TensorSpec> inputs,
      List<TensorSpec> outputs,
      List<TensorSpec> variantInputs,
      List<TensorSpec> variantOutputs) {
    boolean sameInputs = checkNames(variant, "inputs", inputs, variantInputs);
    boolean sameOutputs = checkNames(variant, "outputs", outputs, variantOutputs);
    if (!sameInputs || !sameOutputs) {
      return;
    }
    List<TensorSpec> taken = variantInputs.isEmpty() ? inputs : variantInputs;
    List<TensorSpec> given = variantOutputs.isEmpty() ? outputs : variantOutputs;
    for (String difference : ModelAdaptation.differences(inputs, outputs, taken, given)) {
      reasons.add(
          variant.pointer(),
          "the gateway cannot convert between what the package says and what the variant's file has: "
              + difference);
    }
  }

  private boolean checkNames(
      Json variant, String member, List<TensorSpec> asked, List<TensorSpec> found) {
    List<String> askedNames = asked.stream().map(TensorSpec::name).toList();
    List<String> foundNames = found.stream().map(TensorSpec::name).toList();
    if (found.isEmpty() || askedNames.equals(foundNames)) {
      return true;
    }
    reasons.add(
        variant.pointer() + "/" + member,
        "a variant has the "
            + member
            + " of its package, by the same names in the same order asked="
            + askedNames.stream().map(Reasons::quote).toList()
            + " found="
            + foundNames.stream().map(Reasons::quote).toList());
    return false;
  }

  private Optional<ModelVariant.Evidence> variantEvidence(Json json) {
    Optional<String> metric = json.text("metric").filter(m -> METRIC.matcher(m).matches());
    OptionalDouble value = json.number("value");
    OptionalDouble baseline = json.number("baseline");
    OptionalLong count = json.integer("evaluationCount");
    Optional<String> samples = json.text("evaluationSha256");
    Optional<String> runtime = json.text("runtime");
    Optional<String> tool = json.text("tool");
    Optional<String> created = json.text("created");
    created.ifPresent(text -> checkInstant(text, json.pointer() + "/created"));
    Optional<ModelVariant.Calibration> calibration =
        json.get("calibration").flatMap(DescriptionReader::calibration);
    if (metric.isPresent()) {
      checkFigure(metric.get(), value, json.pointer() + "/value");
      checkFigure(metric.get(), baseline, json.pointer() + "/baseline");
    }
    List<String> keptInFloat = new ArrayList<>();
    Set<String> names = new HashSet<>();
    for (Json item : json.items("keptInFloat")) {
      Optional<String> node = item.text();
      if (node.isPresent() && !names.add(node.get())) {
        reasons.add(item.pointer(), "the node is there twice found=" + Reasons.quote(node.get()));
      }
      node.ifPresent(keptInFloat::add);
    }
    if (metric.isEmpty()
        || value.isEmpty()
        || baseline.isEmpty()
        || count.isEmpty()
        || count.getAsLong() != (int) count.getAsLong()
        || samples.isEmpty()
        || runtime.isEmpty()
        || tool.isEmpty()
        || created.isEmpty()
        || calibration.isPresent() != json.get("calibration").isPresent()
        || keptInFloat.size() != json.items("keptInFloat").size()) {
      return Optional.empty();
    }
    return Optional.of(
        new ModelVariant.Evidence(
            metric.get(),
            value.getAsDouble(),
            baseline.getAsDouble(),
            (int) count.getAsLong(),
            samples.get(),
            calibration,
            keptInFloat,
            runtime.get(),
            tool.get(),
            created.get(),
            json.get("declared").flatMap(Json::bool).orElse(false)));
  }

  private static Optional<ModelVariant.Calibration> calibration(Json json) {
    Optional<String> method = json.text("method");
    OptionalLong count = json.integer("count");
    Optional<String> samples = json.text("sha256");
    return method.isEmpty()
            || count.isEmpty()
            || count.getAsLong() != (int) count.getAsLong()
            || samples.isEmpty()
        ? Optional.empty()
        : Optional.of(
            new ModelVariant.Calibration(method.get(), (int) count.getAsLong(), samples.get()));
  }

  /** A figure of merit has its range; a percentage, as 99.4, is none. */
  private void checkFigure(String metric, OptionalDouble value, String pointer) {
    double least = metric.equals("cosine") ? -1 : 0;
    double most = metric.equals("rmse") ? Double.MAX_VALUE : 1;
    if (value.isPresent() && !(value.getAsDouble() >= least && value.getAsDouble() <= most)) {
      reasons.add(
          pointer,
          "the metric cannot have this value; write a share, not per cent metric="
              + metric
              + " asked="
              + least
              + ".."
              + most
              + " found="
              + value.getAsDouble());
    }
  }

  private void checkFilter(String text, String pointer) {
    try {
      FrameworkUtil.createFilter(text);
    } catch (InvalidSyntaxException e) {
      reasons.add(
          pointer,
          "is not an OSGi filter (RFC 1960), as (&(shoji.format=onnx)(shoji.precision=FP32)): "
              + Reasons.quote(String.valueOf(e.getMessage()))
              + " found="
              + Reasons.quote(text));
    }
  }

  private Optional<Map<String, String>> options(Json variant) {
    Map<String, String> options = new LinkedHashMap<>();
    if (variant.get("options").isEmpty()) {
      return Optional.of(options);
    }
    Json json = variant.get("options").get();
    for (Map.Entry<String, Json> option : json.members().entrySet()) {
      if (!OPTION.matcher(option.getKey()).matches()) {
        reasons.add(
            json.pointer(),
            "a key has 1 to 64 letters, digits, '.', '_' and '-', the first a letter found="
                + Reasons.quote(option.getKey()));
      }
      Optional<String> value = option.getValue().text();
      if (value.isEmpty()) {
        return Optional.empty();
      }
      options.put(option.getKey(), value.get());
    }
    return Optional.of(options);
  }

  private Optional<ModelFile> file(Json json) {
    Optional<String> path = json.text("path");
    Optional<String> sha256 = json.text("sha256").filter(d -> SHA256.matcher(d).matches());
    OptionalLong size = json.integer("size");
    boolean safe = path.isPresent() && checkPath(path.get(), json.pointer() + "/path");
    if (!safe || sha256.isEmpty() || size.isEmpty() || size.getAsLong() < 1) {
      return Optional.empty();
    }
    ModelFile file = new ModelFile(path.get(), sha256.get(), size.getAsLong());
    ModelFile other = filesByPath.putIfAbsent(file.path(), file);
    if (other != null && !other.equals(file)) {
      reasons.add(
          json.pointer(),
          "the same path is named elsewhere with another digest or size; a file has one content path="
              + file.path());
    }
    return Optional.of(file);
  }

  private boolean checkPath(String path, String pointer) {
    Optional<String> unsafe = PathRules.violation(path);
    unsafe.ifPresent(reason -> reasons.add(pointer, reason + " found=" + Reasons.quote(path)));
    return unsafe.isEmpty();
  }

  /** A path cannot be a file and a folder at once. */
  private void checkTree() {
    for (String path : filesByPath.keySet()) {
      for (int slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
        String folder = path.substring(0, slash);
        if (filesByPath.containsKey(folder)) {
          reasons.add(
              "/variants", "a path is both a file and a folder path=" + folder + " file=" + path);
        }
      }
    }
  }

  private Optional<GoldenSamples> golden(Json json) {
    Optional<ModelFile> file = file(json);
    OptionalLong count = json.integer("count");
    return file.isEmpty() || count.isEmpty() || count.getAsLong() != (int) count.getAsLong()
        ? Optional.empty()
        : Optional.of(new GoldenSamples(file.get(), (int) count.getAsLong()));
  }

  private Optional<Evidence> evidence(Json json) {
    Optional<String> metric = json.text("metric");
    OptionalDouble value = json.number("value");
    OptionalLong count = json.integer("evaluationCount");
    Optional<String> dataset = json.text("dataset");
    Optional<String> tool = json.text("tool");
    Optional<String> created = json.text("created");
    created.ifPresent(text -> checkInstant(text, json.pointer() + "/created"));
    if (metric.isEmpty()
        || value.isEmpty()
        || count.isEmpty()
        || count.getAsLong() != (int) count.getAsLong()
        || dataset.isEmpty()
        || tool.isEmpty()
        || created.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new Evidence(
            metric.get(),
            value.getAsDouble(),
            (int) count.getAsLong(),
            dataset.get(),
            tool.get(),
            created.get()));
  }

  private void checkInstant(String text, String pointer) {
    try {
      Instant.parse(text);
    } catch (DateTimeException e) {
      reasons.add(
          pointer,
          "asked for a time that exists, ISO 8601 in UTC, as 2026-11-22T00:00:00Z found="
              + Reasons.quote(text));
    }
  }

  private Optional<Acceptance> acceptance(Json json) {
    Optional<String> metric = json.text("metric");
    OptionalDouble minimum = json.number("minimum");
    OptionalDouble p99Ms = json.number("p99Ms");
    OptionalLong memory = json.integer("peakMemoryBytes");
    if (metric.isEmpty()
        || minimum.isEmpty()
        || p99Ms.isPresent() != json.get("p99Ms").isPresent()
        || memory.isPresent() != json.get("peakMemoryBytes").isPresent()) {
      return Optional.empty();
    }
    return Optional.of(
        new Acceptance(
            metric.get(),
            minimum.getAsDouble(),
            p99Ms.isPresent() ? Optional.of(p99Ms.getAsDouble()) : Optional.empty(),
            memory.isPresent() ? Optional.of(memory.getAsLong()) : Optional.empty()));
  }

  private void checkAcceptance(
      Acceptance acceptance, Optional<Evidence> evidence, List<ModelVariant> variants) {
    if (document.get("golden").isEmpty()) {
      reasons.add(
          "/acceptance",
          "asks for a metric on the device, but there are no golden samples to measure it with; add"
              + " golden or remove acceptance metric="
              + Reasons.quote(acceptance.metric()));
    }
    if (evidence.isPresent()
        && evidence.get().metric().equals(acceptance.metric())
        && evidence.get().value() < acceptance.minimum()) {
      reasons.add(
          "/acceptance/minimum",
          "is above what the evidence claims, so the model could never go live asked="
              + acceptance.minimum()
              + " evidence="
              + evidence.get().value());
    }
    for (ModelVariant variant : variants) {
      Optional<ModelVariant.Evidence> own = variant.evidence();
      if (own.isPresent()
          && own.get().metric().equals(acceptance.metric())
          && own.get().value() < acceptance.minimum()) {
        reasons.add(
            "/acceptance/minimum",
            "is above what the evidence of a variant claims, so it could never go live; leave the"
                + " variant out or make a better one asked="
                + acceptance.minimum()
                + " variant="
                + variant.name()
                + " evidence="
                + own.get().value());
      }
    }
  }

  private static <E extends Enum<E>> Optional<E> constant(E[] values, String name) {
    for (E value : values) {
      if (value.name().equals(name)) {
        return Optional.of(value);
      }
    }
    return Optional.empty();
  }
}
