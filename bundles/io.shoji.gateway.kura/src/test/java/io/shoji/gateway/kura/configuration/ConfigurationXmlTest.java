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

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.configuration.Password;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigurationXmlTest {
  private static final String METATYPE =
      "<MetaData xmlns='http://www.osgi.org/xmlns/metatype/v1.2.0'>"
          + "<OCD id='proof.Echo' name='Proof Echo' description='proof'>"
          + "<Icon resource='OSGI-INF/i.png' size='32'/>"
          + "<AD id='greeting' name='greeting' type='String' default='hello' description='d' cardinality='0' required='true'/>"
          + "<AD id='count' name='count' type='Integer' default='3' min='1' max='10' description='d'/>"
          + "<AD id='publish' name='publish' type='Boolean' default='false' description='d'/>"
          + "<AD id='secret' name='secret' type='Password' default='pw' description='d' required='false'/>"
          + "<AD id='list' name='list' type='String' default='a,b' cardinality='3' description='d' required='false'/>"
          + "<AD id='CloudPublisher.target' name='CloudPublisher Target Filter' type='String' default='(kura.service.pid=changeme)' description='d'/>"
          + "</OCD><Designate pid='proof.Echo'><Object ocdref='proof.Echo'/></Designate></MetaData>";

  /** What a real Kura answered to {@code CONF-V1/GET/configurations/proof.Echo}. */
  private static String captured() throws IOException {
    try (InputStream in =
        Objects.requireNonNull(ConfigurationXmlTest.class.getResourceAsStream("proof.Echo.xml"))) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  @Test
  void shouldWriteTheSameAsKura() throws Exception {
    Definition definition =
        Metatype.read(Xml.read(METATYPE), "proof.Echo").orElseThrow().definition().orElseThrow();
    List<PidConfiguration> read = ConfigurationXml.read(captured());
    assertThat(read).hasSize(1);
    PidConfiguration one = read.get(0);
    assertThat(
            ConfigurationXml.write(
                List.of(new PidConfiguration(one.pid(), definition, one.properties()))))
        .isEqualTo(captured());
    assertThat(one.properties())
        .containsEntry("count", 3)
        .containsEntry("publish", true)
        .containsEntry("list", new String[] {"a", "b"});
    assertThat(one.properties().get("secret")).isInstanceOf(Password.class).hasToString("pw");
  }

  @Test
  void shouldReadWhatItWrites() throws Exception {
    Map<String, Object> properties = new LinkedHashMap<>();
    properties.put("text", "a<b>&\"c\"\n\td\r €");
    properties.put("empty", "");
    properties.put("long", 5_000_000_000L);
    properties.put("double", 0.1);
    properties.put("float", 1.5f);
    properties.put("byte", (byte) -3);
    properties.put("short", (short) 300);
    properties.put("char", 'x');
    properties.put("none", new Integer[0]);
    properties.put("doubles", new Double[] {1.0, -2.5});
    properties.put("primitive", new int[] {7, 8});
    properties.put("passwords", new Password[] {new Password("p-q"), new Password("ä")});
    List<PidConfiguration> read =
        ConfigurationXml.read(
            ConfigurationXml.write(
                List.of(
                    new PidConfiguration("a & b", null, properties),
                    new PidConfiguration("nothing", null, null))));
    Map<String, Object> back = read.get(0).properties();
    assertThat(read.get(0).pid()).isEqualTo("a & b");
    for (String same :
        List.of(
            "text", "empty", "long", "double", "float", "byte", "short", "char", "none",
            "doubles")) {
      assertThat(back.get(same)).as(same).isEqualTo(properties.get(same));
    }
    assertThat(back.get("primitive")).isEqualTo(new Integer[] {7, 8});
    assertThat((Password[]) back.get("passwords"))
        .extracting(Password::toString)
        .containsExactly("p-q", "ä");
    assertThat(read.get(1).properties()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "no xml",
        "<a/>",
        "<configurations><configuration/></configurations>",
        "<configurations><configuration pid='p'><properties><property name='n' type='Strange'/></properties></configuration></configurations>",
        "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><configurations>&x;</configurations>",
        "<configurations><configuration pid='p'><properties><property name='n' type='Password' encrypted='true'><value>?</value></property></properties></configuration></configurations>"
      })
  void shouldRefuseWhatIsNoSuchDocument(String document) {
    assertThatThrownBy(() -> ConfigurationXml.read(document))
        .isInstanceOfSatisfying(
            KuraException.class,
            e -> assertThat(e.getCode()).isEqualTo(KuraErrorCode.DECODER_ERROR));
  }

  @Test
  void shouldNamePropertyWhoseValueDoesNotFit() {
    assertThatThrownBy(
            () ->
                ConfigurationXml.read(
                    "<configurations><configuration pid='p'><properties><property name='count' type='Integer'>"
                        + "<value>many</value></property></properties></configuration></configurations>"))
        .isInstanceOfSatisfying(
            KuraException.class,
            e -> assertThat(e.getCode()).isEqualTo(KuraErrorCode.CONFIGURATION_ATTRIBUTE_INVALID))
        .hasMessageContaining("count");
  }

  @Test
  void shouldSplitListsAsMetatypeHasThem() {
    assertThat(Values.split(" a , b\\,c,, d e \\ ")).containsExactly("a", "b,c", "", "d e  ");
  }
}
