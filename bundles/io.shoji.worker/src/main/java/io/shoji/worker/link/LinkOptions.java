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
 * @param spin how long a caller looks at shared memory before it sleeps; zero for not at all
 * @param lanes most runs that are in the worker at once; more wait for their turn
 * @param inputCheck sees the inputs of every run
 */
public record LinkOptions(
    Duration hangMargin,
    Duration loadMargin,
    Duration requestPatience,
    Duration spin,
    int lanes,
    InputCheck inputCheck) {
  /** Checks the ranges. */
  public LinkOptions {
    if (hangMargin.isNegative()
        || loadMargin.isNegative()
        || requestPatience.isNegative()
        || spin.isNegative()
        || lanes < 1
        || lanes > Limits.LANES) {
      throw new IllegalArgumentException(
          "durations are not negative, and lanes in their range hangMargin="
              + hangMargin
              + " loadMargin="
              + loadMargin
              + " requestPatience="
              + requestPatience
              + " spin="
              + spin
              + " lanes="
              + lanes
              + " most="
              + Limits.LANES);
    }
  }

  /** Margin 5 s, 30 s for loads, patience 60 s, no spinning, 32 lanes, no check. */
  public static LinkOptions defaults() {
    return new LinkOptions(
        Duration.ofSeconds(5),
        Duration.ofSeconds(30),
        Duration.ofSeconds(60),
        Duration.ZERO,
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

  /** With another time to look before sleeping. */
  public LinkOptions withSpin(Duration time) {
    return new LinkOptions(hangMargin, loadMargin, requestPatience, time, lanes, inputCheck);
  }

  /** With a check of inputs. */
  public LinkOptions withInputCheck(InputCheck check) {
    return new LinkOptions(hangMargin, loadMargin, requestPatience, spin, lanes, check);
  }
}
