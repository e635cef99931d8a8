/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.inside;

import io.shoji.gateway.link.Inside;
import io.shoji.inference.InferenceService;
import io.shoji.inference.PipelineService;
import io.shoji.model.ModelCatalog;
import org.osgi.annotation.bundle.Header;
import org.osgi.framework.BundleActivator;
import org.osgi.framework.BundleContext;
import org.osgi.util.tracker.ServiceTracker;

/** Starts the bundle: it is there for the launcher before the services that it asks are. */
@Header(name = "Bundle-Activator", value = "${@class}")
public final class Activator implements BundleActivator {
  @Override
  public void start(BundleContext context) {
    ServiceTracker<InferenceService, InferenceService> inference =
        new ServiceTracker<>(context, InferenceService.class, null);
    ServiceTracker<PipelineService, PipelineService> pipelines =
        new ServiceTracker<>(context, PipelineService.class, null);
    ServiceTracker<ModelCatalog, ModelCatalog> catalog =
        new ServiceTracker<>(context, ModelCatalog.class, null);
    inference.open();
    pipelines.open();
    catalog.open();
    context.registerService(Inside.class, new GatewayInside(inference, pipelines, catalog), null);
  }

  @Override
  public void stop(BundleContext context) {
    // The framework closes trackers and services of a bundle that stops.
  }
}
