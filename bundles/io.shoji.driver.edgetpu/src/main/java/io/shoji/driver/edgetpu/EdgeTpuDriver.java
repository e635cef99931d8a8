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
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;
import io.shoji.accelerator.VendorLibraries;
import io.shoji.accelerator.VendorLibrary;
import io.shoji.accelerator.VendorLibraryException;
import io.shoji.driver.AcceleratorService;
import io.shoji.driver.DriverThread;
import io.shoji.driver.RuntimeLibrary;
import io.shoji.driver.Setting;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
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
 * Registers the machine's processor as an accelerator of TensorFlow Lite models, with the
 * TensorFlow Lite that it finds, and beside it each Edge TPU that is there.
 *
 * <p>Opening and closing happen on a thread of its own, so that activation returns at once.
 */
@Component(
    name = EdgeTpuDriver.PID,
    configurationPid = EdgeTpuDriver.PID,
    service = {},
    immediate = true)
@Designate(ocd = EdgeTpuDriver.Config.class)
public final class EdgeTpuDriver {
  /** PID of the configuration, and name of the component. */
  static final String PID = "io.shoji.driver.edgetpu";

  /** Identity of the processor with this runtime; {@code cpu0} is it with ONNX Runtime. */
  static final String DEVICE = "tflite0";

  /** Where the driver takes TensorFlow Lite from. */
  static final RuntimeLibrary LIBRARY =
      new RuntimeLibrary("TensorFlow Lite", "libtensorflowlite_c.so");

  private static final Logger LOG = LoggerFactory.getLogger(EdgeTpuDriver.class);
  private static final String RUNTIME = "tensorflowlite";

  /** The driver's settings. */
  @ObjectClassDefinition(
      id = EdgeTpuDriver.PID,
      name = "Shoji TensorFlow Lite driver",
      description =
          "Runs TensorFlow Lite models on the processor by XNNPACK, and on Coral's Edge TPUs by libedgetpu")
  public @interface Config {
    /** Absolute path of the library. */
    @AttributeDefinition(
        name = "Library path",
        required = false,
        description =
            "Absolute path of libtensorflowlite_c.so, version 2.21. Empty: the one of an installed"
                + " bundle, else the system's")
    String libraryPath() default "";

    /** Threads per operator. */
    @AttributeDefinition(
        name = "Threads per operator",
        min = "1",
        max = "64",
        description =
            "Threads that share the work of one operator, the caller's among them. 1: every"
                + " inference stays on its caller's thread")
    int threads() default 1;

    /** Interpreters per model. */
    @AttributeDefinition(
        name = "Interpreters per model",
        min = "0",
        max = "64",
        description =
            "Inferences of one model that run at once. Each has a copy of the model's activations and"
                + " packed weights. 0: as many as cores and threads allow, at most 4")
    int interpreters() default 0;

    /** Absolute path of the Edge TPU's runtime. */
    @AttributeDefinition(
        name = "Edge TPU library path",
        required = false,
        description = "Absolute path of libedgetpu.so.1. Empty: the one of the system")
    String edgeTpuLibraryPath() default "";

    /** TensorFlow that the Edge TPU's runtime was built against. */
    @AttributeDefinition(
        name = "Edge TPU library's TensorFlow",
        required = false,
        description =
            "Release of TensorFlow that libedgetpu was built against, as 2.16.1. Empty: as its Debian"
                + " package says. One that does not fit is refused, since it would crash the process")
    String edgeTpuTensorFlow() default "";

    /** How fast Edge TPUs are to be. */
    @AttributeDefinition(
        name = "Edge TPU performance",
        required = false,
        description =
            "Clock of Edge TPUs: the faster, the hotter. Default: the library's own choice, which differs"
                + " in the packages libedgetpu1-std and -max",
        options = {
          @Option(label = "Default", value = "Default"),
          @Option(label = "Low", value = "Low"),
          @Option(label = "Medium", value = "Medium"),
          @Option(label = "High", value = "High"),
          @Option(label = "Max", value = "Max")
        })
    String edgeTpuPerformance() default EdgeTpuSettings.DEFAULT;

    /** Folder of locks. */
    @AttributeDefinition(
        name = "Edge TPU lock folder",
        required = false,
        description =
            "Folder of the files by which gateways and workers of the machine agree who has an Edge TPU."
                + " Empty: /run/lock, /dev/shm or /tmp")
    String edgeTpuLockFolder() default "";

    /** How often Edge TPUs are looked at. */
    @AttributeDefinition(
        name = "Edge TPU interval, ms",
        min = "10",
        max = "600000",
        description = "How often the driver looks for Edge TPUs and reads their sensors")
    int edgeTpuPollMs() default EdgeTpuSettings.POLL_MS;
  }

  private final BundleContext context;
  private final VendorLibraries libraries;
  private final Path root;

  /** What a configuration asks for. */
  private record Asked(String libraryPath, InterpreterSettings settings, EdgeTpuSettings edgeTpu) {}

  private volatile Asked asked;

  private final DriverThread thread =
      new DriverThread("shoji-tflite-driver", "TensorFlow Lite driver");

  private volatile boolean stopping;

  // Only the driver's thread touches these.
  private @Nullable VendorLibrary library;
  private @Nullable TfliteAccelerator accelerator;
  private @Nullable EdgeTpuDevices edgeTpus;
  private @Nullable AcceleratorService service;

  /** Reads the configuration and has the library opened. */
  @Activate
  public EdgeTpuDriver(BundleContext context, @Reference VendorLibraries libraries, Config config) {
    this(context, libraries, config, Path.of("/"));
  }

