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

import io.shoji.models.UntrustedException.Kind;
import java.security.GeneralSecurityException;
import java.security.InvalidAlgorithmParameterException;
import java.security.NoSuchAlgorithmException;
import java.security.PublicKey;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertPathValidatorException.BasicReason;
import java.security.cert.CertificateFactory;
import java.security.cert.CertificateParsingException;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Date;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Judges whether a signer's certificates lead to a trust anchor: PKIX (RFC 5280), a certificate for
 * signing code, and keys and algorithms that are safe whatever this Java is configured to accept.
 * Whether certificates were revoked is not asked, since that takes a network; an anchor that is
 * taken away ends the trust in it.
 */
public final class SignerPath {
  /** Least bits of an RSA key (NIST SP 800-131A). */
  private static final int RSA_BITS = 2048;

  /** Least bits of an elliptic curve. */
  private static final int EC_BITS = 256;

  private static final String CODE_SIGNING = "1.3.6.1.5.5.7.3.3";
  private static final String ANY_USAGE = "2.5.29.37.0";

  private SignerPath() {}

  /**
   * Checks a path.
   *
   * @param chain the signer's certificate, then those that vouch for it
   * @param anchors authorities, or signers themselves
   * @param at when certificates must be valid
   * @throws UntrustedException WEAK, UNKNOWN_SIGNER, EXPIRED or NOT_YET_VALID
   */
  public static void check(
      List<X509Certificate> chain, Collection<X509Certificate> anchors, Instant at)
      throws UntrustedException {
    X509Certificate signer = chain.get(0);
    checkUsage(signer);
    List<X509Certificate> path = new ArrayList<>();
    for (X509Certificate certificate : chain) {
      if (anchors.contains(certificate)) {
        break;
      }
      path.add(certificate);
    }
    if (path.isEmpty()) {
      checkKey(signer);
      checkDates(signer, at);
      return;
    }
    for (X509Certificate certificate : path) {
      checkKey(certificate);
      checkAlgorithm(certificate);
    }
    checkPath(path, anchors, at);
  }

  /** Who signed and who vouches for that, for messages. */
  public static String facts(List<X509Certificate> chain) {
    X509Certificate signer = chain.get(0);
    return "subject="
        + Reasons.quote(signer.getSubjectX500Principal().getName())
        + " issuer="
        + Reasons.quote(signer.getIssuerX500Principal().getName())
        + " notBefore="
        + signer.getNotBefore().toInstant()
        + " notAfter="
        + signer.getNotAfter().toInstant();
  }

  /** When the last of them begins to be valid: that moment has passed if they are genuine. */
  static Instant notBefore(Collection<X509Certificate> certificates) {
    return certificates.stream()
        .map(c -> c.getNotBefore().toInstant())
        .max(Instant::compareTo)
        .orElse(Instant.EPOCH);
  }

  private static void checkPath(
      List<X509Certificate> path, Collection<X509Certificate> anchors, Instant at)
      throws UntrustedException {
    Set<TrustAnchor> authorities = new LinkedHashSet<>();
    for (X509Certificate anchor : anchors) {
      if (anchor.getBasicConstraints() >= 0) {
        authorities.add(new TrustAnchor(anchor, null));
      }
    }
    if (authorities.isEmpty()) {
      throw unknown("no trust anchor is an authority or this signer", path, null);
    }
    try {
      PKIXParameters parameters = new PKIXParameters(authorities);
      parameters.setRevocationEnabled(false);
      parameters.setDate(Date.from(at));
      CertPathValidator.getInstance("PKIX")
          .validate(CertificateFactory.getInstance("X.509").generateCertPath(path), parameters);
    } catch (CertPathValidatorException e) {
      X509Certificate failed = path.get(Math.max(e.getIndex(), 0));
      if (e.getReason() == BasicReason.EXPIRED) {
        throw expired(failed);
      }
      if (e.getReason() == BasicReason.NOT_YET_VALID) {
        throw notYetValid(failed);
      }
      if (e.getReason() == BasicReason.ALGORITHM_CONSTRAINED) {
        throw new UntrustedException(
            Kind.WEAK,
            "Java does not take an algorithm of the signer's certificates"
                + " (jdk.certpath.disabledAlgorithms): "
                + Reasons.quote(String.valueOf(e.getMessage()))
                + " "
                + facts(path),
            e);
      }
      throw unknown(
          "no trust anchor vouches for the signer: "
              + Reasons.quote(String.valueOf(e.getMessage())),
          path,
          e);
    } catch (InvalidAlgorithmParameterException | NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java validates certificates by PKIX", e);
    } catch (GeneralSecurityException e) {
      throw unknown("the signer's certificates cannot be read", path, e);
    }
  }

