/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.tensorrt;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.Precision;
import io.shoji.driver.DeviceHealth;
import io.shoji.driver.ModelLoads;
import io.shoji.driver.onnxruntime.OnnxFile;
import io.shoji.driver.onnxruntime.OrtApi;
import io.shoji.driver.onnxruntime.OrtDevice;
import io.shoji.driver.onnxruntime.OrtEnv;
import io.shoji.driver.onnxruntime.OrtException;
import io.shoji.driver.onnxruntime.OrtModel;
import io.shoji.driver.onnxruntime.OrtProvider;
import io.shoji.driver.onnxruntime.OrtProviderOptions;
import io.shoji.driver.onnxruntime.OrtSessionOptions;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One GPU of NVIDIA's, with one ONNX Runtime that has the TensorRT or the CUDA provider. */
final class TensorRtAccelerator implements Accelerator {
  private static final Logger LOG = LoggerFactory.getLogger(TensorRtAccelerator.class);

  /** {@code ORT_ENABLE_ALL} of {@code GraphOptimizationLevel}. */
  private static final int ALL_OPTIMIZATIONS = 99;

  private static final String QUANTIZE = "QuantizeLinear";
  private static final String DEQUANTIZE = "DequantizeLinear";
  private static final long MEBIBYTE = 1 << 20;

  private final AcceleratorInfo info;
  private final NvidiaMachine machine;
  private final OrtApi api;
  private final OrtDevice device;
  private final Set<OrtProvider> providers;
  private final EngineStore store;
  private final TensorRtSettings settings;
  private final DeviceHealth health;
  private final Runnable trouble;

  /**
   * Takes the environment over.
   *
   * @param providers that this runtime has and the configuration wants, TensorRT or CUDA or both
   * @param trouble called when something happened that asks for a look at the device
   */
  TensorRtAccelerator(
      AcceleratorInfo info,
      NvidiaMachine machine,
      OrtEnv env,
      Set<OrtProvider> providers,
      EngineStore store,
      TensorRtSettings settings,
      DeviceHealth health,
      Runnable trouble) {
    this.info = info;
    this.machine = machine;
    this.api = env.api();
    this.providers = providers;
    this.store = store;
    this.settings = settings;
    this.health = health;
    this.trouble = trouble;
    this.device = new OrtDevice(env, "shoji-tensorrt", OptionalLong::empty, new GpuWatch());
  }

  @Override
  public AcceleratorInfo info() {
    return info;
  }

  /** From what the driver has read last: asks the device nothing. */
  @Override
  public AcceleratorHealth health() {
    return health.toAcceleratorHealth();
  }

  @Override
  public LoadedModel load(ModelArtifact artifact, LoadOptions options)
      throws AcceleratorException, InterruptedException {
    ModelLoads.requireOffered(info, artifact, "computeCapability=" + machine.computeCapability());
    TensorRtSettings own = settings.with(artifact);
    checkDla(own, artifact);
    ModelArtifact fixed = fixed(artifact, options.batchSize());
    if (!providers.contains(OrtProvider.TENSORRT)) {
      return load(options, new GpuPlan(fixed, own, options.batchSize(), null));
    }
    options.progress().accept("looking for the engine in the cache");
    try (EngineStore.Entry engine = store.open(key(artifact, own, options.batchSize()))) {
      return load(options, new GpuPlan(fixed, own, options.batchSize(), engine));
    }
  }

  private LoadedModel load(LoadOptions options, GpuPlan plan)
      throws AcceleratorException, InterruptedException {
    try {
      return device.load(plan.artifact, options, plan);
    } finally {
      plan.forget();
    }
  }

  /** Ends what runs and loads, and closes every model and the environment. Idempotent. */
  void close() {
    device.close();
  }

