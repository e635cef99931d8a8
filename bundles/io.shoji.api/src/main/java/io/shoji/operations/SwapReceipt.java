/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.operations;

import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What became of everything that an old generation or an old driver held: what went, what stays,
 * and who holds it. Immutable; a later look is another object with the same {@code id}.
 *
 * @param id number of the receipt, from 1, growing, since the engine started
 * @param subject what left
 * @param time when its last request had ended and it was closed
 * @param accelerator kind and device, as {@code cpu:cpu0}; of a driver all of them, with commas
 * @param generation what it was made of; empty for a driver
 * @param generationNumber number of the generation, as in {@link
 *     io.shoji.inference.Provenance#generation}; empty for a driver
 * @param driver symbolic name of the driver bundle
 * @param driverVersion its version
 * @param runtime the vendor's runtime
 * @param runtimeVersion its version
 * @param state how it stands
 * @param checks how often was looked so far
 * @param elapsedMs from {@code time} until nothing remained; until the latest look while something
 *     does
 * @param accounts one per kind of resource, in the order of {@link Resource}
 * @param before figures of the whole process when it was closed, by name: {@code residentBytes},
 *     {@code directBytes}, {@code javaThreads}, {@code loadedClasses}; what cannot be had is absent
 * @param after figures of the whole process at the latest look: those of {@code before}, and {@code
 *     privateBytes}, {@code mappings}, {@code threads}, {@code descriptors}
 */
public record SwapReceipt(
    long id,
    Subject subject,
    Instant time,
    String accelerator,
    Optional<GenerationKey> generation,
    OptionalLong generationNumber,
    String driver,
    String driverVersion,
    String runtime,
    String runtimeVersion,
    State state,
    int checks,
    long elapsedMs,
    List<Account> accounts,
    Map<String, Long> before,
    Map<String, Long> after) {

  /** What left. */
  public enum Subject {
    /** A generation was closed; its driver may stay. */
    GENERATION,
    /** A driver took its last accelerator back. */
    DRIVER
  }

  /** How a receipt stands. */
  public enum State {
    /** Not everything has gone yet, and there is time for that. */
    CHECKING,
    /** Nothing remains. */
    CLEAN,
    /** Something remains although the time is over; it is looked at again, and may become clean. */
    REMAINS
  }

  /** What is counted. */
  public enum Resource {
    /** Class loaders of the driver bundle. */
    CLASS_LOADER("loaders"),
    /** Files that are mapped: libraries, and model files where a runtime maps them. */
    MAPPING("files"),
    /** Threads of Java, and native ones that are not Java's. */
    THREAD("threads"),
    /** Open file descriptors. */
    DESCRIPTOR("descriptors"),
    /** Direct buffers of Java. */
    DIRECT_MEMORY("bytes"),
    /** What the runtime itself says that it allocated. */
    NATIVE_MEMORY("bytes"),
    /** Files in the folder for temporary files. */
    TEMPORARY_FILE("files");

    private final String unit;

    Resource(String unit) {
      this.unit = unit;
    }

    /** What its amounts count. */
    public String unit() {
      return unit;
    }
  }

  /**
   * One kind of resource.
   *
   * @param held what there was of it, in {@link Resource#unit}
   * @param gone what is there no more
   * @param remains what is; empty if nothing is
   */
  public record Account(Resource resource, long held, long gone, List<Remainder> remains) {
    /** Copies the list. */
    public Account {
      remains = List.copyOf(remains);
    }
  }

  /**
   * Something that remains.
   *
   * @param what its name: a path, a thread's name, a class loader
   * @param amount how much of it, in {@link Resource#unit}
   * @param holder who holds it, as far as can be seen, or what to look at; one line
   */
  public record Remainder(String what, long amount, String holder) {}

  /** Copies lists and maps. */
  public SwapReceipt {
    accounts = List.copyOf(accounts);
    before = Map.copyOf(before);
    after = Map.copyOf(after);
  }

  /** Whether nothing remains, or the time for that is over. */
  public boolean settled() {
    return state != State.CHECKING;
  }
}
