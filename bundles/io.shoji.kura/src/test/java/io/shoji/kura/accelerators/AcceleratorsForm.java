/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.accelerators;

/** The form's life, for tests of other packages. */
public final class AcceleratorsForm {
  private AcceleratorsForm() {}

  /** The form goes. */
  public static void deactivate(Accelerators accelerators) {
    accelerators.deactivate();
  }
}
