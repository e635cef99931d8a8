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
import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceException.Code;
import io.shoji.inference.ModelMetrics;
import io.shoji.inference.ModelRef;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelPackage;
import io.shoji.operations.EngineEvent;
import io.shoji.operations.GenerationKey;
import io.shoji.operations.OperationException;
import io.shoji.operations.VersionPolicy;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Version;
import org.osgi.framework.VersionRange;

/**
 * All versions of a model, by name: which of them answer, and who waits for one. Its monitor guards
 * the models; what answers is one volatile reference.
 */
final class Family {
  /** What has to be done after the lock was let go. */
  static final class Changes {
    private final List<Waiter> settled = new ArrayList<>();
    private final List<Generation> retired = new ArrayList<>();
    private final List<ModelPackage.Lease<ModelArtifact>> released = new ArrayList<>();

    /** Generations that give no lease any more and have to be closed. */
    List<Generation> retired() {
      return retired;
    }

    /** Lets those go on who waited, and closes in the background what was retired. */
    void apply(Engine engine) {
      deliver(engine);
      retired.forEach(engine::closeInBackground);
    }

    /** Lets those go on who waited. */
    void deliver(Engine engine) {
      engine.deliver(settled);
      released.forEach(ModelPackage.Lease::close);
    }
  }

  /** Versions that are gone of which the counters are kept, in case they come again. */
  private static final int MOST_COUNTED = 64;

  /** Those of them that may still be counted in: requests that were under way. */
  private static final int MOST_LIVELY = 2;

  /** Pause between two looks whether a generation that fades is waited for. */
  private static final int FADE_MS = 5;

  final String name;
  private final Engine engine;
  private final TreeMap<Version, Model> models = new TreeMap<>(Comparator.reverseOrder());

  /** Those who wait for a generation, in the order in which they came. */
  private final ArrayDeque<Waiter> waiters = new ArrayDeque<>();

  /** What versions that are gone had counted, the longest gone first. Guarded by this. */
  private final LinkedHashMap<Version, Metrics> counted = new LinkedHashMap<>();

  private volatile Routes routes = Routes.NONE;
  private volatile List<String> installed = List.of();

  /** The version it is pinned to. Guarded by this. */
  private @Nullable Version pin;

  /** For which something stepped aside. Guarded by this. */
  private @Nullable Model roomFor;

  /**
   * What answered before the change under way: it stays loaded until that has ended. Guarded by
   * this.
   */
  private @Nullable Generation held;

  /** It was asked for that another version answers. Guarded by this. */
  private boolean turning;

  /** What answers a share of the requests although it is only staged. Guarded by this. */
  private Routes.@Nullable Canary canary;

  /** Generations that serve no more, but whose waiters still get their turn. Guarded by this. */
  private final List<Generation> fading = new ArrayList<>();

  // What answered last who named no version, in words, so that nothing of a driver is kept.
  private long answeredGeneration;
  private String answeredVersion = "";
  private String answeredAccelerator = "";

  Family(Engine engine, String name) {
    this.engine = engine;
    this.name = name;
    this.pin = engine.pins().pin(name);
  }

  // Which version answers who names none.

  /** The policy for versions that holds: the pin, else what is configured. Under the lock. */
  VersionPolicy versions() {
    Version pinned = pin;
    return pinned != null ? VersionPolicy.pinned(pinned) : engine.policy().model(name).versions();
  }

  /** The version it is pinned to. Under the lock. */
  Optional<Version> pin() {
    return Optional.ofNullable(pin);
  }

  /** Whether it is pinned to this very version. Under the lock. */
  boolean isPinned(Model model) {
    return model.version.equals(pin);
  }

  /**
   * Whether a generation of this family stays in memory when another version of it begins to serve:
   * not if it is of the version itself, nor of one that only serves until that one does. Under the
   * lock.
   */
  boolean staysBeside(Generation generation, Model other) {
    Model model = generation.model;
    return model != other
        && model.serving == generation
        && model.installed()
        && (!model.retained() || isPinned(model));
  }

  /** Follows another pin, or none. What is loaded already answers when this returns. */
  void pin(@Nullable Version version) {
    Changes changes = new Changes();
    synchronized (this) {
      pin = version;
      govern(changes);
    }
    changes.apply(engine);
    engine.rollouts().turn(this);
  }

  /**
   * Is pinned to a version because of a change that the journal has: if it is loaded it answers at
   * once. Under the lock.
   */
  void goBack(Version version, Changes changes) {
    pin = version;
    updateRoutes(models.get(version));
    govern(changes);
  }

  /** Whether a version is installed, retained, or still serves. */
  synchronized boolean has(Version version) {
    Model model = models.get(version);
    return model != null && (model.installed() || model.serving != null);
  }

  /** Whether a version is to answer rather than what does, once it can. */
  synchronized boolean prefers(Model model, Generation answers) {
    VersionPolicy policy = versions();
    if (model.retained() || !policy.accepts(model.version)) {
      return policy.type() != VersionPolicy.Type.LATEST && policy.accepts(model.version);
    }
    return !policy.accepts(answers.version)
        || answers.model.retained()
        || model.version.compareTo(answers.version) > 0;
  }

  /**
   * How far a model of a group is.
   *
   * @param coming whether something is being loaded
   * @param failure why a change that the others wait for cannot be; empty if there is no such
   */
  record Readiness(boolean coming, String failure) {}

