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

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.shoji.cli.Environment;
import io.shoji.cli.Json;
import io.shoji.cli.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code shoji fleet bench}. */
@Command(
    name = "bench",
    description = {
      "Measure a model on the gateway: latency, throughput, memory. Serves on meanwhile."
    },
    footer = {
      "  shoji fleet bench -p works digits gw1 --runs 1000",
      "  shoji fleet bench -p works digits --all --parallel 50 --json"
    })
final class BenchCommand extends ChangeCommand {
  @Parameters(index = "0", paramLabel = "MODEL", description = "Name of the model.")
  private String model = "";

  @Parameters(index = "1..*", paramLabel = "GATEWAY", description = "Client ids of gateways.")
  private List<String> gateways = new ArrayList<>();

  @Option(
      names = "--runs",
      paramLabel = "N",
      order = 1,
      description = "Inferences, 1 to 100000. Default: ${DEFAULT-VALUE}.")
  private int runs = 100;

  @Option(
      names = "--warmup",
      paramLabel = "N",
      order = 2,
      description = "Inferences before, 0 to 10000. Default: ${DEFAULT-VALUE}.")
  private int warmup = 10;

  @Option(
      names = "--threads",
      paramLabel = "N",
      order = 3,
      description = "Callers at a time, 1 to 64. Default: ${DEFAULT-VALUE}.")
  private int threads = 1;

  @Mixin private final JobOptions job = new JobOptions();

  BenchCommand(Environment environment) {
    super(environment);
  }

  @Override
  List<String> gateways() {
    return gateways;
  }

  @Override
  boolean isLasting() {
    return true;
  }

  @Override
  Rollout.Done one(Fleet fleet, String gateway, ShojiV1.Watcher watcher)
      throws GatewayException, InterruptedException {
    return job.run(fleet, gateway, "bench", arguments(), watcher, BenchCommand::told);
  }

  private Map<String, Object> arguments() {
    return Map.of("model", model, "runs", runs, "warmup", warmup, "threads", threads);
  }

  private static String told(JsonObject result) {
    StringBuilder text = new StringBuilder();
    JsonElement latency = Json.member(result, "latency").orElse(result);
    for (String percentile : List.of("p50", "p90", "p99")) {
      Json.number(latency, percentile + "Nanos")
          .ifPresent(
              nanos ->
                  text.append(percentile)
                      .append(' ')
                      .append(Text.milliseconds(nanos))
                      .append(", "));
    }
    Json.number(result, "throughputPerSecond")
        .ifPresent(rate -> text.append(String.format(Locale.ROOT, "%.1f per second", rate)));
    Json.number(result, "peakBytes")
        .ifPresent(bytes -> text.append(", at most ").append(Text.bytes(bytes)));
    Json.member(result, "generation")
        .flatMap(by -> Json.text(by, "accelerator"))
        .ifPresent(on -> text.append(" on ").append(on));
    return text.toString();
  }
}
