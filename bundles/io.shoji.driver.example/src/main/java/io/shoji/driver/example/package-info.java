/** An example of a driver: what WRITE-A-DRIVER.md explains, compiled and tested; ships nowhere. */
@NullMarked
package io.shoji.driver.example;

import org.jspecify.annotations.NullMarked;
