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
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.VendorLibraries;
import io.shoji.accelerator.VendorLibrary;
import io.shoji.accelerator.VendorLibraryException;
import io.shoji.driver.AcceleratorService;
import io.shoji.driver.Complaint;
import io.shoji.driver.DeviceHealth;
import io.shoji.driver.DriverThread;
import io.shoji.driver.Setting;
import io.shoji.driver.onnxruntime.OrtApi;
import io.shoji.driver.onnxruntime.OrtEnv;
import io.shoji.driver.onnxruntime.OrtException;
import io.shoji.driver.onnxruntime.OrtProvider;
import io.shoji.driver.onnxruntime.OrtProviderOptions;
import io.shoji.driver.onnxruntime.OrtSessionOptions;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.osgi.service.metatype.annotations.Option;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens an ONNX Runtime that has the TensorRT or the CUDA provider, and registers the GPU as an
 * {@link Accelerator} for as long as it is fit to work. One thread opens, reads the sensors,
 * registers and closes.
 */
@Component(
    name = TensorRtDriver.PID,
    configurationPid = TensorRtDriver.PID,
    service = {},
    immediate = true)
@Designate(ocd = TensorRtDriver.Config.class)
public final class TensorRtDriver {
  /** PID of the configuration, and name of the component. */
  static final String PID = "io.shoji.driver.tensorrt";

  private static final Logger LOG = LoggerFactory.getLogger(TensorRtDriver.class);

  /**
   * As distributions install it. No bundle brings it: it belongs to JetPack's TensorRT and CUDA.
   */
  private static final String LIBRARY_NAME = "libonnxruntime.so.1";

  private static final List<String> SEVERITIES =
      List.of("verbose", "info", "warning", "error", "fatal");
  private static final int ERROR = SEVERITIES.indexOf("error");
  private static final long RETRY_MS = 10_000;
  private static final int MOST_MS = 600_000;
  private static final int MOST_LIMIT = 1 << 20;
  private static final int USUAL_LIMIT = 4_096;

  /**
   * When its environment is made, ONNX Runtime (seen in 1.29.0) matches a regular expression on the
   * command line of the process, with a recursion per character: room for Linux's longest argument,
   * 128 kB; only what is used takes memory.
   */
  private static final long STACK_BYTES = 64 << 20;

  /** The driver's settings. */
  @ObjectClassDefinition(
      id = TensorRtDriver.PID,
      name = "Shoji TensorRT driver",
      description =
          "Runs ONNX models on NVIDIA's GPUs by ONNX Runtime's TensorRT and CUDA providers")
  public @interface Config {
    /** Absolute path of the library. */
    @AttributeDefinition(
        name = "Library path",
        required = false,
        description =
            "Absolute path of a libonnxruntime.so that was built with TensorRT, 1.11 or newer, with"
                + " its libonnxruntime_providers_*.so beside it. Empty: the system's")
    String libraryPath() default "";

    /** Providers, in the order in which they are asked. */
    @AttributeDefinition(
        name = "Providers",
        description = "Which of the runtime's providers get a model, the first one first",
        options = {
          @Option(label = "TensorRT, then CUDA", value = "tensorrt,cuda"),
          @Option(label = "TensorRT", value = "tensorrt"),
          @Option(label = "CUDA", value = "cuda")
        })
    String providers() default "tensorrt,cuda";

    /** CUDA's number of the GPU. */
    @AttributeDefinition(
        name = "GPU",
        min = "0",
        max = "63",
        description = "CUDA's number of the GPU; a Jetson has only 0")
    int device() default 0;

    /** Where engines are kept. */
    @AttributeDefinition(
        name = "Cache folder",
        required = false,
        description =
            "Folder where built engines are kept. Empty: .shoji/tensorrt in the home folder of the"
                + " gateway's user")
    String cacheFolder() default "";

    /** How much of them is kept. */
    @AttributeDefinition(
        name = "Cache limit, MiB",
        min = "1",
        max = "1048576",
        description = "Beyond it the engines that were not used for longest are removed")
    int cacheLimitMebibytes() default USUAL_LIMIT;

    /** Memory for building. */
    @AttributeDefinition(
        name = "Workspace, MiB",
        min = "0",
        max = "65536",
        description = "Memory that TensorRT may use while it builds an engine; 0: its own choice")
    int workspaceMebibytes() default 0;

    /** DLA instead of the GPU. */
    @AttributeDefinition(
        name = "DLA core",
        min = "-1",
        max = "1",
        description =
            "Deep learning accelerator of Xavier and Orin that models run on; -1: the GPU")
    int dlaCore() default -1;

