/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.cpu;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.driver.DeadlineWatchdog;
import io.shoji.driver.DeclaredTensors;
import io.shoji.driver.ThreadStarter;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The machine's processor, with one ONNX Runtime. */
final class CpuAccelerator implements Accelerator {
  private static final Logger LOG = LoggerFactory.getLogger(CpuAccelerator.class);
  private static final long POLL_NANOS = 1_000_000;

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

  private final AcceleratorInfo info;
  private final OrtEnv env;
  private final SessionSettings settings;
  private final ProcessorReadings readings;
  private final DeadlineWatchdog watchdog = new DeadlineWatchdog("shoji-cpu-deadlines", 0);
  private final ThreadEnds ends = new ThreadEnds();
  private final CallThreads callThreads = new CallThreads(ends);
  private final ThreadStarter starter = new ThreadStarter("shoji-cpu-starter");
  private final Set<CpuModel> models = ConcurrentHashMap.newKeySet();
  private final Set<Loading> loadings = ConcurrentHashMap.newKeySet();
  private final Object lock = new Object();
  private boolean stopping;

  /** Takes the environment over. */
  CpuAccelerator(
      AcceleratorInfo info, OrtEnv env, SessionSettings settings, ProcessorReadings readings) {
    this.info = info;
    this.env = env;
    this.settings = settings;
    this.readings = readings;
  }

  @Override
  public AcceleratorInfo info() {
    return info;
  }

  @Override
  public AcceleratorHealth health() {
    return readings.health();
  }

  @Override
  public LoadedModel load(ModelArtifact artifact, LoadOptions options)
      throws AcceleratorException, InterruptedException {
    if (!info.formats().contains(artifact.format())) {
      throw new AcceleratorException(
          Code.UNSUPPORTED,
          "the model has a format that this accelerator does not load asked="
              + artifact.format()
              + " offered="
              + info.formats()
              + " "
              + artifact);
    }
    if (!info.precisions().contains(artifact.precision())) {
      throw new AcceleratorException(
          Code.UNSUPPORTED,
          "the model has a precision that this runtime does not compute in asked="
              + artifact.precision()
              + " offered="
              + info.precisions()
              + " runtime="
              + info.runtimeVersion()
              + " "
              + artifact);
    }
    SessionSettings sessionSettings = settings.with(artifact);
    if (Thread.interrupted()) {
      throw new InterruptedException("the load was given up before it began");
    }
    options.progress().accept("checking the file and making the session");
    Loading loading = new Loading(artifact, sessionSettings);
    synchronized (lock) {
      if (stopping) {
        throw new IllegalStateException("the driver stops " + artifact);
      }
      loadings.add(loading);
    }
    try {
      CpuModel model = loading.await();
      options.progress().accept("ready");
      return model;
    } finally {
      loadings.remove(loading);
    }
  }

  DeadlineWatchdog watchdog() {
    return watchdog;
  }

  /** A model is closed. */
  void closed(CpuModel model) {
    models.remove(model);
  }

  /**
   * Ends what runs and loads, waits for it, and closes every model and the environment. No native
   * call runs once it is back. Idempotent.
   */
  void close() {
    synchronized (lock) {
      stopping = true;
    }
    loadings.forEach(Loading::cancel);
    models.forEach(CpuModel::endByDriver);
    while (!loadings.isEmpty()) {
      LockSupport.parkNanos(this, POLL_NANOS);
    }
    // One that was being loaded may have become a model since.
    models.forEach(CpuModel::endByDriver);
    models.forEach(CpuModel::close);
    callThreads.close();
    watchdog.close();
    starter.close();
    env.close();
    ends.await();
  }

