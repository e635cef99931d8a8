/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.pipeline;

import io.shoji.inference.InferenceException;
import io.shoji.inference.Sample;
import io.shoji.tensor.Shape;
import java.nio.FloatBuffer;
import java.util.List;

/** Windows over scalar channels, through the steps, into the model's input. No garbage. */
final class SignalSource implements Source {
  private final List<String> names;
  private final SlidingWindow window;
  private final SignalStep[] steps;
  private final TensorWriter writer;
  private final Shape shape;
  private final boolean channelsLast;
  private final float[][] frame;
  private final float[] staged;
  private final Geometry geometry = new Geometry();
  private List<FloatBuffer> piece = List.of();
  private int length;
  private int position;

  /**
   * @param names of the channels
   * @param size values per channel in a window
   * @param finalSize values per channel after the last step
   * @param shape of the model's input
   * @param channelsLast whether the channels of one moment lie together in the input
   */
  SignalSource(
      List<String> names,
      int size,
      int hop,
      List<SignalStep> steps,
      int finalSize,
      Shape shape,
      boolean channelsLast,
      TensorWriter writer) {
    this.names = names;
    this.window = new SlidingWindow(names.size(), size, hop);
    this.steps = steps.toArray(SignalStep[]::new);
    this.writer = writer;
    this.shape = shape;
    this.channelsLast = channelsLast;
    this.frame = new float[names.size()][size];
    this.staged = new float[names.size() * finalSize];
  }

  @Override
  public void offer(Sample sample, int from) throws InferenceException {
    if (!(sample instanceof Sample.Signal signal)) {
      throw Samples.wrongKind("Signal of the channels " + names, sample);
    }
    List<FloatBuffer> channels = signal.channels();
    if (channels.size() != names.size()) {
      throw Samples.refused(
          "it has another number of channels asked="
              + names.size()
              + " "
              + names
              + " found="
              + channels.size());
    }
    int values = channels.get(0).remaining();
    for (int c = 1; c < channels.size(); c++) {
      if (channels.get(c).remaining() != values) {
        throw Samples.refused(
            "its channels are of different lengths "
                + names.get(0)
                + "="
                + values
                + " "
                + names.get(c)
                + "="
                + channels.get(c).remaining());
      }
    }
    piece = channels;
    length = values;
    position = Math.min(from, values);
  }

  @Override
  public boolean next(ModelCall call) {
    if (!advance()) {
      return false;
    }
    window.take(frame);
    int channels = frame.length;
    for (int c = 0; c < channels; c++) {
      int count = window.size();
      for (SignalStep step : steps) {
        count = step.apply(frame[c], count, c);
      }
      if (channelsLast) {
        for (int i = 0; i < count; i++) {
          staged[i * channels + c] = frame[c][i];
        }
      } else {
        System.arraycopy(frame[c], 0, staged, c * count, count);
      }
    }
    writer.write(staged, call.input(shape));
    return true;
  }

  /** Takes values in until a window is full or the piece is over. */
  private boolean advance() {
    int count = Math.min(length - position, window.missing());
    window.push(piece, position, count);
    position += count;
    return window.missing() == 0;
  }

  @Override
  public boolean hasNext() {
    return length - position >= window.missing();
  }

  @Override
  public int position() {
    return position;
  }

  @Override
  public Geometry geometry() {
    return geometry;
  }

  @Override
  public void finish() {
    while (advance()) {
      window.skip();
    }
    piece = List.of();
    length = 0;
    position = 0;
  }

  @Override
  public void reset() {
    window.clear();
  }
}
