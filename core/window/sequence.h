// Rows of each key one behind the other in event time: what `sessionize` and `over` compute from.
//
// Rows wait until the watermark passes them and are then followed in order of their event time, a batch at a
// time; what came before of a key is kept by slot. A key that has had no row for `silence` begins anew, and
// what is known of it is forgotten when the watermark says so.
#pragma once

#include <map>
#include <memory>
#include <queue>
#include <string>
#include <vector>

#include "core/data/key_table.h"
#include "core/data/slot_array.h"
#include "core/data/slot_changes.h"
#include "core/expr/expression.h"
#include "core/stream/operator.h"
#include "core/stream/time_order.h"
#include "core/window/kept_state.h"
#include "core/window/kept_time.h"

namespace streamrun {

struct SequencePlan {
  SchemaPtr input;
  std::vector<ExpressionPtr> by;
  SchemaPtr by_schema;
  /// What else is computed from a row of the input alone and may fail: such a row fails before it is taken.
  std::vector<ExpressionPtr> checked;
  /// 0: never.
  Duration silence = 0;
  int64_t max_state = 0;
  SchemaPtr output;
  SchemaPtr late;

  std::vector<DataType> key_types() const;
  /// Event time is the end of a window, which stands for the window's last instant.
  Duration time_bias() const { return input->event_time_bias(); }
};

/// by; then the input's columns: rows that wait.
StateShape WaitingState(const SequencePlan& plan);
/// What is known of a key; some of it may come and go (StateShape::open).
struct SequenceValues {
  std::vector<Field> fields;
  std::map<int, ColumnPtr> open = {};
};
/// by; last bigint (event time); then `values`. Tells what changed of it.
StateShape SequenceState(const SequencePlan& plan, SequenceValues values);

/// Takes rows, orders them and calls Follow. Not thread-safe.
class Sequence : public Operator {
 public:
  Sequence(const SequencePlan& plan, SequenceValues values);

  Status Open(OperatorContext& context) override;
  Result<Outcome> Process(int input, const BatchPtr& batch, Output& out) override;
  Result<Outcome> Continue(Output& out) override { return Drain(out); }
  Result<Outcome> OnWatermark(Timestamp time, Output& out) override;
  Result<Outcome> OnEndOfStream(bool complete, Output& out) override;

 protected:
  /// Rows in order of their time, all columns by row.
  struct Ordered {
    BatchPtr batch;
    std::vector<ColumnPtr> keys;
    std::vector<uint64_t> hashes;  // of the keys
    std::vector<int64_t> times;
    std::vector<uint32_t> slots;    // of the keys
    std::vector<Timestamp> before;  // time of the key's row before; kMinTimestamp: it begins (anew)
  };

  /// Room for so many keys; new ones know nothing.
  virtual void Grow(uint32_t keys) = 0;
  /// Computes; emits at most one batch on the first port.
  virtual void Follow(const Ordered& rows, Output& out) = 0;
  /// The key's silence is over, or the input has ended: nothing follows.
  virtual void Finish(uint32_t key) = 0;
  /// Finished rows that wait for their turn; true if a batch was emitted.
  virtual bool EmitFinished(Output& out) = 0;
  /// Values of some keys, of the fields given to the constructor, and back.
  virtual std::vector<ColumnPtr> SaveValues(const std::vector<uint32_t>& keys) const = 0;
  virtual void LoadValues(const std::vector<uint32_t>& keys, const std::vector<ColumnPtr>& values) = 0;
  virtual size_t ValueBytes() const = 0;
  /// Called in Open.
  virtual void Prepare(OperatorContext& context) = 0;

  Timestamp watermark() const { return watermark_; }
  /// Keys of rows of the input, as slots; new ones are made.
  std::vector<ColumnPtr> Keys(const Batch& batch, std::vector<RowFailure>* failures);
  std::vector<uint32_t> SlotsOf(const std::vector<ColumnPtr>& keys, int64_t rows);

 private:
  struct End {
    Timestamp last;   // row of a key
    uint32_t serial;  // of the key's beginning; it may come round
    uint32_t key;
    bool operator>(const End& other) const {
      return last != other.last ? last > other.last : static_cast<int32_t>(serial - other.serial) > 0;
    }
  };

  Result<Outcome> Drain(Output& out);
  Selection InTime(const BatchPtr& batch, const std::vector<RowFailure>& failures, Output& out);
  void FindKeys(Ordered* rows);
  void SetLast(uint32_t key, Timestamp time);
  std::vector<uint32_t> InOrder(std::vector<uint32_t> keys) const;
  void FinishSilent();
  void Forget(const std::vector<uint32_t>& keys);
  size_t StateBytes() const;
  Status CheckSize() const;
  Status SaveWaiting(const TakeRows& take);
  Status LoadWaiting(const BatchPtr& rows);
  Status SaveKeys(const std::vector<uint32_t>& keys, const TakeRows& take) const;
  Status SaveChangedKeys(const TakeRows& removed, const TakeRows& rows) const;
  Status LoadKeys(const BatchPtr& rows);

  const SequencePlan& plan_;
  const StateShape keys_shape_;
  const SchemaPtr keys_schema_;
  std::vector<Evaluator> by_;
  std::vector<Evaluator> checked_;
  TimeOrdered waiting_;
  KeyTable keys_;
  SlotArray<Timestamp> last_;  // by key; kMinTimestamp: none
  // One entry a key, with the time of some row of it; it is looked at again when that is long enough ago.
  std::priority_queue<End, std::vector<End>, std::greater<>> ends_;
  uint32_t serial_ = 0;
  SlotArray<uint32_t> serials_;  // by key
  SlotChanges changes_;          // by key
  Timestamp watermark_ = kMinTimestamp;
  bool ended_ = false;
  std::vector<int64_t> times_;
  KeptState waiting_state_;
  KeptState keys_state_;
  KeptTime time_state_{&watermark_};
};

}  // namespace streamrun
