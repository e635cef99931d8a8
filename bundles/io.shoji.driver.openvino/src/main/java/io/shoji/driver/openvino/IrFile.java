/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.driver.openvino;

import io.shoji.accelerator.AcceleratorException;
import io.shoji.accelerator.AcceleratorException.Code;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What an IR says of itself, read before OpenVINO reads it: releases before 2023.2 give no reason
 * when they refuse one.
 *
 * @param version of the IR's format
 * @param newestOpset highest number of a set of operators that it uses
 * @param madeBy release that wrote it; empty if it does not say
 */
record IrFile(int version, int newestOpset, String madeBy) {
  /** Versions that OpenVINO 2022.3 to 2026 read. */
  private static final int OLDEST = 10;

  private static final int NEWEST = 11;
  private static final long MOST_BYTES = 256L << 20;
  private static final Pattern NET =
      Pattern.compile("<net\\s[^>]{0,65536}?\\bversion=\"(\\d{1,6})\"");
  private static final Pattern MADE_BY =
      Pattern.compile("<(?:Runtime_version|MO_version)\\s+value=\"([^\"]{0,200})\"");
  private static final Pattern OPSET = Pattern.compile("\\bversion=\"opset(\\d{1,6})\"");
  private static final Pattern WEIGHTS =
      Pattern.compile("\\boffset=\"(\\d{1,18})\"\\s+size=\"(\\d{1,18})\"");

  /**
   * Reads and checks both files.
   *
   * @throws AcceleratorException INVALID_MODEL for files that are damaged, cut off or missing,
   *     INCOMPATIBLE_RUNTIME for a newer IR, UNSUPPORTED for one that is older than every release
   */
  static IrFile read(Path xml, Path bin, String release, String artifact)
      throws AcceleratorException {
    String text = text(xml, artifact);
    Matcher net = NET.matcher(text);
    if (!net.find()) {
      throw new AcceleratorException(
          Code.INVALID_MODEL,
          "no IR of OpenVINO: the file has no <net version=...>; convert the model to IR bytes="
              + text.length()
              + " file="
              + xml
              + " "
              + artifact);
    }
    int version = Integer.parseInt(net.group(1));
    String madeBy = madeBy(text);
    if (version > NEWEST) {
      throw new AcceleratorException(
          Code.INCOMPATIBLE_RUNTIME,
          "the IR is of a newer version than this OpenVINO reads; convert the model with this release, or"
              + " install a newer one, and a driver that knows it asked="
              + OLDEST
              + " to "
              + NEWEST
              + " found="
              + version
              + " madeBy="
              + madeBy
              + " release="
              + release
              + " "
              + artifact);
    }
    if (version < OLDEST) {
      throw new AcceleratorException(
          Code.UNSUPPORTED,
          "the IR is of a version that no OpenVINO since 2021 reads; convert the model again asked="
              + OLDEST
              + " to "
              + NEWEST
              + " found="
              + version
              + " "
              + artifact);
    }
    if (!text.stripTrailing().endsWith("</net>")) {
      throw new AcceleratorException(
          Code.INVALID_MODEL,
          "the IR does not end as one does, so that it was cut off; fetch or convert it again foundBytes="
              + text.length()
              + " "
              + artifact);
    }
    requireWeights(text, bin, artifact);
    int newest = 0;
    Matcher opset = OPSET.matcher(text);
    while (opset.find()) {
      newest = Math.max(newest, Integer.parseInt(opset.group(1)));
    }
    return new IrFile(version, newest, madeBy);
  }

  private static String text(Path file, String artifact) throws AcceleratorException {
    try {
      long size = Files.size(file);
      if (size > MOST_BYTES) {
        throw new AcceleratorException(
            Code.UNSUPPORTED,
            "the description of the model is larger than it may be here bytes="
                + size
                + " most="
                + MOST_BYTES
                + " "
                + artifact);
      }
      return Files.readString(file, StandardCharsets.ISO_8859_1);
    } catch (NoSuchFileException e) {
      throw new AcceleratorException(
          Code.INVALID_MODEL, "there is no such file file=" + file + " " + artifact, e);
    } catch (IOException e) {
      throw new AcceleratorException(
          Code.FAILED, "the file cannot be read file=" + file + " reason=" + e, e);
    }
  }

  private static String madeBy(String text) {
    Matcher madeBy = MADE_BY.matcher(text);
    return madeBy.find() ? madeBy.group(1) : "";
  }

  private static void requireWeights(String text, Path bin, String artifact)
      throws AcceleratorException {
    long asked = 0;
    Matcher weights = WEIGHTS.matcher(text);
    while (weights.find()) {
      asked = Math.max(asked, Long.parseLong(weights.group(1)) + Long.parseLong(weights.group(2)));
    }
    long found = 0;
    try {
      found = Files.size(bin);
    } catch (NoSuchFileException e) {
      throw new AcceleratorException(
          Code.INVALID_MODEL,
          "the weights are missing; an IR is two files, .xml and .bin file=" + bin + " " + artifact,
          e);
    } catch (IOException e) {
      throw new AcceleratorException(
          Code.FAILED, "the file cannot be read file=" + bin + " reason=" + e, e);
    }
    if (found < asked) {
      throw new AcceleratorException(
          Code.INVALID_MODEL,
          "the weights are shorter than the model says, so that they were cut off, or are of another"
              + " model; fetch or convert it again askedBytes="
              + asked
              + " foundBytes="
              + found
              + " file="
              + bin
              + " "
              + artifact);
    }
  }
}
