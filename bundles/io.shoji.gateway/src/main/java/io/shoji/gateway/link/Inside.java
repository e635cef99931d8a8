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

import java.io.PrintStream;

/** What the bundle inside of the framework does for the launcher. An OSGi service. */
public interface Inside {
  /** What is served now, on what. */
  Status status();

  /**
   * Streams pictures and recordings through the pipelines of {@code digits} and {@code bearing} and
   * prints what they say.
   *
   * @param out where to print; the caller closes it
   * @return whether everything was as right as the packages promise
   * @throws InterruptedException if the thread was interrupted; what ran has ended
   */
  boolean demo(DemoRequest request, PrintStream out) throws InterruptedException;
}
