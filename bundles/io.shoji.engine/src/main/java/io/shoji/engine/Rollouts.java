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
import io.shoji.accelerator.LoadedModel;
import io.shoji.inference.InferenceService;
import io.shoji.inference.Provenance;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelVariant;
import io.shoji.operations.EngineEvent;
import io.shoji.operations.GenerationKey;
import io.shoji.operations.ModelChange;
import io.shoji.operations.RolloutPolicy;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Version;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How one generation takes over from another: at once, after a canary, together with those of its
 * group; and back, if it does worse while it is on probation. Each state of a change is in the
 * journal before what it stands for begins.
 *
 * <p>Its monitor is taken before those of families, and those of several families in the order of
 * their names. It is never waited for while one of a family is held.
 */
final class Rollouts {
  private static final Logger LOG = LoggerFactory.getLogger(Rollouts.class);
  private static final int LOOK_MS = 100;
  private static final int IDLE_SECONDS = 30;

  /** So long after the last of a group was staged, another one is taken to be still to come. */
  private static final long SETTLE_NANOS = 2_000_000_000L;

  /** So often a process may end on probation before that is taken for the change's fault. */
  private static final int MOST_DEATHS = 2;

  /** A median of fewer runs says nothing. */
  private static final int LEAST_RUNS = 16;

  private static final int MEASURED_RUNS = 11;

  /** Why a change ends that a process before left. */
  private static final String SUPERSEDED = "another change followed before it ended";

  private static final long MEASURE_LIMIT_MS = 10_000;

  private final Engine engine;
  private final Journal journal;
  private final LongSupplier clock;
  private final Shadow shadow = new Shadow();
  private final ScheduledThreadPoolExecutor thread;

  // Guarded by this.
  private final Map<String, Rollout> active = new TreeMap<>();

  /** Changes that a process before left on probation, by model, until their generation serves. */
  private final Map<String, ModelChange> open = new HashMap<>();

  private final Set<String> recovered = new HashSet<>();
  private @Nullable Future<?> looks;
  private boolean stopped;

  /** What must not serve, and why. */
  private final Map<GenerationKey, String> barred = new ConcurrentHashMap<>();

  /**
   * Rollouts.
   *
   * @param clock nanoseconds, by which canaries and probations end
   */
  Rollouts(Engine engine, Journal journal, LongSupplier clock) {
    this.engine = engine;
    this.journal = journal;
    this.clock = clock;
    this.thread =
        new ScheduledThreadPoolExecutor(
            1, new Threads("rollout"), new ThreadPoolExecutor.DiscardPolicy());
    thread.setKeepAliveTime(IDLE_SECONDS, TimeUnit.SECONDS);
    thread.allowCoreThreadTimeOut(true);
    thread.setRemoveOnCancelPolicy(true);
  }

  /** What a generation is made of. */
  static GenerationKey key(Provenance by) {
    return new GenerationKey(
        by.model(),
        by.modelVersion(),
        by.packageSha256(),
        by.variant(),
        by.variantSha256(),
        by.accelerator() + ":" + by.device(),
        by.driver(),
        by.driverVersion(),
        by.runtime(),
        by.runtimeVersion(),
        by.runtimeBuildId());
  }

  /** What a generation of a variant on a device would be made of. */
  static GenerationKey key(ModelDescription description, ModelVariant variant, Device device) {
    AcceleratorInfo info = device.info;
    return new GenerationKey(
        description.name(),
        description.version().toString(),
        description.sha256(),
        variant.name(),
        variant.files().get(0).sha256(),
        device.label,
        info.driver(),
        info.driverVersion(),
        info.runtime(),
        info.runtimeVersion(),
        info.runtimeBuildId());
  }

  /** Changes of a model, newest first. */
  List<ModelChange> changes(String model) {
    List<ModelChange> changes = new ArrayList<>(journal.changes(model));
    Collections.reverse(changes);
    return changes;
  }

  /** A model's part of the change under way; null if there is none. */
  synchronized Rollout.@Nullable Part part(String model) {
    Rollout rollout = active.get(model);
    return rollout == null
        ? null
        : rollout.parts.stream()
            .filter(part -> part.family.name.equals(model))
            .findFirst()
            .orElse(null);
  }

  /** Why something must not serve because of what became of it before; empty if it may. */
  String bar(GenerationKey key) {
    return barred.getOrDefault(key, "");
  }

  // After a start.

