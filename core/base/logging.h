// Log lines of the program itself, one a call, on stderr: text for people or JSON for programs. Every line
// says which pipeline, revision and worker it comes from. Thread-safe. spdlog writes them.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace streamrun {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarning, kError, kOff };
/// "debug", "info", "warning", "error", "off".
std::string_view LogLevelName(LogLevel level);
std::optional<LogLevel> ParseLogLevel(std::string_view name);

/// Who speaks. Empty parts are left out.
struct LogContext {
  std::string pipeline;
  std::string revision;
  std::string stage;
  int instance = -1;
};

struct LogOptions {
  LogLevel level = LogLevel::kInfo;
  bool json = false;
  /// Takes each finished line (with its newline); default: write to stderr. Called under the log's lock.
  std::function<void(std::string_view line)> write;
};

/// Before it is called, lines of level info and up go to stderr as text. Call from one thread.
void StartLogging(LogOptions options, LogContext context);

struct LogField {
  std::string_view key;
  std::string value;
};

/// `message` is a sentence; what a program might look for goes into `fields`:
///   2026-01-02T03:04:05.678Z info    bids@1a2b3c4d dear[0/2]: worker started pid=12
///   {"time":"2026-01-02T03:04:05.678Z","level":"info","pipeline":"bids",...,"message":"worker
///   started","pid":"12"}
void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});

inline void LogDebug(std::string_view m, std::initializer_list<LogField> f = {}) {
  Log(LogLevel::kDebug, m, f);
}
inline void LogInfo(std::string_view m, std::initializer_list<LogField> f = {}) {
  Log(LogLevel::kInfo, m, f);
}
inline void LogWarning(std::string_view m, std::initializer_list<LogField> f = {}) {
  Log(LogLevel::kWarning, m, f);
}
inline void LogError(std::string_view m, std::initializer_list<LogField> f = {}) {
  Log(LogLevel::kError, m, f);
}

/// `text` as a JSON string with its quotes; bytes that are no UTF-8 become U+FFFD.
std::string JsonQuote(std::string_view text);

}  // namespace streamrun
