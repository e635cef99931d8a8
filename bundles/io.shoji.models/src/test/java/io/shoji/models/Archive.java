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

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;

/** The entries of an archive, to be changed by a test. */
final class Archive implements SignedArchive.Entries {
  final Map<String, byte[]> files = new LinkedHashMap<>();

  static Archive of(byte[] zip) {
    Archive archive = new Archive();
    try (ZipInputStream in = new ZipInputStream(new ByteArrayInputStream(zip))) {
      for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
        archive.files.put(entry.getName(), in.readAllBytes());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return archive;
  }

  Archive put(String name, byte[] content) {
    files.put(name, content);
    return this;
  }

  Archive remove(String regex) {
    files.keySet().removeIf(name -> name.matches(regex));
    return this;
  }

  /** Changes an entry that is text. */
  Archive edit(String name, UnaryOperator<String> change) {
    String before = new String(files.get(name), StandardCharsets.UTF_8);
    String after = change.apply(before);
    if (after.equals(before)) {
      throw new AssertionError("nothing was changed: " + before);
    }
    files.put(name, after.getBytes(StandardCharsets.UTF_8));
    return this;
  }

  byte[] bytes() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      for (Map.Entry<String, byte[]> file : files.entrySet()) {
        zip.putNextEntry(new ZipEntry(file.getKey()));
        zip.write(file.getValue());
        zip.closeEntry();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  @Override
  public Collection<String> names() {
    return files.keySet().stream().filter(name -> !name.endsWith("/")).toList();
  }

  @Override
  public Optional<InputStream> open(String name) {
    return Optional.ofNullable(files.get(name)).map(ByteArrayInputStream::new);
  }
}
