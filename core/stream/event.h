// What flows on an edge: one ordered queue of these per channel.
#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "core/base/time.h"
#include "core/data/batch.h"
#include "core/data/buffer.h"

namespace streamrun {

/// Place of a batch in the total order of a bounded source: chunk number. Rows of one source keep file order
/// through order-preserving nodes; a single writer merges channels by it. kNoOrdinal: the stream has no order
/// across workers.
using Ordinal = uint64_t;
inline constexpr Ordinal kNoOrdinal = ~Ordinal{0};

/// Rows.
struct Rows {
  BatchPtr batch;
  Ordinal ordinal = kNoOrdinal;
};

/// Rows already encoded for a sink that writes bytes: whole records of one format.
struct Encoded {
  BufferPtr bytes;
  /// End of each record in `bytes`, ascending (uint32 each); the last one is bytes->size().
  BufferPtr record_ends;
  Ordinal ordinal = kNoOrdinal;
  int64_t records() const { return static_cast<int64_t>(record_ends->size() / 4); }
};

/// No row with an event time at or before `time` will follow on this channel, except late ones; and no batch
/// with an ordinal below `next_ordinal`. Both never go back.
struct Watermark {
  Timestamp time = kMinTimestamp;
  Ordinal next_ordinal = 0;
};

/// The channel has nothing for now: leave it out of the minimum (Idle) or take it back in (Active).
struct Idle {};
struct Active {};

enum class BarrierKind : uint8_t { kPeriodic = 0, kSavepoint = 1, kReload = 2, kStop = 3, kFinal = 4 };

/// Separates the rows of epoch `epoch` from those after it.
struct Barrier {
  uint64_t epoch = 0;
  BarrierKind kind = BarrierKind::kPeriodic;
};

/// Nothing follows. `complete` is false when the input was cut short by a stop, so that windows that are
/// still open are not mistaken for finished ones.
struct EndOfStream {
  bool complete = true;
};

using Event = std::variant<Rows, Encoded, Watermark, Idle, Active, Barrier, EndOfStream>;

}  // namespace streamrun
