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
