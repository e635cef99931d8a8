/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.inference;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;
import io.shoji.driver.cpu.CpuDriver;
import io.shoji.engine.EngineInTests;
import io.shoji.inference.InferenceService;
import io.shoji.inference.PipelineService;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelFile;
import io.shoji.model.ModelPackage;
import io.shoji.model.ModelVariant;
import io.shoji.model.PipelineDescription;
import io.shoji.natives.NativeLibraries;
import io.shoji.pipeline.ModelPipelines;
import io.shoji.tensor.TensorSpec;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Collections;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.felix.framework.Felix;
import org.osgi.framework.Constants;
import org.osgi.framework.Version;
import org.osgi.util.tracker.ServiceTracker;

/** ONNX Runtime on the CPU, our driver, our engine and our pipelines, wired by hand. */
final class RealEngine implements AutoCloseable {
  private static final long PATIENCE_MILLIS = 30_000;

  private final Path folder;
  private final Felix framework;
  private final NativeLibraries libraries;
  private final CpuDriver driver;
  private final EngineInTests engine;
  private final PipelineService pipelines;
  private final Accelerator accelerator;
  private int files;

  RealEngine(Path folder) throws Exception {
    this.folder = folder;
    Map<String, Object> properties = new HashMap<>();
    properties.put(Constants.FRAMEWORK_STORAGE, folder.resolve("framework").toString());
    framework = new Felix(properties);
    framework.start();
    libraries =
        new NativeLibraries(
            framework.getBundleContext(),
            EngineInTests.annotation(NativeLibraries.Configuration.class, Map.of()));
    driver =
        new CpuDriver(
            framework.getBundleContext(),
            libraries,
            EngineInTests.annotation(
                CpuDriver.Config.class, Map.of("libraryPath", library().toString())));
    ServiceTracker<Accelerator, Accelerator> tracker =
        new ServiceTracker<>(framework.getBundleContext(), Accelerator.class, null);
    tracker.open();
    Accelerator found = tracker.waitForService(PATIENCE_MILLIS);
    tracker.close();
    if (found == null) {
      throw new IllegalStateException("no accelerator after ms=" + PATIENCE_MILLIS);
    }
    accelerator = found;
    engine = new EngineInTests(framework.getBundleContext());
    engine.plug(accelerator);
    pipelines = new ModelPipelines(engine.service());
  }

  private Path library() throws IOException {
    String arch = System.getProperty("os.arch").equals("amd64") ? "x86_64" : "aarch64";
    URL url =
        Collections.list(
                RealEngine.class
                    .getClassLoader()
                    .getResources("native/linux-" + arch + "/libonnxruntime.so"))
            .get(0);
    Path file = folder.resolve("libonnxruntime.so");
    try (InputStream in = url.openStream()) {
      Files.copy(in, file);
    }
    return file;
  }

  InferenceService service() {
    return engine.service();
  }

  PipelineService pipelines() {
    return pipelines;
  }

  /** Unplugs the processor, so that nothing answers. */
  void unplug() {
    engine.unplug(accelerator);
  }

  /** Plugs it in again. */
  void plug() {
    engine.plug(accelerator);
  }

  void uninstall(ModelPackage installed) {
    engine.uninstall(installed);
  }

  /** Installs a model without labels and steps. */
  ModelPackage install(
      String name,
      String version,
      byte[] content,
      List<TensorSpec> inputs,
      List<TensorSpec> outputs) {
    return install(name, version, content, inputs, outputs, List.of(), Optional.empty());
  }

  /** Installs a model. */
  ModelPackage install(
      String name,
      String version,
      byte[] content,
      List<TensorSpec> inputs,
      List<TensorSpec> outputs,
      List<String> labels,
      Optional<PipelineDescription> pipeline) {
    Path file = folder.resolve("model" + files++ + ".onnx");
    String sha256;
    try {
      Files.write(file, content);
      sha256 = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
    ModelVariant variant =
        new ModelVariant(
            "onnx-fp32",
            ModelFormats.ONNX,
            Precision.FP32,
            "(shoji.kind=cpu)",
            List.of(new ModelFile(file.getFileName().toString(), sha256, content.length)),
            Map.of());
    ModelDescription description =
        new ModelDescription(
            name,
            Version.parseVersion(version),
            "Title of " + name,
            "Recognizes something.",
            "EPL-2.0",
            labels.isEmpty() ? "other" : "classification",
            inputs,
            outputs,
            labels,
            List.of(variant),
            pipeline,
            Optional.empty(),
            Optional.of(
                new ModelDescription.Evidence("top1", 0.994, 500, "set", "tool", "2026-11-22")),
            Optional.empty(),
            name + version + sha256);
    ModelArtifact artifact =
        new ModelArtifact(
            name,
            version,
            variant.name(),
            ModelFormats.ONNX,
            Precision.FP32,
            sha256,
            List.of(file),
            inputs,
            outputs,
            Map.of());
    ModelPackage added = new OneModel(description, artifact);
    engine.install(added);
    return added;
  }

  @Override
  public void close() throws Exception {
    engine.close();
    driver.stop();
    libraries.deactivate();
    framework.stop();
    framework.waitForStop(PATIENCE_MILLIS);
  }

  /** A package of one variant whose file lies where it is. */
  private record OneModel(ModelDescription description, ModelArtifact artifact)
      implements ModelPackage {
    @Override
    public String origin() {
      return "io.shoji.model." + description.name() + " " + description.version();
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
          // The file stays as long as the test.
        }
      };
    }

    @Override
    public Lease<Path> acquireGolden() {
      throw new IllegalStateException("no golden samples are declared");
    }
  }
}
