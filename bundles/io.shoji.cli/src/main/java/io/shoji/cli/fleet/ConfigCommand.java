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
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.shoji.cli.CommandException;
import io.shoji.cli.Environment;
import io.shoji.cli.ExitCode;
import io.shoji.cli.Json;
import io.shoji.cli.Text;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code shoji fleet config}. */
@Command(
    name = "config",
    description = "Read and change Kura's configurations (CONF-V1): those of Shoji and all others.",
    subcommands = {
      ConfigCommand.ListPids.class,
      ConfigCommand.GetValues.class,
      ConfigCommand.SetValues.class
    },
    footer = {
      "  shoji fleet config list -p works gw1",
      "  shoji fleet config get -p works io.shoji.kura.Telemetry gw1",
      "  shoji fleet config set -p works io.shoji.kura.Telemetry gw1 interval=60"
    })
final class ConfigCommand {
  private static final String HIDDEN = "********";

  ConfigCommand() {}

  private static JsonObject json(ConfV1.Configuration configuration) {
    JsonObject properties = new JsonObject();
    for (ConfV1.Property property : configuration.properties().values()) {
      properties.add(property.name(), value(property));
    }
    JsonObject answer = new JsonObject();
    answer.addProperty("pid", configuration.pid());
    answer.addProperty("title", configuration.title());
    answer.add("properties", properties);
    return answer;
  }

  private static JsonElement value(ConfV1.Property property) {
    JsonArray values = new JsonArray();
    for (String value : property.values()) {
      values.add(property.type().equals("Password") ? HIDDEN : value);
    }
    return property.array() || values.size() != 1 ? values : values.get(0);
  }

  /** {@code shoji fleet config list}. */
  @Command(
      name = "list",
      description = "List the components that have a configuration.",
      footer = {"  shoji fleet config list -p works gw1"})
  static final class ListPids extends GatewayCommand {
    @Parameters(index = "0..*", paramLabel = "GATEWAY", description = "Client ids of gateways.")
    private List<String> gateways = new ArrayList<>();

    ListPids(Environment environment) {
      super(environment);
    }

    @Override
    List<String> gateways() {
      return gateways;
    }

    @Override
    Rollout.Done one(Fleet fleet, String gateway, ShojiV1.Watcher watcher)
        throws GatewayException, InterruptedException {
      JsonArray pids = new JsonArray();
      ConfV1.pids(fleet, gateway).forEach(pids::add);
      JsonObject answer = new JsonObject();
      answer.add("pids", pids);
      return new Rollout.Done(answer, true, "");
    }

    @Override
    String show(List<Outcome> done) {
      Text.Table table = new Text.Table("GATEWAY", "PID");
      for (Outcome outcome : done) {
        Json.elements(outcome.answer(), "pids")
            .forEach(pid -> table.row(outcome.gateway(), pid.getAsString()));
      }
      return table.toString();
    }
  }

  /** {@code shoji fleet config get}. */
  @Command(
      name = "get",
      description = "Show a component's configuration. Passwords are not shown.",
      footer = {"  shoji fleet config get -p works io.shoji.kura.Models --all --json"})
  static final class GetValues extends GatewayCommand {
    @Parameters(
        index = "0",
        paramLabel = "PID",
        description = "As 'shoji fleet config list' shows it.")
    private String pid = "";

    @Parameters(index = "1..*", paramLabel = "GATEWAY", description = "Client ids of gateways.")
    private List<String> gateways = new ArrayList<>();

    GetValues(Environment environment) {
      super(environment);
    }

    @Override
    List<String> gateways() {
      return gateways;
    }

    @Override
    void check() throws CommandException {
      ConnectionOptions.checkPart("a PID", pid);
    }

    @Override
    Rollout.Done one(Fleet fleet, String gateway, ShojiV1.Watcher watcher)
        throws GatewayException, InterruptedException {
      return new Rollout.Done(json(ConfV1.get(fleet, gateway, pid)), true, "");
    }

