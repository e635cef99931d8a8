/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.accelerators;

import io.shoji.kura.operations.FormValues;
import io.shoji.kura.operations.LastGood;
import io.shoji.kura.operations.Policies;
import io.shoji.kura.operations.PolicyLines;
import io.shoji.kura.operations.StatusSource;
import io.shoji.operations.AcceleratorPolicy;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import org.eclipse.kura.configuration.ConfigurableComponent;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;

/** Policies of accelerators, from a form of Kura's console to the engine. */
@Component(
    name = Accelerators.PID,
    configurationPid = Accelerators.PID,
    configurationPolicy = ConfigurationPolicy.REQUIRE,
    service = {ConfigurableComponent.class, StatusSource.class},
    immediate = true)
@Designate(ocd = Accelerators.Configuration.class)
public final class Accelerators implements ConfigurableComponent, StatusSource {
  /** PID, component name and id of the form. */
  public static final String PID = "io.shoji.kura.Accelerators";

  /** The form. */
  @ObjectClassDefinition(
      id = PID,
      name = "Shoji accelerators",
      description =
          "Which accelerators models run on, how much memory models may take there, and the"
              + " settings of their drivers. What there is, the document accelerators of SHOJI-V1"
              + " tells.")
  public @interface Configuration {
    /** Which are used. */
    @AttributeDefinition(
        name = "Switches",
        required = false,
        description =
            "Accelerators to use or not to use; one without a line is used. One line each: cpu ="
                + " off (a whole kind) or cpu:cpu0 = on (one device, before its kind). Several"
                + " entries on one line are separated by semicolons; # begins a comment.|TextArea")
    String switches() default "";

    /** Budgets of memory. */
    @AttributeDefinition(
        name = "Memory budgets",
        required = false,
        description =
            "Most memory that all models on one device may take together. One line each: cpu = 512"
                + " MiB (every device of a kind) or cpu:cpu0 = 1 GiB (one device); units KiB, MiB,"
                + " GiB, bytes without one, or none. Empty: no limits.|TextArea")
    String memory_budgets() default "";

    /** Settings of drivers. */
    @AttributeDefinition(
        name = "Driver settings",
        required = false,
        description =
            "Settings of the drivers, which their descriptions list. One line each:"
                + " KIND.SETTING = VALUE, as cpu.intraOpThreads = 2. true, false and numbers are"
                + " taken as such, anything else as text; quotes make text of anything. A driver"
                + " restarts when its settings change.|TextArea")
    String driver_settings() default "";
  }

  private final Policies policies;
  private final LastGood<Map<String, AcceleratorPolicy>> configuration =
      new LastGood<>(PID, Map.of());

  /** Hands the configured policies over. */
  @Activate
  public Accelerators(@Reference Policies policies, Map<String, Object> properties) {
    this.policies = policies;
    modified(properties);
  }

  /** Takes over a changed configuration, if it is right. */
  @Modified
  void modified(Map<String, Object> properties) {
    configuration.configure(properties, Accelerators::read, policies::accelerators);
  }

  /** Its policies hold no longer. */
  @Deactivate
  void deactivate() {
    policies.accelerators(null);
  }

  static Map<String, AcceleratorPolicy> read(FormValues form) {
    Map<String, Boolean> switches = form.parsed("switches", PolicyLines::switches);
    Map<String, OptionalLong> budgets =
        form.parsed("memory.budgets", PolicyLines::acceleratorBudgets);
    Map<String, Map<String, Object>> settings =
        form.parsed("driver.settings", PolicyLines::settings);
    if (switches == null || budgets == null || settings == null) {
      return Map.of();
    }
    Set<String> names = new HashSet<>(switches.keySet());
    names.addAll(budgets.keySet());
    names.addAll(settings.keySet());
    Map<String, AcceleratorPolicy> policies = new HashMap<>();
    for (String name : names) {
      policies.put(
          name,
          new AcceleratorPolicy(
              of(switches, name, true),
              of(budgets, name, OptionalLong.empty()),
              settings.getOrDefault(name, Map.of())));
    }
    return policies;
  }

  /** What a form says of an accelerator: its own line, else that of its kind, else nothing. */
  private static <T> T of(Map<String, T> lines, String name, T otherwise) {
    T own = lines.get(name);
    if (own != null) {
      return own;
    }
    int colon = name.indexOf(':');
    return colon < 0 ? otherwise : lines.getOrDefault(name.substring(0, colon), otherwise);
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
    policies.addTo(status);
    return status;
  }
}
