/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli.samples;

import io.shoji.cli.samples.SampleOptions.Expected;
import io.shoji.inference.InferenceException;
import io.shoji.inference.Sample;
import io.shoji.model.PipelineDescription;
import io.shoji.model.PipelineDescription.Source;
import io.shoji.model.PipelineDescription.Step;
import io.shoji.pipeline.PipelineSteps;
import io.shoji.quantizer.NpyFile;
import io.shoji.quantizer.onnx.QuantizerException;
import io.shoji.quantizer.onnx.QuantizerException.Code;
import io.shoji.tensor.ElementType;
import io.shoji.tensor.Shape;
import io.shoji.tensor.Tensor;
import io.shoji.tensor.TensorSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A file per sample, or per recording of several: in a folder per class, or in one folder with a
 * CSV file of labels. Classes take turns, so that the first samples are of all of them.
 */
final class FolderSamples implements Reader {
  private static final String LABELS = "labels.csv";
  private static final List<String> BOX = List.of("x1", "y1", "x2", "y2", "label");

  /** What a file holds. */
  private enum Kind {
    PICTURE("a picture"),
    RECORDING("a recording"),
    TABLE("a table"),
    ARRAY("an array");

    private final String text;

    Kind(String text) {
      this.text = text;
    }

    static @Nullable Kind of(Path file) {
      return switch (SampleSets.extension(file)) {
        case "png", "jpg", "jpeg" -> PICTURE;
        case "wav" -> RECORDING;
        case "csv" -> String.valueOf(file.getFileName()).equals(LABELS) ? null : TABLE;
        case "npy" -> ARRAY;
        default -> null;
      };
    }
  }

  /** A file and what is said of it; of boxes there may be several or none. */
  private record Entry(Path file, String label, List<List<String>> boxes) {}

  /** Window of a recording; the only one of another file. */
  private record Place(int entry, int window) {}

  private final Path folder;
  private final ModelInterface model;
  private final SampleOptions options;
  private final Kind kind;
  private final List<Entry> entries;
  private final List<Place> places = new ArrayList<>();
  private final @Nullable PipelineSteps steps;
  private final ClassNames classes;
  private final BoxAnswers boxes;
  private final Signals signals;

  /** How recordings are cut into windows. */
  private record Signals(List<String> channels, double rateHz, int size, int hop) {
    static Signals of(SampleOptions options) {
      PipelineDescription pipeline = options.pipeline().orElse(null);
      if (pipeline == null || pipeline.source() != Source.SIGNAL) {
        return new Signals(List.of(), 0, 0, 1);
      }
      Step window =
          pipeline.pre().stream()
              .filter(step -> step.name().equals("window"))
              .findFirst()
              .orElseThrow(() -> new IllegalStateException("the steps compiled without a window"));
      return new Signals(
          pipeline.channels(),
          pipeline.sampleRateHz().orElse(0),
          ((Number) window.parameters().getOrDefault("size", 0)).intValue(),
          ((Number) window.parameters().getOrDefault("hop", 1)).intValue());
    }
  }

  private FolderSamples(
      Path folder, Kind kind, List<Entry> entries, ModelInterface model, SampleOptions options)
      throws QuantizerException {
    this.folder = folder;
    this.kind = kind;
    this.entries = entries;
    this.model = model;
    this.options = options;
    Set<String> names = new LinkedHashSet<>();
    if (options.expected() == Expected.LABEL) {
      entries.forEach(entry -> names.add(entry.label()));
    } else if (options.expected() == Expected.BOXES) {
      entries.forEach(entry -> entry.boxes().forEach(row -> names.add(row.get(4))));
    }
    this.classes = ClassNames.of(names, model, options, folder);
    this.steps = steps();
    this.signals = Signals.of(options);
    BoxAnswers answers = BoxAnswers.of(model, options);
    this.boxes =
        options.expected() == Expected.BOXES && steps != null ? answers.with(steps) : answers;
    for (int i = 0; i < entries.size(); i++) {
      int windows =
          kind == Kind.RECORDING || (kind == Kind.TABLE && signals.size() > 0)
              ? windows(entries.get(i).file())
              : 1;
      for (int w = 0; w < windows; w++) {
        places.add(new Place(i, w));
      }
    }
  }

