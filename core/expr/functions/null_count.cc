// num_nulls and num_nonnulls (manual 9.2).
#include "core/expr/function.h"
#include "core/expr/kernel.h"

namespace streamrun {

namespace {

template <bool kNulls>
ColumnPtr Count(KernelCall& call) {
  Writer<int32_t> out(call);
  ForEachRow(call.live(), call.rows(), [&](int64_t row) {
    int32_t count = 0;
    for (size_t i = 0; i < call.arg_count(); ++i) count += call.arg(i).IsNull(row) == kNulls;
    out.Put(row, count);
  });
  return out.Finish(call);
}

}  // namespace

void AddNullCount(FunctionTable& t) {
  using enum Arg;
  constexpr uint32_t kFlags = kTotal | kSeesNulls | kVariadic;
  t.push_back({"num_nulls",
               {kAny},
               kInteger,
               Count<true>,
               "the number of arguments that are null",
               "num_nulls(1, NULL, 2) -> 1",
               kFlags});
  t.push_back({"num_nonnulls",
               {kAny},
               kInteger,
               Count<false>,
               "the number of arguments that are not null",
               "num_nonnulls(1, NULL, 2) -> 2",
               kFlags});
}

}  // namespace streamrun
