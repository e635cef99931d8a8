/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.inference;

import io.shoji.inference.InferenceException;
import io.shoji.inference.InferenceService;
import io.shoji.inference.ModelRef;
import io.shoji.inference.PipelineService;
import io.shoji.kura.inference.Handover.Outcome;
import io.shoji.kura.operations.LastGood;
import io.shoji.kura.operations.Policies;
import io.shoji.kura.operations.StatusSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.LongAdder;
import org.eclipse.kura.configuration.ConfigurableComponent;
import org.eclipse.kura.type.TypedValue;
import org.eclipse.kura.type.TypedValues;
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
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
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
 * A box in a wire graph that takes each record through a model and its package's steps.
 *
 * <p>The box answers on a thread of its own; the emitter's thread waits for it, at most until the
 * deadline, and emits what is there by then, so that whatever follows in the graph runs on the
 * emitter's thread as Kura has it. Envelopes of one box are answered one after the other; boxes do
 * not wait for each other. A model that is not installed yet, and services that are being
 * exchanged, are waited for by each envelope, up to its deadline.
 */
@Component(
    name = WireInference.PID,
    configurationPid = WireInference.PID,
    configurationPolicy = ConfigurationPolicy.REQUIRE,
    service = {
      ConfigurableComponent.class,
      WireComponent.class,
      WireEmitter.class,
      WireReceiver.class,
      Producer.class,
      Consumer.class,
      StatusSource.class
    },
    immediate = true,
    property = {
      "input.cardinality.minimum:Integer=1",
      "input.cardinality.maximum:Integer=1",
      "input.cardinality.default:Integer=1",
      "output.cardinality.minimum:Integer=1",
      "output.cardinality.maximum:Integer=1",
      "output.cardinality.default:Integer=1",
      "kura.ui.service.hide:Boolean=true"
    })
