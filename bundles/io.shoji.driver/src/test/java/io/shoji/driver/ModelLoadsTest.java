/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.Precision;
import io.shoji.testkit.Artifacts;
import io.shoji.testkit.Eventually;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelLoadsTest {
  private static final LoadedModel MODEL =
      (LoadedModel)
          Proxy.newProxyInstance(
              ModelLoadsTest.class.getClassLoader(),
              new Class<?>[] {LoadedModel.class},
              (proxy, method, arguments) -> {
                throw new AssertionError("nobody calls it");
              });

  private final ModelLoads loads = new ModelLoads("shoji-test");
  private final List<String> done = new CopyOnWriteArrayList<>();
  private ModelArtifact artifact;

  @BeforeEach
  void make(@TempDir Path folder) {
    artifact = new Artifacts(folder, "onnx").of("model", new byte[1]);
  }

  @AfterEach
  void close() {
    loads.close(() -> {});
  }

  private static AcceleratorInfo info(String format, Precision precision) {
    return AcceleratorInfo.builder("test", "a")
        .deviceName("Test")
        .architecture("test")
        .formats(List.of(format))
        .precisions(List.of(precision))
        .driver("io.shoji.driver.test", "1.0.0")
        .runtime("libtest", "1.2", "0")
        .build();
  }

  @Test
  void shouldRefuseWhatTheAcceleratorDoesNotOffer() throws Exception {
    ModelLoads.requireOffered(info("onnx", Precision.FP32), artifact);
    assertThatThrownBy(() -> ModelLoads.requireOffered(info("hef", Precision.FP32), artifact))
        .isInstanceOfSatisfying(
            AcceleratorException.class, e -> assertThat(e.code()).isEqualTo(Code.UNSUPPORTED))
        .hasMessageContaining("asked=onnx offered=[hef]");
    assertThatThrownBy(() -> ModelLoads.requireOffered(info("onnx", Precision.INT8), artifact))
        .isInstanceOfSatisfying(
            AcceleratorException.class, e -> assertThat(e.code()).isEqualTo(Code.UNSUPPORTED))
        .hasMessageContaining("asked=FP32 offered=[INT8] runtime=1.2");
  }

  @Test
  void shouldLetNoneBeginWhenTheDriverStops() throws Exception {
    assertThat(loads.run(artifact, true, () -> MODEL)).isSameAs(MODEL);
    assertThatThrownBy(
            () ->
                loads.run(
                    artifact,
                    true,
                    () -> {
                      loads.stop();
                      loads.goesOn(artifact);
                      return MODEL;
                    }))
        .isInstanceOfSatisfying(
            AcceleratorException.class, e -> assertThat(e.code()).isEqualTo(Code.DEVICE_LOST));
    assertThat(loads.isStopping()).isTrue();
    assertThatThrownBy(() -> loads.run(artifact, true, () -> MODEL))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("the driver stops");
  }

  @Test
  void shouldKeepWhatAllStepsMadeAndUndoThemWhenOneFails() throws Exception {
    List<LoadedModel> models = new CopyOnWriteArrayList<>();
    LoadOptions options = LoadOptions.defaults().withProgress(done::add);
    assertThat(
            loads.run(
                artifact,
                options,
                models,
                undo -> {
                  undo.push(() -> done.add("undone"));
                  return MODEL;
                }))
        .isSameAs(MODEL);
    assertThat(done).containsExactly("checking the file", "ready");
    assertThat(models).hasSize(1);

    done.clear();
    assertThatThrownBy(
            () ->
                loads.run(
                    artifact,
                    options,
                    models,
                    undo -> {
                      undo.push(() -> done.add("first undone"));
                      undo.push(() -> done.add("second undone"));
                      throw new AcceleratorException(Code.INVALID_MODEL, "damaged");
                    }))
        .hasMessageContaining("damaged");
    assertThat(done).containsExactly("checking the file", "second undone", "first undone");
    assertThat(models).hasSize(1);
  }

  @Test
  void shouldWaitForRunningLoadsBeforeModelsAreClosed() throws Exception {
    CountDownLatch loading = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    Thread loader =
        new Thread(
            () -> {
              try {
                loads.run(
                    artifact,
                    false,
                    () -> {
                      loading.countDown();
                      assertThat(goOn.await(30, TimeUnit.SECONDS)).isTrue();
                      done.add("loaded");
                      return MODEL;
                    });
              } catch (AcceleratorException | InterruptedException e) {
                throw new AssertionError(e);
              }
            });
    loader.start();
    assertThat(loading.await(30, TimeUnit.SECONDS)).isTrue();
    Thread closer =
        new Thread(
            () -> {
              loads.close(() -> done.add("models closed"));
              done.add("closed interrupted=" + Thread.currentThread().isInterrupted());
            });
    closer.start();
    closer.interrupt();
    Eventually.assertThat(() -> closer.getState() == Thread.State.WAITING);
    assertThat(done).isEmpty();
    goOn.countDown();
    loader.join(30_000);
    closer.join(30_000);
    assertThat(done).containsExactly("loaded", "models closed", "closed interrupted=true");
  }

  @Test
  void shouldNotBeginWhenTheThreadIsInterrupted() {
    Thread.currentThread().interrupt();
    assertThatThrownBy(
            () ->
                loads.run(
                    artifact,
                    false,
                    () -> {
                      throw new AssertionError("it began");
                    }))
        .isInstanceOf(InterruptedException.class);
  }

  // The priority is what is tested.
  @SuppressWarnings("ThreadPriorityCheck")
  @Test
  void shouldLoadOnAThreadOfOrdinaryPriorityWhenItsThreadsWouldInheritALowOne() throws Exception {
    Thread low =
        new Thread(
            () -> {
              tell(true, null);
              tell(false, null);
              tell(true, new AcceleratorException(Code.INVALID_MODEL, "as asked"));
              tell(true, new IllegalStateException("as asked"));
              tell(true, new NullPointerException("as asked"));
            },
            "low");
    low.setPriority(Thread.MIN_PRIORITY);
    low.start();
    low.join(30_000);
    assertThat(done)
        .containsExactly(
            "on shoji-test-load-model " + Thread.NORM_PRIORITY,
            "on low " + Thread.MIN_PRIORITY,
            "AcceleratorException INVALID_MODEL",
            "IllegalStateException",
            "AcceleratorException FAILED");
  }

  private void tell(boolean startsThreads, @Nullable Exception failure) {
    try {
      loads.run(
          artifact,
          startsThreads,
          () -> {
            if (failure instanceof AcceleratorException refused) {
              throw refused;
            }
            if (failure instanceof RuntimeException unforeseen) {
              throw unforeseen;
            }
            Thread thread = Thread.currentThread();
            done.add("on " + thread.getName() + " " + thread.getPriority());
            return MODEL;
          });
    } catch (AcceleratorException e) {
      done.add("AcceleratorException " + e.code());
    } catch (IllegalStateException | InterruptedException e) {
      done.add(e.getClass().getSimpleName());
    }
  }
}
