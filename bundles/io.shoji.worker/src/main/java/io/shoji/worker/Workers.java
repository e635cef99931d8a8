/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker;

import io.shoji.accelerator.Accelerator;
import io.shoji.worker.link.LinkFolder;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.LockSupport;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleEvent;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.FrameworkEvent;
import org.osgi.framework.FrameworkListener;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.ServiceRegistration;
import org.osgi.framework.SynchronousBundleListener;
import org.osgi.framework.hooks.bundle.EventHook;
import org.osgi.framework.hooks.bundle.FindHook;
import org.osgi.framework.startlevel.BundleStartLevel;
import org.osgi.framework.startlevel.FrameworkStartLevel;
import org.osgi.service.cm.ConfigurationAdmin;
import org.osgi.service.cm.ConfigurationEvent;
import org.osgi.service.cm.ConfigurationListener;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs drivers in processes of their own: sees which bundles are drivers, keeps declarative
 * services from starting them in the gateway, and has workers start them instead.
 */
@Component(
    name = Workers.PID,
    configurationPid = Workers.PID,
    immediate = true,
    service = {Workers.class, ConfigurationListener.class})
@Designate(ocd = Workers.Config.class)
public final class Workers implements ConfigurationListener {
  /** PID of the configuration, and name of the component. */
  static final String PID = "io.shoji.worker";

  private static final Logger LOG = LoggerFactory.getLogger(Workers.class);
  private static final int SWEEPS = 20;
  private static final long SWEEP_PAUSE_NANOS = 200_000_000;
  private static final int DRIVER_STATES = Bundle.STARTING | Bundle.ACTIVE;

  /** Settings. */
  @ObjectClassDefinition(
      id = Workers.PID,
      name = "Shoji workers",
      description = "Runs drivers of accelerators in processes of their own")
  public @interface Config {
    /** Where drivers run. */
    @AttributeDefinition(
        name = "Hosting",
        required = false,
        description =
            "Where drivers run: NAME=worker or NAME=in-process, NAME a kind as cpu or a bundle's"
                + " symbolic name. A driver that is not named runs where it says itself: those of"
                + " the processor in the gateway, those of vendors' devices in a worker. A change"
                + " restarts the driver")
    String[] hosting() default {};

    /** Heap. */
    @AttributeDefinition(
        name = "Heap (MiB)",
        min = "16",
        max = "4096",
        description = "Most heap of a worker's JVM; models and tensors are not on it")
    int heapMb() default 64;

    /** JVM options. */
    @AttributeDefinition(
        name = "JVM options",
        required = false,
        description = "More options of a worker's JVM, one per entry")
    String[] vmOptions() default {};

    /** Wrapper. */
    @AttributeDefinition(
        name = "Wrapper",
        required = false,
        description =
            "A command before the JVM's own, one word per entry: systemd-run --scope, bwrap, sudo -u."
                + " It must hand standard input and output on, and become the JVM or end with it")
    String[] wrapper() default {};

    /** Environment. */
    @AttributeDefinition(
        name = "Environment",
        required = false,
        description = "Names of variables that workers get from the gateway besides the usual ones")
    String[] environment() default {};

    /** Longest pause. */
    @AttributeDefinition(
        name = "Longest pause (ms)",
        min = "0",
        max = "600000",
        description =
            "A driver that dies again and again is started after pauses that double up to this one")
    int longestPauseMs() default 30000;

    /** Crash budget. */
    @AttributeDefinition(
        name = "Deaths per hour",
        min = "0",
        max = "100000",
        description =
            "After more than so many deaths within an hour a driver is not started again until"
                + " shoji:restart or another version of it")
    int crashesPerHour() default 10;

    /** Hang margin. */
    @AttributeDefinition(
        name = "Hang margin (ms)",
        min = "100",
        max = "600000",
        description =
            "A worker that has not answered so long after a request's deadline is hung and killed")
    int hangMarginMs() default 5000;

    /** Load margin. */
    @AttributeDefinition(
        name = "Load margin (ms)",
        min = "100",
        max = "3600000",
        description =
            "A worker in which a load has not come back so long after it was given up is hung and"
                + " killed")
    int loadMarginMs() default 30000;

    /** Start. */
    @AttributeDefinition(
        name = "Start (ms)",
        min = "1000",
        max = "600000",
        description = "A worker that is not ready so long after its start is killed")
    int startMs() default 60000;

    /** Stop. */
    @AttributeDefinition(
        name = "Stop (ms)",
        min = "100",
        max = "600000",
        description = "A worker that has not ended so long after it was asked to is killed")
    int stopMs() default 12000;

    /** Handover. */
    @AttributeDefinition(
        name = "Handover (ms)",
        min = "0",
        max = "600000",
        description =
            "How long a worker serves on when its driver's bundle is stopped, waiting for its next"
                + " version")
    int handoverMs() default 20000;

