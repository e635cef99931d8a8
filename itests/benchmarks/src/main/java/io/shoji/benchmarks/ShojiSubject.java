/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.benchmarks;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.inference.PreparedInference;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelFile;
import io.shoji.model.ModelPackage;
import io.shoji.model.ModelVariant;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.Tensors;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Version;

/** Our driver's bound call, or our engine's prepared inference, with a deadline of a second. */
final class ShojiSubject implements Subject {
  private static final long DEADLINE_NANOS = 1_000_000_000L;
  private static final String VARIANT = "onnx-fp32";

  private final Gateway gateway;
  private final LoadedModel model;
  private final List<Tensor> inputs;
  private final List<Tensor> outputs;
  private final LoadedModel.@Nullable Binding binding;
  private final @Nullable PreparedInference prepared;

  ShojiSubject(BenchmarkModel benchmark, boolean throughEngine, Path folder) throws Exception {
    this(benchmark.name().toLowerCase(Locale.ROOT), benchmark.content(), throughEngine, folder);
  }

  /**
   * @param name that the engine knows the model by
   * @param content the {@code .onnx} file
   */
  ShojiSubject(String name, byte[] content, boolean throughEngine, Path folder) throws Exception {
    Files.createDirectories(folder);
    Path file = Files.createTempFile(folder, name, ".onnx");
    Files.write(file, content);
    gateway =
        new Gateway(
            Path.of(System.getProperty("benchmarks.bundles", "target/bundles")),
            folder,
            "io.shoji.driver.cpu");
    Accelerator accelerator = gateway.service(Accelerator.class);
    ModelArtifact artifact =
        new ModelArtifact(
            name,
            "1.0.0",
            VARIANT,
            ModelFormats.ONNX,
            Precision.FP32,
            "",
            List.of(file),
            List.of(),
            List.of(),
            Map.of());
    model = accelerator.load(artifact, LoadOptions.defaults());
    inputs = Tensors.random(model.inputs(), 1, 1);
    outputs = Tensors.zeroed(model.outputs(), 1);
    if (throughEngine) {
      gateway
          .context()
          .registerService(
              ModelPackage.class,
              new OneModel(description(name, file, content.length), artifact),
              null);
      prepared =
          gateway
              .service(InferenceService.class)
              .prepare(
                  ModelRef.latest(name), inputs, outputs, System.nanoTime() + 60 * DEADLINE_NANOS);
      binding = null;
    } else {
      prepared = null;
      binding = model.bind(inputs, outputs);
    }
  }

  /** What applications call. */
  InferenceService service() throws InterruptedException {
    return gateway.service(InferenceService.class);
  }

  /** The input memory. */
  List<Tensor> inputs() {
    return inputs;
  }

  private ModelDescription description(String name, Path file, long size) {
    return new ModelDescription(
        name,
        new Version(1, 0, 0),
        name,
        "",
        "EPL-2.0",
        "other",
        model.inputs(),
        model.outputs(),
        List.of(),
        List.of(
            new ModelVariant(
                VARIANT,
                ModelFormats.ONNX,
                Precision.FP32,
                "(shoji.kind=cpu)",
                List.of(new ModelFile(file.getFileName().toString(), "", size)),
                Map.of())),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        name);
  }

  @Override
  public void run() throws Exception {
    LoadedModel.Binding bound = binding;
    if (bound != null) {
      bound.run(System.nanoTime() + DEADLINE_NANOS);
      return;
    }
    PreparedInference ready = prepared;
    if (ready != null) {
      ready.run(System.nanoTime() + DEADLINE_NANOS);
    }
  }

  @Override
  public double checksum() throws Exception {
    run();
    double sum = 0;
    for (Tensor output : outputs) {
      for (int i = 0; i < output.elementCount(); i++) {
        sum += Math.abs(output.getFloat(i));
      }
    }
    return sum;
  }

  @Override
  public void stop() throws Exception {
    if (binding != null) {
      binding.close();
    }
    if (prepared != null) {
      prepared.close();
    }
    model.close();
    gateway.stop();
  }

  /** A package of one variant whose file lies where it is. */
  private record OneModel(ModelDescription description, ModelArtifact artifact)
      implements ModelPackage {
    @Override
    public String origin() {
      return "io.shoji.benchmarks 1.0.0";
    }

    @Override
    public Lease<ModelArtifact> acquire(String variant) {
      return new Lease<>() {
        @Override
        public ModelArtifact get() {
          return artifact;
        }

        @Override
        public void close() {
          // The file stays as long as the benchmark.
        }
      };
    }

    @Override
    public Lease<Path> acquireGolden() {
      throw new IllegalStateException("no golden samples are declared");
    }
  }
}
