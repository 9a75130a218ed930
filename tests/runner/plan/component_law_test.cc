// The law every component is held to: documented, its example right, its file registered.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/component/registry.h"
#include "runner/config/pipeline_file.h"
#include "runner/config/report.h"
#include "runner/plan/plan.h"

namespace streamrun {
namespace {

const ComponentKind kKinds[] = {ComponentKind::kSource, ComponentKind::kOperator, ComponentKind::kSink,
                                ComponentKind::kFormat};

void CheckFields(const std::vector<FieldSpec>& fields, const std::string& where) {
  for (const FieldSpec& field : fields) {
    CAPTURE(where + "." + field.name);
    CHECK_FALSE(field.help.empty());
    CHECK(field.help.back() == '.');
    CHECK_FALSE((field.required && !field.default_text.empty()));
    CheckFields(field.children, where + "." + field.name);
  }
}

TEST_CASE("every component is documented") {
  for (const ComponentKind kind : kKinds) {
    const std::vector<const Definition*> all = Registry::Global().List(kind);
    CHECK(all.size() >= 4);
    for (const Definition* d : all) {
      const std::string name = std::string(KindName(kind)) + " " + d->name;
      CAPTURE(name);
      CHECK_FALSE(d->summary.empty());
      CHECK_FALSE(d->description.empty());
      CHECK_FALSE(d->guarantee.empty());
      CHECK_FALSE(d->example.empty());
      CHECK(d->summary.back() == '.');
      CheckFields(d->fields, name);
    }
  }
}

TEST_CASE("the example of every component plans without an error and shows it") {
  for (const ComponentKind kind : kKinds) {
    for (const Definition* d : Registry::Global().List(kind)) {
      CAPTURE(std::string(KindName(kind)) + " " + d->name);
      Diagnostics diagnostics;
      ReadOptions options;
      options.env = Env::Default();
      options.variable = [](const std::string&) { return std::optional<std::string>("x"); };
      const auto file = ParsePipeline(d->example, d->name + ".yaml", options, diagnostics);
      PlanPtr plan;
      if (file) plan = BuildPlan(*file, diagnostics);
      std::vector<Finding> errors;
      for (const Finding& finding : diagnostics.findings()) {
        if (finding.severity == Severity::kError) errors.push_back(finding);
      }
      CHECK_MESSAGE(errors.empty(), RenderFindings(errors, d->example, false));
      CHECK(plan != nullptr);
      CHECK(d->example.find(d->name) != std::string::npos);
    }
  }
}

TEST_CASE("every operator file is one registered operator") {
  size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SR_SOURCE_DIR "/operators")) {
    if (entry.path().extension() != ".cc") continue;
    ++files;
    CAPTURE(entry.path().string());
    CHECK(Registry::Global().FindOperator(entry.path().stem().string()) != nullptr);
    CHECK(
        std::filesystem::exists(SR_SOURCE_DIR "/tests/operators/" + entry.path().stem().string() + ".yaml"));
    CHECK(std::filesystem::exists(SR_SOURCE_DIR "/pipelines/" + entry.path().stem().string() + ".yaml"));
  }
  CHECK(files == Registry::Global().List(ComponentKind::kOperator).size());
}

}  // namespace
}  // namespace streamrun
