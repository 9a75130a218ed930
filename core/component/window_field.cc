#include "core/component/window_field.h"

#include <charconv>

#include "core/base/suggest.h"
#include "core/component/config_spec.h"

namespace streamrun {

namespace {

using Kind = WindowSpec::Kind;

// "1 month", "3 months", "1 year": what no number of microseconds is. False when the text is no such thing.
bool ReadMonths(std::string_view text, int* months) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number <= 0 || number > 1200) return false;
  std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  if (unit.ends_with('s')) unit.remove_suffix(1);
  if (unit == "month" || unit == "mon") return *months = number, true;
  if (unit == "quarter") return *months = number * 3, true;
  if (unit == "year" || unit == "y") return *months = number * 12, true;
  return false;
}

class Reader {
 public:
  Reader(const ConfigValue& value, WindowSpec* out, Diagnostics& diagnostics)
      : value_(value), out_(*out), d_(diagnostics) {}

  bool Read() {
    if (!value_.is_map()) {
      d_.ErrorAt(value_, "config.type", "'window' takes a mapping", "write window: {tumbling: 10s}");
      return false;
    }
    for (const auto& [key, v] : value_.entries()) fine_ &= ReadEntry(key, v);
    if (fine_ && out_.kind == Kind::kNone) {
      d_.ErrorAt(value_, "config.missing_field", "'window' names no kind of window",
                 "one of tumbling, sliding, session, count, cumulative");
      return false;
    }
    return fine_ && Check();
  }

 private:
  bool ReadEntry(const ConfigValue& key, const ConfigValue& v) {
    const std::string& name = key.text();
    if (name == "offset") return ReadDuration(v, "offset", &out_.offset, d_);
    if (name == "zone") return ReadZone(v);
    if (name == "time") return ReadTime(v);
    if (name == "as") return ReadNames(v);
    static constexpr std::pair<std::string_view, Kind> kKinds[] = {{"tumbling", Kind::kTumbling},
                                                                   {"sliding", Kind::kSliding},
                                                                   {"session", Kind::kSession},
                                                                   {"count", Kind::kCount},
                                                                   {"cumulative", Kind::kCumulative}};
    for (const auto& [word, kind] : kKinds) {
      if (name == word) return ReadKind(key, kind, v);
    }
    std::vector<std::string_view> names{"offset", "zone", "time", "as"};
    for (const auto& [word, kind] : kKinds) names.push_back(word);
    d_.ErrorAt(key, "config.unknown_field", "'window' has no field '" + name + "'", DidYouMean(name, names));
    return false;
  }

  bool ReadKind(const ConfigValue& key, Kind kind, const ConfigValue& v) {
    if (out_.kind != Kind::kNone) {
      d_.ErrorAt(key, "window.two_kinds", "a window is of one kind", "keep one of the two");
      return false;
    }
    out_.kind = kind;
    switch (kind) {
      case Kind::kTumbling:
        if (v.is_scalar() && ReadMonths(v.text(), &out_.months)) return true;
        return Positive(v, "tumbling", &out_.size);
      case Kind::kSession:
        return Positive(v, "session", &out_.gap);
      case Kind::kCount:
        if (!v.is_map()) return PositiveCount(v, "count", &out_.rows) && (out_.row_step = out_.rows, true);
        return ReadPair(
            v, "rows", "every", "{rows: 100, every: 10}", [&](const ConfigValue& a, const ConfigValue& b) {
              return PositiveCount(a, "rows", &out_.rows) & PositiveCount(b, "every", &out_.row_step);
            });
      default:
        return ReadPair(v, "size", "every", "{size: 1h, every: 1m}",
                        [&](const ConfigValue& a, const ConfigValue& b) {
                          return Positive(a, "size", &out_.size) & Positive(b, "every", &out_.step);
                        });
    }
  }

  template <typename F>
  bool ReadPair(const ConfigValue& v, std::string_view first, std::string_view second,
                const std::string& shape, const F& read) {
    const bool complete = v.is_map() && v[first].present() && v[second].present() && v.entries().size() == 2;
    if (complete) return read(v[first], v[second]);
    d_.ErrorAt(v, "config.type",
               "this window takes a mapping of " + std::string(first) + " and " + std::string(second),
               "write " + shape);
    return false;
  }

