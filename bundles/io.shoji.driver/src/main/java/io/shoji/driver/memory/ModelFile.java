/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.memory;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.ModelArtifact;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Reads a model's file for a library that takes it from memory. */
public final class ModelFile {
  private ModelFile() {}

  /**
   * Reads the whole file, so that what was checked is what runs, whatever becomes of the file.
   *
   * @return its content, the caller's to close
   * @throws AcceleratorException INVALID_MODEL if there is none, UNSUPPORTED if it has 2 GiB or
   *     more, OUT_OF_MEMORY, or FAILED
   */
  public static NativeMemory read(ModelArtifact artifact) throws AcceleratorException {
    Path path = artifact.file();
    NativeMemory memory = null;
    boolean done = false;
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      long size = channel.size();
      if (size > Integer.MAX_VALUE - Long.BYTES) {
        throw new AcceleratorException(
            Code.UNSUPPORTED,
            "the file is larger than models may be here bytes=" + size + " " + artifact);
      }
      memory = NativeMemory.ofBytes((int) size);
      ByteBuffer to = memory.buffer();
      while (to.hasRemaining() && channel.read(to) >= 0) {
        // Until it is full, or the file has become shorter.
      }
      if (to.hasRemaining()) {
        throw new AcceleratorException(
            Code.INVALID_MODEL, "the file became shorter while it was read file=" + path);
      }
      done = true;
      return memory;
    } catch (NoSuchFileException e) {
      throw new AcceleratorException(
          Code.INVALID_MODEL, "there is no such file file=" + path + " " + artifact, e);
    } catch (IOException e) {
      throw new AcceleratorException(
          Code.FAILED, "the file cannot be read file=" + path + " reason=" + e, e);
    } catch (NativeMemory.OutOfMemoryException e) {
      throw new AcceleratorException(Code.OUT_OF_MEMORY, e.getMessage() + " " + artifact, e);
    } finally {
      if (!done && memory != null) {
        memory.close();
      }
    }
  }
}
