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

/** What a model may run on, each with its own demands. */
enum Target {
  /** ONNX Runtime on a processor. */
  CPU_ONNX("cpu-onnx", "processor, ONNX Runtime"),
  /** TensorFlow Lite on a processor. */
  CPU_TFLITE("cpu-tflite", "processor, TensorFlow Lite"),
  /** Jetsons. */
  TENSORRT("tensorrt", "Jetson, TensorRT"),
  /** Coral. */
  EDGETPU("edgetpu", "Coral Edge TPU"),
  /** Hailo-8. */
  HAILO8("hailo8", "Hailo-8"),
  /** Hailo-8L. */
  HAILO8L("hailo8l", "Hailo-8L"),
  /** Intel's processors and graphics. */
  OPENVINO("openvino", "Intel CPU, GPU, NPU"),
  /** Movidius Myriad X. */
  MYRIAD("myriad", "Movidius Myriad X");

  private final String id;
  private final String title;

  Target(String id, String title) {
    this.id = id;
    this.title = title;
  }

  /** As users write it. */
  String id() {
    return id;
  }

  /** For people. */
  String title() {
    return title;
  }
}
