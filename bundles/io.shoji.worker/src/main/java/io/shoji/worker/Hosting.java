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

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.osgi.framework.Bundle;
import org.osgi.framework.wiring.BundleCapability;
import org.osgi.framework.wiring.BundleRevision;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which drivers run in a process of their own. A driver bundle says by the capability {@code
 * io.shoji.driver} that it is one, and by its attribute {@code hosting} where it runs by default;
 * the configuration overrides that by the driver's kind or its bundle's symbolic name. Immutable.
 */
final class Hosting {
  /** Namespace of the capability, and name of the attribute that holds the driver's kind. */
  static final String DRIVER = "io.shoji.driver";

  private static final String ATTRIBUTE = "hosting";
  private static final Logger LOG = LoggerFactory.getLogger(Hosting.class);

  /** Where a driver runs. */
  enum Place {
    /** In the gateway's framework. */
    IN_PROCESS,
    /** In a process of its own. */
    WORKER;

    static Optional<Place> of(String text) {
      return switch (text.strip().toLowerCase(Locale.ROOT)) {
        case "in-process" -> Optional.of(IN_PROCESS);
        case "worker" -> Optional.of(WORKER);
        default -> Optional.empty();
      };
    }
  }

  private final Map<String, Place> rules = new HashMap<>();

  /**
   * Rules as configured.
   *
   * @param lines {@code NAME=in-process} or {@code NAME=worker}, NAME a kind as {@code cpu} or a
   *     symbolic name; {@code NAME=default} as if there were none. One without sense is logged and
   *     left out
   */
  Hosting(List<String> lines) {
    for (String line : lines) {
      if (line.isBlank()) {
        continue;
      }
      int at = line.indexOf('=');
      String name = at < 0 ? "" : line.substring(0, at).strip();
      String value = line.substring(at + 1);
      Optional<Place> place = Place.of(value);
      if (!name.isEmpty() && value.strip().equalsIgnoreCase("default")) {
        continue;
      }
      if (name.isEmpty() || place.isEmpty()) {
        LOG.error(
            "a rule of hosting has no sense and is left out; it is NAME=worker, NAME=in-process or"
                + " NAME=default, NAME a kind as cpu or a bundle's symbolic name rule={}",
            line);
        continue;
      }
      rules.put(name, place.get());
    }
  }

  /** Whether a bundle is a driver that runs in a worker. */
  boolean inWorker(Bundle bundle) {
    String name = bundle.getSymbolicName();
    Optional<BundleCapability> capability = capability(bundle);
    if (name == null) {
      return false;
    }
    Place asked = rules.get(name);
    if (asked == null && capability.isPresent()) {
      asked = rules.get(kind(bundle));
      if (asked == null) {
        Object declared = capability.get().getAttributes().get(ATTRIBUTE);
        asked = Place.of(String.valueOf(declared)).orElse(Place.WORKER);
      }
    }
    return asked == Place.WORKER;
  }

  /** The kind of devices that a driver bundle serves; its symbolic name if it does not say. */
  static String kind(Bundle bundle) {
    return capability(bundle)
        .map(c -> String.valueOf(c.getAttributes().get(DRIVER)))
        .orElse(String.valueOf(bundle.getSymbolicName()));
  }

  private static Optional<BundleCapability> capability(Bundle bundle) {
    BundleRevision revision = bundle.adapt(BundleRevision.class);
    return revision == null
        ? Optional.empty()
        : revision.getDeclaredCapabilities(DRIVER).stream().findFirst();
  }
}
