/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.inference;

import io.shoji.inference.InferenceException;
import io.shoji.model.ModelDescription;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.eclipse.kura.type.TypedValue;

/**
 * The inputs of a model in a record: numbers, in the order in which they are declared, which are
 * quantized where the input is; or one byte array with raw content.
 */
final class RecordTensors implements ModelCaller.Feed {
  private final WireSettings settings;
  private final RecordInputs record;
  private List<List<TypedValue<?>>> values = List.of();

  RecordTensors(WireSettings settings, RecordInputs record) {
    this.settings = settings;
    this.record = record;
  }

  @Override
  public List<Shape> shapes(ModelDescription model) throws InferenceException {
    List<TensorSpec> specs = model.inputs();
    List<String> names = specs.stream().map(TensorSpec::name).toList();
    Set<String> unknown = settings.inputs().unknown(names);
    if (!unknown.isEmpty() && specs.size() > 1) {
      throw RecordInputs.invalid(
          "the box's inputs name one that the model does not have model="
              + model
              + " asked="
              + names
              + " found="
              + unknown);
    }
    List<List<TypedValue<?>>> found = new ArrayList<>(specs.size());
    List<Shape> shapes = new ArrayList<>(specs.size());
    for (TensorSpec spec : specs) {
      List<TypedValue<?>> each =
          record.values(spec.name(), specs.size() == 1, RecordInputs.Kinds.ALL);
      found.add(each);
      shapes.add(
          each.size() == 1 && each.get(0).getValue() instanceof byte[] content
              ? Shapes.ofContent(spec, Optional.empty(), content.length)
              : Shapes.resolve(spec, Optional.empty(), each.size()));
    }
    values = found;
    return shapes;
  }

  @Override
  public void write(ModelDescription model, int index, Tensor target) throws InferenceException {
    TensorSpec spec = model.inputs().get(index);
    List<TypedValue<?>> each = values.get(index);
    if (each.size() == 1 && each.get(0).getValue() instanceof byte[] content) {
      target.data().put(0, content);
      Values.normalize(target);
      return;
    }
    Values into = new Values(spec, target);
    for (int i = 0; i < each.size(); i++) {
      Object value = each.get(i).getValue();
      if (value instanceof Long whole && spec.quantization().isEmpty()) {
        // A double would not hold every one of them.
        into.integer(i, whole);
      } else {
        into.real(i, RecordInputs.number(spec.name(), each.get(i)));
      }
    }
  }
}
