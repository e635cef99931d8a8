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

import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.LongAdder;
import org.eclipse.kura.configuration.ConfigurableComponent;
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
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.osgi.service.metatype.annotations.Option;
import org.osgi.service.wireadmin.Consumer;
import org.osgi.service.wireadmin.Wire;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Kura's Logger: one line for each envelope, and its records if it is told to be verbose. */
@Component(
    name = LoggerComponent.PID,
    immediate = true,
    configurationPolicy = ConfigurationPolicy.REQUIRE,
    service = {ConfigurableComponent.class, WireComponent.class, Consumer.class},
    property = {
      "kura.ui.service.hide:Boolean=true",
      "input.cardinality.minimum:Integer=1",
      "input.cardinality.maximum:Integer=1",
      "input.cardinality.default:Integer=1",
      "output.cardinality.minimum:Integer=0",
      "output.cardinality.maximum:Integer=0",
      "output.cardinality.default:Integer=0"
    })
@Designate(ocd = LoggerComponent.Form.class, factory = true)
public final class LoggerComponent implements WireReceiver, ConfigurableComponent, Reporting {
  static final String PID = "org.eclipse.kura.wire.Logger";

  private static final Logger log = LoggerFactory.getLogger(LoggerComponent.class);

  /** The form, as Kura has it. */
  @SuppressWarnings("MemberName")
  @ObjectClassDefinition(
      id = PID,
      name = "Logger",
      description = "Writes what it receives to the gateway's log")
  public @interface Form {
    /** How much. */
    @AttributeDefinition(
        name = "log.verbosity",
        description = "QUIET: a line for each envelope. VERBOSE: every property of every record",
        options = {
          @Option(label = "VERBOSE", value = "VERBOSE"),
          @Option(label = "QUIET", value = "QUIET")
        })
    String log_verbosity() default "QUIET";
  }

  private final WireSupport wires;
  private final LongAdder received = new LongAdder();
  private volatile boolean verbose;

  /** Waits for envelopes. */
  @Activate
  @SuppressWarnings("unchecked")
  public LoggerComponent(
      @Reference WireHelperService helper,
      ComponentContext context,
      Map<String, Object> properties) {
    wires =
        helper.newWireSupport(
            this, (ServiceReference<WireComponent>) context.getServiceReference());
    modified(properties);
  }

  /** Anything but VERBOSE is quiet, as in Kura. */
  @Modified
  void modified(Map<String, Object> properties) {
    verbose = "VERBOSE".equals(properties.get("log.verbosity"));
  }

  @Override
  public void onWireReceive(WireEnvelope envelope) {
    Objects.requireNonNull(envelope, "Wire Envelope cannot be null");
    received.increment();
    log.info("Received WireEnvelope from {}", envelope.getEmitterPid());
    if (verbose) {
      log.info("Record List content: ");
      for (WireRecord record : envelope.getRecords()) {
        log.info("  Record content: ");
        for (Map.Entry<String, TypedValue<?>> property : record.getProperties().entrySet()) {
          log.info("    {} : {}", property.getKey(), property.getValue().getValue());
        }
      }
      log.info("");
    }
  }

  @Override
  public String report() {
    return (verbose ? "verbose" : "quiet") + ", envelopes " + received;
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
