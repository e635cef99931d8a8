/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Watches a folder for {@code .dp} files, new or changed, and hands them on.
 *
 * <p>A file counts once its size, time and identity have been the same in two looks in a row, so
 * that one that is being copied is left alone, and one that was moved there is taken at the next
 * look. What was taken is remembered over restarts: a file is taken again only when it changes.
 * What was refused is tried again at the next start.
 *
 * <p>It looks instead of being told, because file systems of other machines do not tell.
 */
final class PackageFolder implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(PackageFolder.class);

  private static final long LOOK_MILLIS = 500;

  /** What is done with the files. */
  interface Taker {
    /**
     * A file is new or has changed.
     *
     * @return whether it was taken; false if it was refused, and its reason told
     */
    boolean taken(Path file);

    /** A file that was taken is gone. */
    void gone(Path file);

    /** The files of one look were handed on; at least one was. */
    void settled();
  }

  private final Path folder;
  private final Path memory;
  private final Taker taker;
  private final Thread thread;

  /** Stamps by path. */
  private final Map<Path, String> taken = new HashMap<>();

  private final Map<Path, String> refused = new HashMap<>();
  private Map<Path, String> lastLook = new HashMap<>();
  private boolean troubled;

  private final CountDownLatch stop = new CountDownLatch(1);

  /**
   * Prepares to watch a folder, which is made if it is not there.
   *
   * @param memory file that remembers what was taken
   * @throws IOException if the folder cannot be made, or the memory not be read
   */
  PackageFolder(Path folder, Path memory, Taker taker) throws IOException {
    this.folder = Files.createDirectories(folder);
    this.memory = memory;
    this.taker = taker;
    this.thread = new Thread(this::watch, "package-folder");
    this.thread.setDaemon(true);
    if (Files.exists(memory)) {
      Properties properties = new Properties();
      try (InputStream in = Files.newInputStream(memory)) {
        properties.load(in);
      }
      properties.forEach((path, stamp) -> taken.put(Path.of((String) path), (String) stamp));
    }
  }

  /** Hands on what lies there now, without a second look. */
  synchronized void lookNow() throws IOException {
    lastLook = stamps();
    look();
  }

  /** Begins to watch. */
  void start() {
    thread.start();
  }

  private void watch() {
    try {
      while (!stop.await(LOOK_MILLIS, TimeUnit.MILLISECONDS)) {
        try {
          look();
          troubled = false;
        } catch (IOException e) {
          if (!troubled) {
            log.error("the watched folder cannot be read; trying again folder={}", folder, e);
          }
          troubled = true;
        }
      }
    } catch (InterruptedException e) {
      log.debug("the folder is watched no more folder={}", folder, e);
    }
  }

  /**
   * Hands on what is new, changed or gone since the last look, if it has not changed since then.
   */
  synchronized void look() throws IOException {
    Map<Path, String> now = stamps();
    boolean changed = false;
    for (Map.Entry<Path, String> entry : now.entrySet()) {
      Path file = entry.getKey();
      String stamp = entry.getValue();
      boolean still = stamp.equals(lastLook.get(file));
      boolean known = stamp.equals(taken.get(file)) || stamp.equals(refused.get(file));
      if (still && !known) {
        changed = true;
        if (taker.taken(file)) {
          taken.put(file, stamp);
          refused.remove(file);
        } else {
          refused.put(file, stamp);
        }
      }
    }
    Set<Path> gone = new HashSet<>(taken.keySet());
    gone.removeAll(now.keySet());
    for (Path file : gone) {
      changed = true;
      taken.remove(file);
      taker.gone(file);
    }
    refused.keySet().retainAll(now.keySet());
    lastLook = now;
    if (changed) {
      remember();
      taker.settled();
    }
  }

  /** Size, time and identity of each package, in the order of their names. */
  private Map<Path, String> stamps() throws IOException {
    Map<Path, String> stamps = new TreeMap<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        String name = file.getFileName().toString();
        if (!name.endsWith(".dp") || name.startsWith(".")) {
          continue;
        }
        try {
          BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
          if (attributes.isRegularFile()) {
            stamps.put(
                file,
                attributes.size()
                    + " "
                    + attributes.lastModifiedTime().to(TimeUnit.NANOSECONDS)
                    + " "
                    + attributes.fileKey());
          }
        } catch (NoSuchFileException e) {
          log.debug("a file went while the folder was read file={}", file);
        }
      }
    } catch (NoSuchFileException | NotDirectoryException e) {
      throw new IOException("the watched folder is gone; make it again folder=" + folder, e);
    }
    return stamps;
  }

  private void remember() throws IOException {
    Properties properties = new Properties();
    taken.forEach((path, stamp) -> properties.setProperty(path.toString(), stamp));
    Path part = memory.resolveSibling(memory.getFileName() + ".part");
    try (OutputStream out = Files.newOutputStream(part)) {
      properties.store(out, null);
    }
    InstalledPackage.replace(part, memory);
  }

  /** Watches no more; a file that is being installed is finished first, for at most ten seconds. */
  @Override
  public void close() {
    stop.countDown();
    try {
      thread.join(TimeUnit.SECONDS.toMillis(10));
    } catch (InterruptedException e) {
      // Goes on without waiting: the caller stops.
      Thread.currentThread().interrupt();
    }
  }
}
