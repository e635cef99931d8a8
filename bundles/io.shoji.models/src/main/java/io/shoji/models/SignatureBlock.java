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

import io.shoji.models.UntrustedException.Kind;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Set;

/**
 * Looks at which algorithms a signature block is made with, since Java does not tell and what it
 * accepts depends on its configuration. The block is a CMS SignedData (RFC 5652, sections 3 and 5)
 * in DER. Whether the signature is right is Java's to find out.
 */
final class SignatureBlock {
  private static final int SEQUENCE = 0x30;
  private static final int SET = 0x31;
  private static final int OBJECT = 0x06;
  private static final int CONTEXT_0 = 0xa0;
  private static final int CONTEXT_1 = 0xa1;

  private static final String SIGNED_DATA = "1.2.840.113549.1.7.2";

  /** SHA-256, SHA-384, SHA-512 (NIST CSOR). */
  private static final Set<String> DIGESTS =
      Set.of("2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.2.2", "2.16.840.1.101.3.4.2.3");

  /** RFC 8017 and 4056 (RSA), RFC 5758 (ECDSA), RFC 8419 (Ed25519). */
  private static final Set<String> SIGNATURES =
      Set.of(
          "1.2.840.113549.1.1.1",
          "1.2.840.113549.1.1.10",
          "1.2.840.113549.1.1.11",
          "1.2.840.113549.1.1.12",
          "1.2.840.113549.1.1.13",
          "1.2.840.10045.2.1",
          "1.2.840.10045.4.3.2",
          "1.2.840.10045.4.3.3",
          "1.2.840.10045.4.3.4",
          "1.3.101.112");

  /** Names of what is met and not taken. */
  private static final Map<String, String> NAMES =
      Map.of(
          "1.2.840.113549.2.5", "MD5",
          "1.3.14.3.2.26", "SHA-1",
          "1.2.840.113549.1.1.4", "MD5withRSA",
          "1.2.840.113549.1.1.5", "SHA1withRSA",
          "1.2.840.10045.4.1", "SHA1withECDSA",
          "1.2.840.10040.4.1", "DSA",
          "1.2.840.10040.4.3", "SHA1withDSA",
          "2.16.840.1.101.3.4.3.2", "SHA256withDSA");

  private SignatureBlock() {}

  /**
   * Checks that a block has one signer, and that it signs with algorithms that are safe.
   *
   * @throws UntrustedException WEAK, or INVALID if it is no such block
   */
  static void check(byte[] block) throws UntrustedException {
    try {
      ByteBuffer contentInfo = take(ByteBuffer.wrap(block), SEQUENCE);
      if (!oid(contentInfo).equals(SIGNED_DATA)) {
        throw invalid("is no CMS SignedData");
      }
      ByteBuffer signedData = take(take(contentInfo, CONTEXT_0), SEQUENCE);
      skip(signedData);
      take(signedData, SET);
      take(signedData, SEQUENCE);
      skipIf(signedData, CONTEXT_0);
      skipIf(signedData, CONTEXT_1);
      ByteBuffer signers = take(signedData, SET);
      ByteBuffer signer = take(signers, SEQUENCE);
      if (signers.hasRemaining()) {
        throw invalid("has more than one signer; each has a block of its own");
      }
      skip(signer);
      skip(signer);
      allow(DIGESTS, oid(take(signer, SEQUENCE)), "digest");
      skipIf(signer, CONTEXT_0);
      allow(SIGNATURES, oid(take(signer, SEQUENCE)), "signature");
    } catch (BufferUnderflowException | IllegalArgumentException e) {
      throw new UntrustedException(Kind.INVALID, "the signature block cannot be read", e);
    }
  }

  private static void allow(Set<String> allowed, String oid, String what)
      throws UntrustedException {
    if (!allowed.contains(oid)) {
      throw new UntrustedException(
          Kind.WEAK,
          "the signature is made with an algorithm that is not safe; sign anew with SHA-256 or longer"
              + " and RSA, ECDSA or Ed25519 "
              + what
              + "="
              + NAMES.getOrDefault(oid, oid));
    }
  }

  private static UntrustedException invalid(String what) {
    return new UntrustedException(Kind.INVALID, "the signature block " + what);
  }

  /** The content of the next element, which has this tag. */
  private static ByteBuffer take(ByteBuffer from, int tag) throws UntrustedException {
    int found = from.get() & 0xff;
    if (found != tag) {
      throw invalid("cannot be read asked=" + tag + " found=" + found);
    }
    return content(from);
  }

  private static void skip(ByteBuffer from) throws UntrustedException {
    from.get();
    content(from);
  }

  private static void skipIf(ByteBuffer from, int tag) throws UntrustedException {
    if (from.hasRemaining() && (from.get(from.position()) & 0xff) == tag) {
      skip(from);
    }
  }

  private static ByteBuffer content(ByteBuffer from) throws UntrustedException {
    int length = from.get() & 0xff;
    if (length >= 0x80) {
      int bytes = length & 0x7f;
      if (bytes == 0 || bytes > 3) {
        throw invalid("is not in DER");
      }
      length = 0;
      for (int i = 0; i < bytes; i++) {
        length = length << 8 | (from.get() & 0xff);
      }
    }
    if (length > from.remaining()) {
      throw invalid("is cut off");
    }
    ByteBuffer content = from.slice(from.position(), length);
    from.position(from.position() + length);
    return content;
  }

  private static String oid(ByteBuffer from) throws UntrustedException {
    ByteBuffer bytes = take(from, OBJECT);
    int first = bytes.get() & 0xff;
    StringBuilder oid =
        new StringBuilder()
            .append(Math.min(first / 40, 2))
            .append('.')
            .append(first - 40 * Math.min(first / 40, 2));
    long part = 0;
    while (bytes.hasRemaining()) {
      int next = bytes.get() & 0xff;
      part = part << 7 | (next & 0x7f);
      if (next < 0x80) {
        oid.append('.').append(part);
        part = 0;
      }
    }
    return oid.toString();
  }
}
