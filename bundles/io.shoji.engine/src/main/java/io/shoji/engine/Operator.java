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

import io.shoji.inference.ModelRef;
import io.shoji.model.ModelCatalog;
import io.shoji.model.ModelCatalog.StoreUse;
import io.shoji.operations.BenchOptions;
import io.shoji.operations.BenchResult;
import io.shoji.operations.DriftReport;
import io.shoji.operations.EngineEvent;
import io.shoji.operations.FieldSamplePage;
import io.shoji.operations.FieldSampleStatus;
import io.shoji.operations.Garbage;
import io.shoji.operations.ModelChange;
import io.shoji.operations.ModelOverview;
import io.shoji.operations.OperationException;
import io.shoji.operations.OperationException.Code;
import io.shoji.operations.Operations;
import io.shoji.operations.OperationsPolicy;
import io.shoji.operations.Progress;
import io.shoji.operations.SwapReceipt;
import io.shoji.operations.Verification;
import io.shoji.operations.VersionPolicy;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Version;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What an operator asks of the engine. Changes of pins and policy come one after the other. */
final class Operator implements Operations {
  private static final Logger LOG = LoggerFactory.getLogger(Operator.class);
  private static final int LOOK_MS = 50;

  private final Engine engine;
  private final Supplier<Optional<ModelCatalog>> catalog;

  /**
   * An operator.
   *
   * @param catalog the model store, if there is one now
   */
  Operator(Engine engine, Supplier<Optional<ModelCatalog>> catalog) {
    this.engine = engine;
    this.catalog = catalog;
  }

  // Policy and pins.

  @Override
  public synchronized void configure(OperationsPolicy policy) throws OperationException {
    List<String> reasons = PolicyCheck.reasons(policy);
    if (!reasons.isEmpty()) {
      throw new OperationException(Code.INVALID, reasons, null);
    }
    OperationsPolicy before = engine.policy();
    if (before.equals(policy)) {
      return;
    }
    List<String> models = changed(before.models(), policy.models());
    List<String> accelerators = changed(before.accelerators(), policy.accelerators());
    LOG.info("another policy holds models={} accelerators={}", models, accelerators);
    engine.configure(
        policy,
        () ->
            engine
                .events()
                .add(
                    EngineEvent.Type.POLICY_CHANGED,
                    "",
                    "",
                    "",
                    "another policy holds models=" + models + " accelerators=" + accelerators,
                    Map.of(
                        "models", String.join(",", models),
                        "accelerators", String.join(",", accelerators))));
  }

  @Override
  public void releaseDriver(String driver) throws OperationException {
    Map<String, String> successors;
    try {
      successors = engine.release(driver);
    } catch (IllegalStateException e) {
      throw new OperationException(
          Code.CONFLICT,
          "a device of the driver has no other; install that beside it first driver="
              + driver
              + " accelerator="
              + e.getMessage(),
          e);
    }
    if (successors.isEmpty()) {
      throw new OperationException(
          Code.INVALID,
          "no device is here by that driver; drivers are named by their bundle driver="
              + driver
              + " found="
              + engine.devices().stream().map(Device::driver).toList());
    }
    LOG.info("models leave a driver driver={} for={}", driver, successors);
  }

  private static <T> List<String> changed(Map<String, T> before, Map<String, T> after) {
    TreeSet<String> names = new TreeSet<>(before.keySet());
    names.addAll(after.keySet());
    return names.stream()
        .filter(n -> !Optional.ofNullable(before.get(n)).equals(Optional.ofNullable(after.get(n))))
        .toList();
  }

  @Override
  public OperationsPolicy policy() {
    return engine.policy();
  }

  @Override
  public synchronized void pin(String model, Version version) throws OperationException {
    Family family = installed(model);
    List<Version> here = versions(family);
    if (!here.contains(version)) {
      throw new OperationException(
          Code.UNKNOWN_VERSION,
          "the version is not here; install it first, or pin to another model="
              + model
              + " asked="
              + version
              + " found="
              + here);
    }
    if (version.equals(engine.pins().pin(model))) {
      return;
    }
    try {
      engine.pins().pin(model, version);
    } catch (IOException e) {
      throw notStored(model, e);
    }
    event(
        EngineEvent.Type.MODEL_PINNED,
        family,
        version,
        "a model is pinned model=" + model,
        Map.of());
    family.pin(version);
  }

  @Override
  public synchronized void unpin(String model) throws OperationException {
    Version before = engine.pins().pin(model);
    if (before == null) {
      Family unused = installed(model);
      return;
    }
    try {
      engine.pins().pin(model, null);
    } catch (IOException e) {
      throw notStored(model, e);
    }
    Family family = engine.family(model);
    if (family != null) {
      event(
          EngineEvent.Type.MODEL_UNPINNED,
          family,
          before,
          "a model follows its policy again model=" + model,
          Map.of());
      family.pin(null);
    }
  }

