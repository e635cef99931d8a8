/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.pipeline;

import io.shoji.inference.InferenceException;
import io.shoji.inference.Sample;
import org.jspecify.annotations.Nullable;

/** How samples are refused, in the words that the README lists. */
final class Samples {
  private Samples() {}

  /** It is not what the source asks for. */
  static InferenceException refused(String reason) {
    return invalid("not a sample for this pipeline: " + reason, null);
  }

  /** It is of another kind than the source asks for. */
  static InferenceException wrongKind(String asked, Sample found) {
    return refused(
        "it is of another kind asked=" + asked + " found=" + found.getClass().getSimpleName());
  }

  /** It is a picture that cannot be read. */
  static InferenceException undecodable(String reason) {
    return undecodable(reason, null);
  }

  /** It is a picture that cannot be read. */
  static InferenceException undecodable(String reason, @Nullable Throwable cause) {
    return invalid("cannot decode the picture: " + reason, cause);
  }

  static InferenceException invalid(String message, @Nullable Throwable cause) {
    return new InferenceException(InferenceException.Code.INVALID_INPUT, message, cause);
  }
}
