/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.cloud;

import io.shoji.kura.operations.JobState;
import io.shoji.kura.operations.Management;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Date;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.cloudconnection.message.KuraMessage;
import org.eclipse.kura.cloudconnection.publisher.CloudNotificationPublisher;
import org.eclipse.kura.message.KuraPayload;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells requesters how their jobs go: the latest state of each, not every one, and the last always.
 * A job's thread never waits for it. Thread safe.
 */
final class Notifications implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Notifications.class);
  private static final String RESOURCE = "job";

  // How Kura's notification publisher wants these to be called.
  private static final String APP_ID = "appId";
  private static final String MESSAGE_TYPE = "messageType";
  private static final String REQUESTER = "requestorClientId";

  private final ScheduledThreadPoolExecutor thread;
  private final Map<String, Followed> jobs = new HashMap<>();
  private final LongAdder failed = new LongAdder();
  private volatile long intervalNanos = TimeUnit.SECONDS.toNanos(1);

  Notifications() {
    thread =
        new ScheduledThreadPoolExecutor(
            1,
            work -> {
              Thread made = new Thread(work, "shoji-notifications");
              made.setDaemon(true);
              return made;
            });
    thread.setKeepAliveTime(10, TimeUnit.SECONDS);
    thread.allowCoreThreadTimeOut(true);
    thread.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
  }

  /** A job that somebody follows. */
  private static final class Followed {
    private final CloudNotificationPublisher publisher;
    private final String requester;
    private JobState latest;
    private boolean due;
    private long sentNanos;

    Followed(CloudNotificationPublisher publisher, String requester, JobState latest) {
      this.publisher = publisher;
      this.requester = requester;
      this.latest = latest;
    }
  }

  /** Least time between two notifications of a job. */
  void interval(int millis) {
    intervalNanos = TimeUnit.MILLISECONDS.toNanos(millis);
  }

  /** What tells a requester of the job that its request starts. */
  Consumer<JobState> follower(@Nullable CloudNotificationPublisher publisher, String requester) {
    if (publisher == null || requester.isEmpty()) {
      return state -> {};
    }
    return state -> changed(publisher, requester, state);
  }

  private synchronized void changed(
      CloudNotificationPublisher publisher, String requester, JobState state) {
    if (thread.isShutdown()) {
      return;
    }
    Followed job = jobs.get(state.id());
    if (job == null) {
      job = new Followed(publisher, requester, state);
      job.sentNanos = System.nanoTime() - intervalNanos;
      jobs.put(state.id(), job);
    }
    job.latest = state;
    if (!job.due || state.phase().ended()) {
      job.due = true;
      long wait = state.phase().ended() ? 0 : job.sentNanos + intervalNanos - System.nanoTime();
      Future<?> unused =
          thread.schedule(() -> send(state.id()), Math.max(0, wait), TimeUnit.NANOSECONDS);
    }
  }

  private void send(String id) {
    Followed job;
    JobState state;
    synchronized (this) {
      job = jobs.get(id);
      if (job == null) {
        return;
      }
      state = job.latest;
      job.due = false;
      job.sentNanos = System.nanoTime();
      if (state.phase().ended()) {
        jobs.remove(id);
      }
    }
    KuraPayload payload = new KuraPayload();
    payload.setTimestamp(Date.from(Instant.now()));
    payload.addMetric("version", Management.VERSION);
    payload.addMetric("job.id", state.id());
    payload.addMetric("job.operation", state.operation());
    payload.addMetric("job.model", state.model());
    payload.addMetric("job.state", state.phase().name());
    payload.addMetric("job.progress", state.fraction());
    payload.addMetric("job.message", state.message());
    payload.setBody(state.document().json().toString().getBytes(StandardCharsets.UTF_8));
    try {
      job.publisher.publish(
          new KuraMessage(
              payload,
              Map.of(
                  APP_ID,
                  CloudRequests.APPLICATION,
                  MESSAGE_TYPE,
                  RESOURCE,
                  REQUESTER,
                  job.requester)));
    } catch (KuraException | RuntimeException e) {
      // The requester can still ask for the job; it is not worth more than a count.
      failed.increment();
      LOG.debug("a notification was not taken job={}", id, e);
    }
  }

  /** Notifications that Kura did not take. */
  long failed() {
    return failed.sum();
  }

  /** Sends no more. */
  @Override
  public synchronized void close() {
    thread.shutdownNow();
    jobs.clear();
  }
}
