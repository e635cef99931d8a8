/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.link;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.HexFormat;

/**
 * What a gateway tells the worker that it starts and nobody else, by which each side knows the
 * other. The secret itself never goes over the link: each side shows a digest of its own.
 */
public final class LinkSecret {
  private static final int BYTES = 32;

  private final byte[] bytes;

  private LinkSecret(byte[] bytes) {
    this.bytes = bytes;
  }

  /** A new one, from the system's random numbers. */
  public static LinkSecret random() {
    byte[] bytes = new byte[BYTES];
    new SecureRandom().nextBytes(bytes);
    return new LinkSecret(bytes);
  }

  /**
   * One as {@link #hex} gave it.
   *
   * @throws IllegalArgumentException if it is not 64 hexadecimal digits
   */
  public static LinkSecret of(String hex) {
    byte[] bytes = HexFormat.of().parseHex(hex);
    if (bytes.length != BYTES) {
      throw new IllegalArgumentException("a secret is 64 hexadecimal digits found=" + hex.length());
    }
    return new LinkSecret(bytes);
  }

  /** 64 hexadecimal digits, for the worker's eyes only. */
  public String hex() {
    return HexFormat.of().formatHex(bytes);
  }

  /** What the gateway shows of it. */
  String ofGateway() {
    return shown("gateway");
  }

  /** What the worker shows of it. */
  String ofWorker() {
    return shown("worker");
  }

  private String shown(String side) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(side.getBytes(StandardCharsets.US_ASCII));
      return HexFormat.of().formatHex(digest.digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  /** Whether something shown is what is asked, without telling by the time that it takes. */
  static boolean isSame(String shown, String asked) {
    return MessageDigest.isEqual(
        shown.getBytes(StandardCharsets.UTF_8), asked.getBytes(StandardCharsets.UTF_8));
  }

  /** Says nothing of it. */
  @Override
  public String toString() {
    return "LinkSecret";
  }
}
