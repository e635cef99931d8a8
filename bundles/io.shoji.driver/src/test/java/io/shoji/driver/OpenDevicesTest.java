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

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.Precision;
import io.shoji.testkit.Eventually;
import java.lang.reflect.Proxy;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;

class OpenDevicesTest {
  private static final long SECOND = 1_000_000_000L;

  private final List<String> done = new CopyOnWriteArrayList<>();
  private final DriverThread thread = new DriverThread("shoji-test", "test driver");
  private final CountDownLatch hang = new CountDownLatch(1);
  private volatile long now;
  private volatile boolean bundleStops;
  private final OpenDevices<String> devices =
      new OpenDevices<>(
          context(),
          thread,
          new OpenDevices.Kind("a test device", "shoji-test-"),
          () -> done.add("look soon"),
          device -> done.add("leave " + device),
          device -> {
            if (device.equals("hangs")) {
              await(hang);
            }
            done.add("close " + device);
          });

  @AfterEach
  void end() {
    hang.countDown();
    thread.stopAndWait(devices::closeAll);
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(30, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private BundleContext context() {
    return (BundleContext)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {BundleContext.class},
            (proxy, method, arguments) -> {
              assertThat(method.getName()).isEqualTo("registerService");
              if (bundleStops) {
                throw new IllegalStateException("as asked");
              }
              done.add("register " + arguments[1]);
              return registration(arguments[1]);
            });
  }

  private ServiceRegistration<?> registration(Object service) {
    return (ServiceRegistration<?>)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {ServiceRegistration.class},
            (proxy, method, arguments) -> {
              assertThat(method.getName()).isEqualTo("unregister");
              done.add("unregister " + service);
              return null;
            });
  }

  /** What the driver's thread does next, and its result. */
  private <T> T on(Callable<T> task) throws Exception {
    FutureTask<T> future = new FutureTask<>(task);
    thread.run(future);
    return future.get(30, TimeUnit.SECONDS);
  }

  private OpenDevices.Slot<String> add(String name) throws Exception {
    DeviceHealth health = new DeviceHealth(DeviceHealth.Limits.usual(10 * SECOND), () -> now);
    return on(() -> devices.add("at " + name, name, name, health));
  }

  private void judge(OpenDevices.Slot<String> slot) throws Exception {
    on(
        () -> {
          devices.judge(slot, () -> new Told("accelerator of " + slot.name()));
          return null;
        });
  }

  private static void read(OpenDevices.Slot<String> slot, double celsius) {
    slot.health().read(celsius, true, Double.NaN, false);
  }

  @Test
  void shouldBeAServiceWhileItIsFitToWork() throws Exception {
    OpenDevices.Slot<String> slot = add("a");
    judge(slot);
    judge(slot);
    assertThat(done).containsExactly("register accelerator of a");
    read(slot, 99);
    judge(slot);
    Eventually.assertThat(() -> done.contains("look soon"));
    assertThat(done)
        .containsExactly(
            "register accelerator of a",
            "unregister accelerator of a",
            "end accelerator of a",
            "close accelerator of a",
            "look soon");
    judge(slot);
    assertThat(done).hasSize(5);
    read(slot, 40);
    judge(slot);
    assertThat(done).hasSize(6).last().isEqualTo("register accelerator of a");
    assertThat(on(devices::all)).containsExactly(slot);
    assertThat(on(() -> devices.isBusy("at a"))).isTrue();
  }

  @Test
  void shouldBeClosedInOrderWhenItIsLost() throws Exception {
    OpenDevices.Slot<String> slot = add("a");
    judge(slot);
    slot.health().lost("as asked");
    judge(slot);
    Eventually.assertThat(() -> done.contains("close a"));
    // The driver is asked to look when the accelerator is closed and when the device is.
    assertThat(done.stream().filter(what -> !what.equals("look soon")))
        .containsExactly(
            "register accelerator of a",
            "leave a",
            "unregister accelerator of a",
            "end accelerator of a",
            "close accelerator of a",
            "close a");
    assertThat(on(devices::all)).isEmpty();
    Eventually.assertThat(() -> !isBusy("at a"));
  }

