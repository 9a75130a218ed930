#include "core/expr/functions/regex_row.h"

#include <map>
#include <utility>

namespace streamrun {

namespace {

constexpr size_t kCached = 64;

Status ParseFlagsFor(std::string_view letters, std::string_view name, RegexFlags* flags) {
  SR_RETURN_IF_ERROR(ParseRegexFlags(letters, flags));
  if (!flags->global || name.empty()) return Status::Ok();
  return Status::InvalidArgument(std::string(name) + "() does not support the \"global\" option");
}

Result<std::shared_ptr<const Regex>> Cached(const std::string& pattern, const RegexFlags& flags) {
  using Key = std::pair<std::string, RegexFlags>;
  thread_local std::map<Key, std::shared_ptr<const Regex>> cache;
  Key key(pattern, flags);
  if (const auto found = cache.find(key); found != cache.end()) return found->second;
  auto compiled = Regex::Compile(pattern, flags);
  if (!compiled.ok()) return compiled;
  if (cache.size() >= kCached) cache.clear();
  return cache.emplace(std::move(key), *compiled).first->second;
}

}  // namespace

Result<std::shared_ptr<const void>> PrepareRegexAt(std::span<const ColumnPtr> constants, size_t flags_at,
                                                   bool fold, std::string_view name) {
  const bool has_flags = flags_at < constants.size();
  const auto known = [&](size_t i) { return constants[i] && !constants[i]->IsNull(0); };
  if (!known(1) || (has_flags && !known(flags_at))) return std::shared_ptr<const void>();
  auto prepared = std::make_shared<PreparedRegex>();
  prepared->flags.fold = fold;
  if (has_flags) SR_RETURN_IF_ERROR(ParseFlagsFor(constants[flags_at]->Text(0), name, &prepared->flags));
  SR_ASSIGN_OR_RETURN(prepared->regex, Regex::Compile(constants[1]->Text(0), prepared->flags));
  return std::shared_ptr<const void>(std::move(prepared));
}

std::optional<ArgumentProblem> CheckRegexFlagsAt(std::span<const ColumnPtr> constants, size_t flags_at,
                                                 std::string_view name) {
  if (flags_at >= constants.size() || !constants[flags_at] || constants[flags_at]->IsNull(0)) return {};
  RegexFlags flags;
  const Status status = ParseFlagsFor(constants[flags_at]->Text(0), name, &flags);
  if (status.ok()) return {};
  return ArgumentProblem{flags_at, status.message()};
}

RowRegex::RowRegex(KernelCall& call, size_t flags_at, bool fold, std::string_view name)
    : patterns_(call.arg(1)), fold_(fold), name_(name) {
  if (flags_at < call.arg_count()) letters_.emplace(call.arg(flags_at));
  if (const auto* prepared = call.prepared<PreparedRegex>()) {
    current_ = *prepared;
    prepared_ = true;
  }
}

bool RowRegex::ReadFlags(Row& row) {
  current_.flags = {};
  current_.flags.fold = fold_;
  if (!letters_) return true;
  const Status status = ParseFlagsFor((*letters_)[row.number()], name_, &current_.flags);
  if (!status.ok()) row.Fail("22023", status.message());
  return status.ok();
}

const Regex* RowRegex::For(Row& row) {
  if (prepared_) return current_.regex.get();
  const RegexFlags before = current_.flags;
  if (!ReadFlags(row)) return nullptr;
  const std::string_view pattern = patterns_[row.number()];
  if (current_.regex != nullptr && before == current_.flags && pattern == pattern_)
    return current_.regex.get();
  pattern_ = pattern;
  auto compiled = Cached(pattern_, current_.flags);
  if (!compiled.ok()) {
    current_.regex = nullptr;
    row.Fail("2201B", compiled.status().message());
    return nullptr;
  }
  current_.regex = std::move(compiled).value();
  return current_.regex.get();
}

}  // namespace streamrun
