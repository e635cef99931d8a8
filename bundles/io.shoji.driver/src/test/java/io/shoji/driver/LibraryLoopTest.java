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
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class LibraryLoopTest {
  private static final int AN_HOUR_MS = 3_600_000;

  private final DriverThread thread = new DriverThread("shoji-test", "test driver");
  private final List<String> done = new CopyOnWriteArrayList<>();
  private volatile int pollMs = AN_HOUR_MS;
  private volatile @Nullable String installed = "one";
  private final LibraryLoop<String> loop =
      new LibraryLoop<>(
          thread,
          new LibraryLoop.Work<>() {
            @Override
            public int pollMs() {
              return pollMs;
            }

            @Override
            public @Nullable String open(long retryMs) {
              done.add("open retryMs=" + retryMs);
              return installed;
            }

            @Override
            public void look(String library, boolean due) {
              done.add("look " + library + (due ? " due" : ""));
            }

            @Override
            public void close(@Nullable String library) {
              done.add("close " + library);
            }
          });

  private void awaitDone(int count) {
    Eventually.assertThat(() -> done.size() >= count);
  }

  @Test
  void shouldLookAtTheIntervalWhenTheLibraryIsThere() {
    pollMs = 1;
    loop.start();
    awaitDone(5);
    loop.stop("the runtime");
    assertThat(done.subList(0, 4))
        .containsExactly("open retryMs=10000", "look one due", "look one due", "look one due");
    assertThat(done).last().isEqualTo("close one");
  }

  @Test
  void shouldNotLookWhenThereIsNoLibrary() {
    installed = null;
    loop.start();
    loop.lookSoon();
    awaitDone(1);
    loop.stop("the runtime");
    assertThat(done).containsExactly("open retryMs=3600000", "close null");
  }

  @Test
  void shouldLookAtOnceWhenSomethingHappened() {
    loop.start();
    loop.lookSoon();
    awaitDone(3);
    loop.stopAndWait();
    assertThat(done)
        .containsExactly("open retryMs=3600000", "look one due", "look one", "close one");
  }

  @Test
  void shouldCloseAndOpenAnewWhenItRestarts() {
    loop.start();
    awaitDone(2);
    installed = "two";
    pollMs = 1;
    loop.restart();
    awaitDone(8);
    loop.stopAndWait();
    assertThat(done.subList(0, 6))
        .containsExactly(
            "open retryMs=3600000",
            "look one due",
            "close one",
            "open retryMs=10000",
            "look two due",
            "look two due");
    assertThat(done).last().isEqualTo("close two");
  }

  @Test
  void shouldDoNothingMoreWhenItWasStopped() {
    loop.start();
    loop.stopAndWait();
    int before = done.size();
    loop.start();
    loop.lookSoon();
    loop.restart();
    assertThat(done).hasSize(before).last().asString().startsWith("close");
  }
}
