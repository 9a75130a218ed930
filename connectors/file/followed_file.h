// One file that is followed: read on as it grows, through truncation, until it is given up.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "connectors/file/file_identity.h"
#include "core/base/env.h"
#include "core/component/definition.h"
#include "core/stream/framing.h"

namespace streamrun {

class FollowedFile {
 public:
  struct Options {
    FormatTraits format;
    size_t max_record = 1 << 20;
  };
  enum class Start : uint8_t { kBegin, kEnd };

  /// Takes `file` over. kEnd: begins behind the last whole line that is there now.
  static Result<std::unique_ptr<FollowedFile>> Open(std::unique_ptr<ReadableFile> file, std::string path,
                                                    const Options& options, Start start);
  /// What position() and skipping() gave.
  struct Place {
    uint64_t offset = 0;
    bool skipping = false;
  };
  /// Goes on at `place`.
  static Result<std::unique_ptr<FollowedFile>> Resume(std::unique_ptr<ReadableFile> file, std::string path,
                                                      const Options& options, Place place);

  /// Emits at most one chunk of whole records that are already read. False: ReadOn().
  Result<bool> Emit(SourceOutput& out);
  /// Reads the next block. 0: at the end for now. A file that was truncated, or written anew in place, is
  /// begun again from its start, after its unfinished last line is made a record.
  Result<size_t> ReadOn();
  /// No more will be read: what is left over becomes a last record at the next Emit.
  void End() { framer_->End(true); }

  /// Where it is now, and where it was first found.
  const std::string& path() const { return path_; }
  const std::string& first_path() const { return first_path_; }
  void set_path(std::string path) { path_ = std::move(path); }
  const FileIdentity& identity() const { return identity_; }
  /// Where to go on so that no record is given out twice or left out.
  uint64_t position() const { return static_cast<uint64_t>(framer_->position()); }
  /// That is within a record that is too long and was reported.
  bool skipping() const { return framer_->skipping(); }

 private:
  FollowedFile(std::unique_ptr<ReadableFile> file, std::string path, const Options& options)
      : file_(std::move(file)), first_path_(std::move(path)), path_(first_path_), options_(options) {}
  Status Begin(uint64_t offset);
  Status ReadHeader();
  Result<bool> BeganAgain(uint64_t size);
  RecordFramer NewFramer(uint64_t origin) const;

  std::unique_ptr<ReadableFile> file_;
  const std::string first_path_;
  std::string path_;
  const Options options_;
  FileIdentity identity_;
  uint64_t offset_ = 0;       // read up to here
  bool at_end_ = true;        // the last read found nothing
  bool begin_again_ = false;  // truncated: the rest of the old content is still being given out
  std::optional<RecordFramer> framer_;
  Chunk prototype_;
};

}  // namespace streamrun
