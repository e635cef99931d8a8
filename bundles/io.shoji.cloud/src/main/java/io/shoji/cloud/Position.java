/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cloud;

import org.jspecify.annotations.Nullable;

/**
 * Where a gateway is.
 *
 * @param latitude degrees, north positive
 * @param longitude degrees, east positive
 * @param altitude metres, or null if unknown
 * @param precision of the fix, or null if unknown
 * @param heading degrees from north, clockwise, or null if unknown
 * @param speed metres per second, or null if unknown
 * @param timestampMs milliseconds since 1970 UTC, or null if unknown
 * @param satellites number of satellites, or null if unknown
 * @param status 1 no response, 2 error, 4 valid, or null if unknown
 */
public record Position(
    double latitude,
    double longitude,
    @Nullable Double altitude,
    @Nullable Double precision,
    @Nullable Double heading,
    @Nullable Double speed,
    @Nullable Long timestampMs,
    @Nullable Integer satellites,
    @Nullable Integer status) {

  /** A position of which no more is known. */
  public static Position of(double latitude, double longitude) {
    return new Position(latitude, longitude, null, null, null, null, null, null, null);
  }
}
