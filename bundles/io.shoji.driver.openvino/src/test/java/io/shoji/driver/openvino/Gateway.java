/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.openvino;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.testkit.DriverGateway;
import java.nio.file.Path;
import java.util.Map;
import org.osgi.framework.BundleException;

/** A framework with the driver in it. */
final class Gateway extends DriverGateway {
  private final Path folder;

  Gateway(Path folder) throws BundleException {
    super(folder);
    this.folder = folder;
  }

  /** Starts the driver with these settings, all others at their defaults. */
  OpenVinoDriver start(Map<String, Object> settings) {
    return start(settings, new Machine(folder.resolve("machine"), path -> true));
  }

  /** The same on another machine. */
  OpenVinoDriver start(Map<String, Object> settings, Machine machine) {
    return new OpenVinoDriver(
        context(), libraries(), annotation(OpenVinoDriver.Config.class, settings), machine);
  }

  /** Waits for the service of a device. */
  Accelerator accelerator(String device) throws InterruptedException {
    return awaitService(filter(device));
  }

  /** Whether a device has a service now. */
  boolean has(String device) {
    return !references(filter(device)).isEmpty();
  }

  private static String filter(String device) {
    return "(" + AcceleratorInfo.DEVICE + "=" + device + ")";
  }
}
