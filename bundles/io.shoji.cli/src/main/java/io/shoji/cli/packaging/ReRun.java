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

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.cli.CommandException;
import io.shoji.cli.Environment;
import io.shoji.cli.local.LocalAccelerators;
import io.shoji.cli.samples.ModelInterface;
import io.shoji.cli.samples.SampleDigest;
import io.shoji.cli.samples.SampleOptions;
import io.shoji.cli.samples.SampleSet;
import io.shoji.cli.samples.SampleSets;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelVariant;
import io.shoji.quantizer.Evaluation;
import io.shoji.quantizer.onnx.QuantizerException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * Measures variants of a package anew on this machine.
 *
 * @param environment for the progress
 * @param evaluation samples; empty for each package's golden samples
 * @param accelerator which one; empty for any that can
 */
record ReRun(
    Environment environment,
    boolean quiet,
    Optional<Path> evaluation,
    Optional<String> accelerator) {
  private static final double PERCENTILE = 0.99;

  /**
   * Runs a variant on all samples.
   *
   * @param golden the package's golden samples, unpacked
   */
  List<Finding> run(
      LocalAccelerators local,
      ModelDescription model,
      ModelVariant variant,
      List<Path> files,
      Optional<Path> golden)
      throws InterruptedException {
    Optional<Path> from = evaluation.or(() -> golden);
    if (from.isEmpty()) {
      return List.of(
          Finding.skipped(
              variant.name(),
              "cannot be run: the package has no golden samples; name some with --evaluation"));
    }
    Accelerator chosen;
    try {
      chosen = local.accelerator(accelerator, variant.format(), variant.precision());
    } catch (CommandException e) {
      return List.of(
          Finding.skipped(variant.name(), "cannot be run on this machine: " + e.getMessage()));
    }
    String metric =
        model
            .acceptance()
            .map(ModelDescription.Acceptance::metric)
            .or(() -> variant.evidence().map(ModelVariant.Evidence::metric))
            .or(() -> model.evidence().map(ModelDescription.Evidence::metric))
            .orElse("top1");
    SampleOptions options =
        new SampleOptions(
            model.pipeline(), model.labels(), Optional.empty(), SampleOptions.Expected.of(metric));
    List<Long> nanos = new ArrayList<>();
    try (SampleSet samples =
            SampleSets.open(
                from.get(), new ModelInterface(model.inputs(), model.outputs()), options);
        LocalModel loaded = LocalModel.load(chosen, model, variant, files);
        FollowedWork progress = new FollowedWork(environment, quiet, "running " + variant.name())) {
      Evaluation found =
          Evaluation.measure(
              inputs -> {
                long begin = System.nanoTime();
                var outputs = loaded.run(inputs);
                nanos.add(System.nanoTime() - begin);
                return outputs;
              },
              samples,
              metric,
              progress);
      String digest = SampleDigest.of(samples, progress.next("computing the samples' digest"));
      return List.of(
          judge(model, variant, found, digest, chosen, loaded.runtime()),
          latency(model, variant, nanos));
    } catch (QuantizerException e) {
      if (e.code() == QuantizerException.Code.CANCELLED) {
        throw new InterruptedException();
      }
      return List.of(
          Finding.failed(
              variant.name(), "cannot be measured: " + e.getMessage() + " code=" + e.code()));
    } catch (AcceleratorException e) {
      return List.of(
          Finding.failed(
              variant.name(),
              "does not load on this machine: "
                  + e.getMessage()
                  + " code="
                  + e.code()
                  + " accelerator="
                  + chosen.info()));
    } catch (IllegalArgumentException e) {
      return List.of(
          Finding.failed(
              variant.name(), "the file is not what the package says: " + e.getMessage()));
    }
  }

  private static Finding judge(
      ModelDescription model,
      ModelVariant variant,
      Evaluation found,
      String digest,
      Accelerator on,
      String runtime) {
    Optional<ModelVariant.Evidence> evidence = variant.evidence();
    boolean same = evidence.map(e -> e.evaluationSha256().equals(digest)).orElse(false);
    OptionalDouble claimed =
        same && evidence.get().metric().equals(found.metric())
            ? OptionalDouble.of(evidence.get().value())
            : OptionalDouble.empty();
    String facts =
        " metric="
            + found.metric()
            + " found="
            + found.value()
            + " samples="
            + found.count()
            + " on="
            + on.info().kind()
            + ":"
            + on.info().device()
            + " runtime="
            + runtime;
    if (claimed.isPresent() && Double.compare(claimed.getAsDouble(), found.value()) != 0) {
      return Finding.failed(
          variant.name(),
          "run anew on the same samples, the figure is another one than in the evidence evidence="
              + claimed.getAsDouble()
              + " evidenceRuntime="
              + evidence.get().runtime()
              + facts);
    }
    if (model.acceptance().isPresent()
        && model.acceptance().get().metric().equals(found.metric())
        && !(found.value() >= model.acceptance().get().minimum())) {
      return Finding.failed(
          variant.name(),
          "run anew, it does not reach what the package asks for minimum="
              + model.acceptance().get().minimum()
              + facts);
    }
    return Finding.ok(
        variant.name(),
        (claimed.isPresent()
                ? "run anew on the very samples of the evidence: the same figure"
                : "run anew on other samples than the evidence's, it reaches the minimum")
            + facts);
  }

  /** Here is not the device: what is measured is told, and nothing depends on it. */
  private static Finding latency(ModelDescription model, ModelVariant variant, List<Long> nanos) {
    List<Long> sorted = nanos.stream().sorted().toList();
    long p99 = sorted.get((int) Math.ceil(sorted.size() * PERCENTILE) - 1);
    return Finding.note(
        variant.name(),
        String.format(
            Locale.ROOT,
            "latency on this machine p50Ms=%.3f p99Ms=%.3f%s",
            sorted.get((sorted.size() - 1) / 2) / 1e6,
            p99 / 1e6,
            model
                .acceptance()
                .flatMap(ModelDescription.Acceptance::p99Ms)
                .map(limit -> " limitOnTheDeviceMs=" + limit)
                .orElse("")));
  }
}
