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

import io.shoji.cloud.BrokerSettings;

/**
 * How gateways are reached.
 *
 * @param broker where the broker is and who we are there
 * @param account of the gateways
 * @param clientId of this side
 * @param connectTimeoutMs milliseconds a connection may take to come about
 * @param timeoutMs milliseconds to wait for a reply, per attempt
 * @param attempts times a request is sent while no reply comes, at least 1
 */
record FleetSettings(
    BrokerSettings broker,
    String account,
    String clientId,
    long connectTimeoutMs,
    long timeoutMs,
    int attempts) {}
