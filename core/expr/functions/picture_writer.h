// Writes the digits of one number into a picture.
#pragma once

#include <string>
#include <string_view>

#include "core/expr/functions/number_picture.h"
#include "core/expr/kernel.h"

namespace streamrun {

/// A number ready for its picture. `digits` has no sign: "12.50", or the Roman number, or all of the output
/// where the picture is scientific.
struct NumberDigits {
  std::string digits;
  char sign = '+';
  int padding = 0;   // digits of the picture before the first one
  int whole = 0;     // of the picture, with those behind V
  int fraction = 0;  // of the picture; double precision has no more than 15 digits in all
};

class PictureWriter {
 public:
  PictureWriter(const NumberPicture& picture, const NumberDigits& number, TextSink& out);
  /// False when the number can have no ordinal suffix; the text so far is to be dropped.
  bool Write();

 private:
  bool WritePart(const NumberPart& part);
  void WriteDigit(NumberPart::Kind kind);
  void WriteLeadingSign();
  void WriteClosingSign();
  void WriteCurrentDigit(NumberPart::Kind kind, bool hidden_zero);
  void WriteRoman(bool lower);
  bool WriteOrdinal(bool lower);
  void WriteSeparator();
  void FindLastRelevant();
  bool EndsAtPoint() const { return last_ >= 0 && number_.digits[static_cast<size_t>(last_)] == '.'; }
  void Push(char c) {
    if (!cut_) out_.Push(c);
  }

  const NumberPicture& picture_;
  const NumberDigits& number_;
  TextSink& out_;
  bool fill_;
  bool bracket_;
  bool zero_;
  bool point_;
  NumberPicture::Anchor sign_;
  char sign_char_;
  int whole_;
  int fraction_;
  int padding_;
  int zero_start_;
  int count_ = 0;     // digits of the picture, as the end is counted
  int last_ = -1;     // FM: the last digit that is not a zero behind the point, or the point; -1 = show all
  int at_ = 0;        // in digits
  int position_ = 0;  // in the picture's digits
  bool sign_done_ = false;
  bool in_number_ = false;
  bool cut_ = false;
};

}  // namespace streamrun
