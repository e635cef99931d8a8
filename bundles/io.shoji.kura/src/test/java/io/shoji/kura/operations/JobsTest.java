/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.operations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.shoji.kura.operations.JobState.Phase;
import io.shoji.operations.OperationException;
import io.shoji.operations.Progress;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Long work: bounded, one per model, followed, cancelled, remembered. */
@Timeout(60)
final class JobsTest {
  private final Jobs jobs = new Jobs(Clock.systemUTC());
  private final CountDownLatch gate = new CountDownLatch(1);

  @AfterEach
  void close() {
    gate.countDown();
    jobs.close();
  }

  private Document held(Progress progress) throws OperationException {
    try {
      while (!gate.await(5, TimeUnit.MILLISECONDS)) {
        if (progress.cancelled()) {
          throw new OperationException(OperationException.Code.CANCELLED, "asked to stop");
        }
      }
    } catch (InterruptedException e) {
      throw new OperationException(OperationException.Code.CANCELLED, "interrupted", e);
    }
    return new Document().put("a", 1);
  }

  private JobState start(String model) throws RequestException {
    return jobs.start("bench", model, "me", state -> {}, this::held);
  }

  private JobState ended(String id) throws Exception {
    while (!jobs.find(id).phase().ended()) {
      Thread.onSpinWait();
    }
    return jobs.find(id);
  }

  @Test
  void shouldTellEveryChangeAndKeepTheOutcome() throws Exception {
    List<JobState> told = new CopyOnWriteArrayList<>();
    CountDownLatch end = new CountDownLatch(1);
    JobState taken =
        jobs.start(
            "bench",
            "digits",
            "me",
            state -> {
              told.add(state);
              if (state.phase().ended()) {
                end.countDown();
              }
            },
            progress -> {
              progress.report(0.5, "half");
              progress.report(0.25, "never back");
              progress.report(Double.NaN, "no number");
              progress.report(7, "too much");
              return new Document().put("found", 42);
            });
    assertThat(taken.phase()).isEqualTo(Phase.WAITING);
    assertThat(end.await(10, TimeUnit.SECONDS)).isTrue();
    assertThat(told).extracting(JobState::fraction).containsExactly(0.0, 0.5, 0.5, 0.5, 1.0, 1.0);
    JobState done = jobs.find(taken.id());
    assertThat(done.phase()).isEqualTo(Phase.SUCCEEDED);
    assertThat(done.result().orElseThrow().get("found").getAsInt()).isEqualTo(42);
    assertThat(done.started()).isPresent();
    assertThat(done.ended()).isPresent();
  }

  @Test
  void shouldRefuseASecondJobOfAModelAndTooMany() throws Exception {
    JobState first = start("digits");
    RequestException conflict = catchThrowableOfType(RequestException.class, () -> start("digits"));
    assertThat(conflict.reason()).isEqualTo(Reason.CONFLICT);
    assertThat(conflict).hasMessageContaining("job=" + first.id());
    start("other");
    await(() -> jobs.all().stream().filter(j -> j.phase() == Phase.RUNNING).count() == 2);
    for (int i = 0; i < Jobs.WAITING; i++) {
      start("waiting" + i);
    }
    assertThat(catchThrowableOfType(RequestException.class, () -> start("onemore")).reason())
        .isEqualTo(Reason.TOO_MANY);
    gate.countDown();
    ended(first.id());
    assertThat(start("digits").phase()).isEqualTo(Phase.WAITING);
  }

  @Test
  void shouldCancelWhatRunsAndWhatWaits() throws Exception {
    JobState one = start("one");
    start("two");
    await(() -> jobs.all().stream().filter(j -> j.phase() == Phase.RUNNING).count() == 2);
    JobState waiting = start("three");
    assertThat(jobs.cancel(waiting.id()).phase()).isEqualTo(Phase.CANCELLED);
    jobs.cancel(one.id());
    JobState ended = ended(one.id());
    assertThat(ended.phase()).isEqualTo(Phase.CANCELLED);
    assertThat(ended.message()).contains("asked to stop");
    assertThat(jobs.cancel(one.id()).phase()).isEqualTo(Phase.CANCELLED);
    // Its place is free again.
    for (int i = 0; i < Jobs.WAITING; i++) {
      start("waiting" + i);
    }
  }

  @Test
  void shouldRememberFewAndNeverTheSameIdTwice() throws Exception {
    gate.countDown();
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < Jobs.REMEMBERED + 50; i++) {
      JobState job = start("digits");
      ids.add(job.id());
      ended(job.id());
    }
    assertThat(ids).doesNotHaveDuplicates();
    assertThat(jobs.all()).hasSize(Jobs.REMEMBERED);
    assertThat(catchThrowableOfType(RequestException.class, () -> jobs.find(ids.get(0))).reason())
        .isEqualTo(Reason.UNKNOWN_JOB);
    assertThatThrownBy(() -> jobs.cancel("no\nsuch")).hasMessageContaining("id=no such");
  }

  @Test
  void shouldSayWhyWhenWorkFails() throws Exception {
    JobState refused =
        jobs.start(
            "verify",
            "digits",
            "me",
            state -> {
              throw new IllegalStateException("a listener that throws");
            },
            progress -> {
              throw new OperationException(OperationException.Code.CONFLICT, "nothing serves");
            });
    assertThat(ended(refused.id()).reason()).contains(Reason.CONFLICT);
    assertThat(ended(refused.id()).document().json().toString()).contains("nothing serves");
    JobState fault =
        jobs.start(
            "verify",
            "digits",
            "me",
            state -> {},
            progress -> {
              throw new IllegalStateException("fault");
            });
    assertThat(ended(fault.id()).reason()).contains(Reason.UNEXPECTED);
  }

  @Test
  void shouldCancelEverythingWhenClosed() throws Exception {
    JobState one = start("one");
    start("two");
    start("three");
    jobs.close();
    assertThat(jobs.all()).allMatch(job -> job.phase() == Phase.CANCELLED);
    assertThat(jobs.find(one.id()).ended()).isPresent();
    assertThatThrownBy(() -> start("four")).isInstanceOf(RequestException.class);
  }

  private static void await(BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).isLessThan(end);
      Thread.onSpinWait();
    }
  }
}
