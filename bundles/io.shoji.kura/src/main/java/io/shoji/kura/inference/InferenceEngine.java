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
import io.shoji.inference.ModelStatus;
import io.shoji.inference.Provenance;
import io.shoji.kura.operations.LastGood;
import io.shoji.kura.operations.StatusSource;
import io.shoji.model.ModelDescription;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.ai.inference.InferenceEngineService;
import org.eclipse.kura.ai.inference.ModelInfo;
import org.eclipse.kura.ai.inference.Tensor;
import org.eclipse.kura.ai.inference.TensorDescriptor;
import org.eclipse.kura.configuration.ConfigurableComponent;
import org.jspecify.annotations.Nullable;
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

/**
 * Kura's inference engine service on our models. Thread safe; a request runs on its caller's
 * thread, for no longer than the configured deadline.
 *
 * <p>A model is asked for by its name, or as {@code name@1.2.0} or {@code name@[1.2,2)} by a
 * version or range; the version that a {@link ModelInfo} says is not asked for, so that a client
 * that keeps one goes on when a newer package goes live. Models come as packages and need not be
 * loaded.
 *
 * <p>Inputs are taken by the names in their descriptors, in any order, and as {@link KuraTensors}
 * says. Outputs are listed as {@link DataTypes#listed} says, or as reals where the {@link
 * ModelInfo} says {@code FP32} for a quantized output; those that it leaves out are left out. The
 * lists are unmodifiable, lie on unboxed memory of their own, and may be kept.
 */
@Component(
    name = InferenceEngine.PID,
    configurationPid = InferenceEngine.PID,
    configurationPolicy = ConfigurationPolicy.REQUIRE,
    service = {ConfigurableComponent.class, InferenceEngineService.class, StatusSource.class},
    immediate = true)
