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

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.ThreadNiceness;
import io.shoji.disk.Disk;
import io.shoji.disk.LocalDisk;
import io.shoji.inference.AcceleratorStatus;
import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceResult;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.inference.PreparedInference;
import io.shoji.model.BundleTrust;
import io.shoji.model.ModelCatalog;
import io.shoji.model.ModelPackage;
import io.shoji.model.RefusalListener;
import io.shoji.operations.EngineEvent;
import io.shoji.operations.EngineEventListener;
import io.shoji.operations.EventReporter;
import io.shoji.operations.GatewayKey;
import io.shoji.operations.ModelPolicy;
import io.shoji.operations.Operations;
import io.shoji.operations.RolloutPolicy;
import io.shoji.tensor.Tensor;
import java.io.File;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.bundle.Capability;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleEvent;
import org.osgi.framework.BundleListener;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.ServiceRegistration;
import org.osgi.framework.Version;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.osgi.service.metatype.annotations.Option;
import org.osgi.util.tracker.ServiceTracker;
import org.osgi.util.tracker.ServiceTrackerCustomizer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The engine as a component: follows accelerators and model packages, and offers {@link
 * InferenceService} and {@link Operations}. A changed configuration is taken over while requests
 * run; one that is not valid is refused with an error in the log, and the last valid one, or the
 * defaults, stay.
 */
@Component(
    name = EngineComponent.PID,
    configurationPid = EngineComponent.PID,
    service = {InferenceService.class, RefusalListener.class, EventReporter.class},
    immediate = true)
@Designate(ocd = EngineComponent.Configuration.class)
@Capability(
    namespace = "osgi.service",
    attribute = "objectClass:List<String>=\"io.shoji.operations.Operations\"")
public final class EngineComponent implements InferenceService, RefusalListener, EventReporter {
  static final String PID = "io.shoji.engine";

  private static final Logger LOG = LoggerFactory.getLogger(EngineComponent.class);

  /** Settings of the engine. */
  @ObjectClassDefinition(
      id = PID,
      name = "Shoji inference engine",
      description = "Places models on accelerators and runs requests on them.")
  public @interface Configuration {
    /** Most requests of one model that wait at once. */
    @AttributeDefinition(
        name = "Queue length",
        description =
            "Most requests of one model that wait at once, for the model or for its accelerator;"
                + " one more fails with OVERLOADED. Requests, 1 to 65536.",
        min = "1",
        max = "65536")
    int maxQueue() default 64;

    /** Most threads per accelerator for asynchronous requests. */
    @AttributeDefinition(
        name = "Asynchronous threads",
        description =
            "Most threads per accelerator that run asynchronous requests at once; never more than"
                + " the accelerator takes calls at once. Threads, 1 to 256.",
        min = "1",
        max = "256")
    int asyncThreads() default 8;

    /** Most models that are loaded at once. */
    @AttributeDefinition(
        name = "Loader threads",
        description =
            "Most models that are loaded and measured at once. With more than one, models that"
                + " share an accelerator disturb each other's measurement. Threads, 1 to 16.",
        min = "1",
        max = "16")
    int loaderThreads() default 1;

    /** How long requests wait for an accelerator that went away. */
    @AttributeDefinition(
        name = "Gap",
        description =
            "How long a model that was served is taken to come back after its accelerator or its"
                + " package went away, as during the update of a deployment package. Requests wait"
                + " meanwhile, up to their deadline. Milliseconds, 0 to 600000.",
        min = "0",
        max = "600000")
    int gapWaitMs() default 10_000;

    /** How long running requests are waited for when an accelerator leaves. */
    @AttributeDefinition(
        name = "Drain timeout",
        description =
            "How long the engine waits for running requests when an accelerator leaves or the"
                + " engine stops. Milliseconds, 0 to 60000.",
        min = "0",
        max = "60000")
    int drainTimeoutMs() default 5_000;

    /** Most runs that a model is measured with. */
    @AttributeDefinition(
        name = "Measured runs",
        description =
            "Most runs that the latency of a model on an accelerator is measured with."
                + " Runs, 1 to 10000.",
        min = "1",
        max = "10000")
    int measureRuns() default 20;

