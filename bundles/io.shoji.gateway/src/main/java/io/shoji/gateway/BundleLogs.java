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

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.ServiceFactory;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.log.FormatterLogger;
import org.osgi.service.log.LogLevel;
import org.osgi.service.log.LogService;
import org.osgi.service.log.Logger;
import org.osgi.service.log.LoggerConsumer;
import org.slf4j.LoggerFactory;

/**
 * The OSGi log service of each bundle, on SLF4J: declarative services, configuration admin and
 * others say there what goes wrong. A logger is named as the bundle asks, or by its symbolic name.
 */
final class BundleLogs implements ServiceFactory<LogService> {
  @Override
  public LogService getService(Bundle bundle, ServiceRegistration<LogService> registration) {
    return of(Objects.requireNonNullElse(bundle.getSymbolicName(), "bundle"));
  }

  /** The log of the bundle with that name. */
  static LogService of(String bundle) {
    return (LogService)
        Proxy.newProxyInstance(
            BundleLogs.class.getClassLoader(),
            new Class<?>[] {LogService.class},
            new ServiceHandler(bundle));
  }

  @Override
  public void ungetService(
      Bundle bundle, ServiceRegistration<LogService> registration, LogService service) {
    // Nothing is held.
  }

  /** LogService: getLogger in its six forms, and log in its four, which are older. */
  private record ServiceHandler(String bundle) implements InvocationHandler {
    @Override
    public @Nullable Object invoke(Object proxy, Method method, Object @Nullable [] arguments) {
      if (method.getDeclaringClass() == Object.class) {
        return ofObject(proxy, method, arguments, "log of " + bundle);
      }
      Object[] given = arguments == null ? new Object[0] : arguments;
      if (method.getName().equals("getLogger")) {
        return logger(given);
      }
      log(given);
      return null;
    }

    private Logger logger(Object[] given) {
      String name = bundle;
      Class<?> type = Logger.class;
      for (Object argument : given) {
        if (argument instanceof String text) {
          name = text;
        } else if (argument instanceof Class<?> asked) {
          if (Logger.class.isAssignableFrom(asked)) {
            type = asked;
          } else {
            name = asked.getName();
          }
        }
      }
      return (Logger)
          Proxy.newProxyInstance(
              BundleLogs.class.getClassLoader(),
              new Class<?>[] {type},
              new LoggerHandler(LoggerFactory.getLogger(name), type == FormatterLogger.class));
    }

    /** Level, message and cause, after the service that it is about, if any. */
    private void log(Object[] given) {
      LogLevel level = LogLevel.INFO;
      String message = "";
      Throwable cause = null;
      for (Object argument : given) {
        if (argument instanceof Integer number) {
          level = older(number);
        } else if (argument instanceof String text) {
          message = text;
        } else if (argument instanceof Throwable failure) {
          cause = failure;
        } else if (argument instanceof ServiceReference<?> service) {
          message = message + service;
        }
      }
      write(LoggerFactory.getLogger(bundle), level, message, cause);
    }
  }

  /** Logger: per level a question, and a message with its arguments or a consumer. */
  private record LoggerHandler(org.slf4j.Logger log, boolean printf) implements InvocationHandler {
    @Override
    public @Nullable Object invoke(Object proxy, Method method, Object @Nullable [] arguments)
        throws Exception {
      if (method.getDeclaringClass() == Object.class) {
        return ofObject(proxy, method, arguments, log.getName());
      }
      String name = method.getName();
      if (name.equals("getName")) {
        return log.getName();
      }
      if (name.startsWith("is")) {
        // isErrorEnabled
        return enabled(log, level(name.substring(2, name.length() - "Enabled".length())));
      }
      LogLevel level = level(name);
      Object first = arguments == null ? "" : Objects.requireNonNullElse(arguments[0], "null");
      if (first instanceof LoggerConsumer<?> consumer) {
        if (enabled(log, level)) {
          consume(consumer, (Logger) proxy);
        }
        return null;
      }
      List<@Nullable Object> rest = new ArrayList<>();
      if (arguments != null) {
        for (int i = 1; i < arguments.length; i++) {
          if (arguments[i] instanceof Object[] several) {
            Collections.addAll(rest, several);
          } else {
            rest.add(arguments[i]);
          }
        }
      }
      Throwable cause = null;
      if (!rest.isEmpty() && rest.get(rest.size() - 1) instanceof Throwable failure) {
        cause = failure;
        rest.remove(rest.size() - 1);
      }
      write(log, level, text(first.toString(), rest.toArray()), cause);
      return null;
    }

    private String text(String message, @Nullable Object[] values) {
      if (values.length == 0) {
        return message;
      }
      return printf
          ? String.format(Locale.ROOT, message, values)
          : org.slf4j.helpers.MessageFormatter.arrayFormat(message, values).getMessage();
    }

    @SuppressWarnings("unchecked") // a consumer of this very logger, by the interface's signature
    private static void consume(LoggerConsumer<?> consumer, Logger logger) throws Exception {
      ((LoggerConsumer<Exception>) consumer).accept(logger);
    }
  }

  /** A level of LogService 1.3. */
  @SuppressWarnings("deprecation") // older bundles use them
  private static LogLevel older(int level) {
    return switch (level) {
      case LogService.LOG_ERROR -> LogLevel.ERROR;
      case LogService.LOG_WARNING -> LogLevel.WARN;
      case LogService.LOG_INFO -> LogLevel.INFO;
      default -> LogLevel.DEBUG;
    };
  }

  private static LogLevel level(String name) {
    return LogLevel.valueOf(name.toUpperCase(Locale.ROOT));
  }

  private static boolean enabled(org.slf4j.Logger log, LogLevel level) {
    return switch (level) {
      case ERROR -> log.isErrorEnabled();
      case WARN -> log.isWarnEnabled();
      case AUDIT, INFO -> log.isInfoEnabled();
      case DEBUG -> log.isDebugEnabled();
      case TRACE -> log.isTraceEnabled();
    };
  }

  private static void write(
      org.slf4j.Logger log, LogLevel level, String message, @Nullable Throwable cause) {
    switch (level) {
      case ERROR -> log.error(message, cause);
      case WARN -> log.warn(message, cause);
      case AUDIT, INFO -> log.info(message, cause);
      case DEBUG -> log.debug(message, cause);
      case TRACE -> log.trace(message, cause);
    }
  }

  private static Object ofObject(
      Object proxy, Method method, Object @Nullable [] arguments, String text) {
    return switch (method.getName()) {
      case "equals" -> arguments != null && proxy == arguments[0];
      case "hashCode" -> System.identityHashCode(proxy);
      default -> text;
    };
  }
}
