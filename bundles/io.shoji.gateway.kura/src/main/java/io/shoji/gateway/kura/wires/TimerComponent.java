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

import java.time.Duration;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.eclipse.kura.configuration.ConfigurableComponent;
import org.eclipse.kura.type.TypedValues;
import org.eclipse.kura.wire.WireComponent;
import org.eclipse.kura.wire.WireEmitter;
import org.eclipse.kura.wire.WireHelperService;
import org.eclipse.kura.wire.WireRecord;
import org.eclipse.kura.wire.WireSupport;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.ServiceReference;
import org.osgi.service.component.ComponentContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.osgi.service.metatype.annotations.Option;
import org.osgi.service.wireadmin.Producer;
import org.osgi.service.wireadmin.Wire;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Kura's Timer: emits a record with the LONG property {@code TIMER}, milliseconds since 1970, at an
 * interval or by a cron expression, on a thread of its own. With settings that are wrong it goes on
 * as before, or stands still if there was nothing before.
 */
@Component(
    name = TimerComponent.PID,
    immediate = true,
    configurationPolicy = ConfigurationPolicy.REQUIRE,
    service = {ConfigurableComponent.class, WireComponent.class, WireEmitter.class, Producer.class},
    property = "kura.ui.service.hide:Boolean=true")
@Designate(ocd = TimerComponent.Form.class, factory = true)
public final class TimerComponent implements WireEmitter, ConfigurableComponent, Reporting {
  static final String PID = "org.eclipse.kura.wire.Timer";

  private static final Logger log = LoggerFactory.getLogger(TimerComponent.class);

  /** The form, as Kura has it. */
  @SuppressWarnings("MemberName")
  @ObjectClassDefinition(
      id = PID,
      name = "Timer",
      description = "Fires a tick at an interval or by a cron expression")
  public @interface Form {
    /** Kind of schedule. */
    @AttributeDefinition(
        name = "type",
        description = "SIMPLE: by the interval. CRON: by the cron expression",
        options = {
          @Option(label = "SIMPLE", value = "SIMPLE"),
          @Option(label = "CRON", value = "CRON")
        })
    String type() default "SIMPLE";

    /** Interval. */
    @AttributeDefinition(
        name = "simple.interval",
        min = "1",
        description = "From tick to tick, in the time unit below; for type SIMPLE")
    int simple_interval() default 10;

    /** Its unit. */
    @AttributeDefinition(
        name = "simple.time.unit",
        description = "Time unit of the interval; for type SIMPLE",
        options = {
          @Option(label = "MILLISECONDS", value = "MILLISECONDS"),
          @Option(label = "SECONDS", value = "SECONDS"),
          @Option(label = "MINUTES", value = "MINUTES"),
          @Option(label = "HOURS", value = "HOURS"),
          @Option(label = "DAYS", value = "DAYS")
        })
    String simple_time_unit() default "SECONDS";

    /** First tick. */
    @AttributeDefinition(
        name = "simple.first.tick.policy",
        description =
            "DEFAULT: the first tick comes after one interval. CUSTOM: after the time below",
        options = {
          @Option(label = "DEFAULT", value = "DEFAULT"),
          @Option(label = "CUSTOM", value = "CUSTOM")
        })
    String simple_first_tick_policy() default "DEFAULT";

    /** Time to the first tick. */
    @AttributeDefinition(
        name = "simple.custom.first.tick.interval",
        required = false,
        description = "Time to the first tick, in the time unit above; for first tick CUSTOM")
    int simple_custom_first_tick_interval() default 0;

    /** Cron expression. */
    @AttributeDefinition(
        name = "cron.interval",
        description = "Cron expression as Quartz has them; for type CRON")
    String cron_interval() default "0/10 * * * * ?";
  }

  private enum Type {
    SIMPLE,
    CRON
  }

  private enum Unit {
    MILLISECONDS,
    SECONDS,
    MINUTES,
    HOURS,
    DAYS
  }

  private enum FirstTick {
    DEFAULT,
    CUSTOM
  }