  private void checkDla(TensorRtSettings own, ModelArtifact artifact) throws AcceleratorException {
    if (own.dlaCore() < 0) {
      return;
    }
    if (!machine.mayHaveDla()) {
      throw new AcceleratorException(
          Code.UNSUPPORTED,
          "this machine has no DLA; leave out dlaCore asked="
              + own.dlaCore()
              + " machine="
              + info.deviceName()
              + " "
              + artifact);
    }
    if (artifact.precision() == Precision.FP32) {
      throw new AcceleratorException(
          Code.UNSUPPORTED,
          "a DLA computes in FP16 and INT8 only asked=" + artifact.precision() + " " + artifact);
    }
  }

  /** What the package declares with the batch size that the session is made for. */
  private static ModelArtifact fixed(ModelArtifact artifact, long batch) {
    return new ModelArtifact(
        artifact.model(),
        artifact.version(),
        artifact.variant(),
        artifact.format(),
        artifact.precision(),
        artifact.sha256(),
        artifact.files(),
        fixed(artifact.inputs(), batch),
        fixed(artifact.outputs(), batch),
        artifact.options());
  }

  private static List<TensorSpec> fixed(List<TensorSpec> specs, long batch) {
    List<TensorSpec> fixed = new ArrayList<>();
    for (TensorSpec spec : specs) {
      long[] dims = spec.shape().dims();
      if (dims.length > 0 && dims[0] == Shape.DYNAMIC) {
        dims[0] = batch;
        fixed.add(TensorSpec.of(spec.name(), spec.type(), Shape.of(dims)));
      } else {
        fixed.add(spec);
      }
    }
    return fixed;
  }

  private EngineKey key(ModelArtifact artifact, TensorRtSettings own, long batch)
      throws AcceleratorException {
    Map<String, String> facts = new TreeMap<>();
    facts.put(EngineKey.MACHINE, info.device() + " " + info.deviceName());
    facts.put(EngineKey.COMPUTE_CAPABILITY, machine.computeCapability());
    facts.put(EngineKey.TENSORRT, machine.tensorRt());
    facts.put(EngineKey.CUDA, machine.cuda());
    facts.put(EngineKey.DRIVER, machine.driver());
    facts.put("onnxRuntime", info.runtimeVersion() + " " + info.runtimeBuildId());
    facts.put("gpu", Integer.toString(own.device()));
    facts.put("precision", artifact.precision().name());
    facts.put("batch", Long.toString(batch));
    facts.put("inputs", artifact.inputs().toString());
    facts.put("dlaCore", Integer.toString(own.dlaCore()));
    facts.put("workspaceMebibytes", Integer.toString(own.workspaceMebibytes()));
    facts.put("leastSubgraphNodes", Integer.toString(own.leastSubgraphNodes()));
    facts.put("calibrationTable", own.calibrationTable() + " " + own.nativeTable());
    for (Path file : artifact.files().subList(1, artifact.files().size())) {
      try {
        facts.put("file " + file.getFileName(), EngineKey.sha256(file));
      } catch (IOException e) {
        throw new AcceleratorException(
            Code.INVALID_MODEL, "a file of the model cannot be read file=" + file, e);
      }
    }
    return new EngineKey(artifact.sha256(), facts);
  }

