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

/** The functions of HailoRT's C interface that this driver calls, by their C names. */
enum HailoFunction {
  hailo_get_library_version("a"),
  hailo_scan_devices("aaa"),
  hailo_identify("aa"),
  hailo_get_extended_device_information("aa"),
  hailo_get_throttling_state("aa"),
  hailo_get_chip_temperature("aa"),
  hailo_set_notification_callback("aaia"),
  hailo_remove_notification_callback("ai"),
  hailo_init_vdevice_params("a"),
  hailo_create_vdevice("aa"),
  hailo_configure_vdevice("aaaaa"),
  hailo_get_physical_devices("aaa"),
  hailo_release_vdevice("a"),
  hailo_start_power_measurement("aii"),
  hailo_set_power_measurement("aiii"),
  hailo_get_power_measurement("aiba"),
  hailo_stop_power_measurement("a"),
  hailo_create_hef_buffer("aas"),
  hailo_release_hef("a"),
  hailo_hef_get_all_vstream_infos("aaaa"),
  hailo_init_configure_params_by_vdevice("aaa"),
  hailo_get_network_groups_infos("aaa"),
  hailo_set_scheduler_timeout("aia"),
  hailo_set_scheduler_threshold("aia"),
  hailo_set_scheduler_priority("aba"),
  hailo_make_input_vstream_params("abiaa"),
  hailo_make_output_vstream_params("abiaa"),
  hailo_create_input_vstreams("aasa"),
  hailo_create_output_vstreams("aasa"),
  hailo_get_input_vstream_frame_size("aa"),
  hailo_get_output_vstream_frame_size("aa"),
  hailo_get_input_vstream_info("aa"),
  hailo_get_output_vstream_info("aa"),
  hailo_get_input_vstream_user_format("aa"),
  hailo_get_output_vstream_user_format("aa"),
  hailo_get_input_vstream_quant_infos("aaa"),
  hailo_get_output_vstream_quant_infos("aaa"),
  hailo_vstream_write_raw_buffer("aas"),
  hailo_vstream_read_raw_buffer("aas"),
  hailo_release_input_vstreams("as"),
  hailo_release_output_vstreams("as");

  private final String passed;

  HailoFunction(String passed) {
    this.passed = passed;
  }

  /**
   * How its arguments are passed, one letter each: a for an address, s for a {@code size_t}, i for
   * 32 bits or an enumeration, b for {@code bool} or 8 bits. Each returns a {@code hailo_status}.
   */
  String passed() {
    return passed;
  }
}
