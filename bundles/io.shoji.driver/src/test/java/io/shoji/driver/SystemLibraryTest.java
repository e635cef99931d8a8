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

import static org.assertj.core.api.Assertions.assertThat;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.VendorLibraries;
import io.shoji.accelerator.VendorLibrary;
import io.shoji.accelerator.VendorLibraryException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class SystemLibraryTest {
  private static final SystemLibrary LIBRARY =
      new SystemLibrary("Test", "libtest.so", "test accelerator", "libraryPath");

  private final List<String> done = new ArrayList<>();
  private final Complaint complaint = new Complaint();
  private VendorLibraryException.@Nullable Code refusal;

  private final VendorLibraries libraries =
      fake(
          VendorLibraries.class,
          (name, argument) -> {
            done.add(name + " " + argument);
            if (refusal != null) {
              throw new VendorLibraryException(refusal, "as asked");
            }
            return fake(
                VendorLibrary.class,
                (call, none) -> {
                  done.add(call);
                  return null;
                });
          });

  private interface Answer {
    @Nullable Object to(String method, @Nullable Object argument) throws Exception;
  }

  private static <T> T fake(Class<T> type, Answer answer) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) ->
                answer.to(method.getName(), arguments == null ? null : arguments[0])));
  }

  private @Nullable String open(String path) {
    return LIBRARY.open(libraries, path, 1, complaint, library -> "used");
  }

  @Test
  void shouldTakeTheSystemsWhenNoPathIsConfigured() {
    assertThat(complaint.isNew("of before")).isTrue();
    assertThat(open(" ")).isEqualTo("used");
    assertThat(done).containsExactly("openSystem libtest.so");
    assertThat(complaint.isNew("of before")).isTrue();
  }

  @Test
  void shouldTakeTheConfiguredOne() {
    assertThat(open(" /opt/libtest.so.1 ")).isEqualTo("used");
    assertThat(done).containsExactly("open /opt/libtest.so.1");
  }

  @Test
  void shouldComplainOnceWhenThereIsNone() {
    refusal = VendorLibraryException.Code.NOT_FOUND;
    assertThat(open("")).isNull();
    assertThat(complaint.isNew("absent")).isFalse();
    assertThat(open("/opt/libtest.so.1")).isNull();
    assertThat(complaint.isNew("absent")).isTrue();
  }

  @Test
  void shouldBeNoneWhenItCannotBeOpened() {
    refusal = VendorLibraryException.Code.NOT_LOADABLE;
    assertThat(open("")).isNull();
    assertThat(open("a\0b")).isNull();
    assertThat(done).containsExactly("openSystem libtest.so");
  }

  @Test
  void shouldBeClosedWhenTheDriverCannotUseIt() {
    AcceleratorException refused = new AcceleratorException(Code.INCOMPATIBLE_RUNTIME, "as asked");
    String used =
        LIBRARY.open(
            libraries,
            "",
            1,
            complaint,
            library -> {
              throw refused;
            });
    assertThat(used).isNull();
    assertThat(done).containsExactly("openSystem libtest.so", "close");
    assertThat(complaint.isNew(refused.toString())).isFalse();
  }
}
