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
import io.shoji.accelerator.LoadedModel;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class CallPoolTest {
  private final Set<String> done = ConcurrentHashMap.newKeySet();
  private final CallPool<String> pool =
      new CallPool<>("digits", List.of("first", "second"), done::contains);

  private static long in(long millis) {
    return System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(millis);
  }

  private static void assertCode(Code code, ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            AcceleratorException.class, e -> assertThat(e.code()).isEqualTo(code))
        .hasMessageContaining("digits");
  }

  private String take() {
    try {
      return pool.take(LoadedModel.noDeadline());
    } catch (AcceleratorException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void shouldGiveWhatWasUsedLastAndWaitForWhatIsInUse() throws Exception {
    String one = pool.take(in(0));
    String other = pool.take(in(0));
    assertThat(Set.of(one, other)).containsExactlyInAnyOrder("first", "second");
    assertCode(Code.TIMEOUT, () -> pool.take(in(20)));

    CompletableFuture<String> later = CompletableFuture.supplyAsync(this::take);
    assertThat(later).isNotDone();
    pool.give(other);
    assertThat(later.get(30, TimeUnit.SECONDS)).isEqualTo(other);
    pool.give(one);
    pool.give(other);
    assertThat(pool.take(in(0))).isEqualTo(other);
  }

  @Test
  void shouldTakeWhatWasLeftBehindAgainOnceItIsDone() throws Exception {
    pool.abandon(pool.take(in(0)));
    String other = pool.take(in(0));
    assertCode(Code.TIMEOUT, () -> pool.take(in(20)));

    CompletableFuture<String> later = CompletableFuture.supplyAsync(this::take);
    done.addAll(pool.all());
    assertThat(later.get(30, TimeUnit.SECONDS)).isNotEqualTo(other);
  }

  @Test
  void shouldKeepTheInterruptForWhoeverComesAfter() throws Exception {
    String one = pool.take(in(0));
    String other = pool.take(in(0));
    Thread.currentThread().interrupt();
    assertCode(Code.TIMEOUT, () -> pool.take(in(20)));
    assertThat(Thread.interrupted()).isTrue();
    pool.give(one);
    pool.give(other);
    Thread.currentThread().interrupt();
    pool.close(() -> {});
    assertThat(Thread.interrupted()).isTrue();
  }

  @Test
  void shouldEndThoseThatWaitWhenTheDriverStops() throws Exception {
    pool.take(in(0));
    pool.take(in(0));
    CompletableFuture<Throwable> waiting =
        CompletableFuture.supplyAsync(
            () -> {
              try {
                return new AssertionError(pool.take(LoadedModel.noDeadline()));
              } catch (AcceleratorException e) {
                return e;
              }
            });
    pool.end();
    assertThat(waiting.get(30, TimeUnit.SECONDS))
        .isInstanceOfSatisfying(
            AcceleratorException.class, e -> assertThat(e.code()).isEqualTo(Code.DEVICE_LOST));
    assertThat(pool.isEnding()).isTrue();
    assertCode(Code.DEVICE_LOST, pool::checkOpen);
  }

  @Test
  void shouldCloseWhenAllAreBackAndNudgeThoseThatAreNot() throws Exception {
    String one = pool.take(in(0));
    pool.abandon(pool.take(in(0)));
    AtomicInteger nudges = new AtomicInteger();
    CompletableFuture<Void> closed =
        CompletableFuture.runAsync(() -> pool.close(nudges::incrementAndGet));
    while (nudges.get() < 2) {
      Thread.onSpinWait();
    }
    assertThatThrownBy(() -> pool.take(in(1_000)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("the model is closed digits");
    pool.give(one);
    assertThat(closed).isNotDone();
    done.addAll(pool.all());
    closed.get(30, TimeUnit.SECONDS);
  }
}
