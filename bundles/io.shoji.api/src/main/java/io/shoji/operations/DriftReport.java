/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.operations;

import io.shoji.model.DriftReference;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * How far what a model takes and gives here is from what its package was calibrated with.
 * Immutable.
 *
 * @param model name of the model
 * @param version version that answers
 * @param state what was found
 * @param note why nothing was found yet, or what was; one line
 * @param seen samples that were looked at since this version answers
 * @param window samples that a finding is of
 * @param evaluated when that was; empty if the first window is not full
 * @param referenceCount samples that the reference was made of; 0 without one
 * @param source which samples these were; empty without a reference
 * @param features one for each of the reference, in its order; empty before the first finding
 */
public record DriftReport(
    String model,
    String version,
    State state,
    String note,
    long seen,
    int window,
    Optional<Instant> evaluated,
    int referenceCount,
    Optional<DriftReference.Source> source,
    List<Feature> features) {

  /** What was found. */
  public enum State {
    /** The package has no reference, or drift is not watched. */
    UNWATCHED,
    /** The first window is not full. */
    COLLECTING,
    /** Nothing is beyond its alarm level. */
    STABLE,
    /** Something is, or was and is not far enough below it again. */
    ALARM
  }

  /**
   * A feature.
   *
   * @param label what it is of, as {@code input image channel 0 mean}
   * @param kind what is looked at
   * @param psi population stability index of the window (Siddiqi, Credit Risk Scorecards, 2006):
   *     below 0.1 usually nothing, above 0.25 usually a shift
   * @param psiByChance the index that chance exceeds once in many windows
   * @param ks distance of Kolmogorov and Smirnov over the edges of the bins, 0 to 1
   * @param ksByChance the distance that chance exceeds once in many windows
   * @param effectiveSamples samples of the window, less what neighbours in time repeat
   * @param outside share of the values, 0 to 1, beyond all that the reference has
   * @param mean mean in the window
   * @param referenceMean mean in the reference
   * @param drifted whether it is beyond the alarm level, and chance does not explain it
   */
  public record Feature(
      String label,
      DriftReference.Kind kind,
      double psi,
      double psiByChance,
      double ks,
      double ksByChance,
      double effectiveSamples,
      double outside,
      double mean,
      double referenceMean,
      boolean drifted) {}

  /** Copies the list. */
  public DriftReport {
    features = List.copyOf(features);
  }
}