  static FolderSamples open(Path folder, ModelInterface model, SampleOptions options)
      throws QuantizerException {
    List<Entry> entries = new ArrayList<>();
    try {
      Path labels = options.labels().orElse(folder.resolve(LABELS));
      boolean labelled =
          options.expected() == Expected.LABEL || options.expected() == Expected.BOXES;
      List<Path> folders = list(folder, true);
      if (labelled && (options.labels().isPresent() || Files.exists(labels))) {
        entries.addAll(labelled(folder, labels, options.expected()));
      } else if (!folders.isEmpty()) {
        for (Path each : folders) {
          for (Path file : list(each, false)) {
            entries.add(new Entry(file, String.valueOf(each.getFileName()), List.of()));
          }
        }
        byTurns(entries);
      } else {
        for (Path file : list(folder, false)) {
          entries.add(new Entry(file, "", List.of()));
        }
        if (labelled && !entries.isEmpty()) {
          throw SampleSets.lacks(
              options.expected(),
              folder,
              "put the files into a folder per class, or name a CSV file with the columns file and "
                  + (options.expected() == Expected.BOXES ? BOX : "label")
                  + " by --labels FILE, or put it there as "
                  + LABELS);
        }
      }
    } catch (IOException e) {
      throw new QuantizerException(
          Code.UNREADABLE, "the folder cannot be read file=" + folder + " cause=" + e, e);
    }
    if (options.expected() == Expected.TENSOR) {
      throw SampleSets.lacks(
          Expected.TENSOR, folder, "a folder of files cannot hold that; use safetensors or .npy");
    }
    if (entries.isEmpty()) {
      throw new QuantizerException(
          Code.BAD_SAMPLES,
          "the folder holds no samples: no file .png, .jpg, .wav, .csv or .npy, in it or in a folder"
              + " per class file="
              + folder);
    }
    Kind kind = Kind.of(entries.get(0).file());
    for (Entry entry : entries) {
      Kind other = Kind.of(entry.file());
      if (kind == null || other != kind) {
        throw new QuantizerException(
            Code.BAD_SAMPLES,
            "samples are of one kind; move the others away first="
                + entries.get(0).file()
                + " found="
                + entry.file());
      }
    }
    if (kind == null) {
      throw new IllegalStateException("there is an entry");
    }
    return new FolderSamples(folder, kind, entries, model, options);
  }

  /** Folders, or files that may be samples, by name; hidden ones are nobody's samples. */
  private static List<Path> list(Path folder, boolean folders) throws IOException {
    try (Stream<Path> all = Files.list(folder)) {
      return all.filter(path -> !String.valueOf(path.getFileName()).startsWith("."))
          .filter(path -> Files.isDirectory(path) == folders)
          .filter(path -> folders || Kind.of(path) != null)
          .sorted(Comparator.comparing(path -> String.valueOf(path.getFileName())))
          .toList();
    }
  }

  /** The first of each class, then the second of each, and so on. */
  private static void byTurns(List<Entry> entries) {
    Map<String, Integer> seen = new HashMap<>();
    Map<Entry, Integer> turn = new HashMap<>();
    for (Entry entry : entries) {
      turn.put(entry, seen.merge(entry.label(), 1, Integer::sum));
    }
    entries.sort(Comparator.comparing((Entry entry) -> turn.getOrDefault(entry, 0)));
  }

  private static List<Entry> labelled(Path folder, Path labels, Expected expected)
      throws QuantizerException {
    Map<String, List<List<String>>> rows = new TreeMap<>();
    List<String> columns = expected == Expected.BOXES ? BOX : List.of("label");
    List<String> order = new ArrayList<>();
    try (CsvFile table = CsvFile.open(labels)) {
      int file = table.column("file");
      List<Integer> places = columns.stream().map(table::column).toList();
      if (file < 0 || places.contains(-1)) {
        throw new QuantizerException(
            Code.BAD_SAMPLES,
            "the table of labels lacks a column asked=file, "
                + String.join(", ", columns)
                + " found="
                + table.heading()
                + " file="
                + labels);
      }
      for (int row = 0; row < table.rows(); row++) {
        List<String> fields = table.row(row);
        String name = fields.get(file).strip();
        if (!rows.containsKey(name)) {
          order.add(name);
        }
        rows.computeIfAbsent(name, n -> new ArrayList<>())
            .add(places.stream().map(place -> fields.get(place).strip()).toList());
      }
    }
    List<Entry> entries = new ArrayList<>();
    for (String name : order) {
      List<List<String>> found = rows.getOrDefault(name, List.of());
      Path file = folder.resolve(name);
      if (!Files.isRegularFile(file)) {
        throw new QuantizerException(
            Code.BAD_SAMPLES,
            "a file of the table of labels is not there; correct the table asked="
                + file
                + " file="
                + labels);
      }
      if (expected == Expected.BOXES) {
        // A picture without objects is a row without a label.
        entries.add(
            new Entry(file, "", found.stream().filter(row -> !row.get(4).isEmpty()).toList()));
      } else if (found.size() > 1 || found.get(0).get(0).isEmpty()) {
        throw new QuantizerException(
            Code.BAD_SAMPLES,
            "a file has one label asked=" + name + " found=" + found + " file=" + labels);
      } else {
        entries.add(new Entry(file, found.get(0).get(0), List.of()));
      }
    }
    return entries;
  }