  /**
   * Whether a change is still to come that those of its group have to wait for.
   *
   * @param staged what is staged in the group
   */
  synchronized Readiness readiness(Set<Generation> staged) {
    boolean coming = models.values().stream().anyMatch(m -> m.placing);
    Generation answers = routes.unnamed();
    if (coming || answers == null) {
      return new Readiness(coming, "");
    }
    for (Model model : models.values()) {
      if (model.staged != null && staged.contains(model.staged)) {
        return new Readiness(false, "");
      }
    }
    for (Model model : models.values()) {
      if (model != answers.model
          && model.installed()
          && model.serving == null
          && prefers(model, answers)) {
        return new Readiness(false, engine.placement().reason(model));
      }
    }
    // The same accelerator with another driver, to which others of the group move.
    for (Candidate candidate : answers.model.candidates) {
      if (candidate.device != answers.device
          && candidate.device.label.equals(answers.device.label)
          && staged.stream().anyMatch(g -> g.device == candidate.device)
          && (candidate.state == Candidate.State.FAILED
              || candidate.state == Candidate.State.RETRY)) {
        return new Readiness(false, candidate.verdict());
      }
    }
    return new Readiness(false, "");
  }

  /**
   * Notes in the candidate what became of its generation.
   *
   * @param forGood whether it is not tried again until its device or its package changes
   * @param retryMs pause before it is tried again otherwise
   */
  synchronized void verdict(Generation generation, String reason, boolean forGood, int retryMs) {
    for (Candidate candidate : generation.model.candidates) {
      if (candidate.isAt(generation)) {
        if (forGood) {
          candidate.fail(reason);
        } else {
          candidate.failForNow(reason, 0, retryMs);
        }
      }
    }
  }

  /** What is loaded only to go back to; null if nothing is. */
  synchronized @Nullable Generation held() {
    return held;
  }

  /** Whether what answered before the same version does so again as soon as it is loaded anew. */
  synchronized boolean mayReload(Generation from) {
    return from.model.candidates.stream().anyMatch(c -> !c.isAt(from) && c.isUsable());
  }

  /** Whether {@link #switchBack} is possible, or was done when the generation failed. */
  synchronized boolean mayGoBack(Generation from) {
    Generation before = held;
    Generation serving = from.model.serving;
    return before != null
        ? before.model == from.model && !before.device.leaving()
        : serving != null && serving != from;
  }

  /** Another policy was configured. What is loaded already answers when this returns. */
  void policyChanged() {
    Changes changes = new Changes();
    synchronized (this) {
      govern(changes);
    }
    changes.apply(engine);
    engine.rollouts().turn(this);
  }

  private void govern(Changes changes) {
    for (Model model : models()) {
      // What was the fastest may not be wanted any more.
      model.fastestLabel = "";
      engine.placement().request(model);
    }
    sweep(changes);
  }

  /** The highest that is there by itself, else the highest that is kept to go back to. */
  private @Nullable Model preferred(Predicate<Model> eligible) {
    Model model = newest(m -> !m.retained() && eligible.test(m));
    return model != null ? model : newest(eligible);
  }

  /**
   * What answers who names no version. What does so goes on as long as it serves, and {@link
   * Rollouts#turn} decides about another version, since the journal has to say so first. Only if it
   * serves no more another one answers at once.
   */
  private @Nullable Generation select() {
    Generation before = routes.unnamed();
    Generation preferred = preferred();
    if (preferred == null
        || before == null
        || before.model == preferred.model
        || before.model.serving == null) {
      return preferred;
    }
    if (!turning) {
      turning = true;
      engine.rollouts().turnSoon(this);
    }
    return before.model.serving;
  }

  /**
   * The version that is to answer in place of the one that does, of those that are loaded already;
   * null if there is none. Until the next change of what serves nobody is told of it again.
   */
  synchronized @Nullable Generation turnsTo() {
    turning = false;
    Generation before = routes.unnamed();
    Generation preferred = preferred();
    return preferred != null
            && before != null
            && before.model != preferred.model
            && mayServe(preferred)
        ? preferred
        : null;
  }

  /**
   * What should answer who names no version, of what serves; null if nothing does, or if it is
   * better to wait a little for what the policy asks for.
   */
  private @Nullable Generation preferred() {
    VersionPolicy policy = versions();
    Model best = preferred(m -> m.serving != null && policy.accepts(m.version));
    Generation before = routes.unnamed();
    if (best != null
        && best.retained()
        && before != null
        && before.model.serving != null
        && policy.accepts(before.model.version)) {
      // Of those that are only there to go back to, the one that answers goes on.
      return before.model.serving;
    }
    if (best != null) {
      return best.serving;
    }
    if (before != null && before.model.serving != null) {
      return before.model.serving;
    }
    if (newest(m -> m.worthWaiting() && policy.accepts(m.version) && wanted(m)) != null
        || isStillToCome(policy)) {
      return null;
    }
    best = preferred(m -> m.serving != null);
    return best == null ? null : best.serving;
  }

  /**
   * Whether right after the start a version that is asked for is taken to be found yet: else one
   * that somebody rolled back from would answer until then.
   */
  private boolean isStillToCome(VersionPolicy policy) {
    return policy.type() != VersionPolicy.Type.LATEST
        && engine.startingMs() > 0
        && newest(m -> m.installed() && policy.accepts(m.version)) == null;
  }

  private boolean answers(Model model) {
    Generation generation = routes.unnamed();
    return generation != null && generation.model == model;
  }

  /**
   * Whether a model is to be loaded: one that is only there to go back to is not, unless the policy
   * asks for it, or nothing else can serve.
   */
  boolean wanted(Model model) {
    return asked(model) || standsIn(model);
  }

