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
import io.shoji.cli.CommandException;
import io.shoji.cli.Environment;
import io.shoji.cli.ExitCode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code shoji fleet install}. */
@Command(
    name = "install",
    description = {
      "Have gateways download and install a deployment package (.dp), and see that it is there afterwards. A gateway"
          + " that has this very version is left alone."
    },
    footer = {
      "  shoji fleet install -p works https://files.example/io.shoji.model.digits_1.1.0.dp gw1",
      "",
      "  one gateway first, then eight at a time, and stop when more than two have failed:",
      "  shoji fleet install -p works https://files.example/io.shoji.core_0.1.0.dp --all --canary 1 --max-failures 2",
      "",
      "  a file from this machine, which gateways reach as 192.0.2.7:",
      "  shoji fleet install -p works digits.dp gw1 gw2 --serve-at 192.0.2.7:8099"
    })
final class InstallCommand extends ChangeCommand {
  @Parameters(
      index = "0",
      paramLabel = "URL|FILE",
      description =
          "Where gateways find the package (http, https), or a file here with --serve-at.")
  private String source = "";

  @Parameters(index = "1..*", paramLabel = "GATEWAY", description = "Client ids of gateways.")
  private List<String> gateways = new ArrayList<>();

  @Option(
      names = "--serve-at",
      paramLabel = "HOST:PORT",
      order = 1,
      description = {
        "Serve the file from here over HTTP while it is installed, at an address of this machine that gateways reach."
      })
  private @Nullable String serveAt;

  @Option(
      names = "--sha256",
      paramLabel = "HEX",
      order = 2,
      description = "Digest that gateways check. Of a file here it is computed.")
  private @Nullable String sha256;

  @Option(
      names = "--name",
      paramLabel = "NAME",
      order = 3,
      description = "Symbolic name of the package, if this machine cannot read it at the URL.")
  private @Nullable String packageName;

  @Option(
      names = "--package-version",
      paramLabel = "VERSION",
      order = 4,
      description = "Version of the package, if this machine cannot read it at the URL.")
  private @Nullable String packageVersion;

  @Option(
      names = "--install-timeout",
      paramLabel = "SECONDS",
      order = 5,
      description = "Wait so long for each gateway. Default: ${DEFAULT-VALUE}.")
  private long limitSeconds = 600;

  @Option(
      names = "--settle",
      paramLabel = "SECONDS",
      order = 6,
      description = {
        "Where Shoji is: watch so long what its engine makes of a model that came, and fail if it is refused or does"
            + " not serve. 0 for not at all. Default: ${DEFAULT-VALUE}."
      })
  private long settleSeconds = 20;

  private @Nullable PackageFile file;

  InstallCommand(Environment environment) {
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
  Prepared prepare(Progress progress) throws CommandException, InterruptedException {
    PackageFile.Given given =
        new PackageFile.Given(
            Optional.ofNullable(packageName),
            Optional.ofNullable(packageVersion),
            Optional.ofNullable(sha256));
    if (source.startsWith("http://") || source.startsWith("https://")) {
      if (serveAt != null) {
        throw usage("--serve-at is for a file of this machine");
      }
      file = PackageFile.at(source, given);
      return () -> {};
    }
    Path path = Path.of(source);
    if (!Files.isRegularFile(path)) {
      throw usage("there is no such file, and it is no address of http or https source=" + source);
    }
    PackageFile here = PackageFile.of(path, "", given);
    if (serveAt == null) {
      throw usage(
          "gateways cannot reach a file of this machine: put it on a server and give its address, or add --serve-at"
              + " HOST:PORT file="
              + path);
    }
    PackageServer server =
        PackageServer.serve(
            path, serveAt, here.name() + "_" + here.version() + ".dp", progress::note);
    file = new PackageFile(here.name(), here.version(), server.uri(), here.sha256());
    return server::close;
  }

  private static CommandException usage(String message) {
    return new CommandException(ExitCode.USAGE, "USAGE", message);
  }

  @Override
  Rollout.Done one(Fleet fleet, String gateway, ShojiV1.Watcher watcher)
      throws GatewayException, InterruptedException {
    PackageFile wanted = file;
    if (wanted == null) {
      throw new IllegalStateException("not prepared");
    }
    List<DeployV2Client.Installed> all = DeployV2Client.packages(fleet, gateway);
    Optional<DeployV2Client.Installed> before = DeployV2Client.find(all, wanted.name());
    JsonObject answer = new JsonObject();
    answer.addProperty("package", wanted.name());
    answer.addProperty("packageVersion", wanted.version());
    before.ifPresent(old -> answer.addProperty("before", old.version()));
    String what = wanted.name() + " " + wanted.version();
    if (before.isPresent() && PackageFile.sameVersion(before.get().version(), wanted.version())) {
      return new Rollout.Done(answer, false, what + " is installed already");
    }
    Optional<Aftermath> aftermath =
        settleSeconds > 0 ? Aftermath.of(fleet, gateway, all) : Optional.empty();
    DeployV2Client.install(fleet, gateway, wanted, limitSeconds, watcher);
    Optional<String> models =
        aftermath.isPresent() ? aftermath.get().await(settleSeconds, watcher) : Optional.empty();
    models.ifPresent(text -> answer.addProperty("models", text));
    return new Rollout.Done(
        answer,
        true,
        what
            + " installed"
            + before.map(old -> ", was " + old.version()).orElse("")
            + models.map(text -> "; " + text).orElse(""));
  }
}
