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

import io.shoji.model.ModelCatalog.Refusal;
import io.shoji.model.ModelPackage;
import io.shoji.testkit.FastFolder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;

/**
 * Packages that somebody made or changed to get them served where signatures are required: real
 * bundles in a real framework, signed by the JDK's own signer. None goes live, each says why.
 */
class SignedPackageAttackTest {
  private static final ModelExtender.Timing FAST = new ModelExtender.Timing(50, 50, 200);
  private static final Duration PATIENCE = Duration.ofSeconds(30);
  private static final String MANIFEST = "META-INF/MANIFEST.MF";

  private static TestSigner authority;
  private static TestSigner release;
  private static TestSigner stranger;

  @TempDir(factory = FastFolder.class)
  Path temp;

  private RunningFelix felix;
  private BundleContext context;
  private ModelExtender extender;
  private Path anchors;

  @BeforeAll
  static void keys() {
    authority = TestSigner.named("CN=Works CA").authority().make();
    release = TestSigner.named("CN=Release, O=Works").by(authority).make();
    stranger = TestSigner.named("CN=Somebody").make();
  }

  @BeforeEach
  void start() throws Exception {
    anchors = temp.resolve("anchors.pem");
    Files.writeString(anchors, authority.pem());
    felix = new RunningFelix(temp.resolve("cache"));
    context = felix.context();
    extender = extender(SignaturePolicy.REQUIRE);
  }

  private ModelExtender extender(SignaturePolicy policy) {
    return new ModelExtender(
        context,
        temp.resolve("store").toString(),
        FAST,
        new Signatures(policy, new AnchorSources(anchors.toString()), Clock.systemUTC()));
  }

  @AfterEach
  void stop() throws Exception {
    extender.stop();
    felix.close();
  }

  private static PackageFixture fixture(String version) {
    return new PackageFixture("pump", version, new Random(version.hashCode()), 300);
  }

  private static byte[] unsigned(PackageFixture fixture) throws Exception {
    return fixture.jar("pump.bundle").readAllBytes();
  }

  private static byte[] signed(PackageFixture fixture) throws Exception {
    return release.sign(unsigned(fixture));
  }

  private static Archive good() throws Exception {
    return Archive.of(signed(fixture("1.0.0")));
  }

  private Bundle install(byte[] jar) throws BundleException {
    return install("pump", jar);
  }

  private Bundle install(String location, byte[] jar) throws BundleException {
    return felix.install(location, jar);
  }

  private void update(Bundle bundle, byte[] jar) throws BundleException {
    felix.update(bundle, jar);
  }