  /**
   * Looks what a process before left of a model's changes. Before anything of the model is loaded.
   */
  synchronized void recover(String model) {
    if (!recovered.add(model)) {
      return;
    }
    for (ModelChange change : changes(model)) {
      int deaths = journal.deaths(change.id());
      if (!change.state().ended() && deaths >= MOST_DEATHS) {
        retreat(change, deaths);
      } else if (!change.state().ended() && !open.containsKey(model)) {
        open.put(model, change);
      } else if (!change.state().ended()) {
        journal.advance(change.id(), ModelChange.State.ROLLED_BACK, SUPERSEDED, Map.of());
      } else if (change.state() == ModelChange.State.ROLLED_BACK
          && deaths >= MOST_DEATHS
          && !journal.wasAccepted(change.to())) {
        barred.put(change.to(), change.reason());
      }
    }
  }

  /** Goes back from a change on probation that processes did not survive. */
  private void retreat(ModelChange change, int deaths) {
    String reason =
        "the process ended "
            + (deaths == MOST_DEATHS ? "twice" : deaths + " times")
            + " while it was on probation";
    String from = change.from().map(GenerationKey::version).orElse("");
    if (from.isEmpty() || from.equals(change.to().version())) {
      barred.put(change.to(), reason);
    } else {
      pin(change.to().model(), Version.parseVersion(from));
    }
    journal.advance(change.id(), ModelChange.State.ROLLED_BACK, reason, Map.of());
    rolledBack(change.id(), change.to(), from, reason, change.evidence());
  }

  private void pin(String model, Version version) {
    try {
      engine.pins().rollBack(model, version);
    } catch (IOException e) {
      LOG.error(
          "a model goes back, but its pin cannot be stored, so it will not hold over a restart"
              + " model={} version={}",
          model,
          version,
          e);
    }
  }

  // Taking over.

  /**
   * What a candidate is to be compared with on golden samples; null if nothing answers, or what
   * does takes or gives other tensors.
   */
  Trial.@Nullable Rival rival(Model model, Candidate candidate, LoadedModel loaded) {
    Generation answers = model.family.routes().unnamed();
    if (answers == null
        || !alike(answers.inputs, loaded.inputs())
        || !alike(answers.outputs, loaded.outputs())
        || key(answers.provenance)
            .equals(key(model.description, candidate.variant, candidate.device))) {
      return null;
    }
    return new Trial.Rival(
        engine,
        answers,
        new Agreement(
            model.description, answers.variant.precision(), candidate.variant.precision()),
        answers.variant.files().get(0).sha256().equals(candidate.variant.files().get(0).sha256()),
        engine.rollout(model.family.name).canary() != RolloutPolicy.Canary.OFF);
  }

  private static boolean alike(List<TensorSpec> one, List<TensorSpec> other) {
    if (one.size() != other.size()) {
      return false;
    }
    for (int i = 0; i < one.size(); i++) {
      if (one.get(i).type() != other.get(i).type()
          || !one.get(i).shape().equals(other.get(i).shape())) {
        return false;
      }
    }
    return true;
  }

  /** A candidate was not accepted that was to take over: that is a change too, and its end. */
  synchronized void refused(
      Model model, Candidate candidate, String reason, Map<String, String> evidence) {
    Generation answers = model.family.routes().unnamed();
    if (stopped
        || answers == null
        || (answers.model == model
            ? !answers.device.label.equals(candidate.device.label)
            : !model.family.prefers(model, answers))) {
      return;
    }
    GenerationKey from = key(answers.provenance);
    GenerationKey to = key(model.description, candidate.variant, candidate.device);
    if (from.equals(to)) {
      return;
    }
    long id = journal.begin(Optional.of(from), to);
    journal.advance(id, ModelChange.State.ROLLED_BACK, reason, evidence);
  }

  /**
   * Takes a generation that was accepted: it serves now, or once its canary and its group allow it.
   * On a loader's thread, which does not wait for that.
   *
   * @return false if it must not serve; the caller closes it
   */
  synchronized boolean takeOver(Generation next, Trial.Result trial) {
    if (stopped) {
      return false;
    }
    Family family = next.model.family;
    Family.Effect effect = family.effectOf(next);
    Generation before = effect.before();
    GenerationKey to = key(next.provenance);
    if (!effect.answers() || (before != null && key(before.provenance).equals(to))) {
      return family.publish(next, false, false);
    }
    ModelChange left = open.get(family.name);
    if (left != null && left.to().equals(to)) {
      return goOn(left, next, before, trial);
    }
    supersede(family.name);
    return before == null ? serveFirst(next, to, trial) : replace(next, to, before, trial);
  }

  /** What a process before left on probation answers again, and is watched again. */
  private boolean goOn(
      ModelChange left, Generation next, @Nullable Generation before, Trial.Result trial) {
    Family family = next.model.family;
    boolean keep = before != null && engine.placement().mayKeep(before, next);
    if (!family.publish(next, true, keep)) {
      return false;
    }
    open.remove(family.name);
    Rollout rollout = new Rollout("");
    Rollout.Part part =
        new Rollout.Part(
            left.id(),
            next,
            left.to(),
            before,
            left.from().map(GenerationKey::version).orElse(""),
            engine.rollout(family.name),
            trial.likeness());
    part.state = left.state();
    rollout.parts.add(part);
    watch(rollout);
    return true;
  }

