/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
/** What is told about messages that arrive. */
@Export
@Version("1.0.0")
package org.eclipse.kura.cloudconnection.subscriber.listener;

import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
