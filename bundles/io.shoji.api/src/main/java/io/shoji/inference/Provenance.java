/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.inference;

/**
 * The generation that made an answer. One object per generation, so that naming it costs nothing.
 *
 * @param generation number of the generation, growing, unique since the engine started
 * @param model name of the model
 * @param modelVersion version of its package
 * @param variant variant that ran
 * @param variantSha256 digest of the variant's model file
 * @param packageSha256 digest of the package's {@code model.json}, the identity of its contents
 * @param accelerator class of device, as {@code cpu}
 * @param device identity of the device
 * @param driver symbolic name of the driver bundle
 * @param driverVersion its version
 * @param runtime the vendor's runtime
 * @param runtimeVersion its version
 * @param runtimeBuildId build-id of the runtime's library; empty if unknown
 * @param simulated whether the device is simulated
 * @param degraded whether a fallback answered in place of the accelerator that should have
 */
public record Provenance(
    long generation,
    String model,
    String modelVersion,
    String variant,
    String variantSha256,
    String packageSha256,
    String accelerator,
    String device,
    String driver,
    String driverVersion,
    String runtime,
    String runtimeVersion,
    String runtimeBuildId,
    boolean simulated,
    boolean degraded) {}
