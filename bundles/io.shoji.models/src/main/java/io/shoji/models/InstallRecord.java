/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.models;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What a bundle was found to contain, kept beside the store so that nothing is copied, read or
 * checked again at the next start while bundle, files and the code that checks are the same; and so
 * that it can be served when the bundle contains something else by now.
 *
 * @param retained whether it is what the bundle contained before its last good update
 * @param good whether it is the version to go back to, and kept over updates
 * @param bundleId the framework's number of the bundle
 * @param origin symbolic name and version of the bundle then
 * @param location the framework's location of the bundle
 * @param lastModified when the bundle was last installed or updated
 * @param checker which code checked it
 * @param modelSha256 digest of its {@code model.json}
 * @param document its {@code model.json}
 * @param stamps its stored files when they were last read, by digest
 * @param views its views
 */
record InstallRecord(
    boolean retained,
    boolean good,
    long bundleId,
    String origin,
    String location,
    long lastModified,
    String checker,
    String modelSha256,
    String document,
    Map<String, Stamp> stamps,
    List<String> views) {

  InstallRecord {
    stamps = Map.copyOf(stamps);
    views = List.copyOf(views);
  }

  /** Owner of what the bundle with this number contains, or did when it was last found good. */
  static String owner(long bundleId) {
    return Long.toString(bundleId);
  }

  /** Who needs the files: the bundle, or its contents before. Unique; name of the record's file. */
  String owner() {
    return retained ? bundleId + "-" + modelSha256 : owner(bundleId);
  }

  /** The same contents, as those before. */
  InstallRecord asRetained() {
    return with(true, good);
  }

  /** The same contents, as the version to go back to or not. */
  InstallRecord asGood(boolean isGood) {
    return with(retained, isGood);
  }

  /** Whether it is the same, gone back to or not. */
  boolean isSame(InstallRecord other) {
    return asGood(true).equals(other.asGood(true));
  }

  private InstallRecord with(boolean isRetained, boolean isGood) {
    return new InstallRecord(
        isRetained,
        isGood,
        bundleId,
        origin,
        location,
        lastModified,
        checker,
        modelSha256,
        document,
        stamps,
        views);
  }

  /** The record as a file. */
  byte[] bytes() {
    JsonObject json = new JsonObject();
    json.addProperty("retained", retained);
    json.addProperty("good", good);
    json.addProperty("bundleId", bundleId);
    json.addProperty("origin", origin);
    json.addProperty("location", location);
    json.addProperty("lastModified", lastModified);
    json.addProperty("checker", checker);
    json.addProperty("modelSha256", modelSha256);
    json.addProperty("document", document);
    JsonArray files = new JsonArray();
    stamps.forEach(
        (sha256, stamp) -> {
          JsonObject file = new JsonObject();
          file.addProperty("sha256", sha256);
          file.addProperty("size", stamp.size());
          file.addProperty("modifiedNanos", stamp.modifiedNanos());
          file.addProperty("inode", stamp.inode());
          files.add(file);
        });
    json.add("files", files);
    JsonArray keys = new JsonArray();
    views.forEach(keys::add);
    json.add("views", keys);
    return json.toString().getBytes(StandardCharsets.UTF_8);
  }

  /** The record in a file; empty if it is not whole. */
  static Optional<InstallRecord> read(byte[] bytes) {
    Reasons reasons = new Reasons();
    Optional<Json> read = JsonReading.read(bytes, "record", reasons);
    if (read.isEmpty() || !reasons.isEmpty()) {
      return Optional.empty();
    }
    Json json = read.get();
    Map<String, Stamp> stamps = new LinkedHashMap<>();
    for (Json file : json.items("files")) {
      OptionalLong size = file.integer("size");
      OptionalLong modified = file.integer("modifiedNanos");
      OptionalLong inode = file.integer("inode");
      Optional<String> sha256 = file.text("sha256");
      if (size.isEmpty() || modified.isEmpty() || inode.isEmpty() || sha256.isEmpty()) {
        return Optional.empty();
      }
      stamps.put(
          sha256.get(), new Stamp(size.getAsLong(), modified.getAsLong(), inode.getAsLong()));
    }
    List<String> views = new ArrayList<>();
    for (Json key : json.items("views")) {
      key.text().ifPresent(views::add);
    }
    OptionalLong bundleId = json.integer("bundleId");
    OptionalLong lastModified = json.integer("lastModified");
    Optional<String> location = json.text("location");
    Optional<String> checker = json.text("checker");
    Optional<String> modelSha256 = json.text("modelSha256");
    Optional<String> origin = json.text("origin");
    Optional<String> document = json.text("document");
    Optional<Boolean> retained = json.get("retained").flatMap(Json::bool);
    // Records of the first layout do not say.
    boolean good = json.get("good").flatMap(Json::bool).orElse(false);
    if (retained.isEmpty()
        || bundleId.isEmpty()
        || origin.isEmpty()
        || document.isEmpty()
        || lastModified.isEmpty()
        || location.isEmpty()
        || checker.isEmpty()
        || modelSha256.isEmpty()) {
      return Optional.empty();
    }
    return Optional.of(
        new InstallRecord(
            retained.get(),
            good,
            bundleId.getAsLong(),
            origin.get(),
            location.get(),
            lastModified.getAsLong(),
            checker.get(),
            modelSha256.get(),
            document.get(),
            stamps,
            views));
  }
}
