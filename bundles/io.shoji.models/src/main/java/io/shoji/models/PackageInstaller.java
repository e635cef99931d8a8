/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.models;

import io.shoji.model.ModelDescription;
import io.shoji.model.ModelDescription.GoldenSamples;
import io.shoji.model.ModelFile;
import io.shoji.model.ModelVariant;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Version;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Checks a package from one end to the other, collecting every reason against it, and stores its
 * files if there is none. What an earlier process checked and stored, and nothing has changed
 * since, is taken as it is. For one thread.
 */
final class PackageInstaller {
  /** Namespace of the capability that a package's bundle provides. */
  static final String NAMESPACE = "io.shoji.model";

  /** Largest {@code model.json}, in bytes. */
  static final int DOCUMENT_LIMIT = 1 << 20;

  private static final String DOCUMENT = "model.json";

  private static final String FOLDER = "SHOJI-INF/";

  /** The document, in reasons. */
  static final String DOCUMENT_PLACE = FOLDER + DOCUMENT;

  /** The signature, in reasons. */
  static final String SIGNATURE_PLACE = "signature";

  /** The manifest, in reasons. */
  static final String MANIFEST_PLACE = "META-INF/MANIFEST.MF";

  private static final Logger log = LoggerFactory.getLogger(PackageInstaller.class);

  private final ContentStore store;
  private final Signatures signatures;
  private final String checker;
  private @Nullable ModelSchema schema;

  /**
   * An installer.
   *
   * @param signatures the policy on packages' lives: expiry and floors
   * @param checker tells this code from an older or newer version of it
   */
  PackageInstaller(ContentStore store, Signatures signatures, String checker) {
    this.store = store;
    this.signatures = signatures;
    this.checker = checker;
  }

  /**
   * Where a package comes from.
   *
   * @param bundleId the framework's number of the bundle
   * @param name symbolic name and version of the bundle
   * @param location the framework's location of the bundle
   * @param lastModified when the bundle was last installed or updated
   * @param capabilities attributes of each capability {@link #NAMESPACE} in its manifest
   * @param source its files
   */
  record Origin(
      long bundleId,
      String name,
      String location,
      long lastModified,
      List<Map<String, Object>> capabilities,
      PackageSource source) {}

  /**
   * A package that was taken.
   *
   * @param description what it says
   * @param release what it says of its own life
   * @param warnings what speaks against it all the same
   */
  record Taken(ModelDescription description, Release release, List<String> warnings) {
    Taken {
      warnings = List.copyOf(warnings);
    }
  }

  /**
   * Checks and stores a package. What the bundle was last found to contain, before it was updated,
   * stays stored: retained if this package is good and brings another version of the same model, in
   * its place if it is not.
   *
   * @param judgement what was found of its signature; a package that is refused for it is not even
   *     read
   * @param reasons gets every reason against the package
   * @param cancelled asked now and then
   * @return what was taken; empty if there are reasons, and nothing of it is needed then
   * @throws StoreException if the store cannot take it now; reasons found before are in {@code
   *     reasons}
   * @throws CancellationException if {@code cancelled} says so
   */
  Optional<Taken> install(
      Origin origin, Judgement judgement, Reasons reasons, BooleanSupplier cancelled)
      throws StoreException {
    String owner = InstallRecord.owner(origin.bundleId());
    boolean stored = false;
    try {
      boolean refused =
          signatures.policy() == SignaturePolicy.REQUIRE && !judgement.against().isEmpty();
      if (refused) {
        judgement.against().forEach(reason -> reasons.add(SIGNATURE_PLACE, reason));
      }
      Optional<byte[]> document =
          refused ? Optional.empty() : document(origin.source(), judgement, reasons);
      Optional<Taken> taken = Optional.empty();
      if (document.isPresent()) {
        taken = take(origin, judgement, document.get(), reasons, cancelled);
      } else if (!refused) {
        checkCapabilities(origin.capabilities(), Optional.empty(), reasons);
      }
      stored = taken.isPresent();
      if (!stored && cancelled.getAsBoolean()) {
        // What was found against it may be of a bundle that is half of another version by now.
        throw new CancellationException(origin.name());
      }
      if (!stored && before(origin, document.map(Digests::of).orElse("")).isEmpty()) {
        store.forget(owner);
      }
      return taken;
    } finally {
      if (!stored) {
        // What was stored of it is garbage now.
        store.rootAsRecorded(owner);
      }
    }
  }

