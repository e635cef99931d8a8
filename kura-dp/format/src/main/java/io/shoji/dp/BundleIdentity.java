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

import java.util.jar.Attributes;
import java.util.jar.Manifest;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Which bundle a jar is.
 *
 * @param symbolicName without directives
 * @param version in full, as {@code 1.2.0}: parts left out are 0
 */
public record BundleIdentity(String symbolicName, String version) {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*");

  // OSGi Core 3.2.5: major(.minor(.micro(.qualifier)?)?)?
  private static final Pattern VERSION =
      Pattern.compile(
          "([0-9]{1,9})(?:\\.([0-9]{1,9})(?:\\.([0-9]{1,9})(?:\\.([A-Za-z0-9_-]+))?)?)?");

  /**
   * What a bundle's manifest, or a section of a package's manifest, says.
   *
   * @param where what to name in a message
   * @throws InvalidPackageException if it names no bundle, or not in the syntax
   */
  static BundleIdentity of(Attributes attributes, String where) throws InvalidPackageException {
    String name = attributes.getValue("Bundle-SymbolicName");
    if (name == null) {
      throw new InvalidPackageException(
          "no bundle: the manifest has no Bundle-SymbolicName file=" + where);
    }
    return new BundleIdentity(
        symbolicName(name, "Bundle-SymbolicName", where),
        version(attributes.getValue("Bundle-Version"), "Bundle-Version", where));
  }

  /**
   * Which bundle a manifest describes.
   *
   * @param where what to name in a message
   * @throws InvalidPackageException if it describes none
   */
  static BundleIdentity of(@Nullable Manifest manifest, String where)
      throws InvalidPackageException {
    if (manifest == null) {
      throw new InvalidPackageException("no bundle: it has no META-INF/MANIFEST.MF file=" + where);
    }
    return of(manifest.getMainAttributes(), where);
  }

  static String symbolicName(@Nullable String value, String header, String where)
      throws InvalidPackageException {
    String name = value == null ? "" : value.split(";", 2)[0].trim();
    if (!NAME.matcher(name).matches()) {
      throw new InvalidPackageException(
          header + " is no symbolic name, as a.b.c, found=" + value + " file=" + where);
    }
    return name;
  }

  static String version(@Nullable String value, String header, String where)
      throws InvalidPackageException {
    if (value == null || value.isBlank()) {
      return "0.0.0";
    }
    var matcher = VERSION.matcher(value.trim());
    if (!matcher.matches()) {
      throw new InvalidPackageException(
          header
              + " is no OSGi version, as 1.2.3 or 1.2.3.qualifier, found="
              + value
              + " file="
              + where);
    }
    StringBuilder full = new StringBuilder(matcher.group(1));
    for (int part = 2; part <= 3; part++) {
      full.append('.').append(matcher.group(part) == null ? "0" : matcher.group(part));
    }
    if (matcher.group(4) != null) {
      full.append('.').append(matcher.group(4));
    }
    return full.toString();
  }

  @Override
  public String toString() {
    return symbolicName + " " + version;
  }
}
