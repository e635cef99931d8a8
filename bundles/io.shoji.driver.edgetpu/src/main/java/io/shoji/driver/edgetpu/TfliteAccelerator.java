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

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.driver.DeadlineWatchdog;
import io.shoji.driver.DeclaredTensors;
import io.shoji.driver.DeviceAccelerator;
import io.shoji.driver.ModelLoads;
import io.shoji.driver.memory.ModelFile;
import io.shoji.driver.memory.NativeMemory;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** A device that runs TensorFlow Lite models: the processor, or an Edge TPU. */
final class TfliteAccelerator implements DeviceAccelerator {
  /** Cancelling is noticed between two operators, and may come before the invocation: see Call. */
  private static final long AGAIN_NANOS = 2_000_000;

  private final AcceleratorInfo info;
  private final TfLite api;
  private final TfliteDevice device;
  private final InterpreterSettings settings;
  private final HostReadings readings;
  private final DeadlineWatchdog watchdog =
      new DeadlineWatchdog("shoji-tflite-deadlines", AGAIN_NANOS);
  private final ModelLoads loads = new ModelLoads("shoji-tflite");
  private final Set<TfliteModel> models = ConcurrentHashMap.newKeySet();

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
    ModelLoads.requireOffered(info, artifact);
    InterpreterSettings own = settings.with(artifact);
    return loads.run(artifact, own.threads() > 1, () -> load(artifact, options, own));
  }

  private TfliteModel load(ModelArtifact artifact, LoadOptions options, InterpreterSettings own)
      throws AcceleratorException, InterruptedException {
    options.progress().accept("checking the file");
    NativeMemory content = ModelFile.read(artifact);
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
        loads.goesOn(artifact);
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
  @Override
  public void end() {
    loads.stop();
    models.forEach(TfliteModel::endByDriver);
  }

  @Override
  public void close() {
    end();
    loads.close(
        () -> {
          models.forEach(TfliteModel::closeByDriver);
          watchdog.close();
        });
  }
}
