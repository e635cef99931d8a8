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

import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.configuration.ConfigurableComponent;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.osgi.service.metatype.annotations.Option;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * When to connect, how fast to send and how much to store, configured as Kura's. A configuration
 * that makes no sense is told in the log, and the last good one stays. Thread safe.
 */
@Designate(ocd = GatewayData.Form.class)
@Component(
    name = GatewayData.PID,
    service = {ConfigurableComponent.class, GatewayData.class},
    configurationPolicy = ConfigurationPolicy.REQUIRE,
    property = "kura.ui.service.hide:Boolean=true")
public final class GatewayData implements ConfigurableComponent {
  static final String PID = "org.eclipse.kura.data.DataService";

  private static final Logger log = LoggerFactory.getLogger(GatewayData.class);

  /** The form; attributes as on Kura, without those for what a gateway in a box has not. */
  @ObjectClassDefinition(
      id = PID,
      name = "DataService",
      description = "When to connect, how fast to send, and how much to store meanwhile.")
  public @interface Form {
    /** Whether to connect. */
    @AttributeDefinition(
        name = "Connect Auto-on-startup",
        description = "Connect at the start, and again whenever the connection is lost.")
    boolean connect_auto$_$on$_$startup() default false;

    /** Longest wait. */
    @AttributeDefinition(
        name = "Connect Retry-interval",
        min = "1",
        max = "86400",
        description =
            "Most seconds between two attempts to connect; the first ones follow each other faster.")
    int connect_retry$_$interval() default 60;

    /** Last words. */
    @AttributeDefinition(
        name = "Disconnect Quiesce-timeout",
        min = "0",
        max = "3600",
        description = "Seconds to go on sending before the connection is ended.")
    int disconnect_quiesce$_$timeout() default 10;

    /** Capacity. */
    @AttributeDefinition(
        name = "Store Capacity",
        min = "1",
        max = "10000000",
        description =
            "Messages that may wait. One more is refused; replies and life cycle messages, of priority 0 and 1, take the place of the oldest message of the lowest priority.")
    int store_capacity() default 10_000;

    /** What was not confirmed. */
    @AttributeDefinition(
        name = "In-flight-messages Republish-on-new-session",
        description =
            "Send again, over a new connection, what was not confirmed over the one before.")
    boolean in$_$flight$_$messages_republish$_$on$_$new$_$session() default true;

    /** What may be under way. */
    @AttributeDefinition(
        name = "In-flight-messages Max-number",
        min = "1",
        max = "10",
        description = "Messages that may be under way without being confirmed.")
    int in$_$flight$_$messages_max$_$number() default 9;

    /** Congestion. */
    @AttributeDefinition(
        name = "In-flight-messages Congestion-timeout",
        min = "0",
        max = "86400",
        description =
            "Seconds without a confirmation, while no more may be under way, after which to connect anew; 0 for never.")
    int in$_$flight$_$messages_congestion$_$timeout() default 0;

    /** Whether the rate is limited. */
    @AttributeDefinition(
        name = "Enable Rate Limit",
        description = "Limit the rate of messages of priority 5 and above.")
    boolean enable_rate_limit() default true;

    /** Rate. */
    @AttributeDefinition(
        name = "Rate Limit Average",
        min = "1",
        max = "1000000",
        description = "Messages in each unit of time.")
    int rate_limit_average() default 1;

    /** Unit. */
    @AttributeDefinition(
        name = "Rate Limit Time Unit",
        description = "Unit of time of the rate.",
        options = {
          @Option(label = "SECONDS", value = "SECONDS"),
          @Option(label = "MINUTES", value = "MINUTES"),
          @Option(label = "HOURS", value = "HOURS"),
          @Option(label = "DAYS", value = "DAYS")
        })
    String rate_limit_time_unit() default "SECONDS";

    /** Burst. */
    @AttributeDefinition(
        name = "Rate Limit Burst Size",
        min = "1",
        max = "1000000",
        description = "Messages that may follow each other at once after a pause.")
    int rate_limit_burst_size() default 1;

    /** Largest message. */
    @AttributeDefinition(
        name = "Maximum Payload Size",
        min = "0",
        max = "2147483647",
        description = "Most bytes of a message.")
    long maximum_payload_size() default 16_777_216;
  }

  private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
  private volatile DataSettings settings;

  /** Takes the first configuration; one that makes no sense counts as none. */
  @Activate
  public GatewayData(Map<String, Object> properties) {
    DataSettings initial;
    try {
      initial = DataSettings.of(properties);
    } catch (KuraException e) {
      log.error("the configuration is refused pid={} cause={}", PID, e.getMessage());
      initial = unset();
    }
    this.settings = initial;
  }

  private static DataSettings unset() {
    try {
      return DataSettings.of(Map.of());
    } catch (KuraException e) {
      throw new IllegalStateException("the defaults are good", e);
    }
  }

  /** Takes another configuration, if it makes sense. */
  @Modified
  public void modified(Map<String, Object> properties) {
    try {
      settings = DataSettings.of(properties);
    } catch (KuraException e) {
      log.error(
          "the configuration is refused, the last one stays pid={} cause={}", PID, e.getMessage());
      return;
    }
    listeners.forEach(Runnable::run);
  }

  DataSettings settings() {
    return settings;
  }

  /** Calls a listener after each change that makes sense. */
  void listen(Runnable listener) {
    listeners.add(listener);
  }

  void forget(Runnable listener) {
    listeners.remove(listener);
  }
}