@Designate(ocd = WireInference.Configuration.class, factory = true)
public final class WireInference
    implements ConfigurableComponent, WireEmitter, WireReceiver, StatusSource {
  static final String PID = "io.shoji.kura.WireInference";

  private static final Logger LOG = LoggerFactory.getLogger(WireInference.class);

  /** Memory that is kept for inputs of models without steps, bytes. */
  private static final long BUFFER_BYTES = 4 << 20;

  /** Settings of a box. */
  @ObjectClassDefinition(
      id = PID,
      name = "Shoji inference",
      description =
          "Takes each record through a model that is installed as a Shoji model package, with the"
              + " package's own preparation and interpretation of the data.")
  public @interface Configuration {
    /** Name of the model. */
    @AttributeDefinition(
        name = "Model",
        description =
            "Name of the model, as digits. It may be installed later; until then records end as"
                + " \"If a record cannot be answered\" says.")
    String model() default "";

    /** Versions that may answer. */
    @AttributeDefinition(
        name = "Version",
        description =
            "latest: the version that the form Shoji models lets answer, and each newer one when it"
                + " is installed. 1.2.0: exactly this one. [1.2,2): the newest in the range.")
    String version() default "latest";

    /** Accelerators that may answer. */
    @AttributeDefinition(
        name = "Accelerators",
        required = false,
        description =
            "fastest: wherever the model is the fastest. hailo, cpu: hailo first, then cpu, then the"
                + " others. only hailo, cpu: as well, and an answer from any other counts as an"
                + " error. An accelerator is a kind as cpu, or kind and device as cpu:cpu0. What the"
                + " form Shoji models says of this model comes first.")
    String accelerators() default "fastest";

    /** What is done around the model. */
    @AttributeDefinition(
        name = "Steps around the model",
        description =
            "Automatic: what the package declares (decoding of pictures, windows over a signal,"
                + " labels, boxes, alarms), nothing if it declares nothing. Package: what the"
                + " package declares. None: values go to the model as they are.",
        options = {
          @Option(label = "Automatic", value = "auto"),
          @Option(label = "Package", value = "package"),
          @Option(label = "None", value = "none")
        })
    String steps() default "auto";

    /** Which properties feed which input. */
    @AttributeDefinition(
        name = "Inputs",
        required = false,
        description =
            "Which properties of a record feed which input of the model. Empty: by name; where the"
                + " model has one input only, the only property that can be it. Otherwise a line per"
                + " input: INPUT = PROPERTY, or INPUT = a, b, c for several values, or INPUT ="
                + " p{0..63} for p0 to p63. INPUT is a channel of a signal (vibration), an input of"
                + " the model, or image. Several entries on one line are separated by semicolons; #"
                + " begins a comment.|TextArea")
    String inputs() default "";

    /** What a byte array holds that feeds a signal. */
    @AttributeDefinition(
        name = "Signals in byte arrays",
        description =
            "What a byte array holds that feeds a signal: little-endian samples, one after the"
                + " other. A number is one sample. Records are samples in the order of time, those"
                + " of one envelope as well.",
        options = {
          @Option(label = "32-bit floating point", value = "float32"),
          @Option(label = "64-bit floating point", value = "float64"),
          @Option(label = "16-bit integers", value = "int16"),
          @Option(label = "32-bit integers", value = "int32")
        })
    String blocks() default "float32";

    /** What a byte array holds that feeds a picture. */
    @AttributeDefinition(
        name = "Pictures in byte arrays",
        description =
            "What a byte array holds that feeds a picture: a PNG or JPEG file, or the pixels row by"
                + " row, one byte per color.",
        options = {
          @Option(label = "PNG or JPEG file", value = "encoded"),
          @Option(label = "Gray pixels", value = "gray"),
          @Option(label = "RGB pixels", value = "rgb"),
          @Option(label = "BGR pixels", value = "bgr")
        })
    String pictures() default "encoded";

    /** Width of a picture that comes as pixels. */
    @AttributeDefinition(
        name = "Picture width (pixels)",
        description = "Width of a picture that comes as pixels. 1 to 16384; 0 for PNG and JPEG.",
        min = "0",
        max = "16384")
    int pictureWidth() default 0;

    /** Height of a picture that comes as pixels. */
    @AttributeDefinition(
        name = "Picture height (pixels)",
        description = "Height of a picture that comes as pixels. 1 to 16384; 0 for PNG and JPEG.",
        min = "0",
        max = "16384")
    int pictureHeight() default 0;

    /** How many classes are put out. */
    @AttributeDefinition(
        name = "Classes",
        description =
            "1: the likeliest class, as label and score. More: also the likeliest few, as label_1,"
                + " score_1, label_2 and so on, as many as the package ranks. 1 to 100.",
        min = "1",
        max = "100")
    int topK() default 1;

    /** Whether outputs are put out as raw bytes too. */
    @AttributeDefinition(
        name = "Raw outputs",
        description =
            "Also puts out what the model itself gave: each output as a byte array (little-endian),"
                + " with its type and shape.")
    boolean bytes() default false;

    /** Whether it is put out who made an answer. */
    @AttributeDefinition(
        name = "Provenance",
        description =
            "Also puts out which version, variant, accelerator and runtime made the answer, and"
                + " whether a fallback did (provenance.model, provenance.version, ...).")
    boolean provenance() default false;

    /** Whether it is put out how long an answer took. */
    @AttributeDefinition(
        name = "Latency",
        description =
            "Also puts out how long the answer took, and how long of that the model (latency.ms,"
                + " latency.infer.ms; milliseconds).")
    boolean latency() default false;

    /** What goes before the name of every result. */
    @AttributeDefinition(
        name = "Prefix of results",
        required = false,
        description =
            "Goes before the name of every property that the box adds, so that several boxes can"
                + " write into one record: with meter_ label becomes meter_label.")
    String prefix() default "";

    /** Properties that go through. */
    @AttributeDefinition(
        name = "Passed through",
        required = false,
        description =
            "Properties of the record that go into its answer: names with commas or semicolons between them,"
                + " with * for any characters (*_timestamp), or NEW = NAME for one under another name"
                + " (truth = label). A result of the same name takes its place.")
    String passThrough() default WireSettings.PASS_THROUGH;

    /** Most time that an envelope takes. */
    @AttributeDefinition(
        name = "Deadline (ms)",
        description =
            "How long the component before this one is kept waiting at most for the answers to one"
                + " envelope. Milliseconds, 1 to 600000.",
        min = "1",
        max = "600000")
    int deadlineMs() default WireSettings.DEADLINE_MS;

    /** What a record leads to that cannot be answered. */
    @AttributeDefinition(
        name = "If a record cannot be answered",
        description =
            "Drop: it leads to nothing. Pass: to a record with what is passed through, error (the"
                + " reason) and error.code. Hold: to the last good answer once more, with held ="
                + " true and error.code. It is counted and logged in any case.",
        options = {
          @Option(label = "Drop", value = "drop"),
          @Option(label = "Pass on with the error", value = "pass"),
          @Option(label = "Hold the last answer", value = "hold")
        })
    String onError() default "drop";
  }

  private final Bound<PipelineService> pipelines = new Bound<>("pipeline service of Shoji");
  private final Bound<ModelCaller> callers = new Bound<>("inference engine of Shoji");
  private final Policies policies;
  private final WireSupport wires;
  private final String pid;
  private final LastGood<WireSettings> configuration;
  private final Handover handover;
  private final Counters counters = new Counters();
  private final LongAdder dropped = new LongAdder();
  private final LongAdder held = new LongAdder();
  private final RareLog troubles;
  private volatile @Nullable Map<String, TypedValue<?>> lastAnswer;

  /** Takes the configuration; model and engine may come later. */
  @Activate
  public WireInference(
      ComponentContext context,
      @Reference WireHelperService helper,
      @Reference Policies policies,
      Map<String, Object> properties) {
    this.policies = policies;
    this.pid = String.valueOf(properties.getOrDefault("kura.service.pid", PID));
    this.configuration = new LastGood<>(pid, WireSettings.DEFAULTS);
    this.troubles = new RareLog(LOG, pid);
    this.handover = new Handover(pid, new Session(pipelines, callers));
    configuration.configure(properties, WireSettings::of, this::apply);
    this.wires = helper.newWireSupport(this, reference(context));
  }

  @SuppressWarnings("unchecked")
  private static ServiceReference<WireComponent> reference(ComponentContext context) {
    return (ServiceReference<WireComponent>) (ServiceReference<?>) context.getServiceReference();
  }

  /** Takes over a changed configuration, if it is right; what runs goes on with the old one. */
  @Modified
  void modified(Map<String, Object> properties) {
    WireSettings before = configuration.value();
    if (configuration.configure(properties, WireSettings::of, this::apply)
        && !configuration.value().asksTheSame(before)) {
      lastAnswer = null;
    }
  }

  private List<String> apply(WireSettings settings) {
    policies.box(pid, settings.ref().map(ModelRef::name).orElse(""), settings.accelerators());
    return List.of();
  }

  /** Stops; what waits ends without an answer. */
  @Deactivate
  void deactivate() {
    policies.box(pid, "", List.of());
    handover.close();
    callers.get().ifPresent(ModelCaller::close);
  }

  /** The pipelines came. */
  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY,
      unbind = "unbindPipelines")
  public void bindPipelines(PipelineService service) {
    pipelines.set(service);
  }

  /** The pipelines go. */
  public void unbindPipelines(PipelineService service) {
    pipelines.clear(service);
  }

  /** The engine came. */
  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY,
      unbind = "unbindInference")
  public synchronized void bindInference(InferenceService service) {
    Optional<ModelCaller> before = callers.get();
    callers.set(new ModelCaller(service, 1, BUFFER_BYTES));
    before.ifPresent(ModelCaller::close);
  }

  /** The engine goes. */
  public synchronized void unbindInference(InferenceService service) {
    Optional<ModelCaller> before = callers.get().filter(c -> c.inference().equals(service));
    before.ifPresent(
        caller -> {
          callers.clear(caller);
          caller.close();
        });
  }

  /** Answers the records of an envelope, within the deadline, and emits what comes of it. */
  @Override
  public void onWireReceive(WireEnvelope envelope) {
    List<WireRecord> records = envelope.getRecords();
    if (records.isEmpty()) {
      return;
    }
    counters.received.add(records.size());
    WireSettings settings = configuration.value();
    List<Outcome> outcomes =
        handover.answer(settings, records, InferenceService.deadlineIn(settings.deadlineMs()));
    List<WireRecord> emitted = new ArrayList<>(records.size());
    for (int i = 0; i < records.size(); i++) {
      Outcome outcome = outcomes.get(i);
      InferenceException failure = outcome.failure();
      if (failure == null) {
        for (Map<String, TypedValue<?>> answer : outcome.answers()) {
          lastAnswer = answer;
          counters.answered.increment();
          emitted.add(record(settings, records.get(i), answer));
        }
      } else {
        failed(settings, records.get(i), failure).ifPresent(emitted::add);
      }
    }
    if (!emitted.isEmpty()) {
      wires.emit(emitted);
    }
  }

  private static WireRecord record(
      WireSettings settings, WireRecord record, Map<String, TypedValue<?>> results) {
    Map<String, TypedValue<?>> properties = new HashMap<>();
    settings.passThrough().add(record.getProperties(), properties);
    properties.putAll(results);
    return new WireRecord(properties);
  }

  /** What a record leads to that cannot be answered. */
  private Optional<WireRecord> failed(
      WireSettings settings, WireRecord record, InferenceException failure) {
    counters.failed(failure);
    troubles.failed(failure);
    Map<String, TypedValue<?>> results = new LinkedHashMap<>();
    Map<String, TypedValue<?>> last = lastAnswer;
    if (settings.onError() == WireSettings.OnError.HOLD && last != null) {
      held.increment();
      results.putAll(last);
      results.put(settings.prefix() + "held", TypedValues.newBooleanValue(true));
    } else if (settings.onError() == WireSettings.OnError.PASS) {
      results.put(
          settings.prefix() + "error",
          TypedValues.newStringValue(String.valueOf(failure.getMessage())));
    } else {
      dropped.increment();
      return Optional.empty();
    }
    results.put(
        settings.prefix() + "error.code", TypedValues.newStringValue(failure.code().name()));
    return Optional.of(record(settings, record, results));
  }

  @Override
  public String section() {
    return PIPELINES;
  }

  @Override
  public String name() {
    return pid;
  }

  @Override
  public Map<String, Object> status() {
    Map<String, Object> status = configuration.status();
    WireSettings settings = configuration.value();
    status.put("model", settings.model());
    status.put("accelerators", settings.accelerators());
    status.put("acceleratorsOnly", settings.acceleratorsOnly());
    status.put("deadlineMs", settings.deadlineMs());
    counters.addTo(status);
    status.put("dropped", dropped.sum());
    status.put("held", held.sum());
    status.put("late", handover.late());
    return status;
  }

  @Override
  public @Nullable Object polled(Wire wire) {
    return wires.polled(wire);
  }

  @Override
  public void consumersConnected(Wire @Nullable [] connected) {
    wires.consumersConnected(connected);
  }

  @Override
  public void updated(Wire wire, Object value) {
    wires.updated(wire, value);
  }

  @Override
  public void producersConnected(Wire @Nullable [] connected) {
    wires.producersConnected(connected);
  }
}
