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

import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.cli.CommandException;
import io.shoji.cli.local.LocalAccelerators;
import io.shoji.dp.DeploymentPackage;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelFile;
import io.shoji.model.ModelVariant;
import io.shoji.models.ModelPackageCheck;
import io.shoji.quantizer.Metric;
import io.shoji.quantizer.onnx.QuantizerException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.ZipFile;

/** Looks a package over from its archive to its figures, and writes down what it finds. */
final class PackageAudit {
  private static final Finding NO_MODEL =
      Finding.note(
          "package", "there is no model in it: archive and signatures are all to be checked");

  private final Optional<Trust> trust;
  private final Optional<LocalAccelerators> local;
  private final Optional<ReRun> reRun;
  private final Instant now;
  private final List<Finding> findings = new ArrayList<>();
  private String name = "";
  private String version = "";

  /**
   * An audit of one package.
   *
   * @param trust whom to believe; empty if signatures are only reported
   * @param reRun how to measure variants anew; empty for not at all
   */
  PackageAudit(
      Optional<Trust> trust,
      Optional<LocalAccelerators> local,
      Optional<ReRun> reRun,
      Instant now) {
    this.trust = trust;
    this.local = local;
    this.reRun = reRun;
    this.now = now;
  }

  List<Finding> findings() {
    return findings;
  }

  /** Of the model; empty if it could not be read. */
  String name() {
    return name;
  }

  /** Of the model; empty if it could not be read. */
  String version() {
    return version;
  }

  boolean has(Finding.Result result) {
    return findings.stream().anyMatch(f -> f.result() == result);
  }

  /** Looks at a file; what is wrong with it is among the findings, not thrown. */
  void audit(Path file) throws CommandException, InterruptedException {
    try (WorkFolder work = WorkFolder.temporary()) {
      try {
        archive(file, file.toString());
        if (!ModelBundle.isDeploymentPackage(file)) {
          signature(file, "signature");
          if (isModel(file, file.toString())) {
            bundle(file, file.toString(), work);
          } else {
            findings.add(NO_MODEL);
          }
          return;
        }
        DeploymentPackage contents = ModelBundle.read(file);
        findings.add(
            Finding.ok(
                "archive",
                contents
                    + ", whole, every bundle is the one that its manifest names bundles="
                    + contents.bundles().size()
                    + " sha256="
                    + contents.sha256()));
        signature(file, "signature");
        Map<Path, String> bundles = ModelBundle.extract(file, contents, work);
        boolean models = false;
        for (Map.Entry<Path, String> bundle : bundles.entrySet()) {
          archive(bundle.getKey(), bundle.getValue());
          if (isModel(bundle.getKey(), bundle.getValue())) {
            models = true;
            signature(bundle.getKey(), "bundle's signature");
            bundle(bundle.getKey(), bundle.getValue(), work);
          } else {
            signature(bundle.getKey(), "signature of " + nameOf(bundle));
          }
        }
        if (!models) {
          findings.add(NO_MODEL);
        }
      } catch (CommandException e) {
        findings.add(Finding.failed("archive", e.reason() + ": " + e.getMessage()));
      }
    }
  }

  private static boolean isModel(Path jar, String where) throws CommandException {
    try (ModelBundle bundle = ModelBundle.open(jar, where)) {
      return bundle.isModel();
    }
  }

  private static String nameOf(Map.Entry<Path, String> bundle) throws CommandException {
    try (ModelBundle opened = ModelBundle.open(bundle.getKey(), bundle.getValue())) {
      return opened.symbolicName();
    }
  }

  private static void archive(Path file, String where)
      throws CommandException, InterruptedException {
    ZipCheck.check(file, where);
  }

  private void signature(Path file, String subject) throws CommandException, InterruptedException {
    Signature signature = Signature.of(file, trust, now);
    String message = signature.state() + ": " + signature.message();
    boolean good =
        switch (signature.state()) {
          case TRUSTED -> true;
          case INVALID, WEAK -> false;
          case UNSIGNED, UNKNOWN_SIGNER, EXPIRED, NOT_YET_VALID -> trust.isEmpty();
        };
    findings.add(
        good
            ? new Finding(
                trust.isEmpty() ? Finding.Result.NOTE : Finding.Result.OK, subject, message)
            : Finding.failed(subject, message));
  }

  private void bundle(Path jar, String where, WorkFolder work)
      throws CommandException, InterruptedException {
    ModelPackageCheck check = GatewayCheck.of(jar, where);
    if (check.description().isEmpty()) {
      check.reasons().forEach(reason -> findings.add(Finding.failed("package", reason)));
      return;
    }
    ModelDescription model = check.description().get();
    name = model.name();
    version = model.version().toString();
    findings.add(
        Finding.ok(
            "package",
            model
                + ", as gateways check it: schema, size and digest of every file, golden samples="
                + model.golden().map(ModelDescription.GoldenSamples::count).orElse(0)));
    life(check);
    findings.addAll(criteria(model));
    try (ZipFile zip = new ZipFile(jar.toFile())) {
      Map<String, Path> files = new LinkedHashMap<>();
      Path folder = work.file(jar.getFileName() + ".files");
      for (ModelVariant variant : model.variants()) {
        List<Path> its = new ArrayList<>();
        for (ModelFile file : variant.files()) {
          its.add(unpack(zip, file, files, folder));
        }
        boolean sound = variant(model, variant, its.get(0));
        if (reRun.isPresent() && local.isPresent() && sound) {
          Optional<Path> golden =
              model.golden().isEmpty()
                  ? Optional.empty()
                  : Optional.of(unpack(zip, model.golden().get().file(), files, folder));
          findings.addAll(reRun.get().run(local.get(), model, variant, its, golden));
        }
      }
    } catch (IOException e) {
      throw Refusal.io("the bundle cannot be unpacked", where, e);
    }
  }

