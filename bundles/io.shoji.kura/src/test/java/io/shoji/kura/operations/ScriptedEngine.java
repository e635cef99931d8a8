/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.operations;

import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;
import io.shoji.inference.AcceleratorStatus;
import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceException.Code;
import io.shoji.inference.InferenceResult;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelMetrics;
import io.shoji.inference.ModelMetrics.Latency;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.inference.PreparedInference;
import io.shoji.inference.Provenance;
import io.shoji.model.DriftReference;
import io.shoji.model.ModelCatalog;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelFile;
import io.shoji.model.ModelPackage;
import io.shoji.model.ModelVariant;
import io.shoji.operations.BenchOptions;
import io.shoji.operations.BenchResult;
import io.shoji.operations.DriftReport;
import io.shoji.operations.EngineEvent;
import io.shoji.operations.FieldSamplePage;
import io.shoji.operations.FieldSamplePolicy;
import io.shoji.operations.FieldSampleStatus;
import io.shoji.operations.Garbage;
import io.shoji.operations.GenerationKey;
import io.shoji.operations.ModelChange;
import io.shoji.operations.ModelOverview;
import io.shoji.operations.OperationException;
import io.shoji.operations.Operations;
import io.shoji.operations.OperationsPolicy;
import io.shoji.operations.Progress;
import io.shoji.operations.SwapReceipt;
import io.shoji.operations.Verification;
import io.shoji.operations.VersionPolicy;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Layout;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Base64;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Version;

/**
 * An engine whose every figure is known, so that documents can be compared word by word; one model,
 * two versions, one accelerator. What it is told is kept, what it counts can be moved.
 */
public final class ScriptedEngine implements Operations {
  /** The time of everything. */
  public static final Instant TIME = Instant.parse("2026-11-22T10:00:00Z");

  private static final Version OLD = Version.parseVersion("1.0.0");
  private static final Version NEW = Version.parseVersion("1.1.0");
  private static final String SHA =
      "aa24ef0c9c15ab85785aeaeb6be23df5423f0a651ee4d15bd8938a33c57d2a03";

  /** What was asked of it, in order. */
  public final List<String> calls = new ArrayList<>();

  /** Another driver of its accelerator that is there beside the one that serves; empty for none. */
  public volatile String besides = "";

  /** Events that it tells. */
  public final List<EngineEvent> events = new ArrayList<>();

  /** Steps that benches may take; unlimited unless {@link #held}. */
  public final Semaphore steps = new Semaphore(0);

  /** Whether a bench waits for {@link #steps}. */
  public volatile boolean held;

  private volatile OperationsPolicy policy = OperationsPolicy.empty();
  private volatile List<String> refusesPolicies = List.of();
  private volatile @Nullable Version pin;
  private final Histogram latency = new Histogram(3);
  private final Map<Code, Long> errors = new EnumMap<>(Code.class);
  private boolean empty;

  /** One model that answered three times and failed once. */
  public ScriptedEngine() {
    count(250_000, 3);
    errors.put(Code.DEADLINE_EXCEEDED, 1L);
    events.add(event(1, EngineEvent.Type.MODEL_INSTALLED, "1.0.0", "installed", Map.of()));
    events.add(
        event(
            2,
            EngineEvent.Type.MODEL_SWAPPED,
            "1.1.0",
            "1.1.0 answers in place of 1.0.0",
            Map.of("from.version", "1.0.0", "generation", "2")));
  }

  /** An event of the model. */
  public static EngineEvent event(
      long sequence,
      EngineEvent.Type type,
      String version,
      String message,
      Map<String, String> details) {
    return new EngineEvent(sequence, TIME, type, "digits", version, "cpu:cpu0", message, details);
  }

  /** Counts answers. */
  public synchronized void count(long latencyNanos, int times) {
    latency.recordValueWithCount(latencyNanos, times);
  }

  /** Counts failures. */
  public synchronized void fail(Code code, int times) {
    errors.merge(code, (long) times, Long::sum);
  }

  /** Answers counted. */
  public synchronized long answered() {
    return latency.getTotalCount();
  }

  /** Failures counted. */
  public synchronized long failed() {
    return errors.values().stream().mapToLong(Long::longValue).sum();
  }

  /** Counts from zero again, as after the package came anew. */
  public synchronized void forget() {
    latency.reset();
    errors.clear();
  }

  /** No model is there, or the one is there again. */
  public synchronized void empty(boolean now) {
    empty = now;
  }

  /** What it has against policies from now on. */
  public void refusePolicies(String... reasons) {
    refusesPolicies = List.of(reasons);
  }

  @Override
  public void configure(OperationsPolicy changed) throws OperationException {
    if (!refusesPolicies.isEmpty()) {
      throw new OperationException(OperationException.Code.INVALID, refusesPolicies, null);
    }
    policy = changed;
  }

