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

import java.time.Duration;

/**
 * How the gateway's side of a link behaves.
 *
 * @param hangMargin after a run's deadline, until the worker counts as hung
 * @param loadMargin after a load was given up, until the worker counts as hung: drivers give up
 *     between two steps, and a step may be long
 * @param requestPatience for a request other than a run or a load (binding, closing, health,
 *     memory), until the worker counts as hung
 * @param spin whether callers and the worker look at shared memory for a moment before they sleep,
 *     and find runs and replies there
 * @param lanes most runs that are in the worker at once; more wait for their turn
 * @param inputCheck sees the inputs of every run
 */
public record LinkOptions(
    Duration hangMargin,
    Duration loadMargin,
    Duration requestPatience,
    boolean spin,
    int lanes,
    InputCheck inputCheck) {
  /** Checks the ranges. */
  public LinkOptions {
    if (hangMargin.isNegative()
        || loadMargin.isNegative()
        || requestPatience.isNegative()
        || lanes < 1
        || lanes > Limits.LANES) {
      throw new IllegalArgumentException(
          "durations are not negative, and lanes in their range hangMargin="
              + hangMargin
              + " loadMargin="
              + loadMargin
              + " requestPatience="
              + requestPatience
              + " lanes="
              + lanes
              + " most="
              + Limits.LANES);
    }
  }

  /** Margin 5 s, 30 s for loads, patience 60 s, spinning, 32 lanes, no check. */
  public static LinkOptions defaults() {
    return new LinkOptions(
        Duration.ofSeconds(5),
        Duration.ofSeconds(30),
        Duration.ofSeconds(60),
        true,
        32,
        InputCheck.NONE);
  }

  /** With another margin after a run's deadline. */
  public LinkOptions withHangMargin(Duration margin) {
    return new LinkOptions(margin, loadMargin, requestPatience, spin, lanes, inputCheck);
  }

  /** With another margin after a load that was given up. */
  public LinkOptions withLoadMargin(Duration margin) {
    return new LinkOptions(hangMargin, margin, requestPatience, spin, lanes, inputCheck);
  }

  /** With another patience for requests. */
  public LinkOptions withRequestPatience(Duration patience) {
    return new LinkOptions(hangMargin, loadMargin, patience, spin, lanes, inputCheck);
  }

  /** With looking before sleeping, or without. */
  public LinkOptions withSpin(boolean spinning) {
    return new LinkOptions(hangMargin, loadMargin, requestPatience, spinning, lanes, inputCheck);
  }

  /** With a check of inputs. */
  public LinkOptions withInputCheck(InputCheck check) {
    return new LinkOptions(hangMargin, loadMargin, requestPatience, spin, lanes, check);
  }
}
