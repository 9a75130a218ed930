// The walk of the binder, literals and columns. Other forms: bind_*.cc.
#include "core/expr/bind.h"

#include <algorithm>

#include "core/data/column_builder.h"
#include "core/data/text_io.h"
#include "core/expr/token.h"
#include "core/expr/types.h"

namespace streamrun {

std::nullptr_t Binder::Fail(size_t offset, std::string code, std::string message, std::string suggestion) {
  const size_t length = std::max<size_t>(1, TokenLength(sql_, offset));
  *problem_ = {offset, length, std::move(code), std::move(message), std::move(suggestion)};
  return nullptr;
}

Binder::MutableNode Binder::New(Kind kind, DataType type, size_t offset, size_t length) const {
  auto node = std::make_shared<ExprNode>();
  node->kind = kind;
  node->type = std::move(type);
  node->offset = offset;
  node->length = std::max<size_t>(1, length);
  return node;
}

Binder::MutableNode Binder::New(Kind kind, DataType type, const Ast& ast) const {
  return New(kind, std::move(type), ast.offset, TokenLength(sql_, ast.offset));
}

NodePtr Binder::Constant(const DataType& type, ColumnPtr value, size_t offset, size_t length) const {
  MutableNode node = New(Kind::kConstant, type, offset, length);
  node->value = std::move(value);
  return node;
}

NodePtr Binder::ConstantBool(bool value, const Ast& ast) const {
  ColumnBuilder builder(TypeId::kBoolean);
  builder.AppendBool(value);
  return Constant(TypeId::kBoolean, builder.Finish(), ast.offset, TokenLength(sql_, ast.offset));
}

NodePtr Binder::Share(const NodePtr& node) {
  if (node->kind == Kind::kColumn || node->is_constant() || node->shared) return node;
  auto copy = std::make_shared<ExprNode>(*node);
  copy->shared = true;
  return copy;
}

bool Binder::BindAll(const Ast& ast, std::vector<NodePtr>* out) {
  for (const AstPtr& arg : ast.args) {
    NodePtr node = Bind(*arg);
    if (!node) return false;
    out->push_back(std::move(node));
  }
  return true;
}

NodePtr Binder::Bind(const Ast& ast) {
  switch (ast.kind) {
    case Ast::Kind::kNull:
    case Ast::Kind::kBoolean:
    case Ast::Kind::kInteger:
    case Ast::Kind::kDecimal:
    case Ast::Kind::kString:
      return Literal(ast);
    case Ast::Kind::kColumn:
      return Column(ast);
    case Ast::Kind::kOperator:
      return OperatorForm(ast);
    case Ast::Kind::kAnd:
    case Ast::Kind::kOr:
    case Ast::Kind::kNot:
      return Logic(ast);
    case Ast::Kind::kIsNull:
    case Ast::Kind::kIsNotNull:
    case Ast::Kind::kBooleanTest:
      return NullTest(ast);
    case Ast::Kind::kDistinct:
    case Ast::Kind::kNotDistinct:
      return Distinct(ast);
    case Ast::Kind::kNullIf:
      return NullIf(ast);
    case Ast::Kind::kIn:
    case Ast::Kind::kNotIn:
      return In(ast);
    case Ast::Kind::kBetween:
      return Between(ast);
    case Ast::Kind::kAny:
    case Ast::Kind::kAll:
      return AnyAll(ast);
    case Ast::Kind::kCase:
      return Case(ast);
    case Ast::Kind::kCoalesce:
      return Coalesce(ast);
    case Ast::Kind::kGreatest:
    case Ast::Kind::kLeast:
      return Extreme(ast);
    case Ast::Kind::kCast:
      return Cast(ast);
    case Ast::Kind::kArray:
      return Array(ast);
    case Ast::Kind::kRow:
      return Fail(ast.offset, "expr.unsupported", "rows are not values here",
                  "compare rows with rows, or make an object: jsonb_build_object('name', value)");
    case Ast::Kind::kCollate:
      return Collate(ast);
    case Ast::Kind::kCall:
      return FunctionCall(ast);
    case Ast::Kind::kSubscript:
    case Ast::Kind::kSlice:
      return Subscript(ast);
  }
  return nullptr;
}

NodePtr Binder::MakeColumn(int column, const DataType& type, const Ast& at) const {
  MutableNode node = New(Kind::kColumn, type, at);
  node->column = column;
  node->varies = true;
  return node;
}

NodePtr Binder::ConstantInteger(int32_t value, const Ast& ast) const {
  ColumnBuilder builder(TypeId::kInteger);
  builder.Append(value);
  return Constant(TypeId::kInteger, builder.Finish(), ast.offset, TokenLength(sql_, ast.offset));
}

NodePtr Binder::Literal(const Ast& ast) {
  if (ast.kind == Ast::Kind::kBoolean) return ConstantBool(ast.number != 0, ast);
  if (ast.kind == Ast::Kind::kInteger) return ConstantInteger(static_cast<int32_t>(ast.number), ast);
  if (ast.kind == Ast::Kind::kDecimal) return DecimalLiteral(ast);
  // A string or NULL: of unknown type until its place tells.
  MutableNode node = New(Kind::kConstant, TypeId::kUnknown, ast);
  node->literal = ast.text;
  if (ast.kind == Ast::Kind::kNull) node->value = Column::Nulls(TypeId::kText, 1);
  return node;
}

NodePtr Binder::DecimalLiteral(const Ast& ast) {
  MutableNode node = New(Kind::kConstant, TypeId::kUnknown, ast);
  node->literal = ast.text;
  if (ast.text.find_first_of(".eE") == std::string::npos) {
    // The smallest of integer, bigint, numeric that holds it; -2147483648 is an integer.
    for (const TypeId type : {TypeId::kInteger, TypeId::kBigint}) {
      ColumnBuilder builder(type);
      if (AppendParsed(ast.text, builder).ok()) return ParseLiteral(*node, type);
    }
    return ParseLiteral(*node, TypeId::kNumeric);
  }
  NodePtr value = ParseLiteral(*node, TypeId::kDouble);
  if (!value) return ParseLiteral(*node, TypeId::kNumeric);
  auto copy = std::make_shared<ExprNode>(*value);
  copy->literal = ast.text;
  copy->decimal_literal = true;
  return copy;
}

NodePtr Binder::Collate(const Ast& ast) {
  NodePtr node = Bind(*ast.args[0]);
  if (!node) return nullptr;
  const TypeId id = node->type.id();
  const bool text =
      id == TypeId::kText || (id == TypeId::kList && node->type.element().id() == TypeId::kText);
  if (text || id == TypeId::kUnknown) return node;
  return Fail(ast.offset, "expr.type", "collations are not supported by type " + PgName(node->type),
              "leave COLLATE out: only text has a collation");
}

NodePtr Binder::Column(const Ast& ast) {
  const std::string& name = ast.names.back();
  int base = 0;
  int found = -1;
  int matches = 0;
  DataType type;
  for (const Scope::Relation& relation : scope_.relations) {
    const bool qualified = ast.names.size() == 2;
    if (!qualified || relation.name == ast.names[0]) {
      const int index = relation.schema->Find(name);
      if (index == -2) matches += 2;
      if (index >= 0) {
        ++matches;
        found = base + index;
        type = relation.schema->field(index).type;
      }
    }
    base += relation.schema->size();
  }
  if (matches == 0) return NoColumn(ast);
  if (matches > 1) {
    return Fail(ast.offset, "expr.ambiguous_column", "column reference \"" + name + "\" is ambiguous",
                "put the input's name in front: input." + name + ", or quote the exact column name");
  }
  return MakeColumn(found, type, ast);
}

}  // namespace streamrun
