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

/** What a gateway says of itself when it comes; metrics are texts. */
public class KuraBirthPayload extends KuraPayload {
  /** An empty one. */
  public KuraBirthPayload() {
    // set by the builder
  }

  @Override
  public void addMetric(String name, Object value) {
    if (value != null) {
      super.addMetric(name, value);
    }
  }

  private String text(String name) {
    return (String) getMetric(name);
  }

  /** Metric {@code accept_encoding}, or null. */
  public String getAcceptEncoding() {
    return text("accept_encoding");
  }

  /** Metric {@code application_framework}, or null. */
  public String getApplicationFramework() {
    return text("application_framework");
  }

  /** Metric {@code application_framework_version}, or null. */
  public String getApplicationFrameworkVersion() {
    return text("application_framework_version");
  }

  /** Metric {@code application_ids}, or null. */
  public String getApplicationIdentifiers() {
    return text("application_ids");
  }

  /** Metric {@code available_processors}, or null. */
  public String getAvailableProcessors() {
    return text("available_processors");
  }

  /** Metric {@code bios_version}, or null. */
  public String getBiosVersion() {
    return text("bios_version");
  }

  /** Metric {@code connection_interface}, or null. */
  public String getConnectionInterface() {
    return text("connection_interface");
  }

  /** Metric {@code connection_ip}, or null. */
  public String getConnectionIp() {
    return text("connection_ip");
  }

  /** Metric {@code cpu_version}, or null. */
  public String getCpuVersion() {
    return text("cpu_version");
  }

  /** Metric {@code display_name}, or null. */
  public String getDisplayName() {
    return text("display_name");
  }

  /** Metric {@code firmware_version}, or null. */
  public String getFirmwareVersion() {
    return text("firmware_version");
  }

  /** Metric {@code jdk_vendor_version}, or null. */
  public String getJdkVendorVersion() {
    return text("jdk_vendor_version");
  }

  /** Metric {@code jvm_name}, or null. */
  public String getJvmName() {
    return text("jvm_name");
  }

  /** Metric {@code jvm_profile}, or null. */
  public String getJvmProfile() {
    return text("jvm_profile");
  }

  /** Metric {@code jvm_vendor}, or null. */
  public String getJvmVendor() {
    return text("jvm_vendor");
  }

  /** Metric {@code jvm_version}, or null. */
  public String getJvmVersion() {
    return text("jvm_version");
  }

  /** Metric {@code kura_version}, or null. */
  public String getKuraVersion() {
    return text("kura_version");
  }

  /** Metric {@code model_id}, or null. */
  public String getModelId() {
    return text("model_id");
  }

  /** Metric {@code model_name}, or null. */
  public String getModelName() {
    return text("model_name");
  }

  /** Metric {@code modem_firmware_version}, or null. */
  public String getModemFirmwareVersion() {
    return text("modem_firmware_version");
  }

  /** Metric {@code modem_iccid}, or null. */
  public String getModemIccid() {
    return text("modem_iccid");
  }

  /** Metric {@code modem_imei}, or null. */
  public String getModemImei() {
    return text("modem_imei");
  }

  /** Metric {@code modem_imsi}, or null. */
  public String getModemImsi() {
    return text("modem_imsi");
  }

  /** Metric {@code modem_rssi}, or null. */
  public String getModemRssi() {
    return text("modem_rssi");
  }

  /** Metric {@code os}, or null. */
  public String getOs() {
    return text("os");
  }

  /** Metric {@code os_arch}, or null. */
  public String getOsArch() {
    return text("os_arch");
  }

  /** Metric {@code os_version}, or null. */
  public String getOsVersion() {
    return text("os_version");
  }

  /** Metric {@code osgi_framework}, or null. */
  public String getOsgiFramework() {
    return text("osgi_framework");
  }

  /** Metric {@code osgi_framework_version}, or null. */
  public String getOsgiFrameworkVersion() {
    return text("osgi_framework_version");
  }

  /** Metric {@code part_number}, or null. */
  public String getPartNumber() {
    return text("part_number");
  }

