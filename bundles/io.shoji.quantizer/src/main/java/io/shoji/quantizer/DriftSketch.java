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

import io.shoji.model.DriftFeatures;
import io.shoji.model.DriftFeatures.Definition;
import io.shoji.model.DriftReference;
import io.shoji.model.DriftReference.Feature;
import io.shoji.model.DriftReference.Kind;
import io.shoji.operations.Progress;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.NavigableSet;
import java.util.TreeSet;

/**
 * Sketches how inputs and outputs of a model are distributed over samples, for a gateway to hold
 * the field against. One at a time.
 *
 * <p>A histogram has ten bins of equal mass, as is usual for the population stability index, and
 * one on each side for what lies beyond every sample. Edges lie half way between values that occur,
 * so that a runtime that computes a little differently counts the same; a value that is a tenth of
 * all by itself has a bin of its own.
 */
public final class DriftSketch {
  private static final int BINS = 10;
  private static final int MOST_SAMPLES = 5_000;

  /** Share of the range that lies between the outermost sample and what is beyond. */
  private static final double MARGIN = 0.05;

  /** Values closer than this share of their unit count as the same. */
  private static final double SAME = 1e-4;

  /** Least width of a bin, as a share of the range. */
  private static final double NARROWEST = 1e-3;

  private static final MathContext DIGITS = new MathContext(7);

  private final List<Definition> definitions;
  private final int classes;

  /** Values of each feature, and of which sample each is. */
  private final List<Column> columns = new ArrayList<>();

  /** Class that was answered to each sample; -1 if there are no classes. */
  private final List<Integer> labels = new ArrayList<>();

  /** Values of a feature, in the order of the samples. */
  private static final class Column {
    double[] values = new double[64];
    int[] samples = new int[64];
    int size;

    void add(int sample, double value) {
      if (size == values.length) {
        values = Arrays.copyOf(values, 2 * size);
        samples = Arrays.copyOf(samples, 2 * size);
      }
      values[size] = value;
      samples[size++] = sample;
    }

    double[] sorted() {
      double[] finite = Arrays.stream(values, 0, size).filter(Double::isFinite).toArray();
      Arrays.sort(finite);
      return finite;
    }
  }

  private DriftSketch(List<Definition> definitions, int classes) {
    this.definitions = definitions;
    this.classes = classes;
    for (int i = 0; i < definitions.size(); i++) {
      columns.add(new Column());
    }
  }

  /**
   * Runs a model on samples and sketches what it takes and gives.
   *
   * @param samples 2 or more; of more than {@value #MOST_SAMPLES} so many, evenly spaced
   * @param inputs what the model takes, in order
   * @param outputs what it gives, in order
   * @param classification whether the greatest element of the first output tells the class
   * @param source which samples these are
   * @param samplesSha256 their digest
   * @throws QuantizerException BAD_SAMPLES, also if they are fewer than 2, CANCELLED, RUNTIME
   */
  public static DriftReference of(
      Evaluation.Inference model,
      Samples samples,
      List<TensorSpec> inputs,
      List<TensorSpec> outputs,
      boolean classification,
      DriftReference.Source source,
      String samplesSha256,
      Progress progress)
      throws QuantizerException {
    List<Definition> definitions = DriftFeatures.choose(inputs, outputs, classification);
    boolean labelled = definitions.stream().anyMatch(d -> d.kind() == Kind.LABEL);
    DriftSketch sketch =
        new DriftSketch(definitions, labelled ? (int) outputs.get(0).shape().dim(1) : 0);
    DriftFeatures features = DriftFeatures.of(definitions, inputs, outputs);
    int count = Math.min(samples.size(), MOST_SAMPLES);
    for (int i = 0; i < count; i++) {
      if (progress.cancelled()) {
        throw new QuantizerException(Code.CANCELLED, "cancelled during the sketch for drift");
      }
      int index = (int) ((long) i * samples.size() / count);
      try {
        Map<String, Tensor> given = samples.inputs(index);
        sketch.add(features, ordered(inputs, given), ordered(outputs, model.run(given)));
      } catch (QuantizerException e) {
        throw e.at("sample=" + index);
      }
      progress.report((i + 1.0) / count, "sketching, sample " + (i + 1) + " of " + count);
    }
    if (sketch.labels.size() < 2) {
      throw new QuantizerException(
          Code.BAD_SAMPLES, "a sketch takes 2 samples or more found=" + sketch.labels.size());
    }
    return sketch.reference(source, samplesSha256);
  }

  private static List<Tensor> ordered(List<TensorSpec> specs, Map<String, Tensor> named)
      throws QuantizerException {
    List<Tensor> ordered = new ArrayList<>();
    for (TensorSpec spec : specs) {
      Tensor tensor = named.get(spec.name());
      if (tensor == null) {
        throw new QuantizerException(
            Code.BAD_SAMPLES,
            "a sample lacks a tensor asked=" + spec.name() + " found=" + named.keySet());
      }
      ordered.add(tensor);
    }
    return ordered;
  }

