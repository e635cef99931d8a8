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

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.management.JMException;
import javax.management.ObjectName;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells the kernel's threads that a native library started from those of the JVM. */
final class NativeThreads {
  private static final Logger LOG = LoggerFactory.getLogger(NativeThreads.class);

  /** In the JVM's list of threads: hexadecimal up to Java 20, decimal since. */
  private static final Pattern NID = Pattern.compile("\\bnid=(0x[0-9a-f]+|[0-9]+)");

  private NativeThreads() {}

  /**
   * Those that the JVM does not know. Asks the JVM for all of its threads, for which it stops them
   * for about a millisecond.
   *
   * @return empty where the JVM does not tell
   */
  static Set<Integer> foreign(Set<Integer> tasks) {
    Set<Integer> foreign = new HashSet<>(tasks);
    if (foreign.isEmpty()) {
      return foreign;
    }
    try {
      Object list =
          ManagementFactory.getPlatformMBeanServer()
              .invoke(
                  new ObjectName("com.sun.management:type=DiagnosticCommand"),
                  "threadPrint",
                  new Object[] {new String[0]},
                  new String[] {String[].class.getName()});
      Matcher matcher = NID.matcher(String.valueOf(list));
      boolean any = false;
      while (matcher.find()) {
        any = true;
        foreign.remove(Integer.decode(matcher.group(1)));
      }
      // The first thread of the process waits for the JVM's main thread, and is not Java's.
      foreign.remove((int) ProcessHandle.current().pid());
      return any ? foreign : Set.of();
    } catch (JMException e) {
      LOG.debug("this JVM does not tell its threads' native ids, so native ones are not judged", e);
      return Set.of();
    }
  }

  /** The kernel's name of a thread; it is the name of the thread that started it, unless set. */
  static String name(int task) {
    try {
      return Files.readString(
              Path.of("/proc/self/task/" + task + "/comm"), StandardCharsets.ISO_8859_1)
          .trim();
    } catch (IOException e) {
      LOG.debug("a thread has just ended task={}", task, e);
      return "?";
    }
  }
}
