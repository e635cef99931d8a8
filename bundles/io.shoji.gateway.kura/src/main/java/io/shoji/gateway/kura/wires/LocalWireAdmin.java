/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.wires;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Dictionary;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.Constants;
import org.osgi.framework.Filter;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.wireadmin.Consumer;
import org.osgi.service.wireadmin.Producer;
import org.osgi.service.wireadmin.Wire;
import org.osgi.service.wireadmin.WireAdmin;
import org.osgi.service.wireadmin.WireConstants;
import org.osgi.util.tracker.ServiceTracker;
import org.osgi.util.tracker.ServiceTrackerCustomizer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The parts of the Wire Admin Service Specification 1.0 that Kura's wires rest on: wires between a
 * producer and a consumer that are found by their {@code service.pid}, connected while both are
 * there. Wires live as long as this service; the wire graph makes them again. There are no
 * flavours, filters, scopes and events.
 *
 * <p>Producers and consumers hear of their wires on one thread of this service, consumers first, so
 * that whoever is told to send finds the other end prepared. An end that goes is cut off before its
 * service is gone.
 */
@Component(name = "io.shoji.gateway.kura.WireAdmin", service = WireAdmin.class)
public final class LocalWireAdmin implements WireAdmin {
  private static final Logger log = LoggerFactory.getLogger(LocalWireAdmin.class);
  private static final long STOP_SECONDS = 5;

  /** A service at one side of wires. */
  private static final class End<S> {
    private final ServiceReference<S> reference;
    private @Nullable S service;
    private boolean told;
    private List<LocalWire> wires = List.of();

    End(ServiceReference<S> reference) {
      this.reference = reference;
    }

    boolean has(String pid) {
      return pid.equals(reference.getProperty(Constants.SERVICE_PID));
    }
  }

  private final BundleContext context;
  private final Object lock = new Object();

  // Guarded by the lock.
  private final Map<String, LocalWire> wires = new LinkedHashMap<>();
  private final Map<ServiceReference<Producer>, End<Producer>> producers = new LinkedHashMap<>();
  private final Map<ServiceReference<Consumer>, End<Consumer>> consumers = new LinkedHashMap<>();
  private long lastWire;
  private boolean refreshing;

  private final ExecutorService notifier =
      Executors.newSingleThreadExecutor(
          task -> {
            Thread thread = new Thread(task, "shoji-wires");
            thread.setDaemon(true);
            return thread;
          });
  private final ServiceTracker<Producer, End<Producer>> producerTracker;
  private final ServiceTracker<Consumer, End<Consumer>> consumerTracker;

  /** Looks for producers and consumers. */
  @Activate
  public LocalWireAdmin(BundleContext context) {
    this.context = context;
    producerTracker = tracker(Producer.class, producers);
    consumerTracker = tracker(Consumer.class, consumers);
    producerTracker.open();
    consumerTracker.open();
  }

  /** Cuts all wires. */
  @Deactivate
  void close() throws InterruptedException {
    producerTracker.close();
    consumerTracker.close();
    synchronized (lock) {
      wires.values().forEach(LocalWire::delete);
      wires.clear();
    }
    notifier.shutdown();
    if (!notifier.awaitTermination(STOP_SECONDS, TimeUnit.SECONDS)) {
      log.warn("a component does not come back from hearing of its wires seconds={}", STOP_SECONDS);
      notifier.shutdownNow();
    }
  }

  private <S> ServiceTracker<S, End<S>> tracker(
      Class<S> type, Map<ServiceReference<S>, End<S>> ends) {
    return new ServiceTracker<>(
        context,
        type,
        new ServiceTrackerCustomizer<S, End<S>>() {
          @Override
          public End<S> addingService(ServiceReference<S> reference) {
            End<S> end = new End<>(reference);
            synchronized (lock) {
              ends.put(reference, end);
            }
            changed();
            return end;
          }

          @Override
          public void modifiedService(ServiceReference<S> reference, End<S> end) {
            changed();
          }

          @Override
          public void removedService(ServiceReference<S> reference, End<S> end) {
            S service;
            synchronized (lock) {
              ends.remove(reference);
              service = end.service;
              end.service = null;
              if (service != null) {
                for (LocalWire wire : wires.values()) {
                  wire.disconnectFrom(service);
                }
              }
            }
            if (service != null) {
              context.ungetService(reference);
            }
            changed();
          }
        });
  }

  private void changed() {
    synchronized (lock) {
      if (refreshing) {
        return;
      }
      refreshing = true;
    }
    try {
      notifier.execute(this::refresh);
    } catch (RejectedExecutionException e) {
      log.debug("no more wires: the service stops", e);
    }
  }

  /** Gets services, connects what can be, and tells those whose wires changed. */
  private void refresh() {
    synchronized (lock) {
      refreshing = false;
    }
    bind(producers);
    bind(consumers);
    synchronized (lock) {
      for (LocalWire wire : wires.values()) {
        Producer producer = find(producers, wire.producerPid());
        Consumer consumer = find(consumers, wire.consumerPid());
        wire.connect(
            producer == null || consumer == null ? null : new LocalWire.Ends(producer, consumer));
      }
    }
    tell(consumers, LocalWire::consumerPid, Consumer::producersConnected);
    tell(producers, LocalWire::producerPid, Producer::consumersConnected);
  }

