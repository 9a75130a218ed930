#include "connectors/file/path_columns.h"

#include <algorithm>
#include <charconv>
#include <climits>

#include "connectors/file/path_pattern.h"
#include "connectors/file/sink_path.h"
#include "core/data/text_io.h"
#include "core/data/utf8_check.h"

namespace streamrun {

namespace {

// NAME_MAX and PATH_MAX of Linux: bytes, the latter with its terminating zero.
constexpr size_t kMaxName = 255;
constexpr size_t kMaxPath = PATH_MAX - 1;
// What a name may grow by: ".NAME.inprogress", and a mark of one byte that becomes a number.
constexpr size_t kInProgressBytes = 12;
constexpr size_t kNumberBytes = 9;

struct Placeholder {
  size_t begin, end;  // of the braces, `end` behind
  std::string_view name;
  bool number() const { return name == "worker" || name == "n"; }
};

std::vector<Placeholder> PlaceholdersOf(std::string_view path) {
  std::vector<Placeholder> found;
  for (size_t at = path.find('{'); at != std::string_view::npos; at = path.find('{', at + 1)) {
    const size_t close = path.find('}', at);
    if (close == std::string_view::npos) break;
    found.push_back({at, close + 1, path.substr(at + 1, close - at - 1)});
  }
  return found;
}

// Where the part of the path begins that columns decide on.
size_t BaseLength(std::string_view path) {
  for (const Placeholder& p : PlaceholdersOf(path)) {
    if (p.number()) continue;
    const size_t slash = path.substr(0, p.begin).rfind('/');
    return slash == std::string_view::npos ? 0 : slash + 1;
  }
  return path.size() - NameOf(path).size();
}

// A path as characters: a placeholder is any character but a slash, and any number more of them. That is a
// little more than it can be: at worst two sinks are kept apart that would get on.
constexpr int kAny = -1;
constexpr int kMore = -2;

std::vector<int> ShapeOf(std::string_view path) {
  std::vector<int> shape;
  size_t at = 0;
  for (const Placeholder& p : PlaceholdersOf(path)) {
    if (p.begin < at) continue;
    shape.insert(shape.end(), path.begin() + static_cast<ptrdiff_t>(at),
                 path.begin() + static_cast<ptrdiff_t>(p.begin));
    shape.insert(shape.end(), {kAny, kMore});
    at = p.end;
  }
  shape.insert(shape.end(), path.begin() + static_cast<ptrdiff_t>(at), path.end());
  return shape;
}

bool SameCharacter(int a, int b) {
  if (a == kMore || b == kMore) return false;
  return a == b || (a == kAny && b != '/') || (b == kAny && a != '/');
}

// For a message: short, and nothing that a terminal would obey.
std::string Shown(std::string_view value) {
  constexpr size_t kMost = 60;
  std::string text(value.substr(0, kMost));
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  while (!text.empty() && !IsValidUtf8(text)) text.pop_back();
  return "'" + text + (value.size() > kMost ? "...'" : "'");
}

void PrintValue(const Column& column, int64_t row, std::string* out) {
  char digits[24];
  switch (column.type().id()) {
    case TypeId::kBoolean:
      *out = column.Bool(row) ? "true" : "false";
      return;
    case TypeId::kInteger:
      out->assign(digits, std::to_chars(digits, std::end(digits), column.values<int32_t>()[row]).ptr);
      return;
    case TypeId::kBigint:
      out->assign(digits, std::to_chars(digits, std::end(digits), column.values<int64_t>()[row]).ptr);
      return;
    case TypeId::kUuid:
      out->clear();
      PrintUuid(column.values<Uuid>()[row], *out);
      return;
    case TypeId::kDate:
      out->clear();
      PrintDate(column.values<int32_t>()[row], *out);
      return;
    default:
      out->assign(column.Text(row));
  }
}

}  // namespace

std::vector<std::string> ColumnsIn(std::string_view path) {
  std::vector<std::string> names;
  for (const Placeholder& p : PlaceholdersOf(path)) {
    if (!p.number() && std::find(names.begin(), names.end(), p.name) == names.end())
      names.emplace_back(p.name);
  }
  return names;
}

std::string BaseOf(const std::string& path) {
  const size_t length = BaseLength(path);
  return length == 0 ? "." : length == 1 ? "/" : path.substr(0, length - 1);
}

bool CanNameFiles(const DataType& type) {
  switch (type.id()) {
    case TypeId::kText:
    case TypeId::kBoolean:
    case TypeId::kInteger:
    case TypeId::kBigint:
    case TypeId::kDate:
    case TypeId::kUuid:
      return true;
    default:
      return false;
  }
}

std::string NamePartProblem(std::string_view value) {
  if (value.empty()) return "it is empty";
  // "." and "..", hidden files that readers pass over, and the names of files in progress.
  if (value.front() == '.') return "it begins with a dot";
  bool ascii = true;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '/') return "it holds a '/'";
    if (byte < 0x20 || byte == 0x7f) return "it holds a control character";
    ascii = ascii && byte < 0x80;
  }
  if (ascii) return {};
  if (!IsValidUtf8(value)) return "it is not UTF-8";
  // U+0080 to U+009F are control characters too.
  for (size_t at = value.find('\xc2'); at != std::string_view::npos; at = value.find('\xc2', at + 1)) {
    if (static_cast<unsigned char>(value[at + 1]) < 0xa0) return "it holds a control character";
  }
  return {};
}

