#include "core/component/state_facts.h"

#include <utility>

#include "core/expr/canonical_text.h"

namespace streamrun {

namespace {

std::string Bounds(const WindowSpec& window) {
  const auto steps = [&](const std::string& kind) {
    return kind + " " + PrintDuration(window.size) + " every " + PrintDuration(window.step);
  };
  switch (window.kind) {
    case WindowSpec::Kind::kNone:
      return "none";
    case WindowSpec::Kind::kTumbling:
      return "tumbling " +
             (window.months > 0 ? std::to_string(window.months) + " months" : PrintDuration(window.size));
    case WindowSpec::Kind::kSliding:
      return steps("sliding");
    case WindowSpec::Kind::kCumulative:
      return steps("cumulative");
    case WindowSpec::Kind::kSession:
      return "session " + PrintDuration(window.gap);
    case WindowSpec::Kind::kCount:
      return "count " + std::to_string(window.rows) + " every " + std::to_string(window.row_step);
  }
  return {};
}

}  // namespace

StateFact KeysFact(std::string name, const std::vector<ExpressionPtr>& keys) {
  return {std::move(name), CanonicalTexts(keys)};
}

StateFact WindowFact(const WindowSpec& window) {
  std::string text = Bounds(window);
  if (window.offset != 0) text += ", offset " + PrintDuration(window.offset);
  if (window.zone) text += ", zone " + window.zone_name;
  if (window.processing_time) text += ", processing time";
  return {"window", text};
}

StateFact TimeFact(const Schema& input) {
  return {"event_time", input.event_time < 0 ? "none" : input.field(input.event_time).name};
}

StateFact ChangesFact(const Schema& input) { return {"input", input.changes ? "changes" : "rows"}; }

StateFact ArgumentsFact(const std::string& text, const AggregateCall& call) {
  std::string types;
  for (const ExpressionPtr& input : call.Inputs()) {
    types += (types.empty() ? "" : ", ") + input->type().ToString();
  }
  return {"arguments of " + text, types};
}

std::vector<StateFact> AggregationFacts(const AggregationPlan& plan) {
  std::vector<StateFact> facts{KeysFact("group_by", plan.keys), WindowFact(plan.window),
                               TimeFact(*plan.input), ChangesFact(*plan.input)};
  for (const AggregateCall& call : plan.calls) {
    if (!call.args.empty()) facts.push_back(ArgumentsFact(call.text, call));
  }
  return facts;
}

}  // namespace streamrun
