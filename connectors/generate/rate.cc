#include "connectors/generate/rate.h"

#include <charconv>
#include <cmath>
#include <string>

namespace streamrun::generate {
namespace {

Status Bad(std::string_view text, std::string_view why) {
  return Status::InvalidArgument("'" + std::string(text) + "' is not a rate: " + std::string(why));
}

int64_t Scale(char suffix) {
  switch (suffix) {
    case 'k':
      return 1000;
    case 'M':
      return 1000 * 1000;
    default:
      return 0;
  }
}

Duration Period(std::string_view unit) {
  if (unit == "s") return kSecond;
  if (unit == "m") return kMinute;
  if (unit == "h") return kHour;
  return 0;
}

}  // namespace

int64_t Rate::RowsIn(Duration duration) const {
  return static_cast<int64_t>(static_cast<__int128>(rows) * duration / period);
}

Duration Rate::TimeOf(int64_t row) const {
  return static_cast<Duration>(static_cast<__int128>(row) * period / rows);
}

Result<Rate> ParseRate(std::string_view text) {
  if (text == "0" || text == "none") return Rate{};
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos)
    return Bad(text, "it needs a unit of time, such as " + std::string(text) + "/s");
  std::string_view number = text.substr(0, slash);
  int64_t scale = 1;
  if (!number.empty() && Scale(number.back()) != 0) {
    scale = Scale(number.back());
    number.remove_suffix(1);
  }
  double value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error != std::errc() || end != number.data() + number.size() || !std::isfinite(value) || value <= 0) {
    return Bad(text, "it begins with a positive number");
  }
  const Duration period = Period(text.substr(slash + 1));
  if (period == 0) return Bad(text, "the unit of time is s, m or h");
  // Fractions are kept to a thousandth by lengthening the period.
  const double thousandths = value * static_cast<double>(scale) * 1000;
  if (thousandths < 1 || thousandths > 1e15) return Bad(text, "it lies outside 0.001 to 1e12 rows");
  const int64_t whole = std::llround(thousandths);
  return whole % 1000 == 0 ? Rate{whole / 1000, period} : Rate{whole, period * 1000};
}

Timestamp Pacer::NotBefore(int64_t row, Timestamp now) {
  const Timestamp due = anchor_ + rate_.TimeOf(row - anchor_row_);
  if (now < due) return due;
  if (now - due > catch_up_) anchor_ += now - due - catch_up_;
  return 0;
}

}  // namespace streamrun::generate