  /**
   * Takes a generation that answers while what serves its version makes room for another one. As
   * {@link #takeOver}, but nothing is compared.
   */
  synchronized boolean standIn(Generation next, Trial.Result trial) {
    Family family = next.model.family;
    Generation before = family.routes().unnamed();
    if (stopped) {
      return false;
    }
    if (before == null || before.model != next.model) {
      return family.publish(next, false, false);
    }
    supersede(family.name);
    Rollout.Part part =
        begin(
            Optional.of(key(before.provenance)),
            next,
            key(next.provenance),
            before,
            engine.rollout(family.name),
            trial);
    part.reason = "it stands in while memory is too tight for what answered and what is to come";
    part.evidence.put("known", "true");
    Rollout rollout = new Rollout("");
    rollout.parts.add(part);
    return change(rollout);
  }

  /**
   * Gives up what is loaded only to go back to: after that the way back is to load it again. The
   * journal says so first.
   *
   * @return false if nothing on probation has it
   */
  synchronized boolean giveUp(Generation held, String reason) {
    Family family = held.model.family;
    Rollout rollout = active.get(family.name);
    if (rollout == null || rollout.phase != Rollout.Phase.PROBATION) {
      return false;
    }
    for (Rollout.Part part : rollout.parts) {
      if (part.before == held) {
        part.uncompare();
        part.evidence.put("before.closed", reason);
        journal.amend(part.id, part.evidence);
        part.before = null;
        family.giveUp(held);
        return true;
      }
    }
    return false;
  }

  /** Nothing answers: it does so at once. */
  private boolean serveFirst(Generation next, GenerationKey to, Trial.Result trial) {
    Family family = next.model.family;
    RolloutPolicy policy = engine.rollout(family.name);
    Optional<GenerationKey> last = journal.lastGood(family.name);
    boolean known = journal.wasAccepted(to);
    if (last.equals(Optional.of(to)) || (known && family.isBeingExchanged())) {
      // Nothing new, or something known in place of what is taken to come back.
      return family.publish(next, true, false);
    }
    Rollout rollout = new Rollout("");
    Rollout.Part part = begin(last, next, to, null, policy, trial);
    rollout.parts.add(part);
    if (known) {
      part.evidence.put("known", "true");
    }
    advance(part, ModelChange.State.LIVE, "");
    if (!family.publish(next, true, false)) {
      advance(part, ModelChange.State.ROLLED_BACK, mustNotServe());
      return false;
    }
    if (part.anotherVersion() && policy.probationMs() > 0 && !known) {
      watch(rollout);
    } else {
      advance(part, ModelChange.State.COMMITTED, "nothing answered before");
    }
    return true;
  }

  private static String mustNotServe() {
    return "it must not serve any more: its package, its accelerator or the policy changed"
        + " meanwhile";
  }

  private boolean replace(
      Generation next, GenerationKey to, Generation before, Trial.Result trial) {
    Family family = next.model.family;
    RolloutPolicy policy = engine.rollout(family.name);
    boolean known = journal.wasAccepted(to);
    Rollout.Part part = begin(Optional.of(key(before.provenance)), next, to, before, policy, trial);
    boolean canary =
        policy.canary() != RolloutPolicy.Canary.OFF
            && !known
            && alike(before.inputs, next.inputs)
            && alike(before.outputs, next.outputs);
    if (known) {
      part.evidence.put("known", "true");
    }
    if (policy.group().isEmpty() && !canary) {
      Rollout rollout = new Rollout("");
      rollout.parts.add(part);
      return change(rollout);
    }
    if (!family.stage(next, 0)) {
      advance(part, ModelChange.State.ROLLED_BACK, mustNotServe());
      return false;
    }
    if (canary) {
      part.judge =
          new Judge(
              part.likeness,
              part.to.packageSha256().equals(before.contentSha256),
              part.anotherVersion() || before.device.label.equals(next.device.label),
              budgetNanos(next));
    }
    Rollout rollout =
        policy.group().isEmpty()
            ? new Rollout("")
            : active.values().stream()
                .filter(r -> r.group.equals(policy.group()))
                .filter(r -> r.phase == Rollout.Phase.GATHERING)
                .findFirst()
                .orElseGet(() -> new Rollout(policy.group()));
    rollout.parts.add(part);
    rollout.untilNanos = clock.getAsLong() + SETTLE_NANOS;
    active.put(family.name, rollout);
    if (policy.group().isEmpty()) {
      compare(rollout);
    } else {
      part.evidence.put("group", policy.group());
    }
    lookLater();
    return true;
  }

