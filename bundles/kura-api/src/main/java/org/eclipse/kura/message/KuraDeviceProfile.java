/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.message;

/** What a gateway is, for people. */
public class KuraDeviceProfile {
  /** Name of the value {@code uptime}. */
  public static final String UPTIME_KEY = "uptime";

  /** Name of the value {@code display_name}. */
  public static final String DISPLAY_NAME_KEY = "display_name";

  /** Name of the value {@code model_name}. */
  public static final String MODEL_NAME_KEY = "model_name";

  /** Name of the value {@code model_id}. */
  public static final String MODEL_ID_KEY = "model_id";

  /** Name of the value {@code part_number}. */
  public static final String PART_NUMBER_KEY = "part_number";

  /** Name of the value {@code serial_number}. */
  public static final String SERIAL_NUMBER_KEY = "serial_number";

  /** Name of the value {@code available_processors}. */
  public static final String AVAILABLE_PROCESSORS_KEY = "available_processors";

  /** Name of the value {@code total_memory}. */
  public static final String TOTAL_MEMORY_KEY = "total_memory";

  /** Name of the value {@code firmware_version}. */
  public static final String FIRMWARE_VERSION_KEY = "firmware_version";

  /** Name of the value {@code cpu_version}. */
  public static final String CPU_VERSION_KEY = "cpu_version";

  /** Name of the value {@code bios_version}. */
  public static final String BIOS_VERSION_KEY = "bios_version";

  /** Name of the value {@code os}. */
  public static final String OS_KEY = "os";

  /** Name of the value {@code os_version}. */
  public static final String OS_VERSION_KEY = "os_version";

  /** Name of the value {@code os_arch}. */
  public static final String OS_ARCH_KEY = "os_arch";

  /** Name of the value {@code jvm_name}. */
  public static final String JVM_NAME_KEY = "jvm_name";

  /** Name of the value {@code jvm_version}. */
  public static final String JVM_VERSION_KEY = "jvm_version";

  /** Name of the value {@code jvm_profile}. */
  public static final String JVM_PROFILE_KEY = "jvm_profile";

  /** Name of the value {@code kura_version}. */
  public static final String KURA_VERSION_KEY = "kura_version";

  /** Name of the value {@code application_framework}. */
  public static final String APPLICATION_FRAMEWORK_KEY = "application_framework";

  /** Name of the value {@code application_framework_version}. */
  public static final String APPLICATION_FRAMEWORK_VERSION_KEY = "application_framework_version";

  /** Name of the value {@code osgi_framework}. */
  public static final String OSGI_FRAMEWORK_KEY = "osgi_framework";

  /** Name of the value {@code osgi_framework_version}. */
  public static final String OSGI_FRAMEWORK_VERSION_KEY = "osgi_framework_version";

  /** Name of the value {@code connection_interface}. */
  public static final String CONNECTION_INTERFACE_KEY = "connection_interface";

  /** Name of the value {@code connection_ip}. */
  public static final String CONNECTION_IP_KEY = "connection_ip";

  /** Name of the value {@code Kura}. */
  public static final String DEFAULT_APPLICATION_FRAMEWORK = "Kura";

  /** Name of the value {@code jvm_vendor}. */
  public static final String JVM_VENDOR_KEY = "jvm_vendor";

  /** Name of the value {@code jdk_vendor_version}. */
  public static final String JDK_VENDOR_VERSION_KEY = "jdk_vendor_version";

  private Double altitude;
  private String applicationFramework;
  private String applicationFrameworkVersion;
  private String availableProcessors;
  private String biosVersion;
  private String connectionInterface;
  private String connectionIp;
  private String cpuVersion;
  private String displayName;
  private String firmwareVersion;
  private String jdkVendorVersion;
  private String jvmName;
  private String jvmProfile;
  private String jvmVendor;
  private String jvmVersion;
  private String kuraVersion = "";
  private Double latitude;
  private Double longitude;
  private String modelId;
  private String modelName;
  private String os;
  private String osArch;
  private String osVersion;
  private String osgiFramework;
  private String osgiFrameworkVersion;
  private String partNumber;
  private String serialNumber;
  private String totalMemory;
  private String uptime;

  /** With nothing known. */
  public KuraDeviceProfile() {
    // set by the setters
  }

  /** The altitude. */
  public Double getAltitude() {
    return altitude;
  }

  /** Sets the altitude. */
  public void setAltitude(Double altitude) {
    this.altitude = altitude;
  }

  /** The application framework. */
  public String getApplicationFramework() {
    return applicationFramework;
  }

  /** Sets the application framework. */
  public void setApplicationFramework(String applicationFramework) {
    this.applicationFramework = applicationFramework;
  }

  /** The application framework version. */
  public String getApplicationFrameworkVersion() {
    return applicationFrameworkVersion;
  }

  /** Sets the application framework version. */
  public void setApplicationFrameworkVersion(String applicationFrameworkVersion) {
    this.applicationFrameworkVersion = applicationFrameworkVersion;
  }

  /** The available processors. */
  public String getAvailableProcessors() {
    return availableProcessors;
  }

  /** Sets the available processors. */
  public void setAvailableProcessors(String availableProcessors) {
    this.availableProcessors = availableProcessors;
  }

  /** The bios version. */
  public String getBiosVersion() {
    return biosVersion;
  }

