/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.operations;

import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.inference.AcceleratorStatus;
import io.shoji.inference.InferenceService;
import io.shoji.model.ModelCatalog;
import io.shoji.operations.BenchOptions;
import io.shoji.operations.EngineEvent;
import io.shoji.operations.FieldSampleStatus;
import io.shoji.operations.ModelOverview;
import io.shoji.operations.OperationException;
import io.shoji.operations.Operations;
import io.shoji.operations.Progress;
import io.shoji.operations.SwapReceipt;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.Version;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The resources and operations of SHOJI-V1, for every transport of this bundle. Thread safe; never
 * throws for a request, whatever is in it.
 */
@Component(name = "io.shoji.kura.operations", service = Management.class)
public final class Management {
  /** Version of the documents. */
  public static final int VERSION = 1;

  private static final Logger LOG = LoggerFactory.getLogger(Management.class);
  private static final String RESOURCES =
      "status, accelerators[/KIND:DEVICE], models[/NAME], pipelines, metrics, changes/NAME,"
          + " drift[/NAME], field-samples[/NAME], events, receipts, jobs[/ID]";
  private static final String OPERATIONS =
      "bench, verify, reload, pin, unpin, rollback, collect-garbage";
  private static final String MODEL = "model";
  private static final String MODEL_VERSION = "modelVersion";
  private static final String JOBS = "jobs";
  private static final String FIELD_SAMPLES = "field-samples";
  private static final int MOST_PAGE_KIB = 1_024;
  private static final int MOST_EVENTS = 1_000;
  private static final int MOST_RUNS = 100_000;
  private static final int MOST_WARMUP = 10_000;
  private static final int MOST_THREADS = 64;

  private final Clock clock;
  private final String shoji;
  private final Instant started;
  private final Jobs jobs;
  private final Map<Object, Consumer<Consumer<StatusSource>>> sources = new ConcurrentHashMap<>();

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  volatile @Nullable InferenceService inference;

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  volatile @Nullable Operations operations;

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  volatile @Nullable ModelCatalog catalog;

  /** The core of this bundle. */
  @Activate
  public Management(BundleContext context) {
    this(Clock.systemUTC(), context.getBundle().getVersion().toString());
  }

  /** A core with a clock of its own. */
  Management(Clock clock, String shoji) {
    this.clock = clock;
    this.shoji = shoji;
    this.started = clock.instant();
    this.jobs = new Jobs(clock);
  }

  /**
   * A part of the bundle has something to say. Only its reference is taken: such parts refer to
   * this one, and asking for the part itself while it is being made would go round in a circle.
   */
  @Reference(
      name = "source",
      service = StatusSource.class,
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      unbind = "removeReference")
  void addReference(ServiceReference<StatusSource> reference) {
    sources.put(reference, use -> asked(reference, use));
  }

  /** Holds a part only while it is asked. */
  private static void asked(ServiceReference<StatusSource> reference, Consumer<StatusSource> use) {
    Bundle bundle = reference.getBundle();
    BundleContext context = bundle == null ? null : bundle.getBundleContext();
    StatusSource source = context == null ? null : context.getService(reference);
    if (context != null && source != null) {
      try {
        use.accept(source);
      } finally {
        context.ungetService(reference);
      }
    }
  }

  /** A part of the bundle goes. */
  void removeReference(ServiceReference<StatusSource> reference) {
    sources.remove(reference);
  }

  /** A part that is no service. */
  void addSource(StatusSource source) {
    sources.put(source, use -> use.accept(source));
  }

  /** Cancels jobs. */
  @Deactivate
  void deactivate() {
    jobs.close();
  }

  /** An empty document with what every answer begins with. */
  public Document begin() {
    return new Document().put("version", VERSION).put("shoji", shoji).put("time", clock.instant());
  }

