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
import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.MemoryUse;
import io.shoji.accelerator.ModelAdaptation;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.inference.Provenance;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelFile;
import io.shoji.model.ModelPackage;
import io.shoji.model.ModelPackageException;
import io.shoji.model.ModelVariant;
import io.shoji.operations.EngineEvent;
import io.shoji.operations.GenerationKey;
import io.shoji.operations.ModelPolicy;
import io.shoji.operations.OperationException;
import io.shoji.operations.RolloutPolicy;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the accelerator for each model, on the loader's threads, one load at a time per model, the
 * models taking turns.
 *
 * <p>A model that nothing serves is served by the first candidate that loads; every other candidate
 * is then loaded and measured too, and the fastest ends up serving. What was measured is not
 * measured again while its device stays. An operator's order of accelerators goes before speed, and
 * those further down are not tried while one further up can serve.
 */
final class Placement {
  /**
   * Two medians closer than this share of the smaller one count as equal: the package's order of
   * variants decides then.
   */
  private static final int TIE_DIVISOR = 20;

  /**
   * What a model takes in memory, in sizes of its files, where nobody has measured it: the runtime
   * reads the file, and keeps the weights once more in the order that its kernels want.
   */
  private static final long FILES_IN_MEMORY = 2;

  private static final Pattern RETRY_PAUSE = Pattern.compile(" retryInMs=\\d+");
  private static final Logger LOG = LoggerFactory.getLogger(Placement.class);

  private final Engine engine;
  private final Executor loader;
  private final AtomicLong generations = new AtomicLong();