  /**
   * Whether a model that is only there to go back to is loaded because all that should serve were
   * tried and cannot, as after a restart with a pin on a version that cannot serve: the one that
   * was committed last, then the others, one after the other, the highest first.
   */
  private boolean standsIn(Model model) {
    if (!model.retained()
        || newest(m -> (m.installed() || m.serving != null) && asked(m) && !m.hopeless()) != null) {
      return false;
    }
    Predicate<Model> kept = m -> m.retained() && !m.hopeless();
    Model good = newest(m -> kept.test(m) && isLastGood(m));
    return (good != null ? good : newest(kept)) == model;
  }

  /** Whether a model is to be loaded, whatever became of others. */
  private boolean asked(Model model) {
    if (!model.retained() || answers(model)) {
      return true;
    }
    VersionPolicy policy = versions();
    if (isLastGood(model) && policy.accepts(model.version)) {
      return true;
    }
    // What serves on while its package is being exchanged counts as if it were there.
    Predicate<Model> here = m -> m.installed() || m.serving != null;
    boolean satisfiable = newest(m -> here.test(m) && policy.accepts(m.version)) != null;
    Predicate<Model> eligible = m -> here.test(m) && (!satisfiable || policy.accepts(m.version));
    return newest(m -> !m.retained() && eligible.test(m) && m.viable()) == null
        && newest(m -> m.retained() && eligible.test(m)) == model;
  }

  // What was committed last. Under the lock.

  /** Whether this is the version that was committed last. */
  boolean isLastGood(Model model) {
    return engine
        .journal()
        .lastGood(name)
        .filter(
            key ->
                key.version().equals(model.version.toString())
                    && key.packageSha256().equals(model.description.sha256()))
        .isPresent();
  }

  /** Whether the store keeps the version that was committed last. */
  boolean isLastGoodKept() {
    return newest(m -> m.keptGood && isLastGood(m)) != null;
  }

  /** Looks again at versions that the store keeps although another one was committed since. */
  void requestKept() {
    for (Model model : models.values()) {
      if (!isLastGood(model)) {
        engine.placement().request(model);
      }
    }
  }

  /** Another generation was committed. */
  synchronized void committed() {
    models.values().forEach(engine.placement()::request);
  }

  /**
   * Whether a version is placed only after the one that was committed last: while nothing answers
   * yet, and that one may still come to do so.
   */
  boolean comesAfterLastGood(Model model) {
    Optional<GenerationKey> key = engine.journal().lastGood(name);
    if (routes.unnamed() != null
        || key.isEmpty()
        || isLastGood(model)
        || !versions().accepts(Version.parseVersion(key.get().version()))) {
      return false;
    }
    Model good = newest(m -> m.installed() && isLastGood(m));
    if (good != null && good.viable()) {
      return true;
    }
    long waitMs = engine.startingMs();
    // Before the first accelerator is there nothing has been found out about it.
    if (waitMs == 0
        || (good != null
            && good.candidates.stream().anyMatch(c -> c.state != Candidate.State.UNTRIED))) {
      return false;
    }
    if (!model.deferred) {
      engine.after(waitMs + 1, this::sweep);
    }
    return true;
  }

  /** Whether it serves on without its package because the policy asks for just this version. */
  private boolean heldByPolicy(Model model) {
    VersionPolicy policy = versions();
    return policy.type() != VersionPolicy.Type.LATEST
        && policy.accepts(model.version)
        && answers(model);
  }

  /** What a request waits for. */
  private @Nullable Model hope(ModelRef ref) {
    VersionPolicy policy = versions();
    Model model =
        ref.versions().isPresent()
            ? null
            : newest(
                isStillToCome(policy)
                    ? Model::installed
                    : m -> m.worthWaiting() && policy.accepts(m.version) && wanted(m));
    return model != null
        ? model
        : newest(m -> m.worthWaiting() && ref.accepts(name, m.version) && wanted(m));
  }

  private @Nullable Model addressed(ModelRef ref) {
    return newest(m -> ref.accepts(name, m.version) && wanted(m));
  }

  /**
   * The installed model that a reference is about: the highest version in its range; for a
   * reference to any version, if there is a policy for versions, what answers or should do so.
   */
  @Nullable Model about(ModelRef ref) {
    VersionPolicy policy = versions();
    Predicate<Model> fits = m -> m.installed() && ref.accepts(name, m.version);
    if (ref.versions().isEmpty() && policy.type() != VersionPolicy.Type.LATEST) {
      Generation generation = routes.unnamed();
      if (generation != null && generation.model.installed()) {
        return generation.model;
      }
      Model asked = preferred(m -> fits.test(m) && policy.accepts(m.version));
      if (asked != null) {
        return asked;
      }
    }
    return preferred(m -> fits.test(m) && wanted(m));
  }

  /** What answers now. */
  Routes routes() {
    return routes;
  }

  /** Names and versions of the packages that are there. */
  List<String> installed() {
    return installed;
  }

  // Requests.

  /**
   * Waits for a generation, and for a place on its device unless {@code readyOnly}. The caller gets
   * a lease, and the place, and gives both back.
   */
  Generation enter(ModelRef ref, long startNanos, long deadlineNanos, boolean readyOnly)
      throws InferenceException {
    Waiter waiter = new Waiter(ref, startNanos, deadlineNanos, readyOnly, null);
    submit(waiter);
    Object outcome = await(waiter);
    if (outcome instanceof Generation generation) {
      return generation;
    }
    throw ((Ending) outcome).exception();
  }

