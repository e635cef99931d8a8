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

import java.io.IOException;
import java.io.InputStream;
import java.math.BigInteger;
import java.net.URL;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.eclipse.kura.configuration.metatype.AD;
import org.eclipse.kura.configuration.metatype.Icon;
import org.eclipse.kura.configuration.metatype.Option;
import org.eclipse.kura.configuration.metatype.Scalar;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.w3c.dom.Element;
import org.xml.sax.SAXException;

/**
 * What a bundle says of the configurations of its components. As on Kura, only a file {@code
 * OSGI-INF/metatype/PID.xml} that designates that PID counts.
 *
 * @param pid PID, or factory PID
 * @param factory whether it is a factory PID
 * @param definition empty if the file defines something else than it designates: there are no
 *     defaults and no form then
 */
record Metatype(String pid, boolean factory, Optional<Definition> definition) {
  private static final Logger log = LoggerFactory.getLogger(Metatype.class);

  private static final String FOLDER = "OSGI-INF/metatype";
  private static final String SUFFIX = ".xml";

  /** Reads all that a bundle says; a file that cannot be read is told in the log and left out. */
  static List<Metatype> of(Bundle bundle) {
    List<Metatype> all = new ArrayList<>();
    Enumeration<URL> files = bundle.findEntries(FOLDER, "*" + SUFFIX, false);
    while (files != null && files.hasMoreElements()) {
      URL file = files.nextElement();
      String path = file.getPath();
      String pid = path.substring(path.lastIndexOf('/') + 1, path.length() - SUFFIX.length());
      try (InputStream in = file.openStream()) {
        read(Xml.read(in), pid).ifPresent(all::add);
      } catch (IOException | SAXException e) {
        log.warn(
            "a metatype file cannot be read: no configuration bundle={} file={} cause={}",
            bundle,
            path,
            e.getMessage());
      }
    }
    return all;
  }

  /** Reads a document for a PID; empty if it does not designate it. */
  static Optional<Metatype> read(Element root, String pid) {
    for (Element designate : Xml.children(root, "Designate")) {
      boolean factory = pid.equals(Xml.attribute(designate, "factoryPid"));
      if (factory || pid.equals(Xml.attribute(designate, "pid"))) {
        Optional<Definition> definition =
            Xml.children(root, "OCD").stream()
                .filter(ocd -> pid.equals(Xml.attribute(ocd, "id")))
                .findFirst()
                .map(Metatype::definition);
        return Optional.of(new Metatype(pid, factory, definition));
      }
    }
    return Optional.empty();
  }

  private static Definition definition(Element ocd) {
    List<AD> attributes = new ArrayList<>();
    for (Element ad : Xml.children(ocd, "AD")) {
      attributes.add(attribute(ad));
    }
    List<Icon> icons = new ArrayList<>();
    for (Element icon : Xml.children(ocd, "Icon")) {
      icons.add(
          new Definition.Picture(
              Xml.attribute(icon, "resource"),
              BigInteger.valueOf(number(Xml.attribute(icon, "size")))));
    }
    return new Definition(
        ocd.getAttribute("id"),
        Xml.attribute(ocd, "name"),
        Xml.attribute(ocd, "description"),
        List.copyOf(attributes),
        List.copyOf(icons));
  }

  private static Definition.Attribute attribute(Element ad) {
    List<Option> choices = new ArrayList<>();
    for (Element option : Xml.children(ad, "Option")) {
      choices.add(
          new Definition.Choice(Xml.attribute(option, "label"), Xml.attribute(option, "value")));
    }
    String required = Xml.attribute(ad, "required");
    return new Definition.Attribute(
        ad.getAttribute("id"),
        Xml.attribute(ad, "name"),
        Xml.attribute(ad, "description"),
        type(ad),
        number(Xml.attribute(ad, "cardinality")),
        Xml.attribute(ad, "min"),
        Xml.attribute(ad, "max"),
        Xml.attribute(ad, "default"),
        required == null || Boolean.parseBoolean(required),
        List.copyOf(choices));
  }

  private static @Nullable Scalar type(Element ad) {
    String name = ad.getAttribute("type");
    if (name.equals("Character")) {
      return Scalar.CHAR;
    }
    for (Scalar scalar : Scalar.values()) {
      if (scalar.name().equals(name.toUpperCase(Locale.ROOT))) {
        return scalar;
      }
    }
    log.warn(
        "no such type of an attribute: it has no default id={} found={}",
        ad.getAttribute("id"),
        name);
    return null;
  }

  private static int number(@Nullable String text) {
    if (text == null || text.isBlank()) {
      return 0;
    }
    try {
      return Integer.parseInt(text.strip());
    } catch (NumberFormatException e) {
      log.warn("not a whole number in a metatype file: 0 is taken found={}", text);
      return 0;
    }
  }
}
