/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.local;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.Precision;
import io.shoji.cli.CommandException;
import io.shoji.cli.ExitCode;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.apache.felix.framework.Felix;
import org.apache.felix.framework.Logger;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.wiring.BundleRevision;

/**
 * The accelerators of this machine, as a gateway on it would find them: a framework inside the
 * process, with the gateway's driver bundles. Everything they write lies in a folder that goes when
 * this is closed or the process ends. Thread safe.
 */
public final class LocalAccelerators implements AutoCloseable {
  private static final long DRIVER_SECONDS = 30;

  /** A driver that somebody brings may have no device here, and need not say so. */
  private static final long EXTRA_DRIVER_SECONDS = 5;

  private static final long STOP_SECONDS = 20;
  private static final long POLL_MILLIS = 5;

  /** Packages of the class path, beside those of io.shoji.api, that bundles see. */
  private static final String LOGGING =
      "org.slf4j;version=1.7.36,org.slf4j.event;version=1.7.36,org.slf4j.helpers;version=1.7.36,"
          + "org.slf4j.spi;version=1.7.36";

  private final RunFolder folder;
  private final Framework framework;
  private final DriverErrors errors;
  private final Map<String, String> missing = new LinkedHashMap<>();

  private LocalAccelerators(RunFolder folder, Framework framework, DriverErrors errors) {
    this.folder = folder;
    this.framework = framework;
    this.errors = errors;
  }

  /**
   * Starts the drivers and waits until each has registered its devices or has said why not.
   *
   * @param extraDriverBundles jars to start beside the drivers of this application, as others than
   *     ours and what they need
   * @throws CommandException if the framework or a bundle does not start; nothing stays then
   * @throws InterruptedException if the thread was interrupted; nothing stays then
   */
  public static LocalAccelerators start(List<Path> extraDriverBundles)
      throws CommandException, InterruptedException {
    RunFolder folder;
    try {
      folder = RunFolder.create();
    } catch (IOException e) {
      throw failed(
          "no temporary folder can be made; name another one with java -Djava.io.tmpdir=FOLDER",
          System.getProperty("java.io.tmpdir"),
          e);
    }
    DriverErrors errors = new DriverErrors();
    LocalAccelerators started = null;
    boolean complete = false;
    try {
      FrameworkBundles bundles = FrameworkBundles.find(architecture());
      started = new LocalAccelerators(folder, framework(folder.path(), bundles), errors);
      started.startBundles(bundles, extraDriverBundles);
      complete = true;
      return started;
    } catch (IOException e) {
      throw failed("the drivers cannot be unpacked", folder.path().toString(), e);
    } catch (BundleException e) {
      throw failed("a driver bundle does not start", folder.path().toString(), e);
    } finally {
      if (!complete) {
        if (started == null) {
          errors.close();
          remove(folder);
        } else {
          started.close();
        }
      }
    }
  }

  private static CommandException failed(String what, String temporary, Exception cause) {
    return new CommandException(
        ExitCode.FAILED,
        "NO_ACCELERATOR",
        what + " cause=" + cause + " folder=" + temporary,
        cause);
  }

  /** The machine as {@code uname -m} names it. */
  private static String architecture() {
    String name = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
    return name.equals("amd64") ? "x86_64" : name;
  }

  private static Framework framework(Path folder, FrameworkBundles bundles) throws IOException {
    Map<String, Object> settings = new HashMap<>();
    settings.put(Constants.FRAMEWORK_STORAGE, folder.resolve("framework").toString());
    settings.put(Constants.FRAMEWORK_SYSTEMPACKAGES_EXTRA, bundles.apiPackages() + "," + LOGGING);
    // A bundle takes from the class path what is exported here, and nothing else.
    settings.put("felix.bootdelegation.implicit", "false");
    settings.put("felix.shutdown.hook", "false");
    settings.put("felix.log.level", Integer.toString(Logger.LOG_ERROR));
    settings.put("felix.log.logger", new FrameworkLog());
    settings.put("felix.cm.dir", configuration(folder).toString());
    return new Felix(settings);
  }

  /** What ONNX Runtime refuses, the driver says; the runtime's own lines would stand between. */
  private static Path configuration(Path folder) throws IOException {
    Path configurations = folder.resolve("configuration");
    Path cpu = configurations.resolve("io/shoji/driver/cpu.config");
    Files.createDirectories(cpu.getParent());
    Files.writeString(
        cpu,
        "service.pid=\"io.shoji.driver.cpu\"\nlogSeverity=\"fatal\"\n",
        StandardCharsets.UTF_8);
    return configurations;
  }

  private void startBundles(FrameworkBundles bundles, List<Path> extra)
      throws BundleException, IOException, InterruptedException {
    framework.start();
    BundleContext context = framework.getBundleContext();
    List<Bundle> platform = new ArrayList<>();
    List<Bundle> drivers = new ArrayList<>();
    for (FrameworkBundles.Source source : bundles.all()) {
      Bundle bundle = install(context, source);
      (source.isDriver() ? drivers : platform).add(bundle);
    }
    List<Bundle> brought = new ArrayList<>();
    for (Path jar : extra) {
      if (!Files.isRegularFile(jar)) {
        throw new BundleException("there is no such file file=" + jar);
      }
      brought.add(context.installBundle("reference:" + jar.toAbsolutePath().toUri()));
    }
    for (List<Bundle> some : List.of(platform, drivers, brought)) {
      for (Bundle bundle : some) {
        if ((bundle.adapt(BundleRevision.class).getTypes() & BundleRevision.TYPE_FRAGMENT) == 0) {
          bundle.start();
        }
      }
    }
    await(drivers, DRIVER_SECONDS);
    await(brought, EXTRA_DRIVER_SECONDS);
  }

