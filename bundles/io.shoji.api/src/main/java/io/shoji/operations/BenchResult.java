/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.operations;

import io.shoji.inference.ModelMetrics.Latency;
import io.shoji.inference.Provenance;
import java.util.OptionalLong;

/**
 * What a model was measured to do.
 *
 * @param generation what was measured
 * @param options how
 * @param latency time of one run, waiting for a place on the device included
 * @param throughputPerSecond runs per second of all threads together
 * @param durationNanos from the first measured run to the end of the last, nanoseconds
 * @param loadBytes growth of memory by loading it, bytes
 * @param currentBytes memory that the runtime holds for it after the runs, bytes
 * @param peakBytes most memory that the runtime held for it, bytes
 */
public record BenchResult(
    Provenance generation,
    BenchOptions options,
    Latency latency,
    double throughputPerSecond,
    long durationNanos,
    OptionalLong loadBytes,
    OptionalLong currentBytes,
    OptionalLong peakBytes) {}
