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

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.model.ModelDescription;
import io.shoji.model.ModelFile;
import io.shoji.model.ModelVariant;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;

/** Packages to put into a store, and what must be true of a store's folder at any time. */
final class StoreScenario {
  private final Map<Long, PackageFixture> fixtures = new HashMap<>();
  private final Map<Long, ModelDescription> models = new HashMap<>();

  /** {@code count} packages of random files, each sharing one variant with the one before. */
  StoreScenario(long seed, int count, int bytes) {
    Random random = new Random(seed);
    byte[] shared = PackageFixture.random(random, bytes);
    for (long id = 1; id <= count; id++) {
      PackageFixture fixture = new PackageFixture("model" + id, "1.0.0", random, bytes);
      fixture.variant("shared", "tflite", "shared/net.tflite", shared);
      shared = id % 2 == 0 ? PackageFixture.random(random, bytes) : shared;
      fixtures.put(id, fixture);
      Reasons reasons = new Reasons();
      Json document =
          JsonReading.read(fixture.documentBytes(), "model.json", reasons).orElseThrow();
      models.put(
          id,
          new DescriptionReader(document, reasons)
              .read(Digests.of(fixture.documentBytes()))
              .orElseThrow());
    }
  }

  PackageFixture fixture(long id) {
    return fixtures.get(id);
  }

  ModelDescription model(long id) {
    return models.get(id);
  }

  List<ModelFile> files(long id) {
    List<ModelFile> files = new ArrayList<>();
    for (ModelVariant variant : models.get(id).variants()) {
      files.addAll(variant.files());
    }
    files.add(models.get(id).golden().orElseThrow().file());
    return files;
  }

  List<View> views(long id) {
    return models.get(id).variants().stream().map(View::of).toList();
  }

  /** Stores a package as the installer does, without its schema. */
  void install(ContentStore store, long id) throws StoreException {
    store.root(
        InstallRecord.owner(id),
        files(id).stream().map(ModelFile::sha256).toList(),
        views(id).stream().map(View::key).toList());
    Map<String, Stamp> stamps = new HashMap<>();
    for (ModelFile file : files(id)) {
      Reasons reasons = new Reasons();
      store.store(file, fixtures.get(id), reasons, () -> false);
      assertThat(reasons.list()).isEmpty();
      stamps.put(file.sha256(), store.stamp(file).orElseThrow());
    }
    for (View view : views(id)) {
      store.view(view);
    }
    store.write(
        new InstallRecord(
            false,
            false,
            id,
            "test 1.0.0",
            "test:" + id,
            1,
            "test",
            models.get(id).sha256(),
            new String(fixtures.get(id).documentBytes(), StandardCharsets.UTF_8),
            stamps,
            views(id).stream().map(View::key).toList()));
  }

  /** Every view of every package is whole and has the right bytes. */
  void assertInstalled(ContentStore store, long id) throws StoreException {
    for (ModelFile file : files(id)) {
      assertThat(store.path(file)).hasBinaryContent(fixtures.get(id).files.get(file.path()));
    }
    for (View view : views(id)) {
      Path folder = store.root().resolve("views/" + view.key().substring(0, 2) + "/" + view.key());
      for (ModelFile file : view.files()) {
        assertThat(folder.resolve(file.path()))
            .hasBinaryContent(fixtures.get(id).files.get(file.path()));
      }
    }
  }

  /**
   * What the store promises of its folder between any two steps, a process that was killed
   * included: names stand for complete contents, records for files that are there.
   */
  void assertConsistent(Path root) throws IOException {
    Set<String> objects = new HashSet<>();
    for (Path object : files(root.resolve("objects"))) {
      assertThat(Digests.of(Files.readAllBytes(object)))
          .as("content of %s", object)
          .isEqualTo(object.getFileName().toString());
      objects.add(object.getFileName().toString());
    }
    Map<String, View> known = new HashMap<>();
    models.keySet().forEach(id -> views(id).forEach(view -> known.put(view.key(), view)));
    for (Path view : secondLevel(root.resolve("views"))) {
      View expected = known.get(view.getFileName().toString());
      assertThat(expected).as("view %s", view).isNotNull();
      for (ModelFile file : expected.files()) {
        assertThat(Digests.of(Files.readAllBytes(view.resolve(file.path()))))
            .as("content of %s in view %s", file.path(), view)
            .isEqualTo(file.sha256());
      }
    }
    for (Path record : files(root.resolve("packages"))) {
      InstallRecord read = InstallRecord.read(Files.readAllBytes(record)).orElseThrow();
      assertThat(objects).as("objects of %s", record).containsAll(read.stamps().keySet());
    }
  }

  static List<Path> files(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).sorted().toList();
    }
  }

  private static List<Path> secondLevel(Path folder) throws IOException {
    if (!Files.exists(folder)) {
      return List.of();
    }
    try (Stream<Path> entries = Files.walk(folder, 2)) {
      return entries.filter(e -> folder.relativize(e).getNameCount() == 2).sorted().toList();
    }
  }
}
