/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.link;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The folder of one link, which only this user can enter (0700): its socket, and for a moment each
 * piece of shared memory. Made by the gateway, in memory where the system has such a file system.
 *
 * <p>Its name says who owns it: pid namespace, pid and start time of the process. So whoever comes
 * later can tell a folder whose owner is dead.
 */
public final class LinkFolder implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(LinkFolder.class);
  private static final Path MEMORY = Path.of("/dev/shm");
  private static final Pattern NAME =
      Pattern.compile("shoji-link-(\\d+)-(\\d+)-(\\d+)-[0-9a-f]{8}");

  /** {@code sun_path} of unix(7), the final zero taken off. */
  private static final int SOCKET_PATH_BYTES = 107;

  private final Path path;

  private LinkFolder(Path path) {
    this.path = path;
  }

  /** Where folders are made if nobody says otherwise: in memory, else where temporary files go. */
  public static Path defaultBase() {
    return Files.isDirectory(MEMORY) && Files.isWritable(MEMORY)
        ? MEMORY
        : Path.of(System.getProperty("java.io.tmpdir", "/tmp"));
  }

  /**
   * Makes a new one.
   *
   * @param base an existing folder
   * @throws IOException if it cannot be made, or if the socket in it would have a longer path than
   *     the system takes
   */
  public static LinkFolder create(Path base) throws IOException {
    byte[] random = new byte[4];
    new SecureRandom().nextBytes(random);
    long pid = ProcessHandle.current().pid();
    Path path =
        base.toAbsolutePath()
            .resolve(
                "shoji-link-"
                    + pidNamespace()
                    + "-"
                    + pid
                    + "-"
                    + startTime(pid)
                    + "-"
                    + HexFormat.of().formatHex(random));
    LinkFolder folder = new LinkFolder(path);
    int bytes = folder.socket().toString().getBytes(StandardCharsets.UTF_8).length;
    if (bytes > SOCKET_PATH_BYTES) {
      throw new IOException(
          "the path of a socket would be too long, choose a folder with a shorter one socket="
              + folder.socket()
              + " bytes="
              + bytes
              + " most="
              + SOCKET_PATH_BYTES);
    }
    Files.createDirectory(
        path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    return folder;
  }

  /**
   * Removes the folders below {@code base} whose owners are dead.
   *
   * @return those that were removed
   */
  public static List<Path> sweep(Path base) throws IOException {
    List<Path> removed = new ArrayList<>();
    long namespace = pidNamespace();
    try (DirectoryStream<Path> folders = Files.newDirectoryStream(base, "shoji-link-*")) {
      for (Path folder : folders) {
        Matcher name = NAME.matcher(folder.getFileName().toString());
        if (name.matches()
            && Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)
            && Long.parseLong(name.group(1)) == namespace
            && startTime(Long.parseLong(name.group(2))) != Long.parseLong(name.group(3))
            && remove(folder)) {
          removed.add(folder);
        }
      }
    } catch (DirectoryIteratorException e) {
      throw e.getCause();
    }
    return removed;
  }

  /** The folder. */
  public Path path() {
    return path;
  }

  /** Where the worker listens. */
  public Path socket() {
    return path.resolve("socket");
  }

  /** Removes the folder and what is in it. Idempotent. */
  @Override
  public void close() {
    remove(path);
  }

  /** Removes a folder of files; whether it is gone. */
  static boolean remove(Path folder) {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        Files.deleteIfExists(file);
      }
      Files.deleteIfExists(folder);
      return true;
    } catch (NoSuchFileException e) {
      return true;
    } catch (IOException | DirectoryIteratorException e) {
      LOG.warn("cannot remove the folder of a link folder={}", folder, e);
      return false;
    }
  }

  /** Start of a process in clock ticks since the system's, field 22 of proc(5)'s stat; or -1. */
  private static long startTime(long pid) {
    try {
      String stat = Files.readString(Path.of("/proc", Long.toString(pid), "stat"));
      // The second field is the name in brackets, which may hold spaces and brackets.
      String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
      return Long.parseLong(fields[19]);
    } catch (IOException e) {
      return -1;
    }
  }

  /** Number of this process's pid namespace, see pid_namespaces(7). */
  private static long pidNamespace() throws IOException {
    String link = Files.readSymbolicLink(Path.of("/proc/self/ns/pid")).toString();
    return Long.parseLong(link.replaceAll("\\D", ""));
  }

  @Override
  public String toString() {
    return path.toString();
  }
}
