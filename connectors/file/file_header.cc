#include "connectors/file/file_header.h"

#include <algorithm>
#include <cstring>

namespace streamrun {

namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
constexpr size_t kBlock = 4096;

}  // namespace

Result<FileHeader> ReadFileHeader(ByteStream& stream, const std::string& path, bool has_header,
                                  size_t max_line) {
  FileHeader header;
  std::string text;
  size_t newline = std::string::npos;
  bool at_end = false;
  while (!at_end && (has_header ? newline == std::string::npos : text.size() < kByteOrderMark.size())) {
    if (text.size() > max_line + kByteOrderMark.size()) {
      return Status::InvalidArgument("the first line of " + path + ", the header, is longer than " +
                                     std::to_string(max_line) + " bytes");
    }
    const size_t old = text.size();
    text.resize(old + kBlock);
    Result<size_t> n = stream.Read(reinterpret_cast<uint8_t*>(text.data()) + old, kBlock);
    // Damage is reported when the records are read: those before it come first.
    at_end = !n.ok() || *n == 0;
    text.resize(old + (n.ok() ? *n : 0));
    newline = text.find('\n', old);
  }
  if (text.starts_with(kByteOrderMark)) header.data_begin = kByteOrderMark.size();
  if (!has_header) return header;
  const size_t end = std::min(newline, text.size());
  std::string line = text.substr(header.data_begin, end - header.data_begin);
  header.data_begin = newline == std::string::npos ? text.size() : newline + 1;
  if (line.ends_with('\r')) line.pop_back();
  header.line = std::make_shared<const std::string>(std::move(line));
  return header;
}

}  // namespace streamrun
