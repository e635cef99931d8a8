/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.gateway;

import java.util.LinkedHashMap;
import java.util.Map;

/** A body for {@code CONF-V1 PUT configurations}, in Kura's XML. */
final class Configurations {
  private final StringBuilder xml =
      new StringBuilder(
          "<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
              + "<esf:configurations xmlns:esf=\"http://eurotech.com/esf/2.0\">");

  /** Adds a component's configuration. */
  Configurations component(String pid, Map<String, Object> properties) {
    xml.append("<esf:configuration pid=\"").append(escaped(pid)).append("\"><esf:properties>");
    new LinkedHashMap<>(properties)
        .forEach(
            (name, value) ->
                xml.append("<esf:property array=\"false\" encrypted=\"false\" name=\"")
                    .append(escaped(name))
                    .append("\" type=\"")
                    .append(value.getClass().getSimpleName())
                    .append("\"><esf:value>")
                    .append(escaped(value.toString()))
                    .append("</esf:value></esf:property>"));
    xml.append("</esf:properties></esf:configuration>");
    return this;
  }

  /** Adds a component that a factory is to make. */
  Configurations factory(String factoryPid, String pid, Map<String, Object> properties) {
    Map<String, Object> all = new LinkedHashMap<>(properties);
    all.put("service.factoryPid", factoryPid);
    all.put("kura.service.pid", pid);
    return component(pid, all);
  }

  String xml() {
    return xml + "</esf:configurations>";
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace("\"", "&quot;")
        .replace("\n", "&#10;");
  }
}