  private void add(DriftFeatures features, List<Tensor> inputs, List<Tensor> outputs) {
    int batch = DriftFeatures.batch(inputs);
    for (int item = 0; item < batch; item++) {
      int sample = labels.size();
      int[] label = {-1};
      features.extract(
          inputs,
          outputs,
          item,
          (feature, value) -> {
            columns.get(feature).add(sample, value);
            if (definitions.get(feature).kind() == Kind.LABEL) {
              label[0] = (int) value;
            }
          });
      labels.add(label[0]);
    }
  }

  private DriftReference reference(DriftReference.Source source, String samplesSha256) {
    boolean apart =
        classes > 1
            && classes <= DriftReference.MOST_CLASSES
            && (long) definitions.size() * classes * (2 * BINS + 2) <= DriftReference.MOST_COUNTS;
    List<Feature> features = new ArrayList<>();
    for (int i = 0; i < definitions.size(); i++) {
      double[] sorted = columns.get(i).sorted();
      if (sorted.length > 0) {
        features.add(feature(i, sorted, apart));
      }
    }
    return new DriftReference(labels.size(), source, samplesSha256, features);
  }

  private Feature feature(int index, double[] sorted, boolean apart) {
    Definition definition = definitions.get(index);
    boolean label = definition.kind() == Kind.LABEL;
    List<Double> edges =
        label && classes <= DriftReference.MOST_EDGES + 1
            ? classEdges(classes)
            : edges(sorted, unit(definition));
    boolean rows = apart && !label;
    long[][] counts = new long[rows ? classes : 1][edges.size() + 1];
    Column column = columns.get(index);
    double sum = 0;
    double squares = 0;
    for (double each : sorted) {
      sum += each;
    }
    double mean = sum / sorted.length;
    for (double each : sorted) {
      squares += (each - mean) * (each - mean);
    }
    for (int i = 0; i < column.size; i++) {
      int row = rows ? labels.get(column.samples[i]) : 0;
      counts[row][DriftReference.bin(edges, column.values[i])]++;
    }
    return new Feature(
        definition.side(),
        definition.tensor(),
        definition.axis(),
        definition.channel(),
        definition.kind(),
        rounded(mean),
        rounded(Math.sqrt(squares / sorted.length)),
        edges,
        Arrays.stream(counts).map(row -> Arrays.stream(row).boxed().toList()).toList());
  }

  /** Edges that give each class a bin of its own. */
  private static List<Double> classEdges(int classes) {
    List<Double> edges = new ArrayList<>();
    for (int i = 0; i < classes - 1; i++) {
      edges.add(i + 0.5);
    }
    return edges;
  }

  /** Standard deviation of the values of a feature's channel: what a change is measured by. */
  private double unit(Definition definition) {
    for (int i = 0; i < definitions.size(); i++) {
      Definition each = definitions.get(i);
      if (each.kind() == Kind.VALUE
          && each.side() == definition.side()
          && each.tensor().equals(definition.tensor())
          && each.channel() == definition.channel()) {
        double[] values = columns.get(i).sorted();
        double mean = Arrays.stream(values).average().orElse(0);
        return Math.sqrt(
            Arrays.stream(values).map(v -> (v - mean) * (v - mean)).average().orElse(0));
      }
    }
    return 0;
  }

  /**
   * Edges of bins.
   *
   * @param sorted at least one value
   * @param unit what a change is measured by where all values are the same
   */
  static List<Double> edges(double[] sorted, double unit) {
    double least = sorted[0];
    double range = sorted[sorted.length - 1] - least;
    // What differs in its last bits only was normalized to be the same.
    boolean same = range <= SAME * Math.max(unit, Math.abs(least));
    NavigableSet<Double> edges = new TreeSet<>();
    double beyond =
        same
            ? range + Math.max(Math.max(1e-6, 1e-3 * Math.abs(least)), 0.01 * unit)
            : MARGIN * range;
    edges.add(rounded(least - beyond));
    edges.add(rounded(least + range + beyond));
    for (int bin = 1; bin < BINS && !same; bin++) {
      double value = sorted[Math.max(0, (int) ((long) bin * sorted.length / BINS) - 1)];
      int first = first(sorted, value);
      int next = first(sorted, Math.nextUp(value));
      if (next < sorted.length) {
        add(edges, (value + sorted[next]) / 2, NARROWEST * range);
      }
      if (first > 0 && (next - first) * (long) BINS >= sorted.length) {
        add(edges, (sorted[first - 1] + value) / 2, NARROWEST * range);
      }
    }
    return List.copyOf(edges);
  }

  /** Index of the first value that is not less. */
  private static int first(double[] sorted, double value) {
    int low = 0;
    int high = sorted.length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (sorted[middle] < value) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private static void add(NavigableSet<Double> edges, double value, double narrowest) {
    double edge = rounded(value);
    Double below = edges.floor(edge);
    Double above = edges.ceiling(edge);
    if (below != null
        && above != null
        && edge - below >= narrowest
        && above - edge >= narrowest
        && edge > below
        && above > edge) {
      edges.add(edge);
    }
  }

  private static double rounded(double value) {
    return new BigDecimal(value).round(DIGITS).doubleValue();
  }
}