    /** Most time that a model is measured for. */
    @AttributeDefinition(
        name = "Measuring time",
        description =
            "About how long a model is measured on an accelerator at most; it is run at least"
                + " twice. Milliseconds, 1 to 60000.",
        min = "1",
        max = "60000")
    int measureTimeMs() default 500;

    /** Pause before a failed load is tried again. */
    @AttributeDefinition(
        name = "Retry pause",
        description =
            "Pause before a load is tried again that failed for a reason that may pass, doubled"
                + " with each failure up to 64 times. Milliseconds, 1 to 60000.",
        min = "1",
        max = "60000")
    int retryMs() default 1_000;

    /** Whether acceptance criteria are enforced. */
    @AttributeDefinition(
        name = "Acceptance on the device",
        description =
            "Before a model serves, its package's golden samples are run on the accelerator. On: a"
                + " model that misses its package's acceptance criteria does not serve, and what"
                + " served before goes on. Off: it serves all the same, with a warning in the log.")
    boolean acceptance() default true;

    /** Most time that golden samples are run for. */
    @AttributeDefinition(
        name = "Acceptance time",
        description =
            "About how long golden samples are run at most before a model serves; of slow models"
                + " only as many samples are run as fit. Milliseconds, 1 to 600000.",
        min = "1",
        max = "600000")
    int acceptanceTimeMs() default 20_000;

    /** Whether golden samples are run at every start. */
    @AttributeDefinition(
        name = "Acceptance at every start",
        description =
            "Off: what was committed before a restart, the same package, variant, device, driver and"
                + " runtime, serves at once after it, without golden samples. On: golden samples are"
                + " run all the same.")
    boolean acceptAgain() default false;

    /** How long what has left is waited for. */
    @AttributeDefinition(
        name = "Time of a swap receipt",
        description =
            "How long an old generation's and an old driver's classes, libraries, threads,"
                + " descriptors and memory are waited for, before what is still there is reported as"
                + " remaining. Milliseconds, 100 to 3600000.",
        min = "100",
        max = "3600000")
    int receiptTimeMs() default 60_000;

    /** Whether the heap is collected for a receipt. */
    @AttributeDefinition(
        name = "Collection for a swap receipt",
        description =
            "Classes of an old driver are seen to go only when Java collects its heap. On: that is"
                + " asked for once after a driver has left, which stops all threads for as long as"
                + " a full collection takes. Off: the receipt stays open until Java does so by"
                + " itself. An exchange of models never needs it.")
    boolean receiptGc() default true;

    /** What live requests are used for before a switch. */
    @AttributeDefinition(
        name = "Canary",
        description =
            "What live requests are used for before another generation of a model answers, where"
                + " the model's policy says nothing. OFF: for nothing, golden samples alone"
                + " decide. SHADOW: a share of them also runs on the new generation, the old one"
                + " answers. LIVE: a share of them is answered by the new generation.",
        options = {
          @Option(label = "off", value = "OFF"),
          @Option(label = "shadow", value = "SHADOW"),
          @Option(label = "live", value = "LIVE")
        })
    RolloutPolicy.Canary canary() default RolloutPolicy.Canary.OFF;

    /** Share of live requests that a canary takes. */
    @AttributeDefinition(
        name = "Share of the canary",
        description =
            "Share of live requests that a canary takes; during probation after a canary, the"
                + " share that also runs on the generation before. More than 0, at most 1.")
    double canaryShare() default 0.1;

    /** When a canary ends at the latest. */
    @AttributeDefinition(
        name = "Time of the canary",
        description =
            "After so long a canary ends even if its test has not decided: with no evidence"
                + " against the new generation it answers, on probation. Milliseconds, 1 to"
                + " 86400000.",
        min = "1",
        max = "86400000")
    int canaryTimeMs() default 60_000;

    /** How long a new generation is watched. */
    @AttributeDefinition(
        name = "Probation",
        description =
            "How long a generation that took over is watched; if it does worse, the model goes"
                + " back to the one before by itself. That one stays loaded meanwhile where memory"
                + " budgets allow. Milliseconds, 0 (not at all) to 86400000.",
        min = "0",
        max = "86400000")
    int probationMs() default 60_000;

