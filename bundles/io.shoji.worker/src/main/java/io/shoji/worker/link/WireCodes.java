/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.link;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.Precision;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Layout;
import java.util.List;

/**
 * Numbers of enumerated values in frames: the place in these lists, which only ever grow at their
 * end, whatever the order of the constants in Java.
 */
final class WireCodes {
  private static final List<ElementType> ELEMENT_TYPES =
      List.of(
          ElementType.FLOAT32,
          ElementType.FLOAT16,
          ElementType.FLOAT64,
          ElementType.INT8,
          ElementType.UINT8,
          ElementType.INT16,
          ElementType.UINT16,
          ElementType.INT32,
          ElementType.INT64,
          ElementType.BOOL,
          ElementType.INT4);

  private static final List<Layout> LAYOUTS =
      List.of(Layout.ANY, Layout.NC, Layout.NCW, Layout.NWC, Layout.NCHW, Layout.NHWC);

  private static final List<Precision> PRECISIONS =
      List.of(Precision.FP32, Precision.FP16, Precision.INT8, Precision.INT4);

  private static final List<AcceleratorException.Code> CODES =
      List.of(
          AcceleratorException.Code.UNSUPPORTED,
          AcceleratorException.Code.INVALID_MODEL,
          AcceleratorException.Code.INVALID_INPUT,
          AcceleratorException.Code.TIMEOUT,
          AcceleratorException.Code.OUT_OF_MEMORY,
          AcceleratorException.Code.DEVICE_BUSY,
          AcceleratorException.Code.DEVICE_LOST,
          AcceleratorException.Code.INCOMPATIBLE_RUNTIME,
          AcceleratorException.Code.FAILED);

  private static final List<AcceleratorHealth.State> STATES =
      List.of(
          AcceleratorHealth.State.HEALTHY,
          AcceleratorHealth.State.THROTTLED,
          AcceleratorHealth.State.SUSPECT,
          AcceleratorHealth.State.LOST);

  private WireCodes() {}

  static int of(ElementType type) {
    return ELEMENT_TYPES.indexOf(type);
  }

  static ElementType elementType(int code) throws ProtocolException {
    return at(ELEMENT_TYPES, code, "element type");
  }

  static int of(Layout layout) {
    return LAYOUTS.indexOf(layout);
  }

  static Layout layout(int code) throws ProtocolException {
    return at(LAYOUTS, code, "layout");
  }

  static int of(Precision precision) {
    return PRECISIONS.indexOf(precision);
  }

  static Precision precision(int code) throws ProtocolException {
    return at(PRECISIONS, code, "precision");
  }

  static int of(AcceleratorException.Code code) {
    return CODES.indexOf(code);
  }

  static AcceleratorException.Code code(int code) throws ProtocolException {
    return at(CODES, code, "error code");
  }

  static int of(AcceleratorHealth.State state) {
    return STATES.indexOf(state);
  }

  static AcceleratorHealth.State state(int code) throws ProtocolException {
    return at(STATES, code, "state");
  }

  private static <T> T at(List<T> list, int code, String what) throws ProtocolException {
    if (code < 0 || code >= list.size()) {
      throw new ProtocolException("no such " + what + " code=" + code);
    }
    return list.get(code);
  }
}
