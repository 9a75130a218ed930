#include "runner/exec/counters.h"

#include <algorithm>

namespace streamrun {

void AddCounts(const RowCounts& from, RowCounts* to, int64_t sign) {
  to->rows_in += sign * from.rows_in;
  to->rows_out += sign * from.rows_out;
  to->bytes_in += sign * from.bytes_in;
  to->bytes_out += sign * from.bytes_out;
  to->replayed += sign * from.replayed;
  to->busy_us += sign * from.busy_us;
  for (size_t i = 0; i < kFateCount; ++i) to->fates[i] += sign * from.fates[i];
  to->port_rows.resize(std::max(to->port_rows.size(), from.port_rows.size()));
  for (size_t i = 0; i < from.port_rows.size(); ++i) to->port_rows[i] += sign * from.port_rows[i];
}

}  // namespace streamrun
