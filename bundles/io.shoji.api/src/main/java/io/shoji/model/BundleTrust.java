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

import java.util.Optional;
import org.osgi.annotation.versioning.ProviderType;
import org.osgi.framework.Bundle;

/**
 * Judges bundles by the gateway's signature policy, so that whoever uses their services can leave
 * those alone that are not to be trusted. The properties of the service are set anew when the
 * policy or the trust anchors have changed: a judgement holds until then. Thread safe.
 */
@ProviderType
public interface BundleTrust {
  /**
   * Why the services of a bundle must not be used. Reads the bundle to its end when it is asked for
   * the first time; what is to be said of a bundle that may be used all the same is in the log.
   *
   * @param bundle a driver; fragments of it, and the bundles whose capabilities {@code
   *     io.shoji.native} it is wired to, are judged with it
   * @return the reason, for people; empty if they may be used
   */
  Optional<String> refusal(Bundle bundle);
}