  /** Puts a waiter where it belongs, or settles it. */
  void submit(Waiter waiter) {
    Changes changes = new Changes();
    synchronized (this) {
      place(waiter, changes);
    }
    if (waiter.async != null) {
      engine.deliver(changes.settled);
    }
  }

  private Object await(Waiter waiter) {
    Object outcome = waiter.outcome();
    while (outcome == null) {
      long left = waiter.deadlineNanos - System.nanoTime();
      if (left <= 0) {
        expire(waiter);
      } else if (Thread.currentThread().isInterrupted()) {
        withdraw(waiter);
      } else {
        LockSupport.parkNanos(waiter, left);
      }
      outcome = waiter.outcome();
    }
    return outcome;
  }

  /** The deadline of a waiter has come; nothing happens if it got its outcome before. */
  boolean expire(Waiter waiter) {
    synchronized (this) {
      long waitedMs = (System.nanoTime() - waiter.startNanos) / 1_000_000;
      Ending ending;
      if (waiter.gate != null) {
        ending =
            new Ending(
                Code.DEADLINE_EXCEEDED,
                "the deadline passed while waiting for the accelerator; allow more time or send"
                    + " less model="
                    + waiter.ref
                    + " waitedMs="
                    + waitedMs);
      } else {
        Model model = hope(waiter.ref);
        ending =
            new Ending(
                Code.NOT_READY,
                "the model was not ready by the deadline model="
                    + waiter.ref
                    + " waitedMs="
                    + waitedMs
                    + " state="
                    + (model == null ? "not served" : engine.placement().doing(model)));
      }
      if (!waiter.settle(ending)) {
        return false;
      }
      unqueue(waiter);
      return true;
    }
  }

  /** The caller gave up; false if the waiter got its outcome before. */
  boolean withdraw(Waiter waiter) {
    synchronized (this) {
      if (!waiter.settle(
          new Ending(Code.CANCELLED, "the caller gave up while waiting model=" + waiter.ref))) {
        return false;
      }
      unqueue(waiter);
      return true;
    }
  }

  private void unqueue(Waiter waiter) {
    if (waiter.gate != null) {
      waiter.gate.remove(waiter);
      waiter.gate = null;
    } else {
      waiters.remove(waiter);
    }
  }

  /** Grants, queues or settles a waiter that is in no queue. */
  private void place(Waiter waiter, Changes changes) {
    if (engine.stopping()) {
      settle(waiter, Engine.shuttingDown(), changes);
      return;
    }
    Generation tried = waiter.mayTry ? routes.trying(waiter.ref) : null;
    waiter.tried = tried;
    Generation generation = tried != null ? tried : routes.find(waiter.ref);
    if (generation != null) {
      if (waiter.readyOnly) {
        // What is in the routes is not retired, and this lock keeps it so.
        generation.lease();
        if (waiter.settle(generation)) {
          changes.settled.add(waiter);
        } else {
          generation.release();
        }
        return;
      }
      waiter.gate = generation.gate;
      switch (generation.gate.enter(waiter, generation, engine.settings().maxQueue())) {
        case GRANTED -> changes.settled.add(waiter);
        case QUEUED -> {
          // It is woken by whoever gives it a place.
        }
        case FULL -> {
          waiter.gate = null;
          settle(waiter, overloaded(generation.model), changes);
        }
      }
      return;
    }
    Model hope = hope(waiter.ref);
    if (hope == null) {
      settle(waiter, hopeless(waiter.ref), changes);
    } else if (!waiter.charge(hope, engine.settings().maxQueue())) {
      settle(waiter, overloaded(hope), changes);
    } else {
      waiters.add(waiter);
    }
  }

  private static void settle(Waiter waiter, Ending ending, Changes changes) {
    if (waiter.settle(ending)) {
      changes.settled.add(waiter);
    }
  }

  private Ending hopeless(ModelRef ref) {
    Model model = addressed(ref);
    if (model == null) {
      return engine.unknown(ref);
    }
    return new Ending(Code.NO_ACCELERATOR, engine.placement().reason(model));
  }

  private Ending overloaded(Model model) {
    return new Ending(
        Code.OVERLOADED,
        "the queue is full; try later or with less model="
            + model
            + " waiting="
            + model.waiting.get()
            + " maxQueue="
            + engine.settings().maxQueue());
  }

  /** The model that a request is counted with: the one that answers, else the newest; or null. */
  @Nullable Model countsFor(ModelRef ref) {
    Generation generation = routes.find(ref);
    if (generation != null) {
      return generation.model;
    }
    synchronized (this) {
      Model model = addressed(ref);
      return model != null ? model : newest(m -> ref.accepts(name, m.version));
    }
  }

  @Nullable Model newest(Predicate<Model> wanted) {
    for (Model model : models.values()) {
      if (wanted.test(model)) {
        return model;
      }
    }
    return null;
  }

  /** Every version, highest first. Under the lock. */
  List<Model> models() {
    return new ArrayList<>(models.values());
  }

  // Packages.

