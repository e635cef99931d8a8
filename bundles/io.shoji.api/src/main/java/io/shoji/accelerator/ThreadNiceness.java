/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.accelerator;

import org.osgi.annotation.versioning.ProviderType;

/**
 * Lets threads that prepare something give way to threads that answer, in the operating system's
 * scheduler. One OSGi service, beside {@link VendorLibraries}; thread safe.
 */
@ProviderType
public interface ThreadNiceness {
  /**
   * Below every niceness of {@code nice(2)}, whose last is 19: the thread runs only while no other
   * wants the processor, and leaves it at once ({@code SCHED_IDLE} of {@code sched(7)}).
   */
  int IDLE = 20;

  /**
   * Lowers the calling thread's priority to that niceness, for as long as the thread lives: an
   * ordinary user may not raise it again. Threads that it starts from then on inherit it.
   *
   * @param nice 0, as threads are by themselves, to {@link #IDLE}
   * @return whether the thread has that niceness now; false where the system has no such call or
   *     refuses it, and then nothing has changed
   * @throws IllegalArgumentException if {@code nice} is out of its range
   */
  boolean lower(int nice);

  /**
   * Lowers, in the same way, the priority of threads of this process by their name: those of others
   * that have no setting for it. It does not wait for threads that are yet to come.
   *
   * @param thread name as Java has it; the operating system knows its first 15 bytes, and all that
   *     begin so are meant
   * @param nice 0 to {@link #IDLE}
   * @return how many threads have that niceness now; 0 where the system has no such call
   * @throws IllegalArgumentException if {@code nice} is out of its range
   */
  default int lower(String thread, int nice) {
    return 0;
  }
}
