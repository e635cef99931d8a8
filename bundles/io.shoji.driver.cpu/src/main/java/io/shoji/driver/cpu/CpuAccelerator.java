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
import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.driver.ModelLoads;
import io.shoji.driver.onnxruntime.OnnxFile;
import io.shoji.driver.onnxruntime.OrtDevice;
import io.shoji.driver.onnxruntime.OrtEnv;
import io.shoji.driver.onnxruntime.OrtException;
import io.shoji.driver.onnxruntime.OrtModel;
import io.shoji.driver.onnxruntime.OrtSessionOptions;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/** The machine's processor, with one ONNX Runtime. */
final class CpuAccelerator implements Accelerator {
  private final AcceleratorInfo info;
  private final OrtDevice device;
  private final SessionSettings settings;
  private final ProcessorReadings readings;

  /** Takes the environment over. */
  CpuAccelerator(
      AcceleratorInfo info, OrtEnv env, SessionSettings settings, ProcessorReadings readings) {
    this.info = info;
    this.device = new OrtDevice(env, "shoji-cpu", readings::exactResidentBytes, OrtDevice.NOBODY);
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
    ModelLoads.requireOffered(info, artifact);
    return device.load(artifact, options, new CpuPlan(settings.with(artifact)));
  }

  /**
   * Ends what runs and loads, waits for it, and closes every model and the environment. No native
   * call runs once it is back. Idempotent.
   */
  void close() {
    device.close();
  }

  /** How a model is loaded on the processor. */
  private final class CpuPlan implements OrtDevice.Plan {
    private final SessionSettings sessionSettings;

    private CpuPlan(SessionSettings sessionSettings) {
      this.sessionSettings = sessionSettings;
    }

    @Override
    public void configure(OrtSessionOptions options, OnnxFile file) throws OrtException {
      options.threads(
          sessionSettings.intraOpThreads(),
          sessionSettings.interOpThreads(),
          sessionSettings.allowSpinning());
      options.graphOptimization(sessionSettings.graphOptimization().value());
      options.memory(sessionSettings.cpuMemArena(), sessionSettings.memoryPattern());
    }

    @Override
    public Map<String, String> made(OrtModel model, OnnxFile file) {
      return details(file, sessionSettings, callsOnCallersThread(file));
    }

    @Override
    public String step() {
      return "checking the file and making the session";
    }

    @Override
    public boolean cpuMemArena() {
      return sessionSettings.cpuMemArena();
    }

    @Override
    public boolean hasThreads() {
      return sessionSettings.hasThreads();
    }

    @Override
    public boolean callsOnCallersThread(OnnxFile file) {
      return sessionSettings.callsOnCallersThread(file, info.architecture());
    }

    @Override
    public int concurrency() {
      return sessionSettings.concurrency(info.concurrency());
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
}
