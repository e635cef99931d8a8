/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.packaging;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.shoji.cli.CommandException;
import io.shoji.cli.Json;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** A model package in the making: its document, and where the files come from that it names. */
final class Draft {
  private static final List<String> ORDER =
      List.of(
          "schemaVersion",
          "name",
          "version",
          "expires",
          "minimumVersion",
          "title",
          "description",
          "licence",
          "task",
          "inputs",
          "outputs",
          "labels",
          "variants",
          "pipeline",
          "golden",
          "evidence",
          "acceptance",
          "drift");

  /** What a description may not say, because this command finds it out. */
  private static final Set<String> MADE = Set.of("variants", "golden", "evidence", "drift");

  private final JsonObject document;
  private final Map<String, BundleWriter.Content> files = new LinkedHashMap<>();

  private Draft(JsonObject document) {
    this.document = document;
  }

  /** An empty one. */
  static Draft empty() {
    JsonObject document = new JsonObject();
    document.addProperty("schemaVersion", 1);
    document.add("variants", new JsonArray());
    return new Draft(document);
  }

  /**
   * What is in another package.
   *
   * @param base open until this is written
   */
  static Draft of(ModelBundle base) throws CommandException {
    Draft draft = new Draft(base.document());
    for (JsonElement variant : draft.variants()) {
      draft.adopt(base, Json.elements(variant, "files"));
    }
    Json.member(draft.document, "golden").ifPresent(g -> draft.adopt(base, List.of(g)));
    return draft;
  }

  private void adopt(ModelBundle base, List<JsonElement> named) {
    for (JsonElement file : named) {
      Json.text(file, "path")
          .ifPresent(
              path ->
                  files.put(
                      path,
                      () -> {
                        Optional<InputStream> in = base.open(ModelBundle.ROOT + path);
                        if (in.isEmpty()) {
                          throw new IOException(
                              "the base lacks a file path=" + path + " base=" + base.where());
                        }
                        return in.get();
                      }));
    }
  }

  /** Takes in what a description says. */
  void merge(JsonObject description, Path where) throws CommandException {
    for (Map.Entry<String, JsonElement> member : description.entrySet()) {
      if (MADE.contains(member.getKey())) {
        throw Refusal.usage(
            "a description does not say what this command finds out; leave it out member="
                + member.getKey()
                + " file="
                + where);
      }
      document.add(member.getKey(), member.getValue());
    }
  }

  void set(String member, JsonElement value) {
    document.add(member, value);
  }

  void set(String member, String value) {
    document.addProperty(member, value);
  }

  void remove(String member) {
    document.remove(member);
  }

  Optional<JsonElement> get(String member) {
    return Json.member(document, member);
  }

  Optional<String> text(String member) {
    return Json.text(document, member);
  }

  List<JsonElement> variants() {
    return Json.elements(document, "variants");
  }

  Optional<JsonObject> variant(String name) {
    return variants().stream()
        .filter(v -> Json.text(v, "name").equals(Optional.of(name)))
        .map(JsonElement::getAsJsonObject)
        .findFirst();
  }

  List<String> variantNames() {
    List<String> names = new ArrayList<>();
    variants().forEach(v -> Json.text(v, "name").ifPresent(names::add));
    return names;
  }

  /** Where the bytes of a variant's first file are. */
  BundleWriter.Content content(JsonObject variant) throws CommandException {
    Optional<BundleWriter.Content> content =
        Json.elements(variant, "files").stream()
            .findFirst()
            .flatMap(file -> Json.text(file, "path"))
            .map(files::get);
    return content.orElseThrow(
        () -> Refusal.of("BAD_PACKAGE", "a variant has no file variant=" + variant));
  }

  /** Removes a variant, if there is one of that name. */
  void removeVariant(String name) {
    JsonArray left = new JsonArray();
    for (JsonElement variant : variants()) {
      if (!Json.text(variant, "name").equals(Optional.of(name))) {
        left.add(variant);
      }
    }
    document.add("variants", left);
  }

  /** Adds a variant, in the place of one that has its name. */
  void addVariant(JsonObject variant) {
    JsonArray all = new JsonArray();
    boolean placed = false;
    for (JsonElement other : variants()) {
      boolean same = Json.member(other, "name").equals(Json.member(variant, "name"));
      all.add(same ? variant : other);
      placed |= same;
    }
    if (!placed) {
      all.add(variant);
    }
    document.add("variants", all);
  }

  /**
   * A path that nothing else has.
   *
   * @param wish file's name; characters that paths do not have are replaced
   */
  String freePath(String folder, String wish, String otherwise) {
    String name = wish.replaceAll("[^A-Za-z0-9._+@=~-]", "_").replaceFirst("^\\.+", "_");
    Set<String> taken = new TreeSet<>(String.CASE_INSENSITIVE_ORDER);
    for (JsonElement variant : variants()) {
      for (JsonElement file : Json.elements(variant, "files")) {
        Json.text(file, "path").ifPresent(taken::add);
      }
    }
    String path = folder + "/" + name;
    return taken.contains(path) ? folder + "/" + otherwise + "/" + name : path;
  }

  /** Puts a file into the package. */
  JsonObject addFile(String path, Path file, Digest digest) {
    files.put(path, () -> Files.newInputStream(file));
    JsonObject json = new JsonObject();
    json.addProperty("path", path);
    json.addProperty("sha256", digest.sha256());
    json.addProperty("size", digest.size());
    return json;
  }

  /** The document, its members in the schema's order. */
  JsonObject document() {
    JsonObject ordered = new JsonObject();
    for (String member : ORDER) {
      if (document.has(member)) {
        ordered.add(member, document.get(member));
      }
    }
    document.entrySet().stream()
        .filter(m -> !ordered.has(m.getKey()))
        .forEach(m -> ordered.add(m.getKey(), m.getValue()));
    return ordered;
  }

  /** A file of the package. */
  BundleWriter.Content file(String path, JsonElement named) throws CommandException {
    BundleWriter.Content content = files.get(Json.text(named, "path").orElse(path));
    if (content == null) {
      throw Refusal.of("BAD_PACKAGE", "the package lacks a file path=" + path);
    }
    return content;
  }

  /** Puts document and files into a bundle. */
  void writeTo(BundleWriter bundle) {
    writeTo(bundle, document(), true);
  }

  /** What is there before anything is measured: without golden samples, figures and criteria. */
  void writePreliminaryTo(BundleWriter bundle) {
    JsonObject part = document();
    List.of("golden", "evidence", "acceptance", "drift").forEach(part::remove);
    writeTo(bundle, part, false);
  }

  private void writeTo(BundleWriter bundle, JsonObject written, boolean withGolden) {
    byte[] bytes = (Json.pretty(written) + "\n").getBytes(StandardCharsets.UTF_8);
    bundle.file(ModelBundle.DOCUMENT, () -> new java.io.ByteArrayInputStream(bytes));
    Set<String> named = new TreeSet<>();
    for (JsonElement variant : variants()) {
      for (JsonElement file : Json.elements(variant, "files")) {
        Json.text(file, "path").ifPresent(named::add);
      }
    }
    if (withGolden) {
      get("golden").flatMap(g -> Json.text(g, "path")).ifPresent(named::add);
    }
    for (String path : named) {
      BundleWriter.Content content = files.get(path);
      if (content != null) {
        bundle.file(ModelBundle.ROOT + path, content);
      }
    }
  }

  /** As in messages: {@code digits 1.1.0}. */
  @Override
  public String toString() {
    return text("name").orElse("?") + " " + text("version").orElse("?").toLowerCase(Locale.ROOT);
  }
}
