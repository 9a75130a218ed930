// to_number: text read by a number picture (PostgreSQL manual 9.8).
#include <algorithm>

#include "core/data/numeric_math.h"
#include "core/data/text_io.h"
#include "core/expr/function.h"
#include "core/expr/functions/number_picture.h"
#include "core/expr/functions/row_status.h"

namespace streamrun {

namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Collects the number that a text has where its picture expects one: a sign (or a blank), digits, a point.
class PictureReader {
 public:
  PictureReader(const NumberPicture& picture, std::string_view text) : picture_(picture), text_(text) {}

  const std::string& Read() {
    for (const NumberPart& part : picture_.parts) {
      if (AtEnd()) break;
      ReadPart(part);
    }
    if (number_.back() == '.') number_.pop_back();
    return number_;
  }

 private:
  bool AtEnd() const { return at_ >= text_.size(); }
  bool Next(char c) const { return !AtEnd() && text_[at_] == c; }

  // A sign that may stand at `at`; true when it did.
  bool TakeSign(size_t at, bool bracket) {
    if (at >= text_.size()) return false;
    const char c = text_[at];
    if (c != '-' && c != '+' && !(bracket && c == '<')) return false;
    number_[0] = c == '+' ? '+' : '-';
    return true;
  }

  // Skips characters that cannot be part of a number.
  void Skip(int count) {
    constexpr std::string_view kData = "0123456789.,+-";
    for (; count > 0 && !AtEnd() && kData.find(text_[at_]) == std::string_view::npos; --count) {
      at_ += CharacterSize(text_, at_);
    }
  }

  void ReadPart(const NumberPart& part) {
    switch (part.kind) {
      case NumberPart::kNine:
      case NumberPart::kZero:
      case NumberPart::kPoint:
        ReadDigit(part.kind != NumberPart::kPoint);
        ++at_;
        return;
      case NumberPart::kComma:
        if (!picture_.fill && Next(',')) ++at_;
        return;
      case NumberPart::kCurrency:
        return Skip(1);
      case NumberPart::kOrdinal:
      case NumberPart::kOrdinalLower:
        if (number_[0] != '#' && !picture_.point) Skip(2);
        return;
      case NumberPart::kMinus:
        return ReadSign('-', '-');
      case NumberPart::kPlus:
        return ReadSign('+', '+');
      case NumberPart::kEitherSign:
        return ReadSign('-', '+');
      case NumberPart::kText:
        at_ += CharacterSize(text_, at_);
        return;
      default:
        return;
    }
  }

  void ReadSign(char one, char other) {
    if (Next(one) || Next(other)) {
      number_[0] = text_[at_++];
    } else {
      Skip(1);
    }
  }

  // Leaves at_ on the last character that was read.
  void ReadDigit(bool sign_allowed) {
    if (Next(' ')) ++at_;
    if (AtEnd()) return;
    if (number_[0] == ' ' && sign_allowed && whole_ + fraction_ == 0) {
      // PR stands for a minus in brackets, but not together with an S before the number.
      if (TakeSign(at_, picture_.bracket && picture_.sign != NumberPicture::kBefore)) ++at_;
    }
    if (AtEnd()) return;
    bool read = false;
    if (IsDigit(text_[at_])) {
      if (point_ && fraction_ == picture_.fraction) return;
      number_ += text_[at_];
      ++(point_ ? fraction_ : whole_);
      read = true;
    } else if (picture_.point && !point_ && text_[at_] == '.') {
      number_ += '.';
      point_ = read = true;
    }
    if (number_[0] == ' ' && whole_ + fraction_ > 0) ReadTrailingSign(read);
  }

  // A sign behind the last digit: S is anchored to it; MI, PL and SG may find it earlier than they stand.
  void ReadTrailingSign(bool read) {
    if (picture_.sign != NumberPicture::kNone && read && at_ + 1 < text_.size() && !IsDigit(text_[at_ + 1])) {
      if (TakeSign(at_ + 1, false)) ++at_;
    } else if (!read && picture_.sign == NumberPicture::kNone && (picture_.plus || picture_.minus)) {
      TakeSign(at_, false);
    }
  }

  const NumberPicture& picture_;
  std::string_view text_;
  std::string number_ = " ";  // the sign, or a blank
  size_t at_ = 0;
  int whole_ = 0;
  int fraction_ = 0;
  bool point_ = false;
};

// As a value of numeric with the picture's digits; V moves the point to the left.
Result<Numeric> Value(const NumberPicture& picture, PictureReader& reader) {
  SR_ASSIGN_OR_RETURN(const Numeric value, ParseNumeric(reader.Read()));
  const Int128 c = value.coefficient();
  const int digits = CountDigits(static_cast<UInt128>(c < 0 ? -c : c));
  if (digits - value.scale > picture.whole + picture.shift) return NumericOverflow();
  if (!picture.shifted) return value;
  SR_ASSIGN_OR_RETURN(const Numeric power,
                      NumericPower(NumericFromInt64(10), NumericFromInt64(-picture.shift)));
  return NumericMultiply(value, power);
}

ColumnPtr ToNumber(KernelCall& call) {
  const Reader<std::string_view> texts(call.arg(0));
  const Reader<std::string_view> formats(call.arg(1));
  NumberPictures pictures(call.prepared<NumberPicture>());
  Writer<Numeric> out(call);
  Row row(call);
  ForEachRow(call.live(), call.rows(), [&](int64_t r) {
    row.MoveTo(r);
    const NumberPicture& picture = pictures.Of(formats[r]);
    if (formats[r].empty()) return row.Null();
    if (!picture.problem.empty()) return row.Fail("42601", std::string(picture.problem));
    if (picture.scientific) return row.Fail("0A000", "\"EEEE\" not supported for input");
    if (picture.roman) return row.Fail("0A000", "\"RN\" not supported for input");
    PictureReader reader(picture, texts[r]);
    out.Put(r, ValueOrFail(row, Value(picture, reader)));
  });
  return out.Finish(call);
}

}  // namespace

void AddNumberRead(FunctionTable& t) {
  t.push_back({"to_number",
               {Arg::kText, Arg::kText},
               Arg::kNumeric,
               ToNumber,
               "text in a picture as a number",
               "to_number('12,454.8-', '99G999D9S') -> -12454.8",
               kPartial,
               PrepareNumberPicture});
}

}  // namespace streamrun
