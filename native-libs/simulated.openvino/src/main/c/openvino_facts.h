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
 * Facts of OpenVINO's C interface, made from its headers: functions that each release exports and the layout of structures, as
 * compilers for x86-64 and aarch64 lay them out. RELEASE is year * 100 + minor of what is compiled: 202203, 202406 or 202601.
 */
#ifndef SHOJI_OPENVINO_FACTS_H
#define SHOJI_OPENVINO_FACTS_H

#include <stddef.h>
#include <stdint.h>

/* Functions that this simulator has, in every release. */
#define COMPUTED(FUNCTION) \
  FUNCTION(ov_get_error_info) \
  FUNCTION(ov_free) \
  FUNCTION(ov_shape_create) \
  FUNCTION(ov_shape_free) \
  FUNCTION(ov_partial_shape_free) \
  FUNCTION(ov_partial_shape_is_dynamic) \
  FUNCTION(ov_dimension_is_dynamic) \
  FUNCTION(ov_rank_is_dynamic) \
  FUNCTION(ov_port_get_any_name) \
  FUNCTION(ov_port_get_partial_shape) \
  FUNCTION(ov_port_get_element_type) \
  FUNCTION(ov_const_port_get_shape) \
  FUNCTION(ov_output_const_port_free) \
  FUNCTION(ov_tensor_create_from_host_ptr) \
  FUNCTION(ov_tensor_create) \
  FUNCTION(ov_tensor_get_shape) \
  FUNCTION(ov_tensor_get_element_type) \
  FUNCTION(ov_tensor_get_size) \
  FUNCTION(ov_tensor_get_byte_size) \
  FUNCTION(ov_tensor_data) \
  FUNCTION(ov_tensor_free) \
  FUNCTION(ov_infer_request_set_input_tensor_by_index) \
  FUNCTION(ov_infer_request_get_input_tensor_by_index) \
  FUNCTION(ov_infer_request_get_output_tensor_by_index) \
  FUNCTION(ov_infer_request_infer) \
  FUNCTION(ov_infer_request_cancel) \
  FUNCTION(ov_infer_request_start_async) \
  FUNCTION(ov_infer_request_wait) \
  FUNCTION(ov_infer_request_wait_for) \
  FUNCTION(ov_infer_request_free) \
  FUNCTION(ov_model_free) \
  FUNCTION(ov_model_const_input_by_index) \
  FUNCTION(ov_model_const_output_by_index) \
  FUNCTION(ov_model_inputs_size) \
  FUNCTION(ov_model_outputs_size) \
  FUNCTION(ov_model_is_dynamic) \
  FUNCTION(ov_model_reshape_by_port_indexes) \
  FUNCTION(ov_model_get_friendly_name) \
  FUNCTION(ov_compiled_model_inputs_size) \
  FUNCTION(ov_compiled_model_input_by_index) \
  FUNCTION(ov_compiled_model_outputs_size) \
  FUNCTION(ov_compiled_model_output_by_index) \
  FUNCTION(ov_compiled_model_create_infer_request) \
  FUNCTION(ov_compiled_model_get_property) \
  FUNCTION(ov_compiled_model_free) \
  FUNCTION(ov_get_openvino_version) \
  FUNCTION(ov_version_free) \
  FUNCTION(ov_core_create) \
  FUNCTION(ov_core_free) \
  FUNCTION(ov_core_read_model) \
  FUNCTION(ov_core_compile_model) \
  FUNCTION(ov_core_get_property) \
  FUNCTION(ov_core_get_available_devices) \
  FUNCTION(ov_available_devices_free)