  /** Sets the bios version. */
  public void setBiosVersion(String biosVersion) {
    this.biosVersion = biosVersion;
  }

  /** The connection interface. */
  public String getConnectionInterface() {
    return connectionInterface;
  }

  /** Sets the connection interface. */
  public void setConnectionInterface(String connectionInterface) {
    this.connectionInterface = connectionInterface;
  }

  /** The connection ip. */
  public String getConnectionIp() {
    return connectionIp;
  }

  /** Sets the connection ip. */
  public void setConnectionIp(String connectionIp) {
    this.connectionIp = connectionIp;
  }

  /** The cpu version. */
  public String getCpuVersion() {
    return cpuVersion;
  }

  /** Sets the cpu version. */
  public void setCpuVersion(String cpuVersion) {
    this.cpuVersion = cpuVersion;
  }

  /** The display name. */
  public String getDisplayName() {
    return displayName;
  }

  /** Sets the display name. */
  public void setDisplayName(String displayName) {
    this.displayName = displayName;
  }

  /** The firmware version. */
  public String getFirmwareVersion() {
    return firmwareVersion;
  }

  /** Sets the firmware version. */
  public void setFirmwareVersion(String firmwareVersion) {
    this.firmwareVersion = firmwareVersion;
  }

  /** The jdk vendor version. */
  public String getJdkVendorVersion() {
    return jdkVendorVersion;
  }

  /** Sets the jdk vendor version. */
  public void setJdkVendorVersion(String jdkVendorVersion) {
    this.jdkVendorVersion = jdkVendorVersion;
  }

  /** The jvm name. */
  public String getJvmName() {
    return jvmName;
  }

  /** Sets the jvm name. */
  public void setJvmName(String jvmName) {
    this.jvmName = jvmName;
  }

  /** The jvm profile. */
  public String getJvmProfile() {
    return jvmProfile;
  }

  /** Sets the jvm profile. */
  public void setJvmProfile(String jvmProfile) {
    this.jvmProfile = jvmProfile;
  }

  /** The jvm vendor. */
  public String getJvmVendor() {
    return jvmVendor;
  }

  /** Sets the jvm vendor. */
  public void setJvmVendor(String jvmVendor) {
    this.jvmVendor = jvmVendor;
  }

  /** The jvm version. */
  public String getJvmVersion() {
    return jvmVersion;
  }

  /** Sets the jvm version. */
  public void setJvmVersion(String jvmVersion) {
    this.jvmVersion = jvmVersion;
  }

  /** The kura version. */
  public String getKuraVersion() {
    return kuraVersion;
  }

  /** The latitude. */
  public Double getLatitude() {
    return latitude;
  }

  /** Sets the latitude. */
  public void setLatitude(Double latitude) {
    this.latitude = latitude;
  }

  /** The longitude. */
  public Double getLongitude() {
    return longitude;
  }

  /** Sets the longitude. */
  public void setLongitude(Double longitude) {
    this.longitude = longitude;
  }

  /** The model id. */
  public String getModelId() {
    return modelId;
  }

  /** Sets the model id. */
  public void setModelId(String modelId) {
    this.modelId = modelId;
  }

  /** The model name. */
  public String getModelName() {
    return modelName;
  }

  /** Sets the model name. */
  public void setModelName(String modelName) {
    this.modelName = modelName;
  }

  /** The os. */
  public String getOs() {
    return os;
  }

  /** Sets the os. */
  public void setOs(String os) {
    this.os = os;
  }

  /** The os arch. */
  public String getOsArch() {
    return osArch;
  }

  /** Sets the os arch. */
  public void setOsArch(String osArch) {
    this.osArch = osArch;
  }

  /** The os version. */
  public String getOsVersion() {
    return osVersion;
  }

  /** Sets the os version. */
  public void setOsVersion(String osVersion) {
    this.osVersion = osVersion;
  }

  /** The osgi framework. */
  public String getOsgiFramework() {
    return osgiFramework;
  }

  /** Sets the osgi framework. */
  public void setOsgiFramework(String osgiFramework) {
    this.osgiFramework = osgiFramework;
  }

  /** The osgi framework version. */
  public String getOsgiFrameworkVersion() {
    return osgiFrameworkVersion;
  }

  /** Sets the osgi framework version. */
  public void setOsgiFrameworkVersion(String osgiFrameworkVersion) {
    this.osgiFrameworkVersion = osgiFrameworkVersion;
  }

  /** The part number. */
  public String getPartNumber() {
    return partNumber;
  }

  /** Sets the part number. */
  public void setPartNumber(String partNumber) {
    this.partNumber = partNumber;
  }

  /** The serial number. */
  public String getSerialNumber() {
    return serialNumber;
  }

  /** Sets the serial number. */
  public void setSerialNumber(String serialNumber) {
    this.serialNumber = serialNumber;
  }

  /** The total memory. */
  public String getTotalMemory() {
    return totalMemory;
  }

  /** Sets the total memory. */
  public void setTotalMemory(String totalMemory) {
    this.totalMemory = totalMemory;
  }

  /** The uptime. */
  public String getUptime() {
    return uptime;
  }

  /** Sets the uptime. */
  public void setUptime(String uptime) {
    this.uptime = uptime;
  }
}
