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

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.osgi.annotation.versioning.ProviderType;
import org.osgi.framework.Version;

/**
 * The model packages on this gateway, those refused too, and the store they live in. Thread safe.
 */
@ProviderType
public interface ModelCatalog {
  /** Packages published now, by name and then version. */
  List<ModelPackage> packages();

  /** Packages whose bundle is installed but was refused, by bundle. */
  List<Refusal> refusals();

  /**
   * Packages that are published although something speaks against them, by bundle: the policy only
   * warns of what its signature lacks, or it was accepted before it expired.
   */
  default List<Warning> warnings() {
    return List.of();
  }

  /** What the store holds now. */
  StoreUse storeUse();

  /**
   * Removes from the store what no installed package names and no lease holds. Runs by itself after
   * a package has gone; safe at any time.
   *
   * @return what was removed
   */
  StoreUse collectGarbage();

  /**
   * Gives up every retained package (see {@link ModelPackage#retained}) of which nobody holds a
   * file; its service goes before this returns, its files with the next collection.
   *
   * @return the origins of what was given up
   */
  List<String> discardRetained();

  /**
   * A refused package.
   *
   * @param origin symbolic name and version of its bundle
   * @param model name of the model, as the bundle's capability says; empty if it does not
   * @param version version of the model, as the bundle's capability says; empty if it does not
   * @param reasons every reason
   * @param time when it was refused
   */
  record Refusal(
      String origin, String model, Optional<Version> version, List<String> reasons, Instant time) {
    /** Copies the list. */
    public Refusal {
      reasons = List.copyOf(reasons);
    }
  }

  /**
   * What speaks against a published package.
   *
   * @param origin symbolic name and version of its bundle
   * @param model name of the model
   * @param version version of the model
   * @param reasons everything that speaks against it
   * @param time when that was found
   */
  record Warning(String origin, String model, Version version, List<String> reasons, Instant time) {
    /** Copies the list. */
    public Warning {
      reasons = List.copyOf(reasons);
    }
  }

  /**
   * A number of stored files.
   *
   * @param files how many
   * @param bytes their sizes together
   */
  record StoreUse(int files, long bytes) {}
}
