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

import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.ThreadNiceness;
import io.shoji.model.ModelCatalog;
import io.shoji.model.ModelPackage;
import io.shoji.model.ModelPackage.Lease;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.ServiceLoader;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.Version;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;
import org.osgi.framework.wiring.FrameworkWiring;

/** The extender in a running Felix framework, with real bundles. */
class ModelExtenderTest {
  private static final ModelExtender.Timing FAST = new ModelExtender.Timing(50, 50, 200);
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  @TempDir Path temp;

  private Framework framework;
  private BundleContext context;
  private ModelExtender extender;

  @BeforeEach
  void start() throws BundleException {
    framework = launch();
    context = framework.getBundleContext();
    extender = new ModelExtender(context, store().toString(), FAST, Signatures.off());
  }

  @AfterEach
  void stop() throws Exception {
    extender.stop();
    framework.stop();
    framework.waitForStop(10_000);
  }

  private Framework launch() throws BundleException {
    FrameworkFactory factory = ServiceLoader.load(FrameworkFactory.class).iterator().next();
    Framework launched =
        factory.newFramework(
            Map.of(
                Constants.FRAMEWORK_STORAGE,
                temp.resolve("cache").toString(),
                "felix.shutdown.hook",
                "false"));
    launched.start();
    return launched;
  }

  private Path store() {
    return temp.resolve("store");
  }

  private Bundle install(PackageFixture fixture, String symbolicName) throws BundleException {
    Bundle bundle = context.installBundle("test:" + symbolicName, fixture.jar(symbolicName));
    resolve(bundle);
    return bundle;
  }

  private void resolve(Bundle bundle) {
    FrameworkWiring wiring = framework.adapt(FrameworkWiring.class);
    assertThat(wiring.resolveBundles(List.of(bundle))).isTrue();
  }

