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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.inference.InferenceException;
import io.shoji.inference.PreparedInference;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.lang.ref.WeakReference;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class PreparedTest extends EngineFixture {
  private static final int CALLS = 50_000;

  @Test
  void shouldAllocateNothingWhenTheDeviceIsFree() throws Exception {
    plug(FakeAccelerator.of("cpu", 2));
    install(FakePackage.of("digits", "1.0.0"));
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (PreparedInference prepared = engine.prepare(DIGITS, input(1), output(), in(5_000))) {
      long deadline = in(60_000);
      for (int i = 0; i < CALLS; i++) {
        prepared.run(deadline);
      }
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < CALLS; i++) {
        prepared.run(deadline);
      }
      long bytes = threads.getCurrentThreadAllocatedBytes() - before;

      // The counters' first growth under contention is all that may show.
      assertThat((double) bytes / CALLS).as("bytes per call").isLessThan(1);
    }
  }

  /** Loads the fake driver's classes anew, as a framework does for each driver bundle. */
  private static final class DriverLoader extends ClassLoader {
    DriverLoader() {
      super(PreparedTest.class.getClassLoader());
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (!name.startsWith(FakeAccelerator.class.getName())) {
        return super.loadClass(name, resolve);
      }
      Class<?> loaded = findLoadedClass(name);
      if (loaded != null) {
        return loaded;
      }
      try (InputStream in = getResourceAsStream(name.replace('.', '/') + ".class")) {
        byte[] bytes = in.readAllBytes();
        return defineClass(name, bytes, 0, bytes.length);
      } catch (IOException e) {
        throw new ClassNotFoundException(name, e);
      }
    }
  }

  private Accelerator foreignDriver() throws ReflectiveOperationException {
    Class<?> driver = new DriverLoader().loadClass(FakeAccelerator.class.getName());
    assertThat(driver).isNotSameAs(FakeAccelerator.class);
    AcceleratorInfo info = FakeAccelerator.describe("cpu", "cpu0").concurrency(2).build();
    var constructor = driver.getDeclaredConstructor(AcceleratorInfo.class);
    constructor.setAccessible(true);
    return (Accelerator) constructor.newInstance(info);
  }

  /** Uses a driver in every way, and lets it go. */
  private WeakReference<ClassLoader> useAndUnregister(PreparedInference... made) throws Exception {
    Accelerator driver = foreignDriver();
    engine.addAccelerator(driver);
    PreparedInference prepared = made.length > 0 ? made[0] : engine.prepare(DIGITS, 1, in(5_000));
    prepared.run(in(5_000));
    engine.infer(DIGITS, input(1), in(5_000));
    engine.inferAsync(DIGITS, input(1), in(5_000)).get(5, TimeUnit.SECONDS);
    awaitPlaced(DIGITS);
    engine.removeAccelerator(driver);
    if (made.length == 0) {
      kept = prepared;
    }
    return new WeakReference<>(driver.getClass().getClassLoader());
  }

  private PreparedInference kept;

  @Test
  void shouldKeepNothingOfADriverWhenItIsGoneAndPreparationsStay() throws Exception {
    install(FakePackage.of("digits", "1.0.0"));

    WeakReference<ClassLoader> first = useAndUnregister();
    await("the first driver's classes are collected", () -> collected(first));
    WeakReference<ClassLoader> second = useAndUnregister(kept);
    await("the second driver's classes are collected", () -> collected(second));

    kept.close();
  }

  @Test
  void shouldAskToPrepareAgainWhenANewVersionTakesOtherShapes() throws Exception {
    FakeAccelerator cpu = plug(FakeAccelerator.of("cpu", 2));
    install(FakePackage.of("digits", "1.0.0"));
    try (PreparedInference prepared = engine.prepare(DIGITS, 1, in(5_000))) {
      awaitPlaced(DIGITS);
      List<TensorSpec> wider =
          List.of(TensorSpec.of("x", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, 5)));
      cpu.inputs = wider;
      cpu.outputs = wider;
      install(
          new FakePackage(
              FakePackage.description(
                  "digits", "2.0.0", "wider", wider, wider, FakePackage.variant("v", ""))));
      awaitServing(DIGITS);

      assertThatThrownBy(() -> prepared.run(in(5_000)))
          .isInstanceOf(InferenceException.class)
          .hasMessageContaining("INVALID_INPUT")
          .hasMessageContaining("prepare again")
          .hasMessageContaining("asked=FLOAT32[?, 5] found=FLOAT32[1, 4]");
    }
  }

  @Test
  void shouldRefuseTensorsThatDoNotFitWhenPrepared() {
    plug(FakeAccelerator.of("cpu", 2));
    install(FakePackage.of("digits", "1.0.0"));

    assertThatThrownBy(() -> engine.prepare(DIGITS, output(), List.of(), in(5_000)))
        .hasMessageContaining("INVALID_INPUT")
        .hasMessageContaining("wrong number of outputs");
    assertThatThrownBy(() -> engine.prepare(DIGITS, 0, in(5_000)))
        .hasMessageContaining("INVALID_INPUT")
        .hasMessageContaining("batchSize=0");
    assertThatThrownBy(() -> engine.prepare(DIGITS, Integer.MAX_VALUE, in(5_000)))
        .hasMessageContaining("INVALID_INPUT")
        .hasMessageContaining("smaller batch");
  }

  @Test
  void shouldRefuseABatchWhenAnOutputsShapeDependsOnTheData() {
    FakeAccelerator cpu = FakeAccelerator.of("cpu", 2);
    // The fake gives as many columns as come in: the batch size alone does not say how many.
    cpu.outputs =
        List.of(TensorSpec.of("y", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, Shape.DYNAMIC)));
    plug(cpu);
    install(FakePackage.of("digits", "1.0.0"));

    assertThatThrownBy(() -> engine.prepare(DIGITS, 2, in(5_000)))
        .hasMessageContaining("INVALID_INPUT")
        .hasMessageContaining("call infer")
        .hasMessageContaining("asked=FLOAT32[2, 2] found=FLOAT32[2, 4]");
  }

  private static boolean collected(WeakReference<ClassLoader> loader) {
    System.gc();
    return loader.refersTo(null);
  }
}
