// A pipeline file written in a test, as a plan.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "runner/config/pipeline_file.h"
#include "runner/config/report.h"
#include "runner/plan/plan.h"

namespace streamrun {

struct Planned {
  PipelineFile file;
  PlanPtr plan;
};

/// Findings, when it has no plan, are the message of the test that fails.
inline Planned PlanText(const std::string& text) {
  Diagnostics diagnostics;
  ReadOptions options;
  options.env = Env::Default();
  auto file = ParsePipeline(text, "p.yaml", options, diagnostics);
  const PlanPtr plan = file ? BuildPlan(*file, diagnostics) : nullptr;
  REQUIRE_MESSAGE(plan != nullptr, RenderFindings(diagnostics.findings(), text, false));
  return {std::move(*file), plan};
}

inline PlanPtr PlanOf(const std::string& text) { return PlanText(text).plan; }

}  // namespace streamrun
