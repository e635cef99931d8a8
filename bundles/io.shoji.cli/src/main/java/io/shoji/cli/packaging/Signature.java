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
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.security.CodeSigner;
import java.security.GeneralSecurityException;
import java.security.InvalidAlgorithmParameterException;
import java.security.NoSuchAlgorithmException;
import java.security.cert.CertPath;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.CertificateParsingException;
import java.security.cert.PKIXParameters;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Date;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.Manifest;

/**
 * What an archive's signature is worth.
 *
 * @param state in a word
 * @param message in a sentence
 * @param subjects whom the signers' certificates name
 */
record Signature(State state, String message, List<String> subjects) {
  private static final String CODE_SIGNING = "1.3.6.1.5.5.7.3.3";
  private static final String ANY_USAGE = "2.5.29.37.0";

  /** How far it can be believed. */
  enum State {
    /** Every entry is as a signer who is trusted signed it. */
    TRUSTED,
    /** There is none. */
    UNSIGNED,
    /** Something is not as it was signed, or not signed. */
    INVALID,
    /** Every entry is as it was signed, by somebody whom no trust anchor vouches for. */
    UNKNOWN_SIGNER,
    /** The certificate of a trusted signer has expired. */
    EXPIRED
  }

  /** Copies. */
  Signature {
    subjects = List.copyOf(subjects);
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
    try (JarFile jar = new JarFile(file.toFile(), true)) {
      return of(jar, trust, Date.from(now));
    } catch (SecurityException e) {
      return invalid("an entry or the manifest is not as it was signed: " + e.getMessage());
    } catch (IOException e) {
      throw Refusal.io("the archive cannot be read", file, e);
    }
  }

  private static Signature of(JarFile jar, Optional<Trust> trust, Date now)
      throws IOException, InterruptedException {
    Manifest manifest = jar.getManifest();
    Set<String> digested = new TreeSet<>();
    if (manifest != null) {
      for (Map.Entry<String, Attributes> section : manifest.getEntries().entrySet()) {
        if (section.getValue().keySet().stream()
            .anyMatch(k -> k.toString().toUpperCase(Locale.ROOT).endsWith("-DIGEST"))) {
          digested.add(section.getKey());
        }
      }
    }
    List<JarEntry> entries = jar.stream().toList();
    if (entries.stream().noneMatch(e -> e.getName().matches("(?i)META-INF/[^/]*\\.SF"))) {
      return digested.isEmpty()
          ? new Signature(State.UNSIGNED, "not signed", List.of())
          : invalid(
              "the signature was taken away: the manifest holds digests, and META-INF no signature");
    }
    Set<CodeSigner> common = null;
    for (JarEntry entry : entries) {
      if (entry.isDirectory() || isOfSignature(entry.getName())) {
        continue;
      }
      try (InputStream in = jar.getInputStream(entry)) {
        in.transferTo(OutputStream.nullOutputStream());
      }
      if (Thread.interrupted()) {
        throw new InterruptedException();
      }
      digested.remove(entry.getName());
      CodeSigner[] signers = entry.getCodeSigners();
      if (signers == null || signers.length == 0) {
        return invalid(
            "an entry is not signed, or by an algorithm that is not safe any more entry="
                + entry.getName());
      }
      if (common == null) {
        common = new LinkedHashSet<>(Arrays.asList(signers));
      } else {
        common.retainAll(Arrays.asList(signers));
      }
    }
    if (!digested.isEmpty()) {
      return invalid("an entry that was signed is missing entry=" + digested.iterator().next());
    }
    if (common == null || common.isEmpty()) {
      return invalid("no signer signed all of it");
    }
    return judge(common, trust, now);
  }

  private static boolean isOfSignature(String name) {
    return name.equalsIgnoreCase(JarFile.MANIFEST_NAME) || isFile(name);
  }

  /** Whether an entry is a signature, and nothing that is signed. */
  static boolean isFile(String name) {
    return name.matches("(?i)META-INF/([^/]*\\.(SF|RSA|DSA|EC)|SIG-[^/]*)");
  }

  private static Signature invalid(String message) {
    return new Signature(State.INVALID, message, List.of());
  }

