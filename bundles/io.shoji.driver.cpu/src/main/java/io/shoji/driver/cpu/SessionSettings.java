/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.cpu;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.driver.VariantOptions;
import io.shoji.driver.onnxruntime.OnnxFile;
import java.util.Arrays;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How sessions are made: the driver's configuration, or that with what a variant overrides.
 *
 * @param intraOpThreads threads that share one operator, the caller's among them; 0 lets the
 *     runtime take one per physical core
 * @param interOpThreads threads that run operators side by side; 1 runs one after the other
 * @param graphOptimization how far the runtime rewrites the graph at load
 * @param cpuMemArena whether the runtime keeps memory for the next inference
 * @param memoryPattern whether it lays out an inference's memory in one block
 * @param allowSpinning whether its idle threads burn a core while they wait for work
 * @param callThread whose thread an inference runs on
 */
record SessionSettings(
    int intraOpThreads,
    int interOpThreads,
    GraphOptimization graphOptimization,
    boolean cpuMemArena,
    boolean memoryPattern,
    boolean allowSpinning,
    CallThread callThread) {

  /** What the keys of this driver start with in {@link ModelArtifact#options}. */
  static final String PREFIX = "cpu.";

  private static final String INTRA_OP_THREADS = PREFIX + "intraOpThreads";
  private static final String INTER_OP_THREADS = PREFIX + "interOpThreads";
  private static final String GRAPH_OPTIMIZATION = PREFIX + "graphOptimization";
  private static final String CPU_MEM_ARENA = PREFIX + "cpuMemArena";
  private static final String MEMORY_PATTERN = PREFIX + "memoryPattern";
  private static final String ALLOW_SPINNING = PREFIX + "allowSpinning";
  private static final String CALL_THREAD = PREFIX + "callThread";
  private static final Set<String> KEYS =
      Set.of(
          INTRA_OP_THREADS,
          INTER_OP_THREADS,
          GRAPH_OPTIMIZATION,
          CPU_MEM_ARENA,
          MEMORY_PATTERN,
          ALLOW_SPINNING,
          CALL_THREAD);

  /** Threads that may be asked for at most. */
  static final int MOST_THREADS = 1_024;

  /** {@code GraphOptimizationLevel} of {@code onnxruntime_c_api.h}. */
  enum GraphOptimization {
    /** The graph runs as it is. */
    DISABLE(0),
    /** What does not depend on the device: constants folded, dead nodes dropped. */
    BASIC(1),
    /** Also fused operators. */
    EXTENDED(2),
    /** Everything, layout changes included. */
    ALL(99);

    private final int value;

    GraphOptimization(int value) {
      this.value = value;
    }

    /** The runtime's number. */
    Integer value() {
      return value;
    }

    /**
     * The level of a name, in any case.
     *
     * @throws IllegalArgumentException if there is none
     */
    static GraphOptimization of(String name) {
      for (GraphOptimization level : values()) {
        if (level.name().equalsIgnoreCase(name.strip())) {
          return level;
        }
      }
      throw new IllegalArgumentException(
          "no such graph optimization asked="
              + name
              + " known="
              + Arrays.toString(values()).toLowerCase(Locale.ROOT));
    }
  }

  /** Whose thread an inference runs on. */
  enum CallThread {
    /** The caller's if the model is known to leave nothing behind on it, else the driver's. */
    AUTO,
    /** The caller's: the fastest; the library may stay mapped until the caller's thread ends. */
    CALLER,
    /** One of the driver's: some 10 us slower; the library goes as soon as it is closed. */
    DRIVER;

    /**
     * The one of a name, in any case.
     *
     * @throws IllegalArgumentException if there is none
     */
    static CallThread of(String name) {
      for (CallThread thread : values()) {
        if (thread.name().equalsIgnoreCase(name.strip())) {
          return thread;
        }
      }
      throw new IllegalArgumentException(
          "no such thread to call on asked="
              + name
              + " known="
              + Arrays.toString(values()).toLowerCase(Locale.ROOT));
    }
  }

  /** Checks the ranges. */
  SessionSettings {
    checkThreads("intraOpThreads", intraOpThreads, 0);
    checkThreads("interOpThreads", interOpThreads, 1);
  }

  /**
   * These settings with what a variant overrides.
   *
   * @throws AcceleratorException UNSUPPORTED if a key that starts with {@link #PREFIX} is unknown
   *     or its value out of range; keys of other drivers are not looked at
   */
  SessionSettings with(ModelArtifact artifact) throws AcceleratorException {
    if (artifact.options().keySet().stream().noneMatch(key -> key.startsWith(PREFIX))) {
      return this;
    }
    VariantOptions options = VariantOptions.of(artifact, PREFIX, KEYS);
    return new SessionSettings(
        options.number(INTRA_OP_THREADS, intraOpThreads, 0, MOST_THREADS),
        options.number(INTER_OP_THREADS, interOpThreads, 1, MOST_THREADS),
        options.choice(GRAPH_OPTIMIZATION, graphOptimization),
        options.truth(CPU_MEM_ARENA, cpuMemArena),
        options.truth(MEMORY_PATTERN, memoryPattern),
        options.truth(ALLOW_SPINNING, allowSpinning),
        options.choice(CALL_THREAD, callThread));
  }

  /**
   * Whether inferences of that model run on their callers' threads.
   *
   * @param architecture as {@code uname -m} says it
   */
  boolean callsOnCallersThread(OnnxFile file, String architecture) {
    return switch (callThread) {
      case CALLER -> true;
      case DRIVER -> false;
      case AUTO ->
          intraOpThreads == 1 && interOpThreads == 1 && ThreadLocals.leavesNone(file, architecture);
    };
  }

  /** Whether a session has threads of its own. */
  boolean hasThreads() {
    return intraOpThreads != 1 || interOpThreads != 1;
  }

  /** Calls that may usefully run at once on a machine of {@code cores} cores. */
  int concurrency(int cores) {
    return intraOpThreads == 0 ? 1 : Math.max(1, cores / intraOpThreads);
  }

  // Written out, because what a record gets by itself leaves this bundle's classes in a cache of
  // the
  // JDK (java.lang.runtime.ObjectMethods, seen in 17), and its class loader could never go.

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof SessionSettings that
        && intraOpThreads == that.intraOpThreads
        && interOpThreads == that.interOpThreads
        && graphOptimization == that.graphOptimization
        && cpuMemArena == that.cpuMemArena
        && memoryPattern == that.memoryPattern
        && allowSpinning == that.allowSpinning
        && callThread == that.callThread;
  }

  @Override
  public int hashCode() {
    return toString().hashCode();
  }

  @Override
  public String toString() {
    return "intraOpThreads="
        + intraOpThreads
        + " interOpThreads="
        + interOpThreads
        + " graphOptimization="
        + graphOptimization.name()
        + " cpuMemArena="
        + cpuMemArena
        + " memoryPattern="
        + memoryPattern
        + " allowSpinning="
        + allowSpinning
        + " callThread="
        + callThread.name();
  }

  private static void checkThreads(String name, int value, int least) {
    if (value < least || value > MOST_THREADS) {
      throw new IllegalArgumentException(
          name + " is out of range asked=" + value + " least=" + least + " most=" + MOST_THREADS);
    }
  }
}
