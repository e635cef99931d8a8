/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.tensorrt;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Engines that TensorRT has built on this machine, one folder for each {@link EngineKey}. An engine
 * counts only when its build is complete: a list with the digest of every file is written last, and
 * a folder without it, or with a file that differs, is built anew. So a power cut leaves nothing
 * that TensorRT would stumble over. Thread safe, and safe beside other processes.
 */
final class EngineStore {
  private static final Logger LOG = LoggerFactory.getLogger(EngineStore.class);
  private static final String KEY = "key.txt";
  private static final String LIST = "complete.txt";
  private static final String TIMING = "timing";
  private static final String LOCKS = "locks";
  private static final long LOCK_POLL_MILLIS = 100;

  private final Path root;
  private final long limitBytes;
  private final Map<String, Semaphore> turns = new ConcurrentHashMap<>();

  /**
   * A store.
   *
   * @param root its folder, made when the first engine is built
   * @param limitBytes beyond which the engines that were not used for longest are removed
   */
  EngineStore(Path root, long limitBytes) {
    this.root = root;
    this.limitBytes = limitBytes;
  }

  /** Its folder. */
  Path root() {
    return root;
  }

  /**
   * Checks that engines can be kept.
   *
   * @throws AcceleratorException FAILED if not, and what to do
   */
  void checkWritable() throws AcceleratorException {
    try {
      Files.createDirectories(root);
      Path probe = Files.createTempFile(root, "probe", null);
      Files.delete(probe);
    } catch (IOException | SecurityException e) {
      throw unwritable(root, e);
    }
  }

  private AcceleratorException unwritable(Path folder, Exception cause) {
    return new AcceleratorException(
        Code.FAILED,
        "engines cannot be kept in the cache folder, so that each start would take minutes; let the"
            + " gateway's user write there, or set cacheFolder to another folder="
            + folder
            + " cause="
            + cause,
        cause);
  }

  /**
   * The engine of a key, for one load at a time: waits while another load has it, in this process
   * or another.
   *
   * @throws AcceleratorException FAILED if the engine must be built and cannot be kept
   * @throws InterruptedException if interrupted while it waits
   */
  Entry open(EngineKey key) throws AcceleratorException, InterruptedException {
    Semaphore turn = turns.computeIfAbsent(key.folder(), name -> new Semaphore(1));
    turn.acquire();
    Entry entry = new Entry(key, turn);
    boolean done = false;
    try {
      entry.begin();
      done = true;
      return entry;
    } finally {
      if (!done) {
        entry.close();
      }
    }
  }

  /** One engine, or the place where it is to be. Used by one load, then closed. */
  final class Entry implements AutoCloseable {
    private final EngineKey key;
    private final Semaphore turn;
    private final Path folder;
    private @Nullable FileChannel lockFile;
    private SortedMap<String, String> before = new TreeMap<>();
    private boolean complete;
    private String reason = "";
    private boolean closed;

    private Entry(EngineKey key, Semaphore turn) {
      this.key = key;
      this.turn = turn;
      this.folder = root.resolve(key.folder());
    }

    private void begin() throws AcceleratorException, InterruptedException {
      look();
      if (complete) {
        touch();
        return;
      }
      checkWritable();
      try {
        lock();
        // Another process may have built it meanwhile.
        look();
        if (!complete) {
          reason = why();
          removeFolder(folder);
          Files.createDirectories(folder);
          Files.createDirectories(timing());
          Files.writeString(folder.resolve(KEY), key.text());
        }
      } catch (ClosedByInterruptException e) {
        Thread.interrupted();
        throw interrupted(e);
      } catch (IOException e) {
        throw unwritable(folder, e);
      }
    }

