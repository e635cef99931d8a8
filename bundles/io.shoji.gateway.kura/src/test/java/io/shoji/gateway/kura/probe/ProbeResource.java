/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.probe;

import java.util.Map;
import javax.annotation.security.RolesAllowed;
import javax.ws.rs.Consumes;
import javax.ws.rs.GET;
import javax.ws.rs.POST;
import javax.ws.rs.Path;
import javax.ws.rs.PathParam;
import javax.ws.rs.Produces;
import javax.ws.rs.core.MediaType;
import javax.ws.rs.core.Response;

/** Resources as a bundle on Kura has them. */
@Path("/probe/v1")
@Produces(MediaType.APPLICATION_JSON)
public final class ProbeResource {
  /** A body. */
  public static final class Body {
    public String name = "";
    public int count;
  }

  /** Open to everyone. */
  @GET
  @Path("/open/{name}")
  public Map<String, String> open(@PathParam("name") String name) {
    return Map.of("hello", name);
  }

  /** For some. */
  @GET
  @Path("/closed")
  @RolesAllowed("probe")
  public Response closed() {
    return Response.ok(Map.of("secret", 42)).header("X-Probe", "yes").build();
  }

  /** For some, with a body. */
  @POST
  @Path("/closed")
  @Consumes(MediaType.APPLICATION_JSON)
  @RolesAllowed("probe")
  public Body change(Body body) {
    body.count++;
    return body;
  }

  /** Text stays text. */
  @GET
  @Path("/text")
  @Produces(MediaType.APPLICATION_JSON)
  public String text() {
    return "{\"as\":\"it is\"}";
  }
}
