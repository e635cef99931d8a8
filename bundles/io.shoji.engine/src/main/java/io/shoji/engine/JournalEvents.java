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

import io.shoji.operations.EngineEvent;
import io.shoji.operations.ModelChange;
import java.util.Map;
import java.util.TreeMap;

/** Makes events of what the journal tells, and lets it try again while the disk refuses. */
final class JournalEvents implements Journal.Observer {
  private static final int FIRST_PAUSE_MS = 1_000;
  private static final int LONGEST_PAUSE_MS = 60_000;

  private final Engine engine;

  JournalEvents(Engine engine) {
    this.engine = engine;
  }

  @Override
  public void changed(ModelChange change) {
    Map<String, String> details = new TreeMap<>();
    details.put("change", Long.toString(change.id()));
    details.put("state", change.state().name());
    if (!change.reason().isEmpty()) {
      details.put("reason.1", change.reason());
    }
    details.put("variant", change.to().variant());
    change.from().ifPresent(from -> details.put("from.version", from.version()));
    change.evidence().forEach((name, value) -> details.put("evidence." + name, value));
    engine
        .events()
        .add(
            EngineEvent.Type.MODEL_CHANGE,
            change.to().model(),
            change.to().version(),
            change.to().accelerator(),
            "a change is "
                + change.state()
                + " change="
                + change.id()
                + " model="
                + change.to().model()
                + " version="
                + change.to().version()
                + " accelerator="
                + change.to().accelerator()
                + (change.reason().isEmpty() ? "" : " reason=" + change.reason()),
            details);
    Family family = engine.family(change.to().model());
    if (change.state() == ModelChange.State.COMMITTED && family != null) {
      family.committed();
    }
  }

  @Override
  public void failing(String message) {
    engine.events().add(EngineEvent.Type.JOURNAL_FAILING, "", "", "", message, Map.of());
    tryAgain(FIRST_PAUSE_MS);
  }

  private void tryAgain(int pauseMs) {
    engine.after(
        pauseMs,
        () -> {
          if (!engine.journal().heal()) {
            tryAgain(Math.min(2 * pauseMs, LONGEST_PAUSE_MS));
          }
        });
  }

  @Override
  public void healed(String message) {
    engine.events().add(EngineEvent.Type.JOURNAL_HEALED, "", "", "", message, Map.of());
  }
}
