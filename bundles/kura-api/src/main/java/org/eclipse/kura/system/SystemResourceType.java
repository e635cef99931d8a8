/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.system;

/** Kinds of installed things. */
public enum SystemResourceType {
  /** Bundle. */
  BUNDLE,
  /** Dp. */
  DP,
  /** Rpm. */
  RPM,
  /** Deb. */
  DEB,
  /** Docker. */
  DOCKER,
  /** Container image. */
  CONTAINER_IMAGE,
  /** Apk. */
  APK,
  /** Unknown. */
  UNKNOWN
}
