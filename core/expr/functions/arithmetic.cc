// + - * / % and the unary signs on numbers.
#include <cmath>
#include <limits>

#include "core/data/numeric.h"
#include "core/expr/dense.h"
#include "core/expr/function.h"
#include "core/expr/functions/row_status.h"

namespace streamrun {

namespace {

template <typename T>
constexpr Problem kOutOfRange = {"22003", sizeof(T) == 4 ? "integer out of range" : "bigint out of range"};
constexpr Problem kDivisionByZero = {"22012", "division by zero"};
constexpr Problem kOverflow = {"22003", "value out of range: overflow"};
constexpr Problem kUnderflow = {"22003", "value out of range: underflow"};

// Sums wrap in unsigned arithmetic; they overflowed when both operands differ in sign from the result.
template <typename T>
struct AddInt {
  using In = T;
  using Out = T;
  using Unsigned = std::make_unsigned_t<T>;
  static T Apply(T a, T b) { return static_cast<T>(static_cast<Unsigned>(a) + static_cast<Unsigned>(b)); }
  static Flag Trouble(T a, T b, T r) {
    return static_cast<Unsigned>((a ^ r) & (b ^ r)) >> (sizeof(T) * 8 - 1);
  }
  static Problem Why(T, T) { return kOutOfRange<T>; }
};
template <typename T>
struct SubtractInt {
  using In = T;
  using Out = T;
  using Unsigned = std::make_unsigned_t<T>;
  static T Apply(T a, T b) { return static_cast<T>(static_cast<Unsigned>(a) - static_cast<Unsigned>(b)); }
  static Flag Trouble(T a, T b, T r) {
    return static_cast<Unsigned>((a ^ b) & (a ^ r)) >> (sizeof(T) * 8 - 1);
  }
  static Problem Why(T, T) { return kOutOfRange<T>; }
};
template <typename T>
struct MultiplyInt {
  using In = T;
  using Out = T;
  using Unsigned = std::make_unsigned_t<T>;
  static T Apply(T a, T b) { return static_cast<T>(static_cast<Unsigned>(a) * static_cast<Unsigned>(b)); }
  static Flag Trouble(T a, T b, T) {
    T ignored;
    return __builtin_mul_overflow(a, b, &ignored);
  }
  static Problem Why(T, T) { return kOutOfRange<T>; }
};

template <typename T>
bool Indivisible(T a, T b) {
  return b == 0 || (b == -1 && a == std::numeric_limits<T>::min());
}
template <typename T>
struct DivideInt {
  using In = T;
  using Out = T;
  static T Apply(T a, T b) { return static_cast<T>(a / (Indivisible(a, b) ? 1 : b)); }
  static Flag Trouble(T a, T b, T) { return Indivisible(a, b); }
  static Problem Why(T, T b) { return b == 0 ? kDivisionByZero : kOutOfRange<T>; }
};
template <typename T>
struct ModuloInt {
  using In = T;
  using Out = T;
  // x % -1 is 0 for every x; the machine instruction traps for the smallest one.
  static T Apply(T a, T b) { return static_cast<T>(a % (b == 0 || b == -1 ? 1 : b)); }
  static Flag Trouble(T, T b, T) { return b == 0; }
  static Problem Why(T, T) { return kDivisionByZero; }
};

bool Finite(double x) { return std::fabs(x) <= std::numeric_limits<double>::max(); }
bool Infinite(double x) { return std::fabs(x) > std::numeric_limits<double>::max(); }

struct AddDouble {
  using In = double;
  using Out = double;
  static double Apply(double a, double b) { return a + b; }
  static Flag Trouble(double a, double b, double r) { return Infinite(r) & !Infinite(a) & !Infinite(b); }
  static Problem Why(double, double) { return kOverflow; }
};
struct SubtractDouble {
  using In = double;
  using Out = double;
  static double Apply(double a, double b) { return a - b; }
  static Flag Trouble(double a, double b, double r) { return Infinite(r) & !Infinite(a) & !Infinite(b); }
  static Problem Why(double, double) { return kOverflow; }
};
struct MultiplyDouble {
  using In = double;
  using Out = double;
  static double Apply(double a, double b) { return a * b; }
  static Flag Trouble(double a, double b, double r) {
    return (Infinite(r) & !Infinite(a) & !Infinite(b)) | ((r == 0) & (a != 0) & (b != 0));
  }
  static Problem Why(double a, double b) { return a * b == 0 ? kUnderflow : kOverflow; }
};
struct DivideDouble {
  using In = double;
  using Out = double;
  static double Apply(double a, double b) { return a / b; }
  static Flag Trouble(double a, double b, double r) {
    return ((b == 0) & (a == a)) | (Infinite(r) & !Infinite(a)) | ((r == 0) & (a != 0) & Finite(b));
  }
  static Problem Why(double a, double b) {
    if (b == 0) return kDivisionByZero;
    return a / b == 0 ? kUnderflow : kOverflow;
  }
};

template <typename T>
struct NegateInt {
  using In = T;
  using Out = T;
  static T Apply(T a) { return static_cast<T>(0 - static_cast<std::make_unsigned_t<T>>(a)); }
  static Flag Trouble(T a) { return a == std::numeric_limits<T>::min(); }
  static Problem Why(T) { return kOutOfRange<T>; }
};
double NegateDouble(double a) { return -a; }

// A row at a time, the common case without a call: Op::Small, else Op::Any.
template <typename Op>
ColumnPtr NumericRows(KernelCall& call) {
  const Reader<Numeric> a(call.arg(0));
  const Reader<Numeric> b(call.arg(1));
  BufferBuilder values;
  values.Resize(static_cast<size_t>(call.rows()) * sizeof(Numeric));
  auto* out = values.as<Numeric>();
  Row row(call);
  for (int64_t r = 0; r < call.rows(); ++r) {
    if (Op::Small(a[r], b[r], &out[r])) [[likely]]
      continue;
    row.MoveTo(r);
    out[r] = call.is_live(r) ? ValueOrFail(row, Op::Any(a[r], b[r])) : Numeric{};
  }
  return call.Finish(values.Finish());
}
struct AddNumeric {
  static bool Small(const Numeric& a, const Numeric& b, Numeric* out) {
    return NumericAddSmall(a, b, 1, out);
  }
  static Result<Numeric> Any(const Numeric& a, const Numeric& b) { return NumericAdd(a, b); }
};
struct SubtractNumeric {
  static bool Small(const Numeric& a, const Numeric& b, Numeric* out) {
    return NumericAddSmall(a, b, -1, out);
  }
  static Result<Numeric> Any(const Numeric& a, const Numeric& b) { return NumericSubtract(a, b); }
};
struct MultiplyNumeric {
  static bool Small(const Numeric& a, const Numeric& b, Numeric* out) {
    return NumericMultiplySmall(a, b, out);
  }
  static Result<Numeric> Any(const Numeric& a, const Numeric& b) { return NumericMultiply(a, b); }
};
template <Result<Numeric> (*F)(const Numeric&, const Numeric&)>
Numeric NumericOp(Row& row, const Numeric& a, const Numeric& b) {
  return ValueOrFail(row, F(a, b));
}
Numeric NegateNumeric(const Numeric& a) { return NumericNegate(a); }

template <typename T>
T Same(T a) {
  return a;
}
template <typename T>
void AddIntegers(FunctionTable& t, Arg type, bool big) {
  const auto example = [&](std::string_view small, std::string_view large) { return big ? large : small; };
  t.push_back({"+",
               {type, type},
               type,
               Dense<AddInt<T>>,
               "sum",
               example("2 + 3 -> 5", "3000000000 + 2 -> 3000000002")});
  t.push_back({"-",
               {type, type},
               type,
               Dense<SubtractInt<T>>,
               "difference",
               example("2 - 3 -> -1", "3000000000 - 1 -> 2999999999")});
  t.push_back({"*",
               {type, type},
               type,
               Dense<MultiplyInt<T>>,
               "product",
               example("2 * 3 -> 6", "3000000000 * 2 -> 6000000000")});
  t.push_back({"/",
               {type, type},
               type,
               Dense<DivideInt<T>>,
               "quotient, towards zero",
               example("7 / 2 -> 3", "7000000001 / 2 -> 3500000000")});
  t.push_back({"%",
               {type, type},
               type,
               Dense<ModuloInt<T>>,
               "remainder",
               example("-7 % 3 -> -1", "7000000001 % 10 -> 1")});
  t.push_back({"-",
               {type},
               type,
               DenseUnary<NegateInt<T>>,
               "negation",
               example("- (2 + 3) -> -5", "- 3000000000 -> -3000000000")});
  t.push_back({"+",
               {type},
               type,
               Rows<Same<T>>,
               "the same",
               example("+ 5 -> 5", "+ 3000000000 -> 3000000000"),
               kTotal});
}

}  // namespace

void AddArithmetic(FunctionTable& t) {
  using enum Arg;
  AddIntegers<int32_t>(t, kInteger, false);
  AddIntegers<int64_t>(t, kBigint, true);
  t.push_back({"+", {kDouble, kDouble}, kDouble, Dense<AddDouble>, "sum", "0.5 + 0.25 -> 0.75"});
  t.push_back({"-", {kDouble, kDouble}, kDouble, Dense<SubtractDouble>, "difference", "0.5 - 0.25 -> 0.25"});
  t.push_back({"*", {kDouble, kDouble}, kDouble, Dense<MultiplyDouble>, "product", "0.5 * 3 -> 1.5"});
  t.push_back({"/", {kDouble, kDouble}, kDouble, Dense<DivideDouble>, "quotient", "7 / 2.0 -> 3.5"});
  t.push_back({"-",
               {kDouble},
               kDouble,
               DenseUnaryLoop<double, double, NegateDouble>,
               "negation",
               "- (0.5) -> -0.5",
               kTotal});
  t.push_back({"+", {kDouble}, kDouble, Rows<Same<double>>, "the same", "+ 0.5 -> 0.5", kTotal});
  t.push_back(
      {"+", {kNumeric, kNumeric}, kNumeric, NumericRows<AddNumeric>, "sum", "1.10::numeric + 2 -> 3.10"});
  t.push_back({"-",
               {kNumeric, kNumeric},
               kNumeric,
               NumericRows<SubtractNumeric>,
               "difference",
               "1.10::numeric - 2 -> -0.90"});
  t.push_back({"*",
               {kNumeric, kNumeric},
               kNumeric,
               NumericRows<MultiplyNumeric>,
               "product",
               "1.10::numeric * 2.5 -> 2.750"});
  t.push_back({"/",
               {kNumeric, kNumeric},
               kNumeric,
               Rows<NumericOp<NumericDivide>>,
               "quotient",
               "7::numeric / 2 -> 3.5000000000000000"});
  t.push_back({"%",
               {kNumeric, kNumeric},
               kNumeric,
               Rows<NumericOp<NumericModulo>>,
               "remainder",
               "7.5::numeric % 2 -> 1.5"});
  t.push_back(
      {"-", {kNumeric}, kNumeric, Rows<NegateNumeric>, "negation", "- (1.50::numeric) -> -1.50", kTotal});
  t.push_back(
      {"+", {kNumeric}, kNumeric, Rows<Same<Numeric>>, "the same", "+ 0.50::numeric -> 0.50", kTotal});
}

}  // namespace streamrun
