/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.worker.probe;

import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.inference.AcceleratorStatus;
import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceResult;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.inference.PreparedInference;
import io.shoji.inference.Provenance;
import io.shoji.operations.EngineEvent;
import io.shoji.operations.Operations;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import org.osgi.framework.BundleActivator;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;

/**
 * The test's hand inside the framework: classes of the API exist only there, so requests and
 * answers cross as maps of the JDK's own types.
 *
 * <p>A request names its {@code model}, {@code values}, {@code shape} and {@code timeoutMs}, and
 * may name a {@code client}, whose preparation is used. One with {@code status} is answered by the
 * models and accelerators that there are, one with {@code events} by the engine's events, one with
 * {@code bench} by the times of as many runs as fit into {@code millis}, by {@code callers} at
 * once.
 */
public final class Probe implements BundleActivator {
  private final Map<Object, PreparedInference> preparations = new ConcurrentHashMap<>();
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
    if (request.containsKey("events")) {
      return events();
    }
    ServiceReference<InferenceService> reference =
        context.getServiceReference(InferenceService.class);
    InferenceService service = reference == null ? null : context.getService(reference);
    if (service == null) {
      return Map.of("error", "no InferenceService");
    }
    try {
      if (request.containsKey("bench")) {
        return bench(service, request);
      }
      return request.containsKey("status") ? status(service) : infer(service, request);
    } finally {
      context.ungetService(reference);
    }
  }

  private Map<String, Object> events() {
    ServiceReference<Operations> reference = context.getServiceReference(Operations.class);
    List<Map<String, String>> all = new ArrayList<>();
    for (EngineEvent event : context.getService(reference).events(0)) {
      Map<String, String> one = new HashMap<>(event.details());
      one.put("type", event.type().name());
      one.put("message", event.message());
      all.add(one);
    }
    context.ungetService(reference);
    return Map.of("events", all);
  }

  private static Map<String, Object> status(InferenceService service) {
    Map<String, Object> status = new HashMap<>();
    for (ModelStatus each : service.models()) {
      status.put(
          "model " + each.description().name(),
          each.state()
              + " "
              + each.serving().map(Provenance::toString).orElse("")
              + " "
              + each.reason());
      for (ModelStatus.Candidate candidate : each.candidates()) {
        candidate
            .memoryBytes()
            .ifPresent(bytes -> status.put("memory " + candidate.variant(), bytes));
      }
    }
    List<String> accelerators = new ArrayList<>();
    for (AcceleratorStatus each : service.accelerators()) {
      AcceleratorHealth health = each.health();
      accelerators.add(each.info() + " " + each.info().driverVersion() + " " + health.state());
    }
    status.put("accelerators", accelerators);
    return status;
  }

  private Map<String, Object> bench(InferenceService service, Map<String, Object> request) {
    String model = (String) request.get("bench");
    long nanos = (Long) request.get("millis") * 1_000_000;
    int callers = (Integer) request.get("callers");
    List<PreparedInference> prepared = new ArrayList<>();
    for (int caller = 0; caller < callers; caller++) {
      prepared.add(
          preparations.computeIfAbsent(model + " " + caller, key -> prepare(service, model)));
    }
    ExecutorService executor = Executors.newFixedThreadPool(callers);
    try {
      List<Future<long[]>> runs = new ArrayList<>();
      long start = System.nanoTime();
      for (PreparedInference each : prepared) {
        runs.add(executor.submit(() -> times(each, nanos)));
      }
      List<long[]> times = new ArrayList<>();
      for (Future<long[]> run : runs) {
        times.add(run.get());
      }
      return Map.of("times", times, "nanos", System.nanoTime() - start);
    } catch (ExecutionException e) {
      return Map.of("error", String.valueOf(e.getCause()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Map.of("error", "interrupted");
    } finally {
      executor.shutdown();
    }
  }

  private static PreparedInference prepare(InferenceService service, String model) {
    try {
      return service.prepare(ModelRef.latest(model), 1, InferenceService.deadlineIn(60_000));
    } catch (InferenceException e) {
      throw new IllegalStateException(e);
    }
  }

  private static long[] times(PreparedInference prepared, long nanos) throws InferenceException {
    long[] found = new long[1 << 18];
    int count = 0;
    long start = System.nanoTime();
    long end = start + nanos;
    while (end - start > 0 && count < found.length) {
      prepared.run(start + 10_000_000_000L);
      long now = System.nanoTime();
      found[count++] = now - start;
      start = now;
    }
    return Arrays.copyOf(found, count);
  }

  private Map<String, Object> infer(InferenceService service, Map<String, Object> request) {
    ModelRef model = ModelRef.latest((String) request.get("model"));
    try {
      long deadline = InferenceService.deadlineIn((Long) request.get("timeoutMs"));
      return request.containsKey("client")
          ? prepared(service, model, request, deadline)
          : asked(service, model, request, deadline);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Map.of("error", "interrupted", "code", "CANCELLED");
    } catch (InferenceException e) {
      return Map.of("error", e.getMessage(), "code", e.code().name());
    }
  }

  private static Map<String, Object> asked(
      InferenceService service, ModelRef model, Map<String, Object> request, long deadline)
      throws InferenceException, InterruptedException {
    Tensor input = Tensor.allocate(ElementType.FLOAT32, Shape.of((long[]) request.get("shape")));
    input.floats().put((float[]) request.get("values"));
    InferenceResult result = service.infer(model, List.of(input), deadline);
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
        "runtimeVersion", provenance.runtimeVersion(),
        "driverVersion", provenance.driverVersion(),
        "generation", provenance.generation());
  }
}
