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

import io.shoji.accelerator.ModelArtifact;
import io.shoji.disk.LocalDisk;
import io.shoji.model.ModelCatalog.StoreUse;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelFile;
import io.shoji.model.ModelPackage.Lease;
import io.shoji.model.ModelPackageException;
import io.shoji.testkit.FastFolder;
import io.shoji.testkit.UnsyncedDisk;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The store while its process lives: damage, full disks, holds and garbage. */
class ContentStoreTest {
  private final StoreScenario scenario = new StoreScenario(3, 3, 2_000);

  @TempDir(factory = FastFolder.class)
  Path temp;

  private Path root() {
    return temp.resolve("store");
  }

  private StoredPackage model(ContentStore store, long id, AtomicBoolean removed) {
    return new StoredPackage(
        scenario.model(id),
        "test 1.0.0",
        false,
        store,
        scenario.fixture(id),
        removed::get,
        () -> {},
        () -> {});
  }

  enum Damage {
    BIT {
      @Override
      void to(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        bytes[bytes.length / 2] ^= 1;
        writable(file);
        Files.write(file, bytes);
      }
    },
    CUT {
      @Override
      void to(Path file) throws IOException {
        byte[] bytes = Files.readAllBytes(file);
        writable(file);
        Files.write(file, java.util.Arrays.copyOf(bytes, bytes.length - 1));
      }
    },
    GONE {
      @Override
      void to(Path file) throws IOException {
        Files.delete(file);
      }
    },
    REPLACED {
      @Override
      void to(Path file) throws IOException {
        int size = (int) Files.size(file);
        Files.delete(file);
        Files.write(file, new byte[size]);
      }
    },
    LINK {
      @Override
      void to(Path file) throws IOException {
        Path elsewhere = file.resolveSibling("elsewhere");
        Files.move(file, elsewhere);
        Files.createSymbolicLink(file, elsewhere);
      }
    };

    abstract void to(Path file) throws IOException;