    /** What is done where memory does not allow two generations at once. */
    @AttributeDefinition(
        name = "Where memory is tight",
        description =
            "What is done where memory does not allow the old and the new generation at once."
                + " REFUSE: the old one goes on, the new one is refused. SEQUENTIAL: the old one"
                + " is closed first; requests wait meanwhile, or run elsewhere and say degraded.",
        options = {
          @Option(label = "refuse", value = "REFUSE"),
          @Option(label = "sequential", value = "SEQUENTIAL")
        })
    RolloutPolicy.TightMemory tightMemory() default RolloutPolicy.TightMemory.REFUSE;

    /** How far threads that prepare a model give way to others. */
    @AttributeDefinition(
        name = "Niceness of the loader",
        description =
            "How far threads that load, measure and try a model give way to all others while"
                + " something else serves, as with the command nice; 20: they run only while nothing"
                + " else wants the processor; 0: they do not give way. Niceness, 0 to 20.",
        min = "0",
        max = "20")
    int loaderNiceness() default 20;

    /** What a model does whose accelerator went away. */
    @AttributeDefinition(
        name = "In the gap",
        description =
            "What a model does whose accelerator went away and is taken to come back. fallback: it"
                + " runs on the next best accelerator meanwhile, and its answers say degraded. wait:"
                + " its requests wait, for the time of the gap.",
        options = {
          @Option(label = "fallback", value = "fallback"),
          @Option(label = "wait", value = "wait")
        })
    String gap() default "fallback";

    /** How many requests are looked at for drift. */
    @AttributeDefinition(
        name = "Drift share",
        description =
            "One request in so many is looked at to tell whether inputs and outputs are distributed"
                + " as when the model was calibrated; where few come, one a second is. 0 for none."
                + " Requests, 0 to 1000000.",
        min = "0",
        max = "1000000")
    int driftShare() default 16;

    /** Most requests that are looked at for drift in a second. */
    @AttributeDefinition(
        name = "Drift rate",
        description =
            "Most requests of one model that are looked at for drift in a second."
                + " Requests, 1 to 10000.",
        min = "1",
        max = "10000")
    int driftPerSecond() default 20;

    /** Samples that are held against the calibration at a time. */
    @AttributeDefinition(
        name = "Drift window",
        description =
            "Samples that are held against the calibration at a time; windows overlap by half."
                + " More see smaller shifts, later. Samples, 64 to 1000000.",
        min = "64",
        max = "1000000")
    int driftWindow() default 512;

    /** From which index on there is an alarm. */
    @AttributeDefinition(
        name = "Drift alarm",
        description =
            "Population stability index from which a feature of inputs or outputs raises the alarm,"
                + " if chance does not explain it; usual are 0.1 (a small shift) and 0.25 (a large"
                + " one). It ends below 40 % of that. 0 for never; 0 to 100.",
        min = "0",
        max = "100")
    double driftAlarm() default 0.25;

    /** The same for the shares of the classes. */
    @AttributeDefinition(
        name = "Drift alarm of classes",
        description =
            "The same for the shares in which classes are answered. On a machine that is to answer"
                + " one class nearly always, set 0: never. 0 to 100.",
        min = "0",
        max = "100")
    double driftLabelAlarm() default 0.25;

    /** Which requests run on threads of the engine. */
    @AttributeDefinition(
        name = "Guarded calls",
        description =
            "Which requests run on a thread of the engine, so that their callers are back at their"
                + " deadlines even if the vendor's library hangs. auto: those of accelerators beside"
                + " the processor, those that take 0.5 ms or more, and all of one that has hung."
                + " always: all, each some 10 us slower. never: none; that a call hangs is noticed"
                + " all the same.",
        options = {
          @Option(label = "auto", value = "auto"),
          @Option(label = "always", value = "always"),
          @Option(label = "never", value = "never")
        })
    String guardCalls() default "auto";

    /** From when on a call hangs. */
    @AttributeDefinition(
        name = "Grace of a call",
        description =
            "How long after its deadline a call into a vendor's library is taken to hang: its"
                + " accelerator is suspect then, and its model is loaded anew. Milliseconds, 1 to"
                + " 600000.",
        min = "1",
        max = "600000")
    int hangGraceMs() default 2_000;

    /** What a call has that has no deadline of its own. */
    @AttributeDefinition(
        name = "Time of a measured call",
        description =
            "How long one call may take by which a model is measured, tried or prepared."
                + " Milliseconds, 1 to 3600000.",
        min = "1",
        max = "3600000")
    int callTimeoutMs() default 30_000;

