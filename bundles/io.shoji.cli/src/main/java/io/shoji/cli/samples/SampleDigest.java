/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.samples;

import io.shoji.operations.Progress;
import io.shoji.quantizer.LabelledSamples;
import io.shoji.quantizer.Samples;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;

/**
 * SHA-256 of samples, whatever files they came from: of each sample in order its inputs, sorted by
 * name, and then what is expected of it, under the name {@code expected}. Of a tensor go in: length
 * of the name in UTF-8 (32 bits) and the name, length of the element type's name and that, the rank
 * (32 bits), the dimensions (64 bits each), the number of bytes (64 bits) and the bytes; all little
 * endian.
 */
public final class SampleDigest {
  private final MessageDigest digest;

  private SampleDigest() {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /**
   * Of the inputs alone, as calibration sees them. Reads all samples, and so checks them.
   *
   * @param each is told the digest of each sample's inputs
   * @return lower-case hex
   * @throws QuantizerException as the samples do; CANCELLED
   */
  public static String ofInputs(Samples samples, Consumer<String> each, Progress progress)
      throws QuantizerException {
    SampleDigest digest = new SampleDigest();
    for (int i = 0; i < samples.size(); i++) {
      Map<String, Tensor> inputs = samples.inputs(i);
      digest.add(inputs);
      each.accept(of(inputs));
      report(progress, i, samples.size());
    }
    return HexFormat.of().formatHex(digest.digest.digest());
  }

  /**
   * Of inputs and what is expected. Reads all samples, and so checks them.
   *
   * @param each is told the digest of each sample's inputs
   * @return lower-case hex
   * @throws QuantizerException as the samples do; CANCELLED
   */
  public static String of(LabelledSamples samples, Consumer<String> each, Progress progress)
      throws QuantizerException {
    SampleDigest digest = new SampleDigest();
    for (int i = 0; i < samples.size(); i++) {
      Map<String, Tensor> inputs = samples.inputs(i);
      digest.add(inputs);
      each.accept(of(inputs));
      digest.add("expected", samples.expected(i));
      report(progress, i, samples.size());
    }
    return HexFormat.of().formatHex(digest.digest.digest());
  }

  /** As {@link #ofInputs(Samples, Consumer, Progress)}. */
  public static String ofInputs(Samples samples, Progress progress) throws QuantizerException {
    return ofInputs(samples, each -> {}, progress);
  }

  /** As {@link #of(LabelledSamples, Consumer, Progress)}. */
  public static String of(LabelledSamples samples, Progress progress) throws QuantizerException {
    return of(samples, each -> {}, progress);
  }

  private static String of(Map<String, Tensor> inputs) {
    SampleDigest digest = new SampleDigest();
    digest.add(inputs);
    return HexFormat.of().formatHex(digest.digest.digest());
  }

  private static void report(Progress progress, int index, int size) throws QuantizerException {
    if (progress.cancelled()) {
      throw new QuantizerException(Code.CANCELLED, "cancelled while samples were read");
    }
    progress.report((index + 1.0) / size, "reading sample " + (index + 1) + " of " + size);
  }

  private void add(Map<String, Tensor> inputs) {
    new TreeMap<>(inputs).forEach(this::add);
  }

  private void add(String name, Tensor tensor) {
    text(name);
    text(tensor.type().name());
    int rank = tensor.shape().rank();
    ByteBuffer numbers =
        ByteBuffer.allocate(4 + 8 * rank + 8).order(ByteOrder.LITTLE_ENDIAN).putInt(rank);
    for (int axis = 0; axis < rank; axis++) {
      numbers.putLong(tensor.shape().dim(axis));
    }
    numbers.putLong(tensor.byteSize());
    digest.update(numbers.flip());
    // Every machine that Shoji runs on is little endian, and tensors are in native order.
    digest.update(tensor.data().duplicate());
  }

  private void text(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    digest.update(
        ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(bytes.length).flip());
    digest.update(bytes);
  }
}
