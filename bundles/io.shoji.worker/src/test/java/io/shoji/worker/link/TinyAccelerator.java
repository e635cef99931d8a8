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

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.MemoryUse;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.Precision;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * An accelerator of the tests: negates floats, and does what the first value of its input asks for.
 * What a name of a model says happens when it is loaded.
 */
final class TinyAccelerator implements Accelerator {
  static final String FORMAT = "tiny";

  /** First values with a meaning. */
  static final float DIE = 1e6f;

  static final float HANG = 2e6f;
  static final float FAIL_WITH_STATUS = 3e6f;
  static final float ILLEGAL_ARGUMENT = 4e6f;
  static final float ERROR = 5e6f;
  static final float SLOW = 6e6f;

  /** As many outputs as the second value says. */
  static final float MANY = 7e6f;

  /** Columns of an output that takes for ever to bind. */
  static final int BINDS_FOR_EVER = 13;

  static final String LOADS_UNTIL_INTERRUPTED = "loads-until-interrupted";
  static final String LOADS_FOR_EVER = "loads-for-ever";
  static final String DIES = "dies";
  static final int SLOW_MILLIS = 300;

  private final AcceleratorInfo info =
      AcceleratorInfo.builder("tiny", "tiny-1")
          .deviceName("Tiny Ünit")
          .architecture("test")
          .formats(List.of(FORMAT))
          .precisions(List.of(Precision.FP32))
          .driver("io.shoji.tiny", "1.2.3")
          .runtime("tinyrt", "4.5.6", "abcdef")
          .concurrency(4)
          .exclusive(true)
          .simulated(true)
          .dynamicShapes(true)
          .build();

  @Override
  public AcceleratorInfo info() {
    return info;
  }

  @Override
  public LoadedModel load(ModelArtifact artifact, LoadOptions options)
      throws AcceleratorException, InterruptedException {
    options.progress().accept("step one");
    options.progress().accept("step two of " + artifact.model());
    if (artifact.model().equals(LOADS_UNTIL_INTERRUPTED)) {
      new CountDownLatch(1).await();
    }
    if (artifact.model().equals(LOADS_FOR_EVER)) {
      hang();
    }
    if (artifact.model().equals(DIES)) {
      Runtime.getRuntime().halt(7);
    }
    return new Tiny(options.batchSize());
  }

  /** As a vendor's library does, which no interrupt reaches. */
  private static void hang() {
    while (true) {
      LockSupport.park();
      boolean unused = Thread.interrupted();
    }
  }

  @Override
  public AcceleratorHealth health() {
    return AcceleratorHealth.of(AcceleratorHealth.State.THROTTLED, "warm")
        .withTemperatureCelsius(71.5)
        .withMemoryBytes(10, 20);
  }

  private static final class Tiny implements LoadedModel {
    private final long batchSize;
    private volatile boolean closed;

    Tiny(long batchSize) {
      this.batchSize = batchSize;
    }

    @Override
    public List<TensorSpec> inputs() {
      return List.of(TensorSpec.of("in", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, 4)));
    }

    @Override
    public List<TensorSpec> outputs() {
      return List.of(
          TensorSpec.of("out", ElementType.FLOAT32, Shape.of(Shape.DYNAMIC, Shape.DYNAMIC)));
    }

    @Override
    public int concurrency() {
      return 4;
    }

    @Override
    public Binding bind(List<Tensor> inputs, List<Tensor> outputs) {
      if (outputs.get(0).shape().dim(1) == BINDS_FOR_EVER) {
        hang();
      }
      if (outputs.get(0).shape().dim(1) != 4) {
        throw new IllegalArgumentException("out takes four columns found=" + outputs);
      }
      return new Binding() {
        @Override
        public void run(long deadlineNanos) throws AcceleratorException {
          outputs.get(0).copyFrom(compute(inputs.get(0), deadlineNanos));
        }

        @Override
        public void close() {
          // Nothing is held.
        }
      };
    }

    @Override
    public List<Tensor> run(List<Tensor> inputs, long deadlineNanos) throws AcceleratorException {
      return List.of(compute(inputs.get(0), deadlineNanos));
    }

    private Tensor compute(Tensor input, long deadlineNanos) throws AcceleratorException {
      if (closed) {
        throw new IllegalStateException("the tiny model is closed");
      }
      float asked = input.getFloat(0);
      if (asked == DIE) {
        Runtime.getRuntime().halt(9);
      } else if (asked == HANG) {
        await(Long.MAX_VALUE);
      } else if (asked == FAIL_WITH_STATUS) {
        throw AcceleratorException.withStatus(Code.INVALID_INPUT, "tiny refuses x=3", -42);
      } else if (asked == ILLEGAL_ARGUMENT) {
        throw new IllegalArgumentException("tiny takes no such thing");
      } else if (asked == ERROR) {
        throw new StackOverflowError("tiny");
      } else if (asked == SLOW) {
        await(TimeUnit.MILLISECONDS.toNanos(SLOW_MILLIS));
      } else if (asked == MANY) {
        return Tensor.allocate(ElementType.FLOAT32, Shape.of(1, (long) input.getFloat(1)));
      }
      if (deadlineNanos - System.nanoTime() <= 0) {
        throw new AcceleratorException(Code.TIMEOUT, "tiny was too slow");
      }
      Tensor output = Tensor.allocate(ElementType.FLOAT32, input.shape());
      for (int i = 0; i < input.elementCount(); i++) {
        output.setFloat(i, -input.getFloat(i));
      }
      return output;
    }

    private static void await(long nanos) {
      try {
        boolean unused = new CountDownLatch(1).await(nanos, TimeUnit.NANOSECONDS);
      } catch (InterruptedException e) {
        throw new IllegalStateException("tiny was interrupted", e);
      }
    }

    @Override
    public MemoryUse memory() {
      return MemoryUse.of(1, 2, 3);
    }

    @Override
    public Map<String, String> details() {
      return Map.of("batch", Long.toString(batchSize), "näme", "välue");
    }

    @Override
    public void close() {
      closed = true;
    }
  }
}
