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
import io.shoji.accelerator.Precision;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelFile;
import io.shoji.model.ModelPackage;
import io.shoji.model.ModelPackageException;
import io.shoji.model.ModelVariant;
import io.shoji.tensor.TensorSpec;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.osgi.framework.Version;

/** A package without files; counts the holds on it. */
final class FakePackage implements ModelPackage {
  final AtomicInteger holds = new AtomicInteger();

  /** Whether the engine wants it kept over updates. */
  volatile boolean good;

  private final ModelDescription description;
  private final boolean retained;
  private final Path golden;
  private final Path file;

  /** Files of variants that do not have the package's one file. */
  final Map<String, Path> files = new HashMap<>();

  FakePackage(ModelDescription description) {
    this(description, false, Path.of("/model.onnx"), Path.of("/golden"));
  }

  /** With files that are really there. */
  FakePackage(ModelDescription description, boolean retained, Path file, Path golden) {
    this.description = description;
    this.retained = retained;
    this.file = file;
    this.golden = golden;
  }

  /** The same contents, as a package that is kept to go back to. */
  FakePackage asRetained() {
    return new FakePackage(description, true, file, golden);
  }

  static FakePackage of(String name, String version) {
    return of(name, version, variant("onnx-fp32", ""));
  }

  static FakePackage of(String name, String version, ModelVariant... variants) {
    return new FakePackage(
        description(
            name,
            version,
            name + version,
            FakeAccelerator.INPUTS,
            FakeAccelerator.OUTPUTS,
            variants));
  }

  static ModelDescription description(
      String name,
      String version,
      String sha256,
      List<TensorSpec> inputs,
      List<TensorSpec> outputs,
      ModelVariant... variants) {
    return new ModelDescription(
        name,
        Version.parseVersion(version),
        name,
        "",
        "EPL-2.0",
        "other",
        inputs,
        outputs,
        List.of(),
        List.of(variants),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        sha256);
  }

  static ModelVariant variant(String name, String filter) {
    return variant(name, "onnx", Precision.FP32, filter);
  }

  static ModelVariant variant(String name, String format, Precision precision, String filter) {
    return new ModelVariant(
        name,
        format,
        precision,
        filter,
        List.of(new ModelFile(name + ".onnx", "sha-" + name, 1)),
        Map.of());
  }

  @Override
  public ModelDescription description() {
    return description;
  }

  @Override
  public String origin() {
    return "io.shoji.model."
        + description.name()
        + " "
        + description.version()
        + (retained ? " retained" : "");
  }

  @Override
  public boolean retained() {
    return retained;
  }

  @Override
  public void keep(boolean isGood) {
    good = isGood;
  }

  @Override
  public Lease<ModelArtifact> acquire(String variant) throws ModelPackageException {
    ModelVariant found =
        description
            .variant(variant)
            .orElseThrow(
                () -> new ModelPackageException(variant, List.of("no such variant"), null));
    holds.incrementAndGet();
    ModelArtifact artifact =
        new ModelArtifact(
            description.name(),
            description.version().toString(),
            variant,
            found.format(),
            found.precision(),
            found.files().get(0).sha256(),
            List.of(files.getOrDefault(variant, file)),
            description.inputsOf(found),
            description.outputsOf(found),
            Map.of());
    return lease(artifact);
  }

  private <T> Lease<T> lease(T held) {
    AtomicBoolean closed = new AtomicBoolean();
    return new Lease<>() {
      @Override
      public T get() {
        return held;
      }

      @Override
      public void close() {
        if (closed.compareAndSet(false, true)) {
          holds.decrementAndGet();
        }
      }
    };
  }

  @Override
  public Lease<Path> acquireGolden() throws ModelPackageException {
    if (description.golden().isEmpty()) {
      throw new ModelPackageException("golden", List.of("none"), null);
    }
    holds.incrementAndGet();
    return lease(golden);
  }
}
