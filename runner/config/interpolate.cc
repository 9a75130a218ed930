#include "runner/config/interpolate.h"

#include <cctype>

#include "runner/config/source_text.h"
#include "runner/config/yaml_reader.h"

namespace streamrun {

namespace {

constexpr size_t kMaxSecretBytes = kMaxScalarBytes;

bool IsName(std::string_view text) {
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text[0]))) return false;
  for (const char c : text) {
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_') return false;
  }
  return true;
}

// Resolves one scalar from left to right, carrying the places of what it copies.
class ScalarResolver {
 public:
  ScalarResolver(const ConfigValue& value, const VariableLookup& variable, Env* env, Diagnostics& diagnostics)
      : value_(value), text_(value.text()), variable_(variable), env_(env), diagnostics_(diagnostics) {}

  ConfigValue Resolve() {
    size_t at = 0;
    while (at < text_.size()) {
      const size_t next = text_.find("${", at);
      if (next == std::string_view::npos) {
        Copy(at, text_.size());
        break;
      }
      if (next > at && text_[next - 1] == '\\') {
        Copy(at, next - 1);
        Copy(next, next + 2);
        at = next + 2;
        continue;
      }
      Copy(at, next);
      at = Reference(next);
    }
    if (!broken_ && out_.size() > kMaxScalarBytes) {
      Problem(0, "config.variable", "with its variables this value has more than 64 KiB", "");
    }
    return Finish();
  }

 private:
  void Copy(size_t from, size_t to) {
    if (from == to) return;
    if (const auto& segments = value_.segments(); !segments.empty()) {
      const ConfigValue::Segment* inside = nullptr;
      for (const ConfigValue::Segment& s : segments) {
        if (s.offset <= from) inside = &s;
      }
      const SourceMark mark = value_.At(from);
      places_.push_back({out_.size(), mark.line, mark.column, inside == nullptr || inside->exact});
      for (const ConfigValue::Segment& s : segments) {
        if (s.offset > from && s.offset < to)
          places_.push_back({out_.size() + s.offset - from, s.line, s.column, s.exact});
      }
    }
    out_.append(text_.substr(from, to - from));
  }

  // Handles the `${` at `at`; returns where reading goes on.
  size_t Reference(size_t at) {
    const size_t close = text_.find('}', at);
    if (close == std::string_view::npos) {
      Problem(at, "config.variable", "this '${' is not closed by a '}'",
              "write '\\${' for the two characters themselves");
      return text_.size();
    }
    const std::string_view inside = text_.substr(at + 2, close - at - 2);
    if (inside.find("${") != std::string_view::npos) {
      Problem(at, "config.variable", "variables cannot be nested",
              "give the inner one a name and a default of its own");
      return text_.size();
    }
    if (inside.starts_with("file:")) {
      File(at, std::string(inside.substr(5)));
    } else {
      Variable(at, inside);
    }
    return close + 1;
  }

  void Variable(size_t at, std::string_view inside) {
    const size_t colon = inside.find(":-");
    const std::string name(inside.substr(0, colon));
    if (!IsName(name)) {
      return Problem(
          at, "config.variable", "'${" + std::string(inside) + "}' is no form of a variable",
          "write ${NAME}, ${NAME:-default} or ${file:/path}, or '\\${' for the characters themselves");
    }
    std::optional<std::string> found = variable_(name);
    if (colon != std::string_view::npos && (!found || found->empty()))
      found = std::string(inside.substr(colon + 2));
    if (!found) {
      return Problem(at, "config.variable_missing", "the environment variable '" + name + "' is not set",
                     "set it, or give a default: ${" + name + ":-default}");
    }
    Put(at, *found, "the environment variable '" + name + "'");
  }

