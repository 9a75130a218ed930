#include "core/agg/aggregate_function.h"

#include <algorithm>

#include "core/agg/functions/families.h"
#include "core/base/env.h"

namespace streamrun {

namespace {

struct Registry {
  AggregateTable all;
  std::vector<std::string_view> names;

  Registry() {
    for (const auto add : kAggregateFamilies) add(all);
    for (const AggregateFunction& f : all) {
      if (std::find(names.begin(), names.end(), f.signature.name) == names.end()) {
        names.push_back(f.signature.name);
      }
    }
  }
};

const Registry& TheRegistry() {
  static const Registry registry;
  return registry;
}

}  // namespace

const std::vector<AggregateFunction>& AllAggregates() { return TheRegistry().all; }

std::vector<const AggregateFunction*> AggregatesNamed(std::string_view name) {
  std::vector<const AggregateFunction*> out;
  for (const AggregateFunction& f : AllAggregates()) {
    if (f.signature.name == name) out.push_back(&f);
  }
  return out;
}

const std::vector<std::string_view>& AggregateNames() { return TheRegistry().names; }

void Accumulator::Retract(std::span<const ColumnPtr>, const GroupedRows&) {
  SR_CHECK(!"a function without kRetracts was asked to retract");
}

}  // namespace streamrun
