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

import io.shoji.cli.CommandException;
import io.shoji.cli.ExitCode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which gateways, and how many at a time. */
final class TargetOptions {
  @Option(
      names = "--all",
      order = 10,
      description = {
        "Every gateway that is heard within --wait, and those that the profile lists as gateways."
      })
  private boolean all;

  @Option(
      names = "--gateways-file",
      paramLabel = "FILE",
      order = 11,
      description = "The gateways in a file, one per line; # begins a comment.")
  private @Nullable Path file;

  @Option(
      names = "--match",
      paramLabel = "GLOB",
      order = 12,
      description = "Of those only the ones whose id matches, as 'line1-*'.")
  private @Nullable String match;

  @Option(
      names = "--wait",
      paramLabel = "SECONDS",
      order = 13,
      description = "Listen so long for gateways. Default: ${DEFAULT-VALUE}.")
  private double waitSeconds = 5;

  @Option(
      names = "--parallel",
      paramLabel = "N",
      order = 14,
      description = "So many gateways at a time. Default: ${DEFAULT-VALUE}.")
  private int parallel = 8;

  int parallel() {
    return parallel;
  }

  /**
   * The gateways, in the order they were named, then by their ids.
   *
   * @param named on the command line
   * @throws CommandException USAGE if nobody is named or an id is none; NO_GATEWAY if nobody is
   *     found
   */
  List<String> resolve(Fleet fleet, List<String> named, Profile profile, Consumer<String> notes)
      throws CommandException, InterruptedException {
    Set<String> found = new LinkedHashSet<>(named);
    if (file != null) {
      found.addAll(read(file));
    }
    if (all) {
      found.addAll(listed(profile));
      Discovery discovery = Discovery.listen(fleet, true, notes);
      try {
        discovery.await(waitSeconds);
      } finally {
        discovery.close();
      }
      discovery.gateways().stream()
          .filter(Discovery.Gateway::isHere)
          .forEach(gateway -> found.add(gateway.id()));
    }
    List<String> gateways = new ArrayList<>(found);
    if (match != null) {
      PathMatcher matcher = matcher(match);
      gateways.removeIf(id -> !matcher.matches(Path.of(id)));
    }
    for (String gateway : gateways) {
      ConnectionOptions.checkPart("a gateway's id", gateway);
    }
    if (gateways.isEmpty()) {
      throw new CommandException(
          ExitCode.NO_GATEWAY,
          "NO_GATEWAY",
          all
              ? "no gateway was heard within "
                  + waitSeconds
                  + " s: gateways tell that they are there when they connect, so name them, list them in the"
                  + " profile, or wait longer"
              : "no gateway is left");
    }
    return gateways;
  }

  /**
   * Checks numbers, and that somebody is named.
   *
   * @throws CommandException USAGE
   */
  void check(List<String> named) throws CommandException {
    if (!(waitSeconds >= 0 && waitSeconds <= 86_400)) {
      throw usage("--wait is 0 to 86400 seconds, and not " + waitSeconds);
    }
    if (parallel < 1 || parallel > 1000) {
      throw usage("--parallel is 1 to 1000, and not " + parallel);
    }
    if (named.isEmpty() && file == null && !all) {
      throw usage("name gateways, or give --all or --gateways-file");
    }
    for (String gateway : named) {
      ConnectionOptions.checkPart("a gateway's id", gateway);
    }
  }

  /** The gateways that a profile lists. */
  static List<String> listed(Profile profile) {
    List<String> listed = new ArrayList<>();
    for (String id : profile.get("gateways").orElse("").split(",", -1)) {
      if (!id.isBlank()) {
        listed.add(id.strip());
      }
    }
    return listed;
  }

  private static List<String> read(Path file) throws CommandException {
    try {
      List<String> ids = new ArrayList<>();
      for (String line : Files.readAllLines(file, StandardCharsets.UTF_8)) {
        String id = line.replaceFirst("#.*", "").strip();
        if (!id.isEmpty()) {
          ids.add(id);
        }
      }
      return ids;
    } catch (IOException e) {
      throw new CommandException(
          ExitCode.USAGE,
          "BAD_FILE",
          "the file of gateways cannot be read: " + e.getMessage() + " file=" + file,
          e);
    }
  }

  private static PathMatcher matcher(String glob) throws CommandException {
    try {
      return FileSystems.getDefault().getPathMatcher("glob:" + glob);
    } catch (PatternSyntaxException e) {
      throw usage("--match is no pattern: " + e.getMessage());
    }
  }

  private static CommandException usage(String message) {
    return new CommandException(ExitCode.USAGE, "USAGE", message);
  }
}
