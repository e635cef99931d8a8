/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.fleet;

import com.google.gson.JsonObject;
import io.shoji.cli.Environment;
import io.shoji.cli.Json;
import io.shoji.cli.Text;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code shoji fleet samples}. */
@Command(
    name = "samples",
    description = {
      "Fetch the real inputs of a model that gateways kept, to calibrate with: one file per gateway,"
          + " GATEWAY-MODEL.safetensors, as shoji quantize --calibration takes it. The gateway has to"
          + " keep them (form Shoji models) and to allow this (form Shoji cloud requests)."
    },
    footer = {
      "  shoji fleet samples -p works gw1 --model pump -o field",
      "  shoji quantize pump.onnx --calibration field/gw1-pump.safetensors --evaluation held-out/ ..."
    })
final class SamplesCommand extends GatewayCommand {
  private static final int MOST_PAGES = 100_000;

  @Parameters(index = "0..*", paramLabel = "GATEWAY", description = "Client ids of gateways.")
  private List<String> gateways = new ArrayList<>();

  @Option(names = "--model", required = true, order = 1, description = "Name of the model.")
  private String model = "";

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FOLDER",
      order = 2,
      description = "Where the files go. Default: here.")
  private Path output = Path.of("");

  @Option(
      names = "--page",
      paramLabel = "KIB",
      order = 3,
      description = "How much a gateway sends at a time, 1 to 1024. Default: ${DEFAULT-VALUE}.")
  private int page = 48;

  SamplesCommand(Environment environment) {
    super(environment);
  }

  @Override
  List<String> gateways() {
    return gateways;
  }

  @Override
  Rollout.Done one(Fleet fleet, String gateway, ShojiV1.Watcher watcher)
      throws GatewayException, InterruptedException {
    SamplePages pages = new SamplePages();
    long from = 0;
    long leftOut = 0;
    for (int i = 0; i < MOST_PAGES; i++) {
      JsonObject answer =
          ShojiV1.get(fleet, gateway, "field-samples/" + model, Map.of("from", from, "kib", page));
      if (!(Json.member(answer, "page").orElse(null) instanceof JsonObject part)) {
        throw new GatewayException(
            GatewayException.MALFORMED_REPLY, "the reply has no page of samples");
      }
      int count = Json.number(part, "count").orElse(0.0).intValue();
      leftOut = Json.number(part, "leftOut").orElse(0.0).longValue();
      if (count > 0) {
        pages.add(bytes(part), count);
      }
      watcher.at(0, pages.count() + " samples");
      if (Json.text(part, "more").filter("true"::equals).isEmpty()) {
        break;
      }
      from = Json.number(part, "next").orElse(0.0).longValue();
    }
    Path file = output.resolve(plain(gateway) + "-" + plain(model) + ".safetensors");
    JsonObject done = new JsonObject();
    done.addProperty("samples", pages.count());
    done.addProperty("leftOut", leftOut);
    if (pages.count() == 0) {
      return new Rollout.Done(done, true, "no samples yet");
    }
    try {
      pages.write(file);
    } catch (IOException e) {
      throw new GatewayException(
          "NOT_WRITTEN", "the samples cannot be written file=" + file + " cause=" + e, e);
    }
    done.addProperty("file", file.toString());
    return new Rollout.Done(done, true, "");
  }

  private static byte[] bytes(JsonObject part) throws GatewayException {
    try {
      return Base64.getDecoder().decode(Json.text(part, "safetensors").orElse(""));
    } catch (IllegalArgumentException e) {
      throw new GatewayException(
          GatewayException.MALFORMED_REPLY, "the page of samples is no Base64", e);
    }
  }

  /** A name as a part of a file's. */
  private static String plain(String name) {
    return name.replaceAll("[^A-Za-z0-9._-]", "_");
  }

  @Override
  String show(List<Outcome> done) {
    Text.Table table = new Text.Table("GATEWAY", "SAMPLES", "LEFT OUT", "FILE");
    for (Outcome outcome : done) {
      table.row(
          outcome.gateway(),
          Json.text(outcome.answer(), "samples").orElse("0"),
          Json.text(outcome.answer(), "leftOut").orElse("0"),
          Json.text(outcome.answer(), "file").orElse("-"));
    }
    return table.toString();
  }
}
