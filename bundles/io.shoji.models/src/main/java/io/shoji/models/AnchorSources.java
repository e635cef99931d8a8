/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.models;

import io.shoji.model.TrustAnchors;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Where trust anchors come from: a file or folder that is read anew each time, and services of
 * others. Thread safe.
 */
final class AnchorSources {
  private static final int FILE_LIMIT = 16 << 20;
  private static final List<String> ENDINGS = List.of(".pem", ".crt", ".cer", ".der");

  private final String path;
  private final List<TrustAnchors> services = new CopyOnWriteArrayList<>();

  /**
   * Sources.
   *
   * @param path of a file with certificates, PEM or DER, or of a folder with such files; empty for
   *     none
   */
  AnchorSources(String path) {
    this.path = path.trim();
  }

  void add(TrustAnchors service) {
    services.add(service);
  }

  void remove(TrustAnchors service) {
    services.remove(service);
  }

  /** Whom to trust now. */
  Anchors read() {
    Set<X509Certificate> certificates = new LinkedHashSet<>();
    List<String> missing = new ArrayList<>();
    if (!path.isEmpty()) {
      try {
        certificates.addAll(files(Path.of(path)));
      } catch (IOException | InvalidPathException e) {
        missing.add(
            "trustAnchors cannot be read path="
                + Reasons.quote(path)
                + " cause="
                + Reasons.quote(e.toString()));
      }
    }
    for (TrustAnchors service : services) {
      try {
        certificates.addAll(service.certificates());
      } catch (IOException | RuntimeException e) {
        missing.add(
            "trust anchors cannot be read from="
                + Reasons.quote(service.origin())
                + " cause="
                + Reasons.quote(e.toString()));
      }
    }
    boolean configured = !path.isEmpty() || !services.isEmpty();
    if (!configured) {
      missing.add("nobody is trusted yet: set trustAnchors, or name a key store in Kura");
    } else if (certificates.isEmpty() && missing.isEmpty()) {
      missing.add("the trust anchors are empty: put certificates into them");
    }
    return new Anchors(certificates, missing, configured);
  }

  private static Set<X509Certificate> files(Path path) throws IOException {
    Set<X509Certificate> certificates = new LinkedHashSet<>();
    if (!Files.isDirectory(path)) {
      certificates.addAll(file(path));
      return certificates;
    }
    try (DirectoryStream<Path> folder = Files.newDirectoryStream(path)) {
      for (Path file : folder) {
        String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
        if (ENDINGS.stream().anyMatch(name::endsWith)) {
          certificates.addAll(file(file));
        }
      }
    }
    return certificates;
  }

  private static Set<X509Certificate> file(Path file) throws IOException {
    Set<X509Certificate> certificates = new LinkedHashSet<>();
    byte[] bytes;
    try (InputStream in = Files.newInputStream(file)) {
      bytes = in.readNBytes(FILE_LIMIT + 1);
    }
    if (bytes.length > FILE_LIMIT) {
      throw new IOException("too large for certificates file=" + file);
    }
    try {
      for (Certificate certificate :
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new ByteArrayInputStream(bytes))) {
        if (certificate instanceof X509Certificate x509) {
          certificates.add(x509);
        }
      }
    } catch (CertificateException e) {
      throw new IOException("no certificate in PEM or DER file=" + file, e);
    }
    if (certificates.isEmpty()) {
      throw new IOException("no X.509 certificate in it file=" + file);
    }
    return certificates;
  }
}
