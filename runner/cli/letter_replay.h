// From letters that somebody chose, and perhaps mended, to an order that takes them in again.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runner/cli/letter_box.h"
#include "runner/exec/replay_order.h"
#include "runner/plan/plan.h"

namespace streamrun {

/// A letter as somebody wants it taken in.
struct MendedLetter {
  int64_t line = 0;  // of the file
  std::optional<std::string> raw;
  std::optional<std::string> row;
};
/// By token: JSON lines {token, row} or {token, raw}, as `dlq list --json` prints them; other members are
/// left alone. `raw` is text, or bytes as `\x4869`. Errors name the line.
Result<std::map<std::string, MendedLetter>> ReadMended(Env* env, const std::string& path);

/// `raw` as it is printed: text where it is text, else `\x` and hexadecimal digits.
std::string PrintRaw(const std::string& raw);

struct ReplayChoice {
  std::optional<Evaluator> where;
  std::string node;                 // empty: every one
  std::vector<std::string> tokens;  // empty: all that are open
  std::map<std::string, MendedLetter> mended;
  std::string mended_path;  // its file, empty: none
};

struct Replay {
  std::vector<ReplayLine> lines;
  /// Letters that were chosen and are left out, with the reason, counted.
  std::map<std::string, int64_t> left_out;
};
/// kInvalidArgument, with every reason up to some: a letter that was named cannot be taken in, a token is
/// unknown, a row does not fit its node in `plan`. Nothing has happened then.
Result<Replay> ChooseReplay(const Plan& plan, const LetterBox& box, ReplayChoice& choice);

}  // namespace streamrun
