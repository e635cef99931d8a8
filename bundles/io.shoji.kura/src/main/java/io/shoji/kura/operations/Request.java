/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.kura.operations;

import java.util.List;
import java.util.function.Consumer;

/**
 * What somebody asks for, whichever way it came. Immutable.
 *
 * @param method what is to be done with the resource
 * @param path parts of the resource, without empty ones; for {@code EXEC} the operation first, then
 *     the model if it is named there
 * @param arguments named arguments
 * @param requester who asks, for the log and for the list of jobs
 * @param progress told of every change of the job that this request starts; quick, any thread
 */
public record Request(
    Method method,
    List<String> path,
    Arguments arguments,
    String requester,
    Consumer<JobState> progress) {

  /** What is to be done. */
  public enum Method {
    /** Read. */
    GET,
    /** Do. */
    EXEC,
    /** Cancel. */
    DEL
  }

  /** Drops empty parts, as a slash at the end leaves them. */
  public Request {
    path = path.stream().filter(part -> !part.isEmpty()).toList();
  }

  /** A request whose job, if it starts one, nobody follows. */
  public static Request of(Method method, List<String> path, Arguments arguments) {
    return new Request(method, path, arguments, "local", state -> {});
  }
}
