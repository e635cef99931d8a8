/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.accelerator;

import org.osgi.annotation.versioning.ConsumerType;

/**
 * One device that runs models: an OSGi service that a driver registers per device and unregisters
 * when the device is gone.
 *
 * <p>Threads: every method may be called from any thread at any time. Life: after the driver has
 * unregistered the service it ends running calls (they finish, or fail with {@link
 * AcceleratorException.Code#DEVICE_LOST}), closes the models still open and only then lets go of
 * the vendor's library.
 */
@ConsumerType
public interface Accelerator {
  /** What this device is; the same object for the life of the service. */
  AcceleratorInfo info();

  /**
   * Loads a model and makes it ready to run. May take minutes (a TensorRT engine is built on the
   * device), so it is called off the serving path; models already loaded keep running meanwhile.
   * Interrupting the thread asks the driver to give up; one whose vendor call cannot be interrupted
   * does so at its next step.
   *
   * <p>The thread may have a low priority in the operating system ({@link ThreadNiceness}), which
   * threads that it starts inherit and cannot lose again; its Java priority is below {@code
   * Thread.NORM_PRIORITY} then. A driver whose load or first run leaves threads behind that serve
   * later starts those from a thread of its own.
   *
   * @param artifact files that stay in place until the returned model is closed
   * @return a model that the caller closes
   * @throws AcceleratorException UNSUPPORTED (this device cannot run it, ever: format, precision,
   *     operator, shape), INVALID_MODEL (damaged or inconsistent file), OUT_OF_MEMORY, DEVICE_BUSY,
   *     DEVICE_LOST, INCOMPATIBLE_RUNTIME or FAILED; nothing stays allocated
   * @throws InterruptedException if the thread was interrupted; nothing stays allocated
   * @throws IllegalStateException after the service was unregistered
   */
  LoadedModel load(ModelArtifact artifact, LoadOptions options)
      throws AcceleratorException, InterruptedException;

  /**
   * How the device is now. Cheap enough for once a second; never waits for a running inference.
   *
   * @throws AcceleratorException DEVICE_LOST or FAILED if the device does not answer
   */
  AcceleratorHealth health() throws AcceleratorException;
}
