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
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import javax.xml.XMLConstants;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.parsers.ParserConfigurationException;
import org.jspecify.annotations.Nullable;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.xml.sax.ErrorHandler;
import org.xml.sax.InputSource;
import org.xml.sax.SAXException;
import org.xml.sax.SAXParseException;

/** Reads XML from strangers: no document types, nothing from elsewhere. Names without prefixes. */
final class Xml {
  private Xml() {}

  /**
   * Reads a document.
   *
   * @throws SAXException if it is none, with line and column
   */
  static Element read(String text) throws SAXException {
    try {
      return parser().parse(new InputSource(new StringReader(text))).getDocumentElement();
    } catch (IOException e) {
      throw new IllegalStateException("a string can be read", e);
    }
  }

  /**
   * Reads a document.
   *
   * @throws SAXException if it is none, with line and column
   * @throws IOException if {@code in} cannot be read
   */
  static Element read(InputStream in) throws SAXException, IOException {
    return parser().parse(in).getDocumentElement();
  }

  private static DocumentBuilder parser() {
    try {
      DocumentBuilderFactory factory = DocumentBuilderFactory.newDefaultInstance();
      factory.setNamespaceAware(true);
      factory.setFeature(XMLConstants.FEATURE_SECURE_PROCESSING, true);
      factory.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
      factory.setAttribute(XMLConstants.ACCESS_EXTERNAL_DTD, "");
      factory.setAttribute(XMLConstants.ACCESS_EXTERNAL_SCHEMA, "");
      DocumentBuilder parser = factory.newDocumentBuilder();
      parser.setErrorHandler(new Thrower());
      return parser;
    } catch (ParserConfigurationException e) {
      throw new IllegalStateException("Java's own parser knows these features", e);
    }
  }

  /** The elements of a name right below another one. */
  static List<Element> children(Element parent, String name) {
    List<Element> children = new ArrayList<>();
    for (Node node = parent.getFirstChild(); node != null; node = node.getNextSibling()) {
      if (node instanceof Element element && name.equals(element.getLocalName())) {
        children.add(element);
      }
    }
    return children;
  }

  /** An attribute, or null if it is not there. */
  static @Nullable String attribute(Element element, String name) {
    return element.hasAttribute(name) ? element.getAttribute(name) : null;
  }

  private static final class Thrower implements ErrorHandler {
    @Override
    public void warning(SAXParseException e) {
      // Nothing that keeps a document from being read.
    }

    @Override
    public void error(SAXParseException e) throws SAXException {
      fatalError(e);
    }

    @Override
    public void fatalError(SAXParseException e) throws SAXException {
      throw new SAXException(
          e.getMessage() + " line=" + e.getLineNumber() + " column=" + e.getColumnNumber(), e);
    }
  }
}
