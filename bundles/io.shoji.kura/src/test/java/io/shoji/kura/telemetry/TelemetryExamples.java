/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.telemetry;

import io.shoji.inference.AcceleratorStatus;
import io.shoji.kura.operations.ScriptedEngine;
import io.shoji.kura.telemetry.Counters.State;
import io.shoji.operations.DriftReport;
import io.shoji.operations.ModelOverview;
import io.shoji.operations.OperationException;
import java.time.Clock;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.eclipse.kura.message.KuraPayload;

/** The messages that the scripted engine leads to, for the document. */
public final class TelemetryExamples {
  private TelemetryExamples() {}

  /** A message of figures. */
  public static KuraPayload figures(ScriptedEngine engine) {
    Store store = new Store();
    AtomicLong nanos = new AtomicLong();
    Reporter reporter = reporter(engine, store, nanos);
    nanos.addAndGet(30_000_000_000L);
    reporter.figures();
    return store.payloads().get(0);
  }

  /** A message of an event. */
  public static KuraPayload event(ScriptedEngine engine) {
    Store store = new Store();
    Reporter reporter = reporter(engine, store, new AtomicLong());
    reporter.happened(engine.events.get(1));
    reporter.events();
    return store.payloads().get(0);
  }

  private static Reporter reporter(ScriptedEngine engine, Store store, AtomicLong nanos) {
    Reporter reporter =
        new Reporter(
            new State(), () -> store, nanos::get, Clock.fixed(ScriptedEngine.TIME, ZoneOffset.UTC));
    reporter.configure(TelemetrySettings.DEFAULTS);
    reporter.started(of(engine, "5f1d2c9e-4c2b-4b62-9a4e-2f0a6d0c1b7e-57"));
    return reporter;
  }

  /** An engine as the reporter sees it. */
  static Reporter.Engine of(ScriptedEngine engine, String id) {
    return new Reporter.Engine() {
      @Override
      public String id() {
        return id;
      }

      @Override
      public List<ModelOverview> models() {
        return engine.models();
      }

      @Override
      public List<AcceleratorStatus> accelerators() {
        return engine.inference().accelerators();
      }

      @Override
      public Optional<DriftReport> drift(String model) {
        try {
          return Optional.of(engine.drift(model));
        } catch (OperationException e) {
          return Optional.empty();
        }
      }
    };
  }
}
