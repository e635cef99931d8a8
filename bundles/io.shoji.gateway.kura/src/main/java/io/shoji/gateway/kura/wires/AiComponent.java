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

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.KuraIOException;
import org.eclipse.kura.ai.inference.InferenceEngineService;
import org.eclipse.kura.ai.inference.ModelInfo;
import org.eclipse.kura.ai.inference.Tensor;
import org.eclipse.kura.ai.inference.TensorDescriptor;
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
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.osgi.service.wireadmin.Consumer;
import org.osgi.service.wireadmin.Producer;
import org.osgi.service.wireadmin.Wire;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Behaves as Kura's AI component does towards an engine, so that it can stand for any client of
 * Kura's: each record is inferred by itself, through up to three models. A record must have a
 * property of the name of each input of the first model; a scalar becomes a tensor of one element
 * with the value's own type, whatever the descriptor says, and a byte array a tensor of Bytes. Each
 * output becomes a record of its own, with one property; an output of more than one element must be
 * of Bytes. A model is loaded again if it is loaded already and never if it is not: that is what
 * Kura does. What fails is logged, and the record is gone.
 */
@Component(
    name = AiComponent.PID,
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
    property = "kura.ui.service.hide:Boolean=true")
@Designate(ocd = AiComponent.Form.class, factory = true)
public final class AiComponent
    implements WireEmitter, WireReceiver, ConfigurableComponent, Reporting {
  static final String PID = "org.eclipse.kura.wire.AIComponent";

  private static final Logger log = LoggerFactory.getLogger(AiComponent.class);

  /** The form, as Kura has it. */
  @SuppressWarnings("MemberName")
  @ObjectClassDefinition(
      id = PID,
      name = "AI",
      description = "Sends what it receives through models of an inference engine")
  public @interface Form {
    /** Which engine. */
    @AttributeDefinition(
        name = "InferenceEngineService Target Filter",
        description = "The inference engine to use, as an OSGi filter on its kura.service.pid")
    String InferenceEngineService_target() default "(kura.service.pid=changeme)";

    /** First model. */
    @AttributeDefinition(
        name = "preprocessor.model.name",
        required = false,
        description = "Model that prepares the inputs; empty for none")
    String preprocessor_model_name() default "";

    /** The model. */
    @AttributeDefinition(name = "inference.model.name", description = "Model that infers")
    String inference_model_name() default "model_name";

    /** Last model. */
    @AttributeDefinition(
        name = "postprocessor.model.name",
        required = false,
        description = "Model that works on the outputs; empty for none")
    String postprocessor_model_name() default "";
  }

  private final WireSupport wires;
  private final String pid;
  private final LongAdder inferred = new LongAdder();
  private final AtomicLong failed = new AtomicLong();
  private volatile String lastError = "";

  // Guarded by this.
  private List<String> names = List.of();
  private List<ModelInfo> models = List.of();

  @Reference(
      name = "InferenceEngineService",
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC)
  private volatile @Nullable InferenceEngineService engine;

  /** Waits for envelopes. */
  @Activate
  @SuppressWarnings("unchecked")
  public AiComponent(
      @Reference WireHelperService helper,
      ComponentContext context,
      Map<String, Object> properties) {
    wires =
        helper.newWireSupport(
            this, (ServiceReference<WireComponent>) context.getServiceReference());
    pid = new Settings(properties).pid();
    modified(properties);
  }

  /** Takes over the names of the models. */
  @Modified
  synchronized void modified(Map<String, Object> properties) {
    try {
      Settings settings = new Settings(properties);
      List<String> chain = new ArrayList<>();
      for (String id :
          List.of("preprocessor.model.name", "inference.model.name", "postprocessor.model.name")) {
        String name = settings.text(id, "");
        if (!name.isEmpty()) {
          chain.add(name);
        } else if (id.equals("inference.model.name")) {
          throw new IllegalArgumentException("there is no model to infer with setting=" + id);
        }
      }
      names = List.copyOf(chain);
      models = List.of();
      lastError = "";
    } catch (IllegalArgumentException e) {
      lastError = "goes on as before: " + e.getMessage();
      log.warn("the settings are refused, the component {} component={}", lastError, pid);
    }
  }

  @Override
  public synchronized void onWireReceive(WireEnvelope envelope) {
    Objects.requireNonNull(envelope, "Wire Envelope cannot be null");
    for (WireRecord record : envelope.getRecords()) {
      try {
        InferenceEngineService by = engine;
        if (by == null || !by.isEngineReady()) {
          failed.incrementAndGet();
          lastError = "the engine is not ready";
          log.info("Selected InferenceEngineService not ready yet.");
          continue;
        }
        wires.emit(infer(by, record));
        inferred.increment();
      } catch (KuraException e) {
        long count = failed.incrementAndGet();
        lastError = e.toString();
        // Ever more seldom: each record may fail.
        if (Long.bitCount(count) == 1) {
          log.error("records are not inferred component={} records={}", pid, count, e);
        }
      }
    }
  }

  private List<WireRecord> infer(InferenceEngineService by, WireRecord record)
      throws KuraException {
    if (models.isEmpty()) {
      List<ModelInfo> found = new ArrayList<>();
      for (String name : names) {
        found.add(model(by, name));
      }
      models = found;
    }
    if (models.isEmpty()) {
      throw new KuraException(KuraErrorCode.INVALID_PARAMETER, "inference.model.name");
    }
    List<Tensor> tensors = new ArrayList<>();
    for (TensorDescriptor input : models.get(0).getInputs()) {
      TypedValue<?> value = record.getProperties().get(input.getName());
      if (value == null) {
        throw new KuraException(KuraErrorCode.NOT_FOUND, input.getName());
      }
      tensors.add(tensor(input, value));
    }
    for (ModelInfo model : models) {
      tensors = by.infer(model, tensors);
    }
    List<WireRecord> records = new ArrayList<>();
    for (Tensor tensor : tensors) {
      records.add(record(tensor));
    }
    return records;
  }

  private static ModelInfo model(InferenceEngineService by, String name) throws KuraException {
    if (by.isModelLoaded(name)) {
      by.loadModel(name, Optional.empty());
    }
    return by.getModelInfo(name)
        .orElseThrow(() -> new KuraException(KuraErrorCode.INVALID_PARAMETER, name));
  }

  private static Tensor tensor(TensorDescriptor descriptor, TypedValue<?> value)
      throws KuraIOException {
    return switch (value.getType()) {
      case BOOLEAN ->
          new Tensor(
              Boolean.class, descriptor, new ArrayList<>(List.of((Boolean) value.getValue())));
      case BYTE_ARRAY -> {
        byte[] bytes = (byte[]) value.getValue();
        List<Byte> boxed = new ArrayList<>(bytes.length);
        for (byte b : bytes) {
          boxed.add(b);
        }
        yield new Tensor(Byte.class, descriptor, boxed);
      }
      case DOUBLE ->
          new Tensor(Double.class, descriptor, new ArrayList<>(List.of((Double) value.getValue())));
      case FLOAT ->
          new Tensor(Float.class, descriptor, new ArrayList<>(List.of((Float) value.getValue())));
      case INTEGER ->
          new Tensor(
              Integer.class, descriptor, new ArrayList<>(List.of((Integer) value.getValue())));
      case LONG ->
          new Tensor(Long.class, descriptor, new ArrayList<>(List.of((Long) value.getValue())));
      case STRING ->
          new Tensor(String.class, descriptor, new ArrayList<>(List.of((String) value.getValue())));
    };
  }

  private static WireRecord record(Tensor tensor) throws KuraIOException {
    String name = tensor.getDescriptor().getName();
    Map<String, TypedValue<?>> properties = new HashMap<>();
    List<?> data = tensor.getData(tensor.getType()).orElse(null);
    if (data != null) {
      Object value;
      if (tensor.getType() == Byte.class) {
        byte[] bytes = new byte[data.size()];
        for (int i = 0; i < bytes.length; i++) {
          bytes[i] = (Byte) data.get(i);
        }
        value = bytes;
      } else if (data.size() == 1) {
        value = data.get(0);
      } else {
        throw new KuraIOException("The tensor " + name + " does not contain data of length 1.");
      }
      properties.put(name, TypedValues.newTypedValue(value));
    }
    return new WireRecord(properties);
  }

  @Override
  public String report() {
    return "inferred "
        + inferred
        + (failed.get() == 0 ? "" : ", failed " + failed)
        + (lastError.isEmpty() ? "" : ", " + lastError);
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
  public void producersConnected(Wire @Nullable [] connected) {
    wires.producersConnected(connected);
  }

  @Override
  public void updated(Wire wire, Object value) {
    wires.updated(wire, value);
  }
}
