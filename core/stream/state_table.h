// Keyed state as everybody but its operator sees it: named rows that can be saved, loaded and counted.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "core/base/status.h"
#include "core/data/batch.h"

namespace streamrun {

/// What a table hands its rows to.
using TakeRows = std::function<Status(const BatchPtr&)>;

/// Registered by an operator in Open (OperatorContext::Keep) and called by its data thread between events.
/// Rows carry the declared key columns, then the value columns. The key group of a row is decided by its
/// declared exchange key, so that rows can be dealt to another number of instances.
class StateTable {
 public:
  virtual ~StateTable() = default;
  /// Name of the StateDeclaration it belongs to.
  virtual const std::string& name() const = 0;
  /// Hands out all rows, in batches.
  virtual Status Save(const TakeRows& take) const = 0;
  /// Takes rows that Save gave; called before the first event, any number of times.
  virtual Status Load(const BatchPtr& rows) = 0;
  virtual int64_t keys() const = 0;
  virtual size_t MemoryBytes() const = 0;
  /// How many rows Save gives, about: a key may have several.
  virtual int64_t rows() const { return keys(); }

  /// Can it remember what changes? Then its declaration names an identity, and the rest may be called.
  virtual bool tracks_changes() const { return false; }
  /// Forgets what it knows of changes; from now on it remembers them while they are at most so many rows; 0:
  /// it does not.
  virtual void Track(int64_t most) { (void)most; }
  /// How many rows, at most, changed or went since Track. Above what it was to remember all is that it is
  /// above.
  virtual int64_t changed() const { return 0; }
  /// Called while they are not too many. Hands out what Load needs to be told beside the rows of then: rows
  /// that are no more, by values of some columns of theirs (of then: none of those in `rows` is meant), and
  /// the rows that are new or differ.
  virtual Status SaveChanges(const TakeRows& removed, const TakeRows& rows) const {
    (void)removed, (void)rows;
    return Status::Internal("this table does not track changes");
  }
};

}  // namespace streamrun
