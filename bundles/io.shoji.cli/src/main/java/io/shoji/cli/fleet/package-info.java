/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
/**
 * {@code shoji fleet}: many gateways over one MQTT connection.
 *
 * <p>{@code Fleet} carries requests, replies and notifications; {@code ShojiV1}, {@code
 * DeployV2Client} and {@code ConfV1} know the applications of a gateway; {@code Rollout} does one
 * thing on many gateways; the commands put them together.
 */
@NullMarked
package io.shoji.cli.fleet;

import org.jspecify.annotations.NullMarked;
