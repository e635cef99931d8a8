/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.configuration;

import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.KuraPartialSuccessException;
import org.eclipse.kura.configuration.ComponentConfiguration;
import org.eclipse.kura.configuration.ConfigurableComponent;
import org.eclipse.kura.configuration.ConfigurationService;
import org.eclipse.kura.configuration.SelfConfiguringComponent;
import org.eclipse.kura.configuration.metatype.OCD;
import org.eclipse.kura.configuration.metatype.OCDService;
import org.eclipse.kura.crypto.CryptoService;
import org.eclipse.kura.system.SystemService;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleEvent;
import org.osgi.framework.Constants;
import org.osgi.framework.Filter;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;
import org.osgi.service.cm.ConfigurationEvent;
import org.osgi.service.cm.ConfigurationListener;
import org.osgi.service.component.ComponentConstants;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.runtime.ServiceComponentRuntime;
import org.osgi.service.component.runtime.dto.ComponentDescriptionDTO;
import org.osgi.util.tracker.BundleTracker;
import org.osgi.util.tracker.ServiceTracker;
import org.osgi.util.tracker.ServiceTrackerCustomizer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Kura's configuration service on ConfigurationAdmin.
 *
 * <p>The newest snapshot is what holds when the gateway starts. A bundle that starts gets the
 * defaults of its metatype files stored, merged into what is there; that is what makes a component
 * with the policy {@code require} appear. Components are followed by their {@code
 * kura.service.pid}, and values are not validated here. What others change in ConfigurationAdmin is
 * noticed, and in the next snapshot too.
 *
 * <p>Thread safe. One change at a time, under {@code changes}; components are followed without that
 * lock, since they come and go while others hold locks of their own.
 */
@Component(
    name = "org.eclipse.kura.configuration.ConfigurationService",
    property = "kura.service.pid=org.eclipse.kura.configuration.ConfigurationService",
    service = {ConfigurationService.class, OCDService.class, ConfigurationListener.class},
    immediate = true)
