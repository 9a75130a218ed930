// The list of key expressions that keyed operators share: `by: [a, b]`, `per: lower(name)`.
#pragma once

#include <string_view>
#include <vector>

#include "core/component/bind_context.h"

namespace streamrun {

/// Keys that rows are held together by: over the first input.
struct KeyList {
  std::vector<ExpressionPtr> expressions;
  /// Names and types: the column's name, or the text of the expression.
  SchemaPtr schema = std::make_shared<const Schema>();

  bool empty() const { return expressions.empty(); }
  std::vector<DataType> types() const;
  bool can_fail() const;
};

/// Binds a single expression or a list of them (code "keys.volatile" for one whose value may change from call
/// to call: its row would not find its key again). False after reporting.
bool ReadKeys(const ConfigValue& value, std::string_view field, const Scope& scope, BindContext& context,
              KeyList* out);

}  // namespace streamrun
