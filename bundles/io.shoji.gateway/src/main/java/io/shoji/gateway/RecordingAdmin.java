/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.Dictionary;
import java.util.Hashtable;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.Constants;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.Version;
import org.osgi.service.deploymentadmin.BundleInfo;
import org.osgi.service.deploymentadmin.DeploymentAdmin;
import org.osgi.service.deploymentadmin.DeploymentException;
import org.osgi.service.deploymentadmin.DeploymentPackage;

/**
 * The DeploymentAdmin that bundles see: what they install and uninstall goes through {@link
 * Packages}, so that it is checked first, recorded, and there again after a restart. It outranks
 * the framework's own. Thread safe; one change at a time.
 */
final class RecordingAdmin implements DeploymentAdmin {
  private static final int RANKING = 100;

  private final Packages packages;
  private final DeploymentAdmin admin;
  private final Path folder;
  private final Runnable changed;

  /**
   * Prepares to install.
   *
   * @param admin of the framework
   * @param folder where packages lie while they are installed; what ends in {@code .part} is
   *     removed there at the start
   * @param changed done after each change
   */
  RecordingAdmin(Packages packages, DeploymentAdmin admin, Path folder, Runnable changed) {
    this.packages = packages;
    this.admin = admin;
    this.folder = folder;
    this.changed = changed;
  }

  @SuppressWarnings("JdkObsolete") // OSGi takes a Dictionary
  void register(Platform platform) {
    Dictionary<String, Object> properties = new Hashtable<>();
    properties.put(Constants.SERVICE_RANKING, RANKING);
    platform.context().registerService(DeploymentAdmin.class, this, properties);
  }

  @Override
  public DeploymentPackage installDeploymentPackage(InputStream in) throws DeploymentException {
    try {
      Path file = Files.createTempFile(folder, "incoming-", ".part");
      try {
        Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
        Packages.Outcome outcome = packages.install(file, "deployment-admin");
        if (outcome.change() != Packages.Change.UNCHANGED) {
          changed.run();
        }
        return new Recorded(admin.getDeploymentPackage(outcome.installed().name()));
      } finally {
        Files.deleteIfExists(file);
      }
    } catch (PackageRefusedException e) {
      throw refused(e);
    } catch (IOException e) {
      throw new DeploymentException(
          DeploymentException.CODE_OTHER_ERROR, "the work folder cannot be written", e);
    }
  }

  private static DeploymentException refused(PackageRefusedException e) {
    int code =
        e.getCause() instanceof DeploymentException cause
            ? cause.getCode()
            : DeploymentException.CODE_OTHER_ERROR;
    return new DeploymentException(code, e.getMessage(), e);
  }

  @Override
  public DeploymentPackage[] listDeploymentPackages() {
    return Arrays.stream(admin.listDeploymentPackages())
        .map(Recorded::new)
        .toArray(DeploymentPackage[]::new);
  }

  @Override
  public @Nullable DeploymentPackage getDeploymentPackage(String name) {
    DeploymentPackage found = admin.getDeploymentPackage(name);
    return found == null ? null : new Recorded(found);
  }

  @Override
  public @Nullable DeploymentPackage getDeploymentPackage(Bundle bundle) {
    DeploymentPackage found = admin.getDeploymentPackage(bundle);
    return found == null ? null : new Recorded(found);
  }

  /** Packages are checked before anything is stopped, so there is nothing to cancel. */
  @Override
  public boolean cancel() {
    return false;
  }

  /** A package whose end is recorded. */
  private final class Recorded implements DeploymentPackage {
    private final DeploymentPackage deployed;

    Recorded(DeploymentPackage deployed) {
      this.deployed = deployed;
    }

    @Override
    public void uninstall() throws DeploymentException {
      try {
        packages.uninstall(deployed.getName());
        changed.run();
      } catch (PackageRefusedException e) {
        throw refused(e);
      } catch (IOException e) {
        throw new DeploymentException(
            DeploymentException.CODE_OTHER_ERROR, "the work folder cannot be written", e);
      }
    }

    @Override
    public boolean uninstallForced() throws DeploymentException {
      uninstall();
      return true;
    }

    @Override
    public boolean isStale() {
      return deployed.isStale();
    }

    @Override
    public String getName() {
      return deployed.getName();
    }

    @Override
    public @Nullable String getDisplayName() {
      return deployed.getDisplayName();
    }

    @Override
    public Version getVersion() {
      return deployed.getVersion();
    }

    @Override
    public @Nullable URL getIcon() {
      return deployed.getIcon();
    }

    @Override
    public BundleInfo[] getBundleInfos() {
      return deployed.getBundleInfos();
    }

    @Override
    public @Nullable Bundle getBundle(String symbolicName) {
      return deployed.getBundle(symbolicName);
    }

    @Override
    public String[] getResources() {
      return deployed.getResources();
    }

    @Override
    public @Nullable ServiceReference<?> getResourceProcessor(String resource) {
      return deployed.getResourceProcessor(resource);
    }

    @Override
    public @Nullable String getHeader(String header) {
      return deployed.getHeader(header);
    }

    @Override
    public @Nullable String getResourceHeader(String resource, String header) {
      return deployed.getResourceHeader(resource, header);
    }

    @Override
    public String toString() {
      return getName() + " " + getVersion();
    }
  }
}
