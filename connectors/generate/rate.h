// Rates ("10000/s") and the pacer that keeps one.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/status.h"
#include "core/base/time.h"

namespace streamrun::generate {

/// `rows` per `period`; rows == 0: as fast as possible.
struct Rate {
  int64_t rows = 0;
  Duration period = kSecond;

  bool limited() const { return rows > 0; }
  /// Rows that fall into `duration`, rounded down.
  int64_t RowsIn(Duration duration) const;
  /// When row `row` is due, counted from row 0.
  Duration TimeOf(int64_t row) const;
};

/// "10000/s", "600/m", "10/h", "2.5k/s", "1M/s", "0" or "none". InvalidArgument says what is wrong.
Result<Rate> ParseRate(std::string_view text);

/// Says when a row is due. After a stall it lets at most `catch_up` worth of rows out at once: what is older
/// is given up, so a paused pipeline does not resume with a flood.
class Pacer {
 public:
  explicit Pacer(Rate rate, Duration catch_up = kSecond) : rate_(rate), catch_up_(catch_up) {}

  /// Row `row` is due at `now`.
  void Start(int64_t row, Timestamp now) {
    anchor_row_ = row;
    anchor_ = now;
  }
  /// 0 when row `row` may go out at `now`, else the time at which it may.
  Timestamp NotBefore(int64_t row, Timestamp now);

 private:
  Rate rate_;
  Duration catch_up_;
  int64_t anchor_row_ = 0;
  Timestamp anchor_ = 0;
};

}  // namespace streamrun::generate
