/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.hailo;

import com.sun.jna.Function;
import io.shoji.driver.CallPool;
import io.shoji.driver.ThreadStarter;
import io.shoji.driver.memory.NativeMemory;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.function.IntConsumer;

/**
 * The streams of one model: a thread for each, as HailoRT asks for, through which frames go in the
 * same order. As many calls are under way as there are frames; whoever comes later waits for one
 * until its deadline. A caller whose deadline passes leaves its frame behind, which comes back when
 * the device has answered.
 *
 * <p>After a stream has failed, inputs and outputs may belong to different frames: the pipeline is
 * broken then, and takes nothing more.
 */
final class FramePipeline {
  private static final Frame END = new Frame(new NativeMemory[0], new NativeMemory[0]);

  /**
   * One stream.
   *
   * @param handle of the vstream
   * @param bytes of one frame
   */
  record Stream(String name, long handle, long bytes) {}

  private final List<BlockingQueue<Frame>> queues = new ArrayList<>();
  private final List<Thread> threads = new ArrayList<>();
  private final CallPool<Frame> frames;
  private final int batch;
  private final IntConsumer failure;
  private final Object lock = new Object();

  /** Written before {@link #broken} is. */
  private String brokenAt = "";

  private volatile int broken;

  /**
   * Starts the threads.
   *
   * @param batch images in each frame
   * @param failure told of a status that broke the pipeline, by a stream's thread
   */
  FramePipeline(
      HailoRt api,
      String name,
      List<Stream> inputs,
      List<Stream> outputs,
      CallPool<Frame> frames,
      int batch,
      ThreadStarter starter,
      IntConsumer failure) {
    this.frames = frames;
    this.batch = batch;
    this.failure = failure;
    Function write = api.function(HailoFunction.hailo_vstream_write_raw_buffer);
    Function read = api.function(HailoFunction.hailo_vstream_read_raw_buffer);
    for (int i = 0; i < inputs.size(); i++) {
      thread(name, inputs.get(i), i, write, true);
    }
    for (int i = 0; i < outputs.size(); i++) {
      thread(name, outputs.get(i), i, read, false);
    }
    threads.forEach(starter::start);
  }

  private void thread(String name, Stream stream, int index, Function function, boolean input) {
    BlockingQueue<Frame> queue = new LinkedBlockingQueue<>();
    Thread thread =
        new Thread(
            () -> serve(queue, stream, index, function, input),
            "shoji-hailo-" + (input ? "in-" : "out-") + name + "-" + index);
    thread.setDaemon(true);
    thread.setContextClassLoader(null);
    queues.add(queue);
    threads.add(thread);
  }

  private void serve(
      BlockingQueue<Frame> queue, Stream stream, int index, Function function, boolean input) {
    Object[] arguments = {stream.handle, 0L, stream.bytes};
    while (true) {
      Frame frame;
      try {
        frame = queue.take();
      } catch (InterruptedException e) {
        // Nobody has a reason to interrupt it; END ends it.
        continue;
      }
      if (frame == END) {
        return;
      }
      long address = input ? frame.inputAddress(index) : frame.outputAddress(index);
      int status = broken;
      for (int image = 0; image < batch && status == HailoStatus.SUCCESS; image++) {
        arguments[1] = address + image * stream.bytes;
        status = function.invokeInt(arguments);
      }
      if (status != HailoStatus.SUCCESS && isFirst(status, stream.name)) {
        failure.accept(status);
      }
      if (frame.done(status, stream.name)) {
        frames.give(frame);
      }
    }
  }

  private boolean isFirst(int status, String stream) {
    synchronized (lock) {
      if (broken != HailoStatus.SUCCESS) {
        return false;
      }
      brokenAt = stream;
      broken = status;
      return true;
    }
  }

  /** Sends a frame on its way, to all streams in the same order. */
  void send(Frame frame) {
    frame.begin();
    synchronized (lock) {
      queues.forEach(queue -> queue.add(frame));
    }
  }

  /** The status that broke it; SUCCESS if none did. */
  int broken() {
    return broken;
  }

  /** The stream that broke it; empty if none did. */
  String brokenAt() {
    synchronized (lock) {
      return brokenAt;
    }
  }

  /** Gives no frame away any more, waits until all are back, and ends the threads. */
  void close() {
    frames.close(() -> {});
    queues.forEach(queue -> queue.add(END));
    boolean interrupted = false;
    for (Thread thread : threads) {
      while (thread.isAlive()) {
        try {
          thread.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    frames.all().forEach(Frame::close);
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
