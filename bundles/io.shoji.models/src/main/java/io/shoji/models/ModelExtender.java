/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.models;

import io.shoji.accelerator.ThreadNiceness;
import io.shoji.disk.LocalDisk;
import io.shoji.model.BundleTrust;
import io.shoji.model.ModelCatalog;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelPackage;
import io.shoji.model.RefusalListener;
import io.shoji.model.TrustAnchors;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleEvent;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.ServiceRegistration;
import org.osgi.framework.SynchronousBundleListener;
import org.osgi.framework.Version;
import org.osgi.framework.wiring.BundleCapability;
import org.osgi.framework.wiring.BundleRevision;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.osgi.service.metatype.annotations.Option;
import org.osgi.util.tracker.BundleTracker;
import org.osgi.util.tracker.BundleTrackerCustomizer;
import org.osgi.util.tracker.ServiceTracker;
import org.osgi.util.tracker.ServiceTrackerCustomizer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Publishes a {@link ModelPackage} for each installed and resolved bundle that is a good model
 * package, and says of the others why not.
 *
 * <p>Reading, checking and copying happen on one thread of this component. A package's service goes
 * in the thread that uninstalls or updates the bundle, before that call returns; its files go a
 * little later, and not while somebody holds them.
 */
@Component(name = ModelExtender.PID, service = ModelCatalog.class, immediate = true)
@Designate(ocd = ModelExtender.Config.class)
public final class ModelExtender implements ModelCatalog {
  static final String PID = "io.shoji.models";

  private static final Logger log = LoggerFactory.getLogger(ModelExtender.class);

  private static final String FOLDER = "SHOJI-INF/";
  private static final long STOP_MS = 10_000;

  /** About a tenth of a processor while others want it, all of it else. */
  private static final int NICENESS = 10;

  /** Settings. */
  @ObjectClassDefinition(
      id = PID,
      name = "Shoji model packages",
      description = "Checks and stores the model packages on this gateway.")
  public @interface Config {
    /** Where the files of model packages are kept. */
    @AttributeDefinition(
        name = "Store folder",
        required = false,
        description =
            "Absolute path of the folder that keeps the models' files, for example on a larger"
                + " partition: empty, new or used as a model store before. Empty: the bundle's own"
                + " data area. After a change the packages are copied there from their bundles; the"
                + " old folder stays as it is.")
    String storeFolder() default "";

    /** What a signature that is missing or does not hold means. */
    @AttributeDefinition(
        name = "Signatures",
        description =
            "What is asked of model packages and of accelerator drivers. Off: nothing. Warn: one"
                + " that is not signed by somebody trusted, has expired or is a downgrade is used"
                + " with a warning. Require: it is not used.",
        options = {
          @Option(label = "Off", value = "off"),
          @Option(label = "Warn", value = "warn"),
          @Option(label = "Require", value = "require")
        })
    String signatures() default "warn";

    /** Whose signatures are trusted. */
    @AttributeDefinition(
        name = "Trust anchors",
        required = false,
        description =
            "Absolute path of a file with certificates (PEM or DER) of those whose signatures are"
                + " trusted, authorities or signers themselves, or of a folder with such files"
                + " (.pem, .crt, .cer, .der). Those of a key store of Kura are named in Shoji"
                + " package trust.")
    String trustAnchors() default "";
  }

  /** Delays, which tests shorten. */
  record Timing(long collectMs, long firstRetryMs, long lastRetryMs) {
    static final Timing NORMAL = new Timing(3_000, 5_000, 300_000);
  }

  private record Key(String name, Version version) {}

  private final BundleContext context;
  private final String storeFolder;
  private final Timing timing;
  private final Signatures signatures;
  private final String checker;
  private final ServiceTracker<TrustAnchors, TrustAnchors> anchors;
  private final ScheduledFuture<?> reviews;
  private final ScheduledThreadPoolExecutor executor;
  private final DeploymentThreads deployment;

  /** Whether the thread's priority was lowered. Used by the thread alone. */
  private boolean givesWay;

  private final BundleTracker<Bundle> tracker;
  private final Map<Long, Installation> installations = new ConcurrentHashMap<>();

  /** Who publishes a name and version: an {@link Installation}, or a {@link Kept}. */
  private final Map<Key, Object> owners = new ConcurrentHashMap<>();

  private final Map<Installation, Published> published = new ConcurrentHashMap<>();
  private final Map<Installation, Refused> refused = new ConcurrentHashMap<>();