    /** How long a load may take. */
    @AttributeDefinition(
        name = "Time of a load",
        description =
            "How long loading a model may take, which on some accelerators is minutes."
                + " Milliseconds, 1 to 86400000.",
        min = "1",
        max = "86400000")
    int loadTimeoutMs() default 900_000;
  }

  private final Engine engine;
  private final DriverTrust drivers;
  private final BundleContext context;
  private final @Nullable ServiceRegistration<Operations> operations;
  private final ServiceTracker<EngineEventListener, Events.Reader> listeners;

  /**
   * Reasons of the last refusal of each bundle, since a model store that starts tells all again.
   */
  private final Map<String, List<String>> refusals = new ConcurrentHashMap<>();

  private final BundleListener uninstalls = this::bundleChanged;

  /** Starts the engine; nothing is loaded yet. */
  @Activate
  public EngineComponent(BundleContext context, Configuration configuration) {
    Settings settings;
    ReceiptSettings receipts;
    try {
      settings = settings(configuration);
      receipts = receiptSettings(configuration);
    } catch (RuntimeException e) {
      LOG.error("configuration refused, the defaults hold pid={}: {}", PID, e.getMessage());
      settings = Settings.DEFAULTS;
      receipts = ReceiptSettings.DEFAULTS;
    }
    this.context = context;
    this.engine = engine(settings, context);
    engine.lowerBy(this::lower);
    this.drivers = new DriverTrust(engine);
    engine.receipts().configure(receipts);
    engine.receipts().follow(context);
    engine.keep(fieldSamples(context));
    try {
      engine.configure(driftSettings(configuration));
    } catch (RuntimeException e) {
      LOG.error("drift is watched as by default pid={}: {}", PID, e.getMessage());
    }
    Events events = engine.events();
    events.start(events.reader(), new DriverSettings(context, engine::policy));
    this.listeners = new ServiceTracker<>(context, EngineEventListener.class, new Listeners());
    context.addBundleListener(uninstalls);
    listeners.open();
    // An object of its own: both services tell of models, each in its way.
    this.operations =
        context.registerService(Operations.class, new Operator(engine, this::catalog), null);
  }

  @Override
  public void report(
      EngineEvent.Type type, String accelerator, String message, Map<String, String> details) {
    engine.events().add(type, "", "", accelerator, message, details);
  }

  private static Engine engine(Settings settings, BundleContext context) {
    File folder = context.getDataFile("operations");
    if (folder == null) {
      LOG.warn(
          "the framework has no data area for bundles: pins and the journal of changes end with"
              + " the process");
      return new Engine(settings);
    }
    Disk disk = new LocalDisk();
    return new Engine(
        settings,
        System::nanoTime,
        Pins.in(folder.toPath(), disk),
        Journal.open(folder.toPath(), disk));
  }

  private static FieldSamples fieldSamples(BundleContext context) {
    File folder = context.getDataFile("field-samples");
    return new FieldSamples(
        folder == null ? null : folder.toPath(),
        new LocalDisk(),
        () -> {
          ServiceReference<GatewayKey> reference = context.getServiceReference(GatewayKey.class);
          return reference == null
              ? Optional.empty()
              : Optional.ofNullable(context.getService(reference));
        },
        FieldSamples.GRACE_MS);
  }

  /** The model store, looked up anew, since it follows this component. */
  private Optional<ModelCatalog> catalog() {
    ServiceReference<ModelCatalog> reference = context.getServiceReference(ModelCatalog.class);
    return reference == null
        ? Optional.empty()
        : Optional.ofNullable(context.getService(reference));
  }

  /**
   * Follows the listeners. Each is fetched on the thread that tells it: one that needs this
   * component could not be had while this one is being made.
   */
  private final class Listeners
      implements ServiceTrackerCustomizer<EngineEventListener, Events.Reader> {
    @Override
    public Events.Reader addingService(ServiceReference<EngineEventListener> reference) {
      Events events = engine.events();
      Events.Reader reader = events.reader();
      events.execute(
          () -> {
            EngineEventListener listener = context.getService(reference);
            if (listener != null) {
              events.start(reader, listener);
            }
          });
      return reader;
    }

    @Override
    public void modifiedService(
        ServiceReference<EngineEventListener> reference, Events.Reader reader) {
      // Its properties are of no interest.
    }

    @Override
    public void removedService(
        ServiceReference<EngineEventListener> reference, Events.Reader reader) {
      engine.events().stop(reader);
    }
  }