  /** Answers a request. */
  public Reply answer(Request request) {
    try {
      return switch (request.method()) {
        case GET -> Reply.done(read(request));
        case EXEC -> execute(request);
        case DEL -> Reply.done(delete(request));
      };
    } catch (RequestException e) {
      return refuse(e);
    } catch (OperationException e) {
      return refuse(new RequestException(reason(e.code()), String.join("; ", e.reasons()), e));
    } catch (RuntimeException | LinkageError | StackOverflowError e) {
      LOG.error(
          "unexpected fault at a request method={} path={} requester={}",
          request.method(),
          Arguments.shown(String.join("/", request.path())),
          Arguments.shown(request.requester()),
          e);
      return refuse(
          new RequestException(Reason.UNEXPECTED, "an unexpected fault, see the log: " + e, e));
    }
  }

  /** The answer to a request that was refused, here or by a transport. */
  public Reply refuse(RequestException e) {
    String message = String.valueOf(e.getMessage());
    Document error =
        new Document()
            .put("code", e.reason().code())
            .put("reason", e.reason())
            .put("message", message);
    return Reply.refused(begin().put("error", error), e.reason(), message);
  }

  /** What the engine's codes mean to who asked. */
  static Reason reason(OperationException.Code code) {
    return switch (code) {
      case UNKNOWN_MODEL -> Reason.UNKNOWN_MODEL;
      case UNKNOWN_VERSION -> Reason.UNKNOWN_VERSION;
      case INVALID -> Reason.BAD_ARGUMENT;
      case CONFLICT -> Reason.CONFLICT;
      case CANCELLED, FAILED -> Reason.FAILED;
    };
  }

  // Reading.

  private Document read(Request request) throws RequestException, OperationException {
    List<String> path = request.path();
    Arguments arguments = request.arguments();
    String resource = path.isEmpty() ? "" : path.get(0);
    if (resource.equals("events") && path.size() == 1) {
      arguments.only("after", "limit");
      return events(
          arguments.integer("after", 0, 0, Long.MAX_VALUE),
          (int) arguments.integer("limit", 100, 1, MOST_EVENTS));
    }
    if (resource.equals("receipts") && path.size() == 1) {
      arguments.only("after", "limit");
      return receipts(
          arguments.integer("after", 0, 0, Long.MAX_VALUE),
          (int) arguments.integer("limit", 100, 1, MOST_EVENTS));
    }
    if (resource.equals(FIELD_SAMPLES) && path.size() == 2) {
      arguments.only("from", "kib");
      return fieldSamples(
          path.get(1),
          arguments.integer("from", 0, 0, Long.MAX_VALUE),
          (int) arguments.integer("kib", 48, 1, MOST_PAGE_KIB));
    }
    arguments.only();
    if (path.size() == 1) {
      return switch (resource) {
        case "status" -> status();
        case "accelerators" -> accelerators();
        case "models" -> models();
        case "pipelines" -> begin().put("pipelines", parts(StatusSource.PIPELINES));
        case "metrics" -> metrics();
        case "drift" -> drift();
        case FIELD_SAMPLES -> fieldSamples();
        case JOBS -> begin().put(JOBS, jobs.all().stream().map(JobState::document).toList());
        default -> throw unknown(path);
      };
    }
    if (path.size() == 2 && resource.equals("models")) {
      return model(path.get(1));
    }
    if (path.size() == 2 && resource.equals("changes")) {
      return changes(path.get(1));
    }
    if (path.size() == 2 && resource.equals("drift")) {
      return begin().put("drift", Documents.driftOfFeatures(engine().drift(path.get(1))));
    }
    if (path.size() == 2 && resource.equals(JOBS)) {
      return begin().put("job", jobs.find(path.get(1)).document());
    }
    if (path.size() >= 2 && resource.equals("accelerators")) {
      // An identity of a device may have slashes.
      return accelerator(String.join("/", path.subList(1, path.size())));
    }
    throw unknown(path);
  }

  private static RequestException unknown(List<String> path) {
    return new RequestException(
        Reason.UNKNOWN_RESOURCE,
        "no such resource resource="
            + Arguments.shown(String.join("/", path))
            + " there are: "
            + RESOURCES);
  }

