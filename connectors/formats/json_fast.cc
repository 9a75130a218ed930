#include "connectors/formats/json_fast.h"

#include <fast_float/fast_float.h>

#include <cmath>
#include <unordered_map>

#include "connectors/formats/json_careful.h"
#include "connectors/formats/json_convert.h"
#include "connectors/formats/json_scan.h"
#include "connectors/formats/timestamp_scan.h"

namespace streamrun::json {

namespace {

/// Undeclared keys that one object remembers; hostile input must not make the reader grow.
constexpr size_t kMaxLearned = 256;

enum class Action : uint8_t {
  kEnd,        // the closing brace
  kSkip,       // no column wants it
  kInt64,      // bigint
  kText,       // text
  kTimestamp,  // timestamp(tz) from text
  kUnixTime,   // timestamp(tz) from an integer of seconds, milli- or microseconds
  kDouble,
  kToken,   // any other type, or several columns
  kObject,  // columns lie deeper
  kLeave,   // too rare to be worth it: the careful reader's
};

/// ScanNumber with a shortcut for integers below 8 digits.
inline const char* SkipNumber(const char* p) {
  const char* digits = p + (*p == '-');
  uint64_t bytes;
  std::memcpy(&bytes, digits, 8);
  const int count = CountDigits(bytes);
  const char after = digits[count];
  if (count > 0 && count < 8 && after != '.' && (after | 0x20) != 'e' && (*digits != '0' || count == 1))
      [[likely]] {
    return digits + count;
  }
  bool unused;
  return ScanNumber(p, &unused);
}

}  // namespace

/// What came behind a key: the bytes up to the next value (or the end), and whose value it is.
struct FastReader::Follower {
  static constexpr size_t kMax = 64;

  alignas(16) char literal[kMax] = {};
  uint16_t ignore[kMax / 16] = {};  // bits of the bytes that do not belong to the literal
  uint32_t size = 0;                // 0: not known yet
  Entry* entry = nullptr;

  void Set(const char* from, size_t count, Entry* to) {
    std::memcpy(literal, from, count);
    for (size_t i = 0; i < kMax; i += 16) {
      const size_t used = count <= i ? 0 : count - i >= 16 ? 16 : count - i;
      ignore[i / 16] = static_cast<uint16_t>(0xffffu << used);
    }
    size = static_cast<uint32_t>(count);
    entry = to;
  }
  bool Matches(const char* p) const {
    for (size_t i = 0;; i += 16) {
      const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + i));
      const __m128i b = _mm_load_si128(reinterpret_cast<const __m128i*>(literal + i));
      const uint32_t equal = static_cast<uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(a, b)));
      if ((equal | ignore[i / 16]) != 0xffff) return false;
      if (size <= i + 16) return size != 0;
    }
  }
};

/// A key of an object as the reader met it.
struct FastReader::Entry {
  Follower followers[2];
  uint8_t likely = 0;  // the follower that matched last
  Action action = Action::kSkip;
  int column_number = -1;
  int unit = kNoUnit;
  ColumnWriter* column = nullptr;
  const Key* key = nullptr;
  std::unique_ptr<Scope> scope;
  TimestampScanner timestamps;
  std::string name;
};

struct FastReader::Scope {
  const KeyObject* keys = nullptr;  // null: nothing is declared
  uint32_t serial = 0;              // record in which this object was last entered
  Entry begin;
  Entry end;
  Entry other;  // all keys beyond kMaxLearned
  std::unordered_map<std::string_view, std::unique_ptr<Entry>> entries;
};

struct FastReader::Step {
  Entry* entry = nullptr;
  const char* value = nullptr;  // null: leave the record to the careful reader
};

FastReader::FastReader(const Plan& plan, BatchWriter& rows)
    : plan_(plan), rows_(rows), root_(std::make_unique<Scope>()), seen_(plan.columns.size(), 0) {
  root_->keys = &plan.root;
  root_->end.action = Action::kEnd;
  for (const bool wanted : plan.wanted) wanted_ += wanted ? 1 : 0;
}
FastReader::~FastReader() = default;

