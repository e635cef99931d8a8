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

import io.shoji.testkit.Eventually;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class DriverThreadTest {
  private static final long AN_HOUR_MS = 3_600_000;

  private final DriverThread thread = new DriverThread("shoji-test", "test driver");
  private final List<String> done = new CopyOnWriteArrayList<>();

  @Test
  void shouldGoOnInOrderWhenATaskFails() {
    thread.run(() -> done.add("first"));
    thread.run(
        () -> {
          throw new IllegalStateException("as asked");
        });
    thread.run(() -> done.add("second"));
    thread.runIn(
        1,
        () -> {
          throw new NoClassDefFoundError("as asked");
        });
    thread.runIn(2, () -> done.add("later"));
    Eventually.assertThat(() -> done.size() == 3);
    assertThat(done).containsExactly("first", "second", "later");
    thread.stopAndWait(() -> done.add("last"));
  }

  @Test
  void shouldRunTheLastTaskAndNothingAfterItWhenItStops() {
    thread.runIn(AN_HOUR_MS, () -> done.add("in an hour"));
    thread.run(() -> done.add("first"));
    thread.stop(() -> done.add("last"), "the runtime");
    assertThat(done).containsExactly("first", "last");
    thread.run(() -> done.add("too late"));
    assertThat(done).containsExactly("first", "last");
  }

  @Test
  void shouldEndWhenTheLastTaskFails() {
    thread.stopAndWait(
        () -> {
          done.add("last");
          throw new IllegalStateException("as asked");
        });
    thread.run(() -> done.add("too late"));
    assertThat(done).containsExactly("last");
  }

  @Test
  void shouldHandAnInterruptionOnWhenItWaitsForTheLastTask() throws Exception {
    CountDownLatch waits = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    Thread stopper =
        new Thread(
            () -> {
              thread.stopAndWait(
                  () -> {
                    waits.countDown();
                    try {
                      assertThat(goOn.await(30, TimeUnit.SECONDS)).isTrue();
                      done.add("last");
                    } catch (InterruptedException e) {
                      done.add("interrupted");
                    }
                  });
              done.add("over interrupted=" + Thread.currentThread().isInterrupted());
            });
    stopper.start();
    assertThat(waits.await(30, TimeUnit.SECONDS)).isTrue();
    stopper.interrupt();
    goOn.countDown();
    stopper.join(30_000);
    assertThat(done).containsExactly("last", "over interrupted=true");
  }
}
