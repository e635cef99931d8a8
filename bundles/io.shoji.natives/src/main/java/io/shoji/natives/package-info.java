/**
 * Finds, checks, opens and really unloads the shared libraries of accelerator vendors.
 *
 * <p>{@link io.shoji.natives.NativeLibraries} is the service. It reads a library with {@link
 * io.shoji.natives.ElfFile}, follows what it needs as the dynamic loader would ({@link
 * io.shoji.natives.LoaderSearch}, {@link io.shoji.natives.Preflight}), opens it with the loader's
 * own {@code dlopen} ({@link io.shoji.natives.DynamicLoader}) and watches {@code /proc/self/maps}
 * ({@link io.shoji.natives.MappedFiles}) to see that it goes when it is closed.
 */
@NullMarked
package io.shoji.natives;

import org.jspecify.annotations.NullMarked;
