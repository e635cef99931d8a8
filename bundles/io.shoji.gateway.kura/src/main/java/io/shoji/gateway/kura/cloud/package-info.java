/**
 * Kura's cloud connection over MQTT: publishers, subscribers, requests and their replies, life
 * cycle messages, and a store on disk for what is sent while there is no connection.
 */
@NullMarked
package io.shoji.gateway.kura.cloud;

import org.jspecify.annotations.NullMarked;
