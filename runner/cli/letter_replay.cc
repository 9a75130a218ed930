#include "runner/cli/letter_replay.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "core/data/text_io.h"
#include "core/data/utf8_check.h"
#include "core/stream/codec.h"
#include "runner/exec/dead_letters.h"
#include "runner/exec/replay_rows.h"

namespace streamrun {

namespace {

constexpr uint64_t kMaxMended = uint64_t{1} << 30;
constexpr size_t kShownProblems = 20;

// Reasons against an order, all in one go.
class Problems {
 public:
  void Add(const std::string& what) {
    if (++count_ <= kShownProblems) text_ += (text_.empty() ? "" : "\n  ") + what;
  }
  Status Take() const {
    if (count_ == 0) return Status::Ok();
    std::string more;
    if (count_ > kShownProblems) more = "\n  and " + std::to_string(count_ - kShownProblems) + " more";
    return Status::InvalidArgument("nothing is replayed:\n  " + text_ + more);
  }

 private:
  size_t count_ = 0;
  std::string text_;
};

std::optional<std::string> BytesOf(const std::string& text) {
  if (!text.starts_with("\\x")) return text;
  std::string bytes;
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  if (text.size() % 2 != 0) return std::nullopt;
  for (size_t i = 2; i < text.size(); i += 2) {
    const int high = digit(text[i]), low = digit(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

// The member `row` of a line as it is written there: a JSON library would change the digits of long numbers.
class MendedRow final : public DecodeOutput {
 public:
  static Result<std::string> Of(const std::string& line) {
    static const SchemaPtr schema =
        std::make_shared<const Schema>(std::vector<Field>{{"row", TypeId::kJsonb}});
    const auto format = JsonDecoderFor(schema);
    DecodeOptions options;
    options.schema = format->schema;
    options.wanted = {true};
    BufferBuilder bytes;
    bytes.Append(line.data(), line.size());
    Chunk chunk;
    chunk.bytes = bytes.Finish();
    chunk.split = std::make_shared<const std::string>();
    const auto decoder = format->CreateDecoder(options);
    SR_RETURN_IF_ERROR(decoder->Begin(chunk));
    MendedRow row;
    for (Outcome outcome = Outcome::kHaveMore; outcome == Outcome::kHaveMore;) {
      SR_ASSIGN_OR_RETURN(outcome, decoder->Decode(row));
    }
    if (!row.problem_.empty()) return Status::InvalidArgument(row.problem_);
    return row.text_;
  }
  void Emit(BatchPtr batch) override { text_ = std::string(batch->column(0)->Text(0)); }
  void FailRecord(int64_t, std::string_view, std::string, std::string message) override {
    problem_ = message;
  }

 private:
  std::string text_;
  std::string problem_;
};

Result<std::pair<std::string, MendedLetter>> MendedOf(const std::string& line) {
  const auto json = nlohmann::json::parse(line, nullptr, false);
  if (!json.is_object()) return Status::InvalidArgument("no JSON object");
  const auto token = json.find("token");
  if (token == json.end() || !token->is_string()) return Status::InvalidArgument("there is no 'token'");
  MendedLetter mended;
  const auto given = [&](const char* name) { return json.contains(name) && !json[name].is_null(); };
  if (given("row") == given("raw")) return Status::InvalidArgument("it needs one of 'row' and 'raw'");
  if (given("row")) {
    if (!json["row"].is_object()) return Status::InvalidArgument("'row' is no JSON object");
    SR_ASSIGN_OR_RETURN(mended.row, MendedRow::Of(line));
  } else {
    if (!json["raw"].is_string()) return Status::InvalidArgument("'raw' is no string");
    mended.raw = BytesOf(json["raw"].get<std::string>());
    if (!mended.raw) return Status::InvalidArgument("'raw' begins with \\x and has no hexadecimal digits");
  }
  return std::pair(token->get<std::string>(), std::move(mended));
}

std::string Where(const ReplayChoice& choice, const std::string& token) {
  const auto mended = choice.mended.find(token);
  if (mended == choice.mended.end()) return "letter " + token;
  return choice.mended_path + ", line " + std::to_string(mended->second.line) + " (letter " + token + ")";
}

std::string StateOf(const Letter& letter) {
  std::string text = "it is " + std::string(LetterStateName(letter.state));
  if (letter.order > 0) text += " (order " + std::to_string(letter.order) + ")";
  return text;
}

// Nothing: it can be taken in. `line` has node, token, place and what enters then.
std::optional<std::string> FillLine(const Letter& letter, const MendedLetter* mended, ReplayLine* line) {
  if (letter.state != LetterState::kOpen) return StateOf(letter);
  line->node = letter.node;
  line->token = letter.token;
  line->source = letter.source;
  line->offset = letter.offset;
  line->raw = letter.raw;
  line->row = letter.row;
  if (mended != nullptr) {
    if (mended->raw.has_value() != letter.raw.has_value()) {
      return letter.raw ? "it is a record: give 'raw'" : "it is a row: give 'row'";
    }
    line->raw = mended->raw;
    line->row = mended->row;
  }
  if (letter.entry) {
    Result<ReplayEntry> entry = ReplayEntry::Parse(*letter.entry);
    if (!entry.ok()) return entry.status().message();
    line->entry = std::move(*entry);
    return std::nullopt;
  }
  // A record that was cut can be given whole; a row that the node made has no way in.
  if (letter.raw && mended != nullptr) return std::nullopt;
  return letter.raw ? "only its beginning is kept; give the record whole with --edit"
                    : "the node made this row itself, so it has no way in";
}

class FitChecker final : public DecodeOutput {
 public:
  FitChecker(const Plan& plan, const ReplayChoice& choice, Problems* problems)
      : plan_(plan), choice_(choice), problems_(problems) {}

  Status Check(const std::vector<ReplayLine>& lines) {
    std::map<std::tuple<std::string, int, bool>, std::vector<ReplayLine>> kinds;
    for (const ReplayLine& line : lines) {
      kinds[{line.node, line.entry.input, line.raw.has_value()}].push_back(line);
    }
    for (const auto& [kind, same] : kinds) {
      const int node = EnteredNode(plan_, std::get<0>(kind));
      if (node < 0) {
        for (const ReplayLine& line : same) Complain(line, "the pipeline has no node '" + line.node + "'");
      } else if (std::get<2>(kind)) {
        SR_RETURN_IF_ERROR(CheckRecords(plan_.node(node), same));
      } else {
        SR_RETURN_IF_ERROR(CheckRows(plan_.node(node), same));
      }
    }
    return Status::Ok();
  }

 private:
  void Complain(const ReplayLine& line, const std::string& why) {
    problems_->Add(Where(choice_, line.token) + ": " + why);
  }

  Status CheckRows(const PlanNode& node, const std::vector<ReplayLine>& lines) {
    SR_ASSIGN_OR_RETURN(const EnteringRows rows, DecodeEntering(node, lines));
    for (const UnfitLine& unfit : rows.unfit) Complain(lines[unfit.line], unfit.message);
    return Status::Ok();
  }

  // Those that were mended; others may well fail again, which makes them letters again.
  Status CheckRecords(const PlanNode& node, const std::vector<ReplayLine>& lines) {
    if (!node.format) {
      for (const ReplayLine& line : lines) Complain(line, "node '" + node.name + "' decodes no records");
      return Status::Ok();
    }
    if (choice_.mended.empty() || !node.source) return Status::Ok();
    DecodeOptions options;
    options.schema = node.outputs[0];
    options.wanted = node.wanted[0];
    for (const ReplayLine& line : lines) {
      const auto decoder = node.format->CreateDecoder(options);
      const Chunk chunk = ChunkOf(line);  // outlives the decoding
      SR_RETURN_IF_ERROR(decoder->Begin(chunk));
      failed_.clear();
      for (Outcome outcome = Outcome::kHaveMore; outcome == Outcome::kHaveMore;) {
        SR_ASSIGN_OR_RETURN(outcome, decoder->Decode(*this));
      }
      if (!failed_.empty()) Complain(line, failed_);
    }
    return Status::Ok();
  }

  void Emit(BatchPtr) override {}
  void FailRecord(int64_t, std::string_view, std::string code, std::string message) override {
    failed_ = message + " [" + code + "]";
  }

  const Plan& plan_;
  const ReplayChoice& choice_;
  Problems* problems_;
  std::string failed_;
};

}  // namespace

std::string PrintRaw(const std::string& raw) {
  if (IsValidUtf8(raw) && !raw.starts_with("\\x") && raw.find('\0') == std::string::npos) return raw;
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string hex = "\\x";
  for (const char c : raw) {
    hex += kDigits[static_cast<uint8_t>(c) >> 4];
    hex += kDigits[static_cast<uint8_t>(c) & 15];
  }
  return hex;
}

Result<std::map<std::string, MendedLetter>> ReadMended(Env* env, const std::string& path) {
  SR_ASSIGN_OR_RETURN(const std::string text, env->ReadFile(path, kMaxMended));
  std::map<std::string, MendedLetter> all;
  Problems problems;
  int64_t number = 1;
  for (size_t begin = 0; begin < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const std::string where = path + ", line " + std::to_string(number) + ": ";
    Result<std::pair<std::string, MendedLetter>> mended = MendedOf(line);
    if (!mended.ok()) {
      problems.Add(where + mended.status().message());
      continue;
    }
    mended->second.line = number;
    const auto [there, is_new] = all.insert(std::move(*mended));
    if (!is_new) {
      problems.Add(where + "letter " + there->first + " stands in line " +
                   std::to_string(there->second.line) + " too");
    }
  }
  SR_RETURN_IF_ERROR(problems.Take());
  return all;
}

Result<Replay> ChooseReplay(const Plan& plan, const LetterBox& box, ReplayChoice& choice) {
  Replay replay;
  Problems problems;
  std::set<std::string> unknown(choice.tokens.begin(), choice.tokens.end());
  for (const auto& [token, mended] : choice.mended) unknown.insert(token);
  const bool named = !unknown.empty();
  const std::set<std::string> wanted = unknown;
  SR_RETURN_IF_ERROR(box.Read(choice.where, [&](const Letter& letter) {
    // Whether the node goes by its name of then or of now.
    const int entered = EnteredNode(plan, letter.node);
    const std::string now = entered < 0 ? letter.node : plan.node(entered).name;
    if (!choice.node.empty() && letter.node != choice.node && now != choice.node) return Status::Ok();
    if (named && !wanted.contains(letter.token)) return Status::Ok();
    unknown.erase(letter.token);
    const auto mended = choice.mended.find(letter.token);
    ReplayLine line;
    const auto why = FillLine(letter, mended == choice.mended.end() ? nullptr : &mended->second, &line);
    line.node = now;
    if (!why) {
      replay.lines.push_back(std::move(line));
    } else if (named) {
      problems.Add(Where(choice, letter.token) + ": " + *why);
    } else {
      ++replay.left_out[*why];
    }
    return Status::Ok();
  }));
  for (const std::string& token : unknown) problems.Add(Where(choice, token) + ": there is no such letter");
  SR_RETURN_IF_ERROR(FitChecker(plan, choice, &problems).Check(replay.lines));
  SR_RETURN_IF_ERROR(problems.Take());
  return replay;
}

}  // namespace streamrun
