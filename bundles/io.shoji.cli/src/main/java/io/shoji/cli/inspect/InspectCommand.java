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

import com.google.gson.JsonObject;
import io.shoji.cli.CommandException;
import io.shoji.cli.Environment;
import io.shoji.cli.ExitCode;
import io.shoji.cli.Json;
import io.shoji.cli.Text;
import io.shoji.cli.formats.FormatException;
import io.shoji.cli.formats.HefFile;
import io.shoji.quantizer.onnx.QuantizerException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.zip.ZipException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code shoji inspect}. */
@Command(
    name = "inspect",
    description = {
      "Say what a model file is: inputs, outputs, operators, parameters, precision; which accelerators could run it,"
          + " what stands in the way of the others, and what to do about it.",
      "",
      "Reads ONNX, TensorFlow Lite (also compiled for the Edge TPU), HEF, model bundles (.jar) and deployment packages"
          + " (.dp), told apart by their content. Nothing of the file is run.",
      "",
      "Accelerators: cpu-onnx and cpu-tflite (any processor), tensorrt (Jetson), edgetpu (Coral), hailo8, hailo8l,"
          + " openvino (Intel CPU, GPU, NPU), myriad (Movidius Myriad X)."
    },
    exitCodeList = {
      "0:described; with --for, the accelerator runs it, or a part of it",
      "1:with --for, the accelerator does not run it",
      "2:wrong command line, or the file cannot be read, is damaged or is no model"
    },
    footer = {
      "  shoji inspect digits.onnx",
      "  shoji inspect io.shoji.model.digits-1.0.0.dp --json",
      "  shoji inspect net.hef --for hailo8l && shoji package --base net.dp --import net.hef"
    })
public final class InspectCommand implements Callable<Integer> {
  private static final int START = 16;
  private static final byte[] ARCHIVE = {'P', 'K', 3, 4};
  private static final byte[] TFLITE = "TFL3".getBytes(StandardCharsets.US_ASCII);

  private final Environment environment;

  @Parameters(paramLabel = "FILE", description = "The model or package.")
  private @Nullable Path file;

  @Option(
      names = "--for",
      paramLabel = "ACCELERATOR",
      description = "End with 1 if that one does not run it.")
  private @Nullable String target;

  @Option(names = "--json", description = "Print one JSON document.")
  private boolean json;

  InspectCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() throws CommandException {
    Path path = file;
    if (path == null) {
      throw new CommandException(ExitCode.USAGE, "USAGE", "which file?");
    }
    String asked = target;
    Target wanted = asked == null ? null : target(asked);
    Inspection inspection;
    try {
      inspection = inspect(path);
    } catch (NoSuchFileException e) {
      throw refused("UNREADABLE", "there is no such file file=" + path, e);
    } catch (ZipException e) {
      throw refused("DAMAGED", "the archive is damaged: " + e.getMessage() + " file=" + path, e);
    } catch (IOException e) {
      throw refused(
          "UNREADABLE", "the file cannot be read file=" + path + " (" + e.getMessage() + ")", e);
    } catch (FormatException e) {
      throw refused(e.code().name(), String.valueOf(e.getMessage()), e);
    } catch (QuantizerException e) {
      throw refused(e.code().name(), String.valueOf(e.getMessage()), e);
    }
    boolean runs = wanted == null || inspection.runsOn(wanted);
    ExitCode exit = runs ? ExitCode.OK : ExitCode.FAILED;
    if (json) {
      JsonObject document = new JsonObject();
      document.addProperty("command", "inspect");
      document.addProperty("exit", exit.code());
      inspection.toJson().entrySet().forEach(each -> document.add(each.getKey(), each.getValue()));
      environment.out().println(Json.pretty(document));
    } else {
      environment.out().print(inspection);
      if (!runs) {
        environment.err().println("shoji: " + asked + " does not run it file=" + path);
      }
    }
    return exit.code();
  }

  private static CommandException refused(String reason, String message, Exception cause) {
    return new CommandException(ExitCode.USAGE, reason, message, cause);
  }

  private static Target target(String name) throws CommandException {
    return Arrays.stream(Target.values())
        .filter(each -> each.id().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new CommandException(
                    ExitCode.USAGE,
                    "USAGE",
                    "no such accelerator found="
                        + name
                        + " known="
                        + String.join(
                            ", ", List.of(Target.values()).stream().map(Target::id).toList())));
  }

  /** Reads a file of any kind. */
  static Inspection inspect(Path path)
      throws IOException, FormatException, QuantizerException, CommandException {
    byte[] start;
    try (InputStream in = Files.newInputStream(path)) {
      start = in.readNBytes(START);
    }
    String name = String.valueOf(path.getFileName());
    Inspection inspection;
    if (HefFile.matches(start)) {
      inspection = begin(name, "Hailo executable (HEF)", path);
      HefInspector.inspect(path, inspection);
    } else if (beginsWith(start, 0, ARCHIVE)) {
      inspection = begin(name, PackageInspector.kind(path), path);
      PackageInspector.inspect(path, inspection);
    } else if (beginsWith(start, 4, TFLITE)) {
      inspection = begin(name, "TensorFlow Lite model", path);
      TfliteInspector.inspect(path, inspection);
    } else {
      inspection = begin(name, "ONNX model", path);
      OnnxInspector.inspect(path, inspection);
    }
    return inspection;
  }

  private static boolean beginsWith(byte[] start, int at, byte[] magic) {
    return start.length >= at + magic.length
        && Arrays.equals(start, at, at + magic.length, magic, 0, magic.length);
  }

  private static Inspection begin(String name, String kind, Path path) throws IOException {
    long size = Files.size(path);
    return new Inspection(name, kind)
        .fact(
            "size",
            "size",
            size,
            Text.bytes((double) size)
                + (size < 1024 ? "" : " (" + OnnxInspector.count(size) + " bytes)"))
        .fact("sha256", "SHA-256", sha256(path));
  }

  private static String sha256(Path path) throws IOException {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      try (InputStream in = Files.newInputStream(path)) {
        byte[] block = new byte[1 << 16];
        for (int read = in.read(block); read >= 0; read = in.read(block)) {
          digest.update(block, 0, read);
        }
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
