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

import io.shoji.dp.DeploymentPackage;
import io.shoji.dp.InvalidPackageException;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.osgi.framework.Bundle;
import org.osgi.framework.Version;
import org.osgi.service.deploymentadmin.BundleInfo;
import org.osgi.service.deploymentadmin.DeploymentAdmin;
import org.osgi.service.deploymentadmin.DeploymentException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Installs deployment packages through DeploymentAdmin, and remembers which.
 *
 * <p>The folder {@code installed} of the work folder holds a copy of each installed package and a
 * record of it; a file {@code changing} lies there while DeploymentAdmin changes something. If it
 * lies there at the start, or DeploymentAdmin knows other packages than the records (Felix
 * DeploymentAdmin 0.9.6 forgets all of them when it uninstalls one), the framework's storage is in
 * an unknown state, and is made again from the copies.
 *
 * <p>Thread safe; one change at a time.
 */
final class Packages {
  private static final Logger log = LoggerFactory.getLogger(Packages.class);

  /** Where DeploymentAdmin keeps what it knows, in its bundle's storage. */
  private static final String DEPLOYMENT_ADMIN_RECORDS = "packages";

  private final Platform platform;
  private final DeploymentAdmin admin;
  private final Path folder;
  private final Path changing;
  private final Map<String, InstalledPackage> installed = new TreeMap<>();

  private Packages(Platform platform, DeploymentAdmin admin, Path folder) {
    this.platform = platform;
    this.admin = admin;
    this.folder = folder;
    this.changing = folder.resolve("changing");
  }

  /** What an installation came to. */
  enum Change {
    INSTALLED,
    UPDATED,
    UNCHANGED
  }

  /**
   * An installation.
   *
   * @param change what it came to
   * @param installed the package
   * @param before version that was installed before, or an empty string
   */
  record Outcome(Change change, InstalledPackage installed, String before) {
    @Override
    public String toString() {
      return switch (change) {
        case INSTALLED -> "installed " + installed;
        case UPDATED -> "updated " + installed + " (was " + before + ")";
        case UNCHANGED -> "already installed " + installed;
      };
    }
  }

  /**
   * Finds what is installed on a platform that has just started.
   *
   * @return empty if the framework's storage does not agree with the records: remove it, start the
   *     platform again, and {@link #restore}
   */
  static Optional<Packages> find(Platform platform, WorkFolder work)
      throws GatewayException, IOException, InterruptedException {
    Packages packages =
        new Packages(platform, platform.await(DeploymentAdmin.class, 30), ready(work));
    packages.readRecords();
    return packages.agrees() ? Optional.of(packages) : Optional.empty();
  }

  /** Installs every package again, on a platform with new storage. */
  static Packages restore(Platform platform, WorkFolder work)
      throws GatewayException, IOException, InterruptedException {
    Path folder = ready(work);
    Packages packages = new Packages(platform, platform.await(DeploymentAdmin.class, 30), folder);
    Files.deleteIfExists(packages.changing);
    packages.readRecords();
    for (InstalledPackage record : List.copyOf(packages.installed.values())) {
      Path copy = packages.copyOf(record.name());
      packages.installed.remove(record.name());
      try {
        log.info("{}", packages.install(copy, record.source()));
      } catch (PackageRefusedException e) {
        log.error("a package is lost, install it again name={}", record.name(), e);
        packages.forget(record.name());
      }
    }
    return packages;
  }

  /**
   * Lets bundles install and uninstall too, by a DeploymentAdmin that goes through this.
   *
   * @param changed done after each change that they make
   */
  void offer(Runnable changed) {
    new RecordingAdmin(this, admin, folder, changed).register(platform);
  }

  private static Path ready(WorkFolder work) throws IOException {
    Files.createDirectories(work.configuration());
    return Files.createDirectories(work.installed());
  }

