/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;
import io.shoji.driver.edgetpu.EdgeTpuDriver;
import io.shoji.natives.NativeLibraries;
import io.shoji.operations.Progress;
import io.shoji.quantizer.onnx.OnnxModel;
import io.shoji.quantizer.tflite.TfliteConverter;
import io.shoji.quantizer.tflite.TfliteOptions;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.felix.framework.Felix;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.osgi.framework.Constants;
import org.osgi.util.tracker.ServiceTracker;

/** Written files as the gateway runs them: by the driver, which checks them before. */
@ExtendWith(Runtime.class)
final class TfliteDriverTest {
  private static final long PATIENCE_MILLIS = 30_000;

  @TempDir private static Path folder;

  private static Felix framework;
  private static NativeLibraries libraries;
  private static EdgeTpuDriver driver;
  private static Accelerator accelerator;

  @BeforeAll
  static void start() throws Exception {
    Map<String, Object> properties = new HashMap<>();
    properties.put(Constants.FRAMEWORK_STORAGE, folder.resolve("framework").toString());
    framework = new Felix(properties);
    framework.start();
    libraries =
        new NativeLibraries(
            framework.getBundleContext(),
            Runtime.Started.annotation(NativeLibraries.Configuration.class, Map.of()));
    driver =
        new EdgeTpuDriver(
            framework.getBundleContext(),
            libraries,
            Runtime.Started.annotation(
                EdgeTpuDriver.Config.class,
                Map.of("libraryPath", TfliteRuntime.library().toString())));
    ServiceTracker<Accelerator, Accelerator> tracker =
        new ServiceTracker<>(framework.getBundleContext(), Accelerator.class, null);
    tracker.open();
    accelerator = tracker.waitForService(PATIENCE_MILLIS);
    tracker.close();
  }

  @AfterAll
  static void stop() throws Exception {
    driver.stop();
    libraries.deactivate();
    framework.stop();
    framework.waitForStop(PATIENCE_MILLIS);
  }

  @ParameterizedTest
  @EnumSource(
      value = ElementType.class,
      names = {"INT8", "UINT8", "FLOAT32"})
  void shouldAnswerAsInOnnxWhenDriverRunsDetector(ElementType io, ModelRunner runner)
      throws Exception {
    Samples samples = Networks.samples(100, 1, 3, 16, 16);
    OnnxModel model =
        StaticQuantizer.calibrateAndQuantize(
                Preparation.prepare(Networks.detector(4, 13), runner),
                QuantizationOptions.forIntegersOnly(),
                samples,
                false,
                runner,
                Progress.NONE)
            .model();
    TfliteConverter.Converted converted =
        TfliteConverter.convert(model, runner, new TfliteOptions(io));
    Path file = folder.resolve(io + ".tflite");
    converted.write(file);
    ModelArtifact artifact =
        new ModelArtifact(
            "written",
            "1",
            "int8",
            ModelFormats.TFLITE,
            Precision.INT8,
            "",
            List.of(file),
            List.of(),
            List.of(),
            Map.of());
    try (LoadedModel loaded = accelerator.load(artifact, LoadOptions.defaults());
        ModelRunner.Session onnx = runner.openPlain(model)) {
      TensorSpec spec = converted.outputs().get(0);
      assertThat(loaded.inputs()).extracting(TensorSpec::type).containsExactly(io);
      assertThat(loaded.outputs().get(0).shape()).isEqualTo(spec.shape());
      double signal = 0;
      double noise = 0;
      for (int i = 0; i < samples.size(); i++) {
        Tensor x = samples.inputs(i).get("x");
        Tensor y = onnx.run(samples.inputs(i)).get("y");
        List<Tensor> given = List.of(TfliteRuntime.given(x, converted.inputs().get(0)));
        Tensor found = loaded.run(given, LoadedModel.noDeadline()).get(0);
        float[] real = TfliteRuntime.real(found, spec, y.shape());
        for (int j = 0; j < real.length; j++) {
          signal += y.getFloat(j) * y.getFloat(j);
          noise += Math.pow(y.getFloat(j) - real[j], 2);
        }
      }
      assertThat(10 * Math.log10(signal / noise)).isGreaterThan(35);
    }
  }
}
