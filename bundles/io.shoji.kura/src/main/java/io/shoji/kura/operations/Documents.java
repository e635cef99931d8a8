/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.operations;

import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.inference.AcceleratorStatus;
import io.shoji.inference.ModelMetrics;
import io.shoji.inference.ModelStatus;
import io.shoji.inference.Provenance;
import io.shoji.model.ModelCatalog;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelFile;
import io.shoji.model.ModelVariant;
import io.shoji.operations.AcceleratorPolicy;
import io.shoji.operations.BenchResult;
import io.shoji.operations.DriftReport;
import io.shoji.operations.EngineEvent;
import io.shoji.operations.FieldSamplePage;
import io.shoji.operations.FieldSamplePolicy;
import io.shoji.operations.FieldSampleStatus;
import io.shoji.operations.Garbage;
import io.shoji.operations.GenerationKey;
import io.shoji.operations.ModelChange;
import io.shoji.operations.ModelOverview;
import io.shoji.operations.ModelPolicy;
import io.shoji.operations.OperationsPolicy;
import io.shoji.operations.SwapReceipt;
import io.shoji.operations.Verification;
import io.shoji.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** The engine's snapshots as parts of JSON documents. Member names are part of the protocol. */
final class Documents {
  private Documents() {}

  static Document accelerator(AcceleratorStatus status, AcceleratorPolicy policy) {
    AcceleratorInfo info = status.info();
    return new Document()
        .put("name", label(info))
        .put("kind", info.kind())
        .put("device", info.device())
        .put("deviceName", info.deviceName())
        .put("architecture", info.architecture().isEmpty() ? null : info.architecture())
        .put("formats", info.formats())
        .put("precisions", info.precisions())
        .put("driver", info.driver())
        .put("driverVersion", info.driverVersion())
        .put("runtime", info.runtime())
        .put("runtimeVersion", info.runtimeVersion())
        .put("runtimeBuildId", info.runtimeBuildId().isEmpty() ? null : info.runtimeBuildId())
        .put("concurrency", info.concurrency())
        .put("exclusive", info.exclusive())
        .put("dynamicShapes", info.dynamicShapes())
        .put("remote", info.remote())
        .put("simulated", info.simulated())
        .put("enabled", policy.enabled())
        .put("memoryBudgetBytes", policy.memoryBudgetBytes())
        .put("health", health(status.health()))
        .put("models", status.models())
        .put("note", status.note().isEmpty() ? null : status.note());
  }

  static String label(AcceleratorInfo info) {
    return info.kind() + ":" + info.device();
  }

  static Document health(AcceleratorHealth health) {
    return new Document()
        .put("state", health.state())
        .put("reason", health.reason().isEmpty() ? null : health.reason())
        .put("temperatureCelsius", health.temperatureCelsius())
        .put("powerWatts", health.powerWatts())
        .put("memoryUsedBytes", health.memoryUsedBytes())
        .put("memoryTotalBytes", health.memoryTotalBytes());
  }

  /** A model in a line. */
  static Document summary(ModelOverview model) {
    Optional<ModelStatus> answering = answering(model);
    Document document =
        new Document()
            .put("name", model.name())
            .put("answering", model.answering().map(Object::toString))
            .put("state", answering.map(status -> (Object) status.state()).orElse("NOT_SERVING"))
            .put("policy", model.policy().toString())
            .put("policySource", model.source())
            .put("pin", model.pin().map(Object::toString))
            .put("rollbackTo", model.rollback().map(Object::toString))
            .put("note", model.note().isEmpty() ? null : model.note());
    answering
        .flatMap(ModelStatus::serving)
        .ifPresent(
            by ->
                document
                    .put("variant", by.variant())
                    .put("accelerator", by.accelerator() + ":" + by.device())
                    .put("degraded", by.degraded()));
    List<Document> versions = new ArrayList<>();
    for (ModelOverview.Installed version : model.versions()) {
      versions.add(
          new Document()
              .put("modelVersion", version.version().map(Object::toString))
              .put("presence", version.state())
              .put("state", version.status().map(ModelStatus::state))
              .put("reason", reason(version)));
    }
    return document.put("versions", versions);
  }

  private static @Nullable String reason(ModelOverview.Installed version) {
    if (!version.reasons().isEmpty()) {
      return String.join("; ", version.reasons());
    }
    String reason = version.status().map(ModelStatus::reason).orElse("");
    return reason.isEmpty() ? null : reason;
  }

  /** The version that answers, if one does. */
  static Optional<ModelStatus> answering(ModelOverview model) {
    return model.versions().stream()
        .filter(version -> version.version().equals(model.answering()))
        .flatMap(version -> version.status().stream())
        .findFirst();
  }

