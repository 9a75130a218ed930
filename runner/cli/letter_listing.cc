#include "runner/cli/letter_listing.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/data/column_builder.h"
#include "core/data/text_io.h"
#include "runner/cli/letter_replay.h"
#include "runner/process/progress.h"

namespace streamrun {

namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kShortMessage = 60;

std::string Place(const Letter& letter) {
  if (letter.source.empty()) return "-";
  return letter.source + (letter.offset >= 0 ? ":" + std::to_string(letter.offset) : "");
}

// Messages quote data: one line, no control characters.
std::string Short(const std::string& text) {
  std::string line = text.substr(0, kShortMessage);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return text.size() > kShortMessage ? line + "..." : line;
}

std::string StateText(const Letter& letter) {
  std::string text(LetterStateName(letter.state));
  if (letter.order > 0) text += " (order " + std::to_string(letter.order) + ")";
  return text;
}

// Printable bytes as they are, others as \xff.
std::string Readable(const std::string& raw) {
  if (PrintRaw(raw) == raw) return raw;
  std::string text;
  for (const char c : raw) {
    const auto byte = static_cast<unsigned char>(c);
    char escaped[5];
    std::snprintf(escaped, sizeof escaped, "\\x%02x", byte);
    text += byte >= 0x20 && byte < 0x7f && c != '\\' ? std::string(1, c) : std::string(escaped);
  }
  return text;
}

// Over several lines, without a change to any number.
Result<std::string> PrettyRow(const std::string& row) {
  static const SchemaPtr schema = std::make_shared<const Schema>(std::vector<Field>{{"row", TypeId::kJsonb}});
  ExprProblem problem;
  auto bound = BindExpressionAs("jsonb_pretty(row)", Scope(schema), TypeId::kText, &problem);
  if (!bound.ok()) return bound.status();
  ColumnBuilder column{DataType(TypeId::kJsonb)};
  column.AppendText(row);
  std::vector<RowFailure> failures;
  const ColumnPtr pretty = Evaluator(*bound, Env::Default()).Evaluate({column.Finish()}, 1, &failures);
  return failures.empty() ? std::string(pretty->Text(0)) : row;
}

}  // namespace

void LetterTally::Add(const Letter& letter) {
  ++counts_[{letter.node, letter.code}][static_cast<size_t>(letter.state)];
  ++letters_;
}

std::string LetterTally::Print() const {
  TextTable table;
  table.Add({{"node"}, {"code"}, {"letters", true}, {""}});
  for (const auto& [key, states] : counts_) {
    std::string text;
    int64_t sum = 0;
    for (size_t state = 0; state < states.size(); ++state) {
      if (states[state] == 0) continue;
      sum += states[state];
      text += (text.empty() ? "" : ", ") + GroupDigits(states[state]) + " " +
              std::string(LetterStateName(static_cast<LetterState>(state)));
    }
    table.Add({{key.first}, {key.second}, {GroupDigits(sum), true}, {text}});
  }
  return table.Print();
}

// Put together from texts, so that no digit of the row changes.
std::string JsonOfLetter(const Letter& letter) {
  Json json = {{"token", letter.token},   {"state", LetterStateName(letter.state)},
               {"node", letter.node},     {"port", letter.port},
               {"code", letter.code},     {"message", letter.message},
               {"source", letter.source}, {"offset", letter.offset},
               {"epoch", letter.epoch},   {"revision", letter.revision}};
  if (letter.source.empty()) json.erase("source");
  if (letter.offset < 0) json.erase("offset");
  if (letter.order > 0) json["order"] = letter.order;
  if (letter.event_time != kMinTimestamp) {
    std::string time;
    PrintTimestamp(letter.event_time, time);
    json["event_time"] = time;
  }
  if (letter.raw) json["raw"] = PrintRaw(*letter.raw);
  std::string line = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (!letter.row) return line;
  line.pop_back();
  return line + ",\"row\":" + *letter.row + "}";
}

std::vector<TextTable::Cell> LetterHead() {
  return {{"token"}, {"epoch", true}, {"node"}, {"port"}, {"code"}, {"message"}, {"source"}, {"state"}};
}

std::vector<TextTable::Cell> LetterCells(const Letter& letter) {
  return {{letter.token},  {std::to_string(letter.epoch), true},
          {letter.node},   {letter.port},
          {letter.code},   {Short(letter.message)},
          {Place(letter)}, {StateText(letter)}};
}

Result<std::string> DescriptionOf(const Letter& letter) {
  std::string text;
  const auto line = [&](std::string name, const std::string& value) {
    name.resize(12, ' ');
    if (!value.empty()) text += name + value + '\n';
  };
  line("token", letter.token);
  line("state", StateText(letter));
  line("node", letter.node);
  line("port", letter.port);
  line("code", letter.code);
  line("message", letter.message);
  line("source", letter.source);
  if (letter.offset >= 0) line("offset", std::to_string(letter.offset));
  if (letter.event_time != kMinTimestamp) {
    std::string time;
    PrintTimestamp(letter.event_time, time);
    line("event time", time);
  }
  line("epoch", std::to_string(letter.epoch));
  line("revision", letter.revision);
  line("entry", letter.entry.value_or("none: it cannot be replayed as it is"));
  if (letter.raw)
    text += "raw (" + std::to_string(letter.raw->size()) + " bytes)\n" + Readable(*letter.raw) + '\n';
  if (letter.row) {
    SR_ASSIGN_OR_RETURN(const std::string pretty, PrettyRow(*letter.row));
    text += "row\n" + pretty + '\n';
  }
  return text;
}

}  // namespace streamrun
