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
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Settings of the Felix web console: for user {@code admin}, on the loopback address only, with the
 * password that is in a file which only this user can read.
 */
final class WebConsole {
  private static final Logger log = LoggerFactory.getLogger(WebConsole.class);

  private static final String ADDRESS = "127.0.0.1";

  private WebConsole() {}

  /** Where the password is: the first line of this file. Made at random at the first start. */
  static Path passwordFile(WorkFolder work) {
    return work.root().resolve("web-console-password");
  }

  /**
   * Framework properties for a console on a port; without a console if the port is 0 or taken.
   *
   * @throws IOException if the password cannot be read or written
   */
  static Map<String, String> settings(WorkFolder work, int port) throws IOException {
    if (port == 0 || !isFree(port)) {
      return Map.of("org.apache.felix.http.enable", "false");
    }
    return Map.of(
        "org.apache.felix.http.host",
        ADDRESS,
        "org.osgi.service.http.port",
        Integer.toString(port),
        "felix.webconsole.username",
        "admin",
        "felix.webconsole.password",
        hash(password(passwordFile(work))));
  }

  /** Whether settings are those of a console that runs. */
  static boolean runs(Map<String, String> settings) {
    return settings.containsKey("org.osgi.service.http.port");
  }

  static String url(int port) {
    return "http://" + ADDRESS + ":" + port + "/system/console";
  }

  /**
   * Puts a name into the title and above each page, in place of the console's own.
   *
   * @param context of any bundle
   */
  static void brand(BundleContext context, String name) {
    for (Bundle bundle : context.getBundles()) {
      BundleContext console = bundle.getBundleContext();
      if (!"org.apache.felix.webconsole".equals(bundle.getSymbolicName()) || console == null) {
        continue;
      }
      try {
        // The console's types are not on this class path.
        Class<?> type = bundle.loadClass("org.apache.felix.webconsole.BrandingPlugin");
        Object own =
            bundle
                .loadClass("org.apache.felix.webconsole.DefaultBrandingPlugin")
                .getMethod("getInstance")
                .invoke(null);
        Object branding =
            Proxy.newProxyInstance(
                type.getClassLoader(),
                new Class<?>[] {type},
                (proxy, method, arguments) ->
                    method.getName().equals("getBrandName") ? name : method.invoke(own, arguments));
        console.registerService(type.getName(), branding, null);
      } catch (ReflectiveOperationException e) {
        log.warn("the web console does not say what is simulated name={}", name, e);
      }
    }
  }

  private static boolean isFree(int port) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
      return true;
    } catch (IOException e) {
      log.error(
          "no web console: the port is taken; free it, or give another one with --http-port port={}"
              + " cause={}",
          port,
          e.getMessage());
      return false;
    }
  }

  private static String password(Path file) throws IOException {
    if (!Files.exists(file)) {
      byte[] random = new byte[18];
      new SecureRandom().nextBytes(random);
      String fresh = Base64.getUrlEncoder().encodeToString(random) + "\n";
      Files.createFile(
          file, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      Files.writeString(file, fresh, StandardOpenOption.TRUNCATE_EXISTING);
    }
    Set<PosixFilePermission> others = EnumSet.copyOf(Files.getPosixFilePermissions(file));
    others.removeAll(PosixFilePermissions.fromString("rwx------"));
    if (!others.isEmpty()) {
      log.warn(
          "others than this user can read the web console's password; chmod 600 it file={}", file);
    }
    String password = Files.readString(file).lines().findFirst().orElse("").strip();
    if (password.isEmpty()) {
      throw new IOException(
          "the web console's password is empty: write one on the first line, or remove the file for"
              + " a new one file="
              + file);
    }
    return password;
  }

  /** As the web console wants it. */
  private static String hash(String password) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(password.getBytes(StandardCharsets.UTF_8));
      return "{sha-256}" + Base64.getEncoder().encodeToString(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
