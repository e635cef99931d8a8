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

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.shoji.cli.CommandException;
import io.shoji.cli.Environment;
import io.shoji.cli.ExitCode;
import io.shoji.cli.Json;
import io.shoji.cli.Text;
import io.shoji.cloud.Metrics;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code shoji fleet list}. */
@Command(
    name = "list",
    description = {
      "List gateways: by what they say when they connect, change or go, by their telemetry, and by asking those that"
          + " are named here or in the profile.",
      "A broker tells nobody who is connected: who stays silent and is not named is not listed."
    },
    footer = {
      "  shoji fleet list -p works --wait 60",
      "  shoji fleet list -p works gw1 gw2 gw3                 asks these three",
      "  shoji fleet list -p works --json | jq -r '.gateways[] | select(.shoji) | .gateway'"
    })
final class ListCommand implements Callable<Integer> {
  private static final String SHOJI_BUNDLE = "io.shoji.kura ";

  @Parameters(
      index = "0..*",
      paramLabel = "GATEWAY",
      description = "Client ids of gateways to ask.")
  private List<String> gateways = new ArrayList<>();

  @Option(
      names = "--wait",
      paramLabel = "SECONDS",
      order = 1,
      description = "Listen so long. Default: ${DEFAULT-VALUE}.")
  private double waitSeconds = 5;

  @Option(
      names = "--ask",
      order = 2,
      description = "Ask those that were heard, too, whether they reply.")
  private boolean askAll;

  @Option(
      names = "--no-telemetry",
      order = 3,
      description = "Do not listen to telemetry: in a large fleet that is much.")
  private boolean noTelemetry;

  @Option(
      names = "--parallel",
      paramLabel = "N",
      order = 4,
      description = "Ask so many at a time. Default: ${DEFAULT-VALUE}.")
  private int parallel = 32;

  @Mixin private final ConnectionOptions connection = new ConnectionOptions();
  @Mixin private final OutputOptions output = new OutputOptions();

  private final Environment environment;

  ListCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() throws CommandException, InterruptedException {
    if (!(waitSeconds >= 0 && waitSeconds <= 86_400) || parallel < 1 || parallel > 1000) {
      throw new CommandException(
          ExitCode.USAGE,
          "USAGE",
          "--wait is 0 to 86400 seconds, and --parallel 1 to 1000 wait="
              + waitSeconds
              + " parallel="
              + parallel);
    }
    Progress notes = new Progress(environment, output.quiet(), "list", 0, false);
    Profile profile = connection.profile(environment);
    Set<String> known = new LinkedHashSet<>(gateways);
    known.addAll(TargetOptions.listed(profile));
    for (String id : known) {
      ConnectionOptions.checkPart("a gateway's id", id);
    }
    FleetSettings settings = connection.settings(environment, profile, notes::note);
    Map<String, Discovery.Gateway> found = new TreeMap<>();
    Map<String, String> shoji = new TreeMap<>();
    try (Fleet fleet = Fleet.connect(settings, notes::note)) {
      try (Discovery discovery = Discovery.listen(fleet, !noTelemetry, notes::note)) {
        discovery.await(waitSeconds);
        discovery.gateways().forEach(gateway -> found.put(gateway.id(), gateway));
      }
      List<String> asked = new ArrayList<>(known);
      if (askAll) {
        found.keySet().stream().filter(id -> !known.contains(id)).forEach(asked::add);
      } else {
        asked.removeIf(id -> found.containsKey(id) && found.get(id).isHere());
      }
      ask(fleet, asked, notes, found, shoji);
    }
    found
        .values()
        .forEach(
            gateway -> {
              if (Discovery.has(gateway, ShojiV1.APPLICATION)) {
                shoji.putIfAbsent(gateway.id(), "yes");
              } else if (gateway.fact(Metrics.APPLICATION_IDS).isPresent()) {
                shoji.putIfAbsent(gateway.id(), "no");
              }
            });
    ExitCode exit = found.isEmpty() ? ExitCode.NO_GATEWAY : ExitCode.OK;
    if (output.json()) {
      environment.out().println(Json.pretty(document(found, shoji, exit)));
    } else if (found.isEmpty()) {
      environment
          .err()
          .println(
              "shoji: no gateway was heard within "
                  + waitSeconds
                  + " s: name some to ask them, or wait longer");
    } else {
      environment.out().print(table(found, shoji));
    }
    return exit.code();
  }

