/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.message;

import org.osgi.annotation.versioning.ProviderType;

/**
 * A topic {@code [prefix/]account/device/application/...}; the prefix is a first part that starts
 * with {@code $}.
 */
@ProviderType
@Deprecated
public class KuraTopic {
  private final String fullTopic;
  private final String[] topicParts;
  private final String prefix;
  private final String accountName;
  private final String deviceId;
  private final String applicationId;
  private final String applicationTopic;

  /** Takes {@code $} for the start of a prefix. */
  public KuraTopic(String fullTopic) {
    this(fullTopic, "$");
  }

  /** Takes a text for the start of a prefix. */
  public KuraTopic(String fullTopic, String controlPrefix) {
    this.fullTopic = fullTopic;
    this.topicParts = fullTopic.split("/", -1);
    int offset = topicParts[0].startsWith(controlPrefix) ? 1 : 0;
    this.prefix = offset == 1 ? topicParts[0] : null;
    this.accountName = part(offset);
    this.deviceId = part(offset + 1);
    this.applicationId = part(offset + 2);
    StringBuilder rest = new StringBuilder();
    for (int i = offset + 3; i < topicParts.length; i++) {
      rest.append(rest.length() == 0 ? "" : "/").append(topicParts[i]);
    }
    this.applicationTopic = rest.length() == 0 ? null : rest.toString();
  }

  private String part(int index) {
    return index < topicParts.length ? topicParts[index] : null;
  }

  /** The whole topic. */
  public String getFullTopic() {
    return fullTopic;
  }

  /** Its parts. */
  public String[] getTopicParts() {
    return topicParts.clone();
  }

  /** The prefix, or null. */
  public String getPrefix() {
    return prefix;
  }

  /** The account, or null. */
  public String getAccountName() {
    return accountName;
  }

  /** The device, or null. */
  public String getDeviceId() {
    return deviceId;
  }

  /** The application, or null. */
  public String getApplicationId() {
    return applicationId;
  }

  /** What follows the application, or null. */
  public String getApplicationTopic() {
    return applicationTopic;
  }
}
