// Generators of single columns: row number in, value out, a whole column at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "connectors/generate/random.h"
#include "core/data/column.h"

namespace streamrun::generate {

/// Immutable, safe to share between threads. Every value depends on its row number and the stream only.
class ColumnGenerator {
 public:
  virtual ~ColumnGenerator() = default;
  virtual DataType type() const = 0;
  /// Bytes a value takes on average.
  virtual int64_t ValueBytes() const { return 8; }
  /// Values of rows [first, first + rows).
  virtual ColumnPtr Fill(const RandomStream& random, int64_t first, int64_t rows) const = 0;
};
using ColumnGeneratorPtr = std::shared_ptr<const ColumnGenerator>;

/// start + step * (row modulo cycle); cycle 0: no modulo. Wraps around at the ends of bigint.
ColumnGeneratorPtr Sequence(int64_t start, int64_t step, int64_t cycle);
/// min <= value <= max.
ColumnGeneratorPtr UniformBigint(int64_t min, int64_t max);
/// min <= value < max.
ColumnGeneratorPtr UniformDouble(double min, double max);
ColumnGeneratorPtr Normal(double mean, double deviation);
/// 1 <= value <= values, P(value) ~ 1 / value^exponent.
ColumnGeneratorPtr Zipf(int64_t values, double exponent);
/// ASCII text of min to max characters out of `characters` (not empty).
ColumnGeneratorPtr RandomText(int64_t min, int64_t max, std::string characters);
/// start + row's time - a uniform jitter below `jitter`. Row `n` stands at n * period / rows microseconds.
struct TimeSteps {
  int64_t start = 0;   // microseconds since the epoch
  int64_t rows = 1;    // > 0
  int64_t period = 0;  // microseconds that `rows` rows take
  int64_t jitter = 0;  // microseconds
};
ColumnGeneratorPtr Time(DataType type, TimeSteps steps);
/// One of the rows of `values`, with these weights (positive, as many as values).
ColumnGeneratorPtr Choice(ColumnPtr values, const std::vector<double>& weights);
/// `generator` with this share of its values replaced by null.
ColumnGeneratorPtr WithNulls(ColumnGeneratorPtr generator, double share);

}  // namespace streamrun::generate
