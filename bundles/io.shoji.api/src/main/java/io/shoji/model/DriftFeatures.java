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

import io.shoji.model.DriftReference.Feature;
import io.shoji.model.DriftReference.Kind;
import io.shoji.model.DriftReference.Side;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Computes the values of features from tensors, in the same way where a reference is made and where
 * it is compared with. Immutable; any number of threads.
 *
 * <p>The first dimension of every tensor counts the samples of a batch. Elements of a channel are
 * taken in the order in which they lie in memory.
 */
public final class DriftFeatures {
  private static final int MOST_CHANNELS = 16;
  private static final int MOST_COLORS = 4;

  /** Gets the values. */
  @FunctionalInterface
  public interface Sink {
    /**
     * A value of a feature; once per sample, of {@link Kind#VALUE} more often.
     *
     * @param feature index among the definitions
     * @param value the value, which may be no number
     */
    void value(int feature, double value);
  }

  /**
   * What is looked at.
   *
   * @param side whether it is of an input or an output
   * @param tensor name of the tensor
   * @param axis dimension of the channels, 1 or more; 0 for the whole tensor
   * @param channel index of the channel
   * @param kind what is looked at
   */
  public record Definition(Side side, String tensor, int axis, int channel, Kind kind) {}

  /** A channel, and at which index each kind of it goes; -1 for kinds that nobody wants. */
  private static final class Channel {
    final Side side;
    final int tensor;
    final int axis;
    final int channel;
    int value = -1;
    int mean = -1;
    int std = -1;
    int min = -1;
    int max = -1;
    int step = -1;
    int label = -1;
    int margin = -1;

    Channel(Side side, int tensor, int axis, int channel) {
      this.side = side;
      this.tensor = tensor;
      this.axis = axis;
      this.channel = channel;
    }

    void put(Kind kind, int feature) {
      switch (kind) {
        case VALUE -> value = feature;
        case MEAN -> mean = feature;
        case STD -> std = feature;
        case MIN -> min = feature;
        case MAX -> max = feature;
        case STEP -> step = feature;
        case LABEL -> label = feature;
        case MARGIN -> margin = feature;
      }
    }

    boolean wantsAnswer() {
      return label >= 0 || margin >= 0;
    }

    boolean wantsElements() {
      return value >= 0 || mean >= 0 || std >= 0 || min >= 0 || max >= 0 || step >= 0;
    }
  }

  private final List<Channel> channels = new ArrayList<>();

  private DriftFeatures() {}

  /**
   * What to look at of a model.
   *
   * @param classification whether the greatest element of the first output tells the class
   * @return at most {@value DriftReference#MOST_FEATURES} definitions, inputs first
   */
  public static List<Definition> choose(
      List<TensorSpec> inputs, List<TensorSpec> outputs, boolean classification) {
    List<Definition> chosen = new ArrayList<>();
    for (TensorSpec input : inputs) {
      choose(Side.INPUT, input, chosen);
    }
    for (TensorSpec output : outputs) {
      Shape shape = output.shape();
      if (classification
          && chosen.stream().noneMatch(d -> d.side() == Side.OUTPUT)
          && shape.rank() == 2
          && shape.dim(1) > 1) {
        add(chosen, Side.OUTPUT, output.name(), 0, 1, EnumSet.of(Kind.LABEL, Kind.MARGIN));
      } else {
        choose(Side.OUTPUT, output, chosen);
      }
    }
    return List.copyOf(chosen);
  }

  private static void choose(Side side, TensorSpec spec, List<Definition> chosen) {
    Shape shape = spec.shape();
    int axis = channelAxis(spec);
    int count = axis == 0 ? 1 : (int) shape.dim(axis);
    long elements = 1;
    for (int i = 1; i < shape.rank(); i++) {
      elements =
          shape.dim(i) == Shape.DYNAMIC || elements > 1_000_000 ? 2 : shape.dim(i) * elements;
    }
    Set<Kind> kinds = kinds(elements / count > 1);
    if (!add(chosen, side, spec.name(), axis, count, kinds) && axis != 0) {
      add(chosen, side, spec.name(), 0, 1, kinds(true));
    }
  }

  private static Set<Kind> kinds(boolean several) {
    return several
        ? EnumSet.of(Kind.VALUE, Kind.MEAN, Kind.STD, Kind.MIN, Kind.MAX, Kind.STEP)
        : EnumSet.of(Kind.VALUE);
  }

