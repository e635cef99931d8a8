/*
 * Copyright (c) 2026 Shoji contributors
 *
 * This program and the accompanying materials are made available under the
 * terms of the Eclipse Public License 2.0, available at
 * https://www.eclipse.org/legal/epl-2.0/
 *
 * SPDX-License-Identifier: EPL-2.0
 */
package io.shoji.cli;

import com.google.gson.JsonObject;
import io.shoji.cli.bench.BenchCommand;
import io.shoji.cli.fleet.FleetCommand;
import io.shoji.cli.inspect.InspectCommand;
import io.shoji.cli.packaging.HandoverCommand;
import io.shoji.cli.packaging.PackageCommand;
import io.shoji.cli.packaging.SignCommand;
import io.shoji.cli.packaging.VerifyCommand;
import io.shoji.cli.quantize.QuantizeCommand;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.lang.reflect.Constructor;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.logging.LogManager;
import picocli.AutoComplete;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IFactory;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.ScopeType;

/** The command {@code java -jar shoji.jar}. */
@Command(
    name = "shoji",
    description = "Edge AI on fleets of industrial gateways.",
    mixinStandardHelpOptions = true,
    versionProvider = Shoji.Version.class,
    scope = ScopeType.INHERIT,
    showDefaultValues = false,
    sortOptions = false,
    synopsisSubcommandLabel = "COMMAND",
    commandListHeading = "%nCommands:%n",
    optionListHeading = "%nOptions:%n",
    parameterListHeading = "%n",
    exitCodeListHeading = "%nExit codes:%n",
    footerHeading = "%nExamples:%n",
    footer = {
      "  shoji inspect model.onnx",
      "  shoji quantize --help",
      "  shoji fleet list --broker ssl://broker.example:8883 --account acme",
      "  shoji fleet install --help",
      "  shoji gateway --simulate hailo8     a gateway, with a device that is not there",
      "  source <(shoji completion)          completes with TAB, in bash and zsh"
    },
    subcommands = {
      InspectCommand.class,
      QuantizeCommand.class,
      PackageCommand.class,
      SignCommand.class,
      VerifyCommand.class,
      HandoverCommand.class,
      BenchCommand.class,
      FleetCommand.class
    })
public final class Shoji {
  private static final long CLEAN_UP_SECONDS = 5;
  private static final int WIDTH = 120;

  Shoji() {}

  /**
   * Runs the command and ends the process with its exit code.
   *
   * @param arguments see {@code --help}
   */
  public static void main(String[] arguments) {
    // Libraries log; whatever matters to a person, the command says itself.
    LogManager.getLogManager().reset();
    Thread command = Thread.currentThread();
    CountDownLatch ended = new CountDownLatch(1);
    Thread interrupter =
        new Thread(
            () -> {
              command.interrupt();
              try {
                if (!ended.await(CLEAN_UP_SECONDS, TimeUnit.SECONDS)) {
                  System.err.println("shoji: did not clean up in time");
                }
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            },
            "shoji-interrupt");
    if (!GatewayCommand.isAsked(arguments)) {
      Runtime.getRuntime().addShutdownHook(interrupter);
    }
    int code = ExitCode.FAILED.code();
    try {
      code = run(Environment.ofProcess(), arguments);
    } finally {
      ended.countDown();
    }
    System.exit(code);
  }

  /**
   * Runs the command in this process.
   *
   * @return the exit code
   */
  public static int run(Environment environment, String... arguments) {
    CommandLine command = commandLine(environment);
    boolean json = Arrays.asList(arguments).contains("--json");
    command.setParameterExceptionHandler(
        (e, given) -> {
          tell(
              environment,
              json,
              new CommandException(
                  ExitCode.USAGE, "USAGE", String.valueOf(e.getMessage()).strip()));
          if (!json) {
            environment
                .err()
                .println(e.getCommandLine().getCommandSpec().qualifiedName() + " --help says more");
          }
          return ExitCode.USAGE.code();
        });
    command.setExecutionExceptionHandler(
        (e, which, parsed) -> {
          CommandException failure;
          if (e instanceof CommandException known) {
            failure = known;
          } else if (e instanceof InterruptedException) {
            failure =
                new CommandException(
                    ExitCode.INTERRUPTED, "INTERRUPTED", ExitCode.INTERRUPTED.meaning());
          } else {
            failure =
                new CommandException(
                    ExitCode.FAILED, "UNEXPECTED", "a fault of this command: " + e, e);
            e.printStackTrace(environment.err());
          }
          tell(environment, json, failure);
          return failure.exit().code();
        });
    int code = command.execute(arguments);
    environment.out().flush();
    environment.err().flush();
    return code;
  }

  private static void tell(Environment environment, boolean json, CommandException failure) {
    if (json) {
      JsonObject error = new JsonObject();
      error.addProperty("reason", failure.reason());
      error.addProperty("message", failure.getMessage());
      JsonObject document = new JsonObject();
      document.addProperty("exit", failure.exit().code());
      document.add("error", error);
      environment.out().println(Json.pretty(document));
    } else {
      environment.err().println("shoji: " + failure.getMessage());
    }
  }

  /** Name and version of this tool, as {@code shoji 0.1.0}: in evidence, too. */
  public static String version() {
    Properties properties = new Properties();
    try (InputStream in = Shoji.class.getResourceAsStream("version.properties")) {
      if (in == null) {
        throw new IllegalStateException("the application lacks its version");
      }
      properties.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException("the application's version cannot be read", e);
    }
    return "shoji " + properties.getProperty("version");
  }

  /** The command with all its subcommands. */
  static CommandLine commandLine(Environment environment) {
    CommandLine command = new CommandLine(new Shoji(), new Factory(environment));
    // What the gateway is asked, it reads itself.
    command.addSubcommand(
        new CommandLine(new GatewayCommand(environment))
            .setUnmatchedOptionsArePositionalParams(true)
            .setStopAtPositional(true));
    command.addSubcommand("completion", new AutoComplete.GenerateCompletion());
    command
        .setOut(new PrintWriter(environment.out(), true, StandardCharsets.UTF_8))
        .setErr(new PrintWriter(environment.err(), true, StandardCharsets.UTF_8))
        .setExpandAtFiles(false)
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setAbbreviatedOptionsAllowed(false)
        .setUsageHelpWidth(WIDTH)
        .setUsageHelpLongOptionsMaxWidth(32);
    Map<String, String> codes = new LinkedHashMap<>();
    for (ExitCode code : ExitCode.values()) {
      codes.put(Integer.toString(code.code()), code.meaning());
    }
    describe(command, codes);
    return command;
  }

  private static void describe(CommandLine command, Map<String, String> codes) {
    // Commands may have codes with meanings of their own.
    if (command.getCommandSpec().usageMessage().exitCodeList().isEmpty()) {
      command.getCommandSpec().usageMessage().exitCodeList(codes);
    }
    command.getSubcommands().values().forEach(sub -> describe(sub, codes));
  }

  /** Makes the commands; those that print or read are given the environment. */
  private record Factory(Environment environment) implements IFactory {
    @Override
    public <K> K create(Class<K> type) throws Exception {
      for (Constructor<?> constructor : type.getDeclaredConstructors()) {
        if (Arrays.equals(constructor.getParameterTypes(), new Class<?>[] {Environment.class})) {
          constructor.setAccessible(true);
          return type.cast(constructor.newInstance(environment));
        }
      }
      return CommandLine.defaultFactory().create(type);
    }
  }

  /** Says which version this is. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {version()};
    }
  }
}
