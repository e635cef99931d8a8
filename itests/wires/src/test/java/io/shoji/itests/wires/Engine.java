/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.wires;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.ai.inference.InferenceEngineService;
import org.eclipse.kura.ai.inference.ModelInfo;
import org.eclipse.kura.ai.inference.Tensor;
import org.eclipse.kura.ai.inference.TensorDescriptor;

/** An engine with models that double a number, and that turn bytes round. */
final class Engine implements InferenceEngineService {
  final List<String> calls = new CopyOnWriteArrayList<>();
  volatile boolean ready = true;

  private static TensorDescriptor descriptor(String name) {
    return TensorDescriptor.builder(name, "ANY", List.of(1L)).build();
  }

  @Override
  public List<Tensor> infer(ModelInfo model, List<Tensor> inputs) throws KuraException {
    calls.add("infer " + model.getName());
    Tensor input = inputs.get(0);
    TensorDescriptor output = model.getOutputs().get(0);
    return switch (model.getName()) {
      case "double" ->
          List.of(
              new Tensor(
                  Double.class, output, List.of(2 * input.getData(Double.class).get().get(0))));
      case "two" ->
          List.of(
              new Tensor(Float.class, output, List.of(1f)),
              new Tensor(Boolean.class, model.getOutputs().get(1), List.of(true)));
      case "long" -> List.of(new Tensor(Float.class, output, List.of(1f, 2f)));
      case "turn" -> {
        List<Byte> bytes = new ArrayList<>(input.getData(Byte.class).get());
        java.util.Collections.reverse(bytes);
        yield List.of(new Tensor(Byte.class, output, bytes));
      }
      default -> throw new KuraException(KuraErrorCode.INTERNAL_ERROR, "as the test wants");
    };
  }

  @Override
  public void loadModel(String name, Optional<String> path) {
    calls.add("load " + name);
  }

  @Override
  public void unloadModel(String name) {
    calls.add("unload " + name);
  }

  @Override
  public boolean isModelLoaded(String name) {
    return name.equals("double");
  }

  @Override
  public List<String> getModelNames() {
    return List.of("double", "two", "turn", "long", "bad");
  }

  @Override
  public Optional<ModelInfo> getModelInfo(String name) {
    if (!getModelNames().contains(name)) {
      return Optional.empty();
    }
    return Optional.of(
        ModelInfo.builder(name)
            .addAllInputDescriptor(List.of(descriptor("x")))
            .addAllOutputDescriptor(
                name.equals("two")
                    ? List.of(descriptor("score"), descriptor("alarm"))
                    : List.of(descriptor("x")))
            .build());
  }

  @Override
  public boolean isEngineReady() {
    return ready;
  }

  static Map<String, Object> settings(String... models) {
    return Map.of(
        "InferenceEngineService.target",
        "(kura.service.pid=engine)",
        "preprocessor.model.name",
        models[0],
        "inference.model.name",
        models[1],
        "postprocessor.model.name",
        models[2]);
  }
}
