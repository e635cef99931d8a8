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

/** {@code OrtRunOptions}: the handle by which a running call can be ended. */
final class OrtRunOptions extends OrtHandle {
  private OrtRunOptions(OrtApi api, long address) {
    super(api, OrtFunction.ReleaseRunOptions, address);
  }

  static OrtRunOptions create(OrtApi api) throws OrtException {
    return new OrtRunOptions(api, api.create(OrtFunction.CreateRunOptions));
  }

  /** Ends the call that runs with these options at its next operator, and any that starts later. */
  void setTerminate() throws OrtException {
    api().call(OrtFunction.RunOptionsSetTerminate, address());
  }

  /** Lets calls run again. */
  void unsetTerminate() throws OrtException {
    api().call(OrtFunction.RunOptionsUnsetTerminate, address());
  }
}
