// The canonical hash of key columns: decides worker and key group, so it is part of every checkpoint's format
// (docs/formats/keys.md has the bytes and golden vectors).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/data/batch.h"

namespace streamrun {

/// XXH3-64, seed 0, over the canonical key bytes of each row; `hashes` gets `rows` values. Equal keys hash
/// equal across types of one family only when the columns have the same type. Nulls group together, NaN
/// equals NaN, -0 equals 0, numeric without trailing zeros, jsonb canonical.
void HashRows(const std::vector<ColumnPtr>& keys, int64_t rows, std::vector<uint64_t>* hashes);

/// The canonical bytes of one row's key, appended to `out`: what HashRows hashes, usable as a map key.
void AppendKeyBytes(const std::vector<ColumnPtr>& keys, int64_t row, std::string& out);

}  // namespace streamrun
