/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.trust;

import io.shoji.kura.operations.FormValues;
import io.shoji.kura.operations.LastGood;
import io.shoji.kura.operations.StatusSource;
import io.shoji.model.TrustAnchors;
import java.io.IOException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Dictionary;
import java.util.Hashtable;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.configuration.ConfigurableComponent;
import org.eclipse.kura.configuration.ConfigurationService;
import org.eclipse.kura.security.keystore.KeystoreChangedEvent;
import org.eclipse.kura.security.keystore.KeystoreService;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.event.Event;
import org.osgi.service.event.EventConstants;
import org.osgi.service.event.EventHandler;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.osgi.service.metatype.annotations.Option;
import org.osgi.util.tracker.ServiceTracker;
import org.osgi.util.tracker.ServiceTrackerCustomizer;

/**
 * Whose signatures the model store believes, from a key store of Kura, and the policy, from a form
 * of Kura's console. The policy is handed on as configuration of the model store, so that it holds
 * from the first moment of the next start on.
 */
@Component(
    name = PackageTrust.PID,
    configurationPid = PackageTrust.PID,
    configurationPolicy = ConfigurationPolicy.REQUIRE,
    service = {ConfigurableComponent.class, StatusSource.class, EventHandler.class},
    property = EventConstants.EVENT_TOPIC + "=" + KeystoreChangedEvent.EVENT_TOPIC,
    immediate = true)
@Designate(ocd = PackageTrust.Form.class)
public final class PackageTrust implements ConfigurableComponent, StatusSource, EventHandler {
  /** PID, component name and id of the form. */
  public static final String PID = "io.shoji.kura.PackageTrust";

  /** The model store's. */
  static final String STORE_PID = "io.shoji.models";

  private static final String SIGNATURES = "signatures";

  /** The form. */
  @ObjectClassDefinition(
      id = PID,
      name = "Shoji package trust",
      description =
          "Whose signatures of model packages and of accelerator drivers this gateway believes, and"
              + " what a missing one means.")
  public @interface Form {
    /** Which key store. */
    @AttributeDefinition(
        name = "Key store",
        required = false,
        description =
            "PID of the key store (a Kura keystore service) whose trusted certificates vouch for"
                + " packages: those of signers, or of authorities that vouch for signers. Give"
                + " packages a key store of their own: whoever any certificate in it vouches for may"
                + " sign. Empty: none.")
    String keystore() default "";

    /** What a missing signature means. */
    @AttributeDefinition(
        name = "Signatures",
        description =
            "What is asked of packages and drivers. Off: nothing. Warn: one that is not signed by"
                + " somebody trusted, has expired or is a downgrade is used with a warning."
                + " Require: it is not used. Unchanged: the setting of io.shoji.models stays as it"
                + " is. A change reads all packages anew.",
        options = {
          @Option(label = "Unchanged", value = "unchanged"),
          @Option(label = "Off", value = "off"),
          @Option(label = "Warn", value = "warn"),
          @Option(label = "Require", value = "require")
        })
    String signatures() default "unchanged";
  }

  /** What the form asks. */
  enum Policy {
    UNCHANGED,
    OFF,
    WARN,
    REQUIRE
  }

  /**
   * The checked form.
   *
   * @param keystore PID; empty for none
   */
  record Settings(String keystore, Policy policy) {}

  private final BundleContext context;
  private final ConfigurationAdmin configurations;
  private final ServiceTracker<KeystoreService, KeystoreService> keystores;
  private final LastGood<Settings> configuration =
      new LastGood<>(PID, new Settings("", Policy.UNCHANGED));

  // Guarded by this.
  private @Nullable ServiceRegistration<TrustAnchors> anchors;
  private long changes;
  private boolean stopped;

  /** Hands on what is configured. */
  @Activate
  public PackageTrust(
      BundleContext context,
      @Reference ConfigurationAdmin configurations,
      Map<String, Object> properties) {
    this.context = context;
    this.configurations = configurations;
    this.keystores = new ServiceTracker<>(context, KeystoreService.class, new Keystores());
    keystores.open();
    modified(properties);
  }

  /** Takes over a changed configuration, if it is right. */
  @Modified
  void modified(Map<String, Object> properties) {
    configuration.configure(properties, PackageTrust::read, this::handOn);
    announce();
  }

  /** Its anchors are trusted no longer; the policy stays. */
  @Deactivate
  void deactivate() {
    synchronized (this) {
      stopped = true;
      if (anchors != null) {
        anchors.unregister();
        anchors = null;
      }
    }
    keystores.close();
  }