  @Override
  public synchronized Version rollback(String model) throws OperationException {
    Family family = installed(model);
    Version before = answering(family).orElse(Version.emptyVersion);
    Version target =
        rollbackTarget(family)
            .orElseThrow(
                () ->
                    new OperationException(
                        Code.CONFLICT,
                        "no version that answered before is here any more model="
                            + model
                            + " answering="
                            + before
                            + " here="
                            + versions(family)
                            + " answered="
                            + engine.pins().answered(model)));
    try {
      engine.pins().rollBack(model, target);
    } catch (IOException e) {
      throw notStored(model, e);
    }
    event(
        EngineEvent.Type.MODEL_ROLLED_BACK,
        family,
        target,
        "a model goes back to the version before, and is pinned to it model=" + model,
        Map.of("from.version", before.toString(), "cause", "operator"));
    family.pin(target);
    return target;
  }

  /** The version that answered before the one that does, or the next lower one. */
  private Optional<Version> rollbackTarget(Family family) {
    List<Version> here = versions(family);
    List<Version> answered = engine.pins().answered(family.name);
    Optional<Version> now = answering(family);
    int last = now.map(answered::lastIndexOf).orElse(-1);
    for (int i = (last < 0 ? answered.size() : last) - 1; i >= 0; i--) {
      Version version = answered.get(i);
      if (here.contains(version) && !now.equals(Optional.of(version))) {
        return Optional.of(version);
      }
    }
    return now.flatMap(v -> here.stream().filter(h -> h.compareTo(v) < 0).findFirst());
  }

  private void event(
      EngineEvent.Type type,
      Family family,
      Version version,
      String message,
      Map<String, String> details) {
    String line = message + " version=" + version;
    LOG.info("{}", line);
    engine.events().add(type, family.name, version.toString(), "", line, details);
  }

  private static OperationException notStored(String model, IOException e) {
    return new OperationException(
        Code.FAILED,
        "the pin cannot be stored, so it would not hold over a restart; nothing was changed model="
            + model
            + " cause="
            + e,
        e);
  }

  private Family installed(String model) throws OperationException {
    Family family = engine.family(model);
    if (family != null && versions(family).isEmpty() && family.routes().unnamed() != null) {
      throw new OperationException(
          Code.CONFLICT, "the model's package is being exchanged; try again model=" + model);
    }
    if (family == null || versions(family).isEmpty()) {
      throw new OperationException(
          Code.UNKNOWN_MODEL,
          "no such model is installed model="
              + model
              + " installed="
              + engine.families().stream().flatMap(f -> f.installed().stream()).toList());
    }
    return family;
  }

  /** Versions that are here, highest first. */
  private static List<Version> versions(Family family) {
    synchronized (family) {
      return family.models().stream().filter(Model::installed).map(m -> m.version).toList();
    }
  }

  private static Optional<Version> answering(Family family) {
    return Optional.ofNullable(family.routes().unnamed()).map(g -> g.version);
  }

  /** The generation that answers who names no version. */
  private Generation generation(String model) throws OperationException {
    Family family = installed(model);
    Generation generation = family.routes().unnamed();
    if (generation == null) {
      String reason;
      synchronized (family) {
        Model about = family.about(ModelRef.latest(model));
        reason = about == null ? "its package is gone" : engine.placement().reason(about);
      }
      throw new OperationException(
          Code.CONFLICT, "nothing serves the model now model=" + model + ": " + reason);
    }
    return generation;
  }

  // Long work.

