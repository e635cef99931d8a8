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
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.LoadedModel;
import io.shoji.inference.AcceleratorStatus;
import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceException.Code;
import io.shoji.inference.InferenceResult;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.inference.PreparedInference;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelPackage;
import io.shoji.operations.EngineEvent;
import io.shoji.operations.ModelPolicy;
import io.shoji.operations.OperationsPolicy;
import io.shoji.operations.RolloutPolicy;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.IntPredicate;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The engine itself, without its component: accelerators and packages in, answers out. */
final class Engine implements InferenceService, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Engine.class);

  /**
   * So many lost devices send a request elsewhere: several go with one hub. An input that brings
   * processes of drivers down is refused by their quarantine before.
   */
  static final int MOST_LOSSES = 4;

  private static final int IDLE_SECONDS = 30;

  private final ConcurrentHashMap<String, Family> families = new ConcurrentHashMap<>();

  /** Present devices, by label; replaced as a whole. */
  private volatile List<Device> devices = List.of();

  private volatile Settings settings;
  private volatile boolean stopping;

  private final LongSupplier stopwatch;
  private final ThreadPoolExecutor loader;
  private final ThreadPoolExecutor workers;
  private final ScheduledThreadPoolExecutor timer;
  private final Background background = new Background(this::lower);
  private final Placement placement;
  private final Guard guard;
  private final Pins pins;
  private final Journal journal;
  private final Rollouts rollouts;
  private final Events events = new Events(Clock.systemUTC());
  private final Receipts receipts = new Receipts(Clock.systemUTC(), events, this::after);
  private volatile FieldSamples fieldSamples = FieldSamples.none();
  private volatile OperationsPolicy policy = OperationsPolicy.empty();
  private volatile DriftSettings driftSettings = DriftSettings.DEFAULTS;

  /** Labels of devices that were there. Guarded by this. */
  private final Set<String> seen = new HashSet<>();

  /** Labels of devices that were there and are not. Guarded by this. */
  private final Set<String> lost = new HashSet<>();

  /** Devices that came. Guarded by this. */
  private long arrivals;

  private final long startNanos = System.nanoTime();

  private volatile Supplier<Optional<MemoryRoom.Room>> room =
      new MemoryRoom(Path.of("/proc"), Path.of("/sys/fs/cgroup"));

  /** Lowers the calling thread's priority to a niceness; whether it did. */
  private volatile IntPredicate lowering = nice -> false;

  Engine(Settings settings) {
    this(settings, System::nanoTime, Pins.inMemory(), Journal.inMemory());
  }

  Engine(Settings settings, LongSupplier stopwatch, Pins pins) {
    this(settings, stopwatch, pins, Journal.inMemory());
  }

  Engine(Settings settings, LongSupplier stopwatch, Pins pins, Journal journal) {
    this(settings, stopwatch, System::nanoTime, pins, journal);
  }

  /**
   * An engine.
   *
   * @param stopwatch clock to measure models by, read on the thread that runs them
   * @param clock clock that canaries and probations end by, nanoseconds
   * @param pins what was pinned before
   * @param journal what became of changes before; closed with the engine
   */
  Engine(
      Settings settings, LongSupplier stopwatch, LongSupplier clock, Pins pins, Journal journal) {
    this.settings = settings;
    this.pins = pins;
    this.journal = journal;
    this.stopwatch = stopwatch;
    this.loader =
        new ThreadPoolExecutor(
            settings.loaderThreads(),
            settings.loaderThreads(),
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            new Threads("loader"),
            // Refused only once the engine stops: nothing is to be loaded then.
            new ThreadPoolExecutor.DiscardPolicy());
    loader.allowCoreThreadTimeOut(true);
    // Bounded by the places that the gates give to asynchronous requests.
    this.workers =
        new ThreadPoolExecutor(
            0,
            Integer.MAX_VALUE,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new SynchronousQueue<>(),
            new Threads("worker"));
    this.timer =
        new ScheduledThreadPoolExecutor(
            1, new Threads("timer"), new ThreadPoolExecutor.DiscardPolicy());
    timer.setRemoveOnCancelPolicy(true);
    this.placement = new Placement(this, loader);
    this.guard = new Guard(this);
    this.rollouts = new Rollouts(this, journal, clock);
    journal.observe(new JournalEvents(this));
    guard.look();
  }

  // For the engine's parts.

  Settings settings() {
    return settings;
  }

  Placement placement() {
    return placement;
  }

  /** Where drivers prepare models, so that what serves goes on as if they did not. */
  Background background() {
    return background;
  }

  /** How much more memory may be taken; empty if nobody knows. */
  Optional<MemoryRoom.Room> room() {
    return room.get();
  }

  /** Takes another source for how much more memory may be taken. */
  void roomBy(Supplier<Optional<MemoryRoom.Room>> other) {
    room = other;
  }

  /** Takes another way to lower a thread's priority; before anything is loaded. */
  void lowerBy(IntPredicate other) {
    lowering = other;
  }

  private boolean lower() {
    int nice = settings.loaderNiceness();
    return nice > 0 && lowering.test(nice);
  }

  /** Whether anything serves that the preparation of a model could disturb. */
  boolean serves() {
    return devices.stream().anyMatch(device -> !device.generations.isEmpty());
  }

  /** How generations take over from each other. */
  Rollouts rollouts() {
    return rollouts;
  }

  /** How another generation of a model is to take over. */
  RolloutPolicy rollout(String model) {
    return policy.model(model).rollout().orElse(settings.rollout());
  }

  /** What keeps the engine going when a vendor's library hangs. */
  Guard guard() {
    return guard;
  }

  /** A model's driver hangs: what serves on it serves no more. */
  void hangs(Device device, GuardedModel model, String reason) {
    for (Generation generation : device.generations) {
      if (generation.loaded == model) {
        boolean unused = generation.model.family.fail(generation, reason, true);
      }
    }
  }

  /** What a model does while its accelerator is away. */
  ModelPolicy.Gap gap(String model) {
    return policy.model(model).gap().orElse(settings.gap());
  }

  /** What models are pinned to. */
  Pins pins() {
    return pins;
  }

  /** What became of changes of what answers. */
  Journal journal() {
    return journal;
  }

  /** What happened. */
  Events events() {
    return events;
  }

  /** What became of what was given back. */
  Receipts receipts() {
    return receipts;
  }

  /** Keeps real inputs there. Before anything serves. */
  void keep(FieldSamples samples) {
    fieldSamples = samples;
    after(samples.graceMs(), samples::sweep);
  }

  /** Real inputs that are kept. */
  FieldSamples fieldSamples() {
    return fieldSamples;
  }

  /** How drift is watched. */
  DriftSettings driftSettings() {
    return driftSettings;
  }

  /** Watches drift in another way. */
  void configure(DriftSettings changed) {
    driftSettings = changed;
  }

  /** Shows the requests of a generation that is about to serve. Under the family's lock. */
  void watch(Generation generation) {
    Drift.watch(this, generation);
    fieldSamples.watch(generation);
  }

  /** What the operator configured. */
  OperationsPolicy policy() {
    return policy;
  }

  /**
   * Takes another policy, which was checked; models are placed anew in the background.
   *
   * @param told says so, before anything follows from it
   */
  void configure(OperationsPolicy changed, Runnable told) {
    synchronized (this) {
      policy = changed;
    }
    told.run();
    fieldSamples.configure(changed);
    after(fieldSamples.graceMs(), fieldSamples::sweep);
    families.values().forEach(Family::policyChanged);
  }

  /** The versions of a model, or null if it never was installed. */
  @Nullable Family family(String name) {
    return families.get(name);
  }

  /** Every model that was ever installed, by name. */
  List<Family> families() {
    List<Family> all = new ArrayList<>(families.values());
    all.sort(Comparator.comparing(f -> f.name));
    return all;
  }

  /** What the latency of models is measured by, nanoseconds. */
  LongSupplier stopwatch() {
    return stopwatch;
  }

  boolean stopping() {
    return stopping;
  }

  /** How long a first device is still taken to come, milliseconds; 0 when that time is over. */
  long startingMs() {
    long passedMs = (System.nanoTime() - startNanos) / 1_000_000;
    return Math.max(0, settings.gapWaitMs() - passedMs);
  }

  /** Devices that are there, by label. */
  List<Device> devices() {
    return devices;
  }

  /** Does something later, for sure unless the engine stops before. */
  void after(long delayMs, Runnable task) {
    Future<?> unused = scheduleNanos(delayMs * 1_000_000, task);
  }

  /** Does something later, unless it is cancelled or the engine stops before. */
  Future<?> scheduleNanos(long delayNanos, Runnable task) {
    return timer.schedule(guarded(task), delayNanos, TimeUnit.NANOSECONDS);
  }

  private static Runnable guarded(Runnable task) {
    return () -> {
      try {
        task.run();
      } catch (RuntimeException | Error e) {
        LOG.error("background work of the engine failed", e);
        throw e;
      }
    };
  }

  /** Lets waiters go on whose outcome is set. Under no lock. */
  void deliver(List<Waiter> settled) {
    List<Runnable> endings = new ArrayList<>();
    for (int i = 0; i < settled.size(); i++) {
      Waiter waiter = settled.get(i);
      AsyncRequest request = waiter.async;
      if (request == null) {
        waiter.wake();
        continue;
      }
      waiter.cancelExpiry();
      Object outcome = waiter.outcome();
      if (outcome instanceof Generation generation) {
        execute(() -> request.run(generation));
      } else if (outcome instanceof Ending ending) {
        endings.add(() -> request.end(ending));
      }
    }
    if (!endings.isEmpty()) {
      execute(() -> endings.forEach(Runnable::run));
    }
  }

  /** Does something soon, on a thread that may wait. */
  void execute(Runnable work) {
    Runnable task = guarded(work);
    try {
      workers.execute(task);
    } catch (RejectedExecutionException | OutOfMemoryError e) {
      // The engine has stopped, or the process can have no more threads: what was accepted before
      // still ends.
      LOG.debug("no thread to be had, running on {}", Thread.currentThread().getName(), e);
      task.run();
    }
  }

  void closeInBackground(Generation retired) {
    int limitMs = settings.drainTimeoutMs();
    // Cancelled at the close: a pending task would keep the driver's classes in memory.
    Future<?> warning =
        scheduleNanos(
            limitMs * 1_000_000L,
            () ->
                LOG.warn(
                    "requests still run on a generation that serves no more, it is closed when"
                        + " they end {} running={} afterMs={}",
                    retired,
                    retired.running(),
                    limitMs));
    retired.closeWhenDrained(
        close ->
            execute(
                () -> {
                  warning.cancel(false);
                  close.run();
                }));
  }

  /** Gives back place and lease. */
  void leave(Generation generation, boolean async) {
    leavePlace(generation, async);
    generation.release();
  }

  /** Gives back the place alone. */
  void leavePlace(Generation generation, boolean async) {
    List<Waiter> next = generation.gate.exit(generation, async);
    if (!next.isEmpty()) {
      deliver(next);
    }
  }

  /** Place and lease for a synchronous request, at once or after waiting. */
  Generation enter(
      Family family,
      ModelRef ref,
      long startNanos,
      long deadlineNanos,
      @Nullable InferenceException lost)
      throws InferenceException {
    Generation generation = enterAtOnce(family, ref);
    if (generation != null) {
      return generation;
    }
    try {
      return family.enter(ref, startNanos, deadlineNanos, false);
    } catch (InferenceException e) {
      throw afterLoss(e, lost);
    }
  }

  private static @Nullable Generation enterAtOnce(Family family, ModelRef ref) {
    Generation generation = family.routes().find(ref);
    return generation != null && enterAtOnce(generation) ? generation : null;
  }

  /** Takes lease and place if they are to be had at once. */
  static boolean enterAtOnce(Generation generation) {
    if (generation.lease()) {
      if (generation.gate.tryEnter(generation)) {
        return true;
      }
      generation.release();
    }
    return false;
  }

  /** What a request ends with that lost its device and then found no other. */
  static InferenceException afterLoss(
      InferenceException failure, @Nullable InferenceException lost) {
    if (lost == null || failure.code() == Code.CANCELLED) {
      return failure;
    }
    return new InferenceException(
        Code.DEVICE_LOST,
        lost.getMessage() + "; then nothing else took over: " + failure.getMessage(),
        lost.getCause());
  }

  /** What a failed run means to the caller; takes a generation out of service that is broken. */
  InferenceException failed(Generation generation, Throwable thrown) {
    Code code;
    boolean broken = false;
    if (thrown instanceof AcceleratorException e) {
      switch (e.code()) {
        case TIMEOUT -> code = Code.DEADLINE_EXCEEDED;
        case INVALID_INPUT -> code = Code.INVALID_INPUT;
        case QUARANTINED -> code = Code.QUARANTINED;
        case OUT_OF_MEMORY -> code = Code.FAILED;
        case DEVICE_LOST -> {
          code = Code.DEVICE_LOST;
          broken = true;
        }
        default -> {
          code = Code.FAILED;
          broken = true;
        }
      }
    } else if (thrown instanceof IllegalArgumentException) {
      code = Code.INVALID_INPUT;
    } else if (thrown instanceof IllegalStateException) {
      // The driver closed the model: it stops, or its device went.
      code = Code.DEVICE_LOST;
      broken = true;
    } else if (thrown instanceof OutOfMemoryError) {
      code = Code.FAILED;
    } else {
      code = Code.FAILED;
      broken = true;
    }
    String message = thrown.getMessage() == null ? thrown.toString() : thrown.getMessage();
    if (broken && generation.model.family.fail(generation, message, code == Code.DEVICE_LOST)) {
      LOG.warn("a generation failed and serves no more {}: {}", generation, message);
    }
    return new InferenceException(code, message + " " + generation, thrown);
  }

  /** Counts a request that ended without an answer. */
  void count(Family family, ModelRef ref, Code code) {
    Model model = family.countsFor(ref);
    if (model != null) {
      model.metrics.failed(code);
    }
  }

  void checkDeadline(ModelRef ref, long nowNanos, long deadlineNanos) throws InferenceException {
    if (deadlineNanos - nowNanos <= 0) {
      throw new InferenceException(
          Code.DEADLINE_EXCEEDED,
          "the deadline had passed before the call; deadlines are values of System.nanoTime model="
              + ref
              + " lateMs="
              + (nowNanos - deadlineNanos) / 1_000_000);
    }
  }

  /** Checks number, element types and shapes of a request's tensors. */
  static void check(String kind, List<TensorSpec> specs, List<Tensor> tensors)
      throws InferenceException {
    if (specs.size() != tensors.size()) {
      throw new InferenceException(
          Code.INVALID_INPUT,
          "wrong number of "
              + kind
              + "s asked="
              + specs.size()
              + " "
              + specs
              + " found="
              + tensors.size());
    }
    for (int i = 0; i < specs.size(); i++) {
      Optional<String> mismatch = specs.get(i).mismatch(tensors.get(i));
      if (mismatch.isPresent()) {
        throw new InferenceException(
            Code.INVALID_INPUT, kind + " " + mismatch.get() + " index=" + i);
      }
    }
  }

  static Ending shuttingDown() {
    return new Ending(Code.SHUTTING_DOWN, "the engine stops; call again when it is back");
  }

  Ending unknown(ModelRef ref) {
    List<String> installed =
        families.values().stream().flatMap(f -> f.installed().stream()).sorted().toList();
    return new Ending(
        Code.UNKNOWN_MODEL,
        "no installed model package fits; install one or ask for another asked="
            + ref
            + " installed="
            + installed);
  }

  private Family family(ModelRef ref) throws InferenceException {
    if (stopping) {
      throw shuttingDown().exception();
    }
    Family family = families.get(ref.name());
    if (family == null) {
      throw unknown(ref).exception();
    }
    return family;
  }

  // InferenceService.

  @Override
  public InferenceResult infer(ModelRef model, List<Tensor> inputs, long deadlineNanos)
      throws InferenceException {
    long start = System.nanoTime();
    Family family = family(model);
    try {
      checkDeadline(model, start, deadlineNanos);
      checkEarly(family, model, inputs);
      try {
        InferenceResult tried = tryFirst(family, model, inputs, start, deadlineNanos);
        return tried != null ? tried : attempt(family, model, inputs, start, deadlineNanos);
      } catch (InferenceException e) {
        if (e.code() != Code.DEVICE_LOST) {
          throw e;
        }
        return attemptElsewhere(family, model, inputs, start, deadlineNanos, e);
      }
    } catch (InferenceException e) {
      count(family, model, e.code());
      throw e;
    }
  }

  /**
   * Has a request answered by a generation that does not answer yet, if it is one of its share and
   * there is a place at once.
   *
   * @return null if what answers is to answer
   */
  private @Nullable InferenceResult tryFirst(
      Family family, ModelRef ref, List<Tensor> inputs, long start, long deadlineNanos)
      throws InferenceException {
    Generation tried = family.routes().trying(ref);
    if (tried == null || !enterAtOnce(tried)) {
      return null;
    }
    try {
      InferenceResult result = runOn(tried, inputs, start, deadlineNanos, false);
      tried.model.metrics.answered(System.nanoTime() - start, result.queueNanos());
      return result;
    } catch (InferenceException e) {
      if (deadlineNanos - System.nanoTime() <= 0) {
        throw e;
      }
      LOG.debug("a generation on trial failed, what answers is asked {}", tried, e);
      return null;
    }
  }

  private InferenceResult attempt(
      Family family, ModelRef ref, List<Tensor> inputs, long start, long deadlineNanos)
      throws InferenceException {
    Generation generation = enter(family, ref, start, deadlineNanos, null);
    return answered(generation, start, runOn(generation, inputs, start, deadlineNanos, false));
  }

  /** Goes on after a device was lost, on what serves then, while that is lost too. */
  private InferenceResult attemptElsewhere(
      Family family,
      ModelRef ref,
      List<Tensor> inputs,
      long start,
      long deadlineNanos,
      InferenceException first)
      throws InferenceException {
    InferenceException lost = first;
    for (int losses = 1; ; losses++) {
      Generation generation = enter(family, ref, start, deadlineNanos, lost);
      try {
        return answered(generation, start, runOn(generation, inputs, start, deadlineNanos, false));
      } catch (InferenceException e) {
        if (e.code() != Code.DEVICE_LOST || losses == MOST_LOSSES) {
          throw e;
        }
        lost = e;
      }
    }
  }

  private static InferenceResult answered(
      Generation generation, long start, InferenceResult result) {
    generation.model.metrics.answered(System.nanoTime() - start, result.queueNanos());
    return result;
  }

  /** Runs with lease and place, and gives both back when the device is done with it. */
  InferenceResult runOn(
      Generation generation,
      List<Tensor> inputs,
      long startNanos,
      long deadlineNanos,
      boolean async)
      throws InferenceException {
    try {
      check("input", generation.inputs, inputs);
    } catch (InferenceException e) {
      leave(generation, async);
      throw e;
    }
    InferenceResult result;
    try {
      Callable<InferenceResult> run =
          () -> {
            try {
              long begun = System.nanoTime();
              List<Tensor> outputs = generation.loaded.run(inputs, deadlineNanos);
              long done = System.nanoTime();
              return new InferenceResult(
                  outputs, generation.provenance, begun - startNanos, done - begun);
            } finally {
              generation.release();
            }
          };
      // Nobody waits on the thread of an asynchronous request.
      result =
          !async && guard.releases(generation)
              ? guard.away(generation, deadlineNanos, run)
              : guard.here(generation, async, deadlineNanos, run);
    } catch (Exception | Error e) {
      InferenceException failure = failed(generation, e);
      generation.failed(inputs, failure);
      throw failure;
    }
    generation.answered(inputs, result.outputs(), result.runNanos());
    return result;
  }

  /** Refuses what does not fit before it waits for anything. */
  private static void checkEarly(Family family, ModelRef model, List<Tensor> inputs)
      throws InferenceException {
    Generation generation = family.routes().find(model);
    if (generation != null) {
      check("input", generation.inputs, inputs);
    }
  }

  @Override
  public CompletableFuture<InferenceResult> inferAsync(
      ModelRef model, List<Tensor> inputs, long deadlineNanos) {
    long start = System.nanoTime();
    Family family;
    try {
      family = family(model);
    } catch (InferenceException e) {
      return CompletableFuture.failedFuture(e);
    }
    try {
      checkDeadline(model, start, deadlineNanos);
      checkEarly(family, model, inputs);
    } catch (InferenceException e) {
      count(family, model, e.code());
      return CompletableFuture.failedFuture(e);
    }
    AsyncRequest request = new AsyncRequest(this, family, model, inputs, start, deadlineNanos);
    request.submit();
    return request;
  }

  @Override
  public PreparedInference prepare(
      ModelRef model, List<Tensor> inputs, List<Tensor> outputs, long deadlineNanos)
      throws InferenceException {
    Family family = family(model);
    Generation generation = ready(family, model, deadlineNanos);
    try {
      Prepared prepared = new Prepared(this, family, model, inputs, outputs);
      prepared.prepareFor(generation);
      return prepared;
    } finally {
      generation.release();
    }
  }

  @Override
  public PreparedInference prepare(ModelRef model, long batchSize, long deadlineNanos)
      throws InferenceException {
    if (batchSize < 1) {
      throw new InferenceException(
          Code.INVALID_INPUT, "a batch holds at least one sample batchSize=" + batchSize);
    }
    Family family = family(model);
    Generation generation = ready(family, model, deadlineNanos);
    Prepared prepared;
    try {
      prepared =
          Prepared.on(this, family, model, generation, buffers(generation, model, batchSize));
    } finally {
      generation.release();
    }
    boolean done = false;
    try {
      if (generation.outputs.stream().anyMatch(o -> o.shape().isDynamic())) {
        // A run to see the shapes; it is no request, and not counted as one.
        Generation runner = enter(family, model, System.nanoTime(), deadlineNanos, null);
        checkOutputs(
            runOn(runner, prepared.inputs(), System.nanoTime(), deadlineNanos, false).outputs(),
            prepared.outputs());
      }
      Generation serving = ready(family, model, deadlineNanos);
      try {
        prepared.prepareFor(serving);
      } finally {
        serving.release();
      }
      done = true;
      return prepared;
    } finally {
      if (!done) {
        prepared.close();
      }
    }
  }

  /** Tensors of a batch in the memory that suits the accelerator best. */
  private LoadedModel.Buffers buffers(Generation generation, ModelRef model, long batchSize)
      throws InferenceException {
    List<Shape> inputs = shapes(generation.inputs, batchSize);
    List<Shape> outputs = shapes(generation.outputs, batchSize);
    try {
      return generation.loaded.buffers(inputs, outputs);
    } catch (IllegalArgumentException | OutOfMemoryError e) {
      throw noMemory(model, inputs, outputs, batchSize, e);
    } catch (AcceleratorException | RuntimeException e) {
      if (e instanceof AcceleratorException known
          && known.code() == AcceleratorException.Code.OUT_OF_MEMORY) {
        throw noMemory(model, inputs, outputs, batchSize, e);
      }
      throw failed(generation, e);
    }
  }

  private static List<Shape> shapes(List<TensorSpec> specs, long batchSize) {
    return specs.stream().map(spec -> spec.shape().withDynamicAs(batchSize)).toList();
  }

  private static InferenceException noMemory(
      ModelRef model, List<Shape> inputs, List<Shape> outputs, long batchSize, Throwable cause) {
    return new InferenceException(
        Code.INVALID_INPUT,
        "no memory for the tensors; take a smaller batch model="
            + model
            + " inputs="
            + inputs
            + " outputs="
            + outputs
            + " batchSize="
            + batchSize
            + " reason="
            + cause.getMessage(),
        cause);
  }

  private static void checkOutputs(List<Tensor> actual, List<Tensor> expected)
      throws InferenceException {
    for (int i = 0; i < expected.size(); i++) {
      if (!actual.get(i).shape().equals(expected.get(i).shape())) {
        throw new InferenceException(
            Code.INVALID_INPUT,
            "an output's shape is not decided by the batch size alone; call infer, or prepare with"
                + " outputs of your own index="
                + i
                + " asked="
                + expected.get(i)
                + " found="
                + actual.get(i));
      }
    }
  }

  /** A generation with a lease, at once or after waiting for one. */
  private Generation ready(Family family, ModelRef model, long deadlineNanos)
      throws InferenceException {
    long start = System.nanoTime();
    checkDeadline(model, start, deadlineNanos);
    return family.enter(model, start, deadlineNanos, true);
  }

  @Override
  public Optional<ModelStatus> model(ModelRef model) {
    Family family = families.get(model.name());
    if (family == null) {
      return Optional.empty();
    }
    synchronized (family) {
      Model found = family.about(model);
      return found == null ? Optional.empty() : Optional.of(placement.status(found));
    }
  }

  /** Whether something is left to load or measure for the newest version. */
  boolean placing(ModelRef model) {
    Family family = families.get(model.name());
    if (family == null) {
      return false;
    }
    synchronized (family) {
      Model newest = family.newest(m -> model.accepts(family.name, m.version));
      return newest != null && newest.placing;
    }
  }

  @Override
  public List<ModelStatus> models() {
    List<ModelStatus> all = new ArrayList<>();
    for (Family family : families()) {
      synchronized (family) {
        List<Model> versions = family.models();
        for (int i = versions.size() - 1; i >= 0; i--) {
          if (versions.get(i).installed() && family.wanted(versions.get(i))) {
            all.add(placement.status(versions.get(i)));
          }
        }
      }
    }
    return all;
  }

  @Override
  public List<AcceleratorStatus> accelerators() {
    List<AcceleratorStatus> all = new ArrayList<>();
    for (Device device : devices) {
      List<String> serving = new ArrayList<>();
      for (Family family : families.values()) {
        synchronized (family) {
          for (Model model : family.models()) {
            if (model.serving != null && model.serving.device == device) {
              serving.add(model.toString());
            }
          }
        }
      }
      serving.sort(Comparator.naturalOrder());
      all.add(
          new AcceleratorStatus(
              device.info,
              health(device),
              serving,
              device.isUnused() ? "nothing uses this driver any more, it may be uninstalled" : ""));
    }
    return all;
  }

  private AcceleratorHealth health(Device device) {
    String suspicion = guard.suspicion(device);
    if (!suspicion.isEmpty()) {
      return AcceleratorHealth.of(AcceleratorHealth.State.SUSPECT, suspicion);
    }
    try {
      return device.accelerator.health();
    } catch (AcceleratorException | RuntimeException e) {
      return AcceleratorHealth.of(AcceleratorHealth.State.LOST, String.valueOf(e.getMessage()));
    }
  }

  // What comes and goes.

  /** An accelerator is there; models are placed anew in the background. */
  void addAccelerator(Accelerator accelerator) {
    Device device;
    EngineEvent.Type event;
    Optional<Device> beside;
    List<Waiter> granted;
    synchronized (this) {
      if (stopping) {
        return;
      }
      AcceleratorInfo info = accelerator.info();
      beside =
          devices.stream()
              .filter(d -> d.label.equals(Device.label(info)) && !d.leaving())
              .findFirst();
      Gate gate =
          beside
              .map(d -> d.gate)
              .orElseGet(() -> new Gate(info.concurrency(), () -> settings.asyncThreads()));
      granted = gate.widen(info.concurrency());
      device = new Device(accelerator, gate, ++arrivals, this::freed);
      event =
          lost.remove(device.label)
              ? EngineEvent.Type.DEVICE_BACK
              : seen.add(device.label) ? EngineEvent.Type.DEVICE_ADDED : null;
      List<Device> more = new ArrayList<>(devices);
      more.add(device);
      more.sort(Comparator.comparing(d -> d.label));
      devices = List.copyOf(more);
    }
    receipts.arrived(device);
    deliver(granted);
    LOG.info("accelerator is there {}", device.info);
    if (beside.isPresent()) {
      LOG.info(
          "two drivers are there for one device: models go over to the newer one by one, and what"
              + " it cannot serve stays accelerator={} older={} newer={}",
          device,
          (device.supersedes(beside.get()) ? beside.get() : device).driver(),
          (device.supersedes(beside.get()) ? device : beside.get()).driver());
    }
    if (event != null) {
      deviceEvent(event, device, "an accelerator is there " + device.info);
    }
    families.values().forEach(Family::deviceAdded);
    lookForUnused();
  }

  private void deviceEvent(EngineEvent.Type type, Device device, String message) {
    events.add(
        type,
        "",
        "",
        device.label,
        message,
        Map.of(
            "driver", device.info.driver(),
            "driver.version", device.info.driverVersion(),
            "runtime", device.info.runtime(),
            "runtime.version", device.info.runtimeVersion(),
            "simulated", Boolean.toString(device.info.simulated())));
  }

  private void freed(Device device) {
    if (!stopping && !device.leaving()) {
      families.values().forEach(family -> family.deviceFreed(device));
      lookForUnused();
    }
  }

  /** Looks soon whether a driver has become of no use. */
  void lookForUnused() {
    if (devices.stream().anyMatch(this::isSuperseded)) {
      after(0, this::tellUnused);
    }
  }

  private boolean isSuperseded(Device device) {
    return devices.stream().anyMatch(other -> other.supersedes(device));
  }

  /**
   * Says of each driver that serves nothing, while another serves the same device, that it may go.
   */
  private void tellUnused() {
    for (Family family : families.values()) {
      synchronized (family) {
        if (family.models().stream().anyMatch(model -> model.placing)) {
          // Looked at again when that is over.
          return;
        }
      }
    }
    for (Device device : devices) {
      if (isSuperseded(device)
          && device.generations.isEmpty()
          && !device.leaving()
          && device.unused()) {
        LOG.info(
            "nothing uses a driver any more, it may be uninstalled accelerator={} driver={}",
            device,
            device.driver());
        deviceEvent(
            EngineEvent.Type.DRIVER_UNUSED,
            device,
            "no generation uses a driver any more, since another serves its device: it may be"
                + " uninstalled driver="
                + device.driver());
      }
    }
  }

  /**
   * Lets other drivers of the same devices take over from one, whatever their versions.
   *
   * @param driver symbolic name of its bundle
   * @return labels of its devices, each with the driver that takes over; empty if it has none
   * @throws IllegalStateException if a device of it has no other driver; nothing was changed
   */
  Map<String, String> release(String driver) {
    Map<String, String> successors = new TreeMap<>();
    for (Device device : devices) {
      if (device.info.driver().equals(driver)) {
        successors.put(
            device.label,
            devices.stream()
                .filter(d -> d.label.equals(device.label) && !d.info.driver().equals(driver))
                .map(Device::driver)
                .findFirst()
                .orElseThrow(() -> new IllegalStateException(device.label)));
      }
    }
    for (Device device : devices) {
      if (device.info.driver().equals(driver)) {
        device.release();
      }
    }
    families.values().forEach(Family::deviceAdded);
    lookForUnused();
    return successors;
  }

  /** Lets whatever else serves the same device take over from an accelerator. */
  void release(Accelerator accelerator) {
    for (Device device : devices) {
      if (device.accelerator == accelerator) {
        device.release();
      }
    }
    families.values().forEach(Family::deviceAdded);
    lookForUnused();
  }

  /**
   * An accelerator leaves. Returns when everything on it is closed, or when the time for that is
   * over.
   */
  void removeAccelerator(Accelerator accelerator) {
    Device device = null;
    boolean gone;
    synchronized (this) {
      for (Device each : devices) {
        if (each.accelerator == accelerator) {
          device = each;
        }
      }
      if (device == null) {
        return;
      }
      List<Device> fewer = new ArrayList<>(devices);
      fewer.remove(device);
      devices = List.copyOf(fewer);
      String label = device.label;
      // A new driver may have taken it over before the old one let go.
      gone = fewer.stream().noneMatch(d -> d.label.equals(label)) && lost.add(label);
    }
    if (gone) {
      deviceEvent(EngineEvent.Type.DEVICE_LOST, device, "an accelerator is gone " + device.info);
    }
    long until = System.nanoTime() + settings.drainTimeoutMs() * 1_000_000L;
    receipts.leaving(device);
    device.leave();
    for (Family family : families.values()) {
      family.deviceLeaves(device);
    }
    closeAll(device.newestFirst(), until);
    if (!uninterruptibly(until, device::awaitLoads)) {
      LOG.warn(
          "an accelerator left while a model is being loaded on it, which has not given up"
              + " accelerator={} waitedMs={}",
          device,
          settings.drainTimeoutMs());
    }
    receipts.left(device);
    LOG.info("accelerator is gone {}", device.info);
  }

  /** Closes retired generations on this thread, those that do not drain in time later. */
  private void closeAll(List<Generation> retired, long until) {
    for (Generation generation : retired) {
      if (uninterruptibly(until, generation::awaitDrained)) {
        generation.close();
        // Another thread may be closing it at this moment.
        if (!uninterruptibly(until, generation::awaitClosed)) {
          LOG.warn("a model takes long to close {}", generation);
        }
      } else {
        LOG.warn(
            "requests still run on an accelerator that leaves, their model is closed when they end"
                + " {} running={}",
            generation,
            generation.running());
        generation.closeWhenDrained(this::execute);
      }
    }
  }

  /** Something that is waited for. */
  @FunctionalInterface
  private interface Wait {
    boolean await(long nanos) throws InterruptedException;
  }

  /** Waits to the end even if interrupted, for a driver must not go on too early. */
  private static boolean uninterruptibly(long until, Wait wait) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return wait.await(Math.max(0, until - System.nanoTime()));
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** A model package is there; it is placed in the background. */
  void addPackage(ModelPackage added) {
    ModelDescription description = added.description();
    LOG.info("model package is there model={} origin={}", description, added.origin());
    rollouts.recover(description.name());
    families
        .computeIfAbsent(description.name(), name -> new Family(this, name))
        .add(added, description);
  }

  /** A model package is gone; its model serves on for a while. */
  void removePackage(ModelPackage gone) {
    LOG.info("model package is gone origin={}", gone.origin());
    Family family = families.get(gone.description().name());
    if (family != null) {
      family.remove(gone);
    }
  }

  /** Bundles were uninstalled: models whose package is gone and came from one end now. */
  void uninstalled(Predicate<String> origin) {
    families.values().forEach(family -> family.uninstalled(origin));
  }

  /** Takes other settings; what waits and runs is not disturbed. */
  void configure(Settings changed) {
    int threads = changed.loaderThreads();
    synchronized (this) {
      settings = changed;
      if (threads > loader.getMaximumPoolSize()) {
        loader.setMaximumPoolSize(threads);
        loader.setCorePoolSize(threads);
      } else {
        loader.setCorePoolSize(threads);
        loader.setMaximumPoolSize(threads);
      }
    }
    families.values().forEach(Family::sweep);
  }

  /**
   * Tells everyone who waits that the engine stops, lets running requests finish, closes every
   * generation, newest first, and ends the threads; each within the drain timeout. Idempotent.
   */
  @Override
  public void close() {
    List<Device> all;
    synchronized (this) {
      if (stopping) {
        return;
      }
      stopping = true;
      all = devices;
      devices = List.of();
    }
    long until = System.nanoTime() + settings.drainTimeoutMs() * 1_000_000L;
    rollouts.stop();
    loader.shutdownNow();
    all.forEach(Device::leave);
    families.values().forEach(Family::stop);
    closeAll(Device.newestFirst(all.stream().flatMap(d -> d.generations.stream()).toList()), until);
    background.close();
    timer.shutdownNow();
    workers.shutdown();
    guard.close();
    events.close();
    receipts.close();
    pins.flush();
    if (!uninterruptibly(until, fieldSamples::close)) {
      LOG.warn("field samples that were chosen are not all written");
    }
    List<ExecutorService> pools =
        new ArrayList<>(List.of(loader, timer, workers, receipts.thread()));
    pools.addAll(rollouts.threads());
    pools.addAll(guard.threads());
    pools.forEach(threads -> await(threads, until));
    journal.close();
  }

  private static void await(ExecutorService threads, long until) {
    if (!uninterruptibly(until, left -> threads.awaitTermination(left, TimeUnit.NANOSECONDS))) {
      LOG.warn("threads of the engine have not ended in time threads={}", threads);
    }
  }
}
