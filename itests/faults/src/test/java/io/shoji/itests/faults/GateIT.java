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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.inference.ModelStatus;
import io.shoji.operations.EngineEvent;
import io.shoji.operations.Progress;
import io.shoji.operations.Verification;
import io.shoji.testkit.Proof;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;

/**
 * The gate on real packages and the real runtime: bad models do not go live, each with its
 * evidence, while what served before goes on; good ones are never refused.
 */
class GateIT {
  private static final ModelRef DIGITS = ModelRef.latest("digits");

  @TempDir Path folder;
  private Gateway gateway;
  private Bundle bundle;

  @BeforeEach
  void start() throws Exception {
    gateway =
        new Gateway(
            folder,
            Map.of(
                Gateway.ENGINE,
                Gateway.engine(Map.of("probationMs", 0, "retryMs", 200)),
                "io.shoji.models",
                Map.of("storeFolder", folder.resolve("store").toString()),
                Gateway.CPU,
                Map.of("libraryPath", Gateway.realRuntime(folder).toString())));
    bundle = gateway.install(Gateway.bundleFile("io.shoji.model.digits"));
    bundle.start();
    awaitServing("1.0.0");
  }

  @AfterEach
  void stop() throws Exception {
    gateway.close();
  }

  private static ChangedPackage digits(String variant) throws Exception {
    return new ChangedPackage(Gateway.bundleFile("io.shoji.model.digits"), variant);
  }

  private void awaitServing(String version) throws Exception {
    awaitServing("digits", version);
  }

  private void awaitServing(String model, String version) throws Exception {
    InferenceService inference = gateway.inference();
    Waiting.until(
        () -> "serving " + version + " " + inference.models(),
        () ->
            inference.models().stream()
                .filter(each -> each.description().name().equals(model))
                .flatMap(status -> status.serving().stream())
                .anyMatch(serving -> serving.modelVersion().equals(version)));
  }

  /** Installs it as the next version: it is refused for that reason, and the old one serves on. */
  private void assertRefused(ChangedPackage changed, String version, String... evidence)
      throws Exception {
    InferenceService inference = gateway.inference();
    Gateway.update(bundle, changed.write(folder, version));
    Waiting.until(
        () -> version + " is refused " + inference.models(),
        () ->
            gatewayEvents().stream()
                .anyMatch(
                    event ->
                        event.type() == EngineEvent.Type.MODEL_FAILED
                            && event.version().equals(version)));
    String event =
        gatewayEvents().stream()
            .filter(each -> each.type() == EngineEvent.Type.MODEL_FAILED)
            .filter(each -> each.version().equals(version))
            .findFirst()
            .orElseThrow()
            .message();
    ModelStatus status =
        inference.models().stream()
            .filter(each -> each.description().version().toString().equals(version))
            .findFirst()
            .orElseThrow();
    System.out.println("refused: " + event);
    assertThat(event).contains("it is not accepted on this device").contains(evidence);
    assertThat(status.candidates())
        .as("verdict of %s", version)
        .anyMatch(each -> List.of(evidence).stream().allMatch(each.verdict()::contains));
    awaitServing("1.0.0");
  }

