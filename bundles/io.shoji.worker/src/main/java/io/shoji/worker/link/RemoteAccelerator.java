/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.link;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import java.nio.file.Path;

/** A worker's accelerator, in the gateway. */
final class RemoteAccelerator implements Accelerator {
  private final LinkClient link;
  private final int number;
  private final AcceleratorInfo info;
  private volatile boolean left;

  RemoteAccelerator(LinkClient link, int number, AcceleratorInfo info) {
    this.link = link;
    this.number = number;
    this.info = info;
  }

  /** It has been withdrawn: nothing is loaded on it any more. */
  void leave() {
    left = true;
  }

  @Override
  public AcceleratorInfo info() {
    return info;
  }

  @Override
  public LoadedModel load(ModelArtifact artifact, LoadOptions options)
      throws AcceleratorException, InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException("the load was interrupted before it began " + artifact);
    }
    link.checkAlive();
    if (left) {
      throw new IllegalStateException("the accelerator has been unregistered " + info);
    }
    Message.Load request =
        new Message.Load(
            link.number(),
            number,
            options.batchSize(),
            Thread.currentThread().getPriority() < Thread.NORM_PRIORITY,
            withWholePaths(artifact));
    return new RemoteModel(link, artifact, link.load(request, options.progress()));
  }

  /** The worker has another working folder. */
  private static ModelArtifact withWholePaths(ModelArtifact artifact) {
    return new ModelArtifact(
        artifact.model(),
        artifact.version(),
        artifact.variant(),
        artifact.format(),
        artifact.precision(),
        artifact.sha256(),
        artifact.files().stream().map(Path::toAbsolutePath).toList(),
        artifact.inputs(),
        artifact.outputs(),
        artifact.options());
  }

  @Override
  public AcceleratorHealth health() throws AcceleratorException {
    Message.Answer answer =
        link.request(new Message.Health(link.number(), number), info.toString(), "");
    if (answer instanceof Message.HealthIs is) {
      return is.health();
    }
    throw new AcceleratorException(Code.FAILED, "not an answer about health " + info);
  }

  @Override
  public String toString() {
    return info + " in worker pid=" + link.workerPid();
  }
}
