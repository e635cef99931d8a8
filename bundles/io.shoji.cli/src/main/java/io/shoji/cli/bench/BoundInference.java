/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.bench;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.LoadedModel;
import io.shoji.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** A loaded model, bound to each of its samples beforehand. The outputs share their memory. */
final class BoundInference implements Inference {
  private final LoadedModel.Binding[] bindings;
  private final long deadlineNanos = LoadedModel.noDeadline();

  private BoundInference(LoadedModel.Binding[] bindings) {
    this.bindings = bindings;
  }

  /**
   * Binds a model.
   *
   * @param samples at least one, each with one tensor per input; the first is run once, to see what
   *     shape the outputs have
   * @throws AcceleratorException if that run or the binding fails
   * @throws IllegalArgumentException if a sample does not fit the model
   */
  static BoundInference of(LoadedModel model, List<List<Tensor>> samples)
      throws AcceleratorException {
    if (samples.isEmpty()) {
      throw new IllegalArgumentException("there is no sample to run the model on");
    }
    List<Tensor> outputs = model.run(samples.get(0), LoadedModel.noDeadline());
    List<LoadedModel.Binding> bindings = new ArrayList<>();
    try {
      for (List<Tensor> inputs : samples) {
        bindings.add(model.bind(inputs, outputs));
      }
    } catch (AcceleratorException | RuntimeException e) {
      bindings.forEach(LoadedModel.Binding::close);
      throw e;
    }
    return new BoundInference(bindings.toArray(new LoadedModel.Binding[0]));
  }

  @Override
  public int samples() {
    return bindings.length;
  }

  @Override
  public void run(int sample) throws AcceleratorException {
    bindings[sample].run(deadlineNanos);
  }

  @Override
  public void close() {
    for (LoadedModel.Binding binding : bindings) {
      binding.close();
    }
  }
}
