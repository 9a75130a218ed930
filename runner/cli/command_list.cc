// streamrun list and describe: what components there are and what each takes.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "runner/cli/commands.h"
#include "runner/cli/describe.h"
#include "runner/cli/describe_functions.h"
#include "runner/cli/load.h"

namespace streamrun {

namespace {

constexpr std::pair<std::string_view, ComponentKind> kKinds[] = {{"sources", ComponentKind::kSource},
                                                                 {"operators", ComponentKind::kOperator},
                                                                 {"sinks", ComponentKind::kSink},
                                                                 {"formats", ComponentKind::kFormat}};

std::optional<ComponentKind> KindOf(const std::string& word) {
  for (const auto& [plural, kind] : kKinds) {
    if (word == plural || word == KindName(kind)) return kind;
  }
  return std::nullopt;
}

// A name may stand for a source and a sink: all of them are described unless a kind is given.
int Describe(const std::string& name, const std::string& kind) {
  const Registry& registry = Registry::Global();
  std::vector<std::string_view> names;
  bool found = false;
  for (const auto& [plural, each] : kKinds) {
    if (!kind.empty() && KindOf(kind) != each) continue;
    for (const Definition* definition : registry.List(each)) {
      names.push_back(definition->name);
      if (definition->name != name) continue;
      std::printf("%s%s", found ? "\n" : "", DescribeComponent(*definition).c_str());
      found = true;
    }
  }
  if (found) return kExitFine;
  const std::string hint = DidYouMean(name, names);
  std::fprintf(stderr, "streamrun: there is no component '%s'; %s\n", name.c_str(),
               hint.empty() ? "`streamrun list` shows what there is" : hint.c_str());
  return kExitConfig;
}

// `describe functions ...`
struct FunctionOptions {
  std::string name;
  bool json = false;
  std::string write;
};

int Fail(const Status& status) {
  std::fprintf(stderr, "streamrun: %s\n", status.message().c_str());
  return kExitRuntime;
}

// Writes the reference behind the marker of docs/expressions.md.
int WriteFunctions(const std::string& path) {
  constexpr uint64_t kLimit = 16 << 20;
  const Result<std::string> document = Env::Default()->ReadFile(path, kLimit);
  if (!document.ok()) return Fail(document.status());
  const std::string replaced = ReplaceReference(*document);
  if (replaced.empty())
    return Fail(Status::InvalidArgument(path + " has no line that marks where the reference begins"));
  const Status written = Env::Default()->WriteFileAtomically(path, replaced);
  return written.ok() ? kExitFine : Fail(written);
}

int DescribeFunctions(const FunctionOptions& options) {
  if (!options.write.empty()) return WriteFunctions(options.write);
  const std::string text = options.name.empty() ? ListFunctions() : DescribeFunction(options.name);
  if (text.empty()) {
    const std::string hint = SuggestFunction(options.name);
    std::fprintf(stderr, "streamrun: there is no function '%s'; %s\n", options.name.c_str(),
                 hint.empty() ? "`streamrun describe functions` shows what there is" : hint.c_str());
    return kExitConfig;
  }
  std::printf("%s", options.json ? FunctionsJson(options.name).c_str() : text.c_str());
  return kExitFine;
}

// The reference of every component, one Markdown file each: DIRECTORY/<kind>_<name>.md.
int WriteReference(const std::string& directory) {
  Env* env = Env::Default();
  Status status = env->MakeDirectories(directory);
  for (const auto& [plural, kind] : kKinds) {
    for (const Definition* definition : Registry::Global().List(kind)) {
      const std::string path = directory + "/" + std::string(KindName(kind)) + "_" + definition->name + ".md";
      if (status.ok()) status = env->WriteFileAtomically(path, DescribeComponent(*definition));
    }
  }
  if (status.ok()) return kExitFine;
  std::fprintf(stderr, "streamrun: %s\n", status.message().c_str());
  return kExitRuntime;
}

}  // namespace

void AddListCommands(CLI::App& app, CliResult& result) {
  auto kind = std::make_shared<std::string>();
  CLI::App* list = app.add_subcommand("list", "List the components of this binary");
  list->add_option("kind", *kind, "sources, operators, sinks or formats")
      ->check(CLI::IsMember({"sources", "operators", "sinks", "formats"}));
  list->callback([kind, &result] {
    std::printf("%s", ListComponents(Registry::Global(), KindOf(*kind)).c_str());
    result.exit_code = kExitFine;
  });

  struct Options {
    std::string name;
    std::string kind;
    std::string write_all;
    FunctionOptions functions;
  };
  auto options = std::make_shared<Options>();
  CLI::App* describe = app.add_subcommand(
      "describe", "Say all about a component (fields, ports, guarantee, example) or a function");
  describe->add_option("component", options->name, "Its name, for example filter; or the word functions");
  describe->add_option("function", options->functions.name,
                       "After functions: the name of one, for example date_trunc");
  describe->add_flag("--json", options->functions.json, "Print functions as a JSON array");
  describe->add_option("--write", options->functions.write,
                       "Write the reference of the functions into this document, behind its marker");
  describe
      ->add_option("--kind", options->kind,
                   "source, operator, sink or format, where a name stands for several")
      ->check(CLI::IsMember({"source", "operator", "sink", "format"}));
  describe->add_option("--write-all", options->write_all,
                       "Write the reference of every component into this directory");
  describe->footer(
      "Examples: streamrun describe enrich\n          streamrun describe functions\n"
      "          streamrun describe functions date_trunc");
  describe->callback([options, &result] {
    if (!options->write_all.empty()) {
      result.exit_code = WriteReference(options->write_all);
    } else if (options->name.empty()) {
      throw CLI::RequiredError("component");
    } else if (options->name == "functions") {
      result.exit_code = DescribeFunctions(options->functions);
    } else if (!options->functions.name.empty() || options->functions.json ||
               !options->functions.write.empty()) {
      std::fprintf(stderr, "streamrun: a second name, --json and --write go with `describe functions`\n");
      result.exit_code = kExitConfig;
    } else {
      result.exit_code = Describe(options->name, options->kind);
    }
  });
}

}  // namespace streamrun
