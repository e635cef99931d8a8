/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.onnxruntime;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.tensor.TensorSpec;
import java.lang.ref.Reference;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** {@code OrtSession}: a model that is loaded, and the names of its inputs and outputs. */
public final class OrtSession extends OrtHandle {
  /** More inputs or outputs than any model has. */
  private static final int MOST_NAMES = 65_536;

  private final Names inputs;
  private final Names outputs;

  private OrtSession(OrtApi api, long address, Names inputs, Names outputs) {
    super(api, OrtFunction.ReleaseSession, address);
    this.inputs = inputs;
    this.outputs = outputs;
  }

  /** Loads a model by its path, against which external data are found. */
  public static OrtSession create(OrtEnv env, Path model, OrtSessionOptions options)
      throws OrtException {
    OrtApi api = env.api();
    NativeMemory path = NativeMemory.ofString(model.toString());
    long address = api.create(OrtFunction.CreateSession, env.address(), path, options.address());
    try {
      return new OrtSession(
          api,
          address,
          new Names(
              names(
                  api, address, OrtFunction.SessionGetInputCount, OrtFunction.SessionGetInputName)),
          new Names(
              names(
                  api,
                  address,
                  OrtFunction.SessionGetOutputCount,
                  OrtFunction.SessionGetOutputName)));
    } catch (OrtException e) {
      api.callVoid(OrtFunction.ReleaseSession, address);
      throw e;
    }
  }

  /**
   * What the runtime says of the inputs.
   *
   * @throws AcceleratorException UNSUPPORTED if one is no tensor of a type that we have
   */
  List<TensorSpec> describeInputs(OnnxFile file) throws OrtException, AcceleratorException {
    return describe(OrtFunction.SessionGetInputTypeInfo, inputs.names, file);
  }

  /** What the runtime says of the outputs, as {@link #describeInputs}. */
  List<TensorSpec> describeOutputs(OnnxFile file) throws OrtException, AcceleratorException {
    return describe(OrtFunction.SessionGetOutputTypeInfo, outputs.names, file);
  }

  /** An input's name. */
  NativeMemory inputName(int index) {
    return inputs.texts.get(index);
  }

  /** An output's name. */
  NativeMemory outputName(int index) {
    return outputs.texts.get(index);
  }

  /** A call that lets the runtime make the outputs; for one use. */
  final class Run {
    private final NativeMemory given;
    private final NativeMemory results = NativeMemory.ofLongs(new long[outputs.names.size()]);
    private final Object[] arguments;

    /** A call on values that outlive it. */
    Run(OrtRunOptions options, List<OrtValue> values) {
      given = NativeMemory.ofLongs(values.stream().mapToLong(OrtValue::address).toArray());
      arguments =
          new Object[] {
            address(),
            options.address(),
            inputs.array.address(),
            given.address(),
            (long) values.size(),
            outputs.array.address(),
            (long) outputs.names.size(),
            results.address()
          };
    }

    /**
     * Runs.
     *
     * @return address of a status that {@link OrtApi#failure} takes, or 0
     */
    long call() {
      try {
        return api().run(arguments);
      } finally {
        Reference.reachabilityFence(given);
      }
    }

    /** The values that it made, owned by the caller; none if it failed. */
    List<OrtValue> values() {
      List<OrtValue> values = new ArrayList<>(outputs.names.size());
      for (int i = 0; i < outputs.names.size(); i++) {
        if (results.getLong(i) != 0) {
          values.add(OrtValue.owned(api(), results.getLong(i)));
        }
      }
      return values;
    }
  }

  private List<TensorSpec> describe(OrtFunction getType, List<String> names, OnnxFile file)
      throws OrtException, AcceleratorException {
    List<TensorSpec> specs = new ArrayList<>(names.size());
    for (int i = 0; i < names.size(); i++) {
      try (OrtTypeInfo info =
          OrtTypeInfo.owned(api(), api().create(getType, address(), (long) i))) {
        specs.add(info.spec(names.get(i), file.givesShape(names.get(i))));
      }
    }
    return List.copyOf(specs);
  }

  private static List<String> names(
      OrtApi api, long session, OrtFunction count, OrtFunction getName) throws OrtException {
    long allocator = OrtAllocator.shared(api);
    long size = api.read(count, session);
    if (size < 0 || size > MOST_NAMES) {
      throw new OrtException(
          count, OrtException.ENGINE_ERROR, count + " tells a number without sense found=" + size);
    }
    List<String> names = new ArrayList<>((int) size);
    for (int i = 0; i < (int) size; i++) {
      names.add(api.takeString(api.create(getName, session, (long) i, allocator), allocator));
    }
    return names;
  }

  /** The names of inputs or outputs in native memory, and the array of their addresses. */
  private static final class Names {
    private final List<String> names;
    private final List<NativeMemory> texts;
    private final NativeMemory array;

    private Names(List<String> names) {
      this.names = names;
      this.texts = names.stream().map(NativeMemory::ofString).toList();
      this.array = NativeMemory.ofLongs(texts.stream().mapToLong(NativeMemory::address).toArray());
    }
  }
}
