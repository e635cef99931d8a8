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

import io.shoji.accelerator.ModelArtifact;
import java.nio.file.Path;
import org.osgi.annotation.versioning.ProviderType;

/**
 * A model package that was verified and stored: one OSGi service each, with the properties {@link
 * #NAME} and {@link #VERSION}, registered while its bundle is installed and resolved. Thread safe.
 */
@ProviderType
public interface ModelPackage {
  /** Service property, String: the model's name. */
  String NAME = "shoji.model.name";

  /** Service property, {@code org.osgi.framework.Version}: the package's version. */
  String VERSION = "shoji.model.version";

  /** What the package says. */
  ModelDescription description();

  /**
   * Symbolic name and version of the bundle that brought it, as {@code io.shoji.model.digits
   * 0.1.0}; with {@code retained} after them if the bundle has brought something else since.
   */
  String origin();

  /**
   * Whether this is the version before: its bundle was updated in place and brings another version
   * now, and this one is kept to go back to. It is given up by {@link
   * ModelCatalog#discardRetained}, by the next update but one, or with its bundle. One whose bundle
   * was updated to something that was refused counts as installed, not as retained.
   */
  default boolean retained() {
    return false;
  }

  /**
   * Says whether this version is the one to go back to: it is kept over updates of its bundle and
   * over restarts then, until the opposite is said or the bundle is uninstalled.
   *
   * @throws ModelPackageException if the store cannot take note of that now
   */
  default void keep(boolean good) throws ModelPackageException {
    // What stores nothing keeps nothing.
  }

  /**
   * Takes hold of a variant's files, so that they stay in the store even if the package is removed
   * meanwhile.
   *
   * @throws ModelPackageException if there is no such variant, or a stored file was damaged and the
   *     package's bundle is no longer there to restore it
   */
  Lease<ModelArtifact> acquire(String variant) throws ModelPackageException;

  /**
   * Takes hold of the golden samples' file.
   *
   * @throws ModelPackageException if the package has none, or the stored file was damaged and the
   *     package's bundle is no longer there to restore it
   */
  Lease<Path> acquireGolden() throws ModelPackageException;

  /**
   * A hold on stored files.
   *
   * @param <T> what is held
   */
  @ProviderType
  interface Lease<T> extends AutoCloseable {
    /** What is held; its files are complete and verified, and not to be written. */
    T get();

    /** Lets go; the files may be collected then. Idempotent. */
    @Override
    void close();
  }
}