  /** A package is there. */
  void add(ModelPackage added, ModelDescription description) {
    Changes changes = new Changes();
    synchronized (this) {
      if (engine.stopping()) {
        return;
      }
      Model model = models.get(description.version());
      boolean news = model == null || !model.description.sha256().equals(description.sha256());
      if (model == null) {
        Metrics before = counted.remove(description.version());
        model = new Model(this, description, before == null ? new Metrics() : before);
        models.put(description.version(), model);
      }
      if (news && !added.retained()) {
        engine
            .events()
            .add(
                EngineEvent.Type.MODEL_INSTALLED,
                name,
                description.version().toString(),
                "",
                "a model package is there " + description + " origin=" + added.origin(),
                Map.of("origin", added.origin(), "package.sha256", description.sha256()));
      }
      boolean another = model.packages.isEmpty();
      model.packages.add(added);
      if (another) {
        adopt(model, description);
      }
      updateInstalled();
      requestRetained();
      sweep(changes);
      if (isStillToCome(versions())) {
        engine.after(engine.startingMs() + 1, this::sweep);
      }
    }
    changes.apply(engine);
  }

  /** Looks again whether what is there to go back to is wanted. Under the lock. */
  void requestRetained() {
    for (Model model : models()) {
      if (model.retained() && model.serving == null && wanted(model)) {
        engine.placement().request(model);
      }
    }
  }

  /**
   * Looks whether something else that is only there to go back to is to serve, since a version
   * cannot. Under the lock.
   */
  void requestStandIn(Model unable) {
    for (Model model : models()) {
      if (model != unable && model.serving == null && standsIn(model)) {
        engine.placement().request(model);
      }
    }
  }

  /** A package is gone; its model serves on for a while, in case another version comes. */
  void remove(ModelPackage gone) {
    Changes changes = new Changes();
    synchronized (this) {
      Model model = newest(m -> m.packages.stream().anyMatch(p -> p == gone));
      if (model == null) {
        return;
      }
      boolean wasFirst = model.packages.get(0) == gone;
      model.packages.removeIf(p -> p == gone);
      updateInstalled();
      if (model.installed()) {
        if (wasFirst) {
          adopt(model, model.packages.get(0).description());
        }
      } else if ((newest(m -> m.installed() && !m.retained() && m.serving != null) != null
              && !answers(model)
              && !isHeld(model))
          || (model.serving == null && !model.worthWaiting())
          || engine.settings().gapWaitMs() == 0) {
        discard(model, changes);
      } else {
        int lingerMs = engine.settings().gapWaitMs();
        model.lingerUntilNanos = System.nanoTime() + lingerMs * 1_000_000L;
        engine.after(lingerMs + 1, () -> endLinger(model));
      }
      requestRetained();
      sweep(changes);
    }
    changes.apply(engine);
  }

  /** The bundle of a package that is gone was uninstalled: no other version comes. */
  void uninstalled(Predicate<String> origin) {
    Changes changes = new Changes();
    synchronized (this) {
      for (Model model : models()) {
        if (!model.installed() && origin.test(model.origin)) {
          discard(model, changes);
        }
      }
      requestRetained();
      sweep(changes);
    }
    changes.apply(engine);
  }

  private void endLinger(Model model) {
    Changes changes = new Changes();
    synchronized (this) {
      if (!model.installed() && !model.removed && model.lingerUntilNanos - System.nanoTime() <= 0) {
        if (isHeld(model)) {
          engine.after(FADE_MS * 10L, () -> endLinger(model));
          return;
        }
        discard(model, changes);
        requestRetained();
        sweep(changes);
      }
    }
    changes.apply(engine);
  }

  private void adopt(Model model, ModelDescription description) {
    if (!model.description.sha256().equals(description.sha256())) {
      model.candidates.clear();
      model.fastestLabel = "";
    }
    model.description = description;
    model.origin = model.packages.get(0).origin();
    engine.placement().request(model);
  }

  private void discard(Model model, Changes changes) {
    model.removed = true;
    models.remove(model.version, model);
    withdrawStaged(model, changes);
    Generation before = held;
    if (before != null && before.model == model) {
      held = null;
      retire(before, changes);
    }
    withdrawServing(model, changes);
    model.candidates.clear();
    for (Reload reload : model.reloads) {
      reload.fail(OperationException.Code.FAILED, "the model was removed model=" + model);
    }
    model.reloads.clear();
    remember(model);
    if (model.pinned != null) {
      changes.released.add(model.pinned);
      model.pinned = null;
    }
    if (!engine.stopping()) {
      // Nobody is told what it counted until it comes again.
      ModelMetrics last = model.metrics.snapshot(0);
      Map<String, String> details = new TreeMap<>();
      details.put("origin", model.origin);
      details.put("answered", Long.toString(last.answered()));
      last.errors().forEach((code, count) -> details.put("errors." + code, Long.toString(count)));
      engine
          .events()
          .add(
              EngineEvent.Type.MODEL_REMOVED,
              name,
              model.version.toString(),
              "",
              "a model package is gone " + model + " origin=" + model.origin,
              details);
    }
  }

  /** Keeps what a version counted, so that it goes on from there if it comes again. */
  private void remember(Model model) {
    counted.put(model.version, model.metrics);
    if (counted.size() > MOST_COUNTED) {
      counted.remove(counted.keySet().iterator().next());
    }
    int lively = counted.size();
    for (Metrics each : counted.values()) {
      if (lively-- == MOST_LIVELY + 1) {
        each.shrink();
      }
    }
  }

  // Generations.

  /**
   * Makes a generation the one that serves its model.
   *
   * @param answers whether requests that name no version go to it, even if another version answers
   * @param keep whether what answers now stays loaded until {@link #endHold}
   * @return false if it must not serve: its device leaves, its package has gone or changed, the
   *     engine stops
   */
  boolean publish(Generation generation, boolean answers, boolean keep) {
    Changes changes = new Changes();
    synchronized (this) {
      if (!mayServe(generation)) {
        return false;
      }
      if (generation.model.staged != generation && !engine.placement().reserve(generation)) {
        return false;
      }
      publish(generation, answers, keep, changes);
    }
    changes.apply(engine);
    return true;
  }

