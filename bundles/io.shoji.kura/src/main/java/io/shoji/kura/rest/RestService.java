/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.rest;

import io.shoji.kura.operations.Arguments;
import io.shoji.kura.operations.FormValues;
import io.shoji.kura.operations.LastGood;
import io.shoji.kura.operations.Management;
import io.shoji.kura.operations.Reason;
import io.shoji.kura.operations.Reply;
import io.shoji.kura.operations.Request;
import io.shoji.kura.operations.Request.Method;
import io.shoji.kura.operations.RequestException;
import io.shoji.kura.operations.StatusSource;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.Principal;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import javax.annotation.security.RolesAllowed;
import javax.ws.rs.Consumes;
import javax.ws.rs.DELETE;
import javax.ws.rs.GET;
import javax.ws.rs.POST;
import javax.ws.rs.Path;
import javax.ws.rs.PathParam;
import javax.ws.rs.Produces;
import javax.ws.rs.QueryParam;
import javax.ws.rs.core.Context;
import javax.ws.rs.core.MediaType;
import javax.ws.rs.core.Response;
import javax.ws.rs.core.SecurityContext;
import org.eclipse.kura.configuration.ConfigurableComponent;
import org.jspecify.annotations.Nullable;
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
import org.osgi.service.useradmin.Role;
import org.osgi.service.useradmin.UserAdmin;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The resources and operations of SHOJI-V1 over REST. Kura publishes it because of its path. Every
 * method names the role that it asks for: one without would be open to everyone.
 */
@Component(
    name = RestService.PID,
    configurationPid = RestService.PID,
    configurationPolicy = ConfigurationPolicy.REQUIRE,
    service = {ConfigurableComponent.class, RestService.class, StatusSource.class},
    immediate = true)
@Designate(ocd = RestService.Configuration.class)
@Path("shoji/v1")
@Produces(MediaType.APPLICATION_JSON)
public final class RestService implements ConfigurableComponent, StatusSource {
  /** PID, component name and id of the form. */
  public static final String PID = "io.shoji.kura.RestService";

  /** Role that reads. */
  public static final String READ = "shoji.read";

  /** Role that changes something. */
  public static final String OPERATE = "shoji.operate";

  /** What Kura puts before a role to make the name of its group. */
  static final String PERMISSION = "kura.permission.rest.";

  private static final Logger LOG = LoggerFactory.getLogger(RestService.class);

  /** The form. */
  @ObjectClassDefinition(
      id = PID,
      name = "Shoji REST service",
      description =
          "The state of models, accelerators and pipelines, and operations on them, under"
              + " /services/shoji/v1. Who may: users with the permissions rest.shoji.read and"
              + " rest.shoji.operate.")
  public @interface Configuration {
    /** Whether requests are taken. */
    @AttributeDefinition(
        name = "Enabled",
        description = "Whether requests are answered; if not, every answer is 503.")
    boolean enabled() default true;

    /** Whether operations are allowed. */
    @AttributeDefinition(
        name = "Allow operations",
        description =
            "Whether anything can be done and not only read: bench, verify, reload, pin, unpin,"
                + " rollback, collect-garbage, cancelling jobs.")
    boolean allow_operations() default true;

    /** Longest body. */
    @AttributeDefinition(
        name = "Body limit",
        description = "Longest body of a request; a longer one is refused. KiB, 1 to 1024.",
        min = "1",
        max = "1024")
    int body_limit_kib() default 64;
  }

  /** The form, checked. */
  private record Settings(boolean enabled, boolean operations, int bodyLimitBytes) {
    static Settings read(FormValues form) {
      return new Settings(
          form.bool("enabled", true),
          form.bool("allow.operations", true),
          form.integer("body.limit.kib", 64, 1, 1024) * 1024);
    }
  }

  private final Management management;
  private final LastGood<Settings> configuration =
      new LastGood<>(PID, Settings.read(new FormValues(Map.of())));
  private final LongAdder requests = new LongAdder();
  private final LongAdder refused = new LongAdder();

  /** Answers what the core answers. */
  @Activate
  public RestService(@Reference Management management, Map<String, Object> properties) {
    this.management = management;
    modified(properties);
  }

  /** Takes over a changed configuration, if it is right. */
  @Modified
  void modified(Map<String, Object> properties) {
    configuration.configure(properties, Settings::read, settings -> List.of());
  }

  /** Makes the groups of the roles, so that the console can give them to users. */
  @Reference(cardinality = ReferenceCardinality.MULTIPLE, policy = ReferencePolicy.DYNAMIC)
  void addUserAdmin(UserAdmin users) {
    for (String role : List.of(READ, OPERATE)) {
      // Null if it is there already.
      if (users.createRole(PERMISSION + role, Role.GROUP) != null) {
        LOG.info("permission created name=rest.{}", role);
      }
    }
  }

  /** The groups stay: users have them. */
  void removeUserAdmin(UserAdmin users) {}

