/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.accelerator;

/**
 * Names of the model formats that the drivers of this project load; third parties may add their
 * own.
 */
public final class ModelFormats {
  /** ONNX {@code ModelProto}. */
  public static final String ONNX = "onnx";

  /** TensorFlow Lite flatbuffer without custom operators. */
  public static final String TFLITE = "tflite";

  /** TensorFlow Lite flatbuffer that went through the Edge TPU compiler. */
  public static final String EDGETPU_TFLITE = "edgetpu-tflite";

  /** Hailo executable format. */
  public static final String HEF = "hef";

  /** OpenVINO intermediate representation: {@code .xml} first, {@code .bin} second. */
  public static final String OPENVINO_IR = "openvino-ir";

  /** A model that a server holds; the artifact's file is its description. */
  public static final String REMOTE = "remote";

  private ModelFormats() {}
}