  /** Whether a generation may begin to serve. Under the lock. */
  boolean mayServe(Generation generation) {
    Model model = generation.model;
    return !engine.stopping()
        && !generation.device.leaving()
        && !model.removed
        && generation.contentSha256.equals(model.description.sha256());
  }

  /**
   * As {@link #publish(Generation, boolean, boolean)}, of one that may and has its memory; or of
   * one that serves already. Under the lock.
   */
  void publish(Generation generation, boolean answers, boolean keep, Changes changes) {
    Model model = generation.model;
    Generation before = routes.unnamed();
    Generation old = model.serving;
    boolean staged = model.staged == generation;
    if (staged) {
      model.staged = null;
      canary = null;
    }
    if (staged || keep) {
      letGo(changes);
      held = keep ? before : null;
    }
    if (old != generation) {
      if (old != null && old == held) {
        old.kept = true;
      }
      engine.watch(generation);
      model.serving = generation;
      model.inGap = false;
      model.lostLabel = "";
    }
    updateRoutes(answers ? model : null);
    if (old != null && old != held && old != generation) {
      retire(old, changes);
    }
    if (model.installed() && !model.retained()) {
      for (Model other : models()) {
        // What answers while its package is exchanged goes on until another version does.
        if (!other.installed() && !answers(other) && !isHeld(other)) {
          discard(other, changes);
        }
      }
    }
    sweep(changes);
  }

  /** Whether a version stays because what answered before the change under way is of it. */
  private boolean isHeld(Model model) {
    Generation before = held;
    return before != null && before.model == model;
  }

  /**
   * What would answer requests that name no version if a generation served, and what does now.
   *
   * @param answers whether it would be that generation
   * @param before what does now; null if nothing does
   */
  record Effect(boolean answers, @Nullable Generation before) {}

  /** What would change if a generation served. */
  synchronized Effect effectOf(Generation generation) {
    return effectOf(generation.model, generation);
  }

  /** As {@link #effectOf(Generation)}, under the lock, for any generation of a version. */
  private Effect effectOf(Model model, Generation generation) {
    Generation now = routes.unnamed();
    if (now != null && now.model == model) {
      return new Effect(true, now);
    }
    Generation old = model.serving;
    model.serving = generation;
    try {
      return new Effect(preferred() == generation, now);
    } finally {
      model.serving = old;
    }
  }

  /**
   * Takes a generation that is to serve later; its model waits for nothing else meanwhile.
   *
   * @param share share of the requests that it answers already; 0 for none
   * @return false if it must not serve
   */
  synchronized boolean stage(Generation generation, double share) {
    if (!mayServe(generation) || !engine.placement().reserve(generation)) {
      return false;
    }
    generation.model.staged = generation;
    held = routes.unnamed();
    show(generation, share);
    return true;
  }

  /** Lets a staged generation answer a share of the requests. */
  synchronized void show(Generation generation, double share) {
    if (generation.model.staged == generation) {
      canary = share > 0 ? new Routes.Canary(generation, new Sampler(share)) : null;
      updateRoutes();
    }
  }

  /** Closes a staged generation; what answers goes on. */
  void unstage(Generation generation) {
    Changes changes = new Changes();
    synchronized (this) {
      if (generation.model.staged == generation) {
        withdrawStaged(generation.model, changes);
      }
      letGo(changes);
      engine.placement().request(generation.model);
      sweep(changes);
    }
    changes.apply(engine);
  }

  private void withdrawStaged(Model model, Changes changes) {
    Generation staged = model.staged;
    if (staged != null) {
      model.staged = null;
      canary = null;
      updateRoutes();
      retire(staged, changes);
    }
  }

  /** Lets go of a generation that is only held to go back to. */
  void giveUp(Generation generation) {
    if (holds(generation)) {
      endHold();
    }
  }

  /** Lets go of what answered before a change. */
  void endHold() {
    Changes changes = new Changes();
    synchronized (this) {
      letGo(changes);
      sweep(changes);
    }
    changes.apply(engine);
  }

  private void letGo(Changes changes) {
    Generation before = held;
    held = null;
    if (before == null) {
      return;
    }
    Model model = before.model;
    if (model.serving != before) {
      retire(before, changes);
    } else if (!model.installed()
        && !heldByPolicy(model)
        && !answers(model)
        && newest(m -> m.installed() && m.serving != null) != null) {
      discard(model, changes);
    }
  }

  /**
   * Puts what answered before back in its place, where that is the same version. Under the lock.
   *
   * @return false if it is there no more
   */
  boolean switchBack(Generation from, Changes changes) {
    Generation before = held;
    Model model = from.model;
    if (before == null
        || before.model != model
        || (model.serving != from && model.serving != before)
        || before.device.leaving()) {
      return false;
    }
    held = null;
    before.kept = false;
    if (model.serving == from) {
      model.serving = before;
      updateRoutes();
      retire(from, changes);
    }
    engine.placement().request(model);
    sweep(changes);
    return true;
  }

  /** Whether it is what serves its version. */
  synchronized boolean serves(Generation generation) {
    return generation.model.serving == generation;
  }

