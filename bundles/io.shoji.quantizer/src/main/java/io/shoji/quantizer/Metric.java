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

import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.tensor.Tensor;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** How good a model's answers are, gathered sample by sample. Not thread safe. */
public abstract class Metric {
  private static final String KNOWN = "top1, top5 (any top-k), map50, map, rmse, auc, cosine";

  private final String name;
  private final boolean higherIsBetter;

  private Metric(String name, boolean higherIsBetter) {
    this.name = name;
    this.higherIsBetter = higherIsBetter;
  }

  /**
   * A metric by its name, new and empty.
   *
   * <p>{@code topK}: the label (one integer) is among the K largest values of the output. {@code
   * rmse}: root mean squared difference to the expected tensor. {@code cosine}: mean cosine of the
   * angle to the expected tensor. {@code auc}: area under the ROC curve, the label 0 or 1, the
   * score the output's last value. {@code map50}: mean over classes of the area under precision
   * over recall at an IoU of 0.5, with the output as rows of x1, y1, x2, y2, score, class and the
   * expected as rows of x1, y1, x2, y2, class (rows of a class below 0 are none); {@code map}: mean
   * of that at 0.50, 0.55, to 0.95.
   *
   * @throws QuantizerException INVALID_OPTION, listing those there are
   */
  public static Metric of(String name) throws QuantizerException {
    String key = name.toLowerCase(Locale.ROOT);
    if (key.matches("top-?[1-9][0-9]{0,3}")) {
      return new TopK(key.replace("-", ""), Integer.parseInt(key.replaceAll("\\D", "")));
    }
    return switch (key) {
      case "rmse" -> new Rmse();
      case "cosine" -> new Cosine();
      case "auc" -> new Auc();
      case "map50" -> new MeanPrecision(key, 0.5, 0.5);
      case "map" -> new MeanPrecision(key, 0.5, 0.95);
      default ->
          throw new QuantizerException(
              Code.INVALID_OPTION, "no such metric found=" + name + " known=" + KNOWN);
    };
  }

  /** Its name. */
  public String name() {
    return name;
  }

  /** Whether more is better; false for errors. */
  public boolean higherIsBetter() {
    return higherIsBetter;
  }

  /** By how much {@code value} is worse than {@code baseline}; negative if it is better. */
  public double drop(double baseline, double value) {
    return higherIsBetter ? baseline - value : value - baseline;
  }

  /**
   * Takes an answer in.
   *
   * @param output what {@link LabelledSamples#answer} makes of the model's outputs
   * @param expected as this metric asks for
   * @throws QuantizerException BAD_SAMPLES if they do not fit each other
   */
  abstract void add(Tensor output, Tensor expected) throws QuantizerException;

  /** The value over all that was taken in; NaN if that was nothing. */
  abstract double value();

  /**
   * What is answered, for metrics of classes.
   *
   * @throws QuantizerException BAD_SAMPLES if they do not fit each other
   */
  Optional<Evaluation.Answer> answer(Tensor output, Tensor expected) throws QuantizerException {
    return Optional.empty();
  }

  private static QuantizerException unfit(String what, Tensor output, Tensor expected) {
    return new QuantizerException(
        Code.BAD_SAMPLES, what + " output=" + output + " expected=" + expected);
  }

  private static long label(Tensor output, Tensor expected, long classes)
      throws QuantizerException {
    if (expected.elementCount() != 1) {
      throw unfit("a label is one integer", output, expected);
    }
    long label = expected.getLong(0);
    if (label < 0 || label >= classes) {
      throw unfit("the model has no such class label=" + label, output, expected);
    }
    return label;
  }

  private static final class TopK extends Metric {
    private final int k;
    private long right;
    private long count;

    TopK(String name, int k) {
      super(name, true);
      this.k = k;
    }

    @Override
    void add(Tensor output, Tensor expected) throws QuantizerException {
      right += isRight(output, label(output, expected, output.elementCount())) ? 1 : 0;
      count++;
    }

