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

import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.MemoryUse;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.accelerator.Precision;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Layout;
import io.shoji.tensor.Quantization;
import io.shoji.tensor.Shape;
import io.shoji.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.osgi.framework.Version;

/** One frame of each type at least, and with every kind of field. */
final class Samples {
  private static final List<TensorSpec> SPECS =
      List.of(
          TensorSpec.of("image", ElementType.UINT8, Shape.of(Shape.DYNAMIC, 224, 224, 3))
              .withLayout(Layout.NHWC)
              .withQuantization(Quantization.perTensor(0.5f, 128)),
          TensorSpec.of("weights", ElementType.INT8, Shape.of(2, 3))
              .withQuantization(
                  Quantization.perAxis(0, new float[] {0.25f, 0.5f}, new int[] {-3, 4})),
          TensorSpec.of("größe", ElementType.FLOAT32, Shape.scalar()));

  private static final List<Slice> SLICES =
      List.of(
          new Slice(ElementType.FLOAT32, Shape.of(1, 4), 0),
          new Slice(ElementType.INT4, Shape.of(7), 64));

  private Samples() {}

  /** What a worker reads on the control connection. */
  static List<Message> toWorker() {
    return List.of(
        new Message.Hello(1, 3, 5, LinkSecret.random().ofGateway(), "calls"),
        new Message.Lane(LinkSecret.random().ofGateway(), 63),
        new Message.Load(
            7,
            1,
            4,
            true,
            new ModelArtifact(
                "digits",
                "1.0.0",
                "int8",
                "onnx",
                Precision.INT8,
                "00ff",
                List.of(Path.of("/tmp/a b/modèle.onnx"), Path.of("/tmp/weights")),
                SPECS,
                List.of(),
                Map.of("cpu.intraOpThreads", "2"))),
        new Message.Cancel(7),
        new Message.Bind(8, 2, 4095, "tensors-1", 4096, SLICES, List.of(), true, 128),
        new Message.Bind(9, 2, 0, "tensors-2", 192, SLICES, SLICES, false, 0),
        new Message.Unbind(10, 3),
        new Message.Close(11, 2),
        new Message.Health(12, 1),
        new Message.Describe(13, 2),
        new Message.Ping(-1),
        new Message.Settle(15, 5),
        new Message.Room(16, 3, "tensors-3", 1 << 20));
  }

  /** What a gateway reads on the control connection. */
  static List<Message> toGateway() {
    return List.of(
        new Message.Welcome(1, 0, LinkSecret.random().ofWorker(), 4711),
        new Message.LaneReady(63),
        new Message.Refused("no common version"),
        new Message.Offer(
            1,
            new TinyAccelerator().info(),
            Map.of(
                "text",
                "words",
                "texts",
                new String[] {"a", ""},
                "flag",
                true,
                "int",
                -1,
                "long",
                Long.MIN_VALUE,
                "float",
                1.5f,
                "double",
                Double.NaN,
                "version",
                Version.parseVersion("1.2.3.q"))),
        new Message.Withdraw(1),
        new Message.Progress(7, "step"),
        new Message.Done(8),
        new Message.Failed(9, new Failure(Failure.Kind.ACCELERATOR, Code.FAILED, -7L, "broken")),
        new Message.Loaded(
            7, 2, SPECS, SPECS.subList(1, 2), 4, MemoryUse.of(1, -1, 3), Map.of("k", "v")),
        new Message.HealthIs(
            12, AcceleratorHealth.of(AcceleratorHealth.State.SUSPECT, "odd").withPowerWatts(2.5)),
        new Message.ModelIs(13, MemoryUse.unknown(), Map.of()),
        new Message.Settled(15, ByteBuffer.wrap(new byte[] {1, 2, 3})));
  }

  /** Replies on a lane. */
  static List<LaneWire.Reply> replies() {
    return List.of(
        new LaneWire.Reply(3, List.of(Shape.of(1, 10), Shape.scalar()), true, 128, null),
        new LaneWire.Reply(4, List.of(), false, 0, Failure.of(Code.TIMEOUT, "late")),
        new LaneWire.Reply(
            5,
            List.of(),
            false,
            0,
            new Failure(Failure.Kind.ILLEGAL_ARGUMENT, Code.FAILED, null, "wrong")));
  }

  /** The frames of messages, without their lengths. */
  static List<byte[]> frames(List<Message> messages) throws ProtocolException {
    List<byte[]> frames = new ArrayList<>();
    for (Message message : messages) {
      frames.add(body(Wire.encode(message)));
    }
    return frames;
  }

  /** The frames of replies, without their lengths. */
  static List<byte[]> replyFrames() throws ProtocolException {
    List<byte[]> frames = new ArrayList<>();
    ByteBuffer out = LaneWire.buffer();
    for (LaneWire.Reply reply : replies()) {
      LaneWire.reply(out, reply);
      frames.add(body(out));
    }
    LaneWire.ran(out, 9);
    frames.add(body(out));
    return frames;
  }

  private static byte[] body(ByteBuffer frame) {
    byte[] body = new byte[frame.remaining() - Integer.BYTES];
    frame.get(frame.position() + Integer.BYTES, body);
    return body;
  }
}
