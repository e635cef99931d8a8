/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.bench;

import io.shoji.accelerator.ModelArtifact;
import io.shoji.model.ModelDescription;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A model that can be measured.
 *
 * @param name for people: the file's name, for a package name, version and variant
 * @param artifact what is loaded
 * @param sizeBytes of its files
 * @param description what the package says, if it is one
 * @param golden the package's samples with known answers
 */
record BenchModel(
    String name,
    ModelArtifact artifact,
    long sizeBytes,
    Optional<ModelDescription> description,
    Optional<Path> golden) {}
