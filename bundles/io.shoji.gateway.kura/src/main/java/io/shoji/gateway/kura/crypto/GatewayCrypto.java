/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.crypto;

import io.shoji.gateway.kura.Home;
import java.io.IOException;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Properties;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.crypto.CryptoService;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Encrypts with AES-GCM (128 bit tag, a fresh nonce of 12 bytes each time) and a key of 256 bits
 * that is made once and lies in a file for this user alone. An encrypted value reads {@code
 * BASE64(nonce)-BASE64(ciphertext and tag)}, as on Kura. Thread safe.
 */
@Component(
    name = "org.eclipse.kura.crypto.CryptoService",
    property = "kura.service.pid=org.eclipse.kura.crypto.CryptoService")
public final class GatewayCrypto implements CryptoService {
  private static final Logger log = LoggerFactory.getLogger(GatewayCrypto.class);

  private static final String CIPHER = "AES/GCM/NoPadding";
  private static final int TAG_BITS = 128;
  private static final int NONCE_BYTES = 12;
  private static final int KEY_BYTES = 32;

  /** What Kura gives for a store whose password nobody has set. */
  private static final String DEFAULT_STORE_PASSWORD = "changeit";

  private final SecureRandom random = new SecureRandom();
  private final SecretKey key;
  private final Path storePasswords;

  /**
   * Reads the key, or makes one.
   *
   * @throws IOException if the key's file cannot be read or written, or holds no key
   */
  @Activate
  public GatewayCrypto(BundleContext context) throws IOException {
    this(Home.of(context));
  }

  GatewayCrypto(Path home) throws IOException {
    Path data = Home.folder(home.resolve("data"));
    this.key = key(data.resolve("crypto.key"));
    this.storePasswords = data.resolve("store.save");
  }

  private SecretKey key(Path file) throws IOException {
    if (!Files.exists(file)) {
      byte[] fresh = new byte[KEY_BYTES];
      random.nextBytes(fresh);
      Home.write(
          file, Base64.getEncoder().encodeToString(fresh).getBytes(StandardCharsets.US_ASCII));
    }
    byte[] found;
    try {
      found = Base64.getDecoder().decode(Files.readString(file).strip());
    } catch (IllegalArgumentException e) {
      throw new IOException("the key's file is damaged file=" + file, e);
    }
    if (found.length != KEY_BYTES) {
      throw new IOException(
          "the key's file holds no key of "
              + KEY_BYTES
              + " bytes file="
              + file
              + " found="
              + found.length);
    }
    return new SecretKeySpec(found, "AES");
  }

  @Override
  public char[] encryptAes(char[] value) throws KuraException {
    byte[] nonce = new byte[NONCE_BYTES];
    random.nextBytes(nonce);
    try {
      Cipher cipher = Cipher.getInstance(CIPHER);
      cipher.init(Cipher.ENCRYPT_MODE, key, new GCMParameterSpec(TAG_BITS, nonce));
      ByteBuffer plain = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(value));
      byte[] bytes = new byte[plain.remaining()];
      plain.get(bytes);
      Base64.Encoder encoder = Base64.getEncoder();
      return (encoder.encodeToString(nonce) + "-" + encoder.encodeToString(cipher.doFinal(bytes)))
          .toCharArray();
    } catch (GeneralSecurityException | CharacterCodingException e) {
      throw new KuraException(KuraErrorCode.ENCODE_ERROR, e, "value");
    }
  }

  @Override
  public char[] decryptAes(char[] encrypted) throws KuraException {
    if (encrypted.length == 0) {
      return new char[0];
    }
    String text = new String(encrypted);
    int dash = text.indexOf('-');
    if (dash < 0 || dash != text.lastIndexOf('-')) {
      throw new KuraException(KuraErrorCode.DECODER_ERROR, "value");
    }
    try {
      byte[] nonce = Base64.getDecoder().decode(text.substring(0, dash));
      byte[] sealed = Base64.getDecoder().decode(text.substring(dash + 1));
      if (nonce.length != NONCE_BYTES || sealed.length < TAG_BITS / 8) {
        throw new KuraException(KuraErrorCode.DECODER_ERROR, "value");
      }
      Cipher cipher = Cipher.getInstance(CIPHER);
      cipher.init(Cipher.DECRYPT_MODE, key, new GCMParameterSpec(TAG_BITS, nonce));
      CharBuffer plain =
          StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(cipher.doFinal(sealed)));
      char[] chars = new char[plain.remaining()];
      plain.get(chars);
      return chars;
    } catch (GeneralSecurityException | CharacterCodingException | IllegalArgumentException e) {
      throw new KuraException(KuraErrorCode.DECODER_ERROR, e, "value");
    }
  }

  @Override
  @Deprecated
  public String encryptAes(String value) throws InvalidKeyException {
    try {
      return new String(encryptAes(value.toCharArray()));
    } catch (KuraException e) {
      throw new InvalidKeyException("not encrypted", e);
    }
  }

  @Override
  @Deprecated
  public String decryptAes(String encrypted) throws IOException {
    try {
      return new String(decryptAes(encrypted.toCharArray()));
    } catch (KuraException e) {
      throw new IOException("not encrypted with this gateway's key", e);
    }
  }

  @Override
  public @Nullable String encodeBase64(@Nullable String value) {
    return value == null
        ? null
        : Base64.getEncoder().encodeToString(value.getBytes(StandardCharsets.UTF_8));
  }

  @Override
  public @Nullable String decodeBase64(@Nullable String encoded) {
    return encoded == null
        ? null
        : new String(Base64.getDecoder().decode(encoded), StandardCharsets.UTF_8);
  }

  @Override
  public String hash(String value, String algorithm) throws NoSuchAlgorithmException {
    return Base64.getEncoder()
        .encodeToString(
            MessageDigest.getInstance(algorithm).digest(value.getBytes(StandardCharsets.UTF_8)));
  }

  @Override
  public synchronized char[] getKeyStorePassword(String path) {
    try {
      String encrypted = readStorePasswords().getProperty(path);
      if (encrypted != null) {
        return decryptAes(encrypted.toCharArray());
      }
    } catch (IOException | KuraException e) {
      log.warn("the password of a key store cannot be read; the default is used store={}", path, e);
    }
    return DEFAULT_STORE_PASSWORD.toCharArray();
  }

  @Override
  public synchronized void setKeyStorePassword(String path, char[] password) throws KuraException {
    try {
      Properties passwords = readStorePasswords();
      passwords.setProperty(path, new String(encryptAes(password)));
      StringWriter text = new StringWriter();
      passwords.store(text, null);
      Home.write(storePasswords, text.toString().getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new KuraException(KuraErrorCode.INTERNAL_ERROR, e, "store=" + path);
    }
  }

  @Override
  @Deprecated
  public void setKeyStorePassword(String path, String password) throws IOException {
    try {
      setKeyStorePassword(path, password.toCharArray());
    } catch (KuraException e) {
      throw new IOException("the password of a key store cannot be stored store=" + path, e);
    }
  }

  private Properties readStorePasswords() throws IOException {
    Properties passwords = new Properties();
    if (Files.exists(storePasswords)) {
      passwords.load(new StringReader(Files.readString(storePasswords)));
    }
    return passwords;
  }

  @Override
  public boolean isFrameworkSecure() {
    return false;
  }
}
