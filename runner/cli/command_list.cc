// streamrun list and describe: what components there are and what each takes.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "runner/cli/commands.h"
#include "runner/cli/describe.h"
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
  };
  auto options = std::make_shared<Options>();
  CLI::App* describe =
      app.add_subcommand("describe", "Say all about a component: fields, ports, guarantee, example");
  describe->add_option("component", options->name, "Its name, for example filter");
  describe
      ->add_option("--kind", options->kind,
                   "source, operator, sink or format, where a name stands for several")
      ->check(CLI::IsMember({"source", "operator", "sink", "format"}));
  describe->add_option("--write-all", options->write_all,
                       "Write the reference of every component into this directory");
  describe->footer("Example: streamrun describe enrich");
  describe->callback([options, &result] {
    if (!options->write_all.empty()) {
      result.exit_code = WriteReference(options->write_all);
    } else if (options->name.empty()) {
      throw CLI::RequiredError("component");
    } else {
      result.exit_code = Describe(options->name, options->kind);
    }
  });
}

}  // namespace streamrun
