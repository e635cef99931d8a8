/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.edgetpu;

import java.util.function.LongConsumer;

/**
 * A delegate of one interpreter, which uses it to its end and never frees it: its owner deletes it
 * behind the interpreter.
 *
 * @param address of the {@code TfLiteDelegate}
 * @param deletion takes that address
 */
record Delegate(long address, LongConsumer deletion) {
  /** Deletes it; once. */
  void delete() {
    deletion.accept(address);
  }
}
