// & | # ~ << >> on integers (PostgreSQL manual 9.3, table 9.4).
#include <type_traits>

#include "core/expr/dense.h"
#include "core/expr/function.h"

namespace streamrun {

namespace {

template <typename T>
struct BitOperation {
  using In = T;
  using Out = T;
  static Flag Trouble(T, T, T) { return 0; }
  static Problem Why(T, T) { return {}; }
};
template <typename T>
struct BitAnd : BitOperation<T> {
  static T Apply(T a, T b) { return a & b; }
};
template <typename T>
struct BitOr : BitOperation<T> {
  static T Apply(T a, T b) { return a | b; }
};
template <typename T>
struct BitXor : BitOperation<T> {
  static T Apply(T a, T b) { return a ^ b; }
};
template <typename T>
T BitNot(T a) {
  return ~a;
}

// As the machine does it, and as PostgreSQL on x86: the count is taken modulo the width.
template <typename T>
T ShiftLeft(T a, int32_t by) {
  return static_cast<T>(static_cast<std::make_unsigned_t<T>>(a) << (by & (sizeof(T) * 8 - 1)));
}
template <typename T>
T ShiftRight(T a, int32_t by) {
  return static_cast<T>(a >> (by & (sizeof(T) * 8 - 1)));
}

template <typename T, T (*F)(T, int32_t)>
ColumnPtr Shift(KernelCall& call) {
  const Reader<T> values(call.arg(0));
  const Reader<int32_t> counts(call.arg(1));
  BufferBuilder buffer;
  buffer.Resize(static_cast<size_t>(call.rows()) * sizeof(T));
  T* out = buffer.as<T>();
  if (call.arg(1).constant && !call.arg(0).constant) {
    const T* in = call.arg(0).column->values<T>();
    const int32_t count = counts[0];
    for (int64_t i = 0; i < call.rows(); ++i) out[i] = F(in[i], count);
  } else {
    for (int64_t i = 0; i < call.rows(); ++i) out[i] = F(values[i], counts[i]);
  }
  return call.Finish(buffer.Finish());
}

template <typename T>
void AddBits(FunctionTable& t, Arg type, bool big) {
  const auto add = [&](std::string_view name, std::vector<Arg> args, Kernel kernel, std::string_view help,
                       std::string_view small, std::string_view large) {
    t.push_back({name, std::move(args), type, kernel, help, big ? large : small, kTotal});
  };
  add("&", {type, type}, Dense<BitAnd<T>>, "bitwise and", "91 & 15 -> 11", "1099511627777 & 15 -> 1");
  add("|", {type, type}, Dense<BitOr<T>>, "bitwise or", "32 | 3 -> 35", "1099511627776 | 3 -> 1099511627779");
  add("#", {type, type}, Dense<BitXor<T>>, "bitwise exclusive or", "17 # 5 -> 20", "17::bigint # 5 -> 20");
  add("~", {type}, DenseUnaryLoop<T, T, BitNot<T>>, "bitwise not", "~ 1 -> -2", "~ 1::bigint -> -2");
  add("<<", {type, Arg::kInteger}, Shift<T, ShiftLeft<T>>, "shift left", "1 << 4 -> 16",
      "1::bigint << 40 -> 1099511627776");
  add(">>", {type, Arg::kInteger}, Shift<T, ShiftRight<T>>, "shift right", "8 >> 2 -> 2",
      "1099511627776 >> 40 -> 1");
}

}  // namespace

void AddBitwise(FunctionTable& t) {
  AddBits<int32_t>(t, Arg::kInteger, false);
  AddBits<int64_t>(t, Arg::kBigint, true);
}

}  // namespace streamrun
