/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.openvino;

/** The functions of OpenVINO's C interface that this driver calls, by their C names. */
enum OvFunction {
  ov_get_openvino_version("i", "a"),
  ov_version_free("v", "a"),
  ov_get_error_info("a", "i"),
  ov_free("v", "a"),
  ov_core_create("i", "a"),
  ov_core_free("v", "a"),
  ov_core_read_model("i", "aaaa"),
  ov_core_compile_model("i", "aaasa."),
  ov_core_get_property("i", "aaaa"),
  ov_model_free("v", "a"),
  ov_model_inputs_size("i", "aa"),
  ov_model_const_input_by_index("i", "asa"),
  ov_model_reshape_by_port_indexes("i", "aaas"),
  ov_port_get_any_name("i", "aa"),
  ov_port_get_element_type("i", "aa"),
  ov_port_get_partial_shape("i", "aa"),
  ov_partial_shape_free("v", "a"),
  ov_output_const_port_free("v", "a"),
  ov_compiled_model_inputs_size("i", "aa"),
  ov_compiled_model_outputs_size("i", "aa"),
  ov_compiled_model_input_by_index("i", "asa"),
  ov_compiled_model_output_by_index("i", "asa"),
  ov_compiled_model_get_property("i", "aaa"),
  ov_compiled_model_create_infer_request("i", "aa"),
  ov_compiled_model_free("v", "a"),
  ov_infer_request_set_input_tensor_by_index("i", "asa"),
  ov_infer_request_get_input_tensor_by_index("i", "asa"),
  ov_infer_request_get_output_tensor_by_index("i", "asa"),
  ov_infer_request_start_async("i", "a"),
  ov_infer_request_wait("i", "a"),
  ov_infer_request_wait_for("i", "al"),
  ov_infer_request_cancel("i", "a"),
  ov_infer_request_free("v", "a"),
  ov_tensor_create("i", "isaa"),
  ov_tensor_get_shape("i", "aa"),
  ov_tensor_get_byte_size("i", "aa"),
  ov_tensor_data("i", "aa"),
  ov_tensor_free("v", "a"),
  ov_shape_free("i", "a"),
  /** From 2023.2 on. */
  ov_get_last_err_msg("a", "", true),
  /** From 2023.2 on. */
  ov_shutdown("v", "", true);

  private final String returned;
  private final String passed;
  private final boolean late;

  OvFunction(String returned, String passed) {
    this(returned, passed, false);
  }

  OvFunction(String returned, String passed, boolean late) {
    this.returned = returned;
    this.passed = passed;
    this.late = late;
  }

  /** What it returns: i for an {@code ov_status_e}, a for an address, v for nothing. */
  String returned() {
    return returned;
  }

  /**
   * How its arguments are passed, one letter each: a for an address, s for a {@code size_t} or the
   * first half of an {@code ov_shape_t} by value, whose second is an address, l for 64 bits, i for
   * an enumeration, a dot for any number of addresses.
   */
  String passed() {
    return passed;
  }

  /** Whether older releases lack it. */
  boolean isLate() {
    return late;
  }
}