  private static UntrustedException unknown(
      String what, List<X509Certificate> path, @Nullable Throwable cause) {
    return new UntrustedException(Kind.UNKNOWN_SIGNER, what + " " + facts(path), cause);
  }

  private static void checkDates(X509Certificate certificate, Instant at)
      throws UntrustedException {
    if (at.isAfter(certificate.getNotAfter().toInstant())) {
      throw expired(certificate);
    }
    if (at.isBefore(certificate.getNotBefore().toInstant())) {
      throw notYetValid(certificate);
    }
  }

  private static UntrustedException expired(X509Certificate certificate) {
    return new UntrustedException(
        Kind.EXPIRED,
        "the signer's certificate, or one that vouches for it, has expired; have it signed anew, or"
            + " look at the clock "
            + facts(List.of(certificate)));
  }

  private static UntrustedException notYetValid(X509Certificate certificate) {
    return new UntrustedException(
        Kind.NOT_YET_VALID,
        "the signer's certificate, or one that vouches for it, is not valid yet; wait, or look at the"
            + " clock "
            + facts(List.of(certificate)));
  }

  private static void checkUsage(X509Certificate signer) throws UntrustedException {
    boolean fits = false;
    try {
      List<String> usages = signer.getExtendedKeyUsage();
      boolean[] key = signer.getKeyUsage();
      fits =
          (usages == null || usages.contains(CODE_SIGNING) || usages.contains(ANY_USAGE))
              && (key == null || key[0]);
    } catch (CertificateParsingException e) {
      throw unknown("the signer's certificate cannot be read", List.of(signer), e);
    }
    if (!fits) {
      throw unknown(
          "the signer's certificate is not one for signing code; it needs the key usage"
              + " digitalSignature and the extended key usage codeSigning",
          List.of(signer),
          null);
    }
  }

  private static void checkKey(X509Certificate certificate) throws UntrustedException {
    PublicKey key = certificate.getPublicKey();
    Optional<String> weak = Optional.empty();
    if (key instanceof RSAPublicKey rsa) {
      int bits = rsa.getModulus().bitLength();
      weak = bits < RSA_BITS ? Optional.of("RSA bits=" + bits) : weak;
    } else if (key instanceof ECPublicKey ec) {
      int bits = ec.getParams().getCurve().getField().getFieldSize();
      weak = bits < EC_BITS ? Optional.of("EC bits=" + bits) : weak;
    } else if (!key.getAlgorithm().startsWith("Ed")) {
      weak = Optional.of(key.getAlgorithm());
    }
    if (weak.isPresent()) {
      throw new UntrustedException(
          Kind.WEAK,
          "a key is too weak; sign anew with RSA of at least "
              + RSA_BITS
              + " bits, a curve of at least "
              + EC_BITS
              + " bits or Ed25519 "
              + facts(List.of(certificate))
              + " key="
              + weak.get());
    }
  }

  private static void checkAlgorithm(X509Certificate certificate) throws UntrustedException {
    String algorithm = certificate.getSigAlgName();
    String upper = algorithm.toUpperCase(Locale.ROOT).replace("-", "");
    if (upper.startsWith("MD") || upper.startsWith("SHA1")) {
      throw new UntrustedException(
          Kind.WEAK,
          "a certificate is signed with an algorithm that is not safe; get a new one "
              + facts(List.of(certificate))
              + " algorithm="
              + algorithm);
    }
  }
}
