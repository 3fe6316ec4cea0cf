//===- CommandLine.cpp - the arguments of a compiled program --------------===//
//
// Part of the aic project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CommandLine.h"

#include "Error.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdlib>

using namespace ai::rt;

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

static int64_t parseWhole(const std::string &option, const std::string &text, int64_t least,
                          int64_t most) {
  char *end = nullptr;
  errno = 0;
  long long value = strtoll(text.c_str(), &end, 10);
  if (text.empty() || *end || errno || value < least || value > most)
    throwInvalid(option, " expects a whole number from ", least, " to ", most, ", got ", text);
  return value;
}

static double parseNumber(const std::string &option, const std::string &text) {
  char *end = nullptr;
  double value = strtod(text.c_str(), &end);
  if (text.empty() || *end || !std::isfinite(value))
    throwInvalid(option, " expects a number, got ", text);
  return value;
}

static std::pair<std::string, double> parseSetting(const std::string &text) {
  size_t equals = text.find('=');
  if (equals == 0 || equals == std::string::npos)
    throwInvalid("--set expects NAME=VALUE, as in --set lr=0.01, got ", text);
  std::string name = text.substr(0, equals);
  return {name, parseNumber("--set " + name, text.substr(equals + 1))};
}

//===----------------------------------------------------------------------===//
// Suggestions
//===----------------------------------------------------------------------===//

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other.
static size_t editDistance(const std::string &from, const std::string &to) {
  std::vector<std::vector<size_t>> cost(from.size() + 1, std::vector<size_t>(to.size() + 1));
  for (size_t i = 0; i <= from.size(); ++i) {
    for (size_t j = 0; j <= to.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1,
                             cost[i - 1][j - 1] + (from[i - 1] != to[j - 1])});
      if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[from.size()][to.size()];
}

