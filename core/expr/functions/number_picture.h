// The pictures of to_char and to_number for numbers: '9,999.99MI' (PostgreSQL manual 9.8, tables 9.29
// and 9.30), in the C locale: point '.', separator ',', signs '+' and '-', a blank for the currency.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/status.h"
#include "core/data/column.h"

namespace streamrun {

struct NumberPart {
  enum Kind : uint8_t {
    kText,          // one character, copied
    kNine,          // 9
    kZero,          // 0
    kPoint,         // . D
    kComma,         // , G
    kCurrency,      // L
    kRoman,         // RN
    kRomanLower,    // rn
    kOrdinal,       // TH
    kOrdinalLower,  // th
    kMinus,         // MI
    kPlus,          // PL
    kEitherSign,    // SG
    kNothing,       // S PR V FM EEEE and what is ignored: B C SP
  };
  Kind kind = kNothing;
  uint8_t size = 0;  // of text
  char text[4] = {};
};

struct NumberPicture {
  enum Anchor : uint8_t { kNone, kBefore, kAfter };

  std::vector<NumberPart> parts;
  int whole = 0;        // digits before the point
  int fraction = 0;     // behind it
  int shift = 0;        // behind V
  int zero_start = 0;   // 1-based position of the first 0 before the point; 0 = none
  int zero_end = 0;     // digits up to and with the last 0
  Anchor sign = kNone;  // S
  int sign_at = 0;      // digits before an S that stands before the point
  bool zero = false;    // a 0 before the point
  bool point = false;
  bool fill = false;     // FM
  bool bracket = false;  // PR
  bool minus = false;    // MI SG
  bool plus = false;     // PL SG
  bool roman = false;
  bool shifted = false;     // V
  bool scientific = false;  // EEEE
  bool blank = false;       // B
  // Not a picture when not empty: SQLSTATE 42601 and the message.
  std::string_view problem;

  explicit NumberPicture(std::string_view format);

 private:
  bool Add(std::string_view keyword);
};

/// Function::prepare where the second argument is the picture: KernelCall::prepared<NumberPicture>().
Result<std::shared_ptr<const void>> PrepareNumberPicture(std::span<const ColumnPtr> constants);

/// The picture of each row: the prepared one, or the one of the last format.
class NumberPictures {
 public:
  explicit NumberPictures(const NumberPicture* prepared) : prepared_(prepared) {}
  const NumberPicture& Of(std::string_view format) {
    if (prepared_ != nullptr) return *prepared_;
    if (last_ == nullptr || last_format_ != format) {
      last_ = std::make_unique<NumberPicture>(format);
      last_format_ = format;
    }
    return *last_;
  }

 private:
  const NumberPicture* prepared_;
  std::string last_format_;
  std::unique_ptr<NumberPicture> last_;
};

/// Bytes of the UTF-8 character that begins at text[at], at most to the end.
size_t CharacterSize(std::string_view text, size_t at);

}  // namespace streamrun
