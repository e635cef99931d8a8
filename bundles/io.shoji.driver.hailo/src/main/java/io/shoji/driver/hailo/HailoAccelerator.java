/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.hailo;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.driver.CallPool;
import io.shoji.driver.DeclaredTensors;
import io.shoji.driver.DeviceAccelerator;
import io.shoji.driver.DeviceHealth;
import io.shoji.driver.HalfShare;
import io.shoji.driver.ModelLoads;
import io.shoji.driver.memory.ModelFile;
import io.shoji.driver.memory.NativeMemory;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** One Hailo chip. */
final class HailoAccelerator implements DeviceAccelerator {
  private static final int MOST_GROUPS = 8;
  private static final int MOST_STREAMS = 64;
  private static final int NAME = 128;
  private static final int FLOAT32 = 3;
  private static final int AUTO = 0;
  private static final byte CANARY = (byte) 0xa5;

  private final AcceleratorInfo info;
  private final HailoRt api;
  private final HailoDevice device;
  private final DeviceHealth health;
  private final HailoSettings settings;
  private final Runnable trouble;
  private final ModelLoads loads = new ModelLoads("shoji-hailo");
  private final HalfShare share;
  private final Set<HailoModel> models = ConcurrentHashMap.newKeySet();

  /**
   * An accelerator on a device that is open.
   *
   * @param trouble called when something happened that asks for a look at the device
   */
  HailoAccelerator(
      AcceleratorInfo info,
      HailoRt api,
      HailoDevice device,
      DeviceHealth health,
      HailoSettings settings,
      Runnable trouble) {
    this.info = info;
    this.api = api;
    this.device = device;
    this.health = health;
    this.settings = settings;
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
  void closed(HailoModel model) {
    models.remove(model);
  }

  /** An inference ended well; a hot device rests for as long as it took. */
  void computed(long nanos) {
    share.computed(nanos);
  }

  /** Something came from the device that cannot be. */
  void suspicious(String what) {
    health.failed(what);
    trouble.run();
  }

  private void broken(int status) {
    String what = "status=" + HailoStatus.name(status) + " number=" + status;
    if (HailoStatus.isDeviceLost(status)) {
      health.lost("an inference ended with " + what);
    } else {
      health.failed("an inference ended with " + what);
    }
    trouble.run();
  }

  /** Waits while a hot device rests; whether its turn came before the deadline. */
  boolean awaitTurn(long deadlineNanos) {
    return share.awaitTurn(deadlineNanos);
  }

  @Override
  public LoadedModel load(ModelArtifact artifact, LoadOptions options)
      throws AcceleratorException, InterruptedException {
    ModelLoads.requireOffered(info, artifact);
    HailoSettings own = settings.with(artifact);
    return loads.run(artifact, options, models, undo -> open(artifact, options, own, undo));
  }

  private HailoModel open(
      ModelArtifact artifact, LoadOptions options, HailoSettings own, Deque<Runnable> undo)
      throws AcceleratorException, InterruptedException {
    String name = artifact.toString();
    int batch = Math.toIntExact(Math.min(options.batchSize(), Short.MAX_VALUE));
    ModelArtifact declared = DeclaredTensors.withBatch(artifact, batch);
    DeclaredTensors.requireFixed(
        artifact,
        declared.inputs(),
        declared.outputs(),
        "the package declares",
        "declare the shape that the HEF was compiled for in model.json; only the batch may be left open");
    // The library may look into it until the HEF is released.
    NativeMemory content = ModelFile.read(artifact);
    undo.push(content::close);
    HefHeader header = HefHeader.read(content.buffer(), name);
    header.requireRunsOn(info.architecture(), name);
    loads.goesOn(artifact);
    long hef = makeHef(content, name);
    undo.push(() -> api.call(HailoFunction.hailo_release_hef, hef));
    String group = chooseGroup(hef, own.group(), name);
    Set<String> streams = streamsOf(hef, group, name);
    loads.goesOn(artifact);
    options.progress().accept("configuring the chip");
    String key = artifact.sha256() + " " + group + " " + batch + " " + own;
    long configured =
        device.take(key, vdevice -> configure(vdevice, hef, group, streams, batch, own, name));
    undo.push(() -> device.giveBack(configured));
    loads.goesOn(artifact);
    options.progress().accept("opening the streams");
    List<Port> inputs = streams(configured, true, batch, own, name, undo);
    List<Port> outputs = streams(configured, false, batch, own, name, undo);
    DeclaredTensors.check(
        declared,
        inputs.stream().map(Port::spec).toList(),
        outputs.stream().map(Port::spec).toList(),
        true);
    List<Frame> frames = new ArrayList<>();
    undo.push(() -> frames.forEach(Frame::close));
    for (int i = 0; i < own.queueSize(); i++) {
      frames.add(frame(inputs, outputs, batch));
    }
    CallPool<Frame> pool = new CallPool<>(name, frames);
    FramePipeline pipeline =
        new FramePipeline(
            api,
            artifact.model(),
            inputs.stream().map(Port::stream).toList(),
            outputs.stream().map(Port::stream).toList(),
            pool,
            batch,
            loads.starter(),
            this::broken);
    Map<String, String> details = new LinkedHashMap<>();
    details.put("group", group);
    details.put("compiledFor", header.title());
    details.put("batch", Integer.toString(batch));
    details.put("format", own.real() ? "float" : "quantized");
    details.put("queueSize", Integer.toString(own.queueSize()));
    details.put("streams", inputs.size() + " in, " + outputs.size() + " out");
    // The pipeline closes the frames.
    undo.pop();
    List<Runnable> rest = List.copyOf(undo);
    return new HailoModel(
        name,
        this,
        pool,
        pipeline,
        inputs,
        outputs,
        batch,
        own.queueSize(),
        details,
        api.version(),
        () -> rest.forEach(Runnable::run));
  }

  private static Frame frame(List<Port> inputs, List<Port> outputs, int batch)
      throws AcceleratorException {
    List<NativeMemory> made = new ArrayList<>();
    try {
      for (Port port : inputs) {
        made.add(HailoRt.memory(Math.toIntExact(port.frameBytes() * batch)));
      }
      for (Port port : outputs) {
        made.add(HailoRt.memory(Math.toIntExact(port.frameBytes() * batch)));
      }
    } catch (AcceleratorException | ArithmeticException e) {
      made.forEach(NativeMemory::close);
      if (e instanceof AcceleratorException known) {
        throw known;
      }
      throw new AcceleratorException(
          Code.OUT_OF_MEMORY,
          "a frame is larger than 2 GiB; choose a smaller batch batch=" + batch,
          e);
    }
    return new Frame(
        made.subList(0, inputs.size()).toArray(NativeMemory[]::new),
        made.subList(inputs.size(), made.size()).toArray(NativeMemory[]::new));
  }

  private long makeHef(NativeMemory content, String name) throws AcceleratorException {
    try (NativeMemory out = HailoRt.memory(Long.BYTES)) {
      api.check(
          "HailoRT does not take the HEF " + name,
          HailoFunction.hailo_create_hef_buffer,
          out.address(),
          content.address(),
          (long) content.buffer().capacity());
      return out.buffer().getLong(0);
    }
  }

  private String chooseGroup(long hef, String asked, String name) throws AcceleratorException {
    int size = api.layout().size("hailo_network_group_info_t");
    try (NativeMemory infos = HailoRt.memory(MOST_GROUPS * size);
        NativeMemory count = HailoRt.memory(Long.BYTES)) {
      count.buffer().putLong(0, MOST_GROUPS);
      api.check(
          "HailoRT does not tell the network groups " + name,
          HailoFunction.hailo_get_network_groups_infos,
          hef,
          infos.address(),
          count.address());
      List<String> found = new ArrayList<>();
      for (int i = 0; i < count.buffer().getLong(0); i++) {
        found.add(HailoRt.text(infos.buffer(), i * size, NAME));
      }
      if (asked.isEmpty() ? found.size() == 1 : found.contains(asked)) {
        return asked.isEmpty() ? found.get(0) : asked;
      }
      throw new AcceleratorException(
          asked.isEmpty() ? Code.UNSUPPORTED : Code.INVALID_MODEL,
          (asked.isEmpty()
                  ? "the HEF has several network groups; name one by hailo.group in the variant's"
                      + " options"
                  : "the HEF has no such network group; correct hailo.group")
              + " asked="
              + (asked.isEmpty() ? "one" : asked)
              + " found="
              + found
              + " "
              + name);
    }
  }

  /** Names of all streams of a network group, which tell its handle from others of the HEF. */
  private Set<String> streamsOf(long hef, String group, String name) throws AcceleratorException {
    HailoLayout layout = api.layout();
    int size = layout.size("hailo_vstream_info_t");
    byte[] text = group.getBytes(java.nio.charset.StandardCharsets.UTF_8);
    try (NativeMemory infos = HailoRt.memory((MOST_STREAMS + 1) * size);
        NativeMemory count = HailoRt.memory(Long.BYTES);
        NativeMemory asked = HailoRt.memory(text.length + 1)) {
      ByteBuffer fields = infos.buffer();
      for (int i = 0; i < fields.capacity(); i++) {
        fields.put(i, CANARY);
      }
      asked.buffer().put(0, text);
      count.buffer().putLong(0, MOST_STREAMS);
      api.check(
          "HailoRT does not tell the streams group=" + group + " " + name,
          HailoFunction.hailo_hef_get_all_vstream_infos,
          hef,
          asked.address(),
          infos.address(),
          count.address());
      int found = (int) count.buffer().getLong(0);
      Set<String> names = ConcurrentHashMap.newKeySet();
      boolean sane = true;
      for (int i = 0; i < found; i++) {
        int direction = fields.getInt(i * size + layout.at("hailo_vstream_info_t.direction"));
        sane &= direction == 0 || direction == 1;
        names.add(HailoRt.text(fields, i * size + layout.at("hailo_vstream_info_t.name"), NAME));
      }
      for (int i = found * size; i < (found + 1) * size; i++) {
        sane &= fields.get(i) == CANARY;
      }
      // The last field of the last structure was written, too.
      boolean tooShort = found > 0;
      for (int i = Math.max(0, found * size - Integer.BYTES); i < found * size; i++) {
        tooShort &= fields.get(i) == CANARY;
      }
      sane &= !tooShort;
      if (!sane) {
        throw new AcceleratorException(
            Code.INCOMPATIBLE_RUNTIME,
            "HailoRT describes streams in structures of another size than its release has; install"
                + " an unchanged release asked="
                + size
                + " release="
                + api.version());
      }
      return names;
    }
  }

  private long configure(
      long vdevice,
      long hef,
      String group,
      Set<String> streams,
      int batch,
      HailoSettings own,
      String name)
      throws AcceleratorException {
    HailoLayout layout = api.layout();
    try (NativeMemory params = HailoRt.memory(HailoLayout.CONFIGURE_PARAMS_ROOM);
        NativeMemory groups = HailoRt.memory(MOST_GROUPS * Long.BYTES);
        NativeMemory count = HailoRt.memory(Long.BYTES)) {
      api.check(
          "the configuration cannot be prepared " + name,
          HailoFunction.hailo_init_configure_params_by_vdevice,
          hef,
          vdevice,
          params.address());
      ByteBuffer fields = params.buffer();
      long groupCount =
          fields.getLong(layout.at("hailo_configure_params_t.network_group_params_count"));
      for (int i = 0; i < groupCount; i++) {
        int at =
            layout.at("hailo_configure_params_t.network_group_params")
                + i * layout.size("hailo_configure_network_group_params_t");
        if (HailoRt.text(fields, at, NAME).equals(group)) {
          fields.putShort(
              at + layout.at("hailo_configure_network_group_params_t.batch_size"), (short) batch);
          fields.putInt(
              at + layout.at("hailo_configure_network_group_params_t.power_mode"),
              own.ultraPerformance() ? 1 : 0);
        }
      }
      count.buffer().putLong(0, MOST_GROUPS);
      api.check(
          "the chip cannot be configured device=" + device.id() + " " + name,
          HailoFunction.hailo_configure_vdevice,
          vdevice,
          hef,
          params.address(),
          groups.address(),
          count.address());
      for (int i = 0; i < count.buffer().getLong(0); i++) {
        long handle = groups.buffer().getLong(i * Long.BYTES);
        if (streams.containsAll(names(handle, true, name))
            && streams.containsAll(names(handle, false, name))) {
          schedule(handle, own, name);
          return handle;
        }
      }
      throw new AcceleratorException(
          Code.FAILED,
          "HailoRT configured no network group with the streams of the one that was asked for"
              + " asked="
              + group
              + " streams="
              + streams
              + " "
              + name);
    }
  }

  private void schedule(long group, HailoSettings own, String name) throws AcceleratorException {
    if (own.priority() >= 0) {
      api.check(
          "the scheduler does not take the priority=" + own.priority() + " " + name,
          HailoFunction.hailo_set_scheduler_priority,
          group,
          own.priority(),
          0L);
    }
    if (own.schedulerTimeoutMs() >= 0) {
      api.check(
          "the scheduler does not take the schedulerTimeoutMs="
              + own.schedulerTimeoutMs()
              + " "
              + name,
          HailoFunction.hailo_set_scheduler_timeout,
          group,
          own.schedulerTimeoutMs(),
          0L);
    }
    if (own.schedulerThreshold() >= 0) {
      api.check(
          "the scheduler does not take the schedulerThreshold="
              + own.schedulerThreshold()
              + " "
              + name,
          HailoFunction.hailo_set_scheduler_threshold,
          group,
          own.schedulerThreshold(),
          0L);
    }
  }

  /**
   * Parameters of all streams of one direction, by name; their number is put into {@code count}.
   */
  private NativeMemory params(
      long group, boolean input, int format, NativeMemory count, String name)
      throws AcceleratorException {
    int size = api.layout().size("hailo_input_vstream_params_by_name_t");
    NativeMemory params = HailoRt.memory(MOST_STREAMS * size);
    boolean done = false;
    try {
      count.buffer().putLong(0, MOST_STREAMS);
      api.check(
          "the streams cannot be described " + name,
          input
              ? HailoFunction.hailo_make_input_vstream_params
              : HailoFunction.hailo_make_output_vstream_params,
          group,
          0,
          format,
          params.address(),
          count.address());
      done = true;
      return params;
    } finally {
      if (!done) {
        params.close();
      }
    }
  }

  private Set<String> names(long group, boolean input, String name) throws AcceleratorException {
    int size = api.layout().size("hailo_input_vstream_params_by_name_t");
    Set<String> names = ConcurrentHashMap.newKeySet();
    try (NativeMemory count = HailoRt.memory(Long.BYTES);
        NativeMemory params = params(group, input, AUTO, count, name)) {
      for (int i = 0; i < count.buffer().getLong(0); i++) {
        names.add(HailoRt.text(params.buffer(), i * size, NAME));
      }
    }
    return names;
  }

  private List<Port> streams(
      long group, boolean input, int batch, HailoSettings own, String name, Deque<Runnable> undo)
      throws AcceleratorException {
    HailoLayout layout = api.layout();
    int size = layout.size("hailo_input_vstream_params_by_name_t");
    int at = layout.at("hailo_input_vstream_params_by_name_t.params");
    try (NativeMemory count = HailoRt.memory(Long.BYTES);
        NativeMemory params = params(group, input, own.real() ? FLOAT32 : AUTO, count, name)) {
      int streams = (int) count.buffer().getLong(0);
      ByteBuffer fields = params.buffer();
      for (int i = 0; i < streams; i++) {
        fields.putInt(
            i * size + at + layout.at("hailo_vstream_params_t.timeout_ms"), own.frameTimeoutMs());
        fields.putInt(
            i * size + at + layout.at("hailo_vstream_params_t.queue_size"), own.queueSize());
      }
      NativeMemory handles = HailoRt.memory(Math.max(1, streams) * Long.BYTES);
      undo.push(handles::close);
      api.check(
          "the streams cannot be opened " + name,
          input
              ? HailoFunction.hailo_create_input_vstreams
              : HailoFunction.hailo_create_output_vstreams,
          group,
          params.address(),
          (long) streams,
          handles.address());
      undo.push(
          () ->
              api.call(
                  input
                      ? HailoFunction.hailo_release_input_vstreams
                      : HailoFunction.hailo_release_output_vstreams,
                  handles.address(),
                  (long) streams));
      List<Port> ports = new ArrayList<>();
      for (int i = 0; i < streams; i++) {
        ports.add(Port.of(api, handles.buffer().getLong(i * Long.BYTES), input, batch, name));
      }
      return ports;
    }
  }

  @Override
  public void end() {
    loads.stop();
    models.forEach(HailoModel::endByDriver);
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
