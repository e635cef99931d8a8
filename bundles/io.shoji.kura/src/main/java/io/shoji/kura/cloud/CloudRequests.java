/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.cloud;

import io.shoji.kura.operations.Arguments;
import io.shoji.kura.operations.LastGood;
import io.shoji.kura.operations.Management;
import io.shoji.kura.operations.Reason;
import io.shoji.kura.operations.Reply;
import io.shoji.kura.operations.Request;
import io.shoji.kura.operations.Request.Method;
import io.shoji.kura.operations.RequestException;
import io.shoji.kura.operations.StatusSource;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.LongAdder;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.cloudconnection.message.KuraMessage;
import org.eclipse.kura.cloudconnection.request.RequestHandler;
import org.eclipse.kura.cloudconnection.request.RequestHandlerContext;
import org.eclipse.kura.cloudconnection.request.RequestHandlerMessageConstants;
import org.eclipse.kura.cloudconnection.request.RequestHandlerRegistry;
import org.eclipse.kura.configuration.ConfigurableComponent;
import org.eclipse.kura.message.KuraPayload;
import org.eclipse.kura.message.KuraRequestPayload;
import org.eclipse.kura.message.KuraResponsePayload;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers the requests of application {@code SHOJI-V1} on every cloud connection of the gateway. A
 * request that cannot be answered gets a reply that says why: no exception reaches Kura, which
 * would make it a 500 without a reason.
 */
@Component(
    name = CloudRequests.PID,
    configurationPid = CloudRequests.PID,
    configurationPolicy = ConfigurationPolicy.REQUIRE,
    service = {ConfigurableComponent.class, StatusSource.class},
    immediate = true)
@Designate(ocd = CloudRequests.Configuration.class)
public final class CloudRequests implements ConfigurableComponent, RequestHandler, StatusSource {
  /** PID, component name and id of the form. */
  public static final String PID = "io.shoji.kura.CloudRequests";

  /** The application's id on the wire. */
  public static final String APPLICATION = "SHOJI-V1";

  private static final Logger LOG = LoggerFactory.getLogger(CloudRequests.class);

  /** The form. */
  @ObjectClassDefinition(
      id = PID,
      name = "Shoji cloud requests",
      description =
          "Requests from the cloud: application SHOJI-V1 reads the state of models, accelerators"
              + " and pipelines, and carries out the operations allowed here.")
  public @interface Configuration {
    /** Whether requests are taken. */
    @AttributeDefinition(
        name = "Enabled",
        description = "Whether requests from the cloud are answered at all.")
    boolean enabled() default true;

    /** Bench. */
    @AttributeDefinition(
        name = "Allow bench",
        description = "Whether the cloud may measure a model. Requests slow down meanwhile.")
    boolean allow_bench() default true;

    /** Verify. */
    @AttributeDefinition(
        name = "Allow verify",
        description = "Whether the cloud may check a model's files and golden samples.")
    boolean allow_verify() default true;

    /** Reload. */
    @AttributeDefinition(
        name = "Allow reload",
        description = "Whether the cloud may have a model loaded anew.")
    boolean allow_reload() default true;

    /** Pin and unpin. */
    @AttributeDefinition(
        name = "Allow pin and unpin",
        description = "Whether the cloud may pin a model to a version, and release it.")
    boolean allow_pin() default true;

    /** Rollback. */
    @AttributeDefinition(
        name = "Allow rollback",
        description = "Whether the cloud may take a model back to the version before.")
    boolean allow_rollback() default true;

    /** Collection of garbage. */
    @AttributeDefinition(
        name = "Allow garbage collection",
        description =
            "Whether the cloud may have the store of models cleaned: versions that are kept to go"
                + " back to are given up then, if they are neither pinned nor serving.")
    boolean allow_collect_garbage() default true;

    /** Export of field samples. */
    @AttributeDefinition(
        name = "Allow field samples",
        description =
            "Whether the cloud may read real inputs of models that are kept on this gateway. They"
                + " leave it in the clear but for the connection's own encryption.")
    boolean allow_field_samples() default false;

    /** Longest body. */
    @AttributeDefinition(
        name = "Body limit",
        description = "Longest body of a request; a longer one is refused. KiB, 1 to 1024.",
        min = "1",
        max = "1024")
    int body_limit_kib() default 64;

    /** Pause between notifications. */
    @AttributeDefinition(
        name = "Notification interval",
        description =
            "Least time between two notifications of the progress of one job; its end is always"
                + " notified. Milliseconds, 200 to 60000.",
        min = "200",
        max = "60000")
    int notification_interval_ms() default 1_000;
  }

  private final Management management;
  private final LastGood<CloudSettings> configuration = new LastGood<>(PID, CloudSettings.DEFAULTS);
  private final Notifications notifications = new Notifications();
  private final AnsweredRequests answered = new AnsweredRequests();
  private final LongAdder requests = new LongAdder();
  private final LongAdder refused = new LongAdder();

  /** Registries that are there; guarded by itself. */
  private final List<RequestHandlerRegistry> registries = new ArrayList<>();

  /** Registries that know this handler; guarded by {@link #registries}. */
  private final Set<RequestHandlerRegistry> registered = new HashSet<>();

  /** Answers what the core answers. */
  @Activate
  public CloudRequests(@Reference Management management, Map<String, Object> properties) {
    this.management = management;
    modified(properties);
  }

  /** Takes over a changed configuration, if it is right. */
  @Modified
  void modified(Map<String, Object> properties) {
    configuration.configure(properties, CloudSettings::read, settings -> List.of());
    CloudSettings settings = configuration.value();
    notifications.interval(settings.notifyMs());
    synchronized (registries) {
      registries.forEach(registry -> follow(registry, settings.enabled()));
    }
  }

