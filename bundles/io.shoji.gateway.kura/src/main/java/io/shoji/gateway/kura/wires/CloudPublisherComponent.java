/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.wires;

import java.nio.charset.StandardCharsets;
import java.util.Date;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.cloudconnection.message.KuraMessage;
import org.eclipse.kura.cloudconnection.publisher.CloudPublisher;
import org.eclipse.kura.configuration.ConfigurableComponent;
import org.eclipse.kura.message.KuraPayload;
import org.eclipse.kura.type.TypedValue;
import org.eclipse.kura.wire.WireComponent;
import org.eclipse.kura.wire.WireEnvelope;
import org.eclipse.kura.wire.WireHelperService;
import org.eclipse.kura.wire.WireReceiver;
import org.eclipse.kura.wire.WireRecord;
import org.eclipse.kura.wire.WireSupport;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.ServiceReference;
import org.osgi.service.component.ComponentContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.osgi.service.metatype.annotations.Option;
import org.osgi.service.wireadmin.Consumer;
import org.osgi.service.wireadmin.Wire;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Kura's Publisher: one message to a cloud publisher for each record, with the record's properties
 * as metrics and, for the publisher's topic, as message properties. Without a cloud publisher
 * envelopes are dropped, as in Kura. There is no position here, whatever the form says.
 */
@Component(
    name = CloudPublisherComponent.PID,
    immediate = true,
    configurationPolicy = ConfigurationPolicy.REQUIRE,
    service = {
      ConfigurableComponent.class,
      WireComponent.class,
      WireReceiver.class,
      Consumer.class
    },
    property = "kura.ui.service.hide:Boolean=true")
@Designate(ocd = CloudPublisherComponent.Form.class, factory = true)
public final class CloudPublisherComponent
    implements WireReceiver, ConfigurableComponent, Reporting {
  static final String PID = "org.eclipse.kura.wire.CloudPublisher";

  private static final Logger log = LoggerFactory.getLogger(CloudPublisherComponent.class);

  /** The form, as Kura has it. */
  @SuppressWarnings("MemberName")
  @ObjectClassDefinition(
      id = PID,
      name = "Publisher",
      description = "Publishes what it receives to the cloud")
  public @interface Form {
    /** Which cloud publisher. */
    @AttributeDefinition(
        name = "CloudPublisher Target Filter",
        description = "The cloud publisher to use, as an OSGi filter on its kura.service.pid")
    String CloudPublisher_target() default "(kura.service.pid=changeme)";

    /** Position. */
    @AttributeDefinition(
        name = "Publish Position",
        description = "Whether the gateway's position goes with the message; this gateway has none",
        options = {
          @Option(label = "None", value = "none"),
          @Option(label = "Basic", value = "basic"),
          @Option(label = "Full", value = "full")
        })
    String publish_position() default "none";

    /** Body. */
    @AttributeDefinition(
        name = "Set body from envelope property",
        required = false,
        description = "Name of a STRING or BYTE_ARRAY property that becomes the message's body")
    String set_body_from_property() default "";

    /** Body only. */
    @AttributeDefinition(
        name = "Remove body envelope property from metrics",
        description = "The property of the body is not sent as a metric too")
    boolean remove_body_from_metrics() default false;
  }

  private record Options(String body, boolean bodyOnly) {}

  private final WireSupport wires;
  private final String pid;
  private final LongAdder published = new LongAdder();
  private final AtomicLong failures = new AtomicLong();
  private final LongAdder dropped = new LongAdder();
  private volatile Options options = new Options("", false);
  private volatile String lastError = "";

  @Reference(
      name = "CloudPublisher",
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC)
  private volatile @Nullable CloudPublisher publisher;

  /** Waits for envelopes. */
  @Activate
  @SuppressWarnings("unchecked")
  public CloudPublisherComponent(
      @Reference WireHelperService helper,
      ComponentContext context,
      Map<String, Object> properties) {
    wires =
        helper.newWireSupport(
            this, (ServiceReference<WireComponent>) context.getServiceReference());
    pid = new Settings(properties).pid();
    modified(properties);
  }

  /** Takes over settings, or says why not. */
  @Modified
  void modified(Map<String, Object> properties) {
    try {
      Settings settings = new Settings(properties);
      String position = settings.text("publish.position", "none");
      options =
          new Options(
              settings.text("set.body.from.property", ""),
              settings.flag("remove.body.from.metrics", false));
      lastError =
          position.equals("none") ? "" : "no position: this gateway has none asked=" + position;
    } catch (IllegalArgumentException e) {
      lastError = "goes on as before: " + e.getMessage();
      log.warn("a publisher's settings are refused, it {} component={}", lastError, pid);
    }
  }

  @Override
  public void onWireReceive(WireEnvelope envelope) {
    Objects.requireNonNull(envelope, "Wire Envelope cannot be null");
    CloudPublisher to = publisher;
    int records = envelope.getRecords().size();
    if (to == null) {
      dropped.add(records);
      return;
    }
    int done = 0;
    try {
      for (WireRecord record : envelope.getRecords()) {
        to.publish(message(record, options));
        done++;
      }
    } catch (KuraException | RuntimeException e) {
      lastError = e.toString();
      dropped.add(records - done);
      // Ever more seldom: each envelope may fail.
      long count = failures.incrementAndGet();
      if (Long.bitCount(count) == 1) {
        log.error("records are not published component={} lost={}", pid, records - done, e);
      }
    } finally {
      published.add(done);
    }
  }

  // Kura's payloads have a Date.
  @SuppressWarnings("JavaUtilDate")
  private KuraMessage message(WireRecord record, Options how) {
    KuraPayload payload = new KuraPayload();
    payload.setTimestamp(new Date());
    Map<String, Object> values = new HashMap<>();
    for (Map.Entry<String, TypedValue<?>> property : record.getProperties().entrySet()) {
      values.put(property.getKey(), property.getValue().getValue());
    }
    if (!how.body().isEmpty()) {
      Object body = values.get(how.body());
      if (body instanceof String text) {
        payload.setBody(text.getBytes(StandardCharsets.UTF_8));
      } else if (body instanceof byte[] bytes) {
        payload.setBody(bytes);
      } else {
        log.warn(
            "no body: the record has no such STRING or BYTE_ARRAY component={} property={}",
            pid,
            how.body());
      }
      if (how.bodyOnly()) {
        values.remove(how.body());
      }
    }
    values.forEach(payload::addMetric);
    return new KuraMessage(payload, values);
  }

  @Override
  public String report() {
    return (publisher == null ? "no cloud publisher" : "published " + published)
        + (dropped.sum() == 0 ? "" : ", dropped " + dropped)
        + (lastError.isEmpty() ? "" : ", " + lastError);
  }

  @Override
  public void producersConnected(Wire @Nullable [] connected) {
    wires.producersConnected(connected);
  }

  @Override
  public void updated(Wire wire, Object value) {
    wires.updated(wire, value);
  }
}
