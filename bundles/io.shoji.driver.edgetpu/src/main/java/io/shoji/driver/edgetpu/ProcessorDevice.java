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
import io.shoji.accelerator.ModelArtifact;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;

/** The machine's processor, whose operators XNNPACK computes. */
final class ProcessorDevice implements TfliteDevice {
  private final TfLite api;
  private final XnnpackOptions xnnpack;
  private final HostReadings readings;

  ProcessorDevice(TfLite api, XnnpackOptions xnnpack, HostReadings readings) {
    this.api = api;
    this.xnnpack = xnnpack;
    this.readings = readings;
  }

  @Override
  public TfliteFile read(ByteBuffer content, ModelArtifact artifact) throws AcceleratorException {
    return TfliteFile.read(content);
  }

  @Override
  public List<Delegate> delegates(int threads) throws AcceleratorException {
    return List.of(xnnpack.delegate(threads));
  }

  @Override
  public AcceleratorException refused(int status, String name) {
    return status == NOT_CREATED
        ? new AcceleratorException(
            Code.UNSUPPORTED,
            "this runtime lacks an operator of the model, or knows an older version of it only; the"
                + " gateway's standard error names it runtime="
                + api.version()
                + " "
                + name)
        : AcceleratorException.withStatus(
            Code.UNSUPPORTED,
            "this runtime's operators refuse the tensors that the model gives them; the gateway's"
                + " standard error says which runtime="
                + api.version()
                + " "
                + name,
            status);
  }

  /** An operator refused what it was given: the processor itself does not fail. */
  @Override
  public AcceleratorException failed(int status, String name) {
    return AcceleratorException.withStatus(
        status == TfLiteStatus.ERROR ? Code.INVALID_INPUT : Code.FAILED,
        "the model cannot run on these tensors; the gateway's standard error says why " + name,
        status);
  }

  @Override
  public Map<String, String> details(TfliteFile file) {
    return Map.of("delegate", "XNNPACK");
  }

  @Override
  public AcceleratorHealth health() {
    return AcceleratorHealth.of(AcceleratorHealth.State.HEALTHY, "")
        .withMemoryBytes(
            readings.residentBytes().orElse(-1), readings.memoryTotalBytes().orElse(-1));
  }

  @Override
  public boolean awaitTurn(long deadlineNanos) {
    return true;
  }

  @Override
  public long begin() {
    return 0;
  }

  @Override
  public void computed(long begun) {
    // The processor's health is told by the system, not by inferences.
  }
}