  /**
   * Sizes of the session, by the names that the model gives those that vary: the batch size for the
   * first of an input, what the package declares for others.
   */
  private static Map<String, Long> sizes(ModelArtifact artifact, OnnxFile file, long batch)
      throws AcceleratorException {
    Map<String, TensorSpec> declared =
        artifact.inputs().stream()
            .collect(Collectors.toMap(TensorSpec::name, spec -> spec, (first, second) -> first));
    Map<String, Long> sizes = new LinkedHashMap<>();
    for (String input : file.shapedInputs()) {
      List<String> dimensions = file.dimensions(input);
      for (int i = 0; i < dimensions.size(); i++) {
        String name = dimensions.get(i);
        if (name.matches("-?\\d+")) {
          continue;
        }
        TensorSpec spec = declared.get(input);
        long asked =
            spec != null && i < spec.shape().rank() && spec.shape().dim(i) != Shape.DYNAMIC
                ? spec.shape().dim(i)
                : i == 0 ? batch : Shape.DYNAMIC;
        if (name.isEmpty() || asked == Shape.DYNAMIC) {
          throw new AcceleratorException(
              Code.UNSUPPORTED,
              "an engine is built for one size of everything, and an input has one that varies;"
                  + (name.isEmpty()
                      ? " fix it in the model, or give it a name there"
                      : " fix it in the model, or declare the input's shape in the package")
                  + " input="
                  + input
                  + " dimension="
                  + i
                  + " name="
                  + name
                  + " "
                  + artifact);
        }
        Long other = sizes.put(name, asked);
        if (other != null && other != asked) {
          throw new AcceleratorException(
              Code.UNSUPPORTED,
              "inputs have different sizes where the model says that they are the same name="
                  + name
                  + " sizes="
                  + other
                  + ","
                  + asked
                  + " "
                  + artifact);
        }
      }
    }
    return sizes;
  }

  /** What a model is given to TensorRT with. */
  private Map<String, String> tensorRtOptions(
      ModelArtifact artifact,
      TensorRtSettings own,
      EngineStore.Entry engine,
      Optional<Path> table) {
    Map<String, String> options = new LinkedHashMap<>();
    boolean int8 = artifact.precision() == Precision.INT8;
    options.put("device_id", Integer.toString(own.device()));
    // What has no range in INT8 runs in FP16.
    options.put("trt_fp16_enable", artifact.precision() == Precision.FP32 ? "0" : "1");
    options.put("trt_int8_enable", int8 ? "1" : "0");
    if (table.isPresent()) {
      options.put("trt_int8_calibration_table_name", table.get().getFileName().toString());
      options.put("trt_int8_use_native_calibration_table", own.nativeTable() ? "1" : "0");
    }
    options.put("trt_dla_enable", own.dlaCore() >= 0 ? "1" : "0");
    if (own.dlaCore() >= 0) {
      options.put("trt_dla_core", Integer.toString(own.dlaCore()));
    }
    if (own.workspaceMebibytes() > 0) {
      options.put("trt_max_workspace_size", Long.toString(own.workspaceMebibytes() * MEBIBYTE));
    }
    options.put("trt_min_subgraph_size", Integer.toString(own.leastSubgraphNodes()));
    options.put("trt_engine_cache_enable", "1");
    options.put("trt_engine_cache_path", engine.folder().toString());
    return options;
  }

  /**
   * Options with a timing cache if this version has one: the version's key tells, because the
   * function table does not.
   */
  private OrtProviderOptions tensorRtOptions(Map<String, String> options, Path timing)
      throws OrtException {
    Map<String, String> more = new LinkedHashMap<>(options);
    more.put("trt_timing_cache_enable", "1");
    more.put("trt_timing_cache_path", timing.toString());
    try {
      return OrtProviderOptions.create(api, OrtProvider.TENSORRT, more);
    } catch (OrtException e) {
      if (!e.text().contains("trt_timing_cache")) {
        throw e;
      }
      LOG.debug("this version keeps no timing cache where it is told to", e);
      return OrtProviderOptions.create(api, OrtProvider.TENSORRT, options);
    }
  }

  static Map<String, String> cudaOptions(int device) {
    return Map.of(
        "device_id", Integer.toString(device), "arena_extend_strategy", "kSameAsRequested");
  }

  /** Who is told how inferences end. */
  private final class GpuWatch implements OrtDevice.Watch {
    @Override
    public void computed() {
      health.computed();
    }

