/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
/**
 * {@code shoji bench}: latency, throughput, memory, temperature and power of a model on an
 * accelerator of this machine, by the scenarios and percentiles of MLPerf Inference.
 *
 * <p>The rules that are followed: MLCommons, "MLPerf Inference Rules", sections "Scenarios" and
 * "Early Stopping Criterion" (github.com/mlcommons/inference_policies), and the settings of LoadGen
 * ({@code loadgen/mlperf.conf}, github.com/mlcommons/inference). A result of this command is no
 * MLPerf result: those are run by LoadGen itself, on given models, and reviewed.
 */
@NullMarked
package io.shoji.cli.bench;

import org.jspecify.annotations.NullMarked;