/* Functions that say NOT_IMPLEMENTED, in every release. */
#define REFUSED(FUNCTION) \
  FUNCTION(ov_layout_create) \
  FUNCTION(ov_partial_shape_create) \
  FUNCTION(ov_partial_shape_create_dynamic) \
  FUNCTION(ov_partial_shape_create_static) \
  FUNCTION(ov_partial_shape_to_shape) \
  FUNCTION(ov_shape_to_partial_shape) \
  FUNCTION(ov_port_get_shape) \
  FUNCTION(ov_tensor_set_shape) \
  FUNCTION(ov_infer_request_set_tensor) \
  FUNCTION(ov_infer_request_set_tensor_by_port) \
  FUNCTION(ov_infer_request_set_tensor_by_const_port) \
  FUNCTION(ov_infer_request_set_input_tensor) \
  FUNCTION(ov_infer_request_set_output_tensor_by_index) \
  FUNCTION(ov_infer_request_set_output_tensor) \
  FUNCTION(ov_infer_request_get_tensor) \
  FUNCTION(ov_infer_request_get_tensor_by_const_port) \
  FUNCTION(ov_infer_request_get_tensor_by_port) \
  FUNCTION(ov_infer_request_get_input_tensor) \
  FUNCTION(ov_infer_request_get_output_tensor) \
  FUNCTION(ov_infer_request_set_callback) \
  FUNCTION(ov_infer_request_get_profiling_info) \
  FUNCTION(ov_model_const_input) \
  FUNCTION(ov_model_const_input_by_name) \
  FUNCTION(ov_model_input) \
  FUNCTION(ov_model_input_by_name) \
  FUNCTION(ov_model_input_by_index) \
  FUNCTION(ov_model_const_output) \
  FUNCTION(ov_model_const_output_by_name) \
  FUNCTION(ov_model_output) \
  FUNCTION(ov_model_output_by_index) \
  FUNCTION(ov_model_output_by_name) \
  FUNCTION(ov_model_reshape) \
  FUNCTION(ov_model_reshape_input_by_name) \
  FUNCTION(ov_model_reshape_single_input) \
  FUNCTION(ov_model_reshape_by_ports) \
  FUNCTION(ov_remote_context_create_tensor) \
  FUNCTION(ov_remote_context_get_device_name) \
  FUNCTION(ov_remote_context_get_params) \
  FUNCTION(ov_remote_context_create_host_tensor) \
  FUNCTION(ov_remote_tensor_get_params) \
  FUNCTION(ov_remote_tensor_get_device_name) \
  FUNCTION(ov_compiled_model_input) \
  FUNCTION(ov_compiled_model_input_by_name) \
  FUNCTION(ov_compiled_model_output) \
  FUNCTION(ov_compiled_model_output_by_name) \
  FUNCTION(ov_compiled_model_get_runtime_model) \
  FUNCTION(ov_compiled_model_set_property) \
  FUNCTION(ov_compiled_model_export_model) \
  FUNCTION(ov_compiled_model_get_context) \
  FUNCTION(ov_core_create_with_config) \
  FUNCTION(ov_core_create_with_config_unicode) \
  FUNCTION(ov_core_read_model_unicode) \
  FUNCTION(ov_core_compile_model_from_file) \
  FUNCTION(ov_core_compile_model_from_file_unicode) \
  FUNCTION(ov_core_set_property) \
  FUNCTION(ov_core_import_model) \
  FUNCTION(ov_core_get_versions_by_device_name) \
  FUNCTION(ov_core_create_context) \
  FUNCTION(ov_core_compile_model_with_context) \
  FUNCTION(ov_core_get_default_context) \
  FUNCTION(ov_preprocess_prepostprocessor_create) \
  FUNCTION(ov_preprocess_prepostprocessor_get_input_info) \
  FUNCTION(ov_preprocess_prepostprocessor_get_input_info_by_name) \
  FUNCTION(ov_preprocess_prepostprocessor_get_input_info_by_index) \
  FUNCTION(ov_preprocess_input_info_get_tensor_info) \
  FUNCTION(ov_preprocess_input_info_get_preprocess_steps) \
  FUNCTION(ov_preprocess_preprocess_steps_resize) \
  FUNCTION(ov_preprocess_preprocess_steps_scale) \
  FUNCTION(ov_preprocess_preprocess_steps_mean) \
  FUNCTION(ov_preprocess_preprocess_steps_crop) \
  FUNCTION(ov_preprocess_preprocess_steps_convert_layout) \
  FUNCTION(ov_preprocess_preprocess_steps_reverse_channels) \
  FUNCTION(ov_preprocess_input_tensor_info_set_element_type) \
  FUNCTION(ov_preprocess_input_tensor_info_set_color_format) \
  FUNCTION(ov_preprocess_input_tensor_info_set_color_format_with_subname) \
  FUNCTION(ov_preprocess_input_tensor_info_set_spatial_static_shape) \
  FUNCTION(ov_preprocess_input_tensor_info_set_memory_type) \
  FUNCTION(ov_preprocess_preprocess_steps_convert_element_type) \
  FUNCTION(ov_preprocess_preprocess_steps_convert_color) \
  FUNCTION(ov_preprocess_input_tensor_info_set_from) \
  FUNCTION(ov_preprocess_input_tensor_info_set_layout) \
  FUNCTION(ov_preprocess_prepostprocessor_get_output_info) \
  FUNCTION(ov_preprocess_prepostprocessor_get_output_info_by_index) \
  FUNCTION(ov_preprocess_prepostprocessor_get_output_info_by_name) \
  FUNCTION(ov_preprocess_output_info_get_tensor_info) \
  FUNCTION(ov_preprocess_output_set_element_type) \
  FUNCTION(ov_preprocess_input_info_get_model_info) \
  FUNCTION(ov_preprocess_input_model_info_set_layout) \
  FUNCTION(ov_preprocess_prepostprocessor_build)

