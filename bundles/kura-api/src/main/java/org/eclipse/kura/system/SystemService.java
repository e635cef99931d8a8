/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.system;

import java.util.List;
import java.util.Optional;
import java.util.Properties;
import org.eclipse.kura.KuraProcessExecutionErrorException;
import org.osgi.annotation.versioning.ProviderType;
import org.osgi.framework.Bundle;

/**
 * What the gateway is: operating system, Java, OSGi framework, Kura, and the folders of Kura's
 * installation.
 */
@ProviderType
public interface SystemService {
  /** Name of the property {@code kura.configuration}. */
  String KURA_CONFIG = "kura.configuration";

  /** Name of the property {@code kura.properties}. */
  String KURA_PROPS_FILE = "kura.properties";

  /** Name of the property {@code kura.custom.configuration}. */
  String KURA_CUSTOM_CONFIG = "kura.custom.configuration";

  /** Name of the property {@code kura_custom.properties}. */
  String KURA_CUSTOM_PROPS_FILE = "kura_custom.properties";

  /** Name of the property {@code Linux (Cloudbees)}. */
  String OS_CLOUDBEES = "Linux (Cloudbees)";

  /** Name of the property {@code Linux}. */
  String OS_LINUX = "Linux";

  /** Name of the property {@code Mac OS X}. */
  String OS_MAC_OSX = "Mac OS X";

  /** Name of the property {@code UNKNOWN}. */
  String UNKNOWN = "UNKNOWN";

  /** Name of the property {@code UNSUPPORTED}. */
  String UNSUPPORTED = "UNSUPPORTED";

  /** Name of the property {@code kura.name}. */
  String KEY_KURA_NAME = "kura.name";

  /** Name of the property {@code kura.version}. */
  String KEY_KURA_VERSION = "kura.version";

  /** Name of the property {@code kura.net.virtual.devices.config}. */
  String KEY_KURA_NET_VIRTUAL_DEVICES_CONFIG = "kura.net.virtual.devices.config";

  /** Name of the property {@code kura.framework.config}. */
  String KEY_KURA_FRAMEWORK_CONFIG_DIR = "kura.framework.config";

  /** Name of the property {@code kura.user.config}. */
  String KEY_KURA_USER_CONFIG_DIR = "kura.user.config";

  /** Name of the property {@code kura.marketplace.compatibility.version}. */
  String KEY_KURA_MARKETPLACE_COMPATIBILITY_VERSION = "kura.marketplace.compatibility.version";

  /** Name of the property {@code kura.device.name}. */
  String KEY_DEVICE_NAME = "kura.device.name";

  /** Name of the property {@code kura.platform}. */
  String KEY_PLATFORM = "kura.platform";

  /** Name of the property {@code kura.model.id}. */
  String KEY_MODEL_ID = "kura.model.id";

  /** Name of the property {@code kura.model.name}. */
  String KEY_MODEL_NAME = "kura.model.name";

  /** Name of the property {@code kura.partNumber}. */
  String KEY_PART_NUMBER = "kura.partNumber";

  /** Name of the property {@code kura.serialNumber}. */
  String KEY_SERIAL_NUM = "kura.serialNumber";

  /** Name of the property {@code kura.bios.version}. */
  String KEY_BIOS_VERSION = "kura.bios.version";

  /** Name of the property {@code kura.firmware.version}. */
  String KEY_FIRMWARE_VERSION = "kura.firmware.version";

  /** Name of the property {@code kura.primary.network.interface}. */
  String KEY_PRIMARY_NET_IFACE = "kura.primary.network.interface";

  /** Name of the property {@code kura.home}. */
  String KEY_KURA_HOME_DIR = "kura.home";

  /** Name of the property {@code kura.plugins}. */
  String KEY_KURA_PLUGINS_DIR = "kura.plugins";

  /** Name of the property {@code kura.packages}. */
  String KEY_KURA_PACKAGES_DIR = "kura.packages";

  /** Name of the property {@code kura.data}. */
  String KEY_KURA_DATA_DIR = "kura.data";

  /** Name of the property {@code kura.tmp}. */
  String KEY_KURA_TMP_DIR = "kura.tmp";

  /** Name of the property {@code kura.snapshots}. */
  String KEY_KURA_SNAPSHOTS_DIR = "kura.snapshots";

  /** Name of the property {@code kura.snapshots.count}. */
  String KEY_KURA_SNAPSHOTS_COUNT = "kura.snapshots.count";