const char* FastReader::Read(const char* line) {
  if (++serial_ == 0) {  // wrapped: no old stamp may look new
    std::fill(seen_.begin(), seen_.end(), 0);
    return nullptr;
  }
  row_ = rows_.row();
  if (plan_.whole_record) {
    const char* start = SkipSpace(line);
    const char* end = ScanValue(start, 0);
    if (end == nullptr) return nullptr;
    const char* newline = SkipSpace(end);
    if (*newline != '\n' || !IsUtf8({start, static_cast<size_t>(end - start)})) return nullptr;
    Misfit misfit;
    if (wanted_ > 0 && !json::PutToken({start, static_cast<size_t>(end - start)}, kNoUnit, row_,
                                       *rows_.column(0), &misfit)) {
      return nullptr;
    }
    return newline + 1;
  }
  found_ = 0;
  looked_ = _mm_setzero_si128();
  const char* next = Walk(*root_, line, 0);
  if (next == nullptr) return nullptr;
  if (_mm_movemask_epi8(looked_) != 0 && !IsUtf8({line, static_cast<size_t>(next - line)})) return nullptr;
  return found_ == wanted_ || FillMissing() ? next : nullptr;
}

/// A column that was put before in this record: a repeated key, where the last one counts.
[[gnu::always_inline]] inline bool FastReader::ClaimColumn(int column) {
  uint32_t& seen = seen_[static_cast<size_t>(column)];
  if (seen == serial_) return false;
  seen = serial_;
  ++found_;
  return true;
}

[[gnu::always_inline]] inline const char* FastReader::PutTimestamp(Entry& entry, const char* p,
                                                                   __m128i* looked) {
  if (*p != '"') return nullptr;
  const char* stop = FindStringStop(p + 1, looked);
  Timestamp value;
  if (*stop != '"' || !entry.timestamps.Scan(p + 1, static_cast<size_t>(stop - p - 1), &value))
    return nullptr;
  entry.column->Put(row_, value);
  return stop + 1;
}

[[gnu::always_inline]] inline const char* FastReader::PutValue(Entry& entry, const char* p, int depth,
                                                               __m128i* looked) {
  switch (entry.action) {
    case Action::kSkip:
      if (*p == '"') {
        const char* stop = FindStringStop(p + 1, looked);
        if (*stop == '"') [[likely]]
          return stop + 1;
      } else if (*p == '-' || IsDigit(*p)) {
        return SkipNumber(p);
      }
      return ScanOther(p, depth);
    case Action::kInt64: {
      if (!ClaimColumn(entry.column_number)) return nullptr;
      int64_t value;
      if (const char* end = ScanInt64(p, &value)) [[likely]] {
        entry.column->Put(row_, value);
        return end;
      }
      return PutToken(entry, p, depth);
    }
    case Action::kText: {
      if (!ClaimColumn(entry.column_number)) return nullptr;
      if (*p == '"') [[likely]] {
        const char* stop = FindStringStop(p + 1, looked);
        if (*stop == '"') [[likely]] {
          entry.column->PutPaddedText(row_, p + 1, static_cast<size_t>(stop - p - 1));
          return stop + 1;
        }
      }
      return PutToken(entry, p, depth);
    }
    case Action::kTimestamp:
      if (!ClaimColumn(entry.column_number)) return nullptr;
      if (const char* end = PutTimestamp(entry, p, looked)) [[likely]]
        return end;
      return PutToken(entry, p, depth);
    default:
      return PutOther(entry, p, depth);
  }
}

