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
import io.shoji.testkit.FastFolder;
import io.shoji.testkit.Proof;
import io.shoji.testkit.SimulatedDisk;
import io.shoji.testkit.UnsyncedDisk;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
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

  /** Installs, replaces and collects, on a disk that takes note. */
  private SimulatedDisk live(boolean hardLinks) throws Exception {
    Path parent = Files.createDirectory(temp.resolve("lives"));
    SimulatedDisk disk = new SimulatedDisk(parent, hardLinks);
    try (ContentStore store = ContentStore.open(parent.resolve("store"), disk)) {
      scenario.install(store, 1);
      scenario.install(store, 2);
      store.forget("1");
      store.collect();
      scenario.install(store, 3);
      store.forget("2");
      store.collect();
    }
    assertThat(disk.done()).isGreaterThan(100);
    return disk;
  }

  private Path work() throws IOException {
    return Files.createDirectory(temp.resolve("work"));
  }

  @Test
  void shouldStayConsistentWhenProcessDiesAtAnyChange() throws Exception {
    SimulatedDisk disk = live(true);
    Path work = work();

    for (int after = 0; after < disk.done(); after++) {
      disk.death(after, work, (image, what) -> recover(image.resolve("store"), what));
    }
  }

  @ParameterizedTest(name = "hard links: {0}")
  @ValueSource(booleans = {true, false})
  void shouldStayConsistentWhenPowerGoesAtAnyChange(boolean hardLinks) throws Exception {
    SimulatedDisk disk = live(hardLinks);
    Path work = work();
    Random random = new Random(11);
    int most = Proof.rounds(3, 256);

    for (int after = 0; after < disk.done(); after++) {
      disk.powerCuts(
          after, most, work, random, (image, what) -> recover(image.resolve("store"), what));
    }
  }

  /**
   * A bundle is updated in place: afterwards it contains the one or the other, and both are whole.
   */
  @Test
  void shouldHaveOldOrNewAndKeepOldWhenPowerGoesAtAnyChangeOfAnUpdate() throws Exception {
    PackageFixture first = new PackageFixture("model", "1.0.0", new Random(1), 1_000);
    PackageFixture second = new PackageFixture("model", "2.0.0", new Random(2), 1_000);
    Path parent = Files.createDirectory(temp.resolve("lives"));
    SimulatedDisk disk = new SimulatedDisk(parent);
    int before;
    try (ContentStore store = ContentStore.open(parent.resolve("store"), disk)) {
      install(store, first, 1);
      before = disk.done();
      install(store, second, 2);
    }
    assertThat(disk.done() - before).isGreaterThan(30);
    Path work = work();
    Random random = new Random(3);
    int most = Proof.rounds(3, 256);

    for (int after = before; after < disk.done(); after++) {
      disk.powerCuts(
          after,
          most,
          work,
          random,
          (image, what) -> {
            try (ContentStore store =
                ContentStore.open(image.resolve("store"), new UnsyncedDisk())) {
              assertWhole(store, store.record("1").orElseThrow());
              install(store, second, 2);
              store.collect();
              InstallRecord now = store.record("1").orElseThrow();
              assertThat(now.document()).as(what).contains("2.0.0");
              assertWhole(store, now);
              InstallRecord retained =
                  store.records().stream()
                      .filter(InstallRecord::retained)
                      .findFirst()
                      .orElseThrow();
              assertThat(PackageInstaller.describe(retained).orElseThrow().version())
                  .as(what)
                  .hasToString("1.0.0");
              assertWhole(store, retained);
              assertThat(store.records()).as(what).hasSize(2);
            }
          });
    }
  }

  private static void install(ContentStore store, PackageFixture fixture, long lastModified)
      throws StoreException {
    Reasons reasons = new Reasons();
    PackageInstaller.Origin origin =
        new PackageInstaller.Origin(
            1, "test 1.0.0", "test:1", lastModified, fixture.capabilities(), fixture);
    assertThat(
            new PackageInstaller(store, Signatures.off(), "test")
                .install(origin, Judgement.NONE, reasons, () -> false))
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

  private void recover(Path root, String what) throws Exception {
    try (ContentStore store = ContentStore.open(root, new UnsyncedDisk())) {
      assertThat(root.resolve("staging")).as(what).isEmptyDirectory();
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
}
