// Rows of a file or of standard input for a command that works on them in order, a batch at a time.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/component/config_spec.h"
#include "core/data/batch.h"

namespace streamrun {

struct RowInputOptions {
  std::string path;    // "-" is standard input
  std::string format;  // json or csv; empty: csv by the extension, else the first character says
  std::vector<DeclaredColumn> columns;  // empty: inferred as `streamrun infer` does
};

/// What the input is found to be, before the first row.
using InputBegins = std::function<Status(const SchemaPtr& schema)>;
/// A batch, and for each row the number of its line (from 1).
using InputRows = std::function<Status(const Batch& batch, const std::vector<int64_t>& lines)>;
/// A record that is no row.
using InputFails = std::function<void(int64_t line, const std::string& code, const std::string& message)>;

/// Reads everything, in memory that does not grow with the input. Ends with the first error of the callbacks
/// or of reading.
Status ReadRows(const RowInputOptions& options, const InputBegins& begins, const InputRows& rows,
                const InputFails& fails);

/// "a: bigint, b: numeric(10,2)" as the columns of a schema.
Result<std::vector<DeclaredColumn>> ParseColumns(std::string_view text);

}  // namespace streamrun
