/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker;

import io.shoji.worker.agent.ControlMessage;
import io.shoji.worker.agent.WorkerMain;
import io.shoji.worker.link.LinkFolder;
import io.shoji.worker.link.LinkSecret;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Class data of what every worker runs on, in the form in which a JVM maps it instead of reading
 * and checking classes: made once by a worker without a driver, a while after the first driver
 * serves, and kept for as long as Java, this bundle, the API and the options stay the same. A JVM
 * that cannot use it starts without. Thread safe.
 */
final class ClassArchive implements AutoCloseable {
  private static final long QUIET_MS = 5_000;
  private static final long LONGEST_MS = 60_000;
  private static final String ENDING = ".jsa";
  private static final Logger LOG = LoggerFactory.getLogger(ClassArchive.class);

  private final Platform platform;
  private final Path folder;
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread made = new Thread(task, "shoji-worker-archive");
            made.setDaemon(true);
            return made;
          });

  private volatile boolean closed;

  /** What runs to make one. */
  private volatile @Nullable Process making;

  /** Whether one is being made or cannot be. Guarded by this. */
  private boolean begun;

  /**
   * An archive.
   *
   * @param folder where it is kept; made if need be
   */
  ClassArchive(Platform platform, Path folder) {
    this.platform = platform;
    this.folder = folder;
  }

  /** Options by which a JVM with these settings uses the archive; none if there is none. */
  List<String> options(WorkerSettings settings) {
    Path file = file(settings);
    return Files.isRegularFile(file)
        ? List.of("-XX:SharedArchiveFile=" + file, "-Xlog:cds=off", "-Xlog:cds+dynamic=off")
        : List.of();
  }

  /** Its name says for what it holds. */
  private Path file(WorkerSettings settings) {
    List<String> holdsFor = new ArrayList<>();
    holdsFor.add(System.getProperty("java.home"));
    holdsFor.add(System.getProperty("java.vm.version"));
    holdsFor.addAll(
        WorkerProcess.command(settings, platform.classPath(), List.of(), Path.of("any")));
    try {
      for (Path jar : platform.classPath()) {
        FileTime time = Files.getLastModifiedTime(jar);
        holdsFor.add(time.toMillis() + " " + Files.size(jar));
      }
      byte[] digest =
          MessageDigest.getInstance("SHA-256")
              .digest(String.join("\n", holdsFor).getBytes(StandardCharsets.UTF_8));
      return folder.resolve(HexFormat.of().formatHex(digest, 0, 8) + ENDING);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    } catch (IOException e) {
      LOG.debug("what workers run on cannot be read, they start without class data", e);
      return folder.resolve("none");
    }
  }

  /** Has one made in a while, if there is none. */
  void makeSoon(WorkerSettings settings) {
    synchronized (this) {
      if (begun || Files.isRegularFile(file(settings))) {
        return;
      }
      begun = true;
    }
    try {
      Future<?> unused = thread.schedule(() -> make(settings), QUIET_MS, TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      LOG.debug("workers are stopped, no class data is made", e);
    }
  }

  private void make(WorkerSettings settings) {
    Path file = file(settings);
    Path work = folder.resolve("work");
    try {
      DriverCopy.remove(folder);
      Files.createDirectories(work.resolve("tmp"));
      Path fresh = work.resolve("fresh" + ENDING);
      int exit = run(settings, work, fresh);
      if (exit == 0 && Files.isRegularFile(fresh)) {
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
        LOG.info("workers start from class data now file={} bytes={}", file, Files.size(file));
      } else if (!closed) {
        LOG.info("no class data can be made, workers start without exit={}", exit);
      }
    } catch (IOException e) {
      LOG.info("no class data can be made, workers start without: {}", e.toString());
    } catch (InterruptedException e) {
      LOG.debug("interrupted while class data is made", e);
    } finally {
      try {
        DriverCopy.remove(work);
      } catch (IOException e) {
        LOG.debug("what class data was made from cannot be removed folder={}", work, e);
      }
    }
  }

  /** Runs a worker whose driver is a part of the platform; its exit code, -1 if it was ended. */
  private int run(WorkerSettings settings, Path work, Path fresh)
      throws IOException, InterruptedException {
    List<String> command =
        WorkerProcess.command(
            settings,
            platform.classPath(),
            List.of("-XX:ArchiveClassesAtExit=" + fresh, "-Xlog:disable"),
            work);
    Process process =
        WorkerProcess.builder(command, settings, work)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    making = process;
    try (LinkFolder links = LinkFolder.create(LinkFolder.defaultBase());
        OutputStream control = process.getOutputStream()) {
      if (closed) {
        process.destroyForcibly();
      }
      List<Path> bundles = platform.bundles();
      int last = bundles.size() - 1;
      Map<String, Object> launch = new HashMap<>();
      launch.put(WorkerMain.SOCKET, links.socket().toString());
      launch.put(WorkerMain.SECRET, LinkSecret.random().hex());
      launch.put(WorkerMain.STORAGE, work.resolve("framework").toString());
      launch.put(WorkerMain.PLATFORM, texts(bundles.subList(0, last)));
      launch.put(WorkerMain.BUNDLES, texts(bundles.subList(last, last + 1)));
      launch.put(WorkerMain.EXPORTS, platform.exports());
      launch.put(WorkerMain.CONFIGURATIONS, 0);
      new ControlMessage(ControlMessage.Kind.LAUNCH, "", "", launch).write(control);
      ControlMessage.of(ControlMessage.Kind.START).write(control);
      ControlMessage.of(ControlMessage.Kind.STOP).write(control);
      // What ends its input ends a worker, so that stays open.
      return process.waitFor(LONGEST_MS, TimeUnit.MILLISECONDS) ? process.exitValue() : -1;
    } finally {
      process.destroyForcibly();
      making = null;
    }
  }

  private static String[] texts(List<Path> paths) {
    return paths.stream().map(Path::toString).toArray(String[]::new);
  }

  /** Makes none any more; one that is being made is given up. */
  @Override
  public void close() {
    closed = true;
    thread.shutdownNow();
    Process process = making;
    if (process != null) {
      process.destroyForcibly();
    }
    try {
      if (!thread.awaitTermination(LONGEST_MS, TimeUnit.MILLISECONDS)) {
        LOG.warn("class data is still being made folder={}", folder);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
