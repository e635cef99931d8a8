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
import io.shoji.model.TrustAnchors;
import io.shoji.testkit.FastFolder;
import io.shoji.testkit.Proof;
import io.shoji.testkit.SimulatedDisk;
import io.shoji.testkit.UnsyncedDisk;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Version;

/** What time does to signatures, and what is remembered of them. */
class SignaturesTest {
  private static final Instant NOW = Instant.parse("2026-11-22T12:00:00Z");

  private static TestSigner authority;
  private static TestSigner release;
  private static byte[] signed;

  @TempDir(factory = FastFolder.class)
  Path temp;

  private ContentStore store;
  private Path anchors;

  @BeforeAll
  static void keys() throws Exception {
    authority =
        TestSigner.named("CN=Works CA")
            .authority()
            .valid(NOW.minus(Duration.ofDays(1000)), NOW.plus(Duration.ofDays(5000)))
            .make();
    release =
        TestSigner.named("CN=Release")
            .valid(NOW.minus(Duration.ofDays(30)), NOW.plus(Duration.ofDays(365)))
            .by(authority)
            .make();
    signed = release.sign(new PackageFixture("pump", "1.0.0").jar("pump").readAllBytes());
  }

  @BeforeEach
  void open() throws Exception {
    store = ContentStore.open(temp.resolve("store"), new UnsyncedDisk());
    anchors = Files.writeString(temp.resolve("anchors.pem"), authority.pem());
  }

  @AfterEach
  void close() {
    store.close();
  }

  private Signatures at(Instant time) throws StoreException {
    Signatures signatures =
        new Signatures(
            SignaturePolicy.REQUIRE,
            new AnchorSources(anchors.toString()),
            Clock.fixed(time, ZoneOffset.UTC));
    signatures.open(store);
    return signatures;
  }

  private static Judgement judge(Signatures signatures, byte[] jar) throws IOException {
    return signatures.judge(Archive.of(jar), name -> true, () -> false);
  }

  private static ModelDescription model(String version) {
    PackageFixture fixture = new PackageFixture("pump", version, new Random(1), 100);
    byte[] document = fixture.documentBytes();
    return JsonReading.read(document, "model.json", new Reasons())
        .flatMap(json -> new DescriptionReader(json, new Reasons()).read(Digests.of(document)))
        .orElseThrow();
  }

  @Test
  void shouldAcceptWhenClockIsDead() throws Exception {
    assertThat(judge(at(Instant.EPOCH), signed).against()).isEmpty();
  }

  @Test
  void shouldGoOnWhenCertificateExpiresAfterAcceptance() throws Exception {
    Signatures before = at(NOW);
    before.accepted(judge(before, signed), "model");

    Judgement after = judge(at(NOW.plus(Duration.ofDays(2000))), signed);

    assertThat(after.against()).isEmpty();
    assertThat(after.remarks())
        .singleElement()
        .asString()
        .startsWith("a certificate of its signature has expired since it was accepted")
        .contains("accepted=2026-11-22T12:00:00Z");
  }

  @Test
  void shouldRefuseOthersWhenCertificateExpiresAfterAcceptance() throws Exception {
    Signatures before = at(NOW);
    before.accepted(judge(before, signed), "model");
    byte[] other = release.sign(new PackageFixture("fan", "1.0.0").jar("fan").readAllBytes());

    Judgement after = judge(at(NOW.plus(Duration.ofDays(2000))), other);

    assertThat(after.trusted()).isFalse();
    assertThat(after.against()).singleElement().asString().contains("has expired");
  }

  @Test
  void shouldRefuseWhenWhatWasAcceptedIsSignedAnewBySomebodyElse() throws Exception {
    Signatures before = at(NOW);
    before.accepted(judge(before, signed), "model");
    TestSigner stranger = TestSigner.named("CN=Somebody").make();
    byte[] again = stranger.sign(Archive.of(signed).remove("META-INF/SIGNER\\..*").bytes());

    assertThat(judge(at(NOW), again).against())
        .singleElement()
        .asString()
        .contains("no trust anchor");
  }

