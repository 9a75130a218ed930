#include "core/expr/jsonpath/like_regex.h"

#include "core/expr/functions/regex_match.h"

namespace streamrun {

Result<LikeRegex> LikeRegex::Compile(std::string_view pattern, std::string_view flags) {
  const auto has = [&](char flag) { return flags.find(flag) != std::string_view::npos; };
  if (flags.find_first_not_of("ismxq") != std::string_view::npos) {
    return Status::InvalidArgument("invalid input syntax for type jsonpath");
  }
  const bool literal = has('q');
  if (has('x') && !literal) {
    return Status::InvalidArgument("XQuery \"x\" flag (expanded regular expressions) is not implemented");
  }
  RegexFlags options;
  options.fold = has('i');
  if (literal) {
    options.dialect = RegexFlags::Dialect::kLiteral;
  } else {
    options.dot_stops = !has('s');
    options.line_anchors = has('m');
  }
  LikeRegex out;
  SR_ASSIGN_OR_RETURN(out.regex_, Regex::Compile(pattern, options));
  return out;
}

std::optional<bool> LikeRegex::Matches(std::string_view text) const {
  switch (regex_->Matches(text)) {
    case Regex::Outcome::kMatch:
      return true;
    case Regex::Outcome::kNoMatch:
      return false;
    case Regex::Outcome::kTooComplex:
      break;
  }
  return std::nullopt;
}

}  // namespace streamrun
