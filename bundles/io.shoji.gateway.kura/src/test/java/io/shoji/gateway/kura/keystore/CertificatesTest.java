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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Date;
import javax.security.auth.x500.X500Principal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CertificatesTest {
  private static final X500Principal NAME = new X500Principal("CN=gw 1, O=Äcme, C=IT");

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({
    "RSA,SHA256withRSA",
    "RSA,SHA512withRSA",
    "EC,SHA256withECDSA",
    "EC,SHA384withECDSA",
    "Ed25519,Ed25519"
  })
  void shouldMakeCertificateThatJavaVerifies(String algorithm, String signature) throws Exception {
    KeyPair pair = KeyPairGenerator.getInstance(algorithm).generateKeyPair();
    X509Certificate certificate =
        Certificates.selfSigned(pair, NAME, signature, new SecureRandom(), Clock.systemUTC());
    certificate.verify(pair.getPublic());
    certificate.checkValidity();
    assertThat(certificate.getSubjectX500Principal()).isEqualTo(NAME);
    assertThat(certificate.getIssuerX500Principal()).isEqualTo(NAME);
    assertThat(certificate.getSerialNumber()).isPositive();
    assertThat(certificate.getSigAlgName()).containsIgnoringCase(signature.substring(0, 6));
  }

  @Test
  void shouldWriteTimesOfAnyCentury() throws Exception {
    KeyPair pair = KeyPairGenerator.getInstance("EC").generateKeyPair();
    Instant late = Instant.parse("2049-06-01T12:00:00Z");
    X509Certificate certificate =
        Certificates.selfSigned(
            pair, NAME, "SHA256withECDSA", new SecureRandom(), Clock.fixed(late, ZoneOffset.UTC));
    assertThat(certificate.getNotBefore()).isEqualTo(Date.from(late));
    assertThat(certificate.getNotAfter()).isEqualTo("2050-10-14T12:00:00.000Z");
  }

  @Test
  void shouldMakeRequestThatKeytoolReads() throws Exception {
    KeyPair pair = KeyPairGenerator.getInstance("RSA").generateKeyPair();
    Path file =
        Files.writeString(
            folder.resolve("request.pem"), Certificates.request(pair, NAME, "SHA256withRSA"));
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-J-Duser.language=en",
                "-printcertreq",
                "-file",
                file.toString())
            .redirectErrorStream(true)
            .start();
    String said = new String(keytool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(keytool.waitFor()).as(said).isZero();
    assertThat(said).contains("CN=gw 1").contains("2048");
  }

  @Test
  void shouldRefuseUnknownSignature() throws Exception {
    KeyPair pair = KeyPairGenerator.getInstance("RSA").generateKeyPair();
    assertThatThrownBy(() -> Certificates.request(pair, NAME, "MD5withRSA"))
        .isInstanceOf(NoSuchAlgorithmException.class)
        .hasMessageContaining("MD5withRSA");
  }
}
