// The files of a sink whose path has columns: a series for each path that the columns make, which is one file
// or parts one after the other.
//
// Few are open at a time. The one that was written longest ago is parked: closed at a whole record (and
// compressed frame) with its length remembered, and gone on with exactly there when a row comes.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connectors/file/begun_files.h"
#include "connectors/file/file_output.h"
#include "connectors/file/part_file.h"
#include "core/stream/sink.h"

namespace streamrun {

class SeriesSet {
 public:
  struct Series {
    std::string name;                // SinkPart::series
    std::unique_ptr<PartFile> open;  // at most one of these two
    std::optional<SinkPart> parked;  // finished: its run had ended, but rows may come again
    std::vector<SinkPart> full;      // finished, not committed yet
    Timestamp begun = 0;             // of the part under way
    uint64_t used = 0;               // greater: written later
  };

  /// All outlive it. `staged`: files get their name at a commit.
  SeriesSet(const FileSinkConfig& config, const SinkContext& context, bool staged, BegunFiles* begun);

  /// The one of that name; stays valid until a commit. kResourceExhausted when there are too many.
  Result<Series*> Find(std::string_view name);
  /// Appends one record; begins, reopens and finishes parts as needed.
  Status Write(Series& series, std::string_view record);
  /// Hands what is buffered to the operating system.
  Status Flush();

  /// From a restored epoch: goes on when a row comes.
  Status Resume(SinkPart part);
  /// What a run that cannot be read again left before its first epoch: kept, and gone on with.
  Status Continue(const std::vector<SinkPart>& notes);
  /// The input ended: every part is finished.
  Status Finish();

  /// Parts that are not committed yet, at whole records; rolls those that are old enough.
  Result<std::vector<SinkPart>> Parts();
  /// Parts that had their names in the restored epoch, and that rows may yet come for.
  std::vector<SinkPart> Ended() const;
  /// `parts` count now, those that are finished have their names.
  void Committed(const std::vector<SinkPart>& parts);
  /// Part numbers of this instance from here on are new.
  uint64_t next_number() const { return next_number_; }
  void set_next_number(uint64_t number) { next_number_ = std::max(next_number_, number); }
  /// Before the file `path` is made: its entry and those of missing directories are new.
  void NoteDirectories(const std::string& path);
  /// Directories with an entry that is new since they were last taken.
  std::set<std::string> TakeDirectories() { return std::exchange(directories_, {}); }

 private:
  std::string FinalPath(const Series& series, uint64_t number) const;
  Status Open(Series& series);
  Status Begin(Series& series);
  Status GoOn(Series& series);
  Status MakeRoom();
  Status Park(Series& series);
  Status FinishPart(Series& series);
  bool TooOld(const Series& series) const;
  Result<uint64_t> ChooseNumber(const Series& series);
  Result<SinkPart> NoteOf(const Series& series, uint64_t number) const;
  FileWriterOptions Options(const std::string& path, bool staged, FileStart start) const;

  const FileSinkConfig& config_;
  const SinkContext& context_;
  Env* const env_;
  const bool staged_;
  const bool rolls_;
  const std::string base_;
  BegunFiles* const begun_;
  std::map<std::string, Series, std::less<>> series_;
  std::vector<Series*> open_;
  std::set<std::string> directories_;
  uint64_t next_number_ = 1;
  uint64_t clock_ = 0;
};

}  // namespace streamrun