  /** The gateway in one document. */
  @GET
  @Path("status")
  @RolesAllowed(READ)
  public Response status(@Context SecurityContext security) {
    return read(security, "status");
  }

  /** Every accelerator. */
  @GET
  @Path("accelerators")
  @RolesAllowed(READ)
  public Response accelerators(@Context SecurityContext security) {
    return read(security, "accelerators");
  }

  /** One accelerator. */
  @GET
  @Path("accelerators/{accelerator: .+}")
  @RolesAllowed(READ)
  public Response accelerator(
      @Context SecurityContext security, @PathParam("accelerator") String accelerator) {
    return read(security, "accelerators", accelerator);
  }

  /** Every model. */
  @GET
  @Path("models")
  @RolesAllowed(READ)
  public Response models(@Context SecurityContext security) {
    return read(security, "models");
  }

  /** One model. */
  @GET
  @Path("models/{model}")
  @RolesAllowed(READ)
  public Response model(@Context SecurityContext security, @PathParam("model") String model) {
    return read(security, "models", model);
  }

  /** The boxes of the wire graph. */
  @GET
  @Path("pipelines")
  @RolesAllowed(READ)
  public Response pipelines(@Context SecurityContext security) {
    return read(security, "pipelines");
  }

  /** Figures of every model. */
  @GET
  @Path("metrics")
  @RolesAllowed(READ)
  public Response metrics(@Context SecurityContext security) {
    return read(security, "metrics");
  }

  /** How far every model is from its calibration. */
  @GET
  @Path("drift")
  @RolesAllowed(READ)
  public Response drift(@Context SecurityContext security) {
    return read(security, "drift");
  }

  /** How far one model is from its calibration. */
  @GET
  @Path("drift/{model}")
  @RolesAllowed(READ)
  public Response driftOf(@Context SecurityContext security, @PathParam("model") String model) {
    return read(security, "drift", model);
  }

  /** What is kept of real inputs. */
  @GET
  @Path("field-samples")
  @RolesAllowed(READ)
  public Response fieldSamples(@Context SecurityContext security) {
    return read(security, "field-samples");
  }

  /** Real inputs of one model, a page of them. */
  @GET
  @Path("field-samples/{model}")
  @RolesAllowed(OPERATE)
  public Response fieldSamplesOf(
      @Context SecurityContext security,
      @PathParam("model") String model,
      @QueryParam("from") @Nullable String from,
      @QueryParam("kib") @Nullable String kib) {
    Map<String, String> query = new LinkedHashMap<>();
    if (from != null) {
      query.put("from", from);
    }
    if (kib != null) {
      query.put("kib", kib);
    }
    return answer(Method.GET, security, Arguments.ofQuery(query), null, "field-samples", model);
  }

  /** What happened. */
  @GET
  @Path("events")
  @RolesAllowed(READ)
  public Response events(
      @Context SecurityContext security,
      @QueryParam("after") @Nullable String after,
      @QueryParam("limit") @Nullable String limit) {
    Map<String, String> query = new LinkedHashMap<>();
    if (after != null) {
      query.put("after", after);
    }
    if (limit != null) {
      query.put("limit", limit);
    }
    return answer(Method.GET, security, Arguments.ofQuery(query), null, "events");
  }

  /** Changes of what answers for a model. */
  @GET
  @Path("changes/{model}")
  @RolesAllowed(READ)
  public Response changes(@Context SecurityContext security, @PathParam("model") String model) {
    return read(security, "changes", model);
  }

  /** What became of old generations and old drivers. */
  @GET
  @Path("receipts")
  @RolesAllowed(READ)
  public Response receipts(
      @Context SecurityContext security,
      @QueryParam("after") @Nullable String after,
      @QueryParam("limit") @Nullable String limit) {
    Map<String, String> query = new LinkedHashMap<>();
    if (after != null) {
      query.put("after", after);
    }
    if (limit != null) {
      query.put("limit", limit);
    }
    return answer(Method.GET, security, Arguments.ofQuery(query), null, "receipts");
  }

  /** Every job. */
  @GET
  @Path("jobs")
  @RolesAllowed(READ)
  public Response jobs(@Context SecurityContext security) {
    return read(security, "jobs");
  }

  /** One job. */
  @GET
  @Path("jobs/{job}")
  @RolesAllowed(READ)
  public Response job(@Context SecurityContext security, @PathParam("job") String job) {
    return read(security, "jobs", job);
  }

  /** Asks a job to stop. */
  @DELETE
  @Path("jobs/{job}")
  @RolesAllowed(OPERATE)
  public Response cancel(@Context SecurityContext security, @PathParam("job") String job) {
    return answer(Method.DEL, security, Arguments.none(), null, "jobs", job);
  }

  /** Measures a model. */
  @POST
  @Path("models/{model}/bench")
  @RolesAllowed(OPERATE)
  @Consumes(MediaType.APPLICATION_JSON)
  public Response bench(
      @Context SecurityContext security, @PathParam("model") String model, InputStream body) {
    return operate(security, body, "bench", model);
  }

