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

import io.shoji.cli.CommandException;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Enumeration;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;
import java.util.zip.ZipInputStream;

/**
 * Whether a zip archive that somebody else wrote can be read in one way only. Gateways read a
 * package as a stream, Java's tools by the directory at its end: an archive that shows each of them
 * something else would be checked as one thing and installed as another.
 */
final class ZipCheck {
  private static final int MOST_ENTRIES = 20_000;
  private static final long FREE_BYTES = 1L << 30;

  /** Above {@link #FREE_BYTES} nothing honest is compressed better than by this. */
  private static final long MOST_RATIO = 100;

  private static final int LONGEST_NAME = 1024;

  private ZipCheck() {}

  /**
   * Reads an archive from its first to its last byte: every checksum is right, names stay inside
   * and are unique, and stream and directory agree.
   *
   * @param where what to name in messages
   * @throws CommandException DAMAGED or UNSAFE
   */
  static void check(Path file, String where) throws CommandException, InterruptedException {
    Map<String, Long> directory = new LinkedHashMap<>();
    try (ZipFile zip = new ZipFile(file.toFile())) {
      Set<String> lower = new HashSet<>();
      for (Enumeration<? extends ZipEntry> all = zip.entries(); all.hasMoreElements(); ) {
        ZipEntry entry = all.nextElement();
        checkName(entry.getName(), where);
        if (directory.put(entry.getName(), entry.getCrc()) != null
            || !lower.add(entry.getName().toLowerCase(java.util.Locale.ROOT))) {
          throw Refusal.of(
              "UNSAFE",
              "the archive holds a name twice, or two that differ in upper and lower case only entry="
                  + shown(entry.getName())
                  + " file="
                  + where);
        }
        if (directory.size() > MOST_ENTRIES) {
          throw Refusal.of(
              "UNSAFE",
              "the archive holds too many entries most=" + MOST_ENTRIES + " file=" + where);
        }
      }
    } catch (ZipException | IllegalArgumentException e) {
      throw damaged(e, where);
    } catch (IOException e) {
      throw Refusal.io("the archive cannot be read", where, e);
    }
    try (InputStream bytes = new BufferedInputStream(Files.newInputStream(file), 1 << 16);
        ZipInputStream stream = new ZipInputStream(bytes)) {
      Set<String> seen = new HashSet<>();
      byte[] buffer = new byte[1 << 16];
      long most = FREE_BYTES + MOST_RATIO * Files.size(file);
      long left = most;
      for (ZipEntry entry = stream.getNextEntry(); entry != null; entry = stream.getNextEntry()) {
        String name = entry.getName();
        for (int read = stream.read(buffer); read >= 0; read = stream.read(buffer)) {
          left -= read;
          if (left < 0) {
            throw Refusal.of(
                "UNSAFE", "the archive unpacks to too much most=" + most + " file=" + where);
          }
          if (Thread.interrupted()) {
            throw new InterruptedException();
          }
        }
        Long crc = directory.get(name);
        if (crc == null || !seen.add(name) || (crc != -1 && entry.getCrc() != crc)) {
          throw different(name, where);
        }
      }
      if (seen.size() != directory.size()) {
        directory.keySet().removeAll(seen);
        throw different(directory.keySet().iterator().next(), where);
      }
    } catch (ZipException | EOFException | IllegalArgumentException e) {
      throw damaged(e, where);
    } catch (IOException e) {
      throw Refusal.io("the archive cannot be read", where, e);
    }
  }

  private static void checkName(String name, String where) throws CommandException {
    boolean bad =
        name.isEmpty()
            || name.length() > LONGEST_NAME
            || name.startsWith("/")
            || name.indexOf('\\') >= 0
            || name.indexOf(':') >= 0
            || name.chars().anyMatch(Character::isISOControl);
    for (String part : name.split("/", -1)) {
      bad |= part.equals("..") || part.equals(".");
    }
    if (bad) {
      throw Refusal.of(
          "UNSAFE",
          "an entry's name leads out of the archive, or is none that every file system takes entry="
              + shown(name)
              + " file="
              + where);
    }
  }

  private static CommandException different(String name, String where) {
    return Refusal.of(
        "UNSAFE",
        "the archive reads differently as a stream and by its directory: make it anew entry="
            + shown(name)
            + " file="
            + where);
  }

  private static CommandException damaged(Exception e, String where) {
    return Refusal.of(
        "DAMAGED",
        "the archive is cut off, damaged or none: copy it again, and compare its digest with the"
            + " original's cause="
            + e.getMessage()
            + " file="
            + where,
        e);
  }

  private static String shown(String name) {
    return '"' + io.shoji.cli.Text.cut(name, 120) + '"';
  }
}
