/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.configuration;

import io.shoji.gateway.kura.Home;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Collection;
import java.util.List;
import java.util.NavigableSet;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.configuration.ComponentConfiguration;
import org.eclipse.kura.crypto.CryptoService;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Snapshots of all configurations, one file each: {@code snapshot_ID.xml} with the time in
 * milliseconds as its id, encrypted as a whole. A file in plain XML is read too, so that a gateway
 * can be given one to begin with. The oldest go when there are too many, but never number 0.
 *
 * <p>Not thread safe.
 */
final class Snapshots {
  private static final Logger log = LoggerFactory.getLogger(Snapshots.class);

  private static final Pattern NAME = Pattern.compile("snapshot_([0-9]{1,18})\\.xml");

  private final Path folder;
  private final int most;
  private final CryptoService crypto;
  private final Clock clock;

  /**
   * Snapshots in a folder.
   *
   * @param most how many are kept
   */
  Snapshots(Path folder, int most, CryptoService crypto, Clock clock) {
    this.folder = folder;
    this.most = Math.max(1, most);
    this.crypto = crypto;
    this.clock = clock;
  }

  /**
   * What there is, the oldest first.
   *
   * @throws KuraException CONFIGURATION_SNAPSHOT_LISTING if the folder cannot be read
   */
  NavigableSet<Long> ids() throws KuraException {
    TreeSet<Long> ids = new TreeSet<>();
    try (Stream<Path> files = Files.list(folder)) {
      files.forEach(
          file -> {
            Matcher name = NAME.matcher(file.getFileName().toString());
            if (name.matches()) {
              ids.add(Long.parseLong(name.group(1)));
            }
          });
    } catch (IOException e) {
      throw new KuraException(KuraErrorCode.CONFIGURATION_SNAPSHOT_LISTING, e, "folder=" + folder);
    }
    return ids;
  }

  private Path file(long id) {
    return folder.resolve("snapshot_" + id + ".xml");
  }

  /**
   * Reads one, its passwords still encrypted.
   *
   * @throws KuraException CONFIGURATION_SNAPSHOT_NOT_FOUND, or CONFIGURATION_SNAPSHOT_LOADING if it
   *     cannot be read
   */
  List<PidConfiguration> read(long id) throws KuraException {
    Path file = file(id);
    if (!Files.exists(file)) {
      throw new KuraException(KuraErrorCode.CONFIGURATION_SNAPSHOT_NOT_FOUND, Long.toString(id));
    }
    try {
      String content = Files.readString(file);
      boolean plain = content.stripLeading().startsWith("<");
      return ConfigurationXml.read(
          plain ? content : new String(crypto.decryptAes(content.toCharArray())));
    } catch (IOException | KuraException e) {
      throw new KuraException(
          KuraErrorCode.CONFIGURATION_SNAPSHOT_LOADING, e, Long.toString(id), file.toString());
    }
  }

  /**
   * The newest that can be read; what cannot is told in the log. Empty if there is none.
   *
   * @throws KuraException CONFIGURATION_SNAPSHOT_LISTING if the folder cannot be read
   */
  List<PidConfiguration> newest() throws KuraException {
    for (long id : ids().descendingSet()) {
      try {
        return read(id);
      } catch (KuraException e) {
        log.error("a snapshot cannot be read: an older one is taken id={}", id, e);
      }
    }
    return List.of();
  }

  /**
   * Writes one, and removes the oldest if there are too many.
   *
   * @param configurations with passwords already encrypted; definitions are left out
   * @return its id
   * @throws KuraException CONFIGURATION_SNAPSHOT_TAKING if it cannot be written
   */
  long write(Collection<? extends ComponentConfiguration> configurations) throws KuraException {
    NavigableSet<Long> ids = ids();
    long id = clock.millis();
    if (!ids.isEmpty() && id <= ids.last()) {
      id = ids.last() + 1;
    }
    List<PidConfiguration> bare =
        configurations.stream()
            .map(one -> new PidConfiguration(one.getPid(), null, one.getConfigurationProperties()))
            .toList();
    char[] sealed = crypto.encryptAes(ConfigurationXml.write(bare).toCharArray());
    try {
      Home.write(file(id), new String(sealed).getBytes(StandardCharsets.US_ASCII));
      ids.add(id);
      while (ids.size() > most) {
        Long oldest = ids.first() == 0 ? ids.higher(0L) : ids.first();
        if (oldest == null || oldest == id) {
          break;
        }
        Files.deleteIfExists(file(oldest));
        ids.remove(oldest);
      }
    } catch (IOException e) {
      throw new KuraException(KuraErrorCode.CONFIGURATION_SNAPSHOT_TAKING, e, file(id).toString());
    }
    return id;
  }
}
