// format() (manual 9.4.1).
#include <algorithm>
#include <charconv>
#include <string>

#include "core/expr/function.h"
#include "core/expr/functions/quote.h"
#include "core/expr/kernel.h"
#include "core/expr/utf8.h"

namespace streamrun {

namespace {

// One %[position][flags][width]type.
struct Specifier {
  int32_t position = 0;  // 0 = the next argument
  bool left = false;
  bool has_width = false;
  bool width_argument = false;  // the width is argument number `width`, 0 = the next one
  int32_t width = 0;
  char type = 's';
};

// Reads specifiers from the format and writes the arguments of one row.
class Formatter {
 public:
  Formatter(KernelCall& call, const std::vector<Reader<std::string_view>>& texts, Row& row, TextSink& out)
      : call_(call), texts_(texts), row_(row), out_(out) {}

  void Write(std::string_view format) {
    format_ = format;
    while (at_ < format_.size() && !row_.dropped()) {
      const size_t mark = std::min(format_.find('%', at_), format_.size());
      if (!row_.Room(out_, mark - at_)) return;
      out_.Append(format_.substr(at_, mark - at_));
      at_ = mark;
      if (at_ == format_.size()) return;
      ++at_;
      if (at_ < format_.size() && format_[at_] == '%') {
        ++at_;
        out_.Push('%');
        continue;
      }
      Specifier s;
      if (ReadSpecifier(&s)) WriteArgument(s);
    }
  }

 private:
  bool Fail(std::string message) {
    row_.Fail("22023", std::move(message));
    return false;
  }
  bool Unterminated() { return Fail("unterminated format() type specifier"); }
  bool AtEnd() const { return at_ >= format_.size(); }

  // A number, if one stands here: `found` tells. False after failing.
  bool Number(int32_t* value, bool* found) {
    int64_t sum = 0;
    *found = false;
    for (; !AtEnd() && format_[at_] >= '0' && format_[at_] <= '9'; ++at_) {
      sum = sum * 10 + (format_[at_] - '0');
      *found = true;
      if (sum > 2147483647) {
        row_.Fail("22003", "number is out of range");
        return false;
      }
    }
    *value = static_cast<int32_t>(sum);
    return !AtEnd() || Unterminated();
  }

  // A position must be 1 or more.
  bool CheckPosition(int32_t position) {
    return position > 0 || Fail("format specifies argument 0, but arguments are numbered from 1");
  }

  bool ReadSpecifier(Specifier* s) {
    if (AtEnd()) return Unterminated();
    int32_t number = 0;
    bool found = false;
    if (!Number(&number, &found)) return false;
    if (found && format_[at_] == '$') {
      if (!CheckPosition(number)) return false;
      s->position = number;
      ++at_;
      if (AtEnd()) return Unterminated();
      found = false;
    }
    if (!found) {
      for (; format_[at_] == '-';) {
        s->left = true;
        if (++at_ >= format_.size()) return Unterminated();
      }
      if (!ReadWidth(s)) return false;
    } else {
      // A number without $ is the width.
      s->has_width = true;
      s->width = number;
    }
    return ReadType(s);
  }

  bool ReadWidth(Specifier* s) {
    bool found = false;
    if (format_[at_] != '*') {
      if (!Number(&s->width, &found)) return false;
      s->has_width = found;
      return true;
    }
    s->has_width = s->width_argument = true;
    ++at_;
    if (AtEnd()) return Unterminated();
    if (!Number(&s->width, &found)) return false;
    if (!found) return true;
    if (format_[at_] != '$') return Fail("width argument position must be ended by \"$\"");
    ++at_;
    if (!CheckPosition(s->width)) return false;
    return !AtEnd() || Unterminated();
  }

  bool ReadType(Specifier* s) {
    const size_t length = std::min(Utf8Length(format_[at_]), format_.size() - at_);
    const std::string_view type = format_.substr(at_, length);
    at_ += length;
    if (type != "s" && type != "I" && type != "L") {
      return Fail("unrecognized format() type specifier \"" + std::string(type) + "\"");
    }
    s->type = type[0];
    return true;
  }

