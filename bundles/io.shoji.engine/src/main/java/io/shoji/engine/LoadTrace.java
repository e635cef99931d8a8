/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import io.shoji.accelerator.ModelArtifact;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What came into the process while a model was loaded. What a runtime makes when it first loads a
 * model it may keep for the next: only what comes with a model that its driver has loaded before is
 * to go with that generation.
 */
final class LoadTrace {
  private static final Logger LOG = LoggerFactory.getLogger(LoadTrace.class);

  final Receipts receipts;
  final @Nullable DriverTrace driver;

  /** Name of the model. */
  final String model;

  /** Files of the model. */
  final Set<String> files = new HashSet<>();

  /** Whether its driver had loaded the model before. */
  final boolean repeated;

  /** What there was before; not needed any more once the model is loaded. */
  private @Nullable Census before;

  /** The generation that it became; null until then, and once that is closed. */
  volatile @Nullable Generation generation;

  /** What the runtime said that the model takes, bytes; 0 if it does not say. */
  volatile long nativeBytes;

  /** What came. */
  volatile Arrivals arrivals = Arrivals.NONE;

  LoadTrace(
      Receipts receipts,
      @Nullable DriverTrace driver,
      ModelArtifact artifact,
      boolean repeated,
      Census before) {
    this.receipts = receipts;
    this.driver = driver;
    this.model = artifact.model();
    this.repeated = repeated;
    this.before = before;
    for (Path file : artifact.files()) {
      files.add(real(file));
    }
  }

  private static String real(Path file) {
    try {
      return file.toRealPath().toString();
    } catch (IOException e) {
      LOG.debug("a file of a model is not there, its load will say so file={}", file, e);
      return file.toAbsolutePath().toString();
    }
  }

  /** The model is loaded. */
  void ended() {
    Census was = before;
    before = null;
    if (was != null) {
      receipts.loaded(this, Arrivals.between(was, Census.take(false)));
    }
  }

  /** The model is a generation now. */
  void serves(Generation serving) {
    nativeBytes = serving.loaded.memory().currentBytes().orElse(0);
    generation = serving;
    receipts.serves(this);
  }

  /** The generation is about to be closed, on this thread. */
  GenerationDeparture closing(Generation closing) {
    return receipts.closing(this, closing);
  }

  /** The generation was closed, or could not be. */
  void closed() {
    generation = null;
    receipts.closed(this);
  }
}
