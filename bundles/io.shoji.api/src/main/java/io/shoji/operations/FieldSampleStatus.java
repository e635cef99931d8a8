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
import java.util.Optional;

/**
 * Real inputs of a model that are kept on the gateway. Immutable.
 *
 * @param model name of the model
 * @param policy what was asked for; empty if none are to be kept
 * @param count samples kept
 * @param bytes bytes that they take on disk
 * @param seen samples that they were chosen from, since the first of them
 * @param dropped samples that were chosen and could not be kept, since the start: the disk was busy
 *     or full, or the sample larger than the budget
 * @param damaged files that were thrown away, since the start
 * @param oldest time of the oldest; empty without samples
 * @param newest time of the newest; empty without samples
 * @param key where the key is that they are encrypted with; one line
 * @param problem what went wrong last; empty if nothing did
 */
public record FieldSampleStatus(
    String model,
    Optional<FieldSamplePolicy> policy,
    int count,
    long bytes,
    long seen,
    long dropped,
    long damaged,
    Optional<Instant> oldest,
    Optional<Instant> newest,
    String key,
    String problem) {}
