/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.security.keystore;

/** What a key store is. */
public class KeystoreInfo {
  private final String keystoreServicePid;
  private String type;
  private int size;

  /** Of the key store service with that pid. */
  public KeystoreInfo(String keystoreServicePid) {
    this.keystoreServicePid = keystoreServicePid;
  }

  /** The keystore service pid. */
  public String getKeystoreServicePid() {
    return keystoreServicePid;
  }

  /** The type. */
  public String getType() {
    return type;
  }

  /** Sets the type. */
  public void setType(String type) {
    this.type = type;
  }

  /** The size. */
  public int getSize() {
    return size;
  }

  /** Sets the size. */
  public void setSize(int size) {
    this.size = size;
  }
}
