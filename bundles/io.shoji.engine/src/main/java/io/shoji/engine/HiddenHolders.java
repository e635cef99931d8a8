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

import java.lang.reflect.AccessibleObject;
import java.lang.reflect.Array;
import java.lang.reflect.Field;
import java.security.AccessControlContext;
import java.security.ProtectionDomain;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Looks for holders of a class loader where Java keeps them to itself: ThreadLocals, shutdown
 * hooks, what threads run and what they inherited. Sees them only in a JVM that was started with
 * {@code --add-opens java.base/java.lang=ALL-UNNAMED} ({@code java.security} for what was
 * inherited); the fields are those of OpenJDK 17 to 21.
 */
final class HiddenHolders {
  private static final Logger LOG = LoggerFactory.getLogger(HiddenHolders.class);

  private HiddenHolders() {}

  /** Whether this JVM lets them be seen. */
  static boolean visible() {
    return field(Thread.class, "threadLocals") != null;
  }

  /** Those that hold a class loader, in words. */
  static List<String> find(ClassLoader loader, List<Thread> threads) {
    List<String> found = new ArrayList<>();
    for (Thread thread : threads) {
      String where = " of thread " + JavaThreads.name(thread);
      locals(loader, thread, "threadLocals", "a ThreadLocal" + where, found);
      locals(
          loader, thread, "inheritableThreadLocals", "an inheritable ThreadLocal" + where, found);
      Object target = task(thread);
      if (target != null && isOf(target, loader)) {
        found.add("the task" + where + " class=" + target.getClass().getName());
      }
      if (inherits(thread, loader)) {
        found.add(
            "the access control context that thread " + JavaThreads.name(thread) + " inherited");
      }
    }
    hooks(loader, found);
    return found;
  }

  private static boolean isOf(@Nullable Object object, ClassLoader loader) {
    return object != null
        && (object == loader
            || object.getClass().getClassLoader() == loader
            || (object instanceof Class<?> type && type.getClassLoader() == loader));
  }

  private static @Nullable Object task(Thread thread) {
    Object holder = value(field(Thread.class, "holder"), thread);
    return holder == null
        ? value(field(Thread.class, "target"), thread)
        : value(field(holder.getClass(), "task"), holder);
  }

  private static void locals(
      ClassLoader loader, Thread thread, String name, String what, List<String> found) {
    Object map = value(field(Thread.class, name), thread);
    Object table = map == null ? null : value(field(map.getClass(), "table"), map);
    if (table == null) {
      return;
    }
    for (int i = 0; i < Array.getLength(table); i++) {
      Object entry = Array.get(table, i);
      Object held = entry == null ? null : value(field(entry.getClass(), "value"), entry);
      if (held != null && isOf(held, loader)) {
        found.add(what + " class=" + held.getClass().getName());
      } else if (held instanceof Object[] several) {
        for (Object each : several) {
          if (isOf(each, loader)) {
            found.add(what + ", in an array class=" + each.getClass().getName());
          }
        }
      }
    }
  }

  @SuppressWarnings("removal")
  private static boolean inherits(Thread thread, ClassLoader loader) {
    Object inherited = value(field(Thread.class, "inheritedAccessControlContext"), thread);
    Object domains =
        inherited == null ? null : value(field(AccessControlContext.class, "context"), inherited);
    if (domains instanceof ProtectionDomain[] all) {
      for (ProtectionDomain domain : all) {
        if (domain.getClassLoader() == loader) {
          return true;
        }
      }
    }
    return false;
  }

  private static void hooks(ClassLoader loader, List<String> found) {
    Class<?> type;
    try {
      type = Class.forName("java.lang.ApplicationShutdownHooks", true, null);
    } catch (ClassNotFoundException e) {
      LOG.debug("this JVM keeps its shutdown hooks elsewhere", e);
      return;
    }
    List<Object> hooks = new ArrayList<>();
    synchronized (type) {
      if (value(field(type, "hooks"), null) instanceof IdentityHashMap<?, ?> map) {
        for (Map.Entry<?, ?> hook : map.entrySet()) {
          hooks.add(hook.getKey());
        }
      }
    }
    for (Object each : hooks) {
      if (each instanceof Thread hook
          && (!JavaThreads.tie(hook, loader).isEmpty() || isOf(task(hook), loader))) {
        found.add("a shutdown hook name=" + hook.getName());
      }
    }
  }

  /** A field that may be read, or null. */
  private static @Nullable Field field(Class<?> type, String name) {
    try {
      Field field = type.getDeclaredField(name);
      return ((AccessibleObject) field).trySetAccessible() ? field : null;
    } catch (NoSuchFieldException e) {
      LOG.trace("this JVM has no such field class={} field={}", type, name, e);
      return null;
    }
  }

  private static @Nullable Object value(@Nullable Field field, @Nullable Object of) {
    try {
      return field == null ? null : field.get(of);
    } catch (IllegalAccessException e) {
      throw new IllegalStateException("made accessible before field=" + field, e);
    }
  }
}
