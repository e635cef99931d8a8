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

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.accelerator.Accelerator;
import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.testkit.Artifacts;
import io.shoji.testkit.Eventually;
import io.shoji.testkit.ProcessFigures;
import io.shoji.testkit.Proof;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Frames that are not of the protocol, to ends that run: each ends its own connection or link, and
 * nothing else; no thread, descriptor or file stays.
 */
@Timeout(value = 120, unit = TimeUnit.MINUTES)
class LiveAttackTest {
  private static final int ROUNDS = Proof.rounds(150, 50_000);
  private static final long SECOND = 1_000_000_000L;
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  @TempDir private Path folder;
  private final Random random = new Random(11);

  /** Waits for accelerators and for the end. */
  private static final class Ear implements LinkListener {
    private final LinkedBlockingQueue<Accelerator> arrivals = new LinkedBlockingQueue<>();
    private final CountDownLatch ended = new CountDownLatch(1);

    @Override
    public void arrived(Accelerator accelerator, Map<String, Object> properties) {
      arrivals.add(accelerator);
    }

    @Override
    public void left(Accelerator accelerator) {
      arrivals.remove(accelerator);
    }

    @Override
    public void lost(LinkLoss loss) {
      ended.countDown();
    }

    void awaitEnd() throws InterruptedException {
      assertThat(ended.await(PATIENCE.toSeconds(), TimeUnit.SECONDS)).as("the link ends").isTrue();
    }

    Accelerator accelerator() throws InterruptedException {
      Accelerator found = arrivals.poll(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      if (found == null) {
        throw new AssertionError("no accelerator");
      }
      return found;
    }
  }

  /** Frames that are right but for some of their bytes, with their lengths, which may lie too. */
  private ByteBuffer wrong(List<byte[]> right) {
    ByteBuffer stream = ByteBuffer.allocate(1 << 17).order(ByteOrder.LITTLE_ENDIAN);
    for (int frames = 1 + random.nextInt(4); frames > 0; frames--) {
      byte[] body = right.get(random.nextInt(right.size())).clone();
      for (int change = random.nextInt(4); change > 0; change--) {
        int at = random.nextInt(body.length);
        body[at] =
            (byte)
                switch (random.nextInt(3)) {
                  case 0 -> random.nextInt(256);
                  case 1 -> body[at] ^ (1 << random.nextInt(8));
                  default -> 0xff;
                };
      }
      int length =
          switch (random.nextInt(8)) {
            case 0 -> random.nextInt();
            case 1 -> body.length + random.nextInt(9) - 4;
            default -> body.length;
          };
      if (stream.remaining() < Integer.BYTES + body.length) {
        break;
      }
      stream.putInt(length).put(body);
    }
    return stream.flip();
  }