    /** Least part of a graph. */
    @AttributeDefinition(
        name = "Least nodes for TensorRT",
        min = "1",
        max = "10000",
        description = "Smaller parts of a graph are left to CUDA or the CPU")
    int leastSubgraphNodes() default 1;

    /** Share of the CPU. */
    @AttributeDefinition(
        name = "Most on the CPU, %",
        min = "0",
        max = "100",
        description = "A model of which a larger share of nodes would run on the CPU is refused")
    int mostCpuPercent() default 10;

    /** How often the sensors are read. */
    @AttributeDefinition(
        name = "Interval, ms",
        min = "10",
        max = "600000",
        description = "How often temperature, power and throttling are read")
    int pollMs() default 2_000;

    /** Log severity. */
    @AttributeDefinition(
        name = "Log severity",
        description = "What the runtime itself writes to the process's standard error",
        options = {
          @Option(label = "verbose", value = "verbose"),
          @Option(label = "info", value = "info"),
          @Option(label = "warning", value = "warning"),
          @Option(label = "error", value = "error"),
          @Option(label = "fatal", value = "fatal")
        })
    String logSeverity() default "error";
  }

  /** What a configuration asks for. */
  private record Asked(
      String libraryPath,
      List<OrtProvider> providers,
      String cacheFolder,
      int cacheLimitMebibytes,
      TensorRtSettings settings,
      int pollMs,
      int severity) {}

  private final BundleContext context;
  private final VendorLibraries libraries;
  private final SystemFiles files;
  private final JetsonReadings readings;
  private final DriverThread thread =
      new DriverThread("shoji-tensorrt-driver", "TensorRT driver", STACK_BYTES);

  private volatile Asked asked;
  private volatile boolean stopping;

  // Only the driver's thread touches these.
  private @Nullable VendorLibrary library;
  private @Nullable TensorRtAccelerator accelerator;
  private @Nullable AcceleratorService service;
  private DeviceHealth health;
  private DeviceHealth.State told = DeviceHealth.State.PRESENT;
  private final Complaint complaint = new Complaint();
  private long round;

  /** Whether the device is closed because it is too hot, and its sensors are read on. */
  private boolean rests;

  /** Reads the configuration and has the library opened. */
  @Activate
  public TensorRtDriver(
      BundleContext context, @Reference VendorLibraries libraries, Config config) {
    this(context, libraries, config, Path.of("/"));
  }

  /** With another root for the files of the kernel and of the system. */
  TensorRtDriver(BundleContext context, VendorLibraries libraries, Config config, Path root) {
    this.context = context;
    this.libraries = libraries;
    this.files = new SystemFiles(root);
    this.readings = new JetsonReadings(files);
    this.asked = asked(config);
    this.health = DeviceHealth.polledEvery(asked.pollMs);
    thread.run(() -> look(++round));
  }

  /**
   * Starts anew in the background with other settings. With the same ones nothing happens: Kura
   * gives every bundle a configuration of defaults once it is installed, and the device stays.
   */
  @Modified
  void modified(Config config) {
    Asked present = asked(config);
    if (!present.equals(asked)) {
      asked = present;
      thread.run(
          () -> {
            close();
            rests = false;
            complaint.settle();
            health = DeviceHealth.polledEvery(asked.pollMs);
          });
      thread.run(() -> look(++round));
    }
  }

  /**
   * Takes the service back, ends running calls, closes the models and the library. If a call does
   * not come back in 10 s, that goes on in the background, and the library stays open until then.
   */
  @Deactivate
  public void stop() {
    stopping = true;
    thread.stop(this::close, "ONNX Runtime");
  }

  /** Opens what is not open, reads the sensors, and looks again as long as this round goes on. */
  private void look(long of) {
    if (stopping || of != round) {
      return;
    }
    if (accelerator == null && !rests && health.retryInNanos() <= 0) {
      open();
    }
    boolean watched = accelerator != null || rests;
    boolean lost = health.state() == DeviceHealth.State.LOST;
    thread.runIn(watched || lost ? asked.pollMs : Math.max(RETRY_MS, asked.pollMs), () -> look(of));
    if (watched) {
      JetsonReadings.Readings found = readings.read();
      health.read(
          found.celsius(),
          !Double.isNaN(found.celsius()),
          found.watts(),
          !found.throttling().isEmpty());
      if (!found.throttling().isEmpty()) {
        LOG.debug("the GPU is slower than it could be: {}", found.throttling());
      }
      judge();
    }
  }

  /** What has happened already is not to wait for the interval. */
  private void judgeSoon() {
    thread.run(this::judge);
  }

