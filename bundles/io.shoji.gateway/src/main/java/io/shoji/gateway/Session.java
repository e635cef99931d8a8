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

import io.shoji.dp.DeploymentPackage;
import io.shoji.dp.InvalidPackageException;
import io.shoji.gateway.GatewayException.Exit;
import io.shoji.gateway.link.DemoRequest;
import io.shoji.gateway.link.Inside;
import io.shoji.gateway.link.Status;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.osgi.framework.Bundle;
import org.osgi.framework.wiring.BundleCapability;
import org.osgi.framework.wiring.BundleRevision;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A gateway that runs, and what the commands do with it. */
final class Session {
  /** How long the framework may take to stop. */
  static final long STOP_SECONDS = 15;

  /** Names the architecture that a package inside of the application is for. */
  private static final Pattern ARCHITECTURE = Pattern.compile("-linux-([a-z0-9_]+)-");

  /** The capability of a model package, and its attribute with the model's name. */
  private static final String MODEL = "io.shoji.model";

  /** After so long without a change, what a bundle has said is not waited for any more. */
  private static final long CALM_SECONDS = 2;

  private static final Logger log = LoggerFactory.getLogger(Session.class);

  private static final Status NOTHING = new Status(List.of(), List.of(), List.of());

  private final Options options;
  private final Application application;
  private final WorkFolder work;
  private final Map<String, String> settings;
  private final Shutdown shutdown;
  private final Optional<Simulation> simulation;
  private final AtomicInteger changes = new AtomicInteger();
  private final ExecutorService reporter =
      Executors.newSingleThreadExecutor(Session::reporterThread);

  /** Whether changes are told: not before the gateway has said that it is ready. */
  private volatile boolean reports;

  private Platform platform;
  private Packages packages;

  /**
   * Starts a gateway.
   *
   * @param settings framework properties
   * @param simulation the device that is simulated, if one is
   * @throws GatewayException NOT_STARTED
   */
  Session(
      Options options,
      Application application,
      WorkFolder work,
      Map<String, String> settings,
      Shutdown shutdown,
      Optional<Simulation> simulation)
      throws GatewayException, IOException, InterruptedException {
    this.options = options;
    this.application = application;
    this.work = work;
    this.settings = settings;
    this.shutdown = shutdown;
    this.simulation = simulation;
    Started started = start();
    this.platform = started.platform();
    this.packages = started.packages();
    packages.offer(this::changed);
  }

  /**
   * A platform that runs, and what is installed on it.
   *
   * @param platform runs
   * @param packages what is installed
   */
  private record Started(Platform platform, Packages packages) {}

  /** Starts with the storage that is there, or else with a new one. */
  private Started start() throws GatewayException, IOException, InterruptedException {
    boolean stored = Files.exists(work.framework());
    try {
      Platform present = Platform.start(application, work, settings);
      Optional<Packages> found;
      try {
        found = Packages.find(present, work);
      } catch (GatewayException | IOException e) {
        present.stop(STOP_SECONDS);
        throw e;
      }
      if (found.isPresent()) {
        return new Started(present, found.get());
      }
      present.stop(STOP_SECONDS);
    } catch (GatewayException e) {
      if (!stored) {
        throw e;
      }
      log.warn(
          "the framework's storage is damaged: it is made again, and all is installed again", e);
    }
    return startAnew();
  }

  /** Starts with new storage, and installs again what was installed. */
  private Started startAnew() throws GatewayException, IOException, InterruptedException {
    WorkFolder.delete(work.framework());
    Platform fresh = Platform.start(application, work, settings);
    try {
      return new Started(fresh, Packages.restore(fresh, work));
    } catch (GatewayException | IOException e) {
      fresh.stop(STOP_SECONDS);
      throw e;
    }
  }

