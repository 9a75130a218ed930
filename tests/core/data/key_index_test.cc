#include "core/data/key_index.h"

#include <doctest/doctest.h>

#include <limits>

#include "core/data/column_builder.h"

namespace streamrun {
namespace {

ColumnPtr Bigints(int64_t count, int64_t step) {
  ColumnBuilder builder(TypeId::kBigint);
  for (int64_t i = 0; i < count; ++i) builder.Append(i * step);
  return builder.Finish();
}

TEST_CASE("every key of a large index finds its own row and no other key finds one") {
  constexpr int64_t kRows = 100'000;
  // Steps that are powers of two leave the low bits of every key equal.
  for (const int64_t step : {int64_t{1}, int64_t{4096}, int64_t{1} << 40}) {
    KeyIndex index;
    REQUIRE_FALSE(index.Build({Bigints(kRows, step)}, kRows));
    std::vector<uint32_t> found;
    index.Find({Bigints(kRows + 10, step)}, kRows + 10, &found);
    int64_t wrong = 0;
    for (int64_t i = 0; i < kRows; ++i) wrong += found[static_cast<size_t>(i)] != i;
    CHECK(wrong == 0);
    for (int64_t i = kRows; i < kRows + 10; ++i) CHECK(found[static_cast<size_t>(i)] == KeyIndex::kNone);
  }
}

TEST_CASE("rows behind the given number are not indexed, and nulls equal nothing") {
  ColumnBuilder builder(TypeId::kText);
  builder.AppendText("a");
  builder.AppendNull();
  builder.AppendNull();
  builder.AppendText("a");
  const ColumnPtr keys = builder.Finish();
  KeyIndex index;
  REQUIRE_FALSE(index.Build({keys}, 3));
  std::vector<uint32_t> found;
  index.Find({keys}, 4, &found);
  CHECK(found == std::vector<uint32_t>{0, KeyIndex::kNone, KeyIndex::kNone, 0});
}

TEST_CASE("doubles are equal as keys are: -0 and 0, NaN and NaN") {
  ColumnBuilder builder(TypeId::kDouble);
  builder.Append(0.0);
  builder.Append(std::numeric_limits<double>::quiet_NaN());
  builder.Append(1.5);
  KeyIndex index;
  REQUIRE_FALSE(index.Build({builder.Finish()}, 3));
  builder.Append(-0.0);
  builder.Append(-std::numeric_limits<double>::quiet_NaN());
  builder.Append(2.5);
  std::vector<uint32_t> found;
  index.Find({builder.Finish()}, 3, &found);
  CHECK(found == std::vector<uint32_t>{0, 1, KeyIndex::kNone});
}

TEST_CASE("a duplicate names both rows") {
  ColumnBuilder a(TypeId::kInteger), b(TypeId::kText);
  for (const auto& [number, text] : {std::pair{1, "x"}, {1, "y"}, {2, "x"}, {1, "y"}}) {
    a.Append(int32_t{number});
    b.AppendText(text);
  }
  KeyIndex index;
  const auto twice = index.Build({a.Finish(), b.Finish()}, 4);
  REQUIRE(twice);
  CHECK(twice->first == 1);
  CHECK(twice->second == 3);
}

}  // namespace
}  // namespace streamrun
