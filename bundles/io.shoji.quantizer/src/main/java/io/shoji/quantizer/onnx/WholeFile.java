/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.quantizer.onnx;

import io.shoji.quantizer.onnx.QuantizerException.Code;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** Files that are written whole or not at all. */
public final class WholeFile {
  private WholeFile() {}

  /** What writes the content. */
  public interface Content {
    /** Writes all of it, and leaves the stream open. */
    void writeTo(OutputStream out) throws IOException;
  }

  /**
   * Writes a file: beside it first, to the disk, then in its place.
   *
   * @throws QuantizerException UNWRITABLE; whatever was there before is still there
   */
  public static void write(Path file, Content content) throws QuantizerException {
    Path part = file.resolveSibling(file.getFileName() + ".part");
    // If the process is told to end meanwhile.
    part.toFile().deleteOnExit();
    try {
      try (FileChannel channel =
          FileChannel.open(
              part,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.WRITE)) {
        OutputStream out = new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 16);
        content.writeTo(out);
        out.flush();
        channel.force(true);
      }
      Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      QuantizerException failure =
          new QuantizerException(
              Code.UNWRITABLE, "the model cannot be written file=" + file + " cause=" + e, e);
      try {
        Files.deleteIfExists(part);
      } catch (IOException second) {
        failure.addSuppressed(second);
      }
      throw failure;
    }
  }
}
