/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.edgetpu;

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
import io.shoji.driver.memory.NativeMemory;
import io.shoji.tensor.TensorSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/** A device that runs TensorFlow Lite models: the processor, or an Edge TPU. */
final class TfliteAccelerator implements Accelerator {
  /** Cancelling is noticed between two operators, and may come before the invocation: see Call. */
  private static final long AGAIN_NANOS = 2_000_000;

  private final AcceleratorInfo info;
  private final TfLite api;
  private final TfliteDevice device;
  private final InterpreterSettings settings;
  private final HostReadings readings;
  private final DeadlineWatchdog watchdog =
      new DeadlineWatchdog("shoji-tflite-deadlines", AGAIN_NANOS);
  private final ThreadStarter starter = new ThreadStarter("shoji-tflite-starter");
  private final Set<TfliteModel> models = ConcurrentHashMap.newKeySet();
  private final Object lock = new Object();

  /** Loads in progress, guarded by {@link #lock}. */
  private int loads;

  private volatile boolean stopping;

  TfliteAccelerator(
      AcceleratorInfo info,
      TfLite api,
      TfliteDevice device,
      InterpreterSettings settings,
      HostReadings readings) {
    this.info = info;
    this.api = api;
    this.device = device;
    this.settings = settings;
    this.readings = readings;
  }

  @Override
  public AcceleratorInfo info() {
    return info;
  }

  @Override
  public AcceleratorHealth health() {
    return device.health();
  }

  DeadlineWatchdog watchdog() {
    return watchdog;
  }

