// Problems found in a pipeline file, collected so that one run reports them all.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/component/config_value.h"

namespace streamrun {

enum class Severity : uint8_t { kError, kWarning };

struct Finding {
  SourceMark mark;
  int length = 1;    // characters to underline
  std::string code;  // stable and dotted: "config.unknown_field"
  Severity severity = Severity::kError;
  std::string message;     // one sentence without a full stop
  std::string suggestion;  // what to do, may be empty: "did you mean 'path'?"
};

/// Not thread-safe.
class Diagnostics {
 public:
  void Error(SourceMark mark, std::string code, std::string message, std::string suggestion = "",
             int length = 1) {
    findings_.push_back({std::move(mark), length, std::move(code), Severity::kError, std::move(message),
                         std::move(suggestion)});
    ++errors_;
  }
  void Warning(SourceMark mark, std::string code, std::string message, std::string suggestion = "",
               int length = 1) {
    findings_.push_back({std::move(mark), length, std::move(code), Severity::kWarning, std::move(message),
                         std::move(suggestion)});
  }
  /// At a scalar: the whole of its text is underlined when it stands on one line. A broken value has been
  /// reported already: only the count of errors grows.
  void ErrorAt(const ConfigValue& value, std::string code, std::string message, std::string suggestion = "");
  void WarningAt(const ConfigValue& value, std::string code, std::string message,
                 std::string suggestion = "");

  bool has_errors() const { return errors_ > 0; }
  int errors() const { return errors_; }
  const std::vector<Finding>& findings() const { return findings_; }

 private:
  std::vector<Finding> findings_;
  int errors_ = 0;
};

/// "did you mean 'x'?" for the nearest candidate, else "" .
std::string DidYouMean(std::string_view word, const std::vector<std::string_view>& candidates);

}  // namespace streamrun
