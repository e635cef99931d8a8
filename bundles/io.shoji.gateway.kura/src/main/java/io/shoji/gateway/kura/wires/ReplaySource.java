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

import io.shoji.gateway.kura.Home;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.ReentrantLock;
import org.eclipse.kura.configuration.ConfigurableComponent;
import org.eclipse.kura.type.TypedValue;
import org.eclipse.kura.wire.WireComponent;
import org.eclipse.kura.wire.WireEmitter;
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
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.osgi.service.metatype.annotations.Option;
import org.osgi.service.wireadmin.Consumer;
import org.osgi.service.wireadmin.Producer;
import org.osgi.service.wireadmin.Wire;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Emits what lies in files, as if it came from a machine: rows of CSV, windows or values of
 * recordings, pictures. By itself at a rate, on a thread of its own, while a receiver is connected;
 * or one envelope for each envelope that it receives, on that emitter's thread.
 *
 * <p>With settings that are wrong it goes on as before, or stands still if there was nothing
 * before.
 */
@Component(
    name = ReplaySource.PID,
    immediate = true,
    configurationPolicy = ConfigurationPolicy.REQUIRE,
    service = {
      ConfigurableComponent.class,
      WireComponent.class,
      WireEmitter.class,
      WireReceiver.class,
      Producer.class,
      Consumer.class
    },
    property = {
      "kura.ui.service.hide:Boolean=true",
      "input.cardinality.minimum:Integer=0",
      "input.cardinality.maximum:Integer=1",
      "input.cardinality.default:Integer=0",
      "output.cardinality.minimum:Integer=1",
      "output.cardinality.maximum:Integer=1",
      "output.cardinality.default:Integer=1"
    })
