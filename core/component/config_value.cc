#include "core/component/config_value.h"

#include <algorithm>

namespace streamrun {

ConfigValue ConfigValue::Null(SourceMark mark) {
  ConfigValue v;
  v.kind_ = Kind::kNull;
  v.mark_ = std::move(mark);
  return v;
}

ConfigValue ConfigValue::Scalar(std::string text, bool quoted, SourceMark mark) {
  ConfigValue v;
  v.kind_ = Kind::kScalar;
  v.text_ = std::move(text);
  v.quoted_ = quoted;
  v.mark_ = std::move(mark);
  return v;
}

ConfigValue ConfigValue::List(std::vector<ConfigValue> items, SourceMark mark) {
  ConfigValue v;
  v.kind_ = Kind::kList;
  v.items_ = std::move(items);
  v.mark_ = std::move(mark);
  return v;
}

ConfigValue ConfigValue::Map(std::vector<Entry> entries, SourceMark mark) {
  ConfigValue v;
  v.kind_ = Kind::kMap;
  v.entries_ = std::move(entries);
  v.mark_ = std::move(mark);
  return v;
}

std::string_view ConfigValue::KindName() const {
  switch (kind_) {
    case Kind::kAbsent:
    case Kind::kNull:
      return "nothing";
    case Kind::kScalar:
      return quoted_ ? "a string" : "a single value";
    case Kind::kList:
      return "a list";
    case Kind::kMap:
      return "a mapping";
  }
  return "nothing";
}

const ConfigValue& ConfigValue::operator[](std::string_view key) const {
  static const ConfigValue kAbsentValue;
  for (const Entry& entry : entries_) {
    if (entry.first.text() == key) return entry.second;
  }
  return kAbsentValue;
}

SourceMark ConfigValue::At(size_t offset) const {
  const auto after = std::upper_bound(segments_.begin(), segments_.end(), offset,
                                      [](size_t o, const Segment& s) { return o < s.offset; });
  if (after == segments_.begin()) return mark_;
  const Segment& run = *(after - 1);
  int column = run.column;
  // Columns count characters: continuation bytes of UTF-8 do not advance.
  for (size_t i = run.offset + 1; run.exact && i <= offset; ++i) {
    column += i >= text_.size() || (static_cast<unsigned char>(text_[i]) & 0xc0) != 0x80;
  }
  return {mark_.file, run.line, column};
}

}  // namespace streamrun
