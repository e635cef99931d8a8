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

  /** What the highest version that serves says of itself. Slow: it takes a snapshot of all. */
  static Optional<ModelDescription> find(InferenceService inference, ModelRef ref) {
    return inference.models().stream()
        .filter(status -> ref.accepts(status.description().name(), status.description().version()))
        .filter(status -> status.serving().filter(s -> made(status.description(), s)).isPresent())
        .map(ModelStatus::description)
        .max(Comparator.comparing(ModelDescription::version));
  }

  /** What the package that made an answer says of itself; empty if it has gone since. */
  static Optional<ModelDescription> of(InferenceService inference, Provenance answer) {
    return inference.models().stream()
        .map(ModelStatus::description)
        .filter(model -> made(model, answer))
        .findFirst();
  }

  /**
   * Whether a package's model made an answer. While a package is replaced by another one of the
   * same version, the digest of the model file tells them apart.
   */
  static boolean made(ModelDescription model, Provenance answer) {
    return model.name().equals(answer.model())
        && model.version().toString().equals(answer.modelVersion())
        && model
            .variant(answer.variant())
            .filter(v -> v.files().get(0).sha256().equals(answer.variantSha256()))
            .isPresent();
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
