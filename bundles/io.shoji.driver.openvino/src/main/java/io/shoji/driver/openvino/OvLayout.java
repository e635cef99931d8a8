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

import java.util.Map;

/**
 * Sizes of OpenVINO's structures and places of their fields, in bytes: the same in all releases, on
 * x86-64 and aarch64.
 */
final class OvLayout {
  static final int VERSION_BYTES = 16;
  static final int VERSION_BUILD_NUMBER = 0;
  static final int SHAPE_BYTES = 16;
  static final int SHAPE_RANK = 0;
  static final int SHAPE_DIMS = 8;
  static final int DIMENSION_BYTES = 16;
  static final int DIMENSION_MIN = 0;
  static final int DIMENSION_MAX = 8;
  static final int PARTIAL_SHAPE_BYTES = 24;
  static final int PARTIAL_SHAPE_RANK = 0;
  static final int PARTIAL_SHAPE_DIMS = 16;

  private OvLayout() {}

  /** Sizes by the header's names. */
  static Map<String, Integer> sizes() {
    return Map.of(
        "ov_version",
        VERSION_BYTES,
        "ov_shape_t",
        SHAPE_BYTES,
        "ov_dimension",
        DIMENSION_BYTES,
        "ov_partial_shape",
        PARTIAL_SHAPE_BYTES);
  }

  /** Places by the header's names, as {@code ov_shape_t.dims}. */
  static Map<String, Integer> places() {
    return Map.of(
        "ov_version.buildNumber",
        VERSION_BUILD_NUMBER,
        "ov_shape_t.rank",
        SHAPE_RANK,
        "ov_shape_t.dims",
        SHAPE_DIMS,
        "ov_dimension.min",
        DIMENSION_MIN,
        "ov_dimension.max",
        DIMENSION_MAX,
        "ov_partial_shape.rank",
        PARTIAL_SHAPE_RANK,
        "ov_partial_shape.dims",
        PARTIAL_SHAPE_DIMS);
  }
}
