/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker;

import io.shoji.operations.EngineEvent;
import io.shoji.operations.EventReporter;
import java.util.Map;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;

/** Hands what happens to workers to the engine, whose listeners tell the cloud. Thread safe. */
final class Incidents {
  private final BundleContext context;

  Incidents(BundleContext context) {
    this.context = context;
  }

  /** Something happened; it is lost to the cloud, not to the log, while there is no engine. */
  void report(
      EngineEvent.Type type, String accelerator, String message, Map<String, String> details) {
    ServiceReference<EventReporter> reference = context.getServiceReference(EventReporter.class);
    EventReporter reporter = reference == null ? null : context.getService(reference);
    if (reporter == null) {
      return;
    }
    try {
      reporter.report(type, accelerator, message, details);
    } finally {
      context.ungetService(reference);
    }
  }
}
