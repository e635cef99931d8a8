/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.openvino;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.Precision;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.AcceleratorContract;
import io.shoji.testkit.Eventually;
import io.shoji.testkit.OnnxModels;
import io.shoji.testkit.OpenVinoIr;
import io.shoji.testkit.OpenVinoIr.Weights;
import io.shoji.testkit.ProcessFigures;
import io.shoji.testkit.SimulatedOpenVino;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** The contract of all accelerators on a simulated Myriad X, with the release that drives it. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class MyriadContractTest extends AcceleratorContract {
  private Gateway gateway;
  private OpenVinoDriver driver;
  private Accelerator accelerator;
  private OvArtifacts artifacts;
  private SimulatedOpenVino simulated;

  /** Release that is simulated. */
  String release() {
    return "2022.3.2";
  }

  /** Device that is tested. */
  String device() {
    return "MYRIAD";
  }

  /** The perceptron as this device takes it. */
  OpenVinoIr model() {
    return OpenVinoIr.perceptron(Weights.F16, 1);
  }

  @BeforeAll
  void start(@TempDir Path folder) throws Exception {
    simulated = SimulatedOpenVino.in(folder.resolve("runtime"), release());
    simulated.tape("strict");
    artifacts = new OvArtifacts(folder);
    gateway = new Gateway(folder);
    driver =
        gateway.start(
            Map.of(
                "libraryPath",
                simulated.library().toString(),
                "devices",
                device(),
                "cacheFolder",
                folder.resolve("cache").toString(),
                "pollMs",
                20));
    accelerator = gateway.accelerator(device());
    assertThat(accelerator.info().runtimeVersion()).isEqualTo(release());
  }

  @AfterAll
  void stop() throws Exception {
    if (gateway != null) {
      driver.stop();
      assertThat(gateway.has(device())).isFalse();
      gateway.close();
      assertThat(ProcessFigures.mappedFiles()).doesNotContain(simulated.library().toString());
      Eventually.assertThat(() -> ProcessFigures.threads("shoji-openvino-").isEmpty());
      assertThat(simulated.record().open()).isEmpty();
      assertThat(simulated.record().twice()).isEmpty();
      assertThat(simulated.misuse()).isEmpty();
    }
  }

  OvArtifacts artifacts() {
    return artifacts;
  }

  @Override
  protected Accelerator accelerator() {
    return accelerator;
  }

  @Override
  protected ModelArtifact working() {
    return artifacts.ir("working", model(), Precision.FP16);
  }

  @Override
  protected Optional<List<Tensor>> expected(List<Tensor> inputs) {
    Tensor in = inputs.get(0);
    float[] values = new float[in.elementCount()];
    for (int i = 0; i < values.length; i++) {
      values[i] = in.getFloat(i);
    }
    float[] classes = OpenVinoIr.apply(values);
    return Optional.of(
        List.of(Tensor.ofFloats(Shape.of(in.shape().dim(0), OpenVinoIr.OUT), classes)));
  }

  @Override
  protected List<Refused> refused() {
    byte[] xml;
    byte[] bin;
    try {
      List<Path> files = artifacts.ir("whole", model(), Precision.FP16).files();
      xml = Files.readAllBytes(files.get(0));
      bin = Files.readAllBytes(files.get(1));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    byte[] random = new byte[4_096];
    new Random(11).nextBytes(random);
    List<Refused> all = new ArrayList<>();
    all.add(refused("zeroLength", new byte[0], bin, Code.INVALID_MODEL, "no IR", "bytes=0"));
    all.add(refused("random", random, bin, Code.INVALID_MODEL, "no IR"));
    all.add(
        refused(
            "truncated",
            Arrays.copyOf(xml, xml.length / 2),
            bin,
            Code.INVALID_MODEL,
            "cut off",
            "foundBytes=" + xml.length / 2));
    all.add(
        refused(
            "shortWeights",
            xml,
            Arrays.copyOf(bin, bin.length - 1),
            Code.INVALID_MODEL,
            "askedBytes=" + bin.length,
            "foundBytes=" + (bin.length - 1)));
    all.add(
        new Refused(
            artifacts.ir("newer", model().irVersion(12), Precision.FP16),
            Code.INCOMPATIBLE_RUNTIME,
            List.of("newer version", "found=12", "asked=10 to 11", "release=" + release())));
    all.add(
        new Refused(
            artifacts.ir("older", model().irVersion(7), Precision.FP16),
            Code.UNSUPPORTED,
            List.of("found=7")));
    all.add(
        new Refused(
            artifacts.ir("option", model(), Precision.FP16, Map.of("openvino.request", "2")),
            Code.UNSUPPORTED,
            List.of("openvino.request", "openvino.requests")));
    all.add(
        new Refused(
            artifacts.ir("value", model(), Precision.FP16, Map.of("openvino.requests", "17")),
            Code.UNSUPPORTED,
            List.of("openvino.requests=17", "known=1 to 16")));
    all.add(
        new Refused(
            artifacts.onnx("empty", new byte[0], Precision.FP16),
            Code.INVALID_MODEL,
            List.of("bytes=0")));
    all.add(
        new Refused(
            artifacts.onnx("damaged", random, Precision.FP16),
            Code.INVALID_MODEL,
            List.of("does not read")));
    all.addAll(refusedByRelease());
    return all;
  }

  /** What this release in particular refuses. */
  List<Refused> refusedByRelease() {
    return List.of(
        new Refused(
            artifacts.ir("real", model(), Precision.FP32),
            Code.UNSUPPORTED,
            List.of("asked=FP32", "FP16")),
        // This release gives no reason, so that the driver says what it sees itself.
        new Refused(
            artifacts.ir("opset", model().opset(13), Precision.FP16),
            Code.INVALID_MODEL,
            List.of("newestOpset=13", "madeBy=2022.3.0-tests")),
        new Refused(
            artifacts.onnx("open", OnnxModels.split(4), Precision.FP16),
            Code.INVALID_MODEL,
            List.of("does not read")));
  }

  private Refused refused(String name, byte[] xml, byte[] bin, Code code, String... mentions) {
    return new Refused(artifacts.files(name, xml, bin, Precision.FP16), code, List.of(mentions));
  }

  @Override
  protected Optional<Slow> slow() {
    return Optional.of(slow(model().delay(400), false));
  }

  Slow slow(OpenVinoIr model, boolean ends) {
    Tensor input = Tensor.allocate(ElementType.FLOAT32, Shape.of(1, OpenVinoIr.IN));
    return new Slow(artifacts.ir("slow", model, Precision.FP16), List.of(input), ends);
  }

  @Override
  protected Optional<Choosy> choosy() {
    return Optional.empty();
  }
}