@Designate(ocd = ReplaySource.Form.class, factory = true)
public final class ReplaySource
    implements WireEmitter, WireReceiver, ConfigurableComponent, Reporting {
  static final String PID = "io.shoji.gateway.kura.ReplaySource";

  /** Framework property: the folder that paths lie in; without it, {@code replay} in the home. */
  static final String FOLDER = "io.shoji.gateway.kura.replay";

  private static final Logger log = LoggerFactory.getLogger(ReplaySource.class);

  /** The form. */
  @SuppressWarnings("MemberName")
  @ObjectClassDefinition(
      id = PID,
      name = "Replay source",
      description = "Emits recorded data: rows of CSV files, WAV recordings, PNG and JPEG pictures")
  public @interface Form {
    /** What. */
    @AttributeDefinition(
        name = "File or folder",
        description =
            "Path in the gateway's replay folder. Of a folder, its .csv, .wav, .png and .jpg files in"
                + " the order of their names")
    String path() default "";

    /** Kind of files. */
    @AttributeDefinition(
        name = "Format",
        description = "Which files of a folder; AUTO where there is only one kind",
        options = {
          @Option(label = "By the names", value = "AUTO"),
          @Option(label = "CSV", value = "CSV"),
          @Option(label = "WAV recordings", value = "WAV"),
          @Option(label = "PNG and JPEG pictures", value = "IMAGES")
        })
    String format() default "AUTO";

    /** When. */
    @AttributeDefinition(
        name = "When to emit",
        description = "By itself at a rate, or once for each envelope received, say from a Timer",
        options = {
          @Option(label = "At a rate", value = "RATE"),
          @Option(label = "For each envelope received", value = "TRIGGER")
        })
    String mode() default "RATE";

    /** Rate. */
    @AttributeDefinition(
        name = "Rate (envelopes per second)",
        min = "0",
        max = "100000",
        description = "0: as fast as the receivers take them")
    double rate() default 10;

    /** Records. */
    @AttributeDefinition(
        name = "Records per envelope",
        min = "1",
        max = "100000",
        description = "Rows, windows, values or pictures in one envelope")
    int batch() default 1;

    /** Again and again. */
    @AttributeDefinition(
        name = "Loop",
        description = "Begins again at the end; else it stops there")
    boolean loop() default false;

    /** First envelope. */
    @AttributeDefinition(
        name = "Start delay (ms)",
        min = "0",
        max = "3600000",
        description = "From the first connected receiver to the first envelope")
    int start_delay() default 1000;

    /** Property of pictures and recordings. */
    @AttributeDefinition(
        name = "Property of pictures and recordings",
        description = "Name of the property; for the AI component, the name of the model's input")
    String property() default "input";

    /** Label. */
    @AttributeDefinition(
        name = "Property of the label",
        required = false,
        description =
            "The true answer, as STRING: a column of a CSV file; else from labels.csv (FILE,LABEL)"
                + " beside the file, else what follows the last underscore of its name. Empty: none")
    String label_property() default "label";

    /** Column of the label. */
    @AttributeDefinition(
        name = "CSV: column of the label",
        required = false,
        description = "Its name in the first row; nothing happens if there is none")
    String label_column() default "label";

    /** Index. */
    @AttributeDefinition(
        name = "Property of the record's number",
        required = false,
        description = "LONG from 0, begins again with each pass. Empty: none")
    String index_property() default "";

    /** Columns. */
    @AttributeDefinition(
        name = "CSV: columns",
        required = false,
        description =
            "COLUMN:TYPE=PROPERTY, separated by commas; TYPE is BOOLEAN, DOUBLE, FLOAT, INTEGER, LONG"
                + " or STRING; :TYPE and =PROPERTY may be left out. Empty: all columns")
    String columns() default "";

    /** Separator. */
    @AttributeDefinition(name = "CSV: separator", description = "One character")
    String separator() default ",";

    /** Pictures. */
    @AttributeDefinition(
        name = "Pictures as",
        description =
            "The file's own bytes, or decoded pixels 0 to 255, row by row, with width, height and"
                + " channels beside them",
        options = {
          @Option(label = "The file's bytes", value = "FILE"),
          @Option(label = "Pixels", value = "PIXELS")
        })
    String image_content() default "FILE";

    /** Colour. */
    @AttributeDefinition(
        name = "Colour of pixels",
        description = "One byte for each pixel, or three",
        options = {
          @Option(label = "Gray", value = "GRAY"),
          @Option(label = "Red, green, blue", value = "RGB")
        })
    String image_color() default "GRAY";

    /** Recordings. */
    @AttributeDefinition(
        name = "Recordings as",
        description =
            "Windows of floats (BYTE_ARRAY, little-endian), or a record with one FLOAT for each"
                + " value; sampleRate beside them",
        options = {
          @Option(label = "Windows", value = "WINDOWS"),
          @Option(label = "Single values", value = "SAMPLES")
        })
    String audio_content() default "WINDOWS";

    /** Window. */
    @AttributeDefinition(
        name = "Window (values)",
        min = "0",
        max = "16777216",
        description = "0: the whole recording")
    int audio_window() default 1024;

    /** Hop. */
    @AttributeDefinition(
        name = "Hop (values)",
        min = "0",
        max = "16777216",
        description = "From the start of a window to that of the next. 0: the window's length")
    int audio_hop() default 0;

    /** Channel. */
    @AttributeDefinition(
        name = "Channel of recordings",
        min = "0",
        max = "255",
        description = "The first is 0")
    int audio_channel() default 0;
  }

  /** One going through the files, with one set of settings. */
  private final class Play {
    private final ReplayPlan plan;

    /** Held while reading and emitting, so that records go out in order. */
    private final ReentrantLock order = new ReentrantLock();

    private volatile boolean stopped;

    // Guarded by the order.
    private ReplayReader reader;
    private long skippedBefore;

    // Of the component's thread.
    private long nextNanos;
    private boolean waiting = true;
    private boolean begun;

    private final AtomicLong envelopes = new AtomicLong();
    private final AtomicLong passes = new AtomicLong();
    private volatile long skipped;
    private volatile String problem = "";
    private volatile String state;

    Play(ReplayPlan plan) {
      this.plan = plan;
      reader = new ReplayReader(plan);
      state = plan.triggered() ? "waits for envelopes" : "waits for a receiver";
    }

    /** On the component's thread: goes on if a receiver is there. */
    void resume() {
      if (plan.triggered() || stopped || !waiting || !connected) {
        return;
      }
      waiting = false;
      state = "plays";
      long delay = begun ? 0 : TimeUnit.MILLISECONDS.toNanos(plan.delayMs());
      begun = true;
      nextNanos = System.nanoTime() + delay;
      later(this::step, delay);
    }

    private void step() {
      if (stopped) {
        return;
      }
      if (!connected) {
        waiting = true;
        state = "waits for a receiver";
        return;
      }
      if (!emit()) {
        return;
      }
      long now = System.nanoTime();
      // Late is late: no burst to catch up.
      nextNanos = Math.max(nextNanos + plan.periodNanos(), now);
      later(this::step, nextNanos - now);
    }

    /** Emits the next envelope; says whether there may be one more. */
    boolean emit() {
      order.lock();
      try {
        List<WireRecord> records = new ArrayList<>();
        while (records.size() < plan.batch() && !stopped) {
          Map<String, TypedValue<?>> properties = reader.next();
          if (properties != null) {
            records.add(new WireRecord(properties));
          } else if (!again()) {
            break;
          }
        }
        look();
        if (records.isEmpty()) {
          return false;
        }
        envelopes.incrementAndGet();
        wires.emit(records);
        return !stopped;
      } finally {
        if (stopped) {
          reader.close();
        }
        order.unlock();
      }
    }

    private void look() {
      skipped = skippedBefore + reader.skipped();
      if (!reader.lastProblem().isEmpty()) {
        problem = reader.lastProblem();
      }
    }

    /** At the end of a pass: begins again, or stops. */
    private boolean again() {
      look();
      passes.incrementAndGet();
      boolean useless = reader.given() == 0;
      reader.close();
      if (plan.loop() && !useless) {
        skippedBefore = skipped;
        reader = new ReplayReader(plan);
        return true;
      }
      state = useless ? "stopped: there was nothing to read" : "done";
      stopped = true;
      return false;
    }

    void stop() {
      stopped = true;
      if (order.tryLock()) {
        try {
          reader.close();
        } finally {
          order.unlock();
        }
      }
    }

    String report() {
      return state
          + ", envelopes "
          + envelopes
          + ", passes "
          + passes
          + (problem.isEmpty() ? "" : ", passed over " + skipped + ", last: " + problem);
    }
  }

  private final WireSupport wires;
  private final String pid;
  private final Path folder;
  private final ScheduledThreadPoolExecutor executor;
  private volatile boolean connected;
  private volatile @Nullable Play play;
  private volatile String refusal = "";

  /**
   * Starts to play when a receiver is there.
   *
   * @throws IOException if the replay folder cannot be made
   */
  @Activate
  @SuppressWarnings("unchecked")
  public ReplaySource(
      @Reference WireHelperService helper, ComponentContext context, Map<String, Object> properties)
      throws IOException {
    wires =
        helper.newWireSupport(
            this, (ServiceReference<WireComponent>) context.getServiceReference());
    pid = new Settings(properties).pid();
    String configured = context.getBundleContext().getProperty(FOLDER);
    folder =
        Home.folder(
            configured == null
                ? Home.of(context.getBundleContext()).resolve("replay")
                : Path.of(configured));
    executor =
        new ScheduledThreadPoolExecutor(
            1,
            task -> {
              Thread thread = new Thread(task, "WiresReplay_" + pid);
              thread.setDaemon(true);
              return thread;
            });
    executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
    modified(properties);
  }

  /** Takes over settings and begins anew, or says why not. */
  @Modified
  synchronized void modified(Map<String, Object> properties) {
    ReplayPlan plan;
    try {
      plan = ReplayPlan.of(properties, folder);
    } catch (IllegalArgumentException e) {
      refusal = (play == null ? "stands still: " : "goes on as before: ") + e.getMessage();
      log.warn("a replay's settings are refused, it {} component={}", refusal, pid);
      return;
    }
    refusal = "";
    Play before = play;
    if (before != null) {
      before.stop();
    }
    Play next = new Play(plan);
    play = next;
    later(next::resume, 0);
  }

  private void later(Runnable task, long nanos) {
    try {
      Future<?> unused = executor.schedule(task, nanos, TimeUnit.NANOSECONDS);
    } catch (RejectedExecutionException e) {
      log.debug("the component stops component={}", pid, e);
    }
  }

  /** Ends the replay; does not wait for an emission that is under way. */
  @Deactivate
  void close() {
    Play current = play;
    if (current != null) {
      current.stop();
    }
    executor.shutdown();
  }

  @Override
  public void onWireReceive(WireEnvelope envelope) {
    Objects.requireNonNull(envelope, "Wire Envelope cannot be null");
    Play current = play;
    if (current != null && current.plan.triggered() && !current.stopped) {
      boolean unused = current.emit();
    }
  }

  @Override
  public void consumersConnected(Wire @Nullable [] connections) {
    wires.consumersConnected(connections);
    connected = connections != null && connections.length > 0;
    Play current = play;
    if (current != null) {
      later(current::resume, 0);
    }
  }

  @Override
  public void producersConnected(Wire @Nullable [] connections) {
    wires.producersConnected(connections);
  }

  @Override
  public @Nullable Object polled(Wire wire) {
    return wires.polled(wire);
  }

  @Override
  public void updated(Wire wire, Object value) {
    wires.updated(wire, value);
  }

  @Override
  public String report() {
    Play current = play;
    return refusal
        + (refusal.isEmpty() || current == null ? "" : "; ")
        + (current == null ? "" : current.report());
  }
}
