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
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.operations.EngineEvent;
import io.shoji.worker.agent.ControlMessage;
import io.shoji.worker.agent.WorkerMain;
import io.shoji.worker.link.CallRecord;
import io.shoji.worker.link.LinkClient;
import io.shoji.worker.link.LinkFolder;
import io.shoji.worker.link.LinkListener;
import io.shoji.worker.link.LinkLoss;
import io.shoji.worker.link.LinkOptions;
import io.shoji.worker.link.LinkSecret;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.Hashtable;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceRegistration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One life of a worker: a process from its start to its end, the link to it, and the accelerators
 * that it has in the gateway. Its methods are called on one thread, that of its driver; what the
 * link tells comes on the link's.
 */
final class Worker implements LinkListener {
  private static final long LOSS_MS = 2_000;
  private static final Logger LOG = LoggerFactory.getLogger(Worker.class);

  private final Surroundings around;
  private final DriverCopy copy;
  private final long bundleId;
  private final String name;
  private final Consumer<Worker> ended;
  private final Company company;
  private final LinkFolder folder;
  private final WorkerProcess process;
  private final ProcessMemory memory;
  private final Map<Accelerator, ServiceRegistration<Accelerator>> registrations =
      new ConcurrentHashMap<>();
  private final Map<Accelerator, AcceleratorInfo> infos = new LinkedHashMap<>();
  private final CompletableFuture<LinkLoss> loss = new CompletableFuture<>();
  private final CompletableFuture<Long> firstAccelerator = new CompletableFuture<>();

  private volatile @Nullable LinkClient link;
  private volatile @Nullable Thread connecting;
  private volatile boolean stopping;
  private boolean released;

  /**
   * Starts the process, and lets it get as far as it can without the driver.
   *
   * @param bundleId of the driver's bundle
   * @param ended told when the process has ended, on a thread of its own
   * @throws IOException if it cannot be started; nothing of it is left
   */
  Worker(Surroundings around, DriverCopy copy, long bundleId, Consumer<Worker> ended)
      throws IOException {
    this.around = around;
    this.copy = copy;
    this.bundleId = bundleId;
    this.name = copy.driver() + " " + copy.version();
    this.ended = ended;
    this.company = new Company(around.quarantine());
    this.folder = LinkFolder.create(LinkFolder.defaultBase());
    boolean started = false;
    WorkerProcess begun = null;
    try {
      WorkerSettings settings = around.settings().get();
      begun =
          new WorkerProcess(
              name,
              settings,
              around.platform().classPath(),
              around.archive().options(settings),
              copy.folder(),
              process -> processEnded());
      LinkSecret secret = LinkSecret.random();
      launch(begun, secret);
      process = begun;
      memory = new ProcessMemory(begun.pid());
      this.secret = secret;
      started = true;
    } finally {
      if (!started) {
        stopping = true;
        if (begun != null) {
          begun.kill();
        }
        folder.close();
      }
    }
  }

  private final LinkSecret secret;

  private void launch(WorkerProcess begun, LinkSecret shared) throws IOException {
    List<ControlMessage> configurations = around.configurations().of(copy.pids());
    Map<String, Object> launch = new HashMap<>();
    launch.put(WorkerMain.SOCKET, folder.socket().toString());
    launch.put(WorkerMain.SECRET, shared.hex());
    launch.put(WorkerMain.STORAGE, copy.folder().resolve("framework").toString());
    launch.put(WorkerMain.PLATFORM, texts(around.platform().bundles()));
    launch.put(WorkerMain.BUNDLES, texts(copy.jars()));
    launch.put(WorkerMain.EXPORTS, around.platform().exports());
    launch.put(WorkerMain.CONFIGURATIONS, configurations.size());
    begun.tell(new ControlMessage(ControlMessage.Kind.LAUNCH, "", "", launch));
    for (ControlMessage configuration : configurations) {
      begun.tell(configuration);
    }
  }

  private static String[] texts(List<Path> paths) {
    return paths.stream().map(Path::toString).toArray(String[]::new);
  }