  /** The document, which is the one that was signed. */
  private static Optional<byte[]> document(
      PackageSource source, Judgement judgement, Reasons reasons) {
    Optional<byte[]> document = document(source, reasons);
    if (document.isPresent() && judgement.archive().isPresent()) {
      try {
        judgement.archive().get().check(DOCUMENT_PLACE, document.get());
      } catch (UntrustedException e) {
        reasons.add(SIGNATURE_PLACE, String.valueOf(e.getMessage()));
        return Optional.empty();
      }
    }
    return document;
  }

  private Optional<Taken> take(
      Origin origin, Judgement judgement, byte[] bytes, Reasons reasons, BooleanSupplier cancelled)
      throws StoreException {
    String sha256 = Digests.of(bytes);
    String owner = InstallRecord.owner(origin.bundleId());
    Optional<InstallRecord> known =
        store
            .record(owner)
            .filter(
                r ->
                    r.location().equals(origin.location())
                        && r.lastModified() == origin.lastModified()
                        && r.checker().equals(checker)
                        && r.modelSha256().equals(sha256));
    Optional<Json> document = JsonReading.read(bytes, DOCUMENT_PLACE, reasons);
    checkCapabilities(origin.capabilities(), document, reasons);
    if (document.isEmpty()) {
      return Optional.empty();
    }
    DescriptionReader reader = new DescriptionReader(document.get(), reasons);
    Optional<ModelDescription> description = reader.read(sha256);
    Release release = Release.read(document.get(), reasons);
    if (known.isEmpty()) {
      schema().check(document.get(), reasons);
    }
    List<String> warnings = new ArrayList<>();
    description.ifPresent(d -> checkRelease(d, release, judgement, reasons, warnings));
    checkOthers(judgement, reader.files(), reasons, cancelled);
    if (!reasons.isEmpty()) {
      for (ModelFile file : reader.files()) {
        ContentStore.check(file, origin.source(), reasons, cancelled);
      }
      description.ifPresent(d -> checkGolden(d, origin.source(), reasons));
      return Optional.empty();
    }
    ModelDescription model =
        description.orElseThrow(
            () -> new IllegalStateException("the schema allows what its reader does not"));
    List<View> views = model.variants().stream().map(View::of).toList();
    Collection<ModelFile> files = distinct(reader.files());
    store.alsoRoot(
        owner,
        files.stream().map(ModelFile::sha256).toList(),
        views.stream().map(View::key).toList());
    if (known.isPresent() && isUnchanged(known.get(), files)) {
      for (View view : views) {
        store.view(view);
      }
      refresh(known.get(), record(origin, sha256, bytes, files, views));
      signatures.accepted(judgement, sha256);
      return Optional.of(new Taken(model, release, warnings));
    }
    for (ModelFile file : reader.files()) {
      store.store(file, origin.source(), reasons, cancelled);
    }
    checkGolden(model, origin.source(), reasons);
    if (!reasons.isEmpty()) {
      return Optional.empty();
    }
    for (View view : views) {
      store.view(view);
    }
    retain(origin, model);
    // Before the record, so that no package is recorded under a signature that is not remembered.
    signatures.accepted(judgement, sha256);
    store.write(record(origin, sha256, bytes, files, views));
    dropOutdated(origin, model);
    return Optional.of(new Taken(model, release, warnings));
  }

  /**
   * Looks again at a package that is published.
   *
   * @param judgement what is found of its signature now
   * @param reasons gets what forbids it now
   * @return what is to be said of it all the same
   */
  List<String> review(
      ModelDescription model, Release release, Judgement judgement, Reasons reasons) {
    List<String> warnings = new ArrayList<>();
    if (signatures.policy() == SignaturePolicy.REQUIRE) {
      judgement.against().forEach(reason -> reasons.add(SIGNATURE_PLACE, reason));
    }
    checkRelease(model, release, judgement, reasons, warnings);
    return warnings;
  }

  /** What the signature and the package's life say against it. */
  private void checkRelease(
      ModelDescription model,
      Release release,
      Judgement judgement,
      Reasons reasons,
      List<String> warnings) {
    if (signatures.policy() == SignaturePolicy.OFF) {
      return;
    }
    boolean known =
        store.records().stream().anyMatch(record -> record.modelSha256().equals(model.sha256()));
    if (signatures.policy() == SignaturePolicy.REQUIRE) {
      signatures.against(model, release, known, reasons::add);
    } else {
      judgement.against().forEach(reason -> warnings.add(SIGNATURE_PLACE + ": " + reason));
      signatures.against(
          model, release, known, (place, reason) -> warnings.add(place + ": " + reason));
    }
    judgement.remarks().forEach(remark -> warnings.add(SIGNATURE_PLACE + ": " + remark));
    if (known) {
      signatures.remark(release).ifPresent(warnings::add);
    }
  }

