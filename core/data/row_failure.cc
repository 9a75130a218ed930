#include "core/data/row_failure.h"

#include <algorithm>

namespace streamrun {

void SortFailures(std::vector<RowFailure>& failures, size_t from) {
  const auto begin = failures.begin() + static_cast<std::ptrdiff_t>(from);
  std::stable_sort(begin, failures.end(),
                   [](const RowFailure& a, const RowFailure& b) { return a.row < b.row; });
  failures.erase(std::unique(begin, failures.end(),
                             [](const RowFailure& a, const RowFailure& b) { return a.row == b.row; }),
                 failures.end());
}

}  // namespace streamrun
