/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.edgetpu;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.ModelArtifact;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;

/** What TensorFlow Lite models run on: the processor, or an Edge TPU with it. Thread safe. */
interface TfliteDevice {
  /** For {@link #refused}: there is no interpreter, and so no status. */
  int NOT_CREATED = -1;

  /**
   * Reads and checks a file that is to run here.
   *
   * @throws AcceleratorException INVALID_MODEL, UNSUPPORTED or INCOMPATIBLE_RUNTIME
   */
  TfliteFile read(ByteBuffer content, ModelArtifact artifact) throws AcceleratorException;

  /**
   * Makes the delegates of one interpreter, in the order in which they choose their operators. The
   * caller deletes them behind the interpreter, the last one first.
   *
   * @param threads of one operator on the processor
   */
  List<Delegate> delegates(int threads) throws AcceleratorException;

  /**
   * Why the runtime or a delegate did not take a model.
   *
   * @param status of {@code TfLiteInterpreterAllocateTensors}, or {@link #NOT_CREATED}
   * @param name of the artifact
   */
  AcceleratorException refused(int status, String name);

  /** Why an invocation ended with a status other than OK that nobody asked for. */
  AcceleratorException failed(int status, String name);

  /** What there is to say of a loaded model. */
  Map<String, String> details(TfliteFile file);

  /** How it is, without asking anything that may wait. */
  AcceleratorHealth health();

  /** Waits while the device rests; whether its turn came before the deadline. */
  boolean awaitTurn(long deadlineNanos);

  /** An inference begins. */
  long begin();

  /**
   * An inference ended well.
   *
   * @param begun what {@link #begin} gave
   */
  void computed(long begun);
}
