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
 * Why a link ended.
 *
 * @param reason what happened
 * @param message what was found, for people
 * @param calls what the worker was doing for the gateway at that moment; first what its driver had
 *     begun
 */
public record LinkLoss(Reason reason, String message, List<CallRecord> calls) {
  /** What ended the link. */
  public enum Reason {
    /** The worker closed its end, as its death does. */
    DIED,
    /** A call did not come back at its deadline and the margin after it. */
    HUNG,
    /** What came is not of the protocol. */
    PROTOCOL,
    /** The gateway closed it. */
    CLOSED
  }

  /** Copies the list. */
  public LinkLoss {
    calls = List.copyOf(calls);
  }
}
