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

import io.shoji.operations.AcceleratorPolicy;
import io.shoji.operations.ModelPolicy;
import io.shoji.operations.OperationsPolicy;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** Looks for what is wrong with a policy. */
final class PolicyCheck {
  private static final Pattern NAME = Pattern.compile("[a-z0-9]([a-z0-9._-]*[a-z0-9])?");
  private static final Pattern ACCELERATOR = Pattern.compile("[a-z0-9][a-z0-9._-]*(:\\S.*)?");
  private static final Pattern SETTING = Pattern.compile("[A-Za-z][A-Za-z0-9._-]*");

  private final List<String> reasons = new ArrayList<>();

  private PolicyCheck() {}

  /** Every reason against a policy; empty if it is good. */
  static List<String> reasons(OperationsPolicy policy) {
    PolicyCheck check = new PolicyCheck();
    new TreeMap<>(policy.models()).forEach(check::model);
    new TreeMap<>(policy.accelerators()).forEach(check::accelerator);
    return check.reasons;
  }

  private void model(String name, ModelPolicy policy) {
    if (!name.equals(OperationsPolicy.OTHERS) && !NAME.matcher(name).matches()) {
      reasons.add(
          "not the name of a model; write lower-case letters, digits, '.', '_' and '-', or * for all"
              + " others model="
              + quote(name));
    }
    HashSet<String> seen = new HashSet<>();
    for (String accelerator : policy.accelerators()) {
      accelerator(name, accelerator);
      if (!seen.add(accelerator)) {
        reasons.add(
            "an accelerator is there twice; remove one of the two model="
                + quote(name)
                + " accelerator="
                + quote(accelerator));
      }
    }
    if (policy.only() && policy.accelerators().isEmpty()) {
      reasons.add(
          "no accelerator is left to run on; name one, or allow the others model=" + quote(name));
    }
    budget("model=" + quote(name), policy.memoryBudgetBytes().orElse(1));
  }

  private void accelerator(String model, String accelerator) {
    if (!ACCELERATOR.matcher(accelerator).matches()) {
      reasons.add(
          "not an accelerator; write its kind as cpu, or kind and device as cpu:cpu0 "
              + (model.isEmpty() ? "" : "model=" + quote(model) + " ")
              + "accelerator="
              + quote(accelerator));
    }
  }

  private void accelerator(String name, AcceleratorPolicy policy) {
    accelerator("", name);
    budget("accelerator=" + quote(name), policy.memoryBudgetBytes().orElse(1));
    if (!policy.settings().isEmpty() && name.indexOf(':') >= 0) {
      reasons.add(
          "a driver has the same settings for all its devices; give them for the kind accelerator="
              + quote(name)
              + " settings="
              + new TreeMap<>(policy.settings()).keySet());
    }
    for (Map.Entry<String, Object> setting : new TreeMap<>(policy.settings()).entrySet()) {
      if (!SETTING.matcher(setting.getKey()).matches()
          || setting.getKey().startsWith("service.")
          || setting.getKey().startsWith(".")) {
        reasons.add(
            "not the name of a setting accelerator="
                + quote(name)
                + " setting="
                + quote(setting.getKey()));
      }
      Object value = setting.getValue();
      if (!(value instanceof String || value instanceof Number || value instanceof Boolean)) {
        reasons.add(
            "a setting is a text, a number or a truth value accelerator="
                + quote(name)
                + " setting="
                + quote(setting.getKey())
                + " found="
                + value.getClass().getName());
      }
    }
  }

  private void budget(String what, long bytes) {
    if (bytes < 1) {
      reasons.add(
          "a memory budget is at least 1 byte; leave it out for no limit "
              + what
              + " memoryBudgetBytes="
              + bytes);
    }
  }

  private static String quote(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    text.chars()
        .limit(80)
        .forEach(c -> quoted.append(c < ' ' || c == '"' || c > '~' ? '?' : (char) c));
    return quoted.append('"').toString();
  }
}
