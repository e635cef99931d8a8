/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.models;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.ServiceLoader;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.BundleException;
import org.osgi.framework.Constants;
import org.osgi.framework.launch.Framework;
import org.osgi.framework.launch.FrameworkFactory;
import org.osgi.framework.wiring.FrameworkWiring;

/** A running Felix framework. */
final class RunningFelix implements AutoCloseable {
  private final Framework framework;

  RunningFelix(Path cache) throws BundleException {
    FrameworkFactory factory = ServiceLoader.load(FrameworkFactory.class).iterator().next();
    framework =
        factory.newFramework(
            Map.of(Constants.FRAMEWORK_STORAGE, cache.toString(), "felix.shutdown.hook", "false"));
    framework.start();
  }

  BundleContext context() {
    return framework.getBundleContext();
  }

  /** Installs a bundle, and has it resolved. */
  Bundle install(String location, byte[] jar) throws BundleException {
    Bundle bundle = context().installBundle("test:" + location, new ByteArrayInputStream(jar));
    assertThat(resolve(bundle)).isTrue();
    return bundle;
  }

  void update(Bundle bundle, byte[] jar) throws BundleException {
    bundle.update(new ByteArrayInputStream(jar));
    assertThat(resolve(bundle)).isTrue();
  }

  boolean resolve(Bundle bundle) {
    return framework.adapt(FrameworkWiring.class).resolveBundles(List.of(bundle));
  }

  @Override
  public void close() throws BundleException, InterruptedException {
    framework.stop();
    framework.waitForStop(10_000);
  }
}