@Designate(ocd = InferenceEngine.Configuration.class)
public final class InferenceEngine
    implements ConfigurableComponent, InferenceEngineService, StatusSource {
  static final String PID = "io.shoji.kura.InferenceEngine";

  /** How long after its start a model is taken to be still on its way. */
  private static final long STARTING_NANOS = TimeUnit.SECONDS.toNanos(10);

  private static final long STARTING_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(20);

  /** Settings of the engine. */
  @ObjectClassDefinition(
      id = PID,
      name = "Shoji inference engine",
      description =
          "Lets Kura's AI wire component, and every other client of Kura's inference engine"
              + " service, use the models that are installed as Shoji model packages.")
  public @interface Configuration {
    /** Most time that a request takes. */
    @AttributeDefinition(
        name = "Deadline (ms)",
        description =
            "Most time that one inference may take, waiting for a model that is being loaded or"
                + " exchanged included. After it the request fails as timed out."
                + " Milliseconds, 1 to 600000.",
        min = "1",
        max = "600000")
    int deadlineMs() default EngineSettings.DEADLINE_MS;

    /** How outputs of more than one element are listed. */
    @AttributeDefinition(
        name = "Outputs with several values",
        description =
            "Values: lists of numbers, for programs. Bytes: raw little-endian content, which is all"
                + " that Kura's AI wire component passes on from an output with more than one value.",
        options = {
          @Option(label = "Values", value = "values"),
          @Option(label = "Bytes", value = "bytes")
        })
    String outputs() default "values";

    /** Most prepared calls that are kept. */
    @AttributeDefinition(
        name = "Prepared calls",
        description =
            "How many calls are kept ready for the next request, over all models. As many as there"
                + " are clients at once makes the next request fastest; each keeps the memory of its"
                + " inputs and outputs. 0 to 256.",
        min = "0",
        max = "256")
    int preparedCalls() default EngineSettings.PREPARED_CALLS;

    /** Most memory that is kept for inputs. */
    @AttributeDefinition(
        name = "Memory for inputs (MiB)",
        description =
            "How much memory is kept for the inputs of models whose shapes change from request to"
                + " request. MiB, 0 to 1024.",
        min = "0",
        max = "1024")
    int bufferMegabytes() default EngineSettings.BUFFER_MEGABYTES;
  }

  private final Counters counters = new Counters();
  private final Bound<ModelCaller> callers = new Bound<>("inference engine of Shoji");
  private final LastGood<EngineSettings> configuration =
      new LastGood<>(PID, EngineSettings.DEFAULTS);
  private final long startNanos = System.nanoTime();

  /** Takes the configuration; the engine itself may come later. */
  @Activate
  public InferenceEngine(Map<String, Object> properties) {
    configuration.configure(properties, EngineSettings::of, settings -> List.of());
  }

  /** Takes over a changed configuration, if it is right; requests that run go on. */
  @Modified
  void modified(Map<String, Object> properties) {
    if (configuration.configure(properties, EngineSettings::of, settings -> List.of())) {
      callers.get().ifPresent(caller -> bindInference(caller.inference()));
    }
  }

  /** Lets go of what is kept. */
  @Deactivate
  void deactivate() {
    callers.get().ifPresent(ModelCaller::close);
  }

  /** The engine came. */
  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY,
      unbind = "unbindInference")
  public synchronized void bindInference(InferenceService inference) {
    Optional<ModelCaller> before = callers.get();
    EngineSettings settings = configuration.value();
    callers.set(
        new ModelCaller(
            inference, settings.preparedCalls(), (long) settings.bufferMegabytes() << 20));
    before.ifPresent(ModelCaller::close);
  }

  /** The engine goes. */
  public synchronized void unbindInference(InferenceService inference) {
    Optional<ModelCaller> before = callers.get().filter(c -> c.inference() == inference);
    before.ifPresent(
        caller -> {
          callers.clear(caller);
          caller.close();
        });
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
    status.put("ready", isEngineReady());
    counters.addTo(status);
    return status;
  }

  private long deadline() {
    return InferenceService.deadlineIn(configuration.value().deadlineMs());
  }

  /**
   * Runs a model.
   *
   * @throws KuraException NOT_FOUND (no such model), INVALID_PARAMETER (inputs or outputs do not
   *     fit), TIMED_OUT, UNAVAILABLE_DEVICE (no accelerator runs it, or it was lost),
   *     SERVICE_UNAVAILABLE (loading, or stopping), TOO_MANY_INFLIGHT_MESSAGES (queue full),
   *     IO_ERROR (the accelerator failed)
   */
  @Override
  public List<Tensor> infer(@Nullable ModelInfo modelInfo, @Nullable List<Tensor> inputData)
      throws KuraException {
    counters.received.increment();
    try {
      if (modelInfo == null || inputData == null) {
        throw new InferenceException(
            InferenceException.Code.INVALID_INPUT,
            "an inference needs the information of a model, as getModelInfo gives it, and a list of"
                + " inputs found="
                + (modelInfo == null ? "no model" : "no inputs"));
      }
      List<Tensor> answer =
          call(
              ref(modelInfo.getName()),
              new Inputs(inputData),
              new Outputs(modelInfo, configuration.value()),
              deadline());
      counters.answered.increment();
      return answer;
    } catch (InferenceException e) {
      counters.failed(e);
      throw EngineException.of(e);
    }
  }

  private List<Tensor> call(ModelRef ref, Inputs inputs, Outputs outputs, long deadlineNanos)
      throws InferenceException {
    while (true) {
      try {
        return callers.await(deadlineNanos).call(ref, inputs, outputs, deadlineNanos);
      } catch (InferenceException e) {
        if (e.code() != InferenceException.Code.SHUTTING_DOWN
            || deadlineNanos - System.nanoTime() <= STARTING_PAUSE_NANOS
            || Thread.currentThread().isInterrupted()) {
          throw e;
        }
        // The engine is exchanged, and the next one will answer.
        LockSupport.parkNanos(STARTING_PAUSE_NANOS);
      }
    }
  }

  /** A name as clients give it: {@code name}, {@code name@version} or {@code name@range}. */
  private static ModelRef ref(@Nullable String name) throws InferenceException {
    int at = name == null ? -1 : name.indexOf('@');
    if (name == null || name.isEmpty() || at == 0) {
      throw new InferenceException(
          InferenceException.Code.UNKNOWN_MODEL, "a model is asked for by its name found=" + name);
    }
    try {
      return at < 0
          ? ModelRef.latest(name)
          : ModelRef.of(name.substring(0, at), name.substring(at + 1));
    } catch (IllegalArgumentException e) {
      throw new InferenceException(
          InferenceException.Code.INVALID_INPUT,
          "after the @ of a model's name comes a version or a range, as 1.2.0 or [1.2,2) found="
              + name,
          e);
    }
  }

  /** The inputs of one request. */
  private static final class Inputs implements ModelCaller.Feed {
    private final List<Tensor> given;
    private Tensor[] ordered = new Tensor[0];

    Inputs(List<Tensor> given) {
      this.given = given;
    }

    @Override
    public List<Shape> shapes(ModelDescription model) throws InferenceException {
      ordered = match(model);
      List<TensorSpec> specs = model.inputs();
      if (ordered.length == 1) {
        return List.of(KuraTensors.shape(specs.get(0), ordered[0]));
      }
      List<Shape> shapes = new ArrayList<>(ordered.length);
      for (int i = 0; i < ordered.length; i++) {
        shapes.add(KuraTensors.shape(specs.get(i), ordered[i]));
      }
      return shapes;
    }

    private Tensor[] match(ModelDescription model) throws InferenceException {
      List<TensorSpec> specs = model.inputs();
      Tensor[] found = new Tensor[specs.size()];
      int matches = 0;
      for (Tensor tensor : given) {
        int at = tensor == null || tensor.getDescriptor() == null ? -1 : index(specs, tensor);
        if (at < 0 || found[at] != null) {
          throw wrongInputs(model);
        }
        found[at] = tensor;
        matches++;
      }
      if (matches != found.length) {
        throw wrongInputs(model);
      }
      return found;
    }

    private static int index(List<TensorSpec> specs, Tensor tensor) {
      String name = tensor.getDescriptor().getName();
      for (int i = 0; i < specs.size(); i++) {
        if (specs.get(i).name().equals(name)) {
          return i;
        }
      }
      return -1;
    }

    private InferenceException wrongInputs(ModelDescription model) {
      List<String> found = new ArrayList<>();
      for (Tensor tensor : given) {
        found.add(
            tensor == null || tensor.getDescriptor() == null
                ? "null"
                : tensor.getDescriptor().getName());
      }
      return new InferenceException(
          InferenceException.Code.INVALID_INPUT,
          "each input is given once, by its name model="
              + model
              + " asked="
              + model.inputs()
              + " found="
              + found);
    }

    @Override
    public void write(ModelDescription model, int index, io.shoji.tensor.Tensor target)
        throws InferenceException {
      KuraTensors.write(model.inputs().get(index), ordered[index], target);
    }
  }

  /** The outputs of one request. */
  private static final class Outputs implements ModelCaller.Reader<List<Tensor>> {
    private final ModelInfo info;
    private final boolean bytes;

    Outputs(ModelInfo info, EngineSettings settings) {
      this.info = info;
      this.bytes = settings.outputs() == EngineSettings.Outputs.BYTES;
    }

    @Override
    public List<Tensor> read(
        ModelDescription model,
        List<io.shoji.tensor.Tensor> outputs,
        boolean borrowed,
        Provenance provenance)
        throws InferenceException {
      List<TensorSpec> specs = model.outputs();
      List<TensorDescriptor> asked = info.getOutputs();
      List<Tensor> answer = new ArrayList<>(asked.size());
      for (TensorDescriptor descriptor : asked) {
        int at = 0;
        while (at < specs.size() && !specs.get(at).name().equals(descriptor.getName())) {
          at++;
        }
        if (at == specs.size()) {
          throw new InferenceException(
              InferenceException.Code.INVALID_INPUT,
              "the model has no such output; ask getModelInfo again model="
                  + model
                  + " asked="
                  + descriptor.getName()
                  + " found="
                  + specs);
        }
        answer.add(listed(specs.get(at), descriptor, outputs.get(at), borrowed));
      }
      return answer;
    }

    private Tensor listed(
        TensorSpec spec, TensorDescriptor asked, io.shoji.tensor.Tensor output, boolean borrowed) {
      if (bytes && output.elementCount() != 1) {
        return new Tensor(
            Byte.class,
            ModelInfos.descriptor(spec, output.shape()),
            BoxedLists.raw(output, borrowed));
      }
      Optional<Quantization> quantization = spec.quantization();
      if (quantization.isPresent() && "FP32".equals(asked.getType())) {
        return new Tensor(
            Float.class,
            new TensorDescriptor(
                spec.name(),
                "FP32",
                Optional.empty(),
                ModelInfos.descriptor(spec, output.shape()).getShape(),
                Map.of()),
            BoxedLists.dequantized(output, quantization.get()));
      }
      return tensor(
          DataTypes.listed(spec.type()),
          ModelInfos.descriptor(spec, output.shape()),
          BoxedLists.of(output, borrowed));
    }

    /** The list's class is the one that {@link DataTypes} says for the type. */
    @SuppressWarnings("unchecked")
    private static <T> Tensor tensor(Class<T> type, TensorDescriptor descriptor, List<?> values) {
      return new Tensor(type, descriptor, (List<T>) values);
    }
  }

  /**
   * Waits until a model answers; nothing else is needed, models are loaded when they are installed.
   *
   * @throws KuraException OPERATION_NOT_SUPPORTED if a path is given: models come as packages,
   *     which are signed, checked and taken over as a whole; NOT_FOUND if no such model is
   *     installed; and as {@link #infer} if it does not answer by the deadline
   */
  @Override
  public void loadModel(String modelName, Optional<String> modelPath) throws KuraException {
    if (modelPath.isPresent()) {
      throw EngineException.of(
          KuraErrorCode.OPERATION_NOT_SUPPORTED,
          "models are not loaded from a path: make a package of it with `shoji package` and install"
              + " its .dp (in the console under Packages, or from the cloud by DEPLOY-V2) model="
              + modelName
              + " path="
              + modelPath.get());
    }
    try {
      long deadline = deadline();
      ModelRef ref = ref(modelName);
      InferenceService inference = callers.await(deadline).inference();
      if (Serving.status(inference, ref).filter(s -> s.serving().isPresent()).isEmpty()) {
        Serving.await(inference, ref, deadline);
      }
    } catch (InferenceException e) {
      throw EngineException.of(e);
    }
  }

  /**
   * Always refused: a model stays as long as its package is installed.
   *
   * @throws KuraException NOT_FOUND if no such model is installed, else OPERATION_NOT_SUPPORTED
   */
  @Override
  public void unloadModel(String modelName) throws KuraException {
    try {
      InferenceService inference = callers.await(deadline()).inference();
      if (Serving.status(inference, ref(modelName)).isEmpty()) {
        throw unknown(inference, modelName);
      }
    } catch (InferenceException e) {
      throw EngineException.of(e);
    }
    throw EngineException.of(
        KuraErrorCode.OPERATION_NOT_SUPPORTED,
        "a model serves as long as its package is installed; uninstall the package to take it away"
            + " model="
            + modelName);
  }

  /**
   * Whether a model answers now; false also if it is not installed.
   *
   * @throws KuraException SERVICE_UNAVAILABLE if the engine is not there
   */
  @Override
  public boolean isModelLoaded(String modelName) throws KuraException {
    try {
      return Serving.status(callers.await(deadline()).inference(), ref(modelName))
          .filter(model -> model.serving().isPresent())
          .isPresent();
    } catch (InferenceException e) {
      throw EngineException.of(e);
    }
  }

  /**
   * Names of the installed models, in their order.
   *
   * @throws KuraException SERVICE_UNAVAILABLE if the engine is not there
   */
  @Override
  public List<String> getModelNames() throws KuraException {
    try {
      return callers.await(deadline()).inference().models().stream()
          .map(model -> model.description().name())
          .distinct()
          .sorted()
          .toList();
    } catch (InferenceException e) {
      throw EngineException.of(e);
    }
  }

  /**
   * What there is to know of a model: of the version that serves, else of the highest one that is
   * installed. Kura's AI wire component asks once, when it is activated, and never again; therefore
   * a model that is not there is waited for in the first ten seconds.
   *
   * @return empty if no such model is installed
   * @throws KuraException SERVICE_UNAVAILABLE if the engine is not there
   */
  @Override
  public Optional<ModelInfo> getModelInfo(String modelName) throws KuraException {
    try {
      ModelRef ref = ref(modelName);
      InferenceService inference = callers.await(deadline()).inference();
      Optional<ModelStatus> found = Serving.status(inference, ref);
      while (found.isEmpty()
          && System.nanoTime() - startNanos < STARTING_NANOS
          && !Thread.currentThread().isInterrupted()) {
        LockSupport.parkNanos(STARTING_PAUSE_NANOS);
        found = Serving.status(inference, ref);
      }
      return found.map(status -> ModelInfos.of(modelName, status));
    } catch (InferenceException e) {
      throw EngineException.of(e);
    }
  }

  /** Whether the engine is there. Models that are still being loaded are waited for by requests. */
  @Override
  public boolean isEngineReady() {
    return callers.get().isPresent();
  }

  private static InferenceException unknown(InferenceService inference, String name) {
    return new InferenceException(
        InferenceException.Code.UNKNOWN_MODEL,
        "no installed model package fits; install one or ask for another asked="
            + name
            + " installed="
            + inference.models().stream().map(ModelStatus::description).toList());
  }
}
