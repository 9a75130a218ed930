#include "connectors/generate/column_generator.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/data/selection.h"

namespace streamrun::generate {
namespace {

/// A column of 8-byte values, each computed from its row number.
template <typename T, typename F>
ColumnPtr Each(const DataType& type, int64_t first, int64_t rows, F value_of) {
  BufferBuilder values;
  values.Resize(static_cast<size_t>(rows) * sizeof(T));
  T* out = values.as<T>();
  for (int64_t i = 0; i < rows; ++i) out[i] = value_of(static_cast<uint64_t>(first + i));
  return std::make_shared<Column>(type, rows, 0, nullptr, values.Finish());
}

class SequenceColumn final : public ColumnGenerator {
 public:
  SequenceColumn(int64_t start, int64_t step, int64_t cycle)
      : start_(static_cast<uint64_t>(start)),
        step_(static_cast<uint64_t>(step)),
        cycle_(static_cast<uint64_t>(cycle)) {}
  DataType type() const override { return TypeId::kBigint; }
  ColumnPtr Fill(const RandomStream&, int64_t first, int64_t rows) const override {
    // Unsigned arithmetic wraps, as documented.
    if (cycle_ == 0) {
      return Each<int64_t>(type(), first, rows,
                           [this](uint64_t row) { return static_cast<int64_t>(start_ + step_ * row); });
    }
    return Each<int64_t>(type(), first, rows, [this](uint64_t row) {
      return static_cast<int64_t>(start_ + step_ * (row % cycle_));
    });
  }

 private:
  uint64_t start_, step_, cycle_;
};

class UniformBigintColumn final : public ColumnGenerator {
 public:
  UniformBigintColumn(int64_t min, int64_t max)
      : min_(static_cast<uint64_t>(min)),
        span_(static_cast<uint64_t>(max) - static_cast<uint64_t>(min) + 1) {}
  DataType type() const override { return TypeId::kBigint; }
  ColumnPtr Fill(const RandomStream& random, int64_t first, int64_t rows) const override {
    // A span of 2^64 overflows to 0: every value is allowed.
    return Each<int64_t>(type(), first, rows, [&](uint64_t row) {
      const uint64_t r = random.At(row);
      return static_cast<int64_t>(min_ + (span_ == 0 ? r : Below(r, span_)));
    });
  }

 private:
  uint64_t min_, span_;
};

class UniformDoubleColumn final : public ColumnGenerator {
 public:
  UniformDoubleColumn(double min, double max) : min_(min), span_(max - min) {}
  DataType type() const override { return TypeId::kDouble; }
  ColumnPtr Fill(const RandomStream& random, int64_t first, int64_t rows) const override {
    return Each<double>(type(), first, rows,
                        [&](uint64_t row) { return min_ + span_ * Unit(random.At(row)); });
  }

 private:
  double min_, span_;
};

class NormalColumn final : public ColumnGenerator {
 public:
  NormalColumn(double mean, double deviation) : mean_(mean), deviation_(deviation) {}
  DataType type() const override { return TypeId::kDouble; }
  ColumnPtr Fill(const RandomStream& random, int64_t first, int64_t rows) const override {
    // Box and Muller (1958): one of the pair is enough, since rows must not depend on each other.
    return Each<double>(type(), first, rows, [&](uint64_t row) {
      const double radius = std::sqrt(-2 * std::log(1 - Unit(random.At(row, 0))));
      return mean_ + deviation_ * radius * std::cos(2 * std::numbers::pi * Unit(random.At(row, 1)));
    });
  }

 private:
  double mean_, deviation_;
};

/// Rejection-inversion for monotone discrete distributions (Hörmann and Derflinger, 1996): exact, no table.
class ZipfColumn final : public ColumnGenerator {
 public:
  ZipfColumn(int64_t values, double exponent)
      : values_(static_cast<double>(values)),
        exponent_(exponent),
        low_(Integral(1.5) - 1),
        high_(Integral(values_ + 0.5)),
        shortcut_(2 - Inverse(Integral(2.5) - Weight(2))) {}
  DataType type() const override { return TypeId::kBigint; }
  ColumnPtr Fill(const RandomStream& random, int64_t first, int64_t rows) const override {
    return Each<int64_t>(type(), first, rows, [&](uint64_t row) {
      for (uint64_t draw = 0;; ++draw) {
        const double u = high_ + Unit(random.At(row, draw)) * (low_ - high_);
        const double x = Inverse(u);
        const double k = std::clamp(std::floor(x + 0.5), 1.0, values_);
        if (k - x <= shortcut_ || u >= Integral(k + 0.5) - Weight(k)) return static_cast<int64_t>(k);
      }
    });
  }

