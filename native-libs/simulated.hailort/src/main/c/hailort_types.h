/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */

/*
 * Types of HailoRT's C interface that the simulator uses, in the layout of LAYOUT; hailort_facts.h holds them to the facts.
 */
#ifndef SHOJI_HAILORT_TYPES_H
#define SHOJI_HAILORT_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  HAILO_SUCCESS = 0,
  HAILO_INVALID_ARGUMENT = 2,
  HAILO_OUT_OF_HOST_MEMORY = 3,
  HAILO_TIMEOUT = 4,
  HAILO_INSUFFICIENT_BUFFER = 5,
  HAILO_INVALID_OPERATION = 6,
  HAILO_NOT_IMPLEMENTED = 7,
  HAILO_OPEN_FILE_FAILURE = 13,
  HAILO_INVALID_HEF = 26,
  HAILO_DRIVER_OPERATION_FAILED = 36,
  HAILO_NOT_FOUND = 61,
  HAILO_STREAM_ABORT = 63,
  HAILO_DEVICE_IN_USE = 73,
  HAILO_OUT_OF_PHYSICAL_DEVICES = 74,
  HAILO_RPC_FAILED = 77,
  HAILO_NOT_SUPPORTED = 79,
  HAILO_HEF_FILE_CORRUPTED = 91,
  HAILO_HEF_NOT_SUPPORTED = 92,
  HAILO_HEF_NOT_COMPATIBLE_WITH_DEVICE = 93
};
enum { TYPE_AUTO, TYPE_UINT8, TYPE_UINT16, TYPE_FLOAT32 };
enum { ORDER_AUTO = 0, ORDER_NHWC = 1, ORDER_NC = 6, ORDER_NMS = 9, ORDER_NMS_WITH_BYTE_MASK = 20, ORDER_NMS_BY_CLASS = 22, ORDER_NMS_BY_SCORE = 23 };
enum { H2D, D2H };
enum { NOTIFICATION_TEMPERATURE = 1, NOTIFICATION_OVERCURRENT = 3, NOTIFICATIONS = 16 };
enum { ZONE_GREEN, ZONE_ORANGE, ZONE_RED };
enum { ARCH_HAILO8 = 1, ARCH_HAILO8L = 2 };
enum { MOST_NAME = 128, MOST_NETWORK_NAME = 257, MOST_GROUPS = 8, MOST_NETWORKS = 8, MOST_STREAMS = 40 };

typedef struct {
  uint32_t major;
  uint32_t minor;
  uint32_t revision;
} hailo_version_t;

typedef struct {
  char id[32];
} hailo_device_id_t;

typedef struct {
  uint32_t domain;
  uint32_t bus;
  uint32_t device;
  uint32_t func;
} hailo_pcie_device_info_t;

typedef struct {
  uint32_t device_count;
  hailo_device_id_t *device_ids;
  uint32_t scheduling_algorithm;
  const char *group_id;
  bool multi_process_service;
} hailo_vdevice_params_t;

typedef hailo_version_t hailo_firmware_version_t;

typedef struct {
  uint32_t protocol_version;
  hailo_firmware_version_t fw_version;
  uint32_t logger_version;
  uint8_t board_name_length;
  char board_name[32];
  bool is_release;
  bool extended_context_switch_buffer;
  uint32_t device_architecture;
  uint8_t serial_number_length;
  char serial_number[16];
  uint8_t part_number_length;
  char part_number[16];
  uint8_t product_name_length;
  char product_name[42];
} hailo_device_identity_t;

typedef struct {
  bool ethernet;
  bool mipi;
  bool pcie;
  bool current_monitoring;
  bool mdio;
} hailo_device_supported_features_t;

typedef struct {
  uint32_t neural_network_core_clock_rate;
  hailo_device_supported_features_t supported_features;
  uint32_t boot_source;
  uint8_t soc_id[32];
  uint8_t lcs;
  uint8_t eth_mac_address[6];
  uint8_t unit_level_tracking_id[12];
  uint8_t soc_pm_values[24];
#if LAYOUT >= 421
  uint16_t gpio_mask;
#endif
} hailo_extended_device_information_t;

typedef struct {
  uint32_t type;
  uint32_t order;
  uint32_t flags;
} hailo_format_t;

typedef struct {
  float qp_zp;
  float qp_scale;
  float limvals_min;
  float limvals_max;
} hailo_quant_info_t;