/* Functions that return nothing, and do nothing, in every release. */
#define VOIDS(FUNCTION) \
  FUNCTION(ov_layout_free) \
  FUNCTION(ov_output_port_free) \
  FUNCTION(ov_profiling_info_list_free) \
  FUNCTION(ov_remote_context_free) \
  FUNCTION(ov_core_versions_free) \
  FUNCTION(ov_preprocess_prepostprocessor_free) \
  FUNCTION(ov_preprocess_input_info_free) \
  FUNCTION(ov_preprocess_input_tensor_info_free) \
  FUNCTION(ov_preprocess_preprocess_steps_free) \
  FUNCTION(ov_preprocess_output_info_free) \
  FUNCTION(ov_preprocess_output_tensor_info_free) \
  FUNCTION(ov_preprocess_input_model_info_free)

/* Functions that return no text, in every release. */
#define TEXTS(FUNCTION) \
  FUNCTION(ov_layout_to_string) \
  FUNCTION(ov_partial_shape_to_string)

/* Functions that came later: the first of a group is what this simulator has, the second says NOT_IMPLEMENTED or does nothing. */
#if RELEASE >= 202302
#define COMPUTED_202302(FUNCTION) FUNCTION(ov_get_last_err_msg) FUNCTION(ov_shutdown)
#define REFUSED_202302(FUNCTION) FUNCTION(ov_core_read_model_from_memory_buffer)
#define VOIDS_202302(FUNCTION)
#else
#define COMPUTED_202302(FUNCTION)
#define REFUSED_202302(FUNCTION)
#define VOIDS_202302(FUNCTION)
#endif
#if RELEASE >= 202404
#define COMPUTED_202404(FUNCTION)
#define REFUSED_202404(FUNCTION) FUNCTION(ov_preprocess_preprocess_steps_mean_multi_channels) FUNCTION(ov_preprocess_preprocess_steps_scale_multi_channels)
#define VOIDS_202404(FUNCTION)
#else
#define COMPUTED_202404(FUNCTION)
#define REFUSED_202404(FUNCTION)
#define VOIDS_202404(FUNCTION)
#endif
#if RELEASE >= 202500
#define COMPUTED_202500(FUNCTION)
#define REFUSED_202500(FUNCTION) FUNCTION(ov_preprocess_preprocess_steps_pad)
#define VOIDS_202500(FUNCTION)
#else
#define COMPUTED_202500(FUNCTION)
#define REFUSED_202500(FUNCTION)
#define VOIDS_202500(FUNCTION)
#endif
#if RELEASE >= 202502
#define COMPUTED_202502(FUNCTION)
#define REFUSED_202502(FUNCTION) FUNCTION(ov_core_add_extension) FUNCTION(ov_tensor_create_from_string_array) FUNCTION(ov_tensor_set_string_data)
#define VOIDS_202502(FUNCTION)
#else
#define COMPUTED_202502(FUNCTION)
#define REFUSED_202502(FUNCTION)
#define VOIDS_202502(FUNCTION)
#endif
#if RELEASE >= 202601
#define COMPUTED_202601(FUNCTION)
#define REFUSED_202601(FUNCTION)
#define VOIDS_202601(FUNCTION) FUNCTION(ov_util_set_log_callback) FUNCTION(ov_util_reset_log_callback)
#else
#define COMPUTED_202601(FUNCTION)
#define REFUSED_202601(FUNCTION)
#define VOIDS_202601(FUNCTION)
#endif
#if RELEASE < 202400
#define REMOVED_202400(FUNCTION) FUNCTION(ov_core_read_model_from_memory)
#else
#define REMOVED_202400(FUNCTION)
#endif