    private boolean isRight(Tensor output, long label) {
      float score = output.getFloat(label);
      int better = 0;
      for (int i = 0; i < output.elementCount(); i++) {
        float other = output.getFloat(i);
        // Of equal values the first counts, as with an argmax.
        better += other > score || (other == score && i < label) ? 1 : 0;
      }
      return better < k && !Float.isNaN(score);
    }

    @Override
    Optional<Evaluation.Answer> answer(Tensor output, Tensor expected) throws QuantizerException {
      long label = label(output, expected, output.elementCount());
      int best = -1;
      float score = Float.NaN;
      for (int i = 0; i < output.elementCount(); i++) {
        float value = output.getFloat(i);
        if (!Float.isNaN(value) && (best < 0 || value > score)) {
          best = i;
          score = value;
        }
      }
      return Optional.of(new Evaluation.Answer((int) label, best, isRight(output, label), score));
    }

    @Override
    double value() {
      return count == 0 ? Double.NaN : (double) right / count;
    }
  }

  private static final class Rmse extends Metric {
    private double squares;
    private long count;

    Rmse() {
      super("rmse", false);
    }

    @Override
    void add(Tensor output, Tensor expected) throws QuantizerException {
      if (output.elementCount() != expected.elementCount()) {
        throw unfit("RMSE compares as many values", output, expected);
      }
      for (int i = 0; i < output.elementCount(); i++) {
        double off = (double) output.getFloat(i) - expected.getFloat(i);
        squares += off * off;
        count++;
      }
    }

    @Override
    double value() {
      return count == 0 ? Double.NaN : Math.sqrt(squares / count);
    }
  }

  private static final class Cosine extends Metric {
    private double sum;
    private long count;

    Cosine() {
      super("cosine", true);
    }

    @Override
    void add(Tensor output, Tensor expected) throws QuantizerException {
      if (output.elementCount() != expected.elementCount()) {
        throw unfit("cosine compares as many values", output, expected);
      }
      double product = 0;
      double left = 0;
      double right = 0;
      for (int i = 0; i < output.elementCount(); i++) {
        product += (double) output.getFloat(i) * expected.getFloat(i);
        left += (double) output.getFloat(i) * output.getFloat(i);
        right += (double) expected.getFloat(i) * expected.getFloat(i);
      }
      // Two zero vectors point the same way.
      sum +=
          left == 0 && right == 0
              ? 1
              : left == 0 || right == 0 ? 0 : product / Math.sqrt(left) / Math.sqrt(right);
      count++;
    }

    @Override
    double value() {
      return count == 0 ? Double.NaN : sum / count;
    }
  }

  private static final class Auc extends Metric {
    private record Scored(float score, boolean positive) {}

    private final List<Scored> answers = new ArrayList<>();

    Auc() {
      super("auc", true);
    }

    @Override
    void add(Tensor output, Tensor expected) throws QuantizerException {
      boolean positive = label(output, expected, 2) == 1;
      answers.add(new Scored(output.getFloat(output.elementCount() - 1), positive));
    }

    /** Mann and Whitney: the share of pairs in the right order, a tie counting half. */
    @Override
    double value() {
      answers.sort(Comparator.comparingDouble(Scored::score));
      double ranks = 0;
      long positives = 0;
      for (int i = 0; i < answers.size(); ) {
        int end = i;
        long here = 0;
        while (end < answers.size() && answers.get(end).score() == answers.get(i).score()) {
          here += answers.get(end).positive() ? 1 : 0;
          end++;
        }
        end = Math.max(end, i + 1);
        ranks += here * (i + 1 + end) / 2.0;
        positives += here;
        i = end;
      }
      long negatives = answers.size() - positives;
      return positives == 0 || negatives == 0
          ? Double.NaN
          : (ranks - positives * (positives + 1) / 2.0) / positives / negatives;
    }
  }

  private static final class MeanPrecision extends Metric {
    private static final double STEP = 0.05;

    private record Found(int sample, List<Double> row) {}

    private final List<Found> found = new ArrayList<>();
    private final List<List<List<Double>>> truths = new ArrayList<>();
    private final double from;
    private final double to;

