/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.model;

/**
 * A file of a model package.
 *
 * @param path relative to {@code SHOJI-INF/}, {@code /} between its parts, no part empty, {@code .}
 *     or {@code ..}
 * @param sha256 digest, lower-case hex
 * @param size bytes
 */
public record ModelFile(String path, String sha256, long size) {}
