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
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelPackage;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Version;

/**
 * One version of a model: its packages, its candidates and the generation that serves. Fields that
 * change are guarded by the family, but for the counters.
 */
final class Model {
  final Family family;
  final Version version;

  /** What it counted since the engine started, also before its package was away. */
  final Metrics metrics;

  /** Requests that wait. Grows only under the family's lock. */
  final AtomicInteger waiting = new AtomicInteger();

  /** Services with this name and version, oldest first; empty while the package is away. */
  final List<ModelPackage> packages = new ArrayList<>();

  /** What the package says, or said before it went away. */
  ModelDescription description;

  /** Symbolic name and version of the bundle that brought, or had brought, the package. */
  String origin = "";

  final List<Candidate> candidates = new ArrayList<>();
  @Nullable Generation serving;

  /** Loaded and accepted, to serve once its canary or its group allows it. */
  @Nullable Generation staged;

  /** Those who want it loaded anew, in the order in which they came. */
  final ArrayDeque<Reload> reloads = new ArrayDeque<>();

  /** A hold on its files while it is pinned, so that a retained package is not given up. */
  ModelPackage.@Nullable Lease<ModelArtifact> pinned;

  /** Whose hold that is, or was tried to be had; null if it needs none. */
  @Nullable ModelPackage pinnedOrigin;

  /** Whose store was told whether to keep it over updates; null if none was. */
  @Nullable ModelPackage keptOrigin;

  /** Whether it was told to, because the version was committed last. */
  boolean keptGood;

  /** It is placed only after the version that was committed last. */
  boolean deferred;

  /** A placement was asked for or runs. */
  boolean placing;

  /** The next trial of what failed. */
  @Nullable Future<?> retry;

  /** End of the time that it serves on without a package. */
  long lingerUntilNanos;

  /** It was removed for good: no placement, no generation any more. */
  boolean removed;

  /** It is worth waiting for until then, because it was served; only if {@link #inGap}. */
  long gapUntilNanos;

  /** It was served, and the time since its generation went has not been found to be over. */
  boolean inGap;

  /** Label of the accelerator that went away; only if {@link #inGap}, and empty if none did. */
  String lostLabel = "";

  /** Label of the accelerator that was the fastest when last all were there; empty if unknown. */
  String fastestLabel = "";

  /** Latency measured there. */
  long fastestNanos;

  /** Who watches its drift; null if its package says nothing to hold it against. */
  @Nullable DriftMonitor drift;

  /** Digest of the contents that {@link #drift} was made of. */
  String driftSha256 = "";

  /** What the loader does for it now; empty if nothing. */
  volatile String progress = "";

  /** What was logged last, so that it is logged once per change. */
  String logged = "";

  Model(Family family, ModelDescription description, Metrics metrics) {
    this.family = family;
    this.metrics = metrics;
    this.version = description.version();
    this.description = description;
  }

  boolean installed() {
    return !packages.isEmpty();
  }

  /** Whether its bundle brings another version by now, and this one is there to go back to. */
  boolean retained() {
    return installed() && packages.stream().allMatch(ModelPackage::retained);
  }

  /** Whether it serves, or may do so soon. */
  boolean viable() {
    return serving != null || worthWaiting();
  }

  /** Whether it was tried wherever it may run, and cannot serve for now. */
  boolean hopeless() {
    return !viable()
        && !candidates.isEmpty()
        && candidates.stream()
            .noneMatch(c -> c.isUsable() || (c.state == Candidate.State.UNTRIED && c.isAllowed()));
  }

  /** Whether what serves was loaded from what the package says now. */
  boolean servesCurrent() {
    return serving != null && serving.contentSha256.equals(description.sha256());
  }

  /** Whether a request should wait for it rather than fail at once. */
  boolean worthWaiting() {
    return placing || deferred || staged != null || isBeingExchanged();
  }

  /** Whether it lost its accelerator so lately that another one is taken to come. */
  boolean isBeingExchanged() {
    return inGap && gapUntilNanos - System.nanoTime() > 0;
  }

  @Override
  public String toString() {
    return family.name + " " + version;
  }
}