  /** Metric {@code payload_encoding}, or null. */
  public String getPayloadEncoding() {
    return text("payload_encoding");
  }

  /** Metric {@code serial_number}, or null. */
  public String getSerialNumber() {
    return text("serial_number");
  }

  /** Whether the casing was opened, or null. */
  public TamperStatus getTamperStatus() {
    String status = text("tamper_status");
    return status == null ? null : TamperStatus.valueOf(status);
  }

  /** Metric {@code total_memory}, or null. */
  public String getTotalMemory() {
    return text("total_memory");
  }

  /** Metric {@code uptime}, or null. */
  public String getUptime() {
    return text("uptime");
  }

  @Override
  public String toString() {
    return "KuraBirthPayload " + metrics();
  }

  /** Whether the casing was opened. */
  public enum TamperStatus {
    /** The gateway cannot tell. */
    UNSUPPORTED,
    /** It was. */
    TAMPERED,
    /** It was not. */
    NOT_TAMPERED
  }

  /** Makes a birth payload. */
  public static class KuraBirthPayloadBuilder {
    private final KuraBirthPayload birth = new KuraBirthPayload();

    /** Starts with nothing. */
    public KuraBirthPayloadBuilder() {
      // set by the methods
    }

    private KuraBirthPayloadBuilder with(String name, Object value) {
      birth.addMetric(name, value);
      return this;
    }

    /** The payload. */
    public KuraBirthPayload build() {
      return birth;
    }

    /** Sets metric {@code accept_encoding}. */
    public KuraBirthPayloadBuilder withAcceptEncoding(String acceptEncoding) {
      return with("accept_encoding", acceptEncoding);
    }

    /** Sets metric {@code application_framework}. */
    public KuraBirthPayloadBuilder withApplicationFramework(String applicationFramework) {
      return with("application_framework", applicationFramework);
    }

    /** Sets metric {@code application_framework_version}. */
    public KuraBirthPayloadBuilder withApplicationFrameworkVersion(
        String applicationFrameworkVersion) {
      return with("application_framework_version", applicationFrameworkVersion);
    }

    /** Sets metric {@code application_ids}. */
    public KuraBirthPayloadBuilder withApplicationIdentifiers(String applicationIdentifiers) {
      return with("application_ids", applicationIdentifiers);
    }

    /** Sets metric {@code available_processors}. */
    public KuraBirthPayloadBuilder withAvailableProcessors(String availableProcessors) {
      return with("available_processors", availableProcessors);
    }

    /** Sets metric {@code bios_version}. */
    public KuraBirthPayloadBuilder withBiosVersion(String biosVersion) {
      return with("bios_version", biosVersion);
    }

    /** Sets metric {@code connection_interface}. */
    public KuraBirthPayloadBuilder withConnectionInterface(String connectionInterface) {
      return with("connection_interface", connectionInterface);
    }

    /** Sets metric {@code connection_ip}. */
    public KuraBirthPayloadBuilder withConnectionIp(String connectionIp) {
      return with("connection_ip", connectionIp);
    }

    /** Sets metric {@code cpu_version}. */
    public KuraBirthPayloadBuilder withCpuVersion(String cpuVersion) {
      return with("cpu_version", cpuVersion);
    }

    /** Sets metric {@code display_name}. */
    public KuraBirthPayloadBuilder withDisplayName(String displayName) {
      return with("display_name", displayName);
    }

    /** Sets metric {@code firmware_version}. */
    public KuraBirthPayloadBuilder withFirmwareVersion(String firmwareVersion) {
      return with("firmware_version", firmwareVersion);
    }

    /** Sets metric {@code jdk_vendor_version}. */
    public KuraBirthPayloadBuilder withJdkVendorVersion(String jdkVendorVersion) {
      return with("jdk_vendor_version", jdkVendorVersion);
    }

    /** Sets metric {@code jvm_name}. */
    public KuraBirthPayloadBuilder withJvmName(String jvmName) {
      return with("jvm_name", jvmName);
    }

    /** Sets metric {@code jvm_profile}. */
    public KuraBirthPayloadBuilder withJvmProfile(String jvmProfile) {
      return with("jvm_profile", jvmProfile);
    }

