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
import java.util.List;

/** What a {@code hailo_status} means and what to do about it. */
final class HailoStatus {
  static final int SUCCESS = 0;
  static final int OUT_OF_HOST_MEMORY = 3;
  static final int TIMEOUT = 4;
  static final int INSUFFICIENT_BUFFER = 5;
  static final int OPEN_FILE_FAILURE = 13;
  static final int UNSUPPORTED_CONTROL_PROTOCOL_VERSION = 15;
  static final int UNSUPPORTED_FW_VERSION = 16;
  static final int FW_CONTROL_FAILURE = 18;
  static final int INVALID_FIRMWARE = 23;
  static final int INVALID_HEF = 26;
  static final int DRIVER_OPERATION_FAILED = 36;
  static final int OUT_OF_DESCRIPTORS = 47;
  static final int COMMUNICATION_CLOSED = 62;
  static final int STREAM_ABORT = 63;
  static final int DRIVER_NOT_INSTALLED = 64;
  static final int OUT_OF_FW_MEMORY = 71;
  static final int DEVICE_IN_USE = 73;
  static final int OUT_OF_PHYSICAL_DEVICES = 74;
  static final int INVALID_DEVICE_ARCHITECTURE = 75;
  static final int INVALID_DRIVER_VERSION = 76;
  static final int RPC_FAILED = 77;
  static final int INVALID_SERVICE_VERSION = 78;
  static final int NOT_SUPPORTED = 79;
  static final int OUT_OF_HOST_CMA_MEMORY = 81;
  static final int DRIVER_INVALID_RESPONSE = 85;
  static final int DRIVER_INVALID_IOCTL = 86;
  static final int DRIVER_TIMEOUT = 87;
  static final int CONNECTION_REFUSED = 89;
  static final int HEF_FILE_CORRUPTED = 91;
  static final int HEF_NOT_SUPPORTED = 92;
  static final int HEF_NOT_COMPATIBLE_WITH_DEVICE = 93;

