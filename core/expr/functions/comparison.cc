// = <> < <= > >= of every type, the same over arrays with ANY and ALL, GREATEST and LEAST.
#include <algorithm>
#include <cstring>
#include <deque>
#include <string>

#include "core/data/column_builder.h"
#include "core/data/numeric.h"
#include "core/expr/bit_rows.h"
#include "core/expr/compare_values.h"
#include "core/expr/function.h"
#include "core/expr/text_head.h"

namespace streamrun {

namespace {

// Order of one type: Less and Equal over what Reader<T> gives. The rest follows.
template <typename T>
struct Order {
  static bool Less(T a, T b) { return a < b; }
  static bool Equal(T a, T b) { return a == b; }
};
template <>
struct Order<double> {
  static bool Less(double a, double b) { return LessDouble(a, b); }
  static bool Equal(double a, double b) { return EqualDouble(a, b); }
};
template <>
struct Order<Numeric> {
  // The common case: one scale, coefficients of 64 bits.
  static bool Alike(const Numeric& a, const Numeric& b) {
    return (a.scale == b.scale) & NumericIsSmall(a) & NumericIsSmall(b);
  }
  static bool Less(const Numeric& a, const Numeric& b) {
    if (Alike(a, b)) [[likely]]
      return static_cast<int64_t>(a.low) < static_cast<int64_t>(b.low);
    return NumericCompare(a, b) < 0;
  }
  static bool Equal(const Numeric& a, const Numeric& b) {
    return Alike(a, b) ? a.low == b.low : NumericCompare(a, b) == 0;
  }
};
template <>
struct Order<Interval> {
  static bool Less(const Interval& a, const Interval& b) { return IntervalLength(a) < IntervalLength(b); }
  static bool Equal(const Interval& a, const Interval& b) { return IntervalLength(a) == IntervalLength(b); }
};
template <>
struct Order<Uuid> {
  static bool Less(const Uuid& a, const Uuid& b) { return std::memcmp(&a, &b, sizeof(a)) < 0; }
  static bool Equal(const Uuid& a, const Uuid& b) { return std::memcmp(&a, &b, sizeof(a)) == 0; }
};
template <>
struct Order<Inet> {
  static bool Less(const Inet& a, const Inet& b) { return CompareInet(a, b) < 0; }
  static bool Equal(const Inet& a, const Inet& b) { return CompareInet(a, b) == 0; }
};

template <>
struct Order<HeadText> {
  static bool Less(const HeadText& a, const HeadText& b) { return LessTexts(a, b); }
  static bool Equal(const HeadText& a, const HeadText& b) { return EqualTexts(a, b); }
};

enum class Relation : uint8_t { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };

template <typename T, Relation R>
inline bool Holds(const T& a, const T& b) {
  using O = Order<T>;
  if constexpr (R == Relation::kEqual) return O::Equal(a, b);
  if constexpr (R == Relation::kNotEqual) return !O::Equal(a, b);
  if constexpr (R == Relation::kLess) return O::Less(a, b);
  if constexpr (R == Relation::kLessEqual) return !O::Less(b, a);
  if constexpr (R == Relation::kGreater) return O::Less(b, a);
  if constexpr (R == Relation::kGreaterEqual) return !O::Less(a, b);
}

// Numbers: all rows of a word at once, bytes first so that the comparison vectorises.
template <typename T, Relation R, bool kConstA, bool kConstB>
ColumnPtr CompareFlat(KernelCall& call) {
  const T* a = call.arg(0).column->values<T>();
  const T* b = call.arg(1).column->values<T>();
  return WriteWords(call, [&](int64_t w, uint64_t) {
    const int64_t base = w * 64;
    const T* x = kConstA ? a : a + base;
    const T* y = kConstB ? b : b + base;
    return FlagsOf(std::min<int64_t>(call.rows() - base, 64),
                   [&](int i) { return Holds<T, R>(x[kConstA ? 0 : i], y[kConstB ? 0 : i]); });
  });
}

// Texts = or <> a constant: only those of its length are looked at.
template <bool kEqual>
ColumnPtr CompareWithText(KernelCall& call, const Vector& column, const Vector& constant) {
  const HeadReader texts(column);
  const HeadText wanted = HeadReader(constant)[0];
  const int32_t* offsets = column.column->values<int32_t>();
  const auto size = static_cast<int32_t>(wanted.text.size());
  return WriteWords(call, [&](int64_t w, uint64_t live) {
    const int32_t* ends = offsets + w * 64;
    uint64_t left = live & FlagsOf(std::min<int64_t>(call.rows() - w * 64, 64),
                                   [&](int i) { return ends[i + 1] - ends[i] == size; });
    uint64_t word = 0;
    for (; left != 0; left &= left - 1) {
      const int i = std::countr_zero(left);
      word |= static_cast<uint64_t>(EqualTexts(texts[w * 64 + i], wanted)) << i;
    }
    return kEqual ? word : ~word & WordMask(w, call.rows());
  });
}

// Texts < <= > >= a constant: the first eight bytes decide nearly always.
template <Relation R, bool kConstA>
ColumnPtr OrderWithText(KernelCall& call) {
  const HeadReader texts(call.arg(kConstA ? 1 : 0));
  const HeadText limit = HeadReader(call.arg(kConstA ? 0 : 1))[0];
  return WriteBits(call, [&](int64_t row) {
    const uint64_t first = texts.FirstAt(row);
    if (first == limit.first) [[unlikely]] {
      return kConstA ? Holds<HeadText, R>(limit, texts[row]) : Holds<HeadText, R>(texts[row], limit);
    }
    return kConstA ? Holds<uint64_t, R>(limit.first, first) : Holds<uint64_t, R>(first, limit.first);
  });
}

// Everything else: only live rows, through the reader.
template <typename T, Relation R>
ColumnPtr CompareRows(KernelCall& call) {
  using Text = std::is_same<T, std::string_view>;
  if constexpr (Text::value) {
    const bool constant_a = call.arg(0).constant;
    if (constant_a != call.arg(1).constant) {
      if constexpr (R == Relation::kEqual || R == Relation::kNotEqual) {
        const int one = constant_a ? 0 : 1;
        return CompareWithText<R == Relation::kEqual>(call, call.arg(1 - one), call.arg(one));
      } else {
        return constant_a ? OrderWithText<R, true>(call) : OrderWithText<R, false>(call);
      }
    }
  }
  using In = std::conditional_t<Text::value, HeadReader, Reader<T>>;
  using Value = std::conditional_t<Text::value, HeadText, T>;
  const In a(call.arg(0));
  const In b(call.arg(1));
  return WriteBits(call, [&](int64_t row) { return Holds<Value, R>(a[row], b[row]); });
}

template <typename T, Relation R>
ColumnPtr Compare(KernelCall& call) {
  if constexpr (std::is_same_v<T, int32_t> || std::is_same_v<T, int64_t> || std::is_same_v<T, double>) {
    if (call.arg(0).constant) {
      return call.arg(1).constant ? CompareFlat<T, R, true, true>(call)
                                  : CompareFlat<T, R, true, false>(call);
    }
    return call.arg(1).constant ? CompareFlat<T, R, false, true>(call)
                                : CompareFlat<T, R, false, false>(call);
  } else {
    return CompareRows<T, R>(call);
  }
}

bool HoldsOrder(Relation r, int order) {
  switch (r) {
    case Relation::kEqual:
      return order == 0;
    case Relation::kNotEqual:
      return order != 0;
    case Relation::kLess:
      return order < 0;
    case Relation::kLessEqual:
      return order <= 0;
    case Relation::kGreater:
      return order > 0;
    case Relation::kGreaterEqual:
      return order >= 0;
  }
  return false;
}

template <Relation R>
ColumnPtr CompareAny(KernelCall& call) {
  const Vector& a = call.arg(0);
  const Vector& b = call.arg(1);
  Writer<bool> out(call);
  ForEachRow(call.live(), call.rows(), [&](int64_t row) {
    out.Put(row, HoldsOrder(R, CompareValues(*a.column, a.at(row), *b.column, b.at(row))));
  });
  return out.Finish(call);
}

// x op ANY (list), x op ALL (list): null elements make the answer null unless another element decides. With
// an empty list nothing is compared, so x may be null.
template <Relation R, bool kAny>
ColumnPtr CompareList(KernelCall& call) {
  const Vector& x = call.arg(0);
  const Vector& list_arg = call.arg(1);
  const Reader<ListView> lists(list_arg);
  Writer<bool> out(call);
  ForEachRow(call.live(), call.rows(), [&](int64_t row) {
    if (list_arg.IsNull(row)) return call.Null(row);
    const ListView list = lists[row];
    bool unknown = x.IsNull(row) && list.size() > 0;
    for (int32_t i = list.begin; i < list.end && !x.IsNull(row); ++i) {
      if (list.child->IsNull(i)) {
        unknown = true;
      } else if (HoldsOrder(R, CompareValues(*x.column, x.at(row), *list.child, i)) == kAny) {
        return out.Put(row, kAny);
      }
    }
    if (unknown) return call.Null(row);
    out.Put(row, !kAny);
  });
  return out.Finish(call);
}

// --- GREATEST, LEAST: nulls are passed over --------------------------------------------------------------

template <bool kGreatest>
ColumnPtr ExtremeOfAny(KernelCall& call) {
  ColumnBuilder out(call.type());
  out.Reserve(call.rows());
  for (int64_t row = 0; row < call.rows(); ++row) {
    const Vector* best = nullptr;
    for (size_t i = 0; i < call.arg_count(); ++i) {
      const Vector& v = call.arg(i);
      if (v.IsNull(row)) continue;
      if (best == nullptr) {
        best = &v;
        continue;
      }
      const int order = CompareValues(*v.column, v.at(row), *best->column, best->at(row));
      if (kGreatest ? order > 0 : order < 0) best = &v;
    }
    if (best == nullptr) {
      out.AppendNull();
    } else {
      out.AppendFrom(*best->column, best->at(row));
    }
  }
  return out.Finish();
}

// Fixed-width values without nulls: one argument after the other over a block that stays in the cache.
template <typename T, bool kGreatest>
ColumnPtr ExtremeDense(KernelCall& call) {
  constexpr int64_t kBlock = 1024;
  BufferBuilder values;
  values.Resize(static_cast<size_t>(call.rows()) * sizeof(T));
  T* out = values.as<T>();
  for (int64_t begin = 0; begin < call.rows(); begin += kBlock) {
    const int64_t end = std::min(call.rows(), begin + kBlock);
    for (size_t i = 0; i < call.arg_count(); ++i) {
      const Vector& v = call.arg(i);
      const T* in = v.column->values<T>();
      const auto better = [](T a, T b) { return kGreatest ? Order<T>::Less(b, a) : Order<T>::Less(a, b); };
      if (i == 0) {
        v.constant ? std::fill(out + begin, out + end, *in)
                   : void(std::copy(in + begin, in + end, out + begin));
      } else if (v.constant) {
        const T x = *in;
        for (int64_t row = begin; row < end; ++row) out[row] = better(x, out[row]) ? x : out[row];
      } else {
        for (int64_t row = begin; row < end; ++row) out[row] = better(in[row], out[row]) ? in[row] : out[row];
      }
    }
  }
  return call.Finish(values.Finish());
}

template <bool kGreatest>
ColumnPtr Extreme(KernelCall& call) {
  for (size_t i = 0; i < call.arg_count(); ++i) {
    if (call.arg(i).column->has_nulls()) return ExtremeOfAny<kGreatest>(call);
  }
  switch (call.type().id()) {
    case TypeId::kInteger:
    case TypeId::kDate:
      return ExtremeDense<int32_t, kGreatest>(call);
    case TypeId::kBigint:
    case TypeId::kTimestamp:
    case TypeId::kTimestamptz:
      return ExtremeDense<int64_t, kGreatest>(call);
    case TypeId::kDouble:
      return ExtremeDense<double, kGreatest>(call);
    default:
      return ExtremeOfAny<kGreatest>(call);
  }
}

struct RelationName {
  std::string_view symbol;
  std::string_view help;
};
constexpr RelationName kRelations[] = {{"=", "equal"},   {"<>", "not equal"},
                                       {"<", "less"},    {"<=", "less or equal"},
                                       {">", "greater"}, {">=", "greater or equal"}};

// "1 < 2 -> t" for a lower and a higher value of a type; the table keeps views, so the texts stay.
std::string_view RelationExample(size_t relation, std::string_view low, std::string_view high) {
  static std::deque<std::string> kept;
  static constexpr std::string_view kOutcomes[] = {"f", "t", "t", "t", "f", "f"};
  std::string& text = kept.emplace_back(low);
  text.append(" ").append(kRelations[relation].symbol).append(" ").append(high);
  return text.append(" -> ").append(kOutcomes[relation]);
}

template <typename T>
void AddType(FunctionTable& t, Arg type, std::string_view low, std::string_view high) {
  static constexpr Kernel kKernels[] = {Compare<T, Relation::kEqual>,   Compare<T, Relation::kNotEqual>,
                                        Compare<T, Relation::kLess>,    Compare<T, Relation::kLessEqual>,
                                        Compare<T, Relation::kGreater>, Compare<T, Relation::kGreaterEqual>};
  for (size_t i = 0; i < 6; ++i) {
    t.push_back({kRelations[i].symbol,
                 {type, type},
                 Arg::kBoolean,
                 kKernels[i],
                 kRelations[i].help,
                 RelationExample(i, low, high),
                 kTotal});
  }
}

constexpr Kernel kAnyKernels[] = {CompareAny<Relation::kEqual>,   CompareAny<Relation::kNotEqual>,
                                  CompareAny<Relation::kLess>,    CompareAny<Relation::kLessEqual>,
                                  CompareAny<Relation::kGreater>, CompareAny<Relation::kGreaterEqual>};

void AddListComparisons(FunctionTable& t) {
  using enum Arg;
  static constexpr Kernel kAnyOf[] = {
      CompareList<Relation::kEqual, true>,   CompareList<Relation::kNotEqual, true>,
      CompareList<Relation::kLess, true>,    CompareList<Relation::kLessEqual, true>,
      CompareList<Relation::kGreater, true>, CompareList<Relation::kGreaterEqual, true>};
  static constexpr Kernel kAllOf[] = {
      CompareList<Relation::kEqual, false>,   CompareList<Relation::kNotEqual, false>,
      CompareList<Relation::kLess, false>,    CompareList<Relation::kLessEqual, false>,
      CompareList<Relation::kGreater, false>, CompareList<Relation::kGreaterEqual, false>};
  static constexpr std::string_view kAnyNames[] = {"any =", "any <>", "any <", "any <=", "any >", "any >="};
  static constexpr std::string_view kAllNames[] = {"all =", "all <>", "all <", "all <=", "all >", "all >="};
  for (size_t i = 0; i < 6; ++i) {
    t.push_back({kRelations[i].symbol,
                 {kElements, kElements},
                 kBoolean,
                 kAnyKernels[i],
                 "element by element",
                 RelationExample(i, "ARRAY[1, 2]", "ARRAY[1, 3]"),
                 kTotal});
    t.push_back({kAnyNames[i],
                 {kElement, kElements},
                 kBoolean,
                 kAnyOf[i],
                 "true when it holds for an element",
                 "",
                 kTotal | kSeesNulls | kNoHelp});
    t.push_back({kAllNames[i],
                 {kElement, kElements},
                 kBoolean,
                 kAllOf[i],
                 "true when it holds for all elements",
                 "",
                 kTotal | kSeesNulls | kNoHelp});
  }
}

}  // namespace

void AddComparison(FunctionTable& t) {
  using enum Arg;
  AddType<int32_t>(t, kInteger, "1", "2");
  AddType<int64_t>(t, kBigint, "1", "3000000000");
  AddType<double>(t, kDouble, "1.5", "'NaN'");
  AddType<Numeric>(t, kNumeric, "1.50::numeric", "1.51");
  AddType<std::string_view>(t, kText, "'B'", "'a'");
  AddType<bool>(t, kBoolean, "false", "true");
  AddType<int32_t>(t, kDate, "date '2024-02-29'", "date 'infinity'");
  AddType<int64_t>(t, kTimestamp, "timestamp '2024-01-01'", "timestamp '2024-01-01 00:00:01'");
  AddType<int64_t>(t, kTimestamptz, "timestamptz '2024-01-01 02:00+02'", "timestamptz '2024-01-01 01:00+00'");
  AddType<Interval>(t, kInterval, "interval '29 days'", "interval '1 month'");
  AddType<std::string_view>(t, kBytea, "'\\x01'::bytea", "'\\x02'");
  AddType<Uuid>(t, kUuid, "'00000000-0000-0000-0000-000000000001'::uuid",
                "'00000000-0000-0000-0000-000000000002'");
  AddType<Inet>(t, kInet, "'10.0.0.1'::inet", "'10.0.0.2'");
  t.push_back({"=",
               {kJsonb, kJsonb},
               kBoolean,
               kAnyKernels[0],
               "equal, whatever the spelling",
               "'{\"a\": 1}'::jsonb = '{\"a\":1.0}' -> t",
               kTotal});
  t.push_back(
      {"<>", {kJsonb, kJsonb}, kBoolean, kAnyKernels[1], "not equal", "'[1]'::jsonb <> '[2]' -> t", kTotal});
  AddListComparisons(t);
  t.push_back({"greatest",
               {kElement},
               kElement,
               Extreme<true>,
               "the largest argument that is not null",
               "",
               kTotal | kSeesNulls | kVariadic | kNoHelp});
  t.push_back({"least",
               {kElement},
               kElement,
               Extreme<false>,
               "the smallest argument that is not null",
               "",
               kTotal | kSeesNulls | kVariadic | kNoHelp});
}

}  // namespace streamrun
