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

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Compiles small C libraries for tests, and damages them where no compiler would. */
final class Gcc {
  private static final boolean PRESENT = isPresent();

  private Gcc() {}

  private static boolean isPresent() {
    try {
      Process process = new ProcessBuilder("gcc", "--version").redirectErrorStream(true).start();
      process.getInputStream().readAllBytes();
      return process.waitFor() == 0;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  /** Skips the test where there is no compiler. */
  static void assumePresent() {
    assumeTrue(PRESENT, "gcc is not installed: this test compiles its own libraries");
  }

  /** Compiles and links; {@code arguments} come after the source, so that -l works. */
  static Path compile(Path output, String source, String... arguments) throws IOException {
    Files.createDirectories(output.toAbsolutePath().getParent());
    Path sources = Files.createDirectories(output.resolveSibling("c"));
    Path file = sources.resolve(output.getFileName() + ".c");
    Files.writeString(file, source);
    List<String> command =
        new ArrayList<>(List.of("gcc", "-O1", "-o", output.toString(), file.toString()));
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    try {
      if (!process.waitFor(1, TimeUnit.MINUTES) || process.exitValue() != 0) {
        throw new IOException("gcc failed: " + command + "\n" + said);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
    return output;
  }

  /** A shared library with a SONAME. */
  static Path library(Path output, String soname, String source, String... arguments)
      throws IOException {
    List<String> all =
        new ArrayList<>(
            List.of("-shared", "-fPIC", "-Wl,--build-id=sha1", "-Wl,-soname," + soname));
    all.addAll(List.of(arguments));
    return compile(output, source, all.toArray(new String[0]));
  }

  /** A library with one function {@code answer} that returns {@code value}. */
  static Path answering(Path output, String soname, int value, String... arguments)
      throws IOException {
    return library(output, soname, "int answer(void) { return " + value + "; }", arguments);
  }

  /** A copy of a file with other bytes at one place. */
  static Path patched(Path original, Path copy, int at, int... bytes) throws IOException {
    byte[] content = Files.readAllBytes(original);
    for (int i = 0; i < bytes.length; i++) {
      content[at + i] = (byte) bytes[i];
    }
    Files.createDirectories(copy.toAbsolutePath().getParent());
    return Files.write(copy, content);
  }

  /**
   * A copy of a file that needs another symbol version: the version's name in the string table and
   * its hash in the version needs are both replaced.
   */
  static Path withVersion(Path original, Path copy, String version, String other)
      throws IOException {
    byte[] content = Files.readAllBytes(original);
    byte[] from = (version + "\0").getBytes(StandardCharsets.US_ASCII);
    byte[] to = (other + "\0").getBytes(StandardCharsets.US_ASCII);
    if (from.length != to.length) {
      throw new IllegalArgumentException("of another length: " + version + " " + other);
    }
    int replaced = 0;
    for (int i = 0; i <= content.length - from.length; i++) {
      if (java.util.Arrays.equals(content, i, i + from.length, from, 0, from.length)) {
        System.arraycopy(to, 0, content, i, to.length);
        replaced++;
      }
    }
    ByteBuffer buffer = ByteBuffer.wrap(content).order(java.nio.ByteOrder.nativeOrder());
    int hashes = 0;
    for (int i = 0; i <= content.length - 4; i += 4) {
      if (buffer.getInt(i) == hash(version)) {
        buffer.putInt(i, hash(other));
        hashes++;
      }
    }
    if (replaced == 0 || hashes == 0) {
      throw new IllegalArgumentException("does not need " + version + ": " + original);
    }
    return Files.write(copy, content);
  }

  /** The hash function of the System V ABI. */
  private static int hash(String name) {
    int hash = 0;
    for (int i = 0; i < name.length(); i++) {
      hash = (hash << 4) + name.charAt(i);
      int high = hash & 0xf000_0000;
      hash = (hash ^ (high >>> 24)) & ~high;
    }
    return hash;
  }
}
