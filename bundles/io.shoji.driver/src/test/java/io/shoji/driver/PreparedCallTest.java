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
import io.shoji.testkit.Eventually;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class PreparedCallTest {
  private final List<String> done = new CopyOnWriteArrayList<>();

  @Test
  void shouldRunOnItsMemoryUntilItIsClosed() throws Exception {
    PreparedCall<String> call =
        new PreparedCall<>("model", "memory", (memory, deadline) -> done.add(memory + deadline));
    call.run(7);
    call.run(8);
    assertThat(done).containsExactly("memory7", "memory8");
    call.close();
    call.close();
    assertThatThrownBy(() -> call.run(9))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the binding is closed model");
  }

  @Test
  void shouldRefuseASecondThreadAndBeClosedBehindARun() throws Exception {
    CountDownLatch runs = new CountDownLatch(1);
    CountDownLatch goOn = new CountDownLatch(1);
    PreparedCall<String> call =
        new PreparedCall<>(
            "model",
            "memory",
            (memory, deadline) -> {
              runs.countDown();
              try {
                assertThat(goOn.await(30, TimeUnit.SECONDS)).isTrue();
              } catch (InterruptedException e) {
                throw new AssertionError(e);
              }
              done.add("ran");
            });
    Thread runner =
        new Thread(
            () -> {
              try {
                call.run(7);
              } catch (AcceleratorException e) {
                throw new AssertionError(e);
              }
            });
    runner.start();
    assertThat(runs.await(30, TimeUnit.SECONDS)).isTrue();
    assertThatThrownBy(() -> call.run(8))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("one thread at a time");
    Thread closer =
        new Thread(
            () -> {
              call.close();
              done.add("closed");
            });
    closer.start();
    Eventually.assertThat(() -> closer.getState() == Thread.State.WAITING);
    goOn.countDown();
    closer.join(30_000);
    assertThat(done).containsExactly("ran", "closed");
  }
}