std::string ai::rt::nearestWord(const std::string &word,
                                const std::vector<std::string> &candidates) {
  std::string best;
  // Half of the letters wrong is another word.
  size_t bestDistance = word.size() / 2;
  for (const std::string &candidate : candidates) {
    if (word.size() > 2 && candidate.compare(0, word.size(), word) == 0)
      return candidate;
    size_t distance = editDistance(word, candidate);
    if (distance < bestDistance || (distance == bestDistance && distance > 0 && best.empty())) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

[[noreturn]] static void failUnknown(const std::string &what, const std::string &word,
                                     const std::vector<std::string> &known,
                                     const std::string &helpCommand) {
  std::string nearest = nearestWord(word, known);
  if (nearest.empty())
    throwInvalid("unknown ", what, " ", word, "; see ", helpCommand, " --help");
  throwInvalid("unknown ", what, " ", word, "; did you mean ", nearest, "?");
}

//===----------------------------------------------------------------------===//
// The commands
//===----------------------------------------------------------------------===//

namespace {

/// Declares the commands of one program to CLI11 and lets it parse. Values are checked here, so
/// that messages read the same everywhere.
class Parser {
public:
  Parser(const ai_rt_program_t &program, Options &options);
  bool parse(int argc, const char *const *argv, std::string &help);

private:
  void addTraining();
  void addFunctions();
  CLI::App *addCommand(const char *name, const char *what) {
    CLI::App *command = app.add_subcommand(name, what);
    command->allow_extras();
    return command;
  }

  void text(CLI::App *command, const char *name, std::string &value, const char *type,
            const std::string &what) {
    command->add_option(name, value, what)
        ->type_name(type)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  }
  void whole(CLI::App *command, const char *name, int64_t &value, int64_t least, int64_t most,
             const std::string &what);
  void number(CLI::App *command, const char *name, double &value, const std::string &what);
  void data(CLI::App *command);
  void pad(CLI::App *command) {
    whole(command, "--pad", options.pad, 0, 1024,
          "Rows and columns of zeros to add on every side of an image (default: 0)");
  }
  void load(CLI::App *command, const char *what) {
    text(command, "--load", options.load, "FILE", what);
  }
  void batch(CLI::App *command) {
    whole(command, "--batch", options.batch, 1, INT32_MAX,
          concat("Samples of a step (the recipe: ", program.batch, ")"));
  }
  void threads(CLI::App *command) {
    whole(command, "--threads", options.threads, 1, 4096, "Threads (default: one for each CPU)");
  }
  void pin(CLI::App *command) {
    command->add_flag("--pin", options.pin,
                      "Bind each thread to a CPU of its own, of those that taskset leaves");
  }
  void seed(CLI::App *command);
  void settings(CLI::App *command);
  void trace(CLI::App *command, const char *which);
  void json(CLI::App *command, const char *what) {
    command->add_flag("--json", options.json, what);
  }

  CLI::App *chosenCommand();
  void refuseExtras(CLI::App *command);
  std::string helpText(CLI::App *command);

  const ai_rt_program_t &program;
  Options &options;
  CLI::App app;
};

} // namespace

void Parser::whole(CLI::App *command, const char *name, int64_t &value, int64_t least, int64_t most,
                   const std::string &what) {
  auto set = [&value, name, least, most](const std::string &text) {
    value = parseWhole(name, text, least, most);
  };
  command->add_option_function<std::string>(name, set, what)
      ->type_name("N")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

void Parser::number(CLI::App *command, const char *name, double &value, const std::string &what) {
  auto set = [&value, name](const std::string &text) {
    value = parseNumber(name, text);
    if (value <= 0)
      throwInvalid(name, " expects a number above 0, got ", text);
  };
  command->add_option_function<std::string>(name, set, what)
      ->type_name("S")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

void Parser::data(CLI::App *command) {
  text(command, "--data", options.data, "DIR",
       "Folder with IDX files, gzipped or not (default: Fashion-MNIST of the system)");
  pad(command);
}

void Parser::seed(CLI::App *command) {
  auto set = [this](const std::string &text) {
    options.seed = parseWhole("--seed", text, 0, INT64_MAX);
    options.hasSeed = true;
  };
  command
      ->add_option_function<std::string>(
          "--seed", set,
          concat("Of initial values, order and dropout (the recipe: ", program.seed, ")"))
      ->type_name("N")
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
}

void Parser::settings(CLI::App *command) {
  std::vector<std::string> names;
  std::string list;
  for (int64_t i = 0; i < program.num_tensors; ++i) {
    if (program.tensors[i].role != AI_RT_SETTING)
      continue;
    names.push_back(program.tensors[i].name);
    list += (list.empty() ? "" : ", ") + concat(names.back(), "=", program.tensors[i].init_value);
  }
  auto set = [this, names](const std::vector<std::string> &texts) {
    for (const std::string &text : texts) {
      options.settings.push_back(parseSetting(text));
      const std::string &name = options.settings.back().first;
      if (std::find(names.begin(), names.end(), name) == names.end())
        failUnknown("setting", name, names, options.programName + " train");
    }
  };
  command
      ->add_option_function<std::vector<std::string>>(
          "--set", set, "Change a setting of the recipe: " + (list.empty() ? "none" : list))
      ->type_name("NAME=VALUE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
}

void Parser::trace(CLI::App *command, const char *which) {
  text(command, "--trace", options.trace, "FILE",
       concat("Write what each thread does in ", which,
              " steps, for ui.perfetto.dev or chrome://tracing; of each nest where the program was "
              "compiled with --profile"));
  whole(command, "--trace-steps", options.traceSteps, 1, 1 << 16,
        concat("How many steps --trace records, up to a million events a thread (default: ",
               options.traceSteps, ")"));
}

void Parser::addTraining() {
  CLI::App *train = addCommand("train", "Train the model and evaluate it after each epoch");
  data(train);
  whole(train, "--epochs", options.epochs, 1, 1000000000,
        concat("Epochs in all, those of --load included (the recipe: ", program.epochs, ")"));
  batch(train);
  threads(train);
  pin(train);
  seed(train);
  text(train, "--save", options.save, "FILE",
       "Write a checkpoint after each epoch, and when interrupted");
  load(train, "Go on from a checkpoint");
  settings(train);
  text(train, "--log", options.log, "DIR",
       "Write curves, histograms, the graph and misclassified images (of 1 or 3 channels) for "
       "TensorBoard");
  trace(train, "the first");
  json(train, "Print a JSON object for each epoch and nothing else");

  CLI::App *eval = addCommand("eval", "Evaluate a trained model on the test set");
  data(eval);
  load(eval, "The trained parameters");
  batch(eval);
  threads(eval);
  pin(eval);
  json(eval, "Print a JSON object");

  CLI::App *predict = addCommand("predict", "Print the class and its probability for each sample");
  text(predict, "--data", options.data, "IDX",
       "File of samples, or a folder whose test images are meant");
  pad(predict);
  load(predict, "The trained parameters");
  batch(predict);
  threads(predict);
  pin(predict);
  json(predict, "Print a JSON object for each sample");

  CLI::App *bench = addCommand("bench", "Measure whole steps and print one line of JSON");
  number(bench, "--seconds", options.seconds, "How long to measure (default: 3)");
  text(bench, "--mode", options.mode, "train|infer", "What a step is (default: train)");
  text(bench, "--data", options.data, "DIR",
       "Folder with IDX files; numbers of images and labels may differ (default: random samples)");
  pad(bench);
  load(bench, "Parameters by name, from any safetensors file");
  batch(bench);
  threads(bench);
  pin(bench);
  seed(bench);
  settings(bench);
  trace(bench, "the first measured");
  whole(bench, "--rows", options.rows, 0, 1 << 16,
        concat("Rows of the profile, the most expensive first, in a program that was compiled with "
               "--profile; 0: all (default: ",
               options.rows, ")"));

  CLI::App *info =
      addCommand("info", "Print the parameters, the memory plan and the work of a step");
  batch(info);
  threads(info);
  json(info, "Print a JSON object");
}

static std::string describe(const ai_rt_tensor_info_t *tensors, int64_t count) {
  std::string text;
  for (int64_t i = 0; i < count; ++i)
    text += (i ? ", " : "") + concat(tensors[i].name, ": ", ai_rt_dtype_name(tensors[i].dtype),
                                     formatShape(tensors[i].shape, tensors[i].rank));
  return text;
}

void Parser::addFunctions() {
  for (int64_t i = 0; i < program.num_functions; ++i) {
    const ai_rt_function_t &function = program.functions[i];
    std::string what = concat("(", describe(function.args, function.num_args), ") -> (",
                              describe(function.results, function.num_results), ")");
    CLI::App *command = app.add_subcommand(function.name, what);
    json(command, "Print a JSON array of the results");
    // Numbers may begin with a minus: everything from the first one on belongs to the function.
    command->prefix_command();
    command->footer(
        "Arguments follow in order: a number each, or for a tensor its elements, row by row,\n"
        "separated by commas. --json comes before them.");
  }
}

Parser::Parser(const ai_rt_program_t &program, Options &options)
    : program(program), options(options),
      app(program.num_steps ? concat("The model ", program.name, ", compiled.")
                            : concat("The functions of ", program.name, ", compiled."),
          options.programName) {
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  app.get_formatter()->label("Subcommands", "Commands");
  app.allow_extras();
  app.require_subcommand(0, 1);
  if (program.num_steps)
    addTraining();
  addFunctions();
}

CLI::App *Parser::chosenCommand() {
  std::vector<CLI::App *> chosen = app.get_subcommands();
  return chosen.empty() ? nullptr : chosen.front();
}

void Parser::refuseExtras(CLI::App *command) {
  CLI::App *scope = command ? command : &app;
  for (const std::string &word : scope->remaining()) {
    if (word == "--")
      continue;
    std::string helpCommand = options.programName + (command ? " " + command->get_name() : "");
    if (word[0] == '-') {
      std::vector<std::string> known;
      for (const CLI::Option *option : scope->get_options())
        known.push_back("--" + option->get_lnames().front());
      failUnknown("option", word.substr(0, word.find('=')), known, helpCommand);
    }
    if (command)
      throwInvalid(command->get_name(), " expects options only, got ", word, "; see ", helpCommand,
                   " --help");
    std::vector<std::string> known;
    for (const CLI::App *each : app.get_subcommands(nullptr))
      known.push_back(each->get_name());
    failUnknown("command", word, known, helpCommand);
  }
}

std::string Parser::helpText(CLI::App *command) {
  return command ? command->help(options.programName) : app.help();
}

bool Parser::parse(int argc, const char *const *argv, std::string &help) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp &) {
    help = helpText(chosenCommand());
    return false;
  } catch (const CLI::ArgumentMismatch &error) {
    // "--batch: 1 required N missing"
    std::string text = error.what();
    throwInvalid(text.substr(0, text.find(':')), " expects a value");
  } catch (const CLI::ParseError &error) {
    throwInvalid(error.what());
  }
  CLI::App *command = chosenCommand();
  bool isFunction = command && ai_rt_program_find_function(&program, command->get_name().c_str());
  if (!isFunction)
    refuseExtras(command);
  if (!command)
    throwInvalid("expected a command; see ", options.programName, " --help");
  options.command = command->get_name();
  if (isFunction)
    options.arguments = command->remaining();
  if (options.mode != "train" && options.mode != "infer")
    throwInvalid("--mode expects train or infer, got ", options.mode);
  return true;
}

bool ai::rt::parseCommandLine(const ai_rt_program_t &program, int argc, const char *const *argv,
                              Options &options, std::string &help) {
  std::string path = argc > 0 ? argv[0] : program.name;
  options.programName = path.substr(path.rfind('/') + 1);
  options.epochs = program.epochs;
  options.batch = program.batch;
  options.seed = program.seed;
  return Parser(program, options).parse(argc, argv, help);
}
