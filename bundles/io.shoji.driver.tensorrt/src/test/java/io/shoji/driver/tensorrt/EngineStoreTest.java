/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.tensorrt;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.accelerator.AcceleratorException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Engines on disk: when one counts, and what becomes of the others. */
@Timeout(60)
class EngineStoreTest {
  private static final String MODEL = "0123456789abcdef".repeat(4);

  @TempDir Path folder;

  private EngineStore store;

  @BeforeEach
  void make() {
    store = new EngineStore(folder.resolve("engines"), 1 << 20);
  }

  private static EngineKey key(String tensorRt) {
    return new EngineKey(MODEL, Map.of(EngineKey.TENSORRT, tensorRt, "precision", "FP16"));
  }

  private void build(EngineKey key, String content) throws Exception {
    try (EngineStore.Entry entry = store.open(key)) {
      assertThat(entry.isComplete()).isFalse();
      Files.writeString(entry.folder().resolve("a.engine"), content);
      entry.complete();
    }
  }

  @Test
  void shouldHaveAnEngineAgainWhenItsBuildIsComplete() throws Exception {
    build(key("8.5.2"), "engine");
    try (EngineStore.Entry entry = store.open(key("8.5.2"))) {
      assertThat(entry.isComplete()).isTrue();
      assertThat(entry.engines()).isEqualTo(1);
      assertThat(entry.hasChanged()).isFalse();
      Files.writeString(entry.folder().resolve("a.engine"), "another");
      assertThat(entry.hasChanged()).isTrue();
    }
  }

  @Test
  void shouldLeaveNothingWhenABuildIsGivenUp() throws Exception {
    Path left;
    try (EngineStore.Entry entry = store.open(key("8.5.2"))) {
      left = entry.folder();
      Files.writeString(left.resolve("a.engine"), "half");
    }
    assertThat(left).doesNotExist();
  }

  @Test
  void shouldBuildAnewAndSayWhyWhenAPowerCutStoppedTheBuild() throws Exception {
    Path interrupted = Files.createDirectories(store.root().resolve(key("8.5.2").folder()));
    Files.writeString(interrupted.resolve("a.engine"), "half");
    try (EngineStore.Entry entry = store.open(key("8.5.2"))) {
      assertThat(entry.isComplete()).isFalse();
      assertThat(entry.reason()).contains("not finished");
      assertThat(entry.folder().resolve("a.engine")).doesNotExist();
    }
  }

  @Test
  void shouldBuildAnewAndSayWhyWhenAFileIsDamaged() throws Exception {
    build(key("8.5.2"), "engine");
    Files.writeString(store.root().resolve(key("8.5.2").folder()).resolve("a.engine"), "enginf");
    try (EngineStore.Entry entry = store.open(key("8.5.2"))) {
      assertThat(entry.isComplete()).isFalse();
      assertThat(entry.reason()).contains("damaged");
    }
  }

  @Test
  void shouldSayWhatHasChangedWhenTheEngineOfTheModelWasBuiltForSomethingElse() throws Exception {
    build(key("8.5.2"), "engine");
    try (EngineStore.Entry entry = store.open(key("10.3.0"))) {
      assertThat(entry.isComplete()).isFalse();
      assertThat(entry.reason()).contains("tensorRt: 8.5.2 -> 10.3.0").doesNotContain("precision");
    }
  }

  @Test
  void shouldSayWhatToDoWhenTheFolderCannotBeWritten() throws Exception {
    Files.writeString(folder.resolve("engines"), "a file");
    assertThatThrownBy(() -> store.open(key("8.5.2")))
        .isInstanceOf(AcceleratorException.class)
        .hasMessageContaining("cacheFolder")
        .hasMessageContaining(folder.resolve("engines").toString());
  }

  @Test
  void shouldRemoveWhatWasNotUsedForLongestBeyondTheLimit() throws Exception {
    store = new EngineStore(folder.resolve("engines"), 2_500);
    for (String version : List.of("1", "2", "3")) {
      build(key(version), "x".repeat(1_000));
      Files.setLastModifiedTime(
          store.root().resolve(key(version).folder()).resolve("complete.txt"),
          FileTime.from(Instant.ofEpochSecond(1_000_000 + Long.parseLong(version))));
    }
    try (EngineStore.Entry used = store.open(key("1"))) {
      assertThat(used.isComplete()).isFalse();
    }
    try (EngineStore.Entry kept = store.open(key("3"))) {
      assertThat(kept.isComplete()).isTrue();
    }
  }

  @Test
  void shouldLetOneLoadAfterTheOtherBuild() throws Exception {
    CompletableFuture<Boolean> second;
    try (EngineStore.Entry first = store.open(key("8.5.2"))) {
      second =
          CompletableFuture.supplyAsync(
              () -> {
                try (EngineStore.Entry entry = store.open(key("8.5.2"))) {
                  return entry.isComplete();
                } catch (AcceleratorException | InterruptedException e) {
                  throw new IllegalStateException(e);
                }
              });
      Files.writeString(first.folder().resolve("a.engine"), "engine");
      first.complete();
      assertThat(second).isNotDone();
    }
    assertThat(second.get(30, TimeUnit.SECONDS)).isTrue();
  }
}
