/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.deploy;

import io.shoji.cloud.DeployV2;
import io.shoji.cloud.Metrics;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.cloudconnection.publisher.CloudNotificationPublisher;
import org.eclipse.kura.cloudconnection.request.RequestHandlerContext;
import org.eclipse.kura.cloudconnection.request.RequestHandlerContextConstants;
import org.eclipse.kura.message.KuraPayload;
import org.jspecify.annotations.Nullable;

/**
 * What a download, an installation or an uninstallation asks for, checked.
 *
 * @param name of the package
 * @param version of the package; empty for an uninstallation that names none
 * @param jobId in every notification
 * @param requester whom to tell
 * @param clientId of this gateway
 * @param notifications how to tell
 */
record DeployRequest(
    String name,
    String version,
    long jobId,
    String requester,
    String clientId,
    CloudNotificationPublisher notifications) {

  private static final Pattern FILE_NAME = Pattern.compile("[A-Za-z0-9_.-]{1,128}");
  private static final Pattern HASH = Pattern.compile("([A-Za-z0-9-]+)\\s*:\\s*([0-9A-Fa-f]+)");
  private static final Set<String> SCHEMES = Set.of("http", "https", "file");
  private static final int MAX_BLOCK_BYTES = 16 * 1024 * 1024;
  private static final int MAX_DELAY_MILLIS = 3_600_000;

  /**
   * What a download asks for besides.
   *
   * @param uri where the package is
   * @param installed whether it is installed when it is there
   * @param resumed whether what is there of it is completed
   * @param forced whether it is downloaded although it is there
   * @param blockBytes read at a time; 0 for a hundredth of the whole
   * @param blockDelayMillis between two blocks
   * @param notifyBytes between two notifications; 0 for a twentieth of the whole
   * @param timeoutMillis that the server may be silent
   * @param user of the server; empty for none
   * @param password of the user
   * @param algorithm of the hash; empty for none
   * @param hash in hexadecimal
   */
  record Download(
      URI uri,
      boolean installed,
      boolean resumed,
      boolean forced,
      int blockBytes,
      int blockDelayMillis,
      int notifyBytes,
      int timeoutMillis,
      String user,
      String password,
      String algorithm,
      String hash) {}

  /** Name of the file that the package is kept in. */
  String fileName() {
    return name + "_" + version + ".dp";
  }

  /**
   * Reads what is asked for.
   *
   * @param versioned whether a version must be given
   * @throws KuraException BAD_REQUEST, naming the metric
   */
  static DeployRequest of(RequestHandlerContext context, KuraPayload payload, boolean versioned)
      throws KuraException {
    String name = required(payload, DeployV2.NAME, String.class);
    String version =
        versioned
            ? required(payload, DeployV2.VERSION, String.class)
            : metric(payload, DeployV2.VERSION, String.class, "");
    if (!FILE_NAME.matcher(name).matches() || name.startsWith(".")) {
      throw refused(DeployV2.NAME, name, "is no symbolic name");
    }
    if (versioned && !FILE_NAME.matcher(version).matches()) {
      throw refused(DeployV2.VERSION, version, "is no version");
    }
    if (metric(payload, DeployV2.SYSTEM_UPDATE, Boolean.class, false)) {
      throw refused(DeployV2.SYSTEM_UPDATE, true, "is not for a gateway in a box");
    }
    if (metric(payload, DeployV2.REQUEST_TYPE, String.class, "").length() > 0) {
      throw refused(
          DeployV2.REQUEST_TYPE,
          String.valueOf(payload.getMetric(DeployV2.REQUEST_TYPE)),
          "has no hook here");
    }
    String clientId =
        context.getContextProperties().get(RequestHandlerContextConstants.DEVICE_ID.name());
    return new DeployRequest(
        name,
        version,
        required(payload, DeployV2.JOB_ID, Long.class),
        required(payload, Metrics.REQUESTER_CLIENT_ID, String.class),
        clientId == null ? "" : clientId,
        context.getNotificationPublisher());
  }

  /**
   * Reads what a download asks for besides.
   *
   * @throws KuraException BAD_REQUEST, naming the metric
   */
  static Download download(KuraPayload payload) throws KuraException {
    required(payload, DeployV2.PROTOCOL, String.class);
    required(payload, DeployV2.SYSTEM_UPDATE, Boolean.class);
    String algorithm = "";
    String hash = "";
    String given = metric(payload, DeployV2.HASH, String.class, "");
    if (!given.isEmpty()) {
      var matcher = HASH.matcher(given.trim());
      if (!matcher.matches()) {
        throw refused(DeployV2.HASH, given, "is not ALGORITHM:hex");
      }
      algorithm = matcher.group(1);
      hash = matcher.group(2).toLowerCase(Locale.ROOT);
    }
    return new Download(
        uri(required(payload, DeployV2.URI, String.class)),
        metric(payload, DeployV2.INSTALL, Boolean.class, true),
        metric(payload, DeployV2.RESUME, Boolean.class, false),
        metric(payload, DeployV2.FORCE, Boolean.class, false),
        whole(payload, DeployV2.BLOCK_SIZE, 0, MAX_BLOCK_BYTES),
        whole(payload, DeployV2.BLOCK_DELAY, 0, MAX_DELAY_MILLIS),
        whole(payload, DeployV2.NOTIFY_BLOCK_SIZE, 0, Integer.MAX_VALUE),
        whole(payload, DeployV2.TIMEOUT, 4_000, MAX_DELAY_MILLIS),
        metric(payload, DeployV2.USERNAME, String.class, ""),
        metric(payload, DeployV2.PASSWORD, String.class, ""),
        algorithm,
        hash);
  }

  private static URI uri(String text) throws KuraException {
    try {
      URI uri = new URI(text);
      String scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
      boolean place =
          scheme.equals("file")
              ? uri.getPath() != null && !uri.getPath().isEmpty()
              : uri.getHost() != null;
      if (!SCHEMES.contains(scheme) || !place) {
        throw refused(DeployV2.URI, text, "is no address of a file schemes=" + SCHEMES);
      }
      return uri;
    } catch (URISyntaxException e) {
      throw refused(DeployV2.URI, text, "is no address");
    }
  }

  private static int whole(KuraPayload payload, String name, int otherwise, int most)
      throws KuraException {
    int value = metric(payload, name, Integer.class, otherwise);
    if (value < 0 || value > most) {
      throw refused(name, value, "least=0 most=" + most);
    }
    return value;
  }

  private static <T> T required(KuraPayload payload, String name, Class<T> type)
      throws KuraException {
    if (payload.getMetric(name) == null) {
      throw new KuraException(KuraErrorCode.BAD_REQUEST, null, "missing metric " + name);
    }
    return type.cast(checked(payload, name, type).orElseThrow());
  }

  private static <T> T metric(KuraPayload payload, String name, Class<T> type, T otherwise)
      throws KuraException {
    return type.cast(checked(payload, name, type).orElse(otherwise));
  }

  private static Optional<Object> checked(KuraPayload payload, String name, Class<?> type)
      throws KuraException {
    @Nullable Object value = payload.getMetric(name);
    if (value != null && !type.isInstance(value)) {
      throw refused(
          name,
          value,
          "expected=" + type.getSimpleName() + " found=" + value.getClass().getSimpleName());
    }
    return Optional.ofNullable(value);
  }

  static KuraException refused(String name, Object value, String why) {
    return new KuraException(KuraErrorCode.BAD_REQUEST, null, name + "=" + value + " " + why);
  }

  /** Without the password. */
  @Override
  public String toString() {
    return name + " " + version + " job=" + jobId + " requester=" + requester;
  }
}