  /**
   * Sends as much as the other end takes, which may have enough at any time; whether it was all.
   */
  private static boolean send(SocketChannel channel, ByteBuffer bytes) {
    try {
      while (bytes.hasRemaining()) {
        channel.write(bytes);
      }
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private static SocketChannel connect(LinkFolder place) throws IOException {
    return SocketChannel.open(UnixDomainSocketAddress.of(place.socket()));
  }

  private static long in(long nanos) {
    return System.nanoTime() + nanos;
  }

  @Test
  void shouldEndTheLinkWhenAGatewaySendsWhatIsNotOfTheProtocol() throws Exception {
    List<byte[]> right = Samples.frames(Samples.toWorker());
    int descriptors = ProcessFigures.descriptors();
    for (int round = 0; round < ROUNDS; round++) {
      LinkSecret secret = LinkSecret.random();
      try (LinkFolder place = LinkFolder.create(LinkFolder.defaultBase());
          LinkServer server = LinkServer.listen(place.socket(), secret, () -> {})) {
        server.offer(new TinyAccelerator(), Map.of("round", round));
        SharedMemory page = SharedMemory.create(place.path(), "calls", CallPage.BYTES);
        try (SocketChannel channel = connect(place)) {
          send(
              channel,
              Wire.encode(
                  new Message.Hello(
                      Wire.VERSION, Wire.VERSION, 0, secret.ofGateway(), page.name())));
          assertThat(Wire.decode(Frames.read(channel, in(30 * SECOND))))
              .isInstanceOf(Message.Welcome.class);
          send(channel, wrong(right));
        } finally {
          page.unlink();
          page.release();
        }
        Thread waiting = new Thread(() -> awaitEnd(server));
        waiting.start();
        waiting.join(PATIENCE.toMillis());
        assertThat(waiting.isAlive()).as("the link goes on").isFalse();
      }
    }
    assertNothingIsLeft(descriptors);
  }

  @Test
  void shouldEndALaneWhoseRunInTheCallPageIsNotOfTheProtocol() throws Exception {
    LinkSecret secret = LinkSecret.random();
    try (LinkFolder place = LinkFolder.create(LinkFolder.defaultBase());
        LinkServer server = LinkServer.listen(place.socket(), secret, () -> {});
        SocketChannel control = connect(place)) {
      SharedMemory memory = SharedMemory.create(place.path(), "calls", CallPage.BYTES);
      CallPage page = new CallPage(memory);
      send(
          control,
          Wire.encode(
              new Message.Hello(
                  Wire.VERSION, Wire.VERSION, Wire.LOOKS, secret.ofGateway(), memory.name())));
      assertThat(Wire.decode(Frames.read(control, in(30 * SECOND))))
          .isInstanceOf(Message.Welcome.class);
      try (SocketChannel lane = connect(place)) {
        send(lane, Wire.encode(new Message.Lane(secret.ofGateway(), 0)));
        assertThat(Wire.decode(Frames.read(lane, in(30 * SECOND))))
            .isInstanceOf(Message.LaneReady.class);
        ByteBuffer run = LaneWire.buffer();
        long sequence = 0;
        do {
          sequence++;
          page.lookForReply(0, sequence);
          LaneWire.run(run, 7, sequence, SECOND);
          assertThat(send(lane, run)).isTrue();
          while (!page.isReplyThere(0, sequence)) {
            Thread.onSpinWait();
          }
          LaneWire.Reply reply = LaneWire.decodeReply(Frames.read(lane, in(30 * SECOND)));
          assertThat(reply.failure()).as("there is no such binding").isNotNull();
        } while (!page.giveRun(0, sequence + 1, Limits.BINDINGS, SECOND));

        assertThatThrownBy(() -> Frames.read(lane, in(30 * SECOND)))
            .isInstanceOf(IOException.class);
      }
      send(control, Wire.encode(new Message.Ping(1)));
      assertThat(Wire.decode(Frames.read(control, in(30 * SECOND))))
          .isInstanceOf(Message.Done.class);
      page.close();
    }
  }

  private static void awaitEnd(LinkServer server) {
    try {
      server.awaitEnd();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void shouldAnswerOthersWhenConnectionsSendWhatIsNotOfTheProtocol() throws Exception {
    List<byte[]> first = Samples.frames(Samples.toWorker());
    List<byte[]> replies = Samples.replyFrames();
    int descriptors = ProcessFigures.descriptors();
    LinkSecret secret = LinkSecret.random();
    Ear ear = new Ear();
    try (LinkFolder place = LinkFolder.create(LinkFolder.defaultBase());
        LinkServer server = LinkServer.listen(place.socket(), secret, () -> {})) {
      server.offer(new TinyAccelerator(), Map.of());
      try (LinkClient client =
          LinkClient.connect(place, secret, PATIENCE, LinkOptions.defaults(), ear)) {
        LoadedModel model =
            ear.accelerator()
                .load(
                    new Artifacts(folder, TinyAccelerator.FORMAT).of("plain", new byte[] {1}),
                    LoadOptions.defaults());
        for (int round = 0; round < ROUNDS; round++) {
          try (SocketChannel channel = connect(place)) {
            if (round % 2 == 0) {
              // Far from the numbers that the client takes.
              int lane = 48 + random.nextInt(16);
              send(channel, Wire.encode(new Message.Lane(secret.ofGateway(), lane)));
              ByteBuffer run = LaneWire.buffer();
              LaneWire.run(run, 4_000 + random.nextInt(96), 1, SECOND);
              byte[] body = new byte[LaneWire.RUN_BYTES];
              run.get(Integer.BYTES, body);
              send(channel, wrong(round % 4 == 0 ? List.of(body) : replies));
            } else {
              send(channel, wrong(first));
            }
          }
          Tensor input = Tensor.ofFloats(Shape.of(1, 4), round, 0, 0, 0);
          assertThat(model.run(List.of(input), in(30 * SECOND)).get(0).getFloat(0))
              .isEqualTo(-round);
        }
        model.close();
      }
      ear.awaitEnd();
    }
    assertNothingIsLeft(descriptors);
  }

  @Test
  void shouldEndTheLinkWhenAWorkerSendsWhatIsNotOfTheProtocol() throws Exception {
    List<byte[]> right = Samples.frames(Samples.toGateway());
    byte[] offer = Samples.frames(List.of(Samples.toGateway().get(3))).get(0);
    int descriptors = ProcessFigures.descriptors();
    for (int round = 0; round < ROUNDS; round++) {
      LinkSecret secret = LinkSecret.random();
      Ear ear = new Ear();
      try (LinkFolder place = LinkFolder.create(LinkFolder.defaultBase());
          ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
        server.bind(UnixDomainSocketAddress.of(place.socket()));
        Thread worker = new Thread(() -> lie(server, secret, offer, right));
        worker.start();
        try (LinkClient client =
            LinkClient.connect(place, secret, PATIENCE, LinkOptions.defaults(), ear)) {
          Accelerator accelerator = ear.accelerator();
          assertThatThrownBy(
                  () ->
                      accelerator.load(
                          new Artifacts(folder, TinyAccelerator.FORMAT).of("plain", new byte[] {1}),
                          LoadOptions.defaults()))
              .isInstanceOfAny(AcceleratorException.class, IllegalStateException.class);
          ear.awaitEnd();
          assertThat(client.accelerators()).isEmpty();
        }
        worker.join(PATIENCE.toMillis());
        assertThat(worker.isAlive()).isFalse();
      }
    }
    assertNothingIsLeft(descriptors);
  }

  /** A worker that says rightly who it is and what it has, waits for a load, and then lies. */
  private void lie(
      ServerSocketChannel server, LinkSecret secret, byte[] offer, List<byte[]> right) {
    try (SocketChannel channel = server.accept()) {
      ByteBuffer hello = Frames.read(channel, in(30 * SECOND));
      assertThat(Wire.decode(hello)).isInstanceOf(Message.Hello.class);
      send(channel, Wire.encode(new Message.Welcome(Wire.VERSION, 0, secret.ofWorker(), 1)));
      ByteBuffer frame =
          ByteBuffer.allocate(Integer.BYTES + offer.length).order(ByteOrder.LITTLE_ENDIAN);
      send(channel, frame.putInt(offer.length).put(offer).flip());
      ByteBuffer load = Frames.read(channel, in(30 * SECOND));
      assertThat(Wire.decode(load)).isInstanceOf(Message.Load.class);
      send(channel, wrong(right));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void assertNothingIsLeft(int descriptors) {
    Eventually.assertThat(() -> ProcessFigures.threads("shoji-link-").isEmpty());
    // The JVM opens some of its own when it first needs them.
    Eventually.assertThat(() -> ProcessFigures.descriptors() <= descriptors + 16);
  }
}
