/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.configuration;

import java.io.IOException;
import java.util.Dictionary;
import java.util.HashMap;
import java.util.Hashtable;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.configuration.ConfigurationService;
import org.eclipse.kura.configuration.Password;
import org.eclipse.kura.configuration.metatype.AD;
import org.eclipse.kura.configuration.metatype.OCD;
import org.eclipse.kura.configuration.metatype.Scalar;
import org.eclipse.kura.crypto.CryptoService;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Constants;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;

/**
 * Configurations in ConfigurationAdmin as Kura keeps them: passwords as encrypted strings, and a
 * {@code kura.service.pid}. Remembers which changes were its own. Not thread safe.
 */
final class Store {
  /** Any bundle may be given the configuration. */
  private static final String ANYWHERE = "?";

  /** What may be part of a PID. */
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_.-]+");

  private final ConfigurationAdmin admin;
  private final CryptoService crypto;

  /**
   * The number of changes of each configuration, by {@code service.pid}, after the last own one.
   */
  private final Map<String, Long> own = new HashMap<>();

  Store(ConfigurationAdmin admin, CryptoService crypto) {
    this.admin = admin;
    this.crypto = crypto;
  }

  /** The configuration with a {@code service.pid}, if there is one. */
  Optional<Configuration> find(String servicePid) throws KuraException {
    return list(Constants.SERVICE_PID, servicePid).stream().findFirst();
  }

  /** The configurations with a {@code kura.service.pid}. */
  List<Configuration> named(String pid) throws KuraException {
    return list(ConfigurationService.KURA_SERVICE_PID, pid);
  }

  private List<Configuration> list(String key, String value) throws KuraException {
    String escaped = value.replaceAll("([\\\\()*])", "\\\\$1");
    try {
      Configuration[] found = admin.listConfigurations("(" + key + "=" + escaped + ")");
      return found == null ? List.of() : List.of(found);
    } catch (IOException | InvalidSyntaxException e) {
      throw new KuraException(KuraErrorCode.CONFIGURATION_ERROR, e, value);
    }
  }

  /** Makes the configuration of a factory's component, or finds the one it left. */
  Configuration ofFactory(String factoryPid, String pid) throws KuraException {
    for (Configuration left : named(pid)) {
      if (factoryPid.equals(left.getFactoryPid())) {
        return left;
      }
    }
    try {
      return NAME.matcher(pid).matches()
          ? admin.getFactoryConfiguration(factoryPid, pid, ANYWHERE)
          : admin.createFactoryConfiguration(factoryPid, ANYWHERE);
    } catch (IOException | IllegalArgumentException e) {
      throw new KuraException(
          KuraErrorCode.CONFIGURATION_ERROR,
          e,
          "Cannot create component instance for factory " + factoryPid);
    }
  }

  /** Makes the configuration of a component, or finds it. */
  Configuration of(String servicePid) throws KuraException {
    try {
      return admin.getConfiguration(servicePid, ANYWHERE);
    } catch (IOException e) {
      throw new KuraException(KuraErrorCode.CONFIGURATION_ERROR, e, servicePid);
    }
  }

  /**
   * Stores properties, unless they are there already.
   *
   * @param properties passwords encrypted
   * @return whether anything changed
   */
  @SuppressWarnings("JdkObsolete") // ConfigurationAdmin asks for a Dictionary.
  boolean update(Configuration configuration, Map<String, Object> properties) throws KuraException {
    Dictionary<String, Object> stored = new Hashtable<>();
    properties.forEach(
        (key, value) -> {
          if (value instanceof Password password) {
            stored.put(key, password.toString());
          } else if (value instanceof Password[] passwords) {
            String[] texts = new String[passwords.length];
            for (int i = 0; i < texts.length; i++) {
              texts[i] = passwords[i].toString();
            }
            stored.put(key, texts);
          } else if (value != null) {
            stored.put(key, value);
          }
        });
    try {
      boolean changed = configuration.updateIfDifferent(stored);
      own.put(configuration.getPid(), configuration.getChangeCount());
      return changed;
    } catch (IOException | IllegalArgumentException | IllegalStateException e) {
      throw new KuraException(KuraErrorCode.CONFIGURATION_UPDATE, e, configuration.getPid());
    }
  }

  /** Has a configuration delivered again, as it is. */
  void deliverAgain(Configuration configuration) throws KuraException {
    try {
      configuration.update();
      own.put(configuration.getPid(), configuration.getChangeCount());
    } catch (IOException | IllegalStateException e) {
      throw new KuraException(KuraErrorCode.CONFIGURATION_UPDATE, e, configuration.getPid());
    }
  }

  /** Removes a configuration. */
  void delete(Configuration configuration) throws KuraException {
    String servicePid = configuration.getPid();
    try {
      own.put(servicePid, Long.MAX_VALUE);
      configuration.delete();
    } catch (IOException | IllegalStateException e) {
      own.remove(servicePid);
      throw new KuraException(
          KuraErrorCode.CONFIGURATION_ERROR, e, "Cannot delete component instance " + servicePid);
    }
  }

  /** Whether the last change of a configuration was this store's. */
  boolean isOwn(Configuration configuration) {
    return own.getOrDefault(configuration.getPid(), -1L) >= configuration.getChangeCount();
  }

  /** Whether a configuration that is gone was removed by this store; forgets it. */
  boolean wasOwnDeletion(String servicePid) {
    return own.remove(servicePid, Long.MAX_VALUE);
  }

  /** What a configuration holds, with passwords as {@link Password}, still encrypted. */
  Map<String, Object> read(Configuration configuration, @Nullable OCD definition) {
    Map<String, Object> found = new TreeMap<>();
    Dictionary<String, Object> properties = configuration.getProperties();
    if (properties != null) {
      for (var keys = properties.keys(); keys.hasMoreElements(); ) {
        String key = keys.nextElement();
        found.put(key, properties.get(key));
      }
    }
    return typed(found, definition);
  }

  /** The same with the strings that stand for passwords as {@link Password}. */
  private static Map<String, Object> typed(
      Map<String, Object> properties, @Nullable OCD definition) {
    Map<String, Object> typed = new LinkedHashMap<>(properties);
    if (definition != null) {
      for (AD attribute : definition.getAD()) {
        Object value = typed.get(attribute.getId());
        if (attribute.getType() != Scalar.PASSWORD || value == null) {
          continue;
        }
        if (value instanceof String text) {
          typed.put(attribute.getId(), new Password(text));
        } else if (value instanceof String[] texts) {
          Password[] passwords = new Password[texts.length];
          for (int i = 0; i < texts.length; i++) {
            passwords[i] = new Password(texts[i]);
          }
          typed.put(attribute.getId(), passwords);
        }
      }
    }
    return typed;
  }

  /** The same with passwords encrypted, those that are not yet. */
  Map<String, Object> encrypted(Map<String, Object> properties, @Nullable OCD definition)
      throws KuraException {
    Map<String, Object> sealed = typed(properties, definition);
    for (Map.Entry<String, Object> property : sealed.entrySet()) {
      if (property.getValue() instanceof Password password) {
        property.setValue(encrypted(password));
      } else if (property.getValue() instanceof Password[] passwords) {
        Password[] copy = new Password[passwords.length];
        for (int i = 0; i < copy.length; i++) {
          copy[i] = encrypted(passwords[i]);
        }
        property.setValue(copy);
      }
    }
    return sealed;
  }

  private Password encrypted(Password password) throws KuraException {
    return plain(password).isPresent()
        ? password
        : new Password(crypto.encryptAes(password.getPassword()));
  }

  /** The same with passwords in plain, those that can be decrypted. */
  Map<String, Object> decrypted(Map<String, Object> properties) {
    Map<String, Object> open = new LinkedHashMap<>(properties);
    for (Map.Entry<String, Object> property : open.entrySet()) {
      if (property.getValue() instanceof Password password) {
        property.setValue(plain(password).orElse(password));
      } else if (property.getValue() instanceof Password[] passwords) {
        Password[] copy = new Password[passwords.length];
        for (int i = 0; i < copy.length; i++) {
          copy[i] = plain(passwords[i]).orElse(passwords[i]);
        }
        property.setValue(copy);
      }
    }
    return open;
  }

  /** A password in plain; empty if it is not encrypted. */
  private Optional<Password> plain(Password password) {
    try {
      return password.getPassword().length == 0
          ? Optional.empty()
          : Optional.of(new Password(crypto.decryptAes(password.getPassword())));
    } catch (KuraException e) {
      // Which is how one finds out.
      return Optional.empty();
    }
  }
}
