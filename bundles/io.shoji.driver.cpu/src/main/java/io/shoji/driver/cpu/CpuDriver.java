/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.cpu;

import io.shoji.accelerator.Accelerator;
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
import io.shoji.driver.onnxruntime.OrtApi;
import io.shoji.driver.onnxruntime.OrtElementTypes;
import io.shoji.driver.onnxruntime.OrtEnv;
import io.shoji.driver.onnxruntime.OrtException;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Function;
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
 * Opens ONNX Runtime and registers the processor as an {@link Accelerator}. If the library cannot
 * be opened, the log says so once and nothing is registered; a change of the configuration tries
 * again.
 */
@Component(
    name = CpuDriver.PID,
    configurationPid = CpuDriver.PID,
    service = {},
    immediate = true)
@Designate(ocd = CpuDriver.Config.class)
public final class CpuDriver {
  /** PID of the configuration, and name of the component. */
  static final String PID = "io.shoji.driver.cpu";

  /** Where the driver takes ONNX Runtime from. */
  static final RuntimeLibrary LIBRARY = new RuntimeLibrary("ONNX Runtime", "libonnxruntime.so.1");

  private static final Logger LOG = LoggerFactory.getLogger(CpuDriver.class);
  private static final String RUNTIME = "onnxruntime";
  private static final List<String> SEVERITIES =
      List.of("verbose", "info", "warning", "error", "fatal");
  private static final int ERROR = SEVERITIES.indexOf("error");

  /**
   * When its environment is made, ONNX Runtime (seen in 1.29.0) matches a regular expression on the
   * command line of the process, with a recursion per character: on Java's usual stack of 1 MB, a
   * command line of 5,000 characters, as a long class path makes it, ends the whole process. This
   * is room for Linux's longest argument, 128 kB; only what is used takes memory.
   */
  private static final long STACK_BYTES = 64 << 20;

  /** The driver's settings. */
  @ObjectClassDefinition(
      id = CpuDriver.PID,
      name = "Shoji CPU driver",
      description = "Runs ONNX models on the processor by ONNX Runtime")
  public @interface Config {
    /** Absolute path of the library. */
    @AttributeDefinition(
        name = "Library path",
        required = false,
        description =
            "Absolute path of libonnxruntime.so, 1.11 or newer. Empty: the one of an installed"
                + " bundle, else the system's")
    String libraryPath() default "";

    /** Threads per operator. */
    @AttributeDefinition(
        name = "Threads per operator",
        min = "0",
        max = "1024",
        description =
            "Threads that share the work of one operator, the caller's among them. 1: every"
                + " inference stays on its caller's thread. 0: one per physical core")
    int intraOpThreads() default 1;

    /** Threads for operators side by side. */
    @AttributeDefinition(
        name = "Operators side by side",
        min = "1",
        max = "1024",
        description = "Above 1, branches of a graph run in parallel on so many threads")
    int interOpThreads() default 1;

    /** Graph optimization. */
    @AttributeDefinition(
        name = "Graph optimization",
        description = "How far the runtime rewrites a graph when it loads it",
        options = {
          @Option(label = "all", value = "all"),
          @Option(label = "extended", value = "extended"),
          @Option(label = "basic", value = "basic"),
          @Option(label = "disable", value = "disable")
        })
    String graphOptimization() default "all";

    /** Arena. */
    @AttributeDefinition(
        name = "Memory arena",
        description =
            "The runtime keeps a model's memory for its next inference; off, it asks the system each"
                + " time, slower and smaller")
    boolean cpuMemArena() default true;

    /** Memory pattern. */
    @AttributeDefinition(
        name = "Memory pattern",
        description = "Lays an inference's memory out in one block, for inputs of one shape")
    boolean memoryPattern() default true;

    /** Spinning. */
    @AttributeDefinition(
        name = "Spinning threads",
        description =
            "Idle threads of the runtime burn their core while they wait: faster with several threads"
                + " per operator, at the cost of everything else on the gateway")
    boolean allowSpinning() default false;

    /** Whose thread an inference runs on. */
    @AttributeDefinition(
        name = "Thread of an inference",
        description =
            "auto: the caller's where that leaves nothing of the runtime on it, else one of the"
                + " driver's. caller: always the caller's, fastest; the old runtime may stay in memory"
                + " after an upgrade until the caller's thread ends. driver: always the driver's",
        options = {
          @Option(label = "auto", value = "auto"),
          @Option(label = "caller", value = "caller"),
          @Option(label = "driver", value = "driver")
        })
    String callThread() default "auto";

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

  private final BundleContext context;
  private final VendorLibraries libraries;

