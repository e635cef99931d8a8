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

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import javax.xml.parsers.ParserConfigurationException;
import javax.xml.parsers.SAXParser;
import javax.xml.parsers.SAXParserFactory;
import org.osgi.framework.Bundle;
import org.xml.sax.Attributes;
import org.xml.sax.SAXException;
import org.xml.sax.helpers.DefaultHandler;

/** Reads what the components in a bundle ask for. */
final class Descriptors {
  private static final String HEADER = "Service-Component";
  private static final String DISALLOW = "http://apache.org/xml/features/disallow-doctype-decl";

  private Descriptors() {}

  /**
   * PIDs of the configurations of a bundle's components; a component that names none has its name.
   *
   * @throws IOException if a description cannot be read
   */
  static Set<String> pids(Bundle bundle) throws IOException {
    Set<String> pids = new TreeSet<>();
    String header = bundle.getHeaders("").get(HEADER);
    for (String path : header == null ? List.<String>of() : List.of(header.split(",", -1))) {
      URL url = bundle.getEntry(path.strip());
      if (url == null) {
        continue;
      }
      try (InputStream in = url.openStream()) {
        SAXParserFactory factory = SAXParserFactory.newInstance();
        factory.setNamespaceAware(true);
        factory.setFeature(DISALLOW, true);
        SAXParser parser = factory.newSAXParser();
        parser.parse(in, new Components(pids));
      } catch (SAXException | ParserConfigurationException e) {
        throw new IOException(
            "a component's description is no XML entry=" + path + " in " + bundle, e);
      }
    }
    return pids;
  }

  private static final class Components extends DefaultHandler {
    private final Set<String> pids;

    Components(Set<String> pids) {
      this.pids = pids;
    }

    @Override
    public void startElement(String uri, String local, String name, Attributes attributes) {
      if (!local.equals("component")) {
        return;
      }
      String own = attributes.getValue("name");
      String asked = attributes.getValue("configuration-pid");
      for (String pid : (asked == null ? "$" : asked).strip().split("\\s+", -1)) {
        String named = pid.equals("$") ? own : pid;
        if (named != null && !named.isEmpty()) {
          pids.add(named);
        }
      }
    }
  }
}