#define LATER_COMPUTED(FUNCTION) COMPUTED_202302(FUNCTION) COMPUTED_202404(FUNCTION) COMPUTED_202500(FUNCTION) COMPUTED_202502(FUNCTION) COMPUTED_202601(FUNCTION)
#define LATER_REFUSED(FUNCTION) REFUSED_202302(FUNCTION) REFUSED_202404(FUNCTION) REFUSED_202500(FUNCTION) REFUSED_202502(FUNCTION) REFUSED_202601(FUNCTION) REMOVED_202400(FUNCTION)
#define LATER_VOIDS(FUNCTION) VOIDS_202302(FUNCTION) VOIDS_202404(FUNCTION) VOIDS_202500(FUNCTION) VOIDS_202502(FUNCTION) VOIDS_202601(FUNCTION)

/* Statuses, the same in all releases. */
enum {
  OV_OK = 0,
  OV_GENERAL_ERROR = -1,
  OV_NOT_IMPLEMENTED = -2,
  OV_NETWORK_NOT_LOADED = -3,
  OV_PARAMETER_MISMATCH = -4,
  OV_NOT_FOUND = -5,
  OV_OUT_OF_BOUNDS = -6,
  OV_UNEXPECTED = -7,
  OV_REQUEST_BUSY = -8,
  OV_RESULT_NOT_READY = -9,
  OV_NOT_ALLOCATED = -10,
  OV_INFER_NOT_STARTED = -11,
  OV_NETWORK_NOT_READ = -12,
  OV_INFER_CANCELLED = -13,
  OV_INVALID_C_PARAM = -14,
  OV_UNKNOWN_C_ERROR = -15,
  OV_NOT_IMPLEMENT_C_METHOD = -16,
  OV_UNKNOW_EXCEPTION = -17
};

typedef struct {
  int64_t min;
  int64_t max;
} ov_dimension_t;

typedef struct {
  int64_t rank;
  int64_t *dims;
} ov_shape_t;

typedef struct {
  ov_dimension_t rank;
  ov_dimension_t *dims;
} ov_partial_shape_t;

typedef struct {
  const char *buildNumber;
  const char *description;
} ov_version_t;

typedef struct {
  char **devices;
  size_t size;
} ov_available_devices_t;

