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

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.VendorLibrary;
import io.shoji.driver.onnxruntime.NativeMemory;
import io.shoji.driver.onnxruntime.OrtApi;
import io.shoji.driver.onnxruntime.OrtFunction;
import io.shoji.testkit.Artifacts;
import io.shoji.testkit.OnnxModels;
import io.shoji.testkit.Tensors;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the runtime leaves on the disk, of a process of its own. */
@Timeout(120)
class TelemetryTest {
  @TempDir Path folder;

  @Test
  void shouldLeaveNoFileWhenTheDriverRunsAModel() throws Exception {
    assertThat(leftBy("driver")).isEmpty();
  }

  @Test
  void shouldBeNeededForTheRuntimeThatIsShipped() throws Exception {
    assertThat(leftBy("runtime"))
        .anyMatch(file -> file.endsWith("onnxruntime.db"))
        .anyMatch(file -> file.contains("mat-debug"));
  }

  private List<String> leftBy(String who) throws IOException, InterruptedException {
    Path home = Files.createDirectories(folder.resolve(who));
    ProcessBuilder builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-cp",
            System.getProperty("java.class.path"),
            Child.class.getName(),
            who,
            folder.resolve("work").toString(),
            Runtimes.library(Runtimes.CURRENT).toString());
    builder.environment().clear();
    builder.environment().put("HOME", home.toString());
    File log = folder.resolve(who + ".log").toFile();
    Process process = builder.redirectErrorStream(true).redirectOutput(log).start();
    boolean ended = process.waitFor(60, TimeUnit.SECONDS);
    process.destroyForcibly();
    assertThat(ended && process.exitValue() == 0).as(Files.readString(log.toPath())).isTrue();
    List<String> left = new ArrayList<>();
    try (Stream<Path> files = Files.walk(home)) {
      files.filter(Files::isRegularFile).map(Path::toString).forEach(left::add);
    }
    Path debug = Path.of("/tmp", "mat-debug-" + process.pid() + ".log");
    if (Files.deleteIfExists(debug)) {
      left.add(debug.toString());
    }
    return left;
  }

  /** The other process. */
  static final class Child {
    private Child() {}

    public static void main(String[] arguments) throws Exception {
      Path work = Files.createDirectories(Path.of(arguments[1]));
      Path library = Path.of(arguments[2]);
      try (Gateway gateway = new Gateway(Files.createTempDirectory(work, "gateway"))) {
        if (arguments[0].equals("driver")) {
          CpuDriver driver = gateway.start(Map.of("libraryPath", library.toString()));
          run(gateway.accelerator(), work);
          driver.stop();
        } else {
          VendorLibrary opened = gateway.libraries().open(library);
          NativeMemory name = NativeMemory.ofString("child");
          OrtApi.of(opened).create(OrtFunction.CreateEnv, 3, name);
        }
      }
    }

    private static void run(Accelerator accelerator, Path work) throws Exception {
      ModelArtifact artifact =
          new Artifacts(work, ModelFormats.ONNX).of("model.onnx", OnnxModels.smallMlp());
      try (LoadedModel model = accelerator.load(artifact, LoadOptions.defaults())) {
        model.run(Tensors.random(model.inputs(), 1, 1), LoadedModel.noDeadline());
      }
    }
  }
}
