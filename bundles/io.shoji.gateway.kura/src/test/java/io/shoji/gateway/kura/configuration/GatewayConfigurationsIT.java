/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.gateway.kura.configuration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.shoji.gateway.kura.TestFramework;
import io.shoji.gateway.kura.TestFramework.TestBundle;
import io.shoji.gateway.kura.probe.ProbeComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Dictionary;
import java.util.HashMap;
import java.util.Hashtable;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.configuration.ComponentConfiguration;
import org.eclipse.kura.configuration.ConfigurationService;
import org.eclipse.kura.configuration.Password;
import org.eclipse.kura.configuration.metatype.OCDService;
import org.eclipse.kura.crypto.CryptoService;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;
import org.osgi.service.cm.Configuration;
import org.osgi.service.cm.ConfigurationAdmin;

/** The configuration service with components that wait for their configuration, as on Kura. */
class GatewayConfigurationsIT {
  private static final String LIFE = "activate=\"activate\" deactivate=\"deactivate\"";
  private static final String SERVICE =
      "<service><provide interface=\"org.eclipse.kura.configuration.ConfigurableComponent\"/></service>";

  @TempDir private Path folder;
  private Path home;
  private TestFramework framework;
  private ConfigurationService configurations;

  @BeforeEach
  void start() throws Exception {
    home = folder.resolve("kura");
    restart();
  }

  private void restart() throws Exception {
    if (framework != null) {
      framework.close();
    }
    Files.createDirectories(home);
    ProbeComponent.ACTIVE.clear();
    framework = TestFramework.start(home, Map.of("kura.snapshots.count", "5"));
    configurations = framework.service(ConfigurationService.class);
  }

  @AfterEach
  void stop() throws Exception {
    framework.close();
  }

  private static String metatype(String designate, String pid, String id) {
    return "<MetaData xmlns=\"http://www.osgi.org/xmlns/metatype/v1.4.0\"><OCD id=\""
        + id
        + "\" name=\"Probe\" description=\"p\">"
        + "<AD id=\"greeting\" type=\"String\" default=\"hello\" cardinality=\"0\"/>"
        + "<AD id=\"count\" type=\"Integer\" default=\"3\" min=\"1\" max=\"10\"/>"
        + "<AD id=\"secret\" type=\"Password\" default=\"pw\" required=\"false\"/>"
        + "<AD id=\"list\" type=\"String\" cardinality=\"3\" default=\"a, b\\,c\" required=\"false\"/>"
        + "<AD id=\"ratio\" type=\"Double\" default=\"0.5\"/>"
        + "</OCD><Designate "
        + designate
        + "=\""
        + pid
        + "\"><Object ocdref=\""
        + id
        + "\"/></Designate></MetaData>";
  }

  private static TestBundle single() {
    return new TestBundle("probe.single")
        .component(
            "probe.Echo",
            "configuration-policy=\"require\" immediate=\"true\" " + LIFE,
            ProbeComponent.class,
            SERVICE)
        .file("OSGI-INF/metatype/probe.Echo.xml", metatype("pid", "probe.Echo", "probe.Echo"));
  }

  private static TestBundle factory() {
    return new TestBundle("probe.factory")
        .component(
            "probe.Box",
            "configuration-policy=\"require\" immediate=\"true\" " + LIFE,
            ProbeComponent.class,
            SERVICE
                + "<reference name=\"Runtime\" interface=\"org.osgi.service.cm.ConfigurationAdmin\" cardinality=\"1..1\"/>")
        .file("OSGI-INF/metatype/probe.Box.xml", metatype("factoryPid", "probe.Box", "probe.Box"));
  }

  private static Map<String, Object> given(String pid) {
    return ProbeComponent.ACTIVE.getOrDefault(pid, Map.of());
  }

  private void awaitGiven(String pid, String key, Object value) throws Exception {
    TestFramework.await(
        pid + " " + key + "=" + value + " but " + ProbeComponent.ACTIVE,
        () -> value.equals(given(pid).get(key)));
  }

