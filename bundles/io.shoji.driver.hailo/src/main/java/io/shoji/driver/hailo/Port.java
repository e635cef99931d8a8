/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.hailo;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.driver.memory.NativeMemory;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;

/**
 * A stream as HailoRT describes it, and the tensor that a caller sees of it.
 *
 * @param handle of the vstream
 * @param frameBytes of one image, as the device takes or gives it
 * @param boxes how boxes are laid out; null for anything else
 */
record Port(
    String name, long handle, long frameBytes, TensorSpec spec, @Nullable Detections boxes) {
  private static final int NHWC = 1;
  private static final int NHW = 5;
  private static final int NC = 6;
  private static final int NMS = 9;
  private static final int RGB888 = 10;
  private static final int NCHW = 11;
  private static final int NMS_WITH_BYTE_MASK = 20;
  private static final int NMS_BY_CLASS = 22;
  private static final int NMS_BY_SCORE = 23;
  private static final int MOST_FEATURES = 65_536;

  /**
   * Asks a stream what it is.
   *
   * @throws AcceleratorException UNSUPPORTED for an order of elements that tensors cannot have,
   *     INCOMPATIBLE_RUNTIME if what the library says contradicts itself
   */
  static Port of(HailoRt api, long handle, boolean input, int batch, String artifact)
      throws AcceleratorException {
    HailoLayout layout = api.layout();
    try (NativeMemory info = HailoRt.memory(layout.size("hailo_vstream_info_t"));
        NativeMemory format = HailoRt.memory(layout.size("hailo_format_t"));
        NativeMemory size = HailoRt.memory(Long.BYTES)) {
      api.check(
          "a stream does not say what it is " + artifact,
          input
              ? HailoFunction.hailo_get_input_vstream_info
              : HailoFunction.hailo_get_output_vstream_info,
          handle,
          info.address());
      api.check(
          "a stream does not say its format " + artifact,
          input
              ? HailoFunction.hailo_get_input_vstream_user_format
              : HailoFunction.hailo_get_output_vstream_user_format,
          handle,
          format.address());
      api.check(
          "a stream does not say how large a frame is " + artifact,
          input
              ? HailoFunction.hailo_get_input_vstream_frame_size
              : HailoFunction.hailo_get_output_vstream_frame_size,
          handle,
          size.address());
      ByteBuffer fields = info.buffer();
      String name = HailoRt.text(fields, layout.at("hailo_vstream_info_t.name"), 128);
      int order = format.buffer().getInt(layout.at("hailo_format_t.order"));
      if (order == 0) {
        order =
            fields.getInt(
                layout.at("hailo_vstream_info_t.format") + layout.at("hailo_format_t.order"));
      }
      int type = format.buffer().getInt(layout.at("hailo_format_t.type"));
      Detections boxes = boxes(layout, fields, order);
      TensorSpec spec =
          boxes != null
              ? TensorSpec.of(
                  name, ElementType.FLOAT32, Shape.of(batch, boxes.rows(), Detections.COLUMNS))
              : quantized(
                  api,
                  handle,
                  input,
                  TensorSpec.of(
                      name,
                      type(type, name, artifact),
                      shape(layout, fields, order, batch, name, artifact)));
      Port port = new Port(name, handle, size.buffer().getLong(0), spec, boxes);
      port.requireSize(batch, api, artifact);
      return port;
    }
  }

  private static @Nullable Detections boxes(HailoLayout layout, ByteBuffer fields, int order) {
    int at = layout.at("hailo_vstream_info_t.nms_shape");
    int classes = fields.getInt(at + layout.at("hailo_nms_shape_t.number_of_classes"));
    return switch (order) {
      case NMS, NMS_BY_CLASS ->
          new Detections(
              false,
              classes,
              fields.getInt(at + layout.at("hailo_nms_shape_t.max_bboxes_per_class")));
      case NMS_BY_SCORE ->
          new Detections(
              true, classes, fields.getInt(at + layout.at("hailo_nms_shape_t.max_bboxes_total")));
      default -> null;
    };
  }

  private static ElementType type(int type, String name, String artifact)
      throws AcceleratorException {
    return switch (type) {
      case 1 -> ElementType.UINT8;
      case 2 -> ElementType.UINT16;
      case 3 -> ElementType.FLOAT32;
      default ->
          throw new AcceleratorException(
              Code.INCOMPATIBLE_RUNTIME,
              "HailoRT gives a stream an element type that this driver does not know stream="
                  + name
                  + " type="
                  + type
                  + " "
                  + artifact);
    };
  }

  private static Shape shape(
      HailoLayout layout, ByteBuffer fields, int order, int batch, String name, String artifact)
      throws AcceleratorException {
    int at = layout.at("hailo_vstream_info_t.shape");
    int height = fields.getInt(at + layout.at("hailo_3d_image_shape_t.height"));
    int width = fields.getInt(at + layout.at("hailo_3d_image_shape_t.width"));
    int features = fields.getInt(at + layout.at("hailo_3d_image_shape_t.features"));
    return switch (order) {
      case NHWC, RGB888 -> Shape.of(batch, height, width, features);
      case NHW -> Shape.of(batch, height, width);
      case NC -> Shape.of(batch, features);
      case NCHW -> Shape.of(batch, features, height, width);
      case NMS_WITH_BYTE_MASK ->
          throw new AcceleratorException(
              Code.UNSUPPORTED,
              "a stream gives boxes with a mask of pixels for each, which have no fixed shape; compile the"
                  + " model with boxes by class or by score, or without non-maximum suppression stream="
                  + name
                  + " order=HAILO_NMS_WITH_BYTE_MASK "
                  + artifact);
      default ->
          throw new AcceleratorException(
              Code.UNSUPPORTED,
              "a stream has an order of elements that no tensor has; compile the model with NHWC,"
                  + " NHW, NC or NCHW, or with boxes by class or by score stream="
                  + name
                  + " order="
                  + order
                  + " "
                  + artifact);
    };
  }

  /** Integers with their scales: one for the tensor, or one for each feature. */
  private static TensorSpec quantized(HailoRt api, long handle, boolean input, TensorSpec spec)
      throws AcceleratorException {
    if (spec.type().isFloatingPoint()) {
      return spec;
    }
    HailoLayout layout = api.layout();
    int size = layout.size("hailo_quant_info_t");
    int last = spec.shape().rank() - 1;
    int room = (int) Math.min(MOST_FEATURES, Math.max(1, spec.shape().dim(last)));
    try (NativeMemory infos = HailoRt.memory(room * size);
        NativeMemory count = HailoRt.memory(Long.BYTES)) {
      count.buffer().putLong(0, room);
      int status =
          api.call(
              input
                  ? HailoFunction.hailo_get_input_vstream_quant_infos
                  : HailoFunction.hailo_get_output_vstream_quant_infos,
              handle,
              infos.address(),
              count.address());
      int found = (int) count.buffer().getLong(0);
      if (status != HailoStatus.SUCCESS || found < 1 || (found > 1 && found != room)) {
        return spec;
      }
      float[] scales = new float[found];
      int[] zeros = new int[found];
      for (int i = 0; i < found; i++) {
        scales[i] = infos.buffer().getFloat(i * size + layout.at("hailo_quant_info_t.qp_scale"));
        zeros[i] =
            Math.round(infos.buffer().getFloat(i * size + layout.at("hailo_quant_info_t.qp_zp")));
        if (!(scales[i] > 0) || Float.isInfinite(scales[i])) {
          return spec;
        }
      }
      return spec.withQuantization(
          found == 1
              ? Quantization.perTensor(scales[0], zeros[0])
              : Quantization.perAxis(last, scales, zeros));
    }
  }

  /** The one check of the layout that the library itself allows: both must come to one size. */
  private void requireSize(int batch, HailoRt api, String artifact) throws AcceleratorException {
    long asked =
        boxes != null ? boxes.frameBytes() : spec.type().bytes(spec.shape().elementCount()) / batch;
    if (asked != frameBytes) {
      throw new AcceleratorException(
          Code.INCOMPATIBLE_RUNTIME,
          "HailoRT's frame is of another size than its description comes to; this driver was not"
              + " made for it asked="
              + asked
              + " found="
              + frameBytes
              + " stream="
              + name
              + " release="
              + api.version()
              + " "
              + artifact);
    }
  }

  /** The stream itself. */
  FramePipeline.Stream stream() {
    return new FramePipeline.Stream(name, handle, frameBytes);
  }
}