  /** What served since the start: it is accepted again before it does so another time. */
  private final Set<GenerationKey> served = ConcurrentHashMap.newKeySet();

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
    if (model.family.roomIsTaken(model)) {
      return null;
    }
    ModelPackage origin = model.installed() ? model.packages.get(0) : null;
    ModelPackage holder = model.family.isPinned(model) ? origin : null;
    if (model.pinnedOrigin != holder && (holder != null || model.installed())) {
      return () -> hold(model, holder);
    }
    boolean good = model.family.isLastGood(model);
    if (origin != null
        && (model.keptOrigin != origin || model.keptGood != good)
        && (good || model.family.isLastGoodKept())) {
      return () -> keep(model, origin, good);
    }
    if (origin == null || !model.family.wanted(model)) {
      return null;
    }
    model.deferred = model.serving == null && model.family.comesAfterLastGood(model);
    if (model.deferred) {
      return null;
    }
    ModelDescription description = model.description;
    Generation serving = model.servesCurrent() ? model.serving : null;
    if (serving != null && serving.origin() != origin) {
      return () -> renew(serving, origin);
    }
    Reload reload = model.reloads.poll();
    if (reload != null) {
      return () -> reload(model, reload, origin, description);
    }
    Candidate best = best(model);
    if (serving == null && best != null && model.staged == null) {
      return () -> load(model, best, Why.CHOSEN, null, origin, description);
    }
    ModelPolicy policy = policy(model);
    int enough = best == null ? Integer.MAX_VALUE : rank(policy, best.device.label);
    Candidate untried = null;
    for (Candidate candidate : model.candidates) {
      if (isDue(candidate)
          && successor(model, candidate) == null
          && rank(policy, candidate.device.label) <= enough
          && (untried == null
              || rank(policy, candidate.device.label) < rank(policy, untried.device.label))) {
        untried = candidate;
      }
    }
    if (untried != null) {
      Candidate chosen = untried;
      return () -> load(model, chosen, Why.UNTRIED, null, origin, description);
    }
    if (serving != null
        && best != null
        && model.staged == null
        && (!best.isAt(serving) || (serving.provenance.degraded() && !degraded(model, best)))) {
      return () -> load(model, best, Why.CHOSEN, null, origin, description);
    }
    return null;
  }

  private static boolean isDue(Candidate candidate) {
    return !candidate.device.leaving()
        && candidate.isAllowed()
        && (candidate.state == Candidate.State.UNTRIED
            || (candidate.state == Candidate.State.RETRY
                && candidate.retryAtNanos - System.nanoTime() <= 0));
  }

  // What the operator wants.

  private ModelPolicy policy(Model model) {
    return engine.policy().model(model.family.name);
  }

  /**
   * How far down in the operator's order of accelerators a device is; those not named share the
   * last place.
   */
  private static int rank(ModelPolicy policy, String label) {
    String kind = label.substring(0, label.indexOf(':'));
    List<String> order = policy.accelerators();
    for (int i = 0; i < order.size(); i++) {
      if (order.get(i).equals(label) || order.get(i).equals(kind)) {
        return i;
      }
    }
    return order.size();
  }

  /**
   * Whether a model stays off a device because its own went away and is waited for, unless that one
   * is back and cannot serve it.
   */
  private boolean isAwaitedElsewhere(Model model, Candidate candidate) {
    if (engine.gap(model.family.name) != ModelPolicy.Gap.WAIT
        || !model.isBeingExchanged()
        || model.lostLabel.isEmpty()
        || candidate.device.label.equals(model.lostLabel)) {
      return false;
    }
    List<Candidate> back =
        model.candidates.stream().filter(c -> c.device.label.equals(model.lostLabel)).toList();
    return back.isEmpty()
        || back.stream()
            .anyMatch(
                c -> c.state == Candidate.State.UNTRIED || c.state == Candidate.State.MEASURED);
  }

  /** Finds out anew what policy and budgets have against a candidate. */
  private void judge(Model model, Candidate candidate) {
    ModelPolicy policy = policy(model);
    Device device = candidate.device;
    String bar = engine.rollouts().bar(Rollouts.key(model.description, candidate.variant, device));
    candidate.forbidden =
        !bar.isEmpty()
            ? bar
            : isAwaitedElsewhere(model, candidate)
                ? "its accelerator is waited for accelerator="
                    + model.lostLabel
                    + " gapWaitMs="
                    + engine.settings().gapWaitMs()
                : !engine.policy().accelerator(device.info.kind(), device.info.device()).enabled()
                    ? "the policy disables the accelerator"
                    : policy.only() && rank(policy, device.label) == policy.accelerators().size()
                        ? "the policy runs the model elsewhere only=" + policy.accelerators()
                        : "";
    // Before it was loaded: it will hardly take less than its files.
    long bytes =
        candidate.footprintBytes >= 0
            ? candidate.footprintBytes
            : candidate.variant.files().stream().mapToLong(ModelFile::size).sum();
    OptionalLong budget = policy.memoryBudgetBytes();
    candidate.overBudget =
        budget.isPresent() && bytes > budget.getAsLong()
            ? "it takes more memory than the policy allows the model asked="
                + bytes
                + " budget="
                + budget.getAsLong()
            : beyondDevice(model, device, bytes);
  }

  private String beyondDevice(Model model, Device device, long bytes) {
    OptionalLong budget =
        engine.policy().accelerator(device.info.kind(), device.info.device()).memoryBudgetBytes();
    // Every driver of one device uses the same memory.
    long others =
        loadedOn(device)
            .filter(g -> !g.kept)
            .filter(g -> g.model.family != model.family || g.model.family.staysBeside(g, model))
            .mapToLong(g -> g.footprintBytes)
            .sum();
    return budget.isPresent() && others + bytes > budget.getAsLong()
        ? "it takes more memory than the policy leaves on the accelerator asked="
            + bytes
            + " others="
            + others
            + " budget="
            + budget.getAsLong()
        : "";
  }

  /**
   * Notes on its device a generation that is about to serve, unless others have used up the memory
   * meanwhile. Under the family's lock.
   */
  boolean reserve(Generation generation) {
    synchronized (generation.gate) {
      if (!beyondDevice(generation.model, generation.device, generation.footprintBytes).isEmpty()) {
        return false;
      }
      generation.device.generations.add(generation);
      generation.device.used();
    }
    makeRoom(generation.device);
    return true;
  }

  /** What is loaded on a device, by every driver of it. */
  private Stream<Generation> loadedOn(Device device) {
    return engine.devices().stream()
        .filter(d -> d.label.equals(device.label))
        .flatMap(d -> d.generations.stream());
  }

  /** Whether the budget of a device leaves room for all that is loaded there. */
  private boolean hasRoom(Device device) {
    OptionalLong budget =
        engine.policy().accelerator(device.info.kind(), device.info.device()).memoryBudgetBytes();
    return budget.isEmpty()
        || loadedOn(device).mapToLong(g -> g.footprintBytes).sum() <= budget.getAsLong();
  }

  /** Whether what answers may stay loaded beside what takes over from it. */
  boolean mayKeep(Generation before, Generation next) {
    return !before.device.leaving() && hasRoom(before.device) && hasRoom(next.device);
  }

  /** Gives up what is loaded only to go back to, if others need its memory. */
  private void makeRoom(Device device) {
    if (!hasRoom(device)) {
      loadedOn(device)
          .filter(g -> g.kept)
          .forEach(g -> engine.after(0, () -> g.model.family.giveUp(g)));
    }
  }

  /** What a loaded model counts in budgets: what its runtime says, else what loading it took. */
  private static long footprint(MemoryUse use, ModelVariant variant) {
    long runtime = Math.max(use.currentBytes().orElse(-1), use.peakBytes().orElse(-1));
    return runtime >= 0
        ? runtime
        : use.loadBytes().orElse(variant.files().stream().mapToLong(ModelFile::size).sum());
  }

  /** Holds the files of a pinned model, or lets go of them. */
  private void hold(Model model, @Nullable ModelPackage holder) {
    ModelPackage.@Nullable Lease<ModelArtifact> fresh = null;
    if (holder != null) {
      try {
        fresh = holder.acquire(holder.description().variants().get(0).name());
      } catch (ModelPackageException e) {
        LOG.warn("the files of a pinned model cannot be held model={}", model, e);
      }
    }
    ModelPackage.@Nullable Lease<ModelArtifact> old;
    synchronized (model.family) {
      if (model.removed) {
        old = fresh;
      } else {
        old = model.pinned;
        model.pinned = fresh;
        model.pinnedOrigin = holder;
      }
    }
    if (old != null) {
      old.close();
    }
  }

  /** Has the version to go back to kept in the store, or not any more. */
  private static void keep(Model model, ModelPackage origin, boolean good) {
    try {
      origin.keep(good);
    } catch (ModelPackageException e) {
      LOG.warn("the last good version may be given up by an update model={}", model, e);
    }
    synchronized (model.family) {
      model.keptOrigin = origin;
      model.keptGood = good;
      if (good) {
        model.family.requestKept();
      }
    }
  }

  /** Loads a model anew, soon. Under the family's lock. */
  void reload(Model model, Reload reload) {
    model.reloads.add(reload);
    request(model);
  }

  private void reload(
      Model model, Reload reload, ModelPackage origin, ModelDescription description) {
    Candidate candidate;
    synchronized (model.family) {
      Generation serving = model.servesCurrent() ? model.serving : null;
      candidate =
          serving == null
              ? null
              : model.candidates.stream().filter(c -> c.isAt(serving)).findFirst().orElse(null);
    }
    if (candidate == null) {
      reload.fail(
          OperationException.Code.CONFLICT, "nothing serves the model any more model=" + model);
    } else if (!reload.cancelled) {
      load(model, candidate, Why.RELOAD, reload, origin, description);
    }
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
    model.candidates.forEach(candidate -> judge(model, candidate));
  }

  private static Candidate consider(
      ModelDescription description, ModelVariant variant, Device device) {
    Candidate candidate = new Candidate(variant, device);
    Offers.refusal(description, variant, device).ifPresent(candidate::refuse);
    return candidate;
  }

  /**
   * The same variant on the same device by a newer driver, which takes over or is to be tried; null
   * if there is none, or if it failed, and then the model stays where it is.
   */
  private static @Nullable Candidate successor(Model model, Candidate candidate) {
    for (Candidate other : model.candidates) {
      if (other.variant.name().equals(candidate.variant.name())
          && other.device.supersedes(candidate.device)
          && (other.isUsable() || (other.state == Candidate.State.UNTRIED && other.isAllowed()))) {
        return other;
      }
    }
    return null;
  }

  /** Whether it may serve, and no newer driver of its device serves the same. */
  private static boolean isEligible(Model model, Candidate candidate) {
    if (!candidate.isUsable()) {
      return false;
    }
    Candidate successor = successor(model, candidate);
    return successor == null || !successor.isUsable();
  }

  /** The usable candidate that the operator prefers; among equals the fastest. */
  private @Nullable Candidate best(Model model) {
    ModelPolicy policy = policy(model);
    int first = Integer.MAX_VALUE;
    for (Candidate candidate : model.candidates) {
      if (isEligible(model, candidate)) {
        first = Math.min(first, rank(policy, candidate.device.label));
      }
    }
    long least = Long.MAX_VALUE;
    for (Candidate candidate : model.candidates) {
      if (isEligible(model, candidate) && rank(policy, candidate.device.label) == first) {
        least = Math.min(least, candidate.latencyNanos);
      }
    }
    for (Candidate candidate : model.candidates) {
      if (isEligible(model, candidate)
          && rank(policy, candidate.device.label) == first
          && candidate.latencyNanos <= least + least / TIE_DIVISOR) {
        return candidate;
      }
    }
    return null;
  }

  /** Whether a better accelerator is known that is away or fails. */
  private boolean degraded(Model model, Candidate chosen) {
    String label = model.fastestLabel;
    if (label.isEmpty() || label.equals(chosen.device.label) || isMeasured(model, label)) {
      return false;
    }
    int rank = rank(policy(model), chosen.device.label);
    int better = rank(policy(model), label);
    return better < rank
        || (better == rank
            && chosen.latencyNanos > model.fastestNanos + model.fastestNanos / TIE_DIVISOR);
  }

  /** Whether a candidate is at least as good as the best that was ever measured. */
  private static boolean isNoWorse(ModelPolicy policy, Candidate candidate, Model model) {
    int rank = rank(policy, candidate.device.label);
    int best = rank(policy, model.fastestLabel);
    return rank < best || (rank == best && candidate.latencyNanos <= model.fastestNanos);
  }

  private static boolean isMeasured(Model model, String label) {
    return model.candidates.stream()
        .anyMatch(
            c ->
                c.state == Candidate.State.MEASURED
                    && !c.device.leaving()
                    && c.device.label.equals(label));
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
      ModelPolicy policy = policy(model);
      if (model.fastestLabel.isEmpty()
          || isMeasured(model, model.fastestLabel)
          || isNoWorse(policy, chosen, model)) {
        model.fastestLabel = chosen.device.label;
        model.fastestNanos = chosen.latencyNanos;
      }
      int rank = rank(policy, chosen.device.label);
      for (Candidate candidate : model.candidates) {
        if (candidate == chosen) {
          candidate.verdict = "serves";
        } else if ((candidate.state == Candidate.State.MEASURED
                || candidate.state == Candidate.State.UNTRIED)
            && rank(policy, candidate.device.label) > rank) {
          candidate.verdict =
              "the policy prefers accelerator="
                  + chosen.device.label
                  + " order="
                  + policy.accelerators();
        } else if (candidate.device.label.equals(chosen.device.label)
            && candidate.state != Candidate.State.REFUSED
            && chosen.device.supersedes(candidate.device)
            && chosen.variant.name().equals(candidate.variant.name())) {
          candidate.verdict = "a newer driver serves in its place driver=" + chosen.device.driver();
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
    if (chosen != null && !chosen.forbidden.isEmpty()) {
      LOG.info("a model is taken off its accelerator {}: {}", model.serving, chosen.forbidden);
      model.family.fade(model);
    }
    announce(model);
    engine.lookForUnused();
    scheduleRetry(model);
    if (model.serving == null) {
      if (model.retained()) {
        model.family.requestStandIn(model);
      } else {
        model.family.requestRetained();
      }
    }
  }

  /**
   * Logs why a model does not serve, once per reason: while an accelerator is taken to come, right
   * after the start or while a driver is exchanged, that is nothing to worry about; afterwards it
   * asks for somebody's attention. Under the family's lock.
   */
  void announce(Model model) {
    boolean silent =
        model.serving != null
            || model.deferred
            || model.staged != null
            || !model.installed()
            || !model.family.wanted(model);
    String reason = silent ? "" : reason(model);
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
        engine
            .events()
            .add(
                EngineEvent.Type.MODEL_FAILED,
                model.family.name,
                model.version.toString(),
                "",
                reason,
                Map.of("reason.1", reason));
      }
    }
    model.logged = news;
  }

  private void scheduleRetry(Model model) {
    long now = System.nanoTime();
    long soonest = Long.MAX_VALUE;
    for (Candidate candidate : model.candidates) {
      if (candidate.state == Candidate.State.RETRY && candidate.isAllowed()) {
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

  /** What a model is loaded for. */
  private enum Why {
    /** To find out how fast it runs there. */
    UNTRIED,
    /** It was found to be the best, and is to serve. */
    CHOSEN,
    /** It serves there, and is to do so anew. */
    RELOAD,
    /** What serves has to make room for another one, and this answers meanwhile. */
    STAND_IN
  }

  private void load(
      Model model,
      Candidate candidate,
      Why why,
      @Nullable Reload reload,
      ModelPackage origin,
      ModelDescription description) {
    Device device = candidate.device;
    if (!device.beginLoad()) {
      failed(model, candidate, reload, true, "the accelerator leaves", Map.of());
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
    Map<String, String> evidence = Map.of();
    try {
      String tight = tight(model, candidate, description);
      if (!tight.isEmpty() && (why == Why.STAND_IN || !makeRoom(model, candidate))) {
        failed(model, candidate, reload, true, tight, evidence);
        return;
      }
      model.progress = "loading " + what;
      files = origin.acquire(candidate.variant.name());
      boolean urgent = isUrgent(model);
      ModelArtifact artifact = files.get();
      LoadOptions options =
          LoadOptions.defaults()
              .withProgress(step -> model.progress = "loading " + what + ": " + step);
      LoadTrace trace = engine.receipts().loading(device, artifact);
      loaded =
          engine
              .guard()
              .load(
                  device,
                  artifact.toString(),
                  () ->
                      urgent
                          ? device.accelerator.load(artifact, options)
                          : politely(device, artifact, options, what));
      trace.ended();
      List<TensorSpec> inputs = description.inputsOf(candidate.variant);
      List<TensorSpec> outputs = description.outputsOf(candidate.variant);
      List<String> differences = new ArrayList<>();
      differences.addAll(Offers.differences("input", inputs, loaded.inputs()));
      differences.addAll(Offers.differences("output", outputs, loaded.outputs()));
      if (differences.isEmpty() && !inputs.isEmpty() && !outputs.isEmpty()) {
        // What applications give and get is what the package says, whatever the variant's file has.
        List<TensorSpec> modelInputs = Offers.completed(inputs, loaded.inputs());
        List<TensorSpec> modelOutputs = Offers.completed(outputs, loaded.outputs());
        differences.addAll(
            ModelAdaptation.differences(
                description.inputs(), description.outputs(), modelInputs, modelOutputs));
        if (differences.isEmpty()) {
          loaded =
              ModelAdaptation.adapt(
                  loaded, description.inputs(), description.outputs(), modelInputs, modelOutputs);
        }
      }
      if (!differences.isEmpty()) {
        failed(
            model,
            candidate,
            reload,
            false,
            "the model file is not what the package declares: " + String.join("; ", differences),
            evidence);
        return;
      }
      GuardedModel guarded = guarded(device, loaded);
      loaded = guarded;
      model.progress = "measuring " + what;
      Settings settings = engine.settings();
      Probe probe = new Probe(engine, device, guarded, urgent);
      long median =
          probe.medianNanos(
              why == Why.CHOSEN ? 1 : settings.measureRuns(), settings.measureTimeMs());
      model.progress = "trying " + what;
      GenerationKey key = Rollouts.key(description, candidate.variant, device);
      Trial.Result trial =
          reload == null && isRemembered(key, settings)
              ? Trial.Result.remembered()
              : new Trial(
                      probe,
                      loaded,
                      origin,
                      description,
                      candidate.variant.precision(),
                      settings.acceptanceTimeMs(),
                      engine.rollouts().rival(model, candidate, loaded))
                  .run();
      evidence = trial.found();
      if (!trial.passed()
          && settings.acceptance()
          && !(trial.onlySlow() && isNeeded(model, description))) {
        failed(
            model,
            candidate,
            reload,
            trial.mayPass(),
            "it is not accepted on this device: " + String.join("; ", trial.refusals()),
            evidence);
        return;
      }
      Generation generation =
          reload != null && reload.cancelled
              ? null
              : decide(model, candidate, why, median, guarded, origin, files);
      if (generation != null) {
        generation.loadedWith(trace);
      }
      kept =
          generation != null
              && (generation.standsIn
                  ? engine.rollouts().standIn(generation, trial)
                  : engine.rollouts().takeOver(generation, trial));
      if (generation != null && kept) {
        served.add(key);
        LOG.info(
            "{} {} medianNanos={} runtime={} runtimeVersion={} driver={} driverVersion={}"
                + " degraded={} acceptance=[{}]",
            model.family.serves(generation) ? "serving" : "staged",
            generation,
            generation.latencyNanos,
            generation.provenance.runtime(),
            generation.provenance.runtimeVersion(),
            generation.provenance.driver(),
            generation.provenance.driverVersion(),
            generation.provenance.degraded(),
            text(trial.found()));
        if (!trial.passed()) {
          LOG.warn(
              "a model serves that misses its package's acceptance criteria {}: {}",
              generation,
              String.join("; ", trial.refusals()));
        }
      }
      if (reload != null && kept) {
        reload.ended.complete(null);
      } else if (reload != null) {
        reload.fail(
            OperationException.Code.FAILED,
            "it was loaded, but must not serve: its package, its accelerator or the policy changed"
                + " meanwhile "
                + what);
      }
    } catch (ModelPackageException e) {
      failed(
          model, candidate, reload, true, "its files cannot be had: " + e.getMessage(), evidence);
    } catch (AcceleratorException e) {
      failed(
          model,
          candidate,
          reload,
          mayMend(e.code()),
          "cannot be loaded: " + e.getMessage(),
          evidence);
    } catch (InterruptedException e) {
      // Interrupted because the device leaves or the engine stops; else it is tried again.
      failed(model, candidate, reload, true, "loading was interrupted", evidence);
    } catch (RuntimeException | Error e) {
      if (failed(model, candidate, reload, true, "cannot be loaded: " + e, evidence)) {
        LOG.warn("the driver threw what its contract does not allow {}", what, e);
      }
    } finally {
      if (!kept) {
        close(loaded == null ? null : guarded(device, loaded), files, what);
      }
      model.family.roomUsed(model);
      device.endLoad();
    }
  }

  private GuardedModel guarded(Device device, LoadedModel loaded) {
    return loaded instanceof GuardedModel guarded
        ? guarded
        : new GuardedModel(
            engine.guard(), device, loaded, (hung, reason) -> engine.hangs(device, hung, reason));
  }

  /** Whether just this was committed before the restart. */
  private boolean isRemembered(GenerationKey key, Settings settings) {
    return !settings.acceptAgain() && !served.contains(key) && engine.journal().wasAccepted(key);
  }

  /** Loads so that others are not slowed down, unless they leave no time for that at all. */
  private LoadedModel politely(
      Device device, ModelArtifact artifact, LoadOptions options, String what)
      throws AcceleratorException, InterruptedException {
    Optional<LoadedModel> loaded =
        engine.background().unlessStarved(() -> device.accelerator.load(artifact, options));
    if (loaded.isPresent()) {
      return loaded.get();
    }
    LOG.info("the processors are busy with other things, so a load gives way no longer {}", what);
    return device.accelerator.load(artifact, options);
  }

  /**
   * Why a model does not fit beside what serves, as far as can be told before; empty if it may.
   * Without anything to stay beside it is tried: nothing is put at risk then.
   */
  private String tight(Model model, Candidate candidate, ModelDescription description)
      throws InterruptedException {
    long asked;
    synchronized (model.family) {
      if (model.family.models().stream().allMatch(m -> m.serving == null)) {
        return "";
      }
      asked = estimate(model, candidate, description);
    }
    Optional<MemoryRoom.Room> room = room(candidate.device);
    if (room.isPresent() && asked > room.get().bytes() && giveUpKept(candidate.device)) {
      room = room(candidate.device);
    }
    return room.isEmpty() || asked <= room.get().bytes()
        ? ""
        : "there is no room for it beside what serves; free some memory, or let the old one go first"
            + " (tightMemory) asked="
            + asked
            + " found="
            + room.get().bytes()
            + " limit="
            + room.get().limit();
  }

  /**
   * What a variant will take: what it was measured to take before, else a multiple of its files.
   */
  private static long estimate(Model model, Candidate candidate, ModelDescription description) {
    long measured = candidate.footprintBytes;
    for (Candidate other : model.candidates) {
      if (other.variant.name().equals(candidate.variant.name())
          && other.device.info.kind().equals(candidate.device.info.kind())) {
        measured = Math.max(measured, other.footprintBytes);
      }
    }
    long bytes =
        measured >= 0
            ? measured
            : FILES_IN_MEMORY * candidate.variant.files().stream().mapToLong(ModelFile::size).sum();
    return Math.max(bytes, description.acceptance().flatMap(a -> a.peakMemoryBytes()).orElse(0L));
  }

  private Optional<MemoryRoom.Room> room(Device device) {
    if (device.isHost()) {
      return engine.room();
    }
    try {
      AcceleratorHealth health = device.accelerator.health();
      return health.memoryTotalBytes().isPresent() && health.memoryUsedBytes().isPresent()
          ? Optional.of(
              new MemoryRoom.Room(
                  health.memoryTotalBytes().getAsLong() - health.memoryUsedBytes().getAsLong(),
                  device.label))
          : Optional.empty();
    } catch (AcceleratorException e) {
      LOG.debug("a device does not tell of its memory accelerator={}", device, e);
      return Optional.empty();
    }
  }

  /**
   * Closes what is loaded only to go back to and takes memory that a device needs; whether anything
   * was closed.
   */
  private boolean giveUpKept(Device device) throws InterruptedException {
    boolean closed = false;
    for (Family family : engine.families()) {
      Generation held = family.held();
      if (held != null
          && (held.device.label.equals(device.label) || (held.device.isHost() && device.isHost()))
          && engine.rollouts().giveUp(held, "memory was needed accelerator=" + device.label)
          && !family.serves(held)) {
        LOG.info("what was kept to go back to is closed, since memory is needed {}", held);
        closed |= held.awaitClosed(engine.settings().drainTimeoutMs() * 1_000_000L);
      }
    }
    return closed;
  }

  /** Has a model answered elsewhere while what serves it makes room, where that is wanted. */
  private void standIn(Generation serving, Device needed) {
    Model model = serving.model;
    ModelPackage origin;
    ModelDescription description;
    Candidate chosen = null;
    synchronized (model.family) {
      if (!model.installed() || engine.gap(model.family.name) != ModelPolicy.Gap.FALLBACK) {
        return;
      }
      origin = model.packages.get(0);
      description = model.description;
      for (Candidate each : model.candidates) {
        boolean elsewhere =
            !each.device.label.equals(serving.device.label)
                && !each.device.label.equals(needed.label);
        if (elsewhere && (each.isUsable() || isDue(each)) && isBetter(model, each, chosen)) {
          chosen = each;
        }
      }
    }
    if (chosen != null) {
      load(model, chosen, Why.STAND_IN, null, origin, description);
    }
  }

  /** Whether a candidate is preferred to another, as far as is known of them. */
  private boolean isBetter(Model model, Candidate one, @Nullable Candidate other) {
    if (other == null) {
      return true;
    }
    ModelPolicy policy = policy(model);
    int order = Integer.compare(rank(policy, one.device.label), rank(policy, other.device.label));
    return order < 0
        || (order == 0
            && one.latencyNanos >= 0
            && (other.latencyNanos < 0 || one.latencyNanos < other.latencyNanos));
  }

  /** Closes what serves before its successor is loaded, if the operator wants that; whether so. */
  private boolean makeRoom(Model model, Candidate candidate) throws InterruptedException {
    List<Generation> old = model.family.inTheWay(model);
    // What did worse does not keep out what is to come in its place.
    if (old.isEmpty()
        || (engine.rollout(model.family.name).tight() != RolloutPolicy.TightMemory.SEQUENTIAL
            && !old.stream().allMatch(generation -> generation.worse))) {
      return false;
    }
    old.forEach(generation -> standIn(generation, candidate.device));
    model.family.stepAside(model, old);
    for (Generation generation : old) {
      LOG.info(
          "a generation steps aside, since memory is tight; requests {} {} for variant={}"
              + " accelerator={}",
          generation.model.serving == null ? "wait" : "are answered elsewhere",
          generation,
          candidate.variant.name(),
          candidate.device.label);
      if (!generation.awaitClosed(engine.settings().drainTimeoutMs() * 1_000_000L)) {
        return false;
      }
    }
    return true;
  }

  /**
   * Whether a model must be there as soon as can be: requests wait for it, or it has just lost its
   * accelerator, or nothing serves yet that could be disturbed.
   */
  private boolean isUrgent(Model model) {
    synchronized (model.family) {
      return !engine.serves()
          || (model.serving == null && (model.isBeingExchanged() || model.waiting.get() > 0))
          || model.family.hasSteppedAside(model);
    }
  }

  private static String text(Map<String, String> figures) {
    return figures.entrySet().stream()
        .map(figure -> figure.getKey() + "=" + figure.getValue())
        .sorted()
        .collect(Collectors.joining(" "));
  }

  /**
   * Whether nothing else answers for a model, so that even a slow answer is better than none: a
   * machine that has just started and is busy must not stand still.
   */
  private static boolean isNeeded(Model model, ModelDescription description) {
    synchronized (model.family) {
      return model.serving == null
          && model.family.routes().find(ModelRef.latest(description.name())) == null;
    }
  }

  private @Nullable Generation decide(
      Model model,
      Candidate candidate,
      Why why,
      long median,
      GuardedModel loaded,
      ModelPackage origin,
      ModelPackage.Lease<ModelArtifact> files) {
    MemoryUse use = loaded.memory();
    synchronized (model.family) {
      if (!model.candidates.contains(candidate)) {
        return null;
      }
      if (why != Why.CHOSEN) {
        candidate.measured(median, use.loadBytes().orElse(-1), footprint(use, candidate.variant));
      }
      judge(model, candidate);
      if (!candidate.overBudget.isEmpty() && candidate.budgetIsNews()) {
        LOG.warn(
            "candidate refused model={} variant={} accelerator={}: {}",
            model,
            candidate.variant.name(),
            candidate.device.label,
            candidate.overBudget);
      }
      // What is staged has its turn first.
      boolean elsewhere =
          model.staged != null
              || (why != Why.RELOAD
                  && why != Why.STAND_IN
                  && model.servesCurrent()
                  && best(model) != candidate);
      if (!candidate.isUsable() || elsewhere) {
        return null;
      }
      return new Generation(
          model,
          candidate.device,
          candidate.variant,
          model.description.sha256(),
          loaded,
          provenance(model, candidate, why == Why.STAND_IN || degraded(model, candidate)),
          candidate.latencyNanos,
          candidate.footprintBytes,
          origin,
          files,
          why == Why.STAND_IN);
    }
  }

  private Provenance provenance(Model model, Candidate candidate, boolean degraded) {
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
        degraded);
  }

  private static boolean mayMend(AcceleratorException.Code code) {
    return switch (code) {
      case UNSUPPORTED, INVALID_MODEL, INVALID_INPUT, INCOMPATIBLE_RUNTIME, QUARANTINED -> false;
      case TIMEOUT, OUT_OF_MEMORY, DEVICE_BUSY, DEVICE_LOST, FAILED -> true;
    };
  }

  /** Notes a failure, and logs it once per reason; whether it did. */
  private boolean failed(
      Model model,
      Candidate candidate,
      @Nullable Reload reload,
      boolean mayMend,
      String reason,
      Map<String, String> evidence) {
    if (reload != null) {
      // What serves there goes on, and the candidate with it.
      reload.fail(
          OperationException.Code.FAILED,
          reason
              + " model="
              + model
              + " variant="
              + candidate.variant.name()
              + " accelerator="
              + candidate.device.label);
      return false;
    }
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
    engine.rollouts().refused(model, candidate, reason, evidence);
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
    if (model.placing || model.deferred || model.staged != null) {
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
    if (!model.family.wanted(model)) {
      return "it is retained to go back to, and not loaded; pin the model to it, or roll back";
    }
    return model.placing || model.deferred || model.staged != null
        ? doing(model)
        : Offers.explain(model.description, model.candidates, engine.devices());
  }

  /** What is being done to make it serve. */
  String doing(Model model) {
    String progress = model.progress;
    if (!progress.isEmpty()) {
      return progress;
    }
    if (model.staged != null) {
      return "it is loaded and accepted, and compared with what answers before it does";
    }
    if (model.serving != null) {
      return "the version that is asked for is waited for gapWaitMs="
          + engine.settings().gapWaitMs();
    }
    if (model.deferred) {
      return "is loaded after the version that was committed last";
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