  /** Installs what is inside, shows it, and says whether it held what it promises. */
  Exit demo() throws GatewayException, IOException, InterruptedException {
    Path inputs = Files.createTempDirectory(work.root(), "demo-");
    try {
      if (options.images().isEmpty() || options.recordings().isEmpty()) {
        application.extract("demo", inputs);
      }
      installInside();
      reportWaiting();
      Status status = awaitSettled(() -> false).orElse(NOTHING);
      problems(status).forEach(System.out::println);
      DemoRequest request =
          new DemoRequest(
              options.images().orElse(inputs.resolve("digits")),
              options.recordings().orElse(inputs.resolve("bearing")),
              options.rate(),
              Terminal.isAnsi() && !options.plain(),
              packages.installed().stream().map(InstalledPackage::toString).toList());
      Inside inside = platform.await(Inside.class, options.readySeconds());
      // The table is drawn in place: what the tape does is in the log.
      simulation.ifPresent(device -> device.play(said -> {}));
      shutdown.allowInterrupt();
      try {
        return inside.demo(request, System.out) ? Exit.OK : Exit.FAILED;
      } finally {
        shutdown.denyInterrupt();
      }
    } finally {
      WorkFolder.delete(inputs);
    }
  }

  /** Serves until the process is to end. */
  Exit serve() throws GatewayException, IOException, InterruptedException {
    if (!options.bare()) {
      installInside();
    }
    Path watched = options.packages().orElse(work.packages());
    try (PackageFolder folder =
        new PackageFolder(watched, work.installed().resolve("watched"), new Installer())) {
      folder.lookNow();
      reportWaiting();
      folder.start();
      Optional<Status> status = awaitSettled(() -> false);
      if (status.isEmpty()) {
        return Exit.OK;
      }
      String ready = ready(status.get());
      System.out.println(ready);
      problems(status.get()).forEach(System.out::println);
      reports = true;
      options.readyFile().ifPresent(file -> writeReady(file, ready));
      startConsoles();
      simulation.ifPresent(
          device -> {
            System.out.println(device.banner());
            device.play(System.out::println);
          });
      System.out.println("watching " + watched + " for packages");
      System.out.flush();
      Thread stopped = new Thread(this::requestWhenStopped, "framework-stop");
      stopped.setDaemon(true);
      stopped.start();
      shutdown.await();
      log.info("stopping");
    }
    return Exit.OK;
  }

  /** The framework can be stopped from the shell and the web console too. */
  private void requestWhenStopped() {
    try {
      platform.awaitStop();
      shutdown.request();
    } catch (InterruptedException e) {
      log.warn("nobody waits for the framework any more", e);
    }
  }

  private static Thread reporterThread(Runnable task) {
    Thread thread = new Thread(task, "report");
    thread.setDaemon(true);
    return thread;
  }

  private void startConsoles() throws InterruptedException {
    boolean web = WebConsole.runs(settings);
    boolean shell = !settings.containsKey("gosh.args");
    if (web || shell) {
      new ShellCommands(platform, packages, this::changed, simulation).register();
      platform.startConsoles();
    }
    if (web) {
      simulation.ifPresent(device -> WebConsole.brand(platform.context(), device.title()));
      System.out.println(
          "web console "
              + WebConsole.url(options.httpPort())
              + " for user admin, password in "
              + WebConsole.passwordFile(work));
    }
  }

  /** Stops the framework, for at most {@link #STOP_SECONDS}. */
  void stop() throws InterruptedException {
    reporter.shutdownNow();
    if (!platform.stop(STOP_SECONDS)) {
      log.warn("the framework has not stopped in time seconds={}", STOP_SECONDS);
    }
  }

  /** The platform and the packages again, with new storage. */
  private void restart() throws GatewayException, IOException, InterruptedException {
    platform.stop(STOP_SECONDS);
    Started started = startAnew();
    platform = started.platform();
    packages = started.packages();
    packages.offer(this::changed);
  }

