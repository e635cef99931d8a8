/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.faults;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Calls of ONNX Runtime in the order in which a clean run made them.
 *
 * @param functions their names
 */
record CallSequence(List<String> functions) {
  /**
   * One of the calls.
   *
   * @param function its name
   * @param number how many calls of that function came up to it, itself included
   */
  record Call(String function, int number) {
    @Override
    public String toString() {
      return function + " " + number;
    }
  }

  /** Every call, in order. */
  List<Call> all() {
    Map<String, Integer> seen = new LinkedHashMap<>();
    List<Call> calls = new ArrayList<>();
    for (String function : functions) {
      calls.add(new Call(function, seen.merge(function, 1, Integer::sum)));
    }
    return calls;
  }

  /** The first call of each function. */
  List<Call> first() {
    return all().stream().filter(call -> call.number() == 1).toList();
  }
}
