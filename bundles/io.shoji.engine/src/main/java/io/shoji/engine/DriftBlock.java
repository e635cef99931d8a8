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

import io.shoji.model.DriftFeatures;
import io.shoji.model.DriftReference;
import io.shoji.model.DriftReference.Feature;
import io.shoji.tensor.Tensor;
import java.util.Arrays;
import java.util.List;

/** Samples of half a window, as counts and sums: as large as it ever is. One thread at a time. */
final class DriftBlock implements DriftFeatures.Sink {
  /** Samples in it. */
  int samples;

  /** Counts by feature and bin. */
  final long[][] counts;

  /** Of each feature's sample means, less the mean of the reference: how many, sum, squares. */
  final int[] numbers;

  final double[] sums;
  final double[] squares;

  /** Products of each with the one before. */
  final double[] products;

  private final List<Feature> features;
  private final double[] sampleSum;
  private final int[] sampleCount;
  private final double[] before;

  DriftBlock(DriftReference reference) {
    features = reference.features();
    int size = features.size();
    counts = new long[size][];
    for (int i = 0; i < size; i++) {
      counts[i] = new long[features.get(i).edges().size() + 1];
    }
    numbers = new int[size];
    sums = new double[size];
    squares = new double[size];
    products = new double[size];
    sampleSum = new double[size];
    sampleCount = new int[size];
    before = new double[size];
  }

  /** Empties it. */
  void clear() {
    samples = 0;
    for (long[] each : counts) {
      Arrays.fill(each, 0);
    }
    Arrays.fill(numbers, 0);
    Arrays.fill(sums, 0);
    Arrays.fill(squares, 0);
    Arrays.fill(products, 0);
  }

  /** Adds a sample of a batch. */
  void add(DriftFeatures extractor, List<Tensor> inputs, List<Tensor> outputs, int item) {
    Arrays.fill(sampleSum, 0);
    Arrays.fill(sampleCount, 0);
    extractor.extract(inputs, outputs, item, this);
    for (int i = 0; i < sums.length; i++) {
      double value = sampleSum[i] / sampleCount[i] - features.get(i).mean();
      if (Double.isFinite(value)) {
        products[i] += numbers[i] == 0 ? 0 : value * before[i];
        sums[i] += value;
        squares[i] += value * value;
        before[i] = value;
        numbers[i]++;
      }
    }
    samples++;
  }

  @Override
  public void value(int feature, double value) {
    counts[feature][features.get(feature).bin(value)]++;
    sampleSum[feature] += value;
    sampleCount[feature]++;
  }
}
