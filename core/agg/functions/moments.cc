// Statistics of double precision: variance and its root, covariance, correlation, linear regression.
//
// Sums are taken of the distances to a pivot (the first finite value of the group) and kept to twice the
// precision of double: a group of equal values has a variance of exactly 0, values far from 0 lose nothing,
// rows can be taken back, and neither order nor pre-aggregation shows in the result. PostgreSQL 15 computes
// the same values by Youngs and Cramer's updates; the last digits may differ.
#include "core/agg/double_sum.h"
#include "core/agg/functions/families.h"
#include "core/agg/simple_accumulator.h"

namespace streamrun {

namespace {

// One variable's sums of x - pivot.
struct Moments {
  double pivot = 0;
  TwoDouble sum;
  TwoDouble squares;
  SpecialCounts specials;
  // Nothing depends on the pivot. (A count of 0 alone does not say so: a row may be taken back before it
  // comes.)
  bool untouched() const { return sum.hi == 0 && squares.hi == 0; }
};

// States are lists of doubles; counts are exact in them up to 2^53.
void PutMoments(const Moments& m, ColumnBuilder& out) {
  for (const double v : {m.pivot, m.sum.hi, m.sum.lo, m.squares.hi, m.squares.lo}) out.Append(v);
  for (const int64_t v : {m.specials.nan, m.specials.positive, m.specials.negative}) {
    out.Append(static_cast<double>(v));
  }
}
Moments GetMoments(const double*& in) {
  Moments m;
  m.pivot = in[0];
  m.sum = {in[1], in[2]};
  m.squares = {in[3], in[4]};
  m.specials = {static_cast<int64_t>(in[5]), static_cast<int64_t>(in[6]), static_cast<int64_t>(in[7])};
  in += 8;
  return m;
}

std::vector<DataType> DoubleListState(const AggregateTypes&) { return {DataType::List(TypeId::kDouble)}; }

bool Overflow(std::string* why) { return *why = "value out of range: overflow", false; }

// Sum of (x - mean)^2 from sums around the pivot, at least 0.
double Centred(const TwoDouble& squares, const TwoDouble& sum, const TwoDouble& other, double n) {
  return (squares - sum * other / n).value();
}

// --- one variable

struct Spread {
  using Value = double;
  struct State {
    int64_t finite = 0;
    Moments x;
    int64_t rows() const { return finite + x.specials.nan + x.specials.positive + x.specials.negative; }
  };
  static void Change(State& s, double value, int64_t by) {
    if (!std::isfinite(value)) return s.x.specials.Change(value, by);
    if (s.finite == 0 && s.x.untouched()) s.x.pivot = value;
    s.finite += by;
    const TwoDouble d = TwoDouble::Sum(value, -s.x.pivot);
    s.x.sum = s.x.sum + (by < 0 ? -d : d);
    const TwoDouble square = d * d;
    s.x.squares = s.x.squares + (by < 0 ? -square : square);
  }
  static void Add(State& s, double value) { Change(s, value, 1); }
  static void Retract(State& s, double value) { Change(s, value, -1); }
  static void Merge(State& s, const State& other) {
    s.x.specials.Merge(other.x.specials);
    if (s.finite == 0 && s.x.untouched()) s.x.pivot = other.x.pivot;
    // x - p = (x - q) + (q - p)
    const auto n = static_cast<double>(other.finite);
    const TwoDouble shift = TwoDouble::Sum(other.x.pivot, -s.x.pivot);
    s.x.squares = s.x.squares + other.x.squares + shift * other.x.sum * 2.0 + shift * shift * n;
    s.x.sum = s.x.sum + other.x.sum + shift * n;
    s.finite += other.finite;
  }
  static std::vector<DataType> States(const AggregateTypes& types) { return DoubleListState(types); }
  static void Save(const State& s, std::vector<ColumnBuilder>& out) {
    out[0].child().Append(static_cast<double>(s.finite));
    PutMoments(s.x, out[0].child());
    out[0].CloseList();
  }
  static State Load(std::span<const ColumnPtr> in, int64_t row) {
    const double* values = in[0]->child()->values<double>() + in[0]->values<int32_t>()[row];
    State s;
    s.finite = static_cast<int64_t>(*values++);
    s.x = GetMoments(values);
    return s;
  }
};

// kSample: divided by n - 1 and null for one row; kRoot: the standard deviation.
template <bool kSample, bool kRoot>
struct DoubleSpread : Spread {
  static bool Finish(const State& s, ColumnBuilder& out, std::string* why) {
    const int64_t rows = s.rows();
    if (rows < (kSample ? 2 : 1)) return out.AppendNull(), true;
    if (s.x.specials.any()) return out.Append(std::nan("")), true;
    const auto n = static_cast<double>(rows);
    const double sum = std::max(0.0, Centred(s.x.squares, s.x.sum, s.x.sum, n));
    if (!std::isfinite(s.x.squares.hi)) return Overflow(why);
    const double variance = sum / (kSample ? n - 1 : n);
    out.Append(kRoot ? std::sqrt(variance) : variance);
    return true;
  }
};

// --- two variables; the first argument is Y, as in PostgreSQL

struct Regression {
  using Value = double;
  using Second = double;
  struct State {
    int64_t rows = 0;
    int64_t finite = 0;  // rows in which both are
    Moments x;
    Moments y;
    TwoDouble products;
  };
  static void Change(State& s, double y, double x, int64_t by) {
    s.rows += by;
    if (!std::isfinite(x)) s.x.specials.Change(x, by);
    if (!std::isfinite(y)) s.y.specials.Change(y, by);
    // Where the other one is not finite, neither its sums nor those of products are asked for.
    const bool first = s.finite == 0 && s.x.untouched() && s.y.untouched();
    if (!std::isfinite(x) || !std::isfinite(y)) return;
    if (first) {
      s.x.pivot = x;
      s.y.pivot = y;
    }
    s.finite += by;
    const TwoDouble dx = TwoDouble::Sum(x, -s.x.pivot);
    const TwoDouble dy = TwoDouble::Sum(y, -s.y.pivot);
    const auto change = [by](TwoDouble& sum, const TwoDouble& v) { sum = sum + (by < 0 ? -v : v); };
    change(s.x.sum, dx);
    change(s.y.sum, dy);
    change(s.x.squares, dx * dx);
    change(s.y.squares, dy * dy);
    change(s.products, dx * dy);
  }
  static void Add(State& s, double y, double x) { Change(s, y, x, 1); }
  static void Retract(State& s, double y, double x) { Change(s, y, x, -1); }
  static void Merge(State& s, const State& other) {
    s.rows += other.rows;
    s.x.specials.Merge(other.x.specials);
    s.y.specials.Merge(other.y.specials);
    if (s.finite == 0 && s.x.untouched() && s.y.untouched()) {
      s.x.pivot = other.x.pivot;
      s.y.pivot = other.y.pivot;
    }
    const auto n = static_cast<double>(other.finite);
    const TwoDouble a = TwoDouble::Sum(other.x.pivot, -s.x.pivot);
    const TwoDouble b = TwoDouble::Sum(other.y.pivot, -s.y.pivot);
    s.x.squares = s.x.squares + other.x.squares + a * other.x.sum * 2.0 + a * a * n;
    s.y.squares = s.y.squares + other.y.squares + b * other.y.sum * 2.0 + b * b * n;
    s.products = s.products + other.products + a * other.y.sum + b * other.x.sum + a * b * n;
    s.x.sum = s.x.sum + other.x.sum + a * n;
    s.y.sum = s.y.sum + other.y.sum + b * n;
    s.finite += other.finite;
  }
  static std::vector<DataType> States(const AggregateTypes& types) { return DoubleListState(types); }
  static void Save(const State& s, std::vector<ColumnBuilder>& out) {
    ColumnBuilder& list = out[0].child();
    list.Append(static_cast<double>(s.rows));
    list.Append(static_cast<double>(s.finite));
    PutMoments(s.x, list);
    PutMoments(s.y, list);
    list.Append(s.products.hi);
    list.Append(s.products.lo);
    out[0].CloseList();
  }
  static State Load(std::span<const ColumnPtr> in, int64_t row) {
    const double* values = in[0]->child()->values<double>() + in[0]->values<int32_t>()[row];
    State s;
    s.rows = static_cast<int64_t>(*values++);
    s.finite = static_cast<int64_t>(*values++);
    s.x = GetMoments(values);
    s.y = GetMoments(values);
    s.products = {values[0], values[1]};
    return s;
  }
};

// What the results are made of; NaN where a special value took part.
struct Sums {
  double n, x, y, xx, yy, xy;
  TwoDouble line;  // the intercept: where x is far from 0 its digits are lost in double
  explicit Sums(const Regression::State& s) : n(static_cast<double>(s.rows)) {
    const double nan = std::nan("");
    const bool bad_x = s.x.specials.any();
    const bool bad_y = s.y.specials.any();
    // Rows with one special value are outside the finite sums, so that all of these are out of reach.
    const bool bad = bad_x || bad_y;
    x = bad_x ? s.x.specials.sum() : (bad ? nan : (s.x.sum + TwoDouble::Product(s.x.pivot, n)).value());
    y = bad_y ? s.y.specials.sum() : (bad ? nan : (s.y.sum + TwoDouble::Product(s.y.pivot, n)).value());
    xx = bad ? nan : std::max(0.0, Centred(s.x.squares, s.x.sum, s.x.sum, n));
    yy = bad ? nan : std::max(0.0, Centred(s.y.squares, s.y.sum, s.y.sum, n));
    xy = bad ? nan : Centred(s.products, s.x.sum, s.y.sum, n);
    if (bad || xx == 0) return;
    const TwoDouble slope = (s.products - s.x.sum * s.y.sum / n) / (s.x.squares - s.x.sum * s.x.sum / n);
    const TwoDouble sum_x = s.x.sum + TwoDouble::Product(s.x.pivot, n);
    const TwoDouble sum_y = s.y.sum + TwoDouble::Product(s.y.pivot, n);
    line = (sum_y - slope * sum_x) / n;
  }
  bool overflow(const Regression::State& s) const {
    return !s.x.specials.any() && !s.y.specials.any() &&
           !(std::isfinite(s.x.squares.hi) && std::isfinite(s.y.squares.hi));
  }
};

using Formula = std::optional<double> (*)(const Sums&);

template <Formula kFormula>
struct RegressionResult : Regression {
  static bool Finish(const State& s, ColumnBuilder& out, std::string* why) {
    if (s.rows < 1) return out.AppendNull(), true;
    const Sums sums(s);
    if (sums.overflow(s)) return Overflow(why);
    const std::optional<double> result = kFormula(sums);
    result ? out.Append(*result) : out.AppendNull();
    return true;
  }
};

std::optional<double> CovarPop(const Sums& s) { return s.xy / s.n; }
std::optional<double> CovarSamp(const Sums& s) {
  if (s.n < 2) return std::nullopt;
  return s.xy / (s.n - 1);
}
std::optional<double> Corr(const Sums& s) {
  if (s.xx == 0 || s.yy == 0) return std::nullopt;
  const double product = s.xx * s.yy;
  // The root of the product is exact where the roots are not, unless it leaves the range of double.
  const bool fits = std::isnormal(product);
  return s.xy / (fits ? std::sqrt(product) : std::sqrt(s.xx) * std::sqrt(s.yy));
}
std::optional<double> R2(const Sums& s) {
  if (s.xx == 0) return std::nullopt;
  if (s.yy == 0) return 1.0;
  return (s.xy * s.xy) / (s.xx * s.yy);
}
std::optional<double> Slope(const Sums& s) {
  if (s.xx == 0) return std::nullopt;
  return s.xy / s.xx;
}
std::optional<double> Intercept(const Sums& s) {
  if (s.xx == 0) return std::nullopt;
  if (std::isnan(s.xx)) return s.xx;
  return s.line.value();
}
std::optional<double> AvgX(const Sums& s) { return s.x / s.n; }
std::optional<double> AvgY(const Sums& s) { return s.y / s.n; }
std::optional<double> Sxx(const Sums& s) { return s.xx; }
std::optional<double> Syy(const Sums& s) { return s.yy; }
std::optional<double> Sxy(const Sums& s) { return s.xy; }

struct PairCount : Regression {
  static bool Finish(const State& s, ColumnBuilder& out, std::string*) {
    out.Append(s.rows);
    return true;
  }
};

}  // namespace

void AddDoubleSpreads(AggregateTable& t, std::string_view name, std::string_view help,
                      std::string_view example) {
  const bool pop = name.ends_with("_pop");
  const bool root = name.starts_with("stddev");
  const auto make =
      root ? (pop ? MakeSimple<DoubleSpread<false, true>> : MakeSimple<DoubleSpread<true, true>>)
           : (pop ? MakeSimple<DoubleSpread<false, false>> : MakeSimple<DoubleSpread<true, false>>);
  t.push_back(
      {{name, {Arg::kDouble}, Arg::kDouble, nullptr, help, example}, kRetracts, DoubleListState, make});
}

void AddRegressionAggregates(AggregateTable& t) {
  const auto add = [&](std::string_view name, std::string_view help, std::string_view example, auto make) {
    t.push_back({{name, {Arg::kDouble, Arg::kDouble}, Arg::kDouble, nullptr, help, example},
                 kRetracts,
                 DoubleListState,
                 make});
  };
  add("corr", "correlation coefficient of the pairs without a null; null when either is the same in all",
      "corr(x, y) over 1 | 2, 2 | 4, 4 | 8, NULL | 3 -> 1", MakeSimple<RegressionResult<Corr>>);
  add("covar_pop", "covariance of a population",
      "covar_pop(x, y) over 1 | 2, 2 | 4, 3 | 6 -> 1.3333333333333333",
      MakeSimple<RegressionResult<CovarPop>>);
  add("covar_samp", "covariance of a sample; null for fewer than two pairs",
      "covar_samp(x, y) over 1 | 2, 2 | 4, 3 | 6 -> 2", MakeSimple<RegressionResult<CovarSamp>>);
  t.push_back({{"regr_count",
                {Arg::kDouble, Arg::kDouble},
                Arg::kBigint,
                nullptr,
                "number of pairs (y, x) without a null",
                "regr_count(x, y) over 1 | 2, NULL | 4, 3 | NULL -> 1"},
               kRetracts,
               DoubleListState,
               MakeSimple<PairCount>});
  add("regr_avgx", "mean of the second argument, x, over pairs (y, x) without a null",
      "regr_avgx(y, x) over 1 | 10, 3 | 20, NULL | 5 -> 2", MakeSimple<RegressionResult<AvgX>>);
  add("regr_avgy", "mean of the first argument, y, over pairs (y, x) without a null",
      "regr_avgy(y, x) over 1 | 10, 3 | 20, NULL | 5 -> 15", MakeSimple<RegressionResult<AvgY>>);
  add("regr_sxx", "sum of squared distances of x from its mean", "regr_sxx(y, x) over 1 | 10, 3 | 20 -> 2",
      MakeSimple<RegressionResult<Sxx>>);
  add("regr_syy", "sum of squared distances of y from its mean", "regr_syy(y, x) over 1 | 10, 3 | 20 -> 50",
      MakeSimple<RegressionResult<Syy>>);
  add("regr_sxy", "sum of the products of the distances of x and of y from their means",
      "regr_sxy(y, x) over 1 | 10, 3 | 20 -> 10", MakeSimple<RegressionResult<Sxy>>);
  add("regr_slope", "slope of the line through the pairs (y, x) by least squares",
      "regr_slope(y, x) over 1 | 10, 3 | 20 -> 5", MakeSimple<RegressionResult<Slope>>);
  add("regr_intercept", "where the line through the pairs (y, x) by least squares crosses the y axis",
      "regr_intercept(y, x) over 1 | 10, 3 | 20 -> 5", MakeSimple<RegressionResult<Intercept>>);
  add("regr_r2", "square of the correlation coefficient", "regr_r2(y, x) over 1 | 10, 3 | 20, 2 | 15 -> 1",
      MakeSimple<RegressionResult<R2>>);
}

}  // namespace streamrun