  private void awaitTracked(String pid) throws Exception {
    TestFramework.await(
        pid + " is followed", () -> configurations.getConfigurableComponentPids().contains(pid));
  }

  @Test
  void shouldGiveDefaultsWhenComponentIsSeenFirst() throws Exception {
    framework.install(single());
    awaitGiven("probe.Echo", "greeting", "hello");
    assertThat(given("probe.Echo"))
        .containsEntry("count", 3)
        .containsEntry("ratio", 0.5)
        .containsEntry("kura.service.pid", "probe.Echo");
    assertThat((String[]) given("probe.Echo").get("list")).containsExactly("a", "b,c");
    String secret = (String) given("probe.Echo").get("secret");
    CryptoService crypto = framework.service(CryptoService.class);
    assertThat(secret).isNotEqualTo("pw");
    assertThat(new String(crypto.decryptAes(secret.toCharArray()))).isEqualTo("pw");
    awaitTracked("probe.Echo");
    ComponentConfiguration read = configurations.getComponentConfiguration("probe.Echo");
    assertThat(read.getConfigurationProperties().get("secret")).hasToString("pw");
    assertThat(read.getDefinition().getAD()).hasSize(5);
    // As on Kura, defaults alone are no snapshot.
    assertThat(configurations.getSnapshots()).isEmpty();
    assertThat(
            configurations
                .getDefaultComponentConfiguration("probe.Echo")
                .getConfigurationProperties())
        .containsEntry("count", 3);
  }

  @Test
  void shouldTakeValuesThatAreOutOfRangeOrUnknownWhenUpdated() throws Exception {
    framework.install(single());
    awaitTracked("probe.Echo");
    configurations.updateConfiguration(
        "probe.Echo", Map.of("count", 99, "nobody.asked", "x", "secret", new Password("new")));
    awaitGiven("probe.Echo", "count", 99);
    assertThat(given("probe.Echo"))
        .containsEntry("nobody.asked", "x")
        .containsEntry("greeting", "hello");
    assertThat(configurations.getSnapshots()).hasSize(1);
    long id = configurations.getSnapshots().iterator().next();
    assertThat(Files.readString(home.resolve("user/snapshots/snapshot_" + id + ".xml")))
        .doesNotContain("count");
    ComponentConfiguration kept =
        configurations.getSnapshot(id).stream()
            .filter(one -> one.getPid().equals("probe.Echo"))
            .findFirst()
            .orElseThrow();
    assertThat(kept.getConfigurationProperties())
        .containsEntry("count", 99)
        .containsEntry("service.pid", "probe.Echo");
    assertThat(kept.getConfigurationProperties().get("secret")).hasToString("new");
  }

  @Test
  void shouldKeepSnapshotsBoundedWhenManyChangesAreMade() throws Exception {
    framework.install(single());
    awaitTracked("probe.Echo");
    for (int i = 0; i < 12; i++) {
      configurations.updateConfiguration("probe.Echo", Map.of("count", i));
    }
    assertThat(configurations.getSnapshots()).hasSize(5);
    awaitGiven("probe.Echo", "count", 11);
    configurations.rollback();
    awaitGiven("probe.Echo", "count", 10);
    assertThatThrownBy(() -> configurations.rollback(17))
        .isInstanceOfSatisfying(
            KuraException.class,
            e -> assertThat(e.getCode()).isEqualTo(KuraErrorCode.CONFIGURATION_SNAPSHOT_NOT_FOUND));
  }

