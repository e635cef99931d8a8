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
import io.shoji.model.ModelFile;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import java.util.jar.Attributes;
import java.util.jar.JarFile;
import java.util.jar.Manifest;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import org.osgi.framework.Version;

/**
 * Checks a model package outside a gateway with the very code that checks it there: document and
 * schema, manifest, size and digest of every file, golden samples, evidence. Nothing is stored, and
 * nothing of the package is run. The package's signature is {@link SignedArchive}'s matter.
 *
 * <pre>
 * ModelPackageCheck check = ModelPackageCheck.jar(Path.of("io.shoji.model.digits.jar"), () -&gt; false);
 * if (check.description().isPresent()) { ... } else { check.reasons().forEach(...); }
 * </pre>
 */
public final class ModelPackageCheck {
  private static final String FOLDER = "SHOJI-INF";

  private final Optional<ModelDescription> description;
  private final Release release;
  private final List<String> reasons;

  private ModelPackageCheck(
      Optional<ModelDescription> description, Release release, List<String> reasons) {
    this.description = description;
    this.release = release;
    this.reasons = reasons;
  }

  /**
   * Checks a package that lies in a folder as its bundle would.
   *
   * @param folder with {@code SHOJI-INF/model.json}, the files that it names, and {@code
   *     META-INF/MANIFEST.MF}; a folder without manifest is not checked for one
   * @param cancelled asked now and then
   * @throws IOException if the folder cannot be read, or its manifest is none
   * @throws java.util.concurrent.CancellationException if {@code cancelled} says so
   */
  public static ModelPackageCheck folder(Path folder, BooleanSupplier cancelled)
      throws IOException {
    if (!Files.isDirectory(folder)) {
      throw new IOException("the folder of the model package is missing folder=" + folder);
    }
    Path file = folder.resolve(JarFile.MANIFEST_NAME);
    Optional<Manifest> manifest = Optional.empty();
    if (Files.exists(file)) {
      try (InputStream in = Files.newInputStream(file)) {
        manifest = Optional.of(new Manifest(in));
      }
    }
    Path files = folder.resolve(FOLDER);
    PackageSource source =
        path -> {
          Path found = files.resolve(path);
          return Files.isRegularFile(found, LinkOption.NOFOLLOW_LINKS)
              ? Optional.of(Files.newInputStream(found))
              : Optional.empty();
        };
    return check(source, manifest, cancelled);
  }

  /**
   * Checks a package that is a bundle.
   *
   * @param jar the bundle's file; of a {@code .dp} the bundle inside it
   * @param cancelled asked now and then
   * @throws IOException if the file cannot be read, or is no jar
   * @throws java.util.concurrent.CancellationException if {@code cancelled} says so
   */
  public static ModelPackageCheck jar(Path jar, BooleanSupplier cancelled) throws IOException {
    try (JarFile file = new JarFile(jar.toFile(), false)) {
      Manifest manifest = file.getManifest();
      PackageSource source =
          path -> {
            ZipEntry entry = file.getEntry(FOLDER + "/" + path);
            return entry == null || entry.isDirectory()
                ? Optional.empty()
                : Optional.of(file.getInputStream(entry));
          };
      return check(source, Optional.of(manifest == null ? new Manifest() : manifest), cancelled);
    } catch (ZipException e) {
      throw new IOException("the file is no jar, or is damaged file=" + jar, e);
    }
  }

  private static ModelPackageCheck check(
      PackageSource source, Optional<Manifest> manifest, BooleanSupplier cancelled) {
    Reasons reasons = new Reasons();
    Optional<byte[]> bytes = PackageInstaller.document(source, reasons);
    Optional<Json> document =
        bytes.flatMap(b -> JsonReading.read(b, PackageInstaller.DOCUMENT_PLACE, reasons));
    manifest.ifPresent(m -> checkManifest(m, document, reasons));
    if (document.isEmpty()) {
      return new ModelPackageCheck(Optional.empty(), Release.NONE, reasons.list());
    }
    DescriptionReader reader = new DescriptionReader(document.get(), reasons);
    Optional<ModelDescription> description = reader.read(bytes.map(Digests::of).orElse(""));
    Release release = Release.read(document.get(), reasons);
    ModelSchema.load().check(document.get(), reasons);
    for (ModelFile file : reader.files()) {
      ContentStore.check(file, source, reasons, cancelled);
    }
    description.ifPresent(d -> PackageInstaller.checkGolden(d, source, reasons));
    return new ModelPackageCheck(
        reasons.isEmpty() ? description : Optional.empty(), release, reasons.list());
  }

  private static void checkManifest(Manifest manifest, Optional<Json> document, Reasons reasons) {
    Attributes main = manifest.getMainAttributes();
    String header = main.getValue("Provide-Capability");
    List<Map<String, Object>> capabilities;
    try {
      capabilities =
          header == null ? List.of() : CapabilityHeader.read(header, PackageInstaller.NAMESPACE);
    } catch (IllegalArgumentException e) {
      reasons.add(
          PackageInstaller.MANIFEST_PLACE,
          "the header Provide-Capability cannot be read: " + Reasons.quote(e.toString()));
      return;
    }
    PackageInstaller.checkCapabilities(capabilities, document, reasons);
  }

  /** What the package says; empty if there are reasons against it. */
  public Optional<ModelDescription> description() {
    return description;
  }

  /** From when on gateways do not install the package any more; empty for never. */
  public Optional<Instant> expires() {
    return release.expires();
  }

  /** The lowest version of the model that may serve once this one was committed; empty for any. */
  public Optional<Version> minimumVersion() {
    return release.minimumVersion();
  }

  /** Every reason against the package, each with its place; empty if it is good. */
  public List<String> reasons() {
    return reasons;
  }
}
