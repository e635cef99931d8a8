/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.message;

import org.osgi.annotation.versioning.ProviderType;

/** The part of a topic that belongs to an application. */
@ProviderType
public abstract class KuraApplicationTopic {
  /** Id of the application. */
  protected String applicationId;

  /** What follows the id. */
  protected String applicationTopic;

  /** With nothing set. */
  public KuraApplicationTopic() {
    // set by subclasses
  }

  /** Id of the application. */
  public String getApplicationId() {
    return applicationId;
  }

  /** What follows the id. */
  public String getApplicationTopic() {
    return applicationTopic;
  }
}