  /**
   * Waits until the process is ready for its driver.
   *
   * @throws IOException if it does not become so; it has ended, or is ended by now
   */
  void connect() throws IOException {
    WorkerSettings settings = around.settings().get();
    LinkOptions options =
        LinkOptions.defaults()
            .withHangMargin(Duration.ofMillis(settings.hangMarginMs()))
            .withLoadMargin(Duration.ofMillis(settings.loadMarginMs()))
            .withSpin(settings.spin());
    connecting = Thread.currentThread();
    try {
      if (!process.isAlive()) {
        throw new IOException("the process ended before it was ready");
      }
      link =
          LinkClient.connect(folder, secret, Duration.ofMillis(settings.startMs()), options, this);
    } catch (IOException e) {
      process.kill();
      throw new IOException("a worker does not become ready worker=" + this + ": " + e, e);
    } catch (InterruptedException e) {
      process.kill();
      throw new IOException("a worker ended before it was ready worker=" + this, e);
    } finally {
      connecting = null;
      // An interrupt that came too late is of no use to anybody.
      Thread.interrupted();
    }
  }

  /** Lets the driver start. */
  void go() throws IOException {
    process.tell(ControlMessage.of(ControlMessage.Kind.START));
  }

  /** Hands a changed configuration over. */
  void tell(ControlMessage message) {
    try {
      process.tell(message);
    } catch (IOException e) {
      LOG.debug("a worker does not read any more worker={}", this, e);
    }
  }

  /** PIDs that its components ask for. */
  Set<String> pids() {
    return copy.pids();
  }

  /** The copy that it runs from. */
  DriverCopy copy() {
    return copy;
  }

  /** The process. */
  WorkerProcess process() {
    return process;
  }

  /** Models that are loaded there. */
  int models() {
    return company.models().get();
  }

  /** When its first accelerator was there, of {@link System#nanoTime}. */
  CompletableFuture<Long> firstAccelerator() {
    return firstAccelerator;
  }

  /** Its accelerators, as {@code cpu:cpu0}. */
  Set<String> labels() {
    Set<String> labels = new TreeSet<>();
    accelerators().forEach(info -> labels.add(info.kind() + ":" + info.device()));
    return labels;
  }

  /** Whether one of the accelerators that it has or had can have one owner only. */
  boolean isExclusive() {
    synchronized (infos) {
      return infos.values().stream().anyMatch(AcceleratorInfo::exclusive);
    }
  }

  private Collection<AcceleratorInfo> accelerators() {
    synchronized (infos) {
      return registrations.keySet().stream()
          .map(infos::get)
          .filter(java.util.Objects::nonNull)
          .toList();
    }
  }

  // LinkListener.

  // The framework takes nothing newer.
  @SuppressWarnings("JdkObsolete")
  @Override
  public void arrived(Accelerator accelerator, Map<String, Object> properties) {
    if (stopping) {
      return;
    }
    AcceleratorInfo info = accelerator.info();
    synchronized (infos) {
      infos.put(accelerator, info);
    }
    Hashtable<String, Object> all = new Hashtable<>(properties);
    all.putAll(info.properties());
    all.put(AcceleratorInfo.HOSTED, bundleId);
    try {
      registrations.put(
          accelerator,
          around
              .context()
              .registerService(
                  Accelerator.class, new HostedAccelerator(accelerator, company, memory), all));
      LOG.info("an accelerator serves from a worker worker={} accelerator={}", this, info);
      firstAccelerator.complete(System.nanoTime());
    } catch (IllegalStateException e) {
      LOG.debug("this bundle stops, and nothing is registered any more", e);
    }
  }

  @Override
  public void left(Accelerator accelerator) {
    ServiceRegistration<Accelerator> registration = registrations.remove(accelerator);
    if (registration != null) {
      unregister(registration);
    }
  }

  @Override
  public void lost(LinkLoss lost) {
    loss.complete(lost);
    if (!stopping) {
      process.kill();
    }
  }

  private static void unregister(ServiceRegistration<Accelerator> registration) {
    try {
      registration.unregister();
    } catch (IllegalStateException e) {
      LOG.debug("the framework has taken the service back already", e);
    }
  }

  /** Lets the accelerators of another worker take over from this one's. */
  // The framework takes nothing newer.
  @SuppressWarnings("JdkObsolete")
  void release() {
    if (released) {
      return;
    }
    released = true;
    for (ServiceRegistration<Accelerator> registration : registrations.values()) {
      try {
        Hashtable<String, Object> properties = new Hashtable<>();
        for (String key : registration.getReference().getPropertyKeys()) {
          if (!key.startsWith("service.") && !key.equals(Constants.OBJECTCLASS)) {
            properties.put(key, registration.getReference().getProperty(key));
          }
        }
        properties.put(AcceleratorInfo.LEAVING, true);
        registration.setProperties(properties);
      } catch (IllegalStateException e) {
        LOG.debug("an accelerator left meanwhile worker={}", this, e);
      }
    }
  }

