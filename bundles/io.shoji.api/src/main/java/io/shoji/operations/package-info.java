/**
 * What an operator does with a gateway's models and accelerators: which version answers and where
 * it runs, pins and rollbacks, checks and measurements on the device, and what happened.
 *
 * <p>{@link io.shoji.operations.Operations} is one OSGi service of the engine. Whoever wants to be
 * told what happens registers an {@link io.shoji.operations.EngineEventListener}.
 */
@Export
@Version("1.0.0")
@NullMarked
package io.shoji.operations;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
