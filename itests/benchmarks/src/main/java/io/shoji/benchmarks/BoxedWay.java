/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.benchmarks;

import io.shoji.kura.inference.InferenceEngine;
import io.shoji.tensor.Tensor;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.eclipse.kura.ai.inference.ModelInfo;

/** The ways to run a model from boxed values, and what they are held against. */
public enum BoxedWay {
  /** A prepared inference, its input memory written already. */
  DIRECT("direct"),
  /** The loop alone that takes the values out of their boxes into the input memory. */
  UNBOXING("unboxing alone"),
  /** Kura's inference engine service: a list of boxed values in, lists out, all of them read. */
  BOXED("Kura's boxed lists");

  private final String title;

  BoxedWay(String title) {
    this.title = title;
  }

  /** Name for the table. */
  public String title() {
    return title;
  }

  /** Makes it ready to run a model. */
  Subject open(BoxedModel model, Path folder) throws Exception {
    String name = model.name().toLowerCase(Locale.ROOT);
    ShojiSubject direct = new ShojiSubject(name, model.content(), true, folder);
    Tensor input = direct.inputs().get(0);
    List<Float> boxes = new ArrayList<>(input.elementCount());
    for (int i = 0; i < input.elementCount(); i++) {
      boxes.add(input.getFloat(i));
    }
    return switch (this) {
      case DIRECT -> direct;
      case UNBOXING -> new Unboxing(direct, boxes, input.floats());
      case BOXED -> new Boxed(direct, name, boxes);
    };
  }

  private record Unboxing(ShojiSubject direct, List<Float> boxes, FloatBuffer input)
      implements Subject {
    @Override
    public void run() {
      for (int i = 0; i < boxes.size(); i++) {
        input.put(i, boxes.get(i));
      }
    }

    @Override
    public double checksum() throws Exception {
      run();
      return direct.checksum();
    }

    @Override
    public void stop() throws Exception {
      direct.stop();
    }
  }

  private static final class Boxed implements Subject {
    private final ShojiSubject direct;
    private final InferenceEngine engine = new InferenceEngine(Map.of());
    private final ModelInfo model;
    private final List<org.eclipse.kura.ai.inference.Tensor> inputs;
    private double sum;

    Boxed(ShojiSubject direct, String name, List<Float> boxes) throws Exception {
      this.direct = direct;
      engine.bindInference(direct.service());
      model = engine.getModelInfo(name).orElseThrow();
      inputs =
          List.of(
              new org.eclipse.kura.ai.inference.Tensor(
                  Float.class, model.getInputs().get(0), boxes));
    }

    @Override
    public void run() throws Exception {
      List<Float> outputs = engine.infer(model, inputs).get(0).getData(Float.class).orElseThrow();
      double read = 0;
      for (int i = 0; i < outputs.size(); i++) {
        read += Math.abs(outputs.get(i));
      }
      sum = read;
    }

    @Override
    public double checksum() throws Exception {
      run();
      double expected = direct.checksum();
      if (Math.abs(sum - expected) > 1e-3 * expected) {
        throw new IllegalStateException(
            "the boxed way answers otherwise asked=" + expected + " found=" + sum);
      }
      return sum;
    }

    @Override
    public void stop() throws Exception {
      engine.unbindInference(direct.service());
      direct.stop();
    }
  }
}
