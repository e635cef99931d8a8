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
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** A command that does one thing on each of many gateways, and prints what came of it. */
abstract class GatewayCommand implements Callable<Integer> {
  @Mixin private final TargetOptions targets = new TargetOptions();
  @Mixin private final ConnectionOptions connection = new ConnectionOptions();
  @Mixin private final OutputOptions output = new OutputOptions();

  private final Environment environment;

  GatewayCommand(Environment environment) {
    this.environment = environment;
  }

  /** Those named on the command line. */
  abstract List<String> gateways();

  /** Does it on one gateway. */
  abstract Rollout.Done one(Fleet fleet, String gateway, ShojiV1.Watcher watcher)
      throws GatewayException, InterruptedException;

  /** Prints what came of it for people; of gateways only that did it. */
  abstract String show(List<Outcome> done);

  /** How it goes from gateway to gateway: everywhere, unless a command says otherwise. */
  Rollout.Plan plan(int parallel) {
    return new Rollout.Plan(parallel, 0, Integer.MAX_VALUE);
  }

  /** Whether it takes so long that its steps are shown. */
  boolean isLasting() {
    return false;
  }

  /** Checks options before anything is sent. */
  void check() throws CommandException {
    // Most commands have none that depend on each other.
  }

  /** Prepares what all gateways need, and may be closed at the end. */
  Prepared prepare(Progress progress) throws CommandException, InterruptedException {
    return () -> {};
  }

  /** What is closed when all gateways are through. */
  interface Prepared extends AutoCloseable {
    @Override
    void close();
  }

  final Environment environment() {
    return environment;
  }

  @Override
  public final Integer call() throws CommandException, InterruptedException {
    String name = getClass().getAnnotation(Command.class).name();
    targets.check(gateways());
    check();
    Progress notes = new Progress(environment, output.quiet(), name, 0, false);
    Profile profile = connection.profile(environment);
    FleetSettings settings = connection.settings(environment, profile, notes::note);
    Prepared prepared = prepare(notes);
    try (prepared;
        Fleet fleet = Fleet.connect(settings, notes::note)) {
      List<String> gateways = targets.resolve(fleet, gateways(), profile, notes::note);
      List<Outcome> outcomes;
      Progress progress =
          new Progress(environment, output.quiet(), name, gateways.size(), isLasting());
      try (progress) {
        outcomes =
            Rollout.run(
                gateways,
                plan(targets.parallel()),
                progress,
                (gateway, watcher) -> one(fleet, gateway, watcher));
      }
      return report(name, outcomes, progress.isShown()).code();
    }
  }

  private ExitCode report(String name, List<Outcome> outcomes, boolean told) {
    List<Outcome> good = outcomes.stream().filter(Outcome::isGood).toList();
    ExitCode exit =
        good.size() == outcomes.size()
            ? ExitCode.OK
            : good.isEmpty() ? ExitCode.FAILED : ExitCode.PARTIAL;
    if (output.json()) {
      JsonArray all = new JsonArray();
      outcomes.forEach(outcome -> all.add(outcome.json()));
      JsonObject counts = new JsonObject();
      for (Outcome.Result result : Outcome.Result.values()) {
        counts.addProperty(
            result.name(), outcomes.stream().filter(outcome -> outcome.result() == result).count());
      }
      JsonObject document = new JsonObject();
      document.addProperty("command", "fleet " + name);
      document.addProperty("exit", exit.code());
      document.add("counts", counts);
      document.add("gateways", all);
      environment.out().println(Json.pretty(document));
      return exit;
    }
    if (!good.isEmpty()) {
      environment.out().print(show(good));
    }
    for (Outcome outcome : outcomes) {
      if (!outcome.isGood() && !(told && outcome.result() == Outcome.Result.FAILED)) {
        environment
            .err()
            .println(
                outcome.gateway()
                    + ": "
                    + outcome.reason()
                    + ": "
                    + Text.printable(outcome.message()));
      }
    }
    if (exit != ExitCode.OK && outcomes.size() > 1) {
      long skipped =
          outcomes.stream().filter(outcome -> outcome.result() == Outcome.Result.SKIPPED).count();
      environment
          .err()
          .println(
              "shoji: done on "
                  + good.size()
                  + ", failed on "
                  + (outcomes.size() - good.size() - skipped)
                  + ", not begun on "
                  + skipped
                  + " of "
                  + outcomes.size()
                  + " gateways");
    }
    return exit;
  }
}
