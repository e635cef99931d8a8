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

/** Bounds of the protocol, see {@code PROTOCOL.md}: what is beyond is refused, never allocated. */
final class Limits {
  /** Bytes of a frame on the control connection, its length field not counted. */
  static final int FRAME_BYTES = 1 << 20;

  /** Bytes of a frame on a lane, its length field not counted. */
  static final int LANE_FRAME_BYTES = 16 << 10;

  /** Bytes of a text in UTF-8. */
  static final int TEXT_BYTES = 64 << 10;

  /** Bytes of a failure's message in UTF-8, so that it fits a frame on a lane. */
  static final int FAILURE_BYTES = 12 << 10;

  /** Entries of a list or a table. */
  static final int ENTRIES = 4_096;

  /** Dimensions of a shape. */
  static final int RANK = 32;

  /** Inputs, or outputs, of a model. */
  static final int TENSORS = 256;

  /** Outputs of a run whose shapes go over a lane. */
  static final int OPEN_OUTPUTS = 32;

  /** Lanes of a link. */
  static final int LANES = 64;

  /** Bindings that are open at once. */
  static final int BINDINGS = 4_096;

  /** Requests that are under way at once on the control connection. */
  static final int REQUESTS = 64;

  private Limits() {}
}
