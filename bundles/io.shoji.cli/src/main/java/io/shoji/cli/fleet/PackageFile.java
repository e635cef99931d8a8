/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.fleet;

import io.shoji.cli.CommandException;
import io.shoji.cli.ExitCode;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.jar.JarInputStream;
import java.util.jar.Manifest;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipException;
import org.jspecify.annotations.Nullable;

/**
 * A deployment package that gateways are to fetch.
 *
 * @param name its symbolic name
 * @param version its version
 * @param uri where gateways fetch it
 * @param sha256 of the file, in lower-case hex; empty if nobody knows
 */
record PackageFile(String name, String version, String uri, Optional<String> sha256) {
  private static final String NAME = "DeploymentPackage-SymbolicName";
  private static final String VERSION = "DeploymentPackage-Version";
  private static final Duration PATIENCE = Duration.ofSeconds(15);
  private static final Pattern FILE_NAME =
      Pattern.compile(
          "(?<name>[A-Za-z][A-Za-z0-9._-]*?)[-_](?<version>[0-9]+(\\.[0-9A-Za-z_-]+)*?)\\.dp");
  private static final Pattern SHA_256 = Pattern.compile("[0-9a-f]{64}");

  /** What is known beforehand. */
  record Given(Optional<String> name, Optional<String> version, Optional<String> sha256) {}

  /**
   * A package on a server.
   *
   * @throws CommandException USAGE if the address is none, or nothing says which package it is
   */
  static PackageFile at(String address, Given given) throws CommandException, InterruptedException {
    URI uri;
    try {
      uri = new URI(address);
    } catch (URISyntaxException e) {
      throw usage("the address of the package is none: " + e.getMessage(), e);
    }
    String scheme = String.valueOf(uri.getScheme()).toLowerCase(Locale.ROOT);
    if ((!scheme.equals("http") && !scheme.equals("https")) || uri.getHost() == null) {
      throw usage(
          "gateways fetch packages over http or https, and this address is another address="
              + address,
          null);
    }
    Optional<String> sha256 = checkedDigest(given.sha256());
    if (given.name().isPresent() && given.version().isPresent()) {
      return new PackageFile(given.name().get(), given.version().get(), address, sha256);
    }
    Optional<Manifest> manifest = fetchManifest(uri);
    if (manifest.isPresent()) {
      return of(manifest.get(), given, address, sha256, address);
    }
    String path = String.valueOf(uri.getPath());
    Matcher fileName = FILE_NAME.matcher(path.substring(path.lastIndexOf('/') + 1));
    if (!fileName.matches()) {
      throw usage(
          "nothing says which package this is: the file could not be read from here, and its name is not NAME_VERSION.dp"
              + " (use --name and --package-version) address="
              + address,
          null);
    }
    return new PackageFile(
        given.name().orElse(fileName.group("name")),
        given.version().orElse(fileName.group("version")),
        address,
        sha256);
  }

  /**
   * A package on this machine.
   *
   * @param uri where gateways are going to find it
   * @throws CommandException USAGE if it cannot be read, is no package, or is another than was said
   */
  static PackageFile of(Path file, String uri, Given given) throws CommandException {
    Manifest manifest;
    String digest;
    try (JarFile jar = new JarFile(file.toFile(), false)) {
      manifest = jar.getManifest();
      digest = sha256(file);
    } catch (ZipException e) {
      throw usage("the file is no deployment package, or is cut off file=" + file, e);
    } catch (IOException e) {
      throw usage("the file cannot be read: " + e.getMessage() + " file=" + file, e);
    }
    if (manifest == null) {
      throw usage("the file is no deployment package: it has no manifest file=" + file, null);
    }
    Optional<String> expected = checkedDigest(given.sha256());
    if (expected.isPresent() && !expected.get().equals(digest)) {
      throw usage(
          "the file is another one expectedSha256=" + expected.get() + " sha256=" + digest, null);
    }
    return of(manifest, given, uri, Optional.of(digest), file.toString());
  }

  private static PackageFile of(
      Manifest manifest, Given given, String uri, Optional<String> sha256, String where)
      throws CommandException {
    Attributes attributes = manifest.getMainAttributes();
    String name = attributes.getValue(NAME);
    String version = attributes.getValue(VERSION);
    if (name == null || version == null) {
      throw usage(
          "the file is no deployment package: its manifest has no "
              + NAME
              + " and "
              + VERSION
              + " file="
              + where,
          null);
    }
    if (!given.name().orElse(name.trim()).equals(name.trim())
        || !sameVersion(given.version().orElse(version), version)) {
      throw usage(
          "the file is another package name=" + name + " version=" + version + " file=" + where,
          null);
    }
    return new PackageFile(name.trim(), version.trim(), uri, sha256);
  }

  /** The manifest, which is at a package's beginning; empty if this machine cannot get it. */
  private static Optional<Manifest> fetchManifest(URI uri)
      throws CommandException, InterruptedException {
    HttpClient client =
        HttpClient.newBuilder()
            .connectTimeout(PATIENCE)
            .followRedirects(HttpClient.Redirect.NORMAL)
            .build();
    HttpRequest request = HttpRequest.newBuilder(uri).timeout(PATIENCE).GET().build();
    try {
      HttpResponse<InputStream> response =
          client.send(request, HttpResponse.BodyHandlers.ofInputStream());
      try (InputStream body = response.body()) {
        if (response.statusCode() == 404 || response.statusCode() == 410) {
          throw usage("there is no package at that address address=" + uri, null);
        }
        if (response.statusCode() != 200) {
          return Optional.empty();
        }
        try (JarInputStream jar = new JarInputStream(body, false)) {
          return Optional.ofNullable(jar.getManifest());
        }
      }
    } catch (IOException e) {
      // Only gateways may reach that server: the name of the file has to say it then.
      return Optional.empty();
    }
  }

  private static Optional<String> checkedDigest(Optional<String> sha256) throws CommandException {
    Optional<String> digest =
        sha256.map(text -> text.toLowerCase(Locale.ROOT).replaceFirst("^sha-?256:", ""));
    if (digest.isPresent() && !SHA_256.matcher(digest.get()).matches()) {
      throw usage("a SHA-256 has 64 hex digits given=" + sha256.get(), null);
    }
    return digest;
  }

  private static String sha256(Path file) throws IOException {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      try (InputStream in = Files.newInputStream(file)) {
        byte[] block = new byte[64 * 1024];
        for (int read = in.read(block); read >= 0; read = in.read(block)) {
          digest.update(block, 0, read);
        }
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  /** Whether two versions are one to OSGi: {@code 1.0} is {@code 1.0.0}. */
  static boolean sameVersion(String one, String other) {
    return normal(one).equals(normal(other));
  }

  private static String normal(String version) {
    StringBuilder normal = new StringBuilder(version.trim());
    for (long dots = normal.chars().filter(c -> c == '.').count(); dots < 2; dots++) {
      normal.append(".0");
    }
    return normal.toString();
  }

  private static CommandException usage(String message, @Nullable Throwable cause) {
    return cause == null
        ? new CommandException(ExitCode.USAGE, "BAD_PACKAGE", message)
        : new CommandException(ExitCode.USAGE, "BAD_PACKAGE", message, cause);
  }
}
