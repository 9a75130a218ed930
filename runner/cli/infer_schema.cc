#include "runner/cli/infer_schema.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "core/data/text_io.h"

namespace streamrun {

namespace {

// What the values of one column have in common so far.
struct Guess {
  std::set<std::string> kinds;  // of values that are not null
  int64_t values = 0;
  int64_t nulls = 0;
};

// The kind of a text value: the narrowest type whose text form it is.
std::string KindOfText(const std::string& text) {
  if (ParseDate(text).ok() && text.size() == 10) return "date";
  Timestamp unused = 0;
  if (text.size() >= 19 && (text[4] == '-') &&
      (ParseTimestampFast(text, &unused) || ParseTimestamptz(text).ok())) {
    const std::string tail = text.substr(19);
    const bool zone = tail.find('Z') != std::string::npos || tail.find('+') != std::string::npos ||
                      tail.find('-') != std::string::npos;
    return zone ? "timestamptz" : "timestamp";
  }
  if (text.size() == 36 && ParseUuid(text).ok()) return "uuid";
  return "text";
}

// CSV cells are all text: numbers and booleans are recognised by their form. Digits behind a leading zero
// (007) are a code, whose zeros matter, and no number.
std::string KindOfCell(const std::string& text) {
  const size_t first = std::min(text.find_first_not_of("+-"), text.size());
  if (first + 1 < text.size() && text[first] == '0' && text[first + 1] >= '0' && text[first + 1] <= '9') {
    return KindOfText(text);
  }
  if (ParseBigint(text).ok()) return "bigint";
  if (text.find_first_of("0123456789") != std::string::npos &&
      text.find_first_not_of("+-.0123456789eE") == std::string::npos && ParseDouble(text).ok()) {
    return "double precision";
  }
  if (text == "true" || text == "false") return "boolean";
  return KindOfText(text);
}

std::string KindOfJson(const nlohmann::ordered_json& value) {
  if (value.is_boolean()) return "boolean";
  if (value.is_number_unsigned() && value.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))
    return "numeric";
  if (value.is_number_integer()) return "bigint";
  if (value.is_number()) return "double precision";
  if (value.is_string()) return KindOfText(value.get<std::string>());
  if (value.is_array() && !value.empty()) {
    std::set<std::string> kinds;
    for (const auto& item : value) kinds.insert(item.is_null() ? "jsonb" : KindOfJson(item));
    if (kinds.size() == 1 && *kinds.begin() != "jsonb" && !kinds.begin()->ends_with("[]"))
      return *kinds.begin() + "[]";
  }
  return "jsonb";
}

// The type that holds values of all these kinds.
std::string Merge(const std::set<std::string>& kinds) {
  if (kinds.empty()) return "text";
  if (kinds.size() == 1) return *kinds.begin();
  const auto all_of = [&](std::set<std::string> allowed) {
    return std::includes(allowed.begin(), allowed.end(), kinds.begin(), kinds.end());
  };
  if (all_of({"bigint", "double precision"})) return "double precision";
  if (all_of({"bigint", "numeric"}) || all_of({"bigint", "double precision", "numeric"})) return "numeric";
  if (all_of({"date", "timestamp"})) return "timestamp";
  if (all_of({"date", "timestamp", "timestamptz"})) return "timestamptz";
  if (all_of({"text", "date", "timestamp", "timestamptz", "uuid"})) return "text";
  return "jsonb";
}

class Inference {
 public:
  void Add(const std::string& name, const std::string& kind) {
    Guess& guess = Find(name);
    ++guess.values;
    kind.empty() ? void(++guess.nulls) : void(guess.kinds.insert(kind));
  }
  void CountRow() { ++rows_; }
  int64_t rows() const { return rows_; }
  int64_t bad = 0;

  InferredSchema Finish(std::string format) const {
    InferredSchema out;
    out.rows = rows_;
    out.malformed = bad;
    for (const std::string& name : order_) {
      const Guess& guess = guesses_.at(name);
      std::string type = Merge(guess.kinds);
      if (format == "csv" && type == "jsonb") type = "text";
      out.columns.push_back({name, std::move(type), rows_ - guess.values + guess.nulls});
    }
    out.format = std::move(format);
    return out;
  }

 private:
  Guess& Find(const std::string& name) {
    const auto [it, inserted] = guesses_.emplace(name, Guess{});
    if (inserted) order_.push_back(name);
    return it->second;
  }

  std::map<std::string, Guess> guesses_;
  std::vector<std::string> order_;
  int64_t rows_ = 0;
};

void InferJson(const std::string& text, int64_t limit, Inference& inference) {
  for (size_t begin = 0; begin < text.size() && inference.rows() < limit;) {
    size_t end = text.find('\n', begin);
    if (end == std::string::npos) end = text.size();
    const auto row = nlohmann::ordered_json::parse(text.begin() + static_cast<int64_t>(begin),
                                                   text.begin() + static_cast<int64_t>(end), nullptr, false);
    const bool blank = text.find_first_not_of(" \t\r", begin) >= end;
    begin = end + 1;
    if (blank) continue;
    if (!row.is_object()) {
      ++inference.bad;
      continue;
    }
    inference.CountRow();
    for (const auto& [name, value] : row.items())
      inference.Add(name, value.is_null() ? "" : KindOfJson(value));
  }
}

// Cells of one CSV record (RFC 4180) from `at`; moves `at` behind it.
std::vector<std::string> ReadCells(const std::string& text, size_t* at) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (; *at < text.size(); ++*at) {
    const char c = text[*at];
    if (quoted) {
      if (c != '"') {
        cells.back() += c;
      } else if (*at + 1 < text.size() && text[*at + 1] == '"') {
        cells.back() += '"';
        ++*at;
      } else {
        quoted = false;
      }
    } else if (c == '"' && cells.back().empty()) {
      quoted = true;
    } else if (c == ',') {
      cells.emplace_back();
    } else if (c == '\n') {
      ++*at;
      break;
    } else if (c != '\r') {
      cells.back() += c;
    }
  }
  return cells;
}

void InferCsv(const std::string& text, int64_t limit, Inference& inference) {
  size_t at = 0;
  const std::vector<std::string> header = ReadCells(text, &at);
  while (at < text.size() && inference.rows() < limit) {
    const std::vector<std::string> cells = ReadCells(text, &at);
    if (cells.size() == 1 && cells[0].empty()) continue;
    if (cells.size() != header.size()) {
      ++inference.bad;
      continue;
    }
    inference.CountRow();
    for (size_t i = 0; i < cells.size(); ++i)
      inference.Add(header[i], cells[i].empty() ? "" : KindOfCell(cells[i]));
  }
}

}  // namespace

InferredSchema InferSchema(std::string_view bytes, bool cut, std::string format, int64_t rows) {
  // A sample that was cut ends in the middle of a record: leave that one out.
  if (cut && bytes.find('\n') != std::string_view::npos) bytes = bytes.substr(0, bytes.rfind('\n') + 1);
  if (bytes.starts_with("\xef\xbb\xbf")) bytes.remove_prefix(3);
  const std::string text(bytes);
  if (format.empty()) {
    const size_t first = text.find_first_not_of(" \t\r\n");
    format = first != std::string::npos && text[first] == '{' ? "json" : "csv";
  }
  Inference inference;
  format == "json" ? InferJson(text, rows, inference) : InferCsv(text, rows, inference);
  return inference.Finish(std::move(format));
}

}  // namespace streamrun
