#include "core/expr/jsonpath/like_regex.h"

#include <re2/re2.h>

#include <string>

namespace streamrun {

Result<LikeRegex> LikeRegex::Compile(std::string_view pattern, std::string_view flags) {
  const auto has = [&](char flag) { return flags.find(flag) != std::string_view::npos; };
  if (flags.find_first_not_of("ismxq") != std::string_view::npos) {
    return Status::InvalidArgument("invalid input syntax for type jsonpath");
  }
  if (has('x') && !has('q')) {
    return Status::InvalidArgument("XQuery \"x\" flag (expanded regular expressions) is not implemented");
  }
  RE2::Options options;
  options.set_log_errors(false);
  options.set_case_sensitive(!has('i'));
  options.set_literal(has('q'));
  options.set_dot_nl(has('s'));
  options.set_max_mem(16 << 20);
  std::string text(pattern);
  if (has('m') && !has('q')) text.insert(0, "(?m)");
  auto compiled = std::make_shared<const RE2>(text, options);
  if (!compiled->ok()) return Status::InvalidArgument("invalid regular expression: " + compiled->error());
  LikeRegex out;
  out.compiled_ = std::move(compiled);
  return out;
}

bool LikeRegex::Matches(std::string_view text) const {
  return RE2::PartialMatch(re2::StringPiece(text.data(), text.size()),
                           *static_cast<const RE2*>(compiled_.get()));
}

}  // namespace streamrun