  /**
   * Has another version answer that is loaded already, where the policy, a pin or the packages that
   * are there ask for it: like any other change, so the journal says so first. Not under the lock
   * of a family.
   */
  synchronized void turn(Family family) {
    if (family.turnsTo() == null || stopped) {
      return;
    }
    supersede(family.name);
    // With what was superseded, something that it held may have gone.
    Generation next = family.turnsTo();
    Generation before = family.routes().unnamed();
    if (next == null || before == null) {
      return;
    }
    GenerationKey to = key(next.provenance);
    Rollout.Part part =
        begin(
            Optional.of(key(before.provenance)),
            next,
            to,
            before,
            engine.rollout(family.name),
            Trial.Result.loaded());
    part.reason = "it was loaded already, and is what is asked for";
    if (journal.wasAccepted(to)) {
      part.evidence.put("known", "true");
    }
    Rollout rollout = new Rollout("");
    rollout.parts.add(part);
    boolean unused = change(rollout);
  }

  /** As {@link #turn}, on another thread. Takes no lock. */
  void turnSoon(Family family) {
    thread.execute(() -> turn(family));
  }

  private static long budgetNanos(Generation generation) {
    return generation
        .model
        .description
        .acceptance()
        .flatMap(ModelDescription.Acceptance::p99Ms)
        .map(ms -> (long) (ms * 1e6))
        .orElse(0L);
  }

  private Rollout.Part begin(
      Optional<GenerationKey> from,
      Generation next,
      GenerationKey to,
      @Nullable Generation before,
      RolloutPolicy policy,
      Trial.Result trial) {
    ModelChange left = open.remove(next.model.family.name);
    if (left != null) {
      journal.advance(left.id(), ModelChange.State.ROLLED_BACK, SUPERSEDED, Map.of());
    }
    long id = journal.begin(from, to);
    Rollout.Part part =
        new Rollout.Part(
            id,
            next,
            to,
            before,
            from.map(GenerationKey::version).orElse(""),
            policy,
            trial.likeness());
    advance(part, ModelChange.State.VERIFIED, "");
    part.evidence.putAll(trial.found());
    advance(part, ModelChange.State.ACCEPTED, "");
    return part;
  }

  /** Another change takes the place of one under way. */
  private void supersede(String model) {
    Rollout rollout = active.get(model);
    if (rollout == null) {
      return;
    }
    String reason = "another change followed";
    if (rollout.phase == Rollout.Phase.PROBATION) {
      for (Rollout.Part part : List.copyOf(rollout.parts)) {
        if (part.family.name.equals(model)) {
          leave(rollout, part, reason);
        }
      }
    } else {
      refuse(rollout, null, reason);
    }
  }

  /**
   * Another generation answers. If that is no change of those above, but because what answered is
   * gone or broken and another version was there, it is noted in the journal: there was no time to
   * do so before. Takes no lock.
   */
  void answersNow(Generation generation) {
    thread.execute(() -> note(generation));
  }

  private synchronized void note(Generation generation) {
    Family family = generation.model.family;
    Rollout rollout = active.get(family.name);
    if (stopped
        || family.routes().unnamed() != generation
        || (rollout != null && rollout.parts.stream().anyMatch(p -> p.next == generation))) {
      return;
    }
    if (family.isBeingExchanged()) {
      // Only for now; a pending task would keep the driver's classes in memory.
      WeakReference<Generation> later = new WeakReference<>(generation);
      engine.after(
          engine.settings().gapWaitMs() + 1L,
          () -> Optional.ofNullable(later.get()).ifPresent(this::answersNow));
      return;
    }
    GenerationKey to = key(generation.provenance);
    Optional<GenerationKey> last = journal.lastGood(family.name);
    if (last.isEmpty() || last.get().equals(to)) {
      return;
    }
    long id = journal.begin(last, to);
    for (ModelChange.State state :
        List.of(
            ModelChange.State.VERIFIED,
            ModelChange.State.ACCEPTED,
            ModelChange.State.LIVE,
            ModelChange.State.COMMITTED)) {
      journal.advance(
          id,
          state,
          state.ended() ? "it was loaded already, and what answered before was gone" : "",
          Map.of());
    }
  }

  // Canary.

