/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.natives;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** This process's threads by the names that the operating system knows, see proc(5). */
final class ThreadNames {
  private static final Logger LOG = LoggerFactory.getLogger(ThreadNames.class);
  private static final Path TASKS = Path.of("/proc/self/task");

  /** {@code TASK_COMM_LEN} of {@code linux/sched.h}, without the zero at its end. */
  private static final int NAME_BYTES = 15;

  private ThreadNames() {}

  /** Numbers of the threads whose name begins as that one does. */
  static List<Integer> find(String name) {
    byte[] all = name.getBytes(StandardCharsets.UTF_8);
    byte[] known = Arrays.copyOf(all, Math.min(all.length, NAME_BYTES));
    List<Integer> found = new ArrayList<>();
    try (DirectoryStream<Path> tasks = Files.newDirectoryStream(TASKS)) {
      for (Path task : tasks) {
        if (Arrays.equals(known, nameOf(task))) {
          found.add(Integer.parseInt(String.valueOf(task.getFileName())));
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      LOG.debug("The threads of this process cannot be listed.", e);
    }
    return found;
  }

  /** Without the line end; nothing if the thread has ended meanwhile. */
  private static byte[] nameOf(Path task) {
    try {
      byte[] line = Files.readAllBytes(task.resolve("comm"));
      return Arrays.copyOf(line, Math.max(0, line.length - 1));
    } catch (IOException e) {
      LOG.trace("A thread has ended. task={}", task, e);
      return new byte[0];
    }
  }
}
