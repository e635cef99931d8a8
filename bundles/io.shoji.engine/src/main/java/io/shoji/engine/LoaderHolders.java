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

import java.lang.management.ManagementFactory;
import java.security.Provider;
import java.security.Security;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import javax.management.InstanceNotFoundException;
import javax.management.MBeanServer;
import javax.management.ObjectName;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Finds, among what can be seen, who holds a class loader that is not collected. */
final class LoaderHolders {
  private static final Logger LOG = LoggerFactory.getLogger(LoaderHolders.class);

  private LoaderHolders() {}

  /** Places of the whole JVM that hold it, in words; threads are not among them. */
  static List<String> ofTheProcess(ClassLoader loader) {
    List<String> found = new ArrayList<>();
    MBeanServer beans = ManagementFactory.getPlatformMBeanServer();
    for (ObjectName name : beans.queryNames(null, null)) {
      try {
        if (beans.getClassLoaderFor(name) == loader) {
          found.add("an MBean name=" + name);
        }
      } catch (InstanceNotFoundException e) {
        LOG.trace("an MBean has just gone name={}", name, e);
      }
    }
    for (Provider provider : Security.getProviders()) {
      if (provider.getClass().getClassLoader() == loader) {
        found.add("a security provider name=" + provider.getName());
      }
    }
    for (Map.Entry<Object, Object> property : System.getProperties().entrySet()) {
      if (property.getValue().getClass().getClassLoader() == loader
          || property.getKey().getClass().getClassLoader() == loader) {
        found.add("a system property, which should be text key=" + property.getKey());
      }
    }
    Thread.UncaughtExceptionHandler handler = Thread.getDefaultUncaughtExceptionHandler();
    if (handler != null && handler.getClass().getClassLoader() == loader) {
      found.add("the default handler of exceptions class=" + handler.getClass().getName());
    }
    return found;
  }
}
