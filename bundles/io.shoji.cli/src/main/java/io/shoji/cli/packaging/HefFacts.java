/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.packaging;

import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.ModelFormats;
import io.shoji.accelerator.Precision;
import io.shoji.cli.CommandException;
import io.shoji.cli.formats.FormatException;
import io.shoji.cli.formats.HefFile;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Layout;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Reads a HEF for what it is. */
final class HefFacts {
  private HefFacts() {}

  /** Reads and checks a file. */
  static ModelFacts of(Path file) throws CommandException {
    HefFile hef;
    try {
      hef = HefFile.read(file);
    } catch (FormatException e) {
      throw Refusal.of("BAD_MODEL", e.getMessage() + " code=" + e.code(), e);
    }
    if (!hef.architecture().runsOnHailo8()) {
      throw Refusal.of(
          "BAD_MODEL",
          "the file was compiled for another chip than gateways have; compile it with --hw-arch hailo8 or hailo8l found="
              + hef.architecture().title()
              + " file="
              + file);
    }
    if (hef.networks().size() != 1) {
      throw Refusal.of(
          "BAD_MODEL",
          "a variant is one network; compile it alone networks="
              + hef.networks().stream().map(HefFile.Network::name).toList()
              + " file="
              + file);
    }
    HefFile.Network network = hef.networks().get(0);
    String chip = hef.architecture().runsOnHailo8L() ? "HAILO8L" : "HAILO8";
    Map<String, String> details = new LinkedHashMap<>();
    details.put("architecture", hef.architecture().title());
    details.put("compiler", hef.compiler());
    details.put("network", network.name());
    return new ModelFacts(
        ModelFormats.HEF,
        Precision.INT8,
        specs(network.inputs()),
        specs(network.outputs()),
        Map.of(AcceleratorInfo.ARCHITECTURE, chip),
        details,
        List.of(
            "gateways need io.shoji.driver.hailo and HailoRT 4.15 to 4.23 for it, and leave the variant alone without"));
  }

  /**
   * As HailoRT gives and takes them where it is asked for real numbers: channels last. Empty if one
   * is no plain tensor, as the result of non-maximum suppression.
   */
  private static List<TensorSpec> specs(List<HefFile.Stream> streams) {
    List<TensorSpec> specs = new ArrayList<>();
    for (HefFile.Stream stream : streams) {
      List<Integer> shape = stream.shape();
      if (shape.size() != 3 || stream.order().contains("NMS")) {
        return List.of();
      }
      specs.add(
          stream.order().equals("NC")
              ? TensorSpec.of(stream.name(), ElementType.FLOAT32, Shape.of(1, shape.get(2)))
                  .withLayout(Layout.NC)
              : TensorSpec.of(
                      stream.name(),
                      ElementType.FLOAT32,
                      Shape.of(1, shape.get(0), shape.get(1), shape.get(2)))
                  .withLayout(Layout.NHWC));
    }
    return specs;
  }
}
