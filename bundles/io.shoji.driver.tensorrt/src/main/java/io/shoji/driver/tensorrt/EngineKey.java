/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.tensorrt;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What an engine is good for: the model, what it runs on, and how it was asked for. If any of it is
 * another, the engine is another. Immutable.
 */
final class EngineKey {
  /** Hexadecimal digits of a digest in the name of a folder. */
  private static final int DIGITS = 24;

  /** Names of the facts that are the device's. */
  static final String MACHINE = "machine";

  static final String COMPUTE_CAPABILITY = "computeCapability";
  static final String TENSORRT = "tensorRt";
  static final String CUDA = "cuda";
  static final String DRIVER = "driver";

  private static final Set<String> DEVICE =
      Set.of(MACHINE, COMPUTE_CAPABILITY, TENSORRT, CUDA, DRIVER);

  private final String model;
  private final SortedMap<String, String> facts;

  /**
   * A key.
   *
   * @param model SHA-256 of the model's file
   * @param facts all else, by name; without line breaks
   */
  EngineKey(String model, Map<String, String> facts) {
    this.model = model;
    this.facts = new TreeMap<>(facts);
    this.facts.put("model", model);
  }

  /** What the folders of all engines of the model begin with. */
  String modelPrefix() {
    return model.substring(0, Math.min(DIGITS, model.length())) + "-";
  }

  /** Name of the engine's folder. */
  String folder() {
    return modelPrefix() + sha256(text().getBytes(StandardCharsets.UTF_8)).substring(0, DIGITS);
  }

  /** The device and what drives it, without the model: a name. */
  String device() {
    SortedMap<String, String> own = new TreeMap<>(facts);
    own.keySet().retainAll(DEVICE);
    return sha256(own.toString().getBytes(StandardCharsets.UTF_8)).substring(0, DIGITS);
  }

  /** The facts, one {@code name=value} on each line, in the order of the names. */
  String text() {
    StringBuilder text = new StringBuilder();
    facts.forEach((name, value) -> text.append(name).append('=').append(value).append('\n'));
    return text.toString();
  }

  /** What differs from a key that was written as {@link #text}: {@code name: old -> new}. */
  String difference(String otherText) {
    SortedMap<String, String> other = new TreeMap<>();
    otherText
        .lines()
        .forEach(
            line -> {
              int equals = line.indexOf('=');
              if (equals > 0) {
                other.put(line.substring(0, equals), line.substring(equals + 1));
              }
            });
    StringBuilder difference = new StringBuilder();
    facts.forEach(
        (name, value) -> {
          String old = other.getOrDefault(name, "");
          if (!old.equals(value)) {
            difference
                .append(difference.length() == 0 ? "" : ", ")
                .append(name)
                .append(": ")
                .append(old)
                .append(" -> ")
                .append(value);
          }
        });
    return difference.toString();
  }

  /** SHA-256 of a file, lower-case hex. */
  static String sha256(Path file) throws IOException {
    MessageDigest digest = digest();
    byte[] piece = new byte[1 << 16];
    try (InputStream in = Files.newInputStream(file)) {
      for (int read = in.read(piece); read >= 0; read = in.read(piece)) {
        digest.update(piece, 0, read);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static String sha256(byte[] bytes) {
    return HexFormat.of().formatHex(digest().digest(bytes));
  }

  private static MessageDigest digest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }
}