  /** Begins to compare live requests, where that is asked for. */
  private void compare(Rollout rollout) {
    rollout.phase = Rollout.Phase.CANARY;
    long timeMs = 0;
    for (Rollout.Part part : rollout.parts) {
      Judge judge = part.judge;
      Generation before = part.before;
      if (judge == null || before == null) {
        continue;
      }
      timeMs = Math.max(timeMs, part.policy.canaryTimeMs());
      advance(part, ModelChange.State.CANARY, "");
      // A model that takes fewer calls than its device would have requests wait for it.
      boolean live = part.policy.canary() == RolloutPolicy.Canary.LIVE && part.next.limit == 0;
      Comparer comparer = comparer(part, before, judge, live ? 1 : part.policy.share());
      part.comparer = comparer;
      if (live) {
        part.next.attach(comparer);
        part.family.show(part.next, part.policy.share());
      } else {
        before.attach(comparer);
      }
    }
    rollout.untilNanos = clock.getAsLong() + timeMs * 1_000_000;
    lookLater();
  }

  private Comparer comparer(Rollout.Part part, Generation before, Judge judge, double share) {
    Agreement agreement =
        new Agreement(
            part.next.model.description, before.variant.precision(), part.next.variant.precision());
    return new Comparer(
        engine,
        shadow,
        before,
        part.next,
        share,
        new Comparison() {
          @Override
          public void failed(String reason) {
            judge.failed(reason);
          }

          @Override
          public void compared(
              List<Tensor> one, List<Tensor> next, long beforeNanos, long nextNanos) {
            judge.compared(
                agreement.samples(next), agreement.differing(one, next), beforeNanos, nextNanos);
          }

          @Override
          public boolean decided() {
            return judge.cleared() || judge.against().isPresent();
          }
        },
        this::kick);
  }

  private void lookAtGroup(Rollout rollout) {
    if (lookAtStaged(rollout)) {
      return;
    }
    Set<Generation> staged = new HashSet<>();
    rollout.parts.forEach(part -> staged.add(part.next));
    boolean waits = rollout.untilNanos - clock.getAsLong() > 0;
    for (Family family : engine.families()) {
      if (engine.rollout(family.name).group().equals(rollout.group)) {
        Family.Readiness readiness = family.readiness(staged);
        if (!readiness.failure().isEmpty()) {
          refuse(
              rollout,
              null,
              "another model of its group is not ready group="
                  + rollout.group
                  + " model="
                  + family.name
                  + ": "
                  + readiness.failure());
          return;
        }
        waits |= readiness.coming();
      }
    }
    if (!waits) {
      rollout.parts.sort(Comparator.comparing(part -> part.family.name));
      compare(rollout);
    }
  }

  /** Whether what is staged is there no more, or answers at once because nothing else does. */
  private boolean lookAtStaged(Rollout rollout) {
    boolean needed = false;
    for (Rollout.Part part : rollout.parts) {
      if (!part.family.isStaged(part.next)) {
        String failure = part.next.failure;
        refuse(
            rollout,
            null,
            failure.isEmpty()
                ? "its accelerator or its package went away"
                : "it failed while it ran: " + failure);
        return true;
      }
      Generation answers = part.family.routes().unnamed();
      if (answers == null) {
        needed = true;
      } else if (answers != part.before) {
        refuse(rollout, null, "another generation answers meanwhile");
        return true;
      }
    }
    if (needed) {
      rollout.parts.forEach(part -> part.evidence.put("canary.end", "nothing answered any more"));
      change(rollout);
    }
    return needed;
  }

  private void lookAtCanary(Rollout rollout) {
    if (lookAtStaged(rollout)) {
      return;
    }
    boolean cleared = true;
    boolean over = rollout.untilNanos - clock.getAsLong() <= 0;
    for (Rollout.Part part : rollout.parts) {
      Judge judge = part.judge;
      if (judge != null) {
        Optional<String> against = over ? judge.againstAtEnd() : judge.against();
        if (against.isPresent()) {
          part.evidence.put("canary.end", "worse");
          refuse(rollout, part, "its canary speaks against it: " + against.get());
          return;
        }
        cleared &= judge.cleared();
      }
    }
    if (cleared || over) {
      String end = cleared ? "as good" : "nothing against it in time";
      rollout.parts.stream()
          .filter(part -> part.judge != null)
          .forEach(part -> part.evidence.put("canary.end", end));
      change(rollout);
    }
  }

  /**
   * Gives up what is staged; what answers goes on.
   *
   * @param culprit whose own fault it is, so that it is not tried again; null if nobody's
   */
  private void refuse(Rollout rollout, Rollout.@Nullable Part culprit, String reason) {
    end(rollout);
    for (Rollout.Part part : rollout.parts) {
      part.unwatch();
      boolean own = part == culprit;
      String why =
          culprit == null || own
              ? reason
              : "another model of its group was refused model="
                  + culprit.family.name
                  + ": "
                  + reason;
      advance(part, ModelChange.State.ROLLED_BACK, why);
      LOG.warn("a generation does not take over {}: {}", part.next, why);
      part.family.verdict(part.next, why, own, engine.settings().retryMs());
      part.family.unstage(part.next);
    }
  }

