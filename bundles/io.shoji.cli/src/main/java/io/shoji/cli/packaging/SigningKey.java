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
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.UnrecoverableKeyException;
import java.security.cert.CertPath;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateFactory;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.Collections;
import java.util.Date;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Who signs.
 *
 * @param alias name of the entry in the key store
 * @param key of the first certificate
 * @param path that certificate, then those that vouch for it
 */
record SigningKey(String alias, PrivateKey key, CertPath path) {
  private static final int LONGEST_PASSWORD_FILE = 4096;

  /**
   * Takes a key out of a PKCS #12 file.
   *
   * @param alias which entry; empty for the only one that has a key
   * @param passwordFile its first line is the password of store and key
   * @param now the certificate must be valid then
   * @throws CommandException USAGE or BAD_KEY
   */
  static SigningKey of(Path keyStore, Optional<String> alias, Path passwordFile, Date now)
      throws CommandException {
    char[] password = password(passwordFile);
    try {
      KeyStore store = load(keyStore, password);
      List<String> keys =
          Collections.list(store.aliases()).stream().filter(a -> isKey(store, a)).sorted().toList();
      String chosen;
      if (alias.isPresent()) {
        // PKCS #12 stores of Java keep aliases in lower case.
        chosen =
            keys.stream()
                .filter(a -> a.equalsIgnoreCase(alias.get()))
                .findFirst()
                .orElseThrow(
                    () ->
                        bad(
                            "the key store has no key of that alias asked="
                                + alias.get()
                                + " found="
                                + keys
                                + " file="
                                + keyStore));
      } else if (keys.size() == 1) {
        chosen = keys.get(0);
      } else {
        throw bad(
            "say with --alias which key signs: the key store does not have exactly one found="
                + keys
                + " file="
                + keyStore);
      }
      return of(store, chosen, password, keyStore, now);
    } catch (GeneralSecurityException e) {
      throw Refusal.of(
          "BAD_KEY", "the key cannot be used: " + e.getMessage() + " file=" + keyStore, e);
    } finally {
      Arrays.fill(password, ' ');
    }
  }

  private static SigningKey of(
      KeyStore store, String alias, char[] password, Path keyStore, Date now)
      throws CommandException, GeneralSecurityException {
    PrivateKey key;
    try {
      key = (PrivateKey) store.getKey(alias, password);
    } catch (UnrecoverableKeyException e) {
      throw Refusal.of(
          "BAD_KEY",
          "the key has another password than the key store; give both the same one alias="
              + alias
              + " file="
              + keyStore,
          e);
    }
    Certificate[] chain = store.getCertificateChain(alias);
    if (key == null || chain == null || !(chain[0] instanceof X509Certificate signer)) {
      throw bad(
          "the entry has no key with an X.509 certificate alias=" + alias + " file=" + keyStore);
    }
    try {
      signer.checkValidity(now);
    } catch (CertificateExpiredException e) {
      throw Refusal.of(
          "BAD_KEY",
          "the certificate has expired; get a new one notAfter="
              + signer.getNotAfter().toInstant()
              + " subject="
              + signer.getSubjectX500Principal(),
          e);
    } catch (CertificateNotYetValidException e) {
      throw Refusal.of(
          "BAD_KEY",
          "the certificate is not valid yet; look at this machine's clock notBefore="
              + signer.getNotBefore().toInstant()
              + " now="
              + now.toInstant(),
          e);
    }
    CertPath path = CertificateFactory.getInstance("X.509").generateCertPath(Arrays.asList(chain));
    return new SigningKey(alias, key, path);
  }

  private static boolean isKey(KeyStore store, String alias) {
    try {
      return store.entryInstanceOf(alias, KeyStore.PrivateKeyEntry.class);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("a key store that was loaded can be asked", e);
    }
  }

  /** Opens a PKCS #12 file. */
  static KeyStore load(Path file, char[] password) throws CommandException {
    try (InputStream in = Files.newInputStream(file)) {
      KeyStore store = KeyStore.getInstance("PKCS12");
      store.load(in, password);
      return store;
    } catch (IOException e) {
      if (e.getCause() instanceof UnrecoverableKeyException) {
        throw Refusal.of("BAD_KEY", "the key store has another password file=" + file, e);
      }
      throw Refusal.of(
          "BAD_KEY",
          "the key store cannot be read, or is no PKCS #12 file: "
              + Refusal.explain(e)
              + " file="
              + file,
          e);
    } catch (CertificateException e) {
      throw Refusal.of("BAD_KEY", "a certificate in the key store cannot be read file=" + file, e);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java has PKCS #12", e);
    }
  }

  /** The first line of a file; empty is a password, too. */
  static char[] password(Path file) throws CommandException {
    try {
      if (Files.size(file) > LONGEST_PASSWORD_FILE) {
        throw Refusal.usage("a password file has one line file=" + file);
      }
      String text = Files.readString(file, StandardCharsets.UTF_8);
      return text.lines().findFirst().orElse("").toCharArray();
    } catch (IOException e) {
      throw new CommandException(
          io.shoji.cli.ExitCode.USAGE,
          "USAGE",
          "the password file cannot be read: " + Refusal.explain(e) + " file=" + file,
          e);
    }
  }

  /** Name of the signature's files: at most eight of A-Z, 0-9, _ and -, as the JAR format asks. */
  String signatureName() {
    String name = alias.toUpperCase(Locale.ROOT).replaceAll("[^A-Z0-9_-]", "_");
    return name.isEmpty() ? "SIGNER" : name.substring(0, Math.min(8, name.length()));
  }

  /** Whom the certificate names. */
  String subject() {
    return ((X509Certificate) path.getCertificates().get(0)).getSubjectX500Principal().getName();
  }

  private static CommandException bad(String message) {
    return Refusal.of("BAD_KEY", message);
  }
}