 private:
  double Weight(double x) const { return std::exp(-exponent_ * std::log(x)); }
  /// Integral of Weight up to a constant; the series near exponent 1 keeps it exact there.
  double Integral(double x) const {
    const double log_x = std::log(x);
    const double t = (1 - exponent_) * log_x;
    return log_x * (std::abs(t) > 1e-8 ? std::expm1(t) / t : 1 + t / 2);
  }
  double Inverse(double x) const {
    const double t = std::max(x * (1 - exponent_), -1.0);
    return std::exp(x * (std::abs(t) > 1e-8 ? std::log1p(t) / t : 1 - t / 2));
  }

  double values_, exponent_, low_, high_, shortcut_;
};

class RandomTextColumn final : public ColumnGenerator {
 public:
  RandomTextColumn(int64_t min, int64_t max, std::string characters)
      : min_(static_cast<uint64_t>(min)),
        span_(static_cast<uint64_t>(max - min + 1)),
        characters_(std::move(characters)) {}
  DataType type() const override { return TypeId::kText; }
  int64_t ValueBytes() const override { return static_cast<int64_t>(min_ + span_ / 2) + 4; }
  ColumnPtr Fill(const RandomStream& random, int64_t first, int64_t rows) const override {
    BufferBuilder offsets, data;
    offsets.Resize(static_cast<size_t>(rows + 1) * 4);
    int32_t* ends = offsets.as<int32_t>();
    ends[0] = 0;
    for (int64_t i = 0; i < rows; ++i) {
      const uint64_t seed = random.At(static_cast<uint64_t>(first + i));
      const size_t length = min_ + Below(seed, span_);
      uint8_t* out = data.Ensure(length);
      for (size_t k = 0; k < length; ++k) {
        out[k] =
            static_cast<uint8_t>(characters_[Below(Mix(seed + k * RandomStream::kStep), characters_.size())]);
      }
      data.Advance(length);
      ends[i + 1] = static_cast<int32_t>(data.size());
    }
    return std::make_shared<Column>(type(), rows, 0, nullptr, offsets.Finish(), data.Finish());
  }

 private:
  uint64_t min_, span_;
  std::string characters_;
};

class TimeColumn final : public ColumnGenerator {
 public:
  TimeColumn(DataType type, TimeSteps steps) : type_(std::move(type)), steps_(steps) {}
  DataType type() const override { return type_; }
  ColumnPtr Fill(const RandomStream& random, int64_t first, int64_t rows) const override {
    const TimeSteps s = steps_;
    return Each<int64_t>(type_, first, rows, [&](uint64_t row) {
      const int64_t late =
          s.jitter > 0 ? static_cast<int64_t>(Below(random.At(row), static_cast<uint64_t>(s.jitter))) : 0;
      return s.start + static_cast<int64_t>(static_cast<__int128>(row) * s.period / s.rows) - late;
    });
  }

