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

import io.shoji.model.BundleTrust;
import java.io.IOException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.osgi.framework.Bundle;
import org.osgi.framework.namespace.HostNamespace;
import org.osgi.framework.wiring.BundleWire;
import org.osgi.framework.wiring.BundleWiring;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Judges drivers, each with its fragments and the bundles of vendor libraries that it is wired to:
 * a signature of the driver alone would let anybody put another library under it. A bundle is read
 * once in each of its versions. Thread safe.
 */
final class DriverSignatures implements BundleTrust {
  private static final Logger log = LoggerFactory.getLogger(DriverSignatures.class);

  /** Of bundles with a vendor's library, see {@code io.shoji.natives}. */
  private static final String NATIVE = "io.shoji.native";

  /** So many bundles and sentences are remembered; then it begins anew, and reads or says again. */
  private static final int MOST = 64;

  private final Signatures signatures;
  private final Map<Long, Read> read = new ConcurrentHashMap<>();
  private final Set<String> told = ConcurrentHashMap.newKeySet();

  DriverSignatures(Signatures signatures) {
    this.signatures = signatures;
  }

  /** What was read of a bundle: nothing that holds the bundle. */
  private record Read(
      long lastModified, String manifestSha256, List<List<X509Certificate>> signers) {}

  @Override
  public Optional<String> refusal(Bundle driver) {
    if (signatures.policy() == SignaturePolicy.OFF) {
      return Optional.empty();
    }
    List<String> against = new ArrayList<>();
    for (Bundle bundle : with(driver)) {
      Judgement judgement = judge(bundle);
      String name = bundle.getSymbolicName() + " " + bundle.getVersion();
      judgement.against().forEach(reason -> against.add(name + ": " + reason));
      judgement.remarks().forEach(remark -> tell("a driver goes on", name, remark));
      try {
        signatures.accepted(judgement, "");
      } catch (StoreException e) {
        log.warn("that a driver was accepted cannot be remembered bundle={}", name, e);
      }
    }
    if (against.isEmpty()) {
      return Optional.empty();
    }
    String reason = String.join("; ", against);
    if (signatures.policy() == SignaturePolicy.REQUIRE) {
      return Optional.of(reason);
    }
    tell("a driver is used though its signature is not as it should be", "", reason);
    return Optional.empty();
  }

  private void tell(String what, String name, String reason) {
    if (told.size() >= MOST) {
      told.clear();
    }
    if (told.add(name + reason)) {
      log.warn("{} {}: {}", what, name, reason);
    }
  }

  private Judgement judge(Bundle bundle) {
    Read before = read.get(bundle.getBundleId());
    if (before != null && before.lastModified() == bundle.getLastModified()) {
      // Whom to trust may have changed, the bundle has not.
      return signatures.judge(before.manifestSha256(), before.signers());
    }
    if (read.size() >= MOST) {
      read.clear();
    }
    Judgement judgement;
    try {
      judgement = signatures.judge(new BundleEntries(bundle), name -> true, () -> false);
    } catch (IOException e) {
      return Judgement.against("it cannot be read: " + Reasons.quote(e.toString()));
    }
    judgement
        .archive()
        .ifPresent(
            signed ->
                read.put(
                    bundle.getBundleId(),
                    new Read(bundle.getLastModified(), signed.manifestSha256(), signed.signers())));
    return judgement;
  }

  private static Set<Bundle> with(Bundle driver) {
    Set<Bundle> bundles = new LinkedHashSet<>();
    bundles.add(driver);
    BundleWiring wiring = driver.adapt(BundleWiring.class);
    if (wiring != null) {
      for (BundleWire wire : wiring.getProvidedWires(HostNamespace.HOST_NAMESPACE)) {
        bundles.add(wire.getRequirer().getBundle());
      }
      for (BundleWire wire : wiring.getRequiredWires(NATIVE)) {
        bundles.add(wire.getProvider().getBundle());
      }
    }
    return bundles;
  }
}