  /** Whether a version lost its accelerator so lately that it is taken to come back. */
  synchronized boolean isBeingExchanged() {
    return newest(Model::isBeingExchanged) != null;
  }

  /** Whether it is staged. */
  synchronized boolean isStaged(Generation generation) {
    return generation.model.staged == generation;
  }

  /** Whether it is still loaded to go back to. */
  synchronized boolean holds(Generation generation) {
    return held == generation;
  }

  /**
   * Takes a lease and a place for work that is no request, in turn with requests.
   *
   * @return false if it is given up by then, or the thread was interrupted
   */
  boolean borrow(Generation generation, long deadlineNanos) {
    if (!generation.lease()) {
      return false;
    }
    generation.release();
    Waiter waiter =
        new Waiter(
            new ModelRef(
                name,
                Optional.of(
                    new VersionRange(
                        VersionRange.LEFT_CLOSED,
                        generation.version,
                        generation.version,
                        VersionRange.RIGHT_CLOSED))),
            System.nanoTime(),
            deadlineNanos,
            false,
            null);
    synchronized (this) {
      waiter.gate = generation.gate;
      generation.gate.enter(waiter, generation, Integer.MAX_VALUE);
    }
    Object outcome = await(waiter);
    if (outcome == generation) {
      return true;
    }
    if (outcome instanceof Generation another) {
      // Its own was retired meanwhile.
      engine.leave(another, false);
    }
    return false;
  }

  /** A generation failed while it ran: it serves no more. False if it did not serve any more. */
  boolean fail(Generation failed, String reason, boolean lost) {
    Changes changes = new Changes();
    synchronized (this) {
      Model model = failed.model;
      if (model.serving != failed && model.staged != failed) {
        return false;
      }
      failed.failure = reason;
      boolean onTrial = held != null && held != failed && !lost;
      for (Candidate candidate : model.candidates) {
        if (candidate.isAt(failed)) {
          if (onTrial) {
            // What answered before is there: this one has had its chance.
            candidate.fail("failed on trial: " + reason);
          } else {
            candidate.failForNow(
                "failed while it ran: " + reason, lost ? 0 : 1, engine.settings().retryMs());
          }
        }
      }
      engine
          .events()
          .add(
              EngineEvent.Type.MODEL_FAILED,
              name,
              model.version.toString(),
              failed.device.label,
              "a generation failed and serves no more: " + reason,
              Map.of(
                  "generation", Long.toString(failed.provenance.generation()),
                  "variant", failed.variant.name(),
                  "reason.1", reason));
      if (model.staged == failed) {
        withdrawStaged(model, changes);
      } else if (!(onTrial && switchBack(failed, changes))) {
        withdrawServing(model, changes);
      }
      engine.placement().request(model);
      sweep(changes);
    }
    changes.apply(engine);
    engine.rollouts().kick();
    return true;
  }

  /**
   * What serves and would not stay beside a model that is to be loaded, so that it has to go first
   * where memory is too tight for both. What could not be loaded again stays.
   */
  synchronized List<Generation> inTheWay(Model coming) {
    List<Generation> found = new ArrayList<>();
    for (Model model : models()) {
      Generation generation = model.serving;
      if (generation != null
          && !generation.standsIn
          && model.installed()
          && (generation.worse || !staysBeside(generation, coming))) {
        found.add(generation);
      }
    }
    return found;
  }

  /**
   * Takes what is in the way of a model out of service. Until {@link #roomUsed} no other version of
   * this family is loaded.
   */
  void stepAside(Model coming, List<Generation> inTheWay) {
    Changes changes = new Changes();
    synchronized (this) {
      for (Generation generation : inTheWay) {
        if (generation.model.serving == generation) {
          withdrawServing(generation.model, changes);
        }
      }
      roomFor = coming;
      sweep(changes);
    }
    changes.apply(engine);
  }

  /** Whether a model must not be loaded now, since another has the room. Under the lock. */
  boolean roomIsTaken(Model model) {
    return roomFor != null && roomFor != model;
  }

  /** Whether something stepped aside for this very model. Under the lock. */
  boolean hasSteppedAside(Model model) {
    return roomFor == model;
  }

  /** A load for which something stepped aside has ended, in whatever way. */
  synchronized void roomUsed(Model model) {
    if (roomFor == model) {
      roomFor = null;
      models.values().forEach(engine.placement()::request);
    }
  }

  /** A device came: everything is placed anew. */
  synchronized void deviceAdded() {
    models.values().forEach(engine.placement()::request);
  }

  /** A model on a device was closed: what did not fit beside it may do so now. */
  synchronized void deviceFreed(Device device) {
    for (Model model : models.values()) {
      if (model.candidates.stream().anyMatch(c -> c.device == device && !c.overBudget.isEmpty())) {
        engine.placement().request(model);
      }
    }
  }

  /** A device leaves: nothing serves on it any more. The caller closes its generations. */
  void deviceLeaves(Device device) {
    Changes changes = new Changes();
    synchronized (this) {
      for (Model model : models()) {
        model.candidates.removeIf(c -> c.device == device);
        if (model.staged != null && model.staged.device == device) {
          withdrawStaged(model, changes);
        }
        if (model.serving != null && model.serving.device == device) {
          withdrawServing(model, changes);
        }
        engine.placement().request(model);
      }
      Generation before = held;
      if (before != null && before.device == device) {
        held = null;
        retire(before, changes);
      }
      for (Generation each : List.copyOf(fading)) {
        if (each.device == device) {
          fading.remove(each);
          retire(each, changes);
        }
      }
      sweep(changes);
    }
    changes.deliver(engine);
    engine.rollouts().kick();
  }

