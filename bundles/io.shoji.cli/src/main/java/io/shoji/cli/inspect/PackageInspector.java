/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.inspect;

import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.ModelFormats;
import io.shoji.cli.CommandException;
import io.shoji.cli.ExitCode;
import io.shoji.cli.Text;
import io.shoji.cli.inspect.Inspection.Row;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelFile;
import io.shoji.model.ModelVariant;
import io.shoji.models.ModelPackageCheck;
import io.shoji.tensor.Layout;
import io.shoji.tensor.TensorSpec;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.InvalidSyntaxException;

/** Describes model bundles, and deployment packages with what is in them. */
final class PackageInspector {
  private static final String DOCUMENT = "SHOJI-INF/model.json";
  private static final String PACKAGE_NAME = "DeploymentPackage-SymbolicName";
  private static final int MOST_ENTRIES = 10_000;
  private static final int MOST_REASONS = 20;

  /** Largest bundle in a package, unpacked. */
  private static final long LARGEST = 8L << 30;

  private PackageInspector() {}

  static void inspect(Path path, Inspection to) throws IOException, CommandException {
    try (JarFile jar = new JarFile(path.toFile(), false)) {
      Manifest manifest = jar.getManifest();
      if (manifest != null && manifest.getMainAttributes().getValue(PACKAGE_NAME) != null) {
        deploymentPackage(jar, manifest, to);
        return;
      }
      if (jar.getEntry(DOCUMENT) == null) {
        throw new CommandException(
            ExitCode.USAGE,
            "NO_MODEL",
            "an archive without a model: neither a model bundle (no "
                + DOCUMENT
                + ") nor a deployment package (no "
                + PACKAGE_NAME
                + " in its manifest) file="
                + path);
      }
    }
    bundle(path, String.valueOf(path.getFileName()), to);
  }

  /** What kind of archive a file is, for the first line. */
  static String kind(Path path) throws IOException {
    try (JarFile jar = new JarFile(path.toFile(), false)) {
      Manifest manifest = jar.getManifest();
      return manifest != null && manifest.getMainAttributes().getValue(PACKAGE_NAME) != null
          ? "deployment package"
          : "model bundle";
    }
  }

  private static void deploymentPackage(JarFile jar, Manifest manifest, Inspection to)
      throws IOException, CommandException {
    Attributes main = manifest.getMainAttributes();
    to.fact("name", "name", String.valueOf(main.getValue(PACKAGE_NAME)).strip());
    String version = main.getValue("DeploymentPackage-Version");
    to.fact("version", "version", version == null ? "" : version.strip());
    List<List<String>> rows = new ArrayList<>();
    List<JarEntry> bundles = new ArrayList<>();
    int entries = 0;
    for (JarEntry entry : Collections.list(jar.entries())) {
      if (++entries > MOST_ENTRIES) {
        throw new CommandException(
            ExitCode.USAGE,
            "BAD_PACKAGE",
            "the package has more entries than any has most=" + MOST_ENTRIES);
      }
      Attributes attributes = manifest.getAttributes(entry.getName());
      if (entry.isDirectory() || attributes == null) {
        continue;
      }
      String name = attributes.getValue("Bundle-SymbolicName");
      String of = attributes.getValue("Bundle-Version");
      rows.add(
          List.of(
              entry.getName(),
              name == null ? "" : name.strip(),
              of == null ? "" : of.strip(),
              entry.getSize() < 0 ? "" : Text.bytes((double) entry.getSize())));
      if (name != null && entry.getName().endsWith(".jar")) {
        bundles.add(entry);
      }
    }
    to.section("resources", "Contents", List.of("PATH", "BUNDLE", "VERSION", "SIZE"), rows);
    for (JarEntry entry : bundles) {
      nested(jar, entry, to);
    }
  }

