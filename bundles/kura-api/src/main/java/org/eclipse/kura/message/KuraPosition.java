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

import java.util.Date;
import org.osgi.annotation.versioning.ProviderType;

/** Where a gateway is; null for what is not known. */
@ProviderType
public class KuraPosition {
  private Double latitude;
  private Double longitude;
  private Double altitude;
  private Double precision;
  private Double heading;
  private Double speed;
  private Integer satellites;
  private Integer status;
  private Date timestamp;

  /** With nothing known. */
  public KuraPosition() {
    // set by the setters
  }

  /** Latitude: degrees. */
  public Double getLatitude() {
    return latitude;
  }

  /** Sets the latitude: degrees. */
  public void setLatitude(double latitude) {
    this.latitude = latitude;
  }

  /** Longitude: degrees. */
  public Double getLongitude() {
    return longitude;
  }

  /** Sets the longitude: degrees. */
  public void setLongitude(double longitude) {
    this.longitude = longitude;
  }

  /** Altitude: metres. */
  public Double getAltitude() {
    return altitude;
  }

  /** Sets the altitude: metres. */
  public void setAltitude(double altitude) {
    this.altitude = altitude;
  }

  /** Precision: dilution. */
  public Double getPrecision() {
    return precision;
  }

  /** Sets the precision: dilution. */
  public void setPrecision(double precision) {
    this.precision = precision;
  }

  /** Heading: degrees. */
  public Double getHeading() {
    return heading;
  }

  /** Sets the heading: degrees. */
  public void setHeading(double heading) {
    this.heading = heading;
  }

  /** Speed: metres per second. */
  public Double getSpeed() {
    return speed;
  }

  /** Sets the speed: metres per second. */
  public void setSpeed(double speed) {
    this.speed = speed;
  }

  /** Satellites: how many are seen. */
  public Integer getSatellites() {
    return satellites;
  }

  /** Sets the satellites: how many are seen. */
  public void setSatellites(int satellites) {
    this.satellites = satellites;
  }

  /** Status: 1 no response, 2 error, 4 valid. */
  public Integer getStatus() {
    return status;
  }

  /** Sets the status: 1 no response, 2 error, 4 valid. */
  public void setStatus(int status) {
    this.status = status;
  }

  /** When the position was taken. */
  public Date getTimestamp() {
    return timestamp;
  }

  /** Sets when the position was taken. */
  public void setTimestamp(Date timestamp) {
    this.timestamp = timestamp;
  }
}
