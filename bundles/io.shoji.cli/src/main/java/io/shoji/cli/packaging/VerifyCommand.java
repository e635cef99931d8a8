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

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.shoji.cli.CommandException;
import io.shoji.cli.Environment;
import io.shoji.cli.ExitCode;
import io.shoji.cli.Json;
import io.shoji.cli.Text;
import io.shoji.cli.local.LocalAccelerators;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code shoji verify}. */
@Command(
    name = "verify",
    description = {
      "Check model packages: that the archive is whole and reads in one way only, its signature, everything that a"
          + " gateway checks (schema, manifest, sizes, digests, golden samples), that each variant's file is what the"
          + " package says of it, and that its figures reach the declared minimum.",
      "",
      "With --re-run each variant that an accelerator of this machine runs is measured anew: on the samples of the"
          + " evidence the figure must be the same, on others it must reach the minimum."
    },
    exitCodeList = {
      "0:everything is as it must be",
      "1:something is not; every finding is printed",
      "2:wrong command line, or a file that it names cannot be used",
      "4:all that could be checked is right, but a variant could not be run on this machine (--re-run)",
      "130:interrupted"
    },
    footer = {
      "  shoji verify dist/*.dp",
      "",
      "  only what the release key signed, each variant measured anew:",
      "  shoji verify dist/io.shoji.model.pump-1.1.0.dp --trust release.pem --re-run",
      "",
      "Signatures: TRUSTED, UNSIGNED, INVALID (something is not as it was signed), UNKNOWN_SIGNER, EXPIRED. Without",
      "--trust only INVALID is a failure; with it, everything but TRUSTED is. Revocation is not asked: it takes a network."
    })
public final class VerifyCommand implements Callable<Integer> {
  @Parameters(
      arity = "1..*",
      paramLabel = "PACKAGE",
      description = "Deployment packages (.dp) or bundles (.jar).")
  private List<Path> packages = new ArrayList<>();

  @Option(
      names = "--trust",
      paramLabel = "FILE",
      order = 1,
      description =
          "Certificates of authorities, or of signers themselves: PEM, or PKCS #12 (.p12).")
  private List<Path> trust = new ArrayList<>();

  @Option(
      names = "--trust-password-file",
      paramLabel = "FILE",
      order = 2,
      description = "Its first line is the password of the PKCS #12 files.")
  private @Nullable Path trustPassword;

  @Option(
      names = "--re-run",
      order = 3,
      description = "Run the variants on this machine and compare.")
  private boolean reRun;

  @Option(
      names = "--evaluation",
      paramLabel = "SAMPLES",
      order = 4,
      description = "Samples for --re-run. Default: the package's golden samples.")
  private @Nullable Path evaluation;

  @Option(
      names = "--accelerator",
      paramLabel = "KIND[:DEVICE]",
      order = 5,
      description = "For --re-run. Default: any that can run the variant.")
  private @Nullable String accelerator;

  @Option(
      names = "--json",
      order = 900,
      description = "Print one JSON document on standard output.")
  private boolean json;

  @Option(
      names = {"-q", "--quiet"},
      order = 901,
      description = "Print only what is wrong.")
  private boolean quiet;

  private final Environment environment;

  VerifyCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() throws CommandException, InterruptedException {
    if (!reRun && (evaluation != null || accelerator != null)) {
      throw Refusal.usage("--evaluation and --accelerator belong to --re-run");
    }
    if (trust.isEmpty() && trustPassword != null) {
      throw Refusal.usage("--trust-password-file belongs to --trust");
    }
    for (Path file : packages) {
      if (!Files.isRegularFile(file)) {
        throw Refusal.usage("there is no such file file=" + file);
      }
    }
    Optional<Trust> anchors =
        trust.isEmpty()
            ? Optional.empty()
            : Optional.of(Trust.of(trust, Optional.ofNullable(trustPassword)));
    if (!reRun) {
      return verify(anchors, Optional.empty());
    }
    try (LocalAccelerators local = LocalAccelerators.start(List.of())) {
      return verify(anchors, Optional.of(local));
    }
  }

  private int verify(Optional<Trust> anchors, Optional<LocalAccelerators> local)
      throws CommandException, InterruptedException {
    Optional<ReRun> again =
        local.map(
            l ->
                new ReRun(
                    environment,
                    quiet || json,
                    Optional.ofNullable(evaluation),
                    Optional.ofNullable(accelerator)));
    JsonArray results = new JsonArray();
    boolean failed = false;
    boolean skipped = false;
    for (Path file : packages) {
      PackageAudit audit = new PackageAudit(anchors, local, again, Instant.now());
      audit.audit(file);
      failed |= audit.has(Finding.Result.FAILED);
      skipped |= audit.has(Finding.Result.SKIPPED);
      results.add(json(file, audit));
      if (!json) {
        print(file, audit);
      }
    }
    ExitCode exit = failed ? ExitCode.FAILED : skipped ? ExitCode.PARTIAL : ExitCode.OK;
    if (json) {
      JsonObject document = new JsonObject();
      document.addProperty("exit", exit.code());
      document.add("packages", results);
      environment.out().println(Json.pretty(document));
    }
    return exit.code();
  }

  private static String result(PackageAudit audit) {
    return audit.has(Finding.Result.FAILED)
        ? "FAILED"
        : audit.has(Finding.Result.SKIPPED) ? "PARTIAL" : "OK";
  }

  private static JsonObject json(Path file, PackageAudit audit) {
    JsonObject json = new JsonObject();
    json.addProperty("file", file.toString());
    json.addProperty("result", result(audit));
    json.addProperty("name", audit.name());
    json.addProperty("version", audit.version());
    JsonArray findings = new JsonArray();
    audit.findings().forEach(finding -> findings.add(finding.json()));
    json.add("findings", findings);
    return json;
  }

  private void print(Path file, PackageAudit audit) {
    if (quiet && !audit.has(Finding.Result.FAILED)) {
      return;
    }
    environment.out().println(Text.printable(file + ": " + result(audit)));
    int width = audit.findings().stream().mapToInt(f -> f.subject().length()).max().orElse(0);
    for (Finding finding : audit.findings()) {
      if (!quiet || finding.result() == Finding.Result.FAILED) {
        String subject = finding.subject();
        environment
            .out()
            .println(
                String.format(
                    Locale.ROOT,
                    "  %-7s  %s%s  %s",
                    finding.result().name().toLowerCase(Locale.ROOT),
                    subject,
                    " ".repeat(width - subject.length()),
                    Text.printable(finding.message())));
      }
    }
  }
}
