/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.telemetry;

import com.google.gson.Gson;
import com.google.gson.JsonParseException;
import io.shoji.inference.AcceleratorStatus;
import io.shoji.inference.InferenceService;
import io.shoji.kura.operations.LastGood;
import io.shoji.kura.operations.StatusSource;
import io.shoji.kura.telemetry.Counters.State;
import io.shoji.operations.DriftReport;
import io.shoji.operations.EngineEvent;
import io.shoji.operations.EngineEventListener;
import io.shoji.operations.ModelOverview;
import io.shoji.operations.OperationException;
import io.shoji.operations.Operations;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.eclipse.kura.cloudconnection.publisher.CloudPublisher;
import org.eclipse.kura.configuration.ConfigurableComponent;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.Filter;
import org.osgi.framework.ServiceReference;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.osgi.util.tracker.ServiceTracker;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the cloud by itself how the models and accelerators do: one message of figures per interval
 * and one per event, through a cloud publisher of Kura's.
 *
 * <p>The publisher is tracked here and not by a reference of declarative services: there a filter
 * that does not parse would take the component out of service until it is deleted.
 */
@Component(
    name = Telemetry.PID,
    configurationPid = Telemetry.PID,
    configurationPolicy = ConfigurationPolicy.REQUIRE,
    service = {ConfigurableComponent.class, EngineEventListener.class, StatusSource.class},
    immediate = true)
@Designate(ocd = Telemetry.Configuration.class)
public final class Telemetry implements ConfigurableComponent, EngineEventListener, StatusSource {
  /** PID, component name and id of the form. */
  public static final String PID = "io.shoji.kura.Telemetry";

  private static final Logger LOG = LoggerFactory.getLogger(Telemetry.class);
  private static final String STATE_FILE = "telemetry.json";
  private static final long RETRY_SECONDS = 5;
  private static final long STOP_SECONDS = 5;

  /** The form. */
  @ObjectClassDefinition(
      id = PID,
      name = "Shoji telemetry",
      description =
          "Figures of models and accelerators at intervals, and events at once, to the cloud. While"
              + " the broker is away, Kura's own store keeps them.")
  public @interface Configuration {
    /** Whether anything is sent. */
    @AttributeDefinition(name = "Enabled", description = "Whether anything is sent.")
    boolean enabled() default true;

    /** The publisher. */
    @AttributeDefinition(
        name = "Cloud publisher",
        required = false,
        description =
            "The cloud publisher that takes the messages: its PID, or a filter as"
                + " (kura.service.pid=PID). Until one is chosen nothing is sent. Its semantic topic"
                + " may contain $type, which stands for telemetry or event.")
    String CloudPublisher_target() default TelemetrySettings.NONE;

    /** The interval. */
    @AttributeDefinition(
        name = "Interval",
        description = "Time from one message of figures to the next. Seconds, 1 to 3600.",
        min = "1",
        max = "3600")
    int interval_seconds() default 30;

    /** Histograms. */
    @AttributeDefinition(
        name = "Histograms",
        description =
            "Whether the messages carry the latencies as histograms that can be added up over"
                + " intervals and gateways (HdrHistogram, about 1 KB per model).")
    boolean histograms() default true;

    /** Events. */
    @AttributeDefinition(
        name = "Events",
        description =
            "Whether events are sent: models installed, refused, swapped, rolled back; devices"
                + " lost and back.")
    boolean events() default true;

    /** Burst of events. */
    @AttributeDefinition(
        name = "Burst of events",
        description = "Events that are sent at once, before the rate holds. Events, 1 to 100.",
        min = "1",
        max = "100")
    int events_burst() default 10;

    /** Rate of events. */
    @AttributeDefinition(
        name = "Rate of events",
        description =
            "Events that are sent per minute after a burst. What is beyond is dropped, and the next"
                + " message says how many. Events per minute, 1 to 60.",
        min = "1",
        max = "60")
    int events_per_minute() default 10;
  }

  private final BundleContext context;
  private final LastGood<TelemetrySettings> configuration =
      new LastGood<>(PID, TelemetrySettings.DEFAULTS);
  private final ScheduledThreadPoolExecutor thread;
  private final Reporter reporter;

  /** One look at the events that wait is due; never more than one. */
  private final AtomicBoolean draining = new AtomicBoolean();

  private volatile @Nullable ServiceTracker<CloudPublisher, CloudPublisher> publishers;
  private volatile @Nullable CurrentEngine engine;
  private @Nullable ScheduledFuture<?> interval;

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  volatile @Nullable InferenceService inference;

  /** Starts to report. */
  @Activate
  public Telemetry(BundleContext context, Map<String, Object> properties) {
    this.context = context;
    this.thread =
        new ScheduledThreadPoolExecutor(
            1,
            work -> {
              Thread made = new Thread(work, "shoji-telemetry");
              made.setDaemon(true);
              return made;
            });
    thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    thread.setRemoveOnCancelPolicy(true);
    this.reporter = new Reporter(read(), this::publisher, System::nanoTime, Clock.systemUTC());
    modified(properties);
  }

