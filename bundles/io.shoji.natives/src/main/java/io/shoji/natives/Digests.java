/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.natives;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Locale;

/** SHA-256 of something that is read piece by piece. */
final class Digests {
  /** A piece, bytes. */
  static final int CHUNK_BYTES = 64 * 1024;

  private final MessageDigest digest;

  Digests() {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  void update(byte[] bytes, int length) {
    digest.update(bytes, 0, length);
  }

  /** The digest so far, lower-case hex; starts over. */
  String hex() {
    StringBuilder hex = new StringBuilder(64);
    for (byte b : digest.digest()) {
      hex.append(String.format(Locale.ROOT, "%02x", b));
    }
    return hex.toString();
  }

  /** Digest of a file. */
  static String sha256(Path file) throws IOException {
    try (FileContent content = new FileContent(file)) {
      return sha256(content);
    }
  }

  /** Digest of an open file, from its start to its end. */
  static String sha256(FileContent content) throws IOException {
    Digests digest = new Digests();
    byte[] bytes = new byte[CHUNK_BYTES];
    long at = 0;
    for (int n = content.read(at, bytes, 0, bytes.length);
        n >= 0;
        n = content.read(at, bytes, 0, bytes.length)) {
      digest.update(bytes, n);
      at += n;
    }
    return digest.hex();
  }

  /** Digest of a text's UTF-8 bytes. */
  static String sha256(String text) {
    Digests digest = new Digests();
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    digest.update(bytes, bytes.length);
    return digest.hex();
  }
}