  /** Adds all of them or none; whether it did. */
  private static boolean add(
      List<Definition> chosen, Side side, String tensor, int axis, int count, Set<Kind> kinds) {
    if (chosen.size() + count * kinds.size() > DriftReference.MOST_FEATURES) {
      return false;
    }
    for (int channel = 0; channel < count; channel++) {
      for (Kind kind : kinds) {
        chosen.add(new Definition(side, tensor, axis, channel, kind));
      }
    }
    return true;
  }

  /**
   * The axis of 2 to 16 channels: what the layout says, else the second dimension as in ONNX, else
   * a last one of up to 4, as of pictures; 0 if there is none.
   */
  private static int channelAxis(TensorSpec spec) {
    Shape shape = spec.shape();
    int rank = shape.rank();
    if (spec.layout().channelAxis() > 0) {
      return isChannels(shape.dim(spec.layout().channelAxis()), MOST_CHANNELS)
          ? spec.layout().channelAxis()
          : 0;
    }
    if (rank < 2 || shape.dim(1) == 1) {
      return 0;
    }
    if (isChannels(shape.dim(1), MOST_CHANNELS)) {
      return 1;
    }
    return rank > 2 && isChannels(shape.dim(rank - 1), MOST_COLORS) ? rank - 1 : 0;
  }

  private static boolean isChannels(long size, int most) {
    return size > 1 && size <= most;
  }

  /**
   * Features by definition.
   *
   * @throws IllegalArgumentException if there is no such tensor or channel, naming it
   */
  public static DriftFeatures of(
      List<Definition> definitions, List<TensorSpec> inputs, List<TensorSpec> outputs) {
    DriftFeatures features = new DriftFeatures();
    for (int i = 0; i < definitions.size(); i++) {
      Definition each = definitions.get(i);
      Optional<String> mismatch = mismatch(each, inputs, outputs);
      if (mismatch.isPresent()) {
        throw new IllegalArgumentException(mismatch.get());
      }
      int tensor = index(each.side() == Side.INPUT ? inputs : outputs, each.tensor());
      features.channel(each, tensor).put(each.kind(), i);
    }
    return features;
  }

  /**
   * Features of a reference, in its order.
   *
   * @throws IllegalArgumentException if there is no such tensor or channel, naming it
   */
  public static DriftFeatures of(
      DriftReference reference, List<TensorSpec> inputs, List<TensorSpec> outputs) {
    return of(
        reference.features().stream().map(DriftFeatures::definition).toList(), inputs, outputs);
  }

  /** What a feature is of. */
  public static Definition definition(Feature feature) {
    return new Definition(
        feature.side(), feature.tensor(), feature.axis(), feature.channel(), feature.kind());
  }

  /** Why a model has no such feature; empty if it has. */
  public static Optional<String> mismatch(
      Definition asked, List<TensorSpec> inputs, List<TensorSpec> outputs) {
    List<TensorSpec> specs = asked.side() == Side.INPUT ? inputs : outputs;
    int index = index(specs, asked.tensor());
    if (index < 0) {
      return Optional.of(
          "no such "
              + (asked.side() == Side.INPUT ? "input" : "output")
              + " asked="
              + asked.tensor()
              + " found="
              + specs.stream().map(TensorSpec::name).toList());
    }
    Shape shape = specs.get(index).shape();
    boolean inside =
        asked.axis() == 0
            ? asked.channel() == 0
            : asked.axis() > 0
                && asked.axis() < shape.rank()
                && asked.channel() >= 0
                && (shape.dim(asked.axis()) == Shape.DYNAMIC
                    || asked.channel() < shape.dim(asked.axis()));
    return inside
        ? Optional.empty()
        : Optional.of(
            "no such channel tensor="
                + asked.tensor()
                + " axis="
                + asked.axis()
                + " channel="
                + asked.channel()
                + " shape="
                + shape);
  }

  private static int index(List<TensorSpec> specs, String name) {
    for (int i = 0; i < specs.size(); i++) {
      if (specs.get(i).name().equals(name)) {
        return i;
      }
    }
    return -1;
  }

  private Channel channel(Definition asked, int tensor) {
    for (Channel each : channels) {
      if (each.side == asked.side()
          && each.tensor == tensor
          && each.axis == asked.axis()
          && each.channel == asked.channel()) {
        return each;
      }
    }
    Channel fresh = new Channel(asked.side(), tensor, asked.axis(), asked.channel());
    channels.add(fresh);
    return fresh;
  }

  /** Samples in a batch. */
  public static int batch(List<Tensor> inputs) {
    Shape shape = inputs.get(0).shape();
    return shape.rank() == 0 ? 1 : (int) shape.dim(0);
  }