  private CpuModel open(
      ModelArtifact artifact,
      OnnxFile file,
      SessionSettings sessionSettings,
      OrtSessionOptions sessionOptions)
      throws AcceleratorException {
    List<OrtHandle> made = new ArrayList<>();
    boolean done = false;
    try {
      OptionalLong before = readings.exactResidentBytes();
      OrtSession session = OrtSession.create(env, artifact.file().toAbsolutePath(), sessionOptions);
      made.add(session);
      OptionalLong after = readings.exactResidentBytes();
      OrtMemoryInfo hostMemory = OrtMemoryInfo.cpu(env.api(), sessionSettings.cpuMemArena());
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
      boolean onCallersThread = sessionSettings.callsOnCallersThread(file, info.architecture());
      CpuModel model =
          new CpuModel(
              artifact.toString(),
              this,
              onCallersThread ? null : callThreads,
              session,
              hostMemory,
              allocator,
              inputs,
              outputs,
              sessionSettings.concurrency(info.concurrency()),
              growth,
              details(file, sessionSettings, onCallersThread));
      models.add(model);
      done = true;
      return model;
    } catch (OrtException e) {
      throw refusal(e, artifact, file);
    } finally {
      if (!done) {
        for (int i = made.size() - 1; i >= 0; i--) {
          made.get(i).close();
        }
      }
    }
  }

  private static Map<String, String> details(
      OnnxFile file, SessionSettings settings, boolean onCallersThread) {
    Map<String, String> details = new LinkedHashMap<>();
    details.put("provider", "CPUExecutionProvider");
    details.put("nodes", Long.toString(file.nodes()));
    details.put("irVersion", Long.toString(file.irVersion()));
    details.put("opsets", file.opsets().toString());
    details.put("intraOpThreads", Integer.toString(settings.intraOpThreads()));
    details.put("interOpThreads", Integer.toString(settings.interOpThreads()));
    details.put("graphOptimization", settings.graphOptimization().name().toLowerCase(Locale.ROOT));
    details.put("cpuMemArena", Boolean.toString(settings.cpuMemArena()));
    details.put("memoryPattern", Boolean.toString(settings.memoryPattern()));
    details.put("callThread", onCallersThread ? "caller" : "driver");
    details.put("allowSpinning", Boolean.toString(settings.allowSpinning()));
    // With several threads, parts of a sum may be added in another order each time.
    details.put(
        LoadedModel.DETERMINISTIC,
        Boolean.toString(
            settings.intraOpThreads() == 1
                && settings.interOpThreads() == 1
                && file.isRepeatable()));
    return details;
  }

  /** What ONNX Runtime's refusal to load means. */
  private AcceleratorException refusal(OrtException e, ModelArtifact artifact, OnnxFile file) {
    String facts =
        " opsets="
            + file.opsets()
            + " irVersion="
            + file.irVersion()
            + " runtime="
            + info.runtimeVersion()
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
    private final SessionSettings sessionSettings;
    private final Object optionsLock = new Object();
    private @Nullable OrtSessionOptions sessionOptions;
    private boolean cancelled;

    private Loading(ModelArtifact artifact, SessionSettings sessionSettings) {
      this.artifact = artifact;
      this.sessionSettings = sessionSettings;
    }

    /** Loads, and waits until it is done or the thread is interrupted and the load given up. */
    CpuModel await() throws AcceleratorException, InterruptedException {
      FutureTask<CpuModel> task = new FutureTask<>(this::load);
      Thread thread = new Thread(task, "shoji-cpu-load-" + artifact.model());
      thread.setDaemon(true);
      thread.setContextClassLoader(null);
      if (ThreadStarter.isNeeded() && sessionSettings.hasThreads()) {
        starter.start(thread);
      } else {
        thread.start();
      }
      try {
        return result(task);
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

    private CpuModel load() throws AcceleratorException {
      ends.register();
      OnnxFile file = OnnxFile.read(artifact.file());
      file.checkExternalData(artifact);
      try (OrtSessionOptions options = OrtSessionOptions.create(env.api(), sessionSettings)) {
        synchronized (optionsLock) {
          sessionOptions = options;
          if (cancelled) {
            throw new AcceleratorException(Code.DEVICE_LOST, "the load was cancelled " + artifact);
          }
        }
        try {
          return open(artifact, file, sessionSettings, options);
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

    private CpuModel result(FutureTask<CpuModel> task)
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
    private void giveUp(FutureTask<CpuModel> task) {
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
