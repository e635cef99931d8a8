/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.cloud;

import io.shoji.cloud.Metrics;
import io.shoji.cloud.Payload;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import org.eclipse.kura.system.SystemService;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a gateway says of itself when it comes, changes and goes. */
final class LifeCycle {
  private static final Logger log = LoggerFactory.getLogger(LifeCycle.class);

  private final SystemService system;

  LifeCycle(SystemService system) {
    this.system = system;
  }

  /** The gateway and its applications. */
  Payload birth(ServiceSettings settings, Collection<String> applications) {
    Builder birth = new Builder();
    birth.add(Metrics.UPTIME, uptime());
    birth.add(Metrics.DISPLAY_NAME, displayName(settings));
    birth.add("model_name", system.getModelName());
    birth.add("model_id", system.getModelId());
    birth.add("part_number", system.getPartNumber());
    birth.add("serial_number", system.getSerialNumber());
    birth.add("firmware_version", system.getFirmwareVersion());
    birth.add("bios_version", system.getBiosVersion());
    birth.add("cpu_version", system.getCpuVersion());
    birth.add("os", system.getOsName());
    birth.add("os_version", system.getOsVersion());
    birth.add("os_arch", system.getOsArch());
    birth.add("jvm_vendor", system.getJavaVmVendor());
    birth.add("jvm_name", system.getJavaVmName());
    birth.add("jvm_version", system.getJavaVmVersion() + " " + system.getJavaVmInfo());
    birth.add("jvm_profile", system.getJavaVendor() + " " + system.getJavaVersion());
    birth.add("jdk_vendor_version", system.getJdkVendorVersion());
    birth.add("application_framework", "Kura");
    birth.add("application_framework_version", system.getKuraVersion());
    birth.add("kura_version", system.getKuraVersion());
    birth.add("osgi_framework", system.getOsgiFwName());
    birth.add("osgi_framework_version", system.getOsgiFwVersion());
    birth.add("available_processors", Integer.toString(system.getNumberOfProcessors()));
    birth.add("total_memory", Long.toString(system.getTotalMemory()));
    addNetwork(birth);
    birth.add("accept_encoding", settings.compressed() ? "gzip" : "");
    birth.add("payload_encoding", "KURA_PROTOBUF");
    birth.add(Metrics.APPLICATION_IDS, String.join(",", applications));
    return birth.build();
  }

  /** The gateway goes. */
  Payload disconnect(ServiceSettings settings) {
    Builder disconnect = new Builder();
    disconnect.add(Metrics.DISPLAY_NAME, displayName(settings));
    disconnect.add(Metrics.UPTIME, uptime());
    return disconnect.build();
  }

  private static String uptime() {
    return Long.toString(ManagementFactory.getRuntimeMXBean().getUptime());
  }

  private String displayName(ServiceSettings settings) {
    @Nullable String name =
        switch (settings.displayName()) {
          case DEVICE_NAME -> system.getDeviceName();
          case HOST_NAME -> system.getHostname();
          case CUSTOM -> settings.customName();
          case SERVER -> "";
        };
    return name == null ? "" : name;
  }

  private static void addNetwork(Builder birth) {
    List<String> interfaces = new ArrayList<>();
    List<String> addresses = new ArrayList<>();
    try {
      for (NetworkInterface found : Collections.list(NetworkInterface.getNetworkInterfaces())) {
        List<InetAddress> own = Collections.list(found.getInetAddresses());
        if (found.isUp() && !found.isLoopback() && !own.isEmpty()) {
          byte[] hardware = found.getHardwareAddress();
          interfaces.add(
              found.getName()
                  + " ("
                  + (hardware == null
                      ? SystemService.UNKNOWN
                      : HexFormat.ofDelimiter(":").withUpperCase().formatHex(hardware))
                  + ")");
          addresses.add(own.get(0).getHostAddress());
        }
      }
    } catch (SocketException e) {
      log.warn("the network interfaces cannot be read", e);
    }
    birth.add(
        "connection_interface",
        interfaces.isEmpty() ? SystemService.UNKNOWN : String.join(",", interfaces));
    birth.add(
        "connection_ip", addresses.isEmpty() ? SystemService.UNKNOWN : String.join(",", addresses));
  }

  /** Leaves out what the system does not know. */
  private static final class Builder {
    private final Payload.Builder payload =
        Payload.builder().timestampMs(System.currentTimeMillis());

    void add(String name, @Nullable String value) {
      if (value != null) {
        payload.metric(name, value);
      }
    }

    Payload build() {
      return payload.build();
    }
  }
}
