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

import io.shoji.testkit.Proof;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Frames are read as they were written, and whatever else comes is refused. */
class ProtocolTest {
  private static List<byte[]> frames() throws ProtocolException {
    List<byte[]> frames = new ArrayList<>(Samples.frames(Samples.toWorker()));
    frames.addAll(Samples.frames(Samples.toGateway()));
    return frames;
  }

  @Test
  void shouldReadEveryFrameAsItWasWritten() throws Exception {
    for (byte[] frame : frames()) {
      assertThat(Decoders.control(frame)).as("type=" + frame[0]).isTrue();
    }
    for (Message message : Samples.toWorker()) {
      Message again = Wire.decode(Wire.encode(message).position(Integer.BYTES));
      assertThat(again).usingRecursiveComparison().isEqualTo(message);
    }
    for (byte[] frame : Samples.replyFrames()) {
      assertThat(Decoders.reply(frame)).as("type=" + frame[0]).isTrue();
    }
  }

  @Test
  void shouldRefuseEveryFrameThatIsCutOrHasMore() throws Exception {
    for (byte[] frame : frames()) {
      for (int length = 0; length < frame.length; length++) {
        assertThat(Decoders.control(Arrays.copyOf(frame, length)))
            .as("type=" + frame[0] + " length=" + length)
            .isFalse();
      }
      assertThat(Decoders.control(Arrays.copyOf(frame, frame.length + 1))).isFalse();
    }
  }

  @Test
  void shouldAllocateNothingForLengthsThatAreNotThere() {
    ByteBuffer text = ByteBuffer.allocate(9).order(ByteOrder.LITTLE_ENDIAN);
    text.put((byte) Message.Progress.TYPE).putInt(1).putInt(Integer.MAX_VALUE);
    assertThatThrownBy(() -> Wire.decode(text.flip()))
        .isInstanceOf(ProtocolException.class)
        .hasMessageContaining("most=65536");
    ByteBuffer lane = LaneWire.buffer().putInt(Integer.MAX_VALUE);
    assertThatThrownBy(() -> LaneWire.isWhole(lane)).isInstanceOf(ProtocolException.class);
  }

  @Test
  void shouldReadOrRefuseWhateverComes() throws Exception {
    List<byte[]> seeds = frames();
    seeds.addAll(Samples.replyFrames());
    int rounds = Proof.rounds(50_000, 20_000_000);
    Random random = new Random(42);
    int taken = 0;
    for (int round = 0; round < rounds; round++) {
      byte[] data = seeds.get(random.nextInt(seeds.size())).clone();
      for (int change = random.nextInt(4); change >= 0; change--) {
        int at = random.nextInt(data.length);
        data[at] =
            (byte)
                switch (random.nextInt(4)) {
                  case 0 -> random.nextInt(256);
                  case 1 -> data[at] ^ (1 << random.nextInt(8));
                  case 2 -> 0xff;
                  default -> data[at] + 1;
                };
      }
      taken += Decoders.control(data) || Decoders.reply(data) || Decoders.run(data) ? 1 : 0;
    }
    assertThat(taken).isBetween(1, rounds - 1);
  }
}
