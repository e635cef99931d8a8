/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.keystore;

import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.NoSuchAlgorithmException;
import java.security.PrivateKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Base64;
import java.util.Locale;
import java.util.Map;
import javax.security.auth.x500.X500Principal;

/** Self-signed certificates (RFC 5280, version 1) and requests for certificates (RFC 2986). */
final class Certificates {
  /** As Kura's own are. */
  private static final Duration VALIDITY = Duration.ofDays(500);

  private static final int SERIAL_BITS = 127;

  /** Object identifiers of signatures, by Java's names (RFC 4055, RFC 5758). */
  private static final Map<String, String> RSA =
      Map.of(
          "SHA256WITHRSA", "1.2.840.113549.1.1.11",
          "SHA384WITHRSA", "1.2.840.113549.1.1.12",
          "SHA512WITHRSA", "1.2.840.113549.1.1.13",
          "SHA1WITHRSA", "1.2.840.113549.1.1.5");

  private static final Map<String, String> OTHERS =
      Map.of(
          "SHA256WITHECDSA", "1.2.840.10045.4.3.2",
          "SHA384WITHECDSA", "1.2.840.10045.4.3.3",
          "SHA512WITHECDSA", "1.2.840.10045.4.3.4",
          "ED25519", "1.3.101.112");

  private Certificates() {}

  /**
   * Makes a certificate for a key pair, signed with its own private key.
   *
   * @param signature as Java names it, for example {@code SHA256withRSA}
   * @throws GeneralSecurityException if the signature is unknown, or does not fit the key
   */
  static X509Certificate selfSigned(
      KeyPair pair, X500Principal subject, String signature, SecureRandom random, Clock clock)
      throws GeneralSecurityException {
    Instant now = clock.instant();
    byte[] algorithm = algorithm(signature);
    byte[] name = subject.getEncoded();
    byte[] unsigned =
        Der.sequence(
            Der.integer(new BigInteger(SERIAL_BITS, random).add(BigInteger.ONE)),
            algorithm,
            name,
            Der.sequence(Der.time(now), Der.time(now.plus(VALIDITY))),
            name,
            pair.getPublic().getEncoded());
    byte[] certificate = signed(unsigned, algorithm, pair.getPrivate(), signature);
    return (X509Certificate)
        CertificateFactory.getInstance("X.509")
            .generateCertificate(new ByteArrayInputStream(certificate));
  }

  /**
   * Makes a request for a certificate, in PEM.
   *
   * @throws GeneralSecurityException if the signature is unknown, or does not fit the key
   */
  static String request(KeyPair pair, X500Principal subject, String signature)
      throws GeneralSecurityException {
    byte[] unsigned =
        Der.sequence(
            Der.integer(BigInteger.ZERO),
            subject.getEncoded(),
            pair.getPublic().getEncoded(),
            Der.noAttributes());
    byte[] request = signed(unsigned, algorithm(signature), pair.getPrivate(), signature);
    Base64.Encoder lines = Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII));
    return "-----BEGIN CERTIFICATE REQUEST-----\n"
        + lines.encodeToString(request)
        + "\n-----END CERTIFICATE REQUEST-----\n";
  }

  private static byte[] signed(byte[] unsigned, byte[] algorithm, PrivateKey key, String signature)
      throws GeneralSecurityException {
    Signature signer = Signature.getInstance(signature);
    signer.initSign(key);
    signer.update(unsigned);
    return Der.sequence(unsigned, algorithm, Der.bits(signer.sign()));
  }

  private static byte[] algorithm(String signature) throws NoSuchAlgorithmException {
    String name = signature.toUpperCase(Locale.ROOT);
    if (RSA.containsKey(name)) {
      return Der.sequence(Der.identifier(RSA.get(name)), Der.nothing());
    }
    if (OTHERS.containsKey(name)) {
      return Der.sequence(Der.identifier(OTHERS.get(name)));
    }
    throw new NoSuchAlgorithmException(
        "no such signature asked="
            + signature
            + " known="
            + RSA.keySet()
            + " and "
            + OTHERS.keySet());
  }
}
