// The real machine's files and clocks.
#include "core/base/env.h"

#include <stdlib.h>
#include <unistd.h>

#include "doctest/doctest.h"

namespace streamrun {
namespace {

// An empty directory that is removed with what the tests leave in it.
class TempDirectory {
 public:
  TempDirectory() {
    char name[] = "/tmp/streamrun_env_XXXXXX";
    REQUIRE(mkdtemp(name) != nullptr);
    path_ = name;
  }
  ~TempDirectory() {
    Env* env = Env::Default();
    if (const auto names = env->List(path_); names.ok()) {
      for (const std::string& name : *names) (void)env->Remove(path_ + "/" + name).ok();
    }
    rmdir(path_.c_str());
  }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

TEST_CASE("a file written atomically is read back whole and leaves nothing else") {
  Env* env = Env::Default();
  const TempDirectory dir;
  REQUIRE(env->WriteFileAtomically(dir / "a", "first").ok());
  REQUIRE(env->WriteFileAtomically(dir / "a", "second").ok());
  CHECK(*env->ReadFile(dir / "a", 100) == "second");
  CHECK(*env->List(dir.path()) == std::vector<std::string>{"a"});
  CHECK(env->ReadFile(dir / "a", 3).status().code() == Code::kResourceExhausted);
  CHECK(env->ReadFile(dir / "b", 3).status().code() == Code::kNotFound);
}

TEST_CASE("the write modes create, replace and append") {
  Env* env = Env::Default();
  const TempDirectory dir;
  const auto write = [&](WriteMode mode, std::string_view text) {
    Result<std::unique_ptr<WritableFile>> file = env->OpenForWrite(dir / "f", mode);
    if (!file.ok()) return file.status();
    REQUIRE((*file)->Append(text).ok());
    REQUIRE((*file)->Sync().ok());
    return (*file)->Close();
  };
  REQUIRE(write(WriteMode::kCreate, "one").ok());
  CHECK(write(WriteMode::kCreate, "x").code() == Code::kAlreadyExists);
  REQUIRE(write(WriteMode::kAppend, "two").ok());
  CHECK(*env->ReadFile(dir / "f", 100) == "onetwo");
  REQUIRE(write(WriteMode::kReplace, "new").ok());
  CHECK(*env->ReadFile(dir / "f", 100) == "new");
}

TEST_CASE("a file is read at any offset up to its end, and cut") {
  Env* env = Env::Default();
  const TempDirectory dir;
  auto out = env->OpenForWrite(dir / "f", WriteMode::kCreate);
  REQUIRE(out.ok());
  REQUIRE((*out)->Append("0123456789").ok());
  CHECK((*out)->size() == 10);
  auto in = env->OpenForRead(dir / "f");
  REQUIRE(in.ok());
  char bytes[8];
  CHECK(*(*in)->ReadAt(7, 8, bytes) == 3);
  CHECK(std::string(bytes, 3) == "789");
  CHECK(*(*in)->ReadAt(10, 8, bytes) == 0);
  REQUIRE((*out)->Truncate(4).ok());
  CHECK((*out)->size() == 4);
  CHECK((*in)->Info()->size == 4);
  CHECK((*in)->Info()->inode == env->Info(dir / "f")->inode);
}

TEST_CASE("renaming over a file is refused only where asked") {
  Env* env = Env::Default();
  const TempDirectory dir;
  REQUIRE(env->WriteFileAtomically(dir / "a", "a").ok());
  REQUIRE(env->WriteFileAtomically(dir / "b", "b").ok());
  CHECK(env->RenameNoReplace(dir / "a", dir / "b").code() == Code::kAlreadyExists);
  CHECK(*env->ReadFile(dir / "b", 9) == "b");
  REQUIRE(env->Rename(dir / "a", dir / "b").ok());
  CHECK(*env->ReadFile(dir / "b", 9) == "a");
  CHECK(env->Info(dir / "a").status().code() == Code::kNotFound);
  CHECK(env->Remove(dir / "a").code() == Code::kNotFound);
}

TEST_CASE("missing parents are made, existing directories are fine") {
  Env* env = Env::Default();
  const TempDirectory dir;
  REQUIRE(env->MakeDirectories(dir / "x/y/z").ok());
  REQUIRE(env->MakeDirectories(dir / "x/y/z").ok());
  CHECK(env->Info(dir / "x/y/z")->is_directory);
  REQUIRE(env->SyncDirectory(dir / "x").ok());
  for (const char* name : {"x/y/z", "x/y", "x"}) CHECK(rmdir((dir / name).c_str()) == 0);
}

TEST_CASE("the monotonic clock does not go back, the wall clock is after 2024") {
  Env* env = Env::Default();
  const Timestamp before = env->MonotonicNow();
  env->Sleep(2 * kMillisecond);
  CHECK(env->MonotonicNow() - before >= 2 * kMillisecond);
  CHECK(env->WallNow() > 1'704'067'200 * kSecond);
  CHECK(env->Random64() != env->Random64());
}

TEST_CASE("a link is a second name for the same file and replaces nothing") {
  Env* env = Env::Default();
  const TempDirectory dir;
  REQUIRE(env->WriteFileAtomically(dir / "a", "text").ok());
  REQUIRE(env->Link(dir / "a", dir / "b").ok());
  CHECK(env->Info(dir / "a")->inode == env->Info(dir / "b")->inode);
  CHECK(env->Link(dir / "a", dir / "b").code() == Code::kAlreadyExists);
  CHECK(env->Link(dir / "none", dir / "c").code() == Code::kNotFound);
  REQUIRE(env->Remove(dir / "a").ok());
  CHECK(*env->ReadFile(dir / "b", 100) == "text");
}

TEST_CASE("a file that somebody else wrote can be made durable, a missing one cannot") {
  Env* env = Env::Default();
  const TempDirectory dir;
  REQUIRE(env->WriteFileAtomically(dir / "a", "text").ok());
  CHECK(env->SyncFile(dir / "a").ok());
  CHECK(env->SyncFile(dir / "none").code() == Code::kNotFound);
  CHECK(env->Info(dir / "none").status().code() == Code::kNotFound);
}

}  // namespace
}  // namespace streamrun
