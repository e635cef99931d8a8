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

import io.shoji.cli.CommandException;
import io.shoji.models.SignedArchive;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.NoSuchAlgorithmException;
import java.time.LocalDateTime;
import java.util.List;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import jdk.security.jarsigner.JarSigner;
import jdk.security.jarsigner.JarSignerException;

/**
 * Signs bundles and deployment packages as the JAR format has it: digests of every entry in the
 * manifest, digests of that in META-INF/NAME.SF, a CMS signature of that beside it. No timestamp: a
 * timestamp authority is a service on the network.
 */
final class JarSigning {
  /** As everything else in a package is dated, see {@link io.shoji.dp.DeploymentPackageWriter}. */
  private static final LocalDateTime TIME = LocalDateTime.of(1980, 2, 1, 0, 0);

  private JarSigning() {}

  /**
   * Signs an archive.
   *
   * @param last whether the signature's files come last and not, as usual, after the manifest:
   *     Felix DeploymentAdmin 0.9.6, Kura's, stops at the first entry that is no bundle
   * @param unsigned an archive without signatures
   * @param signed file to be written
   * @param work for a file in between, beside {@code signed}
   */
  static void sign(Path unsigned, Path signed, SigningKey key, boolean last, Path work)
      throws CommandException {
    try {
      JarSigner signer =
          new JarSigner.Builder(key.key(), key.path())
              .digestAlgorithm("SHA-256")
              .signerName(key.signatureName())
              .build();
      try (ZipFile in = new ZipFile(unsigned.toFile());
          OutputStream out = new BufferedOutputStream(Files.newOutputStream(work))) {
        signer.sign(in, out);
      }
      withoutTimes(work, signed, last);
      Files.delete(work);
    } catch (JarSignerException | NoSuchAlgorithmException | IllegalArgumentException e) {
      throw Refusal.of(
          "BAD_KEY",
          "the key does not sign archives: "
              + e.getMessage()
              + " algorithm="
              + key.key().getAlgorithm()
              + " subject="
              + key.subject(),
          e);
    } catch (NoClassDefFoundError e) {
      throw Refusal.of(
          "NO_SIGNER",
          "this Java cannot sign archives, it has no module jdk.jartool: run this command with a JDK"
              + " java="
              + System.getProperty("java.home"),
          e);
    } catch (IOException e) {
      throw Refusal.io("the signed archive cannot be written", signed.getFileName(), e);
    }
  }

  /** The signer dates what it writes by the clock; times and order of entries are not signed. */
  private static void withoutTimes(Path from, Path to, boolean last) throws IOException {
    try (ZipFile in = new ZipFile(from.toFile());
        ZipOutputStream out =
            new ZipOutputStream(new BufferedOutputStream(Files.newOutputStream(to)))) {
      out.setLevel(Deflater.BEST_COMPRESSION);
      List<? extends ZipEntry> entries = in.stream().toList();
      for (boolean now : last ? new boolean[] {false, true} : new boolean[] {false}) {
        for (ZipEntry entry : entries) {
          if (!last || SignedArchive.isFile(entry.getName()) == now) {
            copy(in, entry, out);
          }
        }
      }
    }
  }

  private static void copy(ZipFile in, ZipEntry entry, ZipOutputStream out) throws IOException {
    ZipEntry copy = new ZipEntry(entry.getName());
    copy.setTimeLocal(TIME);
    out.putNextEntry(copy);
    try (InputStream content = in.getInputStream(entry)) {
      content.transferTo(out);
    }
    out.closeEntry();
  }
}