  private Document status() {
    Document document = begin().put("started", started);
    Operations engine = operations;
    InferenceService service = inference;
    ModelCatalog store = catalog;
    document.put("engine", engine != null && service != null ? "RUNNING" : "ABSENT");
    if (engine != null) {
      document.put("models", engine.models().stream().map(Documents::summary).toList());
    }
    if (service != null) {
      List<Document> accelerators = new ArrayList<>();
      for (AcceleratorStatus status : service.accelerators()) {
        AcceleratorHealth health = status.health();
        accelerators.add(
            new Document()
                .put("name", Documents.label(status.info()))
                .put("deviceName", status.info().deviceName())
                .put("state", health.state())
                .put("reason", health.reason().isEmpty() ? null : health.reason())
                .put("simulated", status.info().simulated())
                .put("models", status.models()));
      }
      document.put("accelerators", accelerators);
    }
    if (store != null) {
      ModelCatalog.StoreUse use = store.storeUse();
      document
          .put("refused", store.refusals().stream().map(Documents::refusal).toList())
          .put("warnings", store.warnings().stream().map(Documents::warning).toList())
          .put("store", new Document().put("files", use.files()).put("bytes", use.bytes()));
    }
    if (engine != null) {
      document.put("policy", Documents.policies(engine.policy()));
      document.put("receipts", Documents.receipts(engine.receipts(0)));
    }
    long ended = jobs.all().stream().filter(job -> job.phase().ended()).count();
    return document
        .put("configurations", parts(StatusSource.CONFIGURATIONS))
        .put(JOBS, new Document().put("open", jobs.all().size() - ended).put("ended", ended));
  }

  private List<Document> parts(String section) {
    Map<String, Document> documents = new TreeMap<>();
    for (Consumer<Consumer<StatusSource>> part : sources.values()) {
      part.accept(
          source -> {
            if (source.section().equals(section)) {
              Document document = new Document().put("name", source.name());
              try {
                source.status().forEach(document::put);
              } catch (RuntimeException e) {
                // One part that fails is no reason to hide the others.
                LOG.error("a part cannot say how it is name={}", source.name(), e);
                document.put("fault", e.toString());
              }
              documents.put(source.name(), document);
            }
          });
    }
    return List.copyOf(documents.values());
  }

  private Document accelerators() throws RequestException {
    Operations engine = engine();
    List<Document> all = new ArrayList<>();
    for (AcceleratorStatus status : inference().accelerators()) {
      all.add(accelerator(engine, status));
    }
    return begin().put("accelerators", all);
  }

  private static Document accelerator(Operations engine, AcceleratorStatus status) {
    return Documents.accelerator(
        status, engine.policy().accelerator(status.info().kind(), status.info().device()));
  }

  private Document accelerator(String name) throws RequestException {
    Operations engine = engine();
    List<String> there = new ArrayList<>();
    List<AcceleratorStatus> found = new ArrayList<>();
    for (AcceleratorStatus status : inference().accelerators()) {
      String label = Documents.label(status.info());
      if (label.equals(name)) {
        found.add(status);
      }
      there.add(label);
    }
    // Two drivers may be there side by side for one device: the one that models run on comes first.
    found.sort(Comparator.comparing(status -> status.models().isEmpty()));
    if (!found.isEmpty()) {
      Document document = begin().put("accelerator", accelerator(engine, found.get(0)));
      return found.size() == 1
          ? document
          : document.put(
              "beside", found.stream().skip(1).map(other -> accelerator(engine, other)).toList());
    }
    throw new RequestException(
        Reason.UNKNOWN_ACCELERATOR,
        "no such accelerator is there now name="
            + Arguments.shown(name)
            + " there are: "
            + (there.isEmpty() ? "none" : String.join(", ", there)));
  }

  private Document models() throws RequestException {
    Document document =
        begin().put("models", engine().models().stream().map(Documents::summary).toList());
    ModelCatalog store = catalog;
    return store == null
        ? document
        : document.put("refused", store.refusals().stream().map(Documents::refusal).toList());
  }

  private Document model(String name) throws RequestException {
    Operations engine = engine();
    List<ModelOverview> all = engine.models();
    for (ModelOverview model : all) {
      if (model.name().equals(name)) {
        return begin().put(MODEL, Documents.model(model, engine.policy().model(name)));
      }
    }
    throw new RequestException(
        Reason.UNKNOWN_MODEL,
        "no such model is installed model="
            + Arguments.shown(name)
            + " there are: "
            + (all.isEmpty()
                ? "none"
                : String.join(", ", all.stream().map(ModelOverview::name).toList())));
  }

