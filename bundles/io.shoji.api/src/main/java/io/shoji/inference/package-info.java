/**
 * What applications call to get an answer from a model, and what each answer says of its origin.
 *
 * <p>{@link io.shoji.inference.InferenceService} takes tensors and returns tensors. {@link
 * io.shoji.inference.PipelineService} takes what a gateway has (images, samples of a signal) and
 * returns what a person or a controller wants (labels, boxes, scores), by the steps that the
 * model's package declares.
 */
@Export
@Version("1.0.0")
@NullMarked
package io.shoji.inference;

import org.jspecify.annotations.NullMarked;
import org.osgi.annotation.bundle.Export;
import org.osgi.annotation.versioning.Version;