  /** Takes over a changed configuration, if it is valid. */
  @Modified
  void modified(Configuration configuration) {
    try {
      ReceiptSettings receipts = receiptSettings(configuration);
      DriftSettings drift = driftSettings(configuration);
      engine.configure(settings(configuration));
      engine.receipts().configure(receipts);
      engine.configure(drift);
    } catch (RuntimeException e) {
      LOG.error("configuration refused, the last valid one holds pid={}: {}", PID, e.getMessage());
    }
  }

  /** Stops, within the drain timeout. */
  @Deactivate
  void deactivate() {
    ServiceRegistration<Operations> registration = operations;
    if (registration != null) {
      registration.unregister();
    }
    context.removeBundleListener(uninstalls);
    listeners.close();
    engine.close();
  }

  /** The checked settings; a value that is no number makes the framework throw at its reading. */
  private static Settings settings(Configuration configuration) {
    return new Settings(
        configuration.maxQueue(),
        configuration.asyncThreads(),
        configuration.loaderThreads(),
        configuration.gapWaitMs(),
        configuration.drainTimeoutMs(),
        configuration.measureRuns(),
        configuration.measureTimeMs(),
        configuration.retryMs(),
        configuration.acceptance(),
        configuration.acceptanceTimeMs(),
        new RolloutPolicy(
            configuration.canary(),
            configuration.canaryShare(),
            configuration.canaryTimeMs(),
            configuration.probationMs(),
            configuration.tightMemory(),
            ""),
        configuration.loaderNiceness(),
        gap(configuration.gap()),
        configuration.acceptAgain(),
        new Patience(
            guarding(configuration.guardCalls()),
            configuration.hangGraceMs(),
            configuration.callTimeoutMs(),
            configuration.loadTimeoutMs()));
  }

  private static Patience.Guarding guarding(@Nullable String name) {
    if (name == null) {
      return Patience.DEFAULTS.guarding();
    }
    for (Patience.Guarding guarding : Patience.Guarding.values()) {
      if (guarding.name().equalsIgnoreCase(name.strip())) {
        return guarding;
      }
    }
    throw new IllegalArgumentException(
        "no such way to guard calls asked=" + name + " known=[auto, always, never]");
  }

  private static ModelPolicy.Gap gap(@Nullable String name) {
    if (name == null) {
      return Settings.DEFAULTS.gap();
    }
    for (ModelPolicy.Gap gap : ModelPolicy.Gap.values()) {
      if (gap.name().equalsIgnoreCase(name.strip())) {
        return gap;
      }
    }
    throw new IllegalArgumentException(
        "no such way to go through a gap asked=" + name + " known=[fallback, wait]");
  }

  /** Lowers the calling thread's priority, where there is something here that can. */
  private boolean lower(int nice) {
    ServiceReference<ThreadNiceness> reference = context.getServiceReference(ThreadNiceness.class);
    ThreadNiceness niceness = reference == null ? null : context.getService(reference);
    if (reference == null || niceness == null) {
      return false;
    }
    try {
      return niceness.lower(nice);
    } finally {
      context.ungetService(reference);
    }
  }

  private static ReceiptSettings receiptSettings(Configuration configuration) {
    return new ReceiptSettings(configuration.receiptTimeMs(), configuration.receiptGc());
  }

  private static DriftSettings driftSettings(Configuration configuration) {
    return new DriftSettings(
        configuration.driftShare(),
        configuration.driftPerSecond(),
        configuration.driftWindow(),
        configuration.driftAlarm(),
        configuration.driftLabelAlarm());
  }

  /** An accelerator was registered. */
  @Reference(
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      updated = "updatedAccelerator",
      unbind = "removeAccelerator")
  void addAccelerator(Accelerator accelerator, Map<String, Object> properties) {
    drivers.add(
        accelerator,
        properties.getOrDefault(AcceleratorInfo.HOSTED, properties.get(Constants.SERVICE_BUNDLEID))
                instanceof Long id
            ? Optional.ofNullable(context.getBundle(id))
            : Optional.empty());
  }

