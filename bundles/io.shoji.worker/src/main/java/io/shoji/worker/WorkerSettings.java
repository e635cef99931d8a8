/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker;

import java.util.List;

/**
 * How workers are run. Immutable.
 *
 * @param heapMb most heap of a worker's JVM, MiB
 * @param vmOptions more options of the JVM
 * @param wrapper command before the JVM's own; empty for none
 * @param environment names of variables that a worker gets from the gateway besides {@link
 *     WorkerProcess#ENVIRONMENT}
 * @param longestPauseMs pauses before a worker that died is started again double up to this one
 * @param crashesPerHour after more than so many ends within an hour a worker is not started again
 * @param hangMarginMs after a request's deadline, until the worker counts as hung
 * @param loadMarginMs after a load was given up, until the worker counts as hung
 * @param startMs until a worker that was started must be ready
 * @param stopMs for a worker to end in order
 * @param handoverMs how long the old worker of a driver whose bundle is stopped goes on, waiting
 *     for it to be started again
 * @param spin whether callers and workers look at shared memory for a moment before they sleep
 * @param keepPoison whether inputs that are quarantined are kept
 */
record WorkerSettings(
    int heapMb,
    List<String> vmOptions,
    List<String> wrapper,
    List<String> environment,
    long longestPauseMs,
    int crashesPerHour,
    long hangMarginMs,
    long loadMarginMs,
    long startMs,
    long stopMs,
    long handoverMs,
    boolean spin,
    boolean keepPoison) {
  WorkerSettings {
    vmOptions = List.copyOf(vmOptions);
    wrapper = List.copyOf(wrapper);
    environment = List.copyOf(environment);
  }
}