  private boolean isBusy(String id) {
    try {
      return on(() -> devices.isBusy(id));
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void shouldHoldUpNobodyElseWhenADeviceHangs() throws Exception {
    OpenDevices.Slot<String> hanging = add("hangs");
    OpenDevices.Slot<String> other = add("b");
    judge(hanging);
    hanging.health().lost("as asked");
    judge(hanging);
    judge(other);
    other.health().lost("as asked");
    judge(other);
    Eventually.assertThat(() -> done.contains("close b") && !isBusy("at b"));
    assertThat(isBusy("at hangs")).isTrue();
    assertThat(on(() -> devices.isClosing(id -> id.startsWith("at h")))).isTrue();
    assertThat(done).doesNotContain("close hangs");
    thread.run(
        () -> {
          devices.closeAll();
          done.add("all closed");
        });
    hang.countDown();
    Eventually.assertThat(() -> done.contains("all closed"));
    assertThat(done.indexOf("close hangs")).isBetween(0, done.indexOf("all closed") - 1);
    assertThat(isBusy("at hangs")).isFalse();
  }

  @Test
  void shouldCloseTheAcceleratorWhenTheBundleStops() throws Exception {
    bundleStops = true;
    judge(add("a"));
    assertThat(done).containsExactly("close accelerator of a");
  }

  @Test
  void shouldHaveTheDriverLookWhenAReadingChangesTheHealth() throws Exception {
    OpenDevices.Slot<String> cold = add("cold");
    OpenDevices.Slot<String> failing = add("failing");
    OpenDevices.Slot<String> gone = add("gone");
    thread.run(() -> devices.readEvery(cold, 1, () -> read(cold, 40)));
    Eventually.assertThat(() -> cold.health().state() == DeviceHealth.State.HEALTHY);
    Eventually.assertThat(() -> done.equals(List.of("look soon")));
    thread.run(
        () ->
            devices.readEvery(
                failing,
                1,
                () -> {
                  throw new AcceleratorException(Code.FAILED, "as asked");
                }));
    Eventually.assertThat(() -> failing.health().state() == DeviceHealth.State.LOST);
    thread.run(
        () ->
            devices.readEvery(
                gone,
                3_600_000,
                () -> {
                  throw new AcceleratorException(Code.DEVICE_LOST, "as asked");
                }));
    Eventually.assertThat(() -> gone.health().state() == DeviceHealth.State.LOST);
    assertThat(gone.health().reason()).contains("as asked");
  }

  @Test
  void shouldBeTriedLaterWhenItCannotBeOpened() throws Exception {
    DeviceHealth attempts = new DeviceHealth(DeviceHealth.Limits.usual(10 * SECOND), () -> now);
    Complaint complaint = new Complaint();
    AcceleratorException refused = new AcceleratorException(Code.DEVICE_BUSY, "as asked");
    assertThat(
            on(
                () ->
                    devices.open(
                        "a",
                        attempts,
                        complaint,
                        () -> {
                          throw refused;
                        })))
        .isNull();
    assertThat(attempts.retryInNanos()).isEqualTo(SECOND);
    assertThat(complaint.isNew(refused.toString())).isFalse();
    now += SECOND;
    assertThat(attempts.retryInNanos()).isLessThanOrEqualTo(0);
    assertThat(on(() -> devices.open("a", attempts, complaint, () -> "a"))).isEqualTo("a");
    assertThat(complaint.isNew(refused.toString())).isTrue();
  }

  /** Tells what is done with it. */
  private final class Told implements DeviceAccelerator {
    private final String name;

    private Told(String name) {
      this.name = name;
    }

    @Override
    public AcceleratorInfo info() {
      return AcceleratorInfo.builder("test", "a")
          .deviceName("Test")
          .architecture("test")
          .formats(List.of("test"))
          .precisions(List.of(Precision.INT8))
          .driver("io.shoji.driver.test", "1.0.0")
          .runtime("libtest", "1", "0")
          .build();
    }

    @Override
    public LoadedModel load(ModelArtifact artifact, LoadOptions options) {
      throw new AssertionError("nobody loads here");
    }

    @Override
    public AcceleratorHealth health() {
      throw new AssertionError("nobody asks here");
    }

    @Override
    public void end() {
      done.add("end " + name);
    }

    @Override
    public void close() {
      done.add("close " + name);
    }

    @Override
    public String toString() {
      return name;
    }
  }
}
