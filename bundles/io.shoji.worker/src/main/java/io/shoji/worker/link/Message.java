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

import io.shoji.accelerator.AcceleratorHealth;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.MemoryUse;
import io.shoji.accelerator.ModelArtifact;
import io.shoji.tensor.TensorSpec;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;

/**
 * What goes over the control connection, one frame each; {@code PROTOCOL.md} says what each is for.
 * Immutable.
 */
sealed interface Message {
  /** Number of the frame's type. */
  int type();

  /** Writes the fields after the type. */
  void write(WireWriter out) throws ProtocolException;

  /** What a request is answered with, or told meanwhile. */
  sealed interface Answer extends Message {
    /** Number of the request. */
    int request();
  }

  /** What the gateway asks of the worker. */
  sealed interface Request extends Message {
    /** Number that the gateway gave it. */
    int request();

    /** Its name in reports. */
    String label();
  }

  /** The gateway's first words: who it is, what it speaks, where the worker notes its calls. */
  record Hello(int oldest, int newest, long features, String proof, String page)
      implements Message {
    static final int TYPE = 1;

    @Override
    public int type() {
      return TYPE;
    }

    @Override
    public void write(WireWriter out) throws ProtocolException {
      out.i32(Wire.MAGIC).u16(oldest).u16(newest).i64(features).text(proof).text(page);
    }

    static Hello read(WireReader in) throws ProtocolException {
      Wire.magic(in);
      return new Hello(in.u16(), in.u16(), in.i64(), in.text(), in.text());
    }
  }

  /** The worker's first words on the control connection. */
  record Welcome(int version, long features, String proof, long pid) implements Message {
    static final int TYPE = 2;

    @Override
    public int type() {
      return TYPE;
    }

    @Override
    public void write(WireWriter out) throws ProtocolException {
      out.i32(Wire.MAGIC).u16(version).i64(features).text(proof).i64(pid);
    }

    static Welcome read(WireReader in) throws ProtocolException {
      Wire.magic(in);
      return new Welcome(in.u16(), in.i64(), in.text(), in.i64());
    }
  }

  /** The gateway opens a lane. */
  record Lane(String proof, int lane) implements Message {
    static final int TYPE = 3;

    @Override
    public int type() {
      return TYPE;
    }

    @Override
    public void write(WireWriter out) throws ProtocolException {
      out.i32(Wire.MAGIC).text(proof).i32(lane);
    }

    static Lane read(WireReader in) throws ProtocolException {
      Wire.magic(in);
      return new Lane(in.text(), in.index(Limits.LANES));
    }
  }

  /** The worker serves the lane. */
  record LaneReady(int lane) implements Message {
    static final int TYPE = 4;

    @Override
    public int type() {
      return TYPE;
    }

    @Override
    public void write(WireWriter out) throws ProtocolException {
      out.i32(lane);
    }

    static LaneReady read(WireReader in) throws ProtocolException {
      return new LaneReady(in.index(Limits.LANES));
    }
  }

  /** The worker does not take the connection, and closes it. */
  record Refused(String reason) implements Message {
    static final int TYPE = 5;

    @Override
    public int type() {
      return TYPE;
    }

    @Override
    public void write(WireWriter out) throws ProtocolException {
      out.text(reason);
    }

    static Refused read(WireReader in) throws ProtocolException {
      return new Refused(in.text());
    }
  }

  /** The worker has an accelerator. */
  record Offer(int accelerator, AcceleratorInfo info, Map<String, Object> properties)
      implements Message {
    static final int TYPE = 16;

    @Override
    public int type() {
      return TYPE;
    }

    @Override
    public void write(WireWriter out) throws ProtocolException {
      out.i32(accelerator).info(info).properties(properties);
    }

    static Offer read(WireReader in) throws ProtocolException {
      return new Offer(in.index(Integer.MAX_VALUE), in.info(), in.properties());
    }
  }

  /** The worker's accelerator goes. */
  record Withdraw(int accelerator) implements Message {
    static final int TYPE = 17;

    @Override
    public int type() {
      return TYPE;
    }

    @Override
    public void write(WireWriter out) throws ProtocolException {
      out.i32(accelerator);
    }

    static Withdraw read(WireReader in) throws ProtocolException {
      return new Withdraw(in.index(Integer.MAX_VALUE));
    }
  }

  /** A step of a load that goes on. */
  record Progress(int request, String step) implements Answer {
    static final int TYPE = 18;

    @Override
    public int type() {
      return TYPE;
    }

    @Override
    public void write(WireWriter out) throws ProtocolException {
      out.i32(request).text(step);
    }

    static Progress read(WireReader in) throws ProtocolException {
      return new Progress(in.i32(), in.text());
    }
  }

