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

import io.shoji.accelerator.ModelFormats;
import io.shoji.cli.Shoji;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** A vendor's compiler, what it takes, and how it is called. */
enum VendorTarget {
  /** Hailo-8. */
  HAILO8("hef", "hailo8", ".hef"),
  /** Hailo-8L. */
  HAILO8L("hef", "hailo8l", ".hef"),
  /** Coral. */
  EDGETPU("edgetpu-tflite", "", "_edgetpu.tflite"),
  /** Jetson, and NVIDIA GPUs. */
  TENSORRT(ModelFacts.TENSORRT_ENGINE, "", ".engine");

  private final String format;
  private final String architecture;
  private final String suffix;

  VendorTarget(String format, String architecture, String suffix) {
    this.format = format;
    this.architecture = architecture;
    this.suffix = suffix;
  }

  /** Of what comes back, see {@link ModelFormats}. */
  String format() {
    return format;
  }

  boolean isHailo() {
    return this == HAILO8 || this == HAILO8L;
  }

  /** Name of the file that comes back. */
  String resultName(String name) {
    return name + suffix;
  }

  /** What the model must be. */
  String takes() {
    return this == EDGETPU ? ModelFormats.TFLITE : ModelFormats.ONNX;
  }

  /** Whether the compiler chooses ranges by itself, from samples. */
  boolean calibrates() {
    return isHailo();
  }

  /** The vendor's tool, with the versions whose options the script uses. */
  String tool() {
    return switch (this) {
      case HAILO8, HAILO8L -> "Hailo Dataflow Compiler 3.30 to 3.33";
      case EDGETPU -> "Edge TPU Compiler 14.1 to 16.0";
      case TENSORRT -> "trtexec of TensorRT 8.6 to 10.16";
    };
  }

  /**
   * The script that makes the file.
   *
   * @param name of the model, safe for a shell
   * @param inputs of the model
   * @param facts of the model
   */
  String script(String name, List<TensorSpec> inputs, ModelFacts facts) {
    String commands =
        switch (this) {
          case HAILO8, HAILO8L -> hailo(name, inputs);
          case EDGETPU ->
              "edgetpu_compiler --out_dir . "
                  + name
                  + ".tflite\n# Its log says which operations stay on the CPU: "
                  + name
                  + "_edgetpu.log\n";
          case TENSORRT -> tensorrt(name, inputs, facts);
        };
    return "#!/bin/sh\n# For "
        + tool()
        + ". Made by "
        + Shoji.version()
        + ".\nset -eu\ncd \"$(dirname \"$0\")\"\n"
        + commands
        + "sha256sum "
        + resultName(name)
        + "\n";
  }

  private String hailo(String name, List<TensorSpec> inputs) {
    String shapes =
        inputs.stream().anyMatch(i -> i.shape().isDynamic())
            ? " --tensor-shapes "
                + inputs.stream()
                    .map(i -> i.name() + "=" + list(i.shape().withDynamicAs(1)))
                    .collect(Collectors.joining(" "))
            : "";
    return "hailo parser onnx "
        + name
        + ".onnx --hw-arch "
        + architecture
        + " --har-path "
        + name
        + ".har"
        + shapes
        + " -y\nhailo optimize "
        + name
        + ".har --hw-arch "
        + architecture
        + " --calib-set-path calibration.npy --output-har-path "
        + name
        + "_optimized.har\nhailo compiler "
        + name
        + "_optimized.har --hw-arch "
        + architecture
        + " --output-dir .\n";
  }

  private static String tensorrt(String name, List<TensorSpec> inputs, ModelFacts facts) {
    StringBuilder shapes = new StringBuilder();
    if (inputs.stream().anyMatch(i -> i.shape().isDynamic())) {
      String spec =
          inputs.stream()
              .map(i -> i.name() + ":" + times(i.shape().withDynamicAs(1)))
              .collect(Collectors.joining(","));
      for (String which : List.of("min", "opt", "max")) {
        shapes.append(" --").append(which).append("Shapes=").append(spec);
      }
    }
    String precision =
        switch (facts.precision()) {
          case INT8 -> "--int8 --fp16";
          case FP16, FP32, INT4 -> "--fp16";
        };
    return "# An engine runs on the chip and with the TensorRT that built it: run this on the device.\n"
        + "# TensorRT 11 takes the precision from the model and has no such options: PRECISION= ./compile.sh\n"
        + "PATH=\"$PATH:/usr/src/tensorrt/bin\"\n"
        + "trtexec --onnx="
        + name
        + ".onnx --saveEngine="
        + name
        + ".engine ${PRECISION-"
        + precision
        + "}"
        + shapes
        + "\n";
  }

  private static String list(Shape shape) {
    return "["
        + java.util.Arrays.stream(shape.dims())
            .mapToObj(Long::toString)
            .collect(Collectors.joining(","))
        + "]";
  }

  private static String times(Shape shape) {
    return java.util.Arrays.stream(shape.dims())
        .mapToObj(Long::toString)
        .collect(Collectors.joining("x"));
  }

  /** As on the command line. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
