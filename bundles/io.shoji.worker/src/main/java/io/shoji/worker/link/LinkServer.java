/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker.link;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Constants;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The worker's side of a link: offers accelerators and calls them for the gateway. Thread safe.
 *
 * <p>It serves one gateway, once; when that has gone, the link has ended and so, as a rule, does
 * the worker. Runs are made on one thread per lane, each load on a thread of its own.
 */
public final class LinkServer implements AutoCloseable {
  /** Runs that are on their way, at least, while a driver has more than one in flight. */
  private static final int LEAST_CROSSING = 2;

  private static final Logger LOG = LoggerFactory.getLogger(LinkServer.class);
  private static final long HELLO_NANOS = TimeUnit.SECONDS.toNanos(10);
  private static final long JOIN_NANOS = TimeUnit.SECONDS.toNanos(5);
  private static final long PAUSE_NANOS = 20_000_000;

  /** What the framework itself says of a service. */
  private static final Set<String> OF_FRAMEWORK =
      Set.of(
          Constants.OBJECTCLASS,
          Constants.SERVICE_ID,
          Constants.SERVICE_BUNDLEID,
          Constants.SERVICE_SCOPE);

  private final Path folder;
  private final LinkSecret secret;
  private final Runnable giveWay;
  private final ServerSocketChannel server;
  private final Thread acceptor;
  private final Set<Thread> threads = ConcurrentHashMap.newKeySet();
  private final Semaphore connections = new Semaphore(Limits.LANES + 1);
  private final Semaphore requests = new Semaphore(Limits.REQUESTS);
  private final CountDownLatch ended = new CountDownLatch(1);
  private final AtomicInteger numbers = new AtomicInteger();

  /** Lanes that run or look. */
  private final AtomicInteger busy = new AtomicInteger();

  private final Map<Integer, ServedModel> models = new ConcurrentHashMap<>();
  private final Map<Integer, Loading> loadings = new ConcurrentHashMap<>();
  private final AtomicReferenceArray<ServedBinding> bindings =
      new AtomicReferenceArray<>(Limits.BINDINGS);

  /** Guards what follows. */
  private final Object lock = new Object();

  private final Map<Accelerator, Message.Offer> offers = new LinkedHashMap<>();
  private final Map<Integer, ServedLane> lanes = new HashMap<>();
  private volatile @Nullable Gateway gateway;
  private boolean closed;

  /** The one gateway. */
  private record Gateway(ControlConnection control, CallPage page, boolean looks) {}

  /** A load that is asked for or goes on, to be interrupted. */
  private static final class Loading {
    private @Nullable Thread thread;
    private boolean cancelled;

    synchronized void cancel() {
      cancelled = true;
      if (thread != null) {
        thread.interrupt();
      }
    }

    synchronized void begin() {
      thread = Thread.currentThread();
      if (cancelled) {
        thread.interrupt();
      }
    }

    synchronized void end() {
      thread = null;
    }
  }

  private LinkServer(Path folder, LinkSecret secret, Runnable giveWay, ServerSocketChannel server) {
    this.folder = folder;
    this.secret = secret;
    this.giveWay = giveWay;
    this.server = server;
    this.acceptor = LinkThreads.start("shoji-link-accept", this::accept);
  }

  /**
   * Listens for its one gateway.
   *
   * @param socket where; its folder is the {@link LinkFolder} that the gateway made
   * @param secret by which gateway and worker know each other
   * @param giveWay run first on a thread that loads a model for a gateway's thread that gives way
   *     to others, so that it does so too
   * @throws IOException if it cannot listen there
   */
  public static LinkServer listen(Path socket, LinkSecret secret, Runnable giveWay)
      throws IOException {
    Path folder = socket.toAbsolutePath().getParent();
    if (folder == null) {
      throw new IOException("a socket lies in a folder socket=" + socket);
    }
    ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    boolean listens = false;
    try {
      server.bind(UnixDomainSocketAddress.of(socket));
      listens = true;
    } finally {
      if (!listens) {
        server.close();
      }
    }
    return new LinkServer(folder, secret, giveWay, server);
  }