  private Document metrics() throws RequestException {
    List<Document> all = new ArrayList<>();
    for (ModelOverview model : engine().models()) {
      for (ModelOverview.Installed version : model.versions()) {
        version.status().ifPresent(status -> all.add(Documents.metrics(status)));
      }
    }
    return begin().put("metrics", all);
  }

  /** Of every model that something answers for. */
  private Document drift() throws RequestException {
    Operations engine = engine();
    List<Document> all = new ArrayList<>();
    for (ModelOverview model : engine.models()) {
      if (model.answering().isPresent()) {
        try {
          all.add(Documents.drift(engine.drift(model.name())));
        } catch (OperationException e) {
          LOG.debug("the model has just gone model={}", model.name(), e);
        }
      }
    }
    return begin().put("drift", all);
  }

  /** Of every model of which samples are kept, or are to be. */
  private Document fieldSamples() throws RequestException {
    Operations engine = engine();
    List<Document> all = new ArrayList<>();
    for (ModelOverview model : engine.models()) {
      try {
        FieldSampleStatus status = engine.fieldSamples(model.name());
        if (status.count() > 0 || status.policy().isPresent()) {
          all.add(Documents.fieldSamples(status));
        }
      } catch (OperationException e) {
        LOG.debug("the model has just gone model={}", model.name(), e);
      }
    }
    return begin().put("fieldSamples", all);
  }

  private Document fieldSamples(String model, long from, int kib)
      throws RequestException, OperationException {
    return begin()
        .put("page", Documents.page(model, engine().exportFieldSamples(model, from, 1024L * kib)));
  }

  private Document events(long after, int limit) throws RequestException {
    List<EngineEvent> found = engine().events(after);
    List<EngineEvent> shown = found.subList(0, Math.min(limit, found.size()));
    Document document = begin().put("after", after);
    if (!shown.isEmpty()) {
      document
          .put("first", shown.get(0).sequence())
          .put("last", shown.get(shown.size() - 1).sequence());
    }
    return document
        .put("more", found.size() - shown.size())
        .put("events", shown.stream().map(Documents::event).toList());
  }

  private Document changes(String model) throws RequestException {
    return begin()
        .put(MODEL, model)
        .put("changes", engine().changes(model).stream().map(Documents::change).toList());
  }

  private Document receipts(long after, int limit) throws RequestException {
    List<SwapReceipt> found = engine().receipts(after);
    List<SwapReceipt> shown = found.subList(0, Math.min(limit, found.size()));
    Document document = begin().put("after", after);
    if (!shown.isEmpty()) {
      document.put("first", shown.get(0).id()).put("last", shown.get(shown.size() - 1).id());
    }
    return document
        .put("more", found.size() - shown.size())
        .put("receipts", shown.stream().map(Documents::receipt).toList());
  }

  // Doing.

  private Reply execute(Request request) throws RequestException, OperationException {
    List<String> path = request.path();
    String operation = path.isEmpty() ? "" : path.get(0);
    if (path.size() > 2 || (path.size() == 2 && operation.equals("collect-garbage"))) {
      throw noOperation(path);
    }
    Arguments arguments =
        path.size() == 2
            ? request.arguments().and(Arguments.ofResource(MODEL, path.get(1)))
            : request.arguments();
    return switch (operation) {
      case "bench" -> bench(request, arguments);
      case "verify" -> {
        arguments.only(MODEL);
        Operations engine = engine();
        String model = known(engine, arguments);
        yield start(
            request, model, progress -> Documents.verification(engine.verify(model, progress)));
      }
      case "reload" -> {
        arguments.only(MODEL);
        Operations engine = engine();
        String model = known(engine, arguments);
        yield start(request, model, progress -> reload(engine, model, progress));
      }
      case "pin" -> {
        arguments.only(MODEL, MODEL_VERSION);
        String model = arguments.requiredText(MODEL);
        Version version = version(arguments.requiredText(MODEL_VERSION));
        engine().pin(model, version);
        yield Reply.done(after(model));
      }
      case "unpin" -> {
        arguments.only(MODEL);
        String model = arguments.requiredText(MODEL);
        engine().unpin(model);
        yield Reply.done(after(model));
      }
      case "rollback" -> {
        arguments.only(MODEL);
        String model = arguments.requiredText(MODEL);
        engine().rollback(model);
        yield Reply.done(after(model));
      }
      case "collect-garbage" -> {
        arguments.only();
        yield Reply.done(begin().put("removed", Documents.garbage(engine().collectGarbage())));
      }
      default -> throw noOperation(path);
    };
  }

