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

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtSession;
import io.shoji.quantizer.onnx.Node;
import io.shoji.quantizer.onnx.OnnxModel;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * What ONNX Runtime makes of a model: the operators of the graph that it runs after its own
 * optimizations. In a process of its own, since the Java binding brings a second copy of the
 * runtime.
 */
final class FusedGraph {
  private static final long PATIENCE_SECONDS = 60;

  private FusedGraph() {}

  public static void main(String[] arguments) throws Exception {
    try (OrtEnvironment environment = OrtEnvironment.getEnvironment();
        OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.EXTENDED_OPT);
      options.setOptimizedModelFilePath(arguments[1]);
      environment.createSession(arguments[0], options).close();
    }
  }

  /** The operators, in order. */
  static List<String> operators(OnnxModel model, Path folder) throws Exception {
    Path from = folder.resolve("from.onnx");
    Path to = folder.resolve("to.onnx");
    model.write(from);
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                FusedGraph.class.getName(),
                from.toString(),
                to.toString())
            .redirectErrorStream(true)
            .redirectOutput(new File(folder.toFile(), "fused.log"))
            .start();
    if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
      process.destroyForcibly();
      throw new IllegalStateException(Files.readString(folder.resolve("fused.log")));
    }
    List<String> operators =
        OnnxModel.read(to).graph().nodes().stream().map(Node::operator).toList();
    Files.delete(to);
    return operators;
  }
}
