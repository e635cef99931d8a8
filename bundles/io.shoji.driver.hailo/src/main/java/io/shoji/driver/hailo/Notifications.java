/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.hailo;

import com.sun.jna.Callback;
import com.sun.jna.CallbackProxy;
import com.sun.jna.CallbackReference;
import com.sun.jna.Pointer;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandleProxies;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * What HailoRT tells of itself, on threads of its own: a function for it to call, and a queue that
 * the function copies each notification into.
 *
 * <p>JNA keeps every function that Java gives to native code for ever, with its class, which would
 * keep the driver's class loader after the bundle has gone. So the function is put together from
 * classes of the JDK and of JNA alone. What stays of one is a queue and a few hundred bytes; they
 * are used again, so that no more are made than devices are open at once.
 *
 * <p>Thread safe.
 */
final class Notifications {
  /** Bytes of {@code hailo_notification_t}. */
  static final int BYTES = 28;

  private static final String CALL = "callback";

  /** More than a device can say between two looks; what is beyond is dropped. */
  private static final int MOST = 64;

  /** Functions that no device uses. */
  static final class Pool {
    private final Queue<Notifications> free = new ConcurrentLinkedQueue<>();

    /** One that is nobody else's, with nothing in it. */
    Notifications take() {
      Notifications found = free.poll();
      return found == null ? new Notifications() : found;
    }

    /** Gives one back, which HailoRT does not know any more. */
    void give(Notifications notifications) {
      notifications.queue.clear();
      free.add(notifications);
    }
  }

  private final LinkedBlockingQueue<byte[]> queue = new LinkedBlockingQueue<>(MOST);
  private final Callback function;
  private final long address;

  private Notifications() {
    this.function = function(queue);
    this.address = Pointer.nativeValue(CallbackReference.getFunctionPointer(function));
  }

  /** Of the function, a {@code hailo_notification_callback}. */
  long address() {
    return address;
  }

  /** The oldest that was not taken yet, as it lay in memory; null if there is none. */
  byte @Nullable [] poll() {
    return queue.poll();
  }

  /**
   * A proxy of JNA's interface whose handler is a chain of method handles on JDK and JNA classes.
   */
  private static Callback function(Queue<byte[]> to) {
    Map<String, Object> answers =
        Map.of(
            "getParameterTypes",
            new Class<?>[] {Pointer.class, Pointer.class, Pointer.class},
            "getReturnType",
            void.class,
            // Of an object that is equal to itself alone.
            "hashCode",
            System.identityHashCode(to),
            "equals",
            false,
            "toString",
            "hailo_notification_callback");
    MethodHandles.Lookup lookup = MethodHandles.publicLookup();
    try {
      MethodHandle name =
          lookup.findVirtual(Method.class, "getName", MethodType.methodType(String.class));
      MethodHandle isCall =
          MethodHandles.filterArguments(
              lookup
                  .findVirtual(
                      String.class, "equals", MethodType.methodType(boolean.class, Object.class))
                  .bindTo(CALL),
              0,
              name.asType(MethodType.methodType(Object.class, Method.class)));
      MethodHandle answer =
          MethodHandles.filterArguments(
              lookup
                  .findVirtual(Map.class, "get", MethodType.methodType(Object.class, Object.class))
                  .bindTo(answers),
              0,
              name.asType(MethodType.methodType(Object.class, Method.class)));
      MethodHandle handler =
          MethodHandles.guardWithTest(arguments(isCall), keep(lookup, to), arguments(answer));
      return (Callback)
          Proxy.newProxyInstance(
              CallbackProxy.class.getClassLoader(),
              new Class<?>[] {CallbackProxy.class},
              MethodHandleProxies.asInterfaceInstance(InvocationHandler.class, handler));
    } catch (NoSuchMethodException | IllegalAccessException e) {
      throw new IllegalStateException("the JDK or JNA lacks a method that both have", e);
    }
  }

  /** From (Method) to what a handler takes: (proxy, method, arguments). */
  private static MethodHandle arguments(MethodHandle ofMethod) {
    return MethodHandles.dropArguments(
        MethodHandles.dropArguments(ofMethod, 1, Object[].class), 0, Object.class);
  }

  /**
   * Handler of the call itself, whose only argument is the array of the function's own: copies what
   * the second of them points to.
   */
  private static MethodHandle keep(MethodHandles.Lookup lookup, Queue<byte[]> to)
      throws NoSuchMethodException, IllegalAccessException {
    MethodHandle element = MethodHandles.arrayElementGetter(Object[].class);
    MethodHandle own =
        MethodHandles.insertArguments(element, 1, 0)
            .asType(MethodType.methodType(Object[].class, Object[].class));
    MethodHandle second =
        MethodHandles.insertArguments(element, 1, 1)
            .asType(MethodType.methodType(Pointer.class, Object[].class));
    MethodHandle copy =
        MethodHandles.insertArguments(
            lookup.findVirtual(
                Pointer.class,
                "getByteArray",
                MethodType.methodType(byte[].class, long.class, int.class)),
            1,
            0L,
            BYTES);
    MethodHandle offer =
        lookup
            .findVirtual(Queue.class, "offer", MethodType.methodType(boolean.class, Object.class))
            .bindTo(to)
            .asType(MethodType.methodType(void.class, byte[].class));
    MethodHandle all =
        MethodHandles.filterReturnValue(
            MethodHandles.filterReturnValue(MethodHandles.filterReturnValue(own, second), copy),
            offer);
    return MethodHandles.dropArguments(
        all.asType(MethodType.methodType(Object.class, Object[].class)),
        0,
        Object.class,
        Method.class);
  }
}
