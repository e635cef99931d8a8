/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package org.eclipse.kura.cloudconnection.request;

import org.eclipse.kura.KuraException;
import org.eclipse.kura.cloudconnection.message.KuraMessage;
import org.osgi.annotation.versioning.ConsumerType;

/** Answers requests from the cloud for one application. */
@ConsumerType
public interface RequestHandler {
  /** Answers a DEL. */
  KuraMessage doDel(RequestHandlerContext context, KuraMessage message) throws KuraException;

  /** Answers an EXEC. */
  KuraMessage doExec(RequestHandlerContext context, KuraMessage message) throws KuraException;

  /** Answers a GET. */
  KuraMessage doGet(RequestHandlerContext context, KuraMessage message) throws KuraException;

  /** Answers a POST. */
  KuraMessage doPost(RequestHandlerContext context, KuraMessage message) throws KuraException;

  /** Answers a PUT. */
  KuraMessage doPut(RequestHandlerContext context, KuraMessage message) throws KuraException;
}