  /**
   * Computes every feature of one sample.
   *
   * @param inputs in the model's order; only read
   * @param outputs in the model's order; only read
   * @param item which sample of the batch, from 0
   * @param sink gets the values; nothing of a channel without elements
   */
  public void extract(List<Tensor> inputs, List<Tensor> outputs, int item, Sink sink) {
    int batch = batch(inputs);
    for (int i = 0; i < channels.size(); i++) {
      Channel channel = channels.get(i);
      Tensor tensor = (channel.side == Side.INPUT ? inputs : outputs).get(channel.tensor);
      Shape shape = tensor.shape();
      int first = shape.rank() == 0 ? 1 : (int) shape.dim(0);
      int each = first == 0 ? 0 : tensor.elementCount() / first;
      int base = first == batch ? item * each : 0;
      int channelCount = channel.axis == 0 ? 1 : (int) shape.dim(channel.axis);
      if (each == 0 || channel.channel >= channelCount) {
        continue;
      }
      int inner = each;
      if (channel.axis > 0) {
        inner = 1;
        for (int axis = channel.axis + 1; axis < shape.rank(); axis++) {
          inner *= (int) shape.dim(axis);
        }
      }
      if (channel.wantsAnswer()) {
        answer(tensor, base, each, channel, sink);
      }
      if (channel.wantsElements()) {
        elements(
            tensor,
            base + channel.channel * inner,
            each / channelCount,
            inner,
            channelCount,
            channel,
            sink);
      }
    }
  }

  private static void answer(Tensor tensor, int base, int count, Channel channel, Sink sink) {
    int best = 0;
    double most = Double.NEGATIVE_INFINITY;
    double second = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < count; i++) {
      double value = tensor.getFloat(base + i);
      if (value > most) {
        second = most;
        most = value;
        best = i;
      } else if (value > second) {
        second = value;
      }
    }
    if (channel.label >= 0) {
      sink.value(channel.label, best);
    }
    if (channel.margin >= 0) {
      sink.value(channel.margin, most - second);
    }
  }

  /**
   * Position {@code p} of a channel lies at {@code start + p / inner * step * inner + p % inner}.
   */
  private static void elements(
      Tensor tensor, int start, int count, int inner, int channels, Channel channel, Sink sink) {
    int runs =
        count <= DriftReference.MOST_ELEMENTS
            ? 1
            : DriftReference.MOST_ELEMENTS / DriftReference.RUN;
    int length = runs == 1 ? count : DriftReference.RUN;
    int outerStep = inner * channels;
    double shift = tensor.getFloat(start);
    double sum = 0;
    double squares = 0;
    double least = Double.POSITIVE_INFINITY;
    double greatest = Double.NEGATIVE_INFINITY;
    double steps = 0;
    boolean numbers = true;
    for (int run = 0; run < runs; run++) {
      int begin = runs == 1 ? 0 : (int) ((long) run * (count - length) / (runs - 1));
      int within = begin % inner;
      int at = start + begin / inner * outerStep + within;
      double before = 0;
      for (int i = 0; i < length; i++) {
        double value = tensor.getFloat(at);
        double centred = value - shift;
        sum += centred;
        squares += centred * centred;
        least = value < least ? value : least;
        greatest = value > greatest ? value : greatest;
        numbers &= !Double.isNaN(value);
        if (i > 0) {
          steps += Math.abs(value - before);
        }
        before = value;
        at++;
        if (++within == inner) {
          within = 0;
          at += outerStep - inner;
        }
      }
    }
    int taken = runs * length;
    double centre = sum / taken;
    put(channel.mean, numbers, shift + centre, sink);
    put(channel.std, numbers, Math.sqrt(Math.max(0, squares / taken - centre * centre)), sink);
    put(channel.min, numbers, least, sink);
    put(channel.max, numbers, greatest, sink);
    put(channel.step, numbers, length < 2 ? 0 : steps / ((double) runs * (length - 1)), sink);
    if (channel.value >= 0) {
      int values = Math.min(count, DriftReference.VALUES);
      for (int i = 0; i < values; i++) {
        int position = (int) ((2L * i + 1) * count / (2L * values));
        sink.value(
            channel.value,
            tensor.getFloat(start + position / inner * outerStep + position % inner));
      }
    }
  }

  private static void put(int feature, boolean numbers, double value, Sink sink) {
    if (feature >= 0) {
      sink.value(feature, numbers ? value : Double.NaN);
    }
  }
}
