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

import io.shoji.model.ModelDescription;
import io.shoji.models.TrustMemory.Acceptance;
import io.shoji.models.UntrustedException.Kind;
import java.io.IOException;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Version;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The gateway's policy on signatures, applied: whose they are, whether that is enough, which
 * versions are too old, and what was accepted before.
 *
 * <p><b>Which time counts.</b> A signature without timestamp is judged by the time of now. A
 * gateway whose clock is dead starts in 1970, so that nothing would be valid: therefore the time is
 * never taken to be earlier than what trusted certificates prove, since each of them is younger
 * than its {@code notBefore}. While the clock is behind that, a signature is judged as of the
 * earliest moment that is possible at all. What was accepted once stays acceptable, whatever the
 * clock says and whatever expires; it has to be the same to the last signed byte, and the anchor
 * has to be there.
 *
 * <p>Thread safe.
 */
final class Signatures {
  private static final Logger log = LoggerFactory.getLogger(Signatures.class);

  private static final String VERSION_PLACE = "/version";

  private final SignaturePolicy policy;
  private final AnchorSources sources;
  private final Clock clock;

  // Guarded by this.
  private TrustMemory memory = TrustMemory.EMPTY;
  private @Nullable ContentStore store;

  Signatures(SignaturePolicy policy, AnchorSources sources, Clock clock) {
    this.policy = policy;
    this.sources = sources;
    this.clock = clock;
  }

  /** A policy that looks at nothing. */
  static Signatures off() {
    return new Signatures(SignaturePolicy.OFF, new AnchorSources(""), Clock.systemUTC());
  }

  SignaturePolicy policy() {
    return policy;
  }

  AnchorSources sources() {
    return sources;
  }

  /** Remembers in this store from now on, and what it remembers. */
  synchronized void open(ContentStore opened) throws StoreException {
    TrustMemory read = opened.readTrust();
    TrustMemory merged = read;
    for (Map.Entry<String, Acceptance> each : memory.accepted().entrySet()) {
      merged = merged.withAccepted(each.getKey(), each.getValue());
    }
    store = opened;
    memory = read;
    remember(merged);
  }

  private synchronized void remember(TrustMemory changed) throws StoreException {
    if (changed.equals(memory)) {
      return;
    }
    ContentStore open = store;
    if (open != null) {
      open.writeTrust(changed);
    }
    memory = changed;
  }

  private synchronized TrustMemory memory() {
    return memory;
  }

  /** The time, or a later one that has passed for certain. */
  Instant now() {
    return max(clock.instant(), attested(sources.read()));
  }

  private Instant attested(Anchors anchors) {
    return max(memory().attested(), SignerPath.notBefore(anchors.certificates()));
  }

  /** When a path must be valid. */
  private Instant at(List<X509Certificate> chain, Anchors anchors) {
    Instant attested = attested(anchors);
    Instant now = clock.instant();
    return now.isBefore(attested) ? max(attested, SignerPath.notBefore(chain)) : now;
  }

  private static Instant max(Instant a, Instant b) {
    return a.isAfter(b) ? a : b;
  }

  /**
   * Judges a bundle.
   *
   * @param read which entries are read to the end and compared with their digests; the others are
   *     left to the caller, who has the archive for it
   * @param cancelled asked now and then
   * @throws IOException if the bundle cannot be read
   */
  Judgement judge(SignedArchive.Entries entries, Predicate<String> read, BooleanSupplier cancelled)
      throws IOException {
    if (policy == SignaturePolicy.OFF) {
      return Judgement.NONE;
    }
    try {
      SignedArchive archive = SignedArchive.read(entries);
      archive.check(read, cancelled);
      Judgement judgement = judge(archive.manifestSha256(), archive.signers());
      return judgement.trusted() ? judgement.of(archive) : judgement;
    } catch (UntrustedException e) {
      if (e.kind() == Kind.UNSIGNED && isNoNews(sources.read())) {
        return Judgement.NONE;
      }
      return Judgement.against(
          e.kind() == Kind.UNSIGNED
              ? "it is not signed; have it signed by somebody whom this gateway trusts"
              : String.valueOf(e.getMessage()));
    }
  }

  /**
   * Judges by whoever of the signers is trusted.
   *
   * @param manifestSha256 digest of what they signed
   * @param signers their chains of certificates
   */
  Judgement judge(String manifestSha256, List<List<X509Certificate>> signers) {
    Anchors anchors = sources.read();
    Optional<Acceptance> before = Optional.ofNullable(memory().accepted().get(manifestSha256));
    UntrustedException failure = null;
    for (List<X509Certificate> chain : signers) {
      try {
        SignerPath.check(chain, anchors.certificates(), at(chain, anchors));
        return new Judgement(Optional.empty(), manifestSha256, chain, List.of(), List.of());
      } catch (UntrustedException e) {
        Optional<String> excuse = excuse(e.kind(), chain, before, anchors);
        if (excuse.isPresent()) {
          return new Judgement(
              Optional.empty(), manifestSha256, chain, List.of(), List.of(excuse.get()));
        }
        failure = failure == null || failure.kind() == Kind.UNKNOWN_SIGNER ? e : failure;
      }
    }
    if (failure == null) {
      throw new IllegalStateException("an archive that was read has a signer");
    }
    if (failure.kind() == Kind.UNKNOWN_SIGNER && isNoNews(anchors)) {
      return Judgement.NONE;
    }
    String more = anchors.missing().isEmpty() ? "" : " anchors=" + anchors.missing();
    return Judgement.against(failure.getMessage() + more);
  }