  /** Checks a model. */
  @POST
  @Path("models/{model}/verify")
  @RolesAllowed(OPERATE)
  @Consumes(MediaType.APPLICATION_JSON)
  public Response verify(
      @Context SecurityContext security, @PathParam("model") String model, InputStream body) {
    return operate(security, body, "verify", model);
  }

  /** Loads a model anew. */
  @POST
  @Path("models/{model}/reload")
  @RolesAllowed(OPERATE)
  @Consumes(MediaType.APPLICATION_JSON)
  public Response reload(
      @Context SecurityContext security, @PathParam("model") String model, InputStream body) {
    return operate(security, body, "reload", model);
  }

  /** Pins a model to a version. */
  @POST
  @Path("models/{model}/pin")
  @RolesAllowed(OPERATE)
  @Consumes(MediaType.APPLICATION_JSON)
  public Response pin(
      @Context SecurityContext security, @PathParam("model") String model, InputStream body) {
    return operate(security, body, "pin", model);
  }

  /** Lets a model follow its policy again. */
  @POST
  @Path("models/{model}/unpin")
  @RolesAllowed(OPERATE)
  @Consumes(MediaType.APPLICATION_JSON)
  public Response unpin(
      @Context SecurityContext security, @PathParam("model") String model, InputStream body) {
    return operate(security, body, "unpin", model);
  }

  /** Takes a model back to the version before. */
  @POST
  @Path("models/{model}/rollback")
  @RolesAllowed(OPERATE)
  @Consumes(MediaType.APPLICATION_JSON)
  public Response rollback(
      @Context SecurityContext security, @PathParam("model") String model, InputStream body) {
    return operate(security, body, "rollback", model);
  }

  /** Cleans the store of models. */
  @POST
  @Path("collect-garbage")
  @RolesAllowed(OPERATE)
  @Consumes(MediaType.APPLICATION_JSON)
  public Response collectGarbage(@Context SecurityContext security, InputStream body) {
    return operate(security, body, "collect-garbage");
  }

  /** This interface as an OpenAPI document. */
  @GET
  @Path("openapi.json")
  @RolesAllowed(READ)
  public Response openapi() {
    try (InputStream document = RestService.class.getResourceAsStream("openapi.json")) {
      if (document == null) {
        throw new IllegalStateException("the document is not in the bundle name=openapi.json");
      }
      return Response.ok(new String(document.readAllBytes(), StandardCharsets.UTF_8)).build();
    } catch (IOException e) {
      throw new UncheckedIOException("the document cannot be read name=openapi.json", e);
    }
  }

  private Response read(SecurityContext security, String... path) {
    return answer(Method.GET, security, Arguments.none(), null, path);
  }

  private Response operate(SecurityContext security, @Nullable InputStream body, String... path) {
    return answer(Method.EXEC, security, Arguments.none(), body, path);
  }

  private Response answer(
      Method method,
      @Nullable SecurityContext security,
      Arguments arguments,
      @Nullable InputStream body,
      String... path) {
    requests.increment();
    Reply reply;
    try {
      Settings settings = configuration.value();
      if (!settings.enabled()) {
        throw new RequestException(Reason.DISABLED, "the REST service is switched off");
      }
      if (method != Method.GET && !settings.operations()) {
        throw new RequestException(Reason.FORBIDDEN, "the configuration allows no operations");
      }
      reply =
          management.answer(
              new Request(
                  method,
                  List.of(path),
                  arguments.and(body(body, settings.bodyLimitBytes())),
                  requester(security),
                  state -> {}));
    } catch (RequestException e) {
      reply = management.refuse(e);
    }
    if (reply.reason().isPresent()) {
      refused.increment();
    }
    return Response.status(reply.code())
        .type(MediaType.APPLICATION_JSON)
        .entity(reply.document().toString())
        .build();
  }

  /** Reads no more than one byte beyond the limit. */
  private static Arguments body(@Nullable InputStream body, int limitBytes)
      throws RequestException {
    if (body == null) {
      return Arguments.none();
    }
    byte[] read;
    try {
      read = body.readNBytes(limitBytes + 1);
    } catch (IOException e) {
      throw new RequestException(Reason.BAD_BODY, "the body cannot be read: " + e.getMessage(), e);
    }
    if (read.length > limitBytes) {
      throw new RequestException(
          Reason.BODY_TOO_LARGE, "the body is longer than the limit limit=" + limitBytes);
    }
    return Arguments.ofBody(read, limitBytes);
  }

  private static String requester(@Nullable SecurityContext security) {
    Principal user = security == null ? null : security.getUserPrincipal();
    return user == null ? "rest" : "rest:" + user.getName();
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
    status.put("requests", requests.sum());
    status.put("refused", refused.sum());
    return status;
  }
}
