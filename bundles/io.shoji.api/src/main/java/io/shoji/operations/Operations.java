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

import java.util.List;
import org.osgi.annotation.versioning.ProviderType;
import org.osgi.framework.Version;

/**
 * What an operator does with models and accelerators. One OSGi service, beside {@link
 * io.shoji.inference.InferenceService}; thread safe.
 *
 * <p>Nothing here makes a request fail that runs or waits: what answered goes on until its
 * successor does. Which version answers a request that names none is decided by the model's pin,
 * else by the configured policy, else it is the highest that serves. While no version that was
 * asked for is there or can serve, the highest that does serve answers, and {@link
 * ModelOverview#note} says so.
 */
@ProviderType
public interface Operations {
  /**
   * Replaces the configured policy as a whole, in this call; models are placed anew in the
   * background. The last caller wins. It is not stored: until somebody configures one after a
   * start, it is empty.
   *
   * @throws OperationException INVALID with every reason; the policy before stays in force
   */
  void configure(OperationsPolicy policy) throws OperationException;

  /** The policy in force. */
  OperationsPolicy policy();

  /**
   * Pins a model to a version, installed or retained, before any policy; holds over restarts. When
   * this returns, it is stored; the version before answers until the pinned one serves.
   *
   * @throws OperationException UNKNOWN_MODEL, UNKNOWN_VERSION, CONFLICT while the model's package
   *     is being exchanged, or FAILED if it cannot be stored
   */
  void pin(String model, Version version) throws OperationException;

  /**
   * Lets a model follow its policy again; holds over restarts. Does nothing if it is not pinned.
   *
   * @throws OperationException UNKNOWN_MODEL if it is neither installed nor pinned, or FAILED if it
   *     cannot be stored
   */
  void unpin(String model) throws OperationException;

  /**
   * Goes back to the version that answered before the one that does now, and pins it. Doing so
   * again goes back further, never forward.
   *
   * @return the version that it is pinned to now
   * @throws OperationException UNKNOWN_MODEL, CONFLICT if no earlier version is here any more, or
   *     FAILED if it cannot be stored
   */
  Version rollback(String model) throws OperationException;

  /**
   * Loads the version that answers anew, beside what serves, and switches when it is ready. Blocks
   * until then.
   *
   * @throws OperationException UNKNOWN_MODEL, CONFLICT if nothing serves the model, CANCELLED, or
   *     FAILED with the reason; what served before goes on
   */
  void reload(String model, Progress progress) throws OperationException;

  /**
   * Computes the digests of all stored files of the version that answers, and runs its golden
   * samples through the generation that serves. Blocks until then; takes turns with requests.
   *
   * @return what was found; a model that does not pass is told by that, not by an exception
   * @throws OperationException UNKNOWN_MODEL, CONFLICT if nothing serves the model, CANCELLED, or
   *     FAILED if the check itself could not be done
   */
  Verification verify(String model, Progress progress) throws OperationException;

  /**
   * Measures the generation that answers, on zeros, batch size 1. Blocks until then; takes turns
   * with requests, and slows them down meanwhile. The runs are not in the model's metrics.
   *
   * @throws OperationException UNKNOWN_MODEL, INVALID if an option is out of its range, CONFLICT if
   *     nothing serves the model, CANCELLED, or FAILED with the reason
   */
  BenchResult bench(String model, BenchOptions options, Progress progress)
      throws OperationException;

  /**
   * Gives up retained versions that are neither pinned nor serving, and removes from the store what
   * nobody needs.
   *
   * @throws OperationException FAILED if there is no model store now
   */
  Garbage collectGarbage() throws OperationException;

  /**
   * How far what the version that answers takes and gives is from what its package was calibrated
   * with.
   *
   * @throws OperationException UNKNOWN_MODEL, or CONFLICT if nothing serves the model
   */
  DriftReport drift(String model) throws OperationException;

  /**
   * What is kept of a model's real inputs.
   *
   * @throws OperationException UNKNOWN_MODEL if it is not installed and nothing of it is kept
   */
  FieldSampleStatus fieldSamples(String model) throws OperationException;

  /**
   * Decrypts some of the field samples of a model, in the order in which they came.
   *
   * @param from 0 for the first ones, else {@link FieldSamplePage#next} of the page before
   * @param mostBytes about how large a page is; it has at least one sample if any is left
   * @throws OperationException UNKNOWN_MODEL if nothing of it is kept, INVALID if {@code mostBytes}
   *     is not positive, or FAILED if they cannot be read
   */
  FieldSamplePage exportFieldSamples(String model, long from, long mostBytes)
      throws OperationException;

  /**
   * The latest events, at most 1024, oldest first.
   *
   * @param afterSequence only those with a greater number; all if no event has that number yet, as
   *     with one from before a restart
   */
  List<EngineEvent> events(long afterSequence);

  /**
   * What became of old generations and old drivers, the latest 256, oldest first; also those that
   * are still being looked at.
   *
   * @param afterId only those with a greater number; all if no receipt has that number yet
   */
  List<SwapReceipt> receipts(long afterId);

  /**
   * Lets other drivers take over every device of one driver, whatever their versions, so that it
   * may be uninstalled without a gap: models go over one by one, in the background, and the event
   * DRIVER_UNUSED tells when all have. What no other driver can serve stays. Holds until the driver
   * or the engine stops.
   *
   * @param driver symbolic name of the driver's bundle
   * @throws OperationException INVALID if no such driver has a device here, CONFLICT if a device of
   *     it has no other driver
   */
  void releaseDriver(String driver) throws OperationException;

  /**
   * Changes of what answers for a model, newest first: those under way, the last good one and the
   * latest that ended; also from before a restart.
   *
   * @param model name of a model; empty if nothing is known of it
   */
  List<ModelChange> changes(String model);

  /** Every model, installed, retained or refused, by name. */
  List<ModelOverview> models();
}
