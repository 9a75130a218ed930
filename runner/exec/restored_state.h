// A checkpoint as the tasks that go on from it see it, whatever it lies on.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runner/exec/snapshot.h"

namespace streamrun {

class RestoredState {
 public:
  virtual ~RestoredState() = default;
  virtual uint64_t epoch() const = 0;
  /// Every sink is known to have committed it.
  virtual bool committed() const = 0;
  /// Orders to replay up to this one are in its state.
  virtual uint64_t replayed() const { return 0; }
  /// All instances of a node's parts, without the rows of their tables, ascending by instance. Empty: the
  /// node was not there.
  std::vector<const NodeSnapshot*> Find(const std::string& node) const;
  /// Those of all nodes.
  virtual std::vector<const NodeSnapshot*> All() const = 0;
  /// The tables of one of them that have rows, without these.
  virtual Result<std::vector<TableSnapshot>> Shapes(const NodeSnapshot& node) const = 0;
  /// What every channel had carried, as its receiver counted it (at a barrier its sender had sent the same);
  /// null when the plan is another one now, so that channels do not mean the same.
  virtual const std::vector<ChannelCounters>* Channels() const = 0;
  /// The live rows of the tables of one of them.
  virtual Status ReadTables(
      const NodeSnapshot& node,
      const std::function<Status(const TableSnapshot& shape, const BatchPtr& rows)>& take) const = 0;
};

}  // namespace streamrun
