// NOT, IS NULL, IS TRUE and their like. AND and OR are nodes of their own: they decide what is evaluated.
#include "core/expr/function.h"
#include "core/expr/kernel.h"

namespace streamrun {

namespace {

ColumnPtr FromWords(KernelCall& call, const RowSet& words) {
  return call.Finish(BitmapOf(words.data(), call.rows()));
}

ColumnPtr Not(KernelCall& call) {
  const Vector& v = call.arg(0);
  RowSet words(static_cast<size_t>(WordsFor(call.rows())));
  for (int64_t w = 0; w < WordsFor(call.rows()); ++w) {
    const uint64_t mask = WordMask(w, call.rows());
    const uint64_t bits =
        v.constant ? (v.column->Bool(0) ? mask : 0) : LoadWord(v.column->values<uint8_t>(), w, call.rows());
    words[static_cast<size_t>(w)] = ~bits & mask;
  }
  return FromWords(call, words);
}

// Rows whose argument is null.
RowSet NullRows(KernelCall& call) {
  const Vector& v = call.arg(0);
  RowSet words(static_cast<size_t>(WordsFor(call.rows())), 0);
  if (!v.column->has_nulls()) return words;
  for (int64_t w = 0; w < WordsFor(call.rows()); ++w) {
    const uint64_t mask = WordMask(w, call.rows());
    words[static_cast<size_t>(w)] =
        v.constant ? mask : ~LoadWord(v.column->validity(), w, call.rows()) & mask;
  }
  return words;
}

void Invert(RowSet& words, int64_t rows) {
  for (int64_t w = 0; w < WordsFor(rows); ++w) {
    words[static_cast<size_t>(w)] = ~words[static_cast<size_t>(w)] & WordMask(w, rows);
  }
}

template <bool kNegated>
ColumnPtr IsNull(KernelCall& call) {
  RowSet words = NullRows(call);
  if (kNegated) Invert(words, call.rows());
  return FromWords(call, words);
}

// Rows where a boolean has the value and is not null.
template <bool kValue, bool kNegated>
ColumnPtr Is(KernelCall& call) {
  const Vector& v = call.arg(0);
  const RowSet nulls = NullRows(call);
  RowSet words(nulls.size());
  for (int64_t w = 0; w < WordsFor(call.rows()); ++w) {
    const uint64_t mask = WordMask(w, call.rows());
    const uint64_t bits =
        v.constant ? (v.column->Bool(0) ? mask : 0) : LoadWord(v.column->values<uint8_t>(), w, call.rows());
    words[static_cast<size_t>(w)] = (kValue ? bits : ~bits) & ~nulls[static_cast<size_t>(w)] & mask;
  }
  if (kNegated) Invert(words, call.rows());
  return FromWords(call, words);
}

}  // namespace

void AddBoolean(FunctionTable& t) {
  using enum Arg;
  constexpr uint32_t kSyntax = kTotal | kNoHelp;
  t.push_back({"not", {kBoolean}, kBoolean, Not, "negation", "NOT true -> f", kSyntax});
  t.push_back(
      {"is_null", {kAny}, kBoolean, IsNull<false>, "is null", "NULL IS NULL -> t", kSyntax | kSeesNulls});
  t.push_back({"is_not_null",
               {kAny},
               kBoolean,
               IsNull<true>,
               "is not null",
               "1 IS NOT NULL -> t",
               kSyntax | kSeesNulls});
  t.push_back({"is_true",
               {kBoolean},
               kBoolean,
               Is<true, false>,
               "is true",
               "true IS TRUE -> t",
               kSyntax | kSeesNulls});
  t.push_back({"is_not_true",
               {kBoolean},
               kBoolean,
               Is<true, true>,
               "is false or null",
               "NULL IS NOT TRUE -> t",
               kSyntax | kSeesNulls});
  t.push_back({"is_false",
               {kBoolean},
               kBoolean,
               Is<false, false>,
               "is false",
               "false IS FALSE -> t",
               kSyntax | kSeesNulls});
  t.push_back({"is_not_false",
               {kBoolean},
               kBoolean,
               Is<false, true>,
               "is true or null",
               "NULL IS NOT FALSE -> t",
               kSyntax | kSeesNulls});
  t.push_back({"is_unknown",
               {kBoolean},
               kBoolean,
               IsNull<false>,
               "is null",
               "NULL IS UNKNOWN -> t",
               kSyntax | kSeesNulls});
  t.push_back({"is_not_unknown",
               {kBoolean},
               kBoolean,
               IsNull<true>,
               "is not null",
               "NULL IS NOT UNKNOWN -> f",
               kSyntax | kSeesNulls});
}

}  // namespace streamrun
