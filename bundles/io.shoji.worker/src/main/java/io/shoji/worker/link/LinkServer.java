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

import io.shoji.accelerator.Accelerator;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;

/** The worker's side of a link: offers accelerators and calls them for the gateway. */
public final class LinkServer implements AutoCloseable {
  private LinkServer() {}

  /**
   * Listens for its one gateway.
   *
   * @param socket where; its folder is the {@link LinkFolder} that the gateway made
   * @param secret by which gateway and worker know each other
   * @throws IOException if it cannot listen there
   */
  public static LinkServer listen(Path socket, LinkSecret secret) throws IOException {
    return new LinkServer();
  }

  /**
   * Offers an accelerator, now or as soon as the gateway is there.
   *
   * @param properties of its service; what has a type that {@link LinkListener#arrived} does not
   *     name stays here
   */
  public void offer(Accelerator accelerator, Map<String, ?> properties) {}

  /**
   * Tells the gateway that an accelerator goes. Models on it stay usable as far as the driver lets
   * them.
   */
  public void withdraw(Accelerator accelerator) {}

  /** Waits until the gateway has gone, or this was closed. */
  public void awaitEnd() throws InterruptedException {}

  /** Ends the link, closes every model, ends all its threads. Idempotent. */
  @Override
  public void close() {}
}
