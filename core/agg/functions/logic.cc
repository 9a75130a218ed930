// bool_and, bool_or, every and the bits that all, any or an odd number of values have.
#include <bit>

#include "core/agg/functions/families.h"
#include "core/agg/simple_accumulator.h"

namespace streamrun {

namespace {

struct Truths {
  using Value = bool;
  struct State {
    int64_t trues = 0;
    int64_t falses = 0;
  };
  static void Add(State& s, bool v) { ++(v ? s.trues : s.falses); }
  static void Retract(State& s, bool v) { --(v ? s.trues : s.falses); }
  static void Merge(State& s, const State& other) {
    s.trues += other.trues;
    s.falses += other.falses;
  }
  static void Subtract(State& s, const State& other) {
    s.trues -= other.trues;
    s.falses -= other.falses;
  }
  static std::vector<DataType> States(const AggregateTypes&) { return {TypeId::kBigint, TypeId::kBigint}; }
  static void Save(const State& s, std::vector<ColumnBuilder>& out) {
    out[0].Append(s.trues);
    out[1].Append(s.falses);
  }
  static State Load(std::span<const ColumnPtr> in, int64_t row) {
    return {in[0]->values<int64_t>()[row], in[1]->values<int64_t>()[row]};
  }
};

template <bool kAnd>
struct TruthResult : Truths {
  static bool Finish(const State& s, ColumnBuilder& out, std::string*) {
    if (s.trues + s.falses == 0) return out.AppendNull(), true;
    out.AppendBool(kAnd ? s.falses == 0 : s.trues > 0);
    return true;
  }
};

enum class BitOp : uint8_t { kAnd, kOr, kXor };

// Rows only come: one word. An exclusive or takes rows back as it adds them.
template <typename T, BitOp kOp>
struct Bits {
  using Value = T;
  struct State {
    T bits = kOp == BitOp::kAnd ? static_cast<T>(-1) : T{0};
    int64_t rows = 0;
  };
  static void Put(State& s, T v, int64_t rows) {
    s.bits = kOp == BitOp::kAnd ? s.bits & v : (kOp == BitOp::kOr ? s.bits | v : s.bits ^ v);
    s.rows += rows;
  }
  static void Add(State& s, T v) { Put(s, v, 1); }
  static void Merge(State& s, const State& other) { Put(s, other.bits, other.rows); }
  static std::vector<DataType> States(const AggregateTypes& types) { return {types.result, TypeId::kBigint}; }
  static void Save(const State& s, std::vector<ColumnBuilder>& out) {
    out[0].Append(s.bits);
    out[1].Append(s.rows);
  }
  static State Load(std::span<const ColumnPtr> in, int64_t row) {
    return {in[0]->values<T>()[row], in[1]->values<int64_t>()[row]};
  }
  static bool Finish(const State& s, ColumnBuilder& out, std::string*) {
    s.rows == 0 ? out.AppendNull() : out.Append(s.bits);
    return true;
  }
};

template <typename T>
struct ExclusiveBits : Bits<T, BitOp::kXor> {
  using State = typename Bits<T, BitOp::kXor>::State;
  static void Retract(State& s, T v) { Bits<T, BitOp::kXor>::Put(s, v, -1); }
  static void Subtract(State& s, const State& other) {
    Bits<T, BitOp::kXor>::Put(s, other.bits, -other.rows);
  }
};

// Rows may go: how many have each bit.
template <typename T, BitOp kOp>
struct BitCounts {
  using Value = T;
  static constexpr int kBits = sizeof(T) * 8;
  struct State {
    int64_t rows = 0;
    int64_t ones[kBits] = {};
  };
  static void Change(State& s, T v, int64_t by) {
    s.rows += by;
    for (auto bits = static_cast<std::make_unsigned_t<T>>(v); bits != 0; bits &= bits - 1) {
      s.ones[std::countr_zero(bits)] += by;
    }
  }
  static void Add(State& s, T v) { Change(s, v, 1); }
  static void Retract(State& s, T v) { Change(s, v, -1); }
  static void Merge(State& s, const State& other) {
    s.rows += other.rows;
    for (int i = 0; i < kBits; ++i) s.ones[i] += other.ones[i];
  }
  static std::vector<DataType> States() { return {TypeId::kBigint, DataType::List(TypeId::kBigint)}; }
  static std::vector<DataType> States(const AggregateTypes&) { return States(); }
  static void Save(const State& s, std::vector<ColumnBuilder>& out) {
    out[0].Append(s.rows);
    for (const int64_t ones : s.ones) out[1].child().Append(ones);
    out[1].CloseList();
  }
  static State Load(std::span<const ColumnPtr> in, int64_t row) {
    State s;
    s.rows = in[0]->values<int64_t>()[row];
    const int64_t* ones = in[1]->child()->template values<int64_t>() + in[1]->values<int32_t>()[row];
    std::copy_n(ones, kBits, s.ones);
    return s;
  }
  static bool Finish(const State& s, ColumnBuilder& out, std::string*) {
    if (s.rows == 0) return out.AppendNull(), true;
    std::make_unsigned_t<T> bits = 0;
    for (int i = 0; i < kBits; ++i) {
      const bool set = kOp == BitOp::kAnd ? s.ones[i] == s.rows : s.ones[i] > 0;
      if (set) bits |= std::make_unsigned_t<T>{1} << i;
    }
    out.Append(static_cast<T>(bits));
    return true;
  }
};

template <typename T, BitOp kOp>
std::vector<DataType> BitStates(const AggregateTypes& types) {
  if (types.retracting && kOp != BitOp::kXor) return BitCounts<T, kOp>::States();
  return Bits<T, kOp>::States(types);
}

template <typename T, BitOp kOp>
Result<std::unique_ptr<Accumulator>> MakeBits(const AggregateTypes& types) {
  if constexpr (kOp == BitOp::kXor) {
    return MakeSimple<ExclusiveBits<T>>(types);
  } else {
    if (types.retracting) return MakeSimple<BitCounts<T, kOp>>(types);
    return MakeSimple<Bits<T, kOp>>(types);
  }
}

template <BitOp kOp>
void AddBits(AggregateTable& t, std::string_view name, std::string_view help, std::string_view example,
             std::string_view big_example) {
  const uint32_t flags = kOp == BitOp::kXor ? (kRetracts | kSubtracts) : (kIgnoresDistinct | kRetractsIfTold);
  t.push_back({{name, {Arg::kInteger}, Arg::kInteger, nullptr, help, example},
               flags,
               BitStates<int32_t, kOp>,
               MakeBits<int32_t, kOp>});
  t.push_back({{name, {Arg::kBigint}, Arg::kBigint, nullptr, help, big_example},
               flags,
               BitStates<int64_t, kOp>,
               MakeBits<int64_t, kOp>});
}

}  // namespace

void AddLogicAggregates(AggregateTable& t) {
  const auto add = [&](std::string_view name, std::string_view help, std::string_view example, auto make) {
    t.push_back({{name, {Arg::kBoolean}, Arg::kBoolean, nullptr, help, example},
                 kIgnoresDistinct | kRetracts | kSubtracts,
                 Truths::States,
                 make});
  };
  add("bool_and", "true when all arguments that are not null are",
      "bool_and(x::boolean) over true, false, NULL -> f", MakeSimple<TruthResult<true>>);
  add("every", "the same as bool_and", "every(x::boolean) over true, NULL -> t",
      MakeSimple<TruthResult<true>>);
  add("bool_or", "true when one of the arguments is", "bool_or(x::boolean) over true, false, NULL -> t",
      MakeSimple<TruthResult<false>>);
  AddBits<BitOp::kAnd>(t, "bit_and", "the bits that all arguments have", "bit_and(x) over 7, 13, NULL -> 5",
                       "bit_and(x::bigint) over -1, 4294967297 -> 4294967297");
  AddBits<BitOp::kOr>(t, "bit_or", "the bits that any argument has", "bit_or(x) over 1, 4 -> 5",
                      "bit_or(x::bigint) over 1, 4294967296 -> 4294967297");
  AddBits<BitOp::kXor>(t, "bit_xor", "the bits that an odd number of arguments have",
                       "bit_xor(x) over 7, 2, 7 -> 2", "bit_xor(x::bigint) over 1, 4294967297 -> 4294967296");
}

}  // namespace streamrun
