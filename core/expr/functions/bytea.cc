// Binary strings: cutting, trimming, bits and bytes (PostgreSQL manual 9.5).
#include <algorithm>
#include <bit>
#include <limits>

#include "core/expr/function.h"
#include "core/expr/kernel.h"
#include "core/expr/text_search.h"

namespace streamrun {

namespace {

int32_t BitLength(std::string_view bytes) { return static_cast<int32_t>(bytes.size() * 8); }

int64_t BitCount(std::string_view bytes) {
  int64_t count = 0;
  for (const char c : bytes) count += std::popcount(static_cast<uint8_t>(c));
  return count;
}

// Nothing is trimmed when there is nothing to trim off.
template <bool kStart, bool kEnd>
void Trim(Row&, TextSink& out, std::string_view bytes, std::string_view set) {
  bool in_set[256] = {};
  for (const char c : set) in_set[static_cast<uint8_t>(c)] = true;
  const auto trimmed = [&](char c) { return in_set[static_cast<uint8_t>(c)]; };
  if (kStart) {
    while (!bytes.empty() && trimmed(bytes.front())) bytes.remove_prefix(1);
  }
  if (kEnd) {
    while (!bytes.empty() && trimmed(bytes.back())) bytes.remove_suffix(1);
  }
  out.Append(bytes);
}

// --- Cutting

constexpr int64_t kToTheEnd = int64_t{1} << 40;

// Bytes [start, start + count) with 1-based start, clipped.
std::string_view Cut(std::string_view bytes, int64_t start, int64_t count) {
  const int64_t from = std::max<int64_t>(start, 1);
  const int64_t end = std::min<int64_t>(start + count, static_cast<int64_t>(bytes.size()) + 1);
  if (end <= from) return {};
  return bytes.substr(static_cast<size_t>(from - 1), static_cast<size_t>(end - from));
}

void SubstringFrom(Row&, TextSink& out, std::string_view bytes, int32_t start) {
  out.Append(Cut(bytes, start, kToTheEnd));
}
void SubstringFor(Row& row, TextSink& out, std::string_view bytes, int32_t start, int32_t count) {
  if (count < 0) return row.Fail("22011", "negative substring length not allowed");
  out.Append(Cut(bytes, start, count));
}

void OverlayFor(Row& row, TextSink& out, std::string_view bytes, std::string_view part, int32_t start,
                int32_t count) {
  if (start <= 0) return row.Fail("22011", "negative substring length not allowed");
  const int64_t rest = static_cast<int64_t>(start) + count;
  if (rest > std::numeric_limits<int32_t>::max()) return row.Fail("22003", "integer out of range");
  // A negative count repeats bytes before the start.
  if (!row.Room(out, bytes.size() * 2 + part.size())) return;
  out.Append(Cut(bytes, 1, start - 1));
  out.Append(part);
  out.Append(Cut(bytes, rest, kToTheEnd));
}
void Overlay(Row& row, TextSink& out, std::string_view bytes, std::string_view part, int32_t start) {
  OverlayFor(row, out, bytes, part, start, static_cast<int32_t>(part.size()));
}

int32_t Position(std::string_view bytes, std::string_view part) {
  const size_t at = FindBytes(bytes, part);
  return at == std::string_view::npos ? 0 : static_cast<int32_t>(at + 1);
}

// --- Bits and bytes, counted from 0; bit 0 is the least significant one of byte 0

// False after failing the row.
bool CheckIndex(Row& row, int64_t index, int64_t count) {
  if (index >= 0 && index < count) return true;
  row.Fail("2202E",
           "index " + std::to_string(index) + " out of valid range, 0.." + std::to_string(count - 1));
  return false;
}
int64_t Bits(std::string_view bytes) { return static_cast<int64_t>(bytes.size()) * 8; }

int32_t GetByte(Row& row, std::string_view bytes, int32_t index) {
  if (!CheckIndex(row, index, static_cast<int64_t>(bytes.size()))) return 0;
  return static_cast<uint8_t>(bytes[static_cast<size_t>(index)]);
}
int32_t GetBitOf(Row& row, std::string_view bytes, int64_t index) {
  if (!CheckIndex(row, index, Bits(bytes))) return 0;
  return static_cast<uint8_t>(bytes[static_cast<size_t>(index / 8)]) >> (index % 8) & 1;
}

// Appends a copy and gives access to it, or null after failing the row.
char* Copy(Row& row, TextSink& out, std::string_view bytes) {
  if (!row.Room(out, bytes.size())) return nullptr;
  char* copy = out.Extend(bytes.size());
  std::memcpy(copy, bytes.data(), bytes.size());
  return copy;
}

void SetByte(Row& row, TextSink& out, std::string_view bytes, int32_t index, int32_t value) {
  if (!CheckIndex(row, index, static_cast<int64_t>(bytes.size()))) return;
  if (char* copy = Copy(row, out, bytes)) copy[index] = static_cast<char>(value);
}
void SetBitOf(Row& row, TextSink& out, std::string_view bytes, int64_t index, int32_t value) {
  if (!CheckIndex(row, index, Bits(bytes))) return;
  if (value != 0 && value != 1) return row.Fail("22023", "new bit must be 0 or 1");
  char* copy = Copy(row, out, bytes);
  if (copy == nullptr) return;
  const auto mask = static_cast<uint8_t>(1u << (index % 8));
  const auto old = static_cast<uint8_t>(copy[index / 8]);
  copy[index / 8] = static_cast<char>(value == 1 ? old | mask : old & ~mask);
}

void AddTrimming(FunctionTable& t) {
  using enum Arg;
  t.push_back({"btrim",
               {kBytea, kBytea},
               kBytea,
               Rows<Trim<true, true>>,
               "the bytes without those of the set at either end",
               "btrim('\\x00010200'::bytea, '\\x00') -> \\x0102",
               kTotal});
  t.push_back({"ltrim",
               {kBytea, kBytea},
               kBytea,
               Rows<Trim<true, false>>,
               "the bytes without those of the set at the start",
               "ltrim('\\x00010200'::bytea, '\\x00') -> \\x010200",
               kTotal});
  t.push_back({"rtrim",
               {kBytea, kBytea},
               kBytea,
               Rows<Trim<false, true>>,
               "the bytes without those of the set at the end",
               "rtrim('\\x00010200'::bytea, '\\x00') -> \\x000102",
               kTotal});
}

void AddCutting(FunctionTable& t) {
  using enum Arg;
  for (const std::string_view name : {"substring", "substr"}) {
    const bool first = name == "substring";
    t.push_back({name,
                 {kBytea, kInteger},
                 kBytea,
                 Rows<SubstringFrom>,
                 "the bytes from one on, counted from 1",
                 first ? "substring('\\x010203'::bytea from 2) -> \\x0203"
                       : "substr('\\x010203'::bytea, 2) -> \\x0203",
                 kTotal});
    t.push_back({name,
                 {kBytea, kInteger, kInteger},
                 kBytea,
                 Rows<SubstringFor>,
                 "a number of bytes from one on",
                 first ? "substring('\\x010203'::bytea from 2 for 1) -> \\x02"
                       : "substr('\\x010203'::bytea, 2, 1) -> \\x02"});
  }
  t.push_back({"overlay",
               {kBytea, kBytea, kInteger},
               kBytea,
               Rows<Overlay>,
               "the bytes with a part replaced by as many others",
               "overlay('\\x010203'::bytea placing '\\xff' from 2) -> \\x01ff03"});
  t.push_back({"overlay",
               {kBytea, kBytea, kInteger, kInteger},
               kBytea,
               Rows<OverlayFor>,
               "the bytes with a part replaced",
               "overlay('\\x010203'::bytea placing '\\xff' from 2 for 0) -> \\x01ff0203"});
  t.push_back({"position",
               {kBytea, kBytea},
               kInteger,
               Rows<Position>,
               "where bytes begin in others, 0 if nowhere",
               "position('\\x02'::bytea in '\\x0102'::bytea) -> 2",
               kTotal});
}

}  // namespace

void AddBytea(FunctionTable& t) {
  using enum Arg;
  t.push_back({"bit_length",
               {kBytea},
               kInteger,
               Rows<BitLength>,
               "number of bits",
               "bit_length('\\x0102'::bytea) -> 16",
               kTotal});
  t.push_back({"bit_count",
               {kBytea},
               kBigint,
               Rows<BitCount>,
               "number of bits that are 1",
               "bit_count('\\x0103'::bytea) -> 3",
               kTotal});
  t.push_back({"get_byte",
               {kBytea, kInteger},
               kInteger,
               Rows<GetByte>,
               "a byte, counted from 0",
               "get_byte('\\x0a0b'::bytea, 1) -> 11"});
  t.push_back({"set_byte",
               {kBytea, kInteger, kInteger},
               kBytea,
               Rows<SetByte>,
               "the bytes with one replaced, counted from 0",
               "set_byte('\\x0a0b'::bytea, 1, 255) -> \\x0aff"});
  t.push_back({"get_bit",
               {kBytea, kBigint},
               kInteger,
               Rows<GetBitOf>,
               "a bit, counted from the least significant one of the first byte",
               "get_bit('\\x02'::bytea, 1) -> 1"});
  t.push_back({"set_bit",
               {kBytea, kBigint, kInteger},
               kBytea,
               Rows<SetBitOf>,
               "the bytes with one bit replaced, counted as in get_bit",
               "set_bit('\\x00'::bytea, 1, 1) -> \\x02"});
  AddTrimming(t);
  AddCutting(t);
}

}  // namespace streamrun
