#include "core/base/logging.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <memory>
#include <mutex>
#include <utility>

namespace streamrun {

namespace {

void WriteStderr(std::string_view line) {
  while (!line.empty()) {
    const ssize_t n = ::write(STDERR_FILENO, line.data(), line.size());
    if (n <= 0) return;  // nowhere to say so
    line.remove_prefix(static_cast<size_t>(n));
  }
}

// Lines come ready made; the sink only hands them on under its lock.
class LineSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit LineSink(std::function<void(std::string_view)> write) : write_(std::move(write)) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    write_({message.payload.data(), message.payload.size()});
  }
  void flush_() override {}

 private:
  std::function<void(std::string_view)> write_;
};

spdlog::level::level_enum ToSpdlog(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return spdlog::level::debug;
    case LogLevel::kInfo:
      return spdlog::level::info;
    case LogLevel::kWarning:
      return spdlog::level::warn;
    case LogLevel::kError:
      return spdlog::level::err;
    case LogLevel::kOff:
      return spdlog::level::off;
  }
  return spdlog::level::off;
}

struct Logging {
  bool json = false;
  LogContext context;
  std::unique_ptr<spdlog::logger> logger;
};

Logging MakeLogging(LogOptions options, LogContext context) {
  auto write = options.write ? std::move(options.write) : std::function<void(std::string_view)>(WriteStderr);
  Logging logging{options.json, std::move(context), nullptr};
  logging.logger =
      std::make_unique<spdlog::logger>("streamrun", std::make_shared<LineSink>(std::move(write)));
  logging.logger->set_level(ToSpdlog(options.level));
  return logging;
}

Logging& TheLogging() {
  static auto* logging = new Logging(MakeLogging({}, {}));  // never destroyed: threads may outlive main
  return *logging;
}

std::string IsoNow() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
  const std::time_t seconds = millis / 1000;
  std::tm tm{};
  ::gmtime_r(&seconds, &tm);
  char text[40];
  const size_t n = std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
  std::snprintf(text + n, sizeof(text) - n, ".%03dZ", static_cast<int>(millis % 1000));
  return text;
}

// Length of the UTF-8 sequence at `at`, 0 when it is none (RFC 3629).
size_t Utf8Length(std::string_view s, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(at + i < s.size() ? s[at + i] : 0); };
  const unsigned char first = byte(0);
  const auto follows = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first < 0xE0) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first < 0xF0) {
    if (first == 0xE0 && byte(1) < 0xA0) return 0;
    if (first == 0xED && byte(1) > 0x9F) return 0;
    return follows(1) && follows(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first < 0xF5) {
    if (first == 0xF0 && byte(1) < 0x90) return 0;
    if (first == 0xF4 && byte(1) > 0x8F) return 0;
    return follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

// A line break in a message would look like another line.
std::string OneLine(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      out += "\\n";
    } else {
      out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
  }
  return out;
}

std::string TextLine(const LogContext& context, LogLevel level, std::string_view message,
                     std::initializer_list<LogField> fields) {
  std::string line = IsoNow() + " ";
  line += LogLevelName(level);
  line.append(8 - LogLevelName(level).size(), ' ');
  if (!context.pipeline.empty()) line += context.pipeline;
  if (!context.revision.empty()) line += "@" + context.revision;
  if (!context.stage.empty()) line += " " + context.stage + "[" + std::to_string(context.instance) + "]";
  if (!context.pipeline.empty()) line += ": ";
  line += OneLine(message);
  for (const LogField& field : fields) {
    line += " ";
    line += field.key;
    line +=
        "=" + (field.value.find(' ') == std::string::npos ? OneLine(field.value) : JsonQuote(field.value));
  }
  return line + "\n";
}

std::string JsonLine(const LogContext& context, LogLevel level, std::string_view message,
                     std::initializer_list<LogField> fields) {
  std::string line = "{\"time\":\"" + IsoNow() + "\",\"level\":\"" + std::string(LogLevelName(level)) + "\"";
  const auto add = [&](std::string_view key, std::string_view value) {
    line += "," + JsonQuote(key) + ":" + JsonQuote(value);
  };
  if (!context.pipeline.empty()) add("pipeline", context.pipeline);
  if (!context.revision.empty()) add("revision", context.revision);
  if (!context.stage.empty()) {
    add("stage", context.stage);
    line += ",\"instance\":" + std::to_string(context.instance);
  }
  add("message", message);
  for (const LogField& field : fields) add(field.key, field.value);
  return line + "}\n";
}

}  // namespace

std::string_view LogLevelName(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kError:
      return "error";
    case LogLevel::kOff:
      return "off";
  }
  return "off";
}

std::optional<LogLevel> ParseLogLevel(std::string_view name) {
  for (const LogLevel level :
       {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarning, LogLevel::kError, LogLevel::kOff}) {
    if (LogLevelName(level) == name) return level;
  }
  return std::nullopt;
}

std::string JsonQuote(std::string_view text) {
  std::string out = "\"";
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    const size_t length = Utf8Length(text, i);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
      ++i;
      continue;
    }
    if (c == '"' || c == '\\') {
      (out += '\\') += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escape[8];
      std::snprintf(escape, sizeof(escape), "\\u%04x", static_cast<unsigned>(c));
      out += escape;
    } else {
      out.append(text.substr(i, length));
    }
    i += length;
  }
  return out + "\"";
}

void StartLogging(LogOptions options, LogContext context) {
  TheLogging() = MakeLogging(std::move(options), std::move(context));
}

void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  Logging& logging = TheLogging();
  const auto severity = ToSpdlog(level);
  if (!logging.logger->should_log(severity)) return;
  const std::string line = logging.json ? JsonLine(logging.context, level, message, fields)
                                        : TextLine(logging.context, level, message, fields);
  logging.logger->log(severity, spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace streamrun
