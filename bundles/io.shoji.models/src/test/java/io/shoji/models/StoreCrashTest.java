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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.model.ModelDescription;
import io.shoji.model.ModelFile;
import io.shoji.model.ModelVariant;
import io.shoji.models.SimulatedDisk.Fate;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The process dies, or the power goes, at each single change that the store makes on disk. */
class StoreCrashTest {
  private static final int PACKAGES = 3;

  private final StoreScenario scenario = new StoreScenario(7, PACKAGES, 1_000);

  @TempDir(factory = FastFolder.class)
  Path temp;

  /** Installs, replaces and collects. */
  private void live(Path root, StoreFiles files, AtomicReference<ContentStore> opened)
      throws Exception {
    ContentStore store = ContentStore.open(root, files);
    opened.set(store);
    scenario.install(store, 1);
    scenario.install(store, 2);
    store.forget("1");
    store.collect();
    scenario.install(store, 3);
    store.forget("2");
    store.collect();
  }

  private int countChanges(boolean hardLinks) throws Exception {
    Path parent = Files.createDirectory(temp.resolve("count"));
    SimulatedDisk disk = new SimulatedDisk(parent, Integer.MAX_VALUE, hardLinks);
    AtomicReference<ContentStore> opened = new AtomicReference<>();
    live(parent.resolve("store"), disk, opened);
    opened.get().close();
    return disk.done();
  }

  @Test
  void shouldStayConsistentWhenProcessDiesAtAnyChange() throws Exception {
    int changes = countChanges(true);
    assertThat(changes).isGreaterThan(100);

    for (int after = 0; after < changes; after++) {
      Path parent = Files.createDirectory(temp.resolve("dies" + after));
      stopAfter(parent, after, true);

      recover(parent.resolve("store"));
      deleteTree(parent);
    }
  }

  @ParameterizedTest(name = "hard links: {0}")
  @ValueSource(booleans = {true, false})
  void shouldStayConsistentWhenPowerGoesAtAnyChange(boolean hardLinks) throws Exception {
    int changes = countChanges(hardLinks);
    Random random = new Random(11);

    for (int after = 0; after < changes; after++) {
      Path parent = Files.createDirectory(temp.resolve("cut" + after));
      SimulatedDisk disk = stopAfter(parent, after, hardLinks);
      for (Fate fate : hardLinks ? Fate.values() : new Fate[] {Fate.LOST}) {
        Path image = Files.createDirectory(temp.resolve("image"));
        disk.afterPowerCut(image, fate, random);

        recover(image.resolve("store"));
        deleteTree(image);
      }
      deleteTree(parent);
    }
  }

  /**
   * A bundle is updated in place: afterwards it contains the one or the other, and both are whole.
   */
  @Test
  void shouldHaveOldOrNewAndKeepOldWhenPowerGoesAtAnyChangeOfAnUpdate() throws Exception {
    PackageFixture first = new PackageFixture("model", "1.0.0", new Random(1), 1_000);
    PackageFixture second = new PackageFixture("model", "2.0.0", new Random(2), 1_000);
    Path counted = Files.createDirectory(temp.resolve("count"));
    SimulatedDisk counting = new SimulatedDisk(counted, Integer.MAX_VALUE, true);
    int before;
    try (ContentStore store = ContentStore.open(counted.resolve("store"), counting)) {
      install(store, first, 1);
      before = counting.done();
      install(store, second, 2);
    }
    assertThat(counting.done() - before).isGreaterThan(30);
    Random random = new Random(3);

    for (int after = before; after < counting.done(); after++) {
      Path parent = Files.createDirectory(temp.resolve("update" + after));
      SimulatedDisk disk = new SimulatedDisk(parent, after, true);
      try (ContentStore store = ContentStore.open(parent.resolve("store"), disk)) {
        install(store, first, 1);
        assertThatThrownBy(() -> install(store, second, 2))
            .isInstanceOf(SimulatedDisk.Stopped.class);
      }
      for (Fate fate : Fate.values()) {
        Path image = Files.createDirectory(temp.resolve("image"));
        disk.afterPowerCut(image, fate, random);
        try (ContentStore store = ContentStore.open(image.resolve("store"), new UnsyncedDisk())) {
          assertWhole(store, store.record("1").orElseThrow());
          install(store, second, 2);
          store.collect();
          InstallRecord now = store.record("1").orElseThrow();
          assertThat(now.document()).contains("2.0.0");
          assertWhole(store, now);
          InstallRecord retained =
              store.records().stream().filter(InstallRecord::retained).findFirst().orElseThrow();
          assertThat(PackageInstaller.describe(retained).orElseThrow().version())
              .hasToString("1.0.0");
          assertWhole(store, retained);
          assertThat(store.records()).hasSize(2);
        }
        deleteTree(image);
      }
      deleteTree(parent);
    }
  }

  private static void install(ContentStore store, PackageFixture fixture, long lastModified)
      throws StoreException {
    Reasons reasons = new Reasons();
    PackageInstaller.Origin origin =
        new PackageInstaller.Origin(
            1, "test 1.0.0", "test:1", lastModified, fixture.capabilities(), fixture);
    assertThat(new PackageInstaller(store, "test").install(origin, reasons, () -> false))
        .as(reasons.list().toString())
        .isPresent();
  }

  private static void assertWhole(ContentStore store, InstallRecord record) throws StoreException {
    ModelDescription model = PackageInstaller.describe(record).orElseThrow();
    for (ModelVariant variant : model.variants()) {
      Path folder = store.view(View.of(variant));
      for (ModelFile file : variant.files()) {
        assertThat(store.isIntact(file)).as("%s %s", model, file).isTrue();
        assertThat(folder.resolve(file.path())).exists();
      }
    }
    assertThat(store.isIntact(model.golden().orElseThrow().file())).isTrue();
  }

  private SimulatedDisk stopAfter(Path parent, int changes, boolean hardLinks) {
    SimulatedDisk disk = new SimulatedDisk(parent, changes, hardLinks);
    AtomicReference<ContentStore> opened = new AtomicReference<>();
    assertThatThrownBy(() -> live(parent.resolve("store"), disk, opened))
        .isInstanceOf(SimulatedDisk.Stopped.class);
    if (opened.get() != null) {
      // Only lets go of the lock, as the end of a process does.
      opened.get().close();
    }
    return disk;
  }

  private void recover(Path root) throws Exception {
    try (ContentStore store = ContentStore.open(root, new UnsyncedDisk())) {
      assertThat(root.resolve("staging")).isEmptyDirectory();
      scenario.assertConsistent(root);
      // Either nothing is known of a package, or all of it is there.
      for (long id = 1; id <= PACKAGES; id++) {
        if (store.record(InstallRecord.owner(id)).isPresent()) {
          scenario.assertInstalled(store, id);
        }
      }
      scenario.install(store, 2);
      scenario.assertInstalled(store, 2);
      for (long id = 1; id <= PACKAGES; id++) {
        store.forget(InstallRecord.owner(id));
      }
      store.collect();
      for (String folder : List.of("objects", "views", "packages", "staging")) {
        assertThat(StoreScenario.files(root.resolve(folder))).as(folder).isEmpty();
      }
    }
  }

  private static void deleteTree(Path path) throws IOException {
    try (Stream<Path> entries = Files.walk(path)) {
      for (Path entry : entries.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(entry);
      }
    }
  }
}
