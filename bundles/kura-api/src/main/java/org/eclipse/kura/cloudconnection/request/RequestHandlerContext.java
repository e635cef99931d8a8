/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.cloudconnection.request;

import java.util.Map;
import org.eclipse.kura.cloudconnection.publisher.CloudNotificationPublisher;
import org.osgi.annotation.versioning.ProviderType;

/** What a request came with, and where progress goes. */
@ProviderType
public class RequestHandlerContext {
  private final CloudNotificationPublisher notificationPublisher;
  private final Map<String, String> contextProperties;

  /** Keeps both; a connection without notifications gives null for the publisher. */
  public RequestHandlerContext(
      CloudNotificationPublisher notificationPublisher, Map<String, String> contextProperties) {
    this.notificationPublisher = notificationPublisher;
    this.contextProperties = contextProperties;
  }

  /** Sends progress, or null. */
  public CloudNotificationPublisher getNotificationPublisher() {
    return notificationPublisher;
  }

  /** By the names of {@link RequestHandlerContextConstants}. */
  public Map<String, String> getContextProperties() {
    return contextProperties;
  }
}