  /**
   * Offers an accelerator, now or as soon as the gateway is there.
   *
   * @param properties of its service; what has a type that {@link LinkListener#arrived} does not
   *     name stays here
   */
  public void offer(Accelerator accelerator, Map<String, ?> properties) {
    Map<String, Object> taken = new HashMap<>();
    properties.forEach(
        (key, value) -> {
          if (WireWriter.takes(value) && !OF_FRAMEWORK.contains(key)) {
            taken.put(key, value);
          }
        });
    AcceleratorInfo info = accelerator.info();
    Message.Offer offer =
        new Message.Offer(
            numbers.incrementAndGet(),
            info.toBuilder().concurrency(withCrossing(info.concurrency())).build(),
            Map.copyOf(taken));
    synchronized (lock) {
      offers.put(accelerator, offer);
      tell(offer);
    }
  }

  /**
   * Runs worth having in flight over the link to a driver that has so many in flight: some more, so
   * that the next ones have crossed when one ends; else the device would wait for each crossing. A
   * driver that has one at a time is not sent a second: whoever measures a run there measures
   * nothing else.
   */
  private static int withCrossing(int concurrency) {
    return concurrency == 1 ? 1 : concurrency + Math.max(LEAST_CROSSING, concurrency / 2);
  }

  /**
   * Tells the gateway that an accelerator goes. Models on it stay usable as far as the driver lets
   * them.
   */
  public void withdraw(Accelerator accelerator) {
    synchronized (lock) {
      Message.Offer offer = offers.remove(accelerator);
      if (offer != null) {
        tell(new Message.Withdraw(offer.accelerator()));
      }
    }
  }

  /** Waits until the gateway has gone, or this was closed. */
  public void awaitEnd() throws InterruptedException {
    ended.await();
  }

  /**
   * Ends the link, closes every model, ends all its threads. Waits for calls that the drivers have
   * begun. Idempotent.
   */
  @Override
  public void close() {
    end();
    for (Integer number : List.copyOf(models.keySet())) {
      ServedModel model = models.remove(number);
      if (model != null) {
        closeModel(model);
      }
    }
    List<Thread> all = new ArrayList<>(threads);
    all.add(acceptor);
    LinkThreads.join(all, JOIN_NANOS);
    synchronized (lock) {
      if (gateway != null && !closed) {
        gateway.page().close();
      }
      closed = true;
    }
  }

  private static void closeModel(ServedModel model) {
    try {
      model.close();
    } catch (RuntimeException | Error e) {
      LOG.warn("a model could not be closed", e);
    }
  }

  private void end() {
    LinkThreads.closeQuietly(server);
    List<ServedLane> left;
    Gateway last;
    synchronized (lock) {
      left = new ArrayList<>(lanes.values());
      last = gateway;
    }
    if (last != null) {
      last.control().close();
    }
    left.forEach(ServedLane::close);
    loadings.values().forEach(Loading::cancel);
    ended.countDown();
  }

