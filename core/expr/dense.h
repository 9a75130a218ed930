// Tight loops over flat arrays: every row is computed, live or not, so that the compiler can vectorise;
// trouble (overflow, division by zero) is collected in one flag per block and the rows are looked for only
// when it is set.
#pragma once

#include <algorithm>
#include <type_traits>

#include "core/expr/kernel.h"

namespace streamrun {

// An operation gives
//   using In, Out;                                  element types
//   static Out Apply(In a, In b);                   defined for all values
//   static Flag Trouble(In a, In b, Out r);         non-zero when the row fails
//   static Problem Why(In a, In b);                 SQLSTATE and message of a failing row
using Flag = uint64_t;
struct Problem {
  std::string_view code;
  std::string_view message;
};

inline constexpr int64_t kDenseBlock = 1024;

template <typename Op, bool kConstA, bool kConstB>
ColumnPtr DenseLoop(KernelCall& call) {
  using In = typename Op::In;
  using Out = typename Op::Out;
  const In* a = call.arg(0).column->values<In>();
  const In* b = call.arg(1).column->values<In>();
  const int64_t rows = call.rows();
  BufferBuilder values;
  values.Resize(static_cast<size_t>(rows) * sizeof(Out));
  Out* out = values.as<Out>();
  for (int64_t begin = 0; begin < rows; begin += kDenseBlock) {
    const int64_t end = std::min(rows, begin + kDenseBlock);
    Flag trouble = 0;
    for (int64_t i = begin; i < end; ++i) {
      const In x = a[kConstA ? 0 : i];
      const In y = b[kConstB ? 0 : i];
      const Out r = Op::Apply(x, y);
      out[i] = r;
      trouble |= Op::Trouble(x, y, r);
    }
    if (trouble == 0) continue;
    for (int64_t i = begin; i < end; ++i) {
      const In x = a[kConstA ? 0 : i];
      const In y = b[kConstB ? 0 : i];
      if (Op::Trouble(x, y, out[i]) == 0 || !call.is_live(i)) continue;
      const Problem problem = Op::Why(x, y);
      call.Fail(i, problem.code, std::string(problem.message));
    }
  }
  return call.Finish(values.Finish());
}

/// Kernel of a binary operation on fixed-width numbers.
template <typename Op>
ColumnPtr Dense(KernelCall& call) {
  if (call.arg(0).constant) {
    return call.arg(1).constant ? DenseLoop<Op, true, true>(call) : DenseLoop<Op, true, false>(call);
  }
  return call.arg(1).constant ? DenseLoop<Op, false, true>(call) : DenseLoop<Op, false, false>(call);
}

/// Kernel of a total function of one fixed-width value.
template <typename R, typename A, R (*F)(A)>
ColumnPtr DenseUnaryLoop(KernelCall& call) {
  const A* in = call.arg(0).column->values<A>();
  BufferBuilder values;
  values.Resize(static_cast<size_t>(call.rows()) * sizeof(R));
  R* out = values.as<R>();
  if (call.arg(0).constant) {
    std::fill_n(out, call.rows(), F(in[0]));
  } else {
    for (int64_t i = 0; i < call.rows(); ++i) out[i] = F(in[i]);
  }
  return call.Finish(values.Finish());
}

/// The same for one that may fail; the operation's functions take one operand.
template <typename Op>
ColumnPtr DenseUnary(KernelCall& call) {
  using In = typename Op::In;
  using Out = typename Op::Out;
  const In* in = call.arg(0).column->values<In>();
  const int64_t rows = call.rows();
  const int64_t step = call.arg(0).constant ? 0 : 1;
  BufferBuilder values;
  values.Resize(static_cast<size_t>(rows) * sizeof(Out));
  Out* out = values.as<Out>();
  for (int64_t begin = 0; begin < rows; begin += kDenseBlock) {
    const int64_t end = std::min(rows, begin + kDenseBlock);
    Flag trouble = 0;
    if (step == 0) {
      std::fill(out + begin, out + end, Op::Apply(in[0]));
      trouble = Op::Trouble(in[0]);
    } else {
      for (int64_t i = begin; i < end; ++i) {
        out[i] = Op::Apply(in[i]);
        trouble |= Op::Trouble(in[i]);
      }
    }
    if (trouble == 0) continue;
    for (int64_t i = begin; i < end; ++i) {
      if (Op::Trouble(in[i * step]) == 0 || !call.is_live(i)) continue;
      const Problem problem = Op::Why(in[i * step]);
      call.Fail(i, problem.code, std::string(problem.message));
    }
  }
  return call.Finish(values.Finish());
}

}  // namespace streamrun
