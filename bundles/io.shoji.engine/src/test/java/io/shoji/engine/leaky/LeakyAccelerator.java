/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine.leaky;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.MemoryUse;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.Precision;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Gives back what it was given. Has its model's file open while the model is loaded. */
final class LeakyAccelerator implements Accelerator {
  private final AcceleratorInfo info;
  private final boolean keepsModelOpen;

  LeakyAccelerator(String version, boolean keepsModelOpen) {
    this.info =
        AcceleratorInfo.builder("leaky", "leaky0")
            .formats(List.of("onnx"))
            .precisions(List.of(Precision.FP32))
            .driver("test.leaky", version)
            .runtime("leaky", version, "build-" + version)
            .build();
    this.keepsModelOpen = keepsModelOpen;
  }

  @Override
  public AcceleratorInfo info() {
    return info;
  }

  @Override
  public AcceleratorHealth health() {
    return AcceleratorHealth.of(AcceleratorHealth.State.HEALTHY, "");
  }

  @Override
  public LoadedModel load(ModelArtifact artifact, LoadOptions options) {
    Path file = artifact.files().get(0);
    try {
      FileChannel channel = FileChannel.open(file);
      if (keepsModelOpen) {
        LeakyDriver.keep(channel);
      }
      return new Loaded(channel, keepsModelOpen);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static final class Loaded implements LoadedModel {
    private static final List<TensorSpec> SPECS =
        List.of(TensorSpec.of("x", ElementType.FLOAT32, Shape.of(1, 4)));

    private final FileChannel file;
    private final boolean keepsOpen;

    Loaded(FileChannel file, boolean keepsOpen) {
      this.file = file;
      this.keepsOpen = keepsOpen;
    }

    @Override
    public List<TensorSpec> inputs() {
      return SPECS;
    }

    @Override
    public List<TensorSpec> outputs() {
      return SPECS;
    }

    @Override
    public int concurrency() {
      return 1;
    }

    @Override
    public Binding bind(List<Tensor> inputs, List<Tensor> outputs) {
      return new Binding() {
        @Override
        public void run(long deadlineNanos) {
          // Outputs stay as they are.
        }

        @Override
        public void close() {
          // Nothing is held.
        }
      };
    }

    @Override
    public List<Tensor> run(List<Tensor> inputs, long deadlineNanos) {
      return List.of(Tensor.ofFloats(Shape.of(1, 4), 0, 0, 0, 0));
    }

    @Override
    public MemoryUse memory() {
      return MemoryUse.of(1000, 4096, 4096);
    }

    @Override
    public Map<String, String> details() {
      return Map.of();
    }

    @Override
    public void close() {
      if (!keepsOpen) {
        try {
          file.close();
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
    }
  }
}
