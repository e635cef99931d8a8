/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import io.shoji.inference.ModelMetrics.Latency;
import io.shoji.operations.BenchOptions;
import io.shoji.operations.BenchResult;
import io.shoji.operations.DriftReport;
import io.shoji.operations.EngineEvent;
import io.shoji.operations.FieldSamplePage;
import io.shoji.operations.FieldSampleStatus;
import io.shoji.operations.Garbage;
import io.shoji.operations.GenerationKey;
import io.shoji.operations.ModelChange;
import io.shoji.operations.ModelOverview;
import io.shoji.operations.OperationException;
import io.shoji.operations.Operations;
import io.shoji.operations.OperationsPolicy;
import io.shoji.operations.Progress;
import io.shoji.operations.SwapReceipt;
import io.shoji.operations.Verification;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import org.osgi.framework.Version;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** An operator's commands of a Gogo shell, scope {@code shoji}. */
@Component(
    name = "io.shoji.engine.operator",
    service = OperatorCommands.class,
    property = {
      "osgi.command.scope=shoji",
      "osgi.command.function=bench",
      "osgi.command.function=changes",
      "osgi.command.function=collect",
      "osgi.command.function=drift",
      "osgi.command.function=events",
      "osgi.command.function=pin",
      "osgi.command.function=policy",
      "osgi.command.function=receipts",
      "osgi.command.function=release",
      "osgi.command.function=reload",
      "osgi.command.function=rollback",
      "osgi.command.function=samples",
      "osgi.command.function=unpin",
      "osgi.command.function=verify",
      "osgi.command.function=versions"
    })
public final class OperatorCommands {
  private static final long MOST_EXPORT_BYTES = 512L << 20;

  private final Operations operations;

  /** Commands on a service. */
  @Activate
  public OperatorCommands(@Reference Operations operations) {
    this.operations = operations;
  }

  /** {@code shoji:pin NAME VERSION}: pins a model to a version. */
  public String pin(String model, String version) throws OperationException {
    Version asked;
    try {
      asked = Version.parseVersion(version);
    } catch (IllegalArgumentException e) {
      return "not a version, as 1.2.0 found=" + version;
    }
    operations.pin(model, asked);
    return "pinned model=" + model + " version=" + asked;
  }

  /** {@code shoji:unpin NAME}: lets a model follow its policy again. */
  public String unpin(String model) throws OperationException {
    operations.unpin(model);
    return "not pinned model=" + model;
  }

  /** {@code shoji:rollback NAME}: goes back to the version that answered before, and pins it. */
  public String rollback(String model) throws OperationException {
    return "pinned model=" + model + " version=" + operations.rollback(model);
  }

  /** {@code shoji:release DRIVER}: lets another driver of the same device take over. */
  public String release(String driver) throws OperationException {
    operations.releaseDriver(driver);
    return "models leave the driver, shoji:events tells when it may be uninstalled driver="
        + driver;
  }

  /** {@code shoji:reload NAME}: loads what answers anew. */
  public String reload(String model) throws OperationException {
    operations.reload(model, Progress.NONE);
    return "reloaded model=" + model;
  }

  /** {@code shoji:verify NAME}: computes digests and runs the golden samples. */
  public String verify(String model) throws OperationException {
    Verification found = operations.verify(model, Progress.NONE);
    StringBuilder text =
        new StringBuilder(found.passed() ? "passed" : "FAILED")
            .append(" files=" + found.files())
            .append(" bytes=" + found.bytes())
            .append(" samples=" + found.samples());
    found.metric().ifPresent(m -> text.append(" metric=" + m));
    found.value().ifPresent(v -> text.append(" value=" + v));
    found.minimum().ifPresent(m -> text.append(" minimum=" + m));
    found.maxDifference().ifPresent(d -> text.append(" maxDifference=" + d));
    found.problems().forEach(p -> text.append("\n  - ").append(p));
    return text.append("\n").append(found.generation()).toString();
  }

  /** {@code shoji:bench NAME}: measures what answers with 200 runs on one thread. */
  public String bench(String model) throws OperationException {
    return bench(model, BenchOptions.defaults());
  }

  /** {@code shoji:bench NAME RUNS THREADS}: measures what answers. */
  public String bench(String model, int runs, int threads) throws OperationException {
    return bench(model, new BenchOptions(runs, threads, BenchOptions.defaults().warmUpRuns()));
  }

  private String bench(String model, BenchOptions options) throws OperationException {
    BenchResult result = operations.bench(model, options, Progress.NONE);
    Latency latency = result.latency();
    return String.format(
            Locale.ROOT,
            "runs=%d threads=%d perSecond=%.1f p50=%s p90=%s p99=%s max=%s",
            options.runs(),
            options.threads(),
            result.throughputPerSecond(),
            EngineCommands.time(latency.p50Nanos()),
            EngineCommands.time(latency.p90Nanos()),
            EngineCommands.time(latency.p99Nanos()),
            EngineCommands.time(latency.maxNanos()))
        + bytes(" loadBytes=", result.loadBytes())
        + bytes(" currentBytes=", result.currentBytes())
        + bytes(" peakBytes=", result.peakBytes())
        + "\n"
        + result.generation();
  }