  /** A bundle of a package, if there is a model in it. */
  private static void nested(JarFile jar, JarEntry entry, Inspection to)
      throws IOException, CommandException {
    Path copy = Files.createTempFile("shoji-inspect", ".jar");
    copy.toFile().deleteOnExit();
    try {
      try (InputStream in = jar.getInputStream(entry);
          OutputStream out = Files.newOutputStream(copy)) {
        byte[] block = new byte[1 << 16];
        long copied = 0;
        for (int read = in.read(block); read >= 0; read = in.read(block)) {
          copied += read;
          if (copied > LARGEST) {
            throw new CommandException(
                ExitCode.USAGE,
                "BAD_PACKAGE",
                "a bundle is larger than any model entry=" + entry.getName());
          }
          out.write(block, 0, read);
        }
      }
      boolean model;
      try (JarFile inner = new JarFile(copy.toFile(), false)) {
        model = inner.getEntry(DOCUMENT) != null;
      }
      if (model) {
        String name = entry.getName();
        Inspection part = new Inspection(name.substring(name.lastIndexOf('/') + 1), "model bundle");
        bundle(copy, name, part);
        to.part(part);
      }
    } finally {
      Files.delete(copy);
    }
  }

  private static void bundle(Path path, String name, Inspection to)
      throws IOException, CommandException {
    ModelPackageCheck check = ModelPackageCheck.jar(path, Thread.currentThread()::isInterrupted);
    if (check.description().isEmpty()) {
      List<String> reasons = check.reasons();
      throw new CommandException(
          ExitCode.USAGE,
          "BAD_PACKAGE",
          "gateways would refuse the model file="
              + name
              + "\n  "
              + String.join(
                  "\n  ",
                  reasons.subList(0, Math.min(MOST_REASONS, reasons.size())).stream()
                      .map(Text::printable)
                      .toList())
              + (reasons.size() > MOST_REASONS
                  ? "\n  and " + (reasons.size() - MOST_REASONS) + " more"
                  : ""));
    }
    describe(check.description().get(), to);
  }

  private static void describe(ModelDescription model, Inspection to) {
    to.fact("model", "model", model.name());
    to.fact("version", "version", model.version().toString());
    to.fact("title", "title", model.title());
    to.fact("description", "description", model.description());
    to.fact("licence", "licence", model.licence());
    to.fact("task", "task", model.task());
    if (!model.labels().isEmpty()) {
      to.fact("classes", "classes", model.labels().size(), Integer.toString(model.labels().size()));
    }
    model
        .evidence()
        .ifPresent(
            evidence ->
                to.fact(
                    "evidence",
                    "evidence",
                    evidence.metric()
                        + " "
                        + evidence.value()
                        + " on "
                        + evidence.evaluationCount()
                        + " samples"));
    model
        .acceptance()
        .ifPresent(
            acceptance ->
                to.fact(
                    "acceptance",
                    "must reach",
                    acceptance.metric() + " " + acceptance.minimum() + " on the device"));
    model
        .golden()
        .ifPresent(
            golden ->
                to.fact(
                    "goldenSamples",
                    "golden samples",
                    golden.count(),
                    Integer.toString(golden.count())));
    to.fact("identity", "identity", model.sha256());
    model.inputs().forEach(spec -> to.input(row(spec)));
    model.outputs().forEach(spec -> to.output(row(spec)));
    List<List<String>> rows = new ArrayList<>();
    for (ModelVariant variant : model.variants()) {
      long size = variant.files().stream().mapToLong(ModelFile::size).sum();
      rows.add(
          List.of(
              variant.name(),
              variant.format(),
              variant.precision().name(),
              Text.bytes((double) size),
              variant
                  .evidence()
                  .map(
                      evidence ->
                          String.format(
                              Locale.ROOT,
                              "%s %.4f (from %.4f)%s",
                              evidence.metric(),
                              evidence.value(),
                              evidence.baseline(),
                              evidence.declared() ? ", declared" : ""))
                  .orElse("")));
    }
    to.section(
        "variants", "Variants", List.of("NAME", "FORMAT", "PRECISION", "SIZE", "MEASURED"), rows);
    to.suitability(suitability(model));
  }

