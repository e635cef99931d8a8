/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.example;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.Precision;
import io.shoji.natives.NativeLibraries;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import io.shoji.testkit.AcceleratorContract;
import io.shoji.testkit.Artifacts;
import io.shoji.testkit.ProcessFigures;
import java.lang.annotation.Annotation;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.felix.framework.Felix;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.util.tracker.ServiceTracker;

/** The contract of all accelerators. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SorobanContractTest extends AcceleratorContract {
  private static final Path LIBRARY = Path.of("target", "libsoroban.so").toAbsolutePath();
  private static final int INPUTS = 16;
  private static final int OUTPUTS = 4;

  private Felix framework;
  private NativeLibraries libraries;
  private SorobanDriver driver;
  private Accelerator accelerator;
  private Artifacts artifacts;

  @BeforeAll
  void start(@TempDir Path folder) throws Exception {
    artifacts = new Artifacts(folder, SorobanAccelerator.FORMAT);
    framework =
        new Felix(Map.of(Constants.FRAMEWORK_STORAGE, folder.resolve("framework").toString()));
    framework.start();
    BundleContext context = framework.getBundleContext();
    libraries =
        new NativeLibraries(context, settings(NativeLibraries.Configuration.class, Map.of()));
    driver =
        new SorobanDriver(
            context,
            libraries,
            settings(SorobanDriver.Config.class, Map.of("libraryPath", LIBRARY.toString())));
    ServiceTracker<Accelerator, Accelerator> tracker =
        new ServiceTracker<>(context, Accelerator.class, null);
    tracker.open();
    accelerator = tracker.waitForService(60_000);
    tracker.close();
    assertThat(accelerator).isNotNull();
  }

  /** What was taken is given back: the service, the library. */
  @AfterAll
  void stop() throws Exception {
    driver.stop();
    assertThat(framework.getBundleContext().getServiceReference(Accelerator.class)).isNull();
    assertThat(ProcessFigures.mappedFiles()).doesNotContain(LIBRARY.toString());
    libraries.deactivate();
    framework.stop();
    framework.waitForStop(60_000);
  }

  /** A configuration: some values, and the defaults for the others. */
  private static <A extends Annotation> A settings(Class<A> type, Map<String, Object> values) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) ->
                values.getOrDefault(method.getName(), method.getDefaultValue())));
  }

  @Override
  protected Accelerator accelerator() {
    return accelerator;
  }

  private static byte weight(int at) {
    return (byte) (at * 7 % 13 - 6);
  }

  private static byte[] matrix(int inputs, int outputs) {
    ByteBuffer file = ByteBuffer.allocate(12 + inputs * outputs).order(ByteOrder.LITTLE_ENDIAN);
    file.put("SRBN".getBytes(StandardCharsets.US_ASCII)).putInt(inputs).putInt(outputs);
    for (int i = 0; i < inputs * outputs; i++) {
      file.put(weight(i));
    }
    return file.array();
  }

  private ModelArtifact artifact(String name, byte[] content, List<TensorSpec> inputs) {
    ModelArtifact made = artifacts.of(name, content);
    return new ModelArtifact(
        made.model(),
        made.version(),
        "soroban",
        made.format(),
        Precision.INT8,
        made.sha256(),
        made.files(),
        inputs,
        List.of(),
        Map.of());
  }

  @Override
  protected ModelArtifact working() {
    return artifact("working", matrix(INPUTS, OUTPUTS), List.of());
  }

  @Override
  protected Optional<List<Tensor>> expected(List<Tensor> inputs) {
    Tensor result = Tensor.allocate(ElementType.INT32, Shape.of(1, OUTPUTS));
    for (int row = 0; row < OUTPUTS; row++) {
      long sum = 0;
      for (int column = 0; column < INPUTS; column++) {
        sum += weight(row * INPUTS + column) * inputs.get(0).getLong(column);
      }
      result.setLong(row, sum);
    }
    return Optional.of(List.of(result));
  }

  @Override
  protected List<Refused> refused() {
    byte[] whole = matrix(INPUTS, OUTPUTS);
    return List.of(
        refused("empty", new byte[0], List.of(), Code.INVALID_MODEL, "nativeStatus=1"),
        refused("cut", Arrays.copyOf(whole, 40), List.of(), Code.INVALID_MODEL, "cut off"),
        refused("large", matrix(2_000, 2), List.of(), Code.UNSUPPORTED, "at most 1024"),
        refused(
            "declared",
            whole,
            List.of(TensorSpec.of("x", ElementType.INT8, Shape.of(1, 8))),
            Code.INVALID_MODEL,
            "declares other inputs"));
  }

  private Refused refused(
      String name, byte[] content, List<TensorSpec> inputs, Code code, String mentions) {
    return new Refused(artifact(name, content, inputs), code, List.of(mentions));
  }

  /** Nothing on this device runs long: the contract's tests of that are skipped. */
  @Override
  protected Optional<Slow> slow() {
    return Optional.empty();
  }

  /** Nor does it look at what it multiplies. */
  @Override
  protected Optional<Choosy> choosy() {
    return Optional.empty();
  }
}
