// The registry over the families' tables.
#include "core/expr/function.h"

#include <algorithm>
#include <cctype>
#include <map>
#include <unordered_map>

#include "core/expr/functions/families.h"
#include "core/expr/types.h"

namespace streamrun {

namespace {

struct Registry {
  FunctionTable all;
  std::vector<FunctionFamily> families;
  std::unordered_map<std::string_view, std::vector<const Function*>> by_name;
  std::map<std::pair<TypeId, TypeId>, const Function*> casts;
  std::vector<std::string_view> names;

  Registry() {
    std::vector<std::pair<size_t, size_t>> ranges;
    for (const FamilyEntry& family : kFamilies) {
      const size_t begin = all.size();
      family.add(all);
      ranges.push_back({begin, all.size() - begin});
    }
    for (size_t i = 0; i < ranges.size(); ++i) {
      families.push_back({kFamilies[i].title, std::span(all).subspan(ranges[i].first, ranges[i].second)});
    }
    for (const Function& f : all) {
      if (f.name == "cast") {
        casts[{static_cast<TypeId>(f.args[0]), static_cast<TypeId>(f.result)}] = &f;
        continue;
      }
      std::vector<const Function*>& entries = by_name[f.name];
      if (entries.empty() && !f.is_operator() && !f.has(kNoHelp)) names.push_back(f.name);
      entries.push_back(&f);
    }
  }
};

const Registry& TheRegistry() {
  static const Registry registry;
  return registry;
}

}  // namespace

bool Function::is_operator() const {
  return !std::isalpha(static_cast<unsigned char>(name[0])) && name[0] != '_';
}

std::string Function::Signature() const {
  if (is_operator()) {
    if (args.size() == 1) return std::string(name) + " " + std::string(ArgName(args[0]));
    return std::string(ArgName(args[0])) + " " + std::string(name) + " " + std::string(ArgName(args[1]));
  }
  std::string out = std::string(name) + "(";
  for (size_t i = 0; i < args.size(); ++i) {
    if (i > 0) out += ", ";
    out += ArgName(args[i]);
  }
  if (has(kVariadic)) out += ", ...";
  return out + ")";
}

std::span<const Function> AllFunctions() { return TheRegistry().all; }
const std::vector<FunctionFamily>& FunctionFamilies() { return TheRegistry().families; }

std::span<const Function* const> FunctionsNamed(std::string_view name) {
  const auto& by_name = TheRegistry().by_name;
  const auto found = by_name.find(name);
  if (found == by_name.end()) return {};
  return found->second;
}

const Function* FindCast(TypeId from, TypeId to) {
  const auto& casts = TheRegistry().casts;
  const auto found = casts.find({from, to});
  return found == casts.end() ? nullptr : found->second;
}

const std::vector<std::string_view>& FunctionNames() { return TheRegistry().names; }

DataType TypeOf(Arg arg) {
  switch (arg) {
    case Arg::kTextList:
      return DataType::List(TypeId::kText);
    case Arg::kIntegerList:
      return DataType::List(TypeId::kInteger);
    case Arg::kBigintList:
      return DataType::List(TypeId::kBigint);
    case Arg::kDoubleList:
      return DataType::List(TypeId::kDouble);
    case Arg::kNumericList:
      return DataType::List(TypeId::kNumeric);
    case Arg::kBooleanList:
      return DataType::List(TypeId::kBoolean);
    case Arg::kJsonbList:
      return DataType::List(TypeId::kJsonb);
    default:
      return DataType(static_cast<TypeId>(arg));
  }
}

std::string_view ArgName(Arg arg) {
  static constexpr std::string_view kNames[] = {"unknown",
                                                "boolean",
                                                "integer",
                                                "bigint",
                                                "double precision",
                                                "numeric",
                                                "numeric",
                                                "uuid",
                                                "inet",
                                                "text",
                                                "bytea",
                                                "date",
                                                "timestamp",
                                                "timestamptz",
                                                "interval",
                                                "jsonb",
                                                "any array",
                                                "any",
                                                "any element",
                                                "any array",
                                                "any non-array",
                                                "any",
                                                "text[]",
                                                "integer[]",
                                                "bigint[]",
                                                "double precision[]",
                                                "numeric[]",
                                                "boolean[]",
                                                "jsonb[]"};
  return kNames[static_cast<size_t>(arg)];
}

}  // namespace streamrun
