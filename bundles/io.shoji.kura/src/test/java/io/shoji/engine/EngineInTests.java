/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import io.shoji.accelerator.Accelerator;
import io.shoji.inference.InferenceService;
import io.shoji.model.ModelPackage;
import java.lang.annotation.Annotation;
import java.lang.reflect.Proxy;
import java.util.Map;
import org.osgi.framework.BundleContext;

/** The real engine for tests of other bundles, wired by hand. */
public final class EngineInTests implements AutoCloseable {
  private final EngineComponent component;

  /** An engine with its default settings. */
  public EngineInTests(BundleContext context) {
    component =
        new EngineComponent(context, annotation(EngineComponent.Configuration.class, Map.of()));
  }

  /** What applications call. */
  public InferenceService service() {
    return component;
  }

  /** A device came. */
  public void plug(Accelerator accelerator) {
    component.addAccelerator(accelerator, Map.of());
  }

  /** A device goes. */
  public void unplug(Accelerator accelerator) {
    component.removeAccelerator(accelerator);
  }

  /** A package was installed. */
  public void install(ModelPackage modelPackage) {
    component.addModelPackage(modelPackage);
  }

  /** A package is uninstalled. */
  public void uninstall(ModelPackage modelPackage) {
    component.removeModelPackage(modelPackage);
  }

  @Override
  public void close() {
    component.deactivate();
  }

  /** An annotation with some values, and the defaults for the others. */
  public static <A extends Annotation> A annotation(Class<A> type, Map<String, Object> values) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) ->
                values.getOrDefault(method.getName(), method.getDefaultValue())));
  }
}
