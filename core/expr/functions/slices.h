// Text results that are parts of the first argument.
#pragma once

#include <emmintrin.h>

#include "core/expr/kernel.h"

namespace streamrun {

/// Copies bytes that both sides may overrun by up to 15; short ones in one move.
inline void CopySlice(char* to, std::string_view part, const char* readable_end) {
  if (part.empty()) return;  // it may stand nowhere
  if (part.size() <= 16 && part.data() + 16 <= readable_end) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(part.data()));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), bytes);
  } else {
    std::memcpy(to, part.data(), part.size());
  }
}

/// Runs f(row, text) for the live rows; it gives a part of its text, or drops the row. All parts together are
/// no longer than the argument, so the room is taken once.
template <typename F>
ColumnPtr WriteSlices(KernelCall& call, F&& f) {
  const Reader<std::string_view> texts(call.arg(0));
  if (call.arg(0).constant) {
    return WriteText(call, [&](Row& row, TextSink& out) {
      const std::string_view part = f(row, texts[row.number()]);
      if (!row.dropped() && row.Room(out, part.size())) out.Append(part);
    });
  }
  const int32_t* from = call.arg(0).column->values<int32_t>();
  const char* readable_end = call.arg(0).column->text_data() + from[call.rows()];
  BufferBuilder offsets;
  offsets.Resize(static_cast<size_t>(call.rows() + 1) * 4);
  BufferBuilder bytes;
  bytes.Resize(static_cast<size_t>(from[call.rows()] - from[0]) + 16);
  char* out = bytes.as<char>();
  auto* ends = offsets.as<int32_t>();
  ends[0] = 0;
  int32_t size = 0;
  int64_t done = 0;
  Row row(call);
  ForEachRow(call.live(), call.rows(), [&](int64_t r) {
    while (done < r) ends[++done] = size;
    row.MoveTo(r);
    const std::string_view part = f(row, texts[r]);
    if (!row.dropped()) {
      CopySlice(out + size, part, readable_end);
      size += static_cast<int32_t>(part.size());
    }
    ends[++done] = size;
  });
  while (done < call.rows()) ends[++done] = size;
  bytes.Resize(static_cast<size_t>(size));
  return call.Finish(offsets.Finish(), bytes.Finish());
}

// SliceRows<F>: a kernel from std::string_view F(Row&, std::string_view, args...).
template <typename F>
struct SliceSignature;
template <typename... A>
struct SliceSignature<std::string_view (*)(Row&, std::string_view, A...)> {
  template <auto F, size_t... I>
  static ColumnPtr Run(KernelCall& call, std::index_sequence<I...>) {
    const std::tuple<Reader<std::decay_t<A>>...> in{Reader<std::decay_t<A>>(call.arg(I + 1))...};
    return WriteSlices(call, [&](Row& row, std::string_view text) {
      return F(row, text, std::get<I>(in)[row.number()]...);
    });
  }
  static constexpr size_t kArity = sizeof...(A);
};

template <auto F>
ColumnPtr SliceRows(KernelCall& call) {
  using Signature = SliceSignature<decltype(F)>;
  return Signature::template Run<F>(call, std::make_index_sequence<Signature::kArity>{});
}

}  // namespace streamrun
