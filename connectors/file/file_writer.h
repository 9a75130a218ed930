// One output file: buffered and compressed if asked for. Staged files are written under their in-progress
// name; what gives them their name is PublishPart.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "connectors/file/compressor.h"
#include "core/base/env.h"
#include "core/base/status.h"

namespace streamrun {

/// What is done with bytes that are there already.
enum class FileStart : uint8_t {
  kReplace,  // removed
  kAppend,   // kept; the first record gets a line of its own
  kGoOn,     // kept: all of them are this writer's and end at a record (and compressed frame)
  kMend,     // kept up to the last whole record: an earlier attempt may have been killed within a write
};

struct FileWriterOptions {
  std::string path;
  /// Written as ".NAME.inprogress". Otherwise the file grows where it is.
  bool staged = true;
  FileStart start = FileStart::kReplace;
  /// A file at `path` is an error.
  bool must_be_new = false;
  Compression compression = Compression::kNone;
  /// Bytes at the beginning of a new file.
  std::string preamble;
  /// So many bytes are gathered before they go to the operating system.
  size_t block = 1 << 20;
};

/// Used by one thread.
class FileWriter {
 public:
  /// Creates missing directories. Errors name the path. Nothing is written before the first Write, EndFrame,
  /// Flush or Close.
  static Result<std::unique_ptr<FileWriter>> Open(Env* env, FileWriterOptions options);

  /// `records` are whole records. kResourceExhausted when the disk is full.
  Status Write(std::string_view records);
  /// Hands what is buffered to the operating system.
  Status Flush();
  /// The same, and the file can be cut off here and written on later: ends a compressed frame, if anything
  /// was written since the last one.
  Status EndFrame();
  /// Writes the rest and closes the file, which is not durable by that.
  Status Close();

  /// Where the bytes go now.
  const std::string& written() const { return open_path_; }
  const std::string& path() const { return options_.path; }
  /// Bytes of the file including what is buffered (not what a compressor holds back).
  uint64_t size() const { return file_->size() + buffer_.size(); }

 private:
  FileWriter(Env* env, FileWriterOptions options) : env_(env), options_(std::move(options)) {}
  Status OpenFile();
  Status Begin();
  Status Hand(std::string_view bytes);
  Status HandBuffer();
  Status Explain(const Status& status) const;

  Env* env_;
  const FileWriterOptions options_;
  std::string open_path_;
  std::unique_ptr<WritableFile> file_;
  std::unique_ptr<Compressor> compressor_;
  std::string buffer_;
  bool in_frame_ = false;  // something was compressed since the last frame's end
};

}  // namespace streamrun
