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
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.shoji.accelerator.Precision;
import io.shoji.cli.CommandException;
import io.shoji.cli.Environment;
import io.shoji.cli.ExitCode;
import io.shoji.cli.Json;
import io.shoji.cli.Text;
import java.io.IOException;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code shoji package}. */
@Command(
    name = "package",
    description = {
      "Make a model package: a bundle (.jar) and the deployment package (.dp) that gateways install, with the model's"
          + " variants, the evidence of how good each is, golden samples and what the model must reach on the device."
          + " The gateway's own checks are run on the result before it is kept.",
      "",
      "A minimum is declared first: without --metric and --minimum there is no package. Every variant needs evidence,"
          + " as \"shoji quantize\" writes it beside the model (FILE.evidence.json); the FP32 model is measured here."
    },
    exitCodeList = {
      "0:the package was made",
      "1:it was refused, or could not be written; nothing was left behind",
      "2:wrong command line, or a file that it names cannot be used",
      "130:interrupted; nothing was left behind"
    },
    footer = {
      "  a new package of an FP32 model, golden samples made of the evaluation set:",
      "  shoji package --name pump --model-version 1.0.0 --title \"Pump seal\" --task classification --labels ok,worn \\",
      "    --variant pump.onnx --evaluation samples/held-out --golden 200 --metric top1 --minimum 0.95 -o dist",
      "",
      "  with what \"shoji quantize\" made, as the next version, signed:",
      "  shoji package --base dist/io.shoji.model.pump-1.0.0.dp --model-version 1.1.0 --variant pump-int8.onnx \\",
      "    --variant pump-int8.tflite --sign keys.p12 --alias release --password-file keys.txt -o dist",
      "",
      "  with what Hailo's compiler returned (shoji handover), and the figures of its emulator:",
      "  shoji package --base dist/io.shoji.model.pump-1.1.0.dp --model-version 1.2.0 --import pump.hef \\",
      "    --evidence pump.hef.evidence.json -o dist"
    })
public final class PackageCommand implements Callable<Integer> {
  private static final List<String> MEASURED_ON_DEVICE = List.of("top1", "auc");

  @Option(
      names = "--base",
      paramLabel = "PACKAGE",
      order = 1,
      description =
          "Begin with this package (.dp or .jar): its description, variants, golden samples, criteria.")
  private @Nullable Path base;

  @Option(
      names = "--description",
      paramLabel = "FILE",
      order = 2,
      description =
          "JSON with members of model.json: name, version, title, description, licence, task, inputs, outputs, labels,"
              + " pipeline, acceptance. The options below win over it.")
  private @Nullable Path description;

  @Option(names = "--name", order = 3, description = "Name that applications ask for, as pump.")
  private @Nullable String name;

  @Option(
      names = "--model-version",
      paramLabel = "VERSION",
      order = 4,
      description = "Version of the package, as 1.2.0; higher than the base's.")
  private @Nullable String version;

  @Option(names = "--title", order = 5, description = "Name for people, one line.")
  private @Nullable String title;

  @Option(
      names = "--licence",
      paramLabel = "SPDX",
      order = 6,
      description = "Licence of the model, as EPL-2.0.")
  private @Nullable String licence;

  @Option(
      names = "--task",
      order = 7,
      description = "classification, detection, regression, anomaly or other.")
  private @Nullable String task;

  @Option(
      names = "--labels",
      paramLabel = "A,B,C|FILE",
      order = 8,
      description = "Names of the classes by index, or a file with one per line.")
  private @Nullable String labels;

  @Option(
      names = "--pipeline",
      paramLabel = "FILE",
      order = 9,
      description = "JSON with the steps around the model, as the member pipeline of model.json.")
  private @Nullable Path pipeline;

  @Option(
      names = "--bundle",
      paramLabel = "NAME",
      order = 10,
      description =
          "Symbolic name of bundle and deployment package. Default: the base's, or io.shoji.model.NAME.")
  private @Nullable String bundle;