  private static RequestException noOperation(List<String> path) {
    return new RequestException(
        Reason.UNKNOWN_RESOURCE,
        "no such operation operation="
            + Arguments.shown(String.join("/", path))
            + " there are: "
            + OPERATIONS);
  }

  private Reply bench(Request request, Arguments arguments) throws RequestException {
    arguments.only(MODEL, "runs", "warmup", "threads");
    BenchOptions options =
        new BenchOptions(
            (int) arguments.integer("runs", 100, 1, MOST_RUNS),
            (int) arguments.integer("threads", 1, 1, MOST_THREADS),
            (int) arguments.integer("warmup", 10, 0, MOST_WARMUP));
    Operations engine = engine();
    String model = known(engine, arguments);
    return start(
        request, model, progress -> Documents.bench(engine.bench(model, options, progress)));
  }

  private static Document reload(Operations engine, String model, Progress progress)
      throws OperationException {
    engine.reload(model, progress);
    return engine.models().stream()
        .filter(overview -> overview.name().equals(model))
        .findFirst()
        .map(Documents::summary)
        .orElseGet(Document::new);
  }

  /** A model's name; refused now rather than by a job that fails. */
  private static String known(Operations engine, Arguments arguments) throws RequestException {
    String model = arguments.requiredText(MODEL);
    List<String> there = engine.models().stream().map(ModelOverview::name).toList();
    if (!there.contains(model)) {
      throw new RequestException(
          Reason.UNKNOWN_MODEL,
          "no such model is installed model="
              + Arguments.shown(model)
              + " there are: "
              + (there.isEmpty() ? "none" : String.join(", ", there)));
    }
    return model;
  }

  private static Version version(String text) throws RequestException {
    try {
      return Version.parseVersion(text.trim());
    } catch (IllegalArgumentException e) {
      throw new RequestException(
          Reason.BAD_ARGUMENT,
          "an argument is no version name="
              + MODEL_VERSION
              + " value="
              + Arguments.shown(text)
              + " allowed=a version as 1.2.0",
          e);
    }
  }

  /** The model as it is after an operation. */
  private Document after(String model) throws RequestException {
    Optional<ModelOverview> now =
        engine().models().stream().filter(overview -> overview.name().equals(model)).findFirst();
    return begin().put(MODEL, now.map(Documents::summary));
  }

  private Reply start(Request request, String model, Jobs.Work work) throws RequestException {
    JobState job =
        jobs.start(request.path().get(0), model, request.requester(), request.progress(), work);
    return Reply.started(begin().put("job", job.document()), job.id());
  }

  private Document delete(Request request) throws RequestException {
    List<String> path = request.path();
    if (path.size() != 2 || !path.get(0).equals(JOBS)) {
      throw new RequestException(
          Reason.UNKNOWN_RESOURCE,
          "only a job can be deleted resource="
              + Arguments.shown(String.join("/", path))
              + " there are: jobs/ID");
    }
    request.arguments().only();
    return begin().put("job", jobs.cancel(path.get(1)).document());
  }

  private Operations engine() throws RequestException {
    Operations engine = operations;
    if (engine == null) {
      throw absent();
    }
    return engine;
  }

  private InferenceService inference() throws RequestException {
    InferenceService service = inference;
    if (service == null) {
      throw absent();
    }
    return service;
  }

  private static RequestException absent() {
    return new RequestException(
        Reason.NO_ENGINE, "the inference engine is not there now (is its bundle started?)");
  }
}