  /** A model is closed. */
  void closed(TfliteModel model) {
    models.remove(model);
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
          "the model has a precision that this device does not compute in asked="
              + artifact.precision()
              + " offered="
              + info.precisions()
              + " runtime="
              + info.runtimeVersion()
              + " "
              + artifact);
    }
    InterpreterSettings own = settings.with(artifact);
    if (own.threads() > 1 && ThreadStarter.isNeeded()) {
      return elsewhere(artifact, options);
    }
    synchronized (lock) {
      if (stopping) {
        throw new IllegalStateException("the driver stops " + artifact);
      }
      loads++;
    }
    try {
      goesOn(artifact);
      options.progress().accept("checking the file");
      NativeMemory content = read(artifact);
      TfliteModel model = null;
      try {
        TfliteFile file = device.read(content.buffer(), artifact);
        options.progress().accept("making the interpreters");
        model = open(artifact, file, content, own);
      } finally {
        if (model == null) {
          content.close();
        }
      }
      options.progress().accept("ready");
      return model;
    } finally {
      synchronized (lock) {
        loads--;
        lock.notifyAll();
      }
    }
  }

  /** Loads where the threads that the runtime starts meanwhile get an ordinary priority. */
  private LoadedModel elsewhere(ModelArtifact artifact, LoadOptions options)
      throws AcceleratorException, InterruptedException {
    try {
      return starter.call(
          "shoji-tflite-load-" + artifact.model(), new FutureTask<>(() -> load(artifact, options)));
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      if (cause instanceof AcceleratorException refused) {
        throw refused;
      }
      if (cause instanceof InterruptedException given) {
        throw given;
      }
      if (cause instanceof IllegalStateException stopped) {
        throw stopped;
      }
      throw new AcceleratorException(
          Code.FAILED, "the load failed in an unforeseen way " + artifact, cause);
    }
  }

  /** Between two steps of a load, none of which can be interrupted itself. */
  private void goesOn(ModelArtifact artifact) throws AcceleratorException, InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException("the load was given up " + artifact);
    }
    if (stopping) {
      throw new AcceleratorException(Code.DEVICE_LOST, "the driver stops " + artifact);
    }
  }

  /** Reads the whole file, so that what was checked is what runs, whatever becomes of the file. */
  private static NativeMemory read(ModelArtifact artifact) throws AcceleratorException {
    Path path = artifact.file();
    NativeMemory memory = null;
    boolean done = false;
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      long size = channel.size();
      if (size > Integer.MAX_VALUE - Long.BYTES) {
        throw new AcceleratorException(
            Code.UNSUPPORTED,
            "the file is larger than TensorFlow Lite models may be bytes=" + size + " " + artifact);
      }
      memory = NativeMemory.ofBytes((int) size);
      ByteBuffer to = memory.buffer();
      while (to.hasRemaining() && channel.read(to) >= 0) {
        // Until it is full, or the file has become shorter.
      }
      if (to.hasRemaining()) {
        throw new AcceleratorException(
            Code.INVALID_MODEL, "the file became shorter while it was read file=" + path);
      }
      done = true;
      return memory;
    } catch (NoSuchFileException e) {
      throw new AcceleratorException(
          Code.INVALID_MODEL, "there is no such file file=" + path + " " + artifact, e);
    } catch (IOException e) {
      throw new AcceleratorException(
          Code.FAILED, "the file cannot be read file=" + path + " reason=" + e, e);
    } catch (NativeMemory.OutOfMemoryException e) {
      throw new AcceleratorException(Code.OUT_OF_MEMORY, e.getMessage() + " " + artifact, e);
    } finally {
      if (!done && memory != null) {
        memory.close();
      }
    }
  }

  private TfliteModel open(
      ModelArtifact artifact, TfliteFile file, NativeMemory content, InterpreterSettings own)
      throws AcceleratorException, InterruptedException {
    OptionalLong before = readings.exactResidentBytes();
    long model =
        api.callLong(
            TfLiteFunction.TfLiteModelCreate,
            content.address(),
            (long) content.buffer().capacity());
    if (model == 0) {
      throw new AcceleratorException(
          Code.INVALID_MODEL,
          "the runtime does not take the file; the gateway's standard error says why " + artifact);
    }
    List<TfLiteInterpreter> interpreters = new ArrayList<>();
    boolean done = false;
    try {
      int count = own.interpreters(info.concurrency());
      for (int i = 0; i < count; i++) {
        goesOn(artifact);
        interpreters.add(
            TfLiteInterpreter.create(api, device, model, artifact.toString(), own.threads()));
      }
      TfLiteInterpreter first = interpreters.get(0);
      List<TensorSpec> inputs = first.describeInputs(file.inputQuantizations());
      List<TensorSpec> outputs = first.describeOutputs(file.outputQuantizations());
      if (!info.dynamicShapes()) {
        DeclaredTensors.requireFixed(
            artifact,
            inputs,
            outputs,
            "the compiled file has",
            "fix the shape of its inputs before it is quantized, then compile it again");
      }
      DeclaredTensors.check(
          info.dynamicShapes() ? artifact : DeclaredTensors.withBatch(artifact, 1),
          inputs,
          outputs,
          true);
      OptionalLong after = readings.exactResidentBytes();
      long growth =
          before.isPresent() && after.isPresent()
              ? Math.max(0, after.getAsLong() - before.getAsLong()) + content.buffer().capacity()
              : -1;
      TfliteModel loaded =
          new TfliteModel(
              artifact.toString(),
              this,
              device,
              api,
              model,
              content,
              interpreters,
              inputs,
              outputs,
              growth,
              details(file, own, count));
      models.add(loaded);
      done = true;
      return loaded;
    } finally {
      if (!done) {
        interpreters.forEach(TfLiteInterpreter::close);
        api.callVoid(TfLiteFunction.TfLiteModelDelete, model);
      }
    }
  }

  private Map<String, String> details(
      TfliteFile file, InterpreterSettings settings, int interpreters) {
    Map<String, String> details = new LinkedHashMap<>(device.details(file));
    details.put("operators", Long.toString(file.operatorCount()));
    details.put("operatorTypes", file.operators().toString());
    details.put("threads", Integer.toString(settings.threads()));
    details.put("interpreters", Integer.toString(interpreters));
    // Each interpreter has as many threads, which split the work in the same way each time.
    details.put(LoadedModel.DETERMINISTIC, Boolean.toString(file.isRepeatable()));
    return details;
  }

  /** Lets no call and no load begin any more, and ends those that run. Returns at once. */
  void end() {
    synchronized (lock) {
      stopping = true;
    }
    models.forEach(TfliteModel::endByDriver);
  }

  /**
   * Ends what runs and loads, waits for it, and closes every model. No native call runs once it is
   * back. Idempotent.
   */
  void close() {
    boolean interrupted = false;
    end();
    synchronized (lock) {
      while (loads > 0) {
        try {
          lock.wait();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    models.forEach(TfliteModel::closeByDriver);
    watchdog.close();
    starter.close();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