  /**
   * Reads what lies below SHOJI-INF and no document names: signed as well, though nobody uses it.
   */
  private static void checkOthers(
      Judgement judgement, List<ModelFile> named, Reasons reasons, BooleanSupplier cancelled) {
    if (judgement.archive().isEmpty()) {
      return;
    }
    Set<String> names = new HashSet<>(Set.of(DOCUMENT_PLACE));
    named.forEach(file -> names.add(FOLDER + file.path()));
    try {
      judgement
          .archive()
          .get()
          .check(name -> name.startsWith(FOLDER) && !names.contains(name), cancelled);
    } catch (UntrustedException e) {
      reasons.add(SIGNATURE_PLACE, String.valueOf(e.getMessage()));
    } catch (IOException e) {
      reasons.add(SIGNATURE_PLACE, "cannot be checked: " + Reasons.quote(e.toString()));
    }
  }

  /** Which entries a judgement reads to the end; the others are read here. */
  static boolean isJudged(String entry) {
    return !entry.startsWith(FOLDER) || entry.equals(DOCUMENT_PLACE);
  }

  /**
   * What the bundle was last found to contain, if it has been updated since; it has been if it
   * brings another document, whatever the framework's clock says.
   */
  private Optional<InstallRecord> before(Origin origin, String sha256) {
    return store
        .record(InstallRecord.owner(origin.bundleId()))
        .filter(
            r ->
                r.location().equals(origin.location())
                    && (r.lastModified() != origin.lastModified()
                        || !r.modelSha256().equals(sha256)));
  }

  /** What a record is about; empty if this code does not take it any more. */
  static Optional<ModelDescription> describe(InstallRecord record) {
    Reasons reasons = new Reasons();
    byte[] bytes = record.document().getBytes(StandardCharsets.UTF_8);
    if (!Digests.of(bytes).equals(record.modelSha256())) {
      return Optional.empty();
    }
    return JsonReading.read(bytes, DOCUMENT_PLACE, reasons)
        .flatMap(document -> new DescriptionReader(document, reasons).read(record.modelSha256()))
        .filter(description -> reasons.isEmpty());
  }

  /** Keeps what the bundle contained before, if that is another version of the same model. */
  private void retain(Origin origin, ModelDescription model) throws StoreException {
    Optional<InstallRecord> before = before(origin, model.sha256());
    if (before.isPresent()
        && describe(before.get())
            .filter(d -> d.name().equals(model.name()) && !d.version().equals(model.version()))
            .isPresent()) {
      store.write(before.get().asRetained());
    }
  }

  /**
   * Forgets what the bundle contained earlier, but for the latest version before this one and for
   * what somebody holds.
   */
  private void dropOutdated(Origin origin, ModelDescription model) {
    List<InstallRecord> retained =
        store.records().stream()
            .filter(r -> r.retained() && r.bundleId() == origin.bundleId())
            .sorted(Comparator.comparingLong(InstallRecord::lastModified).reversed())
            .toList();
    boolean kept = false;
    for (InstallRecord record : retained) {
      boolean usable =
          describe(record)
              .filter(d -> d.name().equals(model.name()) && !d.version().equals(model.version()))
              .isPresent();
      if (usable && (!kept || record.good() || store.isHeld(record))) {
        kept = true;
        continue;
      }
      try {
        store.forget(record.owner());
      } catch (StoreException e) {
        log.warn(
            "a version that is not kept any more could not be forgotten {}", record.origin(), e);
      }
    }
  }

  private ModelSchema schema() {
    ModelSchema loaded = schema;
    if (loaded == null) {
      loaded = ModelSchema.load();
      schema = loaded;
    }
    return loaded;
  }

  /** The document, as far as it is there and not too large. */
  static Optional<byte[]> document(PackageSource source, Reasons reasons) {
    try {
      Optional<InputStream> opened = source.open(DOCUMENT);
      if (opened.isEmpty()) {
        reasons.add(
            DOCUMENT_PLACE,
            "the bundle's manifest says that it is a model package, but the file is missing; add it, or"
                + " remove the capability "
                + NAMESPACE);
        return Optional.empty();
      }
      try (InputStream in = opened.get()) {
        byte[] bytes = in.readNBytes(DOCUMENT_LIMIT + 1);
        if (bytes.length <= DOCUMENT_LIMIT) {
          return Optional.of(bytes);
        }
        reasons.add(
            DOCUMENT_PLACE, "is too large; largest allowed=" + DOCUMENT_LIMIT + " found=more");
      }
    } catch (IOException e) {
      reasons.add(DOCUMENT_PLACE, "cannot be read from the bundle: " + Reasons.quote(e.toString()));
    }
    return Optional.empty();
  }

