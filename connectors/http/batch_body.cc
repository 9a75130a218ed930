#include "connectors/http/batch_body.h"

#include "connectors/http/gzip_body.h"

namespace streamrun::http {
namespace {

std::string_view Bare(std::string_view record) {
  if (record.ends_with('\n')) record.remove_suffix(1);
  if (record.ends_with('\r')) record.remove_suffix(1);
  return record;
}

}  // namespace

bool BodyBuilder::full() const {
  return static_cast<int64_t>(ends_.size()) >= options_.max_records || bytes_.size() >= options_.max_bytes;
}

bool BodyBuilder::Add(std::string_view record) {
  const bool array = options_.form == BodyForm::kArray;
  if (array) record = Bare(record);
  if (!empty() && (full() || bytes_.size() + record.size() + 2 > options_.max_bytes)) return false;
  if (empty()) bytes_ = array ? "[" : options_.preamble;
  if (array && !empty()) bytes_ += ',';
  bytes_ += record;
  ends_.push_back(static_cast<uint32_t>(bytes_.size()));
  return true;
}

BatchBody BodyBuilder::Finish() {
  BatchBody body;
  if (options_.form == BodyForm::kArray) bytes_ += ']';
  body.bytes = options_.gzip ? Deflate(bytes_) : std::move(bytes_);
  body.ends = std::move(ends_);
  bytes_.clear();
  ends_.clear();
  return body;
}

Result<std::vector<std::string>> RecordsOf(std::string_view bytes, const std::vector<uint32_t>& ends,
                                           const BodyOptions& options) {
  std::vector<std::string> records;
  if (ends.empty()) return records;
  const size_t joint = options.form == BodyForm::kArray ? 1 : 0;  // "[", "," and "]"
  std::string content(bytes);
  if (options.gzip) {
    SR_ASSIGN_OR_RETURN(content, InflateAll(bytes, ends.back() + joint));
  }
  size_t begin = joint == 1 ? 1 : options.preamble.size();
  for (const uint32_t end : ends) {
    if (begin > end || end > content.size()) return Status::Corruption("a body is shorter than its records");
    records.emplace_back(Bare(std::string_view(content).substr(begin, end - begin)));
    begin = end + joint;
  }
  return records;
}

}  // namespace streamrun::http