  static Settings read(FormValues form) {
    return new Settings(form.text("keystore").trim(), form.choice(SIGNATURES, Policy.UNCHANGED));
  }

  // ConfigurationAdmin asks for a Dictionary.
  @SuppressWarnings("JdkObsolete")
  private List<String> handOn(Settings settings) {
    if (settings.policy() == Policy.UNCHANGED) {
      return List.of();
    }
    String policy = settings.policy().name().toLowerCase(Locale.ROOT);
    try {
      Configuration store = configurations.getConfiguration(STORE_PID, "?");
      Dictionary<String, Object> now = store.getProperties();
      Dictionary<String, Object> properties = now == null ? new Hashtable<>() : now;
      // The model store starts anew with each update.
      if (!policy.equals(properties.get(SIGNATURES))) {
        properties.put(SIGNATURES, policy);
        store.update(properties);
      }
      return List.of();
    } catch (IOException e) {
      return List.of("the policy cannot be stored cause=" + e);
    }
  }

  /** Has the certificates asked for anew. */
  // The framework asks for a Dictionary.
  @SuppressWarnings("JdkObsolete")
  private synchronized void announce() {
    if (stopped) {
      return;
    }
    if (configuration.value().keystore().isEmpty()) {
      if (anchors != null) {
        anchors.unregister();
        anchors = null;
      }
      return;
    }
    Hashtable<String, Object> properties = new Hashtable<>();
    properties.put("shoji.trust.changes", ++changes);
    if (anchors == null) {
      anchors = context.registerService(TrustAnchors.class, new Anchors(), properties);
    } else {
      anchors.setProperties(properties);
    }
  }

  /** Kura tells that the contents of a key store have changed. */
  @Override
  public void handleEvent(Event event) {
    if (configuration
        .value()
        .keystore()
        .equals(event.getProperty(KeystoreChangedEvent.SENDER_PID_PROPERTY_KEY))) {
      announce();
    }
  }

  private boolean isOurs(ServiceReference<KeystoreService> reference) {
    return configuration
        .value()
        .keystore()
        .equals(reference.getProperty(ConfigurationService.KURA_SERVICE_PID));
  }

  private final class Keystores
      implements ServiceTrackerCustomizer<KeystoreService, KeystoreService> {
    @Override
    public @Nullable KeystoreService addingService(ServiceReference<KeystoreService> reference) {
      KeystoreService service = context.getService(reference);
      changed(reference);
      return service;
    }

    @Override
    public void modifiedService(
        ServiceReference<KeystoreService> reference, KeystoreService service) {
      changed(reference);
    }

    @Override
    public void removedService(
        ServiceReference<KeystoreService> reference, KeystoreService service) {
      context.ungetService(reference);
      changed(reference);
    }

    private void changed(ServiceReference<KeystoreService> reference) {
      if (isOurs(reference)) {
        announce();
      }
    }
  }

  private final class Anchors implements TrustAnchors {
    @Override
    public String origin() {
      return "Kura key store " + configuration.value().keystore();
    }

    @Override
    public List<X509Certificate> certificates() throws IOException {
      ServiceReference<KeystoreService>[] references = keystores.getServiceReferences();
      if (references != null) {
        for (ServiceReference<KeystoreService> reference : references) {
          KeystoreService service = keystores.getService(reference);
          if (isOurs(reference) && service != null) {
            return certificates(service);
          }
        }
      }
      throw new IOException(
          "there is no such key store now keystore=" + configuration.value().keystore());
    }

    private List<X509Certificate> certificates(KeystoreService service) throws IOException {
      List<X509Certificate> certificates = new ArrayList<>();
      try {
        for (KeyStore.Entry entry : service.getEntries().values()) {
          if (entry instanceof KeyStore.TrustedCertificateEntry trusted
              && trusted.getTrustedCertificate() instanceof X509Certificate certificate) {
            certificates.add(certificate);
          }
        }
        return certificates;
      } catch (KuraException e) {
        throw new IOException("the key store cannot be read", e);
      }
    }
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
    Settings settings = configuration.value();
    if (!settings.keystore().isEmpty()) {
      status.put("keystore", settings.keystore());
      try {
        status.put("certificates", new Anchors().certificates().size());
      } catch (IOException e) {
        status.put("fault", e.getMessage());
      }
    }
    return status;
  }
}