  @Test
  void shouldNotTakeClockBackBehindWhatTrustedCertificatesProve() throws Exception {
    Signatures before = at(NOW);
    before.accepted(judge(before, signed), "model");
    Instant back = NOW.minus(Duration.ofDays(500));

    // The release certificate, accepted before, is 30 days old at least.
    assertThat(at(back).now()).isEqualTo(NOW.minus(Duration.ofDays(30)));
    TestSigner old =
        TestSigner.named("CN=Old release")
            .valid(NOW.minus(Duration.ofDays(600)), NOW.minus(Duration.ofDays(100)))
            .by(authority)
            .make();
    byte[] frozen = old.sign(new PackageFixture("fan", "1.0.0").jar("fan").readAllBytes());
    assertThat(judge(at(back), frozen).against())
        .singleElement()
        .asString()
        .contains("has expired");
  }

  @Test
  void shouldGoOnWhenKeyStoreCannotBeReadAndRefuseOthers() throws Exception {
    Signatures before = at(NOW);
    before.accepted(judge(before, signed), "model");
    AnchorSources broken = new AnchorSources("");
    broken.add(
        new TrustAnchors() {
          @Override
          public String origin() {
            return "key store";
          }

          @Override
          public List<X509Certificate> certificates() throws IOException {
            throw new IOException("locked");
          }
        });
    Signatures after =
        new Signatures(SignaturePolicy.REQUIRE, broken, Clock.fixed(NOW, ZoneOffset.UTC));
    after.open(store);

    assertThat(judge(after, signed).remarks())
        .singleElement()
        .asString()
        .contains("the trust anchors are not there")
        .contains("locked");
    byte[] other = release.sign(new PackageFixture("fan", "1.0.0").jar("fan").readAllBytes());
    assertThat(judge(after, other).against()).singleElement().asString().contains("locked");
  }

  @Test
  void shouldReadAnchorsOfFolderWhenPathIsOne() throws Exception {
    Path folder = Files.createDirectory(temp.resolve("anchors"));
    Files.writeString(folder.resolve("a.pem"), authority.pem());
    Files.write(folder.resolve("b.der"), release.certificate().getEncoded());
    Files.writeString(folder.resolve("readme.txt"), "no certificate");

    Anchors read = new AnchorSources(folder.toString()).read();

    assertThat(read.certificates())
        .containsExactlyInAnyOrder(authority.certificate(), release.certificate());
    assertThat(read.missing()).isEmpty();
  }

  @Test
  void shouldSayWhatIsMissingWhenAnchorsAreNone() throws Exception {
    Files.writeString(anchors, "no certificate");

    assertThat(new AnchorSources(anchors.toString()).read().missing())
        .singleElement()
        .asString()
        .contains("trustAnchors cannot be read");
    assertThat(new AnchorSources("").read().missing())
        .singleElement()
        .asString()
        .contains("nobody is trusted yet");
  }

  @Test
  void shouldRaiseFloorsOnlyUpwards() throws Exception {
    Signatures signatures = at(NOW);
    signatures.committed("pump", new Version("2.0.0"), Optional.of(new Version("1.5.0")));
    signatures.committed("pump", new Version("1.8.0"), Optional.of(new Version("1.2.0")));
    signatures = at(NOW);

    assertThat(against(signatures, "1.9.0", false)).containsExactly("/version");
    assertThat(against(signatures, "1.9.0", true)).isEmpty();
    assertThat(against(signatures, "1.4.0", true)).containsExactly("/version");
    assertThat(against(signatures, "2.0.0", false)).isEmpty();
  }

  private static List<String> against(Signatures signatures, String version, boolean known) {
    List<String> places = new ArrayList<>();
    signatures.against(model(version), Release.NONE, known, (place, reason) -> places.add(place));
    return places;
  }

  @Test
  void shouldBeginAnewWhenMemoryIsDamaged() throws Exception {
    at(NOW).committed("pump", new Version("2.0.0"), Optional.empty());
    Files.writeString(temp.resolve("store/trust.json"), "{\"attested\":");

    assertThat(store.readTrust()).isEqualTo(TrustMemory.EMPTY);
  }