#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), "size of " #type)
#define PLACE(type, field, at) _Static_assert(offsetof(type, field) == (at), #field " of " #type)
SIZE(ov_dimension_t, 16);
PLACE(ov_dimension_t, min, 0);
PLACE(ov_dimension_t, max, 8);
SIZE(ov_shape_t, 16);
PLACE(ov_shape_t, rank, 0);
PLACE(ov_shape_t, dims, 8);
SIZE(ov_partial_shape_t, 24);
PLACE(ov_partial_shape_t, rank, 0);
PLACE(ov_partial_shape_t, dims, 16);
SIZE(ov_version_t, 16);
PLACE(ov_version_t, buildNumber, 0);
PLACE(ov_version_t, description, 8);
SIZE(ov_available_devices_t, 16);
PLACE(ov_available_devices_t, devices, 0);
PLACE(ov_available_devices_t, size, 8);

/* Element types by their numbers: they moved, and moved again. */
enum element {
  T_UNDEFINED, T_DYNAMIC, T_BOOLEAN, T_BF16, T_F16, T_F32, T_F64, T_I4, T_I8, T_I16, T_I32, T_I64, T_U1, T_U4, T_U8, T_U16, T_U32, T_U64, T_NF4, T_F8E4M3, T_F8E5M3, T_U2, T_U3, T_U6, T_STRING, T_F4E2M1, T_F8E8M0,
  TYPES
};

/* 2022.3 to 2023.1 */
static const uint8_t elements_0[] = {T_UNDEFINED, T_DYNAMIC, T_BOOLEAN, T_BF16, T_F16, T_F32, T_F64, T_I4, T_I8, T_I16, T_I32, T_I64, T_U1, T_U4, T_U8, T_U16, T_U32, T_U64};
/* 2023.2 */
static const uint8_t elements_1[] = {T_UNDEFINED, T_DYNAMIC, T_BOOLEAN, T_BF16, T_F16, T_F32, T_F64, T_I4, T_I8, T_I16, T_I32, T_I64, T_U1, T_U4, T_U8, T_U16, T_U32, T_U64, T_NF4};
/* 2024.0 */
static const uint8_t elements_2[] = {T_UNDEFINED, T_DYNAMIC, T_BOOLEAN, T_BF16, T_F16, T_F32, T_F64, T_I4, T_I8, T_I16, T_I32, T_I64, T_U1, T_U4, T_U8, T_U16, T_U32, T_U64, T_NF4, T_F8E4M3, T_F8E5M3};
/* 2024.2 */
static const uint8_t elements_3[] = {T_UNDEFINED, T_DYNAMIC, T_BOOLEAN, T_BF16, T_F16, T_F32, T_F64, T_I4, T_I8, T_I16, T_I32, T_I64, T_U1, T_U2, T_U3, T_U4, T_U6, T_U8, T_U16, T_U32, T_U64, T_NF4, T_F8E4M3, T_F8E5M3, T_STRING};
/* 2024.4 to 2025.0 */
static const uint8_t elements_4[] = {T_UNDEFINED, T_DYNAMIC, T_BOOLEAN, T_BF16, T_F16, T_F32, T_F64, T_I4, T_I8, T_I16, T_I32, T_I64, T_U1, T_U2, T_U3, T_U4, T_U6, T_U8, T_U16, T_U32, T_U64, T_NF4, T_F8E4M3, T_F8E5M3, T_STRING, T_F4E2M1, T_F8E8M0};
/* 2025.1 to 2025.x */
static const uint8_t elements_5[] = {T_DYNAMIC, T_BOOLEAN, T_BF16, T_F16, T_F32, T_F64, T_I4, T_I8, T_I16, T_I32, T_I64, T_U1, T_U2, T_U3, T_U4, T_U6, T_U8, T_U16, T_U32, T_U64, T_NF4, T_F8E4M3, T_F8E5M3, T_STRING, T_F4E2M1, T_F8E8M0};

#endif