  private void readRecords() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.toList()) {
        String name = file.getFileName().toString();
        if (name.endsWith(InstalledPackage.SUFFIX)) {
          InstalledPackage record = InstalledPackage.read(file);
          installed.put(record.name(), record);
        } else if (name.endsWith(".part")) {
          Files.delete(file);
        }
      }
    }
  }

  private boolean agrees() {
    if (Files.exists(changing)) {
      log.warn("the gateway was killed while it changed packages: they are installed again");
      return false;
    }
    Map<String, String> known = new TreeMap<>();
    for (var deployed : admin.listDeploymentPackages()) {
      known.put(deployed.getName(), deployed.getVersion().toString());
      for (BundleInfo info : deployed.getBundleInfos()) {
        Bundle bundle = deployed.getBundle(info.getSymbolicName());
        if (bundle == null || !bundle.getVersion().equals(info.getVersion())) {
          log.warn(
              "a package's bundle is not what was installed: all are installed again package={} bundle={}",
              deployed.getName(),
              info.getSymbolicName());
          return false;
        }
      }
    }
    Map<String, String> recorded = new TreeMap<>();
    installed.values().forEach(record -> recorded.put(record.name(), record.version()));
    if (!known.equals(recorded)) {
      log.warn(
          "DeploymentAdmin knows other packages than were installed: all are installed again asked={} found={}",
          recorded,
          known);
      return false;
    }
    return true;
  }

  /** What is installed, by name. */
  synchronized Collection<InstalledPackage> installed() {
    return List.copyOf(installed.values());
  }

  synchronized Optional<InstalledPackage> installed(String name) {
    return Optional.ofNullable(installed.get(name));
  }

  /**
   * Installs or updates a package. The file is checked first, so a broken one stops nothing.
   *
   * @param source see {@link InstalledPackage#source}
   * @return what it came to; UNCHANGED if this very file is installed
   * @throws PackageRefusedException if it was not installed; what was there goes on
   * @throws IOException if the work folder cannot be written
   */
  synchronized Outcome install(Path file, String source)
      throws PackageRefusedException, IOException {
    DeploymentPackage checked = check(file);
    InstalledPackage record =
        new InstalledPackage(checked.name(), checked.version(), checked.sha256(), source);
    InstalledPackage before = installed.get(checked.name());
    if (before != null && before.sha256().equals(record.sha256())) {
      record.write(recordOf(record.name()));
      installed.put(record.name(), record);
      return new Outcome(Change.UNCHANGED, record, before.version());
    }
    if (before != null && before.version().equals(record.version())) {
      throw new PackageRefusedException(
          "another file of this version is installed, and an update changes only bundles of another"
              + " version: give what changed a higher version, or uninstall it first package="
              + before
              + " installed="
              + before.sha256()
              + " found="
              + record.sha256()
              + " file="
              + file);
    }
    Path copy = copyOf(record.name());
    Path part = folder.resolve(record.name() + ".dp.part");
    if (!file.equals(copy)) {
      Files.copy(file, part, StandardCopyOption.REPLACE_EXISTING);
    }
    begin();
    try {
      deploy(file, record);
      if (!file.equals(copy)) {
        InstalledPackage.replace(part, copy);
      }
      record.write(recordOf(record.name()));
      installed.put(record.name(), record);
    } finally {
      Files.deleteIfExists(part);
      end();
    }
    return new Outcome(
        before == null ? Change.INSTALLED : Change.UPDATED,
        record,
        before == null ? "" : before.version());
  }

  private static DeploymentPackage check(Path file) throws PackageRefusedException {
    try {
      return DeploymentPackage.read(file);
    } catch (InvalidPackageException e) {
      throw new PackageRefusedException(
          Optional.ofNullable(e.getMessage()).orElse("the package is broken"), e);
    } catch (IOException e) {
      throw new PackageRefusedException("the file cannot be read cause=" + e + " file=" + file, e);
    }
  }

  private void deploy(Path file, InstalledPackage record)
      throws PackageRefusedException, IOException {
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
      admin.installDeploymentPackage(in);
    } catch (DeploymentException e) {
      Throwable reason = e;
      while (reason.getCause() != null) {
        reason = reason.getCause();
      }
      throw new PackageRefusedException(
          (e.getCode() == DeploymentException.CODE_BUNDLE_SHARING_VIOLATION
                  ? "a bundle of this package belongs to another package: uninstall that one first"
                  : "DeploymentAdmin refuses the package and has put back what was there")
              + " package="
              + record
              + " code="
              + e.getCode()
              + " cause="
              + e.getMessage()
              + (reason == e ? "" : ": " + reason.getMessage())
              + " file="
              + file,
          e);
    }
  }

  /**
   * Puts another file of the same version in the place of an installed package, for the next start
   * with new storage.
   */
  synchronized void replace(Path file, String source) throws PackageRefusedException, IOException {
    DeploymentPackage checked = check(file);
    InstalledPackage record =
        new InstalledPackage(checked.name(), checked.version(), checked.sha256(), source);
    Path part = folder.resolve(record.name() + ".dp.part");
    Files.copy(file, part, StandardCopyOption.REPLACE_EXISTING);
    begin();
    InstalledPackage.replace(part, copyOf(record.name()));
    record.write(recordOf(record.name()));
  }

  /**
   * Uninstalls a package.
   *
   * @return what was uninstalled
   * @throws PackageRefusedException if there is none of that name, or DeploymentAdmin refuses
   * @throws IOException if the work folder cannot be written
   */
  synchronized InstalledPackage uninstall(String name) throws PackageRefusedException, IOException {
    InstalledPackage record = installed.get(name);
    var deployed = admin.getDeploymentPackage(name);
    if (record == null || deployed == null) {
      throw new PackageRefusedException(
          "no such package is installed asked=" + name + " installed=" + installed.values());
    }
    begin();
    try {
      List<Path> kept = keepOtherRecords(name);
      try {
        deployed.uninstall();
      } finally {
        restoreOtherRecords(kept);
      }
      forget(name);
      platform.refresh();
    } catch (DeploymentException e) {
      throw new PackageRefusedException(
          "DeploymentAdmin does not uninstall the package package="
              + record
              + " code="
              + e.getCode()
              + " cause="
              + e.getMessage(),
          e);
    } finally {
      end();
    }
    return record;
  }

  /**
   * Moves what DeploymentAdmin knows of other packages aside: 0.9.6 removes the whole folder when
   * it uninstalls one package.
   */
  private List<Path> keepOtherRecords(String name) throws IOException {
    Path records = deploymentAdminRecords();
    Path aside = Files.createDirectories(records.resolveSibling("kept"));
    List<Path> kept = new ArrayList<>();
    try (Stream<Path> all = Files.list(records)) {
      for (Path record : all.toList()) {
        if (!record.getFileName().toString().equals(name)) {
          kept.add(Files.move(record, aside.resolve(record.getFileName())));
        }
      }
    }
    return kept;
  }

  private void restoreOtherRecords(List<Path> kept) throws IOException {
    Path records = Files.createDirectories(deploymentAdminRecords());
    for (Path record : kept) {
      Files.move(record, records.resolve(record.getFileName()));
    }
  }

  private Path deploymentAdminRecords() {
    for (Bundle bundle : platform.context().getBundles()) {
      if (bundle.getSymbolicName().equals("org.apache.felix.deploymentadmin")) {
        return bundle.getDataFile(DEPLOYMENT_ADMIN_RECORDS).toPath();
      }
    }
    throw new IllegalStateException("the platform has no DeploymentAdmin");
  }

  private void begin() throws IOException {
    Files.write(changing, new byte[0]);
    InstalledPackage.sync(folder);
  }

  private void end() throws IOException {
    Files.deleteIfExists(changing);
    InstalledPackage.sync(folder);
  }

  private void forget(String name) throws IOException {
    Files.deleteIfExists(recordOf(name));
    Files.deleteIfExists(copyOf(name));
    InstalledPackage.sync(folder);
    installed.remove(name);
  }

  private Path copyOf(String name) {
    return folder.resolve(name + ".dp");
  }

  private Path recordOf(String name) {
    return folder.resolve(name + InstalledPackage.SUFFIX);
  }

  /** Whether a version is higher than another one. */
  static boolean isHigher(String version, String other) {
    return Version.parseVersion(version).compareTo(Version.parseVersion(other)) > 0;
  }
}
