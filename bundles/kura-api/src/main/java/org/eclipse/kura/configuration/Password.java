/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.configuration;

import org.osgi.annotation.versioning.ProviderType;

/** A password in a configuration. */
@ProviderType
public class Password {
  private final char[] password;

  /** Of a text. */
  public Password(String password) {
    this.password = password.toCharArray();
  }

  /** Keeps the array. */
  public Password(char[] password) {
    this.password = password;
  }

  /** The password itself. */
  public char[] getPassword() {
    return password;
  }

  @Override
  public String toString() {
    return new String(password);
  }
}