  @Override
  public OperationsPolicy policy() {
    return policy;
  }

  private void known(String model) throws OperationException {
    if (!model.equals("digits")) {
      throw new OperationException(
          OperationException.Code.UNKNOWN_MODEL, "no such model model=" + model);
    }
  }

  @Override
  public synchronized void pin(String model, Version version) throws OperationException {
    known(model);
    if (!version.equals(OLD) && !version.equals(NEW)) {
      throw new OperationException(
          OperationException.Code.UNKNOWN_VERSION, "no such version version=" + version);
    }
    calls.add("pin " + model + " " + version);
    pin = version;
  }

  @Override
  public synchronized void unpin(String model) throws OperationException {
    known(model);
    calls.add("unpin " + model);
    pin = null;
  }

  @Override
  public synchronized Version rollback(String model) throws OperationException {
    known(model);
    if (OLD.equals(pin)) {
      throw new OperationException(
          OperationException.Code.CONFLICT, "no earlier version is here model=" + model);
    }
    calls.add("rollback " + model);
    pin = OLD;
    return OLD;
  }

  @Override
  public void reload(String model, Progress progress) throws OperationException {
    known(model);
    call("reload " + model);
    progress.report(0.5, "loads");
  }

  @Override
  public Verification verify(String model, Progress progress) throws OperationException {
    known(model);
    call("verify " + model);
    return new Verification(
        provenance(),
        true,
        List.of(),
        2,
        190_000,
        50,
        Optional.of("top1"),
        OptionalDouble.of(0.98),
        OptionalDouble.of(0.97),
        OptionalDouble.of(0.0));
  }

  private synchronized void call(String what) {
    calls.add(what);
  }

  @Override
  public BenchResult bench(String model, BenchOptions options, Progress progress)
      throws OperationException {
    known(model);
    call("bench " + model + " " + options.runs());
    for (int step = 1; step <= 4; step++) {
      if (held) {
        steps.acquireUninterruptibly();
      }
      if (progress.cancelled()) {
        throw new OperationException(
            OperationException.Code.CANCELLED, "cancelled after step=" + step);
      }
      progress.report(step / 4.0, "ran " + step * options.runs() / 4);
    }
    return new BenchResult(
        provenance(),
        options,
        latency(100, 240_000),
        4_000,
        25_000_000,
        OptionalLong.of(300_000),
        OptionalLong.empty(),
        OptionalLong.empty());
  }

  @Override
  public List<ModelChange> changes(String model) {
    if (!model.equals("digits")) {
      return List.of();
    }
    return List.of(
        new ModelChange(
            7,
            ModelChange.State.ROLLED_BACK,
            Optional.of(key("1.0.0")),
            key("2.0.0"),
            Instant.parse("2026-03-01T10:00:00Z"),
            Instant.parse("2026-03-01T10:00:42Z"),
            "its canary speaks against it",
            Map.of("canary.differing", "9", "canary.samples", "60")));
  }

  private static GenerationKey key(String version) {
    return new GenerationKey(
        "digits",
        version,
        "5f",
        "onnx-fp32",
        "a1",
        "cpu:cpu0",
        "io.shoji.driver.cpu",
        "0.1.0",
        "onnxruntime",
        "1.29.0",
        "");
  }

  @Override
  public void releaseDriver(String driver) throws OperationException {
    calls.add("releaseDriver " + driver);
  }

  @Override
  public Garbage collectGarbage() {
    call("collect-garbage");
    return new Garbage(List.of("io.shoji.model.digits 0.1.0 retained"), 2, 190_000);
  }

  @Override
  public DriftReport drift(String model) throws OperationException {
    known(model);
    return new DriftReport(
        model,
        NEW.toString(),
        DriftReport.State.ALARM,
        "input image mean is not as calibrated",
        1024,
        512,
        Optional.of(TIME),
        300,
        Optional.of(DriftReference.Source.CALIBRATION),
        List.of(
            new DriftReport.Feature(
                "input image mean",
                DriftReference.Kind.MEAN,
                1.5,
                0.21,
                0.4,
                0.18,
                400,
                0.25,
                0.5,
                0.25,
                true)));
  }

  @Override
  public FieldSampleStatus fieldSamples(String model) throws OperationException {
    known(model);
    return new FieldSampleStatus(
        model,
        Optional.of(new FieldSamplePolicy(100, 1_000_000)),
        2,
        800,
        40,
        0,
        0,
        Optional.of(TIME),
        Optional.of(TIME),
        "a file of the engine",
        "");
  }

  @Override
  public FieldSamplePage exportFieldSamples(String model, long from, long mostBytes)
      throws OperationException {
    known(model);
    calls.add("exportFieldSamples " + model + " " + from + " " + mostBytes);
    byte[] bytes = {(byte) from, 1, 2};
    return new FieldSamplePage(
        ByteBuffer.wrap(bytes).asReadOnlyBuffer(), 1, from + 1, from == 0, 0);
  }

