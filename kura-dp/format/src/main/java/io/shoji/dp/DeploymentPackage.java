/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.dp;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.jar.Attributes;
import java.util.jar.Manifest;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import java.util.zip.ZipInputStream;

/**
 * What a deployment package holds, read and checked from its first to its last byte. Immutable.
 *
 * <p>DeploymentAdmin reads a package as a stream, and has stopped the old bundles before it finds
 * out that the new ones are cut off. Whoever checks a file here first gives it only packages that
 * are whole.
 *
 * @param name {@code DeploymentPackage-SymbolicName}
 * @param version {@code DeploymentPackage-Version}, in full
 * @param headers the main section of its manifest
 * @param bundles bundles by their paths, in the order of the archive
 * @param sha256 digest of the file, lower-case hex
 * @param size bytes of the file
 */
public record DeploymentPackage(
    String name,
    String version,
    Map<String, String> headers,
    Map<String, BundleIdentity> bundles,
    String sha256,
    long size) {

  private static final String MANIFEST = "META-INF/MANIFEST.MF";

  /**
   * Reads and checks a package: the archive is whole and every checksum right, the manifest comes
   * first and describes each file, every bundle it describes is there and is the bundle it says,
   * and nothing that DeploymentAdmin would stop at, as the files of a signature, stands before one.
   *
   * @throws InvalidPackageException if it is not so; the message names the file and says what to do
   * @throws IOException if the file cannot be read
   */
  public static DeploymentPackage read(Path file) throws IOException, InvalidPackageException {
    long size = Files.size(file);
    if (size == 0) {
      throw new InvalidPackageException("the file is empty: copy it again file=" + file);
    }
    checkEnd(file, size);
    MessageDigest digest = sha256Digest();
    // ZipInputStream throws IllegalArgumentException for a name that is not UTF-8.
    try (InputStream bytes = new DigestInputStream(Files.newInputStream(file), digest)) {
      DeploymentPackage found = read(file, bytes, size);
      bytes.transferTo(OutputStream.nullOutputStream());
      return new DeploymentPackage(
          found.name,
          found.version,
          found.headers,
          found.bundles,
          HexFormat.of().formatHex(digest.digest()),
          size);
    } catch (ZipException | EOFException | IllegalArgumentException e) {
      throw new InvalidPackageException(
          "the file is damaged: copy it again, and compare its digest with the original's cause="
              + e.getMessage()
              + " size="
              + size
              + " file="
              + file,
          e);
    }
  }

  /** Copies, so that nothing changes. */
  public DeploymentPackage {
    headers = Collections.unmodifiableMap(new LinkedHashMap<>(headers));
    bundles = Collections.unmodifiableMap(new LinkedHashMap<>(bundles));
  }

  /** Name and version, as {@code io.shoji.core 0.1.0}. */
  @Override
  public String toString() {
    return name + " " + version;
  }

  /** The directory of a zip file lies at its end, so this finds a file that was cut off. */
  private static void checkEnd(Path file, long size) throws IOException, InvalidPackageException {
    try (ZipFile zip = new ZipFile(file.toFile())) {
      if (zip.getEntry(MANIFEST) == null) {
        throw new InvalidPackageException(
            "no deployment package: it has no " + MANIFEST + " file=" + file);
      }
    } catch (ZipException e) {
      byte[] start = new byte[2];
      try (InputStream in = Files.newInputStream(file)) {
        in.readNBytes(start, 0, start.length);
      }
      boolean zip = start[0] == 'P' && (size == 1 || start[1] == 'K');
      throw new InvalidPackageException(
          (zip
                  ? "the file is cut off or damaged: copy it again"
                  : "no deployment package: that would be a zip archive")
              + " size="
              + size
              + " cause="
              + e.getMessage()
              + " file="
              + file,
          e);
    }
  }

  private static DeploymentPackage read(Path file, InputStream bytes, long size)
      throws IOException, InvalidPackageException {
    // Not closed: the caller reads what follows the last entry, for the digest.
    @SuppressWarnings("resource")
    ZipInputStream jar = new ZipInputStream(bytes);
    ZipEntry first = jar.getNextEntry();
    if (first != null && first.getName().equals("META-INF/")) {
      first = jar.getNextEntry();
    }
    if (first == null || !first.getName().equals(MANIFEST)) {
      throw new InvalidPackageException(
          "no deployment package: " + MANIFEST + " is not its first file file=" + file);
    }
    Manifest manifest = manifest(jar, file.toString());
    Attributes main = manifest.getMainAttributes();
    String rawName = main.getValue("DeploymentPackage-SymbolicName");
    if (rawName == null) {
      throw new InvalidPackageException(
          "no deployment package: its manifest has no DeploymentPackage-SymbolicName"
              + (main.getValue("Bundle-SymbolicName") == null
                  ? ""
                  : "; a single bundle is installed inside of a package")
              + " file="
              + file);
    }
    String name =
        BundleIdentity.symbolicName(rawName, "DeploymentPackage-SymbolicName", file.toString());
    if (main.getValue("DeploymentPackage-Version") == null) {
      throw new InvalidPackageException(
          "no deployment package: its manifest has no DeploymentPackage-Version file=" + file);
    }
    String version =
        BundleIdentity.version(
            main.getValue("DeploymentPackage-Version"),
            "DeploymentPackage-Version",
            file.toString());

    Map<String, BundleIdentity> declared = new HashMap<>();
    Map<String, BundleIdentity> missing = new HashMap<>();
    for (Map.Entry<String, Attributes> section : manifest.getEntries().entrySet()) {
      if (section.getValue().getValue("Bundle-SymbolicName") != null) {
        String where = file + "!" + section.getKey();
        if (section.getValue().getValue("Bundle-Version") == null) {
          throw new InvalidPackageException(
              "a bundle's section has no Bundle-Version section="
                  + section.getKey()
                  + " file="
                  + file);
        }
        BundleIdentity identity = BundleIdentity.of(section.getValue(), where);
        boolean left = "true".equals(section.getValue().getValue("DeploymentPackage-Missing"));
        (left ? missing : declared).put(section.getKey(), identity);
      }
    }
    Map<String, BundleIdentity> found = new LinkedHashMap<>();
    for (ZipEntry entry = jar.getNextEntry(); entry != null; entry = jar.getNextEntry()) {
      String path = entry.getName();
      if (path.startsWith("META-INF/")) {
        if (found.size() < declared.size()) {
          throw new InvalidPackageException(
              "DeploymentAdmin 0.9.6 stops at an entry that stands before a bundle; sign with shoji"
                  + " package, which puts the signature last entry="
                  + path
                  + " file="
                  + file);
        }
        jar.transferTo(OutputStream.nullOutputStream());
      } else if (entry.isDirectory() || !manifest.getEntries().containsKey(path)) {
        throw new InvalidPackageException(
            "the manifest does not describe an entry, so DeploymentAdmin would stop there entry="
                + path
                + " file="
                + file);
      } else if (declared.containsKey(path)) {
        BundleIdentity said = declared.get(path);
        BundleIdentity is = bundle(jar, file + "!" + path);
        if (!is.equals(said)) {
          throw new InvalidPackageException(
              "an entry is another bundle than the manifest says asked="
                  + said
                  + " found="
                  + is
                  + " entry="
                  + path
                  + " file="
                  + file);
        }
        found.put(path, is);
      } else {
        jar.transferTo(OutputStream.nullOutputStream());
      }
    }
    List<String> absent =
        declared.keySet().stream().filter(path -> !found.containsKey(path)).sorted().toList();
    if (!absent.isEmpty()) {
      throw new InvalidPackageException(
          "the manifest names bundles that the archive does not hold missing="
              + absent
              + " file="
              + file);
    }
    if (found.isEmpty() && missing.isEmpty()) {
      throw new InvalidPackageException("the package holds no bundle file=" + file);
    }
    Map<String, String> headers = new TreeMap<>();
    main.forEach((key, value) -> headers.put(key.toString(), value.toString()));
    return new DeploymentPackage(name, version, headers, found, "", size);
  }

  /** Reads a bundle to its end, so that its checksums are checked too. */
  private static BundleIdentity bundle(InputStream entry, String where)
      throws IOException, InvalidPackageException {
    // Not closed: that would close the package's stream.
    @SuppressWarnings("resource")
    ZipInputStream jar = new ZipInputStream(entry);
    Manifest manifest = null;
    for (ZipEntry inner = jar.getNextEntry(); inner != null; inner = jar.getNextEntry()) {
      if (inner.getName().equals(MANIFEST)) {
        manifest = manifest(jar, where);
      } else {
        jar.transferTo(OutputStream.nullOutputStream());
      }
    }
    entry.transferTo(OutputStream.nullOutputStream());
    return BundleIdentity.of(manifest, where);
  }

  private static Manifest manifest(InputStream entry, String where)
      throws IOException, InvalidPackageException {
    byte[] bytes = entry.readAllBytes();
    try {
      return new Manifest(new ByteArrayInputStream(bytes));
    } catch (IOException e) {
      throw new InvalidPackageException(
          MANIFEST + " does not parse cause=" + e.getMessage() + " file=" + where, e);
    }
  }

  private static MessageDigest sha256Digest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
