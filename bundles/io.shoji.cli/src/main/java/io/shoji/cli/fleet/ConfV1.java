/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.fleet;

import io.shoji.cloud.Topic;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.w3c.dom.Element;

/** The application {@code CONF-V1} of a gateway: Kura's configurations. */
final class ConfV1 {
  private static final String APPLICATION = "CONF-V1";
  private static final String CONFIGURATIONS = "configurations";
  private static final String PASSWORD = "Password";
  private static final long PAUSE_MS = 500;
  private static final Pattern WHOLE = Pattern.compile("-?[0-9]+");

  private ConfV1() {}

  /** One value, or several. Passwords are as they were typed. */
  record Property(String name, String type, boolean array, List<String> values) {}

  /**
   * What a value may be.
   *
   * @param cardinality 0 for one value, otherwise several
   * @param options the only values, if there are any
   */
  record Attribute(
      String id,
      String type,
      int cardinality,
      Optional<String> min,
      Optional<String> max,
      List<String> options,
      String description) {}

  /** A component's configuration and what it may be. */
  record Configuration(
      String pid,
      String title,
      Map<String, Property> properties,
      Map<String, Attribute> attributes) {}

  /** The identifiers of all components. */
  static List<String> pids(Fleet fleet, String gateway)
      throws GatewayException, InterruptedException {
    Element root =
        Xml.parse(fleet.ask(gateway, Ask.get(APPLICATION, CONFIGURATIONS)).text(), CONFIGURATIONS);
    List<String> pids = new ArrayList<>();
    for (Element element : Xml.children(root, "configuration")) {
      Xml.attribute(element, "pid").ifPresent(pids::add);
    }
    pids.sort(null);
    return pids;
  }

  /**
   * A component's configuration.
   *
   * @throws GatewayException NOT_FOUND if there is no such component
   */
  static Configuration get(Fleet fleet, String gateway, String pid)
      throws GatewayException, InterruptedException {
    Element root =
        Xml.parse(
            fleet.ask(gateway, Ask.get(APPLICATION, CONFIGURATIONS + "/" + pid)).text(),
            CONFIGURATIONS);
    for (Element element : Xml.children(root, "configuration")) {
      if (Xml.attribute(element, "pid").orElse("").equals(pid)) {
        return read(pid, element);
      }
    }
    throw new GatewayException(
        GatewayException.NOT_FOUND, "the gateway has no such configuration pid=" + pid);
  }

  private static Configuration read(String pid, Element element) {
    Map<String, Attribute> attributes = new LinkedHashMap<>();
    Optional<Element> definition = Xml.child(element, "OCD");
    if (definition.isPresent()) {
      for (Element ad : Xml.children(definition.get(), "AD")) {
        Xml.attribute(ad, "id").ifPresent(id -> attributes.put(id, attribute(id, ad)));
      }
    }
    Map<String, Property> properties = new LinkedHashMap<>();
    Optional<Element> all = Xml.child(element, "properties");
    if (all.isPresent()) {
      for (Element property : Xml.children(all.get(), "property")) {
        Xml.attribute(property, "name")
            .ifPresent(name -> properties.put(name, property(name, property)));
      }
    }
    return new Configuration(
        pid,
        definition.flatMap(ocd -> Xml.attribute(ocd, "name")).orElse(pid),
        properties,
        attributes);
  }

  private static Attribute attribute(String id, Element ad) {
    List<String> options = new ArrayList<>();
    Xml.children(ad, "Option")
        .forEach(option -> Xml.attribute(option, "value").ifPresent(options::add));
    int cardinality;
    try {
      cardinality = Integer.parseInt(Xml.attribute(ad, "cardinality").orElse("0").trim());
    } catch (NumberFormatException e) {
      cardinality = 0;
    }
    return new Attribute(
        id,
        Xml.attribute(ad, "type").orElse("String"),
        cardinality,
        Xml.attribute(ad, "min").filter(text -> !text.isBlank()),
        Xml.attribute(ad, "max").filter(text -> !text.isBlank()),
        options,
        Xml.attribute(ad, "description").orElse(""));
  }

  private static Property property(String name, Element element) {
    String type = Xml.attribute(element, "type").orElse("String");
    boolean encoded = Xml.attribute(element, "encrypted").orElse("").equals("true");
    List<String> values = new ArrayList<>();
    Xml.children(element, "value")
        .forEach(
            value -> {
              String text = value.getTextContent();
              values.add(encoded ? decoded(text) : text);
            });
    return new Property(
        name, type, Xml.attribute(element, "array").orElse("").equals("true"), values);
  }

