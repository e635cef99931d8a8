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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GatewayCryptoTest {
  @TempDir private Path home;
  private GatewayCrypto crypto;

  @BeforeEach
  void make() throws IOException {
    crypto = new GatewayCrypto(home);
  }

  @Test
  void shouldDecryptWhatItHasEncryptedAlsoAfterRestart() throws Exception {
    for (String text : new String[] {"", "pw", "päß wort €", "x".repeat(100_000)}) {
      char[] sealed = crypto.encryptAes(text.toCharArray());
      assertThat(new String(sealed)).isNotEqualTo(text).matches("[A-Za-z0-9+/=]+-[A-Za-z0-9+/=]+");
      assertThat(new String(new GatewayCrypto(home).decryptAes(sealed))).isEqualTo(text);
    }
    assertThat(crypto.encryptAes("a".toCharArray()))
        .isNotEqualTo(crypto.encryptAes("a".toCharArray()));
    assertThat(Files.getPosixFilePermissions(home.resolve("data/crypto.key")))
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
  }

  @Test
  void shouldRefuseWhatWasNotEncryptedWithItsKey() throws Exception {
    char[] sealed = crypto.encryptAes("secret".toCharArray());
    sealed[sealed.length - 5] ^= 1;
    GatewayCrypto other = new GatewayCrypto(Files.createDirectory(home.resolve("other")));
    for (String wrong :
        new String[] {
          "plain",
          "a-b-c",
          "YQ==-YQ==",
          new String(sealed),
          new String(other.encryptAes("secret".toCharArray()))
        }) {
      assertThatThrownBy(() -> crypto.decryptAes(wrong.toCharArray()))
          .isInstanceOfSatisfying(
              KuraException.class,
              e -> assertThat(e.getCode()).isEqualTo(KuraErrorCode.DECODER_ERROR));
    }
    assertThat(crypto.decryptAes(new char[0])).isEmpty();
  }

  @Test
  void shouldNotStartWhenKeyIsDamaged() throws Exception {
    Files.writeString(home.resolve("data/crypto.key"), "AAAA");
    assertThatThrownBy(() -> new GatewayCrypto(home)).hasMessageContaining("crypto.key");
    Files.writeString(home.resolve("data/crypto.key"), "%%%");
    assertThatThrownBy(() -> new GatewayCrypto(home)).hasMessageContaining("damaged");
  }

  @Test
  void shouldKeepPasswordsOfKeyStores() throws Exception {
    assertThat(crypto.getKeyStorePassword("/a.p12")).isEqualTo("changeit".toCharArray());
    crypto.setKeyStorePassword("/a.p12", "new".toCharArray());
    assertThat(new GatewayCrypto(home).getKeyStorePassword("/a.p12"))
        .isEqualTo("new".toCharArray());
    assertThat(home.resolve("data/store.save")).content().doesNotContain("new");
  }

  @Test
  void shouldHashAndEncodeAsKura() throws Exception {
    assertThat(crypto.hash("abc", "SHA-256"))
        .isEqualTo("ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
    assertThat(crypto.encodeBase64("pw")).isEqualTo("cHc=");
    assertThat(crypto.decodeBase64("cHc=")).isEqualTo("pw");
  }
}
