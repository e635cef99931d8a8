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
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Whom to believe.
 *
 * @param certificates of authorities, or of signers themselves
 */
record Trust(Set<X509Certificate> certificates) {
  private static final long LARGEST = 16 << 20;

  /**
   * Reads certificates from PEM or PKCS #12 files.
   *
   * @param passwordFile of the PKCS #12 files
   * @throws CommandException USAGE
   */
  static Trust of(List<Path> files, Optional<Path> passwordFile) throws CommandException {
    Set<X509Certificate> found = new LinkedHashSet<>();
    for (Path file : files) {
      Set<X509Certificate> here = new LinkedHashSet<>();
      String name = String.valueOf(file.getFileName());
      if (name.endsWith(".p12") || name.endsWith(".pfx")) {
        addStore(file, passwordFile, here);
      } else {
        addPem(file, here);
      }
      if (here.isEmpty()) {
        throw Refusal.usage("the file holds no X.509 certificate that can be read file=" + file);
      }
      found.addAll(here);
    }
    return new Trust(found);
  }

  private static void addStore(Path file, Optional<Path> passwordFile, Set<X509Certificate> found)
      throws CommandException {
    if (passwordFile.isEmpty()) {
      throw Refusal.usage(
          "a PKCS #12 file has a password: give --trust-password-file, or the certificates as PEM file="
              + file);
    }
    KeyStore store = SigningKey.load(file, SigningKey.password(passwordFile.get()));
    try {
      for (String alias : Collections.list(store.aliases())) {
        if (store.getCertificate(alias) instanceof X509Certificate certificate) {
          found.add(certificate);
        }
      }
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("a key store that was loaded can be asked", e);
    }
  }

  private static void addPem(Path file, Set<X509Certificate> found) throws CommandException {
    try {
      if (Files.size(file) > LARGEST) {
        throw Refusal.usage("the file is too large for certificates file=" + file);
      }
      for (Certificate certificate :
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new ByteArrayInputStream(Files.readAllBytes(file)))) {
        if (certificate instanceof X509Certificate x509) {
          found.add(x509);
        }
      }
    } catch (CertificateException e) {
      throw new CommandException(
          io.shoji.cli.ExitCode.USAGE,
          "USAGE",
          "the file is no certificate in PEM (or DER): " + e.getMessage() + " file=" + file,
          e);
    } catch (IOException e) {
      throw new CommandException(
          io.shoji.cli.ExitCode.USAGE,
          "USAGE",
          "the certificates cannot be read: " + Refusal.explain(e) + " file=" + file,
          e);
    }
  }
}
