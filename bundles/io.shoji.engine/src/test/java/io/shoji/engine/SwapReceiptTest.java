/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.VendorLibraries;
import io.shoji.engine.leaky.LeakyDriver;
import io.shoji.natives.NativeLibraries;
import io.shoji.operations.EngineEvent;
import io.shoji.operations.Operations;
import io.shoji.operations.SwapReceipt;
import io.shoji.operations.SwapReceipt.Account;
import io.shoji.operations.SwapReceipt.Remainder;
import io.shoji.operations.SwapReceipt.Resource;
import io.shoji.operations.SwapReceipt.State;
import io.shoji.operations.SwapReceipt.Subject;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.lang.annotation.Annotation;
import java.lang.reflect.Field;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;
import org.osgi.util.tracker.ServiceTracker;
import org.osgi.util.tracker.ServiceTrackerCustomizer;

/**
 * A driver bundle is updated in a framework, and what the old one left behind is found. The JVM of
 * these tests is started so that ThreadLocals and shutdown hooks can be seen.
 */
class SwapReceiptTest {
  /** Long enough on any machine, and short for what stays anyway. */
  private static final int PATIENT_MS = 9_000;

  private static final int BRIEF_MS = 800;

  @TempDir Path temp;

  private Framework framework;
  private BundleContext context;
  private EngineComponent component;
  private NativeLibraries libraries;
  private ServiceTracker<Accelerator, Accelerator> tracker;
  private final List<Object> kept = new ArrayList<>();

  private void start(int receiptMs, String leaks, Map<String, String> properties) throws Exception {
    System.getProperties().put("leaky.kept", kept);
    Map<String, String> configuration = new HashMap<>(properties);
    configuration.put("leaky.leaks", leaks);
    configuration.put(Constants.FRAMEWORK_STORAGE, temp.resolve("cache").toString());
    configuration.put(
        Constants.FRAMEWORK_SYSTEMPACKAGES_EXTRA, "io.shoji.accelerator,io.shoji.tensor");
    configuration.put("felix.shutdown.hook", "false");
    framework =
        ServiceLoader.load(FrameworkFactory.class).iterator().next().newFramework(configuration);
    framework.start();
    context = framework.getBundleContext();
    libraries =
        new NativeLibraries(context, annotation(NativeLibraries.Configuration.class, Map.of()));
    context.registerService(VendorLibraries.class, libraries, null);
    component =
        new EngineComponent(
            context, EngineComponentTest.configuration(Map.of("receiptTimeMs", receiptMs)));
    Path model = Files.writeString(temp.resolve("model.onnx"), "model");
    component.addModelPackage(
        new FakePackage(
            FakePackage.description(
                "digits",
                "1.0.0",
                "digits1.0.0",
                List.of(),
                List.of(),
                FakePackage.variant("onnx-fp32", "")),
            false,
            model,
            temp.resolve("golden")));
    tracker =
        new ServiceTracker<>(
            context,
            Accelerator.class,
            new ServiceTrackerCustomizer<>() {
              @Override
              public Accelerator addingService(ServiceReference<Accelerator> reference) {
                Accelerator added = context.getService(reference);
                component.addAccelerator(
                    added, Map.of(Constants.SERVICE_BUNDLEID, reference.getBundle().getBundleId()));
                return added;
              }

              @Override
              public void modifiedService(
                  ServiceReference<Accelerator> reference, Accelerator service) {}

              @Override
              public void removedService(
                  ServiceReference<Accelerator> reference, Accelerator service) {
                component.removeAccelerator(service);
                context.ungetService(reference);
              }
            });
    tracker.open();
  }

  @AfterEach
  void stop() throws Exception {
    tracker.close();
    component.deactivate();
    libraries.deactivate();
    framework.stop();
    framework.waitForStop(10_000);
    System.getProperties().remove("leaky.kept");
    for (Object each : kept) {
      if (each instanceof Closeable open) {
        open.close();
      }
    }
    for (Thread thread : JavaThreads.live()) {
      if (thread.getName().startsWith("leaky-")) {
        thread.interrupt();
      }
    }
  }