  /** Takes over a changed configuration, if it is right. */
  @Modified
  void modified(Map<String, Object> properties) {
    configuration.configure(properties, TelemetrySettings::read, settings -> List.of());
    TelemetrySettings settings = configuration.value();
    follow(settings.publisher());
    reporter.configure(settings);
    synchronized (thread) {
      if (interval != null) {
        interval.cancel(false);
      }
      // With a fixed delay two messages never come closer, however long one takes.
      interval =
          thread.scheduleWithFixedDelay(
              guarded(reporter::figures),
              settings.intervalSeconds(),
              settings.intervalSeconds(),
              TimeUnit.SECONDS);
    }
    drain(0);
  }

  /** Stops, and writes down what was not told yet. */
  @Deactivate
  void deactivate() {
    thread.shutdown();
    try {
      if (!thread.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)) {
        LOG.warn("a message is still being handed to Kura seconds={}", STOP_SECONDS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    ServiceTracker<CloudPublisher, CloudPublisher> tracker = publishers;
    publishers = null;
    if (tracker != null) {
      tracker.close();
    }
    write(reporter.state());
  }

  private void follow(Filter filter) {
    ServiceTracker<CloudPublisher, CloudPublisher> before = publishers;
    ServiceTracker<CloudPublisher, CloudPublisher> tracker =
        new ServiceTracker<>(context, filter, null) {
          @Override
          public CloudPublisher addingService(ServiceReference<CloudPublisher> reference) {
            CloudPublisher found = super.addingService(reference);
            drain(1);
            return found;
          }
        };
    tracker.open();
    publishers = tracker;
    if (before != null) {
      before.close();
    }
  }

  private @Nullable CloudPublisher publisher() {
    ServiceTracker<CloudPublisher, CloudPublisher> tracker = publishers;
    return tracker == null ? null : tracker.getService();
  }

  /** The engine is there. */
  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY,
      unbind = "removeOperations")
  void setOperations(Operations operations, Map<String, Object> properties) {
    CurrentEngine started =
        new CurrentEngine(
            operations,
            context.getProperty(Constants.FRAMEWORK_UUID)
                + "-"
                + properties.get(Constants.SERVICE_ID));
    engine = started;
    reporter.started(started);
  }

  /** The engine goes. */
  void removeOperations(Operations operations) {
    CurrentEngine current = engine;
    if (current != null && current.operations == operations) {
      reporter.stopped(current);
      engine = null;
    }
  }

  /** One life of the engine. */
  private final class CurrentEngine implements Reporter.Engine {
    private final Operations operations;
    private final String id;

    CurrentEngine(Operations operations, String id) {
      this.operations = operations;
      this.id = id;
    }

    @Override
    public String id() {
      return id;
    }

    @Override
    public List<ModelOverview> models() {
      return operations.models();
    }

    @Override
    public List<AcceleratorStatus> accelerators() {
      InferenceService service = inference;
      return service == null ? List.of() : service.accelerators();
    }

    @Override
    public Optional<DriftReport> drift(String model) {
      try {
        return Optional.of(operations.drift(model));
      } catch (OperationException e) {
        LOG.debug("the model has just gone model={}", model, e);
        return Optional.empty();
      }
    }
  }

  @Override
  public void event(EngineEvent event) {
    reporter.happened(event);
    drain(0);
  }

  /** Has the events that wait published soon, and again later if Kura does not take them. */
  private void drain(long delaySeconds) {
    if (!draining.compareAndSet(false, true)) {
      return;
    }
    try {
      Future<?> unused = thread.schedule(guarded(this::drainNow), delaySeconds, TimeUnit.SECONDS);
    } catch (RejectedExecutionException e) {
      LOG.debug("stopping, no more events are published", e);
    }
  }

  private void drainNow() {
    // Before the look at what waits: what comes from now on asks for another one.
    draining.set(false);
    if (!reporter.events() && publisher() != null) {
      drain(RETRY_SECONDS);
    }
  }

  /** A task that throws would not run again. */
  private static Runnable guarded(Runnable task) {
    return () -> {
      try {
        task.run();
      } catch (RuntimeException | LinkageError e) {
        LOG.error("unexpected fault of the telemetry, it goes on", e);
      }
    };
  }

  private State read() {
    File file = context.getDataFile(STATE_FILE);
    if (file == null || !file.isFile()) {
      return new State();
    }
    try {
      String json = Files.readString(file.toPath());
      Files.delete(file.toPath());
      State state = new Gson().fromJson(json, State.class);
      return Objects.requireNonNullElseGet(state, State::new);
    } catch (IOException | JsonParseException e) {
      LOG.warn("what was counted before cannot be read, counting begins anew file={}", file, e);
      return new State();
    }
  }

  private void write(State state) {
    File file = context.getDataFile(STATE_FILE);
    if (file == null) {
      return;
    }
    try {
      Files.writeString(file.toPath(), new Gson().toJson(state));
    } catch (IOException e) {
      LOG.warn("what was counted cannot be written down file={}", file, e);
    }
  }

  @Override
  public String section() {
    return CONFIGURATIONS;
  }

  @Override
  public String name() {
    return PID;
  }

  @Override
  public Map<String, Object> status() {
    Map<String, Object> status = configuration.status();
    status.putAll(reporter.status());
    return status;
  }
}
