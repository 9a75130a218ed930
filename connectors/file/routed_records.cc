#include "connectors/file/routed_records.h"

namespace streamrun {

namespace {

constexpr uint64_t kNewList = 0;
constexpr uint64_t kNewPath = 1;
constexpr uint64_t kFirstKnown = 2;

void PutNumber(uint64_t number, BufferBuilder& bytes) {
  for (; number >= 0x80; number >>= 7) bytes.Push(static_cast<uint8_t>(number | 0x80));
  bytes.Push(static_cast<uint8_t>(number));
}

Status Damaged() { return Status::Corruption("records of a file sink came damaged to its writer"); }

}  // namespace

void RouteWriter::Add(uint32_t path, std::string_view record, BufferBuilder& bytes,
                      BufferBuilder& record_ends) {
  if (sent_[path] > 0) {
    PutNumber(sent_[path] - 1 + kFirstKnown, bytes);
  } else {
    PutNumber(count_ == 0 ? kNewList : kNewPath, bytes);
    PutNumber(paths_[path].size(), bytes);
    bytes.Append(paths_[path].data(), paths_[path].size());
    sent_[path] = ++count_;
  }
  bytes.Append(record.data(), record.size());
  record_ends.Push(static_cast<uint32_t>(bytes.size()));
}

RouteReader::RouteReader(const Encoded& records) : records_(records) {}

Result<uint64_t> RouteReader::Number() {
  uint64_t number = 0;
  for (int shift = 0; shift < 63 && !rest_.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    number |= static_cast<uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return number;
  }
  return Damaged();
}

Result<bool> RouteReader::Next() {
  if (next_ == records_.records()) return false;
  const uint32_t* ends = records_.record_ends->as<uint32_t>();
  const uint32_t begin = next_ == 0 ? 0 : ends[next_ - 1];
  const uint32_t end = ends[next_++];
  rest_ = records_.bytes->view().substr(begin, end - begin);
  SR_ASSIGN_OR_RETURN(const uint64_t number, Number());
  if (number >= kFirstKnown) {
    if (number - kFirstKnown >= paths_.size()) return Damaged();
    path_ = static_cast<uint32_t>(number - kFirstKnown);
  } else {
    if (number == kNewList) {
      paths_.clear();
      ++list_;
    }
    SR_ASSIGN_OR_RETURN(const uint64_t size, Number());
    if (list_ == 0 || size == 0 || size > rest_.size()) return Damaged();
    path_ = static_cast<uint32_t>(paths_.size());
    paths_.push_back(rest_.substr(0, size));
    rest_.remove_prefix(size);
  }
  record_ = rest_;
  return true;
}

}  // namespace streamrun