  /** The engine stops: everyone who waits is told so, nothing serves any more. */
  void stop() {
    Changes changes = new Changes();
    synchronized (this) {
      for (Model model : models()) {
        discard(model, changes);
      }
      letGo(changes);
      fading.forEach(each -> retire(each, changes));
      fading.clear();
      sweep(changes);
    }
    changes.deliver(engine);
  }

  private void withdrawServing(Model model, Changes changes) {
    Generation old = model.serving;
    if (old == null) {
      return;
    }
    model.serving = null;
    model.lostLabel = old.device.leaving() ? old.device.label : "";
    int gapMs = engine.settings().gapWaitMs();
    model.inGap = !model.removed;
    model.gapUntilNanos = System.nanoTime() + gapMs * 1_000_000L;
    if (model.inGap) {
      engine.after(gapMs + 1, () -> gapOver(model));
    }
    updateRoutes();
    retire(old, changes);
  }

  /**
   * Takes a generation out of service because of the policy: who waits for it already still gets
   * its turn, within the drain timeout. Under the lock.
   */
  void fade(Model model) {
    Generation old = model.serving;
    if (old == null) {
      return;
    }
    model.serving = null;
    model.inGap = false;
    updateRoutes();
    fading.add(old);
    long until = System.nanoTime() + engine.settings().drainTimeoutMs() * 1_000_000L;
    engine.after(FADE_MS, () -> fadeOut(old, until));
  }

  private void fadeOut(Generation old, long until) {
    Changes changes = new Changes();
    synchronized (this) {
      if (!fading.contains(old)) {
        return;
      }
      if (old.gate.awaits(old) && until - System.nanoTime() > 0) {
        engine.after(FADE_MS, () -> fadeOut(old, until));
        return;
      }
      fading.remove(old);
      retire(old, changes);
      sweep(changes);
    }
    changes.apply(engine);
  }

  private void updateRoutes() {
    updateRoutes(null);
  }

  /**
   * Brings the routes up to date.
   *
   * @param chosen the version that answers from now on who names none; null if that is not decided
   *     here
   */
  private void updateRoutes(@Nullable Model chosen) {
    List<Generation> serving = new ArrayList<>();
    for (Model model : models.values()) {
      if (model.serving != null) {
        serving.add(model.serving);
      }
    }
    Generation unnamed = chosen == null || chosen.serving == null ? select() : chosen.serving;
    Routes next = Routes.of(serving, unnamed, unnamed == null ? null : canary);
    if (!next.sameAs(routes)) {
      routes = next;
      if (unnamed != null && unnamed.provenance.generation() != answeredGeneration) {
        noteAnswering(unnamed);
      }
    }
  }

  private void noteAnswering(Generation now) {
    String version = now.version.toString();
    if (answeredGeneration != 0) {
      engine
          .events()
          .add(
              EngineEvent.Type.MODEL_SWAPPED,
              name,
              version,
              now.device.label,
              "another generation answers " + now + " before=" + answeredGeneration,
              Map.of(
                  "generation", Long.toString(now.provenance.generation()),
                  "variant", now.variant.name(),
                  "from.generation", Long.toString(answeredGeneration),
                  "from.version", answeredVersion,
                  "from.accelerator", answeredAccelerator));
    }
    engine.rollouts().answersNow(now);
    answeredGeneration = now.provenance.generation();
    answeredVersion = version;
    answeredAccelerator = now.device.label;
    if (engine.pins().answers(name, now.version)) {
      engine.after(0, engine.pins()::flush);
    }
  }

  private void retire(Generation old, Changes changes) {
    if (!old.retire()) {
      return;
    }
    changes.retired.add(old);
    List<Waiter> evicted = old.gate.evict(old);
    // They came before whoever waits for a generation now.
    Collections.reverse(evicted);
    for (Waiter waiter : evicted) {
      waiter.gate = null;
      waiters.addFirst(waiter);
    }
  }

  /** Looks again at everyone who waits for a generation. */
  void sweep() {
    Changes changes = new Changes();
    synchronized (this) {
      sweep(changes);
    }
    changes.apply(engine);
  }

  private void gapOver(Model model) {
    synchronized (this) {
      if (!model.isBeingExchanged() && !model.lostLabel.isEmpty()) {
        // What waited for that accelerator goes elsewhere now.
        model.lostLabel = "";
        engine.placement().request(model);
      }
    }
    announce(model);
    sweep();
  }

  /** Says why a model does not serve, unless something is being done about it. */
  synchronized void announce(Model model) {
    if (!model.removed
        && !model.placing
        && model.staged == null
        && wanted(model)
        && !model.isBeingExchanged()
        && !engine.stopping()) {
      engine.placement().announce(model);
    }
  }

  private void updateInstalled() {
    installed =
        models.values().stream()
            .filter(Model::installed)
            .map(m -> m + (m.retained() ? " (retained)" : ""))
            .toList();
  }

  private void sweep(Changes changes) {
    updateRoutes();
    for (Model model : models()) {
      if (model.deferred && !comesAfterLastGood(model)) {
        engine.placement().request(model);
      }
      if (model.serving != null && !wanted(model) && !isHeld(model)) {
        fade(model);
      }
    }
    List<Waiter> all = new ArrayList<>(waiters);
    waiters.clear();
    for (Waiter waiter : all) {
      if (waiter.outcome() == null) {
        place(waiter, changes);
      }
    }
  }
}
