// A disk that forgets: what was not made durable may be lost in a crash, in any combination.
//
// Files and directories are kept twice, as programs see them and as they would be found after a power
// failure. Between the two stand the writes of each file and the changes of directory entries that no sync
// has covered. Crash() draws which of them survive: any subset, and of one write perhaps only the beginning.
// This is weaker than any journalling file system, so what survives here survives there (ALICE, Pillai et
// al., OSDI 2014). One thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/env.h"

namespace streamrun {

class CrashEnv : public Env {
 public:
  CrashEnv();

  /// Power fails: everything that is not durable is kept or lost by lot. Open files are dead. Operations work
  /// again and are counted from 0.
  void Crash(uint64_t seed);
  /// The process is killed and the machine runs on: nothing is lost, nothing becomes durable.
  void Kill();
  /// From operation `index` on (counted since the last Crash) everything fails, as for a process that is no
  /// more.
  void StopAt(uint64_t index) { stop_at_ = index; }
  /// Operation `index` fails with this error, once.
  void FailAt(uint64_t index, Code code) {
    fail_at_ = index;
    fail_code_ = code;
  }
  /// Bytes that all files together may have.
  void SetCapacity(uint64_t bytes) { capacity_ = bytes; }
  /// Operations that change or sync something, since the last Crash.
  uint64_t operations() const { return operations_; }

  /// Flips a bit behind everybody's back, durably.
  void FlipBit(const std::string& path, uint64_t bit);
  /// Cuts the file, durably.
  void Cut(const std::string& path, uint64_t size);
  /// Every path with its content; directories end with a slash.
  std::map<std::string, std::string> Tree() const;

  Timestamp WallNow() override { return now_; }
  Timestamp MonotonicNow() override { return now_; }
  void Sleep(Duration duration) override { now_ += duration; }
  uint64_t Random64() override { return random_(); }
  Result<std::unique_ptr<ReadableFile>> OpenForRead(const std::string& path) override;
  Result<std::unique_ptr<WritableFile>> OpenForWrite(const std::string& path, WriteMode mode) override;
  Result<FileInfo> Info(const std::string& path) override;
  Result<std::vector<std::string>> List(const std::string& directory) override;
  Status Rename(const std::string& from, const std::string& to) override;
  Status RenameNoReplace(const std::string& from, const std::string& to) override;
  Status Link(const std::string& from, const std::string& to) override;
  Status Remove(const std::string& path) override;
  Status MakeDirectories(const std::string& path, uint32_t mode) override;
  Status SyncFile(const std::string& path) override;
  Status SyncDirectory(const std::string& directory) override;

 private:
  class Reader;
  class Writer;
  struct Node;
  using NodePtr = std::shared_ptr<Node>;
  using Entries = std::map<std::string, NodePtr>;
  struct Write {
    uint64_t offset = 0;
    std::string data;
    bool truncate = false;  // to `offset`
  };
  // Of one directory: the entry `gone` leaves it (empty: none), then `name` names `node` (null: none). A
  // rename is both at once, which journals keep together.
  struct Change {
    std::string gone;
    std::string name;
    NodePtr node;
  };
  struct Node {
    bool directory = false;
    uint64_t inode = 0;
    std::string seen;
    std::string durable;
    std::vector<Write> writes;
    Entries entries;
    Entries durable_entries;
    std::vector<Change> changes;
  };
  struct Place {
    NodePtr directory;
    std::string name;
    NodePtr node;  // null: nothing has this name
  };

  // Counts an operation; an error when it is not to happen.
  Status Operate(const std::string& what);
  NodePtr Find(const std::string& path) const;
  Result<Place> Locate(const std::string& path) const;
  NodePtr NewNode(bool directory);
  static void Apply(const Write& write, std::string* content);
  static void Apply(const Change& change, Entries* entries);
  void Alter(const NodePtr& directory, Change change);
  Status Move(const std::string& from, const std::string& to, bool replace);
  void Settle(Node* node);
  void AddTree(const std::string& path, const Node& node, std::map<std::string, std::string>* out) const;
  uint64_t BytesUnder(const Node& node) const;

  NodePtr root_;
  uint64_t inodes_ = 0;
  uint64_t operations_ = 0;
  uint64_t stop_at_ = ~uint64_t{0};
  uint64_t fail_at_ = ~uint64_t{0};
  Code fail_code_ = Code::kIoError;
  uint64_t capacity_ = ~uint64_t{0};
  uint64_t life_ = 0;  // crashes so far; files opened before are dead
  Timestamp now_ = 1'800'000'000 * kSecond;
  std::mt19937_64 random_{42};
};

}  // namespace streamrun
