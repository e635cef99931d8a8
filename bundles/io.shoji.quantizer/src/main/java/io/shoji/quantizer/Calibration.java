/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer;

import io.shoji.operations.Progress;
import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What a model's tensors hold while it runs on a calibration set. Immutable.
 *
 * @param statistics of each tensor that was watched
 * @param samples how many samples were run
 * @param sha256 digest of the samples' names, types, shapes and bytes in their order, lower-case
 *     hex
 */
public record Calibration(Map<String, TensorStatistics> statistics, int samples, String sha256) {
  /** Fewer representative inputs than this make no trustworthy range. */
  public static final int FEWEST_SAMPLES = 100;

  /** Memory for the tensors that are watched at once, bytes. */
  private static final long WATCHED_BYTES = 64L << 20;

  /**
   * Runs a model node by node on all samples and watches tensors. Sample by sample, and in several
   * passes if the tensors do not fit in 64 MiB together.
   *
   * @param tensors names of FLOAT32 tensors
   * @param specs their descriptions
   * @param force whether fewer than {@link #FEWEST_SAMPLES} will do
   * @throws QuantizerException TOO_FEW_SAMPLES, BAD_SAMPLES (naming the sample), CANCELLED, RUNTIME
   */
  public static Calibration run(
      OnnxModel model,
      Collection<String> tensors,
      Map<String, TensorSpec> specs,
      Samples samples,
      boolean force,
      ModelRunner runner,
      Progress progress)
      throws QuantizerException {
    if (samples.size() == 0) {
      throw new QuantizerException(Code.TOO_FEW_SAMPLES, "there are no calibration samples");
    }
    if (samples.size() < FEWEST_SAMPLES && !force) {
      throw new QuantizerException(
          Code.TOO_FEW_SAMPLES,
          "ranges need representative inputs: 100 to 1000, each as the device will see it found="
              + samples.size()
              + " needed="
              + FEWEST_SAMPLES);
    }
    Map<String, TensorStatistics> statistics = new LinkedHashMap<>();
    Set<String> inputs = new LinkedHashSet<>(model.graph().inputNames());
    tensors.forEach(tensor -> statistics.put(tensor, new TensorStatistics()));
    List<Set<String>> passes = passes(tensors, inputs, specs, samples.inputs(0));
    MessageDigest digest = newDigest();
    for (int pass = 0; pass < passes.size(); pass++) {
      try (ModelRunner.Session session =
          runner.openPlain(ModelRunner.exposing(model, passes.get(pass)))) {
        for (int i = 0; i < samples.size(); i++) {
          if (progress.cancelled()) {
            throw new QuantizerException(Code.CANCELLED, "cancelled during calibration");
          }
          double done = pass + (double) i / samples.size();
          progress.report(
              done / passes.size(), "calibrating, sample " + (i + 1) + " of " + samples.size());
          Map<String, Tensor> sample = samples.inputs(i);
          if (pass == 0) {
            check(sample, i);
            digest(digest, sample);
            inputs.stream()
                .filter(statistics::containsKey)
                .forEach(name -> watch(statistics, name, sample.get(name)));
          }
          Map<String, Tensor> results;
          try {
            results = session.run(sample);
          } catch (QuantizerException e) {
            throw e.at("sample=" + i);
          }
          for (String name : passes.get(pass)) {
            watch(statistics, name, results.get(name));
          }
        }
      }
    }
    for (Map.Entry<String, TensorStatistics> entry : statistics.entrySet()) {
      if (entry.getValue().notNumbers() > 0) {
        throw new QuantizerException(
            Code.BAD_SAMPLES,
            "the model computes values that are no numbers tensor="
                + entry.getKey()
                + " count="
                + entry.getValue().notNumbers());
      }
    }
    progress.report(1, "calibrated on " + samples.size() + " samples");
    return new Calibration(
        Map.copyOf(statistics), samples.size(), HexFormat.of().formatHex(digest.digest()));
  }

  private static void watch(
      Map<String, TensorStatistics> statistics, String name, @Nullable Tensor tensor) {
    TensorStatistics watched = statistics.get(name);
    if (watched != null && tensor != null && tensor.type() == ElementType.FLOAT32) {
      watched.add(tensor.floats());
    }
  }

  private static void check(Map<String, Tensor> sample, int index) throws QuantizerException {
    for (Map.Entry<String, Tensor> entry : sample.entrySet()) {
      Tensor tensor = entry.getValue();
      if (tensor.type().isFloatingPoint()) {
        for (int i = 0; i < tensor.elementCount(); i++) {
          if (!Float.isFinite(tensor.getFloat(i))) {
            throw new QuantizerException(
                Code.BAD_SAMPLES,
                "a sample holds a value that is no finite number sample="
                    + index
                    + " input="
                    + entry.getKey()
                    + " element="
                    + i
                    + " found="
                    + tensor.getFloat(i));
          }
        }
      }
    }
  }

  private static void digest(MessageDigest digest, Map<String, Tensor> sample) {
    for (Map.Entry<String, Tensor> entry : new TreeMap<>(sample).entrySet()) {
      digest.update((entry.getKey() + "=" + entry.getValue()).getBytes(StandardCharsets.UTF_8));
      ByteBuffer content = entry.getValue().data().duplicate();
      digest.update(content);
    }
  }

  private static MessageDigest newDigest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /**
   * The tensors in groups that fit in {@link #WATCHED_BYTES}; those that are inputs or of unknown
   * size are in none.
   *
   * @param sample one of the samples, for the batch
   */
  static List<Set<String>> passes(
      Collection<String> tensors,
      Set<String> inputs,
      Map<String, TensorSpec> specs,
      Map<String, Tensor> sample) {
    long batch = 1;
    for (Tensor tensor : sample.values()) {
      batch = Math.max(batch, tensor.shape().rank() == 0 ? 1 : tensor.shape().dim(0));
    }
    List<Set<String>> passes = new ArrayList<>();
    Set<String> pass = new LinkedHashSet<>();
    long bytes = 0;
    for (String tensor : tensors) {
      TensorSpec spec = specs.get(tensor);
      if (spec == null || inputs.contains(tensor)) {
        continue;
      }
      long size = 4 * spec.shape().withDynamicAs(batch).elementCount();
      if (!pass.isEmpty() && bytes + size > WATCHED_BYTES) {
        passes.add(pass);
        pass = new LinkedHashSet<>();
        bytes = 0;
      }
      pass.add(tensor);
      bytes += size;
    }
    passes.add(pass);
    return passes;
  }
}
