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
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import org.osgi.framework.BundleActivator;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;

/**
 * The test's hand inside the framework: classes of the API exist only there, so requests and
 * answers cross as maps of the JDK's own types.
 */
public final class Probe implements BundleActivator {
  private BundleContext context;

  @Override
  public void start(BundleContext bundleContext) {
    context = bundleContext;
    Function<Map<String, Object>, Map<String, Object>> call = this::call;
    context.registerService(Function.class, call, new Hashtable<>(Map.of("probe", "shoji")));
  }

  @Override
  public void stop(BundleContext bundleContext) {
    // The framework takes back the service.
  }

  private Map<String, Object> call(Map<String, Object> request) {
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
      return infer(service, request);
    } finally {
      context.ungetService(reference);
    }
  }

  private static Map<String, Object> infer(InferenceService service, Map<String, Object> request) {
    String model = (String) request.get("model");
    float[] values = (float[]) request.get("values");
    long[] shape = (long[]) request.get("shape");
    Tensor input = Tensor.allocate(ElementType.FLOAT32, Shape.of(shape));
    input.floats().put(values);
    try {
      long deadline = InferenceService.deadlineIn((Long) request.get("timeoutMs"));
      InferenceResult result =
          request.containsKey("async")
              ? later(service.inferAsync(ModelRef.latest(model), List.of(input), deadline))
              : service.infer(ModelRef.latest(model), List.of(input), deadline);
      Tensor output = result.outputs().get(0);
      float[] scores = new float[output.elementCount()];
      output.floats().get(scores);
      return Map.of(
          "scores", scores,
          "modelVersion", result.provenance().modelVersion(),
          "runtimeVersion", result.provenance().runtimeVersion(),
          "runtimeBuildId", result.provenance().runtimeBuildId(),
          "generation", result.provenance().generation(),
          "degraded", result.provenance().degraded());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Map.of("error", "interrupted", "code", "CANCELLED", "reason", "");
    } catch (InferenceException e) {
      String status =
          service.model(ModelRef.latest(model)).map(ModelStatus::reason).orElse("not installed");
      return Map.of("error", e.getMessage(), "code", e.code().name(), "reason", status);
    }
  }

  private static InferenceResult later(CompletableFuture<InferenceResult> future)
      throws InferenceException, InterruptedException {
    try {
      return future.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof InferenceException failure) {
        throw failure;
      }
      throw new IllegalStateException(e);
    }
  }
}
