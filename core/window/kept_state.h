// State of an operator as named rows: shapes for the plan, and a StateTable out of four functions.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/data/schema.h"
#include "core/stream/state_table.h"

namespace streamrun {

/// What a StateTable's rows look like: the columns of `key`, then those of `value`.
struct StateShape {
  std::string name;
  SchemaPtr key;
  SchemaPtr value;
  SchemaPtr Row() const;
};

/// A value column whose name another one has before it gets "_" behind: columns of state are found by name.
StateShape MakeState(std::string name, SchemaPtr key, std::vector<Field> value);

using TakeRows = std::function<Status(const BatchPtr&)>;

class KeptState final : public StateTable {
 public:
  struct Functions {
    std::function<Status(const TakeRows&)> save;
    std::function<Status(const BatchPtr&)> load;
    std::function<int64_t()> keys;
    std::function<size_t()> bytes;
  };

  KeptState(std::string name, Functions functions)
      : name_(std::move(name)), functions_(std::move(functions)) {}

  const std::string& name() const override { return name_; }
  Status Save(const TakeRows& take) const override { return functions_.save(take); }
  Status Load(const BatchPtr& rows) override { return functions_.load(rows); }
  int64_t keys() const override { return functions_.keys(); }
  size_t MemoryBytes() const override { return functions_.bytes(); }

 private:
  std::string name_;
  Functions functions_;
};

/// Calls f(pieces of `slots`), each of at most `most`.
template <typename F>
Status InPieces(const std::vector<uint32_t>& slots, size_t most, F&& f) {
  for (size_t begin = 0; begin < slots.size(); begin += most) {
    const auto end = std::min(slots.size(), begin + most);
    SR_RETURN_IF_ERROR(f(std::vector<uint32_t>(slots.begin() + static_cast<std::ptrdiff_t>(begin),
                                               slots.begin() + static_cast<std::ptrdiff_t>(end))));
  }
  return Status::Ok();
}

}  // namespace streamrun