std::string AmbiguousNumber(std::string_view path) {
  const size_t name = path.size() - NameOf(path).size();
  const std::vector<Placeholder> all = PlaceholdersOf(path);
  const auto column_in = [&](size_t begin, size_t end) {
    return std::any_of(all.begin(), all.end(),
                       [&](const auto& p) { return !p.number() && p.begin >= begin && p.end <= end; });
  };
  if (!column_in(name, path.size())) return {};
  const auto joins = [](char c) { return c == '{' || c == '}' || (c >= '0' && c <= '9'); };
  for (const Placeholder& p : all) {
    if (!p.number() || p.begin < name) continue;
    const std::string text(path.substr(p.begin, p.end - p.begin));
    if (column_in(name, p.begin) && column_in(p.end, path.size()))
      return text + " stands between columns of the file name: put it before or behind all of them";
    const bool before = p.begin > name && joins(path[p.begin - 1]);
    const bool behind = p.end < path.size() && joins(path[p.end]);
    if (before || behind) return text + " needs a character between it and what is beside it: write '-'";
  }
  return {};
}

bool MayBeOneFile(std::string_view a, std::string_view b) {
  const std::vector<int> x = ShapeOf(a);
  const std::vector<int> y = ShapeOf(b);
  // meet[i][j]: what is behind i in x and behind j in y can be the same text.
  std::vector<std::vector<char>> meet(x.size() + 1, std::vector<char>(y.size() + 1, 0));
  for (size_t i = x.size() + 1; i-- > 0;) {
    for (size_t j = y.size() + 1; j-- > 0;) {
      const bool x_left = i < x.size(), y_left = j < y.size();
      if (!x_left && !y_left) meet[i][j] = 1;
      if (x_left && x[i] == kMore) meet[i][j] |= meet[i + 1][j] | (y_left && y[j] != '/' && meet[i][j + 1]);
      if (y_left && y[j] == kMore) meet[i][j] |= meet[i][j + 1] | (x_left && x[i] != '/' && meet[i + 1][j]);
      if (x_left && y_left && SameCharacter(x[i], y[j])) meet[i][j] |= meet[i + 1][j + 1];
    }
  }
  return meet[0][0] != 0;
}

PathColumns::PathColumns(const std::string& path, const Schema& schema, std::string null_name)
    : null_name_(std::move(null_name)), base_length_(AbsolutePath(BaseOf(path)).size() + 1) {
  size_t at = BaseLength(path);
  const auto add_text = [&](size_t end) {
    if (end > at) pieces_.push_back({SinkPath::Marked(std::string_view(path).substr(at, end - at)), -1, {}});
  };
  for (const Placeholder& p : PlaceholdersOf(path)) {
    if (p.number() || p.begin < at) continue;
    add_text(p.begin);
    pieces_.push_back({{}, schema.Find(p.name), std::string(p.name)});
    at = p.end;
  }
  add_text(path.size());
}

std::optional<std::string> PathColumns::Compose(const Batch& batch, int64_t row, std::string* path) {
  path->clear();
  for (const Piece& piece : pieces_) {
    if (piece.column < 0) {
      path->append(piece.text);
      continue;
    }
    const Column& column = *batch.column(piece.column);
    if (column.IsNull(row)) {
      path->append(null_name_);
      continue;
    }
    std::string_view value;
    if (column.type().id() == TypeId::kText) {
      value = column.Text(row);
    } else {
      PrintValue(column, row, &value_);
      value = value_;
    }
    if (const std::string problem = NamePartProblem(value); !problem.empty()) {
      return "column '" + piece.name + "' has the value " + Shown(value) +
             ", which is no part of a file name: " + problem;
    }
    path->append(value);
  }
  return std::nullopt;
}

std::string PathColumns::LengthProblem(std::string_view path) const {
  const auto grows = [](std::string_view name) {
    return static_cast<size_t>(std::count_if(
               name.begin(), name.end(),
               [](char c) { return c == SinkPath::kWorkerMark || c == SinkPath::kNumberMark; })) *
           kNumberBytes;
  };
  const auto too_long = [](size_t bytes, size_t most) {
    return " would have " + std::to_string(bytes) + " bytes, at most " + std::to_string(most) +
           " are possible";
  };
  if (const size_t bytes = base_length_ + path.size() + grows(path) + kInProgressBytes; bytes > kMaxPath)
    return "the path" + too_long(bytes, kMaxPath);
  for (size_t at = 0; at <= path.size();) {
    const size_t slash = std::min(path.find('/', at), path.size());
    const std::string_view name = path.substr(at, slash - at);
    const size_t extra = slash == path.size() ? kInProgressBytes : 0;
    if (const size_t bytes = name.size() + grows(name) + extra; bytes > kMaxName)
      return "the name " + Shown(name) + too_long(bytes, kMaxName);
    at = slash + 1;
  }
  return {};
}

}  // namespace streamrun
