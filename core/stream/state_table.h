// Keyed state as everybody but its operator sees it: named rows that can be saved, loaded and counted.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/base/status.h"
#include "core/data/batch.h"

namespace streamrun {

/// Registered by an operator in Open (OperatorContext::Keep) and called by its data thread between events.
/// Rows carry the declared key columns, then the value columns. The key group of a row is decided by its
/// declared exchange key, so that rows can be dealt to another number of instances.
class StateTable {
 public:
  virtual ~StateTable() = default;
  /// Name of the StateDeclaration it belongs to.
  virtual const std::string& name() const = 0;
  /// Hands out all rows, in batches.
  virtual Status Save(const std::function<Status(const BatchPtr&)>& take) const = 0;
  /// Takes rows that Save gave; called before the first event, any number of times.
  virtual Status Load(const BatchPtr& rows) = 0;
  virtual int64_t keys() const = 0;
  virtual size_t MemoryBytes() const = 0;
};

}  // namespace streamrun