  /** Name of the property {@code kura.have.net.admin}. */
  String KEY_KURA_HAVE_NET_ADMIN = "kura.have.net.admin";

  /** Name of the property {@code kura.have.web.inter}. */
  String KEY_KURA_HAVE_WEB_INTER = "kura.have.web.inter";

  /** Name of the property {@code kura.style.dir}. */
  String KEY_KURA_STYLE_DIR = "kura.style.dir";

  /** Name of the property {@code kura.wifi.top.channel}. */
  String KEY_KURA_WIFI_TOP_CHANNEL = "kura.wifi.top.channel";

  /** Name of the property {@code kura.ssl.keyStorePassword}. */
  String KEY_KURA_KEY_STORE_PWD = "kura.ssl.keyStorePassword";

  /** Name of the property {@code kura.ssl.trustStorePassword}. */
  String KEY_KURA_TRUST_STORE_PWD = "kura.ssl.trustStorePassword";

  /** Name of the property {@code file.command.zip.max.size}. */
  String KEY_FILE_COMMAND_ZIP_MAX_SIZE = "file.command.zip.max.size";

  /** Name of the property {@code file.command.zip.max.number}. */
  String KEY_FILE_COMMAND_ZIP_MAX_NUMBER = "file.command.zip.max.number";

  /** Name of the property {@code os.arch}. */
  String KEY_OS_ARCH = "os.arch";

  /** Name of the property {@code os.name}. */
  String KEY_OS_NAME = "os.name";

  /** Name of the property {@code os.version}. */
  String KEY_OS_VER = "os.version";

  /** Name of the property {@code os.distribution}. */
  String KEY_OS_DISTRO = "os.distribution";

  /** Name of the property {@code os.distribution.version}. */
  String KEY_OS_DISTRO_VER = "os.distribution.version";

  /** Name of the property {@code java.runtime.version}. */
  String KEY_JAVA_VERSION = "java.runtime.version";

  /** Name of the property {@code java.runtime.name}. */
  String KEY_JAVA_VENDOR = "java.runtime.name";

  /** Name of the property {@code java.vm.name}. */
  String KEY_JAVA_VM_NAME = "java.vm.name";

  /** Name of the property {@code java.vm.version}. */
  String KEY_JAVA_VM_VERSION = "java.vm.version";

  /** Name of the property {@code java.vm.info}. */
  String KEY_JAVA_VM_INFO = "java.vm.info";

  /** Name of the property {@code org.osgi.framework.vendor}. */
  String KEY_OSGI_FW_NAME = "org.osgi.framework.vendor";

  /** Name of the property {@code org.osgi.framework.version}. */
  String KEY_OSGI_FW_VERSION = "org.osgi.framework.version";

  /** Name of the property {@code java.home}. */
  String KEY_JAVA_HOME = "java.home";

  /** Name of the property {@code file.separator}. */
  String KEY_FILE_SEP = "file.separator";

  /** Name of the property {@code console.device.management.service.ignore}. */
  String CONFIG_CONSOLE_DEVICE_MANAGE_SERVICE_IGNORE = "console.device.management.service.ignore";

  /** Name of the property {@code kura.command.user}. */
  String KEY_COMMAND_USER = "kura.command.user";

  /** Name of the property {@code cpu.version}. */
  String KEY_CPU_VERSION = "cpu.version";

  /** Name of the property {@code kura.legacy.bluetooth.beacon.scan}. */
  String KEY_LEGACY_BT_BEACON_SCAN = "kura.legacy.bluetooth.beacon.scan";

  /** Name of the property {@code kura.legacy.ppp.logging.enabled}. */
  String KEY_LEGACY_PPP_LOGGING = "kura.legacy.ppp.logging.enabled";

  /** Name of the property {@code java.vm.vendor}. */
  String KEY_JAVA_VM_VENDOR = "java.vm.vendor";

  /** Name of the property {@code jdk.vendor.version}. */
  String KEY_JDK_VENDOR_VERSION = "jdk.vendor.version";

  /** Name of the property {@code db.service.hsqldb.url}. */
  String DB_URL_PROPNAME = "db.service.hsqldb.url";

  /** Name of the property {@code db.service.hsqldb.write_delay_millis}. */
  String DB_WRITE_DELAY_MILLIES_PROPNAME = "db.service.hsqldb.write_delay_millis";

  /** Name of the property {@code db.service.hsqldb.log_data}. */
  String DB_LOG_DATA_PROPNAME = "db.service.hsqldb.log_data";

