/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * Encrypts a sample as a file of its own: 8 bytes magic, 8 bytes that tell the gateway's key, 32
 * random bytes, 12 random bytes of nonce, then AES-256-GCM with a tag of 16 bytes (NIST SP
 * 800-38D). Each file has a key of its own, HMAC-SHA256 of the gateway's key over the 32 random
 * bytes, so no pair of key and nonce occurs twice. What stands before the cipher text, the model's
 * name and the number of the sample are authenticated: a file under another name is no good.
 */
final class SampleCipher {
  /** Bytes that a file has beyond its contents. */
  static final int OVERHEAD = 8 + 8 + 32 + 12 + 16;

  private static final byte[] MAGIC = "SHOJIFS1".getBytes(StandardCharsets.US_ASCII);
  private static final int ID = 8;
  private static final int SALT = 32;
  private static final int NONCE = 12;
  private static final int TAG = 16;
  private static final int HEADER = 8 + ID + SALT + NONCE;
  private static final SecureRandom RANDOM = new SecureRandom();

  private final byte[] key;
  private final byte[] id;

  /**
   * A cipher.
   *
   * @param key the gateway's, 32 bytes; copied
   */
  SampleCipher(byte[] key) {
    this.key = key.clone();
    this.id = Arrays.copyOf(mac(key, "id".getBytes(StandardCharsets.US_ASCII)), ID);
  }

  private static byte[] mac(byte[] key, byte[] data) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      return mac.doFinal(data);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java has HMAC-SHA256", e);
    }
  }

  /** The file of a sample. */
  byte[] encrypt(String model, long index, byte[] contents) {
    byte[] salt = new byte[SALT];
    byte[] nonce = new byte[NONCE];
    RANDOM.nextBytes(salt);
    RANDOM.nextBytes(nonce);
    ByteBuffer file = ByteBuffer.allocate(HEADER + contents.length + TAG);
    file.put(MAGIC).put(id).put(salt).put(nonce);
    try {
      cipher(Cipher.ENCRYPT_MODE, file.array(), model, index)
          .doFinal(ByteBuffer.wrap(contents), file);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java has AES-GCM", e);
    }
    return file.array();
  }

  /** Whether a file was encrypted with this gateway's key, as far as its head tells. */
  boolean made(byte[] file) {
    return file.length >= OVERHEAD
        && Arrays.equals(file, MAGIC.length, MAGIC.length + ID, id, 0, ID);
  }

  /** Whether something can be such a file at all. */
  static boolean plausible(byte[] file) {
    return file.length >= OVERHEAD && Arrays.equals(file, 0, MAGIC.length, MAGIC, 0, MAGIC.length);
  }

  /**
   * The contents of a file.
   *
   * @throws IOException if it was changed, or is not that sample's
   */
  byte[] decrypt(String model, long index, byte[] file) throws IOException {
    if (!plausible(file) || !made(file)) {
      throw new IOException("not a sample of this gateway bytes=" + file.length);
    }
    try {
      return cipher(Cipher.DECRYPT_MODE, file, model, index)
          .doFinal(file, HEADER, file.length - HEADER);
    } catch (AEADBadTagException e) {
      throw new IOException("the file was damaged, or is of another sample", e);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java has AES-GCM", e);
    }
  }

  private Cipher cipher(int mode, byte[] header, String model, long index)
      throws GeneralSecurityException {
    byte[] own = mac(key, Arrays.copyOfRange(header, MAGIC.length + ID, MAGIC.length + ID + SALT));
    Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
    cipher.init(
        mode,
        new SecretKeySpec(own, "AES"),
        new GCMParameterSpec(TAG * 8, header, HEADER - NONCE, NONCE));
    cipher.updateAAD(header, 0, HEADER);
    cipher.updateAAD(ByteBuffer.allocate(8).putLong(0, index));
    cipher.updateAAD(model.getBytes(StandardCharsets.UTF_8));
    Arrays.fill(own, (byte) 0);
    return cipher;
  }

  /** The cipher among some that made a file, or null. */
  static @Nullable SampleCipher of(byte[] file, Iterable<SampleCipher> ciphers) {
    for (SampleCipher each : ciphers) {
      if (each.made(file)) {
        return each;
      }
    }
    return null;
  }
}
