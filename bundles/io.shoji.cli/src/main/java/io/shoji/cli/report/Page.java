/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;

/**
 * One HTML file that needs nothing else: no script, no address outside of it, light and dark by the
 * reader's setting, fit to print. Not thread safe.
 */
public final class Page {
  private final String title;
  private final Markup body = new Markup();

  /**
   * A page without content.
   *
   * @param title above all
   * @param lead a line below it; may be empty
   */
  public Page(String title, String lead) {
    this.title = title;
    body.leaf("h1", title);
    if (!lead.isEmpty()) {
      body.leaf("p", lead, "class", "lead");
    }
  }

  /** Begins a section. */
  public Page heading(String text) {
    body.leaf("h2", text);
    return this;
  }

  /** Begins a part of a section. */
  public Page subheading(String text) {
    body.leaf("h3", text);
    return this;
  }

  /** Adds a paragraph. */
  public Page paragraph(String text) {
    body.leaf("p", text);
    return this;
  }

  /**
   * Adds a chart.
   *
   * @param caption below it; may be empty
   */
  public Page chart(Chart chart, String caption) {
    figure(body, chart, caption);
    return this;
  }

  /** A chart with its caption. */
  static void figure(Markup to, Chart chart, String caption) {
    to.open("figure").open("div", "class", "scroll").add(chart.draw()).close();
    if (!caption.isEmpty()) {
      to.leaf("figcaption", caption);
    }
    to.close();
  }

  /**
   * Adds a table. The first cell of a row is its heading; cells that are numbers are aligned.
   *
   * @param rows each with as many cells as there are headings
   */
  public Page table(List<String> headings, List<List<String>> rows) {
    table(body, "", headings, rows);
    return this;
  }

  /** A table with a caption, which may be empty. */
  static void table(Markup to, String caption, List<String> headings, List<List<String>> rows) {
    to.open("div", "class", "scroll").open("table");
    if (!caption.isEmpty()) {
      to.leaf("caption", caption);
    }
    boolean[] numbers = new boolean[headings.size()];
    for (int i = 1; i < numbers.length; i++) {
      int column = i;
      numbers[i] =
          !rows.isEmpty()
              && rows.stream()
                  .allMatch(
                      row -> row.get(column).matches("[-+\u2212\u00d7]?[0-9].{0,24}|\u2013|"));
    }
    to.open("thead").open("tr");
    for (int i = 0; i < numbers.length; i++) {
      to.leaf("th", headings.get(i), "scope", "col", "class", numbers[i] ? "n" : "t");
    }
    to.close().close().open("tbody");
    for (List<String> row : rows) {
      to.open("tr");
      to.leaf("th", row.get(0), "scope", "row", "class", row.get(0).length() > 24 ? "long" : "t");
      for (int i = 1; i < numbers.length; i++) {
        String cell = row.get(i);
        to.leaf("td", cell, "class", numbers[i] ? "n" : cell.length() > 40 ? "wide" : "t");
      }
      to.close();
    }
    to.close().close().close();
  }

  /** Where further content goes. */
  Markup body() {
    return body;
  }

  /** The content of the file. */
  @Override
  public String toString() {
    Markup page = new Markup();
    page.open("html", "lang", "en")
        .open("head")
        .empty("meta", "charset", "utf-8")
        .leaf("title", title)
        .empty("meta", "name", "viewport", "content", "width=device-width, initial-scale=1")
        // Browsers then refuse whatever would come from elsewhere.
        .empty(
            "meta",
            "http-equiv",
            "Content-Security-Policy",
            "content",
            "default-src 'none'; style-src 'unsafe-inline'; img-src data:")
        .add(style())
        .close()
        .open("body")
        .add(body)
        .close()
        .close();
    return "<!DOCTYPE html>\n" + page;
  }

  private static Markup style() {
    try (InputStream in = Page.class.getResourceAsStream("page.css")) {
      if (in == null) {
        throw new IllegalStateException("not in the program: page.css");
      }
      return new Markup().raw("style", new String(in.readAllBytes(), StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException("the program cannot be read", e);
    }
  }

  /**
   * Writes the file whole or not at all.
   *
   * @throws IOException if it cannot be written; what was there before is still there
   */
  public void write(Path file) throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    if (folder == null) {
      throw new IOException("not a file: " + file);
    }
    Path part =
        folder.resolve("." + file.getFileName() + "." + ProcessHandle.current().pid() + ".part");
    part.toFile().deleteOnExit();
    try {
      Files.writeString(part, toString());
      try (FileChannel channel = FileChannel.open(part, StandardOpenOption.WRITE)) {
        channel.force(true);
      }
      try {
        Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
      } catch (AtomicMoveNotSupportedException e) {
        Files.move(part, file, StandardCopyOption.REPLACE_EXISTING);
      }
    } finally {
      Files.deleteIfExists(part);
    }
  }
}