    @Override
    public @Nullable Code failed(OrtException failure) {
      if (failure.isOutOfMemory()) {
        return null;
      }
      if (failure.code() == OrtException.DEVICE_RESET) {
        health.lost("an inference ended with " + failure.getMessage());
        trouble.run();
        return Code.DEVICE_LOST;
      }
      String text = failure.text();
      if (failure.code() == OrtException.EP_FAIL
          || text.contains("CUDA failure")
          || text.contains("CUDA error")
          || text.contains("CUDNN failure")
          || text.contains("CUBLAS failure")
          || text.contains("TensorRT EP")) {
        health.failed("an inference ended with " + failure.getMessage());
        trouble.run();
        return Code.FAILED;
      }
      return null;
    }
  }

  /** How one model is loaded on the GPU. */
  private final class GpuPlan implements OrtDevice.Plan {
    private final ModelArtifact artifact;
    private final TensorRtSettings own;
    private final long batch;
    private final EngineStore.@Nullable Entry engine;
    private final boolean cached;
    private final long begun = System.nanoTime();
    private @Nullable Path profiles;

    private GpuPlan(
        ModelArtifact artifact,
        TensorRtSettings own,
        long batch,
        EngineStore.@Nullable Entry engine) {
      this.artifact = artifact;
      this.own = own;
      this.batch = batch;
      this.engine = engine;
      this.cached = engine == null || engine.isComplete();
      if (engine != null && !cached) {
        if (engine.reason().isEmpty()) {
          LOG.info(
              "the engine of a model is built for the first time; this takes minutes {}", artifact);
        } else {
          LOG.warn(
              "the engine of a model is built again, which takes minutes: {} {}",
              engine.reason(),
              artifact);
        }
      }
    }

    @Override
    public String step() {
      if (cached) {
        return engine == null ? "making the session" : "loading the engine from the cache";
      }
      String reason = engine == null ? "" : engine.reason();
      return "building the engine, which takes minutes"
          + (reason.isEmpty() ? "" : ", because " + reason);
    }

    @Override
    public void configure(OrtSessionOptions options, OnnxFile file)
        throws OrtException, AcceleratorException {
      Optional<Path> table = own.table(artifact);
      if (artifact.precision() == Precision.INT8
          && table.isEmpty()
          && !file.operators().contains(QUANTIZE)
          && !file.operators().contains(DEQUANTIZE)) {
        throw new AcceleratorException(
            Code.UNSUPPORTED,
            "INT8 needs to know the ranges: quantize the model with QuantizeLinear and"
                + " DequantizeLinear, or name a calibration table by the option"
                + " tensorrt.calibrationTable "
                + artifact);
      }
      options.threads(1, 1, false);
      options.graphOptimization(ALL_OPTIMIZATIONS);
      for (Map.Entry<String, Long> size : sizes(artifact, file, batch).entrySet()) {
        options.freeDimension(size.getKey(), size.getValue());
      }
      EngineStore.Entry entry = engine;
      if (entry != null) {
        if (table.isPresent()) {
          entry.add(table.get());
        }
        try (OrtProviderOptions tensorRt =
            tensorRtOptions(tensorRtOptions(artifact, own, entry, table), entry.timing())) {
          tensorRt.appendTo(options);
        }
      }
      if (providers.contains(OrtProvider.CUDA)) {
        try (OrtProviderOptions cuda =
            OrtProviderOptions.create(api, OrtProvider.CUDA, cudaOptions(own.device()))) {
          cuda.appendTo(options);
        }
      }
      try {
        Path folder = Files.createTempDirectory("shoji-tensorrt-");
        profiles = folder;
        options.profiling(folder.resolve("profile").toString());
      } catch (IOException e) {
        throw new AcceleratorException(
            Code.FAILED,
            "there is no place for the runtime's profile, by which it says where the nodes run;"
                + " make room in the folder for temporary files folder="
                + System.getProperty("java.io.tmpdir"),
            e);
      }
    }

