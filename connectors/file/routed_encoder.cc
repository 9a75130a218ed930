#include "connectors/file/routed_encoder.h"

#include <algorithm>
#include <limits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "connectors/file/path_columns.h"
#include "connectors/file/routed_records.h"
#include "core/data/selection.h"

namespace streamrun {

namespace {

constexpr const char* kCode = "file.name";

class RoutedEncoder final : public Encoder {
 public:
  RoutedEncoder(std::unique_ptr<Encoder> format, const std::string& path, const Schema& input,
                const std::string& null_name, SchemaPtr record_schema)
      : format_(std::move(format)),
        columns_(path, input, null_name),
        record_schema_(std::move(record_schema)) {
    for (const Field& field : record_schema_->fields()) kept_.push_back(input.Find(field.name));
  }

  std::string Preamble() const override { return format_->Preamble(); }

  std::vector<RowFailure> Encode(const Batch& batch, BufferBuilder& bytes,
                                 BufferBuilder& record_ends) override {
    std::vector<RowFailure> failures = Route(batch);
    const BatchPtr rows = RowsToEncode(batch, failures.empty());
    BufferBuilder plain, plain_ends;
    const std::vector<RowFailure> refused = format_->Encode(*rows, plain, plain_ends);
    // The format sets its records side by side, and between them stands where they go: a copy.
    RouteWriter writer(&paths_);
    const auto* ends = plain_ends.as<uint32_t>();
    const std::string_view text(reinterpret_cast<const char*>(plain.data()), plain.size());
    size_t next_refused = 0;
    uint32_t begin = 0;
    for (size_t i = 0; i < passed_.size(); ++i) {
      if (next_refused < refused.size() && refused[next_refused].row == i) {
        failures.push_back(refused[next_refused++]);
        failures.back().row = passed_[i];
        continue;
      }
      writer.Add(route_[i], text.substr(begin, *ends - begin), bytes, record_ends);
      begin = *ends++;
    }
    if (!refused.empty()) SortFailures(failures);
    return failures;
  }

 private:
  static constexpr uint32_t kBad = std::numeric_limits<uint32_t>::max();

  // Fills passed_ and route_.
  std::vector<RowFailure> Route(const Batch& batch) {
    std::vector<RowFailure> failures;
    passed_.clear();
    route_.clear();
    numbers_.clear();
    paths_.clear();
    problems_.clear();
    uint32_t last = kBad;
    for (int64_t i = 0; i < batch.rows(); ++i) {
      const auto row = static_cast<uint32_t>(i);
      if (auto problem = columns_.Compose(batch, i, &path_)) {
        failures.push_back({row, kCode, std::move(*problem)});
        continue;
      }
      if (last == kBad || path_ != paths_[last]) last = NumberOf(path_);
      if (!problems_[last].empty()) {
        failures.push_back({row, kCode, problems_[last]});
        continue;
      }
      passed_.push_back(row);
      route_.push_back(last);
    }
    return failures;
  }

  uint32_t NumberOf(const std::string& path) {
    const auto [it, is_new] = numbers_.emplace(path, static_cast<uint32_t>(paths_.size()));
    if (is_new) {
      paths_.push_back(path);
      problems_.push_back(columns_.LengthProblem(path));
    }
    return it->second;
  }

  // The rows that have a file, with the columns that are written.
  BatchPtr RowsToEncode(const Batch& batch, bool all) const {
    std::vector<ColumnPtr> columns;
    for (const int column : kept_) columns.push_back(batch.column(column));
    const auto rows = std::make_shared<const Batch>(record_schema_, batch.rows(), std::move(columns),
                                                    batch.origin(), batch.changes());
    return all ? rows : Take(rows, passed_);
  }

  const std::unique_ptr<Encoder> format_;
  PathColumns columns_;
  const SchemaPtr record_schema_;
  std::vector<int> kept_;  // of the input's columns

  // Of the batch under way.
  Selection passed_;             // rows that have a file
  std::vector<uint32_t> route_;  // path of each of them
  std::unordered_map<std::string, uint32_t> numbers_;
  std::vector<std::string> paths_;
  std::vector<std::string> problems_;  // of paths_, mostly empty
  std::string path_;
};

}  // namespace

std::unique_ptr<Encoder> MakeRoutedEncoder(std::unique_ptr<Encoder> format, const std::string& path,
                                           const SchemaPtr& input, const std::string& null_name,
                                           const SchemaPtr& record_schema) {
  return std::make_unique<RoutedEncoder>(std::move(format), path, *input, null_name, record_schema);
}

}  // namespace streamrun
