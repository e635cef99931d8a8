/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.link;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Runs and replies that are handed over in memory, or not. */
class CallPageTest {
  private static final int LANE = 5;

  @TempDir private Path folder;
  private CallPage page;

  @BeforeEach
  void create() throws Exception {
    page = new CallPage(SharedMemory.create(folder, "calls", CallPage.BYTES));
  }

  @AfterEach
  void close() {
    page.close();
  }

  @Test
  void shouldHandARunOverToWhoLooksForIt() throws Exception {
    page.lookForRun(LANE, 8);
    assertThat(page.isRunThere(LANE, 8)).isFalse();

    assertThat(page.giveRun(LANE, 8, 4_095, -3)).isTrue();

    assertThat(page.isRunThere(LANE, 8)).isTrue();
    assertThat(page.takeRun(LANE, 8)).isTrue();
    assertThat(page.binding(LANE)).isEqualTo(4_095);
    assertThat(page.nanosLeft(LANE)).isEqualTo(-3);
  }

  @Test
  void shouldSayThatARunMustBeSentWhenNobodyLooksForIt() throws Exception {
    assertThat(page.giveRun(LANE, 8, 1, 1)).as("nobody ever has").isFalse();
    page.lookForRun(LANE, 8);
    assertThat(page.giveRun(LANE, 7, 1, 1)).as("another one is looked for").isFalse();
    assertThat(page.giveRun(LANE + 1, 8, 1, 1)).as("on another lane").isFalse();
    assertThat(page.takeRun(LANE, 8)).isFalse();

    assertThat(page.giveRun(LANE, 8, 1, 1)).as("no more").isFalse();
  }

  @Test
  void shouldHandAReplyOverToWhoLooksForIt() throws Exception {
    page.lookForReply(LANE, 8);
    assertThat(page.giveReply(LANE, 7)).isFalse();
    assertThat(page.isReplyThere(LANE, 8)).isFalse();

    assertThat(page.giveReply(LANE, 8)).isTrue();

    assertThat(page.isReplyThere(LANE, 8)).isTrue();
    assertThat(page.takeReply(LANE, 8)).isTrue();
  }

  @Test
  void shouldSayThatAReplyIsSent() throws Exception {
    page.lookForReply(LANE, 8);

    page.sendsReply(LANE, 8);

    assertThat(page.isReplyThere(LANE, 8)).as("no more to look for").isTrue();
    assertThat(page.takeReply(LANE, 8)).as("but to be read").isFalse();
    assertThat(page.giveReply(LANE, 8)).isFalse();
  }

  @Test
  void shouldNotBelieveWhatWasNotAskedFor() {
    page.lookForReply(LANE, 8);
    assertThat(page.giveReply(LANE, 8)).isTrue();

    assertThatThrownBy(() -> page.takeReply(LANE, 9))
        .isInstanceOf(ProtocolException.class)
        .hasMessageContaining("asked=9 found=-8");
  }

  /** A run that is lost would have both threads wait for ever. */
  @Test
  @Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void shouldLoseNoRunAndDoNoneTwice() throws Exception {
    int runs = 200_000;
    AtomicLong sent = new AtomicLong();
    CompletableFuture<Long> handed =
        CompletableFuture.supplyAsync(
            () -> {
              Random random = new Random(1);
              long count = 0;
              for (long run = 1; run <= runs; run++) {
                page.lookForRun(LANE, run);
                long next = run;
                for (int look = random.nextInt(400); look > 0; look--) {
                  if (page.isRunThere(LANE, next)) {
                    break;
                  }
                }
                if (take(run)) {
                  assertThat(page.binding(LANE)).isEqualTo(run % Limits.BINDINGS);
                  assertThat(page.nanosLeft(LANE)).isEqualTo(run * 3);
                  count++;
                } else {
                  while (sent.get() != run) {
                    Thread.onSpinWait();
                  }
                }
                page.note(LANE, -run);
              }
              return count;
            });
    long given = 0;
    for (long run = 1; run <= runs; run++) {
      if (page.giveRun(LANE, run, (int) (run % Limits.BINDINGS), run * 3)) {
        given++;
      } else {
        sent.set(run);
      }
      while (page.noted(LANE) != -run && !handed.isDone()) {
        Thread.onSpinWait();
      }
    }
    assertThat(handed.get(60, TimeUnit.SECONDS)).isEqualTo(given);
    assertThat(given).as("some are handed over and some are not").isBetween(1L, runs - 1L);
  }

  private boolean take(long run) {
    try {
      return page.takeRun(LANE, run);
    } catch (ProtocolException e) {
      throw new AssertionError(e);
    }
  }
}
