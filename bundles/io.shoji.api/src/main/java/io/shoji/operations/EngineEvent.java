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

import java.time.Instant;
import java.util.Map;

/**
 * Something that happened and that an operator cares about. Immutable.
 *
 * @param sequence number of the event, from 1, one more each time, since the engine started
 * @param time when
 * @param type what
 * @param model name of the model; empty if it is about none
 * @param version version of the model; empty if it is about none, or unknown
 * @param accelerator kind and device, as {@code cpu:cpu0}; empty if it is about none
 * @param message what happened and why, for people, one line
 * @param details the same for programs: {@code reason.1} and so on of a refusal, {@code
 *     from.version}, {@code generation} and others
 */
public record EngineEvent(
    long sequence,
    Instant time,
    Type type,
    String model,
    String version,
    String accelerator,
    String message,
    Map<String, String> details) {

  /** What happened. */
  public enum Type {
    /** A model package is there, also each one at the start of the engine. */
    MODEL_INSTALLED,
    /** A bundle is no good model package; every reason is in the details. */
    MODEL_REFUSED,
    /**
     * A model package serves although something speaks against it, as that it has expired since it
     * was accepted; every reason is in the details.
     */
    MODEL_WARNING,
    /**
     * A model package is gone and will not come back by itself. The details {@code answered} and
     * {@code errors.CODE} are what it had counted by then.
     */
    MODEL_REMOVED,
    /** Another version or another generation answers requests that name no version. */
    MODEL_SWAPPED,
    /** A model went back to the version before. */
    MODEL_ROLLED_BACK,
    /** A model was pinned to a version. */
    MODEL_PINNED,
    /** A model follows its policy again. */
    MODEL_UNPINNED,
    /**
     * A change of what answers came to another state. The details {@code change}, {@code state} and
     * {@code evidence.NAME} are those of {@link ModelChange}.
     */
    MODEL_CHANGE,
    /** An old generation, or an old driver, was given back, or something of it stays. */
    SWAP_RECEIPT,
    /** Inputs or outputs of a model are no longer distributed as when it was calibrated. */
    DRIFT_ALARM,
    /** They are again. */
    DRIFT_CLEARED,
    /** A generation failed, or nothing can serve a model. */
    MODEL_FAILED,
    /** A device went away. */
    DEVICE_LOST,
    /** A device is there again that was lost. */
    DEVICE_BACK,
    /** A device is there for the first time since the engine started. */
    DEVICE_ADDED,
    /** The accelerators of a driver are not used, since its bundle is not signed as is asked. */
    DRIVER_REFUSED,
    /**
     * No generation uses a driver any more, since another driver serves its device: it may be
     * uninstalled. Its symbolic name is the detail {@code driver}.
     */
    DRIVER_UNUSED,
    /**
     * The process of a driver died. The details {@code crash}, {@code driver}, {@code
     * driver.version}, {@code runtimes}, {@code exit}, {@code signal}, {@code frame}, {@code
     * vendor.call}, {@code requests} and {@code up.ms} are there as far as they are known.
     */
    WORKER_DIED,
    /** The process of a driver died too often and is not started again by itself. */
    WORKER_GIVEN_UP,
    /**
     * An input brought drivers' processes down and is refused from now on. Its digest is the detail
     * {@code input}.
     */
    INPUT_QUARANTINED,
    /** Another policy was configured. */
    POLICY_CHANGED,
    /**
     * The disk does not take what becomes of changes of models: it goes on in memory, and is lost
     * with the process.
     */
    JOURNAL_FAILING,
    /** Everything about changes of models is on the disk again. */
    JOURNAL_HEALED
  }

  /** Copies the map. */
  public EngineEvent {
    details = Map.copyOf(details);
  }
}
