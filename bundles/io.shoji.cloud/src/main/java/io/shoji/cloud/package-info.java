/**
 * What travels between a Kura gateway and its cloud, without Kura: payloads and their encoding,
 * topics, the names of metrics, and how to connect to a broker.
 *
 * <p>A library, embedded by its users: immutable values and functions, no threads, no logging.
 */
@NullMarked
package io.shoji.cloud;

import org.jspecify.annotations.NullMarked;