  private final Map<Installation, Warning> warned = new ConcurrentHashMap<>();

  /** What is kept and must not be served, by its record's owner. */
  private final Map<String, Refusal> refusedKept = new ConcurrentHashMap<>();

  /** What is served though its bundle contains something else by now, by its record's owner. */
  private final Map<String, Kept> kept = new ConcurrentHashMap<>();

  private final SynchronousBundleListener uninstalls = this::bundleChanged;
  private volatile boolean stopping;
  private volatile @Nullable ContentStore store;

  // Of the executor's thread.
  private final List<RefusalListener> listeners = new ArrayList<>();
  private @Nullable PackageInstaller installer;
  private @Nullable ScheduledFuture<?> collection;
  private @Nullable ScheduledFuture<?> retry;
  private long retryMs;
  private @Nullable ServiceRegistration<BundleTrust> trust;
  private long trustChanges;

  private record Published(
      StoredPackage model, Release release, ServiceRegistration<ModelPackage> registration) {}

  /** Compared by identity, as two records of the same contents are two publications. */
  private static final class Kept {
    private final InstallRecord record;
    private final StoredPackage model;
    private final Key key;
    private @Nullable ServiceRegistration<ModelPackage> registration;
    private boolean withdrawn;

    Kept(InstallRecord record, StoredPackage model) {
      this.record = record;
      this.model = model;
      this.key = new Key(model.description().name(), model.description().version());
    }
  }

  private record Refused(Refusal refusal, Optional<Key> conflict, boolean retryable) {}

  /** Starts looking for model packages. */
  @Activate
  public ModelExtender(BundleContext context, Config config) {
    this(
        context,
        config.storeFolder(),
        Timing.NORMAL,
        new Signatures(
            policy(config.signatures()),
            new AnchorSources(config.trustAnchors()),
            Clock.systemUTC()));
  }

