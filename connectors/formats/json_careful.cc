#include "connectors/formats/json_careful.h"

#include <simdjson.h>

#include "connectors/formats/json_convert.h"
#include "connectors/formats/json_scan.h"

namespace streamrun::json {

namespace ondemand = simdjson::ondemand;

static_assert(simdjson::SIMDJSON_PADDING <= Buffer::kPadding, "chunks carry the padding that simdjson reads");

namespace {

std::string_view Trim(std::string_view text) {
  const auto space = [](char c) { return IsSpace(c) || c == '\n'; };
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return text;
}

/// Where the value of a wanted column was seen; the last one counts, as in jsonb.
struct Found {
  std::string_view token;
  bool present = false;
  bool exact = false;  // by a key of the same case
};

}  // namespace

struct CarefulReader::State {
  State(const Plan& p, BatchWriter& r) : plan(p), rows(r), found(p.columns.size()) {}

  const Plan& plan;
  BatchWriter& rows;
  std::vector<Found> found;
  ondemand::parser parser;
  std::string last_token;
  std::string_view record;
  std::string extra;

  bool Fail(RecordProblem* problem, const char* code, std::string message) {
    *problem = {code, std::move(message)};
    return false;
  }
  bool Syntax(RecordProblem* problem, const char* at, const std::string& what) {
    const size_t offset = at >= record.data() ? static_cast<size_t>(at - record.data()) : 0;
    return Fail(problem, "json.syntax", "invalid JSON: " + what + " at byte " + std::to_string(offset + 1));
  }
  bool Syntax(RecordProblem* problem, ondemand::document& document, const std::string& what) {
    const char* at = nullptr;
    if (document.current_location().get(at)) at = record.data() + record.size();
    return Syntax(problem, at, what);
  }

