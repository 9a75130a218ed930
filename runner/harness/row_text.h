// Rows written in YAML against rows of a batch: how tests say and compare values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/component/config_value.h"
#include "core/data/batch.h"
#include "core/data/column_builder.h"

namespace streamrun {

/// Appends a value written in YAML to a column: scalars in the type's text form, lists and mappings as arrays
/// and jsonb. On error nothing is appended.
Status AppendConfigValue(const ConfigValue& value, ColumnBuilder& builder);

/// How an expected row of a changing stream says what it does: {_change: update_before}; insert when it does
/// not.
inline constexpr std::string_view kChangeKey = "_change";

/// A row as column texts (PostgreSQL's output form; nullopt = null; jsonb canonical). Of a changing stream
/// the change kind stands behind the columns.
using RowText = std::vector<std::optional<std::string>>;
RowText RowOf(const Batch& batch, int64_t row);
/// A row written as a mapping. Columns it does not mention are null in `row` and false in `mentioned`.
Status RowOfConfig(const ConfigValue& map, const Schema& schema, RowText* row, std::vector<bool>* mentioned);
/// "{a: 1, b: null}".
std::string PrintRow(const RowText& row, const Schema& schema, const std::vector<bool>* only = nullptr);

}  // namespace streamrun
