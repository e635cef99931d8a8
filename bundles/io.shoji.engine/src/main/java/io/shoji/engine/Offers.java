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

import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelVariant;
import io.shoji.tensor.Layout;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.osgi.framework.Filter;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.InvalidSyntaxException;

/** Compares what a model asks with what an accelerator offers, in words. */
final class Offers {
  private Offers() {}

  /** Why a device cannot run a variant, as far as its description tells; empty if it may. */
  static Optional<String> refusal(ModelDescription model, ModelVariant variant, Device device) {
    AcceleratorInfo info = device.info;
    if (!info.formats().contains(variant.format())) {
      return Optional.of(
          "format is missing asked=" + variant.format() + " offered=" + info.formats());
    }
    if (!info.precisions().contains(variant.precision())) {
      return Optional.of(
          "precision is missing asked=" + variant.precision() + " offered=" + info.precisions());
    }
    if (!info.dynamicShapes()) {
      for (TensorSpec input : model.inputsOf(variant)) {
        if (dynamicBeyondBatch(input.shape())) {
          return Optional.of(
              "shape must be fixed at load, only the batch may be left open asked="
                  + input
                  + " offered=fixed shapes");
        }
      }
    }
    if (variant.filter().isBlank()) {
      return Optional.empty();
    }
    try {
      Filter filter = FrameworkUtil.createFilter(variant.filter());
      if (!filter.matches(device.properties)) {
        return Optional.of(
            "filter does not match asked=" + filter + " offered=" + text(device.properties));
      }
    } catch (InvalidSyntaxException e) {
      return Optional.of(
          "filter does not parse asked=" + variant.filter() + " error=" + e.getMessage());
    }
    return Optional.empty();
  }

  private static boolean dynamicBeyondBatch(Shape shape) {
    for (int axis = 1; axis < shape.rank(); axis++) {
      if (shape.dim(axis) == Shape.DYNAMIC) {
        return true;
      }
    }
    return false;
  }

  /** Properties in order, arrays with their contents. */
  static String text(Map<String, Object> properties) {
    Map<String, String> sorted = new TreeMap<>();
    properties.forEach(
        (key, value) ->
            sorted.put(
                key,
                value instanceof Object[] array ? Arrays.toString(array) : String.valueOf(value)));
    return sorted.toString();
  }

  /**
   * Every way in which what the runtime found in the model file contradicts what the package
   * declares.
   *
   * @param kind {@code input} or {@code output}
   * @param declared what the package says; empty if it says nothing
   */
  static List<String> differences(String kind, List<TensorSpec> declared, List<TensorSpec> found) {
    List<String> differences = new ArrayList<>();
    if (declared.isEmpty()) {
      return differences;
    }
    if (declared.size() != found.size()) {
      differences.add("another number of " + kind + "s declared=" + declared + " found=" + found);
      return differences;
    }
    // Formats rename tensors, so names need not be the same; but the same names in another order
    // would feed the wrong tensors.
    List<String> declaredNames = declared.stream().map(TensorSpec::name).toList();
    List<String> foundNames = found.stream().map(TensorSpec::name).toList();
    if (!declaredNames.equals(foundNames)
        && new HashSet<>(declaredNames).equals(new HashSet<>(foundNames))) {
      differences.add(
          "another order of " + kind + "s declared=" + declaredNames + " found=" + foundNames);
      return differences;
    }
    for (int i = 0; i < declared.size(); i++) {
      TensorSpec asked = declared.get(i);
      TensorSpec given = found.get(i);
      String name = kind + " name=" + asked.name();
      if (asked.type() != given.type()) {
        differences.add(
            "another element type of "
                + name
                + " declared="
                + asked.type()
                + " found="
                + given.type());
      }
      if (!compatible(asked.shape(), given.shape())) {
        differences.add(
            "another shape of " + name + " declared=" + asked.shape() + " found=" + given.shape());
      }
      if (asked.layout() != Layout.ANY
          && given.layout() != Layout.ANY
          && asked.layout() != given.layout()) {
        differences.add(
            "another layout of "
                + name
                + " declared="
                + asked.layout()
                + " found="
                + given.layout());
      }
      if (asked.quantization().isPresent()
          && given.quantization().isPresent()
          && !asked.quantization().equals(given.quantization())) {
        differences.add(
            "another quantization of "
                + name
                + " declared="
                + asked.quantization().get()
                + " found="
                + given.quantization().get());
      }
    }
    return differences;
  }

  /**
   * What the runtime found, with the layout and the quantization that the package declares where
   * the runtime knows none.
   */
  static List<TensorSpec> completed(List<TensorSpec> declared, List<TensorSpec> found) {
    List<TensorSpec> completed = new ArrayList<>();
    for (int i = 0; i < found.size(); i++) {
      TensorSpec spec = found.get(i);
      if (spec.layout() == Layout.ANY) {
        spec = spec.withLayout(declared.get(i).layout());
      }
      if (spec.quantization().isEmpty() && declared.get(i).quantization().isPresent()) {
        spec = spec.withQuantization(declared.get(i).quantization().get());
      }
      completed.add(spec);
    }
    return completed;
  }

  private static boolean compatible(Shape a, Shape b) {
    if (a.rank() != b.rank()) {
      return false;
    }
    for (int i = 0; i < a.rank(); i++) {
      if (a.dim(i) != Shape.DYNAMIC && b.dim(i) != Shape.DYNAMIC && a.dim(i) != b.dim(i)) {
        return false;
      }
    }
    return true;
  }

  /** Why nothing here runs a model, in one message. */
  static String explain(
      ModelDescription model, Collection<Candidate> candidates, Collection<Device> devices) {
    StringBuilder text = new StringBuilder("model ").append(model).append(" cannot run here: ");
    if (devices.isEmpty()) {
      return text.append("no accelerator is present, install a driver package; ")
          .append(model.variants().stream().map(Offers::asks).collect(Collectors.joining("; ")))
          .toString();
    }
    List<String> parts = new ArrayList<>();
    for (ModelVariant variant : model.variants()) {
      List<String> verdicts =
          candidates.stream()
              .filter(c -> c.variant.name().equals(variant.name()))
              .map(c -> offers(c.device) + ": " + c.verdict())
              .toList();
      parts.add(asks(variant) + "; " + String.join("; ", verdicts));
    }
    return text.append(String.join("; ", parts)).toString();
  }

  private static String asks(ModelVariant variant) {
    return "variant "
        + variant.name()
        + " asks precision="
        + variant.precision()
        + " format="
        + variant.format()
        + " filter="
        + (variant.filter().isBlank() ? "none" : variant.filter());
  }

  private static String offers(Device device) {
    return device.label
        + " offers precision="
        + device.info.precisions()
        + " format="
        + device.info.formats();
  }
}
