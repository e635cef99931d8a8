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

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.filter.ThresholdFilter;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.Appender;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.OutputStreamAppender;
import ch.qos.logback.core.rolling.FixedWindowRollingPolicy;
import ch.qos.logback.core.rolling.RollingFileAppender;
import ch.qos.logback.core.rolling.SizeBasedTriggeringPolicy;
import ch.qos.logback.core.spi.ContextAwareBase;
import ch.qos.logback.core.util.FileSize;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * Where the log goes: INFO and above to {@code log/gateway.log} in the work folder, at most five
 * files of 5 MB; WARN and above to standard error, INFO too if asked. A {@code
 * -Dlogback.configurationFile=FILE} replaces all of it.
 *
 * <p>Logback finds this class by its services file, at the first logger.
 */
public final class Logging extends ContextAwareBase implements Configurator {
  private static final String PATTERN =
      "%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %-5level [%thread] %logger{36}: %msg%n";

  private static volatile @Nullable Path folder;
  private static volatile boolean verbose;

  /** Says where to, and starts logging. */
  static void start(Path logFolder, boolean infoOnTerminal) {
    folder = logFolder;
    verbose = infoOnTerminal;
    LoggerFactory.getILoggerFactory();
  }

  /** Writes what is still to be written. */
  static void stop() {
    if (LoggerFactory.getILoggerFactory() instanceof LoggerContext context) {
      context.stop();
    }
  }

  @Override
  public void configure(LoggerContext context) {
    ch.qos.logback.classic.Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    root.setLevel(Level.INFO);
    // What each request costs in a web server is of no use here.
    context.getLogger("org.eclipse.jetty").setLevel(Level.WARN);
    // It warns of the end of its own threads whenever the gateway stops.
    context.getLogger("org.apache.felix.eventadmin").setLevel(Level.ERROR);
    root.addAppender(terminal(context));
    Path logFolder = folder;
    if (logFolder != null) {
      root.addAppender(file(context, logFolder));
    }
  }

  private static Appender<ILoggingEvent> terminal(LoggerContext context) {
    ConsoleAppender<ILoggingEvent> appender = new ConsoleAppender<>();
    appender.setTarget("System.err");
    appender.setName("terminal");
    ThresholdFilter filter = new ThresholdFilter();
    filter.setLevel(verbose ? "INFO" : "WARN");
    filter.start();
    appender.addFilter(filter);
    return started(context, appender);
  }

  private static Appender<ILoggingEvent> file(LoggerContext context, Path logFolder) {
    RollingFileAppender<ILoggingEvent> appender = new RollingFileAppender<>();
    appender.setName("file");
    appender.setFile(logFolder.resolve("gateway.log").toString());
    FixedWindowRollingPolicy window = new FixedWindowRollingPolicy();
    window.setContext(context);
    window.setParent(appender);
    window.setFileNamePattern(logFolder.resolve("gateway.%i.log").toString());
    window.setMinIndex(1);
    window.setMaxIndex(4);
    window.start();
    SizeBasedTriggeringPolicy<ILoggingEvent> size = new SizeBasedTriggeringPolicy<>();
    size.setContext(context);
    size.setMaxFileSize(FileSize.valueOf("5MB"));
    size.start();
    appender.setRollingPolicy(window);
    appender.setTriggeringPolicy(size);
    return started(context, appender);
  }

  private static Appender<ILoggingEvent> started(
      LoggerContext context, OutputStreamAppender<ILoggingEvent> appender) {
    PatternLayoutEncoder encoder = new PatternLayoutEncoder();
    encoder.setContext(context);
    encoder.setPattern(PATTERN);
    encoder.start();
    appender.setContext(context);
    appender.setEncoder(encoder);
    appender.start();
    return appender;
  }
}
