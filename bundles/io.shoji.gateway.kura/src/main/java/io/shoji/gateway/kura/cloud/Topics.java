/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.cloud;

import io.shoji.cloud.Topic;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Topics as Kura's settings and its bundles write them. */
final class Topics {
  /** What begins the topics of requests and life cycle messages, unless it is configured. */
  static final String CONTROL = Topic.CONTROL;

  private static final Pattern VARIABLE = Pattern.compile("\\$([^\\s/]+)");

  private Topics() {}

  /** Fills in what the settings of a connection say. */
  static String filled(String topic, String account, String clientId) {
    return topic.replace("#account-name", account).replace("#client-id", clientId);
  }

  /** Fills in what the properties of a message say, in the place of {@code $NAME}. */
  static String filled(String topic, Map<String, Object> properties) {
    Matcher matcher = VARIABLE.matcher(topic);
    StringBuilder filled = new StringBuilder();
    while (matcher.find()) {
      Object value = properties.get(matcher.group(1));
      matcher.appendReplacement(
          filled, Matcher.quoteReplacement(value == null ? matcher.group() : value.toString()));
    }
    return matcher.appendTail(filled).toString();
  }

  /** Whether a message can be sent there. */
  static boolean isTopic(String topic) {
    return !topic.isEmpty()
        && topic.length() <= 65_535 / 3
        && topic.indexOf('+') < 0
        && topic.indexOf('#') < 0
        && topic.indexOf('\0') < 0;
  }

  /** Whether a subscription's filter selects a topic (MQTT 3.1.1, section 4.7). */
  static boolean matches(String filter, String topic) {
    List<String> wanted = Arrays.asList(filter.split("/", -1));
    List<String> found = Arrays.asList(topic.split("/", -1));
    for (int i = 0; i < wanted.size(); i++) {
      String level = wanted.get(i);
      if (level.equals("#")) {
        return i == wanted.size() - 1;
      }
      if (i >= found.size() || !(level.equals("+") || level.equals(found.get(i)))) {
        return false;
      }
    }
    return wanted.size() == found.size();
  }
}