  /** A model with all that is known of it. */
  static Document model(ModelOverview model, ModelPolicy policy) {
    Document document = summary(model);
    document.put("configured", policy(policy));
    List<Document> versions = new ArrayList<>();
    for (ModelOverview.Installed installed : model.versions()) {
      Document version =
          new Document()
              .put("modelVersion", installed.version().map(Object::toString))
              .put("presence", installed.state())
              .put("bundle", installed.origin())
              .put("refusedBecause", installed.reasons().isEmpty() ? null : installed.reasons());
      installed.status().ifPresent(status -> status(version, status));
      versions.add(version);
    }
    return document.put("versions", versions);
  }

  private static Document policy(ModelPolicy policy) {
    return new Document()
        .put("versions", policy.versions().toString())
        .put("accelerators", policy.accelerators())
        .put("only", policy.only())
        .put("memoryBudgetBytes", policy.memoryBudgetBytes());
  }

  private static void status(Document document, ModelStatus status) {
    ModelDescription description = status.description();
    List<Document> candidates = new ArrayList<>();
    for (ModelStatus.Candidate candidate : status.candidates()) {
      candidates.add(
          new Document()
              .put("variant", candidate.variant())
              .put("accelerator", candidate.accelerator())
              .put("chosen", candidate.chosen())
              .put("verdict", candidate.verdict())
              .put("latencyNanos", candidate.latencyNanos())
              .put("memoryBytes", candidate.memoryBytes()));
    }
    List<Document> variants = new ArrayList<>();
    for (ModelVariant variant : description.variants()) {
      variants.add(
          new Document()
              .put("name", variant.name())
              .put("format", variant.format())
              .put("precision", variant.precision())
              .put("filter", variant.filter())
              .put("files", variant.files().stream().map(Documents::file).toList()));
    }
    document
        .put("state", status.state())
        .put("reason", status.reason().isEmpty() ? null : status.reason())
        .put("generation", status.serving().map(Documents::provenance))
        .put("candidates", candidates)
        .put("title", description.title())
        .put("description", description.description().isEmpty() ? null : description.description())
        .put("licence", description.licence().isEmpty() ? null : description.licence())
        .put("task", description.task())
        .put("sha256", description.sha256())
        .put("inputs", description.inputs().stream().map(Documents::tensor).toList())
        .put("outputs", description.outputs().stream().map(Documents::tensor).toList())
        .put("labels", description.labels())
        .put("variants", variants)
        .put(
            "golden",
            description.golden().map(golden -> file(golden.file()).put("samples", golden.count())))
        .put(
            "evidence",
            description
                .evidence()
                .map(
                    evidence ->
                        new Document()
                            .put("metric", evidence.metric())
                            .put("value", evidence.value())
                            .put("samples", evidence.evaluationCount())
                            .put("dataset", evidence.dataset())
                            .put("tool", evidence.tool())
                            .put("created", evidence.created())))
        .put(
            "acceptance",
            description
                .acceptance()
                .map(
                    acceptance ->
                        new Document()
                            .put("metric", acceptance.metric())
                            .put("minimum", acceptance.minimum())
                            .put("p99Ms", acceptance.p99Ms())
                            .put("peakMemoryBytes", acceptance.peakMemoryBytes())));
  }

  private static Document file(ModelFile file) {
    return new Document()
        .put("path", file.path())
        .put("sha256", file.sha256())
        .put("bytes", file.size());
  }

  private static Document tensor(TensorSpec tensor) {
    List<Long> shape = new ArrayList<>();
    for (long dim : tensor.shape().dims()) {
      shape.add(dim);
    }
    return new Document()
        .put("name", tensor.name())
        .put("type", tensor.type())
        .put("shape", shape)
        .put("layout", tensor.layout())
        .put("quantization", tensor.quantization().map(Object::toString));
  }

  static Document provenance(Provenance by) {
    return new Document()
        .put("generation", by.generation())
        .put("modelVersion", by.modelVersion())
        .put("variant", by.variant())
        .put("variantSha256", by.variantSha256())
        .put("packageSha256", by.packageSha256())
        .put("accelerator", by.accelerator() + ":" + by.device())
        .put("driver", by.driver())
        .put("driverVersion", by.driverVersion())
        .put("runtime", by.runtime())
        .put("runtimeVersion", by.runtimeVersion())
        .put("runtimeBuildId", by.runtimeBuildId().isEmpty() ? null : by.runtimeBuildId())
        .put("simulated", by.simulated())
        .put("degraded", by.degraded());
  }

