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

import io.shoji.model.DriftFeatures;
import io.shoji.model.DriftReference;
import io.shoji.operations.DriftReport;
import java.time.Clock;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Sees to it that drift of every version is watched whose package says what to watch for. */
final class Drift {
  private static final Logger LOG = LoggerFactory.getLogger(Drift.class);

  private Drift() {}

  /** Watches a generation that is about to serve. Under the family's lock. */
  static void watch(Engine engine, Generation generation) {
    Model model = generation.model;
    DriftMonitor monitor = model.drift;
    if (monitor == null || !model.driftSha256.equals(generation.contentSha256)) {
      monitor = null;
      Optional<DriftReference> reference = model.description.drift();
      if (reference.isPresent()) {
        try {
          monitor =
              new DriftMonitor(
                  model.family.name,
                  model.version.toString(),
                  reference.get(),
                  DriftFeatures.of(
                      reference.get(), model.description.inputs(), model.description.outputs()),
                  engine::driftSettings,
                  task -> engine.after(0, task),
                  engine.events(),
                  System::nanoTime,
                  Clock.systemUTC());
        } catch (IllegalArgumentException e) {
          LOG.warn("drift cannot be watched model={}", model, e);
        }
      }
      model.drift = monitor;
      model.driftSha256 = generation.contentSha256;
    }
    if (monitor != null) {
      generation.attach(monitor);
    }
  }

  /** What is known of the version that a generation is of. */
  static DriftReport report(Generation generation) {
    DriftMonitor monitor;
    synchronized (generation.model.family) {
      monitor = generation.model.drift;
    }
    return monitor != null
        ? monitor.report()
        : new DriftReport(
            generation.model.family.name,
            generation.version.toString(),
            DriftReport.State.UNWATCHED,
            "the package does not say how its inputs were distributed; make it anew with shoji"
                + " package",
            0,
            0,
            Optional.empty(),
            0,
            Optional.empty(),
            List.of());
  }
}
