/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.hailo;

/** The contract with the oldest layout of structures. */
class OldestReleaseTest extends HailoContractTest {
  @Override
  String release() {
    return "4.15.0";
  }
}
