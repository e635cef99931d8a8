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

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;

/** Writes a deployment package from the command line, as the build does. */
public final class WritePackage {
  private WritePackage() {}

  /**
   * Writes a package and prints its size.
   *
   * @param arguments symbolic name, version, title, target file, file with the paths of the bundles
   *     between path separators, greatest size in bytes or 0 for no limit, file of the package that
   *     can be installed beside other versions, or {@code -} for none
   * @throws InvalidPackageException if a bundle is not one, or the package is larger than its limit
   * @throws IOException if a file cannot be read or written
   */
  public static void main(String[] arguments) throws IOException, InvalidPackageException {
    if (arguments.length != 7) {
      throw new IllegalArgumentException(
          "asked: NAME VERSION TITLE TARGET LIST MAX_BYTES BESIDE found=" + arguments.length);
    }
    Path target = Path.of(arguments[3]);
    String list = Files.readString(Path.of(arguments[4])).trim();
    List<Path> jars = new ArrayList<>();
    for (String path : list.split(Pattern.quote(File.pathSeparator), -1)) {
      if (!path.isEmpty()) {
        jars.add(Path.of(path));
      }
    }
    long most = Long.parseLong(arguments[5]);
    Optional<Long> limit = most == 0 ? Optional.empty() : Optional.of(most);
    long size = write(arguments[0], arguments[1], arguments[2], target, jars, limit);
    System.out.printf(
        Locale.ROOT,
        "%s %s: %d bundles, %,d bytes%s%n",
        arguments[0],
        arguments[1],
        jars.size(),
        size,
        most == 0 ? "" : String.format(Locale.ROOT, " of at most %,d", most));
    if (!arguments[6].equals("-")) {
      Path beside = Path.of(arguments[6]);
      SideBySide.write(
          arguments[0], arguments[1], headers(arguments[2] + ", beside others"), jars, beside);
      System.out.println(
          DeploymentPackage.read(beside) + ": to be installed beside other versions");
    }
  }

  private static Map<String, String> headers(String title) {
    Map<String, String> headers = new LinkedHashMap<>();
    headers.put("DeploymentPackage-Name", title);
    headers.put("DeploymentPackage-Vendor", "Shoji");
    headers.put("DeploymentPackage-License", "https://www.eclipse.org/legal/epl-2.0/");
    return headers;
  }

  static long write(
      String name,
      String version,
      String title,
      Path target,
      List<Path> jars,
      Optional<Long> maxBytes)
      throws IOException, InvalidPackageException {
    DeploymentPackageWriter writer = new DeploymentPackageWriter(name, version);
    headers(title).forEach(writer::header);
    StringBuilder contents = new StringBuilder();
    for (Path jar : jars) {
      writer.bundle(jar);
      contents
          .append(contents.isEmpty() ? "" : ", ")
          .append(jar.getFileName())
          .append('=')
          .append(Files.size(jar));
    }
    writer.write(target);
    long size = DeploymentPackage.read(target).size();
    if (maxBytes.isPresent() && size > maxBytes.get()) {
      Files.delete(target);
      throw new InvalidPackageException(
          "the package "
              + name
              + " has become too large: look for what a bundle embeds and does not need"
              + " maxBytes="
              + maxBytes.get()
              + " found="
              + size
              + " bundles: "
              + contents);
    }
    return size;
  }
}