  private @Nullable PipelineSteps steps() throws QuantizerException {
    Source needed =
        switch (kind) {
          case PICTURE -> Source.IMAGE;
          case RECORDING -> Source.SIGNAL;
          case TABLE ->
              options.pipeline().isPresent() && options.pipeline().get().source() == Source.SIGNAL
                  ? Source.SIGNAL
                  : Source.TENSORS;
          case ARRAY -> Source.TENSORS;
        };
    if (needed == Source.TENSORS) {
      if (model.inputs().size() != 1) {
        throw new QuantizerException(
            Code.BAD_SAMPLES,
            "a file per sample is for a model of one input inputs="
                + model.inputs()
                + " file="
                + folder);
      }
      return null;
    }
    PipelineDescription pipeline = options.pipeline().orElse(null);
    if (pipeline == null || pipeline.source() != needed) {
      throw new QuantizerException(
          Code.BAD_SAMPLES,
          "the steps from "
              + kind.text
              + " to the model's input are not known, and wrong ones would spoil the result; give"
              + " the package that the model is for (--package), its pipeline (--pipeline FILE)"
              + (kind == Kind.PICTURE ? ", or --mean, --std and --size" : "")
              + (pipeline == null ? "" : " pipeline=" + pipeline.source())
              + " file="
              + folder);
    }
    PipelineDescription used =
        options.expected() == Expected.BOXES
            ? pipeline
            : new PipelineDescription(
                pipeline.source(),
                pipeline.sampleRateHz(),
                pipeline.channels(),
                pipeline.pre(),
                List.of());
    return BoxAnswers.steps(used, model, options.classes());
  }

  private int windows(Path file) throws QuantizerException {
    long length;
    if (kind == Kind.RECORDING) {
      WavFile recording = WavFile.open(file);
      if (recording.channels() != signals.channels().size()) {
        throw new QuantizerException(
            Code.BAD_SAMPLES,
            "a recording has another number of channels than the pipeline asked="
                + signals.channels()
                + " found="
                + recording.channels()
                + " file="
                + file);
      }
      if (signals.rateHz() > 0 && recording.rateHz() != signals.rateHz()) {
        throw new QuantizerException(
            Code.BAD_SAMPLES,
            "a recording has another rate than the model was trained for; resample it askedHz="
                + signals.rateHz()
                + " foundHz="
                + recording.rateHz()
                + " file="
                + file);
      }
      length = recording.length();
    } else {
      try (CsvFile table = CsvFile.open(file)) {
        columns(table, file);
        length = table.rows();
      }
    }
    if (length < signals.size()) {
      throw new QuantizerException(
          Code.BAD_SAMPLES,
          "a recording is shorter than a window; leave it out asked="
              + signals.size()
              + " found="
              + length
              + " file="
              + file);
    }
    return Math.toIntExact(1 + (length - signals.size()) / signals.hop());
  }

  private List<Integer> columns(CsvFile table, Path file) throws QuantizerException {
    List<Integer> columns = signals.channels().stream().map(table::column).toList();
    if (columns.contains(-1)) {
      throw new QuantizerException(
          Code.BAD_SAMPLES,
          "the table lacks a channel as a column asked="
              + signals.channels()
              + " found="
              + table.heading()
              + " file="
              + file);
    }
    return columns;
  }

  @Override
  public int size() {
    return places.size();
  }

  @Override
  public Map<String, Tensor> inputs(int index) throws QuantizerException {
    Place place = places.get(index);
    Path file = entries.get(place.entry()).file();
    TensorSpec input = model.inputs().get(0);
    if (steps == null) {
      return Map.of(input.name(), kind == Kind.ARRAY ? array(file, input) : table(file, input));
    }
    try {
      Sample sample =
          switch (kind) {
            case PICTURE -> new Sample.EncodedImage(ByteBuffer.wrap(Files.readAllBytes(file)));
            case RECORDING -> recording(file, place.window());
            case TABLE, ARRAY -> columns(file, place.window());
          };
      List<List<Tensor>> made = steps.inputs(sample);
      if (made.size() != 1) {
        throw new IllegalStateException("one sample, found=" + made.size());
      }
      return new LinkedHashMap<>(Map.of(input.name(), made.get(0).get(0)));
    } catch (InferenceException e) {
      throw new QuantizerException(Code.BAD_SAMPLES, e.getMessage() + " file=" + file, e);
    } catch (IOException e) {
      throw new QuantizerException(
          Code.UNREADABLE, "the file cannot be read file=" + file + " cause=" + e, e);
    }
  }