    @Override
    String show(List<Outcome> done) {
      Text.Table table = new Text.Table("GATEWAY", "PROPERTY", "VALUE");
      for (Outcome outcome : done) {
        Json.member(outcome.answer(), "properties")
            .map(JsonElement::getAsJsonObject)
            .ifPresent(
                properties ->
                    properties
                        .entrySet()
                        .forEach(
                            property ->
                                table.row(
                                    outcome.gateway(),
                                    property.getKey(),
                                    Json.outline(property.getValue()))));
      }
      return table.toString();
    }
  }

  /** {@code shoji fleet config set}. */
  @Command(
      name = "set",
      description = {
        "Change properties of a component, and see that the gateway has them. Names, types and ranges are checked"
            + " before anything is sent: Kura checks them not. The other properties stay.",
        "Several values of one property have commas between them; \\, is a comma within one. name=@FILE takes the"
            + " value from a file, for passwords; name=@@x is the value @x."
      },
      footer = {
        "  shoji fleet config set -p works io.shoji.kura.Telemetry gw1 gw2 interval=60",
        "  shoji fleet config set -p works io.shoji.kura.Models --all --canary 1 policies='digits = pinned 1.0.0'"
      })
  static final class SetValues extends ChangeCommand {
    @Parameters(
        index = "0",
        paramLabel = "PID",
        description = "As 'shoji fleet config list' shows it.")
    private String pid = "";

    @Parameters(
        index = "1..*",
        paramLabel = "GATEWAY|NAME=VALUE",
        description = "Client ids of gateways, and what is to be changed.")
    private List<String> rest = new ArrayList<>();

    @Option(
        names = "--allow-unknown",
        order = 1,
        description = "Set, as a string, even what the component does not name.")
    private boolean unknownAllowed;

    @Option(
        names = "--apply-timeout",
        paramLabel = "SECONDS",
        order = 2,
        description = "Wait so long until the gateway has it. Default: ${DEFAULT-VALUE}.")
    private long limitSeconds = 20;

    private final Map<String, String> values = new LinkedHashMap<>();

    SetValues(Environment environment) {
      super(environment);
    }

    @Override
    List<String> gateways() {
      return rest.stream().filter(text -> text.indexOf('=') < 0).toList();
    }

    @Override
    void check() throws CommandException {
      super.check();
      ConnectionOptions.checkPart("a PID", pid);
      for (String text : rest) {
        int equals = text.indexOf('=');
        if (equals >= 0 && values.put(text.substring(0, equals), value(text, equals)) != null) {
          throw usage("a property is given twice name=" + text.substring(0, equals));
        }
      }
      if (values.isEmpty() || values.containsKey("")) {
        throw usage("say what is to be changed: NAME=VALUE");
      }
    }

    private static String value(String text, int equals) throws CommandException {
      String value = text.substring(equals + 1);
      if (value.startsWith("@@")) {
        return value.substring(1);
      }
      if (!value.startsWith("@")) {
        return value;
      }
      Path file = Path.of(value.substring(1));
      try {
        return Files.readString(file, StandardCharsets.UTF_8).stripTrailing();
      } catch (IOException e) {
        throw new CommandException(
            ExitCode.USAGE,
            "BAD_FILE",
            "the file of a value cannot be read: " + e.getMessage() + " file=" + file,
            e);
      }
    }

    private static CommandException usage(String message) {
      return new CommandException(ExitCode.USAGE, "USAGE", message);
    }

    @Override
    Rollout.Done one(Fleet fleet, String gateway, ShojiV1.Watcher watcher)
        throws GatewayException, InterruptedException {
      ConfV1.Configuration before = ConfV1.get(fleet, gateway, pid);
      List<ConfV1.Property> changes = ConfV1.change(before, values, unknownAllowed);
      boolean changed =
          changes.stream()
              .anyMatch(
                  change -> {
                    ConfV1.Property old = before.properties().get(change.name());
                    return old == null || !old.values().equals(change.values());
                  });
      ConfV1.Configuration now =
          changed ? ConfV1.put(fleet, gateway, pid, changes, limitSeconds) : before;
      return new Rollout.Done(
          json(now),
          changed,
          String.join(", ", values.keySet()) + (changed ? " set" : ": nothing to change"));
    }
  }
}
