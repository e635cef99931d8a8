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

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.inference.ModelStatus;
import io.shoji.inference.Provenance;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelPackage;
import io.shoji.model.ModelPackageException;
import io.shoji.model.ModelVariant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the accelerator for each model, on the loader's threads, one load at a time per model, the
 * models taking turns.
 *
 * <p>A model that nothing serves is served by the first candidate that loads; every other candidate
 * is then loaded and measured too, and the fastest ends up serving. What was measured is not
 * measured again while its device stays.
 */
final class Placement {
  /**
   * Two medians closer than this share of the smaller one count as equal: the package's order of
   * variants decides then.
   */
  private static final int TIE_DIVISOR = 20;

  private static final Pattern RETRY_PAUSE = Pattern.compile(" retryInMs=\\d+");
  private static final Logger LOG = LoggerFactory.getLogger(Placement.class);

  private final Engine engine;
  private final Executor loader;
  private final AtomicLong generations = new AtomicLong();

  Placement(Engine engine, Executor loader) {
    this.engine = engine;
    this.loader = loader;
  }

  /** Places a model anew, soon. Under the family's lock. */
  void request(Model model) {
    if (model.removed || engine.stopping() || model.placing) {
      return;
    }
    model.placing = true;
    loader.execute(() -> step(model));
  }

  private void step(Model model) {
    Runnable job;
    synchronized (model.family) {
      try {
        job = model.removed || engine.stopping() ? null : next(model);
      } catch (RuntimeException e) {
        LOG.error("placement failed, it is tried again when something changes model={}", model, e);
        job = null;
      }
      if (job == null) {
        model.placing = false;
        conclude(model);
      }
    }
    if (job == null) {
      model.family.sweep();
      return;
    }
    try {
      job.run();
    } finally {
      model.progress = "";
      loader.execute(() -> step(model));
    }
  }

  private @Nullable Runnable next(Model model) {
    refresh(model);
    if (!model.installed()) {
      return null;
    }
    ModelPackage origin = model.packages.get(0);
    ModelDescription description = model.description;
    Generation serving = model.servesCurrent() ? model.serving : null;
    if (serving != null && serving.origin() != origin) {
      return () -> renew(serving, origin);
    }
    Candidate fastest = fastest(model);
    if (serving == null && fastest != null) {
      return () -> load(model, fastest, true, origin, description);
    }
    long now = System.nanoTime();
    for (Candidate candidate : model.candidates) {
      if (!candidate.device.leaving()
          && (candidate.state == Candidate.State.UNTRIED
              || (candidate.state == Candidate.State.RETRY && candidate.retryAtNanos - now <= 0))) {
        return () -> load(model, candidate, false, origin, description);
      }
    }
    if (serving != null
        && fastest != null
        && (!fastest.isAt(serving)
            || (serving.provenance.degraded() && !degraded(model, fastest)))) {
      return () -> load(model, fastest, true, origin, description);
    }
    return null;
  }

  /** Brings the list of candidates up to what is there now. */
  private void refresh(Model model) {
    List<Candidate> before = new ArrayList<>(model.candidates);
    model.candidates.clear();
    for (ModelVariant variant : model.description.variants()) {
      for (Device device : engine.devices()) {
        if (!device.leaving()) {
          model.candidates.add(
              before.stream()
                  .filter(c -> c.device == device && c.variant.name().equals(variant.name()))
                  .findFirst()
                  .orElseGet(() -> consider(model.description, variant, device)));
        }
      }
    }
  }

  private static Candidate consider(
      ModelDescription description, ModelVariant variant, Device device) {
    Candidate candidate = new Candidate(variant, device);
    Offers.refusal(description, variant, device).ifPresent(candidate::refuse);
    return candidate;
  }

  private static @Nullable Candidate fastest(Model model) {
    long least = Long.MAX_VALUE;
    for (Candidate candidate : model.candidates) {
      if (isUsable(candidate)) {
        least = Math.min(least, candidate.latencyNanos);
      }
    }
    for (Candidate candidate : model.candidates) {
      if (isUsable(candidate) && candidate.latencyNanos <= least + least / TIE_DIVISOR) {
        return candidate;
      }
    }
    return null;
  }

  private static boolean isUsable(Candidate candidate) {
    return candidate.state == Candidate.State.MEASURED && !candidate.device.leaving();
  }

  /** Whether a faster accelerator is known that is away or fails. */
  private static boolean degraded(Model model, Candidate chosen) {
    return !model.fastestLabel.isEmpty()
        && !model.fastestLabel.equals(chosen.device.label)
        && chosen.latencyNanos > model.fastestNanos + model.fastestNanos / TIE_DIVISOR
        && !isMeasured(model, model.fastestLabel);
  }

  private static boolean isMeasured(Model model, String label) {
    return model.candidates.stream().anyMatch(c -> isUsable(c) && c.device.label.equals(label));
  }

