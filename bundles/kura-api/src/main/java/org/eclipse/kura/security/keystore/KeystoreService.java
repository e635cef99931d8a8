/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.security.keystore;

import java.security.KeyPair;
import java.security.KeyStore;
import java.security.SecureRandom;
import java.security.cert.CRL;
import java.security.cert.CertStore;
import java.security.cert.X509CRL;
import java.security.spec.AlgorithmParameterSpec;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import javax.net.ssl.KeyManager;
import javax.security.auth.x500.X500Principal;
import org.eclipse.kura.KuraException;
import org.osgi.annotation.versioning.ProviderType;

/** A key store of the gateway. */
@ProviderType
public interface KeystoreService {
  /** Stores a certificate revocation list. */
  void addCRL(X509CRL crl) throws KuraException;

  /** Makes a key pair with a self-signed certificate under an alias. */
  void createKeyPair(
      String alias, String algorithm, int keySize, String signatureAlgorithm, String attributes)
      throws KuraException;

  /** Makes a key pair with a self-signed certificate under an alias. */
  void createKeyPair(
      String alias,
      String algorithm,
      int keySize,
      String signatureAlgorithm,
      String attributes,
      SecureRandom random)
      throws KuraException;

  /** Makes a key pair with a self-signed certificate under an alias. */
  void createKeyPair(
      String alias,
      String algorithm,
      AlgorithmParameterSpec keySize,
      String signatureAlgorithm,
      String attributes)
      throws KuraException;

  /** Makes a key pair with a self-signed certificate under an alias. */
  void createKeyPair(
      String alias,
      String algorithm,
      AlgorithmParameterSpec keySize,
      String signatureAlgorithm,
      String attributes,
      SecureRandom random)
      throws KuraException;

  /** Removes the entry of an alias. */
  void deleteEntry(String alias) throws KuraException;

  /** All aliases. */
  List<String> getAliases() throws KuraException;

  /** The revocation lists as a store. */
  CertStore getCRLStore() throws KuraException;

  /** The revocation lists. */
  Collection<CRL> getCRLs() throws KuraException;

  /** A certificate signing request, PEM. */
  String getCSR(String alias, X500Principal principal, String signatureAlgorithm)
      throws KuraException;

  /** A certificate signing request, PEM. */
  String getCSR(KeyPair alias, X500Principal principal, String signatureAlgorithm)
      throws KuraException;

  /** All entries by alias. */
  Map<String, KeyStore.Entry> getEntries() throws KuraException;

  /** The entry of an alias. */
  KeyStore.Entry getEntry(String alias) throws KuraException;

  /** Key managers over this key store. */
  List<KeyManager> getKeyManagers(String algorithm) throws KuraException;

  /** Key managers over this key store. */
  List<KeyManager> getKeyManagers(String algorithm, String password) throws KuraException;

  /** The key store itself. */
  KeyStore getKeyStore() throws KuraException;

  /** Stores an entry under an alias. */
  void setEntry(String alias, KeyStore.Entry entry) throws KuraException;
}
