/**
 * Changes on disk one by one, so that tests can count them and play a power cut between any two.
 *
 * <p>A library, embedded by its users: one interface and the disk of this machine behind it.
 */
@NullMarked
package io.shoji.disk;

import org.jspecify.annotations.NullMarked;
