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

void Accumulator::Assign(const Accumulator& other, const SlotPairs& pairs) {
  for (int64_t i = 0; i < pairs.count; ++i) Clear(pairs.to[i]);
  MergeFrom(other, pairs);
}

void Accumulator::MergeFrom(const Accumulator& other, const SlotPairs& pairs) {
  std::vector<uint32_t> first;
  for (int64_t i = 0; pairs.from == nullptr && i < pairs.count; ++i) first.push_back(pairs.source(i));
  const uint32_t* from = pairs.from ? pairs.from : first.data();
  for (int64_t at = 0; at < pairs.count;) {
    const int64_t count = other.Fitting(from + at, pairs.count - at);
    Merge(other.SaveStates(from + at, count), {count, nullptr, pairs.to + at});
    at += count;
  }
}

void Accumulator::Subtract(const Accumulator&, const SlotPairs&) {
  SR_CHECK(!"a function without kSubtracts was asked to subtract");
}

}  // namespace streamrun