  /** The best that one of the signers can be. */
  private static Signature judge(Set<CodeSigner> signers, Optional<Trust> trust, Date now) {
    List<String> subjects = new ArrayList<>();
    Signature best = null;
    for (CodeSigner signer : signers) {
      X509Certificate certificate =
          (X509Certificate) signer.getSignerCertPath().getCertificates().get(0);
      subjects.add(certificate.getSubjectX500Principal().getName());
      Signature found = judge(signer, certificate, trust, now);
      if (best == null
          || found.state() == State.TRUSTED
          || (found.state() == State.EXPIRED && best.state() != State.TRUSTED)) {
        best = found;
      }
    }
    if (best == null) {
      throw new IllegalStateException("there is at least one signer");
    }
    return new Signature(best.state(), best.message(), subjects);
  }

  private static Signature judge(
      CodeSigner signer, X509Certificate certificate, Optional<Trust> trust, Date now) {
    String facts =
        " subject="
            + certificate.getSubjectX500Principal().getName()
            + " issuer="
            + certificate.getIssuerX500Principal().getName();
    if (trust.isEmpty()) {
      return new Signature(
          State.UNKNOWN_SIGNER,
          "every entry is as it was signed; name whom you trust with --trust" + facts,
          List.of());
    }
    Date at = now;
    if (signer.getTimestamp() != null
        && failure(signer.getTimestamp().getSignerCertPath(), trust.get(), now).isEmpty()) {
      at = signer.getTimestamp().getTimestamp();
    }
    if (!isForCode(certificate)) {
      return new Signature(
          State.UNKNOWN_SIGNER, "the certificate is not one for signing code" + facts, List.of());
    }
    Optional<String> failure = failure(signer.getSignerCertPath(), trust.get(), at);
    if (failure.isEmpty()) {
      return new Signature(State.TRUSTED, "signed" + facts, List.of());
    }
    Optional<Date> lastDay = lastDay(signer.getSignerCertPath());
    if (lastDay.isPresent()
        && lastDay.get().toInstant().isBefore(at.toInstant())
        && failure(signer.getSignerCertPath(), trust.get(), lastDay.get()).isEmpty()) {
      return new Signature(
          State.EXPIRED,
          "signed by a trusted signer whose certificate has expired; have it signed anew notAfter="
              + lastDay.get().toInstant()
              + facts,
          List.of());
    }
    return new Signature(
        State.UNKNOWN_SIGNER,
        "no trust anchor vouches for the signer: " + failure.get() + facts,
        List.of());
  }

  /** The last moment at which every certificate of a path was valid. */
  private static Optional<Date> lastDay(CertPath path) {
    return path.getCertificates().stream()
        .map(c -> ((X509Certificate) c).getNotAfter())
        .min(Date::compareTo);
  }

  private static boolean isForCode(X509Certificate certificate) {
    try {
      List<String> usages = certificate.getExtendedKeyUsage();
      boolean[] key = certificate.getKeyUsage();
      return (usages == null || usages.contains(CODE_SIGNING) || usages.contains(ANY_USAGE))
          && (key == null || key[0]);
    } catch (CertificateParsingException e) {
      return false;
    }
  }

  /** Why a path does not lead to a trust anchor; empty if it does. */
  private static Optional<String> failure(CertPath path, Trust trust, Date at) {
    List<Certificate> upToAnchor = new ArrayList<>();
    for (Certificate certificate : path.getCertificates()) {
      if (trust.certificates().contains(certificate)) {
        if (upToAnchor.isEmpty()) {
          // The signer itself is trusted.
          try {
            ((X509Certificate) certificate).checkValidity(at);
            return Optional.empty();
          } catch (GeneralSecurityException e) {
            return Optional.of(String.valueOf(e.getMessage()));
          }
        }
        break;
      }
      upToAnchor.add(certificate);
    }
    try {
      PKIXParameters parameters = new PKIXParameters(trust.anchors());
      parameters.setRevocationEnabled(false);
      parameters.setDate(at);
      CertPathValidator.getInstance("PKIX")
          .validate(
              CertificateFactory.getInstance("X.509").generateCertPath(upToAnchor), parameters);
      return Optional.empty();
    } catch (CertPathValidatorException e) {
      return Optional.of(String.valueOf(e.getMessage()));
    } catch (InvalidAlgorithmParameterException | NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java validates certificates by PKIX", e);
    } catch (GeneralSecurityException e) {
      return Optional.of("its certificates cannot be read: " + e.getMessage());
    }
  }
}