  private List<EngineEvent> gatewayEvents() {
    try {
      return gateway.operations().events(0);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void shouldRefuseModelsThatAreWrongAndServeOn() throws Exception {
    // Weights whose bits flipped before the package was made: its digests are right.
    assertRefused(
        digits("onnx-fp32").weights(w -> w.flip("conv2.weight", 30, 7)),
        "1.0.1",
        "samples=500",
        "asked=",
        "found=");
    // A single flipped bit that makes a weight infinite or not a number.
    assertRefused(
        digits("onnx-fp32").weights(w -> w.of("gemm2.bias").putFloat(0, Float.NaN)),
        "1.0.2",
        "not finite",
        "found=NaN");
    // Weights that are read with another scale than they were quantized with.
    assertRefused(
        digits("onnx-int8").weights(w -> w.scale("conv2.weight.scale", 8)),
        "1.0.3",
        "further from what is expected",
        "precision=INT8");
    // Two rows of the last layer exchanged: a model that was trained with other labels.
    assertRefused(
        digits("onnx-fp32")
            .weights(
                w -> {
                  w.swapRows("gemm2.weight", 10, 0, 1);
                  w.swapRows("gemm2.bias", 10, 0, 1);
                }),
        "1.0.4",
        "metric=top1",
        "asked=0.97",
        "found=0.79");
    // Calibrated with samples that are too dark: what is bright is cut off.
    assertRefused(
        digits("onnx-int8")
            .weights(
                w -> {
                  w.scale("relu1.scale", 0.1f);
                  w.scale("relu2.scale", 0.1f);
                  w.scale("relu3.scale", 0.1f);
                }),
        "1.0.5",
        "metric=top1",
        "asked=0.97");
    // A scale that is wrong everywhere: the largest score stays where it is, and top1 with it.
    assertRefused(
        digits("onnx-fp32")
            .weights(
                w -> {
                  w.scale("gemm2.weight", 2);
                  w.scale("gemm2.bias", 2);
                }),
        "1.0.6",
        "further from what is expected",
        "precision=FP32");
  }

  @Test
  void shouldRefuseModelsThatAreRightButTooSlowOrTooLarge() throws Exception {
    assertRefused(
        digits("onnx-fp32").acceptance("p99Ms", 0.0001), "1.0.1", "p99Ms asked=1.0E-4", "found=");
    assertRefused(
        digits("onnx-fp32").acceptance("peakMemoryBytes", 1024),
        "1.0.2",
        "peakMemoryBytes asked=1024",
        "found=");
  }

  @Test
  void shouldNotServeFileThatChangesOnDisk() throws Exception {
    Path stored;
    try (var files = Files.walk(folder.resolve("store").resolve("objects"))) {
      stored =
          files
              .filter(Files::isRegularFile)
              .filter(file -> file.getFileName().toString().startsWith("aa24ef0c"))
              .findFirst()
              .orElseThrow();
    }
    long size = Files.size(stored);
    Files.setPosixFilePermissions(stored, PosixFilePermissions.fromString("rw-r--r--"));
    try (RandomAccessFile file = new RandomAccessFile(stored.toFile(), "rw")) {
      file.seek(size / 2);
      int before = file.read();
      file.seek(size / 2);
      file.write(before ^ 0x40);
    }
    assertThat(Multiplier.sha256(Files.readAllBytes(stored))).doesNotStartWith("aa24ef0c");

    gateway.operations().reload("digits", Progress.NONE);

    assertThat(Multiplier.sha256(Files.readAllBytes(stored)))
        .as("the file was restored from its bundle before it was loaded")
        .startsWith("aa24ef0c");
    Verification verification = gateway.operations().verify("digits", Progress.NONE);
    assertThat(verification.problems()).isEmpty();
    assertThat(verification.value()).hasValue(0.994);
  }

  /**
   * What golden samples cannot see: they hold indices, and the names of the indices are the
   * package's word. That word is under its signature.
   */
  @Test
  void shouldAcceptOtherNamesOfTheSameClasses() throws Exception {
    Gateway.update(bundle, digits("onnx-fp32").swappedLabels().write(folder, "1.0.1"));
    awaitServing("1.0.1");
    assertThat(gateway.inference().model(DIGITS).orElseThrow().description().labels())
        .startsWith("1", "0");
  }

  @Test
  void shouldAcceptHonestVariantsOfLessPrecision() throws Exception {
    Gateway.update(bundle, digits("onnx-int8").write(folder, "1.0.1"));
    awaitServing("1.0.1");
    Gateway.update(bundle, digits("onnx-fp16").write(folder, "1.0.2"));
    awaitServing("1.0.2");
    assertThat(gatewayEvents()).noneMatch(each -> each.type() == EngineEvent.Type.MODEL_FAILED);
  }

  @Test
  void shouldNeverRefuseModelThatIsUnchanged() throws Exception {
    Bundle other = gateway.install(Gateway.bundleFile("io.shoji.model.bearing"));
    other.start();
    awaitServing("bearing", "1.0.0");
    int rounds = Proof.rounds(4, 500);
    for (int round = 0; round < rounds; round++) {
      for (String model : List.of("digits", "bearing")) {
        assertThatCode(() -> gateway.operations().reload(model, Progress.NONE))
            .as("acceptance of %s, unchanged, round %d", model, round)
            .doesNotThrowAnyException();
      }
    }
    System.out.println("gate: unchanged models accepted=" + 2 * rounds + " refused=0");
    assertThat(gatewayEvents()).noneMatch(each -> each.type() == EngineEvent.Type.MODEL_FAILED);
  }
}
