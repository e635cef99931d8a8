/**
 * Contracts that every implementation of a service must meet, as abstract JUnit 5 classes, and the
 * fixtures they need. For tests only; part of no package that is shipped.
 */
@NullMarked
package io.shoji.testkit;

import org.jspecify.annotations.NullMarked;