typedef struct {
  hailo_format_t user_buffer_format;
  uint32_t timeout_ms;
  uint32_t queue_size;
  uint32_t vstream_stats_flags;
  uint32_t pipeline_elements_stats_flags;
} hailo_vstream_params_t;

typedef struct {
  char name[MOST_NAME];
  hailo_vstream_params_t params;
} hailo_input_vstream_params_by_name_t;

typedef hailo_input_vstream_params_by_name_t hailo_output_vstream_params_by_name_t;

typedef struct {
  uint32_t height;
  uint32_t width;
  uint32_t features;
} hailo_3d_image_shape_t;

typedef struct {
  uint32_t number_of_classes;
#if LAYOUT == 415
  uint32_t max_bboxes_per_class;
  uint32_t max_accumulated_mask_size;
#elif LAYOUT == 420
  union {
    uint32_t max_bboxes_per_class;
    uint32_t max_bboxes_total;
  };
  uint32_t max_accumulated_mask_size;
  uint32_t order_type;
#else
  uint32_t max_bboxes_per_class;
  uint32_t max_bboxes_total;
  uint32_t max_accumulated_mask_size;
#endif
} hailo_nms_shape_t;

typedef struct {
  char name[MOST_NAME];
  char network_name[MOST_NETWORK_NAME];
  uint32_t direction;
  hailo_format_t format;
  union {
    hailo_3d_image_shape_t shape;
    hailo_nms_shape_t nms_shape;
  };
  hailo_quant_info_t quant_info;
} hailo_vstream_info_t;

typedef struct {
  char name[MOST_NAME];
  uint32_t stream_params[20];
} hailo_stream_parameters_by_name_t;

typedef struct {
  char name[MOST_NETWORK_NAME];
  uint16_t network_params;
} hailo_network_parameters_by_name_t;

typedef struct {
  char name[MOST_NAME];
  uint16_t batch_size;
  uint32_t power_mode;
  uint32_t latency;
  size_t stream_params_by_name_count;
  hailo_stream_parameters_by_name_t stream_params_by_name[MOST_STREAMS];
  size_t network_params_by_name_count;
  hailo_network_parameters_by_name_t network_params_by_name[MOST_NETWORKS];
} hailo_configure_network_group_params_t;

typedef struct {
  size_t network_group_params_count;
  hailo_configure_network_group_params_t network_group_params[MOST_GROUPS];
} hailo_configure_params_t;

typedef struct {
  char name[MOST_NAME];
  bool is_multi_context;
} hailo_network_group_info_t;

typedef struct {
  char name[MOST_NETWORK_NAME];
} hailo_network_info_t;

typedef struct {
  float ts0_temperature;
  float ts1_temperature;
  uint16_t sample_count;
} hailo_chip_temperature_info_t;

typedef struct {
  float average_value;
  float average_time_value_milliseconds;
  float min_value;
  float max_value;
  uint32_t total_number_of_samples;
} hailo_power_measurement_data_t;

/* Packed since 4.18; only the size of the message of over-current tells. */
#if LAYOUT > 415
#pragma pack(push, 1)
#endif
typedef struct {
  uint32_t temperature_zone;
  uint32_t alarm_ts_id;
  float ts0_temperature;
  float ts1_temperature;
} hailo_health_monitor_temperature_alarm_notification_message_t;

typedef struct {
  uint32_t overcurrent_zone;
  float exceeded_alert_threshold;
  bool is_last_overcurrent_violation_reached;
} hailo_health_monitor_overcurrent_alert_notification_message_t;

typedef struct {
  uint32_t id;
  uint32_t sequence;
  union {
    uint32_t whole[5];
    hailo_health_monitor_temperature_alarm_notification_message_t temperature;
    hailo_health_monitor_overcurrent_alert_notification_message_t overcurrent;
  } body;
} hailo_notification_t;
#if LAYOUT > 415
#pragma pack(pop)
#endif

struct device;
typedef void (*hailo_notification_callback)(struct device *device, const hailo_notification_t *notification, void *opaque);

#pragma pack(push, 1)
typedef struct {
  float y_min;
  float x_min;
  float y_max;
  float x_max;
  float score;
} hailo_bbox_float32_t;

typedef struct {
  float y_min;
  float x_min;
  float y_max;
  float x_max;
  float score;
  uint16_t class_id;
} hailo_detection_t;
#pragma pack(pop)

#endif