  @Option(
      names = "--bundle-version",
      paramLabel = "VERSION",
      order = 11,
      description = "Version of bundle and deployment package. Default: that of the model.")
  private @Nullable String bundleVersion;

  @Option(
      names = "--variant",
      paramLabel = "FILE[:NAME][:FILTER]",
      order = 20,
      description =
          "A model file (ONNX, TFLite) with its FILE.evidence.json. NAME replaces a variant of the base that has it;"
              + " default: what the file is, as onnx-int8. FILTER: accelerators that may run it, default: all that have"
              + " its format and precision.")
  private List<String> variants = new ArrayList<>();

  @Option(
      names = "--import",
      paramLabel = "FILE[:NAME][:FILTER]",
      order = 21,
      description =
          "A file that a vendor's compiler made: .hef (Hailo), _edgetpu.tflite (Coral), TensorRT engine. Its figures"
              + " are declared, not measured.")
  private List<String> imports = new ArrayList<>();

  @Option(
      names = "--evidence",
      paramLabel = "FILE",
      order = 22,
      description =
          "Figures of the one file that is imported. Default: FILE.evidence.json beside it.")
  private @Nullable Path evidence;

  @Option(
      names = "--precision",
      order = 23,
      description = "Of an imported engine, which does not tell: FP32, FP16, INT8.")
  private @Nullable Precision precision;

  @Option(
      names = "--architecture",
      paramLabel = "CHIP",
      order = 24,
      description = "Of an imported engine, which does not tell: as sm_87 for Orin.")
  private @Nullable String architecture;

  @Option(
      names = "--remove",
      paramLabel = "NAME",
      order = 25,
      description = "Leave a variant of the base out.")
  private List<String> removed = new ArrayList<>();

  @Option(
      names = "--metric",
      order = 30,
      description = "What counts: top1, auc, ... Default: the base's.")
  private @Nullable String metric;

  @Option(
      names = "--minimum",
      paramLabel = "VALUE",
      order = 31,
      description =
          "The least of it, on the evaluation set and on the device. Default: the base's.")
  private @Nullable Double minimum;

  @Option(
      names = "--p99",
      paramLabel = "MS",
      order = 32,
      description = "Most milliseconds of the 99th percentile of latency on the device.")
  private @Nullable Double p99;

  @Option(
      names = "--peak-memory",
      paramLabel = "BYTES",
      order = 33,
      description = "Most memory on the device; with K, M or G for 1024, 1024^2, 1024^3.")
  private @Nullable String peakMemory;

  @Option(
      names = "--golden",
      paramLabel = "FILE|N",
      order = 40,
      description =
          "Samples with known answers that gateways try before the model goes live: a .safetensors file, or so many of"
              + " the evaluation set, with the FP32 model's answers. Default: the base's.")
  private @Nullable String golden;

  @Option(
      names = "--evaluation",
      paramLabel = "SAMPLES",
      order = 41,
      description =
          "Held-out samples, on which the FP32 model is measured. Default: the golden samples.")
  private @Nullable Path evaluation;

  @Option(
      names = "--calibration",
      paramLabel = "SAMPLES",
      order = 41,
      description =
          "Samples as the device will see them, of which gateways get a sketch to tell drift by. Default: what \"shoji"
              + " quantize\" found with its calibration set, else the evaluation set.")
  private @Nullable Path calibration;

  @Option(
      names = "--dataset",
      paramLabel = "TEXT",
      order = 42,
      description = "Which samples these are, and how they were kept apart from the training.")
  private @Nullable String dataset;

  @Option(
      names = "--sign",
      paramLabel = "KEYSTORE.p12",
      order = 50,
      description =
          "Sign bundle and deployment package (JAR signature). There is no timestamp: that takes an authority on the"
              + " network; sign with a certificate that is valid for as long as the package is to be installed.")
  private @Nullable Path keyStore;

  @Option(names = "--alias", order = 51, description = "Which key signs. Default: the only one.")
  private @Nullable String alias;

