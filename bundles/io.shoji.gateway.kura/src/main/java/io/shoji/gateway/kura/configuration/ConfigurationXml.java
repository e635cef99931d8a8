/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.configuration;

import java.lang.reflect.Array;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.configuration.ComponentConfiguration;
import org.eclipse.kura.configuration.metatype.AD;
import org.eclipse.kura.configuration.metatype.Icon;
import org.eclipse.kura.configuration.metatype.OCD;
import org.eclipse.kura.configuration.metatype.Option;
import org.eclipse.kura.configuration.metatype.Scalar;
import org.jspecify.annotations.Nullable;
import org.w3c.dom.Element;
import org.xml.sax.SAXException;

/**
 * Configurations and lists of snapshots as XML, as Kura writes and reads them. A password is
 * written in Base64, and marked as {@code encrypted}.
 */
final class ConfigurationXml {
  private static final String START = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
  private static final String NAMESPACES =
      " xmlns:esf=\"http://eurotech.com/esf/2.0\" xmlns:ocd=\"http://www.osgi.org/xmlns/metatype/v1.2.0\"";

  private final StringBuilder text = new StringBuilder(START);
  private int depth;

  private ConfigurationXml() {}

  /** Writes configurations, with their definitions where they have one. */
  static String write(Collection<? extends ComponentConfiguration> configurations) {
    ConfigurationXml xml = new ConfigurationXml();
    xml.text.append("<esf:configurations").append(NAMESPACES);
    xml.body("esf:configurations", configurations, xml::configuration);
    return xml.text.append('\n').toString();
  }

  /** Writes a list of snapshots. */
  static String writeIds(Collection<Long> ids) {
    ConfigurationXml xml = new ConfigurationXml();
    xml.text.append("<esf:snapshot-ids").append(NAMESPACES);
    xml.body(
        "esf:snapshot-ids", ids, id -> xml.element("esf:snapshotIds", Map.of(), id.toString()));
    return xml.text.append('\n').toString();
  }

  private interface Writer<T> {
    void write(T content);
  }

  /** What follows a start tag that is still open: its end, or the content and an end tag. */
  private <T> void body(String name, Collection<? extends T> contents, Writer<T> writer) {
    if (contents.isEmpty()) {
      text.append("/>");
      return;
    }
    text.append('>');
    depth++;
    contents.forEach(writer::write);
    depth--;
    line().append("</").append(name).append('>');
  }

  private StringBuilder line() {
    return text.append('\n').append("    ".repeat(depth));
  }

  /** A start tag without its end, its attributes in the order of their names as Kura's are. */
  private void open(String name, Map<String, @Nullable String> attributes) {
    line().append('<').append(name);
    new TreeMap<>(attributes)
        .forEach(
            (key, value) -> {
              if (value != null) {
                text.append(' ').append(key).append("=\"").append(escaped(value)).append('"');
              }
            });
  }

  private void element(String name, Map<String, @Nullable String> attributes, String content) {
    open(name, attributes);
    if (content.isEmpty()) {
      text.append("/>");
    } else {
      text.append('>').append(escaped(content)).append("</").append(name).append('>');
    }
  }

  private void configuration(ComponentConfiguration configuration) {
    open("esf:configuration", Map.of("pid", configuration.getPid()));
    List<Runnable> parts = new ArrayList<>();
    OCD definition = configuration.getDefinition();
    if (definition != null) {
      parts.add(() -> definition(definition));
    }
    Map<String, Object> properties = configuration.getConfigurationProperties();
    if (properties != null) {
      parts.add(() -> properties(properties));
    }
    body("esf:configuration", parts, Runnable::run);
  }

  private void definition(OCD ocd) {
    Map<String, @Nullable String> attributes = new LinkedHashMap<>();
    attributes.put("id", ocd.getId());
    attributes.put("name", ocd.getName());
    attributes.put("description", ocd.getDescription());
    open("ocd:OCD", attributes);
    List<Runnable> parts = new ArrayList<>();
    for (AD ad : ocd.getAD()) {
      parts.add(() -> attribute(ad));
    }
    for (Icon icon : ocd.getIcon()) {
      parts.add(
          () -> {
            Map<String, @Nullable String> values = new LinkedHashMap<>();
            values.put("resource", icon.getResource());
            values.put("size", icon.getSize().toString());
            element("ocd:Icon", values, "");
          });
    }
    body("ocd:OCD", parts, Runnable::run);
  }

  private void attribute(AD ad) {
    Map<String, @Nullable String> attributes = new LinkedHashMap<>();
    attributes.put("id", ad.getId());
    attributes.put("name", ad.getName());
    attributes.put("description", ad.getDescription());
    attributes.put("type", ad.getType() == null ? null : ad.getType().value());
    attributes.put("cardinality", Integer.toString(ad.getCardinality()));
    attributes.put("min", ad.getMin());
    attributes.put("max", ad.getMax());
    attributes.put("default", ad.getDefault());
    attributes.put("required", Boolean.toString(ad.isRequired()));
    open("ocd:AD", attributes);
    body(
        "ocd:AD",
        ad.getOption(),
        (Option option) -> {
          Map<String, @Nullable String> values = new LinkedHashMap<>();
          values.put("label", option.getLabel());
          values.put("value", option.getValue());
          element("ocd:Option", values, "");
        });
  }

