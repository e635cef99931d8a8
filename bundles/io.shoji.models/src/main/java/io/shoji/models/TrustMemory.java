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

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertificateEncodingException;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.osgi.framework.Version;

/**
 * What must outlive a restart of trust: what was accepted, when, and on whose word; below which
 * version each model must not fall; and a moment that has passed for certain. Immutable.
 *
 * @param attested a moment that has passed, by the word of somebody trusted
 * @param floors by name of the model
 * @param accepted by SHA-256 of the signed manifest, lower-case hex
 */
record TrustMemory(Instant attested, Map<String, Floor> floors, Map<String, Acceptance> accepted) {
  /** So many acceptances are kept, the latest; an older one only costs its holder a valid clock. */
  private static final int MOST_ACCEPTED = 256;

  static final TrustMemory EMPTY = new TrustMemory(Instant.EPOCH, Map.of(), Map.of());

  TrustMemory {
    floors = Map.copyOf(floors);
    accepted = Map.copyOf(accepted);
  }

  /**
   * Below what a model must not fall.
   *
   * @param committed highest version that was committed: nothing older is installed anew
   * @param declared the floor that a committed version declares: nothing older serves
   */
  record Floor(Version committed, Version declared) {
    static final Floor NONE = new Floor(Version.emptyVersion, Version.emptyVersion);
  }

  /**
   * An acceptance.
   *
   * @param at when, by the clock or what was known to be later
   * @param modelSha256 digest of the {@code model.json}; empty for what is no model
   * @param chain the signer's certificate, then those that vouch for it
   */
  record Acceptance(Instant at, String modelSha256, List<X509Certificate> chain) {
    Acceptance {
      chain = List.copyOf(chain);
    }
  }

  Floor floor(String model) {
    return floors.getOrDefault(model, Floor.NONE);
  }

  /** The acceptance of a model by the digest of its document; the latest of several. */
  Optional<Acceptance> acceptanceOf(String modelSha256) {
    return accepted.values().stream()
        .filter(a -> a.modelSha256().equals(modelSha256))
        .max(Comparator.comparing(Acceptance::at));
  }

  /** With one more acceptance; the first one of the same contents stays. */
  TrustMemory withAccepted(String manifestSha256, Acceptance acceptance) {
    if (accepted.containsKey(manifestSha256)) {
      return this;
    }
    Map<String, Acceptance> more = new TreeMap<>(accepted);
    more.put(manifestSha256, acceptance);
    while (more.size() > MOST_ACCEPTED) {
      more.entrySet().stream()
          .min(Comparator.comparing(e -> e.getValue().at()))
          .map(Map.Entry::getKey)
          .ifPresent(more::remove);
    }
    return new TrustMemory(later(SignerPath.notBefore(acceptance.chain())), floors, more);
  }

  /** With floors that are at least these. */
  TrustMemory withFloor(String model, Version committed, Version declared) {
    Floor before = floor(model);
    Floor raised = new Floor(max(before.committed(), committed), max(before.declared(), declared));
    if (raised.equals(before)) {
      return this;
    }
    Map<String, Floor> more = new TreeMap<>(floors);
    more.put(model, raised);
    return new TrustMemory(attested, more, accepted);
  }

  private Instant later(Instant moment) {
    return moment.isAfter(attested) ? moment : attested;
  }

  private static Version max(Version a, Version b) {
    return a.compareTo(b) >= 0 ? a : b;
  }

  /** As a file. */
  byte[] bytes() {
    JsonObject json = new JsonObject();
    json.addProperty("attested", attested.toString());
    JsonArray floorList = new JsonArray();
    new TreeMap<>(floors)
        .forEach(
            (model, floor) -> {
              JsonObject each = new JsonObject();
              each.addProperty("model", model);
              each.addProperty("committed", floor.committed().toString());
              each.addProperty("declared", floor.declared().toString());
              floorList.add(each);
            });
    json.add("floors", floorList);
    JsonArray acceptedList = new JsonArray();
    new TreeMap<>(accepted)
        .forEach(
            (manifest, acceptance) -> {
              JsonObject each = new JsonObject();
              each.addProperty("manifest", manifest);
              each.addProperty("at", acceptance.at().toString());
              each.addProperty("model", acceptance.modelSha256());
              JsonArray chain = new JsonArray();
              acceptance.chain().forEach(c -> chain.add(encoded(c)));
              each.add("chain", chain);
              acceptedList.add(each);
            });
    json.add("accepted", acceptedList);
    return json.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static String encoded(X509Certificate certificate) {
    try {
      return Base64.getEncoder().encodeToString(certificate.getEncoded());
    } catch (CertificateEncodingException e) {
      throw new IllegalStateException("a certificate that was read has its bytes", e);
    }
  }

  /** From a file; empty if it is not whole. */
  static Optional<TrustMemory> read(byte[] bytes) {
    Reasons reasons = new Reasons();
    Optional<Json> read = JsonReading.read(bytes, "trust", reasons);
    if (read.isEmpty() || !reasons.isEmpty()) {
      return Optional.empty();
    }
    try {
      Map<String, Floor> floors = new TreeMap<>();
      for (Json each : read.get().items("floors")) {
        floors.put(
            text(each, "model"),
            new Floor(
                Version.parseVersion(text(each, "committed")),
                Version.parseVersion(text(each, "declared"))));
      }
      Map<String, Acceptance> accepted = new TreeMap<>();
      for (Json each : read.get().items("accepted")) {
        accepted.put(
            text(each, "manifest"),
            new Acceptance(
                Instant.parse(text(each, "at")), text(each, "model"), chain(each.items("chain"))));
      }
      return Optional.of(
          new TrustMemory(Instant.parse(text(read.get(), "attested")), floors, accepted));
    } catch (IllegalArgumentException | DateTimeException | CertificateException e) {
      return Optional.empty();
    }
  }

  private static List<X509Certificate> chain(List<Json> encoded) throws CertificateException {
    CertificateFactory factory = CertificateFactory.getInstance("X.509");
    List<X509Certificate> chain = new ArrayList<>();
    for (Json each : encoded) {
      byte[] der = Base64.getDecoder().decode(each.text().orElse(""));
      chain.add((X509Certificate) factory.generateCertificate(new ByteArrayInputStream(der)));
    }
    if (chain.isEmpty()) {
      throw new CertificateException("no certificate");
    }
    return chain;
  }

  private static String text(Json json, String member) {
    return json.text(member)
        .orElseThrow(() -> new IllegalArgumentException("not there member=" + member));
  }
}