  @Test
  void shouldKeepMemoryBoundedWhenMuchIsAccepted() {
    TrustMemory memory = TrustMemory.EMPTY;
    for (int i = 0; i < 300; i++) {
      memory =
          memory.withAccepted(
              "digest" + i,
              new TrustMemory.Acceptance(NOW.plusSeconds(i), "model" + i, release.chain));
    }

    assertThat(memory.accepted())
        .hasSize(256)
        .containsKey("digest299")
        .doesNotContainKey("digest43");
    assertThat(memory.bytes().length).isLessThan(1 << 20);
    assertThat(TrustMemory.read(memory.bytes())).contains(memory);
  }

  @Test
  void shouldHaveOldOrNewFloorWhenPowerGoesAtAnyChange() throws Exception {
    Path parent = Files.createDirectory(temp.resolve("lives"));
    SimulatedDisk disk = new SimulatedDisk(parent);
    TrustMemory first =
        TrustMemory.EMPTY.withFloor("pump", new Version("1.0.0"), Version.emptyVersion);
    TrustMemory second = first.withFloor("pump", new Version("2.0.0"), new Version("2.0.0"));
    int before;
    try (ContentStore live = ContentStore.open(parent.resolve("store"), disk)) {
      live.writeTrust(first);
      before = disk.done();
      live.writeTrust(second);
    }
    assertThat(disk.done()).isGreaterThan(before);
    Path work = Files.createDirectory(temp.resolve("work"));
    Random random = new Random(17);
    int most = Proof.rounds(16, 256);

    for (int after = before; after <= disk.done(); after++) {
      boolean last = after == disk.done();
      disk.powerCuts(
          after,
          most,
          work,
          random,
          (image, what) -> {
            try (ContentStore again =
                ContentStore.open(image.resolve("store"), new UnsyncedDisk())) {
              assertThat(again.readTrust())
                  .as(what)
                  .isIn(last ? List.of(second) : List.of(first, second));
            }
          });
    }
  }

  @Test
  void shouldRefuseBlockWhenItIsNoSignature() {
    for (byte[] block :
        List.of(
            new byte[0],
            new byte[] {0x30},
            new byte[] {0x30, (byte) 0x80, 0, 0},
            new byte[] {0x30, (byte) 0x84, 0x7f, 0x7f, 0x7f, 0x7f},
            new byte[] {0x30, 3, 6, 1, 42},
            "text".getBytes(StandardCharsets.UTF_8))) {
      assertThatThrownBy(() -> SignatureBlock.check(block))
          .isInstanceOf(UntrustedException.class)
          .hasMessageContaining("signature block");
    }
  }

  @Test
  void shouldVerifyArchiveWhenEveryEntryIsLarge() throws Exception {
    byte[] large = PackageFixture.random(new Random(3), 3 << 20);
    Archive archive = new Archive();
    archive.put(
        "META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\n\r\n".getBytes(StandardCharsets.UTF_8));
    archive.put("bundles/model.jar", large);
    Archive good = Archive.of(release.sign(archive.bytes()));

    assertThat(SignedArchive.read(good).signers()).containsExactly(release.chain);

    large[5]++;
    good.put("bundles/model.jar", large);
    assertThatThrownBy(() -> SignedArchive.read(good))
        .isInstanceOf(UntrustedException.class)
        .hasMessageContaining("the signature does not hold");
  }

  @Test
  void shouldWarnOnlyOfWhatWasChangedWhenNobodySaysWhomToTrust() throws Exception {
    Signatures signatures =
        new Signatures(
            SignaturePolicy.WARN, new AnchorSources(""), Clock.fixed(NOW, ZoneOffset.UTC));
    byte[] unsigned = new PackageFixture("pump", "1.0.0").jar("pump").readAllBytes();

    assertThat(judge(signatures, unsigned)).isEqualTo(Judgement.NONE);
    assertThat(judge(signatures, signed)).isEqualTo(Judgement.NONE);
    assertThat(
            judge(signatures, Archive.of(signed).remove("META-INF/SIGNER\\..*").bytes()).against())
        .singleElement()
        .asString()
        .contains("the signature was taken away");
  }
}
