/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.cloud;

import io.shoji.kura.operations.FormValues;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The form of the cloud requests, checked.
 *
 * @param enabled whether requests are taken at all
 * @param allowed operations of {@code EXEC} that may be done
 * @param fieldSamples whether real inputs of models may be read
 * @param bodyLimitBytes longest body of a request
 * @param notifyMs least time between two notifications of one job, milliseconds
 */
record CloudSettings(
    boolean enabled, Set<String> allowed, boolean fieldSamples, int bodyLimitBytes, int notifyMs) {
  /** Operations by the attribute that allows them. */
  static final SortedMap<String, Set<String>> OPERATIONS =
      new TreeMap<>(
          Map.of(
              "allow.bench", Set.of("bench"),
              "allow.verify", Set.of("verify"),
              "allow.reload", Set.of("reload"),
              "allow.pin", Set.of("pin", "unpin"),
              "allow.rollback", Set.of("rollback"),
              "allow.collect.garbage", Set.of("collect-garbage")));

  static final CloudSettings DEFAULTS = read(new FormValues(Map.of()));

  static CloudSettings read(FormValues form) {
    Set<String> allowed = new TreeSet<>();
    OPERATIONS.forEach(
        (attribute, operations) -> {
          if (form.bool(attribute, true)) {
            allowed.addAll(operations);
          }
        });
    return new CloudSettings(
        form.bool("enabled", true),
        allowed,
        form.bool("allow.field.samples", false),
        form.integer("body.limit.kib", 64, 1, 1024) * 1024,
        form.integer("notification.interval.ms", 1_000, 200, 60_000));
  }
}