    MeanPrecision(String name, double from, double to) {
      super(name, true);
      this.from = from;
      this.to = to;
    }

    @Override
    void add(Tensor output, Tensor expected) throws QuantizerException {
      int sample = truths.size();
      truths.add(rows(output, expected, expected, 5));
      for (List<Double> row : rows(output, expected, output, 6)) {
        found.add(new Found(sample, row));
      }
    }

    private static List<List<Double>> rows(Tensor output, Tensor expected, Tensor tensor, int width)
        throws QuantizerException {
      int rank = tensor.shape().rank();
      if (rank < 2 || tensor.shape().dim(rank - 1) != width) {
        throw unfit(
            "boxes are rows of x1, y1, x2, y2, score, class, those expected without score",
            output,
            expected);
      }
      List<List<Double>> rows = new ArrayList<>();
      for (int r = 0; r < tensor.elementCount() / width; r++) {
        List<Double> row = new ArrayList<>();
        for (int i = 0; i < width; i++) {
          row.add((double) tensor.getFloat((long) r * width + i));
        }
        if (row.get(width - 1) >= 0) {
          rows.add(row);
        }
      }
      return rows;
    }

    @Override
    double value() {
      int[] classes =
          truths.stream()
              .flatMap(List::stream)
              .mapToInt(row -> row.get(4).intValue())
              .distinct()
              .sorted()
              .toArray();
      double sum = 0;
      int count = 0;
      found.sort(Comparator.comparingDouble((Found each) -> each.row().get(4)).reversed());
      for (double threshold = from; threshold <= to + STEP / 2; threshold += STEP) {
        for (int kind : classes) {
          sum += precision(kind, threshold);
          count++;
        }
      }
      return count == 0 ? Double.NaN : sum / count;
    }

    /** Area under the highest precision at each recall or above. */
    private double precision(int kind, double threshold) {
      List<boolean[]> taken = new ArrayList<>();
      int total = 0;
      for (List<List<Double>> truth : truths) {
        taken.add(new boolean[truth.size()]);
        total += (int) truth.stream().filter(row -> row.get(4).intValue() == kind).count();
      }
      List<Boolean> hits = new ArrayList<>();
      for (Found each : found) {
        if (each.row().get(5).intValue() != kind) {
          continue;
        }
        List<List<Double>> truth = truths.get(each.sample());
        int best = -1;
        double overlap = threshold;
        for (int i = 0; i < truth.size(); i++) {
          if (truth.get(i).get(4).intValue() == kind && !taken.get(each.sample())[i]) {
            double iou = iou(each.row(), truth.get(i));
            if (iou >= overlap) {
              overlap = iou;
              best = i;
            }
          }
        }
        if (best >= 0) {
          taken.get(each.sample())[best] = true;
        }
        hits.add(best >= 0);
      }
      double[] precisions = new double[hits.size()];
      int right = 0;
      for (int i = 0; i < precisions.length; i++) {
        right += hits.get(i) ? 1 : 0;
        precisions[i] = (double) right / (i + 1);
      }
      for (int i = precisions.length - 2; i >= 0; i--) {
        precisions[i] = Math.max(precisions[i], precisions[i + 1]);
      }
      double area = 0;
      for (int i = 0; i < precisions.length; i++) {
        area += hits.get(i) ? precisions[i] / total : 0;
      }
      return area;
    }

    private static double iou(List<Double> a, List<Double> b) {
      double width = Math.min(a.get(2), b.get(2)) - Math.max(a.get(0), b.get(0));
      double height = Math.min(a.get(3), b.get(3)) - Math.max(a.get(1), b.get(1));
      if (width <= 0 || height <= 0) {
        return 0;
      }
      double common = width * height;
      double all =
          (a.get(2) - a.get(0)) * (a.get(3) - a.get(1))
              + (b.get(2) - b.get(0)) * (b.get(3) - b.get(1))
              - common;
      return all <= 0 ? 0 : common / all;
    }
  }

  /** The name and what is there so far. */
  @Override
  public String toString() {
    return name + "=" + value();
  }
}
