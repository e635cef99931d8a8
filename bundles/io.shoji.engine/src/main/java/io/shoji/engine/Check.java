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

import io.shoji.accelerator.ModelArtifact;
import io.shoji.inference.InferenceException;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelDescription.Acceptance;
import io.shoji.model.ModelDescription.Evidence;
import io.shoji.model.ModelFile;
import io.shoji.model.ModelPackage;
import io.shoji.model.ModelPackageException;
import io.shoji.model.ModelVariant;
import io.shoji.operations.OperationException;
import io.shoji.operations.OperationException.Code;
import io.shoji.operations.Progress;
import io.shoji.operations.Verification;
import io.shoji.tensor.Tensor;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;

/** Checks what a generation was loaded from, and how it answers. For one thread, used once. */
final class Check {
  private static final int BUFFER_BYTES = 64 << 10;

  private final Engine engine;
  private final Guest guest;
  private final Progress progress;
  private final ModelPackage origin;
  private final ModelDescription description;
  private final List<String> problems = new ArrayList<>();
  private final Set<String> digested = new HashSet<>();
  private final long allBytes;
  private Generation generation;
  private long bytes;

  Check(Engine engine, Generation generation, Progress progress) {
    this.engine = engine;
    this.guest = new Guest(engine, generation);
    this.generation = generation;
    this.progress = progress;
    synchronized (generation.model.family) {
      this.origin = generation.origin();
    }
    this.description = origin.description();
    long sum = 1;
    Set<String> counted = new HashSet<>();
    for (ModelVariant variant : description.variants()) {
      for (ModelFile file : variant.files()) {
        sum += counted.add(file.sha256()) ? file.size() : 0;
      }
    }
    this.allBytes = sum + description.golden().map(g -> g.file().size()).orElse(0L);
  }

  /** Does it. */
  Verification verify() throws OperationException {
    if (!description.sha256().equals(generation.contentSha256)) {
      throw guest.replaced();
    }
    for (ModelVariant variant : description.variants()) {
      try (ModelPackage.Lease<ModelArtifact> lease = origin.acquire(variant.name())) {
        for (int i = 0; i < variant.files().size(); i++) {
          digest(lease.get().files().get(i), variant.files().get(i));
        }
      } catch (ModelPackageException e) {
        problems.add("the files cannot be had: " + e.getMessage());
      }
    }
    GoldenScore score = new GoldenScore(description);
    if (description.golden().isPresent()) {
      try (ModelPackage.Lease<Path> lease = origin.acquireGolden()) {
        digest(lease.get(), description.golden().get().file());
        runGolden(lease.get(), score);
      } catch (ModelPackageException e) {
        problems.add("the golden samples cannot be had: " + e.getMessage());
      } catch (IOException e) {
        problems.add("the golden samples cannot be read: " + e);
      }
    }
    Optional<String> metric =
        description
            .acceptance()
            .map(Acceptance::metric)
            .or(() -> description.evidence().map(Evidence::metric));
    OptionalDouble minimum =
        description.acceptance().isPresent()
            ? OptionalDouble.of(description.acceptance().get().minimum())
            : OptionalDouble.empty();
    OptionalDouble value = metric.isPresent() ? score.value(metric.get()) : OptionalDouble.empty();
    if (minimum.isPresent()
        && value.isPresent()
        && !(value.getAsDouble() >= minimum.getAsDouble())) {
      problems.add(
          "the model is worse here than its package accepts metric="
              + metric.orElse("")
              + " asked="
              + minimum.getAsDouble()
              + " found="
              + value.getAsDouble()
              + " samples="
              + score.samples());
    }
    progress.report(1, "verified " + generation);
    return new Verification(
        generation.provenance,
        problems.isEmpty(),
        problems,
        digested.size(),
        bytes,
        score.samples(),
        metric,
        value,
        minimum,
        score.maxDifference());
  }

  private void checkCancelled() throws OperationException {
    if (progress.cancelled() || Thread.currentThread().isInterrupted()) {
      throw new OperationException(Code.CANCELLED, "the check was cancelled " + generation);
    }
  }

  private void digest(Path path, ModelFile file) throws OperationException {
    if (!digested.add(file.sha256())) {
      return;
    }
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
    try (InputStream in = Files.newInputStream(path)) {
      byte[] buffer = new byte[BUFFER_BYTES];
      for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
        digest.update(buffer, 0, count);
        bytes += count;
        progress.report(
            Math.min(0.5, 0.5 * bytes / allBytes), "computing digests path=" + file.path());
        checkCancelled();
      }
    } catch (IOException e) {
      problems.add("a stored file cannot be read path=" + file.path() + " cause=" + e);
      return;
    }
    String found = HexFormat.of().formatHex(digest.digest());
    if (!found.equals(file.sha256())) {
      problems.add(
          "a stored file is damaged path="
              + file.path()
              + " asked="
              + file.sha256()
              + " found="
              + found);
    }
  }

  private void runGolden(Path path, GoldenScore score) throws OperationException, IOException {
    GoldenSamples samples;
    try {
      samples = GoldenSamples.read(path);
    } catch (IllegalArgumentException e) {
      problems.add("the golden samples cannot be used: " + e.getMessage());
      return;
    }
    int count = description.golden().map(ModelDescription.GoldenSamples::count).orElse(0);
    for (int i = 0; i < count; i++) {
      checkCancelled();
      try {
        List<Tensor> inputs = samples.inputs(description, i);
        generation = guest.enter();
        List<Tensor> outputs =
            engine.runOn(generation, inputs, System.nanoTime(), Guest.deadline(), false).outputs();
        score.add(samples, i, outputs, generation.outputs);
      } catch (IllegalArgumentException e) {
        problems.add("a golden sample cannot be used sample=" + i + ": " + e.getMessage());
        return;
      } catch (UncheckedIOException e) {
        throw e.getCause();
      } catch (InferenceException e) {
        problems.add("a golden sample could not be run sample=" + i + ": " + e.getMessage());
        return;
      }
      progress.report(0.5 + 0.5 * (i + 1) / (count + 1), "running golden samples done=" + (i + 1));
    }
    problems.addAll(score.problems());
  }
}