  private void conclude(Model model) {
    Future<?> pending = model.retry;
    if (pending != null) {
      pending.cancel(false);
      model.retry = null;
    }
    if (model.removed || engine.stopping()) {
      return;
    }
    Candidate chosen = null;
    for (Candidate candidate : model.candidates) {
      if (model.serving != null && model.servesCurrent() && candidate.isAt(model.serving)) {
        chosen = candidate;
      }
    }
    if (chosen != null) {
      if (model.fastestLabel.isEmpty()
          || chosen.latencyNanos <= model.fastestNanos
          || isMeasured(model, model.fastestLabel)) {
        model.fastestLabel = chosen.device.label;
        model.fastestNanos = chosen.latencyNanos;
      }
      for (Candidate candidate : model.candidates) {
        if (candidate == chosen) {
          candidate.verdict = "serves";
        } else if (candidate.state == Candidate.State.MEASURED) {
          candidate.verdict =
              "not faster than variant="
                  + chosen.variant.name()
                  + " accelerator="
                  + chosen.device.label
                  + " medianNanos="
                  + candidate.latencyNanos
                  + " against="
                  + chosen.latencyNanos;
        }
      }
    }
    announce(model);
    scheduleRetry(model);
  }

  /**
   * Logs why a model does not serve, once per reason: while an accelerator is taken to come, right
   * after the start or while a driver is exchanged, that is nothing to worry about; afterwards it
   * asks for somebody's attention. Under the family's lock.
   */
  void announce(Model model) {
    String reason = model.serving != null || !model.installed() ? "" : reason(model);
    // A longer pause is no news.
    String news = RETRY_PAUSE.matcher(reason).replaceAll("");
    // Right after the start no driver has had the time to open its device.
    long startingMs = engine.devices().isEmpty() ? engine.startingMs() : 0;
    boolean exchange = model.isBeingExchanged() || startingMs > 0;
    if (exchange && !news.isEmpty()) {
      news = "exchange";
      if (startingMs > 0) {
        engine.after(startingMs + 1, () -> model.family.announce(model));
      }
    }
    if (!news.isEmpty() && !news.equals(model.logged)) {
      if (exchange) {
        LOG.info(
            "an accelerator is waited for model={} gapWaitMs={}",
            model,
            engine.settings().gapWaitMs());
      } else {
        LOG.warn("{}", reason);
      }
    }
    model.logged = news;
  }

  private void scheduleRetry(Model model) {
    long now = System.nanoTime();
    long soonest = Long.MAX_VALUE;
    for (Candidate candidate : model.candidates) {
      if (candidate.state == Candidate.State.RETRY) {
        soonest = Math.min(soonest, Math.max(0, candidate.retryAtNanos - now));
      }
    }
    if (soonest < Long.MAX_VALUE && model.installed()) {
      model.retry =
          engine.scheduleNanos(
              soonest + 1_000_000,
              () -> {
                synchronized (model.family) {
                  request(model);
                }
              });
    }
  }

  private void renew(Generation serving, ModelPackage origin) {
    ModelPackage.Lease<ModelArtifact> old;
    ModelPackage.@Nullable Lease<ModelArtifact> fresh = null;
    try {
      fresh = origin.acquire(serving.variant.name());
    } catch (ModelPackageException e) {
      LOG.warn(
          "the package came back but its files cannot be held; what was loaded serves on {}",
          serving,
          e);
    }
    synchronized (serving.model.family) {
      if (serving.model.serving != serving) {
        old = fresh;
      } else if (fresh == null) {
        old = null;
        serving.origin(origin);
      } else {
        old = serving.moveTo(origin, fresh);
      }
    }
    if (old != null) {
      old.close();
    }
  }

  private void load(
      Model model,
      Candidate candidate,
      boolean measuredBefore,
      ModelPackage origin,
      ModelDescription description) {
    Device device = candidate.device;
    if (!device.beginLoad()) {
      return;
    }
    String what =
        "model="
            + description.name()
            + " version="
            + description.version()
            + " variant="
            + candidate.variant.name()
            + " accelerator="
            + device.label;
    ModelPackage.@Nullable Lease<ModelArtifact> files = null;
    @Nullable LoadedModel loaded = null;
    boolean kept = false;
    try {
      model.progress = "loading " + what;
      files = origin.acquire(candidate.variant.name());
      loaded =
          device.accelerator.load(
              files.get(),
              LoadOptions.defaults()
                  .withProgress(step -> model.progress = "loading " + what + ": " + step));
      List<String> differences = new ArrayList<>();
      differences.addAll(Offers.differences("input", description.inputs(), loaded.inputs()));
      differences.addAll(Offers.differences("output", description.outputs(), loaded.outputs()));
      if (!differences.isEmpty()) {
        failed(
            model,
            candidate,
            false,
            "the model file is not what the package declares: " + String.join("; ", differences));
        return;
      }
      model.progress = "measuring " + what;
      Settings settings = engine.settings();
      long median =
          new Probe(engine, device, loaded)
              .medianNanos(measuredBefore ? 1 : settings.measureRuns(), settings.measureTimeMs());
      Generation generation =
          decide(model, candidate, measuredBefore, median, loaded, origin, files);
      kept = generation != null && model.family.publish(generation);
      if (generation != null && kept) {
        LOG.info(
            "serving {} medianNanos={} runtime={} runtimeVersion={} driver={} driverVersion={}"
                + " degraded={}",
            generation,
            generation.latencyNanos,
            generation.provenance.runtime(),
            generation.provenance.runtimeVersion(),
            generation.provenance.driver(),
            generation.provenance.driverVersion(),
            generation.provenance.degraded());
      }
    } catch (ModelPackageException e) {
      failed(model, candidate, true, "its files cannot be had: " + e.getMessage());
    } catch (AcceleratorException e) {
      failed(model, candidate, mayMend(e.code()), "cannot be loaded: " + e.getMessage());
    } catch (InterruptedException e) {
      // Interrupted because the device leaves or the engine stops; else it is tried again.
      failed(model, candidate, true, "loading was interrupted");
    } catch (RuntimeException | Error e) {
      if (failed(model, candidate, true, "cannot be loaded: " + e)) {
        LOG.warn("the driver threw what its contract does not allow {}", what, e);
      }
    } finally {
      if (!kept) {
        close(loaded, files, what);
      }
      device.endLoad();
    }
  }

