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
import io.shoji.dp.DeploymentPackageWriter;
import io.shoji.dp.InvalidPackageException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.osgi.framework.Version;

/**
 * What bundle and deployment package are called.
 *
 * @param symbolicName of both
 * @param version of both
 */
record Assembly(String symbolicName, String version) {
  private static final String PREFIX = "io.shoji.model.";

  /**
   * Takes names from options, a base, and the model.
   *
   * @throws CommandException USAGE if the version is no higher than the base's
   */
  static Assembly of(
      Draft draft,
      Optional<ModelBundle> base,
      Optional<String> bundle,
      Optional<String> bundleVersion,
      String where)
      throws CommandException {
    String name =
        bundle
            .or(() -> base.map(ModelBundle::symbolicName))
            .orElse(PREFIX + draft.text("name").orElse(""));
    String version = bundleVersion.or(() -> draft.text("version")).orElse("");
    if (base.isPresent() && base.get().symbolicName().equals(name)) {
      try {
        if (Version.parseVersion(version).compareTo(Version.parseVersion(base.get().version()))
            <= 0) {
          throw Refusal.usage(
              "gateways that have the base ignore a package that is no newer: say --bundle-version base="
                  + base.get().version()
                  + " found="
                  + version
                  + " file="
                  + where);
        }
      } catch (IllegalArgumentException e) {
        throw new CommandException(
            io.shoji.cli.ExitCode.USAGE,
            "USAGE",
            "this is no version, as 1.2.0: " + e.getMessage(),
            e);
      }
    }
    return new Assembly(name, version);
  }

  /** As {@code io.shoji.model.digits-1.1.0}. */
  String fileName() {
    return symbolicName + "-" + version;
  }

  /** Writes the bundle, has the gateway's code check it, signs it. */
  Path writeBundle(Draft draft, WorkFolder work, Optional<SigningKey> signer)
      throws CommandException, InterruptedException {
    BundleWriter writer =
        new BundleWriter(
            symbolicName, version, draft.text("name").orElse(""), draft.text("version").orElse(""));
    draft.text("title").ifPresent(title -> writer.header("Bundle-Name", title));
    draft.text("licence").ifPresent(licence -> writer.header("Bundle-License", licence));
    draft.writeTo(writer);
    Path jar = work.file("bundle.jar");
    try {
      writer.write(jar);
    } catch (IOException e) {
      throw Refusal.io("the bundle cannot be written", fileName() + ".jar", e);
    } catch (IllegalArgumentException e) {
      throw Refusal.of(
          "REFUSED", "a name or title cannot stand in a manifest: " + e.getMessage(), e);
    }
    List<String> reasons = GatewayCheck.of(jar, fileName() + ".jar").reasons();
    if (!reasons.isEmpty()) {
      throw GatewayCheck.refused("gateways would refuse this package", draft, reasons);
    }
    if (signer.isEmpty()) {
      return jar;
    }
    Path signed = work.file("signed.jar");
    JarSigning.sign(jar, signed, signer.get(), false, work.file("signed.jar.part"));
    return signed;
  }

  /** Writes the deployment package around the bundle, reads it again, signs it. */
  Path writePackage(Draft draft, Path jar, WorkFolder work, Optional<SigningKey> signer)
      throws CommandException {
    Path dp = work.file("package.dp");
    try {
      DeploymentPackageWriter writer = new DeploymentPackageWriter(symbolicName, version);
      draft.text("title").ifPresent(title -> writer.header("DeploymentPackage-Name", title));
      writer.bundle(jar).write(dp);
    } catch (InvalidPackageException e) {
      throw Refusal.of("REFUSED", String.valueOf(e.getMessage()), e);
    } catch (IOException e) {
      throw Refusal.io("the deployment package cannot be written", fileName() + ".dp", e);
    }
    Path result = dp;
    if (signer.isPresent()) {
      result = work.file("signed.dp");
      JarSigning.sign(dp, result, signer.get(), true, work.file("signed.dp.part"));
    }
    ModelBundle.read(result);
    return result;
  }
}
