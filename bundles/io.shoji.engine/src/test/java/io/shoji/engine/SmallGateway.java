/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.accelerator.Accelerator;
import io.shoji.disk.Disk;
import io.shoji.inference.InferenceResult;
import io.shoji.model.ModelPackage;
import io.shoji.models.StoreOfOneBundle;
import io.shoji.operations.RolloutPolicy;
import io.shoji.operations.RolloutPolicy.Canary;
import io.shoji.operations.RolloutPolicy.TightMemory;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** Store, pins, journal and engine on one disk, as a gateway has them, from start to end. */
final class SmallGateway implements AutoCloseable {
  private static final Settings SETTINGS =
      new Settings(
          8,
          4,
          1,
          300,
          2_000,
          2,
          5,
          20,
          true,
          5_000,
          new RolloutPolicy(Canary.OFF, 0.1, 60_000, 0, TightMemory.REFUSE, ""));

  final Journal journal;
  final Operator operator;
  private final Path folder;
  private final StoreOfOneBundle store;
  private final Engine engine;
  private List<ModelPackage> published = List.of();

  /** Starts on a disk; the folder exists. */
  SmallGateway(Path folder, Disk disk, Accelerator accelerator) throws Exception {
    this.folder = folder;
    this.store = new StoreOfOneBundle(folder.resolve("store"), disk);
    Path operations = folder.resolve("operations");
    this.journal = Journal.open(operations, disk);
    this.engine = new Engine(SETTINGS, System::nanoTime, Pins.in(operations, disk), journal);
    this.operator = new Operator(engine, Optional::empty);
    engine.addAccelerator(accelerator);
  }

  Path folder() {
    return folder;
  }

  /** The bundle contains this now: at the start, or after an update. */
  void bundle(NumberedModel content, long lastModified) throws Exception {
    List<ModelPackage> before = published;
    before.stream().filter(p -> !p.retained()).forEach(engine::removePackage);
    published = store.take(content.version(), content.files(), lastModified);
    published.forEach(engine::addPackage);
    before.stream().filter(ModelPackage::retained).forEach(engine::removePackage);
  }

  /** Waits until nothing is left to load, measure or store. */
  void settle() {
    EngineFixture.await("placed", () -> !engine.placing(EngineFixture.DIGITS));
    EngineFixture.await("changes ended", () -> journal.unfinished().isEmpty());
  }

  /** Version that answers, which the answer itself must tell, too. */
  String answering() throws Exception {
    InferenceResult result =
        engine.infer(EngineFixture.DIGITS, EngineFixture.input(1), EngineFixture.in(10_000));
    String version = result.provenance().modelVersion();
    assertThat(result.outputs().get(0).getFloat(0) - 1 + ".0")
        .as("what version %s answers", version)
        .isEqualTo(version);
    return version;
  }

  /** Versions that the store has. */
  List<String> stored() {
    return published.stream().map(p -> p.description().version().toString()).toList();
  }

  void collect() throws Exception {
    store.collect();
  }

  @Override
  public void close() {
    engine.close();
    store.close();
  }
}
