/**
 * The crossing between the gateway and a worker: accelerators of one process, used from the other.
 *
 * <p>{@link io.shoji.worker.link.LinkServer} offers accelerators in the worker, {@link
 * io.shoji.worker.link.LinkClient} gives them to the gateway. Tensors lie in memory that both have
 * mapped; what goes over the Unix domain socket is written down in {@code PROTOCOL.md}.
 */
@NullMarked
package io.shoji.worker.link;

import org.jspecify.annotations.NullMarked;
