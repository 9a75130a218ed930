// The order of events is PostgreSQL's (its number pictures are Oracle's, with their own ideas): a sign stands
// directly before the first digit that is written, a zero before the point disappears where the picture has a
// fraction and no 0, separators before the first digit are blanks, and FM drops blanks and trailing zeros.
#include "core/expr/functions/picture_writer.h"

#include <algorithm>

namespace streamrun {

PictureWriter::PictureWriter(const NumberPicture& picture, const NumberDigits& number, TextSink& out)
    : picture_(picture),
      number_(number),
      out_(out),
      fill_(picture.fill),
      bracket_(picture.bracket && !picture.roman),
      zero_(picture.zero && !picture.roman),
      point_(picture.point && !picture.roman),
      sign_(picture.roman ? NumberPicture::kNone : picture.sign),
      sign_char_(picture.roman ? '\0' : number.sign),
      whole_(picture.roman ? 0 : number.whole),
      fraction_(picture.roman ? 0 : number.fraction),
      padding_(picture.roman ? 0 : number.padding),
      zero_start_(std::max(0, picture.zero_start - 1)) {
  const bool minus = picture.minus && !picture.roman;
  const bool plus = picture.plus && !picture.roman;
  const bool anchored = sign_ != NumberPicture::kNone;
  if (plus || minus) {
    sign_done_ = minus;  // MI and SG write it where they stand
  } else {
    if (sign_char_ != '-' && fill_) bracket_ = false;
    sign_done_ = sign_char_ == '+' && fill_ && !anchored;
    // An S behind the last digit before the point is behind the number.
    if (sign_ == NumberPicture::kBefore && whole_ == picture.sign_at) sign_ = NumberPicture::kAfter;
  }
  count_ = fraction_ + whole_ - 1;
  if (fill_ && point_) FindLastRelevant();
  if (!sign_done_ && padding_ == 0) ++count_;
}

void PictureWriter::FindLastRelevant() {
  const std::string& digits = number_.digits;
  const size_t point = digits.find('.');
  if (point == std::string::npos) return;
  last_ = static_cast<int>(digits.find_last_not_of('0'));
  if (picture_.zero_end > padding_) {
    last_ = std::max(last_, std::min(static_cast<int>(digits.size()) - 1, picture_.zero_end - padding_));
  }
}

bool PictureWriter::Write() {
  if (picture_.scientific) {
    out_.Append(number_.digits);
    return true;
  }
  for (const NumberPart& part : picture_.parts) {
    if (!WritePart(part)) return false;
  }
  return true;
}

bool PictureWriter::WritePart(const NumberPart& part) {
  switch (part.kind) {
    case NumberPart::kText:
      for (int i = 0; i < part.size; ++i) Push(part.text[i]);
      return true;
    case NumberPart::kNine:
    case NumberPart::kZero:
    case NumberPart::kPoint:
      if (!picture_.roman) WriteDigit(part.kind);
      return true;
    case NumberPart::kComma:
      WriteSeparator();
      return true;
    case NumberPart::kCurrency:
      Push(' ');
      return true;
    case NumberPart::kRoman:
    case NumberPart::kRomanLower:
      WriteRoman(part.kind == NumberPart::kRomanLower);
      return true;
    case NumberPart::kOrdinal:
    case NumberPart::kOrdinalLower:
      return WriteOrdinal(part.kind == NumberPart::kOrdinalLower);
    case NumberPart::kMinus:
      if (sign_char_ == '-' || !fill_) Push(sign_char_ == '-' ? '-' : ' ');
      return true;
    case NumberPart::kPlus:
      if (sign_char_ == '+' || !fill_) Push(sign_char_ == '+' ? '+' : ' ');
      return true;
    case NumberPart::kEitherSign:
      // A Roman number has no sign: in PostgreSQL the C string ends here.
      if (sign_char_ == '\0') cut_ = true;
      Push(sign_char_);
      return true;
    case NumberPart::kNothing:
      return true;
  }
  return true;
}

void PictureWriter::WriteDigit(NumberPart::Kind kind) {
  in_number_ = false;
  const bool hidden_zero = !zero_ && at_ == 0 && number_.digits[0] == '0' && fraction_ != 0;
  const bool starts = position_ >= padding_ || (zero_ && zero_start_ == position_);
  if (!sign_done_ && starts && (!hidden_zero || EndsAtPoint())) WriteLeadingSign();
  if (position_ >= padding_) {
    WriteCurrentDigit(kind, hidden_zero);
  } else if (zero_ && zero_start_ <= position_) {
    Push('0');
    in_number_ = true;
  } else if (!fill_) {
    Push(' ');
  }
  int end = count_ + (padding_ > 0) + point_;
  if (last_ >= 0 && last_ == at_) end = position_;
  if (position_ + 1 == end) WriteClosingSign();
  ++position_;
}

void PictureWriter::WriteLeadingSign() {
  if (sign_ != NumberPicture::kNone) {
    if (sign_ != NumberPicture::kBefore) return;
    Push(sign_char_);
  } else if (bracket_) {
    Push(sign_char_ == '+' ? ' ' : '<');
  } else if (sign_char_ == '-') {
    Push('-');
  } else if (!fill_) {
    Push(' ');
  }
  sign_done_ = true;
}

void PictureWriter::WriteClosingSign() {
  if (sign_done_ && bracket_) {
    Push(sign_char_ == '+' ? ' ' : '>');
  } else if (sign_ == NumberPicture::kAfter) {
    Push(sign_char_);
  }
}

void PictureWriter::WriteCurrentDigit(NumberPart::Kind kind, bool hidden_zero) {
  const auto size = static_cast<int>(number_.digits.size());
  const char c = at_ < size ? number_.digits[static_cast<size_t>(at_)] : '\0';
  if (c == '.') {
    Push('.');
  } else if (last_ >= 0 && at_ > last_ && kind != NumberPart::kZero) {
    // FM: a trailing zero.
  } else if (hidden_zero) {
    if (!fill_) {
      Push(' ');
    } else if (EndsAtPoint()) {
      Push('0');
    }
  } else {
    // Fewer digits than the picture has (double precision): PostgreSQL's C string ends here.
    if (c == '\0') cut_ = true;
    Push(c);
    in_number_ = true;
  }
  if (at_ < size) ++at_;
}

void PictureWriter::WriteSeparator() {
  if (in_number_) {
    Push(',');
  } else if (!fill_) {
    Push(' ');
  }
}

void PictureWriter::WriteRoman(bool lower) {
  constexpr size_t kWidth = 15;  // of MMMDCCCLXXXVIII
  const std::string_view digits = number_.digits;
  if (!fill_) {
    for (size_t i = digits.size(); i < kWidth; ++i) Push(' ');
  }
  for (const char c : digits) Push(lower && c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c);
}

bool PictureWriter::WriteOrdinal(bool lower) {
  const std::string_view digits = number_.digits;
  if (picture_.roman || digits[0] == '#' || sign_char_ == '-' || point_) return true;
  const char last = digits.back();
  if (last < '0' || last > '9') return false;
  const bool teen = digits.size() > 1 && digits[digits.size() - 2] == '1';
  const size_t which = teen || last < '1' || last > '3' ? 0 : static_cast<size_t>(last - '0');
  constexpr std::string_view kUpper[] = {"TH", "ST", "ND", "RD"};
  constexpr std::string_view kLower[] = {"th", "st", "nd", "rd"};
  for (const char c : lower ? kLower[which] : kUpper[which]) Push(c);
  return true;
}

}  // namespace streamrun