  /** How long gateways install it, and what they do not go back to once it was committed. */
  private void life(ModelPackageCheck check) {
    if (check.expires().isPresent()) {
      Instant expires = check.expires().get();
      findings.add(
          expires.isAfter(now)
              ? Finding.note("package", "gateways install it for as long as expires=" + expires)
              : Finding.failed(
                  "package",
                  "it has expired, gateways that require signatures do not install it expires="
                      + expires));
    }
    check
        .minimumVersion()
        .ifPresent(
            floor ->
                findings.add(
                    Finding.note(
                        "package",
                        "once it was committed nothing older serves minimumVersion=" + floor)));
  }

  /** Puts a file where it can be read; its path was found safe by the gateway's checks. */
  private static Path unpack(ZipFile zip, ModelFile file, Map<String, Path> files, Path folder)
      throws IOException {
    Path known = files.get(file.path());
    if (known != null) {
      return known;
    }
    Path target = folder.resolve(file.path());
    Path parent = target.getParent();
    if (parent != null) {
      Files.createDirectories(parent);
    }
    try (InputStream in = zip.getInputStream(zip.getEntry(ModelBundle.ROOT + file.path()))) {
      Files.copy(in, target);
    }
    files.put(file.path(), target);
    return target;
  }

  private static List<Finding> criteria(ModelDescription model) {
    if (model.acceptance().isEmpty()) {
      return List.of(
          Finding.failed(
              "package", "nothing says what the model must reach; a package declares a minimum"));
    }
    return List.of();
  }

  /** Whether a variant's file is what the package says of it, and its figures allow it. */
  private boolean variant(ModelDescription model, ModelVariant variant, Path file)
      throws InterruptedException {
    try {
      boolean engine = variant.format().equals(ModelFacts.TENSORRT_ENGINE);
      ModelFacts facts =
          ModelContent.read(
              file,
              engine ? Optional.of(variant.precision()) : Optional.empty(),
              engine ? Optional.of("") : Optional.empty());
      if (!facts.format().equals(variant.format()) || facts.precision() != variant.precision()) {
        findings.add(
            Finding.failed(
                variant.name(),
                "the file is something else than the package says asked="
                    + variant.format()
                    + " "
                    + variant.precision()
                    + " found="
                    + facts.format()
                    + " "
                    + facts.precision()));
        return false;
      }
      Map<String, String> properties = new LinkedHashMap<>(facts.properties());
      properties.put(AcceleratorInfo.FORMAT, facts.format());
      properties.put(AcceleratorInfo.PRECISION, facts.precision().name());
      if (engine) {
        properties.remove(AcceleratorInfo.ARCHITECTURE);
      }
      if (!VariantFilter.canMatch(variant.filter(), properties)) {
        findings.add(
            Finding.failed(
                variant.name(),
                "the filter asks for accelerators that cannot run the file filter="
                    + variant.filter()
                    + " file="
                    + properties));
        return false;
      }
    } catch (CommandException e) {
      findings.add(Finding.failed(variant.name(), e.reason() + ": " + e.getMessage()));
      return false;
    }
    return figures(model, variant);
  }

  private boolean figures(ModelDescription model, ModelVariant variant) {
    Optional<ModelVariant.Evidence> evidence = variant.evidence();
    boolean baseline = variant.format().equals("onnx") && variant.precision().name().equals("FP32");
    if (evidence.isEmpty()) {
      if (!baseline || model.evidence().isEmpty()) {
        findings.add(Finding.failed(variant.name(), "nothing shows how good this variant is"));
        return false;
      }
      findings.add(
          Finding.ok(
              variant.name(),
              model.evidence().get().metric()
                  + "="
                  + model.evidence().get().value()
                  + ", measured samples="
                  + model.evidence().get().evaluationCount()
                  + " tool="
                  + model.evidence().get().tool()));
      return true;
    }
    ModelVariant.Evidence found = evidence.get();
    String text =
        found.metric()
            + "="
            + found.value()
            + (found.declared() ? ", declared, not measured" : ", measured")
            + " baseline="
            + found.baseline()
            + " samples="
            + found.evaluationCount()
            + " runtime="
            + found.runtime()
            + " tool="
            + found.tool();
    boolean good =
        model.acceptance().isEmpty()
            || (found.metric().equals(model.acceptance().get().metric())
                && reaches(found.metric(), found.value(), model.acceptance().get().minimum()));
    findings.add(
        good
            ? Finding.ok(variant.name(), text)
            : Finding.failed(
                variant.name(),
                "its figure does not reach what the package asks for metric="
                    + model.acceptance().get().metric()
                    + " minimum="
                    + model.acceptance().get().minimum()
                    + " found="
                    + text));
    return good;
  }

  private static boolean reaches(String metric, double value, double minimum) {
    try {
      return Metric.of(metric).higherIsBetter() ? value >= minimum : value <= minimum;
    } catch (QuantizerException e) {
      return false;
    }
  }
}
