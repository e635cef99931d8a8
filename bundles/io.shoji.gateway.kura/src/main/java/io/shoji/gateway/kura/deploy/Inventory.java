/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.deploy;

import java.io.StringWriter;
import java.util.Arrays;
import java.util.Comparator;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import javax.xml.transform.OutputKeys;
import javax.xml.transform.Transformer;
import javax.xml.transform.TransformerException;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import org.osgi.framework.Bundle;
import org.osgi.service.deploymentadmin.BundleInfo;
import org.osgi.service.deploymentadmin.DeploymentPackage;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

/** What is installed, as the XML that Kura answers with. */
final class Inventory {
  private Inventory() {}

  /** Deployment packages and their bundles. */
  static String packages(DeploymentPackage[] installed) {
    Document document = document();
    Element packages = append(document, document, "packages");
    DeploymentPackage[] sorted = installed.clone();
    Arrays.sort(sorted, Comparator.comparing(DeploymentPackage::getName));
    for (DeploymentPackage found : sorted) {
      Element element = append(document, packages, "package");
      append(document, element, "name").setTextContent(found.getName());
      append(document, element, "version").setTextContent(found.getVersion().toString());
      Element bundles = append(document, element, "bundles");
      for (BundleInfo info : found.getBundleInfos()) {
        Element bundle = append(document, bundles, "bundle");
        append(document, bundle, "name").setTextContent(info.getSymbolicName());
        append(document, bundle, "version").setTextContent(info.getVersion().toString());
      }
    }
    return text(document);
  }

  /** Bundles and their states. */
  static String bundles(Bundle[] installed) {
    Document document = document();
    Element bundles = append(document, document, "bundles");
    for (Bundle found : installed) {
      Element bundle = append(document, bundles, "bundle");
      append(document, bundle, "name").setTextContent(String.valueOf(found.getSymbolicName()));
      append(document, bundle, "version").setTextContent(found.getVersion().toString());
      append(document, bundle, "id").setTextContent(Long.toString(found.getBundleId()));
      append(document, bundle, "state").setTextContent(state(found.getState()));
    }
    return text(document);
  }

  private static String state(int state) {
    return switch (state) {
      case Bundle.UNINSTALLED -> "UNINSTALLED";
      case Bundle.INSTALLED -> "INSTALLED";
      case Bundle.RESOLVED -> "RESOLVED";
      case Bundle.STARTING -> "STARTING";
      case Bundle.STOPPING -> "STOPPING";
      case Bundle.ACTIVE -> "ACTIVE";
      default -> Integer.toString(state);
    };
  }

  private static Element append(Document document, Node to, String name) {
    Element element = document.createElement(name);
    to.appendChild(element);
    return element;
  }

  private static Document document() {
    try {
      Document document = DocumentBuilderFactory.newInstance().newDocumentBuilder().newDocument();
      document.setXmlStandalone(true);
      return document;
    } catch (ParserConfigurationException e) {
      throw new IllegalStateException("Java can write XML", e);
    }
  }

  private static String text(Document document) {
    try {
      Transformer transformer = TransformerFactory.newInstance().newTransformer();
      transformer.setOutputProperty(OutputKeys.INDENT, "yes");
      transformer.setOutputProperty(OutputKeys.OMIT_XML_DECLARATION, "yes");
      transformer.setOutputProperty("{http://xml.apache.org/xslt}indent-amount", "4");
      StringWriter out = new StringWriter();
      out.write("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
      transformer.transform(new DOMSource(document), new StreamResult(out));
      return out.toString();
    } catch (TransformerException e) {
      throw new IllegalStateException("Java can write XML", e);
    }
  }
}
