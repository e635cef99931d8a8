/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.shoji.quantizer.AccuracyBudget;
import java.awt.image.BufferedImage;
import java.io.File;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

/** The report in Chromium, where that is installed. */
final class ReportInBrowserTest {
  private static final long SECONDS = 120;

  @TempDir private Path folder;

  private Path page;

  @BeforeEach
  void writeReport() throws Exception {
    page = folder.resolve("report.html");
    HtmlReport.write(
        new Reports(10, 9, 500)
            .report(AccuracyBudget.maxDrop("top1", 0.03), Reports.labels(10), List.of("a <note>")),
        page);
  }

  private static Optional<Path> chromium() {
    for (String path : System.getenv().getOrDefault("PATH", "").split(File.pathSeparator, -1)) {
      for (String name : List.of("chromium", "chromium-browser", "google-chrome")) {
        Path program = Path.of(path, name);
        if (!path.isEmpty() && Files.isExecutable(program)) {
          return Optional.of(program);
        }
      }
    }
    return Optional.empty();
  }

  /** Runs the browser without a network. */
  private String browse(String... options) throws Exception {
    Optional<Path> chromium = chromium();
    assumeTrue(chromium.isPresent(), "Chromium is not installed: no chromium on the path");
    List<String> command = new ArrayList<>();
    command.add(chromium.get().toString());
    command.addAll(
        List.of(
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--hide-scrollbars",
            "--no-proxy-server",
            "--disable-background-networking",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            "--user-data-dir=" + folder.resolve("profile")));
    command.addAll(List.of(options));
    command.add(page.toUri().toString());
    Path output = folder.resolve("output");
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(output.toFile())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      assertThat(process.waitFor(SECONDS, TimeUnit.SECONDS)).as("%s", command).isTrue();
    } finally {
      process.destroyForcibly();
    }
    assertThat(process.exitValue()).isZero();
    return Files.readString(output, StandardCharsets.UTF_8);
  }

  private BufferedImage picture(int width, int height, String... options) throws Exception {
    Path file = folder.resolve("picture.png");
    List<String> all =
        new ArrayList<>(List.of("--window-size=" + width + "," + height, "--screenshot=" + file));
    all.addAll(List.of(options));
    browse(all.toArray(new String[0]));
    return ImageIO.read(file.toFile());
  }

  /** How often each color is there, of all pixels. */
  private static Map<Integer, Integer> colors(BufferedImage image) {
    Map<Integer, Integer> colors = new TreeMap<>();
    for (int y = 0; y < image.getHeight(); y++) {
      for (int x = 0; x < image.getWidth(); x++) {
        colors.merge(image.getRGB(x, y) & 0xffffff, 1, Integer::sum);
      }
    }
    return colors;
  }

  @Test
  void shouldBeToTheBrowserWhatWasWritten() throws Exception {
    // A tag that HTML closes elsewhere than XML would move what follows it.
    Document written =
        DocumentBuilderFactory.newInstance()
            .newDocumentBuilder()
            .parse(new InputSource(new StringReader(Files.readString(page))));
    String seen = browse("--dump-dom");
    for (String name :
        List.of("table", "tr", "td", "svg", "rect", "figure", "details", "li", "p")) {
      Matcher found = Pattern.compile("<" + name + "[ >]").matcher(seen);
      NodeList expected = written.getElementsByTagName(name);
      assertThat(found.results().count()).as(name).isEqualTo(expected.getLength());
    }
    assertThat(seen).contains("a &lt;note&gt;").doesNotContain("</span></span>");
  }

  @Test
  void shouldShowTheVerdictInLightAndInDark() throws Exception {
    BufferedImage light = picture(1280, 900, "--blink-settings=preferredColorScheme=1");
    BufferedImage dark = picture(1280, 900, "--blink-settings=preferredColorScheme=0");
    assertThat(light.getRGB(2, 2) & 0xffffff).isEqualTo(0xffffff);
    assertThat(dark.getRGB(2, 2) & 0xffffff).isEqualTo(0x11161b);
    // The bar and the words of the verdict, in the green of the style sheet.
    assertThat(colors(light).getOrDefault(0x17693a, 0)).isGreaterThan(300);
    assertThat(colors(dark).getOrDefault(0x7bd29b, 0)).isGreaterThan(300);
  }

  @Test
  void shouldFitANarrowScreen() throws Exception {
    BufferedImage narrow = picture(500, 2_000);
    // Nothing but paper at the right edge: no part is wider than the window.
    for (int y = 0; y < narrow.getHeight(); y++) {
      assertThat(narrow.getRGB(narrow.getWidth() - 2, y) & 0xffffff).isEqualTo(0xffffff);
    }
  }
}
