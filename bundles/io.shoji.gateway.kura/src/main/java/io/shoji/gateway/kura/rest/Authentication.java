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

import java.nio.charset.StandardCharsets;
import java.security.Principal;
import java.util.Base64;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import javax.annotation.Priority;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpSession;
import javax.ws.rs.Priorities;
import javax.ws.rs.container.ContainerRequestContext;
import javax.ws.rs.container.ContainerRequestFilter;
import javax.ws.rs.container.ContainerResponseContext;
import javax.ws.rs.container.ContainerResponseFilter;
import javax.ws.rs.core.Context;
import javax.ws.rs.core.HttpHeaders;
import javax.ws.rs.core.PathSegment;
import javax.ws.rs.core.Response;
import javax.ws.rs.core.SecurityContext;
import javax.ws.rs.ext.Provider;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds out who asks: by name and password in the request, if that is allowed, or by a session and
 * its token. A request of nobody goes on: what asks for no role is open to everyone, as on Kura.
 */
@Provider
@Priority(Priorities.AUTHENTICATION)
public final class Authentication implements ContainerRequestFilter, ContainerResponseFilter {
  private static final Logger log = LoggerFactory.getLogger(Authentication.class);

  static final String TOKEN_HEADER = "X-XSRF-Token";

  private static final String USER = "org.eclipse.kura.user";
  private static final String TOKEN = "org.eclipse.kura.xsrf.token";
  private static final String CREDENTIAL = "org.eclipse.kura.credentialsHash";
  private static final String USED = "org.eclipse.kura.lastActivity";

  /** What needs a session, but no token: it is where the token comes from. */
  private static final String TOKEN_PATH = SessionResource.PATH + "/xsrfToken";

  private final Accounts accounts;
  private final RestService.Options options;

  @Context private @Nullable HttpServletRequest request;

  Authentication(Accounts accounts, RestService.Options options) {
    this.accounts = accounts;
    this.options = options;
  }

  @Override
  public void filter(ContainerRequestContext context) {
    HttpServletRequest http = Objects.requireNonNull(request);
    if (!options.ports().isEmpty() && !options.ports().contains(http.getLocalPort())) {
      context.abortWith(Response.status(Response.Status.NOT_FOUND).build());
      return;
    }
    Optional<String> user = byPassword(context);
    if (user.isEmpty()) {
      user = bySession(http, context);
    }
    user.ifPresent(
        name -> context.setSecurityContext(new Caller(name, context.getSecurityContext())));
  }

  private Optional<String> byPassword(ContainerRequestContext context) {
    String header = context.getHeaderString(HttpHeaders.AUTHORIZATION);
    if (!options.basic() || !options.passwords() || header == null) {
      return Optional.empty();
    }
    String[] parts = header.strip().split("\\s+", 2);
    if (parts.length < 2 || !parts[0].equalsIgnoreCase("Basic")) {
      return Optional.empty();
    }
    String credentials;
    try {
      credentials = new String(Base64.getDecoder().decode(parts[1]), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      log.debug("credentials that are not in Base64", e);
      return Optional.empty();
    }
    int colon = credentials.indexOf(':');
    if (colon < 0
        || !accounts.isPassword(
            credentials.substring(0, colon), credentials.substring(colon + 1))) {
      log.warn("REST: wrong name or password");
      return Optional.empty();
    }
    return Optional.of(credentials.substring(0, colon));
  }

  private Optional<String> bySession(HttpServletRequest http, ContainerRequestContext context) {
    HttpSession session = options.sessions() ? http.getSession(false) : null;
    if (session == null || !(session.getAttribute(USER) instanceof String user)) {
      return Optional.empty();
    }
    if (!path(context).equals(TOKEN_PATH)
        && !Objects.equals(session.getAttribute(TOKEN), http.getHeader(TOKEN_HEADER))) {
      log.warn("REST: a session without its token, or with another one user={}", user);
      return Optional.empty();
    }
    long idle = System.nanoTime() - (session.getAttribute(USED) instanceof Long used ? used : 0);
    boolean expired = idle > TimeUnit.SECONDS.toNanos(options.idleSeconds());
    if (expired
        || !Objects.equals(
            session.getAttribute(CREDENTIAL), accounts.credential(user).orElse(null))) {
      session.invalidate();
      return Optional.empty();
    }
    session.setAttribute(USED, System.nanoTime());
    return Optional.of(user);
  }

  private static String path(ContainerRequestContext context) {
    return "/"
        + context.getUriInfo().getPathSegments().stream()
            .map(PathSegment::getPath)
            .collect(Collectors.joining("/"));
  }

  /** Begins a session for a user whose password has been seen. */
  static void begin(HttpServletRequest http, String user, Accounts accounts) {
    HttpSession old = http.getSession(false);
    if (old != null) {
      old.invalidate();
    }
    HttpSession session = http.getSession(true);
    session.setAttribute(USER, user);
    session.setAttribute(CREDENTIAL, accounts.credential(user).orElse(""));
    session.setAttribute(USED, System.nanoTime());
    session.setAttribute(TOKEN, UUID.randomUUID().toString());
  }

  /** The token of a session. */
  static Optional<String> token(HttpServletRequest http) {
    HttpSession session = http.getSession(false);
    return session != null && session.getAttribute(TOKEN) instanceof String token
        ? Optional.of(token)
        : Optional.empty();
  }

  /** Who is nobody is told so, not that he may not. */
  @Override
  public void filter(ContainerRequestContext context, ContainerResponseContext response) {
    SecurityContext caller = context.getSecurityContext();
    if (response.getStatus() == Response.Status.FORBIDDEN.getStatusCode()
        && (caller == null || caller.getUserPrincipal() == null)) {
      response.setStatusInfo(Response.Status.UNAUTHORIZED);
    }
    if (options.basic() && response.getStatus() == Response.Status.UNAUTHORIZED.getStatusCode()) {
      response
          .getHeaders()
          .putSingle(HttpHeaders.WWW_AUTHENTICATE, "Basic realm=\"kura-rest-api\"");
    }
  }

  private final class Caller implements SecurityContext {
    private final Principal principal;
    private final SecurityContext transport;

    Caller(String name, SecurityContext transport) {
      this.principal = () -> name;
      this.transport = transport;
    }

    @Override
    public Principal getUserPrincipal() {
      return principal;
    }

    @Override
    public boolean isUserInRole(String role) {
      return accounts.isPermitted(principal.getName(), "rest." + role);
    }

    @Override
    public boolean isSecure() {
      return transport.isSecure();
    }

    @Override
    public String getAuthenticationScheme() {
      return "kura";
    }
  }
}
