/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.testkit;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A model is loaded, run and closed many times: 100 in every build, 1,000 in the long form of the
 * proof. What the process holds is looked at when half of them are done, so that what is made once
 * is there, and at the end.
 *
 * @param cycles how many
 * @param residentBytesBefore resident memory of the process after half of them
 * @param residentBytesAfter the same after all
 * @param descriptorsBefore open files after half of them
 * @param descriptorsAfter the same after all
 */
public record LoadCycles(
    int cycles,
    long residentBytesBefore,
    long residentBytesAfter,
    int descriptorsBefore,
    int descriptorsAfter) {
  /** Once: load, run, close. */
  public interface Cycle {
    /**
     * Does it.
     *
     * @param number from 0
     */
    void run(int number) throws Exception;
  }

  /** Runs all of them and looks. */
  public static LoadCycles of(Cycle cycle) throws Exception {
    int cycles = Proof.rounds(100, 1_000);
    for (int number = 0; number < cycles / 2; number++) {
      cycle.run(number);
    }
    System.gc();
    long residentBytes = ProcessFigures.residentBytes();
    int descriptors = ProcessFigures.descriptors();
    for (int number = cycles / 2; number < cycles; number++) {
      cycle.run(number);
    }
    System.gc();
    LoadCycles figures =
        new LoadCycles(
            cycles,
            residentBytes,
            ProcessFigures.residentBytes(),
            descriptors,
            ProcessFigures.descriptors());
    if (Proof.isLong()) {
      System.out.println(figures);
    }
    return figures;
  }

  /**
   * That nothing grew: two files more at most, which Java opens now and then, and a fifth more
   * memory, which is Java's heap.
   */
  public void assertFlat() {
    assertThat(descriptorsAfter).as("%s", this).isLessThanOrEqualTo(descriptorsBefore + 2);
    assertThat(residentBytesAfter)
        .as("%s", this)
        .isLessThan(residentBytesBefore + residentBytesBefore / 5);
  }
}
