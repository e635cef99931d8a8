/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.system;

import io.shoji.gateway.kura.Home;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.net.UnknownHostException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.eclipse.kura.system.ExtendedProperties;
import org.eclipse.kura.system.SystemResourceInfo;
import org.eclipse.kura.system.SystemService;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What this machine is, read once. Any of Kura's properties can be given otherwise: in {@code
 * user/kura_custom.properties} of the home folder, or, before that, as a property of the framework
 * or of Java. Sizes of memory are KiB. Thread safe.
 */
@Component(
    name = "org.eclipse.kura.system.SystemService",
    property = "kura.service.pid=org.eclipse.kura.system.SystemService")
public final class GatewaySystem implements SystemService {
  private static final Logger log = LoggerFactory.getLogger(GatewaySystem.class);

  /** As a gateway of the newest line that we are written for would say. */
  private static final String VERSION = "KURA_5.6.0";

  private static final int DEFAULT_SNAPSHOTS = 10;
  private static final int DEFAULT_UPLOAD_MEGABYTES = 100;
  private static final int DEFAULT_UPLOAD_FILES = 1024;

  private final BundleContext context;
  private final Properties properties = new Properties();

  /**
   * Reads what the machine is, and makes the folders.
   *
   * @throws IOException if a folder cannot be made, or {@code kura_custom.properties} not be read
   */
  @Activate
  public GatewaySystem(BundleContext context) throws IOException {
    this.context = context;
    Path home = Home.of(context);
    Map<String, @Nullable String> found = new LinkedHashMap<>();
    folders(home, found);
    machine(found);
    software(found);
    Properties custom = custom(home.resolve("user").resolve(KURA_CUSTOM_PROPS_FILE));
    found.forEach(
        (name, value) -> {
          if (value != null) {
            properties.setProperty(name, value);
          }
        });
    custom
        .stringPropertyNames()
        .forEach(name -> properties.setProperty(name, custom.getProperty(name)));
    for (String name : properties.stringPropertyNames()) {
      String given = name.startsWith("kura.") ? context.getProperty(name) : null;
      if (given != null) {
        properties.setProperty(name, given);
      }
    }
    for (String folder :
        List.of(
            KEY_KURA_DATA_DIR,
            KEY_KURA_PACKAGES_DIR,
            KEY_KURA_SNAPSHOTS_DIR,
            KEY_KURA_TMP_DIR,
            KEY_KURA_USER_CONFIG_DIR,
            KEY_KURA_FRAMEWORK_CONFIG_DIR)) {
      Home.folder(Path.of(properties.getProperty(folder)));
    }
  }

  private static void folders(Path home, Map<String, @Nullable String> found) {
    found.put(KEY_KURA_HOME_DIR, home.toString());
    found.put(KEY_KURA_PLUGINS_DIR, home.resolve("plugins").toString());
    found.put(KEY_KURA_DATA_DIR, home.resolve("data").toString());
    found.put(KEY_KURA_PACKAGES_DIR, home.resolve("data/packages").toString());
    found.put(KEY_KURA_SNAPSHOTS_DIR, home.resolve("user/snapshots").toString());
    found.put(KEY_KURA_USER_CONFIG_DIR, home.resolve("user").toString());
    found.put(KEY_KURA_FRAMEWORK_CONFIG_DIR, home.resolve("framework").toString());
    found.put(KEY_KURA_TMP_DIR, home.resolve("tmp").toString());
    found.put(KEY_KURA_STYLE_DIR, home.resolve("console/skin").toString());
    found.put(KEY_KURA_SNAPSHOTS_COUNT, Integer.toString(DEFAULT_SNAPSHOTS));
  }

  private static void machine(Map<String, @Nullable String> found) {
    found.put(KEY_DEVICE_NAME, hostname());
    found.put(KEY_PLATFORM, "shoji-gateway");
    String model =
        firstLine("/sys/class/dmi/id/product_name", "/proc/device-tree/model").orElse(UNKNOWN);
    found.put(KEY_MODEL_NAME, model);
    found.put(
        KEY_MODEL_ID,
        firstLine("/sys/class/dmi/id/product_version", "/proc/device-tree/model").orElse(UNKNOWN));
    found.put(KEY_PART_NUMBER, firstLine("/sys/class/dmi/id/product_sku").orElse(UNKNOWN));
    found.put(
        KEY_SERIAL_NUM,
        firstLine("/sys/class/dmi/id/product_serial", "/proc/device-tree/serial-number")
            .orElse(UNKNOWN));
    found.put(KEY_BIOS_VERSION, firstLine("/sys/class/dmi/id/bios_version").orElse(UNSUPPORTED));
    found.put(KEY_FIRMWARE_VERSION, UNSUPPORTED);
    found.put(KEY_CPU_VERSION, processor());
    found.put(KEY_PRIMARY_NET_IFACE, primaryInterface().orElse("eth0"));
    found.put(KEY_KURA_HAVE_NET_ADMIN, "false");
    found.put(KEY_KURA_HAVE_WEB_INTER, "false");
  }