  /** Installs the packages inside of the application, those that are new in it. */
  private void installInside() throws GatewayException, IOException, InterruptedException {
    Path memory = work.installed().resolve("inside");
    Properties seen = new Properties();
    if (Files.exists(memory)) {
      try (InputStream in = Files.newInputStream(memory)) {
        seen.load(in);
      }
    }
    boolean restore = false;
    boolean fresh = false;
    for (Application.Content content : inside()) {
      Matcher architecture = ARCHITECTURE.matcher(content.name());
      if (architecture.find() && !architecture.group(1).equals(Application.architecture())) {
        continue;
      }
      String key = content.name() + "@" + content.identity();
      Optional<InstalledPackage> known =
          Optional.ofNullable(seen.getProperty(key)).flatMap(packages::installed);
      if (known.isPresent()) {
        System.out.println("already installed " + known.get());
        continue;
      }
      Path file = Files.createTempFile(work.root(), "inside-", ".dp");
      try (InputStream in = application.read(content)) {
        Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
        DeploymentPackage offered = DeploymentPackage.read(file);
        restore |= installInside(file, offered, "inside:" + key);
        seen.setProperty(key, offered.name());
        fresh = true;
      } catch (InvalidPackageException | PackageRefusedException e) {
        throw new GatewayException(
            Exit.NOT_STARTED,
            "a package inside of the application is not installed cause=" + e.getMessage(),
            e);
      } finally {
        Files.delete(file);
      }
    }
    if (restore) {
      restart();
    }
    if (fresh) {
      Path part = memory.resolveSibling("inside.part");
      try (OutputStream out = Files.newOutputStream(part)) {
        seen.store(out, null);
      }
      InstalledPackage.replace(part, memory);
    }
  }

  /** The packages inside of the application, with those of what is simulated. */
  private List<Application.Content> inside() {
    List<Application.Content> all = new ArrayList<>(application.list("packages"));
    if (simulation.isPresent()) {
      all.removeIf(simulation.get()::replaces);
      application.list("simulations/packages").stream()
          .filter(simulation.get()::brings)
          .forEach(all::add);
    }
    return all;
  }

  /**
   * Installs a package of the application, unless the user has a newer one.
   *
   * @return whether another build of the same version was put in place, so that everything is to be
   *     installed again
   */
  private boolean installInside(Path file, DeploymentPackage offered, String source)
      throws PackageRefusedException, IOException {
    Optional<InstalledPackage> present = packages.installed(offered.name());
    if (present.isPresent() && !present.get().sha256().equals(offered.sha256())) {
      if (offered.version().equals(present.get().version()) && present.get().isFromInside()) {
        System.out.println("installing another build of " + offered);
        packages.replace(file, source);
        return true;
      }
      if (!Packages.isHigher(offered.version(), present.get().version())) {
        System.out.println("kept " + present.get() + ", the application brings " + offered);
        return false;
      }
    }
    System.out.println(packages.install(file, source));
    return false;
  }

  /** Installs what comes into the watched folder. */
  private final class Installer implements PackageFolder.Taker {
    @Override
    public boolean taken(Path file) {
      try {
        String outcome = packages.install(file, "file:" + file).toString();
        log.info("{} file={}", outcome, file);
        System.out.println(outcome);
        return true;
      } catch (PackageRefusedException e) {
        log.error("not installed: {}", e.getMessage());
        log.debug("not installed", e);
      } catch (IOException e) {
        log.error("not installed: the work folder cannot be written file={}", file, e);
      }
      return false;
    }

    @Override
    public void gone(Path file) {
      for (InstalledPackage installed : packages.installed()) {
        if (!installed.source().equals("file:" + file)) {
          continue;
        }
        if (!options.uninstallRemoved()) {
          log.info("stays installed although its file is gone package={}", installed);
          return;
        }
        try {
          System.out.println("uninstalled " + packages.uninstall(installed.name()));
        } catch (PackageRefusedException | IOException e) {
          log.error("not uninstalled package={}", installed, e);
        }
      }
    }

    @Override
    public void settled() {
      changed();
    }
  }

  /** Packages have changed: starts what waited for them, and says later what has come of it. */
  private void changed() {
    reportWaiting();
    int change = changes.incrementAndGet();
    if (reports) {
      reporter.execute(() -> report(change));
    }
  }

  /** Says how models are, unless packages change again before they have settled. */
  private void report(int change) {
    try {
      Optional<Status> settled = awaitSettled(() -> changes.get() != change);
      if (settled.isPresent()) {
        settled.get().models().stream()
            .filter(model -> model.state() == Status.State.SERVING)
            .forEach(model -> System.out.println("serving " + model));
        problems(settled.get()).forEach(System.out::println);
        System.out.flush();
      }
    } catch (InterruptedException e) {
      log.debug("stops before the models have settled", e);
    }
  }