    /** Sets metric {@code jvm_vendor}. */
    public KuraBirthPayloadBuilder withJvmVendor(String jvmVendor) {
      return with("jvm_vendor", jvmVendor);
    }

    /** Sets metric {@code jvm_version}. */
    public KuraBirthPayloadBuilder withJvmVersion(String jvmVersion) {
      return with("jvm_version", jvmVersion);
    }

    /** Sets metric {@code kura_version}. */
    public KuraBirthPayloadBuilder withKuraVersion(String kuraVersion) {
      return with("kura_version", kuraVersion);
    }

    /** Sets metric {@code model_id}. */
    public KuraBirthPayloadBuilder withModelId(String modelId) {
      return with("model_id", modelId);
    }

    /** Sets metric {@code model_name}. */
    public KuraBirthPayloadBuilder withModelName(String modelName) {
      return with("model_name", modelName);
    }

    /** Sets metric {@code modem_firmware_version}. */
    public KuraBirthPayloadBuilder withModemFirmwareVersion(String modemFirmwareVersion) {
      return with("modem_firmware_version", modemFirmwareVersion);
    }

    /** Sets metric {@code modem_iccid}. */
    public KuraBirthPayloadBuilder withModemIccid(String modemIccid) {
      return with("modem_iccid", modemIccid);
    }

    /** Sets metric {@code modem_imei}. */
    public KuraBirthPayloadBuilder withModemImei(String modemImei) {
      return with("modem_imei", modemImei);
    }

    /** Sets metric {@code modem_imsi}. */
    public KuraBirthPayloadBuilder withModemImsi(String modemImsi) {
      return with("modem_imsi", modemImsi);
    }

    /** Sets metric {@code modem_rssi}. */
    public KuraBirthPayloadBuilder withModemRssi(String modemRssi) {
      return with("modem_rssi", modemRssi);
    }

    /** Sets metric {@code os}. */
    public KuraBirthPayloadBuilder withOs(String os) {
      return with("os", os);
    }

    /** Sets metric {@code os_arch}. */
    public KuraBirthPayloadBuilder withOsArch(String osArch) {
      return with("os_arch", osArch);
    }

    /** Sets metric {@code os_version}. */
    public KuraBirthPayloadBuilder withOsVersion(String osVersion) {
      return with("os_version", osVersion);
    }

    /** Sets metric {@code osgi_framework}. */
    public KuraBirthPayloadBuilder withOsgiFramework(String osgiFramework) {
      return with("osgi_framework", osgiFramework);
    }

    /** Sets metric {@code osgi_framework_version}. */
    public KuraBirthPayloadBuilder withOsgiFrameworkVersion(String osgiFrameworkVersion) {
      return with("osgi_framework_version", osgiFrameworkVersion);
    }

    /** Sets metric {@code part_number}. */
    public KuraBirthPayloadBuilder withPartNumber(String partNumber) {
      return with("part_number", partNumber);
    }

    /** Sets metric {@code payload_encoding}. */
    public KuraBirthPayloadBuilder withPayloadEncoding(String payloadEncoding) {
      return with("payload_encoding", payloadEncoding);
    }

    /** Sets where the gateway is. */
    public KuraBirthPayloadBuilder withPosition(KuraPosition position) {
      birth.setPosition(position);
      return this;
    }

    /** Sets metric {@code serial_number}. */
    public KuraBirthPayloadBuilder withSerialNumber(String serialNumber) {
      return with("serial_number", serialNumber);
    }

    /** Sets whether the casing was opened. */
    public KuraBirthPayloadBuilder withTamperStatus(TamperStatus tamperStatus) {
      return with("tamper_status", tamperStatus.name());
    }

    /** Sets metric {@code total_memory}. */
    public KuraBirthPayloadBuilder withTotalMemory(String totalMemory) {
      return with("total_memory", totalMemory);
    }

    /** Sets metric {@code uptime}. */
    public KuraBirthPayloadBuilder withUptime(String uptime) {
      return with("uptime", uptime);
    }
  }
}