  private void properties(Map<String, Object> properties) {
    open("esf:properties", Map.of());
    body(
        "esf:properties",
        properties.entrySet(),
        (Map.Entry<String, Object> property) -> property(property.getKey(), property.getValue()));
  }

  private void property(String name, @Nullable Object value) {
    if (value == null) {
      return;
    }
    Object several = value instanceof Collection<?> list ? list.toArray() : value;
    boolean array = several.getClass().isArray();
    List<Object> values = new ArrayList<>();
    if (array) {
      for (int i = 0; i < Array.getLength(several); i++) {
        Object one = Array.get(several, i);
        if (one != null) {
          values.add(one);
        }
      }
    } else {
      values.add(several);
    }
    Class<?> single = array ? several.getClass().getComponentType() : several.getClass();
    if (single == Object.class && !values.isEmpty()) {
      single = values.get(0).getClass();
    }
    Scalar type = Values.typeOf(single);
    boolean password = type == Scalar.PASSWORD;
    open(
        "esf:property",
        Map.of(
            "name",
            name,
            "array",
            Boolean.toString(array),
            "encrypted",
            Boolean.toString(password),
            "type",
            type == null ? Scalar.STRING.value() : type.value()));
    body(
        "esf:property",
        values,
        one ->
            element(
                "esf:value",
                Map.of(),
                password
                    ? Base64.getEncoder()
                        .encodeToString(one.toString().getBytes(StandardCharsets.UTF_8))
                    : one.toString()));
  }

  /** As text of XML 1.0; what that has no place for becomes a question mark. */
  private static String escaped(String value) {
    StringBuilder escaped = new StringBuilder(value.length() + 16);
    value
        .codePoints()
        .forEach(
            c -> {
              switch (c) {
                case '&' -> escaped.append("&amp;");
                case '<' -> escaped.append("&lt;");
                case '>' -> escaped.append("&gt;");
                case '"' -> escaped.append("&quot;");
                case '\n', '\r', '\t' -> escaped.append("&#").append(c).append(';');
                default -> {
                  boolean allowed =
                      c >= 0x20 && !(c >= 0xD800 && c <= 0xDFFF) && c != 0xFFFE && c != 0xFFFF;
                  escaped.appendCodePoint(allowed ? c : '?');
                }
              }
            });
    return escaped.toString();
  }

  /**
   * Reads configurations. Definitions are passed over.
   *
   * @throws KuraException DECODER_ERROR if it is no such document, CONFIGURATION_ATTRIBUTE_INVALID
   *     naming the property if a value does not fit its type
   */
  static List<PidConfiguration> read(String document) throws KuraException {
    Element root;
    try {
      root = Xml.read(document);
    } catch (SAXException e) {
      throw new KuraException(KuraErrorCode.DECODER_ERROR, e, "configuration: " + e.getMessage());
    }
    if (!"configurations".equals(root.getLocalName())) {
      throw new KuraException(
          KuraErrorCode.DECODER_ERROR,
          "configuration: no configurations found=" + root.getTagName());
    }
    List<PidConfiguration> configurations = new ArrayList<>();
    for (Element configuration : Xml.children(root, "configuration")) {
      String pid = configuration.getAttribute("pid");
      if (pid.isEmpty()) {
        throw new KuraException(
            KuraErrorCode.DECODER_ERROR,
            "configuration: one has no pid index=" + configurations.size());
      }
      Map<String, Object> properties = new LinkedHashMap<>();
      for (Element list : Xml.children(configuration, "properties")) {
        for (Element property : Xml.children(list, "property")) {
          read(pid, property, properties);
        }
      }
      configurations.add(new PidConfiguration(pid, null, properties));
    }
    return configurations;
  }

  private static void read(String pid, Element property, Map<String, Object> properties)
      throws KuraException {
    String name = property.getAttribute("name");
    Scalar type = type(property.getAttribute("type"));
    if (name.isEmpty() || type == null) {
      throw new KuraException(
          KuraErrorCode.DECODER_ERROR,
          "configuration: a property without a name, or with a type that there is not pid="
              + pid
              + " name="
              + name
              + " type="
              + property.getAttribute("type"));
    }
    boolean encoded = Boolean.parseBoolean(property.getAttribute("encrypted"));
    List<String> texts = new ArrayList<>();
    for (Element value : Xml.children(property, "value")) {
      texts.add(encoded ? decoded(pid, name, value.getTextContent()) : value.getTextContent());
    }
    try {
      if (Boolean.parseBoolean(property.getAttribute("array"))) {
        properties.put(name, Values.array(type, texts));
      } else if (!texts.isEmpty()) {
        properties.put(name, Values.value(type, texts.get(0)));
      }
    } catch (KuraException e) {
      throw new KuraException(
          KuraErrorCode.CONFIGURATION_ATTRIBUTE_INVALID,
          e,
          pid + " " + name,
          String.join(",", texts),
          "not of type " + type.value());
    }
  }

  private static String decoded(String pid, String name, String value) throws KuraException {
    try {
      return new String(Base64.getDecoder().decode(value.strip()), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      throw new KuraException(
          KuraErrorCode.DECODER_ERROR,
          e,
          "configuration: marked as encrypted, but not in Base64 pid=" + pid + " name=" + name);
    }
  }

  private static @Nullable Scalar type(String name) {
    for (Scalar type : Scalar.values()) {
      if (type.value().toLowerCase(Locale.ROOT).equals(name.toLowerCase(Locale.ROOT))) {
        return type;
      }
    }
    return null;
  }
}
