/**
 * The service provider interface of accelerator drivers, and the service that opens vendor
 * libraries for them.
 *
 * <p>A driver registers one {@link io.shoji.accelerator.Accelerator} service per device, with the
 * properties of {@link io.shoji.accelerator.AcceleratorInfo#properties()}, and unregisters it when
 * the device goes away. Whoever calls a model decides when; a driver never starts an inference by
 * itself.
 */
@Export
@Version("1.0.0")
@NullMarked
package io.shoji.accelerator;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
