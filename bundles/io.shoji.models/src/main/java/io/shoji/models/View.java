/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.models;

import io.shoji.model.ModelFile;
import io.shoji.model.ModelVariant;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * A variant's files under the names that the model knows them by.
 *
 * @param key digest of the names and digests: variants with the same files share one view
 * @param files the model first
 */
record View(String key, List<ModelFile> files) {
  static View of(ModelVariant variant) {
    StringBuilder text = new StringBuilder();
    for (ModelFile file : variant.files()) {
      text.append(file.sha256()).append(' ').append(file.path()).append('\n');
    }
    return new View(Digests.of(text.toString().getBytes(StandardCharsets.UTF_8)), variant.files());
  }
}
