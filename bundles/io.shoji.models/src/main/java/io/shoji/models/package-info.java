/**
 * Finds the model packages among the installed bundles, checks them, stores their files by content
 * and publishes them as {@link io.shoji.model.ModelPackage} services.
 */
@Capability(namespace = "osgi.extender", name = "io.shoji.models", version = "1.0.0")
@NullMarked
package io.shoji.models;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Capability;
