/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.inspect;

/**
 * Whether something runs a model.
 *
 * @param target what
 * @param verdict whether
 * @param remark why not, or what to know; may be empty
 * @param advice what to do about it; may be empty
 */
record Suitability(Target target, Verdict verdict, String remark, String advice) {
  /** Whether it does. */
  enum Verdict {
    /** As it is. */
    YES("yes"),
    /** Not on all of its devices, or not all of the model. */
    PARTLY("partly"),
    /** Not as it is. */
    NO("no");

    private final String text;

    Verdict(String text) {
      this.text = text;
    }

    /** For people. */
    String text() {
      return text;
    }
  }

  static Suitability yes(Target target, String remark) {
    return new Suitability(target, Verdict.YES, remark, "");
  }

  static Suitability partly(Target target, String remark, String advice) {
    return new Suitability(target, Verdict.PARTLY, remark, advice);
  }

  static Suitability no(Target target, String remark, String advice) {
    return new Suitability(target, Verdict.NO, remark, advice);
  }
}
