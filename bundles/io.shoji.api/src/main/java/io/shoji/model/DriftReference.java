/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.model;

import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * How what a model takes and gives was distributed when it was calibrated: a histogram per {@link
 * Feature}, to hold the field against. Small whatever the samples were. Immutable.
 *
 * @param count samples that it was made of, 2 or more
 * @param source what these were
 * @param samplesSha256 digest over the samples, as that of a calibration set
 * @param features at least one, at most {@value #MOST_FEATURES}
 */
public record DriftReference(
    int count, Source source, String samplesSha256, List<Feature> features) {
  /** Most features. */
  public static final int MOST_FEATURES = 128;

  /** Most edges of a histogram. */
  public static final int MOST_EDGES = 63;

  /** Most classes whose histograms are kept apart. */
  public static final int MOST_CLASSES = 16;

  /** Most counts over all features. */
  public static final int MOST_COUNTS = 16_384;

  /** Most elements of a channel that count, in so many runs of {@value #RUN}. */
  public static final int MOST_ELEMENTS = 2_048;

  /** Neighbouring elements that are read together where not all are read. */
  public static final int RUN = 64;

  /** Elements of a sample's channel that {@link Kind#VALUE} takes. */
  public static final int VALUES = 16;

  /** Which samples a reference was made of. */
  public enum Source {
    /** What the model was calibrated with. */
    CALIBRATION,
    /** Held-out samples. */
    EVALUATION
  }

  /** Where a tensor belongs. */
  public enum Side {
    /** What applications give. */
    INPUT,
    /** What applications get. */
    OUTPUT
  }

  /**
   * What is looked at in one sample. Values are those of the tensor as applications give and get
   * it; of channels with more than {@value DriftReference#MOST_ELEMENTS} elements, the same
   * elements each time.
   */
  public enum Kind {
    /** The elements themselves, at most {@value DriftReference#VALUES}, evenly spaced. */
    VALUE,
    /** Their mean: light, offset. */
    MEAN,
    /** Their standard deviation: gain, contrast, a dead channel. */
    STD,
    /** The least of them. */
    MIN,
    /** The greatest of them: clipping. */
    MAX,
    /** The mean difference between neighbours, taken as positive: noise, blur. */
    STEP,
    /** The index of the greatest: the class that is answered. */
    LABEL,
    /** The greatest less the second: how sure the answer is, in the output's own unit. */
    MARGIN
  }

  /**
   * One histogram. Bin 0 is up to the first edge and with it, bin {@code i} is above edge {@code i
   * - 1} and up to edge {@code i}, the last one above the last edge.
   *
   * @param side whether it is of an input or an output
   * @param tensor name of the tensor
   * @param axis dimension of the channels, 1 or more; 0 if the tensor is looked at as a whole
   * @param channel index of the channel; 0 if the tensor is looked at as a whole
   * @param kind what is looked at
   * @param mean mean over the samples
   * @param std standard deviation over the samples, of the population
   * @param edges strictly rising, finite, 1 to {@value DriftReference#MOST_EDGES}
   * @param counts one row, or one for each class that was answered; each row one more than the
   *     edges, none negative
   */
  public record Feature(
      Side side,
      String tensor,
      int axis,
      int channel,
      Kind kind,
      double mean,
      double std,
      List<Double> edges,
      List<List<Long>> counts) {

    /**
     * Copies the lists.
     *
     * @throws IllegalArgumentException if edges or counts are not as described
     */
    public Feature {
      edges = List.copyOf(edges);
      counts = counts.stream().map(List::copyOf).toList();
      if (axis < 0 || channel < 0 || (axis == 0 && channel != 0)) {
        throw new IllegalArgumentException(
            "no such channel axis=" + axis + " channel=" + channel + " tensor=" + tensor);
      }
      if (edges.isEmpty() || edges.size() > MOST_EDGES) {
        throw new IllegalArgumentException(
            "a histogram has 1 to " + MOST_EDGES + " edges found=" + edges.size());
      }
      for (int i = 0; i < edges.size(); i++) {
        if (!Double.isFinite(edges.get(i)) || (i > 0 && !(edges.get(i) > edges.get(i - 1)))) {
          throw new IllegalArgumentException(
              "edges are finite and rise strictly index=" + i + " found=" + edges);
        }
      }
      long total = 0;
      for (List<Long> row : counts) {
        if (row.size() != edges.size() + 1) {
          throw new IllegalArgumentException(
              "a row has one count more than there are edges asked="
                  + (edges.size() + 1)
                  + " found="
                  + row.size());
        }
        for (long each : row) {
          if (each < 0) {
            throw new IllegalArgumentException("a count is negative found=" + each);
          }
          total += each;
        }
      }
      if (total == 0 || counts.size() > MOST_CLASSES) {
        throw new IllegalArgumentException(
            "a histogram has 1 to "
                + MOST_CLASSES
                + " rows and at least one count that is not 0 rows="
                + counts.size());
      }
    }

    /** The bin of a value; what is no number is in the last one. */
    public int bin(double value) {
      return DriftReference.bin(edges, value);
    }

    /** What it is of, as {@code input image channel 0 mean}. */
    public String label() {
      return (side == Side.INPUT ? "input " : "output ")
          + tensor
          + (axis == 0 ? "" : " channel " + channel)
          + " "
          + kind.name().toLowerCase(Locale.ROOT);
    }
  }

  /** The bin of a value; what is no number is in the last one. */
  public static int bin(List<Double> edges, double value) {
    if (Double.isNaN(value)) {
      return edges.size();
    }
    int bin = 0;
    while (bin < edges.size() && edges.get(bin) < value) {
      bin++;
    }
    return bin;
  }

  /**
   * Copies the list.
   *
   * @throws IllegalArgumentException if there are too few samples, too few or too many features, a
   *     feature twice, or too many counts
   */
  public DriftReference {
    features = List.copyOf(features);
    if (count < 2) {
      throw new IllegalArgumentException("a reference takes 2 samples or more found=" + count);
    }
    if (features.isEmpty() || features.size() > MOST_FEATURES) {
      throw new IllegalArgumentException(
          "a reference has 1 to " + MOST_FEATURES + " features found=" + features.size());
    }
    long counts = 0;
    Set<String> labels = new HashSet<>();
    for (Feature feature : features) {
      counts += (long) feature.counts().size() * (feature.edges().size() + 1);
      if (!labels.add(feature.label())) {
        throw new IllegalArgumentException("a feature is there twice found=" + feature.label());
      }
    }
    if (counts > MOST_COUNTS) {
      throw new IllegalArgumentException(
          "a reference has at most " + MOST_COUNTS + " counts found=" + counts);
    }
  }
}
