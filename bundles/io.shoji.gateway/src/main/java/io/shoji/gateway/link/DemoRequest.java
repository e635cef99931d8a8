/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.link;

import java.nio.file.Path;
import java.util.List;

/**
 * What a demonstration is to do.
 *
 * @param images folder with PNG or JPEG files {@code ANYTHING_LABEL.png}
 * @param recordings folder with WAV files, and {@code labels.csv} with lines {@code FILE,LABEL}
 * @param rate images per second; 0 for as fast as possible
 * @param table whether to draw a table in place, with ANSI escapes, or else print a line per second
 * @param packages what was installed, a line each, for the summary
 */
public record DemoRequest(
    Path images, Path recordings, double rate, boolean table, List<String> packages) {
  /** Copies the list. */
  public DemoRequest {
    packages = List.copyOf(packages);
  }
}
