/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.pipeline;

import static io.shoji.pipeline.TestModels.f32;
import static io.shoji.pipeline.TestModels.image;
import static io.shoji.pipeline.TestModels.model;
import static io.shoji.pipeline.TestModels.signal;
import static io.shoji.pipeline.TestModels.step;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.sun.management.ThreadMXBean;
import io.shoji.inference.InferenceException;
import io.shoji.inference.ModelRef;
import io.shoji.inference.Sample;
import io.shoji.model.ModelDescription;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The way from a sample to the model's input makes no garbage. The JVM counts each thread's
 * allocated bytes exactly; a class that is loaded on the way may add to one round, so the best of
 * several rounds counts. A step that allocates does so in each round.
 */
class AllocationTest {
  private static final int ROUNDS = 20;
  private static final int SAMPLES = 50;

  private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private final long thread = Thread.currentThread().getId();

  /** Puts one sample through the steps before the model. */
  private interface Push {
    void push() throws InferenceException;
  }

  @BeforeEach
  void countsBytes() {
    assumeThat(threads.isThreadAllocatedMemorySupported())
        .as("this JVM counts the bytes that a thread allocates")
        .isTrue();
    threads.setThreadAllocatedMemoryEnabled(true);
  }

  private long leastBytes(Push push) throws InferenceException {
    long least = Long.MAX_VALUE;
    for (int round = 0; round < ROUNDS; round++) {
      long before = threads.getThreadAllocatedBytes(thread);
      for (int i = 0; i < SAMPLES; i++) {
        push.push();
      }
      least = Math.min(least, threads.getThreadAllocatedBytes(thread) - before);
    }
    return least;
  }

  private long leastBytes(ModelDescription model, Sample sample, int inputsPerSample)
      throws InferenceException {
    FakeEngine engine = new FakeEngine();
    engine.serve(model, (in, out) -> {});
    Source source = PlanCompiler.compile(model).source();
    ModelCall call = new PreparedCall(engine.prepare(ModelRef.latest("m"), 1, 0));
    int[] inputs = {0};
    long least =
        leastBytes(
            () -> {
              source.offer(sample, 0);
              while (source.next(call)) {
                inputs[0]++;
              }
              source.finish();
            });
    assertThat(inputs[0]).isEqualTo(ROUNDS * SAMPLES * inputsPerSample);
    return least;
  }

  @Test
  void shouldNoticeGarbageWhenThereIsSome() throws Exception {
    Object[] kept = new Object[1];
    assertThat(leastBytes(() -> kept[0] = new byte[16])).isGreaterThanOrEqualTo(SAMPLES * 16);
    assertThat(kept[0]).isNotNull();
  }

  @Test
  void shouldAllocateNothingWhenASignalBecomesFloats() throws Exception {
    ModelDescription model =
        model(
            List.of(f32("x", -1, 2, 128)),
            List.of(f32("y", -1, 2)),
            signal(
                List.of("a", "b"),
                List.of(
                    step("window", "size", 128, "hop", 128),
                    step("detrend", "type", "linear"),
                    step("scale", "factor", 2),
                    step("standardize"),
                    step("to-tensor", "layout", "NCW"))));
    FloatBuffer heap = FloatBuffer.allocate(256);
    FloatBuffer direct = ByteBuffer.allocateDirect(1024).asFloatBuffer();
    assertThat(leastBytes(model, new Sample.Signal(List.of(heap, direct)), 2)).isZero();
  }

  @Test
  void shouldAllocateNothingWhenASpectrumIsQuantized() throws Exception {
    for (int size : new int[] {64, 60}) {
      TensorSpec input =
          TensorSpec.of("x", ElementType.INT8, Shape.of(1, size / 2 + 1, 1))
              .withQuantization(Quantization.perTensor(0.1f, -3));
      ModelDescription model =
          model(
              List.of(input),
              List.of(f32("y", -1, 2)),
              signal(
                  List.of("a"),
                  List.of(
                      step("window", "size", size, "hop", size),
                      step("rfft-log-spectrum"),
                      step("to-tensor", "layout", "NWC"))));
      assertThat(leastBytes(model, Sample.Signal.of(new float[size]), 1)).isZero();
    }
  }

  @Test
  void shouldAllocateNoPixelsWhenARawPictureBecomesAnInput() throws Exception {
    ModelDescription model =
        model(
            List.of(f32("x", -1, 3, 16, 16)),
            List.of(f32("y", -1, 2)),
            image(
                List.of(
                    step("decode-image", "color", "rgb"),
                    step("resize", "width", 16, "height", 16, "fit", "letterbox"),
                    step("normalize", "scale", 0.01),
                    step("to-tensor", "layout", "NCHW"))));
    Sample.RawImage sample =
        new Sample.RawImage(
            40,
            30,
            Sample.PixelOrder.BGR,
            ByteBuffer.allocateDirect(40 * 30 * 3).asReadOnlyBuffer());
    // A few small objects per picture, its layout and shape: 3600 bytes of pixels would show.
    assertThat(leastBytes(model, sample, 1)).isLessThan(SAMPLES * 512L);
  }
}
