/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.example;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** One device. Thread safe. */
final class SorobanAccelerator implements Accelerator {
  /** Of its models; no vendor's format. */
  static final String FORMAT = "soroban";

  /** Calls that keep the device busy. */
  static final int CONCURRENCY = 2;

  private final AcceleratorInfo info;
  private final Soroban soroban;
  private final Set<LoadedModel> open = ConcurrentHashMap.newKeySet();
  private boolean isClosed;

  SorobanAccelerator(AcceleratorInfo info, Soroban soroban) {
    this.info = info;
    this.soroban = soroban;
  }

  @Override
  public AcceleratorInfo info() {
    return info;
  }

  @Override
  public synchronized LoadedModel load(ModelArtifact artifact, LoadOptions options)
      throws AcceleratorException, InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException();
    }
    if (isClosed) {
      throw new IllegalStateException("the accelerator is gone " + info);
    }
    if (!info.formats().contains(artifact.format())) {
      throw new AcceleratorException(
          Code.UNSUPPORTED,
          "this device does not load that format: take another variant asked="
              + artifact.format()
              + " found="
              + info.formats()
              + " "
              + artifact);
    }
    options.progress().accept("reading the matrix");
    LoadedModel model = new SorobanModel(soroban, artifact, open::remove);
    open.add(model);
    return model;
  }

  @Override
  public AcceleratorHealth health() {
    return AcceleratorHealth.of(AcceleratorHealth.State.HEALTHY, "");
  }

  /** Waits for running calls and closes what is open. */
  void close() {
    synchronized (this) {
      isClosed = true;
    }
    open.forEach(LoadedModel::close);
  }
}
