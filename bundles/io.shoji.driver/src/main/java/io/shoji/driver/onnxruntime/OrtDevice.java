/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.onnxruntime;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.driver.DeadlineWatchdog;
import io.shoji.driver.DeclaredTensors;
import io.shoji.driver.ThreadStarter;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What runs the models of one ONNX Runtime: it loads them, watches their deadlines, and ends them
 * all when the driver stops. Thread safe.
 */
public final class OrtDevice {
  /**
   * How one model is loaded. Its methods are called on the thread that loads, but {@link #step}.
   */
  public interface Plan {
    /**
     * Says how the session is made, and refuses what the device cannot do.
     *
     * @param file what the model's file says
     */
    void configure(OrtSessionOptions options, OnnxFile file)
        throws OrtException, AcceleratorException;

    /**
     * The model can run, and nobody has it yet.
     *
     * @return what is told of it
     * @throws AcceleratorException if it is refused after all; it is closed then
     */
    Map<String, String> made(OrtModel model, OnnxFile file) throws AcceleratorException;

    /** What the load is at; asked from time to time on the thread that waits for it. */
    String step();

    /** Whether the session keeps host memory for the next inference. */
    boolean cpuMemArena();

    /** Whether the session has threads of its own. */
    boolean hasThreads();

    /** Whether inferences run on their callers' threads, not on the driver's. */
    boolean callsOnCallersThread(OnnxFile file);

    /** Calls that may usefully run at once. */
    int concurrency();
  }

  /** Who is told how calls end. Called on the threads that call, so cheap and thread safe. */
  public interface Watch {
    /** An inference ended well. */
    void computed();

    /**
     * An inference failed, not by its deadline.
     *
     * @return what it means if it is the device's fault; null if it is not
     */
    @Nullable Code failed(OrtException failure);
  }

  /** For a device that never fails by itself. */
  public static final Watch NOBODY =
      new Watch() {
        @Override
        public void computed() {}

        @Override
        public @Nullable Code failed(OrtException failure) {
          return null;
        }
      };

  private static final Logger LOG = LoggerFactory.getLogger(OrtDevice.class);
  private static final long POLL_NANOS = 1_000_000;
  private static final long PROGRESS_SECONDS = 1;

  /** What ONNX Runtime says of models that are newer than itself or hold operators it lacks. */
  private static final Pattern OPSET_TOO_NEW =
      Pattern.compile("Opset (\\d+) is .* for domain (\\S+) is till opset (\\d+)");

  private static final Pattern FORMAT_TOO_NEW =
      Pattern.compile("Unsupported model IR version: (\\d+), max supported IR version: (\\d+)");

  private static final Pattern OPERATOR_MISSING =
      Pattern.compile(
          "[\\w.:]+(\\(-?\\d+\\))? is not a registered function/op"
              + "|No Op registered for [\\w.:]+"
              + "|Could not find an implementation for [\\w.:]+"
              + "|No opset import for domain [\\w.'-]+");

  private final OrtEnv env;
  private final String threadName;
  private final Supplier<OptionalLong> resident;
  private final Watch watch;
  private final DeadlineWatchdog watchdog;
  private final ThreadEnds ends = new ThreadEnds();
  private final CallThreads callThreads;
  private final ThreadStarter starter;
  private final Set<OrtModel> models = ConcurrentHashMap.newKeySet();
  private final Set<Loading> loadings = ConcurrentHashMap.newKeySet();
  private final Object lock = new Object();
  private boolean stopping;

  /**
   * Takes the environment over.
   *
   * @param threadName what the names of its threads begin with
   * @param resident memory that this process holds, bytes, by which that of a load is measured;
   *     empty if that says nothing
   */
  public OrtDevice(OrtEnv env, String threadName, Supplier<OptionalLong> resident, Watch watch) {
    this.env = env;
    this.threadName = threadName;
    this.resident = resident;
    this.watch = watch;
    this.watchdog = new DeadlineWatchdog(threadName + "-deadlines", 0);
    this.callThreads = new CallThreads(threadName + "-call-", ends);
    this.starter = new ThreadStarter(threadName + "-starter");
  }

