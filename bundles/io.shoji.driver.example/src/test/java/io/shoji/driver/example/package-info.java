@NullMarked
package io.shoji.driver.example;

import org.jspecify.annotations.NullMarked;