  @Override
  public void reload(String model, Progress progress) throws OperationException {
    Model reloaded = generation(model).model;
    Reload reload = new Reload();
    synchronized (reloaded.family) {
      if (reloaded.removed) {
        throw new OperationException(Code.CONFLICT, "nothing serves the model now model=" + model);
      }
      engine.placement().reload(reloaded, reload);
    }
    String told = "";
    while (true) {
      try {
        reload.ended.get(LOOK_MS, TimeUnit.MILLISECONDS);
        progress.report(1, "the new generation answers");
        return;
      } catch (TimeoutException e) {
        String doing = reloaded.progress;
        if (!doing.equals(told)) {
          told = doing;
          progress.report(doing.startsWith("measuring") ? 0.5 : 0, doing);
        }
        if (progress.cancelled()) {
          throw cancel(reloaded, reload, null);
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw cancel(reloaded, reload, e);
      } catch (ExecutionException e) {
        if (e.getCause() instanceof OperationException failure) {
          throw failure;
        }
        throw new OperationException(Code.FAILED, "the model could not be reloaded: " + e, e);
      }
    }
  }

  private static OperationException cancel(
      Model model, Reload reload, @Nullable InterruptedException cause) {
    reload.cancelled = true;
    synchronized (model.family) {
      model.reloads.remove(reload);
    }
    return new OperationException(
        Code.CANCELLED, "the reload was cancelled, what served goes on model=" + model, cause);
  }

  @Override
  public Verification verify(String model, Progress progress) throws OperationException {
    return new Check(engine, generation(model), progress).verify();
  }

  @Override
  public BenchResult bench(String model, BenchOptions options, Progress progress)
      throws OperationException {
    List<String> wrong = new ArrayList<>();
    range(wrong, "runs", options.runs(), 1, 1_000_000);
    range(wrong, "threads", options.threads(), 1, 64);
    range(wrong, "warmUpRuns", options.warmUpRuns(), 0, 10_000);
    if (!wrong.isEmpty()) {
      throw new OperationException(Code.INVALID, wrong, null);
    }
    return new Bench(engine, generation(model), options, progress).measure();
  }

  private static void range(List<String> wrong, String name, int value, int least, int most) {
    if (value < least || value > most) {
      wrong.add(
          "out of its range name="
              + name
              + " value="
              + value
              + " range=["
              + least
              + ", "
              + most
              + "]");
    }
  }

  @Override
  public Garbage collectGarbage() throws OperationException {
    ModelCatalog store =
        catalog
            .get()
            .orElseThrow(
                () ->
                    new OperationException(
                        Code.FAILED, "there is no model store now; is io.shoji.models started?"));
    List<String> given = store.discardRetained();
    StoreUse removed = store.collectGarbage();
    return new Garbage(given, removed.files(), removed.bytes());
  }

  // What is told.

  @Override
  public DriftReport drift(String model) throws OperationException {
    return Drift.report(generation(model));
  }

  @Override
  public FieldSampleStatus fieldSamples(String model) throws OperationException {
    Optional<FieldSampleStatus> kept = engine.fieldSamples().status(model);
    if (kept.isEmpty()) {
      Family unused = installed(model);
    }
    return kept.orElseGet(() -> engine.fieldSamples().none(model));
  }

  @Override
  public FieldSamplePage exportFieldSamples(String model, long from, long mostBytes)
      throws OperationException {
    if (mostBytes < 1) {
      throw new OperationException(
          Code.INVALID, "a page has at least one byte mostBytes=" + mostBytes);
    }
    return engine.fieldSamples().export(model, from, mostBytes);
  }

  @Override
  public List<EngineEvent> events(long afterSequence) {
    return engine.events().after(afterSequence);
  }

  @Override
  public List<SwapReceipt> receipts(long afterId) {
    return engine.receipts().after(afterId);
  }

  @Override
  public List<ModelChange> changes(String model) {
    return engine.rollouts().changes(model);
  }

  @Override
  public List<ModelOverview> models() {
    Map<String, List<ModelOverview.Installed>> refused = new TreeMap<>();
    catalog.get().map(ModelCatalog::refusals).orElse(List.of()).stream()
        .filter(r -> !r.model().isEmpty())
        .forEach(
            r ->
                refused
                    .computeIfAbsent(r.model(), name -> new ArrayList<>())
                    .add(
                        new ModelOverview.Installed(
                            r.version(),
                            ModelOverview.State.REFUSED,
                            r.origin(),
                            r.reasons(),
                            Optional.empty())));
    Map<String, ModelOverview> all = new TreeMap<>();
    refused.forEach(
        (name, versions) -> all.put(name, overview(name, engine.family(name), versions)));
    for (Family family : engine.families()) {
      // One whose package is being exchanged answers without any version being here.
      if (!all.containsKey(family.name)
          && (!versions(family).isEmpty() || family.routes().unnamed() != null)) {
        all.put(family.name, overview(family.name, family, List.of()));
      }
    }
    return List.copyOf(all.values());
  }

  private ModelOverview overview(
      String name, @Nullable Family family, List<ModelOverview.Installed> refused) {
    VersionPolicy policy = engine.policy().model(name).versions();
    Optional<Version> pin = Optional.ofNullable(engine.pins().pin(name));
    List<ModelOverview.Installed> versions = new ArrayList<>();
    Optional<Version> answering = Optional.empty();
    Optional<Version> rollback = Optional.empty();
    String note = "";
    if (family != null) {
      synchronized (family) {
        for (Model model : family.models()) {
          if (model.installed()) {
            versions.add(
                new ModelOverview.Installed(
                    Optional.of(model.version),
                    model.retained() ? ModelOverview.State.RETAINED : ModelOverview.State.INSTALLED,
                    model.packages.get(0).origin(),
                    List.of(),
                    Optional.of(engine.placement().status(model))));
          }
        }
        answering = answering(family);
        policy = family.versions();
        note = note(family, policy, answering);
      }
      rollback = rollbackTarget(family);
    }
    versions.addAll(refused);
    ModelOverview.Source source =
        pin.isPresent()
            ? ModelOverview.Source.PIN
            : policy.type() == VersionPolicy.Type.LATEST
                    && !engine.policy().models().containsKey(name)
                    && !engine.policy().models().containsKey(OperationsPolicy.OTHERS)
                ? ModelOverview.Source.DEFAULT
                : ModelOverview.Source.POLICY;
    return new ModelOverview(name, versions, policy, source, pin, answering, rollback, note);
  }

  private String note(Family family, VersionPolicy policy, Optional<Version> answering) {
    if (answering.filter(policy::accepts).isPresent()) {
      return "";
    }
    Model asked = family.newest(m -> m.installed() && policy.accepts(m.version));
    if (asked != null) {
      return "the version asked for does not serve version="
          + asked.version
          + ": "
          + engine.placement().reason(asked);
    }
    return policy.type() == VersionPolicy.Type.LATEST
        ? "no version is installed"
        : "no version that is asked for is here asked=" + policy;
  }
}
