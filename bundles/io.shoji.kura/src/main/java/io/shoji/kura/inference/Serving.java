/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.inference;

import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.inference.Provenance;
import io.shoji.model.ModelDescription;
import java.util.Comparator;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;

/** Which package serves a model. */
final class Serving {
  /** Pause between two looks for a package that is being exchanged. */
  private static final long EXCHANGE_PAUSE_NANOS = 10_000_000;

  private Serving() {}

  /** How the version is that answers, else the highest one that is installed. Slow: a snapshot. */
  static Optional<ModelStatus> status(InferenceService inference, ModelRef ref) {
    Optional<ModelStatus> chosen = inference.model(ref);
    if (chosen.filter(Serving::serves).isPresent()) {
      return chosen;
    }
    return inference.models().stream()
        .filter(model -> ref.accepts(model.description().name(), model.description().version()))
        .filter(Serving::serves)
        .max(Comparator.comparing(model -> model.description().version()))
        .or(() -> chosen);
  }

  private static boolean serves(ModelStatus model) {
    return model.serving().filter(answer -> made(model.description(), answer)).isPresent();
  }

  /** What the version that answers says of itself. Slow: it takes a snapshot. */
  static Optional<ModelDescription> find(InferenceService inference, ModelRef ref) {
    return status(inference, ref).filter(Serving::serves).map(ModelStatus::description);
  }

  /** What the package that made an answer says of itself; empty if it has gone since. */
  static Optional<ModelDescription> of(InferenceService inference, Provenance answer) {
    return inference.models().stream()
        .map(ModelStatus::description)
        .filter(model -> made(model, answer))
        .findFirst();
  }

  /** Whether a package made an answer. */
  static boolean made(ModelDescription model, Provenance answer) {
    return model.sha256().equals(answer.packageSha256());
  }

  /**
   * What the package that serves says of itself, waiting for a model that is being loaded.
   *
   * @throws InferenceException UNKNOWN_MODEL, NO_ACCELERATOR, NOT_READY and others of the engine
   */
  static ModelDescription await(InferenceService inference, ModelRef ref, long deadlineNanos)
      throws InferenceException {
    do {
      Optional<ModelDescription> serving = find(inference, ref);
      if (serving.isPresent()) {
        return serving.get();
      }
      try {
        inference.prepare(ref, 1, deadlineNanos).close();
      } catch (InferenceException e) {
        if (e.code() != InferenceException.Code.INVALID_INPUT) {
          throw e;
        }
        // It serves, but cannot be prepared with a batch of one: no matter, it is not run here.
      }
      serving = find(inference, ref);
      if (serving.isPresent()) {
        return serving.get();
      }
      // The engine answers while a package is being exchanged, but nobody has its description.
      LockSupport.parkNanos(EXCHANGE_PAUSE_NANOS);
    } while (deadlineNanos - System.nanoTime() > 0 && !Thread.currentThread().isInterrupted());
    throw new InferenceException(
        InferenceException.Code.NOT_READY,
        "the model's package is being exchanged; try again model=" + ref);
  }
}
