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

import io.shoji.testkit.DriverGateway;
import java.nio.file.Path;
import java.util.Map;
import org.osgi.framework.BundleException;

/** A framework with the driver in it. */
final class Gateway extends DriverGateway {
  Gateway(Path folder) throws BundleException {
    super(folder);
  }

  /** Starts the driver with these settings, all others at their defaults. */
  HailoDriver start(Map<String, Object> settings) {
    return new HailoDriver(context(), libraries(), annotation(HailoDriver.Config.class, settings));
  }
}
