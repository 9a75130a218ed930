// stddev and variance: of integers and numeric exact, as numeric, with PostgreSQL's result scales.
#include <mpfr.h>

#include "core/agg/functions/families.h"
#include "core/agg/simple_accumulator.h"
#include "core/agg/wide_int.h"
#include "core/data/numeric_real.h"

namespace streamrun {

namespace {

// Sums of coefficients at the largest scale so far and of their squares at twice that scale. Limbs: 2^63 rows
// of 32 bits (integer), 64 bits (bigint), and of 38 digits brought to a scale 38 digits away (numeric).
template <typename T>
struct Limits;
template <>
struct Limits<int32_t> {
  static constexpr int kSum = 2, kSquares = 2;
};
template <>
struct Limits<int64_t> {
  static constexpr int kSum = 2, kSquares = 3;
};
template <>
struct Limits<Numeric> {
  static constexpr int kSum = 5, kSquares = 10;
};

template <typename T>
struct ExactSpread {
  using Value = T;
  struct State {
    WideInt<Limits<T>::kSum> sum;
    WideInt<Limits<T>::kSquares> squares;
    int64_t scale = 0;
    int64_t rows = 0;
    int64_t specials = 0;  // NaN and infinities: with any of them the result is NaN
  };

  static void ToScale(State& s, int64_t scale) {
    if (scale <= s.scale) return;
    s.sum.Scale(static_cast<int>(scale - s.scale));
    s.squares.Scale(static_cast<int>(2 * (scale - s.scale)));
    s.scale = scale;
  }
  static void Change(State& s, const T& value, bool back) {
    s.rows += back ? -1 : 1;
    if constexpr (std::is_same_v<T, Numeric>) {
      if (value.kind != Numeric::kFinite) {
        s.specials += back ? -1 : 1;
        return;
      }
      ToScale(s, value.scale);
      auto sum = WideInt<Limits<T>::kSum>::Of(value.coefficient());
      auto square = WideInt<Limits<T>::kSquares>::Square(value.coefficient());
      sum.Scale(static_cast<int>(s.scale - value.scale));
      square.Scale(static_cast<int>(2 * (s.scale - value.scale)));
      s.sum.Add(sum, back);
      s.squares.Add(square, back);
    } else {
      s.sum.Add(WideInt<Limits<T>::kSum>::Of(value), back);
      s.squares.Add(WideInt<Limits<T>::kSquares>::Square(value), back);
    }
  }
  static void Add(State& s, const T& value) { Change(s, value, false); }
  static void Retract(State& s, const T& value) { Change(s, value, true); }
  static void Merge(State& s, State other) {
    ToScale(s, other.scale);
    ToScale(other, s.scale);
    s.sum.Add(other.sum, false);
    s.squares.Add(other.squares, false);
    s.rows += other.rows;
    s.specials += other.specials;
  }
  // Of numeric the scale would stay.
  static void Subtract(State& s, const State& other) requires(!std::is_same_v<T, Numeric>) {
    s.sum.Add(other.sum, true);
    s.squares.Add(other.squares, true);
    s.rows -= other.rows;
  }
  static std::vector<DataType> States(const AggregateTypes&) {
    return {TypeId::kBytea, TypeId::kBytea, TypeId::kBigint, TypeId::kBigint, TypeId::kBigint};
  }
  static void Save(const State& s, std::vector<ColumnBuilder>& out) {
    out[0].AppendText(s.sum.bytes());
    out[1].AppendText(s.squares.bytes());
    out[2].Append(s.scale);
    out[3].Append(s.rows);
    out[4].Append(s.specials);
  }
  static State Load(std::span<const ColumnPtr> in, int64_t row) {
    State s;
    s.sum = decltype(s.sum)::FromBytes(in[0]->Text(row));
    s.squares = decltype(s.squares)::FromBytes(in[1]->Text(row));
    s.scale = in[2]->values<int64_t>()[row];
    s.rows = in[3]->values<int64_t>()[row];
    s.specials = in[4]->values<int64_t>()[row];
    return s;
  }
};

template <int kLimbs>
void ToReal(WideInt<kLimbs> v, Real& out) {
  const bool negative = v.negative();
  if (negative) {
    WideInt<kLimbs> positive;
    positive.Add(v, true);
    v = positive;
  }
  mpfr_set_zero(out.get(), 1);
  for (int i = kLimbs - 1; i >= 0; --i) {
    mpfr_mul_2ui(out.get(), out.get(), 64, MPFR_RNDN);
    mpfr_add_ui(out.get(), out.get(), v.limbs[i], MPFR_RNDN);
  }
  if (negative) mpfr_neg(out.get(), out.get(), MPFR_RNDN);
}

// Weight of the first digit to base 10,000 and the digit, of a positive value.
struct FirstDigit {
  int weight = 0;
  unsigned long digit = 0;
};
FirstDigit FirstDigitOf(const Real& value) {
  FirstDigit first;
  Real scaled;
  mpfr_set(scaled.get(), value.get(), MPFR_RNDN);
  while (mpfr_cmp_ui(scaled.get(), 10000) >= 0) {
    mpfr_div_ui(scaled.get(), scaled.get(), 10000, MPFR_RNDZ);
    ++first.weight;
  }
  while (mpfr_cmp_ui(scaled.get(), 1) < 0) {
    mpfr_mul_ui(scaled.get(), scaled.get(), 10000, MPFR_RNDN);
    --first.weight;
  }
  first.digit = mpfr_get_ui(scaled.get(), MPFR_RNDZ);
  return first;
}

// PostgreSQL's select_div_scale: at least 16 significant digits, not below the operands' scales.
int QuotientScale(const Real& a, const Real& b, int scale) {
  const FirstDigit x = FirstDigitOf(a);
  const FirstDigit y = FirstDigitOf(b);
  const int weight = x.weight - y.weight - (x.digit <= y.digit ? 1 : 0);
  return std::max({16 - weight * 4, scale, 0});
}

struct Wanted {
  bool sample;
  bool root;
};

// (n * sum(x^2) - sum(x)^2) / (n * (n or n - 1)), rounded before its root is taken (numeric_stddev_internal).
Result<Numeric> SpreadOf(const Real& sum, const Real& squares, int64_t scale, int64_t rows, Wanted wanted) {
  Real numerator;
  Real other;
  mpfr_mul_ui(numerator.get(), squares.get(), static_cast<unsigned long>(rows), MPFR_RNDN);
  mpfr_sqr(other.get(), sum.get(), MPFR_RNDN);
  mpfr_sub(numerator.get(), numerator.get(), other.get(), MPFR_RNDN);
  if (mpfr_sgn(numerator.get()) <= 0) return Numeric::Of(0, 0);
  numerator.Shift(static_cast<int>(-2 * scale));
  Real divisor;
  mpfr_set_ui(divisor.get(), static_cast<unsigned long>(rows), MPFR_RNDN);
  mpfr_mul_ui(divisor.get(), divisor.get(), static_cast<unsigned long>(wanted.sample ? rows - 1 : rows),
              MPFR_RNDN);
  const int digits = QuotientScale(numerator, divisor, static_cast<int>(2 * scale));
  mpfr_div(numerator.get(), numerator.get(), divisor.get(), MPFR_RNDN);
  if (!wanted.root) return numerator.ToNumeric(digits);
  const Result<Numeric> variance = numerator.ToNumeric(digits);
  if (!variance.ok()) return variance;
  Real rounded(*variance);
  mpfr_sqrt(rounded.get(), rounded.get(), MPFR_RNDN);
  return rounded.ToNumeric(digits);
}

template <typename T, bool kSample, bool kRoot>
struct NumericSpread : ExactSpread<T> {
  using State = typename ExactSpread<T>::State;
  static bool Finish(const State& s, ColumnBuilder& out, std::string* why) {
    if (s.rows < (kSample ? 2 : 1)) return out.AppendNull(), true;
    if (s.specials > 0) return out.Append(NumericNaN()), true;
    Real sum;
    Real squares;
    ToReal(s.sum, sum);
    ToReal(s.squares, squares);
    const Result<Numeric> result = SpreadOf(sum, squares, s.scale, s.rows, {kSample, kRoot});
    if (!result.ok()) return *why = result.status().message(), false;
    out.Append(*result);
    return true;
  }
};

template <bool kSample, bool kRoot>
void AddSpread(AggregateTable& t, std::string_view name, std::string_view help,
               const std::vector<std::string_view>& examples) {
  const auto add = [&](Arg arg, std::string_view example, auto states, auto make) {
    const uint32_t flags = arg == Arg::kNumeric ? kRetracts : (kRetracts | kSubtracts);
    t.push_back({{name, {arg}, Arg::kNumeric, nullptr, help, example}, flags, states, make});
  };
  add(Arg::kInteger, examples[0], ExactSpread<int32_t>::States,
      MakeSimple<NumericSpread<int32_t, kSample, kRoot>>);
  add(Arg::kBigint, examples[1], ExactSpread<int64_t>::States,
      MakeSimple<NumericSpread<int64_t, kSample, kRoot>>);
  add(Arg::kNumeric, examples[2], ExactSpread<Numeric>::States,
      MakeSimple<NumericSpread<Numeric, kSample, kRoot>>);
  AddDoubleSpreads(t, name, help, examples[3]);
}

}  // namespace

void AddSpreadAggregates(AggregateTable& t) {
  AddSpread<true, true>(t, "stddev", "the same as stddev_samp",
                        {"stddev(x) over 1, 2, 4 -> 1.5275252316519467",
                         "stddev(x::bigint) over 1, 9223372036854775807 -> 6521908912666391105",
                         "stddev(x::numeric) over 1.5, 2.25 -> 0.53033008588991064330",
                         "stddev(x::double precision) over 1, 2, 4 -> 1.5275252316519468"});
  AddSpread<false, true>(
      t, "stddev_pop", "standard deviation of a population",
      {"stddev_pop(x) over 1, 2, 4 -> 1.2472191289246471",
       "stddev_pop(x::bigint) over 1, 2 -> 0.50000000000000000000", "stddev_pop(x::numeric) over 1.5 -> 0",
       "stddev_pop(x::double precision) over 1, 2, 4 -> 1.247219128924647"});
  AddSpread<true, true>(
      t, "stddev_samp", "standard deviation of a sample; null for fewer than two values",
      {"stddev_samp(x) over 1, 2, NULL -> 0.70710678118654752440", "stddev_samp(x::bigint) over 5 -> NULL",
       "stddev_samp(x::numeric) over 1.1, NaN -> NaN",
       "stddev_samp(x::double precision) over 1, Infinity -> NaN"});
  AddSpread<true, false>(t, "variance", "the same as var_samp",
                         {"variance(x) over 1, 2, 4 -> 2.3333333333333333",
                          "variance(x::bigint) over 1, 2, 4 -> 2.3333333333333333",
                          "variance(x::numeric) over 1.50, 2.25 -> 0.28125000000000000000",
                          "variance(x::double precision) over 1, 2, 4 -> 2.3333333333333335"});
  AddSpread<false, false>(
      t, "var_pop", "variance of a population: mean squared distance from the mean",
      {"var_pop(x) over 1, 2, 4 -> 1.5555555555555556", "var_pop(x::bigint) over 3 -> 0",
       "var_pop(x::numeric) over 1.5, 1.5 -> 0", "var_pop(x::double precision) over 0.1, 0.1, 0.1 -> 0"});
  AddSpread<true, false>(
      t, "var_samp", "variance of a sample; null for fewer than two values",
      {"var_samp(x) over 1, NULL -> NULL", "var_samp(x::bigint) over 1, 2 -> 0.50000000000000000000",
       "var_samp(x::numeric) over 1e10, 1e-10 -> 49999999999999999999.000000000000000000",
       "var_samp(x::double precision) over 1, 3 -> 2"});
}

}  // namespace streamrun
