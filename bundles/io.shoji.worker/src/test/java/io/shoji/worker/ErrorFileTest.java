/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.worker;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class ErrorFileTest {
  private static final List<String> SEGMENTATION =
      List.of(
          "#",
          "# A fatal error has been detected by the Java Runtime Environment:",
          "#",
          "#  SIGSEGV (0xb) at pc=0x00007f2a5c001139, pid=4711, tid=4712",
          "#",
          "# JRE version: OpenJDK Runtime Environment (17.0.15+6) (build 17.0.15+6)",
          "# Problematic frame:",
          "# C  [libvendor.so.4+0x1139]  vendor_run+0x9",
          "#",
          "---------------  T H R E A D  ---------------",
          "",
          "Native frames: (J=compiled Java code, j=interpreted, Vv=VM code, C=native code)",
          "C  [libvendor.so.4+0x1139]  vendor_run+0x9",
          "C  [jna1.tmp+0x12345]  ffi_call_unix64+0x55",
          "",
          "Java frames: (J=compiled Java code, j=interpreted, Vv=VM code)",
          "j  com.sun.jna.Native.invokeInt+0");

  @Test
  void shouldTellSignalAndFramesWhenTheJvmWroteThem() {
    ErrorFile error = ErrorFile.parse(SEGMENTATION);

    assertThat(error.signal()).isEqualTo("SIGSEGV");
    assertThat(error.frame()).isEqualTo("C  [libvendor.so.4+0x1139]  vendor_run+0x9");
    assertThat(error.nativeFrames())
        .containsExactly(
            "C  [libvendor.so.4+0x1139]  vendor_run+0x9",
            "C  [jna1.tmp+0x12345]  ffi_call_unix64+0x55");
  }

  @Test
  void shouldStayBoundedWhenTheFileIsCutOffOrFullOfNoise() {
    List<String> noise = new ArrayList<>(SEGMENTATION.subList(0, 12));
    for (int i = 0; i < 1000; i++) {
      noise.add("C  [libvendor.so.4+0x" + "f".repeat(10_000) + "]");
    }

    ErrorFile error = ErrorFile.parse(noise);

    assertThat(error.nativeFrames())
        .hasSize(CrashReport.MOST_LINES)
        .allMatch(line -> line.length() <= CrashReport.MOST_LINE);
    assertThat(ErrorFile.parse(SEGMENTATION.subList(0, 7)).frame()).isEmpty();
  }
}
