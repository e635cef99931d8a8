/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway;

import io.shoji.gateway.GatewayException.Exit;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.FrameworkEvent;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;
import org.osgi.framework.startlevel.BundleStartLevel;
import org.osgi.framework.startlevel.FrameworkStartLevel;
import org.osgi.framework.wiring.BundleRevision;
import org.osgi.framework.wiring.FrameworkWiring;
import org.osgi.service.log.LogService;
import org.osgi.util.tracker.ServiceTracker;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The framework with the bundles that every gateway has: start level 1 is what packages need, level
 * 2 what a person looks at. Thread safe.
 */
final class Platform {
  private static final Logger log = LoggerFactory.getLogger(Platform.class);

  /** Where the locations of the platform's bundles begin; the rest is name and identity. */
  private static final String LOCATION = "platform:";

  private static final String INSIDE = "io.shoji.gateway";

  private static final int LEVEL_WITH_CONSOLES = 2;

  /** Packages of the class path that bundles see. */
  private static final String EXPORTS =
      String.join(
          ",",
          "org.slf4j;version=1.7.36",
          "org.slf4j.event;version=1.7.36",
          "org.slf4j.helpers;version=1.7.36",
          "org.slf4j.spi;version=1.7.36",
          "org.osgi.service.log;version=1.5.0",
          "org.osgi.service.deploymentadmin;version=1.1.0",
          "org.osgi.service.deploymentadmin.spi;version=1.0.1",
          "io.shoji.gateway.link;version=1.0.0");

  private final Framework framework;

  private Platform(Framework framework) {
    this.framework = framework;
  }

  /**
   * Starts the framework at level 1, with the application's bundles in place of those of another
   * application.
   *
   * @param settings framework properties besides the gateway's own
   * @throws GatewayException NOT_STARTED; nothing of the framework runs then
   */
  static Platform start(Application application, WorkFolder work, Map<String, String> settings)
      throws GatewayException, InterruptedException {
    Map<String, Object> configuration = new HashMap<>(settings);
    configuration.put(Constants.FRAMEWORK_STORAGE, work.framework().toString());
    configuration.put(Constants.FRAMEWORK_SYSTEMPACKAGES_EXTRA, EXPORTS);
    configuration.put(Constants.FRAMEWORK_BEGINNING_STARTLEVEL, "1");
    configuration.put("felix.cm.dir", work.configuration().toString());
    configuration.put("io.shoji.gateway.kura.home", work.kura().toString());
    // Bundles install packages by RecordingAdmin, and wait for it.
    configuration.put("io.shoji.gateway.records", "true");
    // The launcher itself reacts to signals.
    configuration.put("felix.shutdown.hook", "false");
    configuration.put("felix.log.logger", new FrameworkLogger());
    Framework framework = felix(configuration);
    try {
      framework.init();
      framework.getBundleContext().registerService(LogService.class, new BundleLogs(), null);
      List<Bundle> fresh = install(framework.getBundleContext(), application);
      framework.start();
      for (Bundle bundle : fresh) {
        startFirst(bundle);
      }
      checkStarted(framework.getBundleContext());
    } catch (BundleException | IOException | RuntimeException e) {
      // Damaged storage shows in every kind of exception.
      stopQuietly(framework);
      throw new GatewayException(
          Exit.NOT_STARTED,
          "the framework does not start cause=" + e + " storage=" + work.framework(),
          e);
    }
    return new Platform(framework);
  }

  /** Stops what may have started only in part. */
  private static void stopQuietly(Framework framework) throws InterruptedException {
    try {
      framework.stop();
      framework.waitForStop(TimeUnit.SECONDS.toMillis(Session.STOP_SECONDS));
    } catch (BundleException | RuntimeException e) {
      log.debug("a framework that has not started does not stop either", e);
    }
  }

  private static Framework felix(Map<String, Object> configuration) {
    FrameworkFactory factory =
        ServiceLoader.load(FrameworkFactory.class, Platform.class.getClassLoader())
            .findFirst()
            .orElseThrow(() -> new IllegalStateException("the application holds no framework"));
    // The logger is an object: Felix reads this map as one of objects.
    @SuppressWarnings({"unchecked", "rawtypes"})
    Map<String, String> raw = (Map) configuration;
    return factory.newFramework(raw);
  }

  /** Installs what is new and removes what the application does not hold any more. */
  private static List<Bundle> install(BundleContext context, Application application)
      throws BundleException, IOException {
    Map<String, Bundle> present = new HashMap<>();
    for (Bundle bundle : context.getBundles()) {
      if (bundle.getLocation().startsWith(LOCATION)) {
        present.put(bundle.getLocation(), bundle);
      }
    }
    List<Bundle> fresh = new ArrayList<>();
    Set<String> wanted = new HashSet<>();
    for (Application.Content content : application.list("platform")) {
      String location = LOCATION + content.name() + "@" + content.identity();
      wanted.add(location);
      if (present.containsKey(location)) {
        continue;
      }
      try (InputStream in = application.read(content)) {
        Bundle bundle = context.installBundle(location, in);
        // platform/1/name.jar
        int level = Integer.parseInt(content.path().split("/", -1)[1]);
        bundle.adapt(BundleStartLevel.class).setStartLevel(level);
        fresh.add(bundle);
      }
    }
    for (Map.Entry<String, Bundle> old : present.entrySet()) {
      if (!wanted.contains(old.getKey())) {
        log.info("platform bundle removed: this application has another bundle={}", old.getKey());
        old.getValue().uninstall();
      }
    }
    return fresh;
  }

