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
import io.shoji.models.ModelPackageCheck;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CancellationException;

/** What a gateway would say of a bundle. */
final class GatewayCheck {
  private GatewayCheck() {}

  /**
   * Runs the gateway's own checks.
   *
   * @param where what to name in messages
   */
  static ModelPackageCheck of(Path jar, Object where)
      throws CommandException, InterruptedException {
    try {
      return ModelPackageCheck.jar(jar, () -> Thread.currentThread().isInterrupted());
    } catch (CancellationException e) {
      throw new InterruptedException();
    } catch (IOException e) {
      throw Refusal.io("the bundle cannot be read", where, e);
    }
  }

  static CommandException refused(String what, Object file, List<String> reasons) {
    return Refusal.of(
        "REFUSED",
        what
            + " reasons="
            + reasons.size()
            + " file="
            + file
            + "\n  - "
            + String.join("\n  - ", reasons));
  }
}