  private @Nullable Generation decide(
      Model model,
      Candidate candidate,
      boolean measuredBefore,
      long median,
      LoadedModel loaded,
      ModelPackage origin,
      ModelPackage.Lease<ModelArtifact> files) {
    synchronized (model.family) {
      if (!model.candidates.contains(candidate)) {
        return null;
      }
      if (!measuredBefore) {
        candidate.measured(median, loaded.memory().loadBytes().orElse(-1));
      }
      if (model.servesCurrent() && fastest(model) != candidate) {
        return null;
      }
      return new Generation(
          model,
          candidate.device,
          candidate.variant,
          model.description.sha256(),
          loaded,
          provenance(model, candidate),
          candidate.latencyNanos,
          origin,
          files);
    }
  }

  private Provenance provenance(Model model, Candidate candidate) {
    AcceleratorInfo info = candidate.device.info;
    return new Provenance(
        generations.incrementAndGet(),
        model.family.name,
        model.version.toString(),
        candidate.variant.name(),
        candidate.variant.files().get(0).sha256(),
        model.description.sha256(),
        info.kind(),
        info.device(),
        info.driver(),
        info.driverVersion(),
        info.runtime(),
        info.runtimeVersion(),
        info.runtimeBuildId(),
        info.simulated(),
        degraded(model, candidate));
  }

  private static boolean mayMend(AcceleratorException.Code code) {
    return switch (code) {
      case UNSUPPORTED, INVALID_MODEL, INVALID_INPUT, INCOMPATIBLE_RUNTIME -> false;
      case TIMEOUT, OUT_OF_MEMORY, DEVICE_BUSY, DEVICE_LOST, FAILED -> true;
    };
  }

  /** Notes a failure, and logs it once per reason; whether it did. */
  private boolean failed(Model model, Candidate candidate, boolean mayMend, String reason) {
    boolean changed;
    synchronized (model.family) {
      changed =
          mayMend
              ? candidate.failForNow(reason, 0, engine.settings().retryMs())
              : candidate.fail(reason);
    }
    if (!changed || candidate.device.leaving() || engine.stopping()) {
      return false;
    }
    LOG.warn(
        "candidate failed model={} variant={} accelerator={}: {}",
        model,
        candidate.variant.name(),
        candidate.device.label,
        reason);
    return true;
  }

  private static void close(
      @Nullable LoadedModel loaded,
      ModelPackage.@Nullable Lease<ModelArtifact> files,
      String what) {
    try {
      if (loaded != null) {
        loaded.close();
      }
    } catch (RuntimeException | Error e) {
      LOG.warn("could not close the model {}", what, e);
    }
    if (files != null) {
      files.close();
    }
  }

  // What is told of it. Under the family's lock.

  /** How a model is. */
  ModelStatus.State state(Model model) {
    if (model.serving != null) {
      return ModelStatus.State.SERVING;
    }
    if (model.placing) {
      return ModelStatus.State.LOADING;
    }
    boolean failed =
        model.candidates.stream()
            .anyMatch(c -> c.state == Candidate.State.FAILED || c.state == Candidate.State.RETRY);
    return failed ? ModelStatus.State.FAILED : ModelStatus.State.NO_ACCELERATOR;
  }

  /** Why a model does not serve. */
  String reason(Model model) {
    if (model.serving != null) {
      return "";
    }
    return model.placing
        ? doing(model)
        : Offers.explain(model.description, model.candidates, engine.devices());
  }

  /** What is being done to make it serve. */
  String doing(Model model) {
    String progress = model.progress;
    if (!progress.isEmpty()) {
      return progress;
    }
    return model.placing
        ? "waits for the loader, which loads one model after the other"
        : "its accelerator went away, and is waited for gapWaitMs=" + engine.settings().gapWaitMs();
  }

  ModelStatus status(Model model) {
    Generation serving = model.serving;
    return new ModelStatus(
        model.description,
        state(model),
        reason(model),
        Optional.ofNullable(serving).map(g -> g.provenance),
        model.candidates.stream().map(c -> c.status(serving != null && c.isAt(serving))).toList(),
        model.metrics.snapshot(model.waiting.get()));
  }
}