  /** Name of the property {@code db.service.hsqldb.cache_rows}. */
  String DB_CACHE_ROWS_PROPNAME = "db.service.hsqldb.cache_rows";

  /** Name of the property {@code db.service.hsqldb.lob_file_scale}. */
  String DB_LOB_FILE_PROPNAME = "db.service.hsqldb.lob_file_scale";

  /** Name of the property {@code db.service.hsqldb.defrag_limit}. */
  String DB_DEFRAG_LIMIT_PROPNAME = "db.service.hsqldb.defrag_limit";

  /** Name of the property {@code db.service.hsqldb.log_size}. */
  String DB_LOG_SIZE_PROPNAME = "db.service.hsqldb.log_size";

  /** Name of the property {@code db.service.hsqldb.nio_data_file}. */
  String DB_NIO_PROPNAME = "db.service.hsqldb.nio_data_file";

  /** The bios version. */
  String getBiosVersion();

  /** The bundles. */
  Bundle[] getBundles();

  /** The command user. */
  String getCommandUser();

  /** The cpu version. */
  String getCpuVersion();

  /** The device management service ignore. */
  List<String> getDeviceManagementServiceIgnore();

  /** The device name. */
  String getDeviceName();

  /** The extended properties. */
  Optional<ExtendedProperties> getExtendedProperties();

  /** The file command zip max upload number. */
  int getFileCommandZipMaxUploadNumber();

  /** The file command zip max upload size. */
  int getFileCommandZipMaxUploadSize();

  /** The file separator. */
  String getFileSeparator();

  /** The firmware version. */
  String getFirmwareVersion();

  /** The free memory. */
  long getFreeMemory();

  /** The hostname. */
  String getHostname();

  /** The java home. */
  String getJavaHome();

  /** The java key store password. */
  char[] getJavaKeyStorePassword();

  /** The java trust store password. */
  char[] getJavaTrustStorePassword();

  /** The java vendor. */
  String getJavaVendor();

  /** The java version. */
  String getJavaVersion();

  /** The java vm info. */
  String getJavaVmInfo();

  /** The java vm name. */
  String getJavaVmName();

  /** The java vm vendor. */
  String getJavaVmVendor();

  /** The java vm version. */
  String getJavaVmVersion();

  /** The jdk vendor version. */
  String getJdkVendorVersion();

  /** The kura data directory. */
  String getKuraDataDirectory();

  /** The kura framework config directory. */
  String getKuraFrameworkConfigDirectory();

  /** The kura home. */
  String getKuraHome();

  /** The kura marketplace compatibility version. */
  String getKuraMarketplaceCompatibilityVersion();

  /** The kura snapshots count. */
  int getKuraSnapshotsCount();

  /** The kura snapshots directory. */
  String getKuraSnapshotsDirectory();

  /** The kura style directory. */
  String getKuraStyleDirectory();

  /** The kura temporary config directory. */
  String getKuraTemporaryConfigDirectory();

  /** The kura user config directory. */
  String getKuraUserConfigDirectory();

  /** The kura version. */
  String getKuraVersion();

  /** The kura web enabled. */
  String getKuraWebEnabled();

  /** The kura wifi top channel. */
  int getKuraWifiTopChannel();

  /** The model id. */
  String getModelId();

  /** The model name. */
  String getModelName();

  /** The net virtual devices config. */
  String getNetVirtualDevicesConfig();

  /** The number of processors. */
  int getNumberOfProcessors();

  /** The os arch. */
  String getOsArch();

  /** The os distro. */
  String getOsDistro();

  /** The os distro version. */
  String getOsDistroVersion();

  /** The os name. */
  String getOsName();

  /** The os version. */
  String getOsVersion();

  /** The osgi fw name. */
  String getOsgiFwName();

  /** The osgi fw version. */
  String getOsgiFwVersion();

  /** The part number. */
  String getPartNumber();

  /** The platform. */
  String getPlatform();

  /** The primary mac address. */
  String getPrimaryMacAddress();

  /** The primary network interface name. */
  String getPrimaryNetworkInterfaceName();

  /** The properties. */
  Properties getProperties();

  /** The serial number. */
  String getSerialNumber();

  /** The system packages. */
  List<SystemResourceInfo> getSystemPackages() throws KuraProcessExecutionErrorException;

  /** The total memory. */
  long getTotalMemory();

  /** Whether it is legacy bluetooth beacon scan. */
  boolean isLegacyBluetoothBeaconScan();

  /** Whether it is legacy p p p logging enabled. */
  boolean isLegacyPPPLoggingEnabled();
}