  /**
   * The same on another machine.
   *
   * @param root folder where {@code /sys}, {@code /dev} and the like of the machine are
   */
  EdgeTpuDriver(BundleContext context, VendorLibraries libraries, Config config, Path root) {
    this.context = context;
    this.libraries = libraries;
    this.root = root;
    this.asked = asked(config);
    thread.run(this::open);
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
      thread.run(this::close);
      thread.run(this::open);
    }
  }

  /**
   * Takes the service back, ends running calls, closes the models and the library. If a call does
   * not come back in 10 s, that goes on in the background, and the library stays open until then.
   */
  @Deactivate
  public void stop() {
    stopping = true;
    thread.stop(this::close, "TensorFlow Lite");
  }

  private void open() {
    if (stopping) {
      return;
    }
    HostReadings readings = new HostReadings(Path.of("/proc"));
    String architecture = architecture();
    Asked present = asked;
    String libraryPath = present.libraryPath;
    try {
      VendorLibrary opened = LIBRARY.open(libraries, context, libraryPath, architecture);
      library = opened;
      TfLite api = TfLite.of(opened);
      AcceleratorInfo info = info(api, opened, readings, architecture);
      XnnpackOptions xnnpack = XnnpackOptions.of(api);
      TfliteAccelerator device =
          new TfliteAccelerator(
              info, api, new ProcessorDevice(api, xnnpack, readings), present.settings, readings);
      accelerator = device;
      LOG.info("the processor is ready for TensorFlow Lite models {} {}", info, present.settings);
      service = AcceleratorService.register(context, device);
      edgeTpus =
          new EdgeTpuDevices(
              new EdgeTpuDevices.Base(
                  context, libraries, api, xnnpack, readings, new DeviceFiles(root)),
              present.edgeTpu,
              present.settings);
    } catch (VendorLibraryException | InvalidPathException e) {
      LOG.error(
          "TensorFlow Lite cannot be opened, so that no accelerator runs its models; correct this and"
              + " change the configuration or restart the bundle libraryPath={}",
          libraryPath,
          e);
      close();
    } catch (AcceleratorException e) {
      LOG.error(
          "this TensorFlow Lite cannot be used, so that no accelerator runs its models libraryPath={}",
          libraryPath,
          e);
      close();
    } catch (RuntimeException | LinkageError e) {
      // Without this the executor would swallow it; the bundle's context may also have become
      // invalid under a registration, when the bundle stops meanwhile.
      LOG.error("the TensorFlow Lite driver cannot start", e);
      close();
    }
  }

  private void close() {
    AcceleratorService registered = service;
    service = null;
    if (registered != null) {
      registered.unregister();
    }
    TfliteAccelerator device = accelerator;
    accelerator = null;
    if (device != null) {
      device.close();
    }
    // Behind the processor: a call into libedgetpu that does not come back holds up nobody else.
    EdgeTpuDevices devices = edgeTpus;
    edgeTpus = null;
    if (devices != null) {
      devices.close();
    }
    VendorLibrary opened = library;
    library = null;
    if (opened != null) {
      opened.close();
    }
  }

  private AcceleratorInfo info(
      TfLite api, VendorLibrary opened, HostReadings readings, String architecture) {
    String name = readings.processorName();
    String buildId = opened.facts().buildId();
    return AcceleratorInfo.builder("cpu", DEVICE)
        .deviceName((name.isEmpty() ? architecture : name) + ", XNNPACK")
        .architecture(architecture)
        .formats(List.of(ModelFormats.TFLITE))
        .precisions(EnumSet.of(Precision.FP32, Precision.FP16, Precision.INT8))
        .driver(context.getBundle().getSymbolicName(), context.getBundle().getVersion().toString())
        .runtime(RUNTIME, api.version(), buildId.isEmpty() ? opened.sha256() : buildId)
        .concurrency(Runtime.getRuntime().availableProcessors())
        .dynamicShapes(true)
        .build();
  }

  /** The machine as {@code uname -m} names it. */
  static String architecture() {
    String name = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
    return name.equals("amd64") ? "x86_64" : name;
  }

  /** The configured settings; one without sense is reported and takes its default. */
  private static Asked asked(Config config) {
    InterpreterSettings settings =
        new InterpreterSettings(
            Setting.number("threads", config.threads(), 1, InterpreterSettings.MOST, 1),
            Setting.number("interpreters", config.interpreters(), 0, InterpreterSettings.MOST, 0));
    String performance = text(config.edgeTpuPerformance());
    if (performance.equals(EdgeTpuSettings.DEFAULT)) {
      performance = "";
    } else if (!performance.isEmpty() && !EdgeTpu.PERFORMANCES.contains(performance)) {
      LOG.error(
          "a setting has no sense, its default is used: edgeTpuPerformance asked={} known={}",
          performance,
          EdgeTpu.PERFORMANCES);
      performance = "";
    }
    return new Asked(
        text(config.libraryPath()),
        settings,
        new EdgeTpuSettings(
            text(config.edgeTpuLibraryPath()),
            text(config.edgeTpuTensorFlow()),
            performance,
            text(config.edgeTpuLockFolder()),
            Setting.number(
                "edgeTpuPollMs",
                config.edgeTpuPollMs(),
                EdgeTpuSettings.LEAST_POLL_MS,
                EdgeTpuSettings.MOST_POLL_MS,
                EdgeTpuSettings.POLL_MS)));
  }

  /** Kura gives null for an empty text. */
  private static String text(@Nullable String configured) {
    return configured == null ? "" : configured.strip();
  }
}
