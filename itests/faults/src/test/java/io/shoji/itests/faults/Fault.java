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

import java.util.List;
import java.util.Set;

/**
 * A kind of fault.
 *
 * @param name for messages and the table
 * @param action what the tape says
 * @param message what the reason that the operator reads has to hold; empty if the fault gives none
 */
record Fault(String name, String action, String message) {
  private static final String TEXT = "the simulated device is out of order";

  /** The call fails with a status of the vendor's. */
  static final Fault STATUS = new Fault("status", "status 11 " + TEXT, TEXT);

  /** The call fails in the words in which the runtime says that there is no memory. */
  static final Fault MEMORY = new Fault("memory", "memory", "Failed to allocate memory");

  /** The call says success and does nothing. */
  static final Fault SKIP = new Fault("skip", "skip", "");

  /** The call takes its time. */
  static final Fault SLOW = new Fault("slow", "slow 40", "");

  /** The call does not come back until the tape is replaced. */
  static final Fault HANG = new Fault("hang", "hang", "come back");

  private static final Set<String> WITHOUT_STATUS =
      Set.of("GetKeyValue", "TensorTypeAndShape_HasShape");

  /** Whether a function gives back a status, and so can fail with one. */
  static boolean returnsStatus(String function) {
    return !function.startsWith("Release") && !WITHOUT_STATUS.contains(function);
  }

  /** Calls that hang in the short form too: of each thread and step one. */
  private static final Set<String> HANGING =
      Set.of(
          "CreateSessionOptions",
          "CreateSession",
          "CreateAllocator",
          "Run",
          "CreateIoBinding",
          "RunWithBinding",
          "AllocatorGetStats",
          "ReleaseSession");

  /** The kinds for a function: two, or all. */
  static List<Fault> of(String function, boolean all) {
    boolean status = returnsStatus(function);
    if (!all) {
      return List.of(status ? STATUS : SLOW, HANGING.contains(function) ? HANG : SKIP);
    }
    return status ? List.of(STATUS, MEMORY, SKIP, SLOW, HANG) : List.of(SLOW, SKIP, HANG);
  }
}
