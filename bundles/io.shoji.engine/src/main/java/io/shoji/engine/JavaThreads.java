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

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleReference;

/** Looks at Java's threads, and tells which are tied to a driver. */
final class JavaThreads {
  private static final int FRAMES = 3;

  private JavaThreads() {}

  /** Every live thread; no stack is looked at, and no thread is stopped for it. */
  static List<Thread> live() {
    ThreadGroup root = Thread.currentThread().getThreadGroup();
    while (root.getParent() != null) {
      root = root.getParent();
    }
    Thread[] all = new Thread[root.activeCount() * 2 + 16];
    int count = root.enumerate(all, true);
    while (count == all.length) {
      all = new Thread[all.length * 2];
      count = root.enumerate(all, true);
    }
    return List.of(Arrays.copyOf(all, count));
  }

  /** How a thread is tied to a class loader, as far as can be seen without its stack, or "". */
  static String tie(Thread thread, @Nullable ClassLoader loader) {
    if (loader == null) {
      return "";
    }
    if (thread.getContextClassLoader() == loader) {
      return "its context class loader is the driver's";
    }
    if (thread.getClass().getClassLoader() == loader) {
      return "its class is the driver's class=" + thread.getClass().getName();
    }
    Thread.UncaughtExceptionHandler handler = thread.getUncaughtExceptionHandler();
    // Of a thread without one that is its group.
    if (handler != null && handler.getClass().getClassLoader() == loader) {
      return "its handler of exceptions is the driver's class=" + handler.getClass().getName();
    }
    return "";
  }

  /** Whether another bundle than this, or this engine, can be seen to own a thread. */
  static boolean isOfAnother(Thread thread, long bundle) {
    return thread instanceof Threads.Own
        || isOfAnother(thread.getContextClassLoader(), bundle)
        || isOfAnother(thread.getClass().getClassLoader(), bundle);
  }

  private static boolean isOfAnother(@Nullable ClassLoader loader, long bundle) {
    if (loader == null) {
      return false;
    }
    if (loader instanceof BundleReference reference) {
      Bundle owner = reference.getBundle();
      return owner != null && owner.getBundleId() != bundle;
    }
    return loader == JavaThreads.class.getClassLoader()
        && loader != ClassLoader.getSystemClassLoader();
  }

  /** Whether a stack goes through a class of one of these packages. */
  static boolean isIn(StackTraceElement[] stack, Set<String> packages) {
    for (StackTraceElement frame : stack) {
      String name = frame.getClassName();
      int dot = name.lastIndexOf('.');
      if (dot > 0 && packages.contains(name.substring(0, dot))) {
        return true;
      }
    }
    return false;
  }

  /** A thread in words. */
  static String name(Thread thread) {
    return "name="
        + thread.getName()
        + " id="
        + thread.getId()
        + " state="
        + thread.getState()
        + (thread.isDaemon() ? "" : " daemon=false");
  }

  /** Where a thread is, in words: its top frame, and the first that are not Java's own. */
  static String top(StackTraceElement[] stack) {
    if (stack.length == 0) {
      return "it runs no Java code";
    }
    List<String> frames = new ArrayList<>();
    for (StackTraceElement frame : stack) {
      // Classes that Java made for lambdas have no file.
      boolean telling = frame.getFileName() != null && !isJavas(frame);
      if (frames.size() < FRAMES && (frames.isEmpty() || telling)) {
        frames.add(
            frame.getClassName()
                + "."
                + frame.getMethodName()
                + (frame.isNativeMethod()
                    ? "(native)"
                    : "(" + frame.getFileName() + ":" + frame.getLineNumber() + ")"));
      }
    }
    return "it is in " + String.join(" < ", frames);
  }

  private static boolean isJavas(StackTraceElement frame) {
    String module = frame.getModuleName();
    return module != null && (module.startsWith("java.") || module.startsWith("jdk."));
  }
}