const char* FastReader::Walk(Scope& scope, const char* p, int depth) {
  Entry* at = &scope.begin;
  __m128i looked = _mm_setzero_si128();
  for (;;) {
    const Follower* follower = &at->followers[at->likely];
    if (follower->Matches(p)) [[likely]] {
      p += follower->size;
      at = follower->entry;
    } else {
      const Step step = Next(scope, *at, p);
      if (step.value == nullptr) return nullptr;
      p = step.value;
      at = step.entry;
    }
    if (at->action == Action::kEnd) {
      looked_ = _mm_or_si128(looked_, looked);
      return p;
    }
    p = PutValue(*at, p, depth + 1, &looked);
    if (p == nullptr) [[unlikely]]
      return nullptr;
  }
}

/// The likely follower is not what stands at p: the other one, or something else.
[[gnu::noinline]] FastReader::Step FastReader::Next(Scope& scope, Entry& from, const char* p) {
  const Follower& other = from.followers[from.likely ^ 1];
  if (!other.Matches(p)) return Discover(scope, from, p);
  from.likely ^= 1;
  return {other.entry, p + other.size};
}

/// ScanValue for what the inner loop does not take.
[[gnu::noinline]] const char* FastReader::ScanOther(const char* p, int depth) {
  const char* end = ScanValue(p, depth);
  for (; end != nullptr && p < end; p += 16) {
    looked_ = _mm_or_si128(looked_, _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
  }
  return end;
}

/// The actions that cost more than a call.
[[gnu::noinline]] const char* FastReader::PutOther(Entry& entry, const char* p, int depth) {
  switch (entry.action) {
    case Action::kUnixTime: {
      if (!ClaimColumn(entry.column_number)) return nullptr;
      int64_t value;
      const int64_t factor = entry.unit == 6 ? 1'000'000 : entry.unit == 3 ? 1000 : 1;
      const char* end = ScanInt64(p, &value);
      if (end == nullptr || __builtin_mul_overflow(value, factor, &value)) return PutToken(entry, p, depth);
      entry.column->Put(row_, value);
      return end;
    }
    case Action::kDouble: {
      if (!ClaimColumn(entry.column_number)) return nullptr;
      bool unused;
      double value;
      const char* end = ScanNumber(p, &unused);
      if (end == nullptr || fast_float::from_chars(p, end, value).ptr != end || std::isinf(value)) {
        return PutToken(entry, p, depth);
      }
      entry.column->Put(row_, value);
      return end;
    }
    case Action::kToken:
      for (const int column : entry.key->columns) {
        if (!ClaimColumn(column)) return nullptr;
      }
      return PutToken(entry, p, depth);
    case Action::kObject:
      return PutObject(entry, p, depth);
    default:
      return nullptr;
  }
}

[[gnu::noinline]] const char* FastReader::PutToken(Entry& entry, const char* p, int depth) {
  const char* end = ScanOther(p, depth);
  if (end == nullptr) return nullptr;
  const bool null = *p == 'n';
  const std::string_view token(p, static_cast<size_t>(end - p));
  Misfit misfit;
  for (const int column : entry.key->columns) {
    ColumnWriter& writer = *rows_.column(column);
    if (null) {
      writer.PutNull(row_);
    } else if (!json::PutToken(token, plan_.columns[static_cast<size_t>(column)].unit, row_, writer,
                               &misfit)) {
      return nullptr;
    }
  }
  return end;
}

const char* FastReader::PutObject(Entry& entry, const char* p, int depth) {
  Scope& scope = *entry.scope;
  if (scope.serial == serial_) return nullptr;  // repeated: the last one counts, with nothing of the first
  scope.serial = serial_;
  for (const int column : entry.key->columns) {
    if (!ClaimColumn(column)) return nullptr;
  }
  const char* end = nullptr;
  if (!entry.key->columns.empty()) end = PutToken(entry, p, depth);
  if (*p == '{') return depth < kMaxDepth ? Walk(scope, p, depth) : nullptr;
  return end != nullptr ? end : ScanOther(p, depth);
}

bool FastReader::FillMissing() {
  if (plan_.policy.missing_fails) return false;
  for (size_t i = 0; i < seen_.size(); ++i) {
    if (plan_.wanted[i] && seen_[i] != serial_) rows_.column(static_cast<int>(i))->PutNull(row_);
  }
  return true;
}

/// What stands at p, found without a prediction; remembered behind `from`.
[[gnu::noinline]] FastReader::Step FastReader::Discover(Scope& scope, Entry& from, const char* p) {
  const char* const start = p;
  p = SkipSpace(p);
  const bool first = &from == &scope.begin;
  if (first) {
    if (*p != '{') return {};
    p = SkipSpace(p + 1);
  }
  Entry* entry = nullptr;
  if (*p == '}') {
    ++p;
    if (&scope == root_.get()) {
      p = SkipSpace(p);
      if (*p++ != '\n') return {};
    }
    entry = &scope.end;
  } else {
    if (!first) {
      if (*p != ',') return {};
      p = SkipSpace(p + 1);
    }
    if (*p != '"') return {};
    bool escaped;
    const char* close = ScanString(p + 1, &escaped);
    // Later records are only compared with this key: it must be right for good.
    if (close == nullptr || escaped || !IsUtf8({p + 1, static_cast<size_t>(close - p - 1)})) return {};
    entry = FindOrLearn(scope, {p + 1, static_cast<size_t>(close - p - 1)});
    p = SkipSpace(close + 1);
    if (entry == nullptr || *p != ':') return {};
    p = SkipSpace(p + 1);
  }
  const size_t size = static_cast<size_t>(p - start);
  if (size <= Follower::kMax && entry != &scope.other) {
    const uint8_t slot = from.followers[from.likely].size == 0 ? from.likely : from.likely ^ 1;
    from.followers[slot].Set(start, size, entry);
    from.likely = slot;
  }
  return {entry, p};
}

FastReader::Entry* FastReader::FindOrLearn(Scope& scope, std::string_view name) {
  if (const auto it = scope.entries.find(name); it != scope.entries.end()) return it->second.get();
  bool exact = false;
  const Key* key = scope.keys != nullptr ? scope.keys->Find(name, &exact) : nullptr;
  if (key == nullptr && &scope == root_.get() && plan_.policy.extra_fails) return nullptr;
  if (scope.entries.size() >= kMaxLearned && (key == nullptr || !exact))
    return key == nullptr ? &scope.other : nullptr;
  auto entry = std::make_unique<Entry>();
  entry->name = std::string(name);
  if (key != nullptr) Describe(*entry, *key, exact);
  Entry* result = entry.get();
  scope.entries.emplace(result->name, std::move(entry));
  return result;
}

void FastReader::Describe(Entry& entry, const Key& key, bool exact) {
  entry.key = &key;
  if (key.object) {
    // Two spellings of one object would have to share what was seen; only the exact one is worth it.
    entry.action = exact ? Action::kObject : Action::kLeave;
    entry.scope = std::make_unique<Scope>();
    entry.scope->keys = key.object.get();
    entry.scope->end.action = Action::kEnd;
    return;
  }
  if (key.columns.empty()) return;
  entry.action = Action::kToken;
  if (key.columns.size() > 1) return;
  const int number = key.columns[0];
  const Column& column = plan_.columns[static_cast<size_t>(number)];
  entry.column_number = number;
  entry.column = rows_.column(number);
  entry.unit = column.unit;
  switch (column.type.id()) {
    case TypeId::kBigint:
      entry.action = Action::kInt64;
      break;
    case TypeId::kText:
      entry.action = Action::kText;
      break;
    case TypeId::kDouble:
      entry.action = Action::kDouble;
      break;
    case TypeId::kTimestamp:
    case TypeId::kTimestamptz:
      if (column.unit == kNoUnit) entry.action = Action::kTimestamp;
      if (column.unit >= 0) entry.action = Action::kUnixTime;
      break;
    default:
      break;
  }
}

}  // namespace streamrun::json
