/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.models;

import io.shoji.models.UntrustedException.Kind;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSigner;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarInputStream;
import java.util.jar.Manifest;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.Deflater;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * A signed bundle or archive (the format of {@code jarsigner}, JAR File Specification, "Signed JAR
 * File"), read through whoever serves its entries, so that what is verified is what is served,
 * whatever else lies in the file. It is stricter than the specification: a signature counts only if
 * it covers the manifest as it stands, to the last byte; each entry but the signatures themselves
 * is in the manifest with a SHA-2 digest; each that is in the manifest is there. A signature that
 * does not hold is as none, beside another one that does.
 *
 * <p>This says whose signature it is, not whether that is somebody to be trusted: {@link
 * SignerPath}. Not thread safe.
 */
public final class SignedArchive {
  /** The entries, as somebody serves them. */
  public interface Entries {
    /** Every file, by its path; no folders. */
    Collection<String> names() throws IOException;

    /** Opens a file, for the caller to close; empty if there is no such file. */
    Optional<InputStream> open(String name) throws IOException;
  }

  private static final int MANIFEST_LIMIT = 8 << 20;
  private static final int PROBE_LIMIT = 1 << 20;
  private static final int BUFFER_BYTES = 64 << 10;
  private static final List<String> DIGESTS = List.of("SHA-256", "SHA-384", "SHA-512");
  private static final Pattern SIGNATURE =
      Pattern.compile("META-INF/([^/]+)\\.(SF|RSA|EC|DSA)", Pattern.CASE_INSENSITIVE);

  private final Entries entries;
  private final List<String> names;
  private final byte[] manifestBytes;
  private final Manifest manifest;
  private final List<List<X509Certificate>> signers;

  private SignedArchive(
      Entries entries,
      List<String> names,
      byte[] manifestBytes,
      Manifest manifest,
      List<List<X509Certificate>> signers) {
    this.entries = entries;
    this.names = names;
    this.manifestBytes = manifestBytes;
    this.manifest = manifest;
    this.signers = signers;
  }

  /** A signature: {@code META-INF/NAME.SF}, and the block beside it. */
  private record Signature(String name, String block) {}

  /**
   * Verifies the signatures, and that they cover every entry. The entries' bytes are looked at by
   * {@link #check}.
   *
   * @throws UntrustedException UNSIGNED, INVALID or WEAK
   * @throws IOException if the entries cannot be read
   */
  public static SignedArchive read(Entries entries) throws UntrustedException, IOException {
    List<String> names = List.copyOf(new TreeSet<>(entries.names()));
    checkSpellings(names);
    byte[] bytes = readBounded(entries, JarFile.MANIFEST_NAME);
    Manifest manifest = new Manifest();
    try {
      manifest.read(new ByteArrayInputStream(bytes));
    } catch (IOException e) {
      throw new UntrustedException(
          Kind.INVALID, "the manifest cannot be read: " + Reasons.quote(e.toString()), e);
    }
    List<Signature> signatures = signatures(names);
    if (signatures.isEmpty()) {
      boolean trace =
          names.stream().anyMatch(n -> SIGNATURE.matcher(n).matches())
              || manifest.getEntries().values().stream().anyMatch(SignedArchive::isDigested);
      throw trace
          ? new UntrustedException(
              Kind.INVALID,
              "the signature was taken away: the manifest holds digests of entries, and META-INF no"
                  + " whole signature")
          : new UntrustedException(Kind.UNSIGNED, "it is not signed");
    }
    SignedArchive archive = new SignedArchive(entries, names, bytes, manifest, new ArrayList<>());
    archive.checkCovered();
    archive.verify(signatures);
    return archive;
  }

  /** For each signature that holds, the signer's certificate and those that came along with it. */
  public List<List<X509Certificate>> signers() {
    return List.copyOf(signers);
  }

  /** Digest of the manifest, lower-case hex: what was signed. */
  String manifestSha256() {
    return Digests.of(manifestBytes);
  }

  /** Every file. */
  List<String> names() {
    return names;
  }

  /**
   * Reads entries to their end and compares them with their signed digests.
   *
   * @param which of them
   * @param cancelled asked now and then
   * @throws UntrustedException INVALID
   * @throws CancellationException if {@code cancelled} says so
   */
  public void check(Predicate<String> which, BooleanSupplier cancelled)
      throws UntrustedException, IOException {
    for (String name : names) {
      if (isFile(name) || name.equals(JarFile.MANIFEST_NAME) || !which.test(name)) {
        continue;
      }
      Map<MessageDigest, String> asked = digests(name);
      byte[] buffer = new byte[BUFFER_BYTES];
      try (InputStream in = open(entries, name)) {
        for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
          if (cancelled.getAsBoolean()) {
            throw new CancellationException("stopped while an entry was read entry=" + name);
          }
          for (MessageDigest digest : asked.keySet()) {
            digest.update(buffer, 0, count);
          }
        }
      }
      compare(name, asked);
    }
  }

  /**
   * Compares an entry that somebody has read.
   *
   * @throws UntrustedException INVALID
   */
  void check(String name, byte[] content) throws UntrustedException {
    Map<MessageDigest, String> asked = digests(name);
    asked.keySet().forEach(digest -> digest.update(content));
    compare(name, asked);
  }

  private static void compare(String name, Map<MessageDigest, String> asked)
      throws UntrustedException {
    for (Map.Entry<MessageDigest, String> digest : asked.entrySet()) {
      if (!isEqual(digest.getKey().digest(), digest.getValue())) {
        throw new UntrustedException(
            Kind.INVALID, "an entry was changed after it was signed entry=" + Reasons.quote(name));
      }
    }
  }

  private static boolean isEqual(byte[] found, String asked) {
    try {
      return MessageDigest.isEqual(found, Base64.getDecoder().decode(asked));
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  /** Whether an entry is a signature, and nothing that is signed. */
  public static boolean isFile(String name) {
    return SIGNATURE.matcher(name).matches();
  }

  /** Java takes META-INF in any case, frameworks do not: one of the two would see another one. */
  private static void checkSpellings(List<String> names) throws UntrustedException {
    Map<String, String> spellings = new HashMap<>();
    for (String name : names) {
      String upper = name.toUpperCase(Locale.ROOT);
      if (!upper.startsWith("META-INF/")) {
        continue;
      }
      boolean ours = upper.equals(JarFile.MANIFEST_NAME) || isFile(name);
      String other = spellings.put(upper, name);
      if (ours
          && (other != null
              || !name.startsWith("META-INF/")
              || (upper.equals(JarFile.MANIFEST_NAME) && !name.equals(JarFile.MANIFEST_NAME)))) {
        throw new UntrustedException(
            Kind.INVALID,
            "an entry of the signature has another spelling, or is there in two; readers differ in"
                + " which they take entry="
                + Reasons.quote(name));
      }
    }
  }

  private static List<Signature> signatures(List<String> names) {
    Map<String, String> files = new TreeMap<>();
    Map<String, List<String>> blocks = new HashMap<>();
    for (String name : names) {
      Matcher matcher = SIGNATURE.matcher(name);
      if (matcher.matches()) {
        String base = matcher.group(1).toUpperCase(Locale.ROOT);
        if (matcher.group(2).equalsIgnoreCase("SF")) {
          files.put(base, name);
        } else {
          blocks.computeIfAbsent(base, b -> new ArrayList<>()).add(name);
        }
      }
    }
    List<Signature> signatures = new ArrayList<>();
    for (Map.Entry<String, String> file : files.entrySet()) {
      for (String block : blocks.getOrDefault(file.getKey(), List.of())) {
        signatures.add(new Signature(file.getValue(), block));
      }
    }
    return signatures;
  }

  /** Every entry is in the manifest, with a digest, and the other way round. */
  private void checkCovered() throws UntrustedException {
    TreeSet<String> digested = new TreeSet<>();
    manifest
        .getEntries()
        .forEach(
            (name, attributes) -> {
              if (isDigested(attributes)) {
                digested.add(name);
              }
            });
    for (String name : names) {
      if (isFile(name) || name.equals(JarFile.MANIFEST_NAME)) {
        continue;
      }
      if (!digested.remove(name)) {
        throw new UntrustedException(
            Kind.INVALID, "an entry was added that nobody signed entry=" + Reasons.quote(name));
      }
      digests(name);
    }
    digested.removeIf(name -> name.endsWith("/"));
    if (!digested.isEmpty()) {
      throw new UntrustedException(
          Kind.INVALID,
          "an entry that was signed is missing entry=" + Reasons.quote(digested.first()));
    }
  }

  private static boolean isDigested(Attributes attributes) {
    return attributes.keySet().stream()
        .anyMatch(k -> k.toString().toUpperCase(Locale.ROOT).endsWith("-DIGEST"));
  }

  /** The digests that the manifest has of an entry, each of which must be right. */
  private Map<MessageDigest, String> digests(String name) throws UntrustedException {
    Attributes attributes = manifest.getAttributes(name);
    Map<MessageDigest, String> digests = new HashMap<>();
    for (String algorithm : DIGESTS) {
      String value = attributes == null ? null : attributes.getValue(algorithm + "-Digest");
      if (value != null) {
        digests.put(digest(algorithm), value);
      }
    }
    if (digests.isEmpty()) {
      throw new UntrustedException(
          Kind.WEAK,
          "the manifest has no digest of an entry that is safe; sign anew with SHA-256 or longer"
              + " entry="
              + Reasons.quote(name));
    }
    return digests;
  }

  private static MessageDigest digest(String algorithm) {
    try {
      return MessageDigest.getInstance(algorithm);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-2", e);
    }
  }

  /** Keeps those that hold; the first one's failure is told if none does. */
  private void verify(List<Signature> signatures) throws UntrustedException, IOException {
    UntrustedException failure = null;
    for (Signature signature : signatures) {
      try {
        signers.add(verify(signature));
      } catch (UntrustedException e) {
        if (failure == null) {
          failure = e;
        }
      }
    }
    if (signers.isEmpty() && failure != null) {
      throw failure;
    }
  }

  private List<X509Certificate> verify(Signature signature) throws UntrustedException, IOException {
    byte[] file = readBounded(entries, signature.name());
    byte[] block = readBounded(entries, signature.block());
    SignatureBlock.check(block);
    checkManifestDigest(signature, file);
    CodeSigner signer = codeSigner(signature, file, block);
    List<X509Certificate> chain = new ArrayList<>();
    for (Certificate certificate : signer.getSignerCertPath().getCertificates()) {
      if (!(certificate instanceof X509Certificate x509)) {
        throw new UntrustedException(
            Kind.INVALID,
            "the signer's certificate is none of X.509 type=" + certificate.getType());
      }
      chain.add(x509);
    }
    return chain;
  }

  /**
   * The signature file has a digest of the whole manifest; that of its main section is not enough.
   */
  private void checkManifestDigest(Signature signature, byte[] file) throws UntrustedException {
    Attributes main;
    try {
      main = new Manifest(new ByteArrayInputStream(file)).getMainAttributes();
    } catch (IOException e) {
      throw new UntrustedException(
          Kind.INVALID,
          "the signature file cannot be read file=" + Reasons.quote(signature.name()),
          e);
    }
    boolean safe = false;
    for (String algorithm : DIGESTS) {
      String asked = main.getValue(algorithm + "-Digest-Manifest");
      if (asked != null) {
        safe = true;
        if (!isEqual(digest(algorithm).digest(manifestBytes), asked)) {
          throw new UntrustedException(
              Kind.INVALID,
              "the manifest was changed after it was signed file="
                  + Reasons.quote(signature.name()));
        }
      }
    }
    if (!safe) {
      throw new UntrustedException(
          Kind.WEAK,
          "the signature file has no digest of the whole manifest that is safe; sign anew with SHA-256"
              + " or longer file="
              + Reasons.quote(signature.name()));
    }
  }

  /**
   * Has Java verify one signature, in an archive that has it alone and of the entries only one: the
   * manifest's digest binds the others.
   */
  private CodeSigner codeSigner(Signature signature, byte[] file, byte[] block)
      throws UntrustedException, IOException {
    Optional<String> small = smallEntry();
    if (small.isPresent()) {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      write(bytes, signature, file, block, small.get());
      return codeSigner(
          new ByteArrayInputStream(bytes.toByteArray()), signature.name(), small.get());
    }
    String large =
        names.stream()
            .filter(SignedArchive::isContent)
            .findFirst()
            .orElseThrow(
                () -> new UntrustedException(Kind.INVALID, "it has nothing that could be signed"));
    // As in a deployment package; memory is not the place for it.
    Path copy = Files.createTempFile("shoji-signature", ".jar");
    try {
      try (OutputStream out = Files.newOutputStream(copy)) {
        write(out, signature, file, block, large);
      }
      try (InputStream in = Files.newInputStream(copy)) {
        return codeSigner(in, signature.name(), large);
      }
    } finally {
      Files.delete(copy);
    }
  }

  private static boolean isContent(String name) {
    return !isFile(name) && !name.equals(JarFile.MANIFEST_NAME);
  }

  /** An entry of little memory, found to be as it was signed. */
  private Optional<String> smallEntry() throws UntrustedException, IOException {
    for (String name : names) {
      if (isContent(name)) {
        byte[] content;
        try (InputStream in = open(entries, name)) {
          content = in.readNBytes(PROBE_LIMIT + 1);
        }
        if (content.length <= PROBE_LIMIT) {
          check(name, content);
          return Optional.of(name);
        }
      }
    }
    return Optional.empty();
  }

  private void write(OutputStream out, Signature signature, byte[] file, byte[] block, String entry)
      throws IOException, UntrustedException {
    try (ZipOutputStream zip = new ZipOutputStream(out);
        InputStream content = open(entries, entry)) {
      zip.setLevel(Deflater.NO_COMPRESSION);
      put(zip, JarFile.MANIFEST_NAME, new ByteArrayInputStream(manifestBytes));
      put(zip, signature.name(), new ByteArrayInputStream(file));
      put(zip, signature.block(), new ByteArrayInputStream(block));
      put(zip, entry, content);
    }
  }

  private static void put(ZipOutputStream zip, String name, InputStream content)
      throws IOException {
    zip.putNextEntry(new ZipEntry(name));
    content.transferTo(zip);
    zip.closeEntry();
  }

  private static CodeSigner codeSigner(InputStream archive, String signature, String entry)
      throws UntrustedException, IOException {
    try (JarInputStream jar = new JarInputStream(archive, true)) {
      for (JarEntry each = jar.getNextJarEntry(); each != null; each = jar.getNextJarEntry()) {
        jar.transferTo(OutputStream.nullOutputStream());
        jar.closeEntry();
        CodeSigner[] signers = each.getCodeSigners();
        if (each.getName().equals(entry) && signers != null && signers.length == 1) {
          return signers[0];
        }
      }
    } catch (SecurityException e) {
      throw new UntrustedException(
          Kind.INVALID,
          "the signature does not hold: " + Reasons.quote(String.valueOf(e.getMessage())),
          e);
    }
    throw new UntrustedException(
        Kind.WEAK,
        "Java does not take the signature: it is damaged, made with an algorithm that this Java has"
            + " disabled (jdk.jar.disabledAlgorithms), or with a certificate that is not for digital"
            + " signatures file="
            + Reasons.quote(signature));
  }

  private static InputStream open(Entries entries, String name)
      throws IOException, UntrustedException {
    return entries
        .open(name)
        .orElseThrow(
            () ->
                new UntrustedException(
                    Kind.INVALID, "an entry is missing entry=" + Reasons.quote(name)));
  }

  private static byte[] readBounded(Entries entries, String name)
      throws IOException, UntrustedException {
    try (InputStream in = open(entries, name)) {
      byte[] bytes = in.readNBytes(MANIFEST_LIMIT + 1);
      if (bytes.length > MANIFEST_LIMIT) {
        throw new UntrustedException(
            Kind.INVALID,
            "an entry of the signature is too large largestBytes="
                + MANIFEST_LIMIT
                + " entry="
                + Reasons.quote(name));
      }
      return bytes;
    }
  }
}