  bool Parse(RecordProblem* problem);
  bool Walk(ondemand::document& document, ondemand::value value, const KeyObject* keys, int depth,
            std::string_view* token, RecordProblem* problem);
  bool WalkObject(ondemand::document& document, ondemand::object object, const KeyObject* keys, int depth,
                  RecordProblem* problem);
  bool Scalar(std::string_view token, RecordProblem* problem);
  void Forget(const Key& key);
  void Take(const Key& key, bool exact, std::string_view token);
  bool Put(RecordProblem* problem);
};

bool CarefulReader::State::Scalar(std::string_view token, RecordProblem* problem) {
  if (!token.empty() && token.front() != '{' && token.front() != '[') {
    const char* from = token.data();
    if (from + token.size() == record.data() + record.size()) {
      // The record ends right behind the token, and what follows it must not be taken for more of it.
      last_token.assign(token).append("\n").append(Buffer::kPadding, '\0');
      from = last_token.data();
    }
    if (ScanValue(from, 0) == from + token.size()) return true;
  }
  return Syntax(problem, token.data(),
                token.empty() ? "a value is missing" : "not a value: " + Describe(token));
}

void CarefulReader::State::Forget(const Key& key) {
  for (const int column : key.columns) found[static_cast<size_t>(column)] = {};
  if (!key.object) return;
  for (const Key& inner : key.object->keys) Forget(inner);
}

void CarefulReader::State::Take(const Key& key, bool exact, std::string_view token) {
  for (const int column : key.columns) {
    Found& f = found[static_cast<size_t>(column)];
    if (f.present && f.exact && !exact) continue;
    f = {token, true, exact};
  }
}

bool CarefulReader::State::WalkObject(ondemand::document& document, ondemand::object object,
                                      const KeyObject* keys, int depth, RecordProblem* problem) {
  for (auto field : object) {
    std::string_view name;
    ondemand::value value;
    if (field.error()) return Syntax(problem, document, "expected a key, a comma or the end of the object");
    // The raw key is checked first: simdjson would let half a surrogate pair pass.
    const char* raw = field.key().value_unsafe().raw();
    const std::string_view rest(raw, static_cast<size_t>(record.data() + record.size() - raw));
    size_t end = 0;
    bool escaped = false;
    while (end < rest.size() && rest[end] != '"') {
      escaped |= rest[end] == '\\';
      end += rest[end] == '\\' ? 2 : 1;
    }
    name = rest.substr(0, end);
    std::string key_text;
    if (escaped) {
      if (!Scalar(std::string_view(raw - 1, end + 2), problem)) return false;
      Unescape(name, &key_text);
      name = key_text;
    }
    bool exact = false;
    const Key* key = keys != nullptr ? keys->Find(name, &exact) : nullptr;
    if (key == nullptr && keys == &plan.root && plan.policy.extra_fails && extra.empty())
      extra = std::string(name);
    if (field.value().get(value)) return Syntax(problem, document, "expected ':' and a value");
    if (key != nullptr && key->object) {
      for (const Key& inner : key->object->keys) Forget(inner);
    }
    std::string_view token;
    if (!Walk(document, value, key != nullptr ? key->object.get() : nullptr, depth, &token, problem))
      return false;
    if (key != nullptr) Take(*key, exact, token);
  }
  return true;
}

bool CarefulReader::State::Walk(ondemand::document& document, ondemand::value value, const KeyObject* keys,
                                int depth, std::string_view* token, RecordProblem* problem) {
  const std::string_view raw = Trim(value.raw_json_token());
  const char first = raw.empty() ? '\0' : raw.front();
  if (first != '{' && first != '[') {
    *token = raw;
    if (!Scalar(raw, problem)) return false;
    // A string must be consumed: one that simdjson skips may be followed by ':', as if it were a key.
    if (first == '"' && value.get_raw_json_string().error())
      return Syntax(problem, raw.data(), "broken string");
    return true;
  }
  if (depth >= kMaxDepth) {
    return Fail(problem, "json.depth", "JSON nests deeper than " + std::to_string(kMaxDepth) + " levels");
  }
  if (first == '{') {
    ondemand::object object;
    if (value.get_object().get(object)) return Syntax(problem, raw.data(), "broken object");
    if (!WalkObject(document, object, keys, depth + 1, problem)) return false;
  } else {
    ondemand::array array;
    if (value.get_array().get(array)) return Syntax(problem, raw.data(), "broken array");
    for (auto element : array) {
      ondemand::value inner;
      std::string_view ignored;
      if (element.get(inner))
        return Syntax(problem, document, "expected a value, a comma or the end of the array");
      if (!Walk(document, inner, nullptr, depth + 1, &ignored, problem)) return false;
    }
  }
  // Only white space lies between the end of a container and the next token.
  const char* next = nullptr;
  if (document.current_location().get(next)) next = record.data() + record.size();
  *token = Trim({raw.data(), static_cast<size_t>(next - raw.data())});
  return true;
}

bool CarefulReader::State::Parse(RecordProblem* problem) {
  ondemand::document document;
  const simdjson::padded_string_view padded(record.data(), record.size(),
                                            record.size() + simdjson::SIMDJSON_PADDING);
  if (const simdjson::error_code error = parser.iterate(padded).get(document)) {
    if (error == simdjson::UTF8_ERROR) return Fail(problem, "utf8.invalid", "the record is not valid UTF-8");
    return Syntax(problem, record.data(), simdjson::error_message(error));
  }
  const std::string_view trimmed = Trim(record);
  std::string_view token = trimmed;
  if (trimmed.front() == '{' || trimmed.front() == '[') {
    ondemand::value value;
    if (document.get_value().get(value)) return Syntax(problem, document, "broken record");
    if (!Walk(document, value, plan.whole_record ? nullptr : &plan.root, 0, &token, problem)) return false;
    if (token.size() != trimmed.size()) {
      return Syntax(problem, token.data() + token.size(), "something follows the value");
    }
  } else if (!Scalar(trimmed, problem)) {
    return false;
  }
  if (plan.whole_record) {
    if (!found.empty()) found[0] = {token, true, true};
  } else if (trimmed.front() != '{') {
    return Fail(problem, "json.type", "a record must be an object, found " + Describe(trimmed));
  }
  return true;
}

bool CarefulReader::State::Put(RecordProblem* problem) {
  const int64_t row = rows.row();
  for (size_t i = 0; i < found.size(); ++i) {
    if (!plan.wanted[i]) continue;
    ColumnWriter& writer = *rows.column(static_cast<int>(i));
    const Column& column = plan.columns[i];
    const Found& f = found[i];
    if (!f.present && plan.policy.missing_fails) {
      return Fail(problem, "json.missing", "the field of column \"" + column.name + "\" is missing");
    }
    if (!f.present || (f.token == "null" && !plan.whole_record)) {
      writer.PutNull(row);
      continue;
    }
    Misfit misfit;
    if (PutToken(f.token, column.unit, row, writer, &misfit)) continue;
    if (!plan.policy.wrong_is_null) {
      return Fail(problem, misfit.code, "column \"" + column.name + "\": " + misfit.reason);
    }
    writer.PutNull(row);
  }
  return true;
}

CarefulReader::CarefulReader(const Plan& plan, BatchWriter& rows)
    : state_(std::make_unique<State>(plan, rows)) {}
CarefulReader::~CarefulReader() = default;

bool CarefulReader::Read(std::string_view record, RecordProblem* problem) {
  State& state = *state_;
  state.record = record;
  state.extra.clear();
  std::fill(state.found.begin(), state.found.end(), Found{});
  if (!state.Parse(problem)) return false;
  if (!state.extra.empty()) {
    return state.Fail(problem, "json.extra", "the record has the undeclared field \"" + state.extra + "\"");
  }
  return state.Put(problem);
}

bool IsUtf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

}  // namespace streamrun::json
