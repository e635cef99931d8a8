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

import io.shoji.accelerator.Accelerator;
import io.shoji.model.BundleTrust;
import io.shoji.operations.EngineEvent;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.osgi.framework.Bundle;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Hands those accelerators to the engine whose drivers may be used. While nobody judges drivers,
 * all are; there are no model packages then either, as both come from the model store. Who judges
 * is asked anew about all when that changes, and what may not be used any more leaves the engine as
 * if its device were gone. Thread safe.
 */
final class DriverTrust {
  private static final Logger LOG = LoggerFactory.getLogger(DriverTrust.class);

  private final Engine engine;
  private final Map<Accelerator, Entry> entries = new ConcurrentHashMap<>();
  private volatile Optional<BundleTrust> judge = Optional.empty();

  DriverTrust(Engine engine) {
    this.engine = engine;
  }

  /** An accelerator that is registered; guarded by itself. */
  private static final class Entry {
    private final Accelerator accelerator;
    private final Optional<Bundle> driver;
    private boolean used;
    private boolean gone;
    private String told = "";

    Entry(Accelerator accelerator, Optional<Bundle> driver) {
      this.accelerator = accelerator;
      this.driver = driver;
    }
  }

  /** Somebody judges drivers from now on, judges otherwise than before, or nobody does. */
  void judge(Optional<BundleTrust> now) {
    judge = now;
    entries.values().forEach(this::consider);
  }

  /** An accelerator was registered by a driver. */
  void add(Accelerator accelerator, Optional<Bundle> driver) {
    Entry entry = new Entry(accelerator, driver);
    entries.put(accelerator, entry);
    consider(entry);
  }

  /** An accelerator is being unregistered: returns when everything on it is closed. */
  void remove(Accelerator accelerator) {
    Entry entry = entries.remove(accelerator);
    if (entry == null) {
      return;
    }
    synchronized (entry) {
      entry.gone = true;
      if (entry.used) {
        engine.removeAccelerator(accelerator);
      }
    }
  }

  private void consider(Entry entry) {
    synchronized (entry) {
      if (entry.gone) {
        return;
      }
      Optional<String> refusal =
          judge.flatMap(
              j ->
                  entry.driver.isPresent()
                      ? j.refusal(entry.driver.get())
                      : Optional.of("its bundle is not known"));
      if (refusal.isPresent()) {
        tell(entry, refusal.get());
      }
      if (refusal.isEmpty() && !entry.used) {
        entry.used = true;
        engine.addAccelerator(entry.accelerator);
      } else if (refusal.isPresent() && entry.used) {
        entry.used = false;
        engine.removeAccelerator(entry.accelerator);
      }
    }
  }

  private void tell(Entry entry, String reason) {
    if (entry.told.equals(reason)) {
      return;
    }
    entry.told = reason;
    String label = entry.accelerator.info().kind() + ":" + entry.accelerator.info().device();
    String message =
        "an accelerator is not used, as its driver is not to be trusted accelerator="
            + label
            + " driver="
            + entry.accelerator.info().driver()
            + " "
            + entry.accelerator.info().driverVersion()
            + ": "
            + reason;
    LOG.warn("{}", message);
    engine
        .events()
        .add(EngineEvent.Type.DRIVER_REFUSED, "", "", label, message, Map.of("reason", reason));
  }
}