  private static Bundle install(BundleContext context, FrameworkBundles.Source source)
      throws BundleException, IOException {
    try (InputStream in = source.open()) {
      return context.installBundle(source.location(), in);
    }
  }

  /** Waits for a device of each driver, or for its error. */
  private void await(Collection<Bundle> drivers, long seconds) throws InterruptedException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    for (Bundle driver : drivers) {
      String name = driver.getSymbolicName();
      while (references().stream().noneMatch(device -> driver.equals(device.getBundle()))) {
        Optional<String> error = errors.of(name);
        if (error.isPresent() || System.nanoTime() - end > 0) {
          missing.put(name, error.orElse("no device was found seconds=" + seconds));
          break;
        }
        Thread.sleep(POLL_MILLIS);
      }
    }
  }

  private Collection<ServiceReference<Accelerator>> references() {
    try {
      return framework.getBundleContext().getServiceReferences(Accelerator.class, null);
    } catch (InvalidSyntaxException e) {
      throw new IllegalStateException("there is no filter", e);
    }
  }

  /** All of them that are there now, by kind and device. */
  public List<Accelerator> accelerators() {
    return references().stream()
        .map(reference -> framework.getBundleContext().getService(reference))
        .filter(accelerator -> accelerator != null)
        .sorted(Comparator.comparing(accelerator -> name(accelerator.info())))
        .toList();
  }

  /** Drivers without a device, by symbolic name, and why. */
  public Map<String, String> missing() {
    return Map.copyOf(missing);
  }

  /**
   * The accelerator to use for a model.
   *
   * @param idOrKind {@code kind}, {@code device} or {@code kind:device}; any if empty
   * @param format see {@link io.shoji.accelerator.ModelFormats}
   * @throws CommandException if there is none; says what there is
   */
  public Accelerator accelerator(Optional<String> idOrKind, String format, Precision precision)
      throws CommandException {
    List<Accelerator> all = accelerators();
    return all.stream()
        .filter(accelerator -> idOrKind.isEmpty() || isCalled(accelerator, idOrKind.get()))
        .filter(accelerator -> accelerator.info().formats().contains(format))
        .filter(accelerator -> accelerator.info().precisions().contains(precision))
        .findFirst()
        .orElseThrow(
            () ->
                new CommandException(
                    ExitCode.FAILED,
                    "NO_ACCELERATOR",
                    "no accelerator of this machine runs that"
                        + idOrKind.map(id -> " asked=" + id).orElse("")
                        + " format="
                        + format
                        + " precision="
                        + precision
                        + " found="
                        + all.stream().map(LocalAccelerators::describe).toList()
                        + (missing.isEmpty()
                            ? ""
                            : " withoutDevice="
                                + missing
                                + "; libraries are unpacked into a temporary folder, which must"
                                + " not be mounted noexec: name another one with java"
                                + " -Djava.io.tmpdir=FOLDER folder="
                                + folder.path())));
  }

  private static boolean isCalled(Accelerator accelerator, String name) {
    AcceleratorInfo info = accelerator.info();
    return name.equals(info.kind()) || name.equals(info.device()) || name.equals(name(info));
  }

  private static String name(AcceleratorInfo info) {
    return info.kind() + ":" + info.device();
  }

  /** The vendor's runtime as evidence and reports name it, as {@code ONNX Runtime 1.29.0}. */
  public static String runtime(AcceleratorInfo info) {
    String name =
        switch (info.runtime()) {
          case "onnxruntime" -> "ONNX Runtime";
          case "tensorflowlite" -> "TensorFlow Lite";
          default -> info.runtime();
        };
    return name + " " + info.runtimeVersion();
  }

  private static String describe(Accelerator accelerator) {
    AcceleratorInfo info = accelerator.info();
    return info + " formats=" + info.formats() + " precisions=" + info.precisions();
  }

  /** A folder for working files that goes with this. */
  public Path workFolder() {
    return folder.path();
  }

  /** Stops the drivers, which close their models, and removes what they wrote. */
  @Override
  public void close() {
    boolean interrupted = Thread.interrupted();
    try {
      framework.stop();
      framework.waitForStop(TimeUnit.SECONDS.toMillis(STOP_SECONDS));
    } catch (BundleException e) {
      throw new IllegalStateException("the framework does not stop", e);
    } catch (InterruptedException e) {
      interrupted = true;
    } finally {
      errors.close();
      remove(folder);
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static void remove(RunFolder folder) {
    try {
      folder.close();
    } catch (IOException e) {
      throw new IllegalStateException(
          "a temporary folder cannot be removed folder=" + folder.path(), e);
    }
  }

  /** The framework's own lines go where the drivers' go, not to standard output. */
  private static final class FrameworkLog extends Logger {
    private static final org.slf4j.Logger log =
        org.slf4j.LoggerFactory.getLogger("io.shoji.cli.local.framework");

    @Override
    protected void doLog(int level, String message, Throwable failure) {
      if (level == LOG_ERROR) {
        log.error(message, failure);
      } else {
        log.debug(message, failure);
      }
    }
  }
}
