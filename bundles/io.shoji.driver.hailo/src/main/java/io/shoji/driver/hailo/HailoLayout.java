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

import java.util.HashMap;
import java.util.Map;

/**
 * Sizes of HailoRT's structures and places of their fields, in bytes, by the library's release:
 * they changed at 4.20 and again at 4.21. The names are the header's. The same on x86-64 and
 * aarch64.
 */
final class HailoLayout {
  /** Room for {@code hailo_configure_params_t}, of which only a few fields are ever touched. */
  static final int CONFIGURE_PARAMS_ROOM = 128 * 1024;

  private final Map<String, Integer> sizes = new HashMap<>();
  private final Map<String, Integer> places = new HashMap<>();

  private HailoLayout(int minor) {
    boolean wide = minor >= 20;
    struct("hailo_version_t", 12).field("major", 0).field("minor", 4).field("revision", 8);
    struct("hailo_device_id_t", 32).field("id", 0);
    struct("hailo_vdevice_params_t", 40)
        .field("device_count", 0)
        .field("device_ids", 8)
        .field("scheduling_algorithm", 16)
        .field("group_id", 24)
        .field("multi_process_service", 32);
    struct("hailo_device_identity_t", 140)
        .field("fw_version", 4)
        .field("board_name_length", 20)
        .field("board_name", 21)
        .field("device_architecture", 56)
        .field("serial_number_length", 60)
        .field("serial_number", 61)
        .field("product_name_length", 94)
        .field("product_name", 95);
    struct("hailo_device_supported_features_t", 5).field("current_monitoring", 3);
    struct("hailo_extended_device_information_t", minor >= 21 ? 96 : 92)
        .field("supported_features", 4);
    struct("hailo_format_t", 12).field("type", 0).field("order", 4).field("flags", 8);
    struct("hailo_quant_info_t", 16).field("qp_zp", 0).field("qp_scale", 4);
    struct("hailo_vstream_params_t", 28)
        .field("user_buffer_format", 0)
        .field("timeout_ms", 12)
        .field("queue_size", 16);
    struct("hailo_input_vstream_params_by_name_t", 156).field("name", 0).field("params", 128);
    struct("hailo_output_vstream_params_by_name_t", 156).field("name", 0).field("params", 128);
    struct("hailo_3d_image_shape_t", 12).field("height", 0).field("width", 4).field("features", 8);
    struct("hailo_nms_shape_t", wide ? 16 : 12)
        .field("number_of_classes", 0)
        .field("max_bboxes_per_class", 4);
    if (wide) {
      // Up to 4.20 one place for both.
      field("max_bboxes_total", minor >= 21 ? 8 : 4);
    }
    struct("hailo_vstream_info_t", wide ? 436 : 432)
        .field("name", 0)
        .field("network_name", 128)
        .field("direction", 388)
        .field("format", 392)
        .field("shape", 404)
        .field("nms_shape", 404)
        .field("quant_info", wide ? 420 : 416);
    struct("hailo_configure_network_group_params_t", 10_560)
        .field("name", 0)
        .field("batch_size", 128)
        .field("power_mode", 132);
    struct("hailo_configure_params_t", 84_488)
        .field("network_group_params_count", 0)
        .field("network_group_params", 8);
    struct("hailo_network_group_info_t", 129).field("name", 0);
    struct("hailo_chip_temperature_info_t", 12)
        .field("ts0_temperature", 0)
        .field("ts1_temperature", 4);
    struct("hailo_notification_t", 28).field("id", 0).field("body", 8);
    struct("hailo_health_monitor_temperature_alarm_notification_message_t", 16)
        .field("temperature_zone", 0)
        .field("ts0_temperature", 8)
        .field("ts1_temperature", 12);
    struct("hailo_health_monitor_overcurrent_alert_notification_message_t", minor >= 18 ? 9 : 12)
        .field("overcurrent_zone", 0)
        .field("exceeded_alert_threshold", 4);
    struct("hailo_power_measurement_data_t", 20).field("average_value", 0);
    struct("hailo_bbox_float32_t", 20)
        .field("y_min", 0)
        .field("x_min", 4)
        .field("y_max", 8)
        .field("x_max", 12)
        .field("score", 16);
    if (wide) {
      struct("hailo_detection_t", 22)
          .field("y_min", 0)
          .field("x_min", 4)
          .field("y_max", 8)
          .field("x_max", 12)
          .field("score", 16)
          .field("class_id", 20);
    }
  }

  private String last = "";

  private HailoLayout struct(String name, int bytes) {
    last = name;
    sizes.put(name, bytes);
    return this;
  }

  private HailoLayout field(String name, int at) {
    places.put(last + "." + name, at);
    return this;
  }

  /** The layout of release 4.{@code minor}; minor is 15 to 23. */
  static HailoLayout of(int minor) {
    return new HailoLayout(minor);
  }

  /** Size of a structure. */
  int size(String struct) {
    return known(sizes, struct);
  }

  /** Place of a field in its structure, as {@code hailo_format_t.order}. */
  int at(String field) {
    return known(places, field);
  }

  private static int known(Map<String, Integer> table, String name) {
    Integer found = table.get(name);
    if (found == null) {
      throw new IllegalArgumentException("this release has no such thing name=" + name);
    }
    return found;
  }

  /** All sizes, by structure. */
  Map<String, Integer> sizes() {
    return Map.copyOf(sizes);
  }

  /** All places, by structure and field. */
  Map<String, Integer> places() {
    return Map.copyOf(places);
  }
}
