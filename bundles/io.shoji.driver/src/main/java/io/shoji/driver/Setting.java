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

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Values of a driver's configuration: one without sense is reported and takes its default. */
public final class Setting {
  private static final Logger LOG = LoggerFactory.getLogger(Setting.class);

  private Setting() {}

  /** A number within its limits. */
  public static int number(String name, int asked, int least, int most, int otherwise) {
    if (asked < least || asked > most) {
      LOG.error(
          "a setting has no sense, its default is used: {} asked={} least={} most={} default={}",
          name,
          asked,
          least,
          most,
          otherwise);
      return otherwise;
    }
    return asked;
  }
}