public final class GatewayConfigurations
    implements ConfigurationService, OCDService, ConfigurationListener {
  private static final Logger log = LoggerFactory.getLogger(GatewayConfigurations.class);

  private static final String FACTORY_PID = ConfigurationAdmin.SERVICE_FACTORYPID;

  private static final long STOP_SECONDS = 5;

  /**
   * When it is looked whether a change has arrived, and how often it is delivered again. Each time
   * counts as a change: where a configuration was deleted and made anew, declarative services may
   * take it for an old one until its changes outnumber those of the one before.
   */
  private static final long DELIVERY_MS = 500;

  private static final int DELIVERIES = 20;

  private final BundleContext context;
  private final ServiceComponentRuntime components;
  private final Store store;
  private final Snapshots snapshots;
  private final Object changes = new Object();

  /** By {@code kura.service.pid}. */
  private final Map<String, Tracked> tracked = new ConcurrentHashMap<>();

  /** What was in {@code tracked} once: a component that is configured anew is away for a moment. */
  private final Set<String> seen = ConcurrentHashMap.newKeySet();

  /** By PID or factory PID; empty where there is neither form nor defaults. */
  private final Map<String, Optional<Definition>> definitions = new ConcurrentHashMap<>();

  /** Who has a factory, by its PID. */
  private final Map<String, Bundle> factories = new ConcurrentHashMap<>();

  /** Components that came without a {@code kura.service.pid}, by bundle and name. */
  private final Set<String> overlooked = ConcurrentHashMap.newKeySet();

  /** Under {@code changes}: deleted, and not yet in a snapshot. */
  private final Set<String> deleted = new HashSet<>();

  /** Under {@code changes}: what the newest snapshot says, by {@code kura.service.pid}. */
  private final Map<String, Map<String, Object>> newest = new LinkedHashMap<>();

  /** The keys of {@code newest}, for those who do not wait for a change. */
  private volatile Set<String> inSnapshot = Set.of();

  private final ScheduledExecutorService later =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "kura-configuration");
            thread.setDaemon(true);
            return thread;
          });

  private final BundleTracker<Bundle> bundles;
  private final ServiceTracker<Object, ServiceReference<?>> services;

  /**
   * A component that is there.
   *
   * @param servicePid its {@code service.pid}
   * @param factoryPid of its factory, or null
   * @param selfConfiguring whether it says itself how it is configured
   */
  private record Tracked(String servicePid, @Nullable String factoryPid, boolean selfConfiguring) {}

  /**
   * Brings back what the newest snapshot says, and begins to follow components.
   *
   * @throws KuraException if configurations cannot be stored
   */
  @Activate
  public GatewayConfigurations(
      BundleContext context,
      @Reference ConfigurationAdmin admin,
      @Reference CryptoService crypto,
      @Reference SystemService system,
      @Reference ServiceComponentRuntime components)
      throws KuraException {
    this.context = context;
    this.components = components;
    this.store = new Store(admin, crypto);
    this.snapshots =
        new Snapshots(
            Path.of(system.getKuraSnapshotsDirectory()),
            system.getKuraSnapshotsCount(),
            crypto,
            Clock.systemUTC());
    this.bundles = new Bundles(context);
    this.services = services(context);
    restore();
    bundles.open();
    services.open();
  }

  private ServiceTracker<Object, ServiceReference<?>> services(BundleContext bundleContext) {
    String both =
        "(|(objectClass="
            + ConfigurableComponent.class.getName()
            + ")(objectClass="
            + SelfConfiguringComponent.class.getName()
            + "))";
    try {
      return new ServiceTracker<>(bundleContext, FrameworkUtil.createFilter(both), new Services());
    } catch (InvalidSyntaxException e) {
      throw new IllegalStateException("not a filter: " + both, e);
    }
  }

  /** Ends what has begun: a change that is stored, but in no snapshot, would not hold. */
  @Deactivate
  void deactivate() throws InterruptedException {
    later.shutdown();
    if (!later.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)) {
      log.warn("a change of a configuration takes long seconds={}", STOP_SECONDS);
      later.shutdownNow();
    }
    services.close();
    bundles.close();
  }

  /** Stores what the newest snapshot says; others' mistakes in it are told in the log. */
  private void restore() throws KuraException {
    synchronized (changes) {
      for (PidConfiguration configuration : snapshots.newest()) {
        Map<String, Object> properties = store.encrypted(propertiesOf(configuration), null);
        newest.put(configuration.pid(), properties);
        try {
          restore(configuration.pid(), properties);
        } catch (KuraException e) {
          log.error("a configuration of the snapshot is not stored pid={}", configuration.pid(), e);
        }
      }
      inSnapshot = Set.copyOf(newest.keySet());
      if (!newest.isEmpty()) {
        log.info("configurations restored from the newest snapshot components={}", newest.size());
      }
    }
  }

  private void restore(String pid, Map<String, Object> properties) throws KuraException {
    Map<String, Object> restored = new HashMap<>(properties);
    restored.putIfAbsent(KURA_SERVICE_PID, pid);
    if (restored.get(FACTORY_PID) instanceof String factoryPid) {
      Configuration configuration = store.ofFactory(factoryPid, pid);
      store.update(configuration, restored);
      track(pid, new Tracked(configuration.getPid(), factoryPid, false));
    } else {
      String servicePid = restored.get(Constants.SERVICE_PID) instanceof String found ? found : pid;
      store.update(store.of(servicePid), restored);
    }
  }

  // What is there.

  private final class Bundles extends BundleTracker<Bundle> {
    Bundles(BundleContext context) {
      super(context, Bundle.ACTIVE, null);
    }

    @Override
    public Bundle addingBundle(Bundle bundle, @Nullable BundleEvent event) {
      for (Metatype metatype : Metatype.of(bundle)) {
        try {
          define(bundle, metatype);
        } catch (KuraException e) {
          log.error("the defaults are not stored pid={}", metatype.pid(), e);
        }
      }
      return bundle;
    }

    @Override
    public void removedBundle(Bundle bundle, @Nullable BundleEvent event, Bundle object) {
      factories.values().removeIf(provider -> provider.equals(bundle));
      overlooked.removeIf(key -> key.startsWith(bundle.getBundleId() + " "));
    }
  }

  private final class Services implements ServiceTrackerCustomizer<Object, ServiceReference<?>> {
    @Override
    public ServiceReference<?> addingService(ServiceReference<Object> reference) {
      added(reference);
      return reference;
    }

    @Override
    public void modifiedService(ServiceReference<Object> reference, ServiceReference<?> kept) {
      if (reference.getProperty(FACTORY_PID) != null) {
        added(reference);
      }
    }

    @Override
    public void removedService(ServiceReference<Object> reference, ServiceReference<?> kept) {
      String pid = text(reference, KURA_SERVICE_PID);
      Tracked there = pid == null ? null : tracked.get(pid);
      if (pid != null
          && there != null
          && there.servicePid().equals(text(reference, Constants.SERVICE_PID))) {
        tracked.remove(pid);
        log.debug("component gone pid={}", pid);
      }
    }
  }

  private static @Nullable String text(ServiceReference<?> reference, String key) {
    Object value = reference.getProperty(key);
    if (value instanceof String[] several && several.length > 0) {
      return several[0];
    }
    return value == null ? null : value.toString();
  }

  private void added(ServiceReference<?> reference) {
    String servicePid = text(reference, Constants.SERVICE_PID);
    String pid = text(reference, KURA_SERVICE_PID);
    String factoryPid = text(reference, FACTORY_PID);
    String name = text(reference, ComponentConstants.COMPONENT_NAME);
    String key = reference.getBundle().getBundleId() + " " + name;
    if (servicePid == null || pid == null) {
      // Without any configuration: not one that somebody has just taken its kura.service.pid from.
      if (servicePid == null && name != null && overlooked.add(key)) {
        log.warn(
            "a configurable component did not wait for its configuration and is not followed; its"
                + " policy must be require component={}",
            name);
      }
      return;
    }
    if (factoryPid == null
        && name != null
        && (overlooked.contains(key) || isOptional(reference, name, pid))) {
      return;
    }
    boolean selfConfiguring =
        !Arrays.asList((String[]) reference.getProperty(Constants.OBJECTCLASS))
            .contains(ConfigurableComponent.class.getName());
    track(pid, new Tracked(servicePid, factoryPid, selfConfiguring));
  }

  /**
   * Whether a component has not waited for its configuration. On Kura it is there before that, and
   * is overlooked for good, unless a snapshot has it.
   */
  private boolean isOptional(ServiceReference<?> reference, String name, String pid) {
    ComponentDescriptionDTO description =
        components.getComponentDescriptionDTO(reference.getBundle(), name);
    if (description == null || !"optional".equals(description.configurationPolicy)) {
      return false;
    }
    if (inSnapshot.contains(pid)) {
      return false;
    }
    log.warn(
        "a configurable component with the policy optional is not followed, it must be require component={}",
        name);
    return true;
  }

  private void track(String pid, Tracked component) {
    seen.add(pid);
    Tracked before = tracked.put(pid, component);
    if (component.equals(before)) {
      return;
    }
    log.debug("component pid={} is={}", pid, component);
    String factoryPid = component.factoryPid();
    if (factoryPid != null) {
      soon(() -> mergeDefaults(component.servicePid(), pid, definition(factoryPid)));
    }
  }

  private interface Change {
    void make() throws KuraException;
  }

  /** Does it off the threads of others, in the order in which it was asked for. */
  private void soon(Change change) {
    after(0, change);
  }

  private void after(long delayMs, Change change) {
    try {
      var unused =
          later.schedule(
              () -> {
                try {
                  synchronized (changes) {
                    change.make();
                  }
                } catch (KuraException | RuntimeException e) {
                  log.error("a change of a configuration could not be followed", e);
                }
              },
              delayMs,
              TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      log.debug("stops, and follows no change any more", e);
    }
  }

  private void define(Bundle bundle, Metatype metatype) throws KuraException {
    synchronized (changes) {
      String id = metatype.pid();
      definitions.put(id, metatype.definition());
      OCD definition = metatype.definition().orElse(null);
      if (!metatype.factory()) {
        mergeDefaults(servicePidOf(id), id, definition);
        return;
      }
      factories.put(id, bundle);
      for (Map.Entry<String, Tracked> component : tracked.entrySet()) {
        if (id.equals(component.getValue().factoryPid())) {
          mergeDefaults(component.getValue().servicePid(), component.getKey(), definition);
        }
      }
    }
  }

  private String servicePidOf(String pid) {
    Tracked component = tracked.get(pid);
    return component == null ? pid : component.servicePid();
  }

  /** Adds the defaults that a configuration lacks. */
  private void mergeDefaults(String servicePid, String pid, @Nullable OCD definition)
      throws KuraException {
    Optional<Configuration> found = store.find(servicePid);
    Tracked component = tracked.get(pid);
    if (found.isEmpty() && component != null && component.factoryPid() != null) {
      // Deleted meanwhile.
      return;
    }
    Configuration configuration = found.isPresent() ? found.get() : store.of(servicePid);
    Map<String, Object> properties = store.read(configuration, definition);
    properties.putIfAbsent(KURA_SERVICE_PID, pid);
    Values.defaults(definition).forEach(properties::putIfAbsent);
    if (store.update(configuration, store.encrypted(properties, definition))) {
      log.debug("defaults stored pid={}", pid);
    }
  }

  private @Nullable Definition definition(@Nullable String id) {
    return id == null ? null : definitions.getOrDefault(id, Optional.empty()).orElse(null);
  }

  /** What a component can be configured with, of its factory before its own. */
  private @Nullable OCD definitionOf(String pid, @Nullable String factoryPid) {
    OCD ofFactory = definition(factoryPid);
    return ofFactory != null ? ofFactory : definition(pid);
  }

  private static Map<String, Object> propertiesOf(ComponentConfiguration configuration) {
    Map<String, Object> properties = configuration.getConfigurationProperties();
    return properties == null ? Map.of() : properties;
  }

  // Reading.

  @Override
  public Set<String> getConfigurableComponentPids() {
    return Set.copyOf(tracked.keySet());
  }

  @Override
  public List<ComponentConfiguration> getComponentConfigurations() throws KuraException {
    List<ComponentConfiguration> all = new ArrayList<>();
    for (String pid : new TreeSet<>(tracked.keySet())) {
      ComponentConfiguration one = current(pid);
      if (one != null) {
        all.add(one);
      }
    }
    return all;
  }

  @Override
  public List<ComponentConfiguration> getComponentConfigurations(@Nullable Filter filter)
      throws KuraException {
    if (filter == null) {
      return getComponentConfigurations();
    }
    Set<String> matching = new TreeSet<>();
    try {
      ServiceReference<?>[] all = context.getAllServiceReferences(null, null);
      for (ServiceReference<?> reference : all == null ? new ServiceReference<?>[0] : all) {
        String pid = text(reference, KURA_SERVICE_PID);
        if (pid != null && filter.match(reference)) {
          matching.add(pid);
        }
      }
    } catch (InvalidSyntaxException e) {
      throw new IllegalStateException("no filter was given", e);
    }
    List<ComponentConfiguration> found = new ArrayList<>();
    for (String pid : matching) {
      ComponentConfiguration one = current(pid);
      if (one != null) {
        found.add(one);
      }
    }
    return found;
  }

  @Override
  public @Nullable ComponentConfiguration getComponentConfiguration(String pid)
      throws KuraException {
    ComponentConfiguration one = current(pid);
    if (one == null) {
      return null;
    }
    return new PidConfiguration(
        one.getPid(), one.getDefinition(), store.decrypted(propertiesOf(one)));
  }

  /** How a component is configured now, passwords encrypted; null if it is not there. */
  private @Nullable ComponentConfiguration current(String pid) throws KuraException {
    Tracked component = tracked.get(pid);
    if (component == null) {
      return null;
    }
    if (component.selfConfiguring()) {
      return asked(pid);
    }
    OCD definition = definitionOf(pid, component.factoryPid());
    Map<String, Object> properties =
        store
            .find(component.servicePid())
            .map(configuration -> store.read(configuration, definition))
            .orElse(null);
    return new PidConfiguration(pid, definition, properties);
  }

  /** How a component says that it is configured; null if it does not. */
  private @Nullable ComponentConfiguration asked(String pid) throws KuraException {
    for (ServiceReference<?> reference : services.getTracked().values()) {
      if (!pid.equals(text(reference, KURA_SERVICE_PID))) {
        continue;
      }
      Object service = context.getService(reference);
      try {
        if (service instanceof SelfConfiguringComponent component) {
          ComponentConfiguration said = component.getConfiguration();
          if (said == null || !pid.equals(said.getPid())) {
            log.error("a component gives another one's configuration, it is left out pid={}", pid);
            return null;
          }
          return new PidConfiguration(
              pid, said.getDefinition(), store.encrypted(propertiesOf(said), said.getDefinition()));
        }
      } catch (KuraException | RuntimeException e) {
        log.error("a component does not say how it is configured, it is left out pid={}", pid, e);
        return null;
      } finally {
        context.ungetService(reference);
      }
    }
    return null;
  }

  @Override
  public @Nullable ComponentConfiguration getDefaultComponentConfiguration(String pid)
      throws KuraException {
    Tracked component = tracked.get(pid);
    OCD definition;
    if (component != null && component.selfConfiguring()) {
      ComponentConfiguration said = asked(pid);
      definition = said == null ? null : said.getDefinition();
      if (definition == null) {
        return null;
      }
    } else {
      definition = definitionOf(pid, component == null ? null : component.factoryPid());
    }
    return new PidConfiguration(pid, definition, Values.defaults(definition));
  }

  @Override
  public Set<String> getFactoryComponentPids() {
    return Set.copyOf(factories.keySet());
  }

  @Override
  public List<ComponentConfiguration> getFactoryComponentOCDs() {
    List<ComponentConfiguration> all = new ArrayList<>();
    for (String factoryPid : new TreeSet<>(factories.keySet())) {
      all.add(new PidConfiguration(factoryPid, definition(factoryPid), new HashMap<>()));
    }
    return all;
  }

  @Override
  public @Nullable ComponentConfiguration getFactoryComponentOCD(String factoryPid) {
    return factories.containsKey(factoryPid) ? defined(factoryPid) : null;
  }

  private ComponentConfiguration defined(String id) {
    Definition definition = definition(id);
    return new PidConfiguration(id, definition, Values.defaults(definition));
  }

  @Override
  public List<ComponentConfiguration> getServiceProviderOCDs(String... classNames) {
    Set<String> wanted = Set.of(classNames);
    List<ComponentConfiguration> all = new ArrayList<>();
    for (ComponentDescriptionDTO description : components.getComponentDescriptionDTOs()) {
      if (description.serviceInterfaces != null
          && Arrays.stream(description.serviceInterfaces).anyMatch(wanted::contains)) {
        all.add(defined(description.name));
      }
    }
    return all;
  }

  @Override
  public List<ComponentConfiguration> getServiceProviderOCDs(Class<?>... classes) {
    return getServiceProviderOCDs(
        Arrays.stream(classes).map(Class::getName).distinct().toArray(String[]::new));
  }

  // Changing.

  @Override
  public void updateConfiguration(String pid, Map<String, Object> properties) throws KuraException {
    updateConfiguration(pid, properties, true);
  }

  @Override
  public void updateConfiguration(String pid, Map<String, Object> properties, boolean takeSnapshot)
      throws KuraException {
    updateConfigurations(List.of(new PidConfiguration(pid, null, properties)), takeSnapshot);
  }

  @Override
  public void updateConfigurations(List<ComponentConfiguration> configurations)
      throws KuraException {
    updateConfigurations(configurations, true);
  }

  @Override
  public void updateConfigurations(
      List<ComponentConfiguration> configurations, boolean takeSnapshot) throws KuraException {
    List<Throwable> failures = new ArrayList<>();
    synchronized (changes) {
      Map<String, Map<String, Object>> changed = new LinkedHashMap<>();
      for (ComponentConfiguration configuration : configurations) {
        String pid = configuration == null ? null : configuration.getPid();
        if (configuration == null || pid == null) {
          continue;
        }
        try {
          Map<String, Object> now = update(pid, propertiesOf(configuration));
          if (now != null) {
            changed.put(pid, now);
          }
        } catch (KuraException e) {
          log.warn("not updated pid={}", pid, e);
          failures.add(e);
        }
      }
      if (takeSnapshot) {
        takeSnapshot(changed);
      }
    }
    if (!failures.isEmpty()) {
      throw new KuraPartialSuccessException("updateConfigurations", failures);
    }
  }

  /**
   * Updates a component, or makes it if it is not there and names a factory.
   *
   * @return what it has now; null if there is no such component and nothing was done
   */
  private @Nullable Map<String, Object> update(String pid, Map<String, Object> properties)
      throws KuraException {
    Tracked component = tracked.get(pid);
    if (component == null) {
      if (properties.get(FACTORY_PID) instanceof String factoryPid) {
        return create(factoryPid, pid, properties);
      }
      log.info("not updated: no such component is there pid={}", pid);
      return null;
    }
    OCD definition = definitionOf(pid, component.factoryPid());
    Map<String, Object> merged = new HashMap<>();
    if (component.selfConfiguring()) {
      ComponentConfiguration said = asked(pid);
      if (said != null) {
        definition = said.getDefinition();
        merged.putAll(propertiesOf(said));
      }
    } else {
      if (definition == null) {
        log.info("not updated: nothing says how it can be configured pid={}", pid);
        return null;
      }
      merged.putAll(Values.defaults(definition));
      Optional<Configuration> there = store.find(component.servicePid());
      if (there.isPresent()) {
        merged.putAll(store.read(there.get(), definition));
      }
    }
    merged.putAll(properties);
    merged.putIfAbsent(KURA_SERVICE_PID, pid);
    return put(component.servicePid(), merged, definition);
  }

  private Map<String, Object> put(
      String servicePid, Map<String, Object> properties, @Nullable OCD definition)
      throws KuraException {
    Configuration configuration = store.of(servicePid);
    store.update(configuration, store.encrypted(properties, definition));
    return store.read(configuration, definition);
  }

  @Override
  public void createFactoryConfiguration(
      String factoryPid, String pid, @Nullable Map<String, Object> properties, boolean takeSnapshot)
      throws KuraException {
    if (pid == null) {
      throw new KuraException(KuraErrorCode.INVALID_PARAMETER, "pid cannot be null");
    }
    synchronized (changes) {
      if (tracked.containsKey(pid)) {
        throw new KuraException(KuraErrorCode.INVALID_PARAMETER, "pid " + pid + " already exists");
      }
      Map<String, Object> now = create(factoryPid, pid, properties == null ? Map.of() : properties);
      if (takeSnapshot) {
        takeSnapshot(Map.of(pid, now));
      }
    }
  }

  private Map<String, Object> create(String factoryPid, String pid, Map<String, Object> properties)
      throws KuraException {
    for (Configuration other : store.named(pid)) {
      if (!factoryPid.equals(other.getFactoryPid())) {
        throw new KuraException(
            KuraErrorCode.INVALID_PARAMETER, "pid " + pid + " already exists, of another factory");
      }
    }
    Definition definition = definition(factoryPid);
    Configuration configuration = store.ofFactory(factoryPid, pid);
    // What an earlier component of that name has left.
    Map<String, Object> merged = new HashMap<>(store.read(configuration, definition));
    merged.putAll(properties);
    Values.defaults(definition).forEach(merged::putIfAbsent);
    merged.put(KURA_SERVICE_PID, pid);
    merged.remove(Constants.SERVICE_PID);
    store.update(configuration, store.encrypted(merged, definition));
    deleted.remove(pid);
    track(pid, new Tracked(configuration.getPid(), factoryPid, false));
    log.info("component created pid={} factory={}", pid, factoryPid);
    return store.read(configuration, definition);
  }

  @Override
  public void deleteFactoryConfiguration(String pid, boolean takeSnapshot) throws KuraException {
    if (pid == null) {
      throw new KuraException(KuraErrorCode.INVALID_PARAMETER, "pid cannot be null");
    }
    synchronized (changes) {
      if (!delete(pid)) {
        log.warn("not deleted: there is no such component, or no factory made it pid={}", pid);
        return;
      }
      if (takeSnapshot) {
        takeSnapshot(Map.of());
      }
    }
  }

  private boolean delete(String pid) throws KuraException {
    boolean found = false;
    for (Configuration configuration : store.named(pid)) {
      if (configuration.getFactoryPid() != null) {
        store.delete(configuration);
        found = true;
      }
    }
    if (found) {
      tracked.remove(pid);
      seen.remove(pid);
      deleted.add(pid);
      log.info("component deleted pid={}", pid);
    }
    return found;
  }

  // Snapshots.

  @Override
  public long snapshot() throws KuraException {
    synchronized (changes) {
      return takeSnapshot(Map.of());
    }
  }

  /**
   * Writes a snapshot of all that is there, and of what was in the newest one and is not there now.
   *
   * @param changed what has just been stored, which components may not say yet
   */
  private long takeSnapshot(Map<String, Map<String, Object>> changed) throws KuraException {
    Map<String, Map<String, Object>> all = new TreeMap<>();
    for (Map.Entry<String, Map<String, Object>> earlier : newest.entrySet()) {
      String pid = earlier.getKey();
      Map<String, Object> stored = stored(pid);
      all.put(pid, stored == null ? earlier.getValue() : stored);
    }
    for (String pid : seen) {
      Map<String, Object> stored = stored(pid);
      if (stored != null) {
        all.put(pid, stored);
      }
    }
    for (ComponentConfiguration current : getComponentConfigurations()) {
      all.put(current.getPid(), propertiesOf(current));
    }
    all.putAll(changed);
    all.keySet().removeAll(deleted);
    return write(all);
  }

  /** What ConfigurationAdmin has for a component that may not be there; null if it has nothing. */
  private @Nullable Map<String, Object> stored(String pid) throws KuraException {
    for (Configuration configuration : store.named(pid)) {
      return store.read(configuration, definitionOf(pid, configuration.getFactoryPid()));
    }
    return null;
  }

  private long write(Map<String, Map<String, Object>> all) throws KuraException {
    List<PidConfiguration> configurations = new ArrayList<>();
    all.forEach(
        (pid, properties) -> configurations.add(new PidConfiguration(pid, null, properties)));
    long id = snapshots.write(configurations);
    newest.clear();
    newest.putAll(all);
    inSnapshot = Set.copyOf(newest.keySet());
    deleted.clear();
    log.info("snapshot written id={} components={}", id, all.size());
    return id;
  }

  @Override
  public Set<Long> getSnapshots() throws KuraException {
    return snapshots.ids();
  }

  @Override
  public List<ComponentConfiguration> getSnapshot(long id) throws KuraException {
    List<ComponentConfiguration> configurations = new ArrayList<>();
    for (PidConfiguration one : snapshots.read(id)) {
      configurations.add(new PidConfiguration(one.pid(), null, store.decrypted(propertiesOf(one))));
    }
    return configurations;
  }

  @Override
  public long rollback() throws KuraException {
    synchronized (changes) {
      List<Long> ids = new ArrayList<>(snapshots.ids());
      if (ids.size() < 2) {
        throw new KuraException(
            KuraErrorCode.CONFIGURATION_SNAPSHOT_NOT_FOUND, "No Snapshot Available");
      }
      long id = ids.get(ids.size() - 2);
      rollback(id);
      return id;
    }
  }

  @Override
  public void rollback(long id) throws KuraException {
    List<Throwable> failures = new ArrayList<>();
    synchronized (changes) {
      Map<String, Map<String, Object>> wanted = new TreeMap<>();
      for (PidConfiguration one : snapshots.read(id)) {
        wanted.put(one.pid(), store.encrypted(propertiesOf(one), null));
      }
      log.info("rolling back to a snapshot id={}", id);
      for (Map.Entry<String, Tracked> component : Map.copyOf(tracked).entrySet()) {
        String pid = component.getKey();
        if (component.getValue().factoryPid() != null && !wanted.containsKey(pid)) {
          attempt(failures, () -> delete(pid));
        }
      }
      wanted.forEach((pid, properties) -> attempt(failures, () -> rollback(pid, properties)));
      for (String pid : Set.copyOf(tracked.keySet())) {
        if (!wanted.containsKey(pid)) {
          attempt(failures, () -> rollback(pid, Map.of()));
        }
      }
      if (failures.isEmpty()) {
        write(wanted);
      }
    }
    if (!failures.isEmpty()) {
      throw new KuraPartialSuccessException("Rollback", failures);
    }
  }

  private static void attempt(Collection<Throwable> failures, Change change) {
    try {
      change.make();
    } catch (KuraException e) {
      log.warn("not rolled back", e);
      failures.add(e);
    }
  }

  /** Gives a component the properties of a snapshot, and defaults for the rest. */
  private void rollback(String pid, Map<String, Object> properties) throws KuraException {
    Tracked component = tracked.get(pid);
    if (component == null) {
      if (properties.get(FACTORY_PID) instanceof String factoryPid) {
        create(factoryPid, pid, properties);
      } else {
        log.debug("not rolled back: no such component is there pid={}", pid);
      }
      return;
    }
    OCD definition = definitionOf(pid, component.factoryPid());
    if (definition == null && !component.selfConfiguring()) {
      return;
    }
    Map<String, Object> merged = new HashMap<>(Values.defaults(definition));
    merged.putAll(properties);
    merged.putIfAbsent(KURA_SERVICE_PID, pid);
    put(component.servicePid(), merged, definition);
  }

  // What others change.

  /** Follows a change in ConfigurationAdmin that was not made here. */
  @Override
  public void configurationEvent(ConfigurationEvent event) {
    String servicePid = event.getPid();
    String factoryPid = event.getFactoryPid();
    switch (event.getType()) {
      case ConfigurationEvent.CM_UPDATED -> {
        soon(() -> updatedByOthers(servicePid));
        after(DELIVERY_MS, () -> checkDelivery(servicePid, DELIVERIES));
      }
      case ConfigurationEvent.CM_DELETED -> soon(() -> deletedByOthers(servicePid, factoryPid));
      default -> log.debug("of no matter here pid={} type={}", servicePid, event.getType());
    }
  }

  /**
   * Looks whether a component has what is stored for it: declarative services read the properties
   * and the number of changes one after the other, and can so miss the last of several quick
   * changes.
   */
  private void checkDelivery(String servicePid, int deliveries) throws KuraException {
    Configuration configuration = store.find(servicePid).orElse(null);
    if (configuration == null) {
      return;
    }
    for (ServiceReference<?> reference : services.getTracked().values()) {
      if (servicePid.equals(text(reference, Constants.SERVICE_PID))
          && reference.getProperty(ComponentConstants.COMPONENT_NAME) != null
          && !has(reference, store.read(configuration, null))) {
        if (deliveries == 0) {
          log.debug(
              "a component does not show its configuration as its properties pid={}", servicePid);
          return;
        }
        log.info("a change has not arrived: delivered again pid={}", servicePid);
        store.deliverAgain(configuration);
        after(DELIVERY_MS, () -> checkDelivery(servicePid, deliveries - 1));
        return;
      }
    }
  }

  private static boolean has(ServiceReference<?> reference, Map<String, Object> properties) {
    for (Map.Entry<String, Object> property : properties.entrySet()) {
      String key = property.getKey();
      // Private properties are not those of the service.
      if (!key.startsWith(".")
          && !key.startsWith("service.")
          && !Objects.deepEquals(property.getValue(), reference.getProperty(key))) {
        return false;
      }
    }
    return true;
  }

  private void updatedByOthers(String servicePid) throws KuraException {
    Optional<Configuration> found = store.find(servicePid);
    if (found.isEmpty() || store.isOwn(found.get())) {
      return;
    }
    Configuration configuration = found.get();
    String factoryPid = configuration.getFactoryPid();
    if (!definitions.containsKey(factoryPid == null ? servicePid : factoryPid)) {
      return;
    }
    String pid = pidOf(configuration);
    OCD definition = definitionOf(pid, factoryPid);
    Map<String, Object> properties =
        Values.coerced(store.read(configuration, definition), definition);
    properties.putIfAbsent(KURA_SERVICE_PID, pid);
    Values.defaults(definition).forEach(properties::putIfAbsent);
    store.update(configuration, store.encrypted(properties, definition));
    if (factoryPid != null && !tracked.containsKey(pid)) {
      track(pid, new Tracked(servicePid, factoryPid, false));
      deleted.remove(pid);
    }
    Map<String, Object> now = store.read(configuration, definition);
    if (seen.contains(pid) || newest.containsKey(pid)) {
      log.info("configuration changed in ConfigurationAdmin pid={}", pid);
      takeSnapshot(Map.of(pid, now));
    }
  }

  /** The {@code kura.service.pid} of a configuration; one that has none is named after its PID. */
  private String pidOf(Configuration configuration) {
    if (store.read(configuration, null).get(KURA_SERVICE_PID) instanceof String pid) {
      return pid;
    }
    String servicePid = configuration.getPid();
    for (Map.Entry<String, Tracked> component : tracked.entrySet()) {
      if (component.getValue().servicePid().equals(servicePid)) {
        return component.getKey();
      }
    }
    String factoryPid = configuration.getFactoryPid();
    boolean named = factoryPid != null && servicePid.startsWith(factoryPid + "~");
    return named ? servicePid.substring(factoryPid.length() + 1) : servicePid;
  }

  private void deletedByOthers(String servicePid, @Nullable String factoryPid)
      throws KuraException {
    if (store.wasOwnDeletion(servicePid) || store.find(servicePid).isPresent()) {
      return;
    }
    if (factoryPid == null) {
      if (definitions.containsKey(servicePid)) {
        log.info("configuration removed in ConfigurationAdmin: defaults again pid={}", servicePid);
        mergeDefaults(servicePid, servicePid, definition(servicePid));
        if (newest.containsKey(servicePid)) {
          takeSnapshot(Map.of());
        }
      }
      return;
    }
    for (Map.Entry<String, Map<String, Object>> known : Map.copyOf(newest).entrySet()) {
      if (servicePid.equals(known.getValue().get(Constants.SERVICE_PID))) {
        deleted.add(known.getKey());
      }
    }
    tracked.forEach(
        (pid, component) -> {
          if (component.servicePid().equals(servicePid)) {
            deleted.add(pid);
          }
        });
    if (!deleted.isEmpty()) {
      log.info("components deleted in ConfigurationAdmin pids={}", deleted);
      tracked.keySet().removeAll(deleted);
      seen.removeAll(deleted);
      takeSnapshot(Map.of());
    }
  }
}
