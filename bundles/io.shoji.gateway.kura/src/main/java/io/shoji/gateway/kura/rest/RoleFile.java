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

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonParseException;
import io.shoji.gateway.kura.Home;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Dictionary;
import java.util.Enumeration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.felix.useradmin.RoleFactory;
import org.apache.felix.useradmin.RoleRepositoryStore;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Filter;
import org.osgi.framework.FrameworkUtil;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.useradmin.Group;
import org.osgi.service.useradmin.Role;
import org.osgi.service.useradmin.User;
import org.osgi.service.useradmin.UserAdminEvent;
import org.osgi.service.useradmin.UserAdminListener;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Users and groups of UserAdmin, in {@code user/roles.json} of the home folder. The administrator
 * is always there: his password is the web console's, and he has every permission. Thread safe.
 */
@Component(service = {RoleRepositoryStore.class, UserAdminListener.class})
public final class RoleFile implements RoleRepositoryStore, UserAdminListener {
  private static final Logger log = LoggerFactory.getLogger(RoleFile.class);

  private static final Gson GSON = new GsonBuilder().setPrettyPrinting().create();

  /** How the web console is told its password. */
  private static final String CONSOLE_PASSWORD = "felix.webconsole.password";

  private static final String SHA_256 = "{sha-256}";

  private final Path file;
  private final Map<String, Role> roles = new TreeMap<>();

  /** As it is in the file. */
  private static final class Entry {
    String name = "";
    int type;
    Map<String, String> properties = new TreeMap<>();
    Map<String, String> credentials = new TreeMap<>();
    List<String> members = new ArrayList<>();
    List<String> requiredMembers = new ArrayList<>();
  }

  /**
   * Reads the file.
   *
   * @throws IOException if it cannot be read
   */
  @Activate
  public RoleFile(BundleContext context) throws IOException {
    this(
        Home.folder(Home.of(context).resolve("user")).resolve("roles.json"),
        context.getProperty(CONSOLE_PASSWORD));
  }

  RoleFile(Path file, @Nullable String consolePassword) throws IOException {
    this.file = file;
    if (Files.exists(file)) {
      read();
    }
    User admin = (User) made(Accounts.USER + Accounts.ADMINISTRATOR, Role.USER);
    if (consolePassword != null && consolePassword.startsWith(SHA_256)) {
      admin.getCredentials().put(Accounts.PASSWORD, consolePassword.substring(SHA_256.length()));
    }
    Group everything = (Group) made(Accounts.PERMISSION + Accounts.EVERYTHING, Role.GROUP);
    everything.addMember(admin);
  }

  private Role made(String name, int type) {
    Role role = roles.get(name);
    if (role == null || role.getType() != type) {
      role = RoleFactory.createRole(type, name);
      roles.put(name, role);
    }
    return role;
  }

  private void read() throws IOException {
    Entry[] entries;
    try {
      entries = GSON.fromJson(Files.readString(file), Entry[].class);
    } catch (JsonParseException e) {
      throw new IOException("the file of users is damaged file=" + file, e);
    }
    for (Entry entry : entries == null ? new Entry[0] : entries) {
      Role role = made(entry.name, entry.type);
      entry.properties.forEach((key, value) -> role.getProperties().put(key, value));
      if (role instanceof User user) {
        entry.credentials.forEach((key, value) -> user.getCredentials().put(key, value));
      }
    }
    for (Entry entry : entries == null ? new Entry[0] : entries) {
      if (roles.get(entry.name) instanceof Group group) {
        entry.members.stream().map(roles::get).filter(r -> r != null).forEach(group::addMember);
        entry.requiredMembers.stream()
            .map(roles::get)
            .filter(r -> r != null)
            .forEach(group::addRequiredMember);
      }
    }
  }

  private static Map<String, String> texts(Dictionary<String, Object> dictionary) {
    Map<String, String> texts = new TreeMap<>();
    for (Enumeration<String> keys = dictionary.keys(); keys.hasMoreElements(); ) {
      String key = keys.nextElement();
      if (dictionary.get(key) instanceof String text) {
        texts.put(key, text);
      }
    }
    return texts;
  }

  private static List<String> names(Role @Nullable [] members) {
    List<String> names = new ArrayList<>();
    for (Role member : members == null ? new Role[0] : members) {
      names.add(member.getName());
    }
    return names;
  }

  private void write() {
    List<Entry> entries = new ArrayList<>();
    for (Role role : roles.values()) {
      Entry entry = new Entry();
      entry.name = role.getName();
      entry.type = role.getType();
      entry.properties = texts(role.getProperties());
      if (role instanceof User user) {
        entry.credentials = texts(user.getCredentials());
      }
      if (role instanceof Group group) {
        entry.members = names(group.getMembers());
        entry.requiredMembers = names(group.getRequiredMembers());
      }
      entries.add(entry);
    }
    try {
      Home.write(file, GSON.toJson(entries).getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      log.error("users cannot be stored file={}", file, e);
    }
  }

  @Override
  public synchronized @Nullable Role addRole(String name, int type) {
    if (roles.containsKey(name)) {
      return null;
    }
    Role role = made(name, type);
    write();
    return role;
  }

  @Override
  public synchronized @Nullable Role getRoleByName(String name) {
    return roles.get(name);
  }

  @Override
  public synchronized Role[] getRoles(@Nullable String filter) throws InvalidSyntaxException {
    Filter wanted = filter == null ? null : FrameworkUtil.createFilter(filter);
    return roles.values().stream()
        .filter(role -> wanted == null || matches(wanted, role))
        .toArray(Role[]::new);
  }

  private static boolean matches(Filter wanted, Role role) {
    Map<String, Object> all = new TreeMap<>(texts(role.getProperties()));
    if (role instanceof User user) {
      all.putAll(texts(user.getCredentials()));
    }
    return wanted.matches(all);
  }

  @Override
  public synchronized @Nullable Role removeRole(String name) {
    Role removed = roles.remove(name);
    if (removed != null) {
      for (Role role : roles.values()) {
        if (role instanceof Group group) {
          group.removeMember(removed);
        }
      }
      write();
    }
    return removed;
  }

  /** A role has changed. */
  @Override
  public synchronized void roleChanged(UserAdminEvent event) {
    if (event.getType() == UserAdminEvent.ROLE_CHANGED) {
      write();
    }
  }
}