  /** Starts bundles that had to wait for others, and says which still do. */
  private void reportWaiting() {
    platform
        .startWaiting()
        .forEach(
            (bundle, reason) ->
                log.warn("a bundle does not start bundle={} cause={}", bundle, reason));
  }

  /**
   * How models are once each of them serves or will not, or the time for that is over.
   *
   * @param abandoned when not to wait any longer
   * @return empty if it was abandoned or the process is to end
   */
  private Optional<Status> awaitSettled(BooleanSupplier abandoned) throws InterruptedException {
    long start = System.nanoTime();
    long calm = start;
    while (!abandoned.getAsBoolean()) {
      Optional<Status> status = platform.find(Inside.class).map(Inside::status);
      List<Announced> announced = announced();
      long now = System.nanoTime();
      boolean rests =
          announced.isEmpty()
              || (status.isPresent()
                  && rests(status.get(), announced.size())
                  && showsSimulation(status.get()));
      if (!rests) {
        calm = now;
      }
      // A version that is kept may serve while the one that takes its place is still being read.
      boolean settled =
          rests
              && (status.isEmpty()
                  || announced.stream().allMatch(model -> model.isIn(status.get()))
                  || now - calm > TimeUnit.SECONDS.toNanos(CALM_SECONDS));
      if (settled || now - start > TimeUnit.SECONDS.toNanos(options.readySeconds())) {
        return Optional.of(status.orElse(NOTHING));
      }
      boolean soon = now - start < TimeUnit.SECONDS.toNanos(3);
      if (shutdown.await(soon ? 10 : 100, TimeUnit.MILLISECONDS)) {
        return Optional.empty();
      }
    }
    return Optional.empty();
  }

  /** What is simulated is there to be seen: at the start it is waited for. */
  private boolean showsSimulation(Status status) {
    return simulation.isEmpty()
        || options.bare()
        || reports
        || status.models().stream().anyMatch(model -> model.detail().endsWith("(simulated)"));
  }

  private static boolean rests(Status status, int expected) {
    return status.models().size() + status.refusals().size() >= expected
        && status.models().stream().noneMatch(model -> model.state() == Status.State.WAITING);
  }

  /**
   * What a bundle says that it brings.
   *
   * @param model name and version of the model
   * @param origin symbolic name and version of the bundle
   */
  private record Announced(String model, String origin) {
    boolean isIn(Status status) {
      return status.models().stream().anyMatch(found -> found.name().equals(model))
          || status.refusals().stream().anyMatch(refusal -> refusal.startsWith(origin + ":"));
    }
  }

  /** The models that bundles say they bring. */
  private List<Announced> announced() {
    List<Announced> announced = new ArrayList<>();
    for (Bundle bundle : platform.context().getBundles()) {
      for (BundleCapability capability :
          bundle.adapt(BundleRevision.class).getDeclaredCapabilities(MODEL)) {
        announced.add(
            new Announced(
                capability.getAttributes().get(MODEL)
                    + " "
                    + capability.getAttributes().get("version"),
                bundle.getSymbolicName() + " " + bundle.getVersion()));
      }
    }
    return announced;
  }

  private String ready(Status status) {
    String serving =
        status.models().stream()
            .filter(model -> model.state() == Status.State.SERVING)
            .map(Status.Model::toString)
            .collect(Collectors.joining(", "));
    return "ready in "
        + ProcessAge.millis()
        + " ms: "
        + (serving.isEmpty() ? "no models" : serving);
  }

  private List<String> problems(Status status) {
    List<String> problems = new ArrayList<>();
    status.models().stream()
        .filter(model -> model.state() != Status.State.SERVING)
        .forEach(model -> problems.add("not serving " + model));
    status.refusals().forEach(refusal -> problems.add("refused " + refusal));
    if (status.equals(NOTHING) && !announced().isEmpty()) {
      problems.add("not serving: the core package is not installed, or does not start");
    }
    return problems;
  }

  private static void writeReady(Path file, String line) {
    Path part = file.resolveSibling(file.getFileName() + ".part");
    try {
      Files.writeString(part, line + "\n");
      Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      log.error("the ready file cannot be written file={}", file, e);
    }
  }
}
