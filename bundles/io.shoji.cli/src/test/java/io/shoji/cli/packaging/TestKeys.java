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

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Optional;

/** Keys for tests, made by the JDK's keytool: made once. */
final class TestKeys {
  private static final String PASSWORD = "correct horse";

  private static Optional<TestKeys> made = Optional.empty();

  final Path folder;

  private TestKeys(Path folder) {
    this.folder = folder;
  }

  /** An authority {@code ca}, a key {@code Release} that it vouches for, and others. */
  Path store() {
    return folder.resolve("keys.p12");
  }

  Path passwordFile() {
    return folder.resolve("password.txt");
  }

  /** The authority's certificate. */
  Path authority() {
    return folder.resolve("ca.pem");
  }

  /** Certificate of a signer by itself, whom no authority vouches for. */
  Path other() {
    return folder.resolve("other.pem");
  }

  /** Certificate of a signer, which was valid until the day before yesterday. */
  Path expired() {
    return folder.resolve("expired.pem");
  }

  static synchronized TestKeys get() throws Exception {
    if (made.isEmpty()) {
      TestKeys keys = new TestKeys(Files.createTempDirectory(Path.of("target"), "keys"));
      Files.writeString(keys.passwordFile(), PASSWORD + "\n");
      keys.generate("ca", "CN=Test CA", "-ext", "bc:c", "-ext", "ku=keyCertSign");
      keys.generate(
          "release",
          "CN=Release, O=Works",
          "-signer",
          "ca",
          "-ext",
          "ku=digitalSignature",
          "-ext",
          "eku=codeSigning");
      keys.generate("other", "CN=Somebody");
      keys.generate("expired", "CN=Old Release", "-startdate", "-10d", "-validity", "8");
      keys.generate("web", "CN=Web server", "-ext", "eku=serverAuth");
      for (String alias : List.of("ca", "other", "expired", "web")) {
        keys.export(alias);
      }
      made = Optional.of(keys);
    }
    return made.get();
  }

  private void generate(String alias, String name, String... more)
      throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-J-XX:TieredStopAtLevel=1",
                "-genkeypair",
                "-alias",
                alias,
                "-dname",
                name,
                "-keyalg",
                "EC",
                "-groupname",
                "secp256r1",
                "-keystore",
                store().toString(),
                "-storetype",
                "PKCS12",
                "-storepass",
                PASSWORD));
    command.addAll(Arrays.asList(more));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new AssertionError(said);
    }
  }

  private void export(String alias) throws Exception {
    KeyStore store = SigningKey.load(store(), PASSWORD.toCharArray());
    String text =
        Base64.getMimeEncoder(64, new byte[] {'\n'})
            .encodeToString(store.getCertificate(alias).getEncoded());
    Files.writeString(
        folder.resolve(alias + ".pem"),
        "-----BEGIN CERTIFICATE-----\n" + text + "\n-----END CERTIFICATE-----\n");
  }
}