    private static void writable(Path file) throws IOException {
      Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldRestoreFromBundleWhenStoredFileIsDamaged(Damage damage) throws Exception {
    try (ContentStore store = ContentStore.open(root(), new UnsyncedDisk())) {
      scenario.install(store, 1);
      StoredPackage model = model(store, 1, new AtomicBoolean());
      ModelFile file = scenario.files(1).get(2);
      damage.to(store.path(file));

      try (Lease<ModelArtifact> lease = model.acquire("ir-fp16")) {
        assertThat(lease.get().files().get(1))
            .hasBinaryContent(scenario.fixture(1).files.get(file.path()));
        assertThat(lease.get().sha256()).isEqualTo(scenario.files(1).get(1).sha256());
      }
      assertThat(store.path(file)).hasBinaryContent(scenario.fixture(1).files.get(file.path()));
    }
  }

  @ParameterizedTest
  @EnumSource
  void shouldRestoreViewWhenOnlyTheViewIsDamaged(Damage damage) throws Exception {
    try (ContentStore store = ContentStore.open(root(), new UnsyncedDisk())) {
      scenario.install(store, 1);
      View view = scenario.views(1).get(1);
      damage.to(store.view(view).resolve("ir/net.bin"));

      try (Lease<ModelArtifact> lease = model(store, 1, new AtomicBoolean()).acquire("ir-fp16")) {
        assertThat(lease.get().files().get(1))
            .hasBinaryContent(scenario.fixture(1).files.get("ir/net.bin"));
      }
      scenario.assertInstalled(store, 1);
      assertThat(root().resolve("staging")).isEmptyDirectory();
    }
  }

  @Test
  void shouldSayThatBundleIsGoneWhenDamagedFileCannotBeRestored() throws Exception {
    try (ContentStore store = ContentStore.open(root(), new UnsyncedDisk())) {
      scenario.install(store, 1);
      AtomicBoolean removed = new AtomicBoolean(true);
      StoredPackage model = model(store, 1, removed);
      model.acquireGolden().close();
      model.acquire("onnx-fp32").close();
      Damage.CUT.to(store.path(scenario.model(1).golden().orElseThrow().file()));
      Damage.BIT.to(store.path(scenario.files(1).get(0)));

      assertThatThrownBy(model::acquireGolden)
          .isInstanceOf(ModelPackageException.class)
          .hasMessageContaining("install the package again path=golden/samples.safetensors");
      assertThatThrownBy(() -> model.acquire("onnx-fp32"))
          .isInstanceOf(ModelPackageException.class)
          .hasMessageContaining("model1 1.0.0 variant \"onnx-fp32\"");
      store.forget("1");
      assertThat(store.collect().files()).as("no hold is left").isEqualTo(5);
    }
  }

  @Test
  void shouldNameVariantsWhenThereIsNoSuchVariant() throws Exception {
    try (ContentStore store = ContentStore.open(root(), new UnsyncedDisk())) {
      scenario.install(store, 1);
      assertThatThrownBy(() -> model(store, 1, new AtomicBoolean()).acquire("int8"))
          .isInstanceOf(ModelPackageException.class)
          .hasMessageContaining("asked=\"int8\" found=[onnx-fp32, ir-fp16, shared]");
    }
  }

  /** Fails a kind of change with the words of the kernel, from the n-th on. */
  private static final class FailingDisk extends UnsyncedDisk {
    private final String words;
    private int left;
    long usable = Long.MAX_VALUE;

    FailingDisk(String words, int left) {
      this.words = words;
      this.left = left;
    }

    void repair() {
      left = Integer.MAX_VALUE;
    }

    private void step(Path path) throws IOException {
      if (left-- <= 0) {
        throw new FileSystemException(String.valueOf(path), null, words);
      }
    }

    @Override
    public Sink create(Path file) throws IOException {
      step(file);
      Sink sink = super.create(file);
      return new Sink() {
        @Override
        public void write(ByteBuffer bytes) throws IOException {
          step(file);
          sink.write(bytes);
        }

        @Override
        public void sync() throws IOException {
          step(file);
          sink.sync();
        }

        @Override
        public void close() throws IOException {
          sink.close();
        }
      };
    }

    @Override
    public void createFolder(Path folder) throws IOException {
      if (!Files.exists(folder)) {
        step(folder);
      }
      super.createFolder(folder);
    }

    @Override
    public void move(Path from, Path to) throws IOException {
      step(to);
      super.move(from, to);
    }

    @Override
    public void link(Path link, Path file) throws IOException {
      step(link);
      super.link(link, file);
    }

    @Override
    public long usableBytes(Path folder) {
      return usable;
    }
  }

  @Test
  void shouldStoreNothingAndSayWhyWhenDiskIsFullAtAnyChange() throws Exception {
    boolean installed = false;
    for (int after = 0; !installed; after++) {
      assertThat(after).isLessThan(500);
      Path folder = temp.resolve("full" + after);
      ContentStore.open(folder, new UnsyncedDisk()).close();
      FailingDisk disk = new FailingDisk("No space left on device", after);
      try (ContentStore store = ContentStore.open(folder, disk)) {
        PackageFixture fixture = scenario.fixture(1);
        PackageInstaller installer = new PackageInstaller(store, Signatures.off(), "test");
        Reasons reasons = new Reasons();
        try {
          installer.install(fixture.origin(1), Judgement.NONE, reasons, () -> false);
          installed = true;
        } catch (StoreException e) {
          assertThat(e).hasMessageContaining("cause=\"No space left on device\"");
          disk.repair();
          store.collect();
          assertThat(store.use()).isEqualTo(new StoreUse(0, 0));
          for (String part : List.of("objects", "views", "packages", "staging")) {
            assertThat(StoreScenario.files(folder.resolve(part))).as(part).isEmpty();
          }
        }
        disk.repair();
        assertThat(installer.install(fixture.origin(1), Judgement.NONE, reasons, () -> false))
            .isPresent();
        scenario.assertInstalled(store, 1);
      }
    }
  }

  @Test
  void shouldSayHowMuchIsMissingWhenSpaceIsShort() throws Exception {
    FailingDisk disk = new FailingDisk("", Integer.MAX_VALUE);
    try (ContentStore store = ContentStore.open(root(), disk)) {
      disk.usable = 1_000;
      assertThatThrownBy(() -> scenario.install(store, 1))
          .isInstanceOf(StoreException.class)
          .hasMessageContaining("not enough space")
          .hasMessageContaining("asked=2000 found=1000");
    }
  }

  @Test
  void shouldKeepWhatIsNeededOrHeldWhenCollecting() throws Exception {
    try (ContentStore store = ContentStore.open(root(), new UnsyncedDisk())) {
      scenario.install(store, 1);
      scenario.install(store, 2);
      StoreUse both = store.use();
      assertThat(both.files()).as("packages 1 and 2 share a file").isEqualTo(8);
      assertThat(store.collect()).isEqualTo(new StoreUse(0, 0));

      Lease<ModelArtifact> lease = model(store, 1, new AtomicBoolean()).acquire("ir-fp16");
      store.forget("1");
      StoreUse removed = store.collect();

      assertThat(removed.files()).isEqualTo(1);
      assertThat(store.use())
          .isEqualTo(new StoreUse(both.files() - removed.files(), both.bytes() - removed.bytes()));
      assertThat(lease.get().files()).allSatisfy(file -> assertThat(file).exists());
      scenario.assertInstalled(store, 2);

      lease.close();
      lease.close();
      assertThat(store.collect().files()).isEqualTo(2);
      scenario.assertInstalled(store, 2);
    }
  }

  @Test
  void shouldKeepHeldFilesRightWhenPackagesComeAndGoMeanwhile() throws Exception {
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try (ContentStore store = ContentStore.open(root(), new UnsyncedDisk())) {
      AtomicBoolean stop = new AtomicBoolean();
      AtomicInteger acquired = new AtomicInteger();
      List<Future<?>> tasks = new ArrayList<>();
      for (int t = 0; t < 3; t++) {
        long id = 1 + t;
        StoredPackage model = model(store, id, new AtomicBoolean());
        tasks.add(
            threads.submit(
                () -> {
                  while (!stop.get()) {
                    try (Lease<ModelArtifact> lease = model.acquire("shared");
                        Lease<Path> golden = model.acquireGolden()) {
                      assertThat(lease.get().file())
                          .hasBinaryContent(scenario.fixture(id).files.get("shared/net.tflite"));
                      assertThat(golden.get())
                          .hasBinaryContent(
                              scenario.fixture(id).files.get("golden/samples.safetensors"));
                      acquired.incrementAndGet();
                    }
                  }
                  return null;
                }));
      }
      Random random = new Random(1);
      for (int round = 0; round < 300 || acquired.get() < 300; round++) {
        assertThat(round).isLessThan(1_000_000);
        long id = 1 + random.nextInt(3);
        if (random.nextBoolean()) {
          scenario.install(store, id);
        } else {
          store.forget(InstallRecord.owner(id));
        }
        store.collect();
      }
      stop.set(true);
      for (Future<?> task : tasks) {
        task.get(60, TimeUnit.SECONDS);
      }
      for (long id = 1; id <= 3; id++) {
        store.forget(InstallRecord.owner(id));
      }
      store.collect();
      assertThat(store.use()).isEqualTo(new StoreUse(0, 0));
      assertThat(StoreScenario.files(root().resolve("objects"))).isEmpty();
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void shouldLetNobodyElseInWhileOpen() throws Exception {
    try (ContentStore store = ContentStore.open(root(), new UnsyncedDisk())) {
      assertThat(store.root()).isEqualTo(root());
      assertThatThrownBy(() -> ContentStore.open(root(), new UnsyncedDisk()))
          .isInstanceOf(StoreException.class)
          .hasMessageContaining("another process or component uses this model store");
    }
    ContentStore.open(root(), new UnsyncedDisk()).close();
  }

  @Test
  void shouldTouchNothingWhenFolderIsNoStore() throws Exception {
    Path file = Files.createDirectory(root()).resolve("thesis.tex");
    Files.writeString(file, "precious");

    assertThatThrownBy(() -> ContentStore.open(root(), new UnsyncedDisk()))
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("holds something else than a model store");
    assertThat(StoreScenario.files(root())).containsExactly(file);

    assertThatThrownBy(() -> ContentStore.open(file, new UnsyncedDisk()))
        .isInstanceOf(StoreException.class);
    assertThatThrownBy(() -> ContentStore.open(Path.of("relative"), new UnsyncedDisk()))
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("is not absolute");
    assertThatThrownBy(() -> ContentStore.open(temp.resolve("a/b"), new UnsyncedDisk()))
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("check that the folder it lies in exists");
  }

  @Test
  void shouldTouchNothingWhenStoreIsOfAnotherLayout() throws Exception {
    ContentStore.open(root(), new UnsyncedDisk()).close();
    Path marker = root().resolve("shoji-store");
    Files.delete(marker);
    Files.writeString(marker, "layout=2\n");

    assertThatThrownBy(() -> ContentStore.open(root(), new UnsyncedDisk()))
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("another version of this bundle")
        .hasMessageContaining("found=\"layout=2\\u000a\"");
  }

  @Test
  void shouldFollowLinkWhenFolderItselfIsOne() throws Exception {
    Path real = Files.createDirectory(temp.resolve("real"));
    Path link = Files.createSymbolicLink(temp.resolve("link"), real);

    try (ContentStore store = ContentStore.open(link, new UnsyncedDisk())) {
      scenario.install(store, 1);
      assertThat(store.root()).isEqualTo(real.toRealPath());
    }
  }

  @Test
  void shouldCountRecordAsNoneWhenItIsDamaged() throws Exception {
    try (ContentStore store = ContentStore.open(root(), new UnsyncedDisk())) {
      scenario.install(store, 1);
      scenario.install(store, 2);
    }
    Damage.CUT.to(root().resolve("packages/1.json"));
    Files.writeString(root().resolve("packages/notes.txt"), "{}");

    try (ContentStore store = ContentStore.open(root(), new UnsyncedDisk())) {
      assertThat(store.record("1")).isEmpty();
      assertThat(store.record("2")).isPresent();
      assertThat(root().resolve("packages/1.json")).doesNotExist();
      store.collect();
      scenario.assertInstalled(store, 2);
    }
  }

  @Test
  void shouldKeepFilesFromOthersEyes() throws Exception {
    try (ContentStore store = ContentStore.open(root(), new LocalDisk())) {
      scenario.install(store, 1);
      for (Path file : StoreScenario.files(root().resolve("views"))) {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
            .isEqualTo("r--------");
      }
      assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(root())))
          .isEqualTo("rwx------");
    }
  }

  @Test
  void shouldRefuseEveryCallAfterClose() throws Exception {
    ContentStore store = ContentStore.open(root(), new UnsyncedDisk());
    scenario.install(store, 1);
    store.close();
    store.close();

    ModelDescription model = scenario.model(1);
    assertThatThrownBy(() -> model(store, 1, new AtomicBoolean()).acquire("shared"))
        .isInstanceOf(ModelPackageException.class)
        .hasMessageContaining("the model store is closed");
    assertThatThrownBy(store::collect).isInstanceOf(StoreException.class);
    assertThat(model.variant("shared")).isNotEqualTo(Optional.empty());
  }
}
