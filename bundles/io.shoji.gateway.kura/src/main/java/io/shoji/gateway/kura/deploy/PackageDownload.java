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

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.net.URL;
import java.net.URLConnection;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLSocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * One download, in blocks, into a file beside its target that takes the target's place when it is
 * whole and its hash is right. What is left of a download that broke is completed by the next one
 * that resumes, if the server says that the file is the same. Runs once, on one thread; {@link
 * #cancel} and the figures are for others.
 */
final class PackageDownload {
  private static final int MAX_REDIRECTS = 10;
  private static final int DEFAULT_BLOCK_BYTES = 4 * 1024;
  private static final int DEFAULT_NOTIFY_BYTES = 256 * 1024;
  private static final int PARTIAL_CONTENT = 206;
  private static final int RANGE_NOT_SATISFIABLE = 416;

  /** Is told how far a download is. */
  interface Listener {
    /** So many bytes of so many are there; -1 for an unknown whole. */
    void progress(long bytes, long total);
  }

  private final DeployRequest.Download request;
  private final Path target;
  private final Path part;
  private final Path tag;
  private final long maxBytes;
  private final Optional<SSLSocketFactory> tls;
  private final Listener listener;
  private final CountDownLatch cancelled = new CountDownLatch(1);
  private volatile long bytes;
  private volatile long total = -1;

  /**
   * Prepares a download.
   *
   * @param target where the file is to be; in its folder lies what is there of it
   * @param maxBytes of the file
   * @param tls for https; empty for Java's own
   */
  PackageDownload(
      DeployRequest.Download request,
      Path target,
      long maxBytes,
      Optional<SSLSocketFactory> tls,
      Listener listener) {
    this.request = request;
    this.target = target;
    this.part = target.resolveSibling(target.getFileName() + ".part");
    this.tag = target.resolveSibling(target.getFileName() + ".tag");
    this.maxBytes = maxBytes;
    this.tls = tls;
    this.listener = listener;
  }

  /** Ends it soon; it fails. */
  void cancel() {
    cancelled.countDown();
  }

  boolean isCancelled() {
    return cancelled.getCount() == 0;
  }

  /** Bytes of the whole; -1 if unknown. */
  long total() {
    return total;
  }

  /** Percent that are there; 50 while the whole is unknown, as on Kura. */
  int percent() {
    return total < 0 ? 50 : total == 0 ? 100 : (int) (bytes * 100 / total);
  }

  /**
   * Downloads.
   *
   * @throws DownloadFailedException if the server, the network, the hash or the disk fails, or it
   *     was cancelled
   */
  void run() throws DownloadFailedException {
    try {
      if (!request.resumed()) {
        forget();
      }
      fetch();
      checkHash();
      Files.move(part, target, StandardCopyOption.REPLACE_EXISTING);
      Files.deleteIfExists(tag);
    } catch (SocketTimeoutException e) {
      throw failed("the server is silent timeoutMs=" + request.timeoutMillis(), e);
    } catch (IOException e) {
      throw failed(String.valueOf(e.getMessage()), e);
    }
  }

  private DownloadFailedException failed(String why, @Nullable Throwable cause) {
    String message = why + " uri=" + withoutUser(request.uri());
    return cause == null
        ? new DownloadFailedException(message)
        : new DownloadFailedException(message, cause);
  }

  private static String withoutUser(URI uri) {
    String text = uri.toString();
    return uri.getUserInfo() == null ? text : text.replace(uri.getRawUserInfo() + "@", "");
  }

  private void forget() throws IOException {
    Files.deleteIfExists(part);
    Files.deleteIfExists(tag);
  }

  private void fetch() throws IOException, DownloadFailedException {
    long present = Files.exists(part) && Files.exists(tag) ? Files.size(part) : 0;
    URLConnection connection = open(request.uri(), present, 0);
    try (InputStream in = connection.getInputStream()) {
      boolean append = present > 0 && code(connection) == PARTIAL_CONTENT;
      if (append && !startsAt(connection, present)) {
        throw failed("the server sends another part than was asked for", null);
      }
      long length = connection.getContentLengthLong();
      bytes = append ? present : 0;
      total = length < 0 ? -1 : bytes + length;
      checkSize(Math.max(total, bytes));
      remember(connection.getHeaderField("ETag"));
      listener.progress(bytes, total);
      try (OutputStream out =
          append
              ? Files.newOutputStream(part, StandardOpenOption.APPEND)
              : Files.newOutputStream(part)) {
        copy(in, out);
      }
      if (total >= 0 && bytes != total) {
        throw failed("the file is cut off bytes=" + bytes + " expected=" + total, null);
      }
    }
  }

  private void copy(InputStream in, OutputStream out) throws IOException, DownloadFailedException {
    int block =
        request.blockBytes() > 0
            ? request.blockBytes()
            : total > 0 ? (int) Math.min(1024 * 1024, total / 100 + 1) : DEFAULT_BLOCK_BYTES;
    long step =
        request.notifyBytes() > 0
            ? request.notifyBytes()
            : total > 0 ? Math.max(1, total / 20) : DEFAULT_NOTIFY_BYTES;
    long there = bytes;
    long next = there + step;
    byte[] buffer = new byte[block];
    for (int read = in.readNBytes(buffer, 0, block);
        read > 0;
        read = in.readNBytes(buffer, 0, block)) {
      out.write(buffer, 0, read);
      there += read;
      bytes = there;
      checkSize(there);
      if (there >= next) {
        next = there + step;
        listener.progress(there, total);
      }
      pause();
    }
  }

  private void pause() throws DownloadFailedException {
    try {
      if (cancelled.await(request.blockDelayMillis(), TimeUnit.MILLISECONDS)) {
        throw failed("cancelled", null);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      cancelled.countDown();
      throw failed("the gateway stops", e);
    }
  }

  private void checkSize(long size) throws IOException, DownloadFailedException {
    if (size > maxBytes) {
      forget();
      throw failed("the file is larger than is allowed bytes=" + size + " most=" + maxBytes, null);
    }
  }

  /** Follows redirections, as Kura does, from http to https but not back. */
  private URLConnection open(URI uri, long present, int redirects)
      throws IOException, DownloadFailedException {
    if (redirects > MAX_REDIRECTS) {
      throw failed("too many redirections", null);
    }
    URL url = uri.toURL();
    URLConnection connection = url.openConnection();
    connection.setConnectTimeout(request.timeoutMillis());
    connection.setReadTimeout(request.timeoutMillis());
    connection.setUseCaches(false);
    if (!(connection instanceof HttpURLConnection http)) {
      return connection;
    }
    if (http instanceof HttpsURLConnection https) {
      tls.ifPresent(https::setSSLSocketFactory);
    }
    http.setInstanceFollowRedirects(false);
    boolean sameHost = String.valueOf(uri.getHost()).equals(request.uri().getHost());
    if (!request.user().isEmpty() && sameHost) {
      http.setRequestProperty(
          "Authorization",
          "Basic "
              + Base64.getEncoder()
                  .encodeToString(
                      (request.user() + ":" + request.password())
                          .getBytes(StandardCharsets.UTF_8)));
    }
    if (present > 0) {
      http.setRequestProperty("Range", "bytes=" + present + "-");
      http.setRequestProperty("If-Range", Files.readString(tag));
    }
    int code = http.getResponseCode();
    if (code >= 300 && code < 400 && code != HttpURLConnection.HTTP_NOT_MODIFIED) {
      String location = http.getHeaderField("Location");
      http.disconnect();
      if (location == null) {
        throw failed("the server redirects nowhere status=" + code, null);
      }
      URI next = uri.resolve(location);
      boolean weaker = "https".equals(uri.getScheme()) && !"https".equals(next.getScheme());
      if (weaker || next.getScheme() == null || !next.getScheme().startsWith("http")) {
        throw failed("the server redirects to a place that is not safe to=" + next, null);
      }
      return open(next, present, redirects + 1);
    }
    if (code == RANGE_NOT_SATISFIABLE && present > 0) {
      http.disconnect();
      forget();
      return open(uri, 0, redirects + 1);
    }
    if (code != HttpURLConnection.HTTP_OK && code != PARTIAL_CONTENT) {
      http.disconnect();
      throw failed("the server refuses status=" + code, null);
    }
    return connection;
  }

  private static int code(URLConnection connection) throws IOException {
    return connection instanceof HttpURLConnection http ? http.getResponseCode() : 200;
  }

  private static boolean startsAt(URLConnection connection, long present) {
    String range = connection.getHeaderField("Content-Range");
    return range != null && range.startsWith("bytes " + present + "-");
  }

  /** A strong tag says later whether the file is still the same. */
  private void remember(@Nullable String strongTag) throws IOException {
    if (strongTag != null && strongTag.startsWith("\"")) {
      Files.writeString(tag, strongTag);
    } else {
      Files.deleteIfExists(tag);
    }
  }

  private void checkHash() throws IOException, DownloadFailedException {
    if (request.algorithm().isEmpty()) {
      return;
    }
    try (InputStream in = Files.newInputStream(part)) {
      MessageDigest digest = MessageDigest.getInstance(request.algorithm());
      byte[] buffer = new byte[64 * 1024];
      for (int read = in.read(buffer); read > 0; read = in.read(buffer)) {
        digest.update(buffer, 0, read);
      }
      String found = HexFormat.of().formatHex(digest.digest());
      if (!found.equals(request.hash())) {
        forget();
        throw failed(
            "the file has another hash algorithm="
                + request.algorithm()
                + " expected="
                + request.hash()
                + " found="
                + found,
            null);
      }
    } catch (NoSuchAlgorithmException e) {
      forget();
      throw failed("no such algorithm of hashes algorithm=" + request.algorithm(), e);
    } catch (FileNotFoundException e) {
      throw failed("the file is gone", e);
    }
  }
}