  @Option(
      names = "--password-file",
      paramLabel = "FILE",
      order = 52,
      description = "Its first line is the password of the key store.")
  private @Nullable Path passwordFile;

  @Option(
      names = "--expires",
      paramLabel = "TIME",
      order = 53,
      description =
          "From when on gateways do not install the package any more, as 2027-11-22 or 2027-11-22T12:00:00Z (UTC)."
              + " Default: never. Not taken over from the base.")
  private @Nullable String expires;

  @Option(
      names = "--floor",
      paramLabel = "VERSION",
      order = 54,
      description =
          "Once a gateway has committed this package, nothing older of the model serves there, be it by going back:"
              + " for when older versions must not answer again. Default: the base's, if it has one.")
  private @Nullable String floor;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FOLDER",
      order = 60,
      description = "Where NAME-VERSION.jar and NAME-VERSION.dp go. Default: here.")
  private Path output = Path.of("");

  @Option(
      names = "--json",
      order = 900,
      description = "Print one JSON document on standard output.")
  private boolean json;

  @Option(
      names = {"-q", "--quiet"},
      order = 901,
      description = "No progress and no notes on standard error.")
  private boolean quiet;

  private final Environment environment;
  private final List<String> notes = new ArrayList<>();

  PackageCommand(Environment environment) {
    this.environment = environment;
  }

  @Override
  public Integer call() throws CommandException, InterruptedException {
    Instant now = SourceDate.of(environment);
    Optional<SigningKey> signer = signer();
    List<VariantArgument> arguments = arguments();
    Path folder = output.toAbsolutePath().normalize();
    try (WorkFolder work = WorkFolder.in(folder)) {
      if (base == null) {
        return make(Draft.empty(), Optional.empty(), arguments, signer, now, work, folder);
      }
      BaseBundle from = BaseBundle.of(base, work);
      try (ModelBundle opened = ModelBundle.open(from.jar(), base.toString())) {
        return make(Draft.of(opened), Optional.of(opened), arguments, signer, now, work, folder);
      }
    }
  }

  private Optional<SigningKey> signer() throws CommandException {
    if (keyStore == null) {
      if (alias != null || passwordFile != null) {
        throw Refusal.usage("--alias and --password-file belong to --sign");
      }
      return Optional.empty();
    }
    if (passwordFile == null) {
      throw Refusal.usage("--sign needs --password-file: passwords are no arguments");
    }
    return Optional.of(
        SigningKey.of(
            keyStore, Optional.ofNullable(alias), passwordFile, Date.from(Instant.now())));
  }

  private List<VariantArgument> arguments() throws CommandException {
    List<VariantArgument> arguments = new ArrayList<>();
    for (String text : variants) {
      arguments.add(VariantArgument.of(text, false));
    }
    for (String text : imports) {
      arguments.add(VariantArgument.of(text, true));
    }
    if (evidence != null && imports.size() != 1) {
      throw Refusal.usage(
          "--evidence is for one imported file; of several each has its FILE.evidence.json beside it imports="
              + imports.size());
    }
    if ((precision != null || architecture != null) && imports.isEmpty()) {
      throw Refusal.usage("--precision and --architecture are for --import");
    }
    return arguments;
  }

  private int make(
      Draft draft,
      Optional<ModelBundle> from,
      List<VariantArgument> arguments,
      Optional<SigningKey> signer,
      Instant now,
      WorkFolder work,
      Path folder)
      throws CommandException, InterruptedException {
    describe(draft, from);
    life(draft, now);
    Acceptance acceptance = acceptance(draft);
    if (!MEASURED_ON_DEVICE.contains(acceptance.metric())) {
      notes.add(
          "gateways measure "
              + MEASURED_ON_DEVICE
              + " with the golden samples; of this metric they believe the evidence metric="
              + acceptance.metric());
    }
    for (String variant : removed) {
      if (draft.variant(variant).isEmpty()) {
        throw Refusal.usage(
            "the base has no such variant asked=" + variant + " found=" + draft.variantNames());
      }
      draft.removeVariant(variant);
    }
    Variants made = new Variants(draft, acceptance, now, notes);
    Set<String> names = new LinkedHashSet<>();
    for (VariantArgument argument : arguments) {
      ModelFacts facts =
          ModelContent.read(
              argument.file(),
              argument.declared() ? Optional.ofNullable(precision) : Optional.empty(),
              argument.declared() ? Optional.ofNullable(architecture) : Optional.empty());
      String given = argument.name().orElse(facts.variantName());
      if (!names.add(given)) {
        throw Refusal.usage("two variants have the same name; name one of them name=" + given);
      }
      made.add(argument, given, facts, Optional.ofNullable(evidence));
    }
    made.noteSources();
    if (draft.variants().isEmpty()) {
      throw Refusal.usage("a package has at least one variant: --variant or --base");
    }
    Golden goldenSamples = new Golden(environment, quiet, draft, acceptance, work, notes);
    goldenSamples.make(
        Optional.ofNullable(golden),
        Optional.ofNullable(evaluation),
        Optional.ofNullable(dataset),
        made,
        Optional.ofNullable(calibration),
        now);
    acceptance.checkAll(draft);
    acceptance.writeTo(draft);
    return write(draft, from, signer, work, folder);
  }

  private void describe(Draft draft, Optional<ModelBundle> from) throws CommandException {
    Optional<String> before = draft.text("version");
    if (description != null) {
      draft.merge(EvidenceFile.object(description), description);
    }
    Map<String, @Nullable String> given = new LinkedHashMap<>();
    given.put("name", name);
    given.put("version", version);
    given.put("title", title);
    given.put("licence", licence);
    given.put("task", task);
    given.forEach(
        (member, value) -> {
          if (value != null) {
            draft.set(member, value);
          }
        });
    if (labels != null) {
      draft.set("labels", LabelList.of(labels));
    }
    if (pipeline != null) {
      draft.set("pipeline", EvidenceFile.object(pipeline));
    }
    for (String needed : List.of("name", "version", "title", "task")) {
      if (draft.text(needed).isEmpty()) {
        throw Refusal.usage(
            "a package needs a "
                + needed
                + ": --"
                + (needed.equals("version") ? "model-version" : needed)
                + ", or that member in the file of --description");
      }
    }
    if (from.isPresent()
        && keyStore == null
        && from.get().entries().stream().anyMatch(n -> n.matches("(?i)META-INF/[^/]*\\.SF"))) {
      notes.add("the base was signed, and this package is not: --sign");
    }
    if (from.isPresent() && before.equals(draft.text("version"))) {
      throw Refusal.usage(
          "a changed package has a changed version, for gateways ignore one that they have: say"
              + " --model-version base="
              + before.orElse("none"));
    }
  }

  private void life(Draft draft, Instant now) throws CommandException {
    if (floor != null) {
      draft.set("minimumVersion", floor);
    }
    if (expires == null) {
      draft
          .text("expires")
          .ifPresent(
              before ->
                  notes.add(
                      "the base expires, and this package does not: --expires base=" + before));
      draft.remove("expires");
      return;
    }
    Instant until;
    try {
      until =
          expires.contains("T")
              ? Instant.parse(expires)
              : LocalDate.parse(expires).atStartOfDay(ZoneOffset.UTC).toInstant();
    } catch (DateTimeException e) {
      throw Refusal.usage(
          "--expires is a day or a time in UTC, as 2027-11-22 or 2027-11-22T12:00:00Z found="
              + expires);
    }
    if (!until.isAfter(now)) {
      throw Refusal.usage(
          "--expires lies in the past, so nobody could install the package found=" + expires);
    }
    draft.set("expires", until.toString());
  }

  private Acceptance acceptance(Draft draft) throws CommandException {
    return Acceptance.of(
        draft.get("acceptance"),
        Optional.ofNullable(metric),
        Optional.ofNullable(minimum),
        Optional.ofNullable(p99),
        peakMemory == null ? Optional.empty() : Optional.of(Acceptance.bytes(peakMemory)));
  }

  private int write(
      Draft draft,
      Optional<ModelBundle> from,
      Optional<SigningKey> signer,
      WorkFolder work,
      Path folder)
      throws CommandException, InterruptedException {
    Assembly assembly =
        Assembly.of(
            draft,
            from,
            Optional.ofNullable(bundle),
            Optional.ofNullable(bundleVersion),
            String.valueOf(base));
    Path jar = assembly.writeBundle(draft, work, signer);
    Path dp = assembly.writePackage(draft, jar, work, signer);
    Map<Path, Path> moves = new LinkedHashMap<>();
    moves.put(jar, folder.resolve(assembly.fileName() + ".jar"));
    moves.put(dp, folder.resolve(assembly.fileName() + ".dp"));
    try {
      JsonObject result = result(draft, assembly, moves, signer);
      WorkFolder.publish(moves);
      print(result);
      return ExitCode.OK.code();
    } catch (IOException e) {
      throw Refusal.io("the package cannot be put in its place", folder, e);
    }
  }

  private JsonObject result(
      Draft draft, Assembly assembly, Map<Path, Path> moves, Optional<SigningKey> signer)
      throws IOException {
    JsonObject result = new JsonObject();
    result.addProperty("exit", 0);
    result.addProperty("name", draft.text("name").orElse(""));
    result.addProperty("version", draft.text("version").orElse(""));
    result.addProperty("bundle", assembly.symbolicName());
    result.addProperty("bundleVersion", assembly.version());
    signer.ifPresent(key -> result.addProperty("signer", key.subject()));
    JsonArray files = new JsonArray();
    for (Map.Entry<Path, Path> move : moves.entrySet()) {
      Digest digest = Digest.of(move.getKey());
      JsonObject file = new JsonObject();
      file.addProperty("file", move.getValue().toString());
      file.addProperty("size", digest.size());
      file.addProperty("sha256", digest.sha256());
      files.add(file);
    }
    result.add("files", files);
    JsonArray all = new JsonArray();
    draft.variants().forEach(all::add);
    result.add("variants", all);
    for (String member : List.of("golden", "evidence", "acceptance")) {
      draft.get(member).ifPresent(value -> result.add(member, value));
    }
    JsonArray said = new JsonArray();
    notes.forEach(said::add);
    result.add("notes", said);
    return result;
  }

  private void print(JsonObject result) {
    if (!quiet && !json) {
      notes.forEach(note -> environment.err().println("shoji: " + Text.printable(note)));
    }
    if (json) {
      environment.out().println(Json.pretty(result));
      return;
    }
    Text.Table table = new Text.Table("VARIANT", "FORMAT", "PRECISION", "SIZE", "FIGURE", "FROM");
    for (JsonElement variant : Json.elements(result, "variants")) {
      Optional<JsonElement> own = Json.member(variant, "evidence");
      JsonElement figure = own.or(() -> Json.member(result, "evidence")).orElse(null);
      table.row(
          Json.text(variant, "name").orElse(""),
          Json.text(variant, "format").orElse(""),
          Json.text(variant, "precision").orElse(""),
          Text.bytes(
              Json.elements(variant, "files").stream()
                  .mapToDouble(f -> Json.number(f, "size").orElse(0.0))
                  .sum()),
          Json.text(figure, "metric").orElse("") + " " + Json.text(figure, "value").orElse(""),
          Json.text(own.orElse(null), "declared").filter("true"::equals).isPresent()
              ? "declared"
              : "measured");
    }
    environment.out().print(table);
    for (JsonElement file : Json.elements(result, "files")) {
      environment
          .out()
          .println(
              Json.text(file, "file").orElse("")
                  + "  "
                  + Text.bytes(Json.number(file, "size").orElse(0.0))
                  + "  sha256 "
                  + Json.text(file, "sha256").orElse(""));
    }
    Json.text(result, "signer")
        .ifPresent(subject -> environment.out().println("signed by " + Text.printable(subject)));
  }
}
