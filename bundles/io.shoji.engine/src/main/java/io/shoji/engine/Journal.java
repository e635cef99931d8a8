/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.engine;

import com.google.gson.JsonObject;
import io.shoji.disk.Disk;
import io.shoji.operations.GenerationKey;
import io.shoji.operations.ModelChange;
import io.shoji.operations.ModelChange.State;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What became of every change of what answers, on disk before what it stands for begins to answer.
 *
 * <p>Thread safe. {@link #begin}, {@link #advance} and {@link #close} wait for the disk, so nobody
 * calls them under the lock of a family; what is asked of it waits for nothing.
 *
 * <p>A disk that is full or refuses stops nothing: changes go on in memory, the {@link Observer} is
 * told, and {@link #heal} writes everything once the disk takes it.
 *
 * <p>When it is opened, changes that an earlier process did not end are rolled back, but for those
 * that are live or in probation: these may go on. Lines that were damaged on disk cost what they
 * said and the trust in what came before them: nothing before counts as accepted any more.
 */
final class Journal implements AutoCloseable {
  /** Ended changes of a model that are kept, the last good one besides. */
  static final int KEPT_CHANGES = 32;

  /** Why changes are rolled back that an earlier process did not end. */
  static final String INTERRUPTED = "interrupted by a restart";

  private static final Logger LOG = LoggerFactory.getLogger(Journal.class);
  private static final String FILE = "changes";
  private static final int LAYOUT = 1;

  /** A file is replaced by a shorter one when it is so large, and twice as large as after that. */
  private static final long LARGE_BYTES = 256 << 10;

  private static final int MOST_REASON_CHARS = 1_000;
  private static final int MOST_EVIDENCE = 100;

  private static final Map<State, Set<State>> NEXT =
      Map.of(
          State.STAGED, EnumSet.of(State.VERIFIED, State.ROLLED_BACK),
          State.VERIFIED, EnumSet.of(State.ACCEPTED, State.ROLLED_BACK),
          State.ACCEPTED, EnumSet.of(State.CANARY, State.LIVE, State.ROLLED_BACK),
          State.CANARY, EnumSet.of(State.LIVE, State.ROLLED_BACK),
          State.LIVE, EnumSet.of(State.PROBATION, State.COMMITTED, State.ROLLED_BACK),
          State.PROBATION, EnumSet.of(State.COMMITTED, State.ROLLED_BACK),
          State.COMMITTED, EnumSet.noneOf(State.class),
          State.ROLLED_BACK, EnumSet.noneOf(State.class));

  /** Who is told what happens here, on the thread that makes it happen, under no lock. */
  interface Observer {
    /** A change came to another state; also those that were closed when the journal was opened. */
    void changed(ModelChange change);

    /** The disk refused: what follows is kept in memory only. */
    void failing(String message);

    /** Everything is on the disk again. */
    void healed(String message);
  }

  private final @Nullable JournalFile file;
  private final String place;
  private final Clock clock;

  /** By number, in the order of their last states; replaced as a whole. */
  private volatile Map<Long, JournalEntry> entries = Map.of();

  private volatile @Nullable Observer observer;
  private volatile boolean failing;
  private volatile int starts = 1;

  // Guarded by this.
  private final List<Runnable> untold = new ArrayList<>();
  private long lastId;
  private int doubts;
  private long replacedBytes;
  private boolean closed;

  private Journal(@Nullable JournalFile file, String place, Clock clock) {
    this.file = file;
    this.place = place;
    this.clock = clock;
  }

  /** A journal that ends with the process. */
  static Journal inMemory() {
    return new Journal(null, "", Clock.systemUTC());
  }

  /**
   * The journal in a folder, with what earlier processes left there; never fails, see {@link
   * Observer#failing}.
   *
   * @param folder its parent exists; one process at a time uses it
   */
  static Journal open(Path folder, Disk disk) {
    return open(folder, disk, Clock.systemUTC());
  }

  static Journal open(Path folder, Disk disk, Clock clock) {
    JournalFile file = new JournalFile(folder, FILE, disk);
    Journal journal = new Journal(file, folder.resolve(FILE).toString(), clock);
    journal.recover(file);
    return journal;
  }

  // What is told of it.

  /** Who is told from now on, and at once of what happened when it was opened. */
  void observe(Observer told) {
    observer = told;
    tell();
  }

  /** The changes of a model that are known, oldest first. */
  List<ModelChange> changes(String model) {
    return entries.values().stream()
        .map(JournalEntry::change)
        .filter(c -> c.to().model().equals(model))
        .sorted((a, b) -> Long.compare(a.id(), b.id()))
        .toList();
  }

  /** The changes that are under way, oldest first. */
  List<ModelChange> unfinished() {
    return entries.values().stream()
        .map(JournalEntry::change)
        .filter(c -> !c.state().ended())
        .sorted((a, b) -> Long.compare(a.id(), b.id()))
        .toList();
  }

  /**
   * Whether this very generation has been committed, and was not rolled back when it was last
   * tried: it need not show again what it has shown. Not if something was lost that might speak
   * against it.
   */
  boolean wasAccepted(GenerationKey key) {
    boolean accepted = false;
    for (JournalEntry entry : entries.values()) {
      ModelChange change = entry.change();
      if (change.to().equals(key) && change.state().ended() && !isInterruption(change)) {
        accepted = change.state() == State.COMMITTED && !entry.doubtful();
      }
    }
    return accepted;
  }

  private static boolean isInterruption(ModelChange change) {
    return change.state() == State.ROLLED_BACK && change.reason().equals(INTERRUPTED);
  }

  /** What was committed last for a model: what to go back to, if anything. */
  Optional<GenerationKey> lastGood(String model) {
    GenerationKey last = null;
    for (JournalEntry entry : entries.values()) {
      ModelChange change = entry.change();
      if (change.state() == State.COMMITTED && change.to().model().equals(model)) {
        last = change.to();
      }
    }
    return Optional.ofNullable(last);
  }

  private static Map<String, JournalEntry> lastGood(Map<Long, JournalEntry> all) {
    Map<String, JournalEntry> last = new HashMap<>();
    for (JournalEntry entry : all.values()) {
      if (entry.change().state() == State.COMMITTED) {
        last.put(entry.change().to().model(), entry);
      }
    }
    return last;
  }

  /** How often it was opened, this time included; 1 for one in memory. */
  int starts() {
    return starts;
  }

  /**
   * How often a process died, instead of ending as it should, while this change was under way.
   *
   * @throws IllegalArgumentException if there is no such change
   */
  int deaths(long id) {
    return entry(id).deaths();
  }

  private JournalEntry entry(long id) {
    JournalEntry entry = entries.get(id);
    if (entry == null) {
      throw new IllegalArgumentException("no such change is known any more id=" + id);
    }
    return entry;
  }

  /** Whether it is kept in memory only for now, because the disk refuses. */
  boolean failing() {
    return failing;
  }

  // Changes.

  /**
   * Begins a change: it is {@link State#STAGED}.
   *
   * @param from what answers now
   * @return its number
   */
  long begin(Optional<GenerationKey> from, GenerationKey to) {
    long id;
    synchronized (this) {
      id = ++lastId;
      Instant now = clock.instant();
      put(
          new JournalEntry(
              new ModelChange(id, State.STAGED, from, to, now, now, "", Map.of()), 0, false));
    }
    tell();
    return id;
  }

  /**
   * Notes that a change came to another state. When this returns it is on the disk, unless {@link
   * #failing}.
   *
   * @param reason why; one line, cut after 1000 characters
   * @param evidence added to that of earlier states; 100 entries at most count
   * @throws IllegalStateException if that state does not follow the present one
   * @throws IllegalArgumentException if there is no such change
   */
  void advance(long id, State state, String reason, Map<String, String> evidence) {
    synchronized (this) {
      JournalEntry before = entry(id);
      if (!follows(before.change().state(), state)) {
        throw new IllegalStateException(
            "a change cannot come to this state from where it is change="
                + id
                + " from="
                + before.change().state()
                + " to="
                + state
                + " allowed="
                + NEXT.get(before.change().state()));
      }
      put(advanced(before, state, reason, evidence));
    }
    tell();
  }

  /**
   * Adds to what speaks for or against a change that is under way; its state stays.
   *
   * @throws IllegalArgumentException if there is no such change
   */
  void amend(long id, Map<String, String> evidence) {
    synchronized (this) {
      JournalEntry before = entry(id);
      put(advanced(before, before.change().state(), before.change().reason(), evidence));
    }
    tell();
  }

  private static boolean follows(State before, State after) {
    return NEXT.getOrDefault(before, Set.of()).contains(after);
  }

  private JournalEntry advanced(
      JournalEntry before, State state, String reason, Map<String, String> evidence) {
    ModelChange change = before.change();
    Map<String, String> all = new TreeMap<>(change.evidence());
    evidence.forEach(
        (name, value) -> {
          if (all.size() < MOST_EVIDENCE || all.containsKey(name)) {
            all.put(name, shortened(value));
          }
        });
    return new JournalEntry(
        new ModelChange(
            change.id(),
            state,
            change.from(),
            change.to(),
            change.started(),
            clock.instant(),
            shortened(reason),
            all),
        before.deaths(),
        before.doubtful());
  }

  private static String shortened(String text) {
    return text.length() <= MOST_REASON_CHARS ? text : text.substring(0, MOST_REASON_CHARS);
  }

  private void put(JournalEntry entry) {
    Map<Long, JournalEntry> next = new LinkedHashMap<>(entries);
    set(next, entry);
    entries = Collections.unmodifiableMap(kept(next));
    if (observer != null) {
      untold.add(() -> tellChanged(entry.change()));
    }
    JournalFile to = file;
    if (to == null || closed) {
      return;
    }
    try {
      if (failing || to.size() > Math.max(LARGE_BYTES, 2 * replacedBytes)) {
        replace(to);
      } else {
        to.append(entry.text());
      }
    } catch (IOException e) {
      failed(e);
    }
  }

  /** Puts an entry last. */
  private static void set(Map<Long, JournalEntry> all, JournalEntry entry) {
    all.remove(entry.change().id());
    all.put(entry.change().id(), entry);
  }

  /** Those that are under way, the last good ones, and of the others the latest of each model. */
  private static Map<Long, JournalEntry> kept(Map<Long, JournalEntry> all) {
    Set<JournalEntry> good = new HashSet<>(lastGood(all).values());
    Map<String, Integer> more = new HashMap<>();
    for (JournalEntry entry : all.values()) {
      more.merge(entry.change().to().model(), 1, Integer::sum);
    }
    Map<Long, JournalEntry> kept = new LinkedHashMap<>();
    for (JournalEntry entry : all.values()) {
      String model = entry.change().to().model();
      boolean old = more.merge(model, -1, Integer::sum) >= KEPT_CHANGES;
      if (!old || !entry.change().state().ended() || good.contains(entry)) {
        kept.put(entry.change().id(), entry);
      }
    }
    return kept;
  }

  // The disk.

  private void recover(JournalFile from) {
    boolean unclean = false;
    boolean replaced = true;
    Map<Long, JournalEntry> found = new LinkedHashMap<>();
    try {
      Optional<JournalFile.Content> content = from.read();
      if (content.isPresent()) {
        unclean = read(content.get(), found);
        replaced = doubts > 0 || content.get().torn() > 0;
        if (doubts > 0) {
          setAside(from, content.get());
        } else if (content.get().torn() > 0) {
          LOG.info(
              "the journal of changes ends in what was being written when the process ended, that"
                  + " is cut off file={} bytes={}",
              place,
              content.get().torn());
        }
      }
    } catch (IOException e) {
      LOG.warn("the journal of changes cannot be read, it begins anew file={}", place, e);
    }
    for (JournalEntry entry : List.copyOf(found.values())) {
      if (!entry.change().state().ended()) {
        JournalEntry now = unclean ? entry.afterDeath() : entry;
        State state = now.change().state();
        if (state != State.LIVE && state != State.PROBATION) {
          now = advanced(now, State.ROLLED_BACK, INTERRUPTED, Map.of());
          ModelChange closed = now.change();
          untold.add(() -> tellChanged(closed));
        }
        replaced |= !now.equals(entry);
        set(found, now);
      }
    }
    synchronized (this) {
      entries = Collections.unmodifiableMap(kept(found));
      try {
        if (replaced) {
          replace(from);
        } else {
          from.append(mark(false));
        }
      } catch (IOException e) {
        failed(e);
      }
    }
  }

  /** Reads every line; whether the last process did not end as it should. */
  private boolean read(JournalFile.Content content, Map<Long, JournalEntry> found) {
    boolean running = false;
    for (JournalFile.Line line : content.lines()) {
      Optional<JsonObject> json = JournalEntry.parse(line.text());
      Optional<JournalEntry> entry = json.flatMap(JournalEntry::of);
      if (line.gap() || (entry.isEmpty() && !isMark(json))) {
        doubts++;
        found.replaceAll((id, before) -> before.doubted());
      }
      if (entry.isPresent()) {
        read(entry.get(), found);
      } else if (isMark(json)) {
        JsonObject mark = json.get();
        starts = mark.get("starts").getAsInt() + 1;
        lastId = Math.max(lastId, mark.get("last").getAsLong());
        running = !mark.has("end");
      }
    }
    // A number that was lost is not given again.
    lastId += content.lost();
    return running || doubts > 0;
  }

  /** Whether a line says that a process began or ended, in the layout of this code. */
  private static boolean isMark(Optional<JsonObject> json) {
    return json.isPresent()
        && json.get().has("starts")
        && json.get().has("last")
        && json.get().has("layout")
        && json.get().get("layout").getAsInt() == LAYOUT;
  }

  private void read(JournalEntry entry, Map<Long, JournalEntry> found) {
    JournalEntry before = found.get(entry.change().id());
    boolean fits =
        before == null
            // After damage an unknown change is taken only from its beginning.
            ? doubts == 0 || entry.change().state() == State.STAGED
            : !before.doubtful()
                && before.change().to().equals(entry.change().to())
                && (before.change().state() == entry.change().state()
                    || follows(before.change().state(), entry.change().state()));
    set(found, fits ? entry : entry.doubted());
    lastId = Math.max(lastId, entry.change().id());
  }

  private void setAside(JournalFile from, JournalFile.Content content) {
    LOG.error(
        "the journal of changes was damaged on disk; what could be read counts, nothing before the"
            + " damage counts as accepted, a copy is kept beside it file={} lines={} lost={}",
        place,
        content.lines().size(),
        content.lost());
    try {
      from.setAside();
    } catch (IOException e) {
      LOG.warn("no copy of the damaged journal could be kept file={}", place, e);
    }
  }

  /** That a process began, or ended as it should. */
  private String mark(boolean end) {
    JsonObject json = new JsonObject();
    json.addProperty("layout", LAYOUT);
    json.addProperty("starts", starts);
    json.addProperty("last", lastId);
    json.addProperty(end ? "end" : "begin", clock.instant().toString());
    return json.toString();
  }

  private void replace(JournalFile to) throws IOException {
    List<String> texts = new ArrayList<>();
    texts.add(mark(false));
    entries.values().forEach(entry -> texts.add(entry.text()));
    to.replace(texts);
    replacedBytes = to.size();
    if (failing) {
      failing = false;
      String message = "the journal of changes is on the disk again file=" + place;
      LOG.info("{}", message);
      untold.add(() -> tellHealed(message));
    }
  }

  private void failed(IOException e) {
    if (failing) {
      LOG.debug("the journal of changes still cannot be written file={}", place, e);
      return;
    }
    failing = true;
    String message =
        "the journal of changes cannot be written, it goes on in memory and is lost with the"
            + " process; free space or check the disk file="
            + place
            + " cause="
            + e;
    LOG.warn("{}", message, e);
    untold.add(() -> tellFailing(message));
  }

  /** Tries again to write what the disk refused; whether everything is on the disk now. */
  boolean heal() {
    synchronized (this) {
      JournalFile to = file;
      if (failing && !closed && to != null) {
        try {
          replace(to);
        } catch (IOException e) {
          failed(e);
        }
      }
    }
    tell();
    return !failing;
  }

  private void tell() {
    Observer told = observer;
    if (told == null) {
      return;
    }
    List<Runnable> all;
    synchronized (this) {
      all = List.copyOf(untold);
      untold.clear();
    }
    all.forEach(Runnable::run);
  }

  private void tellChanged(ModelChange change) {
    Observer told = observer;
    if (told != null) {
      told.changed(change);
    }
  }

  private void tellFailing(String message) {
    Observer told = observer;
    if (told != null) {
      told.failing(message);
    }
  }

  private void tellHealed(String message) {
    Observer told = observer;
    if (told != null) {
      told.healed(message);
    }
  }

  /** Notes that the process ends as it should; later changes are not stored. Idempotent. */
  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    JournalFile to = file;
    if (to == null) {
      return;
    }
    try {
      if (failing) {
        replace(to);
      }
      to.append(mark(true));
    } catch (IOException e) {
      LOG.warn("the journal of changes could not be closed file={}", place, e);
    }
  }
}