  private static String bytes(String name, OptionalLong bytes) {
    return bytes.isPresent() ? name + bytes.getAsLong() : "";
  }

  /** {@code shoji:collect}: gives up retained versions and what else nobody needs. */
  public String collect() throws OperationException {
    Garbage garbage = operations.collectGarbage();
    return "removed packages="
        + garbage.packages()
        + " files="
        + garbage.files()
        + " bytes="
        + garbage.bytes();
  }

  /** {@code shoji:drift}: how far every model is from its calibration. */
  public String drift() throws OperationException {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("MODEL", "VERSION", "DRIFT", "SEEN", "NOTE"));
    for (ModelOverview model : operations.models()) {
      if (model.answering().isPresent()) {
        DriftReport report = operations.drift(model.name());
        rows.add(
            List.of(
                report.model(),
                report.version(),
                report.state().toString(),
                Long.toString(report.seen()),
                report.note()));
      }
    }
    return EngineCommands.table(rows);
  }

  /** {@code shoji:drift NAME}: how far a model is from its calibration, by feature. */
  public String drift(String model) throws OperationException {
    DriftReport report = operations.drift(model);
    List<List<String>> rows = new ArrayList<>();
    rows.add(
        List.of(
            "", "FEATURE", "PSI", "BY CHANCE", "KS", "BY CHANCE", "OUTSIDE", "MEAN", "CALIBRATED"));
    for (DriftReport.Feature each : report.features()) {
      rows.add(
          List.of(
              each.drifted() ? "!" : "",
              each.label(),
              figure(each.psi()),
              figure(each.psiByChance()),
              figure(each.ks()),
              figure(each.ksByChance()),
              figure(each.outside()),
              figure(each.mean()),
              figure(each.referenceMean())));
    }
    return report.state()
        + " model="
        + report.model()
        + " version="
        + report.version()
        + " seen="
        + report.seen()
        + " window="
        + report.window()
        + (report.note().isEmpty() ? "" : "\n" + report.note())
        + (report.features().isEmpty() ? "" : "\n" + EngineCommands.table(rows));
  }

  private static String figure(double value) {
    return String.format(Locale.ROOT, "%.3f", value);
  }

  /** {@code shoji:samples}: of which models real inputs are kept. */
  public String samples() throws OperationException {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("MODEL", "COUNT", "BYTES", "SEEN", "DROPPED", "DAMAGED", "KEY", "PROBLEM"));
    for (ModelOverview model : operations.models()) {
      FieldSampleStatus status = operations.fieldSamples(model.name());
      if (status.count() > 0 || status.policy().isPresent()) {
        rows.add(
            List.of(
                status.model(),
                Integer.toString(status.count()),
                Long.toString(status.bytes()),
                Long.toString(status.seen()),
                Long.toString(status.dropped()),
                Long.toString(status.damaged()),
                status.key(),
                status.problem()));
      }
    }
    return EngineCommands.table(rows);
  }

  /** {@code shoji:samples NAME FILE}: decrypts a model's samples into a new safetensors file. */
  public String samples(String model, String file) throws OperationException, IOException {
    FieldSamplePage all = operations.exportFieldSamples(model, 0, MOST_EXPORT_BYTES);
    if (all.count() == 0) {
      return "no samples yet model=" + model;
    }
    Path target = Path.of(file);
    Files.createFile(
        target, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    try (FileChannel out = FileChannel.open(target, StandardOpenOption.WRITE)) {
      ByteBuffer bytes = all.safetensors().duplicate();
      while (bytes.hasRemaining()) {
        out.write(bytes);
      }
    }
    return "written, not encrypted samples="
        + all.count()
        + " leftOut="
        + all.leftOut()
        + (all.more() ? " more=" + all.next() : "")
        + " file="
        + target;
  }

  /** {@code shoji:events}: what happened lately. */
  public String events() {
    return events(0);
  }

  /** {@code shoji:events NUMBER}: what happened after that event. */
  public String events(long after) {
    StringBuilder text = new StringBuilder();
    for (EngineEvent event : operations.events(after)) {
      text.append(event.sequence())
          .append(' ')
          .append(event.time())
          .append(' ')
          .append(event.type())
          .append(' ')
          .append(event.message())
          .append('\n');
    }
    return text.toString();
  }

  /** {@code shoji:receipts}: what became of old generations and old drivers. */
  public String receipts() {
    return receipts(0);
  }

  /** {@code shoji:receipts NUMBER}: those after that receipt. */
  public String receipts(long after) {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("RECEIPT", "TIME", "WHAT", "STATE", "AFTER", "GONE"));
    StringBuilder remains = new StringBuilder();
    for (SwapReceipt receipt : operations.receipts(after)) {
      rows.add(
          List.of(
              Long.toString(receipt.id()),
              receipt.time().truncatedTo(ChronoUnit.SECONDS).toString(),
              what(receipt),
              receipt.state().toString(),
              receipt.elapsedMs() + " ms",
              gone(receipt)));
      for (String line : Receipts.remains(receipt)) {
        remains.append("receipt ").append(receipt.id()).append(": ").append(line).append('\n');
      }
    }
    return EngineCommands.table(rows) + remains;
  }

  private static String what(SwapReceipt receipt) {
    String driver =
        receipt.driver()
            + " "
            + receipt.driverVersion()
            + " ("
            + receipt.runtime()
            + " "
            + receipt.runtimeVersion()
            + ") on "
            + receipt.accelerator();
    return receipt
        .generation()
        .map(
            key ->
                "generation "
                    + receipt.generationNumber().orElse(0)
                    + ", "
                    + key.model()
                    + " "
                    + key.version()
                    + " "
                    + key.variant()
                    + ", "
                    + driver)
        .orElse("driver " + driver);
  }

  private static String gone(SwapReceipt receipt) {
    StringBuilder text = new StringBuilder();
    for (SwapReceipt.Account account : receipt.accounts()) {
      if (account.held() > 0) {
        text.append(text.length() == 0 ? "" : " ")
            .append(account.resource())
            .append('=')
            .append(account.gone())
            .append('/')
            .append(account.held());
      }
    }
    return text.length() == 0 ? "-" : text.toString();
  }

  /** {@code shoji:changes NAME}: changes of what answers, newest first. */
  public String changes(String model) {
    StringBuilder text = new StringBuilder();
    for (ModelChange change : operations.changes(model)) {
      text.append(change.id())
          .append(' ')
          .append(change.updated())
          .append(' ')
          .append(change.state())
          .append(" from=")
          .append(change.from().map(OperatorCommands::text).orElse("-"))
          .append(" to=")
          .append(text(change.to()))
          .append(change.reason().isEmpty() ? "" : " reason=" + change.reason())
          .append(' ')
          .append(new TreeMap<>(change.evidence()))
          .append('\n');
    }
    return text.isEmpty() ? "nothing is known of a model with that name\n" : text.toString();
  }

  private static String text(GenerationKey key) {
    return key.version()
        + "/"
        + key.variant()
        + "/"
        + key.accelerator()
        + "/"
        + key.driverVersion();
  }

  /** {@code shoji:policy}: what is configured. */
  public String policy() {
    OperationsPolicy policy = operations.policy();
    List<List<String>> models = new ArrayList<>();
    models.add(List.of("MODEL", "VERSIONS", "ACCELERATORS", "ONLY", "MEMORY BUDGET"));
    new TreeMap<>(policy.models())
        .forEach(
            (name, each) ->
                models.add(
                    List.of(
                        name,
                        each.versions().toString(),
                        each.accelerators().toString(),
                        Boolean.toString(each.only()),
                        budget(each.memoryBudgetBytes()))));
    List<List<String>> accelerators = new ArrayList<>();
    accelerators.add(List.of("ACCELERATOR", "ENABLED", "MEMORY BUDGET", "SETTINGS"));
    new TreeMap<>(policy.accelerators())
        .forEach(
            (name, each) ->
                accelerators.add(
                    List.of(
                        name,
                        Boolean.toString(each.enabled()),
                        budget(each.memoryBudgetBytes()),
                        Map.copyOf(each.settings()).toString())));
    return EngineCommands.table(models) + "\n" + EngineCommands.table(accelerators);
  }

  private static String budget(OptionalLong bytes) {
    return bytes.isPresent() ? Long.toString(bytes.getAsLong()) : "-";
  }

  /** {@code shoji:versions}: every version that is here or was refused, and which answers. */
  public String versions() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(List.of("", "MODEL", "VERSION", "HERE", "POLICY", "FROM", "REASON"));
    for (ModelOverview model : operations.models()) {
      for (ModelOverview.Installed version : model.versions()) {
        boolean answers =
            version.version().isPresent() && version.version().equals(model.answering());
        rows.add(
            List.of(
                answers && version.state() != ModelOverview.State.REFUSED ? "*" : "",
                model.name(),
                version.version().map(Version::toString).orElse("-"),
                version.state().toString(),
                model.policy().toString(),
                model.source().toString(),
                version.state() == ModelOverview.State.REFUSED
                    ? String.join("; ", version.reasons())
                    : version.status().map(s -> s.reason()).orElse("")));
      }
      if (!model.note().isEmpty()) {
        rows.add(List.of("!", model.name(), "", "", "", "", model.note()));
      }
    }
    return EngineCommands.table(rows);
  }
}
