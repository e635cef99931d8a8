/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.packaging;

import io.shoji.cli.CommandException;
import io.shoji.models.SignedArchive;
import io.shoji.models.SignerPath;
import io.shoji.models.UntrustedException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/**
 * What an archive's signature is worth, by the very code by which gateways judge.
 *
 * @param state in a word
 * @param message in a sentence
 * @param subjects whom the signers' certificates name
 */
record Signature(State state, String message, List<String> subjects) {
  /** How far it can be believed. */
  enum State {
    /** Every entry is as a signer who is trusted signed it. */
    TRUSTED,
    /** There is none. */
    UNSIGNED,
    /** Something is not as it was signed, or not signed. */
    INVALID,
    /** An algorithm or a key is too weak. */
    WEAK,
    /** Every entry is as it was signed, by somebody whom no trust anchor vouches for. */
    UNKNOWN_SIGNER,
    /** The certificate of a trusted signer has expired. */
    EXPIRED,
    /** The certificate of a trusted signer is not valid yet. */
    NOT_YET_VALID
  }

  /** Copies. */
  Signature {
    subjects = List.copyOf(subjects);
  }

  /** The entries of a file. */
  private record Entries(ZipFile zip) implements SignedArchive.Entries {
    @Override
    public Collection<String> names() {
      return zip.stream().filter(e -> !e.isDirectory()).map(ZipEntry::getName).toList();
    }

    @Override
    public Optional<InputStream> open(String name) throws IOException {
      ZipEntry entry = zip.getEntry(name);
      return entry == null ? Optional.empty() : Optional.of(zip.getInputStream(entry));
    }
  }

  /**
   * Reads an archive and looks at its signature. Whether certificates were revoked is not asked:
   * that takes a network.
   *
   * @param trust whom to believe; empty if nobody was named
   * @param now at which time certificates must be valid
   */
  static Signature of(Path file, Optional<Trust> trust, Instant now)
      throws CommandException, InterruptedException {
    try (ZipFile zip = new ZipFile(file.toFile())) {
      SignedArchive archive = SignedArchive.read(new Entries(zip));
      archive.check(name -> true, Thread::interrupted);
      return best(archive.signers(), trust, now);
    } catch (UntrustedException e) {
      return new Signature(
          State.valueOf(e.kind().name()), String.valueOf(e.getMessage()), List.of());
    } catch (CancellationException e) {
      InterruptedException interrupted = new InterruptedException(e.getMessage());
      interrupted.initCause(e);
      throw interrupted;
    } catch (IOException e) {
      throw Refusal.io("the archive cannot be read", file, e);
    }
  }

  /** The best that one of the signers can be. */
  private static Signature best(
      List<List<X509Certificate>> signers, Optional<Trust> trust, Instant now) {
    List<String> subjects = new ArrayList<>();
    Optional<Signature> best = Optional.empty();
    for (List<X509Certificate> chain : signers) {
      subjects.add(subject(chain.get(0)));
      Signature found = judge(chain, trust, now);
      if (best.isEmpty() || found.rank() < best.get().rank()) {
        best = Optional.of(found);
      }
    }
    return best.map(b -> new Signature(b.state(), b.message(), subjects)).orElseThrow();
  }

  /** Lower is better. */
  private int rank() {
    return switch (state) {
      case TRUSTED -> 0;
      case EXPIRED, NOT_YET_VALID -> 1;
      case WEAK -> 2;
      case UNKNOWN_SIGNER, UNSIGNED, INVALID -> 3;
    };
  }

  private static Signature judge(List<X509Certificate> chain, Optional<Trust> trust, Instant now) {
    String facts =
        SignerPath.facts(chain) + " chain=" + chain.stream().map(Signature::subject).toList();
    if (trust.isEmpty()) {
      return new Signature(
          State.UNKNOWN_SIGNER,
          "every entry is as it was signed; name whom you trust with --trust " + facts,
          List.of());
    }
    try {
      SignerPath.check(chain, trust.get().certificates(), now);
      return new Signature(State.TRUSTED, "signed " + facts, List.of());
    } catch (UntrustedException e) {
      return new Signature(
          State.valueOf(e.kind().name()), String.valueOf(e.getMessage()), List.of());
    }
  }

  private static String subject(X509Certificate certificate) {
    return certificate.getSubjectX500Principal().getName();
  }
}