  // Column of the argument that a position means; what follows without one is the next.
  bool Argument(int32_t position, size_t* column) {
    if (position > 0)
      last_ = static_cast<size_t>(position);
    else
      ++last_;
    if (last_ >= texts_.size()) return Fail("too few arguments for format()");
    *column = last_;
    return true;
  }

  bool Width(Specifier* s) {
    if (!s->width_argument) return true;
    size_t column;
    if (!Argument(s->width, &column)) return false;
    s->width = 0;
    if (call_.arg(column).IsNull(row_.number())) return true;
    const std::string_view text = texts_[column][row_.number()];
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), s->width);
    if (error == std::errc::result_out_of_range) {
      row_.Fail("22003", "value \"" + std::string(text) + "\" is out of range for type integer");
      return false;
    }
    if (error != std::errc() || end != text.data() + text.size()) {
      row_.Fail("22P02", "invalid input syntax for type integer: \"" + std::string(text) + "\"");
      return false;
    }
    if (s->width >= 0) return true;
    s->left = true;
    if (s->width == -2147483647 - 1) {
      row_.Fail("22003", "number is out of range");
      return false;
    }
    s->width = -s->width;
    return true;
  }

  void WriteArgument(Specifier s) {
    size_t column;
    if (!Width(&s) || !Argument(s.position, &column)) return;
    const bool null = call_.arg(column).IsNull(row_.number());
    const std::string_view text = null ? std::string_view() : texts_[column][row_.number()];
    if (null && s.type == 'I') {
      return row_.Fail("22004", "null values cannot be formatted as an SQL identifier");
    }
    const auto width = static_cast<size_t>(s.width);
    if (out_.size() - begin_ + std::max(width, text.size()) >= kMaxResult) {
      return row_.Fail("54000", "out of memory");
    }
    if (!row_.Room(out_, QuotedSize(text) + width + 4)) return;
    const size_t start = out_.size();
    if (s.type == 's') {
      out_.Append(text);
    } else if (s.type == 'I') {
      AppendIdentifier(out_, text);
    } else if (null) {
      out_.Append("NULL");
    } else {
      AppendLiteral(out_, text);
    }
    if (width > 0) Pad(start, width, s.left);
  }

  void Pad(size_t start, size_t width, bool left) {
    const size_t size = out_.size() - start;
    char* end = out_.Extend(0);
    const auto characters = static_cast<size_t>(CountUtf8({end - size, size}));
    if (characters >= width) return;
    const size_t blanks = width - characters;
    out_.Fill(' ', blanks);
    if (left) return;
    char* first = out_.Extend(0) - size - blanks;
    std::memmove(first + blanks, first, size);
    std::memset(first, ' ', blanks);
  }

  KernelCall& call_;
  const std::vector<Reader<std::string_view>>& texts_;
  Row& row_;
  TextSink& out_;
  std::string_view format_;
  size_t at_ = 0;
  // What PostgreSQL's buffers hold, in its words.
  static constexpr size_t kMaxResult = (size_t{1} << 30) - 1;
  const size_t begin_ = out_.size();
  size_t last_ = 0;  // column of the argument used last
};

ColumnPtr Format(KernelCall& call) {
  std::vector<Reader<std::string_view>> texts;
  for (size_t i = 0; i < call.arg_count(); ++i) texts.emplace_back(call.arg(i));
  return WriteText(call, [&](Row& row, TextSink& out) {
    if (call.arg(0).IsNull(row.number())) return row.Null();
    Formatter(call, texts, row, out).Write(texts[0][row.number()]);
  });
}

}  // namespace

void AddTextFormat(FunctionTable& t) {
  using enum Arg;
  t.push_back({"format",
               {kText},
               kText,
               Format,
               "the format text, %% being a percent sign",
               "format('100%%') -> 100%",
               kSeesNulls});
  t.push_back({"format",
               {kText, kOutput},
               kText,
               Format,
               "the arguments set into a text at %s, %I (as identifier) and %L (as literal)",
               "format('Hello %s, %1$s, %-5s|', 'World', 7) -> Hello World, World, 7    |",
               kSeesNulls | kVariadic});
}

}  // namespace streamrun
