/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;

/** A worker's accelerator as the engine sees it: that of the link, under watch. Thread safe. */
final class HostedAccelerator implements Accelerator {
  private final Accelerator remote;
  private final Company company;
  private final ProcessMemory memory;

  HostedAccelerator(Accelerator remote, Company company, ProcessMemory memory) {
    this.remote = remote;
    this.company = company;
    this.memory = memory;
  }

  @Override
  public AcceleratorInfo info() {
    return remote.info();
  }

  @Override
  public LoadedModel load(ModelArtifact artifact, LoadOptions options)
      throws AcceleratorException, InterruptedException {
    boolean only = company.models().getAndIncrement() == 0;
    int number = company.loads().incrementAndGet();
    boolean loaded = false;
    try {
      long beforeBytes = only && memory.resetPeak() ? memory.residentBytes() : -1;
      LoadedModel model = remote.load(artifact, options);
      loaded = true;
      return new HostedModel(model, artifact.sha256(), company, memory, beforeBytes, number);
    } finally {
      if (!loaded) {
        company.models().decrementAndGet();
      }
    }
  }

  @Override
  public AcceleratorHealth health() throws AcceleratorException {
    return remote.health();
  }
}