  private void ask(
      Fleet fleet,
      List<String> asked,
      Progress notes,
      Map<String, Discovery.Gateway> found,
      Map<String, String> shoji)
      throws InterruptedException {
    Map<String, String> versions = new ConcurrentHashMap<>();
    List<Outcome> outcomes =
        Rollout.run(
            asked,
            new Rollout.Plan(parallel, 0, Integer.MAX_VALUE),
            notes,
            (gateway, watcher) -> {
              versions.put(gateway, "no");
              for (DeployV2Client.Installed installed : DeployV2Client.packages(fleet, gateway)) {
                for (String bundle : installed.bundles()) {
                  if (bundle.startsWith(SHOJI_BUNDLE)) {
                    versions.put(gateway, bundle.substring(SHOJI_BUNDLE.length()));
                  }
                }
              }
              return new Rollout.Done(new JsonObject(), false, "");
            });
    for (Outcome outcome : outcomes) {
      String id = outcome.gateway();
      Discovery.Gateway heard = found.get(id);
      // A reply that cannot be read is one, too.
      boolean silent = outcome.reason().equals(GatewayException.TIMEOUT);
      if (heard == null || !heard.isHere() || silent) {
        found.put(
            id,
            new Discovery.Gateway(
                id,
                silent
                    ? heard == null || heard.isHere() ? Discovery.State.SILENT : heard.state()
                    : Discovery.State.REPLIED,
                heard == null || !silent ? Clock.systemUTC().instant() : heard.when(),
                heard == null ? Map.of() : heard.facts()));
      }
      if (outcome.isGood()) {
        shoji.put(id, versions.getOrDefault(id, "no"));
      } else if (!silent) {
        notes.note(id + ": " + outcome.reason() + ": " + outcome.message());
      }
    }
  }

  private static String table(Map<String, Discovery.Gateway> found, Map<String, String> shoji) {
    Text.Table table =
        new Text.Table("GATEWAY", "STATE", "NAME", "KURA", "UPTIME", "SHOJI", "APPLICATIONS");
    for (Discovery.Gateway gateway : found.values()) {
      table.row(
          gateway.id(),
          gateway.state().name(),
          gateway.fact(Metrics.DISPLAY_NAME).orElse(""),
          gateway.fact("kura_version").orElse(""),
          uptime(gateway).map(Text::duration).orElse(""),
          shoji.getOrDefault(gateway.id(), "?"),
          gateway.fact(Metrics.APPLICATION_IDS).orElse(""));
    }
    return table.toString();
  }

  private static Optional<Long> uptime(Discovery.Gateway gateway) {
    try {
      return gateway.fact(Metrics.UPTIME).map(Long::valueOf);
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  private static JsonObject document(
      Map<String, Discovery.Gateway> found, Map<String, String> shoji, ExitCode exit) {
    JsonArray all = new JsonArray();
    for (Discovery.Gateway gateway : found.values()) {
      JsonObject one = new JsonObject();
      one.addProperty("gateway", gateway.id());
      one.addProperty("state", gateway.state().name());
      one.addProperty("time", gateway.when().toString());
      gateway.fact(Metrics.DISPLAY_NAME).ifPresent(name -> one.addProperty("displayName", name));
      gateway.fact("kura_version").ifPresent(version -> one.addProperty("kuraVersion", version));
      uptime(gateway).ifPresent(uptime -> one.addProperty("uptimeMs", uptime));
      gateway
          .fact(Metrics.APPLICATION_IDS)
          .ifPresent(
              ids -> {
                JsonArray applications = new JsonArray();
                for (String id : ids.split(",", -1)) {
                  applications.add(id.strip());
                }
                one.add("applications", applications);
              });
      String answer = shoji.get(gateway.id());
      if (answer != null) {
        one.addProperty("shoji", !answer.equals("no"));
        if (!answer.equals("no") && !answer.equals("yes")) {
          one.addProperty("shojiVersion", answer);
        }
      }
      JsonObject facts = new JsonObject();
      new LinkedHashMap<>(new TreeMap<>(gateway.facts())).forEach(facts::addProperty);
      one.add("birth", facts);
      all.add(one);
    }
    JsonObject document = new JsonObject();
    document.addProperty("command", "fleet list");
    document.addProperty("exit", exit.code());
    document.add("gateways", all);
    return document;
  }
}