  /** What is said of an accelerator has changed: its driver may be on its way out. */
  void updatedAccelerator(Accelerator accelerator, Map<String, Object> properties) {
    if (Boolean.TRUE.equals(properties.get(AcceleratorInfo.LEAVING))) {
      engine.release(accelerator);
    }
  }

  /** An accelerator is being unregistered: returns when everything on it is closed. */
  void removeAccelerator(Accelerator accelerator) {
    drivers.remove(accelerator);
  }

  /** Somebody judges drivers. */
  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      updated = "judgesAnew",
      unbind = "judgesNoMore")
  void judges(BundleTrust trust) {
    drivers.judge(Optional.of(trust));
  }

  /** The policy or the trust anchors have changed. */
  void judgesAnew(BundleTrust trust) {
    drivers.judge(Optional.of(trust));
  }

  /** Nobody judges drivers any more; those that are used go on. */
  void judgesNoMore(BundleTrust trust) {
    drivers.judge(Optional.empty());
  }

  /** A model package was registered. */
  @Reference(
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      unbind = "removeModelPackage")
  void addModelPackage(ModelPackage modelPackage) {
    engine.addPackage(modelPackage);
  }

  /** A model package is being unregistered. */
  void removeModelPackage(ModelPackage modelPackage) {
    engine.removePackage(modelPackage);
    boolean installed = false;
    for (Bundle bundle : context.getBundles()) {
      installed |= modelPackage.origin().startsWith(origin(bundle));
    }
    if (!installed) {
      engine.uninstalled(modelPackage.origin()::equals);
    }
  }

  /** What the origin of a package from this bundle starts with, whatever its version. */
  private static String origin(Bundle bundle) {
    return bundle.getSymbolicName() + " ";
  }

  private void bundleChanged(BundleEvent event) {
    if (event.getType() == BundleEvent.UNINSTALLED) {
      engine.uninstalled(from -> from.startsWith(origin(event.getBundle())));
    }
  }

  @Override
  public InferenceResult infer(ModelRef model, List<Tensor> inputs, long deadlineNanos)
      throws InferenceException {
    return engine.infer(model, inputs, deadlineNanos);
  }

  @Override
  public CompletableFuture<InferenceResult> inferAsync(
      ModelRef model, List<Tensor> inputs, long deadlineNanos) {
    return engine.inferAsync(model, inputs, deadlineNanos);
  }

  @Override
  public PreparedInference prepare(
      ModelRef model, List<Tensor> inputs, List<Tensor> outputs, long deadlineNanos)
      throws InferenceException {
    return engine.prepare(model, inputs, outputs, deadlineNanos);
  }

  @Override
  public PreparedInference prepare(ModelRef model, long batchSize, long deadlineNanos)
      throws InferenceException {
    return engine.prepare(model, batchSize, deadlineNanos);
  }

  @Override
  public Optional<ModelStatus> model(ModelRef model) {
    return engine.model(model);
  }

  @Override
  public List<ModelStatus> models() {
    return engine.models();
  }

  @Override
  public List<AcceleratorStatus> accelerators() {
    return engine.accelerators();
  }

  @Override
  public void refused(ModelCatalog.Refusal refusal) {
    if (refusal.reasons().equals(refusals.put(refusal.origin(), refusal.reasons()))) {
      return;
    }
    engine
        .events()
        .add(
            EngineEvent.Type.MODEL_REFUSED,
            refusal.model(),
            refusal.version().map(Version::toString).orElse(""),
            "",
            "a model package was refused origin="
                + refusal.origin()
                + " reasons="
                + refusal.reasons().size()
                + " first="
                + refusal.reasons().get(0),
            details(refusal.origin(), refusal.reasons()));
  }

  @Override
  public void warned(ModelCatalog.Warning warning) {
    engine
        .events()
        .add(
            EngineEvent.Type.MODEL_WARNING,
            warning.model(),
            warning.version().toString(),
            "",
            "a model package serves with a warning origin="
                + warning.origin()
                + " reasons="
                + warning.reasons().size()
                + " first="
                + warning.reasons().get(0),
            details(warning.origin(), warning.reasons()));
  }

  private static Map<String, String> details(String origin, List<String> reasons) {
    Map<String, String> details = new HashMap<>();
    details.put("origin", origin);
    for (int i = 0; i < reasons.size(); i++) {
      details.put("reason." + (i + 1), reasons.get(i));
    }
    return details;
  }
}