  /** Names of the statuses of 4.23, by number; older releases have fewer, and some other names. */
  private static final List<String> NAMES =
      List.of(
          "SUCCESS",
          "UNINITIALIZED",
          "INVALID_ARGUMENT",
          "OUT_OF_HOST_MEMORY",
          "TIMEOUT",
          "INSUFFICIENT_BUFFER",
          "INVALID_OPERATION",
          "NOT_IMPLEMENTED",
          "INTERNAL_FAILURE",
          "DATA_ALIGNMENT_FAILURE",
          "CHUNK_TOO_LARGE",
          "INVALID_LOGGER_LEVEL",
          "CLOSE_FAILURE",
          "OPEN_FILE_FAILURE",
          "FILE_OPERATION_FAILURE",
          "UNSUPPORTED_CONTROL_PROTOCOL_VERSION",
          "UNSUPPORTED_FW_VERSION",
          "INVALID_CONTROL_RESPONSE",
          "FW_CONTROL_FAILURE",
          "ETH_FAILURE",
          "ETH_INTERFACE_NOT_FOUND",
          "ETH_RECV_FAILURE",
          "ETH_SEND_FAILURE",
          "INVALID_FIRMWARE",
          "INVALID_CONTEXT_COUNT",
          "INVALID_FRAME",
          "INVALID_HEF",
          "PCIE_NOT_SUPPORTED_ON_PLATFORM",
          "INTERRUPTED_BY_SIGNAL",
          "START_VDMA_CHANNEL_FAIL",
          "SYNC_VDMA_BUFFER_FAIL",
          "STOP_VDMA_CHANNEL_FAIL",
          "CLOSE_VDMA_CHANNEL_FAIL",
          "ATR_TABLES_CONF_VALIDATION_FAIL",
          "EVENT_CREATE_FAIL",
          "READ_EVENT_FAIL",
          "DRIVER_OPERATION_FAILED",
          "INVALID_FIRMWARE_MAGIC",
          "INVALID_FIRMWARE_CODE_SIZE",
          "INVALID_KEY_CERTIFICATE_SIZE",
          "INVALID_CONTENT_CERTIFICATE_SIZE",
          "MISMATCHING_FIRMWARE_BUFFER_SIZES",
          "INVALID_FIRMWARE_CPU_ID",
          "CONTROL_RESPONSE_MD5_MISMATCH",
          "GET_CONTROL_RESPONSE_FAIL",
          "GET_D2H_EVENT_MESSAGE_FAIL",
          "MUTEX_INIT_FAIL",
          "OUT_OF_DESCRIPTORS",
          "UNSUPPORTED_OPCODE",
          "USER_MODE_RATE_LIMITER_NOT_SUPPORTED",
          "RATE_LIMIT_MAXIMUM_BANDWIDTH_EXCEEDED",
          "ANSI_TO_UTF16_CONVERSION_FAILED",
          "UTF16_TO_ANSI_CONVERSION_FAILED",
          "UNEXPECTED_INTERFACE_INFO_FAILURE",
          "UNEXPECTED_ARP_TABLE_FAILURE",
          "MAC_ADDRESS_NOT_FOUND",
          "NO_IPV4_INTERFACES_FOUND",
          "SHUTDOWN_EVENT_SIGNALED",
          "THREAD_ALREADY_ACTIVATED",
          "THREAD_NOT_ACTIVATED",
          "THREAD_NOT_JOINABLE",
          "NOT_FOUND",
          "COMMUNICATION_CLOSED",
          "STREAM_ABORT",
          "DRIVER_NOT_INSTALLED",
          "NOT_AVAILABLE",
          "TRAFFIC_CONTROL_FAILURE",
          "INVALID_SECOND_STAGE",
          "INVALID_PIPELINE",
          "NETWORK_GROUP_NOT_ACTIVATED",
          "VSTREAM_PIPELINE_NOT_ACTIVATED",
          "OUT_OF_FW_MEMORY",
          "STREAM_NOT_ACTIVATED",
          "DEVICE_IN_USE",
          "OUT_OF_PHYSICAL_DEVICES",
          "INVALID_DEVICE_ARCHITECTURE",
          "INVALID_DRIVER_VERSION",
          "RPC_FAILED",
          "INVALID_SERVICE_VERSION",
          "NOT_SUPPORTED",
          "NMS_BURST_INVALID_DATA",
          "OUT_OF_HOST_CMA_MEMORY",
          "QUEUE_IS_FULL",
          "DMA_MAPPING_ALREADY_EXISTS",
          "CANT_MEET_BUFFER_REQUIREMENTS",
          "DRIVER_INVALID_RESPONSE",
          "DRIVER_INVALID_IOCTL",
          "DRIVER_TIMEOUT",
          "DRIVER_INTERRUPTED",
          "CONNECTION_REFUSED",
          "DRIVER_WAIT_CANCELED",
          "HEF_FILE_CORRUPTED",
          "HEF_NOT_SUPPORTED",
          "HEF_NOT_COMPATIBLE_WITH_DEVICE");

  private HailoStatus() {}

  /** Its name, without the prefix. */
  static String name(int status) {
    return status >= 0 && status < NAMES.size() ? NAMES.get(status) : "unknown";
  }

  /** How many have names. */
  static int count() {
    return NAMES.size();
  }

  /**
   * Whether the device, and not a model or the caller, is the reason, so that it counts as lost.
   */
  static boolean isDeviceLost(int status) {
    return switch (status) {
      case FW_CONTROL_FAILURE,
          DRIVER_OPERATION_FAILED,
          COMMUNICATION_CLOSED,
          STREAM_ABORT,
          RPC_FAILED,
          DRIVER_INVALID_RESPONSE,
          DRIVER_TIMEOUT,
          CONNECTION_REFUSED ->
          true;
      default -> false;
    };
  }

