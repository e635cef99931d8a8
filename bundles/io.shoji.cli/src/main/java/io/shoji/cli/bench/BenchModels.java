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

import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;
import io.shoji.cli.CommandException;
import io.shoji.cli.ExitCode;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelFile;
import io.shoji.model.ModelVariant;
import io.shoji.models.ModelPackageCheck;
import io.shoji.quantizer.onnx.Graph;
import io.shoji.quantizer.onnx.Node;
import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.tflite.TfliteModel;
import io.shoji.tensor.TensorSpec;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;

/** Opens what a user names: model files, and packages with their variants. */
final class BenchModels {
  private static final String FOLDER = "SHOJI-INF";
  private static final String DOCUMENT = FOLDER + "/model.json";
  private static final String SOURCES = "src/main/resources";
  private static final Set<String> KNOWN = Set.of("onnx", "tflite", "hef", "xml", "jar", "dp");
  private static final String EDGETPU_OPERATOR = "edgetpu-custom-op";

  /** Operators that only quantized models have. */
  private static final Set<String> INT8_OPERATORS =
      Set.of(
          "DequantizeLinear",
          "DynamicQuantizeLinear",
          "QLinearConv",
          "QLinearMatMul",
          "ConvInteger",
          "MatMulInteger");

  /** Type FLOAT16 in an ONNX {@code TensorProto}, and INT4 and UINT4. */
  private static final int ONNX_FLOAT16 = 10;

  private static final int ONNX_UINT4 = 21;
  private static final int ONNX_INT4 = 22;

  private BenchModels() {}

  /**
   * Whether a file is there and of a kind that may be measured.
   *
   * @throws CommandException if not
   */
  static void check(Path file) throws CommandException {
    if (!Files.isDirectory(file)) {
      if (!Files.isRegularFile(file)) {
        throw usage("NO_SUCH_FILE", "there is no such model file=" + file);
      }
      if (!KNOWN.contains(ending(file))) {
        throw usage(
            "UNKNOWN_FORMAT",
            "what is this? known are .onnx, .tflite, .hef, .xml (OpenVINO), .jar (model bundle),"
                + " .dp, and folders with "
                + DOCUMENT
                + " file="
                + file);
      }
    }
  }

  private static String ending(Path file) {
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    return name.substring(name.lastIndexOf('.') + 1);
  }

  /**
   * Opens a file.
   *
   * @param work an existing folder for what is taken out of packages
   * @return a model for each variant, in the package's order; one for a model file
   * @throws CommandException if it is none that can be measured, with each reason
   */
  static List<BenchModel> open(Path file, Path work) throws CommandException {
    if (Files.isDirectory(file)) {
      Path inSources = file.resolve(SOURCES);
      return unpacked(
          file, Files.isRegularFile(inSources.resolve(DOCUMENT)) ? inSources : file, false);
    }
    check(file);
    return switch (ending(file)) {
      case "onnx" -> List.of(single(file, ModelFormats.ONNX, onnxPrecision(file), List.of(file)));
      case "tflite" -> List.of(tflite(file));
      case "hef" -> List.of(single(file, ModelFormats.HEF, Precision.INT8, List.of(file)));
      case "xml" -> List.of(openVino(file));
      default -> packed(file, work);
    };
  }

  private static CommandException usage(String reason, String message) {
    return new CommandException(ExitCode.USAGE, reason, message);
  }

  private static CommandException unreadable(Path file, Exception cause) {
    return new CommandException(
        ExitCode.USAGE,
        "UNREADABLE",
        "the model cannot be read file=" + file + " cause=" + cause.getMessage(),
        cause);
  }

  private static BenchModel single(Path file, String format, Precision precision, List<Path> files)
      throws CommandException {
    List<Path> all = files.stream().map(each -> each.toAbsolutePath().normalize()).toList();
    return new BenchModel(
        file.getFileName().toString(),
        new ModelArtifact(
            file.getFileName().toString(),
            "0",
            "file",
            format,
            precision,
            "",
            all,
            List.of(),
            List.of(),
            Map.of()),
        size(all),
        Optional.empty(),
        Optional.empty());
  }

  private static long size(List<Path> files) throws CommandException {
    long bytes = 0;
    for (Path file : files) {
      try {
        bytes += Files.size(file);
      } catch (IOException e) {
        throw unreadable(file, e);
      }
    }
    return bytes;
  }

  /** What the weights tell; a model that cannot be judged is taken for one in FP32. */
  private static Precision onnxPrecision(Path file) {
    Graph graph;
    try {
      graph = OnnxModel.read(file).graph();
    } catch (QuantizerException e) {
      // The quantizer is choosier than a runtime; whether the model can be run, that will say.
      return Precision.FP32;
    }
    boolean int4 =
        graph.constants().values().stream()
            .anyMatch(c -> c.getDataType() == ONNX_INT4 || c.getDataType() == ONNX_UINT4);
    if (int4 || graph.nodes().stream().anyMatch(node -> node.operator().equals("MatMulNBits"))) {
      return Precision.INT4;
    }
    if (graph.nodes().stream().map(Node::operator).anyMatch(INT8_OPERATORS::contains)) {
      return Precision.INT8;
    }
    return graph.constants().values().stream().anyMatch(c -> c.getDataType() == ONNX_FLOAT16)
        ? Precision.FP16
        : Precision.FP32;
  }