  ModelExtender(BundleContext context, String storeFolder, Timing timing, Signatures signatures) {
    this.context = context;
    this.deployment = new DeploymentThreads(context);
    this.signatures = signatures;
    this.storeFolder = storeFolder.trim();
    this.timing = timing;
    this.retryMs = timing.firstRetryMs();
    Bundle self = context.getBundle();
    this.checker = self.getSymbolicName() + " " + self.getVersion() + " " + self.getLastModified();
    this.executor =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              Thread thread = new Thread(task, "shoji-models");
              thread.setDaemon(true);
              return thread;
            },
            new ThreadPoolExecutor.DiscardPolicy());
    executor.setRemoveOnCancelPolicy(true);
    executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    this.tracker =
        new BundleTracker<>(
            context, Bundle.RESOLVED | Bundle.STARTING | Bundle.ACTIVE, new Customizer());
    this.anchors = new ServiceTracker<>(context, TrustAnchors.class, new AnchorsCustomizer());
    // Before the packages are looked at.
    anchors.open();
    submit(this::begin);
    context.addBundleListener(uninstalls);
    tracker.open();
    deployment.watch(() -> !published.isEmpty());
    this.reviews =
        executor.scheduleWithFixedDelay(
            guarded(this::review),
            timing.lastRetryMs(),
            timing.lastRetryMs(),
            TimeUnit.MILLISECONDS);
  }

  private static SignaturePolicy policy(String name) {
    Optional<SignaturePolicy> policy = SignaturePolicy.of(name);
    if (policy.isEmpty()) {
      log.error(
          "signatures is none of off, warn and require; it counts as require found={}",
          Reasons.quote(name));
    }
    return policy.orElse(SignaturePolicy.REQUIRE);
  }

  /** Withdraws every package and closes the store; what is stored stays. */
  @Deactivate
  void stop() {
    stopping = true;
    deployment.close();
    context.removeBundleListener(uninstalls);
    tracker.close();
    anchors.close();
    reviews.cancel(false);
    List.copyOf(kept.values()).forEach(this::withdraw);
    executor.shutdown();
    try {
      if (!executor.awaitTermination(STOP_MS, TimeUnit.MILLISECONDS)) {
        log.warn("a model package is still being read; it is interrupted waitedMs={}", STOP_MS);
        executor.shutdownNow();
      }
    } catch (InterruptedException e) {
      executor.shutdownNow();
      Thread.currentThread().interrupt();
    }
    ServiceRegistration<BundleTrust> registered = trust;
    if (registered != null) {
      registered.unregister();
    }
    ContentStore open = store;
    if (open != null) {
      open.close();
    }
  }

  /** Somebody wants to know of refusals; told on this component's thread, of those before, too. */
  @Reference(
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      unbind = "removeListener")
  void addListener(RefusalListener listener) {
    submit(
        () -> {
          listeners.add(listener);
          refusals().forEach(refusal -> tell(listener, refusal));
          warnings().forEach(warning -> tell(listener, warning));
        });
  }

  private static void tell(RefusalListener listener, Warning warning) {
    try {
      listener.warned(warning);
    } catch (RuntimeException e) {
      log.warn("a listener failed on a warning listener={}", listener, e);
    }
  }

  private static void tell(RefusalListener listener, Refusal refusal) {
    try {
      listener.refused(refusal);
    } catch (RuntimeException e) {
      log.warn("a listener failed on a refusal listener={}", listener, e);
    }
  }

  /** Somebody does not want to know of refusals any more. */
  void removeListener(RefusalListener listener) {
    // After the task that adds it, and then it is not called any more.
    submit(() -> listeners.remove(listener));
  }

  @Override
  public List<ModelPackage> packages() {
    return Stream.<ModelPackage>concat(
            published.values().stream().map(Published::model),
            kept.values().stream().map(k -> k.model))
        .sorted(
            Comparator.comparing((ModelPackage p) -> p.description().name())
                .thenComparing(p -> p.description().version()))
        .toList();
  }

  @Override
  public List<Refusal> refusals() {
    return Stream.concat(
            refused.values().stream().map(Refused::refusal), refusedKept.values().stream())
        .sorted(Comparator.comparing(Refusal::origin))
        .toList();
  }

  @Override
  public List<Warning> warnings() {
    return warned.values().stream().sorted(Comparator.comparing(Warning::origin)).toList();
  }

  /** A version has become the one to go back to: from now on its floor holds. */
  private void committed(ModelDescription model, Release release) {
    signatures.committed(model.name(), model.version(), release.minimumVersion());
    review();
  }

  /** Whom to trust may have changed, or time has passed: what is published is looked at again. */
  private void review() {
    if (stopping || signatures.policy() == SignaturePolicy.OFF) {
      return;
    }
    List.copyOf(published.keySet()).forEach(Installation::review);
    installations.forEach(
        (bundleId, installation) -> {
          boolean served = published.containsKey(installation);
          if (served || refused.containsKey(installation)) {
            publishKept(bundleId, served);
          }
        });
  }

  /** Whom to trust has changed. */
  private void anchorsChanged() {
    submit(
        () -> {
          review();
          retry();
          announceTrust();
        });
  }

  /** Lets those who use drivers ask anew. */
  // The framework asks for a Dictionary.
  @SuppressWarnings("JdkObsolete")
  private void announceTrust() {
    Hashtable<String, Object> properties = new Hashtable<>();
    properties.put("shoji.trust.changes", ++trustChanges);
    ServiceRegistration<BundleTrust> registered = trust;
    if (stopping) {
      return;
    }
    if (registered == null) {
      trust =
          context.registerService(BundleTrust.class, new DriverSignatures(signatures), properties);
    } else {
      registered.setProperties(properties);
    }
  }

  private final class AnchorsCustomizer
      implements ServiceTrackerCustomizer<TrustAnchors, TrustAnchors> {
    @Override
    public @Nullable TrustAnchors addingService(ServiceReference<TrustAnchors> reference) {
      TrustAnchors service = context.getService(reference);
      if (service != null) {
        signatures.sources().add(service);
        anchorsChanged();
      }
      return service;
    }

    @Override
    public void modifiedService(ServiceReference<TrustAnchors> reference, TrustAnchors service) {
      anchorsChanged();
    }

    @Override
    public void removedService(ServiceReference<TrustAnchors> reference, TrustAnchors service) {
      signatures.sources().remove(service);
      context.ungetService(reference);
      anchorsChanged();
    }
  }

  @Override
  public StoreUse storeUse() {
    ContentStore open = store;
    return open == null ? new StoreUse(0, 0) : open.use();
  }

  @Override
  public StoreUse collectGarbage() {
    ContentStore open = store;
    if (open == null || stopping) {
      return new StoreUse(0, 0);
    }
    try {
      forgetRemoved(open);
      StoreUse removed = open.collect();
      if (removed.files() > 0) {
        log.info(
            "files that no model package needs were removed files={} bytes={}",
            removed.files(),
            removed.bytes());
      }
      return removed;
    } catch (StoreException e) {
      log.warn(
          "the model store could not be tidied up; it is tried again with the next package", e);
      return new StoreUse(0, 0);
    }
  }

  @Override
  public List<String> discardRetained() {
    ContentStore open = store;
    List<String> given = new ArrayList<>();
    if (open == null || stopping) {
      return given;
    }
    for (InstallRecord record : open.records()) {
      if (record.retained() && !record.good() && !open.isHeld(record)) {
        try {
          // First, so that a publication under way on the executor sees that it comes too late.
          open.forget(record.owner());
          given.add(retainedOrigin(record));
        } catch (StoreException e) {
          log.warn("a retained version could not be forgotten bundle={}", record.origin(), e);
          continue;
        }
        Kept service = kept.get(record.owner());
        if (service != null) {
          withdraw(service);
        }
      }
    }
    if (!given.isEmpty()) {
      log.info("retained versions were given up {}", given);
    }
    return given;
  }

  private static String retainedOrigin(InstallRecord record) {
    return record.origin() + " retained";
  }

  /** Drops what bundles needed that are no longer installed, or have other contents now. */
  private void forgetRemoved(ContentStore open) throws StoreException {
    for (String owner : open.owners()) {
      if (!isNeeded(open, owner)) {
        open.forget(owner);
      }
    }
  }

  private boolean isNeeded(ContentStore open, String owner) {
    Optional<InstallRecord> record = open.record(owner);
    if (record.isPresent()) {
      // Of a bundle that was refused or waits to be resolved, too.
      Bundle bundle = context.getBundle(record.get().bundleId());
      return bundle != null && record.get().location().equals(bundle.getLocation());
    }
    // Without a record it is being installed, or was refused, perhaps only for now: the name may
    // become free, the store writable.
    return installations.entrySet().stream()
        .filter(e -> InstallRecord.owner(e.getKey()).equals(owner))
        .map(e -> refused.get(e.getValue()))
        .anyMatch(no -> no == null || no.retryable() || no.conflict().isPresent());
  }

  /**
   * A bundle is uninstalled: what it contained before goes with it. A model's is stopped: that is
   * how DeploymentAdmin begins to update it, before it reads the package.
   */
  private void bundleChanged(BundleEvent event) {
    if (event.getType() == BundleEvent.STOPPING && isModelPackage(event.getBundle())) {
      deployment.giveWay();
    }
    if (event.getType() == BundleEvent.UNINSTALLED) {
      long bundleId = event.getBundle().getBundleId();
      List<Kept> gone =
          kept.values().stream().filter(k -> k.record.bundleId() == bundleId).toList();
      gone.forEach(this::withdraw);
      refusedKept.keySet().removeIf(owner -> isOf(owner, bundleId));
      submit(this::scheduleCollection);
    }
  }

  private static boolean isModelPackage(Bundle bundle) {
    BundleRevision revision = bundle.adapt(BundleRevision.class);
    return revision != null
        && !revision.getDeclaredCapabilities(PackageInstaller.NAMESPACE).isEmpty();
  }

  /** Whether an owner is a bundle, or its contents before. */
  private static boolean isOf(String owner, long bundleId) {
    return owner.equals(InstallRecord.owner(bundleId))
        || owner.startsWith(InstallRecord.owner(bundleId) + "-");
  }

  /**
   * Publishes what is kept of a bundle's earlier contents, and withdraws what is not kept any more.
   *
   * @param served what the bundle contains now, if that is published
   */
  private void publishKept(long bundleId, boolean served) {
    ContentStore open = store;
    if (open == null || stopping) {
      return;
    }
    refusedKept
        .keySet()
        .removeIf(
            owner ->
                isOf(owner, bundleId)
                    && (open.record(owner).isEmpty()
                        || (served && owner.equals(InstallRecord.owner(bundleId)))));
    List<Kept> outdated = new ArrayList<>();
    for (Kept each : kept.values()) {
      if (each.record.bundleId() == bundleId
          && (open.record(each.record.owner()).filter(each.record::isSame).isEmpty()
              || signatures.refusalOfKept(each.model.description()).isPresent()
              || (served && !each.record.retained()))) {
        outdated.add(each);
      }
    }
    for (InstallRecord record : open.records()) {
      if (record.bundleId() == bundleId
          && (record.retained() || !served)
          && outdated.stream().noneMatch(k -> k.record.isSame(record))) {
        publishKept(open, record, outdated);
      }
    }
    // Last, so that one that only changed its place is there all the time.
    outdated.forEach(this::withdraw);
  }

  private void publishKept(ContentStore open, InstallRecord record, List<Kept> outdated) {
    Kept already = kept.get(record.owner());
    if (already != null && already.record.isSame(record)) {
      return;
    }
    Optional<ModelDescription> description = PackageInstaller.describe(record);
    if (description.isEmpty()) {
      log.warn("a version that was kept cannot be taken any more bundle={}", record.origin());
      return;
    }
    Optional<String> refusal = signatures.refusalOfKept(description.get());
    if (refusal.isPresent()) {
      refuseKept(record, description.get(), refusal.get());
      return;
    }
    refusedKept.remove(record.owner());
    Kept fresh =
        new Kept(
            record,
            new StoredPackage(
                description.get(),
                retainedOrigin(record),
                record.retained(),
                open,
                path -> Optional.empty(),
                () -> true,
                this::leaseClosed,
                () -> {}));
    Object other = owners.putIfAbsent(fresh.key, fresh);
    if (other instanceof Kept old && outdated.contains(old)) {
      owners.put(fresh.key, fresh);
    } else if (other != null) {
      // Another bundle brings the same.
      return;
    }
    synchronized (fresh) {
      kept.put(record.owner(), fresh);
      fresh.registration =
          context.registerService(ModelPackage.class, fresh.model, properties(description.get()));
    }
    log.info("an earlier version is kept model={} bundle={}", description.get(), record.origin());
    if (stopping
        || context.getBundle(record.bundleId()) == null
        || open.record(record.owner()).isEmpty()) {
      withdraw(fresh);
    }
  }

  private void refuseKept(InstallRecord record, ModelDescription description, String reason) {
    Refusal before = refusedKept.get(record.owner());
    if (before != null && before.reasons().equals(List.of(reason))) {
      return;
    }
    Refusal refusal =
        new Refusal(
            retainedOrigin(record),
            description.name(),
            Optional.of(description.version()),
            List.of(reason),
            Instant.now());
    refusedKept.put(record.owner(), refusal);
    log.warn("a version that was kept is refused bundle={}\n  - {}", record.origin(), reason);
    listeners.forEach(listener -> tell(listener, refusal));
  }

  private void withdraw(Kept gone) {
    synchronized (gone) {
      kept.remove(gone.record.owner(), gone);
      owners.remove(gone.key, gone);
      ServiceRegistration<ModelPackage> registration = gone.registration;
      if (registration == null || gone.withdrawn) {
        return;
      }
      gone.withdrawn = true;
      registration.unregister();
    }
    submit(() -> reconsider(gone.key));
  }

  /** Opens the store even if there is no package: what earlier ones left in it goes. */
  private void begin() {
    try {
      openStore();
    } catch (StoreException e) {
      log.warn("no model package can be taken for now: {}", e.getMessage());
      log.debug("the model store failed", e);
    }
    announceTrust();
    scheduleCollection();
  }

  private void submit(Runnable task) {
    executor.execute(guarded(task));
  }

  /**
   * Lets this component's thread give way to those that answer requests: a large package takes
   * seconds of a processor to be unpacked and digested.
   */
  private void giveWay() {
    ServiceReference<ThreadNiceness> reference =
        givesWay ? null : context.getServiceReference(ThreadNiceness.class);
    ThreadNiceness niceness = reference == null ? null : context.getService(reference);
    if (niceness != null) {
      niceness.lower(NICENESS);
      givesWay = true;
      context.ungetService(reference);
    }
  }

  private static Runnable guarded(Runnable task) {
    return () -> {
      try {
        task.run();
      } catch (RuntimeException e) {
        log.error("a task of the model packages failed; others go on", e);
      }
    };
  }

  /**
   * Begins to wait anew, so that a bundle being updated finds again what its new contents share.
   */
  private void scheduleCollection() {
    if (collection != null) {
      collection.cancel(false);
    }
    collection =
        executor.schedule(guarded(this::collectGarbage), timing.collectMs(), TimeUnit.MILLISECONDS);
  }

  private void leaseClosed() {
    submit(
        () -> {
          if (collection == null || collection.isDone()) {
            scheduleCollection();
          }
        });
  }

  private void scheduleRetry() {
    if (retry == null || retry.isDone()) {
      retry = executor.schedule(guarded(this::retry), retryMs, TimeUnit.MILLISECONDS);
      retryMs = Math.min(retryMs * 2, timing.lastRetryMs());
    }
  }

  private void retry() {
    retry = null;
    List<Installation> again = new ArrayList<>();
    refused.forEach(
        (installation, r) -> {
          if (r.retryable()) {
            again.add(installation);
          }
        });
    again.forEach(Installation::install);
    if (refused.values().stream().noneMatch(Refused::retryable)) {
      retryMs = timing.firstRetryMs();
    }
  }

  private ContentStore openStore() throws StoreException {
    ContentStore open = store;
    if (open == null) {
      Path folder;
      try {
        File data = context.getDataFile("store");
        if (storeFolder.isEmpty() && data == null) {
          throw new StoreException(
              "the framework has no data area for bundles; set storeFolder to an absolute path",
              null);
        }
        folder = storeFolder.isEmpty() && data != null ? data.toPath() : Path.of(storeFolder);
      } catch (InvalidPathException e) {
        throw new StoreException(
            "storeFolder is no path; set it to an absolute path found="
                + Reasons.quote(storeFolder),
            e);
      }
      open = ContentStore.open(folder.toAbsolutePath(), new LocalDisk());
      signatures.open(open);
      store = open;
      installer = new PackageInstaller(open, signatures, checker);
    }
    return open;
  }

  private final class Customizer implements BundleTrackerCustomizer<Bundle> {
    @Override
    public @Nullable Bundle addingBundle(Bundle bundle, @Nullable BundleEvent event) {
      if (bundle.getBundleId() == 0) {
        return null;
      }
      new Installation(bundle).begin();
      return bundle;
    }

    @Override
    public void modifiedBundle(Bundle bundle, @Nullable BundleEvent event, Bundle same) {
      Installation installation = installations.get(bundle.getBundleId());
      if (installation == null || installation.lastModified != bundle.getLastModified()) {
        removedBundle(bundle, event, same);
        new Installation(bundle).begin();
      }
    }

    @Override
    public void removedBundle(Bundle bundle, @Nullable BundleEvent event, Bundle same) {
      Installation installation = installations.remove(bundle.getBundleId());
      if (installation != null) {
        installation.end();
      }
    }
  }

  /** One installation or update of a bundle. */
  private final class Installation implements PackageSource {
    private final Bundle bundle;
    private final long lastModified;
    private final String origin;
    private volatile boolean removed;

    Installation(Bundle bundle) {
      this.bundle = bundle;
      this.lastModified = bundle.getLastModified();
      this.origin = bundle.getSymbolicName() + " " + bundle.getVersion();
    }

    private void begin() {
      installations.put(bundle.getBundleId(), this);
      submit(this::install);
    }

    @Override
    public Optional<InputStream> open(String path) throws IOException {
      try {
        URL entry = bundle.getEntry(FOLDER + path);
        return entry == null ? Optional.empty() : Optional.of(entry.openStream());
      } catch (IllegalStateException e) {
        throw new IOException("the bundle was uninstalled bundle=" + origin, e);
      }
    }

    private void install() {
      giveWay();
      @Nullable BundleRevision revision = bundle.adapt(BundleRevision.class);
      List<Map<String, Object>> capabilities = capabilities();
      if (removed || stopping) {
        return;
      }
      if (capabilities.isEmpty() && !hasDocument()) {
        forgetEarlier();
        return;
      }
      long start = System.nanoTime();
      Reasons reasons = new Reasons();
      Optional<Key> conflict = Optional.empty();
      boolean retryable = false;
      try {
        ContentStore open = openStore();
        BooleanSupplier cancelled = () -> removed || stopping || isChanged(revision);
        Judgement judgement = judge(cancelled);
        Optional<PackageInstaller.Taken> taken =
            installer()
                .install(
                    new PackageInstaller.Origin(
                        bundle.getBundleId(),
                        origin,
                        bundle.getLocation(),
                        lastModified,
                        capabilities,
                        this),
                    judgement,
                    reasons,
                    cancelled);
        if (taken.isPresent()) {
          conflict = publish(taken.get(), judgement.trusted(), open, reasons);
          warn(taken.get().description(), taken.get().warnings());
        }
        // Whom to trust may change, and the clock.
        retryable = reasons.mentions(PackageInstaller.SIGNATURE_PLACE);
      } catch (CancellationException e) {
        log.debug("the bundle went or changed while it was read bundle={}", origin, e);
        again();
        return;
      } catch (StoreException e) {
        reasons.add("store", String.valueOf(e.getMessage()));
        log.debug("the model store failed bundle={}", origin, e);
        retryable = true;
      } catch (IOException e) {
        reasons.add(
            PackageInstaller.SIGNATURE_PLACE,
            "cannot be read from the bundle: " + Reasons.quote(e.toString()));
        retryable = true;
      } catch (RuntimeException e) {
        if (!removed && !stopping) {
          log.error("a model package could not be checked bundle={}", origin, e);
        }
        reasons.add("io.shoji.models", "failed on this package, report it: " + e);
      }
      if (removed || stopping) {
        return;
      }
      if (!reasons.isEmpty() && isChanged(revision)) {
        again();
        return;
      }
      if (reasons.isEmpty()) {
        refused.remove(this);
        log.info(
            "model package ready bundle={} ms={}", origin, (System.nanoTime() - start) / 1_000_000);
      } else {
        refuse(reasons, conflict, retryable);
      }
      publishKept(bundle.getBundleId(), published.containsKey(this));
    }

    private Judgement judge(BooleanSupplier cancelled) throws IOException {
      return signatures.judge(new BundleEntries(bundle), PackageInstaller::isJudged, cancelled);
    }

    /** Looks again at what is published: what forbids it now, or is to be said of it. */
    private void review() {
      Published current = published.get(this);
      if (current == null || removed || stopping) {
        return;
      }
      Reasons reasons = new Reasons();
      try {
        List<String> warnings =
            installer()
                .review(
                    current.model().description(),
                    current.release(),
                    judge(() -> removed || stopping),
                    reasons);
        if (reasons.isEmpty()) {
          warn(current.model().description(), warnings);
          return;
        }
      } catch (CancellationException | IOException e) {
        log.debug("a package could not be looked at again bundle={}", origin, e);
        return;
      }
      withdraw();
      refuse(reasons, Optional.empty(), reasons.mentions(PackageInstaller.SIGNATURE_PLACE));
    }

    /** Says what speaks against a package that is published, if that is news. */
    private void warn(ModelDescription description, List<String> reasons) {
      Warning before = warned.get(this);
      if (reasons.isEmpty() || !published.containsKey(this)) {
        warned.remove(this);
        return;
      }
      if (before != null && before.reasons().equals(reasons)) {
        return;
      }
      Warning warning =
          new Warning(origin, description.name(), description.version(), reasons, Instant.now());
      warned.put(this, warning);
      if (removed) {
        warned.remove(this);
        return;
      }
      StringBuilder text = new StringBuilder();
      reasons.forEach(reason -> text.append("\n  - ").append(reason));
      log.warn("model package used with a warning bundle={}{}", origin, text);
      listeners.forEach(listener -> tell(listener, warning));
    }

    /** Whether the bundle was updated or refreshed meanwhile: what was read may be of both. */
    private boolean isChanged(@Nullable BundleRevision revision) {
      return bundle.adapt(BundleRevision.class) != revision;
    }

    /** Reads the bundle anew, unless that is left to whoever follows its update. */
    private void again() {
      if (!removed && !stopping && lastModified == bundle.getLastModified()) {
        submit(this::install);
      }
    }

    /** The bundle is no model package any more: nothing is kept of it. */
    private void forgetEarlier() {
      ContentStore open = store;
      if (open == null) {
        return;
      }
      for (InstallRecord record : open.records()) {
        if (record.bundleId() == bundle.getBundleId()) {
          try {
            open.forget(record.owner());
          } catch (StoreException e) {
            log.warn("an earlier version could not be forgotten bundle={}", origin, e);
          }
        }
      }
      publishKept(bundle.getBundleId(), false);
    }

    private PackageInstaller installer() {
      PackageInstaller ready = installer;
      if (ready == null) {
        throw new IllegalStateException("the store is opened first");
      }
      return ready;
    }

    private void refuse(Reasons reasons, Optional<Key> conflict, boolean retryable) {
      List<String> list = reasons.list();
      Refused before = refused.get(this);
      // Tried again in vain is no news.
      boolean news = before == null || !before.refusal().reasons().equals(list);
      Refusal refusal = before == null || news ? refusal(list) : before.refusal();
      refused.put(this, new Refused(refusal, conflict, retryable));
      if (removed) {
        refused.remove(this);
        return;
      }
      if (news) {
        StringBuilder text = new StringBuilder();
        list.forEach(reason -> text.append("\n  - ").append(reason));
        log.warn("model package refused bundle={} reasons={}{}", origin, list.size(), text);
        listeners.forEach(listener -> tell(listener, refusal));
      }
      if (retryable) {
        scheduleRetry();
      }
      scheduleCollection();
    }

    private Refusal refusal(List<String> reasons) {
      String name = "";
      Optional<Version> version = Optional.empty();
      for (Map<String, Object> capability : capabilities()) {
        if (capability.get(PackageInstaller.NAMESPACE) instanceof String text) {
          name = text;
        }
        if (capability.get("version") instanceof Version number) {
          version = Optional.of(number);
        }
      }
      return new Refusal(origin, name, version, reasons, Instant.now());
    }

    /** Publishes the package unless another bundle did so with the same name and version. */
    private Optional<Key> publish(
        PackageInstaller.Taken taken, boolean trusted, ContentStore open, Reasons reasons) {
      ModelDescription description = taken.description();
      Key key = new Key(description.name(), description.version());
      Object other = owners.putIfAbsent(key, this);
      if (other instanceof Kept) {
        // It gives way; it is withdrawn after this one is there.
        owners.put(key, this);
      } else if (other instanceof Installation first) {
        reasons.add(
            "SHOJI-INF/model.json",
            "another bundle brings this model in this version; remove one of the two, or give this one"
                + " another version model="
                + description
                + " other="
                + Reasons.quote(first.origin));
        return Optional.of(key);
      }
      StoredPackage model =
          new StoredPackage(
              description,
              origin,
              false,
              open,
              this,
              () -> removed,
              ModelExtender.this::leaseClosed,
              () -> {
                if (trusted) {
                  submit(() -> committed(description, taken.release()));
                }
              });
      published.put(
          this,
          new Published(
              model,
              taken.release(),
              context.registerService(ModelPackage.class, model, properties(description))));
      if (other instanceof Kept old) {
        ModelExtender.this.withdraw(old);
      }
      if (removed) {
        withdraw();
      }
      return Optional.empty();
    }

    /** The bundle is gone or has other contents: its service goes now, its files later. */
    private void end() {
      removed = true;
      refused.remove(this);
      warned.remove(this);
      withdraw();
      submit(ModelExtender.this::scheduleCollection);
    }

    private void withdraw() {
      Published gone = published.remove(this);
      if (gone == null) {
        return;
      }
      warned.remove(this);
      gone.registration().unregister();
      Key key = new Key(gone.model().description().name(), gone.model().description().version());
      owners.remove(key, this);
      if (!stopping) {
        log.info("model package removed bundle={}", origin);
      }
      submit(() -> reconsider(key));
    }

    private boolean hasDocument() {
      try {
        return bundle.getEntry(FOLDER + "model.json") != null;
      } catch (IllegalStateException e) {
        log.debug("the bundle was uninstalled meanwhile bundle={}", origin, e);
        return false;
      }
    }

    private List<Map<String, Object>> capabilities() {
      List<Map<String, Object>> capabilities = new ArrayList<>();
      BundleRevision revision = bundle.adapt(BundleRevision.class);
      if (revision != null) {
        for (BundleCapability capability :
            revision.getDeclaredCapabilities(PackageInstaller.NAMESPACE)) {
          capabilities.add(capability.getAttributes());
        }
      }
      return capabilities;
    }
  }

  // The framework asks for a Dictionary.
  @SuppressWarnings("JdkObsolete")
  private static Hashtable<String, Object> properties(ModelDescription description) {
    Hashtable<String, Object> properties = new Hashtable<>();
    properties.put(ModelPackage.NAME, description.name());
    properties.put(ModelPackage.VERSION, description.version());
    return properties;
  }

  /** Looks again at the packages that were refused because another had their name and version. */
  private void reconsider(Key key) {
    List<Installation> again = new ArrayList<>();
    refused.forEach(
        (installation, r) -> {
          if (r.conflict().equals(Optional.of(key))) {
            again.add(installation);
          }
        });
    again.forEach(Installation::install);
    // A free name may also be that of something that is kept of an earlier version.
    installations.forEach(
        (bundleId, installation) -> {
          boolean served = published.containsKey(installation);
          if (served || refused.containsKey(installation)) {
            publishKept(bundleId, served);
          }
        });
  }
}
