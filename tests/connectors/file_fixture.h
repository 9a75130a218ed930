// What the tests of the file connector share: a directory of their own and components bound as a pipeline
// would.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "core/component/registry.h"
#include "tests/core/stream/recording_output.h"

namespace streamrun {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "streamrun-file-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline void WriteText(const std::string& path, std::string_view text,
                      std::ios::openmode mode = std::ios::trunc) {
  std::ofstream file(path, std::ios::binary | mode);
  file << text;
  REQUIRE(file.good());
}
inline void AppendText(const std::string& path, std::string_view text) {
  WriteText(path, text, std::ios::app);
}
inline std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class TestBindContext final : public BindContext {
 public:
  TestBindContext(const ConfigValue& config, Diagnostics& diagnostics)
      : BindContext("node", "the component", config, {"connector", "format"}, diagnostics) {}
  std::shared_ptr<const TableFactory> BindTable(const NestedComponent&) override { return nullptr; }
};

/// A mapping of scalars; a value `{a: 1, b: 2}` is written as nested Fields.
struct Fields {
  std::vector<ConfigValue::Entry> entries;
  Fields& Set(const std::string& key, const std::string& value) {
    entries.emplace_back(ConfigValue::Scalar(key, false, {}), ConfigValue::Scalar(value, false, {}));
    return *this;
  }
  Fields& Set(const std::string& key, const Fields& value) {
    entries.emplace_back(ConfigValue::Scalar(key, false, {}), value.Value());
    return *this;
  }
  ConfigValue Value() const { return ConfigValue::Map(entries, {}); }
};

inline std::shared_ptr<const BoundSource> BindSource(const std::string& name, const Fields& fields,
                                                     Diagnostics& diagnostics) {
  const ConfigValue config = fields.Value();
  TestBindContext context(config, diagnostics);
  return Registry::Global().FindSource(name)->bind(context);
}

inline std::shared_ptr<const BoundSink> BindSink(const std::string& name, const Fields& fields,
                                                 Diagnostics& diagnostics) {
  const ConfigValue config = fields.Value();
  TestBindContext context(config, diagnostics);
  return Registry::Global().FindSink(name)->bind(context);
}

/// Polls until the source is done or fails; more calls than `limit` fail the test.
inline Status RunToEnd(Source& source, RecordingOutput& out, int limit = 1000000) {
  for (int i = 0; i < limit; ++i) {
    Result<SourceOutcome> outcome = source.Poll(out);
    if (!outcome.ok()) return outcome.status();
    if (*outcome == SourceOutcome::kDone) return Status::Ok();
    CHECK(*outcome == SourceOutcome::kMore);
  }
  return Status::Internal("the source does not come to an end");
}

inline SourceContext TestSourceContext(int instance = 0, int parallelism = 1) {
  SourceContext context;
  context.env = Env::Default();
  context.instance = instance;
  context.parallelism = parallelism;
  return context;
}

}  // namespace streamrun