  /** As long as nobody says whom to trust, that nobody is trusted is worth no warning. */
  private boolean isNoNews(Anchors anchors) {
    return policy == SignaturePolicy.WARN && !anchors.configured();
  }

  /** Why something goes on though it would not be accepted anew. */
  private static Optional<String> excuse(
      Kind kind, List<X509Certificate> chain, Optional<Acceptance> before, Anchors anchors) {
    if (before.isEmpty() || !before.get().chain().equals(chain)) {
      return Optional.empty();
    }
    if (kind == Kind.UNKNOWN_SIGNER && !anchors.missing().isEmpty()) {
      return Optional.of(
          "the trust anchors are not there; it goes on since it was accepted before accepted="
              + before.get().at()
              + " anchors="
              + anchors.missing());
    }
    if (kind != Kind.EXPIRED && kind != Kind.NOT_YET_VALID) {
      return Optional.empty();
    }
    try {
      SignerPath.check(chain, anchors.certificates(), before.get().at());
      return Optional.of(
          (kind == Kind.EXPIRED
                  ? "a certificate of its signature has expired since it was accepted; it goes on, have"
                      + " the next version signed with a new one"
                  : "a certificate of its signature is not valid yet by the clock, and was when it was"
                      + " accepted; it goes on, set the clock")
              + " accepted="
              + before.get().at()
              + " "
              + SignerPath.facts(chain));
    } catch (UntrustedException e) {
      log.debug("what was accepted before is not any more", e);
      return Optional.empty();
    }
  }

  /**
   * Remembers that a bundle was accepted.
   *
   * @param modelSha256 digest of its {@code model.json}; empty for what is no model
   * @throws StoreException if that cannot be written; it is not remembered
   */
  void accepted(Judgement judgement, String modelSha256) throws StoreException {
    if (judgement.trusted()) {
      Anchors anchors = sources.read();
      synchronized (this) {
        remember(
            memory.withAccepted(
                judgement.manifestSha256(),
                new Acceptance(at(judgement.chain(), anchors), modelSha256, judgement.chain())));
      }
    }
  }

  /**
   * Raises the floor of a model, since a version of it was committed whose signature is trusted.
   *
   * @param minimum the floor that the version declares
   */
  void committed(String model, Version version, Optional<Version> minimum) {
    try {
      synchronized (this) {
        remember(memory.withFloor(model, version, minimum.orElse(Version.emptyVersion)));
      }
    } catch (StoreException e) {
      log.warn(
          "the floor of a model cannot be raised; an older version could be installed model={}"
              + " version={} minimum={}",
          model,
          version,
          minimum,
          e);
    }
  }

  /**
   * What of a package's own life speaks against installing it.
   *
   * @param known whether the gateway has taken these very contents before
   * @param against gets place and reason of each
   */
  void against(
      ModelDescription model, Release release, boolean known, BiConsumer<String, String> against) {
    Instant now = now();
    if (!known && release.expires().isPresent() && !release.expires().get().isAfter(now)) {
      against.accept(
          "/expires",
          "the package has expired and is not installed any more; get a newer one, or look at"
              + " the clock expires="
              + release.expires().get());
    }
    TrustMemory.Floor floor = memory().floor(model.name());
    if (model.version().compareTo(floor.declared()) < 0) {
      against.accept(VERSION_PLACE, belowFloor(model, floor));
    } else if (!known && model.version().compareTo(floor.committed()) < 0) {
      against.accept(
          VERSION_PLACE,
          "is a downgrade: a higher version was committed on this gateway, and this one is not"
              + " retained here; install the higher one, or have this one released anew with a version"
              + " above it committed="
              + floor.committed()
              + " found="
              + model.version());
    }
  }

  private static String belowFloor(ModelDescription model, TrustMemory.Floor floor) {
    return "is below the floor of this model: a version that was committed on this gateway"
        + " forbids everything older (minimumVersion); install a newer one minimum="
        + floor.declared()
        + " found="
        + model.version();
  }

  /** What is to be said of a package that serves and has expired meanwhile. */
  Optional<String> remark(Release release) {
    Instant now = now();
    return policy == SignaturePolicy.OFF
            || release.expires().isEmpty()
            || release.expires().get().isAfter(now)
        ? Optional.empty()
        : Optional.of(
            "/expires: the package has expired since it was installed; it goes on, install a newer one"
                + " expires="
                + release.expires().get());
  }

  /** Why contents that are in the store, and in no bundle any more, must not serve. */
  Optional<String> refusalOfKept(ModelDescription model) {
    if (policy != SignaturePolicy.REQUIRE) {
      return Optional.empty();
    }
    TrustMemory remembered = memory();
    TrustMemory.Floor floor = remembered.floor(model.name());
    if (model.version().compareTo(floor.declared()) < 0) {
      return Optional.of(VERSION_PLACE + ": " + belowFloor(model, floor));
    }
    Optional<Acceptance> before = remembered.acceptanceOf(model.sha256());
    if (before.isEmpty()) {
      return Optional.of(
          "signature: what is kept of the version before was never signed by somebody trusted; install"
              + " it signed");
    }
    Anchors anchors = sources.read();
    try {
      SignerPath.check(before.get().chain(), anchors.certificates(), before.get().at());
      return Optional.empty();
    } catch (UntrustedException e) {
      return e.kind() == Kind.UNKNOWN_SIGNER && !anchors.missing().isEmpty()
          ? Optional.empty()
          : Optional.of("signature: " + e.getMessage());
    }
  }
}
