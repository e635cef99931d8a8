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

import io.shoji.accelerator.Precision;
import java.util.List;
import java.util.Map;

/**
 * One way in which a model is packed: a format and a precision for certain accelerators. Immutable.
 *
 * @param name unique in the package
 * @param format see {@link io.shoji.accelerator.ModelFormats}
 * @param precision what it was made for
 * @param filter OSGi filter (RFC 1960) over the properties of {@link
 *     io.shoji.accelerator.AcceleratorInfo}; parses
 * @param files the model first, then what belongs to it
 * @param options driver options, by the driver's keys
 */
public record ModelVariant(
    String name,
    String format,
    Precision precision,
    String filter,
    List<ModelFile> files,
    Map<String, String> options) {

  /** Copies the collections. */
  public ModelVariant {
    files = List.copyOf(files);
    options = Map.copyOf(options);
    if (files.isEmpty()) {
      throw new IllegalArgumentException("a variant has at least one file variant=" + name);
    }
  }
}
