/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.rest;

import java.util.Map;
import java.util.Set;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpSession;
import javax.ws.rs.Consumes;
import javax.ws.rs.GET;
import javax.ws.rs.POST;
import javax.ws.rs.Path;
import javax.ws.rs.Produces;
import javax.ws.rs.core.Context;
import javax.ws.rs.core.MediaType;
import javax.ws.rs.core.Response;
import javax.ws.rs.core.SecurityContext;
import org.jspecify.annotations.Nullable;

/** Sessions, as Kura's {@code session/v1}. */
@Path(SessionResource.PATH)
@Produces(MediaType.APPLICATION_JSON)
public final class SessionResource {
  static final String PATH = "/session/v1";

  private final Accounts accounts;
  private final RestService.Options options;

  SessionResource(Accounts accounts, RestService.Options options) {
    this.accounts = accounts;
    this.options = options;
  }

  /** Name and password of a user. */
  public static final class Credentials {
    @Nullable String username;
    @Nullable String password;
  }

  /** Begins a session. */
  @POST
  @Path("/login/password")
  @Consumes(MediaType.APPLICATION_JSON)
  public Map<String, Object> login(
      @Nullable Credentials credentials, @Context HttpServletRequest request) {
    if (!options.sessions() || !options.passwords()) {
      throw Failures.of(Response.Status.NOT_FOUND, "sessions are switched off");
    }
    if (credentials == null
        || credentials.username == null
        || credentials.username.isBlank()
        || credentials.password == null
        || credentials.password.isBlank()) {
      throw Failures.of(
          Response.Status.BAD_REQUEST, "username and or password fields have not been provided");
    }
    if (!accounts.isPassword(credentials.username, credentials.password)) {
      end(request);
      throw Failures.of(
          Response.Status.UNAUTHORIZED,
          "Authentication failed as username or password not matching");
    }
    Authentication.begin(request, credentials.username, accounts);
    return Map.of("passwordChangeNeeded", false);
  }

  /** The token that every other request of a session must carry. */
  @GET
  @Path("/xsrfToken")
  public Map<String, String> token(
      @Context HttpServletRequest request, @Context SecurityContext caller) {
    requireSession(caller);
    return Map.of(
        "xsrfToken", Authentication.token(request).orElseThrow(SessionResource::noSession));
  }

  /** Ends a session. */
  @POST
  @Path("/logout")
  public void logout(@Context HttpServletRequest request, @Context SecurityContext caller) {
    requireSession(caller);
    end(request);
  }

  /** Who asks, and what he may. */
  @GET
  @Path("/currentIdentity")
  public Map<String, Object> identity(@Context SecurityContext caller) {
    String name = requireSession(caller);
    Set<String> permissions = accounts.permissions(name);
    return Map.of("name", name, "passwordChangeNeeded", false, "permissions", permissions);
  }

  /** How one can say who one is. */
  @GET
  @Path("/authenticationInfo")
  public Map<String, Object> methods() {
    return Map.of(
        "passwordAuthenticationEnabled",
        options.passwords(),
        "certificateAuthenticationEnabled",
        false);
  }

  private String requireSession(SecurityContext caller) {
    if (!options.sessions()) {
      throw Failures.of(Response.Status.NOT_FOUND, "sessions are switched off");
    }
    if (caller.getUserPrincipal() == null) {
      throw noSession();
    }
    return caller.getUserPrincipal().getName();
  }

  private static RuntimeException noSession() {
    return Failures.of(Response.Status.UNAUTHORIZED, "Current session is not valid");
  }

  private static void end(HttpServletRequest request) {
    HttpSession session = request.getSession(false);
    if (session != null) {
      session.invalidate();
    }
  }
}
