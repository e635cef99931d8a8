/** Tests of the crossing, with a worker in a process of its own. */
@NullMarked
package io.shoji.worker.link;

import org.jspecify.annotations.NullMarked;