    /** Spin. */
    @AttributeDefinition(
        name = "Spin",
        description =
            "Callers and workers look at shared memory for up to 60 us before they sleep; for up to"
                + " 200 us, giving way to others, while more than half of the processors have to"
                + " do with requests")
    boolean spin() default true;

    /** Keep inputs. */
    @AttributeDefinition(
        name = "Keep quarantined inputs",
        description =
            "Inputs that bring workers down are kept on disk for analysis; they are what cameras"
                + " and sensors saw")
    boolean keepInputs() default false;
  }

  private final BundleContext context;
  private final Surroundings around;
  private final DriverVeil veil;
  private final Map<Long, HostedDriver> drivers = new ConcurrentHashMap<>();
  private final List<ServiceRegistration<?>> hooks = new ArrayList<>();
  private final SynchronousBundleListener listener = this::bundleChanged;
  private final FrameworkListener levels = this::frameworkChanged;

  /** Restarts bundles, which must not happen on a thread that starts bundles already. */
  private final ExecutorService hosting =
      Executors.newSingleThreadExecutor(
          task -> {
            Thread thread = new Thread(task, "shoji-worker-hosting");
            thread.setDaemon(true);
            return thread;
          });

  private volatile Hosting rules;
  private volatile WorkerSettings settings;
  private volatile boolean stopping;

  /** Takes over the drivers that are there. */
  @Activate
  public Workers(
      BundleContext context, @Reference ConfigurationAdmin configurations, Config config) {
    this.context = context;
    rules = new Hosting(texts(config.hosting()));
    settings = settings(config);
    Path folder = folder(context);
    sweep(folder);
    Quarantine quarantine = new Quarantine(System::nanoTime, folder.resolve("quarantine"));
    quarantine.keep(config.keepInputs());
    Platform platform =
        new Platform(
            context,
            Optional.ofNullable(FrameworkUtil.getBundle(Accelerator.class)).orElseThrow(),
            folder.resolve("platform"));
    around =
        new Surroundings(
            context,
            () -> settings,
            platform,
            new ClassArchive(platform, folder.resolve("archive")),
            new Configurations(configurations),
            new CrashReports(folder.resolve("crashes")),
            quarantine,
            new Incidents(context),
            folder.resolve("copies"));
    veil = new DriverVeil(bundle -> rules.inWorker(bundle));
    context.addBundleListener(listener);
    context.addFrameworkListener(levels);
    hooks.add(context.registerService(EventHook.class, veil, null));
    hooks.add(context.registerService(FindHook.class, veil, null));
    hosting.execute(this::rehost);
  }

  private static Path folder(BundleContext context) {
    File folder = context.getDataFile("");
    if (folder == null) {
      throw new IllegalStateException("this framework gives bundles no storage, workers need it");
    }
    return folder.toPath().toAbsolutePath();
  }