  static Document metrics(ModelStatus status) {
    ModelMetrics metrics = status.metrics();
    return new Document()
        .put("model", status.description().name())
        .put("modelVersion", status.description().version().toString())
        .put("requests", metrics.requests())
        .put("answered", metrics.answered())
        .put("errors", new TreeMap<>(metrics.errors()))
        .put("waiting", metrics.waiting())
        .put("latency", latency(metrics.latency()))
        .put("queue", latency(metrics.queue()));
  }

  static Document latency(ModelMetrics.Latency latency) {
    Document document = new Document().put("count", latency.count());
    if (latency.count() > 0) {
      document
          .put("meanNanos", latency.meanNanos())
          .put("p50Nanos", latency.p50Nanos())
          .put("p90Nanos", latency.p90Nanos())
          .put("p99Nanos", latency.p99Nanos())
          .put("p999Nanos", latency.p999Nanos())
          .put("maxNanos", latency.maxNanos())
          .put("histogram", latency.histogram());
    }
    return document;
  }

  static Document event(EngineEvent event) {
    return new Document()
        .put("sequence", event.sequence())
        .put("time", event.time())
        .put("type", event.type())
        .put("model", event.model().isEmpty() ? null : event.model())
        .put("modelVersion", event.version().isEmpty() ? null : event.version())
        .put("accelerator", event.accelerator().isEmpty() ? null : event.accelerator())
        .put("message", event.message())
        .put("details", event.details().isEmpty() ? null : new TreeMap<>(event.details()));
  }

  /** One change of what answers. */
  static Document change(ModelChange change) {
    return new Document()
        .put("id", change.id())
        .put("state", change.state())
        .put("started", change.started())
        .put("updated", change.updated())
        .put("reason", change.reason().isEmpty() ? null : change.reason())
        .put("from", change.from().map(Documents::key))
        .put("to", key(change.to()))
        .put("evidence", change.evidence().isEmpty() ? null : new TreeMap<>(change.evidence()));
  }

  private static Document key(GenerationKey key) {
    return new Document()
        .put("modelVersion", key.version())
        .put("packageSha256", key.packageSha256())
        .put("variant", key.variant())
        .put("accelerator", key.accelerator())
        .put("driver", key.driver())
        .put("driverVersion", key.driverVersion())
        .put("runtime", key.runtime())
        .put("runtimeVersion", key.runtimeVersion())
        .put("runtimeBuildId", key.runtimeBuildId().isEmpty() ? null : key.runtimeBuildId());
  }

  /** One receipt: kinds of which nothing was held are left out. */
  static Document receipt(SwapReceipt receipt) {
    return new Document()
        .put("id", receipt.id())
        .put("subject", receipt.subject())
        .put("time", receipt.time())
        .put("state", receipt.state())
        .put("elapsedMs", receipt.elapsedMs())
        .put("checks", receipt.checks())
        .put("accelerator", receipt.accelerator())
        .put("generation", receipt.generationNumber())
        .put("model", receipt.generation().map(GenerationKey::model))
        .put("modelVersion", receipt.generation().map(GenerationKey::version))
        .put("variant", receipt.generation().map(GenerationKey::variant))
        .put("driver", receipt.driver())
        .put("driverVersion", receipt.driverVersion())
        .put("runtime", receipt.runtime())
        .put("runtimeVersion", receipt.runtimeVersion())
        .put(
            "accounts",
            receipt.accounts().stream()
                .filter(account -> account.held() > 0)
                .map(Documents::account)
                .toList())
        .put("processBefore", new TreeMap<>(receipt.before()))
        .put("processAfter", new TreeMap<>(receipt.after()));
  }

  private static Document account(SwapReceipt.Account account) {
    return new Document()
        .put("resource", account.resource())
        .put("unit", account.resource().unit())
        .put("held", account.held())
        .put("gone", account.gone())
        .put(
            "remains",
            account.remains().stream()
                .map(
                    each ->
                        new Document()
                            .put("what", each.what())
                            .put("amount", each.amount())
                            .put("holder", each.holder()))
                .toList());
  }

  /** How many receipts are in which state, and those of which something remains. */
  static Document receipts(List<SwapReceipt> all) {
    Map<String, Long> states = new TreeMap<>();
    for (SwapReceipt.State state : SwapReceipt.State.values()) {
      states.put(
          state.name().toLowerCase(Locale.ROOT),
          all.stream().filter(receipt -> receipt.state() == state).count());
    }
    return new Document()
        .put("states", states)
        .put(
            "remaining",
            all.stream()
                .filter(receipt -> receipt.state() == SwapReceipt.State.REMAINS)
                .map(SwapReceipt::id)
                .toList());
  }