  bool Positive(const ConfigValue& v, std::string_view field, Duration* out) {
    if (!ReadDuration(v, field, out, d_)) return false;
    if (*out > 0 && *out <= 36'525 * kDay) return true;
    d_.ErrorAt(v, "config.range", "'" + std::string(field) + "' must be above 0 and at most 100 years");
    return false;
  }

  bool PositiveCount(const ConfigValue& v, std::string_view field, int64_t* out) {
    if (!ReadInteger(v, field, out, d_)) return false;
    if (*out > 0 && *out <= 1'000'000'000) return true;
    d_.ErrorAt(v, "config.range", "'" + std::string(field) + "' must be between 1 and 1,000,000,000");
    return false;
  }

  bool ReadZone(const ConfigValue& v) {
    std::string name;
    if (!ReadText(v, "zone", &name, d_)) return false;
    out_.zone = TimeZone::Find(name);
    out_.zone_name = name;
    if (out_.zone) return true;
    d_.ErrorAt(v, "window.zone", "there is no time zone '" + name + "'",
               "write a name such as Europe/Berlin or UTC");
    return false;
  }

  bool ReadTime(const ConfigValue& v) {
    std::string word;
    if (!ReadText(v, "time", &word, d_)) return false;
    out_.processing_time = word == "processing";
    if (word == "event" || word == "processing") return true;
    d_.ErrorAt(v, "config.choice", "'time' is event or processing, not '" + word + "'");
    return false;
  }

  // Names of the two columns that say a window's bounds.
  bool ReadNames(const ConfigValue& v) {
    if (!v.is_list() || v.items().size() != 2) {
      d_.ErrorAt(v, "config.type", "'as' takes the names of two columns", "write as: [from, to]");
      return false;
    }
    const bool read = ReadText(v.items()[0], "as", &out_.start_name, d_) &&
                      ReadText(v.items()[1], "as", &out_.end_name, d_);
    if (!read) return false;
    if (!out_.start_name.empty() && !out_.end_name.empty() && out_.start_name != out_.end_name) return true;
    d_.ErrorAt(v, "window.names", "'as' needs two different names");
    return false;
  }

  bool Check() {
    if (out_.kind == Kind::kCount && out_.processing_time) {
      return Refuse("time", "window.time", "a window that counts rows has no time", "leave 'time' out");
    }
    if (out_.kind == Kind::kSliding && out_.step > out_.size) {
      return Refuse("sliding", "window.step",
                    "'every' is longer than 'size': rows between windows would be in none",
                    "make 'every' at most 'size'");
    }
    if (out_.kind == Kind::kCumulative && out_.size % out_.step != 0) {
      return Refuse("cumulative", "window.step", "'size' is no multiple of 'every'",
                    "write {size: 1d, every: 1h}");
    }
    if (out_.kind == Kind::kCount && out_.row_step > out_.rows) {
      return Refuse("count", "window.step",
                    "'every' is more than 'rows': rows between windows would be in none",
                    "make 'every' at most 'rows'");
    }
    if (out_.zone && !(out_.kind == Kind::kTumbling && (out_.months > 0 || out_.size % kDay == 0))) {
      return Refuse("zone", "window.zone", "a zone is for tumbling windows of whole days or months",
                    "leave it out, or write tumbling: 1d");
    }
    if (!out_.by_time() && out_.offset != 0) {
      return Refuse("offset", "window.offset", "only tumbling, sliding and cumulative windows have an offset",
                    "");
    }
    return true;
  }

  bool Refuse(std::string_view field, std::string code, std::string message, std::string suggestion) {
    d_.ErrorAt(value_[field].present() ? value_[field] : value_, std::move(code), std::move(message),
               std::move(suggestion));
    return false;
  }

  const ConfigValue& value_;
  WindowSpec& out_;
  Diagnostics& d_;
  bool fine_ = true;
};

}  // namespace

bool ReadWindow(const ConfigValue& value, WindowSpec* out, Diagnostics& diagnostics) {
  return Reader(value, out, diagnostics).Read();
}

std::string DescribeWindow(const WindowSpec& window) {
  switch (window.kind) {
    case Kind::kNone:
      return "no window";
    case Kind::kTumbling:
      return window.months > 0 ? "tumbling " + std::to_string(window.months) + " months"
                               : "tumbling " + PrintDuration(window.size);
    case Kind::kSliding:
      return "sliding " + PrintDuration(window.size) + " every " + PrintDuration(window.step);
    case Kind::kCumulative:
      return "cumulative " + PrintDuration(window.size) + " every " + PrintDuration(window.step);
    case Kind::kSession:
      return "session " + PrintDuration(window.gap);
    case Kind::kCount:
      return "count " + std::to_string(window.rows) + " every " + std::to_string(window.row_step);
  }
  return "";
}

}  // namespace streamrun
