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

import io.shoji.disk.Disk;
import io.shoji.operations.GatewayKey;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The gateway's key: that of the {@link GatewayKey} service, and a file that only the owner reads
 * where there is no such service. Keys of both are good for reading, so that samples from before
 * the service came are not lost.
 */
final class SampleKeys {
  /** What the key is for. */
  static final String PURPOSE = "io.shoji.field-samples";

  private static final Set<PosixFilePermission> OWNER =
      EnumSet.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);
  private static final Logger LOG = LoggerFactory.getLogger(SampleKeys.class);

  private final Path folder;
  private final Path file;
  private final Disk disk;
  private final Supplier<Optional<GatewayKey>> service;
  private boolean told;

  /**
   * Keys.
   *
   * @param folder of the key that is used without a service
   * @param service the service, if there is one now
   */
  SampleKeys(Path folder, Disk disk, Supplier<Optional<GatewayKey>> service) {
    this.disk = disk;
    this.folder = folder;
    this.file = folder.resolve("key");
    this.service = service;
  }

  /** Where the key that is written with comes from. */
  String origin() {
    return service
        .get()
        .map(GatewayKey::origin)
        .orElse("a file that only its owner reads: " + file);
  }

  /**
   * What to encrypt with now.
   *
   * @throws IOException if there is no key to be had
   */
  SampleCipher writing() throws IOException {
    Optional<GatewayKey> now = service.get();
    return now.isPresent() ? of(now.get()) : ofFile();
  }

  /**
   * What to decrypt with: all keys that are here.
   *
   * @throws IOException if a key that is here cannot be had
   */
  List<SampleCipher> reading() throws IOException {
    List<SampleCipher> all = new ArrayList<>();
    Optional<GatewayKey> now = service.get();
    if (now.isPresent()) {
      all.add(of(now.get()));
    }
    if (Files.exists(file)) {
      all.add(ofFile());
    }
    return all;
  }

  private static SampleCipher of(GatewayKey service) throws IOException {
    byte[] key = service.key(PURPOSE);
    try {
      if (key.length != GatewayKey.LENGTH) {
        throw new IOException(
            "the gateway's key has another length asked="
                + GatewayKey.LENGTH
                + " found="
                + key.length
                + " origin="
                + service.origin());
      }
      return new SampleCipher(key);
    } finally {
      Arrays.fill(key, (byte) 0);
    }
  }

  private synchronized SampleCipher ofFile() throws IOException {
    if (!Files.exists(file)) {
      create();
    }
    if (!Files.getPosixFilePermissions(file, LinkOption.NOFOLLOW_LINKS).equals(OWNER)) {
      throw new IOException(
          "others than its owner may read the key of the field samples; chmod 600 file=" + file);
    }
    byte[] key = Files.readAllBytes(file);
    if (key.length != GatewayKey.LENGTH) {
      throw new IOException(
          "the key of the field samples is damaged asked="
              + GatewayKey.LENGTH
              + " found="
              + key.length
              + " file="
              + file);
    }
    if (!told) {
      told = true;
      LOG.info("field samples are encrypted with a key in a file file={}", file);
    }
    SampleCipher cipher = new SampleCipher(key);
    Arrays.fill(key, (byte) 0);
    return cipher;
  }

  /** Writes a key, whole or not at all. */
  private void create() throws IOException {
    disk.establish(folder);
    Path fresh = folder.resolve("key.new");
    disk.delete(fresh);
    byte[] key = new byte[GatewayKey.LENGTH];
    new SecureRandom().nextBytes(key);
    // For its owner only from the beginning.
    try (Disk.Sink sink = disk.append(fresh)) {
      sink.write(ByteBuffer.wrap(key));
      sink.sync();
    }
    try {
      // A link and no move: what another process wrote meanwhile stays.
      disk.link(file, fresh);
    } catch (FileAlreadyExistsException e) {
      LOG.debug("another process made the key file={}", file, e);
    } finally {
      disk.delete(fresh);
    }
    disk.sync(folder);
  }
}