  static Document drift(DriftReport report) {
    return new Document()
        .put("model", report.model())
        .put("modelVersion", report.version())
        .put("state", report.state())
        .put("note", report.note().isEmpty() ? null : report.note())
        .put("seen", report.seen())
        .put("window", report.window())
        .put("evaluated", report.evaluated())
        .put("referenceCount", report.referenceCount())
        .put("source", report.source().map(source -> source.name().toLowerCase(Locale.ROOT)));
  }

  /** With every feature. */
  static Document driftOfFeatures(DriftReport report) {
    return drift(report).put("features", report.features().stream().map(Documents::of).toList());
  }

  private static Document of(DriftReport.Feature feature) {
    return new Document()
        .put("feature", feature.label())
        .put("drifted", feature.drifted())
        .put("psi", feature.psi())
        .put("psiByChance", feature.psiByChance())
        .put("ks", feature.ks())
        .put("ksByChance", feature.ksByChance())
        .put("effectiveSamples", feature.effectiveSamples())
        .put("outside", feature.outside())
        .put("mean", feature.mean())
        .put("referenceMean", feature.referenceMean());
  }

  static Document fieldSamples(FieldSampleStatus status) {
    return new Document()
        .put("model", status.model())
        .put("mostCount", status.policy().map(FieldSamplePolicy::count))
        .put("mostBytes", status.policy().map(FieldSamplePolicy::diskBytes))
        .put("count", status.count())
        .put("bytes", status.bytes())
        .put("seen", status.seen())
        .put("dropped", status.dropped())
        .put("damaged", status.damaged())
        .put("oldest", status.oldest())
        .put("newest", status.newest())
        .put("key", status.key())
        .put("problem", status.problem().isEmpty() ? null : status.problem());
  }

  static Document page(String model, FieldSamplePage page) {
    ByteBuffer bytes = page.safetensors().duplicate();
    byte[] file = new byte[bytes.remaining()];
    bytes.get(file);
    return new Document()
        .put("model", model)
        .put("count", page.count())
        .put("next", page.next())
        .put("more", page.more())
        .put("leftOut", page.leftOut())
        .put("safetensors", Base64.getEncoder().encodeToString(file));
  }

  static Document bench(BenchResult result) {
    return new Document()
        .put("generation", provenance(result.generation()))
        .put("runs", result.options().runs())
        .put("threads", result.options().threads())
        .put("warmup", result.options().warmUpRuns())
        .put("latency", latency(result.latency()))
        .put("throughputPerSecond", result.throughputPerSecond())
        .put("durationNanos", result.durationNanos())
        .put("loadBytes", result.loadBytes())
        .put("currentBytes", result.currentBytes())
        .put("peakBytes", result.peakBytes());
  }

  static Document verification(Verification found) {
    return new Document()
        .put("generation", provenance(found.generation()))
        .put("passed", found.passed())
        .put("problems", found.problems())
        .put("files", found.files())
        .put("bytes", found.bytes())
        .put("samples", found.samples())
        .put("metric", found.metric())
        .put("value", found.value())
        .put("minimum", found.minimum())
        .put("maxDifference", found.maxDifference());
  }

  static Document garbage(Garbage garbage) {
    return new Document()
        .put("packages", garbage.packages())
        .put("files", garbage.files())
        .put("bytes", garbage.bytes());
  }

  static Document refusal(ModelCatalog.Refusal refusal) {
    return new Document()
        .put("bundle", refusal.origin())
        .put("model", refusal.model().isEmpty() ? null : refusal.model())
        .put("modelVersion", refusal.version().map(Object::toString))
        .put("reasons", refusal.reasons())
        .put("time", refusal.time());
  }

  static Document warning(ModelCatalog.Warning warning) {
    return new Document()
        .put("bundle", warning.origin())
        .put("model", warning.model())
        .put("modelVersion", warning.version().toString())
        .put("reasons", warning.reasons())
        .put("time", warning.time());
  }

  static Document policies(OperationsPolicy policy) {
    Document models = new Document();
    new TreeMap<>(policy.models()).forEach((name, value) -> models.put(name, policy(value)));
    Document accelerators = new Document();
    new TreeMap<>(policy.accelerators())
        .forEach(
            (name, value) ->
                accelerators.put(
                    name,
                    new Document()
                        .put("enabled", value.enabled())
                        .put("memoryBudgetBytes", value.memoryBudgetBytes())
                        // Values may be secrets of a driver: only the names are told.
                        .put("settings", new TreeMap<>(value.settings()).keySet())));
    return new Document().put("models", models).put("accelerators", accelerators);
  }
}
