#include "core/expr/resolve.h"

#include <algorithm>

#include "core/expr/types.h"

namespace streamrun {

namespace {

// An entry with its types settled for the call at hand.
struct Candidate {
  const Function* function;
  std::vector<DataType> args;
  std::vector<bool> pseudo;
  DataType element;
};

TypeId IdOf(const DataType& type) { return type.id() == TypeId::kDecimal ? TypeId::kNumeric : type.id(); }

bool IsPseudo(Arg arg) { return arg >= Arg::kAny && arg <= Arg::kOutput; }

bool Exact(const DataType& given, const DataType& wanted) {
  return IdOf(given) == IdOf(wanted) && (given.id() != TypeId::kList || given == wanted);
}

// The element type that the polymorphic arguments agree on; unknown when nothing tells.
std::optional<DataType> ElementOf(const Function& f, const std::vector<DataType>& args) {
  std::vector<DataType> types;
  for (size_t i = 0; i < args.size(); ++i) {
    const bool unknown = args[i].id() == TypeId::kUnknown;
    if (f.arg(i) == Arg::kElement && !unknown) types.push_back(args[i]);
    if (f.arg(i) != Arg::kElements || unknown) continue;
    if (args[i].id() != TypeId::kList) return std::nullopt;
    types.push_back(args[i].element());
  }
  if (types.empty()) return DataType(TypeId::kUnknown);
  // Only || takes arrays of two types; = and @> and their like are of "anyarray".
  if (f.is_operator() && f.name != "||") {
    for (const DataType& type : types) {
      if (!Exact(type, types[0])) return std::nullopt;
    }
  }
  const auto common = CommonType(types);
  // No arrays of arrays.
  const bool lists =
      f.result == Arg::kElements || std::find(f.args.begin(), f.args.end(), Arg::kElements) != f.args.end();
  if (common && lists && common->id() == TypeId::kList) return std::nullopt;
  return common;
}

bool Settle(const Function& f, const std::vector<DataType>& args, Candidate& out) {
  const bool fits = f.has(kVariadic) ? args.size() >= f.arity() : args.size() == f.arity();
  if (!fits) return false;
  out.function = &f;
  const auto element = ElementOf(f, args);
  if (!element) return false;
  out.element = *element;
  for (size_t i = 0; i < args.size(); ++i) {
    const Arg want = f.arg(i);
    const bool unknown = args[i].id() == TypeId::kUnknown;
    out.pseudo.push_back(IsPseudo(want));
    if (want == Arg::kElement) {
      out.args.push_back(unknown && element->id() == TypeId::kUnknown ? DataType(TypeId::kText) : *element);
    } else if (want == Arg::kElements) {
      // All untyped: functions of "anycompatible" arguments take text, operators leave it open.
      if (element->id() == TypeId::kUnknown && (f.is_operator() || f.args.size() < 2)) return false;
      out.args.push_back(
          DataType::List(element->id() == TypeId::kUnknown ? DataType(TypeId::kText) : *element));
    } else if (want == Arg::kCastText || want == Arg::kOutput) {
      if (want == Arg::kCastText && args[i].id() == TypeId::kList) return false;
      out.args.push_back(TypeId::kText);
      continue;
    } else if (IsPseudo(want)) {
      out.args.push_back(unknown ? DataType(TypeId::kText) : args[i]);
    } else {
      out.args.push_back(TypeOf(want));
    }
    if (!ImplicitlyCastable(args[i], out.args.back())) return false;
  }
  return true;
}

std::optional<Resolution> Done(const Candidate& c) {
  Resolution r{c.function, c.args, {}};
  switch (c.function->result) {
    case Arg::kElement:
      r.result = c.element.id() == TypeId::kUnknown ? DataType(TypeId::kText) : c.element;
      break;
    case Arg::kElements:
      r.result = DataType::List(c.element.id() == TypeId::kUnknown ? DataType(TypeId::kText) : c.element);
      break;
    default:
      r.result = TypeOf(c.function->result);
  }
  return r;
}

// Pseudo-types are a category of their own ('P'), preferred by nobody.
char CategoryAt(const Candidate& c, size_t i) { return c.pseudo[i] ? 'P' : TypeCategory(c.args[i].id()); }
bool PreferredAt(const Candidate& c, size_t i) { return !c.pseudo[i] && IsPreferred(c.args[i].id()); }

// Keeps the candidates with the highest score over the arguments whose type is known.
template <typename Score>
void KeepBest(std::vector<Candidate>& candidates, const std::vector<DataType>& args, Score score) {
  int best = -1;
  std::vector<Candidate> kept;
  for (Candidate& c : candidates) {
    int points = 0;
    for (size_t i = 0; i < args.size(); ++i) {
      if (args[i].id() != TypeId::kUnknown) points += score(c, i) ? 1 : 0;
    }
    if (points > best) kept.clear();
    if (points >= best) kept.push_back(std::move(c));
    best = std::max(best, points);
  }
  candidates = std::move(kept);
}

// For each untyped argument: strings win where a candidate takes one, else the candidates must agree on a
// category; within it a preferred type wins.
void KeepByCategory(std::vector<Candidate>& candidates, const std::vector<DataType>& args) {
  for (size_t i = 0; i < args.size(); ++i) {
    if (args[i].id() != TypeId::kUnknown) continue;
    char category = 0;
    bool agree = true;
    for (const Candidate& c : candidates) {
      const char own = CategoryAt(c, i);
      if (own == 'S') {
        category = 'S';
        agree = true;
        break;
      }
      if (category != 0 && own != category) agree = false;
      category = own;
    }
    if (!agree) return;
    const auto in_category = [&](const Candidate& c) { return CategoryAt(c, i) == category; };
    const auto preferred = [&](const Candidate& c) { return in_category(c) && PreferredAt(c, i); };
    const bool has_preferred = std::any_of(candidates.begin(), candidates.end(), preferred);
    std::erase_if(candidates,
                  [&](const Candidate& c) { return has_preferred ? !preferred(c) : !in_category(c); });
  }
}

// All known arguments have one type: the untyped ones may be of it too.
std::vector<Candidate> IfAllAlike(const std::vector<Candidate>& candidates,
                                  const std::vector<DataType>& args) {
  DataType known;
  for (const DataType& type : args) {
    if (type.id() == TypeId::kUnknown) continue;
    if (known.id() != TypeId::kUnknown && !(known == type)) return {};
    known = type;
  }
  if (known.id() == TypeId::kUnknown) return {};
  std::vector<Candidate> out;
  for (const Candidate& c : candidates) {
    const auto takes = [&](const DataType& type) { return ImplicitlyCastable(known, type); };
    if (std::all_of(c.args.begin(), c.args.end(), takes)) out.push_back(c);
  }
  return out;
}

const Candidate* ExactMatch(const std::vector<Candidate>& candidates, const std::vector<DataType>& args) {
  for (const Candidate& c : candidates) {
    bool exact = true;
    for (size_t i = 0; i < args.size() && exact; ++i) exact = !c.pseudo[i] && Exact(args[i], c.args[i]);
    if (exact) return &c;
  }
  return nullptr;
}

}  // namespace

std::optional<Resolution> Resolve(std::span<const Function* const> entries, const std::vector<DataType>& args,
                                  bool is_operator, bool* ambiguous) {
  *ambiguous = false;
  std::vector<Candidate> candidates;
  for (const Function* f : entries) {
    Candidate c;
    if (Settle(*f, args, c)) candidates.push_back(std::move(c));
  }
  if (candidates.empty()) return std::nullopt;
  std::vector<DataType> assumed = args;
  if (is_operator && args.size() == 2) {
    // An untyped operand is first taken to be of the other one's type.
    if (args[0].id() == TypeId::kUnknown) assumed[0] = args[1];
    if (args[1].id() == TypeId::kUnknown) assumed[1] = args[0];
  }
  if (const Candidate* exact = ExactMatch(candidates, assumed)) return Done(*exact);
  if (candidates.size() == 1) return Done(candidates[0]);
  KeepBest(candidates, args,
           [&](const Candidate& c, size_t i) { return !c.pseudo[i] && Exact(args[i], c.args[i]); });
  if (candidates.size() == 1) return Done(candidates[0]);
  KeepBest(candidates, args, [&](const Candidate& c, size_t i) {
    const bool same_category = CategoryAt(c, i) == TypeCategory(args[i].id());
    return !c.pseudo[i] && (Exact(args[i], c.args[i]) || (same_category && PreferredAt(c, i)));
  });
  if (candidates.size() == 1) return Done(candidates[0]);
  const auto is_unknown = [](const DataType& type) { return type.id() == TypeId::kUnknown; };
  if (std::any_of(args.begin(), args.end(), is_unknown)) {
    KeepByCategory(candidates, args);
    if (candidates.size() == 1) return Done(candidates[0]);
    const std::vector<Candidate> alike = IfAllAlike(candidates, args);
    if (alike.size() == 1) return Done(alike[0]);
  }
  *ambiguous = true;
  return std::nullopt;
}

std::optional<DataType> CommonType(const std::vector<DataType>& types, TypeClash* clash) {
  const auto fail = [&](size_t at, const DataType& common, bool convert) {
    if (clash != nullptr) *clash = {at, common, convert};
    return std::nullopt;
  };
  DataType common;
  for (size_t i = 0; i < types.size(); ++i) {
    const DataType& type = types[i];
    if (type.id() == TypeId::kUnknown || type == common) continue;
    if (common.id() == TypeId::kUnknown) {
      common = type;
      continue;
    }
    if (TypeCategory(type.id()) != TypeCategory(common.id())) return fail(i, common, false);
    const DataType a = IdOf(common) == TypeId::kNumeric ? DataType(TypeId::kNumeric) : common;
    const DataType b = IdOf(type) == TypeId::kNumeric ? DataType(TypeId::kNumeric) : type;
    const bool widen = !IsPreferred(a.id()) && ImplicitlyCastable(a, b) && !ImplicitlyCastable(b, a);
    common = widen ? b : a;
  }
  if (common.id() == TypeId::kUnknown) return DataType(TypeId::kText);
  for (size_t i = 0; i < types.size(); ++i) {
    if (!ImplicitlyCastable(types[i], common)) return fail(i, common, true);
  }
  return common;
}

}  // namespace streamrun
