/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.itests.worker;

import io.shoji.testkit.SimulatedHailoRt;
import io.shoji.testkit.SimulatedHef;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.Random;

/**
 * A simulated Hailo-8, which one process at a time can have, and the package of a network for it
 * whose every answer is known.
 */
final class Chip implements Questions {
  static final String DRIVER = "io.shoji.driver.hailo";
  private static final String MODEL = "classes";
  private static final int INPUTS = 32;

  private final SimulatedHailoRt simulated;

  Chip(Path folder) throws Exception {
    simulated = SimulatedHailoRt.in(folder.resolve("hailort"), "4.23.0");
  }

  /** The library, its tape and its record. */
  SimulatedHailoRt simulated() {
    return simulated;
  }

  /** Settings of the driver. */
  Map<String, Object> settings() {
    return Map.of("libraryPath", simulated.library().toString(), "pollMs", 100);
  }

  /** Writes the model's package. */
  Path write(Path folder) throws Exception {
    byte[] hef = SimulatedHef.classifier(0.2).bytes(SimulatedHef.HAILO8);
    String description =
        """
        {
          "schemaVersion": 1, "name": "%s", "version": "1.0.0", "title": "Classes",
          "task": "classification",
          "inputs": [{"name": "digits/input", "type": "FLOAT32", "shape": [1, 4, 4, 2]}],
          "outputs": [{"name": "digits/classes", "type": "FLOAT32", "shape": [1, 10]}],
          "variants": [{
            "name": "hef", "format": "hef", "precision": "INT8", "filter": "(shoji.kind=hailo)",
            "files": [{"path": "model.hef", "sha256": "%s", "size": %d}]
          }]
        }
        """
            .formatted(
                MODEL,
                HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(hef)),
                hef.length);
    return ModelBundle.write(folder, MODEL, description, "model.hef", hef);
  }

  private static int[] pixels(long number) {
    return new Random(number).ints(INPUTS, 0, 256).toArray();
  }

  @Override
  public Map<String, Object> question(long number, long timeoutMs) {
    int[] pixels = pixels(number);
    float[] values = new float[INPUTS];
    for (int i = 0; i < INPUTS; i++) {
      values[i] = pixels[i] / 255f;
    }
    return new HashMap<>(
        Map.of(
            "model",
            MODEL,
            "values",
            values,
            "shape",
            new long[] {1, 4, 4, 2},
            "timeoutMs",
            timeoutMs));
  }

  @Override
  public String fault(long number, float[] scores) {
    int[] expected = SimulatedHef.apply(SimulatedHef.classifier(), pixels(number));
    for (int i = 0; i < expected.length; i++) {
      if (scores[i] != expected[i] * 0.5f) {
        return "image " + number + " class " + i + ": " + scores[i] + " " + expected[i] * 0.5f;
      }
    }
    return "";
  }
}