  // The switch, and what comes after it.

  /** Has every new generation answer, or none. */
  private boolean change(Rollout rollout) {
    for (Rollout.Part part : rollout.parts) {
      part.unwatch();
      advance(part, ModelChange.State.LIVE, part.reason);
    }
    List<Family.Changes> changes = new ArrayList<>();
    boolean done = together(rollout.parts, 0, () -> publish(rollout.parts, changes));
    changes.forEach(each -> each.apply(engine));
    if (!done) {
      if (rollout.phase == Rollout.Phase.GATHERING && rollout.group.isEmpty()) {
        // Not staged: whoever loaded it closes it.
        rollout.parts.forEach(part -> advance(part, ModelChange.State.ROLLED_BACK, mustNotServe()));
      } else {
        refuse(rollout, null, mustNotServe());
      }
      return false;
    }
    boolean watched =
        rollout.parts.stream()
            .anyMatch(p -> p.policy.probationMs() > 0 && !p.evidence.containsKey("known"));
    if (watched) {
      watch(rollout);
    } else {
      end(rollout);
      for (Rollout.Part part : rollout.parts) {
        advance(part, ModelChange.State.COMMITTED, part.reason);
        part.family.endHold();
      }
    }
    return true;
  }

  /** Does something while the locks of all families are held, which are in order. */
  private static boolean together(List<Rollout.Part> parts, int from, BooleanSupplier work) {
    if (from == parts.size()) {
      return work.getAsBoolean();
    }
    synchronized (parts.get(from).family) {
      return together(parts, from + 1, work);
    }
  }

  private boolean publish(List<Rollout.Part> parts, List<Family.Changes> changes) {
    for (Rollout.Part part : parts) {
      if (!part.family.mayServe(part.next)
          || (!part.family.isStaged(part.next)
              && !part.family.serves(part.next)
              && !engine.placement().reserve(part.next))) {
        return false;
      }
    }
    for (Rollout.Part part : parts) {
      Generation before = part.before;
      boolean keep =
          part.policy.probationMs() > 0
              && before != null
              && before == part.family.routes().unnamed()
              && engine.placement().mayKeep(before, part.next);
      Family.Changes own = new Family.Changes();
      changes.add(own);
      part.family.publish(part.next, true, keep, own);
    }
    return true;
  }

  /** Begins probation. */
  private void watch(Rollout rollout) {
    rollout.phase = Rollout.Phase.PROBATION;
    long timeMs = 0;
    for (Rollout.Part part : rollout.parts) {
      active.put(part.family.name, rollout);
      timeMs = Math.max(timeMs, part.policy.probationMs());
      Generation before = part.before;
      if (before != null && !part.family.holds(before)) {
        before = null;
        part.before = null;
      }
      long usual =
          before == null
              ? part.likeness.beforeNanos()
              : before.runTimes.count() >= LEAST_RUNS
                  ? before.runTimes.median()
                  : part.likeness.beforeNanos();
      boolean timed =
          part.anotherVersion()
              || before == null
              || before.device.label.equals(part.next.device.label);
      Watch watch =
          new Watch(
              part.next,
              (before == null ? new Metrics() : before.model.metrics).snapshot(0),
              timed ? usual : 0,
              budgetNanos(part.next),
              part.policy.share(),
              this::kick);
      part.watch = watch;
      part.next.attach(watch);
      if (before != null && part.judge != null) {
        Judge judge =
            new Judge(
                part.likeness,
                part.to.packageSha256().equals(before.contentSha256),
                timed,
                budgetNanos(part.next));
        part.judge = judge;
        Comparer comparer = comparer(part, before, judge, part.policy.share());
        part.comparer = comparer;
        part.next.attach(comparer);
      } else {
        part.judge = null;
        if (before != null && before.mix != null && part.next.mix != null) {
          part.mix = new MixJudge(part.next.mix, before.mix.latest());
        }
      }
      advance(part, ModelChange.State.PROBATION, "");
    }
    rollout.untilNanos = clock.getAsLong() + timeMs * 1_000_000;
    lookLater();
  }