 private:
  DataType type_;
  TimeSteps steps_;
};

/// Walker's alias method (Vose, 1991): one draw picks a slot and decides between the slot and its alias.
class ChoiceColumn final : public ColumnGenerator {
 public:
  ChoiceColumn(ColumnPtr values, const std::vector<double>& weights) : values_(std::move(values)) {
    const size_t n = weights.size();
    double sum = 0;
    for (const double w : weights) sum += w;
    std::vector<double> scaled;
    for (const double w : weights) scaled.push_back(w * static_cast<double>(n) / sum);
    threshold_.assign(n, 1.0);
    alias_.resize(n);
    std::vector<uint32_t> small, large;
    for (uint32_t i = 0; i < n; ++i) {
      alias_[i] = i;
      (scaled[i] < 1 ? small : large).push_back(i);
    }
    while (!small.empty() && !large.empty()) {
      const uint32_t s = small.back(), l = large.back();
      small.pop_back();
      threshold_[s] = scaled[s];
      alias_[s] = l;
      scaled[l] -= 1 - scaled[s];
      if (scaled[l] < 1) {
        large.pop_back();
        small.push_back(l);
      }
    }
  }
  DataType type() const override { return values_->type(); }
  int64_t ValueBytes() const override {
    return std::max<int64_t>(
        1, static_cast<int64_t>(values_->ByteSize()) / std::max<int64_t>(1, values_->length()));
  }
  ColumnPtr Fill(const RandomStream& random, int64_t first, int64_t rows) const override {
    Selection picked(static_cast<size_t>(rows));
    const uint64_t n = threshold_.size();
    for (int64_t i = 0; i < rows; ++i) {
      const uint64_t r = random.At(static_cast<uint64_t>(first + i));
      const auto slot = static_cast<uint32_t>(Below(r, n));
      // The product's low half is uniform within the slot.
      const double within = Unit(r * n);
      picked[static_cast<size_t>(i)] = within < threshold_[slot] ? slot : alias_[slot];
    }
    return Take(values_, picked);
  }

 private:
  ColumnPtr values_;
  std::vector<double> threshold_;
  std::vector<uint32_t> alias_;
};

class NullableColumn final : public ColumnGenerator {
 public:
  NullableColumn(ColumnGeneratorPtr inner, double share) : inner_(std::move(inner)), share_(share) {}
  DataType type() const override { return inner_->type(); }
  int64_t ValueBytes() const override { return inner_->ValueBytes(); }
  ColumnPtr Fill(const RandomStream& random, int64_t first, int64_t rows) const override {
    const ColumnPtr all = inner_->Fill(random, first, rows);
    BufferBuilder validity;
    validity.ResizeZeroed(static_cast<size_t>((rows + 7) / 8));
    int64_t nulls = 0;
    for (int64_t i = 0; i < rows; ++i) {
      const bool present = Unit(random.At(static_cast<uint64_t>(first + i), kNullDraw)) >= share_;
      PutBit(validity.data(), i, present);
      nulls += !present;
    }
    return std::make_shared<Column>(all->type(), rows, nulls, validity.Finish(), all->values_buffer(),
                                    all->data_buffer());
  }

 private:
  // Far from the draws that generators use, so that nullness says nothing about the value.
  static constexpr uint64_t kNullDraw = 1u << 20;
  ColumnGeneratorPtr inner_;
  double share_;
};

}  // namespace

ColumnGeneratorPtr Sequence(int64_t start, int64_t step, int64_t cycle) {
  return std::make_shared<SequenceColumn>(start, step, cycle);
}
ColumnGeneratorPtr UniformBigint(int64_t min, int64_t max) {
  return std::make_shared<UniformBigintColumn>(min, max);
}
ColumnGeneratorPtr UniformDouble(double min, double max) {
  return std::make_shared<UniformDoubleColumn>(min, max);
}
ColumnGeneratorPtr Normal(double mean, double deviation) {
  return std::make_shared<NormalColumn>(mean, deviation);
}
ColumnGeneratorPtr Zipf(int64_t values, double exponent) {
  return std::make_shared<ZipfColumn>(values, exponent);
}
ColumnGeneratorPtr RandomText(int64_t min, int64_t max, std::string characters) {
  return std::make_shared<RandomTextColumn>(min, max, std::move(characters));
}
ColumnGeneratorPtr Time(DataType type, TimeSteps steps) {
  return std::make_shared<TimeColumn>(std::move(type), steps);
}
ColumnGeneratorPtr Choice(ColumnPtr values, const std::vector<double>& weights) {
  return std::make_shared<ChoiceColumn>(std::move(values), weights);
}
ColumnGeneratorPtr WithNulls(ColumnGeneratorPtr generator, double share) {
  return std::make_shared<NullableColumn>(std::move(generator), share);
}

}  // namespace streamrun::generate
