// What a kernel sees, and adaptors that make a kernel of a plain function over one row.
//
// A kernel gets its argument vectors (flat, or constant: one row that stands for all) and the set of rows to
// compute. For a strict function rows with a null argument are not in that set and their result is null
// already. It fills what it likes in the other rows. A row that fails is recorded and becomes null; nothing
// is thrown.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/base/env.h"
#include "core/data/column.h"
#include "core/data/row_failure.h"
#include "core/expr/bits.h"
#include "core/expr/node.h"

namespace streamrun {

/// One argument or result: `rows` values, or a single one that stands for all rows.
struct Vector {
  ColumnPtr column;
  bool constant = false;
  /// Position of a row's value in the column.
  int64_t at(int64_t row) const { return constant ? 0 : row; }
  bool IsNull(int64_t row) const { return column->IsNull(at(row)); }
};

/// Bytes of text that one batch of one column may hold: int32 offsets.
inline constexpr size_t kMaxTextBytes = (size_t{1} << 31) - 64;

class KernelCall {
 public:
  KernelCall(const DataType& type, const void* prepared, std::span<const Vector> args, int64_t rows,
             const uint64_t* live, std::vector<RowFailure>* failures, Env* env)
      : type_(type),
        prepared_(prepared),
        args_(args),
        rows_(rows),
        live_(live),
        failures_(failures),
        env_(env) {}

  const DataType& type() const { return type_; }
  const Vector& arg(size_t i) const { return args_[i]; }
  size_t arg_count() const { return args_.size(); }
  int64_t rows() const { return rows_; }
  /// Rows to compute; null = all.
  const uint64_t* live() const { return live_; }
  bool is_live(int64_t row) const { return HasRow(live_, row); }
  Env* env() const { return env_; }
  /// The wall clock of the batch: one time for all calls of one evaluation, so that now() = now(). Set for
  /// volatile functions only.
  Timestamp now() const { return now_; }
  void set_now(Timestamp now) { now_ = now; }
  /// What the function's Prepare made, or null.
  template <typename T>
  const T* prepared() const {
    return static_cast<const T*>(prepared_);
  }

  /// The row's result is null and the row has failed. Call at most once a row, for live rows only.
  void Fail(int64_t row, std::string_view code, std::string message);
  /// The row's result is null.
  void Null(int64_t row);

  /// The result column from its buffers, with the nulls so far.
  ColumnPtr Finish(BufferPtr values, BufferPtr data = nullptr, ColumnPtr child = nullptr);

  /// Validity that rows have before the kernel runs (shared with an argument); null = all present.
  void set_validity(BufferPtr validity) { validity_ = std::move(validity); }

 private:
  const DataType& type_;
  const void* prepared_;
  std::span<const Vector> args_;
  int64_t rows_;
  const uint64_t* live_;
  std::vector<RowFailure>* failures_;
  Env* env_;
  Timestamp now_ = 0;
  BufferPtr validity_;
  RowSet nulls_;  // rows that became null in the kernel; empty = none
};

/// Text that a row function writes its result into.
class TextSink {
 public:
  explicit TextSink(BufferBuilder& bytes) : bytes_(bytes) {}
  void Append(std::string_view text) { bytes_.Append(text.data(), text.size()); }
  void Push(char c) { bytes_.Push(c); }
  void Fill(char c, size_t count) {
    std::memset(bytes_.Ensure(count), c, count);
    bytes_.Advance(count);
  }
  /// `count` writable bytes; the whole of them becomes part of the result.
  char* Extend(size_t count) {
    char* at = reinterpret_cast<char*>(bytes_.Ensure(count));
    bytes_.Advance(count);
    return at;
  }
  void Shrink(size_t count) { bytes_.Resize(bytes_.size() - count); }
  size_t size() const { return bytes_.size(); }
  bool HasRoom(size_t count) const { return count < kMaxTextBytes && bytes_.size() + count < kMaxTextBytes; }

 private:
  BufferBuilder& bytes_;
};

/// The row a row function works on.
class Row {
 public:
  explicit Row(KernelCall& call) : call_(call) {}
  void Fail(std::string_view code, std::string message) {
    call_.Fail(number_, code, std::move(message));
    dropped_ = true;
  }
  void Null() {
    call_.Null(number_);
    dropped_ = true;
  }
  /// False (after failing the row) when `count` more bytes of text do not fit.
  bool Room(const TextSink& out, size_t count) {
    if (out.HasRoom(count)) return true;
    Fail("54000", "requested length too large");
    return false;
  }
  template <typename T>
  const T* prepared() const {
    return call_.prepared<T>();
  }
  KernelCall& call() const { return call_; }
  int64_t number() const { return number_; }
  bool dropped() const { return dropped_; }
  void MoveTo(int64_t number) {
    number_ = number;
    dropped_ = false;
  }

 private:
  KernelCall& call_;
  int64_t number_ = 0;
  bool dropped_ = false;
};

/// The elements of one list value.
struct ListView {
  const Column* child;
  int32_t begin;
  int32_t end;
  int32_t size() const { return end - begin; }
};

/// Values of an argument by row; T is the C++ type of core/data/type.h.
template <typename T>
class Reader {
 public:
  explicit Reader(const Vector& v) : values_(v.column->values<T>()), mask_(v.constant ? 0 : -1) {}
  const T& operator[](int64_t row) const { return values_[row & mask_]; }

 private:
  const T* values_;
  int64_t mask_;
};
template <>
class Reader<bool> {
 public:
  explicit Reader(const Vector& v) : bits_(v.column->values<uint8_t>()), mask_(v.constant ? 0 : -1) {}
  bool operator[](int64_t row) const { return GetBit(bits_, row & mask_); }

