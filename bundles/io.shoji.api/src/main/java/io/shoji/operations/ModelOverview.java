/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.operations;

import io.shoji.inference.ModelStatus;
import java.util.List;
import java.util.Optional;
import org.osgi.framework.Version;

/**
 * A model by name, with all that is known of its versions. A snapshot.
 *
 * @param name name of the model
 * @param versions every version that is here, highest first, then the refused; may be empty for a
 *     moment while a package is exchanged
 * @param policy which versions answer a request that names none
 * @param source where the policy comes from
 * @param pin the version it is pinned to
 * @param answering the version that answers a request that names none; empty if none does
 * @param rollback the version that a rollback would go back to
 * @param note why {@code answering} is not what {@code policy} asks for; empty if it is
 */
public record ModelOverview(
    String name,
    List<Installed> versions,
    VersionPolicy policy,
    Source source,
    Optional<Version> pin,
    Optional<Version> answering,
    Optional<Version> rollback,
    String note) {

  /** Where a version policy comes from. */
  public enum Source {
    /** {@link Operations#pin} or {@link Operations#rollback}. */
    PIN,
    /** {@link Operations#configure}. */
    POLICY,
    /** Nobody asked for anything. */
    DEFAULT
  }

  /** How a version is here. */
  public enum State {
    /** Its bundle brings it. */
    INSTALLED,
    /** Its bundle was updated to another version; it is kept to go back to. */
    RETAINED,
    /** Its bundle was refused. */
    REFUSED
  }

  /** Copies the list. */
  public ModelOverview {
    versions = List.copyOf(versions);
  }

  /**
   * One version.
   *
   * @param version its version; empty if a refused package does not tell
   * @param state how it is here
   * @param origin symbolic name and version of its bundle
   * @param reasons why it was refused; empty if it was not
   * @param status description with evidence and digests, what serves, candidates with verdicts,
   *     metrics; empty if it was refused
   */
  public record Installed(
      Optional<Version> version,
      State state,
      String origin,
      List<String> reasons,
      Optional<ModelStatus> status) {
    /** Copies the list. */
    public Installed {
      reasons = List.copyOf(reasons);
    }
  }
}
