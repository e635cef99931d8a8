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

import org.eclipse.kura.KuraErrorCode;
import org.eclipse.kura.KuraException;
import org.eclipse.kura.cloudconnection.message.KuraMessage;
import org.osgi.annotation.versioning.ConsumerType;

/** Answers requests from the cloud for one application. */
@ConsumerType
public interface RequestHandler {
  /** Answers a DEL; not supported, unless it is overridden. */
  default KuraMessage doDel(RequestHandlerContext context, KuraMessage message)
      throws KuraException {
    throw new KuraException(KuraErrorCode.OPERATION_NOT_SUPPORTED, "delete");
  }

  /** Answers an EXEC; not supported, unless it is overridden. */
  default KuraMessage doExec(RequestHandlerContext context, KuraMessage message)
      throws KuraException {
    throw new KuraException(KuraErrorCode.OPERATION_NOT_SUPPORTED, "exec");
  }

  /** Answers a GET; not supported, unless it is overridden. */
  default KuraMessage doGet(RequestHandlerContext context, KuraMessage message)
      throws KuraException {
    throw new KuraException(KuraErrorCode.OPERATION_NOT_SUPPORTED, "get");
  }

  /** Answers a POST; not supported, unless it is overridden. */
  default KuraMessage doPost(RequestHandlerContext context, KuraMessage message)
      throws KuraException {
    throw new KuraException(KuraErrorCode.OPERATION_NOT_SUPPORTED, "post");
  }

  /** Answers a PUT; not supported, unless it is overridden. */
  default KuraMessage doPut(RequestHandlerContext context, KuraMessage message)
      throws KuraException {
    throw new KuraException(KuraErrorCode.OPERATION_NOT_SUPPORTED, "put");
  }
}