  private static BenchModel tflite(Path file) throws CommandException {
    try {
      TfliteModel model = TfliteModel.read(file);
      boolean compiled =
          model.operatorCodes().stream().anyMatch(code -> code.name().equals(EDGETPU_OPERATOR));
      boolean integers =
          compiled
              || model.main().tensors().stream()
                  .anyMatch(
                      tensor ->
                          tensor.quantization().isPresent()
                              && (tensor.quantization().get().size() > 1
                                  || tensor.quantization().get().scale(0) > 0));
      return single(
          file,
          compiled ? ModelFormats.EDGETPU_TFLITE : ModelFormats.TFLITE,
          integers ? Precision.INT8 : Precision.FP32,
          List.of(file));
    } catch (QuantizerException e) {
      throw unreadable(file, e);
    }
  }

  private static BenchModel openVino(Path file) throws CommandException {
    String name = file.getFileName().toString();
    Path weights = file.resolveSibling(name.substring(0, name.length() - 4) + ".bin");
    if (!Files.isRegularFile(weights)) {
      throw usage("NO_SUCH_FILE", "an OpenVINO model has its weights beside it file=" + weights);
    }
    return single(file, ModelFormats.OPENVINO_IR, Precision.FP32, List.of(file, weights));
  }

  private static List<BenchModel> packed(Path file, Path work) throws CommandException {
    List<BenchModel> models = new ArrayList<>();
    try (JarFile jar = new JarFile(file.toFile(), false)) {
      if (jar.getEntry(DOCUMENT) != null) {
        return extracted(file, jar, work, 0);
      }
      Enumeration<? extends ZipEntry> entries = jar.entries();
      int count = 0;
      while (entries.hasMoreElements()) {
        ZipEntry entry = entries.nextElement();
        if (entry.getName().endsWith(".jar")) {
          count++;
          Path inner = work.resolve("bundle-" + models.size() + "-" + count + ".jar");
          try (InputStream in = jar.getInputStream(entry)) {
            Files.copy(in, inner);
          }
          try (JarFile bundle = new JarFile(inner.toFile(), false)) {
            if (bundle.getEntry(DOCUMENT) != null) {
              models.addAll(extracted(inner, bundle, work, count));
            }
          }
        }
      }
    } catch (IOException e) {
      throw unreadable(file, e);
    }
    if (models.isEmpty()) {
      throw usage("NO_MODEL", "there is no model in the package file=" + file);
    }
    return models;
  }

  private static List<BenchModel> extracted(Path file, JarFile jar, Path work, int number)
      throws CommandException, IOException {
    check(ModelPackageCheck.jar(file, () -> Thread.currentThread().isInterrupted()), file);
    Path folder = Files.createTempDirectory(work, "package-" + number);
    Enumeration<? extends ZipEntry> entries = jar.entries();
    while (entries.hasMoreElements()) {
      ZipEntry entry = entries.nextElement();
      Path target = folder.resolve(entry.getName()).normalize();
      if (!entry.isDirectory() && target.startsWith(folder.resolve(FOLDER))) {
        Files.createDirectories(target.getParent());
        try (InputStream in = jar.getInputStream(entry)) {
          Files.copy(in, target);
        }
      }
    }
    return unpacked(file, folder, true);
  }

  private static ModelDescription check(ModelPackageCheck check, Path file)
      throws CommandException {
    return check
        .description()
        .orElseThrow(
            () ->
                usage(
                    "BAD_PACKAGE",
                    "the package is not what it says it is, so measuring it says nothing; shoji verify says"
                        + " more file="
                        + file
                        + " reasons="
                        + check.reasons()));
  }

  /** The variants of a package in a folder. */
  private static List<BenchModel> unpacked(Path named, Path folder, boolean checked)
      throws CommandException {
    ModelDescription description;
    try {
      if (!checked && !Files.isRegularFile(folder.resolve(DOCUMENT))) {
        throw usage("NO_MODEL", "the folder holds no " + DOCUMENT + " file=" + named);
      }
      description =
          check(
              ModelPackageCheck.folder(folder, () -> Thread.currentThread().isInterrupted()),
              named);
    } catch (IOException e) {
      throw unreadable(named, e);
    }
    Path files = folder.resolve(FOLDER);
    Optional<Path> golden =
        description.golden().map(samples -> files.resolve(samples.file().path()));
    List<BenchModel> models = new ArrayList<>();
    for (ModelVariant variant : description.variants()) {
      List<Path> paths =
          variant.files().stream()
              .map(file -> files.resolve(file.path()).toAbsolutePath().normalize())
              .toList();
      models.add(
          new BenchModel(
              description + " " + variant.name(),
              new ModelArtifact(
                  description.name(),
                  description.version().toString(),
                  variant.name(),
                  variant.format(),
                  variant.precision(),
                  variant.files().get(0).sha256(),
                  paths,
                  declared(variant.inputs(), description.inputs()),
                  declared(variant.outputs(), description.outputs()),
                  variant.options()),
              variant.files().stream().mapToLong(ModelFile::size).sum(),
              Optional.of(description),
              golden));
    }
    return models;
  }

  private static List<TensorSpec> declared(List<TensorSpec> own, List<TensorSpec> packages) {
    return own.isEmpty() ? packages : own;
  }
}
