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

import io.shoji.disk.Disk;
import io.shoji.model.ModelDescription;
import io.shoji.model.ModelPackage;
import java.io.ByteArrayInputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.osgi.framework.Version;

/**
 * The store without a framework, on any disk: one bundle, which is updated in place, and what the
 * store makes of it.
 */
public final class StoreOfOneBundle implements AutoCloseable {
  private final ContentStore store;
  private final PackageInstaller installer;

  /** Opens the store in a folder, as at the start of a process. */
  public StoreOfOneBundle(Path folder, Disk disk) throws Exception {
    store = ContentStore.open(folder, disk);
    installer = new PackageInstaller(store, Signatures.off(), "test");
  }

  /**
   * Takes what the bundle contains now.
   *
   * @param lastModified grows with each update
   * @return what is published: that, and what is kept of earlier contents
   */
  public List<ModelPackage> take(String version, Map<String, byte[]> files, long lastModified)
      throws Exception {
    Reasons reasons = new Reasons();
    PackageSource source =
        path -> Optional.ofNullable(files.get(path)).map(ByteArrayInputStream::new);
    ModelDescription description =
        installer
            .install(
                new PackageInstaller.Origin(
                    1,
                    "test " + version,
                    "test:1",
                    lastModified,
                    List.of(Map.of("io.shoji.model", "digits", "version", new Version(version))),
                    source),
                Judgement.NONE,
                reasons,
                () -> false)
            .orElseThrow(() -> new AssertionError(reasons.list()))
            .description();
    List<ModelPackage> published = new ArrayList<>();
    published.add(published(description, "test " + version, false, source));
    for (InstallRecord record : store.records()) {
      if (record.retained()) {
        published.add(
            published(
                PackageInstaller.describe(record).orElseThrow(),
                record.origin() + " retained",
                true,
                path -> Optional.empty()));
      }
    }
    return published;
  }

  private ModelPackage published(
      ModelDescription description, String origin, boolean retained, PackageSource source) {
    return new StoredPackage(
        description, origin, retained, store, source, () -> false, () -> {}, () -> {});
  }

  /** Collects garbage. */
  public void collect() throws Exception {
    store.collect();
  }

  @Override
  public void close() {
    store.close();
  }
}
