/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;

import java.io.InputStream;
import java.net.URL;
import java.util.ArrayList;
import java.util.Enumeration;
import java.util.List;
import java.util.TreeSet;
import javax.inject.Inject;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.ops4j.pax.exam.Configuration;
import org.ops4j.pax.exam.Option;
import org.ops4j.pax.exam.junit.PaxExam;
import org.ops4j.pax.exam.spi.reactors.ExamReactorStrategy;
import org.ops4j.pax.exam.spi.reactors.PerClass;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.wiring.BundleRevision;
import org.osgi.framework.wiring.BundleWiring;
import org.w3c.dom.Element;

@RunWith(PaxExam.class)
@ExamReactorStrategy(PerClass.class)
public class BundlesIT {
  @Inject private BundleContext context;

  @Configuration
  public Option[] configuration() {
    return Stack.withWorkers();
  }

  @Test
  public void shouldStartEveryBundle() throws Exception {
    // A driver that started before the bundle of workers is stopped for a moment to move there.
    Waiting.until("every bundle is active", () -> idle().isEmpty(), () -> idle().toString());
  }

  private TreeSet<String> idle() {
    TreeSet<String> idle = new TreeSet<>();
    for (Bundle bundle : context.getBundles()) {
      if (bundle.getSymbolicName().startsWith("io.shoji.") && bundle.getState() != Bundle.ACTIVE) {
        idle.add(bundle.getSymbolicName() + " state=" + bundle.getState());
      }
    }
    return idle;
  }

  @Test
  public void shouldExportPackagesFromTheApiOnly() {
    TreeSet<String> exporters = new TreeSet<>();
    for (Bundle bundle : context.getBundles()) {
      if (!bundle.getSymbolicName().startsWith("io.shoji.")) {
        continue;
      }
      for (var capability :
          bundle.adapt(BundleWiring.class).getCapabilities("osgi.wiring.package")) {
        exporters.add(
            bundle.getSymbolicName() + " " + capability.getAttributes().get("osgi.wiring.package"));
      }
    }
    assertEquals(
        new TreeSet<>(
            List.of(
                "io.shoji.api io.shoji.accelerator",
                "io.shoji.api io.shoji.inference",
                "io.shoji.api io.shoji.model",
                "io.shoji.api io.shoji.operations",
                "io.shoji.api io.shoji.tensor",
                // Repackaged, not ours: JNA under its own package names.
                "io.shoji.jna com.sun.jna",
                "io.shoji.jna com.sun.jna.ptr",
                "io.shoji.jna com.sun.jna.win32")),
        exporters);
  }

  @Test
  public void shouldImportNothingOfKura() {
    TreeSet<String> importers = new TreeSet<>();
    for (Bundle bundle : context.getBundles()) {
      for (var requirement :
          bundle.adapt(BundleRevision.class).getDeclaredRequirements("osgi.wiring.package")) {
        if (String.valueOf(requirement.getDirectives().get("filter"))
            .contains("org.eclipse.kura")) {
          importers.add(bundle.getSymbolicName());
        }
      }
    }
    assertEquals(new TreeSet<>(), importers);
  }

  @Test
  public void shouldDescribeConfigurationsWhereKuraLooksForThem() throws Exception {
    TreeSet<String> described = new TreeSet<>();
    for (Bundle bundle : context.getBundles()) {
      if (!bundle.getSymbolicName().startsWith("io.shoji.")) {
        continue;
      }
      described.addAll(described(bundle));
    }
    assertEquals(
        new TreeSet<>(
            List.of(
                "io.shoji.driver.cpu",
                "io.shoji.driver.edgetpu",
                "io.shoji.engine",
                "io.shoji.models",
                "io.shoji.natives",
                "io.shoji.worker")),
        described);
  }

  /** PIDs that a bundle describes in the files where Kura looks for them; each is a component's. */
  static TreeSet<String> described(Bundle bundle) throws Exception {
    TreeSet<String> described = new TreeSet<>();
    TreeSet<String> components = new TreeSet<>();
    for (Element component : documents(bundle, "OSGI-INF", "scr:component")) {
      components.add(component.getAttribute("name"));
      String namespace = component.getNamespaceURI();
      assertTrue(
          bundle.getSymbolicName() + " " + namespace,
          namespace.compareTo("http://www.osgi.org/xmlns/scr/v1.4.0") <= 0);
    }
    Enumeration<URL> files = bundle.findEntries("OSGI-INF/metatype", "*.xml", false);
    while (files != null && files.hasMoreElements()) {
      URL file = files.nextElement();
      String path = file.getPath();
      String pid = path.substring(path.lastIndexOf('/') + 1, path.length() - ".xml".length());
      Element root = document(file);
      Element ocd = (Element) root.getElementsByTagName("OCD").item(0);
      Element designate = (Element) root.getElementsByTagName("Designate").item(0);
      String designated =
          designate.hasAttribute("factoryPid")
              ? designate.getAttribute("factoryPid")
              : designate.getAttribute("pid");
      assertEquals(path, pid, ocd.getAttribute("id"));
      assertEquals(path, pid, designated);
      assertTrue(path + " components=" + components, components.contains(pid));
      described.add(pid);
    }
    return described;
  }

  private static List<Element> documents(Bundle bundle, String folder, String root)
      throws Exception {
    List<Element> documents = new ArrayList<>();
    Enumeration<URL> files = bundle.findEntries(folder, "*.xml", false);
    while (files != null && files.hasMoreElements()) {
      Element element = document(files.nextElement());
      if (element.getTagName().equals(root)) {
        documents.add(element);
      }
    }
    return documents;
  }

  private static Element document(URL file) throws Exception {
    DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
    factory.setNamespaceAware(true);
    try (InputStream in = file.openStream()) {
      return factory.newDocumentBuilder().parse(in).getDocumentElement();
    }
  }

  @Test
  public void shouldRunOnTheFrameworkThatIsAskedFor() {
    String name = context.getBundle(0).getSymbolicName();
    String expected =
        "equinox".equals(System.getProperty("shoji.stack"))
            ? "org.eclipse.osgi"
            : "org.apache.felix.framework";
    assertEquals(expected, name);
    assertTrue(context.getBundle(0).getVersion().getMajor() >= 3);
  }
}
