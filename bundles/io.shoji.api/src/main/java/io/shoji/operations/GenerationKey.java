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

/**
 * What a generation is made of, so that it can be told again after a restart: equal keys mean the
 * same bytes of model and runtime on the same device. Immutable.
 *
 * @param model name of the model
 * @param version version of its package
 * @param packageSha256 digest of the package's {@code model.json}, the identity of its contents
 * @param variant name of the variant
 * @param variantSha256 digest of the variant's model file
 * @param accelerator kind and device, as {@code cpu:cpu0}
 * @param driver symbolic name of the driver bundle
 * @param driverVersion its version
 * @param runtime the vendor's runtime
 * @param runtimeVersion its version
 * @param runtimeBuildId build-id of the runtime's library; empty if unknown
 */
public record GenerationKey(
    String model,
    String version,
    String packageSha256,
    String variant,
    String variantSha256,
    String accelerator,
    String driver,
    String driverVersion,
    String runtime,
    String runtimeVersion,
    String runtimeBuildId) {}
