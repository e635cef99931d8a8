/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.hailo;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import io.shoji.testkit.AcceleratorContract;
import io.shoji.testkit.Eventually;
import io.shoji.testkit.ProcessFigures;
import io.shoji.testkit.SimulatedHailoRt;
import io.shoji.testkit.SimulatedHef;
import io.shoji.testkit.Tensors;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** The contract of all accelerators on the simulated HailoRT of the newest release. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class HailoContractTest extends AcceleratorContract {
  private Gateway gateway;
  private HailoDriver driver;
  private Accelerator accelerator;
  private HefArtifacts artifacts;
  private SimulatedHailoRt simulated;

  /** Release that is simulated. */
  String release() {
    return "4.23.0";
  }

  @BeforeAll
  void start(@TempDir Path folder) throws Exception {
    simulated = SimulatedHailoRt.in(folder.resolve("runtime"), release());
    simulated.tape("strict");
    artifacts = new HefArtifacts(folder);
    gateway = new Gateway(folder);
    driver = gateway.start(Map.of("libraryPath", simulated.library().toString(), "pollMs", 20));
    accelerator = gateway.accelerator();
    assertThat(accelerator.info().runtimeVersion()).isEqualTo(release());
  }

  @AfterAll
  void stop() throws Exception {
    if (gateway != null) {
      driver.stop();
      assertThat(gateway.reference()).isNull();
      gateway.close();
      assertThat(ProcessFigures.mappedFiles()).doesNotContain(simulated.library().toString());
      Eventually.assertThat(() -> ProcessFigures.threads("shoji-hailo-").isEmpty());
      assertThat(simulated.record().open()).isEmpty();
      assertThat(simulated.record().twice()).isEmpty();
      assertThat(simulated.misuse()).isEmpty();
    }
  }

  @Override
  protected Accelerator accelerator() {
    return accelerator;
  }

  @Override
  protected ModelArtifact working() {
    return artifacts.of("working", SimulatedHef.classifier(0).bytes(SimulatedHef.HAILO8));
  }

  @Override
  protected Optional<List<Tensor>> expected(List<Tensor> inputs) {
    Tensor in = inputs.get(0);
    int[] values = new int[in.elementCount()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (int) in.getLong(i);
    }
    int[] classes = SimulatedHef.apply(SimulatedHef.classifier(), values);
    Tensor out = Tensor.allocate(in.type(), Shape.of(1, classes.length));
    for (int i = 0; i < classes.length; i++) {
      out.setLong(i, classes[i]);
    }
    return Optional.of(List.of(out));
  }

  @Override
  protected List<Refused> refused() {
    byte[] whole = SimulatedHef.classifier(0).bytes(SimulatedHef.HAILO8);
    byte[] flipped = whole.clone();
    flipped[whole.length / 2] ^= 1;
    byte[] random = new byte[4_096];
    new Random(11).nextBytes(random);
    byte[] newer = whole.clone();
    newer[7] = 9;
    return List.of(
        refused("zeroLength", new byte[0], Code.INVALID_MODEL, "no HEF", "bytes=0"),
        refused("random", random, Code.INVALID_MODEL, "no HEF"),
        refused(
            "truncated",
            Arrays.copyOf(whole, whole.length / 2),
            Code.INVALID_MODEL,
            "cut off",
            "foundBytes=" + whole.length / 2),
        refused("header", Arrays.copyOf(whole, 20), Code.INVALID_MODEL, "cut off", "askedBytes=28"),
        refused("flipped", flipped, Code.INVALID_MODEL, "CRC-32"),
        refused("newer", newer, Code.UNSUPPORTED, "found=9", "asked=0 to 3"),
        refused(
            "wrongChip",
            SimulatedHef.classifier(0).bytes(SimulatedHef.HAILO15M),
            Code.UNSUPPORTED,
            "another chip",
            "asked=HAILO8",
            "found=HAILO15M"),
        new Refused(
            declared(artifacts.of("dynamic", whole), Shape.of(1, Shape.DYNAMIC, 4, 2)),
            Code.UNSUPPORTED,
            List.of("shape changes", "in model.json", "digits/input:UINT8[1, ?, 4, 2]")),
        new Refused(
            declared(artifacts.of("larger", whole), Shape.of(1, 8, 8, 2)),
            Code.INVALID_MODEL,
            List.of("declares other inputs", "[1, 8, 8, 2]", "[1, 4, 4, 2]")),
        new Refused(
            artifacts.of("option", whole, Map.of("hailo.prority", "4")),
            Code.UNSUPPORTED,
            List.of("hailo.prority", "hailo.priority")),
        new Refused(
            artifacts.of("value", whole, Map.of("hailo.priority", "32")),
            Code.UNSUPPORTED,
            List.of("hailo.priority=32", "known=0 to 31")),
        new Refused(
            artifacts.of("group", whole, Map.of("hailo.group", "faces")),
            Code.INVALID_MODEL,
            List.of("asked=faces", "found=[digits]")));
  }

  private static ModelArtifact declared(ModelArtifact artifact, Shape input) {
    return new ModelArtifact(
        artifact.model(),
        artifact.version(),
        artifact.variant(),
        artifact.format(),
        artifact.precision(),
        artifact.sha256(),
        artifact.files(),
        List.of(TensorSpec.of("digits/input", ElementType.UINT8, input)),
        List.of(),
        Map.of());
  }

  private Refused refused(String name, byte[] content, Code code, String... mentions) {
    return new Refused(artifacts.of(name, content), code, List.of(mentions));
  }

  @Override
  protected Optional<Slow> slow() {
    ModelArtifact slow =
        artifacts.of("slow", SimulatedHef.classifier(400).bytes(SimulatedHef.HAILO8));
    Tensor input = Tensor.allocate(ElementType.UINT8, Shape.of(1, 4, 4, 2));
    Tensors.fill(input, new Random(1));
    return Optional.of(new Slow(slow, List.of(input), false));
  }

  @Override
  protected Optional<Choosy> choosy() {
    return Optional.empty();
  }
}