  /**
   * Loads a model.
   *
   * @throws AcceleratorException as {@code Accelerator.load}
   * @throws InterruptedException if the thread was interrupted; nothing stays allocated
   * @throws IllegalStateException after {@link #close}
   */
  public LoadedModel load(ModelArtifact artifact, LoadOptions options, Plan plan)
      throws AcceleratorException, InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException("the load was given up before it began");
    }
    options.progress().accept(plan.step());
    Loading loading = new Loading(artifact, options, plan);
    synchronized (lock) {
      if (stopping) {
        throw new IllegalStateException("the driver stops " + artifact);
      }
      loadings.add(loading);
    }
    try {
      OrtModel model = loading.await();
      options.progress().accept("ready");
      return model;
    } finally {
      loadings.remove(loading);
    }
  }

  DeadlineWatchdog watchdog() {
    return watchdog;
  }

  Watch watch() {
    return watch;
  }

  /** A model is closed. */
  void closed(OrtModel model) {
    models.remove(model);
  }

  /**
   * Ends what runs and loads, waits for it, and closes every model and the environment. No native
   * call runs once it is back. Idempotent.
   */
  public void close() {
    synchronized (lock) {
      stopping = true;
    }
    loadings.forEach(Loading::cancel);
    models.forEach(OrtModel::endByDriver);
    while (!loadings.isEmpty()) {
      // One that was being loaded may have become a model since, and be tried out.
      models.forEach(OrtModel::endByDriver);
      LockSupport.parkNanos(this, POLL_NANOS);
    }
    models.forEach(OrtModel::endByDriver);
    models.forEach(OrtModel::close);
    callThreads.close();
    watchdog.close();
    starter.close();
    env.close();
    ends.await();
  }

  private OrtModel open(
      ModelArtifact artifact, OnnxFile file, Plan plan, OrtSessionOptions sessionOptions)
      throws AcceleratorException {
    List<OrtHandle> made = new ArrayList<>();
    OrtModel model = null;
    boolean done = false;
    try {
      OptionalLong before = resident.get();
      OrtSession session = OrtSession.create(env, artifact.file().toAbsolutePath(), sessionOptions);
      made.add(session);
      OptionalLong after = resident.get();
      OrtMemoryInfo hostMemory = OrtMemoryInfo.cpu(env.api(), plan.cpuMemArena());
      made.add(hostMemory);
      OrtAllocator allocator = OrtAllocator.of(session, hostMemory);
      made.add(allocator);
      List<TensorSpec> inputs = session.describeInputs(file);
      List<TensorSpec> outputs = session.describeOutputs(file);
      DeclaredTensors.check(artifact, inputs, outputs, false);
      long growth =
          before.isPresent() && after.isPresent()
              ? Math.max(0, after.getAsLong() - before.getAsLong())
              : -1;
      model =
          new OrtModel(
              artifact.toString(),
              this,
              plan.callsOnCallersThread(file) ? null : callThreads,
              session,
              hostMemory,
              allocator,
              inputs,
              outputs,
              plan.concurrency(),
              growth);
      made.clear();
      models.add(model);
      model.describe(plan.made(model, file));
      done = true;
      return model;
    } catch (OrtException e) {
      throw refusal(e, artifact, file);
    } finally {
      if (!done) {
        if (model != null) {
          model.close();
        }
        for (int i = made.size() - 1; i >= 0; i--) {
          made.get(i).close();
        }
      }
    }
  }

  /** What ONNX Runtime's refusal to load means. */
  private AcceleratorException refusal(OrtException e, ModelArtifact artifact, OnnxFile file) {
    String facts =
        " opsets="
            + file.opsets()
            + " irVersion="
            + file.irVersion()
            + " runtime="
            + env.api().version()
            + " "
            + artifact;
    if (e.isOutOfMemory()) {
      return AcceleratorException.withStatus(
          Code.OUT_OF_MEMORY,
          "there is not enough memory to load the model: " + e.text() + facts,
          e.code());
    }
    Matcher opset = OPSET_TOO_NEW.matcher(e.text());
    if (opset.find()) {
      return AcceleratorException.withStatus(
          Code.UNSUPPORTED,
          "the model's operator set is newer than this runtime; export the model for an older one, or"
              + " install a newer runtime domain="
              + opset.group(2)
              + " asked="
              + opset.group(1)
              + " supported="
              + opset.group(3)
              + facts,
          e.code());
    }
    Matcher format = FORMAT_TOO_NEW.matcher(e.text());
    if (format.find()) {
      return AcceleratorException.withStatus(
          Code.UNSUPPORTED,
          "the model's file format is newer than this runtime; save the model with an older IR"
              + " version, or install a newer runtime asked="
              + format.group(1)
              + " supported="
              + format.group(2)
              + facts,
          e.code());
    }
    Matcher operator = OPERATOR_MISSING.matcher(e.text());
    if (operator.find()) {
      return AcceleratorException.withStatus(
          Code.UNSUPPORTED,
          "this runtime lacks an operator of the model; express it by others, or choose another"
              + " runtime operator="
              + operator.group().replaceAll(".* for |\\(.*| is not.*| with .*", "")
              + facts
              + " cause="
              + e.text(),
          e.code());
    }
    Code code =
        switch (e.code()) {
          case OrtException.NOT_IMPLEMENTED -> Code.UNSUPPORTED;
          case OrtException.FAIL,
              OrtException.INVALID_ARGUMENT,
              OrtException.NO_SUCHFILE,
              OrtException.NO_MODEL,
              OrtException.RUNTIME_EXCEPTION,
              OrtException.INVALID_PROTOBUF,
              OrtException.INVALID_GRAPH ->
              Code.INVALID_MODEL;
          case OrtException.MODEL_LOAD_CANCELED -> Code.DEVICE_LOST;
          default -> Code.FAILED;
        };
    return AcceleratorException.withStatus(
        code, "the model cannot be loaded: " + e.text() + facts, e.code());
  }

  /**
   * A load in progress. The file is read and the session made on a thread of its own, so that the
   * caller's can be interrupted meanwhile.
   */
  private final class Loading {
    private final ModelArtifact artifact;
    private final LoadOptions loadOptions;
    private final Plan plan;
    private final Object optionsLock = new Object();
    private @Nullable OrtSessionOptions sessionOptions;
    private boolean cancelled;

    private Loading(ModelArtifact artifact, LoadOptions loadOptions, Plan plan) {
      this.artifact = artifact;
      this.loadOptions = loadOptions;
      this.plan = plan;
    }

    /** Loads, and waits until it is done or the thread is interrupted and the load given up. */
    OrtModel await() throws AcceleratorException, InterruptedException {
      FutureTask<OrtModel> task = new FutureTask<>(this::load);
      Thread thread = new Thread(task, threadName + "-load-" + artifact.model());
      thread.setDaemon(true);
      thread.setContextClassLoader(null);
      if (ThreadStarter.isNeeded() && plan.hasThreads()) {
        starter.start(thread);
      } else {
        thread.start();
      }
      try {
        return awaited(task);
      } catch (InterruptedException e) {
        cancel();
        giveUp(task);
        throw e;
      }
    }

    /** Asks the runtime to give up; one older than 1.22 loads to the end. */
    void cancel() {
      synchronized (optionsLock) {
        cancelled = true;
        if (sessionOptions != null) {
          try {
            sessionOptions.cancelLoad();
          } catch (OrtException e) {
            LOG.warn("a load cannot be cancelled; it goes on to its end {}", artifact, e);
          }
        }
      }
    }

    private OrtModel load() throws AcceleratorException {
      ends.register();
      OnnxFile file = OnnxFile.read(artifact.file());
      file.checkExternalData(artifact);
      try (OrtSessionOptions options = OrtSessionOptions.create(env.api())) {
        synchronized (optionsLock) {
          sessionOptions = options;
          if (cancelled) {
            throw new AcceleratorException(Code.DEVICE_LOST, "the load was cancelled " + artifact);
          }
        }
        try {
          plan.configure(options, file);
          return open(artifact, file, plan, options);
        } finally {
          synchronized (optionsLock) {
            sessionOptions = null;
          }
        }
      } catch (OrtException e) {
        throw AcceleratorException.withStatus(
            Code.FAILED, "the session's options cannot be set: " + e.text(), e.code());
      }
    }

    /** Waits, and tells the one who asked what the load is at. */
    private OrtModel awaited(FutureTask<OrtModel> task)
        throws AcceleratorException, InterruptedException {
      long begun = System.nanoTime();
      while (true) {
        try {
          task.get(PROGRESS_SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
          loadOptions
              .progress()
              .accept(
                  plan.step()
                      + " seconds="
                      + TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begun));
          continue;
        } catch (ExecutionException e) {
          LOG.trace("the load failed {}", artifact, e);
        }
        return result(task);
      }
    }

    private OrtModel result(FutureTask<OrtModel> task)
        throws AcceleratorException, InterruptedException {
      try {
        return task.get();
      } catch (ExecutionException e) {
        Throwable cause = e.getCause();
        if (cause instanceof AcceleratorException refused) {
          throw refused;
        }
        throw new AcceleratorException(
            Code.FAILED, "the load failed in an unforeseen way " + artifact, cause);
      }
    }

    /** Waits for the thread that loads, and closes what it may have loaded all the same. */
    private void giveUp(FutureTask<OrtModel> task) {
      while (true) {
        try {
          result(task).close();
          return;
        } catch (InterruptedException again) {
          // The thread is told that already; the load must be over before it leaves.
          LOG.debug("interrupted again while a load is given up {}", artifact);
        } catch (AcceleratorException e) {
          LOG.debug("a load was given up {}", artifact, e);
          return;
        }
      }
    }
  }
}