    private void lock() throws IOException, InterruptedException {
      Path locks = Files.createDirectories(root.resolve(LOCKS));
      FileChannel channel =
          FileChannel.open(
              locks.resolve(key.folder()), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      lockFile = channel;
      FileLock lock = channel.tryLock();
      while (lock == null) {
        TimeUnit.MILLISECONDS.sleep(LOCK_POLL_MILLIS);
        lock = channel.tryLock();
      }
    }

    private InterruptedException interrupted(Exception cause) {
      InterruptedException interrupted =
          new InterruptedException("the load was given up while it waited for " + folder);
      interrupted.initCause(cause);
      return interrupted;
    }

    private void look() {
      complete = false;
      Path list = folder.resolve(LIST);
      if (!Files.isRegularFile(list)) {
        return;
      }
      try {
        SortedMap<String, String> written = parse(Files.readString(list));
        before = digests();
        complete = before.equals(written);
        if (!complete) {
          LOG.warn(
              "an engine in the cache is damaged and is built anew folder={} written={} found={}",
              folder,
              written.keySet(),
              before.keySet());
        }
      } catch (IOException e) {
        LOG.warn("an engine in the cache cannot be read and is built anew folder={}", folder, e);
      }
    }

    /** Why it has to be built. */
    private String why() {
      if (Files.exists(folder.resolve(LIST))) {
        return "the one in the cache is damaged";
      }
      if (Files.exists(folder)) {
        return "its last build was not finished";
      }
      Optional<String> difference = Optional.empty();
      FileTime newest = FileTime.from(Instant.EPOCH);
      for (Path other : SystemFiles.entries(root, key.modelPrefix(), "")) {
        try {
          FileTime used = Files.getLastModifiedTime(other.resolve(LIST));
          if (used.compareTo(newest) > 0) {
            newest = used;
            difference = Optional.of(key.difference(Files.readString(other.resolve(KEY))));
          }
        } catch (IOException e) {
          LOG.debug("not a complete engine folder={}", other, e);
        }
      }
      return difference.map(changed -> "what it was built for has changed: " + changed).orElse("");
    }

    private void touch() {
      try {
        Files.setLastModifiedTime(folder.resolve(LIST), FileTime.from(Instant.now()));
      } catch (IOException e) {
        // The folder may be read-only, which does no harm to an engine that is there.
        LOG.debug("the use of an engine cannot be noted folder={}", folder, e);
      }
    }

    /** Where the runtime looks for the engine and writes it. */
    Path folder() {
      return folder;
    }

    /** Where measured times are kept, for all engines of one TensorRT on one device; a folder. */
    Path timing() {
      return root.resolve(TIMING).resolve(key.device());
    }

    /** Whether it is there. */
    boolean isComplete() {
      return complete;
    }

    /** Why it is not, if there was one before; empty for the first build. */
    String reason() {
      return reason;
    }

    /** Files that belong to the engine, by name, are put there before it is built. */
    void add(Path file) throws AcceleratorException {
      if (complete) {
        return;
      }
      try {
        Files.copy(
            file,
            folder.resolve(file.getFileName().toString()),
            StandardCopyOption.REPLACE_EXISTING);
      } catch (IOException e) {
        throw unwritable(folder, e);
      }
    }

    /** Number of engines in the folder. */
    int engines() {
      return SystemFiles.entries(folder, "", ".engine").size();
    }

    /**
     * Whether the runtime has changed what was there: it has built again, though an engine was
     * there.
     */
    boolean hasChanged() throws AcceleratorException {
      try {
        return !digests().equals(before);
      } catch (IOException e) {
        throw unwritable(folder, e);
      }
    }

    /** The engine is there and works: from now on it counts. */
    void complete() throws AcceleratorException {
      try {
        SortedMap<String, String> found = digests();
        for (String name : found.keySet()) {
          sync(folder.resolve(name));
        }
        StringBuilder text = new StringBuilder();
        found.forEach((name, digest) -> text.append(digest).append(' ').append(name).append('\n'));
        Path fresh = folder.resolve(LIST + ".new");
        Files.writeString(fresh, text);
        sync(fresh);
        Files.move(
            fresh,
            folder.resolve(LIST),
            StandardCopyOption.ATOMIC_MOVE,
            StandardCopyOption.REPLACE_EXISTING);
        sync(folder);
        sync(root);
        before = found;
        complete = true;
      } catch (IOException e) {
        throw unwritable(folder, e);
      }
      sweep(folder);
    }

    private SortedMap<String, String> digests() throws IOException {
      SortedMap<String, String> found = new TreeMap<>();
      for (Path file : SystemFiles.entries(folder, "", "")) {
        String name = file.getFileName().toString();
        if (Files.isRegularFile(file) && !name.startsWith(LIST)) {
          found.put(name, EngineKey.sha256(file));
        }
      }
      return found;
    }

    /** Lets the next load have it. Idempotent. */
    @Override
    public void close() {
      if (closed) {
        return;
      }
      closed = true;
      FileChannel channel = lockFile;
      if (channel != null) {
        try {
          if (!complete) {
            removeFolder(folder);
          }
          // The lock goes with it.
          channel.close();
        } catch (IOException e) {
          LOG.warn("an engine's folder cannot be given back folder={}", folder, e);
        }
      }
      turn.release();
    }
  }

  private static SortedMap<String, String> parse(String text) {
    SortedMap<String, String> files = new TreeMap<>();
    text.lines()
        .forEach(
            line -> {
              int space = line.indexOf(' ');
              if (space > 0) {
                files.put(line.substring(space + 1), line.substring(0, space));
              }
            });
    return files;
  }

  private static void sync(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /** Removes what was not used for longest, until the rest is below the limit. */
  private synchronized void sweep(Path keep) {
    record Engine(Path folder, long bytes, FileTime used) {}
    List<Engine> engines = new ArrayList<>();
    long total = 0;
    for (Path folder : SystemFiles.entries(root, "", "")) {
      Path list = folder.resolve(LIST);
      if (Files.isRegularFile(list)) {
        try {
          long bytes = bytes(folder);
          total += bytes;
          engines.add(new Engine(folder, bytes, Files.getLastModifiedTime(list)));
        } catch (IOException e) {
          LOG.debug("an engine has gone meanwhile folder={}", folder, e);
        }
      }
    }
    engines.sort(Comparator.comparing(Engine::used));
    for (Engine engine : engines) {
      if (total <= limitBytes) {
        return;
      }
      if (!engine.folder.equals(keep)) {
        try {
          // The list first: without it the rest is no engine.
          Files.deleteIfExists(engine.folder.resolve(LIST));
          removeFolder(engine.folder);
          total -= engine.bytes;
          LOG.info(
              "an engine that was not used for long is removed from the cache folder={} bytes={}"
                  + " limitBytes={}",
              engine.folder,
              engine.bytes,
              limitBytes);
        } catch (IOException e) {
          LOG.warn("an engine cannot be removed from the cache folder={}", engine.folder, e);
        }
      }
    }
  }

  private static long bytes(Path folder) throws IOException {
    long bytes = 0;
    for (Path file : SystemFiles.entries(folder, "", "")) {
      bytes += Files.size(file);
    }
    return bytes;
  }

  private static void removeFolder(Path folder) throws IOException {
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        Files.deleteIfExists(file);
      }
    } catch (NoSuchFileException e) {
      LOG.trace("nothing is there yet folder={}", folder, e);
      return;
    }
    Files.deleteIfExists(folder);
  }
}
