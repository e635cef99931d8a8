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

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import io.shoji.cli.CommandException;
import io.shoji.cli.Json;
import io.shoji.dp.DeploymentPackage;
import io.shoji.dp.InvalidPackageException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.jar.JarFile;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/**
 * A model package's bundle in a file, as a jar or inside of a deployment package; read within
 * bounds, never unpacked by the names that it has inside.
 */
final class ModelBundle implements AutoCloseable {
  /** Below this folder lies everything that model.json names. */
  static final String ROOT = "SHOJI-INF/";

  static final String DOCUMENT = ROOT + "model.json";

  private static final int LARGEST_DOCUMENT = 1 << 20;

  private final String where;
  private final Path jar;
  private final ZipFile zip;
  private final Map<String, String> headers;

  private ModelBundle(String where, Path jar, ZipFile zip, Map<String, String> headers) {
    this.where = where;
    this.jar = jar;
    this.zip = zip;
    this.headers = headers;
  }

  /** Whether a file is a deployment package by what it says of itself, and not by its name. */
  static boolean isDeploymentPackage(Path file) throws CommandException {
    try (JarFile open = new JarFile(file.toFile(), false)) {
      return open.getManifest() != null
          && open.getManifest().getMainAttributes().getValue("DeploymentPackage-SymbolicName")
              != null;
    } catch (ZipException | IllegalArgumentException e) {
      throw Refusal.of(
          "DAMAGED",
          "the file is cut off, damaged or no archive: copy it again cause="
              + e.getMessage()
              + " file="
              + file,
          e);
    } catch (IOException e) {
      throw Refusal.io("the file cannot be read", file, e);
    }
  }

  /**
   * Opens a bundle.
   *
   * @param where what to name in messages
   */
  static ModelBundle open(Path jar, String where) throws CommandException {
    ZipFile zip = null;
    try {
      Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
      try (JarFile manifest = new JarFile(jar.toFile(), false)) {
        if (manifest.getManifest() != null) {
          manifest
              .getManifest()
              .getMainAttributes()
              .forEach((name, value) -> headers.put(name.toString(), value.toString()));
        }
      }
      zip = new ZipFile(jar.toFile());
      return new ModelBundle(where, jar, zip, headers);
    } catch (ZipException | IllegalArgumentException e) {
      throw Refusal.of(
          "DAMAGED",
          "the bundle is cut off, damaged or no archive cause=" + e.getMessage() + " file=" + where,
          e);
    } catch (IOException e) {
      throw Refusal.io("the bundle cannot be read", where, e);
    }
  }

  /**
   * Takes the bundles out of a deployment package.
   *
   * @param work where they are put
   * @return each a file of its own, with what to name in messages
   */
  static Map<Path, String> extract(Path dp, DeploymentPackage contents, WorkFolder work)
      throws CommandException {
    return extract(dp, contents, work, bundle -> true);
  }

  /** The same of the model bundles; others of its bundles are left. */
  static Map<Path, String> extractModels(Path dp, DeploymentPackage contents, WorkFolder work)
      throws CommandException {
    return extract(dp, contents, work, ModelBundle::isModelPackage);
  }

  private static Map<Path, String> extract(
      Path dp, DeploymentPackage contents, WorkFolder work, Predicate<ModelBundle> which)
      throws CommandException {
    Map<Path, String> found = new java.util.LinkedHashMap<>();
    try (ZipFile zip = new ZipFile(dp.toFile())) {
      for (String path : contents.bundles().keySet()) {
        ZipEntry entry = zip.getEntry(path);
        if (entry == null) {
          throw Refusal.of("DAMAGED", "the package lacks a bundle entry=" + path + " file=" + dp);
        }
        Path file = work.file("bundle-" + found.size() + ".jar");
        try (InputStream in = zip.getInputStream(entry)) {
          Files.copy(in, file);
        }
        try (ModelBundle bundle = open(file, dp + "!" + path)) {
          if (which.test(bundle)) {
            found.put(file, dp + "!" + path);
            continue;
          }
        }
        Files.delete(file);
      }
      return found;
    } catch (IOException e) {
      throw Refusal.io("the package's bundles cannot be unpacked", dp, e);
    }
  }

  /** Reads a deployment package, see {@link DeploymentPackage#read}. */
  static DeploymentPackage read(Path dp) throws CommandException {
    try {
      return DeploymentPackage.read(dp);
    } catch (InvalidPackageException e) {
      throw Refusal.of("BAD_PACKAGE", String.valueOf(e.getMessage()), e);
    } catch (IOException e) {
      throw Refusal.io("the package cannot be read", dp, e);
    }
  }

  /** Whether its manifest says that it is one, or it holds what only such a bundle holds. */
  boolean isModel() {
    return isModelPackage() || zip.getEntry(DOCUMENT) != null;
  }

  /** Whether its manifest says that it is one. */
  boolean isModelPackage() {
    return header("Provide-Capability").map(v -> v.contains("io.shoji.model")).orElse(false);
  }

  /** What to name in messages. */
  String where() {
    return where;
  }

  Path jar() {
    return jar;
  }

  /** A header of the manifest's main section. */
  Optional<String> header(String name) {
    return Optional.ofNullable(headers.get(name));
  }

  /** {@code Bundle-SymbolicName} without directives. */
  String symbolicName() {
    return header("Bundle-SymbolicName").map(n -> n.split(";", 2)[0].trim()).orElse("");
  }

  String version() {
    return header("Bundle-Version").map(String::trim).orElse("0.0.0");
  }

  /** Every entry that is a file. */
  List<String> entries() {
    List<String> names = new ArrayList<>();
    zip.stream().filter(e -> !e.isDirectory()).forEach(e -> names.add(e.getName()));
    return names;
  }

  /** A file's bytes; empty if there is none of that path. */
  Optional<InputStream> open(String path) throws IOException {
    ZipEntry entry = zip.getEntry(path);
    return entry == null ? Optional.empty() : Optional.of(zip.getInputStream(entry));
  }

  /** The bytes of model.json. */
  byte[] documentBytes() throws CommandException {
    try {
      Optional<InputStream> opened = open(DOCUMENT);
      if (opened.isEmpty()) {
        throw Refusal.of(
            "NO_MODEL", "this is no model package: it has no " + DOCUMENT + " file=" + where);
      }
      try (InputStream in = opened.get()) {
        byte[] bytes = in.readNBytes(LARGEST_DOCUMENT + 1);
        if (bytes.length > LARGEST_DOCUMENT) {
          throw Refusal.of(
              "BAD_PACKAGE",
              DOCUMENT + " is too large most=" + LARGEST_DOCUMENT + " file=" + where);
        }
        return bytes;
      }
    } catch (IOException e) {
      throw Refusal.io(DOCUMENT + " cannot be read", where, e);
    }
  }

  /** model.json, which is an object and nothing more is known of it. */
  JsonObject document() throws CommandException {
    try {
      JsonElement document = Json.parse(new String(documentBytes(), StandardCharsets.UTF_8));
      if (document instanceof JsonObject object) {
        return object;
      }
      throw Refusal.of("BAD_PACKAGE", DOCUMENT + " is no JSON object file=" + where);
    } catch (JsonParseException e) {
      throw Refusal.of(
          "BAD_PACKAGE", DOCUMENT + " is no JSON: " + e.getMessage() + " file=" + where, e);
    }
  }

  @Override
  public void close() throws CommandException {
    try {
      zip.close();
    } catch (IOException e) {
      throw Refusal.io("the bundle cannot be closed", where, e);
    }
  }
}
