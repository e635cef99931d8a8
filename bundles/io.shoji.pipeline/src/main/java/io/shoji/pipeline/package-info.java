/**
 * Runs the steps that a model package declares around its model: pictures and signals in, classes,
 * boxes, alarms and scores out.
 *
 * <p>Steps are read and checked once, by {@link io.shoji.pipeline.PlanCompiler}; what runs per
 * sample works on memory that the plan owns. Nothing here is shared between threads.
 */
@NullMarked
package io.shoji.pipeline;

import org.jspecify.annotations.NullMarked;