  /** A schedule with checked settings: milliseconds, or a cron expression. */
  record Plan(long firstMs, long intervalMs, Optional<CronSchedule> cron) {
    static Plan of(Map<String, Object> properties) {
      Settings settings = new Settings(properties);
      if (settings.choice("type", Type.class, Type.SIMPLE) == Type.CRON) {
        return new Plan(
            0, 0, Optional.of(new CronSchedule(settings.text("cron.interval", "0/10 * * * * ?"))));
      }
      TimeUnit unit =
          TimeUnit.valueOf(settings.choice("simple.time.unit", Unit.class, Unit.SECONDS).name());
      long interval = unit.toMillis(settings.integer("simple.interval", 10, 1, Integer.MAX_VALUE));
      boolean custom =
          settings.choice("simple.first.tick.policy", FirstTick.class, FirstTick.DEFAULT)
              == FirstTick.CUSTOM;
      long first =
          custom
              ? unit.toMillis(
                  settings.integer("simple.custom.first.tick.interval", 0, 0, Integer.MAX_VALUE))
              : interval;
      return new Plan(first, interval, Optional.empty());
    }
  }

  private final WireSupport wires;
  private final String pid;
  private final AtomicLong ticks = new AtomicLong();
  private @Nullable ScheduledThreadPoolExecutor executor;
  private volatile String state = "";

  /** Starts to tick. */
  @Activate
  @SuppressWarnings("unchecked")
  public TimerComponent(
      @Reference WireHelperService helper,
      ComponentContext context,
      Map<String, Object> properties) {
    wires =
        helper.newWireSupport(
            this, (ServiceReference<WireComponent>) context.getServiceReference());
    pid = new Settings(properties).pid();
    modified(properties);
  }

  /** Takes over a schedule, or says why not. */
  @Modified
  synchronized void modified(Map<String, Object> properties) {
    Plan plan;
    try {
      plan = Plan.of(properties);
    } catch (IllegalArgumentException e) {
      state = (executor == null ? "stands still: " : "goes on as before: ") + e.getMessage();
      log.warn("a timer's settings are refused, it {} component={}", state, pid);
      return;
    }
    close();
    ScheduledThreadPoolExecutor next =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              Thread thread = new Thread(task, "WiresTimer_" + pid);
              thread.setDaemon(true);
              return thread;
            });
    executor = next;
    if (plan.cron().isPresent()) {
      CronSchedule cron = plan.cron().get();
      state = "cron " + cron;
      schedule(next, cron, now());
    } else {
      state = "every " + plan.intervalMs() + " ms";
      Future<?> unused =
          next.scheduleAtFixedRate(
              this::tick, plan.firstMs(), plan.intervalMs(), TimeUnit.MILLISECONDS);
    }
  }

  private void schedule(ScheduledThreadPoolExecutor on, CronSchedule cron, ZonedDateTime after) {
    Optional<ZonedDateTime> next = cron.next(after);
    if (next.isEmpty()) {
      state = "over: no time is left cron=" + cron;
      return;
    }
    at(on, cron, next.get());
  }

  private void at(ScheduledThreadPoolExecutor on, CronSchedule cron, ZonedDateTime time) {
    Future<?> unused =
        on.schedule(
            () -> {
              if (on.isShutdown()) {
                return;
              }
              ZonedDateTime now = now();
              // The executor's clock is another one.
              if (now.isBefore(time)) {
                at(on, cron, time);
                return;
              }
              tick();
              if (!on.isShutdown()) {
                schedule(on, cron, now);
              }
            },
            Math.max(0, Duration.between(now(), time).toNanos()),
            TimeUnit.NANOSECONDS);
  }

  /** In the gateway's own time zone, as a person reads cron expressions. */
  private static ZonedDateTime now() {
    return ZonedDateTime.now(ZoneId.systemDefault());
  }

  private void tick() {
    ticks.incrementAndGet();
    wires.emit(
        List.of(
            new WireRecord(Map.of("TIMER", TypedValues.newLongValue(System.currentTimeMillis())))));
  }

  /** Ends the ticks; does not wait for one that is under way. */
  @Deactivate
  synchronized void close() {
    if (executor != null) {
      executor.shutdownNow();
      executor = null;
    }
  }

  @Override
  public String report() {
    return state + ", ticks " + ticks;
  }

  @Override
  public void consumersConnected(Wire @Nullable [] connected) {
    wires.consumersConnected(connected);
  }

  @Override
  public @Nullable Object polled(Wire wire) {
    return wires.polled(Objects.requireNonNull(wire, "wire"));
  }
}