  /** Compares what the manifest says with the document. */
  static void checkCapabilities(
      List<Map<String, Object>> capabilities, Optional<Json> document, Reasons reasons) {
    Optional<String> name = document.flatMap(d -> d.text("name"));
    Optional<String> version = document.flatMap(d -> d.text("version"));
    if (capabilities.size() != 1) {
      reasons.add(
          MANIFEST_PLACE,
          "a model package provides the capability exactly once; write Provide-Capability: "
              + NAMESPACE
              + ";"
              + NAMESPACE
              + "="
              + name.map(Reasons::quote).orElse("NAME")
              + ";version:Version="
              + version.map(Reasons::quote).orElse("VERSION")
              + " found="
              + capabilities.size());
      return;
    }
    Object offeredName = capabilities.get(0).get(NAMESPACE);
    Object offeredVersion = capabilities.get(0).get("version");
    if (document.isPresent() && !(offeredName instanceof String s && Optional.of(s).equals(name))) {
      reasons.add(
          MANIFEST_PLACE,
          "the capability's name is not that of model.json; make them equal attribute="
              + NAMESPACE
              + " asked="
              + name.map(Reasons::quote).orElse("none")
              + " found="
              + Reasons.quote(String.valueOf(offeredName)));
    }
    if (!(offeredVersion instanceof Version)) {
      reasons.add(
          MANIFEST_PLACE,
          "the capability's version is missing or no version; write version:Version=... found="
              + Reasons.quote(String.valueOf(offeredVersion)));
    } else if (document.isPresent() && !Optional.of(offeredVersion.toString()).equals(version)) {
      reasons.add(
          MANIFEST_PLACE,
          "the capability's version is not that of model.json; make them equal asked="
              + version.map(Reasons::quote).orElse("none")
              + " found="
              + offeredVersion);
    }
  }

  private static Collection<ModelFile> distinct(List<ModelFile> files) {
    Map<String, ModelFile> byDigest = new LinkedHashMap<>();
    files.forEach(f -> byDigest.putIfAbsent(f.sha256(), f));
    return byDigest.values();
  }

  private boolean isUnchanged(InstallRecord known, Collection<ModelFile> files)
      throws StoreException {
    known.stamps().forEach((sha256, stamp) -> store.trust(stamp, sha256));
    for (ModelFile file : files) {
      if (!known.stamps().containsKey(file.sha256()) || !store.isIntact(file)) {
        return false;
      }
    }
    return true;
  }

  /** A file that was restored since has another stamp; recorded, it is not read at every start. */
  private void refresh(InstallRecord known, InstallRecord now) {
    if (!known.isSame(now)) {
      try {
        store.write(now);
      } catch (StoreException e) {
        log.warn("a package is good, but the record of that cannot be brought up to date", e);
      }
    }
  }

  private InstallRecord record(
      Origin origin, String sha256, byte[] document, Collection<ModelFile> files, List<View> views)
      throws StoreException {
    Map<String, Stamp> stamps = new LinkedHashMap<>();
    for (ModelFile file : files) {
      store.stamp(file).ifPresent(stamp -> stamps.put(file.sha256(), stamp));
    }
    return new InstallRecord(
        false,
        false,
        origin.bundleId(),
        origin.name(),
        origin.location(),
        origin.lastModified(),
        checker,
        sha256,
        new String(document, StandardCharsets.UTF_8),
        stamps,
        views.stream().map(View::key).toList());
  }

  /** Checks that the golden samples are what the model asks for. */
  static void checkGolden(ModelDescription description, PackageSource source, Reasons reasons) {
    if (description.golden().isEmpty()) {
      return;
    }
    GoldenSamples golden = description.golden().get();
    if (reasons.mentions(golden.file().path())) {
      return;
    }
    try {
      Optional<InputStream> opened = source.open(golden.file().path());
      if (opened.isPresent()) {
        try (InputStream in = opened.get()) {
          SafetensorsHeader.check(golden, description, in, reasons);
        }
      }
    } catch (IOException e) {
      reasons.add(
          golden.file().path(), "cannot be read from the bundle: " + Reasons.quote(e.toString()));
    }
  }

  /** Every variant, for the messages. */
  static String variantNames(ModelDescription description) {
    return description.variants().stream().map(ModelVariant::name).toList().toString();
  }
}
