// What operators over time series have in common: `by`, `value`, `ttl`, and how they are bound.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/component/definition.h"
#include "core/window/series.h"

namespace streamrun {

struct SeriesFields {
  ConfigValue by;
  Sql value;
  Duration ttl = 0;
};

/// A column of double that the operator adds, and where its name stands.
struct SeriesResult {
  std::string name;
  ConfigValue where;
};

/// Everything of the plan but `make`; null after reporting. Codes: "plan.no_event_time",
/// "series.duplicate_column".
std::shared_ptr<SeriesPlan> ReadSeries(const SeriesFields& fields, const std::vector<SeriesResult>& results,
                                       BindContext& context);

/// The operator of a complete plan. `method`: what decides which samples it keeps.
std::shared_ptr<const BoundOperator> BindSeries(SeriesPlanPtr plan, const std::string& ok_help,
                                                StateFact method);

/// Adds the three fields to a spec whose Config is derived from SeriesFields.
template <typename Config>
void AddSeriesFields(ConfigSpec<Config>& spec) {
  spec.Raw("by", &Config::by, "Columns or expressions that tell the series apart. Without: one series.");
  spec.Expression("value", &Config::value,
                  "The value of a row: a number. A row whose value is null is no sample.")
      .Required();
  spec.DurationField("ttl", &Config::ttl,
                     "A series without a sample for this long is forgotten; its next sample is a first one. "
                     "0 keeps all series for ever.")
      .AtLeast(0);
}

/// Ports of every such operator, for the reference.
std::vector<PortSpec> SeriesPorts();

}  // namespace streamrun
