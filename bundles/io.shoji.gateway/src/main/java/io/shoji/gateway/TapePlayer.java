/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway;

import io.shoji.gateway.Tape.Scene;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Puts the scenes of a tape where the simulator looks for its tape. Thread safe. */
final class TapePlayer implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(TapePlayer.class);

  private final Tape tape;
  private final Path file;
  private volatile Scene scene;
  private @Nullable Thread thread;

  /**
   * Begins with the first scene, and stays there until {@link #play}.
   *
   * @param file where the simulator looks
   * @throws IOException if it cannot be written
   */
  TapePlayer(Tape tape, Path file) throws IOException {
    this.tape = tape;
    this.file = file;
    this.scene = tape.scenes().get(0);
    write(scene);
  }

  /** Plays on from here, on a thread of its own. */
  synchronized void play(Consumer<String> tell) {
    if (thread == null && tape.scenes().size() > 1) {
      thread = new Thread(() -> playAll(tell), "tape");
      thread.setDaemon(true);
      thread.start();
    }
  }

  private void playAll(Consumer<String> tell) {
    long start = System.nanoTime();
    try {
      for (Scene next : tape.scenes().subList(1, tape.scenes().size())) {
        long due = start + TimeUnit.MILLISECONDS.toNanos(next.afterMillis());
        for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) {
          TimeUnit.NANOSECONDS.sleep(left);
        }
        write(next);
        scene = next;
        String said = "SIMULATED: tape " + tape.name() + ", after " + next;
        log.info("{}", said);
        tell.accept(said);
      }
    } catch (InterruptedException e) {
      log.debug("the gateway stops, and so does the tape", e);
    } catch (IOException e) {
      log.error("the tape stops: its file cannot be written file={}", file, e);
    }
  }

  /** The whole file at once: the simulator reads it with every call. */
  private void write(Scene next) throws IOException {
    List<String> lines = new ArrayList<>();
    lines.add("# " + tape.name() + ", after " + next);
    lines.addAll(next.lines());
    Path part = file.resolveSibling(file.getFileName() + ".part");
    Files.write(part, lines);
    Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** What is played now. */
  @Override
  public String toString() {
    return tape.name() + ", after " + scene;
  }

  /** Stays where it is. */
  @Override
  public synchronized void close() {
    if (thread != null) {
      thread.interrupt();
    }
  }
}