  /** Takes no more requests. */
  @Deactivate
  void deactivate() {
    synchronized (registries) {
      registries.forEach(registry -> follow(registry, false));
    }
    notifications.close();
  }

  /** A cloud connection is there. */
  @Reference(
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      unbind = "removeRegistry")
  void addRegistry(RequestHandlerRegistry registry) {
    synchronized (registries) {
      registries.add(registry);
      follow(registry, configuration.value().enabled());
    }
  }

  /** A cloud connection goes. */
  void removeRegistry(RequestHandlerRegistry registry) {
    synchronized (registries) {
      follow(registry, false);
      registries.remove(registry);
    }
  }

  /** Registers or unregisters this handler, if that is not so already. */
  private void follow(RequestHandlerRegistry registry, boolean enabled) {
    try {
      if (enabled && !registered.contains(registry)) {
        registry.registerRequestHandler(APPLICATION, this);
        registered.add(registry);
      } else if (!enabled && registered.remove(registry)) {
        registry.unregister(APPLICATION);
      }
    } catch (KuraException | RuntimeException e) {
      LOG.error(
          "a cloud connection did not {} the application id={}",
          enabled ? "take" : "give up",
          APPLICATION,
          e);
    }
  }

  @Override
  public KuraMessage doGet(RequestHandlerContext context, KuraMessage message) {
    return answer(Method.GET, context, message);
  }

  @Override
  public KuraMessage doExec(RequestHandlerContext context, KuraMessage message) {
    return answer(Method.EXEC, context, message);
  }

  @Override
  public KuraMessage doDel(RequestHandlerContext context, KuraMessage message) {
    return answer(Method.DEL, context, message);
  }

  @Override
  public KuraMessage doPut(RequestHandlerContext context, KuraMessage message) {
    return wrongMethod("PUT");
  }

  @Override
  public KuraMessage doPost(RequestHandlerContext context, KuraMessage message) {
    return wrongMethod("POST");
  }

  private KuraMessage wrongMethod(String method) {
    requests.increment();
    return reply(
        management.refuse(
            new RequestException(
                Reason.BAD_METHOD,
                "no such method method=" + method + " there are: GET, EXEC, DEL")));
  }

  private KuraMessage answer(Method method, RequestHandlerContext context, KuraMessage message) {
    requests.increment();
    try {
      return reply(answered(method, context, message));
    } catch (RequestException e) {
      return reply(management.refuse(e));
    } catch (RuntimeException e) {
      LOG.error("unexpected fault at a request from the cloud", e);
      return reply(
          management.refuse(
              new RequestException(
                  Reason.UNEXPECTED, "an unexpected fault, see the log: " + e, e)));
    }
  }

  private Reply answered(Method method, RequestHandlerContext context, KuraMessage message)
      throws RequestException {
    CloudSettings settings = configuration.value();
    if (!settings.enabled()) {
      throw new RequestException(Reason.DISABLED, "requests from the cloud are switched off");
    }
    List<String> path = resources(message);
    KuraPayload payload = message.getPayload();
    String operation = path.isEmpty() ? "" : path.get(0);
    if (method == Method.EXEC
        && CloudSettings.OPERATIONS.values().stream().anyMatch(of -> of.contains(operation))
        && !settings.allowed().contains(operation)) {
      throw new RequestException(
          Reason.FORBIDDEN, "the configuration does not allow this operation=" + operation);
    }
    if (operation.equals("field-samples") && path.size() > 1 && !settings.fieldSamples()) {
      throw new RequestException(
          Reason.FORBIDDEN, "the configuration does not allow to read field samples");
    }
    Arguments arguments =
        Arguments.ofMetrics(payload.metrics())
            .and(Arguments.ofBody(payload.getBody(), settings.bodyLimitBytes()));
    String requester = text(payload, KuraRequestPayload.REQUESTER_CLIENT_ID);
    Request request =
        new Request(
            method,
            path,
            arguments,
            requester,
            notifications.follower(context.getNotificationPublisher(), requester));
    if (method == Method.GET) {
      return management.answer(request);
    }
    return answered.once(
        method
            + "/"
            + String.join("/", path)
            + "\n"
            + requester
            + "\n"
            + text(payload, KuraRequestPayload.METRIC_REQUEST_ID),
        () -> management.answer(request));
  }

  /** The parts of the resource; none if the transport gave none. */
  private static List<String> resources(KuraMessage message) {
    Map<String, Object> properties = message.getProperties();
    Object given =
        properties == null ? null : properties.get(RequestHandlerMessageConstants.ARGS_KEY.value());
    List<String> path = new ArrayList<>();
    if (given instanceof Iterable<?> parts) {
      parts.forEach(part -> path.add(String.valueOf(part)));
    }
    return path;
  }

  private static String text(KuraPayload payload, String metric) {
    return payload.getMetric(metric) instanceof String text ? text : "";
  }

  private KuraMessage reply(Reply reply) {
    KuraResponsePayload payload = new KuraResponsePayload(reply.cloudCode());
    payload.addMetric("version", Management.VERSION);
    reply
        .reason()
        .ifPresent(
            reason -> {
              refused.increment();
              payload.setExceptionMessage(reply.message());
              payload.addMetric("reason", reason.name());
            });
    reply.job().ifPresent(job -> payload.addMetric("job.id", job));
    payload.setBody(reply.document().toString().getBytes(StandardCharsets.UTF_8));
    return new KuraMessage(payload);
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
    synchronized (registries) {
      status.put("cloudConnections", registered.size());
    }
    status.put("requests", requests.sum());
    status.put("refused", refused.sum());
    status.put("repeated", answered.repeated());
    status.put("notificationsFailed", notifications.failed());
    return status;
  }
}
