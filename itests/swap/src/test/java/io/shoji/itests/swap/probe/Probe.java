/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.swap.probe;

import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceResult;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.inference.PreparedInference;
import io.shoji.inference.Provenance;
import io.shoji.operations.Operations;
import io.shoji.operations.SwapReceipt;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.util.HashMap;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.osgi.framework.BundleActivator;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;

/**
 * The test's hand inside the framework: classes of the API exist only there, so requests and
 * answers cross as maps of the JDK's own types.
 *
 * <p>A request names its {@code model}, {@code values}, {@code shape} and {@code timeoutMs}, and
 * may name the {@code way}: {@code later} asks for a future, {@code prepared} uses the preparation
 * that was made for this {@code client}. A request with {@code figures} is answered by how many
 * futures were asked for, and how often one was completed; one with {@code status} by how each
 * version of the model with that name is; one with {@code receipts} by those after that number, as
 * far as they are settled.
 */
public final class Probe implements BundleActivator {
  private final Map<Object, PreparedInference> preparations = new ConcurrentHashMap<>();
  private final AtomicLong futures = new AtomicLong();
  private final AtomicLong completions = new AtomicLong();
  private BundleContext context;

  @Override
  public void start(BundleContext bundleContext) {
    context = bundleContext;
    Function<Map<String, Object>, Map<String, Object>> call = this::call;
    context.registerService(Function.class, call, new Hashtable<>(Map.of("probe", "shoji")));
  }

  @Override
  public void stop(BundleContext bundleContext) {
    preparations.values().forEach(PreparedInference::close);
    preparations.clear();
  }

  private Map<String, Object> call(Map<String, Object> request) {
    if (request.containsKey("receipts")) {
      return receipts((Long) request.get("receipts"));
    }
    ServiceReference<InferenceService> reference =
        context.getServiceReference(InferenceService.class);
    if (reference == null) {
      return Map.of("error", "no InferenceService");
    }
    InferenceService service = context.getService(reference);
    if (service == null) {
      return Map.of("error", "no InferenceService");
    }
    try {
      if (request.containsKey("status")) {
        return status(service, (String) request.get("status"));
      }
      return request.containsKey("figures") ? futures() : infer(service, request);
    } finally {
      context.ungetService(reference);
    }
  }

  private static Map<String, Object> status(InferenceService service, String model) {
    Map<String, Object> status = new HashMap<>();
    for (ModelStatus each : service.models()) {
      if (each.description().name().equals(model)) {
        status.put(each.description().version().toString(), each.state() + " " + each.reason());
      }
    }
    return status;
  }

  /** The receipts after a number, up to the first that is not settled, and how many follow. */
  private Map<String, Object> receipts(long after) {
    ServiceReference<Operations> reference = context.getServiceReference(Operations.class);
    List<SwapReceipt> all = context.getService(reference).receipts(after);
    context.ungetService(reference);
    List<SwapReceipt> settled = all.stream().takeWhile(SwapReceipt::settled).toList();
    return Map.of(
        "count",
        (long) settled.size(),
        "last",
        settled.isEmpty() ? after : settled.get(settled.size() - 1).id(),
        "checking",
        (long) all.size() - settled.size(),
        "remains",
        settled.stream()
            .filter(r -> r.state() == SwapReceipt.State.REMAINS)
            .map(SwapReceipt::toString)
            .toList());
  }

  private Map<String, Object> futures() {
    return Map.of("futures", futures.get(), "completions", completions.get());
  }

  private Map<String, Object> infer(InferenceService service, Map<String, Object> request) {
    ModelRef model = ModelRef.latest((String) request.get("model"));
    try {
      long deadline = InferenceService.deadlineIn((Long) request.get("timeoutMs"));
      return "prepared".equals(request.get("way"))
          ? prepared(service, model, request, deadline)
          : asked(service, model, request, deadline);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Map.of("error", "interrupted", "code", "CANCELLED", "reason", "");
    } catch (InferenceException e) {
      String status = service.model(model).map(ModelStatus::reason).orElse("not installed");
      return Map.of("error", e.getMessage(), "code", e.code().name(), "reason", status);
    }
  }

  private Map<String, Object> asked(
      InferenceService service, ModelRef model, Map<String, Object> request, long deadline)
      throws InferenceException, InterruptedException {
    Tensor input = Tensor.allocate(ElementType.FLOAT32, Shape.of((long[]) request.get("shape")));
    input.floats().put((float[]) request.get("values"));
    InferenceResult result =
        "later".equals(request.get("way"))
            ? later(service.inferAsync(model, List.of(input), deadline))
            : service.infer(model, List.of(input), deadline);
    return answer(result.outputs().get(0), result.provenance());
  }

  private Map<String, Object> prepared(
      InferenceService service, ModelRef model, Map<String, Object> request, long deadline)
      throws InferenceException {
    PreparedInference preparation = preparations.get(request.get("client"));
    if (preparation == null) {
      preparation = service.prepare(model, 1, deadline);
      preparations.put(request.get("client"), preparation);
    }
    preparation.inputs().get(0).floats().put((float[]) request.get("values"));
    Provenance provenance = preparation.run(deadline);
    return answer(preparation.outputs().get(0), provenance);
  }

  private static Map<String, Object> answer(Tensor output, Provenance provenance) {
    float[] scores = new float[output.elementCount()];
    output.floats().get(scores);
    return Map.of(
        "scores", scores,
        "modelVersion", provenance.modelVersion(),
        "runtimeVersion", provenance.runtimeVersion(),
        "driverVersion", provenance.driverVersion(),
        "generation", provenance.generation(),
        "degraded", provenance.degraded());
  }

  private InferenceResult later(CompletableFuture<InferenceResult> future)
      throws InferenceException, InterruptedException {
    futures.incrementAndGet();
    CompletableFuture<InferenceResult> counted =
        future.whenComplete((result, failure) -> completions.incrementAndGet());
    try {
      return counted.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof InferenceException failure) {
        throw failure;
      }
      throw new IllegalStateException(e);
    }
  }
}