  private Sample recording(Path file, int window) throws QuantizerException {
    List<FloatBuffer> channels = new ArrayList<>();
    WavFile.open(file)
        .values((long) window * signals.hop(), signals.size())
        .forEach(values -> channels.add(FloatBuffer.wrap(values)));
    return new Sample.Signal(channels);
  }

  private Sample columns(Path file, int window) throws QuantizerException {
    try (CsvFile table = CsvFile.open(file)) {
      List<Integer> columns = columns(table, file);
      float[][] values = new float[columns.size()][signals.size()];
      for (int i = 0; i < signals.size(); i++) {
        int row = window * signals.hop() + i;
        List<String> fields = table.row(row);
        for (int c = 0; c < values.length; c++) {
          values[c][i] = table.number(fields, columns.get(c), row);
        }
      }
      return new Sample.Signal(Stream.of(values).map(FloatBuffer::wrap).toList());
    }
  }

  /** An array of the input's shape, with or without its first axis. */
  private static Tensor array(Path file, TensorSpec input) throws QuantizerException {
    try (NpyFile array = NpyFile.open(file)) {
      Shape shape = array.shape();
      if (shape.rank() == 0) {
        throw new QuantizerException(
            Code.BAD_SAMPLES, "the array has no axis asked=" + input + " file=" + file);
      }
      Tensor read = array.read(0, shape.dim(0));
      if (shape.rank() + 1 != input.shape().rank()) {
        return read;
      }
      long[] dims = new long[shape.rank() + 1];
      dims[0] = 1;
      System.arraycopy(shape.dims(), 0, dims, 1, shape.rank());
      return Tensor.wrap(read.type(), Shape.of(dims), read.data());
    }
  }

  /** All numbers of a table, row by row. */
  private static Tensor table(Path file, TensorSpec input) throws QuantizerException {
    try (CsvFile table = CsvFile.open(file)) {
      Shape shape = input.shape().withDynamicAs(1);
      long found = (long) table.rows() * table.heading().size();
      if (shape.elementCount() != found) {
        throw new QuantizerException(
            Code.BAD_SAMPLES,
            "the table has not as many numbers as the model takes; for a signal give its pipeline"
                + " asked="
                + shape.elementCount()
                + " "
                + input
                + " found="
                + found
                + " file="
                + file);
      }
      Tensor tensor = Tensor.allocate(ElementType.FLOAT32, shape);
      int at = 0;
      for (int row = 0; row < table.rows(); row++) {
        List<String> fields = table.row(row);
        for (int column = 0; column < fields.size(); column++) {
          tensor.setFloat(at++, table.number(fields, column, row));
        }
      }
      return tensor;
    }
  }

  @Override
  public Tensor expected(int index) throws QuantizerException {
    Entry entry = entries.get(places.get(index).entry());
    if (options.expected() != Expected.BOXES) {
      return classes.label(entry.label());
    }
    List<float[]> rows = new ArrayList<>();
    for (List<String> box : entry.boxes()) {
      float[] row = new float[BOX.size()];
      try {
        for (int i = 0; i < row.length - 1; i++) {
          row[i] = Float.parseFloat(box.get(i));
        }
      } catch (NumberFormatException e) {
        throw new QuantizerException(
            Code.BAD_SAMPLES, "a box is of numbers found=" + box + " sample=" + entry.file(), e);
      }
      row[row.length - 1] = classes.index(box.get(row.length - 1));
      rows.add(row);
    }
    return BoxAnswers.rows(rows);
  }

  @Override
  public Tensor answer(
      Map<String, Tensor> inputs, Map<String, Tensor> outputs, List<TensorSpec> specs)
      throws QuantizerException {
    return boxes.answer(inputs, outputs, specs);
  }

  @Override
  public String name(int index) {
    Place place = places.get(index);
    Path file = folder.relativize(entries.get(place.entry()).file());
    return file + (place.window() == 0 && kind != Kind.RECORDING ? "" : "[" + place.window() + "]");
  }

  @Override
  public String description() {
    return size()
        + " samples of "
        + entries.size()
        + " files in "
        + folder
        + (options.expected() == Expected.LABEL ? ", classes " + classes.describe() : "");
  }

  @Override
  public void close() {}
}
