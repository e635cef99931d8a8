/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cloud;

import java.io.FilterInputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.eclipse.paho.client.mqttv3.MqttAsyncClient;
import org.eclipse.paho.client.mqttv3.MqttConnectOptions;
import org.eclipse.paho.client.mqttv3.MqttException;
import org.eclipse.paho.client.mqttv3.internal.NetworkModule;
import org.eclipse.paho.client.mqttv3.persist.MemoryPersistence;

/**
 * Paho's client, which leaves no thread behind when a connection ends before it has begun.
 *
 * <p>Paho 1.2.5 starts its threads one after the other before it sends CONNECT, and looks every 100
 * ms whether each runs ({@code CommsReceiver.start}, {@code CommsSender.start}, {@code
 * CommsCallback.start}). If the broker, or a load balancer without one, ends the connection in that
 * time, or the client is closed, the thread has run and ended already, and its starter waits for it
 * for ever: a thread lost at each attempt to connect. Here the end of a connection is told to Paho
 * only after CONNECT has been written, and a client is closed only then.
 *
 * <p>Messages under way are kept in memory. Thread safe, as Paho's client is.
 */
public final class BrokerClient extends MqttAsyncClient {
  /** Paho's steps take 300 ms at most, and longer on a machine that is out of time. */
  private static final long SETTLE_NANOS = TimeUnit.SECONDS.toNanos(10);

  private final List<Connection> connections = new CopyOnWriteArrayList<>();

  /**
   * A client that is not connected yet.
   *
   * @param serverUri as {@link BrokerSettings#serverUri}
   * @param clientId under which the broker knows it
   * @throws MqttException if Paho cannot use either
   */
  public BrokerClient(String serverUri, String clientId) throws MqttException {
    super(serverUri, clientId, new MemoryPersistence());
  }

  @Override
  protected NetworkModule[] createNetworkModules(String address, MqttConnectOptions options)
      throws MqttException {
    NetworkModule[] modules = super.createNetworkModules(address, options);
    connections.clear();
    for (int i = 0; i < modules.length; i++) {
      Connection connection = new Connection(modules[i]);
      connections.add(connection);
      modules[i] = connection;
    }
    return modules;
  }

  @Override
  public void disconnectForcibly(long quiesceTimeout, long disconnectTimeout) throws MqttException {
    abandon();
    super.disconnectForcibly(quiesceTimeout, disconnectTimeout);
  }

  @Override
  public void disconnectForcibly(
      long quiesceTimeout, long disconnectTimeout, boolean sendDisconnectPacket)
      throws MqttException {
    abandon();
    super.disconnectForcibly(quiesceTimeout, disconnectTimeout, sendDisconnectPacket);
  }

  @Override
  public void close(boolean force) throws MqttException {
    abandon();
    super.close(force);
  }

  private void abandon() {
    connections.forEach(Connection::abandon);
  }

  private enum State {
    /** Not begun, or begun and given up. */
    IDLE,
    /** The socket is being connected, or the handshake under way. */
    CONNECTING,
    /** Paho starts its threads; CONNECT is not written. */
    STARTING,
    /** CONNECT is written: Paho notices what happens by itself. */
    SETTLED
  }

  /** A connection that does not end between its socket's connecting and CONNECT. */
  private static final class Connection implements NetworkModule {
    private final NetworkModule module;
    private final Object lock = new Object();
    private State state = State.IDLE;
    private boolean abandoned;

    Connection(NetworkModule module) {
      this.module = module;
    }

    @Override
    public void start() throws IOException, MqttException {
      synchronized (lock) {
        checkWanted();
        state = State.CONNECTING;
      }
      boolean connected = false;
      try {
        module.start();
        synchronized (lock) {
          checkWanted();
          state = State.STARTING;
        }
        connected = true;
      } finally {
        if (!connected) {
          synchronized (lock) {
            state = State.IDLE;
          }
          module.stop();
        }
      }
    }

    private void checkWanted() throws IOException {
      if (abandoned) {
        throw new IOException("the client was closed while it connected to " + getServerURI());
      }
    }

    /** From here on it does not begin; returns when it may be ended. */
    void abandon() {
      synchronized (lock) {
        abandoned = true;
        awaitSettled();
      }
    }

    private void awaitSettled() {
      long end = System.nanoTime() + SETTLE_NANOS;
      boolean interrupted = false;
      synchronized (lock) {
        while (state == State.STARTING) {
          long left = TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
          if (left <= 0) {
            break;
          }
          try {
            lock.wait(left);
          } catch (InterruptedException e) {
            interrupted = true;
          }
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }

    private void settled() {
      synchronized (lock) {
        if (state == State.STARTING) {
          state = State.SETTLED;
          lock.notifyAll();
        }
      }
    }

    @Override
    public InputStream getInputStream() throws IOException {
      return new Input(module.getInputStream());
    }

    @Override
    public OutputStream getOutputStream() throws IOException {
      return new Output(module.getOutputStream());
    }

    @Override
    public void stop() throws IOException {
      settled();
      module.stop();
    }

    @Override
    public String getServerURI() {
      return module.getServerURI();
    }

    /** Tells the end of what comes only when Paho can bear it. */
    private final class Input extends FilterInputStream {
      Input(InputStream in) {
        super(in);
      }

      @Override
      public int read() throws IOException {
        try {
          int value = in.read();
          if (value < 0) {
            awaitSettled();
          }
          return value;
        } catch (IOException e) {
          awaitSettled();
          throw e;
        }
      }

      @Override
      public int read(byte[] buffer, int offset, int length) throws IOException {
        try {
          int count = in.read(buffer, offset, length);
          if (count < 0) {
            awaitSettled();
          }
          return count;
        } catch (IOException e) {
          awaitSettled();
          throw e;
        }
      }

      @Override
      public int available() throws IOException {
        try {
          return in.available();
        } catch (IOException e) {
          awaitSettled();
          throw e;
        }
      }
    }

    /** Sees that CONNECT, the first that Paho writes, is under way. */
    private final class Output extends FilterOutputStream {
      Output(OutputStream out) {
        super(out);
      }

      @Override
      public void write(int value) throws IOException {
        settled();
        out.write(value);
      }

      @Override
      public void write(byte[] buffer, int offset, int length) throws IOException {
        settled();
        out.write(buffer, offset, length);
      }

      @Override
      public void flush() throws IOException {
        settled();
        out.flush();
      }
    }
  }
}