  /**
   * Removes what an earlier process of the gateway left. Its workers end by themselves, but may do
   * so at this very moment and write still: so this is tried again for a while.
   */
  private static void sweep(Path folder) {
    try {
      for (int attempt = 1; ; attempt++) {
        try {
          DriverCopy.remove(folder.resolve("copies"));
          DriverCopy.remove(folder.resolve("platform"));
          break;
        } catch (DirectoryNotEmptyException | NoSuchFileException e) {
          if (attempt == SWEEPS) {
            throw e;
          }
          LockSupport.parkNanos(SWEEP_PAUSE_NANOS);
        }
      }
      List<Path> links = LinkFolder.sweep(LinkFolder.defaultBase());
      if (!links.isEmpty()) {
        LOG.info("what workers of an earlier gateway left was removed folders={}", links);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(
          "what an earlier process left cannot be removed folder=" + folder, e);
    }
  }

  private static List<String> texts(String[] values) {
    return values == null
        ? List.of()
        : Arrays.stream(values).map(String::strip).filter(text -> !text.isEmpty()).toList();
  }

  private static WorkerSettings settings(Config config) {
    return new WorkerSettings(
        config.heapMb(),
        texts(config.vmOptions()),
        texts(config.wrapper()),
        texts(config.environment()),
        config.longestPauseMs(),
        config.crashesPerHour(),
        config.hangMarginMs(),
        config.loadMarginMs(),
        config.startMs(),
        config.stopMs(),
        config.handoverMs(),
        config.spin(),
        config.keepInputs());
  }

  /** Other settings: drivers move where they are to run; the rest holds for the next processes. */
  @Modified
  void modified(Config config) {
    rules = new Hosting(texts(config.hosting()));
    settings = settings(config);
    around.quarantine().keep(config.keepInputs());
    hosting.execute(this::rehost);
  }

  /** Stops all workers. The drivers' bundles stay as they are, and nothing of them runs. */
  @Deactivate
  public void deactivate() {
    stopping = true;
    context.removeBundleListener(listener);
    context.removeFrameworkListener(levels);
    hosting.shutdown();
    List<HostedDriver> all = List.copyOf(drivers.values());
    drivers.clear();
    List<Thread> ends = new ArrayList<>();
    for (HostedDriver driver : all) {
      Thread end = new Thread(() -> close(driver), "shoji-worker-end");
      end.start();
      ends.add(end);
    }
    try {
      for (Thread end : ends) {
        end.join();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    around.archive().close();
    hooks.forEach(ServiceRegistration::unregister);
  }

  private void close(HostedDriver driver) {
    try {
      driver.close(2 * settings.stopMs());
    } catch (InterruptedException e) {
      LOG.warn("interrupted while a worker is ended driver={}", driver.bundle(), e);
    }
  }

  /**
   * A bundle that could not be moved while the framework was on its way to another start level can
   * be now.
   */
  private void frameworkChanged(FrameworkEvent event) {
    if (event.getType() == FrameworkEvent.STARTED
        || event.getType() == FrameworkEvent.STARTLEVEL_CHANGED) {
      try {
        hosting.execute(this::rehost);
      } catch (RejectedExecutionException e) {
        LOG.debug("workers are stopped, no driver moves any more", e);
      }
    }
  }

  /** Restarts each driver that does not run where it is to. */
  private void rehost() {
    for (Bundle bundle : context.getBundles()) {
      if (stopping) {
        return;
      }
      boolean runs = (bundle.getState() & DRIVER_STATES) != 0;
      if (runs && rules.inWorker(bundle) != veil.covers(bundle) && isMet(bundle)) {
        move(bundle);
      }
    }
  }

  /**
   * Whether the framework has a bundle's start level. While it has not, nobody may start the bundle
   * but the framework itself, later, and where it runs is asked anew then.
   */
  private boolean isMet(Bundle bundle) {
    Bundle framework = context.getBundle(Constants.SYSTEM_BUNDLE_ID);
    try {
      return framework.getState() != Bundle.STOPPING
          && bundle.adapt(BundleStartLevel.class).getStartLevel()
              <= framework.adapt(FrameworkStartLevel.class).getStartLevel();
    } catch (IllegalStateException e) {
      LOG.debug("a driver was uninstalled driver={}", bundle, e);
      return false;
    }
  }

  private void move(Bundle bundle) {
    try {
      LOG.info(
          "a driver is restarted to run {} driver={}",
          veil.covers(bundle) ? "in the gateway" : "in a worker",
          bundle);
      bundle.stop(Bundle.STOP_TRANSIENT);
      HostedDriver hosted = drivers.remove(bundle.getBundleId());
      if (hosted != null) {
        hosted.close(2 * settings.stopMs());
        veil.lift(bundle);
      }
      bundle.start(Bundle.START_TRANSIENT | Bundle.START_ACTIVATION_POLICY);
    } catch (BundleException | IllegalStateException e) {
      if (bundle.getState() != Bundle.UNINSTALLED && !isMet(bundle)) {
        LOG.info(
            "a driver runs elsewhere when the framework has its start level driver={}", bundle, e);
      } else {
        LOG.error("a driver cannot be restarted to run elsewhere driver={}", bundle, e);
      }
    } catch (InterruptedException e) {
      LOG.warn("interrupted while a driver is moved driver={}", bundle, e);
    }
  }

  private void bundleChanged(BundleEvent event) {
    Bundle bundle = event.getBundle();
    switch (event.getType()) {
      case BundleEvent.STARTED -> {
        if (veil.covers(bundle) && !stopping) {
          drivers
              .computeIfAbsent(bundle.getBundleId(), id -> new HostedDriver(around, bundle))
              .started();
        } else {
          // Changed by its update to one that runs here.
          gone(bundle);
        }
      }
      case BundleEvent.STOPPED -> {
        HostedDriver hosted = drivers.get(bundle.getBundleId());
        if (hosted != null) {
          hosted.stopped();
        }
      }
      case BundleEvent.UNINSTALLED -> gone(bundle);
      default -> {}
    }
  }

  private void gone(Bundle bundle) {
    HostedDriver hosted = drivers.remove(bundle.getBundleId());
    if (hosted != null) {
      hosted.gone();
    }
  }

  @Override
  public void configurationEvent(ConfigurationEvent event) {
    if (event.getType() != ConfigurationEvent.CM_LOCATION_CHANGED) {
      drivers.values().forEach(driver -> driver.configured(event));
    }
  }

  /** The drivers that run in workers. */
  List<HostedDriver> drivers() {
    return List.copyOf(drivers.values());
  }

  /** Tries drivers again, by symbolic name or kind; how many. */
  int restart(String name) {
    int count = 0;
    for (HostedDriver driver : drivers.values()) {
      if (name.equals(driver.bundle().getSymbolicName())
          || name.equals(Hosting.kind(driver.bundle()))) {
        driver.restart();
        count++;
      }
    }
    return count;
  }

  /** Crash reports. */
  CrashReports crashes() {
    return around.crashes();
  }

  /** Inputs that are refused. */
  Quarantine quarantine() {
    return around.quarantine();
  }
}