  @Test
  void shouldMakeAndDeleteComponentsOfFactories() throws Exception {
    framework.install(factory());
    TestFramework.await(
        "factory", () -> configurations.getFactoryComponentPids().contains("probe.Box"));
    configurations.createFactoryConfiguration("probe.Box", "one", Map.of("count", 7), true);
    configurations.createFactoryConfiguration("probe.Box", "two and ä", null, true);
    awaitGiven("one", "count", 7);
    awaitGiven("two and ä", "count", 3);
    assertThat(given("one")).containsEntry("greeting", "hello");
    assertThatThrownBy(
            () -> configurations.createFactoryConfiguration("probe.Box", "one", null, true))
        .isInstanceOf(KuraException.class);
    long before = configurations.snapshot();
    configurations.deleteFactoryConfiguration("one", true);
    TestFramework.await("gone", () -> !ProbeComponent.ACTIVE.containsKey("one"));
    assertThat(configurations.getConfigurableComponentPids()).doesNotContain("one");
    configurations.deleteFactoryConfiguration("nobody", true);

    configurations.rollback(before);
    awaitGiven("one", "count", 7);
    // A factory that nobody has, made by an update: what comes over MQTT.
    configurations.updateConfigurations(
        List.of(
            new PidConfiguration(
                "three",
                null,
                new HashMap<>(Map.of("service.factoryPid", "probe.Box", "count", 8)))));
    awaitGiven("three", "count", 8);
    OCDService definitions = framework.service(OCDService.class);
    assertThat(definitions.getFactoryComponentOCD("probe.Box").getDefinition().getName())
        .isEqualTo("Probe");
    assertThat(
            definitions.getServiceProviderOCDs(
                "org.eclipse.kura.configuration.ConfigurableComponent"))
        .extracting(ComponentConfiguration::getPid)
        .contains("probe.Box");
  }