  private static void await(BooleanSupplier condition) throws InterruptedException {
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime()).as("gave up waiting").isLessThan(deadline);
      TimeUnit.MILLISECONDS.sleep(5);
    }
  }

  /** The only reason why a package was not taken. */
  private String refused(byte[] jar) throws Exception {
    install(jar);
    await(() -> !extender.refusals().isEmpty());
    assertThat(extender.packages()).isEmpty();
    assertThat(context.getServiceReferences(ModelPackage.class, null)).isEmpty();
    Refusal refusal = extender.refusals().get(0);
    assertThat(refusal.origin()).isEqualTo("pump.bundle 1.0.0");
    assertThat(refusal.reasons()).hasSize(1);
    return refusal.reasons().get(0);
  }

  private void published(String version) throws Exception {
    await(
        () ->
            extender.packages().stream()
                .anyMatch(p -> p.description().version().toString().equals(version)));
  }

  /** What the engine says of a version that it has accepted, watched and committed. */
  private void committed(String version) throws Exception {
    for (ModelPackage each : extender.packages()) {
      if (each.description().version().toString().equals(version)) {
        each.keep(true);
      }
    }
  }

  @Test
  void shouldServeWhenSignedBySomebodyTrusted() throws Exception {
    install(signed(fixture("1.0.0")));

    published("1.0.0");

    assertThat(extender.refusals()).isEmpty();
    assertThat(extender.warnings()).isEmpty();
  }

  @Test
  void shouldRefuseWhenUnsigned() throws Exception {
    assertThat(refused(unsigned(fixture("1.0.0"))))
        .startsWith("signature: it is not signed; have it signed");
  }

  @Test
  void shouldRefuseWhenSignatureWasTakenAway() throws Exception {
    assertThat(refused(good().remove("META-INF/SIGNER\\..*").bytes()))
        .contains("the signature was taken away");
  }

  @Test
  void shouldRefuseWhenOnlyBlockWasTakenAway() throws Exception {
    assertThat(refused(good().remove("META-INF/SIGNER\\.EC").bytes()))
        .contains("the signature was taken away");
  }

  @Test
  void shouldRefuseWhenSignedAnewWithAnotherKey() throws Exception {
    Archive archive = good().remove("META-INF/SIGNER\\..*");

    assertThat(refused(stranger.sign(archive.bytes())))
        .contains("no trust anchor vouches for the signer")
        .contains("subject=\"CN=Somebody\"");
  }

  @Test
  void shouldRefuseWhenSignerOnlyCallsItselfAsTheTrustedOne() throws Exception {
    TestSigner fakeAuthority = TestSigner.named("CN=Works CA").authority().make();
    TestSigner fake = TestSigner.named("CN=Release, O=Works").by(fakeAuthority).make();

    assertThat(refused(fake.sign(unsigned(fixture("1.0.0")))))
        .contains("no trust anchor vouches for the signer");
  }

  @Test
  void shouldRefuseWhenSomebodyVouchesWhoIsNoAuthority() throws Exception {
    TestSigner vouched = TestSigner.named("CN=Friend of release").by(release).make();

    assertThat(refused(vouched.sign(unsigned(fixture("1.0.0")))))
        .contains("no trust anchor vouches for the signer");
  }

  @Test
  void shouldRefuseWhenVariantWasSwapped() throws Exception {
    byte[] other = new byte[300];

    assertThat(refused(good().put("SHOJI-INF/models/net.onnx", other).bytes()))
        .startsWith("models/net.onnx: has another digest than model.json says");
  }

  @Test
  void shouldRefuseWhenVariantWasSwappedTogetherWithDocument() throws Exception {
    byte[] other = PackageFixture.random(new Random(99), 300);
    PackageFixture changed = fixture("1.0.0");
    changed.files.put("models/net.onnx", other);
    changed.set("/variants/0/files/0", PackageFixture.file("models/net.onnx", other).toString());

    assertThat(
            refused(
                good()
                    .put("SHOJI-INF/models/net.onnx", other)
                    .put("SHOJI-INF/model.json", changed.documentBytes())
                    .bytes()))
        .contains("an entry was changed after it was signed entry=\"SHOJI-INF/model.json\"");
  }

  @Test
  void shouldRefuseWhenTwoSignedPackagesAreMixed() throws Exception {
    Archive newer = Archive.of(signed(fixture("2.0.0")));
    Archive mixed = good();
    newer.files.forEach(
        (name, content) -> {
          if (name.startsWith("SHOJI-INF/")) {
            mixed.put(name, content);
          }
        });

    assertThat(refused(mixed.bytes())).contains("an entry was changed after it was signed");
  }

  @Test
  void shouldRefuseWhenSignatureIsThatOfAnotherPackage() throws Exception {
    Archive newer = Archive.of(signed(fixture("2.0.0")));
    Archive mixed = good();
    newer.files.forEach(
        (name, content) -> {
          if (name.startsWith("META-INF/SIGNER")) {
            mixed.put(name, content);
          }
        });

    assertThat(refused(mixed.bytes())).contains("the manifest was changed after it was signed");
  }

  @Test
  void shouldRefuseWhenMainAttributesWereChanged() throws Exception {
    Archive changed =
        good()
            .edit(
                MANIFEST, text -> text.replace("\r\nBundle-Version", "\r\nX: y\r\nBundle-Version"));

    assertThat(refused(changed.bytes())).contains("the manifest was changed after it was signed");
  }

  @Test
  void shouldRefuseWhenMainAttributesWereChangedAndSignatureFileLeavesThemOut() throws Exception {
    // As the specification has it, digests of the sections would do.
    Archive changed =
        good()
            .edit(
                MANIFEST, text -> text.replace("\r\nBundle-Version", "\r\nX: y\r\nBundle-Version"))
            .edit(
                "META-INF/SIGNER.SF",
                text -> text.replaceAll("SHA-256-Digest-Manifest(-Main-Attributes)?: .*\r\n", ""));

    assertThat(refused(changed.bytes()))
        .contains("the signature file has no digest of the whole manifest");
  }

  @Test
  void shouldRefuseWhenSignatureFileWasChanged() throws Exception {
    Archive changed =
        good()
            .edit(
                "META-INF/SIGNER.SF", text -> text.replace("Created-By: ", "Created-By: another "));

    assertThat(refused(changed.bytes())).contains("the signature does not hold");
  }

  @Test
  void shouldRefuseWhenVariantWasAdded() throws Exception {
    assertThat(refused(good().put("SHOJI-INF/models/more.onnx", new byte[] {1, 2, 3}).bytes()))
        .contains("an entry was added that nobody signed entry=\"SHOJI-INF/models/more.onnx\"");
  }

  @Test
  void shouldRefuseWhenCodeWasAdded() throws Exception {
    assertThat(refused(good().put("evil/Activator.class", new byte[] {1}).bytes()))
        .contains("an entry was added that nobody signed entry=\"evil/Activator.class\"");
  }

  @Test
  void shouldRefuseWhenEntryIsMissing() throws Exception {
    PackageFixture fixture = fixture("1.0.0");
    Archive more = Archive.of(unsigned(fixture)).put("SHOJI-INF/notes.txt", new byte[] {1});
    Archive less = Archive.of(release.sign(more.bytes())).remove("SHOJI-INF/notes.txt");

    assertThat(refused(less.bytes()))
        .contains("an entry that was signed is missing entry=\"SHOJI-INF/notes.txt\"");
  }

  @Test
  void shouldRefuseWhenEntryThatNobodyNamesWasChanged() throws Exception {
    PackageFixture fixture = fixture("1.0.0");
    Archive more = Archive.of(unsigned(fixture)).put("SHOJI-INF/notes.txt", new byte[] {1});
    Archive changed =
        Archive.of(release.sign(more.bytes())).put("SHOJI-INF/notes.txt", new byte[] {2});

    assertThat(refused(changed.bytes()))
        .contains("an entry was changed after it was signed entry=\"SHOJI-INF/notes.txt\"");
  }

  @Test
  void shouldRefuseWhenManifestIsThereInTwoSpellings() throws Exception {
    Archive changed = good();
    changed.put("META-INF/manifest.mf", changed.files.get(MANIFEST));

    assertThat(refused(changed.bytes())).contains("another spelling, or is there in two");
  }

  @Test
  void shouldRefuseWhenSignatureIsThereInTwoSpellings() throws Exception {
    Archive changed = good();
    changed.put("META-INF/signer.sf", changed.files.get("META-INF/SIGNER.SF"));

    assertThat(refused(changed.bytes())).contains("another spelling, or is there in two");
  }

  @Test
  void shouldServeWhenSecondSignerIsUnknown() throws Exception {
    install(stranger.as("SECOND").sign(signed(fixture("1.0.0"))));

    published("1.0.0");
  }

  @Test
  void shouldServeWhenSecondSignatureIsBroken() throws Exception {
    Archive archive =
        good()
            .put(
                "META-INF/AAA.SF",
                "Signature-Version: 1.0\r\n\r\n".getBytes(StandardCharsets.UTF_8))
            .put("META-INF/AAA.RSA", new byte[] {1, 2, 3});

    install(archive.bytes());

    published("1.0.0");
  }

  @Test
  void shouldRefuseWhenCertificateHasExpired() throws Exception {
    TestSigner expired =
        TestSigner.named("CN=Old release")
            .by(authority)
            .valid(
                Instant.now().minus(Duration.ofDays(20)), Instant.now().minus(Duration.ofDays(1)))
            .make();

    assertThat(refused(expired.sign(unsigned(fixture("1.0.0")))))
        .contains("has expired; have it signed anew");
  }

  @Test
  void shouldRefuseWhenCertificateIsNotYetValid() throws Exception {
    TestSigner early =
        TestSigner.named("CN=Early release")
            .by(authority)
            .valid(Instant.now().plus(Duration.ofDays(1)), Instant.now().plus(Duration.ofDays(20)))
            .make();

    assertThat(refused(early.sign(unsigned(fixture("1.0.0"))))).contains("is not valid yet");
  }

  @Test
  void shouldRefuseWhenCertificateIsNotForCode() throws Exception {
    TestSigner server =
        TestSigner.named("CN=Server").by(authority).purpose(KeyPurposeId.id_kp_serverAuth).make();

    assertThat(refused(server.sign(unsigned(fixture("1.0.0")))))
        .contains("is not one for signing code");
  }

  @Test
  void shouldRefuseWhenKeyIsNotForSigning() throws Exception {
    TestSigner agreement =
        TestSigner.named("CN=Agreement").by(authority).usage(KeyUsage.keyAgreement).make();

    assertThat(refused(agreement.sign(unsigned(fixture("1.0.0")))))
        .contains("a certificate that is not for digital signatures");
  }

  @Test
  void shouldRefuseWhenAnchorIsTrustedForSomethingElse() throws Exception {
    TestSigner server = TestSigner.named("CN=Server").purpose(KeyPurposeId.id_kp_serverAuth).make();
    Files.writeString(anchors, server.pem());

    assertThat(refused(server.sign(unsigned(fixture("1.0.0")))))
        .contains("is not one for signing code");
  }

  @Test
  void shouldRefuseWhenKeyIsTooShort() throws Exception {
    TestSigner weak =
        TestSigner.named("CN=Short key").key("RSA", 1024, "SHA256withECDSA").by(authority).make();

    assertThat(refused(weak.sign(unsigned(fixture("1.0.0")))))
        .contains("a key is too weak")
        .contains("key=RSA bits=1024");
  }

  @Test
  void shouldRefuseWhenCertificateIsSignedBySha1() throws Exception {
    TestSigner weak =
        TestSigner.named("CN=Old hash").key("EC", 256, "SHA1withECDSA").by(authority).make();

    assertThat(refused(weak.sign(unsigned(fixture("1.0.0")))))
        .contains("a certificate is signed with an algorithm that is not safe");
  }

  @Test
  void shouldRefuseWhenEntriesAreDigestedBySha1() throws Exception {
    assertThat(refused(release.with("SHA-1", "SHA256withECDSA").sign(unsigned(fixture("1.0.0")))))
        .contains("the manifest has no digest of an entry that is safe");
  }

  @Test
  void shouldRefuseWhenEntriesAreDigestedByMd5() throws Exception {
    assertThat(refused(release.with("MD5", "SHA256withECDSA").sign(unsigned(fixture("1.0.0")))))
        .contains("the manifest has no digest of an entry that is safe");
  }

  @Test
  void shouldRefuseWhenSignatureIsMadeBySha1() throws Exception {
    assertThat(refused(release.with("SHA-256", "SHA1withECDSA").sign(unsigned(fixture("1.0.0")))))
        .contains("made with an algorithm that is not safe")
        .contains("digest=SHA-1");
  }

  @Test
  void shouldRefuseWhenPackageHasExpired() throws Exception {
    PackageFixture fixture = fixture("1.0.0").set("/expires", "\"2020-01-01T00:00:00Z\"");

    assertThat(refused(signed(fixture))).startsWith("/expires: the package has expired");
  }

  @Test
  void shouldRefuseWhenExpiryWasTakenOut() throws Exception {
    PackageFixture fixture = fixture("1.0.0").set("/expires", "\"2020-01-01T00:00:00Z\"");
    Archive changed =
        Archive.of(signed(fixture)).put("SHOJI-INF/model.json", fixture("1.0.0").documentBytes());

    assertThat(refused(changed.bytes())).contains("an entry was changed after it was signed");
  }

  @Test
  void shouldRefuseWhenDowngraded() throws Exception {
    Bundle newer = install("newer", signed(fixture("2.0.0")));
    published("2.0.0");
    committed("2.0.0");
    newer.uninstall();
    await(() -> extender.packages().isEmpty());

    assertThat(refused(signed(fixture("1.0.0"))))
        .startsWith("/version: is a downgrade")
        .endsWith("committed=2.0.0 found=1.0.0");
  }

  @Test
  void shouldRefuseDowngradeWhenGatewayWasRestarted() throws Exception {
    Bundle newer = install("newer", signed(fixture("2.0.0")));
    published("2.0.0");
    committed("2.0.0");
    newer.uninstall();
    await(() -> extender.packages().isEmpty());
    extender.stop();
    extender = extender(SignaturePolicy.REQUIRE);

    assertThat(refused(signed(fixture("1.0.0")))).startsWith("/version: is a downgrade");
  }

  @Test
  void shouldKeepVersionBeforeWhenNewOneDeclaresNoFloor() throws Exception {
    Bundle bundle = install(signed(fixture("1.0.0")));
    published("1.0.0");
    update(bundle, signed(fixture("2.0.0")));
    published("2.0.0");
    committed("2.0.0");
    extender.stop();
    extender = extender(SignaturePolicy.REQUIRE);

    published("2.0.0");
    published("1.0.0");

    assertThat(extender.packages()).extracting(ModelPackage::retained).containsExactly(true, false);
    assertThat(extender.refusals()).isEmpty();
  }

  @Test
  void shouldRefuseToGoBackWhenCommittedVersionForbidsIt() throws Exception {
    Bundle bundle = install(signed(fixture("1.0.0")));
    published("1.0.0");
    update(bundle, signed(fixture("2.0.0").set("/minimumVersion", "\"2.0.0\"")));
    published("2.0.0");
    published("1.0.0");

    committed("2.0.0");

    await(() -> extender.packages().size() == 1);
    await(() -> !extender.refusals().isEmpty());
    assertThat(extender.refusals().get(0).reasons().get(0))
        .startsWith("/version: is below the floor of this model")
        .endsWith("minimum=2.0.0 found=1.0.0");
    assertThat(extender.refusals().get(0).origin()).endsWith("retained");
  }

  @Test
  void shouldHoldFloorAgainstUnsignedPackageThatWouldRaiseItWhenPolicyOnlyWarns() throws Exception {
    extender.stop();
    extender = extender(SignaturePolicy.WARN);
    install("newer", unsigned(fixture("9.0.0").set("/minimumVersion", "\"9.0.0\"")));
    published("9.0.0");

    committed("9.0.0");
    install("older", release.sign(fixture("1.0.0").jar("older.bundle").readAllBytes()));

    published("1.0.0");
    assertThat(extender.warnings()).hasSize(1);
    assertThat(extender.warnings().get(0).version().toString()).isEqualTo("9.0.0");
  }

  @Test
  void shouldWarnOfEverythingWhenPolicyOnlyWarns() throws Exception {
    extender.stop();
    extender = extender(SignaturePolicy.WARN);
    install(unsigned(fixture("1.0.0").set("/expires", "\"2020-01-01T00:00:00Z\"")));
    published("1.0.0");

    await(() -> !extender.warnings().isEmpty());

    assertThat(extender.refusals()).isEmpty();
    assertThat(extender.warnings().get(0).reasons())
        .satisfiesExactly(
            reason -> assertThat(reason).startsWith("signature: it is not signed"),
            reason -> assertThat(reason).startsWith("/expires: the package has expired"));
  }

  @Test
  void shouldSayNothingWhenPolicyIsOff() throws Exception {
    extender.stop();
    extender = extender(SignaturePolicy.OFF);
    install(unsigned(fixture("1.0.0").set("/expires", "\"2020-01-01T00:00:00Z\"")));

    published("1.0.0");

    assertThat(extender.warnings()).isEmpty();
    assertThat(extender.refusals()).isEmpty();
  }

  @Test
  void shouldStopServingWhatWasNeverSignedWhenPolicyBecomesRequire() throws Exception {
    extender.stop();
    extender = extender(SignaturePolicy.WARN);
    install(unsigned(fixture("1.0.0")));
    published("1.0.0");
    extender.stop();

    extender = extender(SignaturePolicy.REQUIRE);

    await(() -> extender.refusals().size() == 2);
    assertThat(extender.packages()).isEmpty();
    assertThat(extender.refusals().get(0).reasons().get(0))
        .startsWith("signature: it is not signed");
    assertThat(extender.refusals().get(1).reasons().get(0))
        .startsWith("signature: what is kept of the version before was never signed");
  }

  @Test
  void shouldGoOnWithVersionBeforeWhenUpdateIsNotSigned() throws Exception {
    Bundle bundle = install(signed(fixture("1.0.0")));
    published("1.0.0");

    update(bundle, unsigned(fixture("2.0.0")));

    await(() -> !extender.refusals().isEmpty());
    published("1.0.0");
    assertThat(extender.packages()).hasSize(1);
    assertThat(extender.refusals().get(0).reasons().get(0))
        .startsWith("signature: it is not signed");
  }

  @Test
  void shouldGoOnWhenAnchorsAreGoneAndRefuseWhatIsNew() throws Exception {
    install(signed(fixture("1.0.0")));
    published("1.0.0");
    extender.stop();
    Files.delete(anchors);

    extender = extender(SignaturePolicy.REQUIRE);
    published("1.0.0");
    await(() -> !extender.warnings().isEmpty());
    install("other", release.sign(new PackageFixture("fan", "1.0.0").jar("fan").readAllBytes()));
    await(() -> !extender.refusals().isEmpty());

    assertThat(extender.warnings().get(0).reasons().get(0))
        .startsWith("signature: the trust anchors are not there; it goes on");
    assertThat(extender.refusals().get(0).reasons().get(0))
        .contains("no trust anchor")
        .contains("trustAnchors cannot be read");
  }

  @Test
  void shouldStopServingWhenAnchorIsTakenAwayAndServeAgainWhenItIsBack() throws Exception {
    install(signed(fixture("1.0.0")));
    published("1.0.0");

    Files.writeString(anchors, stranger.pem());
    await(() -> extender.packages().isEmpty());
    await(() -> !extender.refusals().isEmpty());
    assertThat(extender.refusals().get(0).reasons().get(0)).contains("no trust anchor");

    Files.writeString(anchors, stranger.pem() + authority.pem());
    published("1.0.0");
    await(() -> extender.refusals().isEmpty());
  }

  @Test
  void shouldServeBothWhenKeysAreRotated() throws Exception {
    TestSigner nextAuthority = TestSigner.named("CN=Next CA").authority().make();
    TestSigner next = TestSigner.named("CN=Next release").by(nextAuthority).make();
    Files.writeString(anchors, authority.pem() + nextAuthority.pem());

    Bundle bundle = install(signed(fixture("1.0.0")));
    published("1.0.0");
    update(bundle, next.sign(unsigned(fixture("2.0.0"))));

    published("2.0.0");
    published("1.0.0");
  }
}
