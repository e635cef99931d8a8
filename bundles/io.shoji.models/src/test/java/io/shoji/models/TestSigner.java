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

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.ZipFile;
import javax.security.auth.x500.X500Principal;
import jdk.security.jarsigner.JarSigner;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.cert.CertIOException;
import org.bouncycastle.cert.X509v3CertificateBuilder;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;

/** Somebody who signs, with a key and a certificate that are as good or bad as a test wants. */
final class TestSigner {
  private static final AtomicLong SERIALS = new AtomicLong(1);

  final KeyPair keys;
  final List<X509Certificate> chain;
  private String digest = "SHA-256";
  private Optional<String> algorithm = Optional.empty();
  private String file = "SIGNER";

  private TestSigner(KeyPair keys, List<X509Certificate> chain) {
    this.keys = keys;
    this.chain = chain;
  }

  X509Certificate certificate() {
    return chain.get(0);
  }

  /** What a certificate says; a good signer's unless changed. */
  static final class Request {
    private final String name;
    private String key = "EC";
    private int bits = 256;
    private String algorithm = "SHA256withECDSA";
    private Instant notBefore = Instant.now().minus(Duration.ofDays(30));
    private Instant notAfter = Instant.now().plus(Duration.ofDays(365));
    private boolean authority;
    private int usage = KeyUsage.digitalSignature;
    private Optional<KeyPurposeId> purpose = Optional.of(KeyPurposeId.id_kp_codeSigning);
    private Optional<TestSigner> issuer = Optional.empty();

    private Request(String name) {
      this.name = name;
    }

    Request key(String kind, int size, String signature) {
      key = kind;
      bits = size;
      algorithm = signature;
      return this;
    }

    Request valid(Instant from, Instant to) {
      notBefore = from;
      notAfter = to;
      return this;
    }

    Request authority() {
      authority = true;
      usage = KeyUsage.keyCertSign;
      purpose = Optional.empty();
      return this;
    }

    Request usage(int bitsOfUsage) {
      usage = bitsOfUsage;
      return this;
    }

    Request purpose(KeyPurposeId id) {
      purpose = Optional.of(id);
      return this;
    }

    Request by(TestSigner authorityOfIt) {
      issuer = Optional.of(authorityOfIt);
      return this;
    }

    TestSigner make() {
      try {
        KeyPairGenerator generator = KeyPairGenerator.getInstance(key);
        generator.initialize(bits);
        KeyPair pair = generator.generateKeyPair();
        X500Principal subject = new X500Principal(name);
        X509v3CertificateBuilder builder =
            new JcaX509v3CertificateBuilder(
                issuer.map(i -> i.certificate().getSubjectX500Principal()).orElse(subject),
                BigInteger.valueOf(SERIALS.getAndIncrement()),
                Date.from(notBefore),
                Date.from(notAfter),
                subject,
                pair.getPublic());
        builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(authority));
        builder.addExtension(Extension.keyUsage, true, new KeyUsage(usage));
        if (purpose.isPresent()) {
          builder.addExtension(
              Extension.extendedKeyUsage, false, new ExtendedKeyUsage(purpose.get()));
        }
        X509Certificate certificate =
            new JcaX509CertificateConverter()
                .getCertificate(
                    builder.build(
                        new JcaContentSignerBuilder(algorithm)
                            .build(issuer.map(i -> i.keys).orElse(pair).getPrivate())));
        List<X509Certificate> path = new ArrayList<>(List.of(certificate));
        issuer.ifPresent(i -> path.addAll(i.chain));
        return new TestSigner(pair, path);
      } catch (GeneralSecurityException | OperatorCreationException | CertIOException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  static Request named(String name) {
    return new Request(name);
  }

  /** Signs with another digest, or signature, than is asked for. */
  TestSigner with(String otherDigest, String otherAlgorithm) {
    TestSigner other = new TestSigner(keys, chain);
    other.digest = otherDigest;
    other.algorithm = Optional.of(otherAlgorithm);
    return other;
  }

  /** Signs under another name. */
  TestSigner as(String name) {
    TestSigner other = new TestSigner(keys, chain);
    other.file = name;
    return other;
  }

  /** Signs an archive, by the JDK's own signer. */
  byte[] sign(byte[] jar) {
    try {
      Path unsigned = Files.createTempFile(Path.of("target"), "unsigned", ".jar");
      try {
        Files.write(unsigned, jar);
        JarSigner.Builder builder =
            new JarSigner.Builder(
                    keys.getPrivate(),
                    CertificateFactory.getInstance("X.509").generateCertPath(chain))
                .digestAlgorithm(digest)
                .signerName(file);
        if (algorithm.isPresent()) {
          builder.signatureAlgorithm(algorithm.get());
        }
        ByteArrayOutputStream signed = new ByteArrayOutputStream();
        try (ZipFile zip = new ZipFile(unsigned.toFile())) {
          builder.build().sign(zip, signed);
        }
        return signed.toByteArray();
      } finally {
        Files.delete(unsigned);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The certificate, as PEM. */
  String pem() {
    try {
      return "-----BEGIN CERTIFICATE-----\n"
          + Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(certificate().getEncoded())
          + "\n-----END CERTIFICATE-----\n";
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }
}