  private void accept() {
    while (server.isOpen()) {
      try {
        connections.acquire();
        SocketChannel channel = server.accept();
        start("shoji-link-connection", () -> serve(channel));
      } catch (IOException e) {
        connections.release();
        if (server.isOpen()) {
          // Descriptors are used up, as a rule: others may be given back.
          LOG.warn("a connection could not be accepted", e);
          LockSupport.parkNanos(PAUSE_NANOS);
        }
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private void start(String name, Runnable task) {
    Thread thread =
        LinkThreads.start(
            name,
            () -> {
              try {
                task.run();
              } finally {
                threads.remove(Thread.currentThread());
              }
            });
    threads.add(thread);
    if (!thread.isAlive()) {
      threads.remove(thread);
    }
  }

  private void serve(SocketChannel channel) {
    try (channel) {
      Peer.check(channel);
      Message first = Wire.decode(Frames.read(channel, System.nanoTime() + HELLO_NANOS));
      if (first instanceof Message.Hello hello) {
        serve(channel, hello);
      } else if (first instanceof Message.Lane lane) {
        serve(channel, lane);
      } else {
        throw new ProtocolException("not a first frame type=" + first.type());
      }
    } catch (IOException e) {
      LOG.debug("a connection is refused or has ended reason={}", e.toString());
    } finally {
      connections.release();
    }
  }

  private void refuse(SocketChannel channel, String reason) throws IOException {
    LOG.warn("a connection is refused: {}", reason);
    Frames.write(channel, Wire.encode(new Message.Refused(reason)));
  }

  private void serve(SocketChannel channel, Message.Hello hello) throws IOException {
    if (!LinkSecret.isSame(hello.proof(), secret.ofGateway())) {
      refuse(channel, "the gateway does not know this worker's secret");
      return;
    }
    if (hello.oldest() > Wire.VERSION || hello.newest() < Wire.VERSION) {
      refuse(
          channel,
          "no common version of the protocol oldest="
              + hello.oldest()
              + " newest="
              + hello.newest()
              + " worker="
              + Wire.VERSION);
      return;
    }
    CallPage page = new CallPage(SharedMemory.open(folder, hello.page(), CallPage.BYTES));
    ControlConnection control;
    synchronized (lock) {
      if (gateway != null || closed) {
        page.close();
        refuse(channel, "the worker has a gateway already, or ends");
        return;
      }
      Frames.write(
          channel,
          Wire.encode(
              new Message.Welcome(
                  Wire.VERSION,
                  hello.features() & Wire.FEATURES,
                  secret.ofWorker(),
                  ProcessHandle.current().pid())));
      control = new ControlConnection(channel, "shoji-link-write");
      gateway = new Gateway(control, page, (hello.features() & Wire.LOOKS) != 0);
      offers.values().forEach(this::tell);
    }
    control.read(
        new ControlConnection.Receiver() {
          @Override
          public void received(Message message) throws ProtocolException {
            LinkServer.this.received(message, control, page);
          }

          @Override
          public void ended(IOException why) {
            LOG.info("the gateway has gone reason={}", why.toString());
            end();
          }
        });
  }

  private void serve(SocketChannel channel, Message.Lane asked) throws IOException {
    if (!LinkSecret.isSame(asked.proof(), secret.ofGateway())) {
      refuse(channel, "the gateway does not know this worker's secret");
      return;
    }
    ServedLane lane;
    synchronized (lock) {
      if (gateway == null || closed || ended.getCount() == 0) {
        refuse(channel, "a lane belongs to a link");
        return;
      }
      lane = new ServedLane(asked.lane(), channel, bindings, gateway.page(), busy, gateway.looks());
      lanes.put(asked.lane(), lane);
    }
    Frames.write(channel, Wire.encode(new Message.LaneReady(asked.lane())));
    lane.serve();
  }

  /** Tells the gateway if there is one. The caller has the lock, or does not mind the order. */
  private void tell(Message message) {
    Gateway present = gateway;
    if (present == null) {
      return;
    }
    try {
      present.control().send(message);
    } catch (IOException e) {
      LOG.debug("the gateway cannot be told reason={}", e.toString());
    }
  }

  private void received(Message message, ControlConnection control, CallPage page)
      throws ProtocolException {
    if (message instanceof Message.Cancel cancel) {
      Loading loading = loadings.get(cancel.request());
      if (loading != null) {
        loading.cancel();
      }
      return;
    }
    if (!(message instanceof Message.Request request)) {
      throw new ProtocolException("not for a worker type=" + message.type());
    }
    if (!requests.tryAcquire()) {
      throw new ProtocolException("too many requests at once most=" + Limits.REQUESTS);
    }
    if (request instanceof Message.Ping) {
      answer(control, new Message.Done(request.request()));
      requests.release();
      return;
    }
    if (request instanceof Message.Load) {
      loadings.put(request.request(), new Loading());
    }
    start(
        "shoji-link-" + request.label(),
        () -> {
          int place = page.begin(request.request());
          Message answer;
          try {
            answer = handle(request);
          } catch (Exception | Error e) {
            LOG.debug("a request ends with an exception request={}", request.label(), e);
            answer = new Message.Failed(request.request(), Failure.of(e));
          } finally {
            loadings.remove(request.request());
            page.end(place);
            requests.release();
          }
          answer(control, answer);
        });
  }

  private static void answer(ControlConnection control, Message answer) {
    try {
      control.send(answer);
    } catch (ProtocolException e) {
      if (answer instanceof Message.Answer large) {
        answer(
            control,
            new Message.Failed(
                large.request(), Failure.of(AcceleratorException.Code.FAILED, e.toString())));
      }
    } catch (IOException e) {
      LOG.debug("an answer cannot be sent reason={}", e.toString());
    }
  }

  private Message handle(Message.Request request)
      throws AcceleratorException, InterruptedException, IOException {
    int number = request.request();
    if (request instanceof Message.Load load) {
      return load(load);
    } else if (request instanceof Message.Bind bind) {
      bind(bind);
    } else if (request instanceof Message.Unbind unbind) {
      ServedBinding binding = bindings.getAndSet(unbind.binding(), null);
      if (binding != null) {
        binding.model().close(binding);
      }
    } else if (request instanceof Message.Close close) {
      close(close.model());
    } else if (request instanceof Message.Health health) {
      return new Message.HealthIs(number, accelerator(health.accelerator()).health());
    } else if (request instanceof Message.Describe describe) {
      LoadedModel loaded = model(describe.model()).loaded();
      return new Message.ModelIs(number, loaded.memory(), loaded.details());
    } else if (request instanceof Message.Settle settle) {
      return settle(settle);
    } else if (request instanceof Message.Room room) {
      ServedBinding binding = bindings.get(room.binding());
      if (binding == null) {
        throw new IllegalStateException("the binding is closed");
      }
      binding.fetch(map(room.file(), room.bytes()));
    }
    return new Message.Done(number);
  }

  private SharedMemory map(String file, long bytes) throws AcceleratorException {
    try {
      return SharedMemory.open(folder, file, bytes);
    } catch (IOException | OutOfMemoryError e) {
      throw new AcceleratorException(
          AcceleratorException.Code.OUT_OF_MEMORY,
          "the worker cannot map the tensors' memory asked=" + bytes + " reason=" + e,
          e);
    }
  }

  private Accelerator accelerator(int number) {
    synchronized (lock) {
      for (Map.Entry<Accelerator, Message.Offer> offer : offers.entrySet()) {
        if (offer.getValue().accelerator() == number) {
          return offer.getKey();
        }
      }
    }
    throw new IllegalStateException("the accelerator has been unregistered");
  }

  private ServedModel model(int number) {
    ServedModel model = models.get(number);
    if (model == null) {
      throw new IllegalStateException("the model is closed");
    }
    return model;
  }

  private Message load(Message.Load asked) throws AcceleratorException, InterruptedException {
    Accelerator accelerator = accelerator(asked.accelerator());
    Loading loading = loadings.get(asked.request());
    if (loading == null) {
      throw new IllegalStateException("a load is known before it begins " + asked.artifact());
    }
    if (asked.givesWay()) {
      LinkThreads.giveWay();
      giveWay.run();
    }
    LoadedModel loaded;
    loading.begin();
    try {
      loaded =
          accelerator.load(
              asked.artifact(),
              LoadOptions.defaults()
                  .withBatchSize(asked.batchSize())
                  .withProgress(step -> tell(new Message.Progress(asked.request(), step))));
    } finally {
      loading.end();
    }
    int number = numbers.incrementAndGet();
    boolean kept = false;
    try {
      Message answer =
          new Message.Loaded(
              asked.request(),
              number,
              loaded.inputs(),
              loaded.outputs(),
              withCrossing(Math.max(1, loaded.concurrency())),
              loaded.memory(),
              loaded.details());
      models.put(number, new ServedModel(loaded));
      kept = true;
      return answer;
    } finally {
      if (!kept) {
        loaded.close();
      } else if (ended.getCount() == 0) {
        close(number);
      }
    }
  }

  private void close(int number) {
    ServedModel model = models.remove(number);
    if (model == null) {
      return;
    }
    for (int i = 0; i < bindings.length(); i++) {
      ServedBinding binding = bindings.get(i);
      if (binding != null && binding.model() == model) {
        bindings.compareAndSet(i, binding, null);
      }
    }
    model.close();
  }

  private void bind(Message.Bind asked) throws AcceleratorException {
    ServedModel model = model(asked.model());
    ServedBinding binding = ServedBinding.create(model, map(asked.file(), asked.bytes()), asked);
    if (!bindings.compareAndSet(asked.binding(), null, binding)) {
      binding.close();
      throw new IllegalStateException("the binding's number is taken binding=" + asked.binding());
    }
    try {
      model.add(binding);
    } catch (IllegalStateException e) {
      bindings.compareAndSet(asked.binding(), binding, null);
      throw e;
    }
  }

  private Message settle(Message.Settle asked) throws InterruptedException {
    ServedLane lane;
    synchronized (lock) {
      lane = lanes.get(asked.lane());
    }
    return new Message.Settled(
        asked.request(), lane == null ? ByteBuffer.allocate(0) : lane.settle());
  }
}
