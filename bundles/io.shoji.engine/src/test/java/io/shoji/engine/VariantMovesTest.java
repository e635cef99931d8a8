/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.accelerator.Accelerator;
import io.shoji.inference.InferenceResult;
import io.shoji.inference.ModelStatus;
import io.shoji.inference.PreparedInference;
import io.shoji.inference.Provenance;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelVariant;
import io.shoji.models.ModelPackageCheck;
import io.shoji.operations.Progress;
import io.shoji.operations.Verification;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The digits package of this repository on ONNX Runtime in floating point and on TensorFlow Lite in
 * bytes, channels last, one image at a time: the model moves between the two while it is asked.
 */
class VariantMovesTest extends EngineFixture {
  private static final Path FOLDER =
      Path.of("..", "io.shoji.model.digits", "src", "main", "resources");
  private static final int ROUNDS = 3;

  @TempDir Path temp;
  private RealAccelerators real;
  private Accelerator onnx;
  private Accelerator tflite;
  private ModelDescription digits;
  private GoldenSamples golden;

  @BeforeEach
  void start() throws Exception {
    real = new RealAccelerators(temp);
    onnx = real.cpu();
    tflite = real.tflite();
    ModelPackageCheck check = ModelPackageCheck.folder(FOLDER, () -> false);
    assertThat(check.reasons()).isEmpty();
    digits = check.description().orElseThrow();
    Path inf = FOLDER.resolve("SHOJI-INF");
    Path samples = inf.resolve(digits.golden().orElseThrow().file().path());
    golden = GoldenSamples.read(samples);
    FakePackage added =
        new FakePackage(
            digits, false, inf.resolve(digits.variants().get(0).files().get(0).path()), samples);
    for (ModelVariant variant : digits.variants()) {
      added.files.put(variant.name(), inf.resolve(variant.files().get(0).path()));
    }
    install(added);
  }

  @AfterEach
  void stop() throws Exception {
    engine.close();
    real.close();
  }

  private String serving() {
    return status(DIGITS).serving().map(Provenance::variant).orElse("none");
  }

  private void awaitServing(String variant) {
    await("serving " + variant, () -> serving().equals(variant));
  }

  /** The first so many golden images in one tensor. */
  private Tensor images(int first, int count) {
    Tensor batch = Tensor.allocate(ElementType.FLOAT32, Shape.of(count, 1, 8, 8));
    for (int i = 0; i < count; i++) {
      Tensor one = golden.inputs(digits, first + i).get(0);
      batch.data().put(i * one.byteSize(), one.data(), 0, one.byteSize());
    }
    return batch;
  }

  /** Images whose digit is another one than in FP32. */
  private int differing(int first, Tensor logits) {
    int differing = 0;
    int count = (int) logits.shape().dim(0);
    for (int i = 0; i < count; i++) {
      Tensor expected = golden.expected("logits", first + i).orElseThrow();
      int best = 0;
      int asked = 0;
      for (int c = 1; c < 10; c++) {
        best = logits.getFloat(i * 10 + c) > logits.getFloat(i * 10 + best) ? c : best;
        asked = expected.getFloat(c) > expected.getFloat(asked) ? c : asked;
      }
      differing += best == asked ? 0 : 1;
    }
    return differing;
  }

  @Test
  void shouldAnswerEveryRequestWhileModelMovesBetweenFloatsAndBytes() throws Exception {
    engine.addAccelerator(onnx);
    awaitServing("onnx-fp32");
    AtomicBoolean stop = new AtomicBoolean();
    AtomicLong answers = new AtomicLong();
    ConcurrentLinkedQueue<String> faults = new ConcurrentLinkedQueue<>();
    Set<String> variants = ConcurrentHashMap.newKeySet();
    List<Thread> callers = new ArrayList<>();
    for (int batch : new int[] {1, 5}) {
      callers.add(
          new Thread(
              () -> {
                for (int first = 0; !stop.get(); first = (first + batch) % 400) {
                  try {
                    InferenceResult result =
                        engine.infer(DIGITS, List.of(images(first, batch)), in(10_000));
                    note(first, result.outputs().get(0), result.provenance(), faults, variants);
                    answers.incrementAndGet();
                  } catch (Exception | Error e) {
                    faults.add("infer: " + e);
                  }
                }
              },
              "caller-" + batch));
    }
    callers.add(
        new Thread(
            () -> {
              try (PreparedInference prepared = engine.prepare(DIGITS, 2, in(10_000))) {
                for (int first = 0; !stop.get(); first = (first + 2) % 400) {
                  prepared.inputs().get(0).copyFrom(images(first, 2));
                  Provenance provenance = prepared.run(in(10_000));
                  note(first, prepared.outputs().get(0), provenance, faults, variants);
                  answers.incrementAndGet();
                }
              } catch (Exception | Error e) {
                faults.add("prepared: " + e);
              }
            },
            "prepared"));
    callers.forEach(Thread::start);
    try {
      for (int round = 0; round < ROUNDS; round++) {
        engine.addAccelerator(tflite);
        engine.removeAccelerator(onnx);
        awaitServing("tflite-int8");
        awaitMore(answers);
        engine.addAccelerator(onnx);
        engine.removeAccelerator(tflite);
        awaitServing("onnx-fp32");
        awaitMore(answers);
      }
    } finally {
      stop.set(true);
      for (Thread caller : callers) {
        caller.join();
      }
    }
    assertThat(faults).isEmpty();
    assertThat(variants).contains("onnx-fp32", "tflite-int8");
    assertThat(status(DIGITS).metrics().errors()).isEmpty();
  }

  /** Only a few of the images are so close to two digits that bytes make another one of them. */
  private void note(
      int first,
      Tensor logits,
      Provenance provenance,
      ConcurrentLinkedQueue<String> faults,
      Set<String> variants) {
    variants.add(provenance.variant());
    int differing = differing(first, logits);
    if (differing > (provenance.variant().equals("onnx-fp32") ? 0 : 1)) {
      faults.add("digits differ first=" + first + " differing=" + differing + " " + provenance);
    }
  }

  private static void awaitMore(AtomicLong answers) {
    long before = answers.get();
    await("answers go on", () -> answers.get() > before + 20);
  }

  @Test
  void shouldMeasureWhatItsEvidenceSaysOnTfliteToo() throws Exception {
    engine.addAccelerator(tflite);
    awaitServing("tflite-int8");
    ModelVariant.Evidence claimed =
        digits.variant("tflite-int8").orElseThrow().evidence().orElseThrow();

    Verification found = new Operator(engine, Optional::empty).verify("digits", Progress.NONE);

    assertThat(found.problems()).isEmpty();
    assertThat(found.samples()).isEqualTo(claimed.evaluationCount());
    assertThat(found.value()).hasValue(claimed.value());
    assertThat(status(DIGITS).candidates())
        .filteredOn(c -> c.variant().startsWith("onnx"))
        .extracting(ModelStatus.Candidate::verdict)
        .allSatisfy(verdict -> assertThat(verdict).startsWith("format is missing asked=onnx"));
  }
}
