/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.inspect;

import io.shoji.cli.formats.FormatException;
import io.shoji.cli.formats.HefFile;
import io.shoji.cli.formats.HefFile.Network;
import io.shoji.cli.formats.HefFile.Stream;
import io.shoji.cli.inspect.Inspection.Row;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/** Describes Hailo's files. */
final class HefInspector {
  private HefInspector() {}

  static void inspect(Path path, Inspection to) throws FormatException {
    HefFile hef = HefFile.read(path);
    to.fact("architecture", "compiled for", hef.architecture().title());
    to.fact("compiler", "compiler", hef.compiler());
    if (hef.created() != null) {
      to.fact("created", "compiled at", Objects.toString(hef.created()));
    }
    to.fact("container", "container", hef.version(), "version " + hef.version());
    to.fact("checksum", "checksum", hef.checksum().name() + ", right");
    to.fact("precision", "precision", "INT8 or INT4, by the compiler");
    List<List<String>> networks = new ArrayList<>();
    for (Network network : hef.networks()) {
      network.inputs().forEach(input -> to.input(row(input)));
      network.outputs().forEach(output -> to.output(row(output)));
      networks.add(
          List.of(
              network.name(),
              network.framesPerSecond() > 0
                  ? String.format(Locale.ROOT, "%.1f", network.framesPerSecond())
                  : "",
              network.operations() > 0 ? OnnxInspector.count(network.operations()) : ""));
    }
    to.section("networks", "Networks", List.of("NAME", "EXPECTED FPS", "OPERATIONS"), networks);
    if (!hef.extensions().isEmpty()) {
      to.fact("extensions", "needs", String.join(", ", hef.extensions()));
    }
    to.suitability(suitability(hef));
  }

  private static Row row(Stream stream) {
    return new Row(
        stream.name(),
        stream.type(),
        stream.shape().toString().replace(" ", ""),
        stream.order(),
        stream.scale() > 0 ? "scale " + stream.scale() + ", zero point " + stream.zeroPoint() : "");
  }

  private static List<Suitability> suitability(HefFile hef) {
    String original = "Use the ONNX file that this one was compiled from, and inspect that.";
    String compiled = "compiled for " + hef.architecture().title();
    String again = "Compile the model for that chip: hailo compiler --hw-arch ";
    List<Suitability> all = new ArrayList<>();
    for (Target target : Target.values()) {
      all.add(
          switch (target) {
            case HAILO8 ->
                hef.architecture() == HefFile.Architecture.HAILO8L
                    ? Suitability.partly(
                        target,
                        compiled + ", which a Hailo-8 runs with half of its clusters",
                        again + "hailo8")
                    : hef.architecture().runsOnHailo8()
                        ? Suitability.yes(target, "")
                        : Suitability.no(target, compiled, again + "hailo8");
            case HAILO8L ->
                hef.architecture().runsOnHailo8L()
                    ? Suitability.yes(target, "")
                    : Suitability.no(target, compiled, again + "hailo8l");
            default -> Suitability.no(target, "a HEF runs on Hailo's chips only", original);
          });
    }
    return all;
  }
}
