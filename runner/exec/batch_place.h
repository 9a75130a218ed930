// Which rows a component has in its hands, in memory that outlives the worker: when one of them ends the
// process (SIGSEGV, an assertion), the supervisor reads here which (RELIABILITY 5, Poison records).
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace streamrun {

/// One for each worker, which alone writes it; the supervisor reads it when the worker has ended. Zeroes:
/// none.
struct BatchPlace {
  static constexpr size_t kText = 400;

  std::atomic<int32_t> node;  // of the plan, from 1 on; 0: no component has rows
  std::atomic<int64_t>
      from;                 // rows of its input in this instance since the pipeline began, at a restart those
  std::atomic<int64_t> to;  // of the checkpoint; [from, to)
  std::atomic<uint64_t> row;  // RowMark of a single row that is tried by itself; 0: a batch
  char text[kText];           // that row, for people; ends with a zero

  /// Some plain stores: called for each batch.
  void Enter(int plan_node, int64_t first, int64_t end) {
    row.store(0, std::memory_order_relaxed);
    from.store(first, std::memory_order_relaxed);
    to.store(end, std::memory_order_relaxed);
    node.store(plan_node + 1, std::memory_order_release);
  }
  void EnterRow(int plan_node, int64_t index, uint64_t mark, std::string_view shown) {
    Enter(plan_node, index, index + 1);
    const size_t n = std::min(shown.size(), kText - 1);
    std::memcpy(text, shown.data(), n);
    text[n] = '\0';
    row.store(mark, std::memory_order_release);
  }
  void Leave() { node.store(0, std::memory_order_release); }
};

/// What an attempt does about rows that ended the ones before it.
struct CarefulRows {
  int node = 0;
  /// These rows of each instance's input are given to the component one by one.
  int64_t from = 0;
  int64_t to = 0;
  /// Rows with these marks leave as dead letters instead.
  std::vector<uint64_t> poison;
};

}  // namespace streamrun
