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
import io.shoji.models.PackageInstaller.Taken;
import io.shoji.testkit.FastFolder;
import io.shoji.testkit.Proof;
import io.shoji.testkit.UnsyncedDisk;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleException;
import org.osgi.framework.wiring.BundleRevision;

/**
 * Every byte of a small signed package, flipped once: the framework cannot open it, or it is
 * refused, or, where the byte means nothing, what is served is what was signed, to the last byte.
 */
class FlippedByteTest {
  @TempDir(factory = FastFolder.class)
  Path temp;

  private final PackageFixture fixture = new PackageFixture("pump", "1.0.0", new Random(5), 60);

  /** What came of one flip. */
  private enum Outcome {
    NOT_OPENED,
    NO_PACKAGE,
    SIGNATURE_REFUSED,
    CONTENT_REFUSED,
    SERVED_AS_SIGNED
  }

  @Test
  void shouldServeNothingButWhatWasSignedWhenAnyByteIsFlipped() throws Exception {
    TestSigner authority = TestSigner.named("CN=Works CA").authority().make();
    TestSigner release = TestSigner.named("CN=Release").by(authority).make();
    Path anchors = Files.writeString(temp.resolve("anchors.pem"), authority.pem());
    byte[] good = release.sign(fixture.jar("pump.bundle").readAllBytes());
    int step = Proof.rounds(61, 1);
    Map<Outcome, Integer> outcomes = new TreeMap<>();
    try (RunningFelix felix = new RunningFelix(temp.resolve("cache"));
        ContentStore store = ContentStore.open(temp.resolve("store"), new UnsyncedDisk())) {
      Signatures signatures =
          new Signatures(
              SignaturePolicy.REQUIRE, new AnchorSources(anchors.toString()), Clock.systemUTC());
      signatures.open(store);
      PackageInstaller installer = new PackageInstaller(store, signatures, "test");
      assertThat(outcome(felix, store, signatures, installer, good))
          .isEqualTo(Outcome.SERVED_AS_SIGNED);

      for (int at = 0; at < good.length; at += step) {
        byte[] flipped = good.clone();
        // Every bit has its turn.
        flipped[at] ^= (byte) (1 << at % 8);
        Outcome outcome = outcome(felix, store, signatures, installer, flipped);
        outcomes.merge(outcome, 1, Integer::sum);
      }
    }
    int flips = outcomes.values().stream().mapToInt(Integer::intValue).sum();
    System.out.println("flipped bytes=" + flips + " of=" + good.length + " " + outcomes);
    assertThat(flips).isEqualTo((good.length + step - 1) / step);
    assertThat(outcomes.get(Outcome.SIGNATURE_REFUSED)).isPositive();
  }

  private Outcome outcome(
      RunningFelix felix,
      ContentStore store,
      Signatures signatures,
      PackageInstaller installer,
      byte[] jar)
      throws Exception {
    Bundle bundle;
    try {
      bundle = felix.context().installBundle("test:pump", new ByteArrayInputStream(jar));
    } catch (BundleException e) {
      return Outcome.NOT_OPENED;
    }
    try {
      if (!felix.resolve(bundle)) {
        return Outcome.NOT_OPENED;
      }
      List<Map<String, Object>> capabilities =
          bundle.adapt(BundleRevision.class).getDeclaredCapabilities("io.shoji.model").stream()
              .map(c -> c.getAttributes())
              .toList();
      if (capabilities.isEmpty() && bundle.getEntry("SHOJI-INF/model.json") == null) {
        return Outcome.NO_PACKAGE;
      }
      return judged(store, signatures, installer, bundle, capabilities);
    } finally {
      bundle.uninstall();
      for (String owner : store.owners()) {
        store.forget(owner);
      }
      store.collect();
    }
  }

  private Outcome judged(
      ContentStore store,
      Signatures signatures,
      PackageInstaller installer,
      Bundle bundle,
      List<Map<String, Object>> capabilities)
      throws StoreException, IOException {
    PackageSource source =
        path -> {
          URL entry = bundle.getEntry("SHOJI-INF/" + path);
          return entry == null ? Optional.empty() : Optional.of(entry.openStream());
        };
    Judgement judgement;
    try {
      judgement =
          signatures.judge(new BundleEntries(bundle), PackageInstaller::isJudged, () -> false);
    } catch (IOException e) {
      return Outcome.SIGNATURE_REFUSED;
    }
    Reasons reasons = new Reasons();
    Optional<Taken> taken =
        installer.install(
            new PackageInstaller.Origin(
                bundle.getBundleId(),
                "pump 1.0.0",
                bundle.getLocation(),
                bundle.getLastModified(),
                capabilities,
                source),
            judgement,
            reasons,
            () -> false);
    if (taken.isEmpty()) {
      assertThat(reasons.list()).isNotEmpty();
      return judgement.against().isEmpty() ? Outcome.CONTENT_REFUSED : Outcome.SIGNATURE_REFUSED;
    }
    assertAsSigned(store, taken.get().description());
    return Outcome.SERVED_AS_SIGNED;
  }

  private void assertAsSigned(ContentStore store, ModelDescription model)
      throws StoreException, IOException {
    assertThat(model.sha256()).isEqualTo(Digests.of(fixture.documentBytes()));
    for (ModelVariant variant : model.variants()) {
      Path folder = store.view(View.of(variant));
      for (ModelFile file : variant.files()) {
        assertThat(folder.resolve(file.path())).hasBinaryContent(fixture.files.get(file.path()));
      }
    }
    ModelFile golden = model.golden().orElseThrow().file();
    try (InputStream in = Files.newInputStream(store.path(golden))) {
      assertThat(in.readAllBytes()).isEqualTo(fixture.files.get(golden.path()));
    }
  }
}