  /** Loads a model; answered by {@link Loaded}. */
  record Load(
      int request, int accelerator, long batchSize, boolean givesWay, ModelArtifact artifact)
      implements Request {
    static final int TYPE = 32;

    @Override
    public int type() {
      return TYPE;
    }

    @Override
    public String label() {
      return "load";
    }

    @Override
    public void write(WireWriter out) throws ProtocolException {
      out.i32(request).i32(accelerator).i64(batchSize).flag(givesWay).artifact(artifact);
    }

    static Load read(WireReader in) throws ProtocolException {
      int request = in.i32();
      int accelerator = in.index(Integer.MAX_VALUE);
      long batchSize = in.i64();
      if (batchSize < 1) {
        throw new ProtocolException("a batch holds at least one sample batchSize=" + batchSize);
      }
      return new Load(request, accelerator, batchSize, in.flag(), in.artifact());
    }
  }

  /** Interrupts a load. No answer of its own. */
  record Cancel(int request) implements Message {
    static final int TYPE = 33;

    @Override
    public int type() {
      return TYPE;
    }

    @Override
    public void write(WireWriter out) throws ProtocolException {
      out.i32(request);
    }

    static Cancel read(WireReader in) throws ProtocolException {
      return new Cancel(in.i32());
    }
  }

  /**
   * Binds tensors in shared memory; answered by {@link Done}.
   *
   * @param binding number of the gateway's choice, that no open binding has
   * @param file name of the shared memory in the link's folder
   * @param bytes its size
   * @param outputs empty if {@code open}
   * @param open whether the model makes outputs of its own, which are copied to {@code area}
   * @param area offset of the place for the outputs if {@code open}, else 0; it reaches to the end
   */
  record Bind(
      int request,
      int model,
      int binding,
      String file,
      long bytes,
      List<Slice> inputs,
      List<Slice> outputs,
      boolean open,
      long area)
      implements Request {
    static final int TYPE = 34;

    @Override
    public int type() {
      return TYPE;
    }

    @Override
    public String label() {
      return "bind";
    }

    @Override
    public void write(WireWriter out) throws ProtocolException {
      out.i32(request).i32(model).i32(binding).text(file).i64(bytes);
      out.slices(inputs).slices(outputs).flag(open).i64(area);
    }

    static Bind read(WireReader in) throws ProtocolException {
      return new Bind(
          in.i32(),
          in.i32(),
          in.index(Limits.BINDINGS),
          in.text(),
          in.i64(),
          in.slices(),
          in.slices(),
          in.flag(),
          in.i64());
    }
  }

  /** Closes a binding and unmaps its memory; answered by {@link Done}. */
  record Unbind(int request, int binding) implements Request {
    static final int TYPE = 35;

    @Override
    public int type() {
      return TYPE;
    }

    @Override
    public String label() {
      return "unbind";
    }

    @Override
    public void write(WireWriter out) throws ProtocolException {
      out.i32(request).i32(binding);
    }

    static Unbind read(WireReader in) throws ProtocolException {
      return new Unbind(in.i32(), in.index(Limits.BINDINGS));
    }
  }

  /** Closes a model and its bindings; answered by {@link Done}. */
  record Close(int request, int model) implements Request {
    static final int TYPE = 36;

    @Override
    public int type() {
      return TYPE;
    }

    @Override
    public String label() {
      return "close";
    }

    @Override
    public void write(WireWriter out) throws ProtocolException {
      out.i32(request).i32(model);
    }

    static Close read(WireReader in) throws ProtocolException {
      return new Close(in.i32(), in.i32());
    }
  }

  /** Asks how an accelerator is; answered by {@link HealthIs}. */
  record Health(int request, int accelerator) implements Request {
    static final int TYPE = 37;

    @Override
    public int type() {
      return TYPE;
    }

    @Override
    public String label() {
      return "health";
    }

    @Override
    public void write(WireWriter out) throws ProtocolException {
      out.i32(request).i32(accelerator);
    }

    static Health read(WireReader in) throws ProtocolException {
      return new Health(in.i32(), in.index(Integer.MAX_VALUE));
    }
  }

  /** Asks for a model's memory and details; answered by {@link ModelIs}. */
  record Describe(int request, int model) implements Request {
    static final int TYPE = 38;

    @Override
    public int type() {
      return TYPE;
    }

    @Override
    public String label() {
      return "describe";
    }

    @Override
    public void write(WireWriter out) throws ProtocolException {
      out.i32(request).i32(model);
    }

    static Describe read(WireReader in) throws ProtocolException {
      return new Describe(in.i32(), in.i32());
    }
  }

  /** Asks for a sign of life; answered by {@link Done}. */
  record Ping(int request) implements Request {
    static final int TYPE = 39;

    @Override
    public int type() {
      return TYPE;
    }

    @Override
    public String label() {
      return "ping";
    }

    @Override
    public void write(WireWriter out) throws ProtocolException {
      out.i32(request);
    }

