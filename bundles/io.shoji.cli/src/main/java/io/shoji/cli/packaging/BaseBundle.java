/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.packaging;

import io.shoji.cli.CommandException;
import io.shoji.model.ModelDescription;
import io.shoji.models.ModelPackageCheck;
import java.nio.file.Path;
import java.util.Map;

/**
 * A package that another one is made from, checked as gateways check it.
 *
 * @param jar its bundle
 * @param description what it says
 */
record BaseBundle(Path jar, ModelDescription description) {
  /**
   * Reads a package.
   *
   * @param file {@code .dp} with one model, or {@code .jar}
   * @param work where its bundle goes if it has to be unpacked
   */
  static BaseBundle of(Path file, WorkFolder work) throws CommandException, InterruptedException {
    if (!java.nio.file.Files.isRegularFile(file)) {
      throw Refusal.usage("there is no such file file=" + file);
    }
    ZipCheck.check(file, file.toString());
    Path found = file;
    if (ModelBundle.isDeploymentPackage(file)) {
      Map<Path, String> bundles = ModelBundle.extractModels(file, ModelBundle.read(file), work);
      if (bundles.size() != 1) {
        throw Refusal.of(
            "BAD_PACKAGE",
            "a base holds one model bundle found=" + bundles.size() + " file=" + file);
      }
      found = bundles.keySet().iterator().next();
      ZipCheck.check(found, file.toString());
    }
    ModelPackageCheck check = GatewayCheck.of(found, file);
    if (check.description().isEmpty()) {
      throw GatewayCheck.refused("gateways would refuse this package", file, check.reasons());
    }
    return new BaseBundle(found, check.description().get());
  }
}