  /** Registers the service, or closes the device, as its health says. */
  private void judge() {
    TensorRtAccelerator device = accelerator;
    if ((device == null && !rests) || stopping) {
      return;
    }
    DeviceHealth.State state = health.state();
    if (state != told) {
      boolean good = state == DeviceHealth.State.HEALTHY || state == DeviceHealth.State.WARMING;
      if (good) {
        LOG.info("the GPU changes {} -> {}", told, health);
      } else {
        LOG.warn("the GPU changes {} -> {}", told, health);
      }
      told = state;
    }
    if (state == DeviceHealth.State.LOST) {
      rests = false;
      close();
    } else if (device == null) {
      // The next look opens it.
      rests = !health.serves();
    } else if (health.serves() && service == null) {
      register(device);
    } else if (!health.serves() && state == DeviceHealth.State.COOLING) {
      rests = true;
      close();
    }
  }

  private void register(TensorRtAccelerator device) {
    try {
      service = AcceleratorService.register(context, device);
    } catch (IllegalStateException e) {
      LOG.debug("the bundle stops, and registers nothing more", e);
    }
  }

  private void unregister() {
    AcceleratorService registered = service;
    service = null;
    if (registered != null) {
      registered.unregister();
    }
  }

  private void close() {
    unregister();
    TensorRtAccelerator device = accelerator;
    accelerator = null;
    if (device != null) {
      device.close();
    }
    VendorLibrary opened = library;
    library = null;
    if (opened != null) {
      opened.close();
    }
  }

  private void open() {
    Asked now = asked;
    boolean done = false;
    try {
      VendorLibrary opened =
          now.libraryPath.isBlank()
              ? libraries.openSystem(LIBRARY_NAME)
              : libraries.open(Path.of(now.libraryPath.strip()));
      library = opened;
      OrtEnv env = OrtEnv.create(OrtApi.of(opened), now.severity);
      try {
        accelerator = accelerator(now, opened, env);
        done = true;
      } finally {
        if (!done) {
          env.close();
        }
      }
      complaint.settle();
      health.opened();
    } catch (VendorLibraryException e) {
      if (e.code() == VendorLibraryException.Code.NOT_FOUND && now.libraryPath.isBlank()) {
        if (complaint.isNew("absent")) {
          LOG.info(
              "no ONNX Runtime is installed on this machine, so that there is no TensorRT accelerator;"
                  + " set libraryPath if it lies elsewhere; it is looked for again everyMs={}",
              RETRY_MS);
        }
      } else if (complaint.isNew(e.toString())) {
        LOG.error(
            "ONNX Runtime cannot be opened, so that there is no TensorRT accelerator; correct this, it"
                + " is tried again by itself libraryPath={}",
            now.libraryPath,
            e);
      }
    } catch (AcceleratorException | OrtException | InvalidPathException e) {
      if (complaint.isNew(e.toString())) {
        LOG.error(
            "this ONNX Runtime cannot be used, so that there is no TensorRT accelerator; correct this,"
                + " it is tried again by itself libraryPath={}",
            now.libraryPath,
            e);
      }
    } finally {
      if (!done) {
        close();
      }
    }
  }

  private TensorRtAccelerator accelerator(Asked now, VendorLibrary opened, OrtEnv env)
      throws AcceleratorException, OrtException {
    Set<OrtProvider> providers = providers(now, env.api());
    NvidiaMachine machine = NvidiaMachine.of(files);
    AcceleratorInfo info = info(env.api(), opened, machine);
    EngineStore store =
        new EngineStore(folder(now.cacheFolder), ((long) now.cacheLimitMebibytes) << 20);
    LOG.info(
        "the GPU is ready {} providers={} chip={} computeCapability={} driver={} cuda={} tensorRt={}"
            + " powerMode={} cacheFolder={}",
        info,
        providers,
        machine.chip(),
        machine.computeCapability(),
        machine.driver(),
        machine.cuda(),
        machine.tensorRt(),
        readings.powerMode(),
        store.root());
    if (providers.contains(OrtProvider.TENSORRT)) {
      try {
        store.checkWritable();
      } catch (AcceleratorException e) {
        // Engines that are there already can still be used; a model without one is refused.
        LOG.error("no engine can be built", e);
      }
    }
    return new TensorRtAccelerator(
        info, machine, env, providers, store, now.settings, health, this::judgeSoon);
  }