  /** What a program can do about it. */
  static Code code(int status) {
    if (isDeviceLost(status)) {
      return Code.DEVICE_LOST;
    }
    return switch (status) {
      case OUT_OF_HOST_MEMORY, OUT_OF_FW_MEMORY, OUT_OF_HOST_CMA_MEMORY, OUT_OF_DESCRIPTORS ->
          Code.OUT_OF_MEMORY;
      case DEVICE_IN_USE, OUT_OF_PHYSICAL_DEVICES -> Code.DEVICE_BUSY;
      case UNSUPPORTED_CONTROL_PROTOCOL_VERSION,
          UNSUPPORTED_FW_VERSION,
          INVALID_FIRMWARE,
          DRIVER_NOT_INSTALLED,
          INVALID_DRIVER_VERSION,
          INVALID_SERVICE_VERSION,
          DRIVER_INVALID_IOCTL ->
          Code.INCOMPATIBLE_RUNTIME;
      case INVALID_HEF, HEF_FILE_CORRUPTED -> Code.INVALID_MODEL;
      case HEF_NOT_SUPPORTED,
          HEF_NOT_COMPATIBLE_WITH_DEVICE,
          INVALID_DEVICE_ARCHITECTURE,
          NOT_SUPPORTED ->
          Code.UNSUPPORTED;
      default -> Code.FAILED;
    };
  }

  /** What to do about it, as a sentence without a full stop. */
  private static String advice(int status, String release) {
    return switch (status) {
      case INVALID_DRIVER_VERSION ->
          "the kernel driver hailo_pci is of another version than the library; install both of one"
              + " HailoRT release and load the module anew library="
              + release
              + " driver=see /sys/module/hailo_pci/version";
      case UNSUPPORTED_FW_VERSION, UNSUPPORTED_CONTROL_PROTOCOL_VERSION ->
          "the device runs firmware of another version than the library; put the firmware of this"
              + " HailoRT release into /lib/firmware/hailo and power the device off and on library="
              + release;
      case INVALID_FIRMWARE ->
          "the device has no firmware that it takes; install hailo8_fw.bin of this HailoRT release in"
              + " /lib/firmware/hailo and power the device off and on library="
              + release;
      case DRIVER_NOT_INSTALLED ->
          "the kernel driver hailo_pci is not loaded; install the one of this HailoRT release library="
              + release;
      case OPEN_FILE_FAILURE ->
          "the device node cannot be opened; give the user that runs the gateway the right to read and"
              + " write /dev/hailo0 (udev rule of HailoRT)";
      case DEVICE_IN_USE, OUT_OF_PHYSICAL_DEVICES ->
          "another process has the device; end it, or set groupId and multiProcess in both";
      case RPC_FAILED, CONNECTION_REFUSED ->
          "the HailoRT service does not answer; start hailort.service, or unset multiProcess";
      case INVALID_SERVICE_VERSION ->
          "the HailoRT service is of another version than the library library=" + release;
      case OUT_OF_HOST_MEMORY, OUT_OF_HOST_CMA_MEMORY, OUT_OF_DESCRIPTORS ->
          "the host has no memory for it; load fewer models";
      case OUT_OF_FW_MEMORY -> "the device has no memory for it; load fewer models";
      case INVALID_HEF, HEF_FILE_CORRUPTED -> "the HEF is damaged; fetch or compile it again";
      case HEF_NOT_SUPPORTED ->
          "the HEF was compiled for a newer HailoRT; update it, or compile the HEF for this one library="
              + release;
      case HEF_NOT_COMPATIBLE_WITH_DEVICE, INVALID_DEVICE_ARCHITECTURE ->
          "the HEF was compiled for another chip; take the variant for this one";
      case TIMEOUT -> "the device did not answer in time";
      default -> "see the name of the status in HailoRT's documentation";
    };
  }

  /**
   * The exception for a status.
   *
   * @param what was asked, with its figures
   * @param release of the library
   */
  static AcceleratorException failure(int status, String what, String release) {
    return AcceleratorException.withStatus(
        code(status), what + ": " + advice(status, release) + " status=" + name(status), status);
  }
}
