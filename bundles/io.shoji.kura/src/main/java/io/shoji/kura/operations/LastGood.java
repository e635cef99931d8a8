/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.operations;

import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The configuration of a component: the last one that was right. A new one is taken whole or not at
 * all, and if not, the log and the status say why. Thread safe.
 *
 * @param <T> the checked values
 */
public final class LastGood<T> {
  private static final Logger LOG = LoggerFactory.getLogger(LastGood.class);

  private final String pid;
  private T value;
  private boolean configured;
  private List<String> problems = List.of();
  private Instant since = Instant.now();

  /**
   * Nothing configured yet.
   *
   * @param defaults what holds until a right configuration comes
   */
  public LastGood(String pid, T defaults) {
    this.pid = pid;
    this.value = defaults;
  }

  /** Puts values into effect. */
  public interface Effect<T> {
    /**
     * Does it, wholly or not at all.
     *
     * @return what is wrong with the values; empty if they are in effect
     */
    List<String> apply(T values);
  }

  /**
   * Takes a configuration, if it is right.
   *
   * @param properties as the component got them
   * @param reader reads and checks them; what it notes as problems refuses them
   * @param effect puts them into effect; called only if the reader noted nothing
   * @return whether they are in effect now
   */
  public synchronized boolean configure(
      Map<String, ?> properties, Function<FormValues, T> reader, Effect<T> effect) {
    FormValues values = new FormValues(properties);
    T read = reader.apply(values);
    List<String> found = values.problems();
    if (found.isEmpty()) {
      found = effect.apply(read);
    }
    since = Instant.now();
    problems = List.copyOf(found);
    if (found.isEmpty()) {
      value = read;
      configured = true;
      return true;
    }
    LOG.error(
        "configuration refused, {} pid={}: {}",
        configured ? "the last good one holds" : "the defaults hold",
        pid,
        String.join("; ", found));
    return false;
  }

  /** The values in effect. */
  public synchronized T value() {
    return value;
  }

  /** Whether the latest configuration holds, and why not; new and modifiable. */
  public synchronized Map<String, Object> status() {
    Map<String, Object> status = new LinkedHashMap<>();
    status.put("configuration", problems.isEmpty() ? "APPLIED" : "REFUSED");
    status.put("since", since);
    if (!problems.isEmpty()) {
      status.put("inEffect", configured ? "LAST_GOOD" : "DEFAULTS");
      status.put("problems", problems);
    }
    return status;
  }
}
