/**
 * Places models on accelerators and runs requests on them, without losing one while either is
 * exchanged. Private: applications use {@code io.shoji.inference}.
 *
 * <p>Locks, in the order in which they are taken: a {@link io.shoji.engine.Family} (which versions
 * of a model answer, who waits for one), then a {@link io.shoji.engine.Gate} (who waits for a
 * device). No call leaves the engine under either.
 */
@NullMarked
package io.shoji.engine;

import org.jspecify.annotations.NullMarked;
