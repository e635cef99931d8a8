/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.link;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.Artifacts;
import io.shoji.testkit.Eventually;
import io.shoji.testkit.ProcessFigures;
import io.shoji.testkit.Proof;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A worker that is killed at any moment, under load, takes every call with it and leaves nothing.
 */
class WorkerKillsTest {
  private static final int CALLERS = 4;
  private static final int MOST_MILLIS = 120;
  private static final long SECOND = 1_000_000_000L;

  @TempDir private Path folder;
  private final AtomicLong answers = new AtomicLong();

  @Test
  void shouldEndEveryCallAndLeaveNothingWhenTheWorkerIsKilled() throws Exception {
    ModelArtifact artifact =
        new Artifacts(folder, TinyAccelerator.FORMAT).of("plain", new byte[] {1});
    Random random = new Random(20);
    ExecutorService executor = Executors.newFixedThreadPool(CALLERS);
    try {
      int descriptors = 0;
      for (int round = 0; round < Proof.rounds(6, 200); round++) {
        if (round == 1) {
          descriptors = ProcessFigures.descriptors();
        }
        kill(artifact, executor, random, round == 0);
      }
      // Java opens a file of its own now and then; a leak would be some for each round.
      assertThat(ProcessFigures.descriptors()).isLessThanOrEqualTo(descriptors + 3);
    } finally {
      executor.shutdownNow();
    }
  }

  private void kill(
      ModelArtifact artifact, ExecutorService executor, Random random, boolean afterAnswers)
      throws Exception {
    try (Worker worker = Worker.tiny(LinkOptions.defaults())) {
      Accelerator accelerator = worker.accelerator();
      List<Future<AcceleratorException>> callers = new ArrayList<>();
      for (int i = 0; i < CALLERS; i++) {
        int caller = i;
        callers.add(executor.submit(() -> untilLost(accelerator, artifact, caller)));
      }
      if (afterAnswers) {
        Eventually.assertThat(() -> answers.get() > 0);
      }
      LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(random.nextInt(MOST_MILLIS * 1_000)));
      worker.process().destroyForcibly();
      for (Future<AcceleratorException> caller : callers) {
        AcceleratorException lost = caller.get(20, TimeUnit.SECONDS);
        assertThat(lost.code()).as(lost.getMessage()).isEqualTo(Code.DEVICE_LOST);
      }
      assertThat(worker.loss().reason()).isEqualTo(LinkLoss.Reason.DIED);
    }
    assertThat(ProcessFigures.mappedFiles())
        .noneMatch(line -> line.contains("shoji-link-") && line.contains("tensors"));
    Eventually.assertThat(() -> ProcessFigures.threads("shoji-link-").isEmpty());
  }

  /** Loads, binds, runs and closes until the worker is gone; what ended it. */
  private AcceleratorException untilLost(Accelerator accelerator, ModelArtifact artifact, int seed)
      throws InterruptedException {
    Tensor input = Tensor.ofFloats(Shape.of(1, 4), seed, 2, 3, 4);
    Tensor output = Tensor.ofFloats(Shape.of(1, 4), 0, 0, 0, 0);
    while (true) {
      try (LoadedModel model = accelerator.load(artifact, LoadOptions.defaults())) {
        for (int i = 0; i < 20; i++) {
          try (LoadedModel.Binding binding = model.bind(List.of(input), List.of(output))) {
            for (int run = 0; run < 20; run++) {
              binding.run(System.nanoTime() + 60 * SECOND);
              answers.incrementAndGet();
              if (output.getFloat(0) != -seed) {
                throw new AssertionError("the answer to another call found=" + output.getFloat(0));
              }
            }
          }
          Tensor made = model.run(List.of(input), System.nanoTime() + 60 * SECOND).get(0);
          if (made.getFloat(3) != -4) {
            throw new AssertionError("the answer to another call found=" + made.getFloat(3));
          }
        }
      } catch (AcceleratorException e) {
        return e;
      }
    }
  }
}