    @Override
    public Map<String, String> made(OrtModel model, OnnxFile file) throws AcceleratorException {
      tryOut(model);
      Placement placement = Placement.read(model.endProfiling(), file.nodes());
      if (placement.cpuPercent() > own.mostCpuPercent()) {
        throw new AcceleratorException(
            Code.UNSUPPORTED,
            "too much of the model would run on the CPU; express these operators by others, or allow"
                + " more by mostCpuPercent nodesOnCpu="
                + placement.cpu()
                + " nodes="
                + placement.nodes()
                + " percent="
                + Math.round(placement.cpuPercent())
                + " most="
                + own.mostCpuPercent()
                + " operators="
                + placement.cpuOperators()
                + " providers="
                + names()
                + " "
                + artifact);
      }
      Map<String, String> details = new LinkedHashMap<>();
      details.put("provider", String.join(",", names()));
      details.putAll(placement.details());
      details.put("irVersion", Long.toString(file.irVersion()));
      details.put("opsets", file.opsets().toString());
      details.put("precision", artifact.precision().name());
      details.put("batch", Long.toString(batch));
      details.put("dlaCore", Integer.toString(own.dlaCore()));
      details.put("engine", engineState(placement));
      details.put(
          "loadSeconds", Long.toString(TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begun)));
      // TensorRT's kernels may add parts of a sum in another order each time.
      details.put(LoadedModel.DETERMINISTIC, "false");
      return details;
    }

    /** Runs once on zeros: the runtime says only then where the nodes run. */
    private void tryOut(OrtModel model) throws AcceleratorException {
      List<Tensor> zeros = new ArrayList<>();
      for (TensorSpec input : model.inputs()) {
        if (input.shape().isDynamic()) {
          throw new AcceleratorException(
              Code.UNSUPPORTED,
              "an engine is built for one size of everything, and an input has one that varies;"
                  + " fix it in the model input="
                  + input
                  + " "
                  + artifact);
        }
        zeros.add(Tensor.allocate(input.type(), input.shape()));
      }
      model.run(zeros, LoadedModel.noDeadline());
    }

    /** What became of the engine, which is kept from now on. */
    private String engineState(Placement placement) throws AcceleratorException {
      EngineStore.Entry entry = engine;
      if (entry == null) {
        return "none";
      }
      if (!cached) {
        if (placement.tensorRt() > 0 && entry.engines() == 0) {
          throw new AcceleratorException(
              Code.FAILED,
              "the engine was built and is not in the cache, so that each start would take minutes;"
                  + " make room there folder="
                  + entry.folder()
                  + " freeBytes="
                  + entry.folder().toFile().getUsableSpace()
                  + " "
                  + artifact);
        }
        entry.complete();
        LOG.info(
            "the engine of a model is built and kept seconds={} folder={} {}",
            TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begun),
            entry.folder(),
            artifact);
        return "built";
      }
      if (entry.hasChanged()) {
        LOG.warn(
            "the runtime has built the engine of a model again, though it was in the cache seconds={}"
                + " folder={} {}",
            TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begun),
            entry.folder(),
            artifact);
        entry.complete();
        return "rebuilt";
      }
      return "cached";
    }

    private List<String> names() {
      return providers.stream().map(OrtProvider::runtimeName).toList();
    }

    /** Removes what the runtime noted. */
    private void forget() {
      Path folder = profiles;
      if (folder == null) {
        return;
      }
      try {
        for (Path file : SystemFiles.entries(folder, "", "")) {
          Files.deleteIfExists(file);
        }
        Files.deleteIfExists(folder);
      } catch (IOException e) {
        LOG.warn("a file for one moment cannot be removed folder={}", folder, e);
      }
    }

    @Override
    public boolean cpuMemArena() {
      return true;
    }

    @Override
    public boolean hasThreads() {
      // CUDA's own, which must not inherit a low priority.
      return true;
    }

    @Override
    public boolean callsOnCallersThread(OnnxFile file) {
      // CUDA and both providers keep objects per thread.
      return false;
    }

    @Override
    public int concurrency() {
      return info.concurrency();
    }
  }
}
