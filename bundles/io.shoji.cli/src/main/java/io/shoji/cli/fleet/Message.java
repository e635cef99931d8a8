/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.fleet;

import io.shoji.cloud.Payload;
import io.shoji.cloud.PayloadException;
import io.shoji.cloud.Topic;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * What a gateway sent of its own accord.
 *
 * @param received when it came
 * @param topic its topic
 * @param payload what it says; null if it cannot be read
 * @param problem why it cannot be read; null if it can
 * @param retained whether the broker had kept it from before
 */
record Message(
    Instant received,
    Topic topic,
    @Nullable Payload payload,
    @Nullable PayloadException problem,
    boolean retained) {}