  private void lookAtProbation(Rollout rollout) {
    boolean over = rollout.untilNanos - clock.getAsLong() <= 0;
    for (Rollout.Part part : List.copyOf(rollout.parts)) {
      Generation before = part.before;
      if (before != null && !part.family.holds(before) && part.next.failure.isEmpty()) {
        // Nothing of its driver may stay because of this.
        part.uncompare();
        part.before = null;
      }
      if (!part.next.failure.isEmpty()) {
        rollBack(rollout, part, "it failed while it ran: " + part.next.failure);
        return;
      }
      Optional<String> against = against(part);
      if (against.isPresent()) {
        rollBack(rollout, part, against.get());
        return;
      }
      Generation answers = part.family.routes().unnamed();
      if (part.next.device.leaving()) {
        leave(rollout, part, "its accelerator went away");
      } else if (answers != null && answers != part.next) {
        leave(
            rollout,
            part,
            answers == before
                ? "what answered before does so again, as the operator or the policy asked"
                : "another generation answers");
      } else if (over) {
        leave(rollout, part, "");
      } else if (part.watch != null && part.watch.seemsSlow()) {
        measure(part);
      } else {
        lookAtMix(part);
      }
    }
    if (rollout.parts.isEmpty()) {
      end(rollout);
    }
  }

  /** Has both answer the same requests if the new one's answers are distributed otherwise. */
  private void lookAtMix(Rollout.Part part) {
    MixJudge mix = part.mix;
    Generation before = part.before;
    if (mix == null || before == null) {
      return;
    }
    if (mix.decided()) {
      // Dismissed: the inputs have changed, not the model.
      part.uncompare();
    } else if (part.comparer == null && mix.suspects()) {
      LOG.info("answers are distributed otherwise, both answer the same requests {}", part.next);
      Comparer comparer = new Comparer(engine, shadow, before, part.next, 1, mix, this::kick);
      part.comparer = comparer;
      part.next.attach(comparer);
    }
  }

  private static Optional<String> against(Rollout.Part part) {
    Judge judge = part.judge;
    Watch watch = part.watch;
    if (watch != null && watch.against().isPresent()) {
      return watch.against();
    }
    if (judge != null && part.comparer != null && judge.against().isPresent()) {
      return judge.against();
    }
    MixJudge mix = part.mix;
    if (mix != null && mix.against().isPresent()) {
      return mix.against();
    }
    return part.slow.isEmpty() ? Optional.empty() : Optional.of(part.slow);
  }

  /** Ends what a model has in a change that is on probation; nothing is switched. */
  private void leave(Rollout rollout, Rollout.Part part, String reason) {
    part.unwatch();
    rollout.parts.remove(part);
    active.remove(part.family.name, rollout);
    boolean answers = part.family.routes().unnamed() == part.next;
    advance(
        part,
        answers ? ModelChange.State.COMMITTED : ModelChange.State.ROLLED_BACK,
        answers || !reason.isEmpty() ? reason : "its accelerator was lost");
    part.family.endHold();
  }

  /**
   * Runs both in turn, to tell a slow generation from a busy gateway. In the shadow, which is of
   * low importance.
   */
  private void measure(Rollout.Part part) {
    Generation before = part.before;
    shadow.offer(
        () -> {
          List<Long> now = new ArrayList<>();
          List<Long> then = new ArrayList<>();
          for (int i = 0; i < MEASURED_RUNS; i++) {
            if (!timed(part.next, now) || (before != null && !timed(before, then))) {
              return;
            }
          }
          now.sort(Comparator.naturalOrder());
          then.sort(Comparator.naturalOrder());
          long median = now.get(MEASURED_RUNS / 2);
          long usual = before == null ? part.likeness.beforeNanos() : then.get(MEASURED_RUNS / 2);
          if (median > Math.max(budgetNanos(part.next), Judge.SLOWER * usual + Judge.SLACK_NANOS)) {
            part.slow =
                "it takes more than "
                    + Judge.SLOWER
                    + " times as long as what answered before medianMs="
                    + Judge.millis(median)
                    + " before="
                    + Judge.millis(usual);
            kick();
          }
        });
  }

  private boolean timed(Generation generation, List<Long> nanos) {
    List<Tensor> inputs =
        generation.inputs.stream()
            .map(spec -> Tensor.allocate(spec.type(), spec.shape().withDynamicAs(1)))
            .toList();
    long deadline = InferenceService.deadlineIn(MEASURE_LIMIT_MS);
    if (!generation.model.family.borrow(generation, deadline)) {
      return false;
    }
    try {
      nanos.add(engine.guard().compare(generation, inputs, deadline, System::nanoTime).nanos());
      return true;
    } catch (AcceleratorException | RuntimeException e) {
      LOG.debug("a generation cannot be measured {}", generation, e);
      return false;
    }
  }

