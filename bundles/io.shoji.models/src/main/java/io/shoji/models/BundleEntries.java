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

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.Enumeration;
import java.util.LinkedHashSet;
import java.util.Optional;
import java.util.Set;
import org.osgi.framework.Bundle;

/** The entries of a bundle as the framework serves them, those of its fragments left out. */
final class BundleEntries implements SignedArchive.Entries {
  private final Bundle bundle;

  BundleEntries(Bundle bundle) {
    this.bundle = bundle;
  }

  @Override
  public Collection<String> names() throws IOException {
    Set<String> files = new LinkedHashSet<>();
    Set<String> seen = new LinkedHashSet<>();
    Deque<String> folders = new ArrayDeque<>();
    folders.add("/");
    try {
      while (!folders.isEmpty()) {
        Enumeration<String> paths = bundle.getEntryPaths(folders.remove());
        while (paths != null && paths.hasMoreElements()) {
          String path = paths.nextElement();
          if (!path.endsWith("/")) {
            files.add(path);
          } else if (seen.add(path)) {
            folders.add(path);
          }
        }
      }
    } catch (IllegalStateException e) {
      throw gone(e);
    }
    return files;
  }

  @Override
  public Optional<InputStream> open(String name) throws IOException {
    try {
      URL entry = bundle.getEntry(name);
      return entry == null ? Optional.empty() : Optional.of(entry.openStream());
    } catch (IllegalStateException e) {
      throw gone(e);
    }
  }

  private IOException gone(IllegalStateException cause) {
    return new IOException("the bundle was uninstalled bundle=" + bundle.getSymbolicName(), cause);
  }
}