  /**
   * Providers that are wanted and work: their libraries are loaded here, so that what they lack is
   * told now, and not with the first model.
   */
  private Set<OrtProvider> providers(Asked now, OrtApi api)
      throws AcceleratorException, OrtException {
    List<String> available = api.availableProviders();
    Set<OrtProvider> found = EnumSet.noneOf(OrtProvider.class);
    List<String> troubles = new ArrayList<>();
    for (OrtProvider provider : now.providers) {
      if (!available.contains(provider.runtimeName())) {
        troubles.add(provider.runtimeName() + ": this ONNX Runtime was built without it");
        continue;
      }
      Map<String, String> options =
          provider == OrtProvider.CUDA
              ? TensorRtAccelerator.cudaOptions(now.settings.device())
              : Map.of("device_id", Integer.toString(now.settings.device()));
      try (OrtSessionOptions session = OrtSessionOptions.create(api);
          OrtProviderOptions provided = OrtProviderOptions.create(api, provider, options)) {
        provided.appendTo(session);
        found.add(provider);
      } catch (OrtException e) {
        troubles.add(provider.runtimeName() + ": " + e.text());
      }
    }
    if (found.isEmpty()) {
      throw new AcceleratorException(
          Code.INCOMPATIBLE_RUNTIME,
          "this ONNX Runtime cannot use the GPU; install one that was built for this JetPack's TensorRT"
              + " and CUDA, and these asked="
              + now.providers
              + " available="
              + available
              + " version="
              + api.version()
              + " troubles="
              + troubles);
    }
    if (!troubles.isEmpty()) {
      LOG.warn("not every provider can be used used={} troubles={}", found, troubles);
    }
    return found;
  }

  private static Path folder(String configured) {
    return configured.isBlank()
        ? Path.of(System.getProperty("user.home"), ".shoji", "tensorrt").toAbsolutePath()
        : Path.of(configured.strip()).toAbsolutePath();
  }

  private AcceleratorInfo info(OrtApi api, VendorLibrary opened, NvidiaMachine machine) {
    String buildId = opened.facts().buildId();
    int gpu = asked.settings.device();
    String device = machine.identity().isEmpty() ? "gpu" : machine.identity();
    return AcceleratorInfo.builder("tensorrt", gpu == 0 ? device : device + "-" + gpu)
        .deviceName(machine.name().isEmpty() ? "NVIDIA GPU " + gpu : machine.name())
        .architecture(machine.computeCapability().isEmpty() ? "cuda" : machine.computeCapability())
        .formats(List.of(ModelFormats.ONNX))
        .precisions(machine.precisions())
        .driver(context.getBundle().getSymbolicName(), context.getBundle().getVersion().toString())
        .runtime("onnxruntime", api.version(), buildId.isEmpty() ? opened.sha256() : buildId)
        .concurrency(1)
        .simulated(opened.optionalSymbol("shoji_simulated").isPresent())
        .build();
  }

  /** The configured settings; one without sense is reported and takes its default. */
  private static Asked asked(Config config) {
    TensorRtSettings settings =
        new TensorRtSettings(
            Setting.number("device", config.device(), 0, TensorRtSettings.MOST_DEVICE, 0),
            Setting.number(
                "workspaceMebibytes",
                config.workspaceMebibytes(),
                0,
                TensorRtSettings.MOST_WORKSPACE,
                0),
            Setting.number("dlaCore", config.dlaCore(), -1, TensorRtSettings.MOST_DLA, -1),
            Setting.number(
                "leastSubgraphNodes",
                config.leastSubgraphNodes(),
                1,
                TensorRtSettings.MOST_SUBGRAPH,
                1),
            Setting.number("mostCpuPercent", config.mostCpuPercent(), 0, 100, 10),
            "",
            false);
    return new Asked(
        Objects.requireNonNullElse(config.libraryPath(), ""),
        wanted(Objects.requireNonNullElse(config.providers(), "")),
        Objects.requireNonNullElse(config.cacheFolder(), ""),
        Setting.number(
            "cacheLimitMebibytes", config.cacheLimitMebibytes(), 1, MOST_LIMIT, USUAL_LIMIT),
        settings,
        Setting.number("pollMs", config.pollMs(), 10, MOST_MS, 2_000),
        severity(config.logSeverity()));
  }

  private static List<OrtProvider> wanted(String names) {
    return switch (names.replace(" ", "").toLowerCase(Locale.ROOT)) {
      case "tensorrt" -> List.of(OrtProvider.TENSORRT);
      case "cuda" -> List.of(OrtProvider.CUDA);
      case "tensorrt,cuda" -> List.of(OrtProvider.TENSORRT, OrtProvider.CUDA);
      default -> {
        LOG.error(
            "a setting has no sense, its default is used: providers asked={}"
                + " known=[tensorrt,cuda], [tensorrt], [cuda]",
            names);
        yield List.of(OrtProvider.TENSORRT, OrtProvider.CUDA);
      }
    };
  }

  private static int severity(@Nullable String name) {
    int severity = name == null ? ERROR : SEVERITIES.indexOf(name.strip().toLowerCase(Locale.ROOT));
    if (severity < 0) {
      LOG.error(
          "a setting has no sense, its default is used: logSeverity asked={} known={}",
          name,
          SEVERITIES);
      return ERROR;
    }
    return severity;
  }
}
