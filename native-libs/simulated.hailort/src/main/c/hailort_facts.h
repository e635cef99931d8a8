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
 * Facts of HailoRT's C interface, made from its headers: functions that each version exports and the layout of structures, as
 * compilers for x86-64 and aarch64 lay them out. LAYOUT is the first version that has what is compiled: 415, 420 or 421.
 */
#ifndef SHOJI_HAILORT_FACTS_H
#define SHOJI_HAILORT_FACTS_H

#include <stddef.h>

#include "hailort_types.h"

/* Functions that this simulator has. */
#define COMPUTED(FUNCTION) \
  FUNCTION(hailo_get_library_version) \
  FUNCTION(hailo_get_status_message) \
  FUNCTION(hailo_scan_devices) \
  FUNCTION(hailo_create_device_by_id) \
  FUNCTION(hailo_release_device) \
  FUNCTION(hailo_identify) \
  FUNCTION(hailo_get_extended_device_information) \
  FUNCTION(hailo_get_throttling_state) \
  FUNCTION(hailo_get_device_id) \
  FUNCTION(hailo_get_chip_temperature) \
  FUNCTION(hailo_reset_device) \
  FUNCTION(hailo_set_notification_callback) \
  FUNCTION(hailo_remove_notification_callback) \
  FUNCTION(hailo_init_vdevice_params) \
  FUNCTION(hailo_create_vdevice) \
  FUNCTION(hailo_configure_vdevice) \
  FUNCTION(hailo_get_physical_devices) \
  FUNCTION(hailo_vdevice_get_physical_devices_ids) \
  FUNCTION(hailo_release_vdevice) \
  FUNCTION(hailo_power_measurement) \
  FUNCTION(hailo_start_power_measurement) \
  FUNCTION(hailo_set_power_measurement) \
  FUNCTION(hailo_get_power_measurement) \
  FUNCTION(hailo_stop_power_measurement) \
  FUNCTION(hailo_create_hef_file) \
  FUNCTION(hailo_create_hef_buffer) \
  FUNCTION(hailo_release_hef) \
  FUNCTION(hailo_hef_get_all_vstream_infos) \
  FUNCTION(hailo_init_configure_params_by_vdevice) \
  FUNCTION(hailo_get_network_groups_infos) \
  FUNCTION(hailo_hef_get_network_infos) \
  FUNCTION(hailo_set_scheduler_timeout) \
  FUNCTION(hailo_set_scheduler_threshold) \
  FUNCTION(hailo_set_scheduler_priority) \
  FUNCTION(hailo_make_input_vstream_params) \
  FUNCTION(hailo_make_output_vstream_params) \
  FUNCTION(hailo_create_input_vstreams) \
  FUNCTION(hailo_create_output_vstreams) \
  FUNCTION(hailo_get_input_vstream_frame_size) \
  FUNCTION(hailo_get_output_vstream_frame_size) \
  FUNCTION(hailo_get_input_vstream_info) \
  FUNCTION(hailo_get_output_vstream_info) \
  FUNCTION(hailo_get_input_vstream_user_format) \
  FUNCTION(hailo_get_output_vstream_user_format) \
  FUNCTION(hailo_get_input_vstream_quant_infos) \
  FUNCTION(hailo_get_output_vstream_quant_infos) \
  FUNCTION(hailo_get_vstream_frame_size) \
  FUNCTION(hailo_vstream_write_raw_buffer) \
  FUNCTION(hailo_vstream_read_raw_buffer) \
  FUNCTION(hailo_flush_input_vstream) \
  FUNCTION(hailo_vstream_set_nms_score_threshold) \
  FUNCTION(hailo_release_input_vstreams) \
  FUNCTION(hailo_release_output_vstreams) \
  FUNCTION(hailo_device_get_type_by_device_id) \
  FUNCTION(hailo_parse_pcie_device_info) \
  FUNCTION(hailo_is_qp_valid) \
  FUNCTION(hailo_get_network_infos)

