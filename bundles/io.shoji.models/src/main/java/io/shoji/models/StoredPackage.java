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

import io.shoji.accelerator.ModelArtifact;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelDescription.GoldenSamples;
import io.shoji.model.ModelFile;
import io.shoji.model.ModelPackage;
import io.shoji.model.ModelPackageException;
import io.shoji.model.ModelVariant;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A package whose files are in the store. Thread safe. */
final class StoredPackage implements ModelPackage {
  private static final Logger log = LoggerFactory.getLogger(StoredPackage.class);

  private final ModelDescription description;
  private final String origin;
  private final boolean retained;
  private final ContentStore store;
  private final PackageSource source;
  private final BooleanSupplier removed;
  private final Runnable leaseClosed;
  private final Runnable committed;

  /**
   * A package.
   *
   * @param retained whether its bundle brings another version by now
   * @param source the bundle's files, to restore what was damaged
   * @param removed whether the bundle is gone or has other contents now
   * @param leaseClosed called after each lease
   * @param committed called when this has become the version to go back to
   */
  StoredPackage(
      ModelDescription description,
      String origin,
      boolean retained,
      ContentStore store,
      PackageSource source,
      BooleanSupplier removed,
      Runnable leaseClosed,
      Runnable committed) {
    this.description = description;
    this.origin = origin;
    this.retained = retained;
    this.store = store;
    this.source = source;
    this.removed = removed;
    this.leaseClosed = leaseClosed;
    this.committed = committed;
  }

  @Override
  public ModelDescription description() {
    return description;
  }

  @Override
  public String origin() {
    return origin;
  }

  @Override
  public boolean retained() {
    return retained;
  }

  @Override
  public void keep(boolean good) throws ModelPackageException {
    try {
      store.keep(description.sha256(), good);
      if (good) {
        committed.run();
      }
    } catch (StoreException e) {
      throw new ModelPackageException(
          description.toString(), List.of(String.valueOf(e.getMessage())), e);
    }
  }

  @Override
  public Lease<ModelArtifact> acquire(String variantName) throws ModelPackageException {
    String subject = description + " variant " + Reasons.quote(variantName);
    ModelVariant variant =
        description
            .variant(variantName)
            .orElseThrow(
                () ->
                    new ModelPackageException(
                        subject,
                        List.of(
                            "the package has no such variant asked="
                                + Reasons.quote(variantName)
                                + " found="
                                + PackageInstaller.variantNames(description)),
                        null));
    View view = View.of(variant);
    ContentStore.Hold hold = store.hold(description.sha256(), variant.files(), Optional.of(view));
    boolean held = false;
    try {
      for (ModelFile file : variant.files()) {
        restore(file, subject);
      }
      Path folder = store.view(view);
      ModelArtifact artifact =
          new ModelArtifact(
              description.name(),
              description.version().toString(),
              variant.name(),
              variant.format(),
              variant.precision(),
              variant.files().get(0).sha256(),
              variant.files().stream().map(f -> folder.resolve(f.path())).toList(),
              description.inputsOf(variant),
              description.outputsOf(variant),
              variant.options());
      held = true;
      return new StoredLease<>(artifact, hold, leaseClosed);
    } catch (StoreException e) {
      throw new ModelPackageException(subject, List.of(String.valueOf(e.getMessage())), e);
    } finally {
      if (!held) {
        hold.close();
      }
    }
  }

  @Override
  public Lease<Path> acquireGolden() throws ModelPackageException {
    String subject = description + " golden samples";
    GoldenSamples golden =
        description
            .golden()
            .orElseThrow(
                () ->
                    new ModelPackageException(
                        subject, List.of("the package has no golden samples"), null));
    ContentStore.Hold hold =
        store.hold(description.sha256(), List.of(golden.file()), Optional.empty());
    boolean held = false;
    try {
      restore(golden.file(), subject);
      held = true;
      return new StoredLease<>(store.path(golden.file()), hold, leaseClosed);
    } catch (StoreException e) {
      throw new ModelPackageException(subject, List.of(String.valueOf(e.getMessage())), e);
    } finally {
      if (!held) {
        hold.close();
      }
    }
  }

  private void restore(ModelFile file, String subject)
      throws StoreException, ModelPackageException {
    if (store.isIntact(file)) {
      return;
    }
    if (removed.getAsBoolean()) {
      throw new ModelPackageException(
          subject,
          List.of(
              "the stored file is gone or damaged, and the bundle that could restore it was removed or"
                  + " updated; install the package again path="
                  + file.path()
                  + " bundle="
                  + Reasons.quote(origin)),
          null);
    }
    Reasons reasons = new Reasons();
    store.store(file, source, reasons, () -> false);
    if (!reasons.isEmpty()) {
      throw new ModelPackageException(subject, reasons.list(), null);
    }
    log.info("a stored file was restored from its bundle bundle={} path={}", origin, file.path());
  }

  private static final class StoredLease<T> implements Lease<T> {
    private final T held;
    private final ContentStore.Hold hold;
    private final Runnable closed;

    StoredLease(T held, ContentStore.Hold hold, Runnable closed) {
      this.held = held;
      this.hold = hold;
      this.closed = closed;
    }

    @Override
    public T get() {
      return held;
    }

    @Override
    public void close() {
      hold.close();
      closed.run();
    }
  }
}
