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

import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Set;

/**
 * Whom the gateway trusts at a moment.
 *
 * @param certificates of authorities, or of signers themselves
 * @param missing why certificates may be missing here: sources that cannot be read, or that there
 *     are none; empty if these are all
 * @param configured whether anybody said whom to trust
 */
record Anchors(Set<X509Certificate> certificates, List<String> missing, boolean configured) {
  Anchors {
    certificates = Set.copyOf(certificates);
    missing = List.copyOf(missing);
  }
}
