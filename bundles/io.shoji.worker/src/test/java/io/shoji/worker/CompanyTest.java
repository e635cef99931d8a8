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
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import io.shoji.accelerator.LoadedModel;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.worker.link.InputDigest;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

class CompanyTest {
  private static final String MODEL = "sha of the model";

  private final List<Tensor> suspect = List.of(Tensor.ofFloats(Shape.of(1, 1), 1));
  private final List<Tensor> ordinary = List.of(Tensor.ofFloats(Shape.of(1, 1), 2));
  private final Quarantine quarantine = new Quarantine(System::nanoTime, Path.of("unused"));

  @Test
  void shouldRunASuspectAloneWhenOthersRunToo() throws Exception {
    String digest = InputDigest.of(MODEL, suspect);
    quarantine.died(List.of(digest), Optional.empty());
    Company company = new Company(quarantine);
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    AtomicBoolean together = new AtomicBoolean();
    CompletableFuture<Boolean> neighbour =
        CompletableFuture.supplyAsync(
            () ->
                run(
                    company,
                    ordinary,
                    () -> {
                      inside.countDown();
                      await(go);
                      together.set(company.alone().isPresent());
                      return true;
                    }));
    await(inside);
    CompletableFuture<Optional<String>> alone =
        CompletableFuture.supplyAsync(() -> run(company, suspect, company::alone));

    go.countDown();

    assertThat(neighbour.get(10, TimeUnit.SECONDS)).isTrue();
    assertThat(alone.get(10, TimeUnit.SECONDS)).contains(digest);
    assertThat(together).isFalse();
    assertThat(company.alone()).isEmpty();
    assertThat(quarantine.watching()).isFalse();
  }

  @Test
  void shouldSayWhoRanAloneWhenTheProcessDiesOfIt() {
    String digest = InputDigest.of(MODEL, suspect);
    quarantine.died(List.of(digest), Optional.empty());
    Company company = new Company(quarantine);

    assertThatThrownBy(
            () ->
                company.run(
                    MODEL,
                    suspect,
                    LoadedModel.noDeadline(),
                    () -> {
                      throw new AcceleratorException(Code.DEVICE_LOST, "the process died");
                    }))
        .hasMessageContaining("the process died");

    assertThat(company.alone()).contains(digest);
    assertThat(quarantine.died(List.of(digest), company.alone())).contains(digest);
  }

  @Test
  void shouldTimeOutWhenTheTurnDoesNotComeByTheDeadline() throws Exception {
    quarantine.died(List.of(InputDigest.of(MODEL, suspect)), Optional.empty());
    Company company = new Company(quarantine);
    CountDownLatch inside = new CountDownLatch(1);
    CountDownLatch go = new CountDownLatch(1);
    CompletableFuture<Boolean> neighbour =
        CompletableFuture.supplyAsync(
            () ->
                run(
                    company,
                    ordinary,
                    () -> {
                      inside.countDown();
                      await(go);
                      return true;
                    }));
    await(inside);

    assertThatThrownBy(() -> company.run(MODEL, suspect, System.nanoTime() + 1_000_000, () -> true))
        .isInstanceOfSatisfying(
            AcceleratorException.class, e -> assertThat(e.code()).isEqualTo(Code.TIMEOUT));
    go.countDown();
    assertThat(neighbour.get(10, TimeUnit.SECONDS)).isTrue();
  }

  private static <T> T run(Company company, List<Tensor> inputs, Company.Run<T> run) {
    try {
      return company.run(MODEL, inputs, LoadedModel.noDeadline(), run);
    } catch (AcceleratorException e) {
      throw new AssertionError(e);
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      assertThat(latch.await(10, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