  private static Row row(TensorSpec spec) {
    return new Row(
        spec.name(),
        spec.type().name(),
        spec.shape().toString().replace(" ", "").replace("-1", "?"),
        spec.layout() == Layout.ANY ? "" : spec.layout().name(),
        spec.quantization().map(Object::toString).orElse(""));
  }

  private static List<Suitability> suitability(ModelDescription model) {
    List<Suitability> all = new ArrayList<>();
    for (Target target : Target.values()) {
      Map<String, Object> device = device(target);
      List<String> fitting =
          model.variants().stream()
              .filter(variant -> matches(variant.filter(), device))
              .map(ModelVariant::name)
              .toList();
      all.add(
          fitting.isEmpty()
              ? Suitability.no(target, "no variant for it", advice(target))
              : Suitability.yes(target, "variant " + String.join(", then ", fitting)));
    }
    return all;
  }

  private static boolean matches(String filter, Map<String, Object> device) {
    try {
      return FrameworkUtil.createFilter(filter).matches(device);
    } catch (InvalidSyntaxException e) {
      throw new IllegalStateException("a checked package has filters that parse " + filter, e);
    }
  }

  /** What a driver says of such a device, as far as filters of packages look at it. */
  private static Map<String, Object> device(Target target) {
    return switch (target) {
      case CPU_ONNX -> device("cpu", "x86_64", "FP32 FP16 INT8 INT4", ModelFormats.ONNX);
      case CPU_TFLITE -> device("cpu", "x86_64", "FP32 FP16 INT8", ModelFormats.TFLITE);
      case TENSORRT -> device("tensorrt", "sm_87", "FP32 FP16 INT8", ModelFormats.ONNX);
      case EDGETPU -> device("edgetpu", "edgetpu", "INT8", ModelFormats.EDGETPU_TFLITE);
      case HAILO8 -> device("hailo", "HAILO8", "INT8 INT4", ModelFormats.HEF);
      case HAILO8L -> device("hailo", "HAILO8L", "INT8 INT4", ModelFormats.HEF);
      case OPENVINO ->
          device(
              "openvino", "x86_64", "FP32 FP16 INT8", ModelFormats.OPENVINO_IR, ModelFormats.ONNX);
      case MYRIAD ->
          device("openvino", "MYRIAD", "FP16 INT8", ModelFormats.OPENVINO_IR, ModelFormats.ONNX);
    };
  }

  private static Map<String, Object> device(
      String kind, String architecture, String precisions, String... formats) {
    return Map.of(
        AcceleratorInfo.KIND,
        kind,
        AcceleratorInfo.ARCHITECTURE,
        architecture,
        AcceleratorInfo.PRECISION,
        precisions.split(" ", -1),
        AcceleratorInfo.FORMAT,
        formats);
  }

  private static String advice(Target target) {
    return switch (target) {
      case CPU_ONNX, OPENVINO -> "shoji package --base FILE --variant MODEL.onnx";
      case CPU_TFLITE, EDGETPU ->
          "shoji quantize MODEL.onnx --target edgetpu ..., then shoji package --base FILE --variant"
              + " MODEL.tflite";
      case TENSORRT ->
          "shoji quantize MODEL.onnx --target tensorrt ..., then shoji package --base FILE --variant"
              + " MODEL.onnx";
      case MYRIAD ->
          "shoji quantize MODEL.onnx --precision fp16 ..., then shoji package --base FILE --variant"
              + " MODEL.onnx";
      case HAILO8, HAILO8L ->
          "shoji handover MODEL.onnx --for "
              + target.id()
              + " ..., then shoji package --base FILE --import MODEL.hef";
    };
  }
}
