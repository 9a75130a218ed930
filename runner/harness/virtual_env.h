// An Env whose clocks stand still until told to move; files are the real ones.
#pragma once

#include "core/base/env.h"

namespace streamrun {

class VirtualEnv final : public Env {
 public:
  VirtualEnv() : wall_(Env::Default()->WallNow()) {}

  void Advance(Duration duration) {
    wall_ += duration;
    monotonic_ += duration;
  }
  void SetWall(Timestamp time) {
    if (time > wall_) monotonic_ += time - wall_;
    wall_ = time;
  }

  /// Somebody sets the wall clock; no time passes.
  void JumpWall(Duration by) { wall_ += by; }

  Timestamp WallNow() override { return wall_; }
  Timestamp MonotonicNow() override { return monotonic_; }
  void Sleep(Duration duration) override { Advance(duration); }
  uint64_t Random64() override {
    // splitmix64 (Steele, Lea, Flood 2014): the same sequence in every run.
    uint64_t z = (random_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  Result<std::unique_ptr<ReadableFile>> OpenForRead(const std::string& path) override {
    return real_->OpenForRead(path);
  }
  Result<std::unique_ptr<WritableFile>> OpenForWrite(const std::string& path, WriteMode mode) override {
    return real_->OpenForWrite(path, mode);
  }
  Result<FileInfo> Info(const std::string& path) override { return real_->Info(path); }
  Result<std::vector<std::string>> List(const std::string& directory) override {
    return real_->List(directory);
  }
  Status Rename(const std::string& from, const std::string& to) override { return real_->Rename(from, to); }
  Status RenameNoReplace(const std::string& from, const std::string& to) override {
    return real_->RenameNoReplace(from, to);
  }
  Status Link(const std::string& from, const std::string& to) override { return real_->Link(from, to); }
  Status Remove(const std::string& path) override { return real_->Remove(path); }
  Status MakeDirectories(const std::string& path, uint32_t mode) override {
    return real_->MakeDirectories(path, mode);
  }
  Status SyncFile(const std::string& path) override { return real_->SyncFile(path); }
  Status SyncDirectory(const std::string& directory) override { return real_->SyncDirectory(directory); }

 private:
  Env* real_ = Env::Default();
  Timestamp wall_;
  Timestamp monotonic_ = kSecond;
  uint64_t random_ = 42;
};

}  // namespace streamrun
