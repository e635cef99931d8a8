/**
 * What a model package says, and the model packages that this gateway holds.
 *
 * <p>A model package is a bundle with {@code SHOJI-INF/model.json}, the files that it names, and a
 * {@code Provide-Capability: io.shoji.model}. Its contents are checked, copied into a
 * content-addressed store and published as one {@link io.shoji.model.ModelPackage} service, or
 * refused with every reason at once.
 *
 * <p>The published JSON Schema of {@code model.json} is {@code SHOJI-INF/model.schema.json} in the
 * bundle {@code io.shoji.models}; the types here are its contents one to one.
 */
@Export
@Version("1.0.0")
@NullMarked
package io.shoji.model;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
