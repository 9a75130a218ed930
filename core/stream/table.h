// A bounded table that another component reads whole: the nested source of a look-up.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/status.h"
#include "core/data/batch.h"

namespace streamrun {

/// Reads all rows of a bounded, re-readable source. One per worker; called by the data thread.
class TableReader {
 public:
  virtual ~TableReader() = default;
  /// All rows as batches of schema(). A malformed record is an error that names its place.
  virtual Result<std::vector<BatchPtr>> ReadAll() = 0;
  /// Changes whenever the content may have changed (inode, size, modification time); cheap.
  virtual Result<std::string> Version() = 0;
};

/// The bound description, made at validate; immutable.
class TableFactory {
 public:
  virtual ~TableFactory() = default;
  virtual const SchemaPtr& schema() const = 0;
  virtual std::unique_ptr<TableReader> Create(Env* env) const = 0;
};

}  // namespace streamrun
