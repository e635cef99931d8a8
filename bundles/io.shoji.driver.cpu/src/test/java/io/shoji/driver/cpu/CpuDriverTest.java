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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;
import io.shoji.accelerator.VendorLibraries;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.Artifacts;
import io.shoji.testkit.Eventually;
import io.shoji.testkit.OnnxModels;
import io.shoji.testkit.ProcessFigures;
import io.shoji.testkit.Tensors;
import java.io.IOException;
import java.lang.ref.WeakReference;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.Version;

/** The component's life: what it registers, what it refuses, and what it leaves behind. */
@Timeout(120)
class CpuDriverTest {
  @TempDir Path folder;
  private Gateway gateway;
  private Artifacts artifacts;

  @BeforeEach
  void start() throws Exception {
    gateway = new Gateway(folder);
    artifacts = new Artifacts(folder, ModelFormats.ONNX);
  }

  @AfterEach
  void stop() throws Exception {
    gateway.close();
    Eventually.assertThat(() -> ProcessFigures.threads("shoji-cpu-").isEmpty());
  }

  private static Map<String, Object> path(String version) throws IOException {
    return Map.of("libraryPath", Runtimes.library(version).toString(), "logSeverity", "fatal");
  }

  @Test
  void shouldRegisterTheProcessorWithItsFacts() throws Exception {
    CpuDriver driver = gateway.start(path(Runtimes.CURRENT));
    Accelerator accelerator = gateway.accelerator();
    AcceleratorInfo info = accelerator.info();
    assertThat(info.kind()).isEqualTo("cpu");
    assertThat(info.device()).isEqualTo("cpu0");
    assertThat(info.architecture()).isIn("x86_64", "aarch64");
    assertThat(info.formats()).containsExactly(ModelFormats.ONNX);
    assertThat(info.precisions())
        .containsExactlyInAnyOrder(Precision.FP32, Precision.FP16, Precision.INT8, Precision.INT4);
    assertThat(info.runtime()).isEqualTo("onnxruntime");
    assertThat(info.runtimeVersion()).isEqualTo(Runtimes.CURRENT);
    assertThat(info.runtimeBuildId()).matches("[0-9a-f]{40}");
    assertThat(info.concurrency()).isEqualTo(Runtime.getRuntime().availableProcessors());
    assertThat(info.dynamicShapes()).isTrue();
    assertThat(info.exclusive()).isFalse();
    assertThat(gateway.reference().getProperty(AcceleratorInfo.RUNTIME_VERSION))
        .isEqualTo(new Version(Runtimes.CURRENT));
    driver.stop();
    assertThat(gateway.reference()).isNull();
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                accelerator.load(artifacts.of("late", OnnxModels.add(1)), LoadOptions.defaults()));
  }

  @Test
  void shouldRegisterNothingWhenTheLibraryCannotBeUsed() throws Exception {
    Path text = Files.writeString(folder.resolve("libtext.so"), "no library");
    Path other = Files.copy(libc(), folder.resolve("libonnxruntime.so"));
    for (String path : List.of("/nowhere/libonnxruntime.so", text.toString(), other.toString())) {
      CpuDriver driver = gateway.start(Map.of("libraryPath", path));
      driver.stop();
      assertThat(gateway.reference()).isNull();
      assertThat(ProcessFigures.mappedFiles()).doesNotContain(path);
    }
    // A change of the configuration is another start of the component.
    CpuDriver driver = gateway.start(path(Runtimes.CURRENT));
    assertThat(gateway.accelerator().info().runtimeVersion()).isEqualTo(Runtimes.CURRENT);
    driver.stop();
  }

  @Test
  void shouldStartAnewOnlyWhenAConfigurationChangesSomething() throws Exception {
    CpuDriver driver = gateway.start(path(Runtimes.CURRENT));
    Accelerator first = gateway.accelerator();
    ServiceReference<Accelerator> reference = gateway.reference();

    driver.modified(Gateway.annotation(CpuDriver.Config.class, path(Runtimes.CURRENT)));
    Map<String, Object> other = new java.util.HashMap<>(path(Runtimes.CURRENT));
    other.put("intraOpThreads", 2);
    driver.modified(Gateway.annotation(CpuDriver.Config.class, other));
    Eventually.assertThat(
        () -> gateway.reference() != null && !gateway.reference().equals(reference));
    Accelerator second = gateway.accelerator();
    assertThat(second).isNotSameAs(first);
    driver.modified(Gateway.annotation(CpuDriver.Config.class, other));
    try (LoadedModel model =
        second.load(artifacts.of("threads", OnnxModels.add(1)), LoadOptions.defaults())) {
      assertThat(model.details()).containsEntry("intraOpThreads", "2");
    }
    assertThat(gateway.accelerator()).isSameAs(second);
    driver.stop();
    assertThat(gateway.reference()).isNull();
  }

  /** Some library that is no ONNX Runtime and depends on nothing that is not there. */
  private static Path libc() {
    return ProcessFigures.mappedFiles().stream()
        .filter(file -> file.matches(".*/libz(ip)?\\.so[.0-9]*|.*/libverify\\.so|.*/libnio\\.so"))
        .map(Path::of)
        .findFirst()
        .orElseThrow();
  }

  @Test
  void shouldUseTheDefaultWhenASettingHasNoSense() throws Exception {
    Map<String, Object> settings = new java.util.HashMap<>(path(Runtimes.CURRENT));
    settings.put("intraOpThreads", -3);
    settings.put("interOpThreads", 0);
    settings.put("graphOptimization", "turbo");
    settings.put("callThread", "somebody");
    settings.put("logSeverity", "loud");
    CpuDriver driver = gateway.start(settings);
    try (LoadedModel model =
        gateway
            .accelerator()
            .load(artifacts.of("defaults", OnnxModels.add(1)), LoadOptions.defaults())) {
      assertThat(model.details())
          .containsEntry("intraOpThreads", "1")
          .containsEntry("interOpThreads", "1")
          .containsEntry("graphOptimization", "all")
          .containsEntry("callThread", "caller");
    }
    driver.stop();
  }

  @Test
  void shouldRefuseFourBitWeightsOnARuntimeThatLacksThem() throws Exception {
    CpuDriver driver = gateway.start(path(Runtimes.OLDEST));
    Accelerator accelerator = gateway.accelerator();
    ModelArtifact good = artifacts.of("int4", OnnxModels.add(1));
    ModelArtifact int4 =
        new ModelArtifact(
            good.model(),
            good.version(),
            "int4",
            good.format(),
            Precision.INT4,
            good.sha256(),
            good.files(),
            List.of(),
            List.of(),
            Map.of());
    assertThatThrownBy(() -> accelerator.load(int4, LoadOptions.defaults()))
        .isInstanceOfSatisfying(
            AcceleratorException.class, e -> assertThat(e.code()).isEqualTo(Code.UNSUPPORTED))
        .hasMessageContaining("asked=INT4")
        .hasMessageContaining("runtime=" + Runtimes.OLDEST);
    driver.stop();
  }

  @Test
  void shouldEndRunningCallsAsLostWhenStopped() throws Exception {
    CpuDriver driver = gateway.start(path(Runtimes.CURRENT));
    Accelerator accelerator = gateway.accelerator();
    LoadedModel model =
        accelerator.load(artifacts.of("slow", OnnxModels.slow()), LoadOptions.defaults());
    Tensor matrix = Tensor.allocate(ElementType.FLOAT32, Shape.of(256, 256));
    List<Tensor> inputs = List.of(Tensors.scalar(1_000_000_000), matrix);
    LoadedModel.Binding binding =
        model.bind(inputs, List.of(Tensor.allocate(ElementType.FLOAT32, Shape.of(256, 256))));
    ExecutorService callers = Executors.newFixedThreadPool(2);
    try {
      CountDownLatch started = new CountDownLatch(2);
      Future<?> bound =
          callers.submit(
              () -> {
                started.countDown();
                binding.run(LoadedModel.noDeadline());
                return null;
              });
      Future<?> unbound =
          callers.submit(
              () -> {
                started.countDown();
                model.run(inputs, LoadedModel.noDeadline());
                return null;
              });
      started.await();
      driver.stop();
      for (Future<?> call : List.of(bound, unbound)) {
        assertThatThrownBy(() -> call.get(20, TimeUnit.SECONDS))
            .isInstanceOf(ExecutionException.class)
            .hasCauseInstanceOf(AcceleratorException.class)
            .hasMessageContaining("DEVICE_LOST");
      }
    } finally {
      callers.shutdownNow();
    }
    assertThatThrownBy(() -> binding.run(LoadedModel.noDeadline()))
        .isInstanceOf(AcceleratorException.class)
        .hasMessageContaining("DEVICE_LOST");
    assertThatThrownBy(() -> model.run(inputs, LoadedModel.noDeadline()))
        .isInstanceOf(AcceleratorException.class)
        .hasMessageContaining("DEVICE_LOST");
    binding.close();
    model.close();
    assertThat(ProcessFigures.mappedFiles())
        .doesNotContain(Runtimes.library(Runtimes.CURRENT).toString());
  }

  @Test
  void shouldGiveUpLoadsWhenStopped() throws Exception {
    CpuDriver driver = gateway.start(path(Runtimes.CURRENT));
    Accelerator accelerator = gateway.accelerator();
    ModelArtifact large = artifacts.of("large", OnnxModels.largeMlp());
    AtomicBoolean stopped = new AtomicBoolean();
    CountDownLatch loading = new CountDownLatch(2);
    ExecutorService loaders = Executors.newFixedThreadPool(2);
    try {
      List<Future<?>> loads =
          List.of(
              loaders.submit(() -> loadForEver(accelerator, large, loading, stopped)),
              loaders.submit(() -> loadForEver(accelerator, large, loading, stopped)));
      loading.await();
      driver.stop();
      stopped.set(true);
      for (Future<?> load : loads) {
        load.get(20, TimeUnit.SECONDS);
      }
    } finally {
      loaders.shutdownNow();
    }
    assertThat(ProcessFigures.mappedFiles())
        .doesNotContain(Runtimes.library(Runtimes.CURRENT).toString());
  }

  /** Loads until that is refused, and returns how it was refused. */
  private static void loadForEver(
      Accelerator accelerator,
      ModelArtifact artifact,
      CountDownLatch loading,
      AtomicBoolean stopped) {
    while (!stopped.get()) {
      loading.countDown();
      try {
        accelerator.load(artifact, LoadOptions.defaults()).close();
      } catch (IllegalStateException e) {
        assertThat(e).hasMessageContaining("driver stops");
        return;
      } catch (AcceleratorException e) {
        assertThat(e.code()).isEqualTo(Code.DEVICE_LOST);
        return;
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  @Test
  void shouldReplaceOneRuntimeByAnotherAndLeaveNothingOfTheFirst() throws Exception {
    byte[] mlp = OnnxModels.smallMlp();
    for (String version :
        List.of(
            Runtimes.PREVIOUS,
            Runtimes.CURRENT,
            Runtimes.PREVIOUS,
            Runtimes.OLDEST,
            Runtimes.CURRENT)) {
      WeakReference<ClassLoader> loader = useInALoaderOfItsOwn(version, mlp);
      assertThat(ProcessFigures.mappedFiles()).doesNotContain(Runtimes.library(version).toString());
      Eventually.assertThat(() -> isCollected(loader));
    }
  }

  private static boolean isCollected(WeakReference<?> reference) {
    System.gc();
    return reference.get() == null;
  }

  /** Runs a driver whose classes nobody else loaded, as a bundle that is updated. */
  private WeakReference<ClassLoader> useInALoaderOfItsOwn(String version, byte[] content)
      throws Exception {
    URL classes = CpuDriver.class.getProtectionDomain().getCodeSource().getLocation();
    try (URLClassLoader loader = new OwnClasses(classes)) {
      Class<?> driverClass = loader.loadClass(CpuDriver.class.getName());
      assertThat(driverClass).isNotSameAs(CpuDriver.class);
      Class<?> configClass = loader.loadClass(CpuDriver.Config.class.getName());
      Map<String, Object> settings = path(version);
      InvocationHandler values =
          (proxy, method, arguments) ->
              settings.containsKey(method.getName())
                  ? settings.get(method.getName())
                  : method.getDefaultValue();
      Object config = Proxy.newProxyInstance(loader, new Class<?>[] {configClass}, values);
      Object driver =
          driverClass
              .getConstructor(BundleContext.class, VendorLibraries.class, configClass)
              .newInstance(gateway.context(), gateway.libraries(), config);
      Accelerator accelerator = gateway.accelerator();
      assertThat(accelerator.info().runtimeVersion()).isEqualTo(version);
      LoadedModel model = accelerator.load(artifacts.of("mlp", content), LoadOptions.defaults());
      List<Tensor> inputs = Tensors.random(model.inputs(), 1, 1);
      assertThat(model.run(inputs, System.nanoTime() + 10_000_000_000L)).hasSize(1);
      // Whoever forgets to close a model does not keep the driver.
      driverClass.getMethod("stop").invoke(driver);
      return new WeakReference<>(loader);
    }
  }

  /** Loads the driver's classes itself, and all others as the test does. */
  private static final class OwnClasses extends URLClassLoader {
    OwnClasses(URL classes) {
      super(new URL[] {classes}, CpuDriverTest.class.getClassLoader());
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (name.startsWith("io.shoji.driver.cpu.")) {
        synchronized (getClassLoadingLock(name)) {
          Class<?> loaded = findLoadedClass(name);
          return loaded == null ? findClass(name) : loaded;
        }
      }
      return super.loadClass(name, resolve);
    }
  }

  @Test
  void shouldOpenTheRuntimeWhenTheCommandLineIsVeryLong() throws Exception {
    // A process of its own, as nobody can lengthen the command line of this one.
    Path said = folder.resolve("said.txt");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                StartsTheDriver.class.getName(),
                Files.createDirectory(folder.resolve("long")).toString(),
                Runtimes.library(Runtimes.CURRENT).toString(),
                "x".repeat(120_000))
            .redirectErrorStream(true)
            .redirectOutput(said.toFile())
            .start();
    try {
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).as(Files.readString(said)).isZero();
      assertThat(Files.readString(said)).contains("cpu:cpu0");
    } finally {
      process.destroyForcibly();
    }
  }

  /** Starts the driver and says what it registers. */
  static final class StartsTheDriver {
    private StartsTheDriver() {}

    public static void main(String[] arguments) throws Exception {
      try (Gateway gateway = new Gateway(Path.of(arguments[0]))) {
        CpuDriver driver = gateway.start(Map.of("libraryPath", arguments[1]));
        System.out.println(gateway.accelerator().info());
        driver.stop();
      }
    }
  }
}
