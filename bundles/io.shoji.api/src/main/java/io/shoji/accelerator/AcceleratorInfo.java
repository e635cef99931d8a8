/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.accelerator;

import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What a device is, fixed for the life of its service. Immutable; made with {@link #builder}.
 *
 * <p>{@link #properties} gives the same facts as service properties, and these are what a model
 * variant's filter is matched against.
 */
public final class AcceleratorInfo {
  /**
   * Service property, String: class of device, as {@code cpu}, {@code tensorrt}, {@code edgetpu},
   * {@code hailo}.
   */
  public static final String KIND = "shoji.kind";

  /**
   * Service property, String: identity of the device, by serial number where it has one, unique on
   * the gateway.
   */
  public static final String DEVICE = "shoji.device";

  /**
   * Service property, String: the chip, as {@code x86_64}, {@code aarch64}, {@code HAILO8L}, {@code
   * sm_87}.
   */
  public static final String ARCHITECTURE = "shoji.architecture";

  /** Service property, String[]: model formats that it loads, see {@link ModelFormats}. */
  public static final String FORMAT = "shoji.format";

  /** Service property, String[]: names of {@link Precision} that it computes in. */
  public static final String PRECISION = "shoji.precision";

  /** Service property, String: symbolic name of the driver bundle. */
  public static final String DRIVER = "shoji.driver";

  /** Service property, String: version of the driver bundle. */
  public static final String DRIVER_VERSION = "shoji.driver.version";

  /** Service property, String: the vendor's runtime, as {@code onnxruntime}. */
  public static final String RUNTIME = "shoji.runtime";

  /** Service property, {@code org.osgi.framework.Version}: version of the vendor's runtime. */
  public static final String RUNTIME_VERSION = "shoji.runtime.version";

  /** Service property, Boolean: the device is simulated. */
  public static final String SIMULATED = "shoji.simulated";

  /** Service property, Boolean: the device is reached over a network. */
  public static final String REMOTE = "shoji.remote";

  /**
   * Service property, Boolean: the device can have one owner only, so that two versions of its
   * driver never serve it together.
   */
  public static final String EXCLUSIVE = "shoji.exclusive";

  /**
   * Service property, Long: id of the driver's bundle where another bundle registers the
   * accelerator for it, as for a driver in a process of its own; else absent.
   */
  public static final String HOSTED = "shoji.hosted";

  /**
   * Service property, Boolean: the driver is being exchanged, and whatever else serves the same
   * device takes over, whatever the versions; absent or false else. May change while the service is
   * registered.
   */
  public static final String LEAVING = "shoji.leaving";

  private final String kind;
  private final String device;
  private final String deviceName;
  private final String architecture;
  private final Set<String> formats;
  private final Set<Precision> precisions;
  private final String driver;
  private final String driverVersion;
  private final String runtime;
  private final String runtimeVersion;
  private final String runtimeBuildId;
  private final int concurrency;
  private final boolean exclusive;
  private final boolean dynamicShapes;
  private final boolean remote;
  private final boolean simulated;

  private AcceleratorInfo(Builder builder) {
    this.kind = builder.kind;
    this.device = builder.device;
    this.deviceName = builder.deviceName == null ? builder.device : builder.deviceName;
    this.architecture = builder.architecture;
    this.formats = Collections.unmodifiableSet(new TreeSet<>(builder.formats));
    this.precisions = Collections.unmodifiableSet(EnumSet.copyOf(builder.precisions));
    this.driver = builder.driver;
    this.driverVersion = builder.driverVersion;
    this.runtime = builder.runtime;
    this.runtimeVersion = builder.runtimeVersion;
    this.runtimeBuildId = builder.runtimeBuildId;
    this.concurrency = builder.concurrency;
    this.exclusive = builder.exclusive;
    this.dynamicShapes = builder.dynamicShapes;
    this.remote = builder.remote;
    this.simulated = builder.simulated;
  }

  /**
   * Starts a description.
   *
   * @param kind class of device, lower case
   * @param device identity on this gateway; never a bus position where the device has a serial
   *     number
   */
  public static Builder builder(String kind, String device) {
    return new Builder(kind, device);
  }

  /** Starts a description with all that this one says. */
  public Builder toBuilder() {
    return new Builder(kind, device)
        .deviceName(deviceName)
        .architecture(architecture)
        .formats(formats)
        .precisions(precisions)
        .driver(driver, driverVersion)
        .runtime(runtime, runtimeVersion, runtimeBuildId)
        .concurrency(concurrency)
        .exclusive(exclusive)
        .dynamicShapes(dynamicShapes)
        .remote(remote)
        .simulated(simulated);
  }

  /** Class of device, see {@link #KIND}. */
  public String kind() {
    return kind;
  }

  /** Identity of the device, see {@link #DEVICE}. */
  public String device() {
    return device;
  }

  /** Name for people, as the processor's model name. */
  public String deviceName() {
    return deviceName;
  }

  /** The chip, see {@link #ARCHITECTURE}. */
  public String architecture() {
    return architecture;
  }

  /** Model formats that it loads, see {@link ModelFormats}; never empty. */
  public Set<String> formats() {
    return formats;
  }

  /** Precisions that it computes in; never empty. */
  public Set<Precision> precisions() {
    return precisions;
  }

  /** Symbolic name of the driver bundle. */
  public String driver() {
    return driver;
  }

  /** Version of the driver bundle. */
  public String driverVersion() {
    return driverVersion;
  }

  /** The vendor's runtime. */
  public String runtime() {
    return runtime;
  }

  /** Version of the vendor's runtime, as the runtime itself says. */
  public String runtimeVersion() {
    return runtimeVersion;
  }

  /**
   * GNU build-id of the runtime's library, hex, or its SHA-256 if it has none; empty for a remote
   * runtime.
   */
  public String runtimeBuildId() {
    return runtimeBuildId;
  }

  /**
   * Calls that are worth having in flight at once on the whole device: 1 for one that computes one
   * after the other, the depth of the vendor's queue for an asynchronous one, the number of cores
   * for a CPU. A processor of kind {@code cpu} gets one more for each model that is being prepared,
   * on a thread that gives way to the others.
   */
  public int concurrency() {
    return concurrency;
  }

  /**
   * Whether the device can have one owner only, so that an old and a new driver never hold it
   * together.
   */
  public boolean exclusive() {
    return exclusive;
  }

  /**
   * Whether models with dynamic shapes run; false for fixed dataflow devices, which want every size
   * at load.
   */
  public boolean dynamicShapes() {
    return dynamicShapes;
  }

  /** Whether the device is reached over a network. */
  public boolean remote() {
    return remote;
  }

  /** Whether the device is simulated; said on every screen. */
  public boolean simulated() {
    return simulated;
  }

  /** The facts as service properties, new and modifiable. */
  public Map<String, Object> properties() {
    Map<String, Object> properties = new HashMap<>();
    properties.put(KIND, kind);
    properties.put(DEVICE, device);
    properties.put(ARCHITECTURE, architecture);
    properties.put(FORMAT, formats.toArray(new String[0]));
    properties.put(PRECISION, precisions.stream().map(Precision::name).toArray(String[]::new));
    properties.put(DRIVER, driver);
    properties.put(DRIVER_VERSION, driverVersion);
    properties.put(RUNTIME, runtime);
    properties.put(RUNTIME_VERSION, Versions.lenient(runtimeVersion));
    properties.put(SIMULATED, simulated);
    properties.put(REMOTE, remote);
    properties.put(EXCLUSIVE, exclusive);
    return properties;
  }

  @Override
  public String toString() {
    return kind
        + ":"
        + device
        + " ("
        + deviceName
        + ", "
        + runtime
        + " "
        + runtimeVersion
        + (simulated ? ", simulated" : "")
        + ")";
  }

  /** Collects the facts; not thread safe. */
  public static final class Builder {
    private final String kind;
    private final String device;
    private @Nullable String deviceName;
    private String architecture = "";
    private Set<String> formats = Set.of();
    private Set<Precision> precisions = Set.of();
    private String driver = "";
    private String driverVersion = "";
    private String runtime = "";
    private String runtimeVersion = "";
    private String runtimeBuildId = "";
    private int concurrency = 1;
    private boolean exclusive;
    private boolean dynamicShapes;
    private boolean remote;
    private boolean simulated;

    private Builder(String kind, String device) {
      if (kind.isEmpty() || device.isEmpty()) {
        throw new IllegalArgumentException(
            "a device has a kind and an identity kind=" + kind + " device=" + device);
      }
      this.kind = kind;
      this.device = device;
    }

    /** Name for people; the device's identity if not given. */
    public Builder deviceName(String value) {
      deviceName = value;
      return this;
    }

    /** The chip. */
    public Builder architecture(String value) {
      architecture = value;
      return this;
    }

    /** Model formats that it loads. */
    public Builder formats(Collection<String> value) {
      formats = Set.copyOf(value);
      return this;
    }

    /** Precisions that it computes in. */
    public Builder precisions(Collection<Precision> value) {
      precisions = Set.copyOf(value);
      return this;
    }

    /** Symbolic name and version of the driver bundle. */
    public Builder driver(String symbolicName, String version) {
      driver = symbolicName;
      driverVersion = version;
      return this;
    }

    /** Name, version and build-id of the vendor's runtime. */
    public Builder runtime(String name, String version, String buildId) {
      runtime = name;
      runtimeVersion = version;
      runtimeBuildId = buildId;
      return this;
    }

    /** Calls worth having in flight at once; 1 if not given. */
    public Builder concurrency(int value) {
      concurrency = value;
      return this;
    }

    /** Whether the device can have one owner only; false if not given. */
    public Builder exclusive(boolean value) {
      exclusive = value;
      return this;
    }

    /** Whether dynamic shapes run; false if not given. */
    public Builder dynamicShapes(boolean value) {
      dynamicShapes = value;
      return this;
    }

    /** Whether the device is reached over a network; false if not given. */
    public Builder remote(boolean value) {
      remote = value;
      return this;
    }

    /** Whether the device is simulated; false if not given. */
    public Builder simulated(boolean value) {
      simulated = value;
      return this;
    }

    /**
     * The description.
     *
     * @throws IllegalArgumentException if formats or precisions are empty or the concurrency is
     *     below 1
     */
    public AcceleratorInfo build() {
      if (formats.isEmpty() || precisions.isEmpty() || concurrency < 1) {
        throw new IllegalArgumentException(
            "a device has at least one format, one precision and room for one call formats="
                + formats
                + " precisions="
                + precisions
                + " concurrency="
                + concurrency);
      }
      return new AcceleratorInfo(this);
    }
  }
}
