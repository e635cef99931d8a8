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
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.driver.DeadlineWatchdog;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The gateway's side of a link: a worker's accelerators as accelerators of its own. Thread safe.
 *
 * <p>When the link ends, every call that is in flight ends at once with DEVICE_LOST, and every
 * later one too.
 */
public final class LinkClient implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(LinkClient.class);
  private static final AtomicInteger LINKS = new AtomicInteger();
  private static final long LANE_NANOS = TimeUnit.SECONDS.toNanos(10);
  private static final long JOIN_NANOS = TimeUnit.SECONDS.toNanos(5);
  private static final long CONNECT_PAUSE_MILLIS = 2;
  private static final long NEVER = Long.MAX_VALUE >> 1;

  private final Path folder;
  private final Path socket;
  private final LinkSecret secret;
  private final LinkOptions options;
  private final LinkListener listener;
  private final String label = "shoji-link-" + LINKS.incrementAndGet();
  private final CallPage page;
  private final long hangMarginNanos;
  private final boolean looks;

  /** Runs that are under way. */
  private final AtomicInteger running = new AtomicInteger();

  private final long workerPid;
  private final ControlConnection control;
  private final DeadlineWatchdog watchdog = new DeadlineWatchdog(label + "-watch", 0);
  private final Thread reader;
  private final Thread teller;

  /** What the listener is to be told. Its lock is held while a loss is noted. */
  private final LinkedBlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();

  /** Told at the very end, by the same thread as all else. */
  private final Runnable last = this::tellLoss;

  private final AtomicInteger requests = new AtomicInteger();
  private final AtomicLong files = new AtomicLong();
  private final Semaphore requestPlaces = new Semaphore(Limits.REQUESTS);
  private final Map<Integer, Exchange> exchanges = new ConcurrentHashMap<>();

  /** Guards what follows. */
  private final Object lock = new Object();

  private final Map<Integer, RemoteAccelerator> accelerators = new LinkedHashMap<>();
  private final BitSet bindings = new BitSet(Limits.BINDINGS);
  private boolean pageClosed;

  private volatile @Nullable LinkLoss loss;
  private final CountDownLatch ended = new CountDownLatch(1);

  private final LanePool lanes;

  private LinkClient(
      LinkFolder folder,
      LinkSecret secret,
      LinkOptions options,
      LinkListener listener,
      SocketChannel channel,
      Message.Welcome welcome,
      CallPage page) {
    this.folder = folder.path();
    this.socket = folder.socket();
    this.secret = secret;
    this.options = options;
    this.listener = listener;
    this.page = page;
    this.hangMarginNanos = options.hangMargin().toNanos();
    this.looks = (welcome.features() & Wire.LOOKS) != 0;
    this.workerPid = welcome.pid();
    this.lanes = new LanePool(this, options.lanes());
    this.control = new ControlConnection(channel, label + "-write");
    this.teller = LinkThreads.start(label + "-tell", this::tell);
    this.reader = LinkThreads.start(label + "-read", this::read);
  }

  /**
   * Connects to a worker, waiting for it to listen.
   *
   * @param patience how long to wait until it listens and says who it is
   * @param listener told of accelerators and of the end
   * @throws IOException if nobody listens in time, or it is not the worker, or it speaks another
   *     version of the protocol
   * @throws InterruptedException if the thread was interrupted; nothing stays
   */
  public static LinkClient connect(
      LinkFolder folder,
      LinkSecret secret,
      Duration patience,
      LinkOptions options,
      LinkListener listener)
      throws IOException, InterruptedException {
    long deadline = System.nanoTime() + patience.toNanos();
    SharedMemory memory;
    try {
      memory = SharedMemory.create(folder.path(), "calls", CallPage.BYTES);
    } catch (AcceleratorException e) {
      throw new IOException(e.getMessage(), e);
    }
    CallPage page = new CallPage(memory);
    @Nullable SocketChannel channel = null;
    boolean connected = false;
    try {
      channel = connect(folder.socket(), deadline, () -> false);
      Peer.check(channel);
      Frames.write(
          channel,
          Wire.encode(
              new Message.Hello(
                  Wire.VERSION,
                  Wire.VERSION,
                  options.spin() ? Wire.LOOKS : 0,
                  secret.ofGateway(),
                  memory.name())));
      Message answer = Wire.decode(Frames.read(channel, deadline));
      if (!(answer instanceof Message.Welcome welcome)) {
        throw new IOException("the worker refuses the link: " + answer);
      }
      if (!LinkSecret.isSame(welcome.proof(), secret.ofWorker())) {
        throw new IOException("who listens there is not the worker socket=" + folder.socket());
      }
      if (welcome.version() != Wire.VERSION) {
        throw new IOException(
            "the worker speaks another version of the protocol asked="
                + Wire.VERSION
                + " found="
                + welcome.version());
      }
      LinkClient client = new LinkClient(folder, secret, options, listener, channel, welcome, page);
      connected = true;
      return client;
    } catch (ClosedByInterruptException e) {
      throw interrupted(e);
    } finally {
      memory.unlink();
      if (!connected) {
        page.close();
        if (channel != null) {
          LinkThreads.closeQuietly(channel);
        }
      }
    }
  }

  private static InterruptedException interrupted(IOException e) {
    Thread.interrupted();
    InterruptedException interrupted = new InterruptedException("connecting was interrupted");
    interrupted.initCause(e);
    return interrupted;
  }

  private static SocketChannel connect(Path socket, long deadlineNanos, BooleanSupplier givenUp)
      throws IOException, InterruptedException {
    while (true) {
      SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
      boolean connected = false;
      try {
        channel.connect(UnixDomainSocketAddress.of(socket));
        connected = true;
        return channel;
      } catch (ClosedByInterruptException e) {
        throw interrupted(e);
      } catch (IOException e) {
        if (deadlineNanos - System.nanoTime() <= 0 || givenUp.getAsBoolean()) {
          throw new IOException("nobody listens socket=" + socket + " reason=" + e, e);
        }
      } finally {
        if (!connected) {
          channel.close();
        }
      }
      Thread.sleep(CONNECT_PAUSE_MILLIS);
    }
  }

  /** Process number of the worker, in its own pid namespace, as it says. */
  public long workerPid() {
    return workerPid;
  }

  /** Accelerators that the worker offers now. */
  public List<Accelerator> accelerators() {
    synchronized (lock) {
      return List.copyOf(accelerators.values());
    }
  }

  /** What the worker is about now; once the link is lost, what it was about then. */
  public List<CallRecord> calls() {
    LinkLoss lost = loss;
    return lost != null ? lost.calls() : snapshot();
  }

  /**
   * Asks the worker for a sign of life.
   *
   * @return how long that took, nanoseconds
   * @throws IOException if the link is lost, or there is none in time, which does not end the link
   */
  public long ping(Duration patience) throws IOException, InterruptedException {
    long start = System.nanoTime();
    int number = requests.incrementAndGet();
    Message.Answer answer =
        ask(new Message.Ping(number), "", "", step -> {}, start + patience.toNanos());
    if (answer == null) {
      throw new IOException("no sign of life from the worker patience=" + patience);
    }
    return System.nanoTime() - start;
  }

  /**
   * Ends the link; calls in flight end with DEVICE_LOST. Idempotent. The folder stays its owner's.
   */
  @Override
  public void close() {
    AcceleratorException unused = lost(LinkLoss.Reason.CLOSED, "the gateway closed it");
    LinkThreads.join(List.of(reader, teller), JOIN_NANOS);
    synchronized (lock) {
      if (!pageClosed) {
        pageClosed = true;
        page.close();
      }
    }
  }

  long hangMarginNanos() {
    return hangMarginNanos;
  }

  /** Whether callers and the worker look at shared memory before they sleep. */
  boolean looks() {
    return looks;
  }

  /** How many runs are under way. */
  AtomicInteger running() {
    return running;
  }

  /** What the worker notes. To be read by whoever has a call in flight. */
  CallPage page() {
    return page;
  }

  LinkOptions options() {
    return options;
  }

  DeadlineWatchdog watchdog() {
    return watchdog;
  }

  LanePool lanes() {
    return lanes;
  }

  boolean isLost() {
    return loss != null;
  }

  /** The next number for a request. */
  int number() {
    return requests.incrementAndGet();
  }

  /** New shared memory in the link's folder. */
  SharedMemory memory(long bytes) throws AcceleratorException {
    checkAlive();
    return SharedMemory.create(folder, "tensors-" + files.incrementAndGet(), bytes);
  }

  /** A number for a binding. */
  int takeBinding() throws AcceleratorException {
    synchronized (lock) {
      int number = bindings.nextClearBit(0);
      if (number >= Limits.BINDINGS) {
        throw new AcceleratorException(
            Code.OUT_OF_MEMORY,
            "too many bindings are open in one worker, close some most=" + Limits.BINDINGS);
      }
      bindings.set(number);
      return number;
    }
  }

  /** Gives a binding's number back once the worker has closed it. */
  void giveBinding(int number) {
    synchronized (lock) {
      bindings.clear(number);
    }
  }

  /** Waits so long, or until the link is lost, or the thread is interrupted. */
  void awaitLoss(long nanos) {
    try {
      boolean unused = ended.await(nanos, TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Throws DEVICE_LOST if the link is lost. */
  void checkAlive() throws AcceleratorException {
    LinkLoss lost = loss;
    if (lost != null) {
      throw deviceLost(lost);
    }
  }

  private AcceleratorException deviceLost(LinkLoss lost) {
    return new AcceleratorException(
        Code.DEVICE_LOST,
        "the worker process of the driver "
            + switch (lost.reason()) {
              case DIED -> "has died";
              case HUNG -> "hung and was given up";
              case PROTOCOL -> "does not keep to the protocol and was given up";
              case CLOSED -> "was let go";
            }
            + "; close the model and load it elsewhere, or again when the worker is back: "
            + lost.message()
            + " pid="
            + workerPid);
  }

  /** Asks and waits; null if there is no answer in time or the link is lost. */
  private Message.@Nullable Answer ask(
      Message.Request request,
      String subject,
      String subjectSha256,
      Consumer<String> progress,
      long deadlineNanos)
      throws IOException, InterruptedException {
    Exchange exchange = send(request, subject, subjectSha256);
    try {
      return exchange.await(progress, deadlineNanos);
    } finally {
      forget(exchange);
    }
  }

  private Exchange send(Message.Request request, String subject, String subjectSha256)
      throws IOException {
    requestPlaces.acquireUninterruptibly();
    Exchange exchange = new Exchange(request, subject, subjectSha256);
    exchanges.put(request.request(), exchange);
    boolean sent = false;
    try {
      if (loss != null) {
        exchange.end();
      } else {
        control.send(request);
      }
      sent = true;
      return exchange;
    } finally {
      if (!sent) {
        forget(exchange);
      }
    }
  }

  private void forget(Exchange exchange) {
    exchanges.remove(exchange.request().request());
    requestPlaces.release();
  }

  /**
   * Asks and waits as long as the options say, whatever interrupts.
   *
   * @throws AcceleratorException what the driver threw; or DEVICE_LOST
   */
  Message.Answer request(Message.Request request, RemoteModel model) throws AcceleratorException {
    return request(request, model.name(), model.sha256());
  }

  /**
   * The same for a run: what has no answer some time after the run's deadline hangs, as the run
   * would.
   *
   * @param deadlineNanos value of {@link System#nanoTime}
   */
  Message.Answer request(Message.Request request, RemoteModel model, long deadlineNanos)
      throws AcceleratorException {
    long runNanos = deadlineNanos - System.nanoTime() + hangMarginNanos();
    return request(
        request,
        model.name(),
        model.sha256(),
        Math.min(runNanos, options.requestPatience().toNanos()));
  }

  /** As above, for what is not about a model. */
  Message.Answer request(Message.Request request, String subject, String sha256)
      throws AcceleratorException {
    return request(request, subject, sha256, options.requestPatience().toNanos());
  }

  private Message.Answer request(
      Message.Request request, String subject, String sha256, long patienceNanos)
      throws AcceleratorException {
    boolean interrupted = false;
    long deadline = System.nanoTime() + patienceNanos;
    Exchange exchange = sendOrFail(request, subject, sha256);
    try {
      while (true) {
        try {
          Message.Answer answer = exchange.await(step -> {}, deadline);
          if (answer == null) {
            throw lost(LinkLoss.Reason.HUNG, "a request has no answer request=" + request.label());
          }
          if (answer instanceof Message.Failed failed) {
            throw failed.failure().thrownByRun();
          }
          return answer;
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      forget(exchange);
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private Exchange sendOrFail(Message.Request request, String subject, String sha256)
      throws AcceleratorException {
    checkAlive();
    try {
      return send(request, subject, sha256);
    } catch (ProtocolException e) {
      throw new AcceleratorException(
          Code.FAILED, "the request does not fit the link " + subject + " reason=" + e, e);
    } catch (IOException e) {
      throw lost(LinkLoss.Reason.DIED, "a request cannot be sent: " + e.getMessage());
    }
  }

  /**
   * Loads a model, and has the worker give up if the thread is interrupted. One that does not give
   * up within the margin hangs, and the link with it: whoever loads waits no more, and nothing but
   * the process's end gives back what the load holds.
   */
  Message.Loaded load(Message.Load request, Consumer<String> progress)
      throws AcceleratorException, InterruptedException {
    Exchange exchange =
        sendOrFail(request, request.artifact().toString(), request.artifact().sha256());
    boolean cancelled = false;
    long deadline = System.nanoTime() + NEVER;
    try {
      while (true) {
        Message.Answer answer;
        try {
          answer = exchange.await(progress, deadline);
        } catch (InterruptedException e) {
          if (!cancelled) {
            cancelled = true;
            deadline = System.nanoTime() + options.loadMargin().toNanos();
            control.send(new Message.Cancel(request.request()));
          }
          continue;
        }
        if (answer == null) {
          throw cancelled
              ? lost(
                  LinkLoss.Reason.HUNG,
                  "a load was given up and does not come back model="
                      + request.artifact()
                      + " waitedMs="
                      + options.loadMargin().toMillis())
              : lost(LinkLoss.Reason.DIED, "a load has no answer");
        }
        if (answer instanceof Message.Failed failed) {
          throw failed.failure().thrown();
        }
        if (!(answer instanceof Message.Loaded loaded)) {
          throw lost(LinkLoss.Reason.PROTOCOL, "not an answer to a load");
        }
        if (cancelled) {
          // It was ready before the worker heard of the interrupt.
          Message.Answer unused = request(new Message.Close(number(), loaded.model()), "", "");
          throw new InterruptedException("the load was interrupted");
        }
        return loaded;
      }
    } catch (IOException e) {
      throw lost(LinkLoss.Reason.DIED, "a load cannot be given up: " + e.getMessage());
    } finally {
      forget(exchange);
    }
  }

  /** What the last run on a lane came to, after its connection was lost; null if none ran there. */
  LaneWire.@Nullable Reply settle(int lane) throws AcceleratorException, ProtocolException {
    Message.Answer answer = request(new Message.Settle(number(), lane), "lane " + lane, "");
    if (!(answer instanceof Message.Settled settled)) {
      throw new ProtocolException("not an answer to what became of a run");
    }
    return !settled.reply().hasRemaining()
        ? null
        : LaneWire.decodeReply(settled.reply().duplicate());
  }

  /** Connects a lane, on the calling thread. */
  SocketChannel openLane(int lane) throws IOException, InterruptedException {
    long deadline = System.nanoTime() + LANE_NANOS;
    SocketChannel channel = connect(socket, deadline, this::isLost);
    boolean open = false;
    try {
      Peer.check(channel);
      Frames.write(channel, Wire.encode(new Message.Lane(secret.ofGateway(), lane)));
      Message answer = Wire.decode(Frames.read(channel, deadline));
      if (!(answer instanceof Message.LaneReady ready) || ready.lane() != lane) {
        throw new IOException("the worker refuses a lane: " + answer);
      }
      open = true;
      return channel;
    } finally {
      if (!open) {
        channel.close();
      }
    }
  }

  /** Connects a lane on a thread that nobody interrupts. */
  void open(ClientLane lane) throws IOException {
    AtomicReference<@Nullable IOException> failure = new AtomicReference<>();
    Thread thread =
        LinkThreads.start(
            label + "-open",
            () -> {
              try {
                lane.connect();
              } catch (IOException e) {
                failure.set(e);
              } catch (InterruptedException e) {
                failure.set(new IOException("interrupted", e));
              }
            });
    LinkThreads.join(List.of(thread), NEVER);
    IOException failed = failure.get();
    if (failed != null) {
      throw failed;
    }
    if (loss != null) {
      lane.close();
    }
  }

  private void read() {
    control.read(
        new ControlConnection.Receiver() {
          @Override
          public void received(Message message) throws ProtocolException {
            LinkClient.this.received(message);
          }

          @Override
          public void ended(IOException why) {
            AcceleratorException unused =
                lost(
                    why instanceof ProtocolException
                        ? LinkLoss.Reason.PROTOCOL
                        : LinkLoss.Reason.DIED,
                    "its end of the link is closed: " + why.getMessage());
          }
        });
  }

  private void received(Message message) throws ProtocolException {
    if (message instanceof Message.Answer answer) {
      Exchange exchange = exchanges.get(answer.request());
      if (exchange != null) {
        exchange.take(answer);
      }
    } else if (message instanceof Message.Offer offer) {
      RemoteAccelerator accelerator =
          new RemoteAccelerator(this, offer.accelerator(), offer.info());
      synchronized (lock) {
        if (accelerators.size() >= Limits.ENTRIES) {
          throw new ProtocolException("too many accelerators most=" + Limits.ENTRIES);
        }
        if (accelerators.putIfAbsent(offer.accelerator(), accelerator) != null) {
          throw new ProtocolException("an accelerator's number is taken");
        }
      }
      tasks.add(() -> listener.arrived(accelerator, offer.properties()));
    } else if (message instanceof Message.Withdraw withdraw) {
      RemoteAccelerator accelerator;
      synchronized (lock) {
        accelerator = accelerators.remove(withdraw.accelerator());
      }
      if (accelerator != null) {
        accelerator.leave();
        tasks.add(() -> listener.left(accelerator));
      }
    } else {
      throw new ProtocolException("not for a gateway type=" + message.type());
    }
  }

  private void tell() {
    try {
      while (true) {
        Runnable task = tasks.take();
        try {
          task.run();
        } catch (RuntimeException | Error e) {
          LOG.error("a listener of a link failed", e);
        }
        if (task == last) {
          return;
        }
      }
    } catch (InterruptedException e) {
      LOG.debug("the listener of a link is told no more", e);
    }
  }

  private void tellLoss() {
    List<RemoteAccelerator> left;
    synchronized (lock) {
      left = new ArrayList<>(accelerators.values());
      accelerators.clear();
    }
    for (RemoteAccelerator accelerator : left) {
      accelerator.leave();
      try {
        listener.left(accelerator);
      } catch (RuntimeException | Error e) {
        LOG.error("a listener of a link failed", e);
      }
    }
    LinkLoss lost = loss;
    if (lost != null) {
      listener.lost(lost);
    }
  }

  /**
   * Ends the link, once: notes what was going on, then ends every call.
   *
   * @return what a caller is told of it
   */
  AcceleratorException lost(LinkLoss.Reason reason, String message) {
    LinkLoss lost;
    synchronized (tasks) {
      LinkLoss before = loss;
      if (before != null) {
        return deviceLost(before);
      }
      // Calls that the end of a connection wakes wait here, so that their inputs can be read.
      lost = new LinkLoss(reason, message, snapshot());
      loss = lost;
    }
    ended.countDown();
    control.close();
    lanes.close();
    exchanges.values().forEach(Exchange::end);
    tasks.add(last);
    // The thread that watches may be the one that found this.
    LinkThreads.start(label + "-end", watchdog::close);
    return deviceLost(lost);
  }

  private List<CallRecord> snapshot() {
    List<CallRecord> calls = new ArrayList<>();
    synchronized (lock) {
      if (pageClosed) {
        return calls;
      }
      for (ClientLane lane : lanes.all()) {
        CallRecord call = lane.record(page);
        if (call != null) {
          calls.add(call);
        }
      }
      for (Exchange exchange : exchanges.values()) {
        calls.add(exchange.record(page));
      }
    }
    calls.sort(Comparator.comparing(call -> !call.begun()));
    return calls;
  }
}
