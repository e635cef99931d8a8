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

import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.ServiceReference;
import org.slf4j.LoggerFactory;

/** Takes what the Felix framework itself logs to SLF4J. */
final class FrameworkLogger extends org.apache.felix.framework.Logger {
  private final org.slf4j.Logger log = LoggerFactory.getLogger("org.apache.felix.framework");

  @Override
  @SuppressWarnings("rawtypes") // as it is there
  protected void doLog(
      @Nullable Bundle bundle,
      @Nullable ServiceReference reference,
      int level,
      String message,
      @Nullable Throwable cause) {
    String text = bundle == null ? message : message + " bundle=" + bundle.getSymbolicName();
    switch (level) {
      case LOG_ERROR -> log.error(text, cause);
      case LOG_WARNING -> log.warn(text, cause);
      case LOG_INFO -> log.info(text, cause);
      default -> log.debug(text, cause);
    }
  }
}