/* Functions that say HAILO_NOT_IMPLEMENTED. */
#define REFUSED(FUNCTION) \
  FUNCTION(hailo_scan_pcie_devices) \
  FUNCTION(hailo_create_pcie_device) \
  FUNCTION(hailo_scan_ethernet_devices) \
  FUNCTION(hailo_create_ethernet_device) \
  FUNCTION(hailo_core_identify) \
  FUNCTION(hailo_set_fw_logger) \
  FUNCTION(hailo_set_throttling_state) \
  FUNCTION(hailo_wd_enable) \
  FUNCTION(hailo_wd_disable) \
  FUNCTION(hailo_wd_config) \
  FUNCTION(hailo_get_previous_system_state) \
  FUNCTION(hailo_set_pause_frames) \
  FUNCTION(hailo_update_firmware) \
  FUNCTION(hailo_update_second_stage) \
  FUNCTION(hailo_reset_sensor) \
  FUNCTION(hailo_set_sensor_i2c_bus_index) \
  FUNCTION(hailo_load_and_start_sensor) \
  FUNCTION(hailo_i2c_read) \
  FUNCTION(hailo_i2c_write) \
  FUNCTION(hailo_dump_sensor_config) \
  FUNCTION(hailo_store_sensor_config) \
  FUNCTION(hailo_store_isp_config) \
  FUNCTION(hailo_test_chip_memories) \
  FUNCTION(hailo_hef_get_all_stream_infos) \
  FUNCTION(hailo_hef_get_stream_info_by_name) \
  FUNCTION(hailo_hef_get_vstream_name_from_original_name) \
  FUNCTION(hailo_hef_get_original_names_from_vstream_name) \
  FUNCTION(hailo_hef_get_vstream_names_from_stream_name) \
  FUNCTION(hailo_hef_get_stream_names_from_vstream_name) \
  FUNCTION(hailo_hef_get_sorted_output_names) \
  FUNCTION(hailo_hef_get_bottleneck_fps) \
  FUNCTION(hailo_calculate_eth_input_rate_limits) \
  FUNCTION(hailo_init_configure_params) \
  FUNCTION(hailo_init_configure_params_by_device) \
  FUNCTION(hailo_init_configure_params_mipi_input) \
  FUNCTION(hailo_init_configure_network_group_params) \
  FUNCTION(hailo_init_configure_network_group_params_mipi_input) \
  FUNCTION(hailo_configure_device) \
  FUNCTION(hailo_wait_for_network_group_activation) \
  FUNCTION(hailo_network_group_get_all_stream_infos) \
  FUNCTION(hailo_network_group_get_input_stream_infos) \
  FUNCTION(hailo_network_group_get_output_stream_infos) \
  FUNCTION(hailo_activate_network_group) \
  FUNCTION(hailo_deactivate_network_group) \
  FUNCTION(hailo_get_input_stream) \
  FUNCTION(hailo_get_output_stream) \
  FUNCTION(hailo_get_latency_measurement) \
  FUNCTION(hailo_allocate_buffer) \
  FUNCTION(hailo_free_buffer) \
  FUNCTION(hailo_set_input_stream_timeout) \
  FUNCTION(hailo_set_output_stream_timeout) \
  FUNCTION(hailo_get_input_stream_info) \
  FUNCTION(hailo_get_output_stream_info) \
  FUNCTION(hailo_get_input_stream_quant_infos) \
  FUNCTION(hailo_get_output_stream_quant_infos) \
  FUNCTION(hailo_stream_read_raw_buffer) \
  FUNCTION(hailo_stream_write_raw_buffer) \
  FUNCTION(hailo_stream_wait_for_async_output_ready) \
  FUNCTION(hailo_stream_wait_for_async_input_ready) \
  FUNCTION(hailo_output_stream_get_async_max_queue_size) \
  FUNCTION(hailo_input_stream_get_async_max_queue_size) \
  FUNCTION(hailo_stream_read_raw_buffer_async) \
  FUNCTION(hailo_stream_write_raw_buffer_async) \
  FUNCTION(hailo_create_input_transform_context) \
  FUNCTION(hailo_create_input_transform_context_by_stream) \
  FUNCTION(hailo_release_input_transform_context) \
  FUNCTION(hailo_is_input_transformation_required2) \
  FUNCTION(hailo_transform_frame_by_input_transform_context) \
  FUNCTION(hailo_is_output_transformation_required2) \
  FUNCTION(hailo_create_output_transform_context) \
  FUNCTION(hailo_create_output_transform_context_by_stream) \
  FUNCTION(hailo_release_output_transform_context) \
  FUNCTION(hailo_transform_frame_by_output_transform_context) \
  FUNCTION(hailo_create_demuxer_by_stream) \
  FUNCTION(hailo_release_output_demuxer) \
  FUNCTION(hailo_demux_raw_frame_by_output_demuxer) \
  FUNCTION(hailo_demux_by_name_raw_frame_by_output_demuxer) \
  FUNCTION(hailo_get_mux_infos_by_output_demuxer) \
  FUNCTION(hailo_fuse_nms_frames) \
  FUNCTION(hailo_hef_make_input_vstream_params) \
  FUNCTION(hailo_hef_make_output_vstream_params) \
  FUNCTION(hailo_get_output_vstream_groups) \
  FUNCTION(hailo_vstream_write_pix_buffer) \
  FUNCTION(hailo_vstream_set_nms_iou_threshold) \
  FUNCTION(hailo_vstream_set_nms_max_proposals_per_class) \
  FUNCTION(hailo_clear_input_vstreams) \
  FUNCTION(hailo_clear_output_vstreams) \
  FUNCTION(hailo_infer) \
  FUNCTION(hailo_set_sleep_state) \
  FUNCTION(hailo_is_input_transformation_required) \
  FUNCTION(hailo_is_output_transformation_required)

