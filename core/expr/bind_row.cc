// Rows: (a, b) compared with (c, d), and ROW(...) as a JSON object. A row is never a value of its own: it
// dissolves into its fields here.
#include "core/expr/bind.h"
#include "core/expr/types.h"

namespace streamrun {

namespace {

// Fields of one row. Comparing is nested as deep as the row is wide.
constexpr size_t kMaxRowFields = 100;

}  // namespace

bool Binder::BindOperand(const Ast& ast, Operand* out) {
  out->is_row = ast.kind == Ast::Kind::kRow;
  if (!out->is_row) {
    out->nodes = {Bind(ast)};
    return out->nodes[0] != nullptr;
  }
  if (ast.args.size() > kMaxRowFields) {
    Fail(ast.offset, "expr.unsupported", "ROW expressions can have at most 100 entries");
    return false;
  }
  return BindAll(ast, &out->nodes);
}

NodePtr Binder::OperatorForm(const Ast& ast) {
  if (ast.args.size() == 2) {
    Operand a;
    Operand b;
    if (!BindOperand(*ast.args[0], &a) || !BindOperand(*ast.args[1], &b)) return nullptr;
    return Compare(ast, ast.text, a, b);
  }
  std::vector<NodePtr> args;
  return BindAll(ast, &args) ? Operator(ast, ast.text, std::move(args)) : nullptr;
}

NodePtr Binder::Compare(const Ast& ast, std::string_view name, const Operand& a, const Operand& b) {
  if (!a.is_row && !b.is_row) return Operator(ast, name, {a.nodes[0], b.nodes[0]});
  if (!a.is_row || !b.is_row) {
    const auto shown = [](const Operand& o) { return o.is_row ? "record" : PgName(o.nodes[0]->type); };
    return Fail(ast.offset, "expr.type",
                "operator does not exist: " + shown(a) + " " + std::string(name) + " " + shown(b),
                "compare a row with a row of as many fields");
  }
  if (a.nodes.size() != b.nodes.size()) {
    return Fail(ast.offset, "expr.type", "unequal number of entries in row expressions");
  }
  if (a.nodes.empty()) return Fail(ast.offset, "expr.type", "cannot compare rows of zero length");
  if (name == "!=") name = "<>";
  if (a.nodes.size() == 1) return Operator(ast, name, {a.nodes[0], b.nodes[0]});
  if (name == "=" || name == "<>") {
    MutableNode all = New(name == "=" ? Kind::kAnd : Kind::kOr, TypeId::kBoolean, ast);
    for (size_t i = 0; i < a.nodes.size(); ++i) {
      all->args.push_back(Operator(ast, name, {a.nodes[i], b.nodes[i]}));
      if (!all->args.back()) return nullptr;
    }
    return Finish(all);
  }
  if (name == "<" || name == "<=" || name == ">" || name == ">=") return CompareRowOrder(ast, name, a, b, 0);
  const NodePtr pair = Operator(ast, name, {a.nodes[0], b.nodes[0]});
  if (!pair) return nullptr;
  const bool boolean = pair->type.id() == TypeId::kBoolean;
  return Fail(ast.offset, "expr.type",
              boolean ? "could not determine interpretation of row comparison operator " + std::string(name)
                      : "row comparison operator must yield type boolean, not type " + PgName(pair->type),
              "rows are compared with = <> < <= > >=");
}

// The first fields that are not equal decide; a null before that makes the answer null (manual 9.24.5).
NodePtr Binder::CompareRowOrder(const Ast& ast, std::string_view name, const Operand& a, const Operand& b,
                                size_t from) {
  if (from + 1 == a.nodes.size()) return Operator(ast, name, {a.nodes[from], b.nodes[from]});
  const NodePtr x = Share(a.nodes[from]);
  const NodePtr y = Share(b.nodes[from]);
  NodePtr equal = Operator(ast, "=", {x, y});
  NodePtr rest = equal ? CompareRowOrder(ast, name, a, b, from + 1) : nullptr;
  NodePtr strict = rest ? Operator(ast, name.substr(0, 1), {x, y}) : nullptr;
  if (!strict) return nullptr;
  // Where `equal` is null so is the strict comparison.
  MutableNode node = New(Kind::kCase, TypeId::kBoolean, ast);
  node->args = {std::move(equal), std::move(rest), std::move(strict)};
  return Finish(node);
}

// to_jsonb(ROW(a, b)) is {"f1": a, "f2": b}.
NodePtr Binder::JsonOfRow(const Ast& row) {
  Operand fields;
  if (!BindOperand(row, &fields)) return nullptr;
  std::vector<NodePtr> args;
  for (size_t i = 0; i < fields.nodes.size(); ++i) {
    MutableNode key = New(Kind::kConstant, TypeId::kUnknown, row);
    key->literal = "f" + std::to_string(i + 1);
    args.push_back(Coerce(key, TypeId::kText, CastContext::kImplicit));
    args.push_back(fields.nodes[i]);
  }
  if (!args.empty()) return Named(row, "jsonb_build_object", std::move(args));
  MutableNode empty = New(Kind::kConstant, TypeId::kUnknown, row);
  empty->literal = "{}";
  return Coerce(empty, TypeId::kJsonb, CastContext::kImplicit);
}

}  // namespace streamrun