  private static <A extends Annotation> A annotation(Class<A> type, Map<String, Object> values) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) ->
                values.getOrDefault(method.getName(), method.getDefaultValue())));
  }

  /** The driver as a bundle. */
  private static InputStream bundle(String version) throws IOException {
    Manifest manifest = new Manifest();
    Attributes main = manifest.getMainAttributes();
    main.putValue("Manifest-Version", "1.0");
    main.putValue("Bundle-ManifestVersion", "2");
    main.putValue("Bundle-SymbolicName", "test.leaky");
    main.putValue("Bundle-Version", version);
    main.putValue("Bundle-Activator", LeakyDriver.class.getName());
    main.putValue("Import-Package", "io.shoji.accelerator,io.shoji.tensor,org.osgi.framework");
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JarOutputStream jar = new JarOutputStream(bytes, manifest)) {
      for (String name :
          List.of(
              "LeakyDriver",
              "LeakyCall",
              "LeakyAccelerator",
              "LeakyAccelerator$Loaded",
              "LeakyAccelerator$Loaded$1")) {
        String path = "io/shoji/engine/leaky/" + name + ".class";
        jar.putNextEntry(new JarEntry(path));
        try (InputStream in = LeakyDriver.class.getResourceAsStream("/" + path)) {
          in.transferTo(jar);
        }
        jar.closeEntry();
      }
    }
    return new ByteArrayInputStream(bytes.toByteArray());
  }

  private Operations operations() {
    return context.getService(context.getServiceReference(Operations.class));
  }

  private void awaitServedBy(String driverVersion) {
    EngineFixture.await(
        "served by " + driverVersion,
        () ->
            component.models().stream()
                .flatMap(model -> model.serving().stream())
                .anyMatch(by -> by.driverVersion().equals(driverVersion)));
  }

  /** Installs the old driver, has it serve, and updates it; what became of it. */
  private SwapReceipt update() throws Exception {
    Bundle driver = context.installBundle("leaky", bundle("1.0.0"));
    driver.start();
    awaitServedBy("1.0.0");
    driver.stop();
    driver.update(bundle("2.0.0"));
    driver.start();
    awaitServedBy("2.0.0");
    return await(Subject.DRIVER, "1.0.0");
  }

  private SwapReceipt await(Subject subject, String driverVersion) {
    EngineFixture.await(
        "receipt of " + subject + " settled",
        () -> find(subject, driverVersion).filter(SwapReceipt::settled).isPresent());
    return find(subject, driverVersion).orElseThrow();
  }

  private Optional<SwapReceipt> find(Subject subject, String driverVersion) {
    return operations().receipts(0).stream()
        .filter(r -> r.subject() == subject && r.driverVersion().equals(driverVersion))
        .findFirst();
  }

  private List<EngineEvent> told() {
    return operations().events(0).stream()
        .filter(e -> e.type() == EngineEvent.Type.SWAP_RECEIPT)
        .toList();
  }

  private static Account account(SwapReceipt receipt, Resource resource) {
    return receipt.accounts().stream()
        .filter(a -> a.resource() == resource)
        .findFirst()
        .orElseThrow();
  }

  private static Remainder only(SwapReceipt receipt, Resource resource) {
    List<Remainder> remains = account(receipt, resource).remains();
    assertThat(remains).as("%s in %s", resource, receipt).hasSize(1);
    return remains.get(0);
  }

  @Test
  void shouldFindNothingWhenDriverLeavesNothing() throws Exception {
    start(PATIENT_MS, "", Map.of());

    SwapReceipt receipt = update();

    assertThat(receipt.state()).as(receipt.toString()).isEqualTo(State.CLEAN);
    assertThat(receipt.accounts()).hasSize(Resource.values().length);
    assertThat(receipt.accounts()).allSatisfy(a -> assertThat(a.gone()).isEqualTo(a.held()));
    assertThat(account(receipt, Resource.CLASS_LOADER).gone()).isEqualTo(1);
    assertThat(account(receipt, Resource.NATIVE_MEMORY).gone()).isEqualTo(4096);
    assertThat(receipt.elapsedMs()).isLessThan(PATIENT_MS);
    assertThat(receipt.before()).containsKeys("residentBytes", "directBytes", "loadedClasses");
    assertThat(receipt.after()).containsKeys("residentBytes", "descriptors", "mappings", "threads");
    SwapReceipt generation = await(Subject.GENERATION, "1.0.0");
    assertThat(generation.state()).isEqualTo(State.CLEAN);
    assertThat(account(generation, Resource.DESCRIPTOR).held()).isEqualTo(1);
    assertThat(generation.generation().orElseThrow().model()).isEqualTo("digits");
    assertThat(generation.generationNumber()).hasValue(1);
    EngineFixture.await("both told", () -> told().size() == 2);
    assertThat(told()).allSatisfy(e -> assertThat(e.message()).contains("nothing stays"));
    assertThat(operations().receipts(generation.id())).doesNotContain(generation);
  }

  @Test
  void shouldNameEachWhenDriverLeavesThreadDescriptorMemoryFileAndClasses() throws Exception {
    Path file = Files.writeString(temp.resolve("node"), "device");
    start(
        BRIEF_MS,
        "thread,local,direct,descriptor,temporary",
        Map.of("leaky.file", file.toString()));

    SwapReceipt receipt = update();

    assertThat(receipt.state()).isEqualTo(State.REMAINS);
    assertThat(only(receipt, Resource.THREAD).what()).contains("name=leaky-poll");
    assertThat(only(receipt, Resource.THREAD).holder()).contains("LeakyDriver.java");
    assertThat(only(receipt, Resource.DESCRIPTOR).what()).isEqualTo(file.toString());
    assertThat(only(receipt, Resource.DIRECT_MEMORY).amount()).isBetween(6L << 20, 10L << 20);
    Remainder temporary = only(receipt, Resource.TEMPORARY_FILE);
    assertThat(temporary.what()).contains("leaky").endsWith(".cache");
    assertThat(only(receipt, Resource.CLASS_LOADER).holder())
        .contains("thread name=leaky-poll")
        .contains("a ThreadLocal of thread name=" + Thread.currentThread().getName())
        .contains("class=" + LeakyDriver.class.getName());
    assertThat(account(receipt, Resource.MAPPING).remains()).isEmpty();
    EngineFixture.await("told", () -> told().stream().anyMatch(e -> e.model().isEmpty()));
    assertThat(told())
        .filteredOn(e -> e.model().isEmpty())
        .singleElement()
        .satisfies(
            e -> {
              assertThat(e.message()).contains("something stays of an old driver");
              assertThat(e.details()).containsEntry("state", "REMAINS").containsKey("remains.5");
            });
    Files.delete(Path.of(temporary.what()));
  }

  @Test
  void shouldFindNothingWhenClassesGoOnlyWithTheSecondCollection() throws Exception {
    start(PATIENT_MS, "finalizer", Map.of());

    SwapReceipt receipt = update();

    assertThat(receipt.state()).as(receipt.toString()).isEqualTo(State.CLEAN);
    assertThat(account(receipt, Resource.CLASS_LOADER).gone()).isEqualTo(1);
  }

  @Test
  void shouldFindNothingWhenClassesWereHeldOnlyAtTheFirstCollections() throws Exception {
    start(PATIENT_MS, "", Map.of());
    Bundle driver = context.installBundle("leaky", bundle("1.0.0"));
    driver.start();
    awaitServedBy("1.0.0");
    kept.add(driver.loadClass(LeakyDriver.class.getName()));
    long before = Look.collections();

    driver.stop();
    driver.update(bundle("2.0.0"));
    driver.start();
    EngineFixture.await("two collections", () -> Look.collections() >= before + 2);
    kept.clear();

    SwapReceipt receipt = await(Subject.DRIVER, "1.0.0");
    assertThat(receipt.state()).as(receipt.toString()).isEqualTo(State.CLEAN);
  }

  @Test
  void shouldNotTakeCodeOfTheNextDriverForThatOfTheOld() throws Exception {
    start(PATIENT_MS, "", Map.of());
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch end = new CountDownLatch(1);
    AtomicReference<Runnable> next = new AtomicReference<>();
    Thread caller =
        new Thread(
            () -> {
              try {
                begun.await();
                next.get().run();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
    caller.start();
    try {
      Bundle driver = context.installBundle("leaky", bundle("1.0.0"));
      driver.start();
      awaitServedBy("1.0.0");
      driver.stop();
      driver.update(bundle("2.0.0"));
      driver.start();
      awaitServedBy("2.0.0");
      Class<?> waiter = driver.loadClass(LeakyDriver.class.getName());
      next.set((Runnable) waiter.getMethod("waiting", CountDownLatch.class).invoke(null, end));
      begun.countDown();

      SwapReceipt receipt = await(Subject.DRIVER, "1.0.0");
      assertThat(receipt.state()).as(receipt.toString()).isEqualTo(State.CLEAN);
      assertThat(JavaThreads.isIn(caller.getStackTrace(), Set.of("io.shoji.engine.leaky")))
          .as("in the next driver's code all the time")
          .isTrue();
    } finally {
      begun.countDown();
      end.countDown();
      caller.join();
    }
  }

  @Test
  void shouldTellInTheShell() throws Exception {
    start(BRIEF_MS, "local", Map.of());
    SwapReceipt receipt = update();

    String table = new OperatorCommands(operations()).receipts();

    assertThat(table.lines())
        .anySatisfy(
            line ->
                assertThat(line)
                    .contains("driver test.leaky 1.0.0 (leaky 1.0.0) on leaky:leaky0")
                    .contains("REMAINS")
                    .contains("CLASS_LOADER=0/1"))
        .anySatisfy(
            line -> assertThat(line).contains("generation 1, digits 1.0.0").contains("CLEAN"))
        .anySatisfy(
            line -> assertThat(line).startsWith("receipt " + receipt.id() + ": CLASS_LOADER"));
  }

  @Test
  void shouldNameShutdownHookWhenItKeepsTheClasses() throws Exception {
    start(BRIEF_MS, "context", Map.of());

    SwapReceipt receipt = update();

    assertThat(only(receipt, Resource.CLASS_LOADER).holder())
        .contains("a shutdown hook name=leaky-idle");
    assertThat(removeHooks()).isEqualTo(1);
  }

  /** Removes the hooks of the driver. */
  private static int removeHooks() throws Exception {
    Field field = Class.forName("java.lang.ApplicationShutdownHooks").getDeclaredField("hooks");
    field.setAccessible(true);
    int removed = 0;
    for (Object hook : List.copyOf(((Map<?, ?>) field.get(null)).keySet())) {
      if (hook instanceof Thread thread && thread.getName().startsWith("leaky-")) {
        Runtime.getRuntime().removeShutdownHook(thread);
        removed++;
      }
    }
    return removed;
  }

  @Test
  void shouldNameLibraryAndItsThreadWhenDriverDoesNotCloseIt() throws Exception {
    Path library = temp.resolve("libleaky.so");
    assumeTrue(compile(library), "gcc is not installed: this test compiles its own library");
    start(BRIEF_MS, "library", Map.of("leaky.library", library.toString()));

    SwapReceipt receipt = update();

    assertThat(receipt.state()).isEqualTo(State.REMAINS);
    assertThat(only(receipt, Resource.MAPPING).what()).isEqualTo(library.toRealPath().toString());
    assertThat(only(receipt, Resource.MAPPING).holder()).contains("it was not closed");
    assertThat(only(receipt, Resource.THREAD).what()).startsWith("native name=leaky-native");
    assertThat(account(receipt, Resource.CLASS_LOADER).gone()).isEqualTo(1);
  }

  /** A library that starts a thread when it is opened. */
  private static boolean compile(Path output) throws IOException, InterruptedException {
    Path source = output.resolveSibling("leaky.c");
    Files.writeString(
        source,
        """
        #define _GNU_SOURCE
        #include <pthread.h>
        #include <unistd.h>
        static pthread_t worker;
        static void *work(void *unused) { for (;;) { pause(); } return unused; }
        __attribute__((constructor)) static void begin(void) {
          pthread_create(&worker, 0, work, 0);
          pthread_setname_np(worker, "leaky-native");
        }
        int answer(void) { return 42; }
        """);
    try {
      Process process =
          new ProcessBuilder(
                  "gcc",
                  "-shared",
                  "-fPIC",
                  "-pthread",
                  "-Wl,--build-id=sha1",
                  "-o",
                  output.toString(),
                  source.toString())
              .inheritIO()
              .start();
      return process.waitFor(1, TimeUnit.MINUTES) && process.exitValue() == 0;
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void shouldNameModelFileWhenRuntimeKeepsItOpen() throws Exception {
    start(BRIEF_MS, "model", Map.of());

    SwapReceipt driver = update();

    SwapReceipt generation = await(Subject.GENERATION, "1.0.0");
    assertThat(generation.state()).isEqualTo(State.REMAINS);
    assertThat(only(generation, Resource.DESCRIPTOR).what())
        .isEqualTo(temp.resolve("model.onnx").toRealPath().toString());
    assertThat(driver.state()).as(driver.toString()).isEqualTo(State.CLEAN);
    Collection<Object> open = List.copyOf(kept);
    assertThat(open).isNotEmpty();
  }
}
