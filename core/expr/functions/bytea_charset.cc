// Text in other character sets: convert, convert_from, convert_to, length (PostgreSQL manual 9.5).
#include "core/expr/function.h"
#include "core/expr/functions/charset.h"
#include "core/expr/kernel.h"
#include "core/expr/text_search.h"
#include "core/expr/utf8.h"

namespace streamrun {

namespace {

// Finds character sets by name for the rows of a batch; the last name is remembered, it rarely changes.
// PostgreSQL's type name holds 63 bytes of whole characters.
std::string_view CutToName(std::string_view text) {
  constexpr size_t kMaxNameBytes = 63;
  if (text.size() <= kMaxNameBytes) return text;
  size_t size = kMaxNameBytes;
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) --size;
  return text.substr(0, size);
}

class CharsetFinder {
 public:
  explicit CharsetFinder(std::string_view what) : what_(what) {}

  // Null after failing the row.
  const Charset* Find(Row& row, std::string_view name) {
    name = CutToName(name);
    if (last_ != nullptr && name == last_name_) return last_;
    bool refused = false;
    const Charset* found = FindCharset(name, &refused);
    if (found != nullptr) {
      last_ = found;
      last_name_ = name;
    } else if (refused) {
      row.Fail("0A000", "encoding \"" + std::string(name) + "\" is not supported");
    } else {
      row.Fail("22023", "invalid " + what_ + " name \"" + std::string(name) + "\"");
    }
    return found;
  }

 private:
  std::string what_;
  const Charset* last_ = nullptr;
  std::string last_name_;
};

void NoEquivalent(Row& row, std::string_view bytes, const Charset& from, const Charset& to) {
  std::string message = "character with byte sequence";
  for (const char c : bytes) {
    message += " 0x";
    message += "0123456789abcdef"[static_cast<uint8_t>(c) >> 4];
    message += "0123456789abcdef"[static_cast<uint8_t>(c) & 15];
  }
  message.append(" in encoding \"").append(from.name).append("\" has no equivalent in encoding \"");
  row.Fail("22P05", message.append(to.name).append("\""));
}

// One character at a time over code points; `bytes` is well-formed.
void ConvertCharacters(Row& row, TextSink& out, std::string_view bytes, const Charset& from,
                       const Charset& to) {
  const bool from_utf8 = from.kind == Charset::Kind::kUtf8;
  for (size_t i = 0; i < bytes.size();) {
    size_t length = 1;
    const char32_t c =
        from_utf8 ? DecodeUtf8(bytes, i, &length) : from.Decode(static_cast<uint8_t>(bytes[i]));
    const std::string_view character = bytes.substr(i, length);
    i += length;
    if (!from_utf8 && c == 0xfffd) return NoEquivalent(row, character, from, to);
    if (to.kind == Charset::Kind::kUtf8) {
      char utf8[4];
      out.Append({utf8, EncodeUtf8(c, utf8)});
      continue;
    }
    const int byte = to.Encode(c);
    if (byte < 0) return NoEquivalent(row, character, from, to);
    out.Push(static_cast<char>(byte));
  }
}

void ConvertBytes(Row& row, TextSink& out, std::string_view bytes, const Charset& from, const Charset& to) {
  if (bytes.empty()) return;
  if (std::string problem = FindMalformed(from, bytes); !problem.empty()) {
    return row.Fail("22021", std::move(problem));
  }
  if (!CanConvert(from, to)) {
    return row.Fail("42883", "default conversion function for encoding \"" + std::string(from.name) +
                                 "\" to \"" + std::string(to.name) + "\" does not exist");
  }
  // A character of a single-byte set has at most three bytes in UTF-8.
  if (!row.Room(out, bytes.size() * 3)) return;
  // All sets agree on ASCII.
  const bool same = &from == &to || to.kind == Charset::Kind::kSqlAscii || IsAscii(bytes);
  if (!same && from.kind != Charset::Kind::kSqlAscii) return ConvertCharacters(row, out, bytes, from, to);
  // SQL_ASCII is bytes without a meaning: nothing to convert, only to check.
  if (std::string problem = FindMalformed(to, bytes); !problem.empty()) {
    return row.Fail("22021", std::move(problem));
  }
  out.Append(bytes);
}

const Charset& Utf8Charset() {
  bool refused = false;
  static const Charset& utf8 = *FindCharset("UTF8", &refused);
  return utf8;
}

ColumnPtr Convert(KernelCall& call) {
  const Reader<std::string_view> bytes(call.arg(0));
  const Reader<std::string_view> sources(call.arg(1));
  const Reader<std::string_view> targets(call.arg(2));
  CharsetFinder source("source encoding");
  CharsetFinder target("destination encoding");
  return WriteText(call, [&](Row& row, TextSink& out) {
    const Charset* from = source.Find(row, sources[row.number()]);
    if (from == nullptr) return;
    const Charset* to = target.Find(row, targets[row.number()]);
    if (to != nullptr) ConvertBytes(row, out, bytes[row.number()], *from, *to);
  });
}

template <bool kFrom>
ColumnPtr ConvertUtf8(KernelCall& call) {
  const Reader<std::string_view> bytes(call.arg(0));
  const Reader<std::string_view> names(call.arg(1));
  CharsetFinder finder(kFrom ? "source encoding" : "destination encoding");
  return WriteText(call, [&](Row& row, TextSink& out) {
    const Charset* other = finder.Find(row, names[row.number()]);
    if (other == nullptr) return;
    const Charset& utf8 = Utf8Charset();
    ConvertBytes(row, out, bytes[row.number()], kFrom ? *other : utf8, kFrom ? utf8 : *other);
  });
}

ColumnPtr LengthIn(KernelCall& call) {
  const Reader<std::string_view> bytes(call.arg(0));
  const Reader<std::string_view> names(call.arg(1));
  CharsetFinder finder("encoding");
  Writer<int32_t> out(call);
  Row row(call);
  ForEachRow(call.live(), call.rows(), [&](int64_t number) {
    row.MoveTo(number);
    const Charset* charset = finder.Find(row, names[number]);
    if (charset == nullptr) return;
    if (std::string problem = FindMalformed(*charset, bytes[number]); !problem.empty()) {
      return row.Fail("22021", std::move(problem));
    }
    const bool utf8 = charset->kind == Charset::Kind::kUtf8;
    out.Put(number, static_cast<int32_t>(utf8 ? CountUtf8(bytes[number])
                                              : static_cast<int64_t>(bytes[number].size())));
  });
  return out.Finish(call);
}

}  // namespace

void AddByteaCharset(FunctionTable& t) {
  using enum Arg;
  t.push_back({"convert",
               {kBytea, kText, kText},
               kBytea,
               Convert,
               "text in one character set as bytes of another",
               "convert('\\xe4'::bytea, 'LATIN1', 'UTF8') -> \\xc3a4"});
  t.push_back({"convert_from",
               {kBytea, kText},
               kText,
               ConvertUtf8<true>,
               "the text that the bytes are in a character set",
               "convert_from('\\xe4'::bytea, 'LATIN1') -> ä"});
  t.push_back({"convert_to",
               {kText, kText},
               kBytea,
               ConvertUtf8<false>,
               "the bytes of a text in a character set",
               "convert_to('ä', 'LATIN1') -> \\xe4"});
  t.push_back({"length",
               {kBytea, kText},
               kInteger,
               LengthIn,
               "number of characters in a character set",
               "length('\\xc3a4'::bytea, 'UTF8') -> 1"});
}

}  // namespace streamrun
