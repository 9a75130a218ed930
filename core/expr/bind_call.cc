// Operators and functions: from names and argument types to entries of the table.
#include <algorithm>

#include "core/expr/argument_names.h"
#include "core/expr/bind.h"
#include "core/expr/resolve.h"
#include "core/expr/token.h"
#include "core/expr/types.h"

namespace streamrun {

namespace {

// Elements of a constant VARIADIC array that become arguments of their own.
constexpr size_t kMaxSpread = 100;

bool IsSubscript(const ExprNode& call) {
  return call.function->name == "array_element" || call.function->name == "array_slice";
}

// A strict function of a constant null is null, as PostgreSQL's planner decides too; a constant that fails
// stays to be reported. A subscript is no function there.
bool NullByConstant(const ExprNode& call) {
  if (call.function->has(kSeesNulls) || IsSubscript(call)) return false;
  bool null = false;
  for (const NodePtr& arg : call.args) {
    null |= arg->is_null();
    if (arg->can_fail && !arg->varies) return false;
  }
  return null;
}

}  // namespace

NodePtr Binder::Call(const Function& function, const DataType& result, std::vector<NodePtr> args,
                     size_t offset, size_t length) {
  MutableNode node = New(Kind::kCall, result, offset, length);
  node->function = &function;
  node->args = std::move(args);
  node->can_fail = !function.has(kTotal);
  node->is_volatile = function.has(kVolatile);
  if (NullByConstant(*node)) return Constant(result, Column::Nulls(result, 1), offset, length);
  std::vector<ColumnPtr> constants;
  if (function.check != nullptr || function.prepare != nullptr) {
    for (const NodePtr& arg : node->args) constants.push_back(arg->is_constant() ? arg->value : nullptr);
  }
  if (function.check != nullptr) {
    if (auto problem = function.check(constants)) {
      const size_t at = node->args[problem->argument]->offset;
      return Fail(at, "expr.pattern", std::move(problem->message), std::move(problem->hint));
    }
  }
  if (function.prepare != nullptr) {
    auto prepared = function.prepare(constants);
    if (!prepared.ok()) {
      const size_t at = node->args.size() > 1 ? node->args[1]->offset : offset;
      return Fail(at, "expr.pattern", prepared.status().message());
    }
    node->prepared = std::move(prepared).value();
  }
  return Finish(node);
}

bool Binder::CoerceArguments(const Resolution& resolution, std::vector<NodePtr>* args) {
  for (size_t i = 0; i < args->size(); ++i) {
    NodePtr& arg = (*args)[i];
    const Arg want = resolution.arg(i);
    const TypeId id = arg->type.id();
    if (want == Arg::kOutput && id != TypeId::kText && id != TypeId::kUnknown) {
      const size_t offset = arg->offset;
      const size_t length = arg->length;
      arg = Call(*FunctionsNamed("output")[0], TypeId::kText, {arg}, offset, length);
    } else {
      const bool cast = want == Arg::kCastText;
      arg = Coerce(arg, resolution.args[i], cast ? CastContext::kAssignment : CastContext::kImplicit);
    }
    if (!arg) return false;
  }
  return true;
}

bool Binder::ResolveOperator(const Ast& ast, std::string_view name, std::vector<NodePtr>* args,
                             Resolution* resolution) {
  if (name == "!=") name = "<>";
  const std::span<const Function* const> entries = FunctionsNamed(name);
  bool ambiguous = false;
  auto found = Resolve(entries, TypesOf(*args, false), true, &ambiguous);
  if (!found && !ambiguous) found = Resolve(entries, TypesOf(*args, true), true, &ambiguous);
  if (!found) {
    NoOperator(ast, name, *args, ambiguous);
    return false;
  }
  *resolution = *found;
  return CoerceArguments(*resolution, args);
}

NodePtr Binder::Operator(const Ast& ast, std::string_view name, std::vector<NodePtr> args) {
  Resolution resolution;
  if (!ResolveOperator(ast, name, &args, &resolution)) return nullptr;
  return Resolved(ast, resolution, std::move(args));
}

NodePtr Binder::Resolved(const Ast& ast, const Resolution& resolution, std::vector<NodePtr> args) {
  return Call(*resolution.function, resolution.result, std::move(args), ast.offset,
              TokenLength(sql_, ast.offset));
}

NodePtr Binder::Named(const Ast& ast, std::string_view function, std::vector<NodePtr> args) {
  if (args.empty() && !BindAll(ast, &args)) return nullptr;
  bool ambiguous = false;
  const auto resolution = Resolve(FunctionsNamed(function), TypesOf(args, false), false, &ambiguous);
  if (!resolution) {
    Ast named;
    named.text = function;
    named.offset = ast.offset;
    return NoFunction(named, args, ambiguous);
  }
  if (!CoerceArguments(*resolution, &args)) return nullptr;
  return Resolved(ast, *resolution, std::move(args));
}

namespace {

// Functions that take a row, as the object of its fields.
bool TakesRow(std::string_view name) {
  return name == "to_jsonb" || name == "row_to_json" || name == "jsonb_build_array" ||
         name == "jsonb_build_object";
}

// The entries that take an array in the place of their last argument, which is number `count`.
std::vector<const Function*> VariadicOnly(std::span<const Function* const> entries, size_t count) {
  std::vector<const Function*> out;
  for (const Function* f : entries) {
    if (f->has(kVariadic) && !f->has(kNoHelp) && f->arity() == count) out.push_back(f);
  }
  return out;
}

}  // namespace

bool Binder::BindArguments(const Ast& ast, std::vector<NodePtr>* out) {
  for (const AstPtr& arg : ast.args) {
    const bool row = arg->kind == Ast::Kind::kRow && TakesRow(ast.text);
    out->push_back(row ? JsonOfRow(*arg) : Bind(*arg));
    if (!out->back()) return false;
  }
  return ast.arg_names.empty() || PlaceNamed(ast, out);
}

bool Binder::PlaceNamed(const Ast& ast, std::vector<NodePtr>* args) {
  const std::span<const NamedArgument> names = ArgumentNames(ast.text);
  std::vector<NodePtr> placed(names.size());
  size_t last = 0;
  for (size_t i = 0; i < args->size(); ++i) {
    const std::string& name = ast.arg_names[i];
    size_t to = i;
    if (!name.empty()) {
      const auto is = [&](const NamedArgument& n) { return n.name == name; };
      to = static_cast<size_t>(std::find_if(names.begin(), names.end(), is) - names.begin());
    }
    if (to >= names.size()) {
      NoNamed(ast, *args);
      return false;
    }
    if (placed[to] && ast.arg_names[to].empty()) {
      NoNamed(ast, *args);
      return false;
    }
    if (placed[to]) {
      Fail(ast.args[i]->offset, "expr.type", "argument name \"" + name + "\" used more than once");
      return false;
    }
    placed[to] = (*args)[i];
    last = std::max(last, to);
  }
  for (size_t i = 0; i < placed.size(); ++i) {
    if (placed[i]) continue;
    if (names[i].otherwise.empty()) {
      NoNamed(ast, *args);
      return false;
    }
    if (i > last) continue;
    MutableNode literal = New(Kind::kConstant, TypeId::kUnknown, ast);
    literal->literal = names[i].otherwise;
    placed[i] = std::move(literal);
  }
  placed.resize(last + 1);
  *args = std::move(placed);
  return true;
}

// (start, interval) OVERLAPS ...: the period ends at start + interval.
bool Binder::AddIntervals(const Ast& ast, std::vector<NodePtr>* args) {
  for (size_t i = 1; i < args->size(); i += 2) {
    if ((*args)[i]->type.id() != TypeId::kInterval) continue;
    (*args)[i - 1] = Share((*args)[i - 1]);
    (*args)[i] = Operator(ast, "+", {(*args)[i - 1], (*args)[i]});
    if (!(*args)[i]) return false;
  }
  return true;
}

// With the defaults of arguments that are left out at the end, where no entry takes fewer.
std::optional<Resolution> Binder::ResolveCall(std::span<const Function* const> entries,
                                              std::vector<NodePtr>* args, const Ast& ast, bool* ambiguous) {
  const std::span<const NamedArgument> names = ArgumentNames(ast.text);
  std::vector<NodePtr> tried = *args;
  for (;;) {
    auto resolution = Resolve(entries, TypesOf(tried, false), false, ambiguous);
    if (!resolution && !*ambiguous) resolution = Resolve(entries, TypesOf(tried, true), false, ambiguous);
    if (resolution) *args = std::move(tried);
    if (resolution || *ambiguous) return resolution;
    if (tried.size() >= names.size() || names[tried.size()].otherwise.empty()) return std::nullopt;
    MutableNode literal = New(Kind::kConstant, TypeId::kUnknown, ast);
    literal->literal = names[tried.size()].otherwise;
    tried.push_back(std::move(literal));
  }
}

NodePtr Binder::FunctionCall(const Ast& ast) {
  if (hook_ != nullptr) {
    bool failed = false;
    NodePtr node = hook_->BindCall(*this, ast, &failed);
    if (node || failed) return node;
  }
  if (NotAnAggregate(ast)) return nullptr;
  std::vector<NodePtr> args;
  if (ast.text == "row_to_json" && ast.args.size() == 1 && ast.args[0]->kind == Ast::Kind::kRow) {
    return JsonOfRow(*ast.args[0]);
  }
  if (!BindArguments(ast, &args)) return nullptr;
  if (ast.variadic) return VariadicCall(ast, std::move(args));
  if (ast.text == "overlaps" && !AddIntervals(ast, &args)) return nullptr;
  if (ast.text == "pg_typeof" && args.size() == 1 && args[0]->type.id() == TypeId::kUnknown) {
    MutableNode name = New(Kind::kConstant, TypeId::kUnknown, ast);
    name->literal = "unknown";
    return Coerce(name, TypeId::kText, CastContext::kImplicit);
  }
  std::span<const Function* const> entries = FunctionsNamed(ast.text);
  if (!entries.empty() && (entries[0]->has(kNoHelp) && !ast.sql_syntax)) entries = {};
  bool ambiguous = false;
  auto resolution = ResolveCall(entries, &args, ast, &ambiguous);
  if (!resolution) {
    // PostgreSQL takes type(x) for a cast when no function fits.
    const auto type = DataType::Parse(ast.text);
    if (args.size() == 1 && entries.empty() && type.ok())
      return Coerce(args[0], *type, CastContext::kExplicit);
    return NoFunction(ast, args, ambiguous);
  }
  if (!CoerceArguments(*resolution, &args)) return nullptr;
  return Resolved(ast, *resolution, std::move(args));
}

NodePtr Binder::VariadicCall(const Ast& ast, std::vector<NodePtr> args) {
  const std::vector<const Function*> entries = VariadicOnly(FunctionsNamed(ast.text), args.size());
  if (entries.empty()) return NoFunction(ast, args, false);
  NodePtr list = args.back();
  if (list->type.id() == TypeId::kUnknown && entries[0]->args.back() == Arg::kText) {
    list = Coerce(list, DataType::List(TypeId::kText), CastContext::kImplicit);
    if (!list) return nullptr;
  }
  if (list->type.id() != TypeId::kList) {
    return Fail(list->offset, "expr.type", "VARIADIC argument must be an array");
  }
  args.pop_back();
  std::vector<NodePtr> elements;
  if (list->is_constant() && !list->is_null()) elements = ConstantElements(list);
  if (list->kind == Kind::kCall && list->function->name == "array") elements = list->args;
  if (elements.empty() || elements.size() > kMaxSpread) {
    args.push_back(std::move(list));
    return VariadicOverList(ast, std::move(args));
  }
  args.insert(args.end(), elements.begin(), elements.end());
  bool ambiguous = false;
  const auto resolution = Resolve(entries, TypesOf(args, false), false, &ambiguous);
  if (!resolution) return NoFunction(ast, args, ambiguous);
  if (!CoerceArguments(*resolution, &args)) return nullptr;
  return Resolved(ast, *resolution, std::move(args));
}

NodePtr Binder::VariadicOverList(const Ast& ast, std::vector<NodePtr> args) {
  const NodePtr list = args.back();
  args.back() = MakeColumn(0, list->type.element(), ast);
  bool ambiguous = false;
  const std::vector<const Function*> entries = VariadicOnly(FunctionsNamed(ast.text), args.size());
  const auto resolution = Resolve(entries, TypesOf(args, false), false, &ambiguous);
  if (!resolution) return NoFunction(ast, args, ambiguous);
  if (!CoerceArguments(*resolution, &args)) return nullptr;
  MutableNode node = New(Kind::kVariadic, resolution->result, ast);
  node->function = resolution->function;
  node->each = std::exchange(args.back(), list);
  node->args = std::move(args);
  node->can_fail = !node->function->has(kTotal);
  node->is_volatile = node->function->has(kVolatile);
  return Finish(node);
}

}  // namespace streamrun
