/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.openvino;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.ModelFormats;
import io.shoji.driver.CallPool;
import io.shoji.driver.DeclaredTensors;
import io.shoji.driver.DeviceAccelerator;
import io.shoji.driver.DeviceHealth;
import io.shoji.driver.HalfShare;
import io.shoji.driver.ModelLoads;
import io.shoji.driver.memory.NativeMemory;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** One device that OpenVINO drives. */
final class OvAccelerator implements DeviceAccelerator {
  private static final Pattern RELEASE = Pattern.compile("(\\d{4})\\.(\\d{1,2})\\D.*");

  private final AcceleratorInfo info;
  private final OpenVino api;
  private final OvDevice device;
  private final DeviceHealth health;
  private final OvSettings settings;
  private final @Nullable Path cache;
  private final Runnable trouble;
  private final ModelLoads loads = new ModelLoads("shoji-openvino");
  private final HalfShare share;
  private final Set<OvModel> models = ConcurrentHashMap.newKeySet();

  /**
   * An accelerator on a device that is there.
   *
   * @param cache folder of compiled models; null for none
   * @param trouble called when something happened that asks for a look at the device
   */
  OvAccelerator(
      AcceleratorInfo info,
      OpenVino api,
      OvDevice device,
      DeviceHealth health,
      OvSettings settings,
      @Nullable Path cache,
      Runnable trouble) {
    this.info = info;
    this.api = api;
    this.device = device;
    this.health = health;
    this.settings = settings;
    this.cache = cache;
    this.trouble = trouble;
    this.share = new HalfShare(health, loads::isStopping);
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

  /** A model is closed. */
  void closed(OvModel model) {
    if (models.remove(model)) {
      device.unloaded();
    }
  }

  /** An inference ended well; a hot device rests for as long as it took. */
  void computed(long nanos) {
    share.computed(nanos);
  }

  /** What an inference that ended so means, for the caller and for the device. */
  AcceleratorException failed(int status, String what) {
    String reason = api.lastError();
    Code code = OvStatus.code(status, reason);
    if (code == Code.FAILED || code == Code.UNSUPPORTED) {
      String ended = "an inference ended with status=" + OvStatus.name(status);
      boolean gone = device.isGone();
      if (gone) {
        health.lost(ended + ", and the device is not there any more");
      } else {
        health.failed(ended);
      }
      trouble.run();
      code = gone ? Code.DEVICE_LOST : Code.FAILED;
    }
    return OvStatus.failure(code, status, what, reason, api.version());
  }

  /** Waits while a hot device rests; whether its turn came before the deadline. */
  boolean awaitTurn(long deadlineNanos) {
    return share.awaitTurn(deadlineNanos);
  }

  @Override
  public LoadedModel load(ModelArtifact artifact, LoadOptions options)
      throws AcceleratorException, InterruptedException {
    ModelLoads.requireOffered(info, artifact);
    OvSettings own = settings.with(artifact);
    return loads.run(artifact, options, models, undo -> open(artifact, options, own, undo));
  }

  private OvModel open(
      ModelArtifact artifact, LoadOptions options, OvSettings own, Deque<Runnable> undo)
      throws AcceleratorException, InterruptedException {
    String name = artifact.toString();
    Map<String, String> details = new LinkedHashMap<>();
    long compiled = compiled(artifact, options, own, details);
    undo.push(() -> api.run(OvFunction.ov_compiled_model_free, compiled));
    // Counted as a model from here on; given back with it, or now.
    boolean done = false;
    try {
      loads.goesOn(artifact);
      options.progress().accept("making the infer requests");
      details.put("cache", cache == null ? "none" : cacheState(compiled));
      List<TensorSpec> inputs = ports(compiled, true, name);
      List<TensorSpec> outputs = ports(compiled, false, name);
      DeclaredTensors.check(artifact, inputs, outputs, false);
      int count = requests(compiled, own);
      List<OvRequest> requests = new ArrayList<>();
      undo.push(() -> requests.forEach(OvRequest::close));
      for (int i = 0; i < count; i++) {
        requests.add(OvRequest.of(api, compiled, inputs, outputs, name));
      }
      details.put("requests", Integer.toString(count));
      // The model closes the requests.
      undo.pop();
      List<Runnable> rest = List.copyOf(undo);
      OvModel model =
          new OvModel(
              name,
              this,
              new CallPool<>(name, requests, OvRequest::isDone),
              inputs,
              outputs,
              count,
              details,
              () -> rest.forEach(Runnable::run));
      done = true;
      return model;
    } finally {
      if (!done) {
        device.unloaded();
      }
    }
  }

  /** Reads, fixes the batch of, and compiles a model; its handle. */
  private long compiled(
      ModelArtifact artifact, LoadOptions options, OvSettings own, Map<String, String> details)
      throws AcceleratorException, InterruptedException {
    String name = artifact.toString();
    details.put("device", device.name());
    IrFile ir = null;
    Path bin = null;
    if (artifact.format().equals(ModelFormats.OPENVINO_IR)) {
      bin = weights(artifact);
      ir = IrFile.read(artifact.file(), bin, api.version(), name);
      details.put("irVersion", Integer.toString(ir.version()));
      details.put("madeBy", ir.madeBy());
    } else {
      requireContent(artifact.file(), name);
    }
    loads.goesOn(artifact);
    options.progress().accept("reading the model");
    long model = read(artifact.file(), bin, ir, name);
    try {
      fixShapes(model, options, details, name);
      loads.goesOn(artifact);
      options.progress().accept("compiling for " + device.name());
      return compile(model, own, details, name);
    } finally {
      // What was compiled needs it no more.
      api.run(OvFunction.ov_model_free, model);
    }
  }

  private static Path weights(ModelArtifact artifact) {
    if (artifact.files().size() > 1) {
      return artifact.files().get(1);
    }
    String file = String.valueOf(artifact.file().getFileName());
    int dot = file.lastIndexOf('.');
    return artifact.file().resolveSibling((dot < 0 ? file : file.substring(0, dot)) + ".bin");
  }

  private static void requireContent(Path file, String artifact) throws AcceleratorException {
    try {
      if (Files.size(file) > 0) {
        return;
      }
    } catch (IOException e) {
      throw new AcceleratorException(
          Code.INVALID_MODEL,
          "the file cannot be read file=" + file + " reason=" + e + " " + artifact,
          e);
    }
    throw new AcceleratorException(
        Code.INVALID_MODEL, "the file is empty bytes=0 file=" + file + " " + artifact);
  }

  private long read(Path file, @Nullable Path bin, @Nullable IrFile ir, String name)
      throws AcceleratorException {
    try (NativeMemory path = OpenVino.memory(file.toString());
        NativeMemory weights = OpenVino.memory(bin == null ? "" : bin.toString());
        NativeMemory out = OpenVino.memory(Long.BYTES)) {
      int status =
          api.call(
              OvFunction.ov_core_read_model,
              device.core(),
              path.address(),
              bin == null ? Long.valueOf(0) : weights.address(),
              out.address());
      if (status == OvStatus.OK) {
        return out.buffer().getLong(0);
      }
      String reason = api.lastError();
      Code code = OvStatus.code(status, reason);
      if (code == Code.FAILED) {
        code =
            ir != null && reason.isEmpty() && isNewer(ir.madeBy())
                ? Code.INCOMPATIBLE_RUNTIME
                : Code.INVALID_MODEL;
      }
      throw OvStatus.failure(
          code,
          status,
          "OpenVINO does not read the model"
              + (ir == null
                  ? ""
                  : " irVersion="
                      + ir.version()
                      + " newestOpset="
                      + ir.newestOpset()
                      + " madeBy="
                      + ir.madeBy())
              + " "
              + name,
          reason,
          api.version());
    }
  }

  /** Whether a release is newer than the library. */
  private boolean isNewer(String madeBy) {
    Matcher made = RELEASE.matcher(madeBy);
    return made.matches()
        && Integer.parseInt(made.group(1)) * 100 + Integer.parseInt(made.group(2)) > api.release();
  }

  /** Gives a model for a device without dynamic shapes the batch that was asked for. */
  private void fixShapes(long model, LoadOptions options, Map<String, String> details, String name)
      throws AcceleratorException {
    if (!device.isFixed()) {
      return;
    }
    int count =
        Math.toIntExact(
            api.make(
                "the model does not tell its inputs " + name,
                OvFunction.ov_model_inputs_size,
                model));
    List<Shape> shapes = new ArrayList<>();
    boolean dynamic = false;
    for (int i = 0; i < count; i++) {
      long port =
          api.make(
              "the model does not tell its inputs " + name,
              OvFunction.ov_model_const_input_by_index,
              model,
              (long) i);
      TensorSpec spec = OvPort.take(api, port, "input" + i, name);
      shapes.add(fixed(spec, options.batchSize(), name));
      dynamic |= spec.shape().isDynamic();
    }
    if (dynamic) {
      details.put("batch", Long.toString(options.batchSize()));
      reshape(model, shapes, name);
    }
  }

  private Shape fixed(TensorSpec spec, long batch, String name) throws AcceleratorException {
    long[] dims = spec.shape().dims();
    for (int i = 0; i < dims.length; i++) {
      if (dims[i] == Shape.DYNAMIC && i > 0) {
        throw new AcceleratorException(
            Code.UNSUPPORTED,
            "this device wants every size when a model is loaded, and only the first, the batch,"
                + " may be left open; convert the model with fixed shapes device="
                + device.name()
                + " input="
                + spec
                + " "
                + name);
      }
      dims[i] = dims[i] == Shape.DYNAMIC ? batch : dims[i];
    }
    return Shape.of(dims);
  }

  private void reshape(long model, List<Shape> shapes, String name) throws AcceleratorException {
    int dimensions = shapes.stream().mapToInt(Shape::rank).sum();
    try (NativeMemory indexes = OpenVino.memory(shapes.size() * Long.BYTES);
        NativeMemory partial = OpenVino.memory(shapes.size() * OvLayout.PARTIAL_SHAPE_BYTES);
        NativeMemory dims = OpenVino.memory(Math.max(1, dimensions) * OvLayout.DIMENSION_BYTES)) {
      int next = 0;
      for (int i = 0; i < shapes.size(); i++) {
        Shape shape = shapes.get(i);
        int at = i * OvLayout.PARTIAL_SHAPE_BYTES;
        indexes.buffer().putLong(i * Long.BYTES, i);
        partial
            .buffer()
            .putLong(at + OvLayout.PARTIAL_SHAPE_RANK + OvLayout.DIMENSION_MIN, shape.rank())
            .putLong(at + OvLayout.PARTIAL_SHAPE_RANK + OvLayout.DIMENSION_MAX, shape.rank())
            .putLong(at + OvLayout.PARTIAL_SHAPE_DIMS, dims.address() + next);
        for (int k = 0; k < shape.rank(); k++) {
          dims.buffer()
              .putLong(next + OvLayout.DIMENSION_MIN, shape.dim(k))
              .putLong(next + OvLayout.DIMENSION_MAX, shape.dim(k));
          next += OvLayout.DIMENSION_BYTES;
        }
      }
      api.check(
          "the model does not take the batch shapes=" + shapes + " " + name,
          OvFunction.ov_model_reshape_by_port_indexes,
          model,
          indexes.address(),
          partial.address(),
          (long) shapes.size());
    }
  }

  private long compile(long model, OvSettings own, Map<String, String> details, String name)
      throws AcceleratorException {
    Map<String, String> properties = new LinkedHashMap<>();
    properties.put("PERFORMANCE_HINT", own.performanceHint());
    if (!own.inferencePrecision().isEmpty()) {
      properties.put("INFERENCE_PRECISION_HINT", own.inferencePrecision());
    }
    Path folder = cache;
    if (folder != null) {
      requireWritable(folder, name);
      properties.put("CACHE_DIR", folder.toString());
    }
    List<NativeMemory> texts = new ArrayList<>();
    device.loading();
    boolean done = false;
    try (NativeMemory target = OpenVino.memory(device.name());
        NativeMemory out = OpenVino.memory(Long.BYTES)) {
      List<Object> arguments = new ArrayList<>();
      arguments.add(device.core());
      arguments.add(model);
      arguments.add(target.address());
      arguments.add(2L * properties.size());
      arguments.add(out.address());
      for (Map.Entry<String, String> property : properties.entrySet()) {
        for (String text : List.of(property.getKey(), property.getValue())) {
          NativeMemory memory = OpenVino.memory(text);
          texts.add(memory);
          arguments.add(memory.address());
        }
      }
      int status = api.call(OvFunction.ov_core_compile_model, arguments.toArray());
      if (status != OvStatus.OK) {
        throw notCompiled(status, "the device does not take the model " + properties + " " + name);
      }
      long compiled = out.buffer().getLong(0);
      done = true;
      details.put("performanceHint", own.performanceHint());
      return compiled;
    } finally {
      device.loaded(done);
      texts.forEach(NativeMemory::close);
    }
  }

  /** Whether the model came out of the cache; releases before 2023.1 do not tell. */
  private String cacheState(long compiled) throws AcceleratorException {
    return switch (api.propertyOf(compiled, "LOADED_FROM_CACHE").strip()) {
      case "YES", "true", "1" -> "hit";
      case "NO", "false", "0" -> "miss";
      default -> "unknown";
    };
  }

  private AcceleratorException notCompiled(int status, String what) {
    String reason = api.lastError();
    AcceleratorException known = device.explain(status, what, reason);
    if (known == null) {
      return OvStatus.failure(status, what, reason, api.version());
    }
    if (known.code() == Code.DEVICE_LOST) {
      health.lost(String.valueOf(known.getMessage()));
      trouble.run();
    }
    return known;
  }

  /** A cache that cannot be written would mean minutes of compiling at each start, unnoticed. */
  private static void requireWritable(Path folder, String name) throws AcceleratorException {
    try {
      Files.createDirectories(folder);
      if (Files.isWritable(folder)) {
        return;
      }
    } catch (IOException e) {
      throw new AcceleratorException(
          Code.FAILED,
          "the folder of compiled models cannot be made; correct cacheFolder, or set it to none"
              + " folder="
              + folder
              + " "
              + name,
          e);
    }
    throw new AcceleratorException(
        Code.FAILED,
        "the folder of compiled models cannot be written; give the user that runs the gateway the"
            + " right to, or set cacheFolder to none folder="
            + folder
            + " "
            + name);
  }

  private List<TensorSpec> ports(long compiled, boolean input, String name)
      throws AcceleratorException {
    long count =
        api.make(
            "the model does not tell its ports " + name,
            input
                ? OvFunction.ov_compiled_model_inputs_size
                : OvFunction.ov_compiled_model_outputs_size,
            compiled);
    List<TensorSpec> ports = new ArrayList<>();
    for (long i = 0; i < count; i++) {
      long port =
          api.make(
              "the model does not tell its ports " + name,
              input
                  ? OvFunction.ov_compiled_model_input_by_index
                  : OvFunction.ov_compiled_model_output_by_index,
              compiled,
              i);
      ports.add(OvPort.take(api, port, (input ? "input" : "output") + i, name));
    }
    return ports;
  }

  private int requests(long compiled, OvSettings own) throws AcceleratorException {
    if (own.requests() > 0) {
      return own.requests();
    }
    String best = api.propertyOf(compiled, "OPTIMAL_NUMBER_OF_INFER_REQUESTS").strip();
    return best.matches("\\d{1,9}")
        ? Math.max(1, Math.min(OvSettings.MOST_REQUESTS, Integer.parseInt(best)))
        : 1;
  }

  @Override
  public void end() {
    loads.stop();
    models.forEach(OvModel::endByDriver);
  }

  @Override
  public void close() {
    end();
    loads.close(
        () ->
            models.forEach(
                model -> {
                  model.endByDriver();
                  model.close();
                }));
  }
}