/* Functions that return a size, here 0. */
#define SIZES(FUNCTION) \
  FUNCTION(hailo_get_input_stream_frame_size) \
  FUNCTION(hailo_get_output_stream_frame_size) \
  FUNCTION(hailo_get_host_frame_size)

/* What came after 4.15, and what went. */
#if LAYOUT == 415
#define LATER(FUNCTION) \
  FUNCTION(hailo_dma_map_buffer_to_device) \
  FUNCTION(hailo_dma_unmap_buffer_from_device)
#else
#define LATER(FUNCTION) \
  FUNCTION(hailo_device_dma_map_buffer) \
  FUNCTION(hailo_device_dma_unmap_buffer) \
  FUNCTION(hailo_vdevice_dma_map_buffer) \
  FUNCTION(hailo_vdevice_dma_unmap_buffer) \
  FUNCTION(hailo_device_dma_map_dmabuf) \
  FUNCTION(hailo_device_dma_unmap_dmabuf) \
  FUNCTION(hailo_vdevice_dma_map_dmabuf) \
  FUNCTION(hailo_vdevice_dma_unmap_dmabuf)
#endif

#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), "size of " #type)
#define PLACE(type, field, at, bytes) \
  _Static_assert(offsetof(type, field) == (at) && sizeof(((type *)0)->field) == (bytes), #type "." #field)

SIZE(hailo_version_t, 12);
PLACE(hailo_version_t, major, 0, 4);
PLACE(hailo_version_t, minor, 4, 4);
PLACE(hailo_version_t, revision, 8, 4);
SIZE(hailo_device_id_t, 32);
PLACE(hailo_device_id_t, id, 0, 32);
SIZE(hailo_pcie_device_info_t, 16);
PLACE(hailo_pcie_device_info_t, domain, 0, 4);
PLACE(hailo_pcie_device_info_t, bus, 4, 4);
PLACE(hailo_pcie_device_info_t, device, 8, 4);
PLACE(hailo_pcie_device_info_t, func, 12, 4);
SIZE(hailo_vdevice_params_t, 40);
PLACE(hailo_vdevice_params_t, device_count, 0, 4);
PLACE(hailo_vdevice_params_t, device_ids, 8, 8);
PLACE(hailo_vdevice_params_t, scheduling_algorithm, 16, 4);
PLACE(hailo_vdevice_params_t, group_id, 24, 8);
PLACE(hailo_vdevice_params_t, multi_process_service, 32, 1);
SIZE(hailo_firmware_version_t, 12);
PLACE(hailo_firmware_version_t, major, 0, 4);
PLACE(hailo_firmware_version_t, minor, 4, 4);
PLACE(hailo_firmware_version_t, revision, 8, 4);
SIZE(hailo_device_identity_t, 140);
PLACE(hailo_device_identity_t, protocol_version, 0, 4);
PLACE(hailo_device_identity_t, fw_version, 4, 12);
PLACE(hailo_device_identity_t, logger_version, 16, 4);
PLACE(hailo_device_identity_t, board_name_length, 20, 1);
PLACE(hailo_device_identity_t, board_name, 21, 32);
PLACE(hailo_device_identity_t, is_release, 53, 1);
PLACE(hailo_device_identity_t, extended_context_switch_buffer, 54, 1);
PLACE(hailo_device_identity_t, device_architecture, 56, 4);
PLACE(hailo_device_identity_t, serial_number_length, 60, 1);
PLACE(hailo_device_identity_t, serial_number, 61, 16);
PLACE(hailo_device_identity_t, part_number_length, 77, 1);
PLACE(hailo_device_identity_t, part_number, 78, 16);
PLACE(hailo_device_identity_t, product_name_length, 94, 1);
PLACE(hailo_device_identity_t, product_name, 95, 42);
SIZE(hailo_device_supported_features_t, 5);
PLACE(hailo_device_supported_features_t, ethernet, 0, 1);
PLACE(hailo_device_supported_features_t, mipi, 1, 1);
PLACE(hailo_device_supported_features_t, pcie, 2, 1);
PLACE(hailo_device_supported_features_t, current_monitoring, 3, 1);
PLACE(hailo_device_supported_features_t, mdio, 4, 1);
#if LAYOUT == 415
SIZE(hailo_extended_device_information_t, 92);
PLACE(hailo_extended_device_information_t, neural_network_core_clock_rate, 0, 4);
PLACE(hailo_extended_device_information_t, supported_features, 4, 5);
PLACE(hailo_extended_device_information_t, boot_source, 12, 4);
PLACE(hailo_extended_device_information_t, soc_id, 16, 32);
PLACE(hailo_extended_device_information_t, lcs, 48, 1);
PLACE(hailo_extended_device_information_t, eth_mac_address, 49, 6);
PLACE(hailo_extended_device_information_t, unit_level_tracking_id, 55, 12);
PLACE(hailo_extended_device_information_t, soc_pm_values, 67, 24);
#elif LAYOUT == 420
SIZE(hailo_extended_device_information_t, 92);
PLACE(hailo_extended_device_information_t, neural_network_core_clock_rate, 0, 4);
PLACE(hailo_extended_device_information_t, supported_features, 4, 5);
PLACE(hailo_extended_device_information_t, boot_source, 12, 4);
PLACE(hailo_extended_device_information_t, soc_id, 16, 32);
PLACE(hailo_extended_device_information_t, lcs, 48, 1);
PLACE(hailo_extended_device_information_t, eth_mac_address, 49, 6);
PLACE(hailo_extended_device_information_t, unit_level_tracking_id, 55, 12);
PLACE(hailo_extended_device_information_t, soc_pm_values, 67, 24);
#else
SIZE(hailo_extended_device_information_t, 96);
PLACE(hailo_extended_device_information_t, neural_network_core_clock_rate, 0, 4);
PLACE(hailo_extended_device_information_t, supported_features, 4, 5);
PLACE(hailo_extended_device_information_t, boot_source, 12, 4);
PLACE(hailo_extended_device_information_t, soc_id, 16, 32);
PLACE(hailo_extended_device_information_t, lcs, 48, 1);
PLACE(hailo_extended_device_information_t, eth_mac_address, 49, 6);
PLACE(hailo_extended_device_information_t, unit_level_tracking_id, 55, 12);
PLACE(hailo_extended_device_information_t, soc_pm_values, 67, 24);
PLACE(hailo_extended_device_information_t, gpio_mask, 92, 2);
#endif
SIZE(hailo_format_t, 12);
PLACE(hailo_format_t, type, 0, 4);
PLACE(hailo_format_t, order, 4, 4);
PLACE(hailo_format_t, flags, 8, 4);
SIZE(hailo_quant_info_t, 16);
PLACE(hailo_quant_info_t, qp_zp, 0, 4);
PLACE(hailo_quant_info_t, qp_scale, 4, 4);
PLACE(hailo_quant_info_t, limvals_min, 8, 4);
PLACE(hailo_quant_info_t, limvals_max, 12, 4);
SIZE(hailo_vstream_params_t, 28);
PLACE(hailo_vstream_params_t, user_buffer_format, 0, 12);
PLACE(hailo_vstream_params_t, timeout_ms, 12, 4);
PLACE(hailo_vstream_params_t, queue_size, 16, 4);
PLACE(hailo_vstream_params_t, vstream_stats_flags, 20, 4);
PLACE(hailo_vstream_params_t, pipeline_elements_stats_flags, 24, 4);
SIZE(hailo_input_vstream_params_by_name_t, 156);
PLACE(hailo_input_vstream_params_by_name_t, name, 0, 128);
PLACE(hailo_input_vstream_params_by_name_t, params, 128, 28);
SIZE(hailo_output_vstream_params_by_name_t, 156);
PLACE(hailo_output_vstream_params_by_name_t, name, 0, 128);
PLACE(hailo_output_vstream_params_by_name_t, params, 128, 28);
SIZE(hailo_3d_image_shape_t, 12);
PLACE(hailo_3d_image_shape_t, height, 0, 4);
PLACE(hailo_3d_image_shape_t, width, 4, 4);
PLACE(hailo_3d_image_shape_t, features, 8, 4);
#if LAYOUT == 415
SIZE(hailo_nms_shape_t, 12);
PLACE(hailo_nms_shape_t, number_of_classes, 0, 4);
PLACE(hailo_nms_shape_t, max_bboxes_per_class, 4, 4);
PLACE(hailo_nms_shape_t, max_accumulated_mask_size, 8, 4);
#elif LAYOUT == 420
SIZE(hailo_nms_shape_t, 16);
PLACE(hailo_nms_shape_t, number_of_classes, 0, 4);
PLACE(hailo_nms_shape_t, max_bboxes_per_class, 4, 4);
PLACE(hailo_nms_shape_t, max_bboxes_total, 4, 4);
PLACE(hailo_nms_shape_t, max_accumulated_mask_size, 8, 4);
PLACE(hailo_nms_shape_t, order_type, 12, 4);
#else
SIZE(hailo_nms_shape_t, 16);
PLACE(hailo_nms_shape_t, number_of_classes, 0, 4);
PLACE(hailo_nms_shape_t, max_bboxes_per_class, 4, 4);
PLACE(hailo_nms_shape_t, max_bboxes_total, 8, 4);
PLACE(hailo_nms_shape_t, max_accumulated_mask_size, 12, 4);
#endif
#if LAYOUT == 415
SIZE(hailo_vstream_info_t, 432);
PLACE(hailo_vstream_info_t, name, 0, 128);
PLACE(hailo_vstream_info_t, network_name, 128, 257);
PLACE(hailo_vstream_info_t, direction, 388, 4);
PLACE(hailo_vstream_info_t, format, 392, 12);
PLACE(hailo_vstream_info_t, shape, 404, 12);
PLACE(hailo_vstream_info_t, nms_shape, 404, 12);
PLACE(hailo_vstream_info_t, quant_info, 416, 16);
#elif LAYOUT == 420
SIZE(hailo_vstream_info_t, 436);
PLACE(hailo_vstream_info_t, name, 0, 128);
PLACE(hailo_vstream_info_t, network_name, 128, 257);
PLACE(hailo_vstream_info_t, direction, 388, 4);
PLACE(hailo_vstream_info_t, format, 392, 12);
PLACE(hailo_vstream_info_t, shape, 404, 12);
PLACE(hailo_vstream_info_t, nms_shape, 404, 16);
PLACE(hailo_vstream_info_t, quant_info, 420, 16);
#else
SIZE(hailo_vstream_info_t, 436);
PLACE(hailo_vstream_info_t, name, 0, 128);
PLACE(hailo_vstream_info_t, network_name, 128, 257);
PLACE(hailo_vstream_info_t, direction, 388, 4);
PLACE(hailo_vstream_info_t, format, 392, 12);
PLACE(hailo_vstream_info_t, shape, 404, 12);
PLACE(hailo_vstream_info_t, nms_shape, 404, 16);
PLACE(hailo_vstream_info_t, quant_info, 420, 16);
#endif
SIZE(hailo_stream_parameters_by_name_t, 208);
PLACE(hailo_stream_parameters_by_name_t, name, 0, 128);
SIZE(hailo_network_parameters_by_name_t, 260);
PLACE(hailo_network_parameters_by_name_t, name, 0, 257);
PLACE(hailo_network_parameters_by_name_t, network_params, 258, 2);
SIZE(hailo_configure_network_group_params_t, 10560);
PLACE(hailo_configure_network_group_params_t, name, 0, 128);
PLACE(hailo_configure_network_group_params_t, batch_size, 128, 2);
PLACE(hailo_configure_network_group_params_t, power_mode, 132, 4);
PLACE(hailo_configure_network_group_params_t, latency, 136, 4);
PLACE(hailo_configure_network_group_params_t, stream_params_by_name_count, 144, 8);
PLACE(hailo_configure_network_group_params_t, stream_params_by_name, 152, 8320);
PLACE(hailo_configure_network_group_params_t, network_params_by_name_count, 8472, 8);
PLACE(hailo_configure_network_group_params_t, network_params_by_name, 8480, 2080);
SIZE(hailo_configure_params_t, 84488);
PLACE(hailo_configure_params_t, network_group_params_count, 0, 8);
PLACE(hailo_configure_params_t, network_group_params, 8, 84480);
SIZE(hailo_network_group_info_t, 129);
PLACE(hailo_network_group_info_t, name, 0, 128);
PLACE(hailo_network_group_info_t, is_multi_context, 128, 1);
SIZE(hailo_network_info_t, 257);
PLACE(hailo_network_info_t, name, 0, 257);
SIZE(hailo_chip_temperature_info_t, 12);
PLACE(hailo_chip_temperature_info_t, ts0_temperature, 0, 4);
PLACE(hailo_chip_temperature_info_t, ts1_temperature, 4, 4);
PLACE(hailo_chip_temperature_info_t, sample_count, 8, 2);
SIZE(hailo_power_measurement_data_t, 20);
PLACE(hailo_power_measurement_data_t, average_value, 0, 4);
PLACE(hailo_power_measurement_data_t, average_time_value_milliseconds, 4, 4);
PLACE(hailo_power_measurement_data_t, min_value, 8, 4);
PLACE(hailo_power_measurement_data_t, max_value, 12, 4);
PLACE(hailo_power_measurement_data_t, total_number_of_samples, 16, 4);
SIZE(hailo_bbox_float32_t, 20);
PLACE(hailo_bbox_float32_t, y_min, 0, 4);
PLACE(hailo_bbox_float32_t, x_min, 4, 4);
PLACE(hailo_bbox_float32_t, y_max, 8, 4);
PLACE(hailo_bbox_float32_t, x_max, 12, 4);
PLACE(hailo_bbox_float32_t, score, 16, 4);
SIZE(hailo_notification_t, 28);
PLACE(hailo_notification_t, id, 0, 4);
PLACE(hailo_notification_t, sequence, 4, 4);
PLACE(hailo_notification_t, body, 8, 20);
SIZE(hailo_health_monitor_temperature_alarm_notification_message_t, 16);
PLACE(hailo_health_monitor_temperature_alarm_notification_message_t, temperature_zone, 0, 4);
PLACE(hailo_health_monitor_temperature_alarm_notification_message_t, alarm_ts_id, 4, 4);
PLACE(hailo_health_monitor_temperature_alarm_notification_message_t, ts0_temperature, 8, 4);
PLACE(hailo_health_monitor_temperature_alarm_notification_message_t, ts1_temperature, 12, 4);
SIZE(hailo_health_monitor_overcurrent_alert_notification_message_t, LAYOUT == 415 ? 12 : 9);
PLACE(hailo_health_monitor_overcurrent_alert_notification_message_t, overcurrent_zone, 0, 4);
PLACE(hailo_health_monitor_overcurrent_alert_notification_message_t, exceeded_alert_threshold, 4, 4);
PLACE(hailo_health_monitor_overcurrent_alert_notification_message_t, is_last_overcurrent_violation_reached, 8, 1);
#if LAYOUT == 415
#elif LAYOUT == 420
SIZE(hailo_detection_t, 22);
PLACE(hailo_detection_t, y_min, 0, 4);
PLACE(hailo_detection_t, x_min, 4, 4);
PLACE(hailo_detection_t, y_max, 8, 4);
PLACE(hailo_detection_t, x_max, 12, 4);
PLACE(hailo_detection_t, score, 16, 4);
PLACE(hailo_detection_t, class_id, 20, 2);
#else
SIZE(hailo_detection_t, 22);
PLACE(hailo_detection_t, y_min, 0, 4);
PLACE(hailo_detection_t, x_min, 4, 4);
PLACE(hailo_detection_t, y_max, 8, 4);
PLACE(hailo_detection_t, x_max, 12, 4);
PLACE(hailo_detection_t, score, 16, 4);
PLACE(hailo_detection_t, class_id, 20, 2);
#endif

#undef SIZE
#undef PLACE

#endif