  @Override
  public synchronized List<EngineEvent> events(long afterSequence) {
    return events.stream().filter(event -> event.sequence() > afterSequence).toList();
  }

  @Override
  public List<SwapReceipt> receipts(long afterId) {
    return Stream.of(
            receipt(1, SwapReceipt.State.CLEAN, List.of()),
            receipt(
                2,
                SwapReceipt.State.REMAINS,
                List.of(
                    new SwapReceipt.Remainder(
                        "name=vendor-poll id=41 state=WAITING",
                        1,
                        "the driver did not end it, it is in vendor.Poll.run(Poll.java:12)"))))
        .filter(receipt -> receipt.id() > afterId)
        .toList();
  }

  private static SwapReceipt receipt(
      long id, SwapReceipt.State state, List<SwapReceipt.Remainder> remains) {
    return new SwapReceipt(
        id,
        SwapReceipt.Subject.DRIVER,
        TIME,
        "cpu:cpu0",
        Optional.empty(),
        OptionalLong.empty(),
        "io.shoji.driver.cpu",
        "0.1.0",
        "onnxruntime",
        "1.28.0",
        state,
        3,
        750,
        List.of(
            new SwapReceipt.Account(SwapReceipt.Resource.CLASS_LOADER, 1, 1, List.of()),
            new SwapReceipt.Account(SwapReceipt.Resource.THREAD, 2, 2 - remains.size(), remains)),
        Map.of("residentBytes", 210_000_000L),
        Map.of("residentBytes", 190_000_000L));
  }

  private static Latency latency(int count, long nanos) {
    Histogram histogram = new Histogram(3);
    histogram.recordValueWithCount(nanos, count);
    return latency(histogram);
  }

  private static Latency latency(Histogram histogram) {
    ByteBuffer buffer = ByteBuffer.allocate(histogram.getNeededByteBufferCapacity());
    int bytes = histogram.encodeIntoCompressedByteBuffer(buffer, 9);
    byte[] encoded = new byte[bytes];
    buffer.get(0, encoded);
    return new Latency(
        histogram.getTotalCount(),
        histogram.getMean(),
        histogram.getValueAtPercentile(50),
        histogram.getValueAtPercentile(90),
        histogram.getValueAtPercentile(99),
        histogram.getValueAtPercentile(99.9),
        histogram.getMaxValue(),
        Base64.getEncoder().encodeToString(encoded));
  }

  private static Provenance provenance() {
    return new Provenance(
        2,
        "digits",
        "1.1.0",
        "onnx-int8",
        SHA,
        SHA,
        "cpu",
        "cpu0",
        "io.shoji.driver.cpu",
        "0.1.0",
        "onnxruntime",
        "1.29.0",
        "b17d",
        false,
        false);
  }

  private static ModelDescription description(Version version) {
    return new ModelDescription(
        "digits",
        version,
        "Meter digit reading",
        "Reads one digit.",
        "EPL-2.0",
        "classification",
        List.of(
            TensorSpec.of("image", ElementType.FLOAT32, Shape.of(-1, 1, 8, 8))
                .withLayout(Layout.NCHW)),
        List.of(TensorSpec.of("logits", ElementType.FLOAT32, Shape.of(-1, 2))),
        List.of("0", "1"),
        List.of(
            new ModelVariant(
                "onnx-int8",
                ModelFormats.ONNX,
                Precision.INT8,
                "(shoji.kind=cpu)",
                List.of(new ModelFile("models/digits.onnx", SHA, 128_025)),
                Map.of())),
        Optional.empty(),
        Optional.of(
            new ModelDescription.GoldenSamples(
                new ModelFile("golden/digits.safetensors", SHA, 61_975), 50)),
        Optional.of(
            new ModelDescription.Evidence(
                "top1", 0.985, 500, "UCI digits, test part", "shoji 0.1.0", "2026-11-20")),
        Optional.of(
            new ModelDescription.Acceptance("top1", 0.97, Optional.of(5.0), Optional.empty())),
        SHA);
  }

  private ModelStatus status(Version version) {
    boolean serves = version.equals(NEW);
    return new ModelStatus(
        description(version),
        serves ? ModelStatus.State.SERVING : ModelStatus.State.LOADING,
        "",
        serves ? Optional.of(provenance()) : Optional.empty(),
        List.of(
            new ModelStatus.Candidate(
                "onnx-int8",
                "cpu:cpu0",
                serves,
                serves ? "fastest" : "another version answers",
                OptionalLong.of(240_000),
                OptionalLong.of(300_000))),
        new ModelMetrics(
            serves ? answered() + failed() : 0,
            serves ? answered() : 0,
            serves ? errors : Map.of(),
            0,
            serves ? latency(latency) : latency(new Histogram(3)),
            serves ? latency(new Histogram(3)) : latency(new Histogram(3))));
  }