  /** Has everything answer again that did before. */
  private void rollBack(Rollout rollout, Rollout.Part culprit, String reason) {
    end(rollout);
    Map<Rollout.Part, Boolean> goes = new HashMap<>();
    for (Rollout.Part part : rollout.parts) {
      part.unwatch();
      boolean possible =
          part.anotherVersion()
              ? part.family.has(Version.parseVersion(part.fromVersion))
              : part.family.mayGoBack(part.next) || part.family.mayReload(part.next);
      goes.put(part, possible);
      String why =
          part == culprit
              ? reason
              : "another model of its group goes back model=" + culprit.family.name + ": " + reason;
      if (!possible) {
        LOG.warn(
            "a generation does worse, but what answered before is gone {}: {}", part.next, why);
        advance(
            part,
            ModelChange.State.COMMITTED,
            "it does worse, but what answered before is gone: " + why);
        continue;
      }
      if (part.anotherVersion()) {
        pin(part.family.name, Version.parseVersion(part.fromVersion));
      }
      advance(part, ModelChange.State.ROLLED_BACK, why);
      part.next.worse = true;
      rolledBack(part.id, part.to, part.fromVersion, why, part.evidence);
    }
    List<Family.Changes> changes = new ArrayList<>();
    together(
        rollout.parts,
        0,
        () -> {
          for (Rollout.Part part : rollout.parts) {
            if (goes.getOrDefault(part, false)) {
              Family.Changes own = new Family.Changes();
              changes.add(own);
              if (part.anotherVersion()) {
                part.family.goBack(Version.parseVersion(part.fromVersion), own);
              } else {
                part.family.verdict(part.next, "it did worse on probation: " + reason, true, 0);
                if (!part.family.switchBack(part.next, own)) {
                  engine.placement().request(part.next.model);
                }
              }
            }
          }
          return true;
        });
    changes.forEach(each -> each.apply(engine));
    rollout.parts.forEach(part -> part.family.endHold());
  }

  private void rolledBack(
      long id, GenerationKey from, String target, String reason, Map<String, String> evidence) {
    String line =
        "a model goes back to what answered before, by itself model="
            + from.model()
            + " from="
            + from.version()
            + ": "
            + reason;
    LOG.warn("{}", line);
    Map<String, String> details = new TreeMap<>();
    details.put("change", Long.toString(id));
    details.put("cause", "probation");
    details.put("from.version", from.version());
    details.put("reason.1", reason);
    evidence.forEach((name, value) -> details.put("evidence." + name, value));
    engine
        .events()
        .add(
            EngineEvent.Type.MODEL_ROLLED_BACK,
            from.model(),
            target.isEmpty() ? from.version() : target,
            from.accelerator(),
            line,
            details);
  }

  private void end(Rollout rollout) {
    rollout.phase = Rollout.Phase.ENDED;
    active.values().removeIf(each -> each == rollout);
  }

  /** Notes a state; the journal tells of it. */
  private void advance(Rollout.Part part, ModelChange.State state, String reason) {
    if (part.state != state) {
      part.state = state;
      journal.advance(part.id, state, reason, part.evidence);
    }
  }

  // The thread.

  /** Looks at what is under way soon, since something has happened. Takes no lock. */
  void kick() {
    thread.execute(this::look);
  }

  private void lookLater() {
    if (looks == null && !stopped) {
      looks = thread.scheduleWithFixedDelay(this::look, LOOK_MS, LOOK_MS, TimeUnit.MILLISECONDS);
    }
  }

  /** Looks at what is under way. */
  synchronized void look() {
    if (stopped) {
      return;
    }
    for (Rollout rollout : new LinkedHashSet<>(active.values())) {
      try {
        switch (rollout.phase) {
          case GATHERING -> lookAtGroup(rollout);
          case CANARY -> lookAtCanary(rollout);
          case PROBATION -> lookAtProbation(rollout);
          case ENDED -> {
            // By another one of this look.
          }
        }
      } catch (RuntimeException e) {
        LOG.error("a change cannot go on, what answers stays group={}", rollout.group, e);
        end(rollout);
        for (Rollout.Part part : rollout.parts) {
          part.unwatch();
          part.family.unstage(part.next);
        }
      }
    }
    Future<?> looking = looks;
    if (active.isEmpty() && looking != null) {
      looking.cancel(false);
      looks = null;
    }
  }

  /**
   * Ends: what is staged does not take over any more; what is on probation goes on with it after
   * the next start.
   */
  void stop() {
    synchronized (this) {
      stopped = true;
      for (Rollout rollout : new LinkedHashSet<>(active.values())) {
        for (Rollout.Part part : rollout.parts) {
          part.unwatch();
          if (rollout.phase != Rollout.Phase.PROBATION) {
            advance(part, ModelChange.State.ROLLED_BACK, "the engine stopped");
          }
        }
      }
      active.clear();
    }
    thread.shutdownNow();
    shadow.stop();
  }

  /** Its threads, to wait for their end. */
  List<ThreadPoolExecutor> threads() {
    return List.of(thread, shadow.worker());
  }
}