  /** On the wire, Kura's passwords are in Base64 and not encrypted, whatever the attribute says. */
  private static String decoded(String text) {
    try {
      return new String(Base64.getDecoder().decode(text.strip()), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      return text;
    }
  }

  /**
   * The properties that a change consists of. Kura checks neither names nor ranges: this does.
   *
   * @param unknownAllowed whether a name that the component does not have is a string
   * @throws GatewayException BAD_ARGUMENT, naming what is allowed
   */
  static List<Property> change(
      Configuration configuration, Map<String, String> values, boolean unknownAllowed)
      throws GatewayException {
    List<Property> changes = new ArrayList<>();
    for (Map.Entry<String, String> value : values.entrySet()) {
      String name = value.getKey();
      Attribute attribute = configuration.attributes().get(name);
      Property present = configuration.properties().get(name);
      if (attribute != null) {
        boolean array = attribute.cardinality() != 0;
        List<String> parts = array ? split(value.getValue()) : List.of(value.getValue());
        for (String part : parts) {
          check(attribute, part);
        }
        changes.add(new Property(name, attribute.type(), array, parts));
      } else if (present != null) {
        changes.add(
            new Property(
                name,
                present.type(),
                present.array(),
                present.array() ? split(value.getValue()) : List.of(value.getValue())));
      } else if (unknownAllowed) {
        changes.add(new Property(name, "String", false, List.of(value.getValue())));
      } else {
        throw new GatewayException(
            GatewayException.BAD_ARGUMENT,
            "the configuration has no such property name="
                + name
                + " pid="
                + configuration.pid()
                + " there are: "
                + String.join(", ", configuration.attributes().keySet()));
      }
    }
    return changes;
  }

  /** Parts between commas; a comma within a part has a backslash before it. */
  private static List<String> split(String text) {
    List<String> parts = new ArrayList<>();
    StringBuilder part = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\\' && i + 1 < text.length()) {
        part.append(text.charAt(++i));
      } else if (c == ',') {
        parts.add(part.toString());
        part.setLength(0);
      } else {
        part.append(c);
      }
    }
    parts.add(part.toString());
    return text.isEmpty() ? List.of() : parts;
  }

  private static void check(Attribute attribute, String value) throws GatewayException {
    if (!attribute.options().isEmpty() && !attribute.options().contains(value)) {
      throw bad(attribute, value, "one of " + String.join(", ", attribute.options()));
    }
    switch (attribute.type()) {
      case "Integer" -> whole(attribute, value, Integer.MIN_VALUE, Integer.MAX_VALUE);
      case "Long" -> whole(attribute, value, Long.MIN_VALUE, Long.MAX_VALUE);
      case "Short" -> whole(attribute, value, Short.MIN_VALUE, Short.MAX_VALUE);
      case "Byte" -> whole(attribute, value, Byte.MIN_VALUE, Byte.MAX_VALUE);
      case "Double", "Float" -> range(attribute, value, number(attribute, value));
      case "Boolean" -> {
        if (!value.equals("true") && !value.equals("false")) {
          throw bad(attribute, value, "true or false");
        }
      }
      case "Char", "Character" -> {
        if (value.length() != 1) {
          throw bad(attribute, value, "one character");
        }
      }
      default -> range(attribute, value, BigDecimal.valueOf(value.length()));
    }
  }

  private static void whole(Attribute attribute, String value, long least, long most)
      throws GatewayException {
    BigDecimal number = number(attribute, value);
    if (!WHOLE.matcher(value).matches()
        || number.compareTo(BigDecimal.valueOf(least)) < 0
        || number.compareTo(BigDecimal.valueOf(most)) > 0) {
      throw bad(attribute, value, "a whole number from " + least + " to " + most);
    }
    range(attribute, value, number);
  }

  private static BigDecimal number(Attribute attribute, String value) throws GatewayException {
    try {
      return new BigDecimal(value);
    } catch (NumberFormatException e) {
      throw bad(attribute, value, "a number");
    }
  }

  /** Numbers by their value, text by its length. */
  private static void range(Attribute attribute, String value, BigDecimal measure)
      throws GatewayException {
    Optional<BigDecimal> min = bound(attribute.min());
    Optional<BigDecimal> max = bound(attribute.max());
    if ((min.isPresent() && measure.compareTo(min.get()) < 0)
        || (max.isPresent() && measure.compareTo(max.get()) > 0)) {
      throw bad(
          attribute,
          value,
          min.map(least -> "at least " + least.toPlainString() + " ").orElse("")
              + max.map(most -> "at most " + most.toPlainString()).orElse(""));
    }
  }

  private static Optional<BigDecimal> bound(Optional<String> text) {
    try {
      return text.map(String::trim).map(BigDecimal::new);
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  private static GatewayException bad(Attribute attribute, String value, String allowed) {
    boolean secret = attribute.type().equals(PASSWORD);
    return new GatewayException(
        GatewayException.BAD_ARGUMENT,
        "a value is not allowed name="
            + attribute.id()
            + " value="
            + (secret ? "(not shown)" : value)
            + " type="
            + attribute.type()
            + " allowed="
            + allowed.strip());
  }

  /**
   * Changes a configuration and waits until the gateway has it: Kura replies first and changes it a
   * second later.
   *
   * @throws GatewayException NOT_VERIFIED if it has not within the limit
   */
  static Configuration put(
      Fleet fleet, String gateway, String pid, List<Property> changes, long limitSeconds)
      throws GatewayException, InterruptedException {
    // Setting the same values twice is setting them.
    Ask ask =
        new Ask(
            APPLICATION,
            Topic.Verb.PUT,
            CONFIGURATIONS + "/" + pid,
            Map.of(),
            Optional.of(body(pid, changes)),
            true);
    fleet.ask(gateway, ask);
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(limitSeconds);
    while (true) {
      Configuration now = get(fleet, gateway, pid);
      List<String> missing = new ArrayList<>();
      for (Property change : changes) {
        Property found = now.properties().get(change.name());
        List<String> values = found == null ? List.of() : found.values();
        if (!same(change, values)) {
          missing.add(change.name());
        }
      }
      if (missing.isEmpty()) {
        return now;
      }
      if (System.nanoTime() > deadline) {
        throw new GatewayException(
            GatewayException.NOT_VERIFIED,
            "the gateway took the change and does not have it after "
                + limitSeconds
                + " s pid="
                + pid
                + " properties="
                + String.join(",", missing));
      }
      TimeUnit.MILLISECONDS.sleep(PAUSE_MS);
    }
  }

  private static boolean same(Property change, List<String> values) {
    if (values.size() != change.values().size()) {
      return false;
    }
    for (int i = 0; i < values.size(); i++) {
      if (!sameValue(change.type(), change.values().get(i), values.get(i))) {
        return false;
      }
    }
    return true;
  }

  private static boolean sameValue(String type, String one, String other) {
    if (type.equals("Double") || type.equals("Float")) {
      try {
        return Float.compare(Float.parseFloat(one), Float.parseFloat(other)) == 0;
      } catch (NumberFormatException e) {
        return false;
      }
    }
    return one.equals(other);
  }

  private static String body(String pid, List<Property> changes) throws GatewayException {
    try {
      StringBuilder body = new StringBuilder();
      body.append("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
          .append("<esf:configurations xmlns:esf=\"http://eurotech.com/esf/2.0\"")
          .append(" xmlns:ocd=\"http://www.osgi.org/xmlns/metatype/v1.2.0\">\n")
          .append("  <esf:configuration pid=\"")
          .append(Xml.escaped(pid))
          .append("\">\n    <esf:properties>\n");
      for (Property change : changes) {
        body.append("      <esf:property array=\"")
            .append(change.array())
            .append("\" encrypted=\"false\" name=\"")
            .append(Xml.escaped(change.name()))
            .append("\" type=\"")
            .append(Xml.escaped(change.type()))
            .append("\">\n");
        for (String value : change.values()) {
          body.append("        <esf:value>").append(Xml.escaped(value)).append("</esf:value>\n");
        }
        body.append("      </esf:property>\n");
      }
      return body.append("    </esf:properties>\n  </esf:configuration>\n</esf:configurations>\n")
          .toString();
    } catch (IllegalArgumentException e) {
      throw new GatewayException(GatewayException.BAD_ARGUMENT, String.valueOf(e.getMessage()), e);
    }
  }
}
