/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.edgetpu;

import io.shoji.accelerator.Accelerator;
import io.shoji.testkit.DriverGateway;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.osgi.framework.BundleException;
import org.osgi.framework.ServiceReference;

/** A framework with the driver in it. */
final class Gateway extends DriverGateway {
  private static final String PROCESSOR = "(shoji.kind=cpu)";
  private static final String EDGE_TPU = "(shoji.kind=edgetpu)";

  Gateway(Path folder) throws BundleException {
    super(folder);
  }

  /** Starts the driver with these settings, all others at their defaults. */
  EdgeTpuDriver start(Map<String, Object> settings) {
    return new EdgeTpuDriver(
        context(), libraries(), annotation(EdgeTpuDriver.Config.class, settings));
  }

  /** The same on a machine whose files are in a folder. */
  EdgeTpuDriver start(Map<String, Object> settings, Path root) {
    return new EdgeTpuDriver(
        context(), libraries(), annotation(EdgeTpuDriver.Config.class, settings), root);
  }

  /** Waits for the processor. */
  @Override
  public Accelerator accelerator() throws InterruptedException {
    return awaitService(PROCESSOR);
  }

  /** Waits for an Edge TPU. */
  Accelerator edgeTpu() throws InterruptedException {
    return awaitService(EDGE_TPU);
  }

  /** The Edge TPUs that are there now. */
  List<ServiceReference<Accelerator>> edgeTpus() {
    return references(EDGE_TPU);
  }
}
