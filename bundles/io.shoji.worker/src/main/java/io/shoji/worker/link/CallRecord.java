/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.link;

import java.util.List;

/**
 * A call that the worker was about, for the report on its death.
 *
 * @param call {@code load}, {@code bind}, {@code run}, {@code close}, {@code health}, {@code
 *     memory}, {@code details}
 * @param begun whether the worker had handed it to the driver; false if it was still on its way, or
 *     on its way back
 * @param model name, version and variant, or empty
 * @param modelSha256 digest of the model's file, or empty
 * @param inputs type and shape of each input of a {@code run}, else empty
 * @param inputSha256 {@link InputDigest} of a {@code run} that had begun, else empty
 * @param runningNanos how long ago it was sent
 */
public record CallRecord(
    String call,
    boolean begun,
    String model,
    String modelSha256,
    List<String> inputs,
    String inputSha256,
    long runningNanos) {
  /** Copies the list. */
  public CallRecord {
    inputs = List.copyOf(inputs);
  }
}