 private:
  const uint8_t* bits_;
  int64_t mask_;
};
template <>
class Reader<std::string_view> {
 public:
  explicit Reader(const Vector& v)
      : offsets_(v.column->values<int32_t>()), data_(v.column->text_data()), mask_(v.constant ? 0 : -1) {}
  std::string_view operator[](int64_t row) const {
    const int64_t i = row & mask_;
    return {data_ + offsets_[i], static_cast<size_t>(offsets_[i + 1] - offsets_[i])};
  }

 private:
  const int32_t* offsets_;
  const char* data_;
  int64_t mask_;
};
template <>
class Reader<ListView> {
 public:
  explicit Reader(const Vector& v)
      : offsets_(v.column->values<int32_t>()), child_(v.column->child().get()), mask_(v.constant ? 0 : -1) {}
  ListView operator[](int64_t row) const {
    const int64_t i = row & mask_;
    return {child_, offsets_[i], offsets_[i + 1]};
  }

 private:
  const int32_t* offsets_;
  const Column* child_;
  int64_t mask_;
};

/// Collects fixed-width or boolean results at their rows.
template <typename R>
class Writer {
 public:
  explicit Writer(KernelCall& call) {
    values_.ResizeZeroed(static_cast<size_t>(call.rows()) * sizeof(R));
    out_ = values_.as<R>();
  }
  void Put(int64_t row, const R& value) { out_[row] = value; }
  ColumnPtr Finish(KernelCall& call) { return call.Finish(values_.Finish()); }

 private:
  BufferBuilder values_;
  R* out_;
};
template <>
class Writer<bool> {
 public:
  explicit Writer(KernelCall& call) { bits_.ResizeZeroed(static_cast<size_t>(call.rows() + 7) / 8); }
  void Put(int64_t row, bool value) {
    if (value) SetBit(bits_.data(), row);
  }
  ColumnPtr Finish(KernelCall& call) { return call.Finish(bits_.Finish()); }

 private:
  BufferBuilder bits_;
};

/// Runs f(row, sink) for the live rows; what it appends is the row's text.
template <typename F>
ColumnPtr WriteText(KernelCall& call, F&& f) {
  BufferBuilder offsets;
  BufferBuilder bytes;
  offsets.Resize(static_cast<size_t>(call.rows() + 1) * 4);
  auto* at = offsets.as<int32_t>();
  at[0] = 0;
  int64_t done = 0;
  TextSink sink(bytes);
  Row row(call);
  ForEachRow(call.live(), call.rows(), [&](int64_t r) {
    const size_t start = bytes.size();
    while (done < r) at[++done] = static_cast<int32_t>(start);
    row.MoveTo(r);
    f(row, sink);
    if (bytes.size() > kMaxTextBytes) {
      bytes.Resize(start);
      if (!row.dropped()) row.Fail("54000", "the text of one batch exceeds 2 GiB");
    }
    if (row.dropped()) bytes.Resize(start);
    at[++done] = static_cast<int32_t>(bytes.size());
  });
  while (done < call.rows()) at[++done] = static_cast<int32_t>(bytes.size());
  return call.Finish(offsets.Finish(), bytes.Finish());
}

// Rows<F>: a kernel from a function over one row. F is one of
//   R F(args...)                        no row fails
//   R F(Row&, args...)                  row.Fail / row.Null drop the row
//   void F(Row&, TextSink&, args...)    text, bytea or jsonb result
template <typename F>
struct RowSignature;
template <typename R, typename... A>
struct RowSignature<R (*)(A...)> {
  template <R (*F)(A...), size_t... I>
  static ColumnPtr Run(KernelCall& call, std::index_sequence<I...>) {
    std::tuple<Reader<std::decay_t<A>>...> in{Reader<std::decay_t<A>>(call.arg(I))...};
    Writer<R> out(call);
    ForEachRow(call.live(), call.rows(), [&](int64_t r) { out.Put(r, F(std::get<I>(in)[r]...)); });
    return out.Finish(call);
  }
  static constexpr size_t kArity = sizeof...(A);
};
template <typename R, typename... A>
struct RowSignature<R (*)(Row&, A...)> {
  template <R (*F)(Row&, A...), size_t... I>
  static ColumnPtr Run(KernelCall& call, std::index_sequence<I...>) {
    std::tuple<Reader<std::decay_t<A>>...> in{Reader<std::decay_t<A>>(call.arg(I))...};
    Writer<R> out(call);
    Row row(call);
    ForEachRow(call.live(), call.rows(), [&](int64_t r) {
      row.MoveTo(r);
      out.Put(r, F(row, std::get<I>(in)[r]...));
    });
    return out.Finish(call);
  }
  static constexpr size_t kArity = sizeof...(A);
};
template <typename... A>
struct RowSignature<void (*)(Row&, TextSink&, A...)> {
  template <void (*F)(Row&, TextSink&, A...), size_t... I>
  static ColumnPtr Run(KernelCall& call, std::index_sequence<I...>) {
    std::tuple<Reader<std::decay_t<A>>...> in{Reader<std::decay_t<A>>(call.arg(I))...};
    return WriteText(call, [&](Row& row, TextSink& sink) { F(row, sink, std::get<I>(in)[row.number()]...); });
  }
  static constexpr size_t kArity = sizeof...(A);
};

template <auto F>
ColumnPtr Rows(KernelCall& call) {
  using Signature = RowSignature<decltype(F)>;
  return Signature::template Run<F>(call, std::make_index_sequence<Signature::kArity>{});
}

}  // namespace streamrun
