/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.operations;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.operations.GatewayKey;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Base64;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.crypto.CryptoService;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class KuraKeyTest {
  @TempDir private Path folder;

  /** A gateway: what another one encrypted, it cannot decrypt. */
  private static CryptoService gateway(String password) {
    return (CryptoService)
        Proxy.newProxyInstance(
            CryptoService.class.getClassLoader(),
            new Class<?>[] {CryptoService.class},
            (proxy, method, arguments) -> {
              String text = new String((char[]) arguments[0]);
              if (method.getName().equals("encryptAes")) {
                return Base64.getEncoder()
                    .encodeToString((password + text).getBytes(StandardCharsets.UTF_8))
                    .toCharArray();
              }
              String plain = new String(Base64.getDecoder().decode(text), StandardCharsets.UTF_8);
              if (!plain.startsWith(password)) {
                throw new KuraException(KuraErrorCode.DECODER_ERROR, "not mine");
              }
              return plain.substring(password.length()).toCharArray();
            });
  }

  @Test
  void shouldGiveSameKeyAfterRestartAndAnotherForEachPurpose() throws Exception {
    byte[] first = new KuraKey(gateway("a"), folder).key("x");
    assertThat(first).hasSize(GatewayKey.LENGTH);
    assertThat(new KuraKey(gateway("a"), folder).key("x")).isEqualTo(first);
    assertThat(new KuraKey(gateway("a"), folder).key("y")).isNotEqualTo(first);
    Path file = folder.resolve("gateway-key");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
  }

  @Test
  void shouldNotGiveKeyWhenFileIsOfAnotherGateway() throws Exception {
    byte[] unused = new KuraKey(gateway("a"), folder).key("x");
    assertThatThrownBy(() -> new KuraKey(gateway("b"), folder).key("x"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("cannot decrypt");
    Files.writeString(folder.resolve("gateway-key"), "nonsense");
    assertThatThrownBy(() -> new KuraKey(gateway("a"), folder).key("x"))
        .isInstanceOf(IOException.class);
  }
}