  private void software(Map<String, @Nullable String> found) {
    found.put(KEY_KURA_NAME, "Eclipse Kura, emulated by Shoji");
    found.put(KEY_KURA_VERSION, VERSION);
    found.put(KEY_KURA_MARKETPLACE_COMPATIBILITY_VERSION, VERSION);
    for (String name :
        List.of(
            KEY_OS_ARCH,
            KEY_OS_NAME,
            KEY_JAVA_VERSION,
            KEY_JAVA_VENDOR,
            KEY_JAVA_VM_NAME,
            KEY_JAVA_VM_VERSION,
            KEY_JAVA_VM_INFO,
            KEY_JAVA_VM_VENDOR,
            KEY_JAVA_HOME,
            KEY_FILE_SEP)) {
      found.put(name, System.getProperty(name));
    }
    found.put(
        KEY_OS_VER,
        System.getProperty(KEY_OS_VER)
            + firstLine("/proc/sys/kernel/version").map(version -> " " + version).orElse(""));
    Properties distribution = new Properties();
    Path release = Path.of("/etc/os-release");
    if (Files.isReadable(release)) {
      try (InputStream in = Files.newInputStream(release)) {
        distribution.load(in);
      } catch (IOException | IllegalArgumentException e) {
        log.debug("what distribution this is cannot be read file={}", release, e);
      }
    }
    found.put(KEY_OS_DISTRO, unquoted(distribution.getProperty("NAME")));
    found.put(KEY_OS_DISTRO_VER, unquoted(distribution.getProperty("VERSION_ID")));
    found.put(
        KEY_JDK_VENDOR_VERSION,
        System.getProperty("java.vendor.version", System.getProperty(KEY_JAVA_VERSION)));
    found.put(KEY_OSGI_FW_NAME, context.getProperty(Constants.FRAMEWORK_VENDOR));
    found.put(KEY_OSGI_FW_VERSION, context.getBundle(0).getVersion().toString());
    found.put(KEY_COMMAND_USER, System.getProperty("user.name"));
  }

  private static @Nullable String unquoted(@Nullable String value) {
    return value == null ? null : value.replace("\"", "");
  }

  private static Properties custom(Path file) throws IOException {
    Properties custom = new Properties();
    if (Files.exists(file)) {
      custom.load(new StringReader(Files.readString(file)));
    }
    return custom;
  }

  private static Optional<String> firstLine(String... files) {
    for (String file : files) {
      Path path = Path.of(file);
      if (Files.isReadable(path)) {
        try {
          String line =
              Files.readString(path).replace("\0", "").lines().findFirst().orElse("").strip();
          if (!line.isEmpty()) {
            return Optional.of(line);
          }
        } catch (IOException e) {
          log.debug("not readable after all file={}", file, e);
        }
      }
    }
    return Optional.empty();
  }

  private static String hostname() {
    return firstLine("/proc/sys/kernel/hostname")
        .orElseGet(
            () -> {
              try {
                return InetAddress.getLocalHost().getHostName();
              } catch (UnknownHostException e) {
                log.debug("this machine does not know its name", e);
                return UNKNOWN;
              }
            });
  }