  @Override
  public synchronized List<ModelOverview> models() {
    if (empty) {
      return List.of();
    }
    Version pinned = pin;
    return List.of(
        new ModelOverview(
            "digits",
            List.of(
                new ModelOverview.Installed(
                    Optional.of(NEW),
                    ModelOverview.State.INSTALLED,
                    "io.shoji.model.digits 0.2.0",
                    List.of(),
                    Optional.of(status(NEW))),
                new ModelOverview.Installed(
                    Optional.of(OLD),
                    ModelOverview.State.RETAINED,
                    "io.shoji.model.digits 0.1.0",
                    List.of(),
                    Optional.of(status(OLD)))),
            pinned == null ? policy.model("digits").versions() : VersionPolicy.pinned(pinned),
            pinned != null
                ? ModelOverview.Source.PIN
                : policy.models().isEmpty()
                    ? ModelOverview.Source.DEFAULT
                    : ModelOverview.Source.POLICY,
            Optional.ofNullable(pinned),
            Optional.of(NEW),
            Optional.of(OLD),
            ""));
  }

  /** The engine as applications see it; only what the management asks for answers. */
  public InferenceService inference() {
    return new InferenceService() {
      @Override
      public InferenceResult infer(ModelRef model, List<Tensor> inputs, long deadlineNanos)
          throws InferenceException {
        throw new UnsupportedOperationException();
      }

      @Override
      public CompletableFuture<InferenceResult> inferAsync(
          ModelRef model, List<Tensor> inputs, long deadlineNanos) {
        throw new UnsupportedOperationException();
      }

      @Override
      public PreparedInference prepare(
          ModelRef model, List<Tensor> inputs, List<Tensor> outputs, long deadlineNanos) {
        throw new UnsupportedOperationException();
      }

      @Override
      public PreparedInference prepare(ModelRef model, long batchSize, long deadlineNanos) {
        throw new UnsupportedOperationException();
      }

      @Override
      public Optional<ModelStatus> model(ModelRef model) {
        return Optional.empty();
      }

      @Override
      public List<ModelStatus> models() {
        return List.of();
      }

      @Override
      public List<AcceleratorStatus> accelerators() {
        AcceleratorStatus serves = accelerator("io.shoji.driver.cpu", List.of("digits 1.1.0"));
        return besides.isEmpty()
            ? List.of(serves)
            : List.of(accelerator(besides, List.of()), serves);
      }

      private AcceleratorStatus accelerator(String driver, List<String> models) {
        return new AcceleratorStatus(
            AcceleratorInfo.builder("cpu", "cpu0")
                .deviceName("Cortex-A76")
                .architecture("aarch64")
                .formats(List.of(ModelFormats.ONNX))
                .precisions(List.of(Precision.FP32, Precision.INT8))
                .driver(driver, "0.1.0")
                .runtime("onnxruntime", "1.29.0", "b17d")
                .concurrency(4)
                .dynamicShapes(true)
                .build(),
            AcceleratorHealth.of(AcceleratorHealth.State.THROTTLED, "83 degrees")
                .withTemperatureCelsius(83)
                .withMemoryBytes(300_000_000, 4_000_000_000L),
            models);
      }
    };
  }

  /** The store of models: one package was refused. */
  public ModelCatalog catalog() {
    return new ModelCatalog() {
      @Override
      public List<ModelPackage> packages() {
        return List.of();
      }

      @Override
      public List<Refusal> refusals() {
        return List.of(
            new Refusal(
                "io.shoji.model.bad 1.0.0",
                "bad",
                Optional.of(OLD),
                List.of("digest does not match file=a.onnx"),
                TIME));
      }

      @Override
      public StoreUse storeUse() {
        return new StoreUse(4, 380_000);
      }

      @Override
      public StoreUse collectGarbage() {
        return new StoreUse(0, 0);
      }

      @Override
      public List<String> discardRetained() {
        return List.of();
      }
    };
  }

  /** Is the engine that policies go to. */
  public void plug(Policies policies) {
    policies.setEngine(this);
  }

  /** Is no longer the engine that policies go to. */
  public void unplug(Policies policies) {
    policies.removeEngine(this);
  }

  /** A part of the bundle has something to say. */
  public static void addSource(Management management, StatusSource source) {
    management.addSource(source);
  }

  /** A core without an engine. */
  public Management managementWithoutEngine() {
    return new Management(Clock.fixed(TIME, ZoneOffset.UTC), "0.1.0");
  }

  /** A core on this engine, whose clock stands still. */
  public Management management() {
    Management management = managementWithoutEngine();
    management.operations = this;
    management.inference = inference();
    management.catalog = catalog();
    return management;
  }
}
