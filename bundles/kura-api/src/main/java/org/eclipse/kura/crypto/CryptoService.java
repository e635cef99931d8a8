/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.crypto;

import java.io.IOException;
import java.io.UnsupportedEncodingException;
import java.security.InvalidKeyException;
import java.security.NoSuchAlgorithmException;
import javax.crypto.BadPaddingException;
import javax.crypto.IllegalBlockSizeException;
import javax.crypto.NoSuchPaddingException;
import org.eclipse.kura.KuraException;
import org.osgi.annotation.versioning.ProviderType;

/** Encryption with the gateway's own key. */
@ProviderType
public interface CryptoService {
  /** Text of its Base64 form. */
  String decodeBase64(String text) throws NoSuchAlgorithmException, UnsupportedEncodingException;

  /** Decrypts what was encrypted with the gateway's key. */
  char[] decryptAes(char[] encrypted) throws KuraException;

  /** Decrypts what was encrypted with the gateway's key. */
  String decryptAes(String encrypted)
      throws NoSuchAlgorithmException,
          NoSuchPaddingException,
          InvalidKeyException,
          IOException,
          IllegalBlockSizeException,
          BadPaddingException;

  /** Base64 form of a text. */
  String encodeBase64(String text) throws NoSuchAlgorithmException, UnsupportedEncodingException;

  /** Encrypts with the gateway's key. */
  char[] encryptAes(char[] value) throws KuraException;

  /** Encrypts with the gateway's key. */
  String encryptAes(String value)
      throws NoSuchAlgorithmException,
          NoSuchPaddingException,
          InvalidKeyException,
          IllegalBlockSizeException,
          BadPaddingException;

  /** Password of a key store file, or null. */
  char[] getKeyStorePassword(String path);

  /** Hash of a text by an algorithm, hexadecimal. */
  String hash(String text, String algorithm)
      throws NoSuchAlgorithmException, UnsupportedEncodingException;

  /** Whether it is framework secure. */
  boolean isFrameworkSecure();

  /** Remembers the password of a key store file. */
  void setKeyStorePassword(String path, char[] password) throws KuraException;

  /** Remembers the password of a key store file. */
  void setKeyStorePassword(String path, String password) throws IOException;

  /** SHA-1 of a text, Base64. */
  default String sha1Hash(String text)
      throws NoSuchAlgorithmException, UnsupportedEncodingException {
    return hash(text, "SHA-1");
  }

  /** SHA-256 of a text, Base64. */
  default String sha256Hash(String text)
      throws NoSuchAlgorithmException, UnsupportedEncodingException {
    return hash(text, "SHA-256");
  }
}
