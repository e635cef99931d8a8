/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.benchmarks;

import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** One inference from boxed values, one way, on one model: each pair in a JVM of its own. */
@State(Scope.Thread)
// JMH sets the parameters before it calls anything.
@SuppressWarnings("NullAway.Init")
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class BoxedBenchmark {
  /** The model. */
  @Param public BoxedModel model;

  /** The way. */
  @Param public BoxedWay way;

  private Subject subject;

  /** Loads the model and runs it once. */
  @Setup
  public void open() throws Exception {
    subject = way.open(model, Path.of(System.getProperty("benchmarks.work", "target/work")));
    double checksum = subject.checksum();
    if (!(checksum > 0)) {
      throw new IllegalStateException("the outputs are empty checksum=" + checksum);
    }
  }

  /** Lets go of everything. */
  @TearDown
  public void close() throws Exception {
    subject.stop();
  }

  /** Runs the model once. */
  @Benchmark
  public void infer() throws Exception {
    subject.run();
  }
}
