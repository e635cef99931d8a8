/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.wire.graph;

import java.util.Map;
import org.eclipse.kura.configuration.ComponentConfiguration;
import org.osgi.annotation.versioning.ProviderType;

/** A kind of wire component that can be created. */
@ProviderType
public class WireComponentDefinition {
  private String factoryPid;
  private int minInputPorts;
  private int maxInputPorts;
  private int defaultInputPorts;
  private int minOutputPorts;
  private int maxOutputPorts;
  private int defaultOutputPorts;
  private Map<Integer, String> inputPortNames;
  private Map<Integer, String> outputPortNames;
  private ComponentConfiguration componentOCD;

  /** With nothing set. */
  public WireComponentDefinition() {
    // set by the setters
  }

  /** The factory pid. */
  public String getFactoryPid() {
    return factoryPid;
  }

  /** Sets the factory pid. */
  public void setFactoryPid(String factoryPid) {
    this.factoryPid = factoryPid;
  }

  /** The min input ports. */
  public int getMinInputPorts() {
    return minInputPorts;
  }

  /** Sets the min input ports. */
  public void setMinInputPorts(int minInputPorts) {
    this.minInputPorts = minInputPorts;
  }

  /** The max input ports. */
  public int getMaxInputPorts() {
    return maxInputPorts;
  }

  /** Sets the max input ports. */
  public void setMaxInputPorts(int maxInputPorts) {
    this.maxInputPorts = maxInputPorts;
  }

  /** The default input ports. */
  public int getDefaultInputPorts() {
    return defaultInputPorts;
  }

  /** Sets the default input ports. */
  public void setDefaultInputPorts(int defaultInputPorts) {
    this.defaultInputPorts = defaultInputPorts;
  }

  /** The min output ports. */
  public int getMinOutputPorts() {
    return minOutputPorts;
  }

  /** Sets the min output ports. */
  public void setMinOutputPorts(int minOutputPorts) {
    this.minOutputPorts = minOutputPorts;
  }

  /** The max output ports. */
  public int getMaxOutputPorts() {
    return maxOutputPorts;
  }

  /** Sets the max output ports. */
  public void setMaxOutputPorts(int maxOutputPorts) {
    this.maxOutputPorts = maxOutputPorts;
  }

  /** The default output ports. */
  public int getDefaultOutputPorts() {
    return defaultOutputPorts;
  }

  /** Sets the default output ports. */
  public void setDefaultOutputPorts(int defaultOutputPorts) {
    this.defaultOutputPorts = defaultOutputPorts;
  }

  /** The input port names. */
  public Map<Integer, String> getInputPortNames() {
    return inputPortNames;
  }

  /** Sets the input port names. */
  public void setInputPortNames(Map<Integer, String> inputPortNames) {
    this.inputPortNames = inputPortNames;
  }

  /** The output port names. */
  public Map<Integer, String> getOutputPortNames() {
    return outputPortNames;
  }

  /** Sets the output port names. */
  public void setOutputPortNames(Map<Integer, String> outputPortNames) {
    this.outputPortNames = outputPortNames;
  }

  /** The component o c d. */
  public ComponentConfiguration getComponentOCD() {
    return componentOCD;
  }

  /** Sets the component o c d. */
  public void setComponentOCD(ComponentConfiguration componentOCD) {
    this.componentOCD = componentOCD;
  }
}
