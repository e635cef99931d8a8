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

import java.util.List;

/** {@code OrtIoBinding}: the values that a session reads and writes. */
final class OrtIoBinding extends OrtHandle {
  private OrtIoBinding(OrtApi api, long address) {
    super(api, OrtFunction.ReleaseIoBinding, address);
  }

  /** Binds every input and output; the values outlive the binding. */
  static OrtIoBinding create(OrtSession session, List<OrtValue> inputs, List<OrtValue> outputs)
      throws OrtException {
    OrtApi api = session.api();
    OrtIoBinding binding =
        new OrtIoBinding(api, api.create(OrtFunction.CreateIoBinding, session.address()));
    try {
      for (int i = 0; i < inputs.size(); i++) {
        api.call(
            OrtFunction.BindInput,
            binding.address(),
            session.inputName(i),
            inputs.get(i).address());
      }
      for (int i = 0; i < outputs.size(); i++) {
        api.call(
            OrtFunction.BindOutput,
            binding.address(),
            session.outputName(i),
            outputs.get(i).address());
      }
      return binding;
    } catch (OrtException e) {
      binding.close();
      throw e;
    }
  }
}
