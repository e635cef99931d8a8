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

import io.shoji.operations.GatewayKey;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.crypto.CryptoService;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/**
 * The gateway's key from Kura: 32 random bytes, made once and kept in this bundle's data area as
 * Kura's CryptoService encrypts them, with the gateway's own password; keys for a purpose are
 * derived by HMAC-SHA256. The file is of no use on another gateway.
 */
@Component(service = GatewayKey.class)
public final class KuraKey implements GatewayKey {
  private static final String FILE = "gateway-key";

  private final CryptoService crypto;
  private final Path folder;

  /**
   * A key.
   *
   * @throws IOException if the framework has no data area for bundles
   */
  @Activate
  public KuraKey(@Reference CryptoService crypto, BundleContext context) throws IOException {
    this(crypto, folder(context));
  }

  /** A key whose file is in a folder. */
  KuraKey(CryptoService crypto, Path folder) {
    this.crypto = crypto;
    this.folder = folder;
  }

  private static Path folder(BundleContext context) throws IOException {
    File folder = context.getDataFile("");
    if (folder == null) {
      throw new IOException("the framework has no data area for bundles");
    }
    return folder.toPath();
  }

  @Override
  public synchronized byte[] key(String purpose) throws IOException {
    byte[] secret = secret();
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(secret, "HmacSHA256"));
      return mac.doFinal(purpose.getBytes(StandardCharsets.UTF_8));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java has HMAC-SHA256", e);
    } finally {
      Arrays.fill(secret, (byte) 0);
    }
  }

  private byte[] secret() throws IOException {
    Path file = folder.resolve(FILE);
    try {
      if (!Files.exists(file)) {
        create(file);
      }
      char[] encrypted = new String(Files.readAllBytes(file), StandardCharsets.UTF_8).toCharArray();
      byte[] secret = Base64.getDecoder().decode(new String(crypto.decryptAes(encrypted)));
      if (secret.length != LENGTH) {
        throw new IOException(
            "the gateway's key is damaged asked="
                + LENGTH
                + " found="
                + secret.length
                + " file="
                + file);
      }
      return secret;
    } catch (KuraException | IllegalArgumentException e) {
      throw new IOException("Kura cannot decrypt the gateway's key file=" + file, e);
    }
  }

  private void create(Path file) throws IOException, KuraException {
    byte[] secret = new byte[LENGTH];
    new SecureRandom().nextBytes(secret);
    char[] encrypted = crypto.encryptAes(Base64.getEncoder().encodeToString(secret).toCharArray());
    Arrays.fill(secret, (byte) 0);
    Files.createDirectories(folder);
    Path fresh = folder.resolve(FILE + ".new");
    Files.deleteIfExists(fresh);
    Files.createFile(
        fresh, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    Files.write(
        fresh,
        new String(encrypted).getBytes(StandardCharsets.UTF_8),
        StandardOpenOption.WRITE,
        StandardOpenOption.SYNC);
    Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
  }

  @Override
  public String origin() {
    return "Kura's CryptoService, and a file that it encrypted";
  }
}