    static Ping read(WireReader in) throws ProtocolException {
      return new Ping(in.i32());
    }
  }

  /**
   * Asks what became of the last run on a lane whose connection the gateway has lost; answered by
   * {@link Settled} once the worker has done all that came over it.
   */
  record Settle(int request, int lane) implements Request {
    static final int TYPE = 40;

    @Override
    public int type() {
      return TYPE;
    }

    @Override
    public String label() {
      return "settle";
    }

    @Override
    public void write(WireWriter out) throws ProtocolException {
      out.i32(request).i32(lane);
    }

    static Settle read(WireReader in) throws ProtocolException {
      return new Settle(in.i32(), in.index(Limits.LANES));
    }
  }

  /**
   * Gives a larger place for the outputs of an open binding, and asks for those that did not fit;
   * answered by {@link Done} when they are there.
   */
  record Room(int request, int binding, String file, long bytes) implements Request {
    static final int TYPE = 41;

    @Override
    public int type() {
      return TYPE;
    }

    @Override
    public String label() {
      return "room";
    }

    @Override
    public void write(WireWriter out) throws ProtocolException {
      out.i32(request).i32(binding).text(file).i64(bytes);
    }

    static Room read(WireReader in) throws ProtocolException {
      return new Room(in.i32(), in.index(Limits.BINDINGS), in.text(), in.i64());
    }
  }

  /** It is done. */
  record Done(int request) implements Answer {
    static final int TYPE = 64;

    @Override
    public int type() {
      return TYPE;
    }

    @Override
    public void write(WireWriter out) throws ProtocolException {
      out.i32(request);
    }

    static Done read(WireReader in) throws ProtocolException {
      return new Done(in.i32());
    }
  }

  /** It could not be done. */
  record Failed(int request, Failure failure) implements Answer {
    static final int TYPE = 65;

    @Override
    public int type() {
      return TYPE;
    }

    @Override
    public void write(WireWriter out) throws ProtocolException {
      out.i32(request).failure(failure);
    }

    static Failed read(WireReader in) throws ProtocolException {
      return new Failed(in.i32(), in.failure());
    }
  }

  /** The model is loaded. */
  record Loaded(
      int request,
      int model,
      List<TensorSpec> inputs,
      List<TensorSpec> outputs,
      int concurrency,
      MemoryUse memory,
      Map<String, String> details)
      implements Answer {
    static final int TYPE = 66;

    @Override
    public int type() {
      return TYPE;
    }

    @Override
    public void write(WireWriter out) throws ProtocolException {
      out.i32(request).i32(model).specs(inputs).specs(outputs).i32(concurrency);
      out.memory(memory).table(details);
    }

    static Loaded read(WireReader in) throws ProtocolException {
      return new Loaded(
          in.i32(), in.i32(), in.specs(), in.specs(), in.i32(), in.memory(), in.table());
    }
  }

  /** How an accelerator is. */
  record HealthIs(int request, AcceleratorHealth health) implements Answer {
    static final int TYPE = 67;

    @Override
    public int type() {
      return TYPE;
    }

    @Override
    public void write(WireWriter out) throws ProtocolException {
      out.i32(request).u8(WireCodes.of(health.state())).text(health.reason());
      out.f64(health.temperatureCelsius().orElse(Double.NaN));
      out.f64(health.powerWatts().orElse(Double.NaN));
      out.i64(health.memoryUsedBytes().orElse(-1)).i64(health.memoryTotalBytes().orElse(-1));
    }

    static HealthIs read(WireReader in) throws ProtocolException {
      return new HealthIs(
          in.i32(),
          AcceleratorHealth.of(WireCodes.state(in.u8()), in.text())
              .withTemperatureCelsius(in.f64())
              .withPowerWatts(in.f64())
              .withMemoryBytes(in.i64(), in.i64()));
    }
  }

  /** How a model is. */
  record ModelIs(int request, MemoryUse memory, Map<String, String> details) implements Answer {
    static final int TYPE = 68;

    @Override
    public int type() {
      return TYPE;
    }

    @Override
    public void write(WireWriter out) throws ProtocolException {
      out.i32(request).memory(memory).table(details);
    }

    static ModelIs read(WireReader in) throws ProtocolException {
      return new ModelIs(in.i32(), in.memory(), in.table());
    }
  }

  /**
   * The last reply on a lane.
   *
   * @param reply its frame without the length, read-only; empty if nothing ever ran there
   */
  record Settled(int request, ByteBuffer reply) implements Answer {
    static final int TYPE = 69;

    @Override
    public int type() {
      return TYPE;
    }

    @Override
    public void write(WireWriter out) throws ProtocolException {
      out.i32(request).bytes(reply);
    }

    static Settled read(WireReader in) throws ProtocolException {
      return new Settled(in.i32(), in.bytes(Limits.LANE_FRAME_BYTES));
    }
  }
}
