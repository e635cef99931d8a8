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

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.osgi.service.log.FormatterLogger;
import org.osgi.service.log.LogService;
import org.osgi.service.log.Logger;
import org.slf4j.LoggerFactory;

class BundleLogsTest {
  private final ch.qos.logback.classic.Logger root =
      ((LoggerContext) LoggerFactory.getILoggerFactory()).getLogger("a.bundle");
  private final ListAppender<ILoggingEvent> seen = new ListAppender<>();
  private final LogService service = BundleLogs.of("a.bundle");

  @BeforeEach
  void listen() {
    seen.start();
    root.addAppender(seen);
    root.setLevel(Level.INFO);
  }

  @AfterEach
  void stopListening() {
    root.detachAppender(seen);
  }

  @Test
  @SuppressWarnings("deprecation") // what older bundles call
  void shouldKeepLevelAndCauseWhenOldMethodIsCalled() {
    IllegalStateException cause = new IllegalStateException("why");

    service.log(LogService.LOG_WARNING, "old way", cause);
    service.log(LogService.LOG_DEBUG, "too fine");

    assertThat(lines()).containsExactly("WARN a.bundle old way");
    assertThat(seen.list.get(0).getThrowableProxy().getMessage()).isEqualTo("why");
  }

  @Test
  void shouldFillInValuesWhenLoggerFormats() {
    Logger logger = service.getLogger("a.bundle.part");
    IllegalStateException cause = new IllegalStateException("why");

    logger.error("failed {} of {}", 1, 2, cause);
    service.getLogger("a.bundle", FormatterLogger.class).info("%d %%", 50);

    assertThat(lines()).containsExactly("ERROR a.bundle.part failed 1 of 2", "INFO a.bundle 50 %");
    assertThat(seen.list.get(0).getThrowableProxy().getMessage()).isEqualTo("why");
  }

  @Test
  void shouldNotAskConsumerWhenLevelIsOff() {
    Logger logger = service.getLogger(getClass());
    root.setLevel(Level.INFO);

    service.getLogger("a.bundle").debug(l -> l.debug("never"));
    service.getLogger("a.bundle").info(l -> l.info("asked"));

    assertThat(lines()).containsExactly("INFO a.bundle asked");
    assertThat(logger.getName()).isEqualTo(getClass().getName());
    assertThat(service.getLogger("a.bundle").isDebugEnabled()).isFalse();
    assertThat(service.getLogger("a.bundle").isInfoEnabled()).isTrue();
  }

  private List<String> lines() {
    return seen.list.stream()
        .map(
            event ->
                event.getLevel() + " " + event.getLoggerName() + " " + event.getFormattedMessage())
        .toList();
  }
}
