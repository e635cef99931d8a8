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

import io.shoji.operations.EngineEvent;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class EventsTest {
  private final Events events = new Events(Clock.fixed(Instant.EPOCH, ZoneOffset.UTC));

  @AfterEach
  void close() {
    events.close();
  }

  private void add(String message) {
    events.add(EngineEvent.Type.MODEL_SWAPPED, "digits", "1.0.0", "", message, Map.of("a", "b"));
  }

  @Test
  void shouldGiveEventsAfterNumberOldestFirst() {
    add("one");
    add("two");
    add("three");

    assertThat(events.after(0)).extracting(EngineEvent::sequence).containsExactly(1L, 2L, 3L);
    assertThat(events.after(2)).extracting(EngineEvent::message).containsExactly("three");
    assertThat(events.after(3)).isEmpty();
    assertThat(events.after(4)).as("a number from before a restart").hasSize(3);
    assertThat(events.after(0).get(0))
        .isEqualTo(
            new EngineEvent(
                1,
                Instant.EPOCH,
                EngineEvent.Type.MODEL_SWAPPED,
                "digits",
                "1.0.0",
                "",
                "one",
                Map.of("a", "b")));
  }

  @Test
  void shouldKeepTheLatestWhenRingIsFull() {
    for (int i = 1; i <= Events.CAPACITY + 10; i++) {
      add("event");
    }

    List<EngineEvent> kept = events.after(0);

    assertThat(kept).hasSize(Events.CAPACITY);
    assertThat(kept.get(0).sequence()).isEqualTo(11);
  }

  @Test
  void shouldTellListenersInOrderOnOneThreadOfItsOwn() {
    add("before");
    List<String> told = new CopyOnWriteArrayList<>();
    List<Thread> threads = new CopyOnWriteArrayList<>();
    Events.Reader failing = events.reader();
    events.start(
        failing,
        event -> {
          throw new IllegalStateException("on purpose");
        });
    Events.Reader late = events.reader();
    add("between");
    events.start(
        late,
        event -> {
          told.add(event.message());
          threads.add(Thread.currentThread());
        });
    for (int i = 0; i < 100; i++) {
      add("event " + i);
    }

    EngineFixture.await("all told", () -> told.size() == 101);

    assertThat(told).startsWith("between", "event 0", "event 1").endsWith("event 99");
    assertThat(threads).containsOnly(threads.get(0)).doesNotContain(Thread.currentThread());
    assertThat(threads.get(0).getName()).startsWith("shoji-engine-events");
    events.stop(late);
    add("after");
    assertThat(told).hasSize(101);
  }

  @Test
  void shouldShowGapAndHoldUpNobodyWhenListenerIsSlow() throws Exception {
    List<Long> told = new CopyOnWriteArrayList<>();
    CountDownLatch entered = new CountDownLatch(1);
    Semaphore go = new Semaphore(0);
    events.start(
        events.reader(),
        event -> {
          told.add(event.sequence());
          entered.countDown();
          go.acquireUninterruptibly();
        });
    add("first");
    entered.await();
    for (int i = 0; i < 2 * Events.CAPACITY; i++) {
      add("event");
    }
    go.release(2 * Events.CAPACITY);

    EngineFixture.await("told the rest", () -> told.size() == 1 + Events.CAPACITY);

    assertThat(told.get(1)).isEqualTo(Events.CAPACITY + 2L);
    assertThat(told.get(told.size() - 1)).isEqualTo(2L * Events.CAPACITY + 1);
  }
}