  /** Takes the accelerators back: returns when the engine uses none of them any more. */
  void withdraw() {
    List.copyOf(registrations.keySet()).forEach(this::left);
  }

  /** Ends the process in order; returns when it has ended and nothing of it is left. */
  void stop() {
    stopping = true;
    withdraw();
    try {
      process.stop(around.settings().get().stopMs());
    } catch (InterruptedException e) {
      process.kill();
      Thread.currentThread().interrupt();
    }
    tidy();
  }

  private void tidy() {
    LinkClient connected = link;
    if (connected != null) {
      connected.close();
    }
    folder.close();
  }

  private void processEnded() {
    Thread waiting = connecting;
    if (waiting != null) {
      waiting.interrupt();
    }
    if (!stopping) {
      ended.accept(this);
    }
  }

  /**
   * The process has ended and nobody had asked it to: takes the accelerators back, says why in a
   * report, and tidies up.
   *
   * @return the report
   */
  CrashReport died() {
    stopping = true;
    LinkLoss lost = loss();
    withdraw();
    tidy();
    int exit = process.exitCode();
    ErrorFile error = ErrorFile.read(process.errorFile());
    String signal = error.signal().isEmpty() ? WorkerProcess.signal(exit) : error.signal();
    List<CallRecord> calls = lost == null ? List.of() : lost.calls();
    List<String> requests = new ArrayList<>();
    for (CallRecord call : calls) {
      requests.add(
          call.call()
              + " "
              + call.model()
              + " "
              + call.inputs()
              + (call.begun() ? "" : " waiting")
              + " runningMs="
              + call.runningNanos() / 1_000_000);
    }
    Optional<CallRecord> first = calls.stream().filter(CallRecord::begun).findFirst();
    Set<String> runtimes = new TreeSet<>();
    synchronized (infos) {
      infos
          .values()
          .forEach(
              info ->
                  runtimes.add(
                      info.runtime() + " " + info.runtimeVersion() + " " + info.runtimeBuildId()));
    }
    CrashReport report =
        new CrashReport(
            around.crashes().next(),
            Instant.now(),
            copy.driver(),
            copy.version(),
            List.copyOf(runtimes),
            cause(lost, exit, signal),
            exit,
            signal,
            error.frame(),
            error.nativeFrames(),
            first.map(CallRecord::call).orElse(""),
            requests,
            process.upMs(),
            process.lastLines());
    judge(lost, signal, calls);
    return report;
  }

  private @Nullable LinkLoss loss() {
    if (link == null) {
      return null;
    }
    try {
      return loss.get(LOSS_MS, TimeUnit.MILLISECONDS);
    } catch (TimeoutException | ExecutionException e) {
      LOG.warn("the link does not tell that a worker is gone worker={}", this, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return null;
  }

  private static String cause(@Nullable LinkLoss lost, int exit, String signal) {
    if (lost != null
        && (lost.reason() == LinkLoss.Reason.HUNG || lost.reason() == LinkLoss.Reason.PROTOCOL)) {
      return lost.reason() + ": " + lost.message();
    }
    if (exit == WorkerMain.NOT_STARTED) {
      return "it could not start";
    }
    return signal.isEmpty() ? "it exited by itself" : "ended by " + signal;
  }

  /** Says which inputs were under way; SIGKILL from outside says nothing against any of them. */
  private void judge(@Nullable LinkLoss lost, String signal, List<CallRecord> calls) {
    boolean hung = lost != null && lost.reason() == LinkLoss.Reason.HUNG;
    if (signal.equals("SIGKILL") && !hung) {
      return;
    }
    List<String> digests =
        calls.stream()
            .filter(call -> call.begun() && !call.inputSha256().isEmpty())
            .map(CallRecord::inputSha256)
            .distinct()
            .toList();
    around
        .quarantine()
        .died(digests, company.alone())
        .ifPresent(
            digest -> {
              String message =
                  "an input is refused from now on, which brought workers down input="
                      + digest
                      + " worker="
                      + this;
              LOG.warn("{}", message);
              around
                  .incidents()
                  .report(
                      EngineEvent.Type.INPUT_QUARANTINED,
                      String.join(",", infoLabels()),
                      message,
                      Map.of("input", digest, "driver", copy.driver()));
            });
  }

  /** The accelerators that it has or had. */
  Set<String> infoLabels() {
    Set<String> labels = new TreeSet<>();
    synchronized (infos) {
      infos.values().forEach(info -> labels.add(info.kind() + ":" + info.device()));
    }
    return labels;
  }

  @Override
  public String toString() {
    return name + " pid=" + process.pid();
  }
}
