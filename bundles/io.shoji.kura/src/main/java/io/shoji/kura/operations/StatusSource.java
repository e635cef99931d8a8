/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.operations;

import java.util.Map;

/**
 * A part of this bundle that has something to say in a document of the management: its
 * configuration, whether it holds, its counters. Provided as a service by the components of this
 * bundle; any thread, quick.
 */
public interface StatusSource {
  /** Member of the status document for a part that is there once. */
  String CONFIGURATIONS = "configurations";

  /** For the boxes of the wire graph: they make the document {@code pipelines}. */
  String PIPELINES = "pipelines";

  /** {@link #CONFIGURATIONS} or {@link #PIPELINES}. */
  String section();

  /** Name within the section: a PID. */
  String name();

  /**
   * What there is to say: text, numbers, booleans, and maps and lists of these.
   *
   * @return values by name, in the order in which they are shown
   */
  Map<String, Object> status();
}
