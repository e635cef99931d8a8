/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.AcceleratorInfo;
import io.shoji.accelerator.LoadOptions;
import io.shoji.accelerator.LoadedModel;
import io.shoji.accelerator.ModelArtifact;
import java.util.ArrayDeque;
import java.util.Collection;
import java.util.Deque;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/**
 * The loads of an accelerator whose library cannot interrupt them: none begins any more once the
 * driver stops, which waits for those that run. Thread safe.
 */
public final class ModelLoads {
  /** Loads a model. */
  public interface Load {
    /** The model, ready; nothing stays allocated if this throws. */
    LoadedModel load() throws AcceleratorException, InterruptedException;
  }

  /**
   * Loads a model step by step.
   *
   * @param <M> the driver's model
   */
  public interface Steps<M> {
    /**
     * The model, ready.
     *
     * @param undo takes what undoes a step; all of it is run, the last first, if this throws
     */
    M load(Deque<Runnable> undo) throws AcceleratorException, InterruptedException;
  }

  private final String threads;
  private final ThreadStarter starter;
  private final Object lock = new Object();

  /** Loads in progress, guarded by {@link #lock}. */
  private int running;

  private volatile boolean stopping;

  /**
   * Call it where a {@link ThreadStarter} may be made.
   *
   * @param threads what the names of its threads begin with
   */
  public ModelLoads(String threads) {
    this.threads = threads;
    this.starter = new ThreadStarter(threads + "-starter");
  }

  /**
   * Checks that an accelerator says it can load a model.
   *
   * @throws AcceleratorException UNSUPPORTED
   */
  public static void requireOffered(AcceleratorInfo info, ModelArtifact artifact)
      throws AcceleratorException {
    requireOffered(info, artifact, "runtime=" + info.runtimeVersion());
  }

  /**
   * The same.
   *
   * @param reason what the precisions depend on
   */
  public static void requireOffered(AcceleratorInfo info, ModelArtifact artifact, String reason)
      throws AcceleratorException {
    if (!info.formats().contains(artifact.format())) {
      throw new AcceleratorException(
          Code.UNSUPPORTED,
          "the model has a format that this accelerator does not load asked="
              + artifact.format()
              + " offered="
              + info.formats()
              + " "
              + artifact);
    }
    if (!info.precisions().contains(artifact.precision())) {
      throw new AcceleratorException(
          Code.UNSUPPORTED,
          "the model has a precision that this device does not compute in asked="
              + artifact.precision()
              + " offered="
              + info.precisions()
              + " "
              + reason
              + " "
              + artifact);
    }
  }

  /** Starts threads whose children have an ordinary priority; ends with {@link #close}. */
  public ThreadStarter starter() {
    return starter;
  }

  /**
   * Loads a model.
   *
   * @param startsThreads whether the library starts threads meanwhile, which must not inherit a low
   *     priority
   * @throws InterruptedException if the thread was interrupted before it began, or from the load
   * @throws IllegalStateException after {@link #stop}
   */
  public LoadedModel run(ModelArtifact artifact, boolean startsThreads, Load load)
      throws AcceleratorException, InterruptedException {
    if (!startsThreads || !ThreadStarter.isNeeded()) {
      return counted(artifact, load);
    }
    try {
      return starter.call(
          threads + "-load-" + artifact.model(), new FutureTask<>(() -> counted(artifact, load)));
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      if (cause instanceof AcceleratorException refused) {
        throw refused;
      }
      if (cause instanceof InterruptedException given) {
        throw given;
      }
      if (cause instanceof IllegalStateException stopped) {
        throw stopped;
      }
      throw new AcceleratorException(
          Code.FAILED, "the load failed in an unforeseen way " + artifact, cause);
    }
  }

  /**
   * Loads a model step by step, with a library that may start threads meanwhile.
   *
   * @param models gets the model
   * @throws InterruptedException if the thread was interrupted before it began, or from a step
   * @throws IllegalStateException after {@link #stop}
   */
  public <M extends LoadedModel> LoadedModel run(
      ModelArtifact artifact, LoadOptions options, Collection<? super M> models, Steps<M> steps)
      throws AcceleratorException, InterruptedException {
    return run(
        artifact,
        true,
        () -> {
          options.progress().accept("checking the file");
          Deque<Runnable> undo = new ArrayDeque<>();
          boolean done = false;
          try {
            M model = steps.load(undo);
            models.add(model);
            done = true;
            options.progress().accept("ready");
            return model;
          } finally {
            if (!done) {
              undo.forEach(Runnable::run);
            }
          }
        });
  }

  private LoadedModel counted(ModelArtifact artifact, Load load)
      throws AcceleratorException, InterruptedException {
    synchronized (lock) {
      if (stopping) {
        throw new IllegalStateException("the driver stops " + artifact);
      }
      running++;
    }
    try {
      goesOn(artifact);
      return load.load();
    } finally {
      synchronized (lock) {
        running--;
        lock.notifyAll();
      }
    }
  }

  /**
   * Between two steps of a load, none of which can be interrupted itself.
   *
   * @throws AcceleratorException DEVICE_LOST after {@link #stop}
   * @throws InterruptedException if the thread was interrupted
   */
  public void goesOn(ModelArtifact artifact) throws AcceleratorException, InterruptedException {
    if (Thread.interrupted()) {
      throw new InterruptedException("the load was given up " + artifact);
    }
    if (stopping) {
      throw new AcceleratorException(Code.DEVICE_LOST, "the driver stops " + artifact);
    }
  }

  /** Whether {@link #stop} was called. */
  public boolean isStopping() {
    return stopping;
  }

  /** Lets no load begin any more. Returns at once. */
  public void stop() {
    synchronized (lock) {
      stopping = true;
    }
  }

  /**
   * Lets no load begin any more and waits for those that run. Idempotent; an interruption is handed
   * on.
   *
   * @param models closes the models, of which no new ones come then
   */
  public void close(Runnable models) {
    stop();
    boolean interrupted = false;
    synchronized (lock) {
      while (running > 0) {
        try {
          lock.wait();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    models.run();
    starter.close();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