  /** What a configuration asks for. */
  private record Asked(String libraryPath, SessionSettings settings, int severity) {}

  private volatile Asked asked;

  private final DriverThread thread =
      new DriverThread("shoji-cpu-driver", "CPU driver", STACK_BYTES);

  private volatile boolean stopping;

  // Only the driver's thread touches these.
  private @Nullable VendorLibrary library;
  private @Nullable CpuAccelerator accelerator;
  private @Nullable AcceleratorService service;

  /** Reads the configuration and has the library opened. */
  @Activate
  public CpuDriver(BundleContext context, @Reference VendorLibraries libraries, Config config) {
    this.context = context;
    this.libraries = libraries;
    this.asked = asked(config);
    thread.run(this::open);
  }

  private static Asked asked(Config config) {
    return new Asked(
        config.libraryPath() == null ? "" : config.libraryPath(),
        settings(config),
        severity(config.logSeverity()));
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
    thread.stop(this::close, "ONNX Runtime");
  }

  private void open() {
    if (stopping) {
      return;
    }
    ProcessorReadings readings = new ProcessorReadings(Path.of("/"));
    String architecture = architecture();
    String libraryPath = asked.libraryPath();
    SessionSettings settings = asked.settings();
    try {
      VendorLibrary opened = LIBRARY.open(libraries, context, libraryPath, architecture);
      library = opened;
      OrtApi api = OrtApi.of(opened);
      AcceleratorInfo info = info(api, opened, readings, architecture);
      CpuAccelerator device =
          new CpuAccelerator(info, OrtEnv.create(api, asked.severity()), settings, readings);
      accelerator = device;
      LOG.info("the processor is ready {} {}", info, settings);
      service = AcceleratorService.register(context, device);
    } catch (VendorLibraryException | InvalidPathException e) {
      LOG.error(
          "ONNX Runtime cannot be opened, so that there is no CPU accelerator; correct this and"
              + " change the configuration or restart the bundle libraryPath={}",
          libraryPath,
          e);
      close();
    } catch (AcceleratorException | OrtException e) {
      LOG.error(
          "this ONNX Runtime cannot be used, so that there is no CPU accelerator; correct the cause"
              + " below (1.11 or newer is needed) and restart the bundle libraryPath={}",
          libraryPath,
          e);
      close();
    } catch (RuntimeException | LinkageError e) {
      // Without this the executor would swallow it; the bundle's context may also have become
      // invalid under a registration, when the bundle stops meanwhile.
      LOG.error("the CPU driver cannot start", e);
      close();
    }
  }

  private void close() {
    AcceleratorService registered = service;
    service = null;
    if (registered != null) {
      registered.unregister();
    }
    CpuAccelerator device = accelerator;
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

  private AcceleratorInfo info(
      OrtApi api, VendorLibrary opened, ProcessorReadings readings, String architecture) {
    Set<Precision> precisions = EnumSet.of(Precision.FP32, Precision.FP16, Precision.INT8);
    if (api.apiLevel() >= OrtElementTypes.INT4_API) {
      precisions.add(Precision.INT4);
    }
    String name = readings.processorName();
    String buildId = opened.facts().buildId();
    return AcceleratorInfo.builder("cpu", "cpu0")
        .deviceName(name.isEmpty() ? architecture : name)
        .architecture(architecture)
        .formats(List.of(ModelFormats.ONNX))
        .precisions(precisions)
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
  private static SessionSettings settings(Config config) {
    return new SessionSettings(
        threads("intraOpThreads", config.intraOpThreads(), 0),
        threads("interOpThreads", config.interOpThreads(), 1),
        choice(
            SessionSettings.GraphOptimization::of,
            config.graphOptimization(),
            SessionSettings.GraphOptimization.ALL),
        config.cpuMemArena(),
        config.memoryPattern(),
        config.allowSpinning(),
        choice(
            SessionSettings.CallThread::of, config.callThread(), SessionSettings.CallThread.AUTO));
  }

  private static int threads(String name, int asked, int least) {
    if (asked < least || asked > SessionSettings.MOST_THREADS) {
      LOG.error(
          "a setting has no sense, 1 is used: {} asked={} least={} most={}",
          name,
          asked,
          least,
          SessionSettings.MOST_THREADS);
      return 1;
    }
    return asked;
  }

  private static <T> T choice(Function<String, T> byName, @Nullable String asked, T otherwise) {
    if (asked == null) {
      return otherwise;
    }
    try {
      return byName.apply(asked);
    } catch (IllegalArgumentException e) {
      LOG.error("a setting has no sense, its default is used: {}", e.getMessage());
      return otherwise;
    }
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
