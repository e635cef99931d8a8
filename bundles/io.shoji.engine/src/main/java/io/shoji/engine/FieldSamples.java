/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import io.shoji.disk.Disk;
import io.shoji.disk.LocalDisk;
import io.shoji.operations.FieldSamplePage;
import io.shoji.operations.FieldSamplePolicy;
import io.shoji.operations.FieldSampleStatus;
import io.shoji.operations.GatewayKey;
import io.shoji.operations.OperationException;
import io.shoji.operations.OperationException.Code;
import io.shoji.operations.OperationsPolicy;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.HexFormat;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Real inputs that are kept of models whose policy says so. Those of a model whose policy says so
 * no more are removed, but not at once: while the bundle that brings the policies is exchanged,
 * there is none.
 */
final class FieldSamples {
  /** How long samples outlive their policy. */
  static final long GRACE_MS = 600_000;

  private static final int IDLE_SECONDS = 30;
  private static final int QUEUE = 16;
  private static final Logger LOG = LoggerFactory.getLogger(FieldSamples.class);

  private final @Nullable Path folder;
  private final Disk disk;
  private final SampleKeys keys;
  private final long graceMs;
  private final ThreadPoolExecutor writer;
  private final ConcurrentHashMap<String, Reservoir> reservoirs = new ConcurrentHashMap<>();
  private volatile OperationsPolicy policy = OperationsPolicy.empty();

  /**
   * Field samples.
   *
   * @param folder where they are, in one that exists; null if nothing can be kept
   * @param service the gateway's key, if a service has one now
   * @param graceMs how long samples outlive their policy, milliseconds
   */
  FieldSamples(
      @Nullable Path folder, Disk disk, Supplier<Optional<GatewayKey>> service, long graceMs) {
    this.folder = folder;
    this.disk = disk;
    this.keys = new SampleKeys(folder == null ? Path.of("") : folder, disk, service);
    this.graceMs = graceMs;
    this.writer =
        new ThreadPoolExecutor(
            1,
            1,
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(QUEUE),
            new Threads("field-samples"));
    writer.allowCoreThreadTimeOut(true);
    if (folder != null) {
      find(folder);
    }
  }

  /** None, for there is no place for them. */
  static FieldSamples none() {
    return new FieldSamples(null, new LocalDisk(), Optional::empty, GRACE_MS);
  }

  /** Those of an earlier process. */
  private void find(Path root) {
    if (!Files.isDirectory(root)) {
      return;
    }
    try (DirectoryStream<Path> all = Files.newDirectoryStream(root, Files::isDirectory)) {
      for (Path each : all) {
        String name = model(each.getFileName().toString());
        if (!name.isEmpty()) {
          Reservoir unused = reservoir(name);
        }
      }
    } catch (IOException e) {
      LOG.warn("field samples of before cannot be read folder={}", root, e);
    }
  }

  /** Folders are named by the bytes of the model's name: any name is a good one, and short. */
  private static String folder(String model) {
    return HexFormat.of().formatHex(model.getBytes(StandardCharsets.UTF_8));
  }

  private static String model(String folder) {
    try {
      return new String(HexFormat.of().parseHex(folder), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      LOG.info("what is no folder of field samples is left alone name={}", folder, e);
      return "";
    }
  }

  private @Nullable Reservoir reservoir(String model) {
    Path root = folder;
    if (root == null) {
      return null;
    }
    return reservoirs.computeIfAbsent(
        model,
        name -> {
          Path own = root.resolve(folder(name));
          SampleFiles files;
          try {
            files = SampleFiles.in(own, disk);
          } catch (IOException e) {
            LOG.warn("field samples cannot be read, none are kept model={}", name, e);
            return null;
          }
          Reservoir fresh =
              new Reservoir(name, files, keys, writer, System::nanoTime, Clock.systemUTC());
          fresh.follow(asked(name));
          return fresh;
        });
  }

  private @Nullable FieldSamplePolicy asked(String model) {
    return policy.model(model).fieldSamples().orElse(null);
  }

  /** Shows a generation's requests to the samples of its model. */
  void watch(Generation generation) {
    Reservoir reservoir = reservoir(generation.model.family.name);
    if (reservoir != null) {
      generation.attach(reservoir);
    }
  }

  /** Another policy holds. */
  void configure(OperationsPolicy changed) {
    policy = changed;
    reservoirs.forEach((name, reservoir) -> reservoir.follow(asked(name)));
  }

  /** How long to wait before {@link #sweep}, milliseconds. */
  long graceMs() {
    return graceMs;
  }

  /** Removes the samples of every model that none are to be kept of for so long. */
  void sweep() {
    for (Reservoir each : reservoirs.values()) {
      each.removeUnlessWanted(graceMs);
    }
  }

  /** What is kept of a model; empty if nothing is, nor is to be. */
  Optional<FieldSampleStatus> status(String model) {
    return Optional.ofNullable(reservoirs.get(model))
        .filter(Reservoir::isUsed)
        .map(Reservoir::status);
  }

  /** What is told of a model of which nothing is kept. */
  FieldSampleStatus none(String model) {
    return new FieldSampleStatus(
        model,
        Optional.ofNullable(asked(model)),
        0,
        0,
        0,
        0,
        0,
        Optional.empty(),
        Optional.empty(),
        folder == null ? "none: the framework has no data area for bundles" : keys.origin(),
        "");
  }

  /** Every model that something is kept of, or is to be. */
  Map<String, FieldSampleStatus> all() {
    Map<String, FieldSampleStatus> all = new TreeMap<>();
    reservoirs.forEach((name, unused) -> status(name).ifPresent(s -> all.put(name, s)));
    return all;
  }

  FieldSamplePage export(String model, long from, long mostBytes) throws OperationException {
    Reservoir reservoir = reservoirs.get(model);
    if (reservoir == null || !reservoir.isUsed()) {
      throw new OperationException(
          Code.UNKNOWN_MODEL, "no field samples are kept of the model model=" + model);
    }
    try {
      return reservoir.export(from, mostBytes);
    } catch (IOException | IllegalArgumentException e) {
      throw new OperationException(
          Code.FAILED, "the field samples cannot be exported model=" + model + ": " + e, e);
    }
  }

  /**
   * Writes what was handed over, and ends.
   *
   * @return whether that was done in time
   */
  boolean close(long nanos) throws InterruptedException {
    writer.shutdown();
    return writer.awaitTermination(nanos, TimeUnit.NANOSECONDS);
  }
}
