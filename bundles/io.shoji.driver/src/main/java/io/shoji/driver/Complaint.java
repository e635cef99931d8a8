/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver;

/** What a driver said last of what is wrong, so that it says it once and not at each look. */
public final class Complaint {
  private String said = "";

  /** Whether it was not said the last time. It counts as said from now on. */
  public boolean isNew(String what) {
    boolean fresh = !what.equals(said);
    said = what;
    return fresh;
  }

  /** Nothing is wrong any more. */
  public void settle() {
    said = "";
  }
}