  private static String processor() {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/cpuinfo"))) {
        String lower = line.toLowerCase(Locale.ROOT);
        if (lower.startsWith("model name") || lower.startsWith("model\t")) {
          String value = line.substring(line.indexOf(':') + 1).strip();
          if (lower.startsWith("model name") || !value.matches("\\d+")) {
            return value;
          }
        }
      }
    } catch (IOException e) {
      log.debug("what processor this is cannot be read", e);
    }
    return UNKNOWN;
  }

  /** The interface of the default route, or else the first that is no loopback. */
  private static Optional<String> primaryInterface() {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/net/route"))) {
        String[] fields = line.split("\\s+", -1);
        if (fields.length > 1 && fields[1].equals("00000000")) {
          return Optional.of(fields[0]);
        }
      }
      return NetworkInterface.networkInterfaces()
          .filter(candidate -> !isLoopback(candidate))
          .min(Comparator.comparingInt(NetworkInterface::getIndex))
          .map(NetworkInterface::getName);
    } catch (IOException e) {
      log.debug("which interface is the first cannot be read", e);
      return Optional.empty();
    }
  }

  private static boolean isLoopback(NetworkInterface candidate) {
    try {
      return candidate.isLoopback();
    } catch (SocketException e) {
      log.debug("an interface went away while it was looked at", e);
      return true;
    }
  }

  private @Nullable String property(String name) {
    return properties.getProperty(name);
  }

  private int number(String name, int otherwise) {
    String value = properties.getProperty(name, "").strip();
    if (value.isEmpty()) {
      return otherwise;
    }
    try {
      return Integer.parseInt(value);
    } catch (NumberFormatException e) {
      log.error("not a whole number; the default is used name={} found={}", name, value);
      return otherwise;
    }
  }

  @Override
  public Properties getProperties() {
    return properties;
  }

  @Override
  public @Nullable String getPrimaryMacAddress() {
    try {
      NetworkInterface first = NetworkInterface.getByName(getPrimaryNetworkInterfaceName());
      byte[] address = first == null ? null : first.getHardwareAddress();
      if (address == null) {
        return null;
      }
      StringBuilder text = new StringBuilder();
      for (byte part : address) {
        text.append(text.length() == 0 ? "" : ":").append(String.format(Locale.ROOT, "%02X", part));
      }
      return text.toString();
    } catch (SocketException e) {
      log.debug("no hardware address", e);
      return null;
    }
  }

  @Override
  public String getPrimaryNetworkInterfaceName() {
    return properties.getProperty(KEY_PRIMARY_NET_IFACE, "eth0");
  }

  @Override
  public @Nullable String getPlatform() {
    return property(KEY_PLATFORM);
  }

  @Override
  public @Nullable String getOsArch() {
    return property(KEY_OS_ARCH);
  }

  @Override
  public @Nullable String getOsName() {
    return property(KEY_OS_NAME);
  }

  @Override
  public @Nullable String getOsVersion() {
    return property(KEY_OS_VER);
  }

  @Override
  public @Nullable String getOsDistro() {
    return property(KEY_OS_DISTRO);
  }

  @Override
  public @Nullable String getOsDistroVersion() {
    return property(KEY_OS_DISTRO_VER);
  }

  @Override
  public @Nullable String getJavaVendor() {
    return property(KEY_JAVA_VENDOR);
  }

  @Override
  public @Nullable String getJavaVersion() {
    return property(KEY_JAVA_VERSION);
  }

  @Override
  public @Nullable String getJavaVmName() {
    return property(KEY_JAVA_VM_NAME);
  }

  @Override
  public @Nullable String getJavaVmVersion() {
    return property(KEY_JAVA_VM_VERSION);
  }

  @Override
  public @Nullable String getJavaVmInfo() {
    return property(KEY_JAVA_VM_INFO);
  }

  @Override
  public @Nullable String getJavaVmVendor() {
    return property(KEY_JAVA_VM_VENDOR);
  }

  @Override
  public @Nullable String getJdkVendorVersion() {
    return property(KEY_JDK_VENDOR_VERSION);
  }

  @Override
  public @Nullable String getJavaHome() {
    return property(KEY_JAVA_HOME);
  }

  @Override
  public @Nullable String getOsgiFwName() {
    return property(KEY_OSGI_FW_NAME);
  }

  @Override
  public @Nullable String getOsgiFwVersion() {
    return property(KEY_OSGI_FW_VERSION);
  }

  @Override
  public int getNumberOfProcessors() {
    return Runtime.getRuntime().availableProcessors();
  }

  @Override
  public long getTotalMemory() {
    return Runtime.getRuntime().totalMemory() / 1024;
  }

  @Override
  public long getFreeMemory() {
    return Runtime.getRuntime().freeMemory() / 1024;
  }

  @Override
  public String getFileSeparator() {
    return properties.getProperty(KEY_FILE_SEP, File.separator);
  }

  @Override
  public @Nullable String getKuraVersion() {
    return property(KEY_KURA_VERSION);
  }

  @Override
  public String getKuraMarketplaceCompatibilityVersion() {
    return properties
        .getProperty(KEY_KURA_MARKETPLACE_COMPATIBILITY_VERSION, VERSION)
        .replaceAll("KURA[-_ ]", "")
        .replaceAll("[-_]", ".");
  }

  @Override
  public @Nullable String getKuraHome() {
    return property(KEY_KURA_HOME_DIR);
  }

  @Override
  public @Nullable String getKuraDataDirectory() {
    return property(KEY_KURA_DATA_DIR);
  }

  @Override
  public @Nullable String getKuraTemporaryConfigDirectory() {
    return property(KEY_KURA_TMP_DIR);
  }

  @Override
  public @Nullable String getKuraSnapshotsDirectory() {
    return property(KEY_KURA_SNAPSHOTS_DIR);
  }

  @Override
  public int getKuraSnapshotsCount() {
    return number(KEY_KURA_SNAPSHOTS_COUNT, DEFAULT_SNAPSHOTS);
  }

  @Override
  public @Nullable String getKuraFrameworkConfigDirectory() {
    return property(KEY_KURA_FRAMEWORK_CONFIG_DIR);
  }

  @Override
  public @Nullable String getKuraUserConfigDirectory() {
    return property(KEY_KURA_USER_CONFIG_DIR);
  }

  @Override
  public @Nullable String getKuraStyleDirectory() {
    return property(KEY_KURA_STYLE_DIR);
  }

  @Override
  public @Nullable String getKuraWebEnabled() {
    return property(KEY_KURA_HAVE_WEB_INTER);
  }

  @Override
  public int getKuraWifiTopChannel() {
    return number(KEY_KURA_WIFI_TOP_CHANNEL, Integer.MAX_VALUE);
  }

  @Override
  public int getFileCommandZipMaxUploadSize() {
    return number(KEY_FILE_COMMAND_ZIP_MAX_SIZE, DEFAULT_UPLOAD_MEGABYTES);
  }

  @Override
  public int getFileCommandZipMaxUploadNumber() {
    return number(KEY_FILE_COMMAND_ZIP_MAX_NUMBER, DEFAULT_UPLOAD_FILES);
  }

  @Override
  public @Nullable String getBiosVersion() {
    return property(KEY_BIOS_VERSION);
  }

  @Override
  public @Nullable String getDeviceName() {
    return property(KEY_DEVICE_NAME);
  }

  @Override
  public @Nullable String getFirmwareVersion() {
    return property(KEY_FIRMWARE_VERSION);
  }

  @Override
  public @Nullable String getModelId() {
    return property(KEY_MODEL_ID);
  }

  @Override
  public @Nullable String getModelName() {
    return property(KEY_MODEL_NAME);
  }

  @Override
  public @Nullable String getPartNumber() {
    return property(KEY_PART_NUMBER);
  }

  @Override
  public @Nullable String getSerialNumber() {
    return property(KEY_SERIAL_NUM);
  }

  @Override
  public @Nullable String getCpuVersion() {
    return property(KEY_CPU_VERSION);
  }

  @Override
  public @Nullable String getCommandUser() {
    return property(KEY_COMMAND_USER);
  }

  @Override
  public @Nullable String getNetVirtualDevicesConfig() {
    return properties.getProperty(KEY_KURA_NET_VIRTUAL_DEVICES_CONFIG, "netIPv4StatusUnmanaged");
  }

  @Override
  public char[] getJavaKeyStorePassword() {
    return properties.getProperty(KEY_KURA_KEY_STORE_PWD, "changeit").toCharArray();
  }

  @Override
  public char[] getJavaTrustStorePassword() {
    return properties.getProperty(KEY_KURA_TRUST_STORE_PWD, "changeit").toCharArray();
  }

  @Override
  public Bundle[] getBundles() {
    return context.getBundles();
  }

  @Override
  public List<String> getDeviceManagementServiceIgnore() {
    String ignored = properties.getProperty(CONFIG_CONSOLE_DEVICE_MANAGE_SERVICE_IGNORE, "");
    return ignored.isBlank() ? List.of() : List.of(ignored.strip().split("\\s*,\\s*"));
  }

  @Override
  public String getHostname() {
    return hostname();
  }

  @Override
  public boolean isLegacyBluetoothBeaconScan() {
    return false;
  }

  @Override
  public boolean isLegacyPPPLoggingEnabled() {
    return false;
  }

  @Override
  public Optional<ExtendedProperties> getExtendedProperties() {
    return Optional.empty();
  }

  /** None: what packages the operating system has is not told. */
  @Override
  public List<SystemResourceInfo> getSystemPackages() {
    return List.of();
  }
}
