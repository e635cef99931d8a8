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

import io.shoji.accelerator.Accelerator;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A worker's process and the link to it, as a gateway has them. */
final class Worker implements AutoCloseable, LinkListener {
  private static final long PATIENCE_SECONDS = 60;

  private final LinkFolder folder;
  private final Process process;
  private final LinkClient client;
  private final Map<Accelerator, Map<String, Object>> properties = new ConcurrentHashMap<>();
  private final LinkedBlockingQueue<Accelerator> arrivals = new LinkedBlockingQueue<>();
  private final LinkedBlockingQueue<Accelerator> departures = new LinkedBlockingQueue<>();
  private final CountDownLatch ended = new CountDownLatch(1);
  private volatile @Nullable LinkLoss loss;

  private Worker(LinkFolder folder, LinkOptions options, List<String> arguments)
      throws IOException, InterruptedException {
    this.folder = folder;
    LinkSecret secret = LinkSecret.random();
    this.process = start(folder, secret, arguments);
    this.client = connect(folder, secret, options);
  }

  private LinkClient connect(LinkFolder place, LinkSecret secret, LinkOptions options)
      throws IOException, InterruptedException {
    return LinkClient.connect(place, secret, Duration.ofSeconds(PATIENCE_SECONDS), options, this);
  }

  /** One with the accelerator of the tests. */
  static Worker tiny(LinkOptions options) throws IOException, InterruptedException {
    return new Worker(LinkFolder.create(LinkFolder.defaultBase()), options, List.of("tiny"));
  }

  /** One with the CPU driver. */
  static Worker cpu(Path work, Path library, LinkOptions options)
      throws IOException, InterruptedException {
    return new Worker(
        LinkFolder.create(LinkFolder.defaultBase()),
        options,
        List.of("cpu", work.toString(), library.toString()));
  }

  private static Process start(LinkFolder folder, LinkSecret secret, List<String> arguments)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx128m", "-XX:+UseSerialGC"));
    if (!Boolean.getBoolean("shoji.link.optimized")) {
      // Tests start many, and none for long.
      command.add("-XX:TieredStopAtLevel=1");
    }
    command.add("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn");
    command.add("-cp");
    command.add(
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")));
    command.add(WorkerMain.class.getName());
    command.add(arguments.get(0));
    command.add(folder.socket().toString());
    command.addAll(arguments.subList(1, arguments.size()));
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(ProcessBuilder.Redirect.INHERIT)
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    OutputStream in = process.getOutputStream();
    in.write((secret.hex() + "\n").getBytes(StandardCharsets.US_ASCII));
    in.flush();
    return process;
  }

  LinkClient client() {
    return client;
  }

  Process process() {
    return process;
  }

  LinkFolder folder() {
    return folder;
  }

  /** The next accelerator that arrives. */
  Accelerator accelerator() throws InterruptedException {
    return next(arrivals);
  }

  /** The next accelerator that leaves. */
  Accelerator departure() throws InterruptedException {
    return next(departures);
  }

  private static Accelerator next(LinkedBlockingQueue<Accelerator> queue)
      throws InterruptedException {
    Accelerator found = queue.poll(PATIENCE_SECONDS, TimeUnit.SECONDS);
    if (found == null) {
      throw new AssertionError("no accelerator in seconds=" + PATIENCE_SECONDS);
    }
    return found;
  }

  Map<String, Object> properties(Accelerator accelerator) {
    return properties.getOrDefault(accelerator, Map.of());
  }

  /** Waits for the end of the link. */
  LinkLoss loss() throws InterruptedException {
    LinkLoss found = ended.await(PATIENCE_SECONDS, TimeUnit.SECONDS) ? loss : null;
    if (found == null) {
      throw new AssertionError("the link does not end in seconds=" + PATIENCE_SECONDS);
    }
    return found;
  }

  @Override
  public void arrived(Accelerator accelerator, Map<String, Object> itsProperties) {
    properties.put(accelerator, itsProperties);
    arrivals.add(accelerator);
  }

  @Override
  public void left(Accelerator accelerator) {
    departures.add(accelerator);
  }

  @Override
  public void lost(LinkLoss why) {
    loss = why;
    ended.countDown();
  }

  /** Ends the link, and sees the process end by itself. */
  @Override
  public void close() throws InterruptedException {
    client.close();
    boolean ends = process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS);
    process.destroyForcibly();
    folder.close();
    if (!ends) {
      throw new AssertionError("the worker does not end by itself");
    }
  }
}
