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

import io.shoji.gateway.kura.Home;
import io.shoji.gateway.kura.wires.Graph.Edge;
import io.shoji.gateway.kura.wires.Graph.Node;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Dictionary;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Hashtable;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.configuration.ComponentConfiguration;
import org.eclipse.kura.configuration.ConfigurableComponent;
import org.eclipse.kura.configuration.ConfigurationService;
import org.eclipse.kura.configuration.metatype.OCD;
import org.eclipse.kura.wire.WireComponent;
import org.eclipse.kura.wire.graph.Constants;
import org.eclipse.kura.wire.graph.MultiportWireConfiguration;
import org.eclipse.kura.wire.graph.WireComponentConfiguration;
import org.eclipse.kura.wire.graph.WireComponentDefinition;
import org.eclipse.kura.wire.graph.WireComponentDefinitionService;
import org.eclipse.kura.wire.graph.WireGraphConfiguration;
import org.eclipse.kura.wire.graph.WireGraphService;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.ConfigurationPolicy;
import org.osgi.service.component.annotations.Deactivate;
import org.osgi.service.component.annotations.Modified;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.metatype.annotations.AttributeDefinition;
import org.osgi.service.metatype.annotations.Designate;
import org.osgi.service.metatype.annotations.ObjectClassDefinition;
import org.osgi.service.wireadmin.Wire;
import org.osgi.service.wireadmin.WireAdmin;
import org.osgi.util.tracker.ServiceTracker;
import org.osgi.util.tracker.ServiceTrackerCustomizer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The wire graph: its wires are there whenever the components at their ends are. It is the JSON in
 * the property {@code WireGraph}; {@link #update} also creates, changes and deletes the components.
 *
 * <p>A graph that does not hold together is refused as a whole, whichever way it comes, and the one
 * before goes on, over a restart too.
 */
@Component(
    name = WireGraph.PID,
    immediate = true,
    configurationPolicy = ConfigurationPolicy.REQUIRE,
    service = {ConfigurableComponent.class, WireGraphService.class, WireGraph.class},
    property = "kura.service.pid=" + WireGraph.PID)
@Designate(ocd = WireGraph.Form.class)
public final class WireGraph implements WireGraphService, ConfigurableComponent {
  static final String PID = "org.eclipse.kura.wire.graph.WireGraphService";

  private static final Logger log = LoggerFactory.getLogger(WireGraph.class);

  private static final String PROPERTY = "WireGraph";
  private static final String INPUTS = "inputPortCount";
  private static final String OUTPUTS = "outputPortCount";
  private static final String FACTORY_PID = "service.factoryPid";
  private static final String DATA = "data";
  private static final String LAST_GOOD = "wire-graph.json";

  /** The form, as Kura has it. */
  @SuppressWarnings("MemberName")
  @ObjectClassDefinition(
      id = PID,
      name = "WireGraphService",
      description = "The wire graph of this gateway")
  public @interface Form {
    /** The graph. */
    @AttributeDefinition(name = "WireGraph", description = "The wire graph as JSON")
    String WireGraph() default "{\"components\":[],\"wires\":[]}";
  }

  /** A configuration that is handed to ConfigurationService. */
  private record Configured(String pid, @Nullable OCD definition, Map<String, Object> properties)
      implements ComponentConfiguration {
    @Override
    public String getPid() {
      return pid;
    }

    @Override
    public @Nullable OCD getDefinition() {
      return definition;
    }

    @Override
    public Map<String, Object> getConfigurationProperties() {
      return properties;
    }
  }

  /** Takes one step of an update back. */
  private interface Undo {
    void run() throws KuraException;
  }

  private final BundleContext context;
  private final WireAdmin wireAdmin;
  private final ConfigurationService configurations;
  private final WireComponentDefinitionService definitions;
  private final ServiceTracker<WireComponent, ServiceReference<WireComponent>> tracker;

  /** One update at a time; held while ConfigurationService works, so never taken in its calls. */
  private final Object updating = new Object();

  /** Guards what follows, for short. */
  private final Object lock = new Object();

  private Graph current = Graph.EMPTY;
  private volatile String refusal = "";

  /** Connects the configured graph. */
  @Activate
  public WireGraph(
      BundleContext context,
      @Reference WireAdmin wireAdmin,
      @Reference ConfigurationService configurations,
      @Reference WireComponentDefinitionService definitions,
      Map<String, Object> properties) {
    this.context = context;
    this.wireAdmin = wireAdmin;
    this.configurations = configurations;
    this.definitions = definitions;
    try {
      accept(read(properties));
    } catch (IllegalArgumentException e) {
      Graph before = lastGood();
      synchronized (lock) {
        current = before;
      }
      refused(e);
    }
    tracker =
        new ServiceTracker<>(
            context,
            WireComponent.class,
            new ServiceTrackerCustomizer<WireComponent, ServiceReference<WireComponent>>() {
              @Override
              public ServiceReference<WireComponent> addingService(
                  ServiceReference<WireComponent> reference) {
                connect();
                return reference;
              }

              @Override
              public void modifiedService(
                  ServiceReference<WireComponent> reference,
                  ServiceReference<WireComponent> tracked) {}

              @Override
              public void removedService(
                  ServiceReference<WireComponent> reference,
                  ServiceReference<WireComponent> tracked) {}
            });
    tracker.open();
    connect();
  }

  /** Takes over a graph that came as a configuration, or says why not. */
  @Modified
  void modified(Map<String, Object> properties) {
    try {
      accept(read(properties));
      connect();
    } catch (IllegalArgumentException e) {
      refused(e);
    }
  }

  /** Deletes the wires; the components stay. */
  @Deactivate
  void close() {
    tracker.close();
    synchronized (lock) {
      current = Graph.EMPTY;
    }
    connect();
  }

  private static Graph read(Map<String, Object> properties) {
    Object json = properties.get(PROPERTY);
    if (!(json instanceof String text)) {
      throw new IllegalArgumentException("there is no graph property=" + PROPERTY);
    }
    return GraphJson.read(text);
  }

  private void accept(Graph graph) {
    boolean same;
    synchronized (lock) {
      same = current.equals(graph);
      current = graph;
    }
    refusal = "";
    if (same) {
      return;
    }
    try {
      Home.write(
          Home.folder(Home.of(context).resolve(DATA)).resolve(LAST_GOOD),
          GraphJson.write(graph).getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      log.warn("the graph is in use, but not kept beside its configuration file={}", LAST_GOOD, e);
    }
  }

  private void refused(IllegalArgumentException e) {
    refusal = String.valueOf(e.getMessage());
    log.error("the wire graph is refused, the one before goes on cause=\"{}\"", refusal);
  }

  private Graph lastGood() {
    try {
      Path file = Home.of(context).resolve(DATA).resolve(LAST_GOOD);
      return Files.exists(file) ? GraphJson.read(Files.readString(file)) : Graph.EMPTY;
    } catch (IOException | IllegalArgumentException e) {
      log.error("the graph before cannot be read either, there are no wires", e);
      return Graph.EMPTY;
    }
  }

  /** The graph that is in use. */
  Graph graph() {
    synchronized (lock) {
      return current;
    }
  }

  /** Why the last graph was not taken over; empty if it was. */
  String refusal() {
    return refusal;
  }

  /**
   * Makes the wires that are missing and deletes those that are too many, or lead to a service that
   * was replaced. Wires that stay are not touched.
   */
  private void connect() {
    synchronized (lock) {
      Map<String, String> servicePids = new HashMap<>();
      for (ServiceReference<WireComponent> reference : WireComponents.references(context)) {
        if (reference.getProperty(ConfigurationService.KURA_SERVICE_PID) instanceof String pid
            && reference.getProperty("service.pid") instanceof String servicePid) {
          servicePids.put(pid, servicePid);
        }
      }
      Set<Edge> missing = new HashSet<>(current.wires());
      for (Wire wire : wires()) {
        Optional<Edge> edge = edge(wire);
        if (edge.isEmpty()) {
          continue;
        }
        boolean wanted =
            current.wires().contains(edge.get())
                && leadsTo(wire, "wireadmin.producer.pid", servicePids.get(edge.get().emitter()))
                && leadsTo(wire, "wireadmin.consumer.pid", servicePids.get(edge.get().receiver()));
        if (wanted) {
          missing.remove(edge.get());
        } else {
          log.info("wire deleted wire=\"{}\"", edge.get());
          wireAdmin.deleteWire(wire);
        }
      }
      for (Edge edge : current.wires()) {
        String producer = servicePids.get(edge.emitter());
        String consumer = servicePids.get(edge.receiver());
        if (missing.contains(edge) && producer != null && consumer != null) {
          wireAdmin.createWire(producer, consumer, properties(edge));
          log.info("wire created wire=\"{}\"", edge);
        }
      }
    }
  }

  // A type of the specification.
  @SuppressWarnings("JdkObsolete")
  private static Dictionary<String, Object> properties(Edge edge) {
    Dictionary<String, Object> properties = new Hashtable<>();
    properties.put(Constants.WIRE_EMITTER_PORT_PROP_NAME.value(), edge.emitterPort());
    properties.put(Constants.WIRE_RECEIVER_PORT_PROP_NAME.value(), edge.receiverPort());
    properties.put(Constants.EMITTER_KURA_SERVICE_PID_PROP_NAME.value(), edge.emitter());
    properties.put(Constants.RECEIVER_KURA_SERVICE_PID_PROP_NAME.value(), edge.receiver());
    return properties;
  }

  private static boolean leadsTo(Wire wire, String end, @Nullable String servicePid) {
    // While a component is away its wire waits for it.
    return servicePid == null || servicePid.equals(wire.getProperties().get(end));
  }

  private List<Wire> wires() {
    try {
      Wire[] found = wireAdmin.getWires(null);
      return found == null ? List.of() : List.of(found);
    } catch (InvalidSyntaxException e) {
      throw new AssertionError("there is no filter", e);
    }
  }

  /** The edge that a wire stands for, if it is one of a graph. */
  static Optional<Edge> edge(Wire wire) {
    Dictionary<String, Object> properties = wire.getProperties();
    return properties.get(Constants.EMITTER_KURA_SERVICE_PID_PROP_NAME.value())
                instanceof String emitter
            && properties.get(Constants.RECEIVER_KURA_SERVICE_PID_PROP_NAME.value())
                instanceof String receiver
            && properties.get(Constants.WIRE_EMITTER_PORT_PROP_NAME.value())
                instanceof Integer emitterPort
            && properties.get(Constants.WIRE_RECEIVER_PORT_PROP_NAME.value())
                instanceof Integer receiverPort
        ? Optional.of(new Edge(emitter, emitterPort, receiver, receiverPort))
        : Optional.empty();
  }

  @Override
  public void update(WireGraphConfiguration configuration) throws KuraException {
    synchronized (updating) {
      Graph before = graph();
      Graph after = graph(configuration);
      Map<String, ComponentConfiguration> given = new LinkedHashMap<>();
      for (WireComponentConfiguration component : configuration.getWireComponentConfigurations()) {
        given.put(component.getConfiguration().getPid(), component.getConfiguration());
      }
      Map<String, @Nullable String> factories = new HashMap<>();
      Set<String> pids = new LinkedHashSet<>(given.keySet());
      before.components().forEach(node -> pids.add(node.pid()));
      for (String pid : pids) {
        factories.put(pid, factory(configurations.getComponentConfiguration(pid)));
      }
      List<Node> created = new ArrayList<>();
      List<ComponentConfiguration> changed = new ArrayList<>();
      for (Node node : after.components()) {
        ComponentConfiguration component = given.get(node.pid());
        String factory = factory(component);
        String factoryBefore = factories.get(node.pid());
        // One that is there without a factory belongs to its bundle.
        boolean there =
            factoryBefore != null || WireComponents.reference(context, node.pid()).isPresent();
        if (!there
            || (factoryBefore != null && factory != null && !factory.equals(factoryBefore))) {
          created.add(node);
        } else if (factoryBefore != null
            && component != null
            && component.getConfigurationProperties() != null) {
          changed.add(component);
        }
      }
      checkNew(created, given);

      Deque<Undo> undo = new ArrayDeque<>();
      try {
        for (Node node : created) {
          if (factories.get(node.pid()) != null) {
            delete(node.pid(), undo);
          }
          create(node, given.get(node.pid()), undo);
        }
      } catch (KuraException | RuntimeException e) {
        takeBack(undo, e);
        throw e;
      }
      accept(after);
      connect();
      Set<String> stay = new HashSet<>();
      after.components().forEach(node -> stay.add(node.pid()));
      for (Node node : before.components()) {
        if (!stay.contains(node.pid()) && factories.get(node.pid()) != null) {
          configurations.deleteFactoryConfiguration(node.pid(), false);
        }
      }
      changed.add(persisted(after));
      configurations.updateConfigurations(changed, true);
    }
  }

  /** Reads what is given, or refuses it. */
  private static Graph graph(WireGraphConfiguration configuration) throws KuraException {
    try {
      List<Node> nodes = new ArrayList<>();
      for (WireComponentConfiguration component : configuration.getWireComponentConfigurations()) {
        String pid = component.getConfiguration().getPid();
        Map<String, Object> rendering = new HashMap<>();
        rendering.put("position.x", 0f);
        rendering.put("position.y", 0f);
        rendering.putAll(component.getProperties());
        nodes.add(
            new Node(
                pid,
                ports(pid, rendering.remove(INPUTS), INPUTS),
                ports(pid, rendering.remove(OUTPUTS), OUTPUTS),
                rendering));
      }
      List<Edge> edges = new ArrayList<>();
      for (MultiportWireConfiguration wire : configuration.getWireConfigurations()) {
        edges.add(
            new Edge(
                wire.getEmitterPid(),
                wire.getEmitterPort(),
                wire.getReceiverPid(),
                wire.getReceiverPort()));
      }
      return new Graph(nodes, edges);
    } catch (IllegalArgumentException e) {
      throw refusal(String.valueOf(e.getMessage()));
    }
  }

  private static int ports(String pid, @Nullable Object count, String name) {
    if (count instanceof Integer ports) {
      return ports;
    }
    throw new IllegalArgumentException(
        "a component's number of ports is no Integer pid="
            + pid
            + " property="
            + name
            + " found="
            + count);
  }

  private static @Nullable String factory(@Nullable ComponentConfiguration component) {
    return component != null
            && component.getConfigurationProperties() != null
            && component.getConfigurationProperties().get(FACTORY_PID) instanceof String factory
        ? factory
        : null;
  }

  private static KuraException refusal(String why) {
    return new KuraException(KuraErrorCode.BAD_REQUEST, null, why);
  }

  /** Refuses components that cannot be created, before anything is touched. */
  private void checkNew(List<Node> created, Map<String, ComponentConfiguration> given)
      throws KuraException {
    if (created.isEmpty()) {
      return;
    }
    Map<String, WireComponentDefinition> known = new HashMap<>();
    for (WireComponentDefinition definition : definitions.getComponentDefinitions()) {
      known.put(definition.getFactoryPid(), definition);
    }
    List<String> wrong = new ArrayList<>();
    for (Node node : created) {
      String factory = factory(given.get(node.pid()));
      WireComponentDefinition definition = factory == null ? null : known.get(factory);
      if (factory == null) {
        wrong.add(
            "a component is new and has no " + FACTORY_PID + " to make it by pid=" + node.pid());
      } else if (definition == null) {
        wrong.add(
            "a component's kind is not installed pid="
                + node.pid()
                + " "
                + FACTORY_PID
                + "="
                + factory);
      } else if (node.inputs() < definition.getMinInputPorts()
          || node.inputs() > definition.getMaxInputPorts()
          || node.outputs() < definition.getMinOutputPorts()
          || node.outputs() > definition.getMaxOutputPorts()) {
        wrong.add(
            "a component cannot have so many ports pid="
                + node.pid()
                + " inputs="
                + node.inputs()
                + " asked="
                + definition.getMinInputPorts()
                + "-"
                + definition.getMaxInputPorts()
                + " outputs="
                + node.outputs()
                + " asked="
                + definition.getMinOutputPorts()
                + "-"
                + definition.getMaxOutputPorts());
      }
    }
    if (!wrong.isEmpty()) {
      throw refusal(String.join("; ", wrong));
    }
  }

  private void delete(String pid, Deque<Undo> undo) throws KuraException {
    ComponentConfiguration old = configurations.getComponentConfiguration(pid);
    configurations.deleteFactoryConfiguration(pid, false);
    String factory = factory(old);
    undo.push(
        () ->
            configurations.createFactoryConfiguration(
                factory, pid, old.getConfigurationProperties(), false));
  }

  private void create(Node node, @Nullable ComponentConfiguration component, Deque<Undo> undo)
      throws KuraException {
    if (component == null) {
      throw refusal("a component has no configuration pid=" + node.pid());
    }
    Map<String, Object> properties = new HashMap<>(component.getConfigurationProperties());
    properties.put(Constants.RECEIVER_PORT_COUNT_PROP_NAME.value(), node.inputs());
    properties.put(Constants.EMITTER_PORT_COUNT_PROP_NAME.value(), node.outputs());
    configurations.createFactoryConfiguration(factory(component), node.pid(), properties, false);
    undo.push(() -> configurations.deleteFactoryConfiguration(node.pid(), false));
  }

  private static void takeBack(Deque<Undo> undo, Exception cause) {
    for (Undo step : undo) {
      try {
        step.run();
      } catch (KuraException | RuntimeException e) {
        cause.addSuppressed(e);
        log.error("an update of the graph failed and could not be taken back as a whole", e);
      }
    }
  }

  private ComponentConfiguration persisted(Graph graph) throws KuraException {
    ComponentConfiguration mine = configurations.getComponentConfiguration(PID);
    Map<String, Object> properties = new HashMap<>();
    if (mine != null && mine.getConfigurationProperties() != null) {
      properties.putAll(mine.getConfigurationProperties());
    }
    properties.put(PROPERTY, GraphJson.write(graph));
    return new Configured(PID, mine == null ? null : mine.getDefinition(), properties);
  }

  @Override
  public void delete() throws KuraException {
    synchronized (updating) {
      Graph before = graph();
      accept(Graph.EMPTY);
      connect();
      for (Node node : before.components()) {
        if (factory(configurations.getComponentConfiguration(node.pid())) != null) {
          configurations.deleteFactoryConfiguration(node.pid(), false);
        }
      }
      configurations.updateConfiguration(
          PID, persisted(Graph.EMPTY).getConfigurationProperties(), true);
    }
  }

  @Override
  public WireGraphConfiguration get() throws KuraException {
    Graph graph = graph();
    List<WireComponentConfiguration> components = new ArrayList<>();
    for (Node node : graph.components()) {
      ComponentConfiguration component = configurations.getComponentConfiguration(node.pid());
      Map<String, Object> properties = new HashMap<>(node.rendering());
      properties.put(INPUTS, node.inputs());
      properties.put(OUTPUTS, node.outputs());
      components.add(
          new WireComponentConfiguration(
              component == null ? new Configured(node.pid(), null, new HashMap<>()) : component,
              properties));
    }
    Map<Edge, Wire> wires = new HashMap<>();
    for (Wire wire : wires()) {
      edge(wire).ifPresent(edge -> wires.put(edge, wire));
    }
    List<MultiportWireConfiguration> configured = new ArrayList<>();
    for (Edge edge : graph.wires()) {
      MultiportWireConfiguration wire =
          new MultiportWireConfiguration(
              edge.emitter(), edge.receiver(), edge.emitterPort(), edge.receiverPort());
      if (wires.containsKey(edge)) {
        wire.setWire(wires.get(edge));
      }
      configured.add(wire);
    }
    return new WireGraphConfiguration(components, configured);
  }
}