  @Test
  void shouldBringConfigurationsBackWhenFrameworkAndConfigurationAdminAreNew() throws Exception {
    framework.install(single());
    framework.install(factory());
    awaitTracked("probe.Echo");
    configurations.updateConfiguration(
        "probe.Echo", Map.of("count", 5, "secret", new Password("kept")));
    configurations.createFactoryConfiguration("probe.Box", "one", Map.of("ratio", 0.25), true);
    awaitGiven("one", "ratio", 0.25);
    framework.close();
    try (Stream<Path> files = Files.walk(home.resolve("cm"))) {
      for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
    ProbeComponent.ACTIVE.clear();
    restart();
    framework.install(single());
    framework.install(factory());
    awaitGiven("probe.Echo", "count", 5);
    awaitGiven("one", "ratio", 0.25);
    CryptoService crypto = framework.service(CryptoService.class);
    assertThat(
            new String(
                crypto.decryptAes(((String) given("probe.Echo").get("secret")).toCharArray())))
        .isEqualTo("kept");
    ConfigurationAdmin admin = framework.service(ConfigurationAdmin.class);
    assertThat(admin.listConfigurations("(kura.service.pid=one)")).hasSize(1);
    restart();
    framework.install(factory());
    awaitGiven("one", "ratio", 0.25);
    assertThat(
            framework
                .service(ConfigurationAdmin.class)
                .listConfigurations("(kura.service.pid=one)"))
        .hasSize(1);
  }

  @Test
  void shouldKeepConfigurationWhenPackageIsRemovedAndComesBack() throws Exception {
    Bundle bundle = framework.install(single());
    awaitTracked("probe.Echo");
    configurations.updateConfiguration("probe.Echo", Map.of("count", 6));
    awaitGiven("probe.Echo", "count", 6);
    bundle.uninstall();
    TestFramework.await(
        "gone", () -> !configurations.getConfigurableComponentPids().contains("probe.Echo"));
    configurations.snapshot();
    framework.install(single());
    awaitGiven("probe.Echo", "count", 6);
  }

  @Test
  void shouldNoticeWhenOthersChangeConfigurationAdmin() throws Exception {
    framework.install(single());
    framework.install(factory());
    awaitTracked("probe.Echo");
    configurations.updateConfiguration("probe.Echo", Map.of("count", 5));
    awaitGiven("probe.Echo", "count", 5);
    final long before = newest();
    ConfigurationAdmin admin = framework.service(ConfigurationAdmin.class);

    // As the web console does: without what its form does not show, passwords in plain.
    Configuration configuration = admin.getConfiguration("probe.Echo", "?");
    Dictionary<String, Object> bare = new Hashtable<>();
    bare.put("count", 9);
    bare.put("secret", "typed");
    bare.put("ratio", " 0.75 ");
    configuration.update(bare);
    TestFramework.await("a snapshot", () -> newest() > before);
    awaitGiven("probe.Echo", "count", 9);
    awaitGiven("probe.Echo", "ratio", 0.75);
    awaitTracked("probe.Echo");
    assertThat(
            configurations
                .getComponentConfiguration("probe.Echo")
                .getConfigurationProperties()
                .get("secret"))
        .hasToString("typed");
    assertThat((String) admin.getConfiguration("probe.Echo", "?").getProperties().get("secret"))
        .isNotEqualTo("typed");

    // A component made in the web console.
    long then = newest();
    Configuration made = admin.createFactoryConfiguration("probe.Box", "?");
    Dictionary<String, Object> properties = new Hashtable<>();
    properties.put("count", 4);
    made.update(properties);
    TestFramework.await("a snapshot", () -> newest() > then);
    String pid = made.getPid();
    awaitTracked(pid);
    awaitGiven(pid, "count", 4);
    assertThat(pids(newest())).contains(pid);
    long later = newest();
    made.delete();
    TestFramework.await("a snapshot", () -> newest() > later);
    assertThat(pids(newest())).doesNotContain(pid);

    // Own changes are not taken for those of others.
    long last = newest();
    configurations.updateConfiguration("probe.Echo", Map.of("count", 2), false);
    awaitGiven("probe.Echo", "count", 2);
    assertThat(newest()).isEqualTo(last);
    // Defaults again, and still there.
    admin.getConfiguration("probe.Echo", "?").delete();
    TestFramework.await("a snapshot", () -> newest() > last);
    awaitGiven("probe.Echo", "count", 3);
  }

  private long newest() throws KuraException {
    return new TreeSet<>(configurations.getSnapshots()).last();
  }

  private List<String> pids(long snapshot) throws KuraException {
    return configurations.getSnapshot(snapshot).stream()
        .map(ComponentConfiguration::getPid)
        .toList();
  }

  @Test
  void shouldGiveNothingWhenMetatypeFileHasAnotherName() throws Exception {
    framework.install(
        new TestBundle("probe.misnamed")
            .component(
                "probe.Misnamed",
                "configuration-policy=\"require\" immediate=\"true\" " + LIFE,
                ProbeComponent.class,
                SERVICE)
            .file(
                "OSGI-INF/metatype/metatype.xml",
                metatype("pid", "probe.Misnamed", "probe.Misnamed"))
            .component(
                "probe.OtherId",
                "configuration-policy=\"require\" immediate=\"true\" " + LIFE,
                ProbeComponent.class,
                SERVICE)
            .file("OSGI-INF/metatype/probe.OtherId.xml", metatype("pid", "probe.OtherId", "x"))
            .file("OSGI-INF/metatype/broken.xml", "<MetaData"));
    // No defaults and no form, but there.
    awaitTracked("probe.OtherId");
    awaitGiven("probe.OtherId", "kura.service.pid", "probe.OtherId");
    assertThat(given("probe.OtherId")).doesNotContainKey("count");
    assertThat(configurations.getComponentConfiguration("probe.OtherId").getDefinition()).isNull();
    assertThat(ProbeComponent.ACTIVE).doesNotContainKey("probe.Misnamed");
    assertThat(configurations.getConfigurableComponentPids()).doesNotContain("probe.Misnamed");
  }

  @Test
  void shouldNotFollowComponentWhenItsPolicyIsOptional() throws Exception {
    framework.install(single());
    Bundle optional =
        framework.install(
            new TestBundle("probe.optional")
                .component(
                    "probe.Optional",
                    "configuration-policy=\"optional\" immediate=\"true\" " + LIFE,
                    ProbeComponent.class,
                    SERVICE)
                .file(
                    "OSGI-INF/metatype/probe.Optional.xml",
                    metatype("pid", "probe.Optional", "probe.Optional")));
    awaitTracked("probe.Echo");
    // It gets its defaults, but is not there for the console.
    awaitGiven("probe.Optional", "count", 3);
    assertThat(configurations.getConfigurableComponentPids()).doesNotContain("probe.Optional");
    configurations.updateConfiguration("probe.Optional", Map.of("count", 8));
    assertThat(configurations.getComponentConfiguration("probe.Optional")).isNull();
    optional.stop();
    optional.start();
    awaitGiven("probe.Optional", "count", 3);
    assertThat(configurations.getConfigurableComponentPids()).doesNotContain("probe.Optional");
  }

  @Test
  void shouldWedgeComponentAndNothingElseWhenTargetFilterIsMalformed() throws Exception {
    framework.install(single());
    framework.install(factory());
    configurations.createFactoryConfiguration("probe.Box", "one", Map.of(), true);
    configurations.createFactoryConfiguration("probe.Box", "other", Map.of(), true);
    awaitGiven("one", "count", 3);
    awaitGiven("other", "count", 3);
    awaitTracked("one");
    configurations.updateConfiguration("one", Map.of("Runtime.target", "(((broken"));
    TestFramework.await("wedged", () -> !ProbeComponent.ACTIVE.containsKey("one"));
    TestFramework.await(
        "not followed", () -> !configurations.getConfigurableComponentPids().contains("one"));
    // A better filter comes too late.
    configurations.updateConfiguration("one", Map.of("Runtime.target", "(objectClass=*)"));
    assertThat(ProbeComponent.ACTIVE).doesNotContainKey("one");

    configurations.updateConfiguration("other", Map.of("count", 5));
    awaitGiven("other", "count", 5);
    configurations.updateConfiguration("probe.Echo", Map.of("count", 4));
    awaitGiven("probe.Echo", "count", 4);

    configurations.deleteFactoryConfiguration("one", true);
    configurations.createFactoryConfiguration("probe.Box", "one", Map.of("count", 9), true);
    awaitGiven("one", "count", 9);
  }

  @Test
  void shouldTakeOlderSnapshotWhenNewestIsDamaged() throws Exception {
    framework.install(single());
    awaitTracked("probe.Echo");
    configurations.updateConfiguration("probe.Echo", Map.of("count", 4));
    configurations.updateConfiguration("probe.Echo", Map.of("count", 5));
    awaitGiven("probe.Echo", "count", 5);
    long newest = newest();
    framework.close();
    Path file = home.resolve("user/snapshots/snapshot_" + newest + ".xml");
    assertThat(Files.getPosixFilePermissions(file))
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
    assertThat(Files.getPosixFilePermissions(home.resolve("data/crypto.key")))
        .isEqualTo(PosixFilePermissions.fromString("rw-------"));
    Files.write(file, "cut".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    restart();
    framework.install(single());
    awaitGiven("probe.Echo", "count", 4);
  }

  @Test
  void shouldBeginWithSnapshotInPlainXml() throws Exception {
    framework.close();
    Files.createDirectories(home.resolve("user/snapshots"));
    Files.writeString(
        home.resolve("user/snapshots/snapshot_0.xml"),
        ConfigurationXml.write(
            List.of(
                new PidConfiguration("probe.Echo", null, Map.of("count", 7)),
                new PidConfiguration(
                    "made",
                    null,
                    Map.of(
                        "service.factoryPid",
                        "probe.Box",
                        "secret",
                        new Password("given"),
                        "count",
                        8)))));
    restart();
    framework.install(single());
    framework.install(factory());
    awaitGiven("probe.Echo", "count", 7);
    awaitGiven("made", "count", 8);
    awaitGiven("made", "greeting", "hello");
    assertThat(
            configurations
                .getComponentConfiguration("made")
                .getConfigurationProperties()
                .get("secret"))
        .hasToString("given");
  }
}
