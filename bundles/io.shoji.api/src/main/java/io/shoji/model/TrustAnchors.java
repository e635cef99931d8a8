/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.model;

import java.io.IOException;
import java.security.cert.X509Certificate;
import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Whose signatures this gateway believes: registered as an OSGi service by whoever keeps the
 * certificates, any number of them. When the certificates change, the service's properties are set
 * anew (to anything), and the certificates are asked for again.
 */
@ConsumerType
public interface TrustAnchors {
  /** Where they are kept, for messages: {@code Kura key store PackageKeystore}. */
  String origin();

  /**
   * Certificates of authorities, or of signers themselves. Several at once let a new key take over
   * from an old one.
   *
   * @return the certificates that are trusted now; empty if nobody is
   * @throws IOException if they cannot be read now: what was accepted before goes on, and nothing
   *     new is accepted on their word
   */
  List<X509Certificate> certificates() throws IOException;
}
