/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.operations;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** Every form of the bundle as it is built: a person understands it without a manual. */
final class FormsIT {
  private static final String FOLDER = "OSGI-INF/metatype/";
  private static final String AREA = "|TextArea";

  @Test
  void shouldExplainEveryFieldOfEveryForm() throws Exception {
    List<String> pids = new ArrayList<>();
    List<String> problems = new ArrayList<>();
    try (JarFile jar = new JarFile(System.getProperty("kura.bundle"))) {
      for (JarEntry entry : Collections.list(jar.entries())) {
        if (entry.getName().startsWith(FOLDER) && entry.getName().endsWith(".xml")) {
          String pid = entry.getName().substring(FOLDER.length()).replaceAll("\\.xml$", "");
          assertThat(jar.getEntry("OSGI-INF/" + pid + ".xml")).as("component " + pid).isNotNull();
          pids.add(pid);
          try (InputStream in = jar.getInputStream(entry)) {
            check(
                pid,
                DocumentBuilderFactory.newInstance()
                    .newDocumentBuilder()
                    .parse(in)
                    .getDocumentElement(),
                problems);
          }
          requireConfiguration(jar, pid);
        }
      }
    }
    assertThat(pids)
        .contains(
            "io.shoji.kura.Accelerators",
            "io.shoji.kura.CloudRequests",
            "io.shoji.kura.Models",
            "io.shoji.kura.PackageTrust",
            "io.shoji.kura.RestService",
            "io.shoji.kura.Telemetry");
    assertThat(problems).isEmpty();
  }

  /** Otherwise Kura never tracks the component. */
  private static void requireConfiguration(JarFile jar, String pid) throws Exception {
    try (InputStream in = jar.getInputStream(jar.getEntry("OSGI-INF/" + pid + ".xml"))) {
      Element component =
          DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(in).getDocumentElement();
      assertThat(component.getAttribute("configuration-policy")).as(pid).isEqualTo("require");
      assertThat(component.getAttribute("name")).isEqualTo(pid);
    }
  }

  private static void check(String pid, Element root, List<String> problems) {
    Element form = (Element) root.getElementsByTagName("OCD").item(0);
    assertThat(form.getAttribute("id")).isEqualTo(pid);
    if (form.getAttribute("name").isBlank() || form.getAttribute("description").isBlank()) {
      problems.add(pid + ": the form has no name or description");
    }
    NodeList fields = root.getElementsByTagName("AD");
    assertThat(fields.getLength()).isPositive();
    for (int i = 0; i < fields.getLength(); i++) {
      Element field = (Element) fields.item(i);
      String where = pid + " " + field.getAttribute("id") + ": ";
      String description = field.getAttribute("description");
      if (field.getAttribute("name").isBlank()) {
        problems.add(where + "no name");
      }
      if (!description.endsWith(".") && !description.endsWith("." + AREA)) {
        problems.add(where + "the description is no sentence: " + description);
      }
      if (!field.hasAttribute("default")) {
        problems.add(where + "no default");
      }
      String least = field.getAttribute("min");
      String most = field.getAttribute("max");
      if (field.getAttribute("type").equals("Integer")) {
        int number = Integer.parseInt(field.getAttribute("default"));
        if (number < Integer.parseInt(least) || number > Integer.parseInt(most)) {
          problems.add(where + "the default is out of the range");
        }
        // One may be set apart: 1 to 100; 0 for none.
        if (!description.contains(" to " + most)) {
          problems.add(where + "the description does not say " + least + " to " + most);
        }
      }
      if (field.getAttribute("default").contains("\\")) {
        problems.add(where + "the console shows the escapes of the default");
      }
    }
  }
}
