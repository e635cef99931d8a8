/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cloud;

import java.util.Arrays;
import java.util.Optional;

/**
 * The application {@code DEPLOY-V2}, by which a cloud installs packages on a gateway: its resources
 * and the names of its metrics.
 *
 * <p>{@code GET packages} and {@code GET bundles} answer with XML. {@code EXEC download}, {@code
 * EXEC install} and {@code EXEC uninstall} answer at once and then notify progress; {@code EXEC
 * start/ID} and {@code EXEC stop/ID} answer when it is done; {@code DEL download} cancels.
 */
public final class DeployV2 {
  /** The application's identifier. */
  public static final String APPLICATION = "DEPLOY-V2";

  public static final String RESOURCE_PACKAGES = "packages";
  public static final String RESOURCE_BUNDLES = "bundles";
  public static final String RESOURCE_DOWNLOAD = "download";
  public static final String RESOURCE_INSTALL = "install";
  public static final String RESOURCE_UNINSTALL = "uninstall";
  public static final String RESOURCE_START = "start";
  public static final String RESOURCE_STOP = "stop";

  /** STRING: where the package is: {@code http}, {@code https} or {@code file}. */
  public static final String URI = "dp.uri";

  /** STRING: symbolic name of the package; in progress of an installation its file's name. */
  public static final String NAME = "dp.name";

  /** STRING: version of the package. */
  public static final String VERSION = "dp.version";

  /** STRING: {@code HTTP}. */
  public static final String PROTOCOL = "dp.download.protocol";

  /** INT64: chosen by the requester, in every notification. */
  public static final String JOB_ID = "job.id";

  /** STRING, of a notification: client id of the gateway. */
  public static final String CLIENT_ID = "client.id";

  /** BOOL: whether the package is installed when it is there. */
  public static final String INSTALL = "dp.install";

  /** BOOL: whether the gateway restarts afterwards. */
  public static final String REBOOT = "dp.reboot";

  /** INT32, milliseconds. */
  public static final String REBOOT_DELAY = "dp.reboot.delay";

  /** BOOL: whether the file is a script of the operating system and no package. */
  public static final String SYSTEM_UPDATE = "dp.install.system.update";

  /** INT32, bytes that are read at a time. */
  public static final String BLOCK_SIZE = "dp.download.block.size";

  /** INT32, milliseconds between two blocks. */
  public static final String BLOCK_DELAY = "dp.download.block.delay";

  /** INT32, bytes between two notifications. */
  public static final String NOTIFY_BLOCK_SIZE = "dp.download.notify.block.size";

  /** INT32, milliseconds that the server may be silent. */
  public static final String TIMEOUT = "dp.download.timeout";

  /** BOOL: whether what was downloaded before is completed. */
  public static final String RESUME = "dp.download.resume";

  /** BOOL: whether it is downloaded though the file is there. */
  public static final String FORCE = "dp.download.force";

  /** STRING, {@code ALGORITHM:hex}. */
  public static final String HASH = "dp.download.hash";

  /** STRING. */
  public static final String USERNAME = "dp.download.username";

  /** STRING. */
  public static final String PASSWORD = "dp.download.password";

  /** STRING. */
  public static final String VERIFIER_URI = "dp.install.verifier.uri";

  /** STRING. */
  public static final String REQUEST_TYPE = "request.type";

  /** STRING. */
  public static final String HOOK_PROPERTIES = "hook.properties";

  /** INT32, bytes, of a download's notification. */
  public static final String DOWNLOAD_SIZE = "dp.download.size";

  /** INT32, percent, of a download's notification. */
  public static final String DOWNLOAD_PROGRESS = "dp.download.progress";

  /** STRING, see {@link Status}, of a download's notification. */
  public static final String DOWNLOAD_STATUS = "dp.download.status";

  /** INT32, of a download's notification: which download of the request it is. */
  public static final String DOWNLOAD_INDEX = "dp.download.index";

  /** STRING, of a download's notification. */
  public static final String DOWNLOAD_ERROR = "dp.download.error.message";

  /** INT32, percent, of an installation's notification. */
  public static final String INSTALL_PROGRESS = "dp.install.progress";

  /** STRING, see {@link Status}, of an installation's notification. */
  public static final String INSTALL_STATUS = "dp.install.status";

  /** STRING, of an installation's notification. */
  public static final String INSTALL_ERROR = "dp.install.error.message";

  /** INT32, percent, of an uninstallation's notification. */
  public static final String UNINSTALL_PROGRESS = "dp.uninstall.progress";

  /** STRING, see {@link Status}, of an uninstallation's notification. */
  public static final String UNINSTALL_STATUS = "dp.uninstall.status";

  /** STRING, of an uninstallation's notification. */
  public static final String UNINSTALL_ERROR = "dp.uninstall.error.message";

  private DeployV2() {}

  /** How a download, an installation or an uninstallation is. */
  public enum Status {
    /** Nothing is done. */
    IDLE("IDLE"),
    /** It goes on. */
    IN_PROGRESS("IN_PROGRESS"),
    /** It is done. */
    COMPLETED("COMPLETED"),
    /** It ended, with an error message beside it. */
    FAILED("FAILED"),
    /** It was ended. */
    CANCELLED("CANCELLED"),
    /** There was nothing to do: this file is there, or this version is installed. */
    ALREADY_DONE("ALREADY DONE");

    private final String text;

    Status(String text) {
      this.text = text;
    }

    /** As it is written in a metric. */
    public String text() {
      return text;
    }

    /** Whether nothing more follows. */
    public boolean isFinal() {
      return this != IDLE && this != IN_PROGRESS;
    }

    /**
     * Reads the text of a metric.
     *
     * @return empty if there is no such status
     */
    public static Optional<Status> of(String text) {
      return Arrays.stream(values()).filter(s -> s.text.equals(text)).findFirst();
    }
  }
}
