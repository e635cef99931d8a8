/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker;

import java.nio.file.Path;
import java.util.function.Supplier;
import org.osgi.framework.BundleContext;

/**
 * What all workers share.
 *
 * @param context of this bundle
 * @param settings as they are now
 * @param platform what workers run on
 * @param archive class data of that, ready to be mapped
 * @param configurations settings of drivers
 * @param crashes where crash reports go
 * @param quarantine inputs that are refused
 * @param incidents who is told of what happens
 * @param copies folder of the drivers' copies
 */
record Surroundings(
    BundleContext context,
    Supplier<WorkerSettings> settings,
    Platform platform,
    ClassArchive archive,
    Configurations configurations,
    CrashReports crashes,
    Quarantine quarantine,
    Incidents incidents,
    Path copies) {}
