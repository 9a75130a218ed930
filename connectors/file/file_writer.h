// One output file: buffered, compressed if asked for, staged under its in-progress name until it is
// published.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "connectors/file/compressor.h"
#include "core/base/env.h"
#include "core/base/status.h"

namespace streamrun {

struct FileWriterOptions {
  std::string path;
  /// Staged: written as ".NAME.inprogress" and renamed by Close. Otherwise the file grows where it is.
  bool staged = true;
  /// kReplace, kAppend, or kCreate, which fails when `path` exists.
  WriteMode mode = WriteMode::kReplace;
  /// Goes on with a staged file that an earlier attempt left.
  bool continue_staged = false;
  Compression compression = Compression::kNone;
  /// Bytes at the beginning of a new file.
  std::string preamble;
  /// Make the content durable before it is published.
  bool sync = true;
};

/// Used by one thread. Destruction without Close leaves a staged file unpublished.
class FileWriter {
 public:
  /// Creates missing directories. Errors name the path.
  static Result<std::unique_ptr<FileWriter>> Open(Env* env, FileWriterOptions options);

  /// `records` are whole records. kResourceExhausted when the disk is full: nothing is published then.
  Status Write(std::string_view records);
  /// Hands what is buffered to the operating system.
  Status Flush();
  /// Writes the rest, makes it durable and publishes it.
  Status Close();
  /// Forgets the file: removes a staged one.
  Status Discard();

  /// Bytes of the file including what is buffered (not what a compressor holds back).
  uint64_t size() const { return file_->size() + buffer_.size(); }
  /// Something was written since Open.
  bool dirty() const { return dirty_; }

 private:
  FileWriter(Env* env, FileWriterOptions options) : env_(env), options_(std::move(options)) {}
  Status OpenFile();
  Status Begin();
  Status Hand(std::string_view bytes);
  Status HandBuffer();
  Status Explain(const Status& status) const;

  Env* env_;
  const FileWriterOptions options_;
  std::string open_path_;  // where the bytes go now
  std::unique_ptr<WritableFile> file_;
  std::unique_ptr<Compressor> compressor_;
  std::string buffer_;
  bool dirty_ = false;
};

}  // namespace streamrun