  /**
   * Checks that bundles can be read, and that those of the first level run.
   *
   * @throws BundleException naming the first that is not so
   */
  private static void checkStarted(BundleContext context) throws BundleException {
    for (Bundle bundle : context.getBundles()) {
      if (bundle.getBundleId() == 0) {
        continue;
      }
      if (bundle.getEntry("META-INF/MANIFEST.MF") == null) {
        throw new BundleException("a bundle cannot be read bundle=" + bundle);
      }
      BundleStartLevel level = bundle.adapt(BundleStartLevel.class);
      boolean idle = bundle.getState() == Bundle.INSTALLED || bundle.getState() == Bundle.RESOLVED;
      if (idle
          && bundle.getLocation().startsWith(LOCATION)
          && !bundle.getSymbolicName().equals(INSIDE)
          && level.getStartLevel() < LEVEL_WITH_CONSOLES
          && level.isPersistentlyStarted()) {
        throw new BundleException("a bundle of the platform does not start bundle=" + bundle);
      }
    }
  }

  /** Starts a bundle now and, from now on, with the framework. */
  private static void startFirst(Bundle bundle) throws BundleException {
    try {
      bundle.start();
    } catch (BundleException e) {
      // The bundle inside resolves once the core package is there; the rest of them must now.
      if (!bundle.getSymbolicName().equals(INSIDE)) {
        throw e;
      }
      log.debug("waits for the core package bundle={}", INSIDE, e);
    }
  }

  BundleContext context() {
    return framework.getBundleContext();
  }

  /**
   * A service, when it is there.
   *
   * @throws GatewayException NOT_STARTED if it does not come in time
   */
  <T> T await(Class<T> type, long seconds) throws GatewayException, InterruptedException {
    ServiceTracker<T, T> tracker = new ServiceTracker<>(context(), type, null);
    tracker.open();
    try {
      T service = tracker.waitForService(TimeUnit.SECONDS.toMillis(seconds));
      if (service == null) {
        throw new GatewayException(
            Exit.NOT_STARTED,
            "a service of the platform does not come; the log says why service="
                + type.getName()
                + " seconds="
                + seconds);
      }
      return service;
    } finally {
      tracker.close();
    }
  }

  /** A service, if it is there now. */
  <T> Optional<T> find(Class<T> type) {
    return Optional.ofNullable(context().getServiceReference(type)).map(context()::getService);
  }

  /**
   * Starts bundles that should run and do not: those that could not be resolved before something
   * else was installed.
   *
   * @return what still does not start, and why, by symbolic name and version
   */
  Map<String, String> startWaiting() {
    Map<String, String> waiting = new HashMap<>();
    for (Bundle bundle : context().getBundles()) {
      BundleStartLevel level = bundle.adapt(BundleStartLevel.class);
      boolean fragment =
          (bundle.adapt(BundleRevision.class).getTypes() & BundleRevision.TYPE_FRAGMENT) != 0;
      boolean idle = bundle.getState() == Bundle.INSTALLED || bundle.getState() == Bundle.RESOLVED;
      // Who stopped a bundle by hand finds it stopped.
      if (idle
          && !fragment
          && level.isPersistentlyStarted()
          && level.getStartLevel() <= startLevel().getStartLevel()) {
        try {
          bundle.start();
        } catch (BundleException e) {
          // What the bundle inside waits for is said as the state of the models.
          if (!bundle.getSymbolicName().equals(INSIDE)) {
            waiting.put(bundle.getSymbolicName() + " " + bundle.getVersion(), e.getMessage());
          }
        }
      }
    }
    return waiting;
  }

  /** Starts the consoles too, and returns when they have started. */
  void startConsoles() throws InterruptedException {
    CountDownLatch reached = new CountDownLatch(1);
    startLevel()
        .setStartLevel(
            LEVEL_WITH_CONSOLES,
            event -> {
              if (event.getType() == FrameworkEvent.STARTLEVEL_CHANGED) {
                reached.countDown();
              }
            });
    if (!reached.await(30, TimeUnit.SECONDS)) {
      log.warn("the consoles take long to start seconds=30");
    }
  }

  /** Lets go of what was uninstalled, and stops what cannot do without it. */
  void refresh() {
    CountDownLatch refreshed = new CountDownLatch(1);
    framework
        .adapt(FrameworkWiring.class)
        .refreshBundles(
            null,
            event -> {
              if (event.getType() == FrameworkEvent.PACKAGES_REFRESHED) {
                refreshed.countDown();
              }
            });
    try {
      if (!refreshed.await(30, TimeUnit.SECONDS)) {
        log.warn("bundles take long to let go of what was uninstalled seconds=30");
      }
    } catch (InterruptedException e) {
      // Goes on without waiting: the caller stops.
      Thread.currentThread().interrupt();
    }
  }

  private FrameworkStartLevel startLevel() {
    return framework.adapt(FrameworkStartLevel.class);
  }

  /** Waits until the framework has been stopped, from wherever. */
  void awaitStop() throws InterruptedException {
    int type;
    do {
      type = framework.waitForStop(0).getType();
      // An update of the system bundle starts it again.
    } while (type == FrameworkEvent.STOPPED_UPDATE);
  }

  /**
   * Stops the framework and waits for it.
   *
   * @return whether it has stopped in time
   */
  boolean stop(long seconds) throws InterruptedException {
    try {
      framework.stop();
    } catch (BundleException e) {
      log.warn("the framework does not stop", e);
      return false;
    }
    return framework.waitForStop(TimeUnit.SECONDS.toMillis(seconds)).getType()
        != FrameworkEvent.WAIT_TIMEDOUT;
  }
}