  /** Gets the services that are not bound yet, outside of the lock: that may activate them. */
  private <S> void bind(Map<ServiceReference<S>, End<S>> ends) {
    List<End<S>> fresh = new ArrayList<>();
    synchronized (lock) {
      for (End<S> end : ends.values()) {
        if (end.service == null) {
          fresh.add(end);
        }
      }
    }
    for (End<S> end : fresh) {
      S service = service(end.reference);
      boolean late;
      synchronized (lock) {
        late = ends.get(end.reference) != end;
        if (!late) {
          end.service = service;
        }
      }
      if (late && service != null) {
        context.ungetService(end.reference);
      }
    }
  }

  private <S> @Nullable S service(ServiceReference<S> reference) {
    try {
      return context.getService(reference);
    } catch (IllegalStateException e) {
      log.debug("the service went before it was got service={}", reference, e);
      return null;
    }
  }

  private static <S> @Nullable S find(Map<ServiceReference<S>, End<S>> ends, String pid) {
    End<S> best = null;
    for (End<S> end : ends.values()) {
      if (end.service != null
          && end.has(pid)
          && (best == null || end.reference.compareTo(best.reference) > 0)) {
        best = end;
      }
    }
    return best == null ? null : best.service;
  }

  private interface Pid {
    String of(LocalWire wire);
  }

  private interface Call<S> {
    void tell(S service, Wire @Nullable [] connected);
  }

  private <S> void tell(Map<ServiceReference<S>, End<S>> ends, Pid pid, Call<S> call) {
    record News<S>(S service, List<LocalWire> wires) {}
    List<News<S>> news = new ArrayList<>();
    synchronized (lock) {
      for (End<S> end : ends.values()) {
        S service = end.service;
        if (service == null) {
          continue;
        }
        List<LocalWire> connected = new ArrayList<>();
        for (LocalWire wire : wires.values()) {
          if (wire.isConnected() && end.has(pid.of(wire))) {
            connected.add(wire);
          }
        }
        if (!end.told || !end.wires.equals(connected)) {
          end.told = true;
          end.wires = connected;
          news.add(new News<>(service, connected));
        }
      }
    }
    for (News<S> item : news) {
      try {
        call.tell(
            item.service(), item.wires().isEmpty() ? null : item.wires().toArray(new Wire[0]));
      } catch (RuntimeException | LinkageError e) {
        log.warn("a component failed when it heard of its wires wires={}", item.wires(), e);
      }
    }
  }

  @Override
  public Wire createWire(
      String producerPid, String consumerPid, @Nullable Dictionary<String, ?> properties) {
    Objects.requireNonNull(producerPid, "producerPid");
    Objects.requireNonNull(consumerPid, "consumerPid");
    LocalWire wire;
    synchronized (lock) {
      String pid = "wire-" + ++lastWire;
      wire =
          new LocalWire(
              producerPid, consumerPid, properties(properties, pid, producerPid, consumerPid));
      wires.put(pid, wire);
    }
    changed();
    return wire;
  }

  private static Map<String, Object> properties(
      @Nullable Dictionary<String, ?> given, String pid, String producerPid, String consumerPid) {
    Map<String, Object> seen = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    Map<String, Object> result = new HashMap<>();
    if (given != null) {
      for (String key : Collections.list(given.keys())) {
        if (seen.put(key, key) != null) {
          throw new IllegalArgumentException("two properties differ only in case key=" + key);
        }
        result.put(key, given.get(key));
      }
    }
    result.put(WireConstants.WIREADMIN_PID, pid);
    result.put(WireConstants.WIREADMIN_PRODUCER_PID, producerPid);
    result.put(WireConstants.WIREADMIN_CONSUMER_PID, consumerPid);
    return result;
  }

  @Override
  public void deleteWire(Wire wire) {
    LocalWire mine = mine(wire);
    synchronized (lock) {
      wires.values().remove(mine);
      mine.delete();
    }
    changed();
  }

  @Override
  public void updateWire(Wire wire, @Nullable Dictionary<String, ?> properties) {
    LocalWire mine = mine(wire);
    Map<String, Object> replacement =
        properties(
            properties,
            String.valueOf(mine.property(WireConstants.WIREADMIN_PID)),
            mine.producerPid(),
            mine.consumerPid());
    synchronized (lock) {
      mine.properties(replacement);
      for (End<Producer> end : producers.values()) {
        end.told &= !end.has(mine.producerPid());
      }
      for (End<Consumer> end : consumers.values()) {
        end.told &= !end.has(mine.consumerPid());
      }
    }
    changed();
  }

  private static LocalWire mine(Wire wire) {
    if (wire instanceof LocalWire mine) {
      return mine;
    }
    throw new IllegalArgumentException("a wire of another service wire=" + wire);
  }

  @Override
  public Wire @Nullable [] getWires(@Nullable String filter) throws InvalidSyntaxException {
    Filter condition = filter == null ? null : context.createFilter(filter);
    List<Wire> found = new ArrayList<>();
    for (LocalWire wire : all()) {
      if (condition == null || condition.matches(wire.asMap())) {
        found.add(wire);
      }
    }
    return found.isEmpty() ? null : found.toArray(new Wire[0]);
  }

  private List<LocalWire> all() {
    synchronized (lock) {
      return new ArrayList<>(wires.values());
    }
  }
}
