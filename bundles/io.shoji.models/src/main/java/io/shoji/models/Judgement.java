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
import java.util.Optional;

/**
 * What was found of a bundle's signature.
 *
 * @param archive the bundle, to look further into it; empty if it is not signed by somebody
 *     trusted, nobody looked, or that was earlier
 * @param manifestSha256 digest of what somebody trusted signed, lower-case hex; empty if nobody did
 * @param chain the trusted signer's certificate, then those that vouch for it; empty if there is
 *     none
 * @param against what speaks against the bundle: a reason to refuse it, or to warn
 * @param remarks what is to be said of it though it is to be trusted
 */
record Judgement(
    Optional<SignedArchive> archive,
    String manifestSha256,
    List<X509Certificate> chain,
    List<String> against,
    List<String> remarks) {
  /** Nobody looked. */
  static final Judgement NONE =
      new Judgement(Optional.empty(), "", List.of(), List.of(), List.of());

  Judgement {
    chain = List.copyOf(chain);
    against = List.copyOf(against);
    remarks = List.copyOf(remarks);
  }

  /** Nothing vouches for it. */
  static Judgement against(String reason) {
    return new Judgement(Optional.empty(), "", List.of(), List.of(reason), List.of());
  }

  /** The same, with the bundle to look further into. */
  Judgement of(SignedArchive signed) {
    return new Judgement(Optional.of(signed), manifestSha256, chain, against, remarks);
  }

  /** Whether somebody trusted signed it. */
  boolean trusted() {
    return !manifestSha256.isEmpty();
  }
}
