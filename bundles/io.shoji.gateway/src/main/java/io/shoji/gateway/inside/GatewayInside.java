/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.inside;

import io.shoji.gateway.link.DemoRequest;
import io.shoji.gateway.link.Inside;
import io.shoji.gateway.link.Status;
import io.shoji.inference.AcceleratorStatus;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelStatus;
import io.shoji.inference.PipelineService;
import io.shoji.model.ModelCatalog;
import java.io.PrintStream;
import java.util.List;
import java.util.Optional;
import org.osgi.util.tracker.ServiceTracker;

/** Answers the launcher from the services that are there. Thread safe. */
final class GatewayInside implements Inside {
  private final ServiceTracker<InferenceService, InferenceService> inference;
  private final ServiceTracker<PipelineService, PipelineService> pipelines;
  private final ServiceTracker<ModelCatalog, ModelCatalog> catalog;

  GatewayInside(
      ServiceTracker<InferenceService, InferenceService> inference,
      ServiceTracker<PipelineService, PipelineService> pipelines,
      ServiceTracker<ModelCatalog, ModelCatalog> catalog) {
    this.inference = inference;
    this.pipelines = pipelines;
    this.catalog = catalog;
  }

  @Override
  public Status status() {
    Optional<InferenceService> engine = Optional.ofNullable(inference.getService());
    Optional<ModelCatalog> models = Optional.ofNullable(catalog.getService());
    return new Status(
        engine.map(InferenceService::models).orElse(List.of()).stream()
            .map(GatewayInside::model)
            .toList(),
        models.map(ModelCatalog::refusals).orElse(List.of()).stream()
            .map(refusal -> refusal.origin() + ": " + String.join("; ", refusal.reasons()))
            .toList(),
        engine.map(InferenceService::accelerators).orElse(List.of()).stream()
            .map(GatewayInside::accelerator)
            .toList());
  }

  private static Status.Model model(ModelStatus status) {
    String name = status.description().toString();
    return switch (status.state()) {
      case SERVING ->
          new Status.Model(
              name,
              Status.State.SERVING,
              status
                  .serving()
                  .map(
                      by ->
                          by.accelerator()
                              + ":"
                              + by.device()
                              + (by.simulated() ? " (simulated)" : ""))
                  .orElse("an accelerator that is being exchanged"));
      case LOADING -> new Status.Model(name, Status.State.WAITING, "being loaded");
      case NO_ACCELERATOR -> new Status.Model(name, Status.State.WAITING, status.reason());
      case FAILED -> new Status.Model(name, Status.State.FAILED, status.reason());
    };
  }

  private static String accelerator(AcceleratorStatus status) {
    String reason = status.health().reason();
    return status.info()
        + "  "
        + status.health().state()
        + (reason.isEmpty() ? "" : ": " + reason)
        + "  "
        + status.models();
  }

  @Override
  public boolean demo(DemoRequest request, PrintStream out) throws InterruptedException {
    InferenceService engine = inference.getService();
    PipelineService service = pipelines.getService();
    if (engine == null || service == null) {
      out.println(
          "the demonstration cannot run: the core package does not start; the log says why");
      return false;
    }
    return new Demo(request, service, engine, out).run();
  }
}
