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

import java.io.IOException;
import java.time.Duration;
import java.util.List;

/** The gateway's side of a link: a worker's accelerators as accelerators of its own. */
public final class LinkClient implements AutoCloseable {
  private LinkClient() {}

  /**
   * Connects to a worker, waiting for it to listen.
   *
   * @param patience how long to wait until it listens and says who it is
   * @param listener told of accelerators and of the end
   * @throws IOException if nobody listens in time, or it is not the worker, or it speaks another
   *     version of the protocol
   */
  public static LinkClient connect(
      LinkFolder folder,
      LinkSecret secret,
      Duration patience,
      LinkOptions options,
      LinkListener listener)
      throws IOException, InterruptedException {
    return new LinkClient();
  }

  /** Process number of the worker, in its own pid namespace, as it says. */
  public long workerPid() {
    return 0;
  }

  /** What the worker is about now; once the link is lost, what it was about then. */
  public List<CallRecord> calls() {
    return List.of();
  }

  /** Asks the worker for a sign of life; how long that took, nanoseconds. */
  public long ping(Duration patience) throws IOException, InterruptedException {
    return patience.toNanos();
  }

  /**
   * Ends the link; calls in flight end with DEVICE_LOST. Idempotent. The folder stays its owner's.
   */
  @Override
  public void close() {}
}