  private static void await(BooleanSupplier condition) throws InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("gave up waiting").isLessThan(deadline);
      TimeUnit.MILLISECONDS.sleep(5);
    }
  }

  private Optional<ServiceReference<ModelPackage>> service(String name) throws Exception {
    return context
        .getServiceReferences(ModelPackage.class, "(shoji.model.name=" + name + ")")
        .stream()
        .findFirst();
  }

  private ModelPackage published(String name) throws Exception {
    await(() -> extender.packages().stream().anyMatch(p -> p.description().name().equals(name)));
    return context.getService(service(name).orElseThrow());
  }

  private ModelCatalog.Refusal refusal(String symbolicName) throws Exception {
    await(
        () ->
            extender.refusals().stream().anyMatch(r -> r.origin().equals(symbolicName + " 1.0.0")));
    return extender.refusals().stream()
        .filter(r -> r.origin().equals(symbolicName + " 1.0.0"))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void shouldPublishPackageWhenBundleResolves() throws Exception {
    PackageFixture fixture = new PackageFixture("digits", "1.2.0");
    install(fixture, "digits.bundle");

    ModelPackage digits = published("digits");

    ServiceReference<ModelPackage> reference = service("digits").orElseThrow();
    assertThat(reference.getProperty(ModelPackage.NAME)).isEqualTo("digits");
    assertThat(reference.getProperty(ModelPackage.VERSION)).isEqualTo(new Version("1.2.0"));
    assertThat(digits.origin()).isEqualTo("digits.bundle 1.0.0");
    assertThat(digits.description().sha256()).isEqualTo(Digests.of(fixture.documentBytes()));
    assertThat(digits.description().pipeline().orElseThrow().pre()).hasSize(4);
    try (Lease<ModelArtifact> lease = digits.acquire("ir-fp16")) {
      assertThat(lease.get().files()).hasSize(2);
      assertThat(lease.get().files().get(0)).hasFileName("net.xml");
      assertThat(lease.get().files().get(1))
          .hasFileName("net.bin")
          .hasParent(lease.get().file().getParent())
          .hasBinaryContent(fixture.files.get("ir/net.bin"));
    }
    try (Lease<Path> golden = digits.acquireGolden()) {
      assertThat(golden.get()).hasBinaryContent(fixture.files.get("golden/samples.safetensors"));
    }
  }

  @Test
  void shouldGiveWayToOthersWhenAPackageIsRead() throws Exception {
    List<String> lowered = new CopyOnWriteArrayList<>();
    ThreadNiceness niceness = nice -> lowered.add(Thread.currentThread().getName() + " " + nice);
    context.registerService(ThreadNiceness.class, niceness, null);

    install(new PackageFixture("first", "1.0.0"), "first.bundle");
    install(new PackageFixture("second", "1.0.0"), "second.bundle");
    published("first");
    published("second");

    assertThat(lowered).containsExactly("shoji-models 10");
  }

  @Test
  void shouldLetDeploymentAdminGiveWayWhenModelIsUpdatedAndNotWhenAnotherBundleIs()
      throws Exception {
    List<String> lowered = new CopyOnWriteArrayList<>();
    ThreadNiceness niceness =
        new ThreadNiceness() {
          @Override
          public boolean lower(int nice) {
            return true;
          }

          @Override
          public int lower(String thread, int nice) {
            lowered.add(thread + " " + nice);
            return 1;
          }
        };
    context.registerService(ThreadNiceness.class, niceness, null);
    Bundle model = install(new PackageFixture("first", "1.0.0"), "first.bundle");
    model.start();
    published("first");
    Bundle other = context.installBundle("other", plainBundle("other"));
    other.start();

    other.stop();
    assertThat(lowered).isEmpty();
    model.stop();
    assertThat(lowered).containsExactly(DeploymentThreads.NAME + " " + ThreadNiceness.IDLE);
  }

  @Test
  void shouldRefuseWithEveryReasonAndKeepOthersWhenPackageIsBroken() throws Exception {
    install(new PackageFixture("good", "1.0.0"), "good.bundle");
    PackageFixture broken = new PackageFixture("broken", "1.0.0");
    broken.capabilityVersion = "2.0.0";
    broken.set("/bogus", "1");
    broken.set("/variants/0/filter", "\"(shoji.format=onnx\"");
    broken.set("/variants/0/files/0/path", "\"../../etc/passwd\"");
    broken.files.remove("ir/net.bin");
    broken.files.get("ir/net.xml")[7] ^= 1;
    install(broken, "broken.bundle");

    ModelCatalog.Refusal refusal = refusal("broken.bundle");

    assertThat(String.join("\n", refusal.reasons()))
        .contains("META-INF/MANIFEST.MF: the capability's version is not that of model.json")
        .contains("/bogus: unknown member")
        .contains("/variants/0/filter: is not an OSGi filter")
        .contains("/variants/0/files/0/path: the path leaves the package by '..'")
        .contains("ir/net.bin: the file is missing")
        .contains("ir/net.xml: has another digest");
    assertThat(service("broken")).isEmpty();
    assertThat(published("good").description().name()).isEqualTo("good");
    assertThat(extender.storeUse().files()).isEqualTo(4);
  }

  @Test
  void shouldRefuseSecondAndTakeItWhenFirstGoes() throws Exception {
    Bundle first = install(new PackageFixture("twin", "1.0.0"), "first.bundle");
    published("twin");
    install(new PackageFixture("twin", "1.0.0"), "second.bundle");

    assertThat(refusal("second.bundle").reasons())
        .singleElement()
        .asString()
        .contains("twin 1.0.0", "first.bundle 1.0.0");

    first.uninstall();

    await(() -> extender.refusals().isEmpty() && extender.packages().size() == 1);
    assertThat(published("twin").origin()).isEqualTo("second.bundle 1.0.0");
  }

  @Test
  void shouldWithdrawServiceBeforeUninstallReturnsAndCollectLater() throws Exception {
    Bundle bundle = install(new PackageFixture("gone", "1.0.0"), "gone.bundle");
    ModelPackage gone = published("gone");
    Lease<ModelArtifact> lease = gone.acquire("onnx-fp32");

    bundle.uninstall();

    assertThat(service("gone")).isEmpty();
    assertThat(extender.packages()).isEmpty();
    await(() -> extender.storeUse().files() == 1);
    assertThat(lease.get().file()).exists();
    lease.close();
    await(() -> extender.storeUse().files() == 0);
    assertThat(lease.get().file()).doesNotExist();
  }

  private void update(Bundle bundle, PackageFixture fixture) throws Exception {
    long before = bundle.getLastModified();
    // The framework counts in milliseconds.
    await(() -> System.currentTimeMillis() > before);
    bundle.update(fixture.jar(bundle.getSymbolicName()));
    resolve(bundle);
  }

  /** Versions that are published, those retained in brackets. */
  private List<String> versions() {
    return extender.packages().stream()
        .map(
            p -> {
              String version = p.description().version().toString();
              return p.retained() ? "[" + version + "]" : version;
            })
        .toList();
  }

  private void awaitVersions(String... versions) throws InterruptedException {
    await(() -> versions().equals(List.of(versions)));
  }

  private ModelPackage version(String version) {
    return extender.packages().stream()
        .filter(p -> p.description().version().toString().equals(version))
        .findFirst()
        .orElseThrow();
  }

  private void restart() throws Exception {
    extender.stop();
    framework.stop();
    framework.waitForStop(10_000);
    framework = launch();
    context = framework.getBundleContext();
    extender = new ModelExtender(context, store().toString(), FAST, Signatures.off());
    for (Bundle bundle : context.getBundles()) {
      resolve(bundle);
    }
  }

  private static PackageFixture broken(String version) {
    PackageFixture broken = new PackageFixture("model", version);
    broken.set("/bogus", "1");
    broken.files.remove("ir/net.bin");
    return broken;
  }

  @Test
  void shouldPublishNewContentsAndKeepThoseBeforeWhenBundleIsUpdated() throws Exception {
    Bundle bundle = install(new PackageFixture("model", "1.0.0"), "updated.bundle");
    ModelPackage before = published("model");

    bundle.update(new PackageFixture("model", "1.1.0").jar("updated.bundle"));

    assertThat(extender.packages()).doesNotContain(before);
    resolve(bundle);
    awaitVersions("[1.0.0]", "1.1.0");
    ModelPackage retained = version("1.0.0");
    assertThat(retained.origin()).isEqualTo("updated.bundle 1.0.0 retained");
    assertThat(retained.description()).isEqualTo(before.description());
    assertThat(context.getServiceReferences(ModelPackage.class, "(shoji.model.version=1.0.0)"))
        .hasSize(1);
    extender.collectGarbage();
    try (Lease<ModelArtifact> lease = retained.acquire("onnx-fp32")) {
      assertThat(lease.get().file()).exists();
    }
  }

  @Test
  void shouldKeepOneVersionBeforeAndThoseInUseWhenUpdatedAgain() throws Exception {
    Bundle bundle = install(new PackageFixture("model", "1.0.0"), "updated.bundle");
    published("model");
    update(bundle, new PackageFixture("model", "2.0.0"));
    awaitVersions("[1.0.0]", "2.0.0");
    update(bundle, new PackageFixture("model", "3.0.0"));
    awaitVersions("[2.0.0]", "3.0.0");

    Lease<ModelArtifact> lease = version("2.0.0").acquire("onnx-fp32");
    update(bundle, new PackageFixture("model", "4.0.0"));
    awaitVersions("[2.0.0]", "[3.0.0]", "4.0.0");
    assertThat(extender.discardRetained()).containsExactly("updated.bundle 1.0.0 retained");
    assertThat(versions()).containsExactly("[2.0.0]", "4.0.0");
    assertThat(lease.get().file()).exists();
    lease.close();

    assertThat(extender.discardRetained()).hasSize(1);
    extender.collectGarbage();
    awaitVersions("4.0.0");
    assertThat(extender.storeUse().files()).isEqualTo(4);
  }

  @RepeatedTest(20)
  void shouldPublishNothingThatWasGivenUpMeanwhile() throws Exception {
    Bundle bundle = install(new PackageFixture("model", "1.0.0"), "updated.bundle");
    published("model");
    update(bundle, new PackageFixture("model", "2.0.0"));
    awaitVersions("[1.0.0]", "2.0.0");
    Lease<ModelArtifact> lease = version("1.0.0").acquire("onnx-fp32");
    update(bundle, new PackageFixture("model", "3.0.0"));
    awaitVersions("[1.0.0]", "[2.0.0]", "3.0.0");

    // Each looks again at what else could be published, on the thread of the extender.
    extender.discardRetained();
    lease.close();
    extender.discardRetained();

    awaitVersions("3.0.0");
    assertThat(context.getServiceReferences(ModelPackage.class, null)).hasSize(1);
  }

  @Test
  void shouldRefuseNothingWhenBundleIsUpdatedWhileItIsRead() throws Exception {
    List<ModelCatalog.Refusal> told = new CopyOnWriteArrayList<>();
    extender.addListener(told::add);
    Bundle bundle = install(new PackageFixture("model", "1.0.0"), "updated.bundle");
    for (int i = 0; i < 200; i++) {
      // Resolved at once, so that each version is begun to be read and most are not finished.
      update(bundle, new PackageFixture("model", i % 2 == 0 ? "2.0.0" : "1.0.0"));
      LockSupport.parkNanos(i * 20_000L);
    }
    update(bundle, new PackageFixture("model", "3.0.0"));

    await(() -> versions().contains("3.0.0"));
    assertThat(told).as("refusals of good packages").isEmpty();
  }

  @Test
  void shouldGoBackWhenBundleIsDowngraded() throws Exception {
    Bundle bundle = install(new PackageFixture("model", "1.0.0"), "updated.bundle");
    published("model");
    update(bundle, new PackageFixture("model", "2.0.0"));
    awaitVersions("[1.0.0]", "2.0.0");

    update(bundle, new PackageFixture("model", "1.0.0"));

    awaitVersions("1.0.0", "[2.0.0]");
    // Once more the same: nothing else is before it than what was.
    update(bundle, new PackageFixture("model", "1.0.0"));
    await(() -> versions().contains("1.0.0"));
    assertThat(versions()).containsExactly("1.0.0", "[2.0.0]");
  }

  @Test
  void shouldServeLastGoodContentsWhenUpdateIsRefused() throws Exception {
    List<ModelCatalog.Refusal> told = new CopyOnWriteArrayList<>();
    extender.addListener(told::add);
    Bundle bundle = install(new PackageFixture("model", "1.0.0"), "updated.bundle");
    published("model");
    update(bundle, new PackageFixture("model", "2.0.0"));
    awaitVersions("[1.0.0]", "2.0.0");

    update(bundle, broken("3.0.0"));

    ModelCatalog.Refusal refusal = refusal("updated.bundle");
    assertThat(refusal.model()).isEqualTo("model");
    assertThat(refusal.version()).contains(new Version("3.0.0"));
    assertThat(refusal.reasons())
        .hasSize(2)
        .anyMatch(reason -> reason.startsWith("/bogus"))
        .anyMatch(reason -> reason.startsWith("ir/net.bin"));
    await(() -> told.equals(List.of(refusal)));
    awaitVersions("[1.0.0]", "2.0.0");
    assertThat(version("2.0.0").origin()).isEqualTo("updated.bundle 1.0.0 retained");
    extender.collectGarbage();

    restart();

    assertThat(refusal("updated.bundle").reasons()).hasSize(2);
    awaitVersions("[1.0.0]", "2.0.0");
    try (Lease<ModelArtifact> lease = version("2.0.0").acquire("ir-fp16")) {
      assertThat(lease.get().files()).hasSize(2);
    }
    update(context.getBundle("test:updated.bundle"), new PackageFixture("model", "3.0.0"));
    awaitVersions("[2.0.0]", "3.0.0");
    assertThat(extender.refusals()).isEmpty();
  }

  @Test
  void shouldKeepVersionBeforeOverRestartAndDropItWithItsBundle() throws Exception {
    Bundle bundle = install(new PackageFixture("model", "1.0.0"), "updated.bundle");
    published("model");
    update(bundle, new PackageFixture("model", "2.0.0"));
    awaitVersions("[1.0.0]", "2.0.0");

    restart();

    awaitVersions("[1.0.0]", "2.0.0");
    assertThat(version("1.0.0").origin()).isEqualTo("updated.bundle 1.0.0 retained");
    try (Lease<Path> golden = version("1.0.0").acquireGolden()) {
      assertThat(golden.get()).exists();
    }

    context.getBundle("test:updated.bundle").uninstall();

    assertThat(extender.packages()).isEmpty();
    assertThat(context.getServiceReferences(ModelPackage.class, null)).isEmpty();
    await(() -> extender.storeUse().files() == 0);
    assertThat(StoreScenario.files(store().resolve("packages"))).isEmpty();
  }

  @Test
  void shouldGiveWayWhenAnotherBundleBringsRetainedVersion() throws Exception {
    Bundle bundle = install(new PackageFixture("model", "1.0.0"), "updated.bundle");
    published("model");
    update(bundle, new PackageFixture("model", "2.0.0"));
    awaitVersions("[1.0.0]", "2.0.0");

    Bundle other = install(new PackageFixture("model", "1.0.0"), "other.bundle");

    awaitVersions("1.0.0", "2.0.0");
    assertThat(version("1.0.0").origin()).isEqualTo("other.bundle 1.0.0");
    other.uninstall();
    awaitVersions("[1.0.0]", "2.0.0");
  }

  @Test
  void shouldKeepNothingWhenBundleIsNoModelPackageAnyMore() throws Exception {
    Bundle bundle = install(new PackageFixture("model", "1.0.0"), "updated.bundle");
    published("model");
    update(bundle, new PackageFixture("model", "2.0.0"));
    awaitVersions("[1.0.0]", "2.0.0");

    bundle.update(plainBundle("updated.bundle"));
    resolve(bundle);

    awaitVersions();
    await(() -> extender.storeUse().files() == 0);
  }

  @Test
  void shouldCopyNothingAgainWhenStartedAgain() throws Exception {
    install(new PackageFixture("kept", "1.0.0"), "kept.bundle");
    published("kept");
    List<Object> before = inodes();
    extender.stop();
    assertThat(service("kept")).isEmpty();
    framework.stop();
    framework.waitForStop(10_000);

    framework = launch();
    context = framework.getBundleContext();
    extender = new ModelExtender(context, store().toString(), FAST, Signatures.off());
    // Until it is resolved the framework knows the bundle only as installed: its files stay.
    extender.collectGarbage();
    resolve(context.getBundle("test:kept.bundle"));

    published("kept");
    assertThat(inodes()).isEqualTo(before);
  }

  private List<Object> inodes() throws Exception {
    try (var files = Files.walk(store())) {
      return files
          .filter(Files::isRegularFile)
          .sorted()
          .<Object>map(
              file -> {
                try {
                  return file + " " + Stamp.of(file).orElseThrow();
                } catch (java.io.IOException e) {
                  throw new java.io.UncheckedIOException(e);
                }
              })
          .toList();
    }
  }

  @Test
  void shouldSayWhyAndTryAgainWhenStoreCannotBeOpened() throws Exception {
    extender.stop();
    Path folder = temp.resolve("missing/store");
    extender = new ModelExtender(context, folder.toString(), FAST, Signatures.off());
    install(new PackageFixture("late", "1.0.0"), "late.bundle");

    assertThat(refusal("late.bundle").reasons())
        .singleElement()
        .asString()
        .contains("store: the folder of the model store cannot be used", folder.toString());

    Files.createDirectory(folder.getParent());
    assertThat(published("late").description().name()).isEqualTo("late");
  }

  @Test
  void shouldRefuseBundleWithDocumentButNoCapability() throws Exception {
    PackageFixture fixture = new PackageFixture("bare", "1.0.0");
    fixture.capabilityName = "";
    install(fixture, "bare.bundle");

    assertThat(refusal("bare.bundle").reasons())
        .singleElement()
        .asString()
        .contains(
            "Provide-Capability: io.shoji.model;io.shoji.model=\"bare\";version:Version=\"1.0.0\"");
  }

  private static ByteArrayInputStream plainBundle(String symbolicName) throws Exception {
    Manifest manifest = new Manifest();
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    manifest.getMainAttributes().putValue("Bundle-ManifestVersion", "2");
    manifest.getMainAttributes().putValue("Bundle-SymbolicName", symbolicName);
    ByteArrayOutputStream jar = new ByteArrayOutputStream();
    new JarOutputStream(jar, manifest).close();
    return new ByteArrayInputStream(jar.toByteArray());
  }
}
