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
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.service.useradmin.Group;
import org.osgi.service.useradmin.Role;
import org.osgi.service.useradmin.User;
import org.osgi.service.useradmin.UserAdmin;

/**
 * Users and permissions as Kura keeps them in UserAdmin: users are named {@code kura.user.NAME} and
 * have the SHA-256 of their password in Base64 as a credential; permissions are groups {@code
 * kura.permission.NAME} with users as members. Thread safe.
 */
final class Accounts {
  static final String USER = "kura.user.";
  static final String PERMISSION = "kura.permission.";
  static final String ADMINISTRATOR = "admin";

  /** The permission that includes all others. */
  static final String EVERYTHING = "kura.admin";

  /** The credential. */
  static final String PASSWORD = "kura.password";

  private final UserAdmin users;

  Accounts(UserAdmin users) {
    this.users = users;
  }

  /** Whether there is such a user with that password. */
  boolean isPassword(String name, String password) {
    Optional<String> expected = credential(name);
    return expected.isPresent()
        && MessageDigest.isEqual(
            expected.get().getBytes(StandardCharsets.US_ASCII),
            hash(password).getBytes(StandardCharsets.US_ASCII));
  }

  /** What is known of a user's password; empty if there is no such user or he has none. */
  Optional<String> credential(String name) {
    return users.getRole(USER + name) instanceof User user
            && user.getCredentials().get(PASSWORD) instanceof String hash
        ? Optional.of(hash)
        : Optional.empty();
  }

  static String hash(String password) {
    try {
      return Base64.getEncoder()
          .encodeToString(
              MessageDigest.getInstance("SHA-256")
                  .digest(password.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /** Whether a user has a permission, or the one that includes all. */
  boolean isPermitted(String name, String permission) {
    return isMember(name, EVERYTHING) || isMember(name, permission);
  }

  private boolean isMember(String name, String permission) {
    return users.getRole(PERMISSION + permission) instanceof Group group && hasMember(group, name);
  }

  private static boolean hasMember(Group group, String name) {
    Role[] members = group.getMembers();
    if (members != null) {
      for (Role member : members) {
        if (member.getName().equals(USER + name)) {
          return true;
        }
      }
    }
    return false;
  }

  /** Names of a user's permissions. */
  Set<String> permissions(String name) {
    Set<String> permissions = new TreeSet<>();
    try {
      Role[] roles = users.getRoles(null);
      for (Role role : roles == null ? new Role[0] : roles) {
        if (role instanceof Group group
            && role.getName().startsWith(PERMISSION)
            && hasMember(group, name)) {
          permissions.add(role.getName().substring(PERMISSION.length()));
        }
      }
    } catch (InvalidSyntaxException e) {
      throw new IllegalStateException("no filter was given", e);
    }
    return permissions;
  }
}