  void File(size_t at, const std::string& path) {
    secret_ = true;
    if (!path.starts_with('/')) {
      return Problem(at, "config.secret_file", "'${file:" + path + "}' needs an absolute path", "");
    }
    Result<std::string> content = ReadSecret(path);
    if (!content.ok()) return Problem(at, "config.secret_file", content.status().message(), "");
    if (content->ends_with('\n')) content->pop_back();
    if (content->ends_with('\r')) content->pop_back();
    Put(at, *content, "the file '" + path + "'");
  }

  // The open file is asked for its mode, so that nobody swaps the file between the check and the reading.
  Result<std::string> ReadSecret(const std::string& path) {
    SR_ASSIGN_OR_RETURN(const FileInfo named, env_->Info(path));
    if (!named.is_regular) return Status::InvalidArgument("'" + path + "' is no regular file");
    SR_ASSIGN_OR_RETURN(const std::unique_ptr<ReadableFile> file, env_->OpenForRead(path));
    SR_ASSIGN_OR_RETURN(const FileInfo info, file->Info());
    if ((info.mode & 077) != 0) {
      return Status::InvalidArgument("others may read the secret in '" + path + "': run chmod 600 " + path);
    }
    std::string content(kMaxSecretBytes + 1, '\0');
    size_t length = 0;
    while (length < content.size()) {
      SR_ASSIGN_OR_RETURN(const size_t n,
                          file->ReadAt(length, content.size() - length, content.data() + length));
      if (n == 0) break;
      length += n;
    }
    if (length > kMaxSecretBytes)
      return Status::ResourceExhausted("the secret in '" + path + "' has more than 64 KiB");
    content.resize(length);
    return content;
  }

  void Put(size_t at, const std::string& content, const std::string& what) {
    if (ValidUtf8Prefix(content) < content.size() || content.find('\0') != std::string::npos) {
      return Problem(at, "config.variable", what + " does not hold UTF-8 text", "");
    }
    if (!value_.segments().empty()) {
      const SourceMark mark = value_.At(at);
      places_.push_back({out_.size(), mark.line, mark.column, false});
    }
    out_ += content;
  }

  void Problem(size_t at, std::string code, std::string message, std::string suggestion) {
    broken_ = true;
    const size_t close = text_.find('}', at);
    const bool one_line = close != std::string_view::npos && value_.At(close).line == value_.At(at).line;
    diagnostics_.Error(value_.At(at), std::move(code), std::move(message), std::move(suggestion),
                       one_line ? value_.At(close).column - value_.At(at).column + 1 : 1);
  }

  ConfigValue Finish() {
    // Text that would read back as null or as structure can only be a string.
    const bool one_variable = text_.starts_with("${") && text_.find('}') == text_.size() - 1;
    const bool quoted = (value_.quoted() && !one_variable) || !ReadsBackPlain(out_);
    ConfigValue out = ConfigValue::Scalar(std::move(out_), quoted, value_.mark());
    out.set_extent(value_.extent());
    out.set_segments(std::move(places_));
    if (secret_ || value_.secret()) out.set_secret();
    if (broken_ || value_.broken()) out.set_broken();
    return out;
  }

  const ConfigValue& value_;
  std::string_view text_;
  const VariableLookup& variable_;
  Env* env_;
  Diagnostics& diagnostics_;
  std::string out_;
  std::vector<ConfigValue::Segment> places_;
  bool secret_ = false;
  bool broken_ = false;
};

}  // namespace

void Interpolate(ConfigValue* root, const VariableLookup& variable, Env* env, Diagnostics& diagnostics) {
  for (ConfigValue& item : root->mutable_items()) Interpolate(&item, variable, env, diagnostics);
  for (auto& [key, value] : root->mutable_entries()) Interpolate(&value, variable, env, diagnostics);
  // A value without a place comes from `--set`, where the shell has done its own replacing.
  if (!root->is_scalar() || root->mark().line == 0 || root->text().find("${") == std::string::npos) return;
  *root = ScalarResolver(*root, variable, env, diagnostics).Resolve();
}

std::string EscapeVariables(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("${")) out.push_back('\\');
    out.push_back(text[i]);
  }
  return out;
}

}  // namespace streamrun
