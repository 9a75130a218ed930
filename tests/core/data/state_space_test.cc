// State that spills: the same answers wherever it lies, memory near its limit, and a full disk as an error.
#include "core/data/state_space.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <map>
#include <random>

#include "core/data/column_builder.h"
#include "core/data/key_table.h"
#include "core/data/spilled_batches.h"
#include "tests/core/data/sample_batch.h"
#include "tests/sanitized.h"

namespace streamrun {
namespace {

class Directory {
 public:
  Directory() : path_("state_space_test." + std::to_string(::getpid())) {}
  ~Directory() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

size_t BytesOf(const SlotArray<uint64_t>& array) { return array.MemoryBytes(); }

// Files that may not grow beyond so many bytes, while it lives: a write or a fallocate fails with EFBIG.
class FileLimit {
 public:
  explicit FileLimit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("blocks of no space are plain memory") {
  SlotArray<uint64_t> array;
  array.Resize(1000, 7);
  array.Resize(100'000, 9);
  CHECK(array[999] == 7);
  CHECK(array[99'999] == 9);
  SlotArray<uint64_t> moved = std::move(array);
  CHECK(array.size() == 0);  // NOLINT: what is left of it is asked for
  CHECK(moved[999] == 7);
}

TEST_CASE("blocks move to the file when memory is full, keep their content and grow there") {
  const Directory directory;
  StateSpace space(Env::Default(), {directory.path(), 1 << 20});
  const StateSpace::Scope scope(&space);
  SlotArray<uint64_t> large, small;
  small.Resize(10, 5);
  for (uint64_t i = 0; i < 100'000; ++i) large.Resize(i + 1, i);
  CHECK(space.Fit(BytesOf(large) + BytesOf(small)).ok());
  CHECK(space.spilled_bytes() == 0);
  for (uint64_t i = 100'000; i < 200'000; ++i) large.Resize(i + 1, i);
  CHECK(space.Fit(BytesOf(large) + BytesOf(small)).ok());
  CHECK(space.spilled_bytes() == BytesOf(large));
  CHECK(std::filesystem::is_empty(directory.path()));
  for (uint64_t i = 200'000; i < 3'000'000; ++i) {
    large.Resize(i + 1, i);
    if (i % 10'000 == 0) CHECK(space.Fit(BytesOf(large) + BytesOf(small)).ok());
  }
  SlotArray<uint64_t> moved = std::move(large);
  for (uint64_t i = 0; i < moved.size(); ++i) REQUIRE(moved[i] == i);
  CHECK(space.spilled_bytes() == BytesOf(moved));
  CHECK(small[9] == 5);
}

TEST_CASE("pages leave memory when there are more than its limit has room for") {
  const Directory directory;
  constexpr size_t kLimit = 8 << 20;
  StateSpace space(Env::Default(), {directory.path(), kLimit});
  const StateSpace::Scope scope(&space);
  SlotArray<uint64_t> array;
  std::mt19937_64 random(1);
  for (uint64_t i = 0; i < 10 * kLimit / sizeof(uint64_t);) {
    for (const uint64_t end = i + 8192; i < end; ++i) array.Resize(i + 1, i * 3);
    for (int again = 0; again < 20; ++again) {
      uint64_t& value = array[random() % array.size()];
      REQUIRE(value % 3 == 0);
      value += 3;
    }
    REQUIRE(space.Fit(array.MemoryBytes()).ok());
    const size_t spilled = space.spilled_bytes();
    if (spilled > 0 && i % (64 * 8192) == 0)
      CHECK(ScratchFile::Resident(array.data(), spilled) <= kLimit * 5 / 4);
  }
  CHECK(space.spilled_bytes() > 9 * kLimit);
  for (const uint64_t value : {array[0], array[1000], array[array.size() - 1]}) CHECK(value % 3 == 0);
}

TEST_CASE("what is freed in the file is used again") {
  const Directory directory;
  StateSpace space(Env::Default(), {directory.path(), 0});
  const StateSpace::Scope scope(&space);
  std::mt19937 random(2);
  std::map<int, SlotArray<uint64_t>> arrays;
  const FileLimit limit(64 << 20);
  for (int i = 0; i < 3000; ++i) {
    SlotArray<uint64_t>& array = arrays[static_cast<int>(random() % 20)];
    for (size_t k = 0; k < array.size(); k += 97) REQUIRE(array[k] == k);
    if (array.size() > 200'000) {
      array = SlotArray<uint64_t>();
      continue;
    }
    const size_t from = array.size();
    array.Resize(from + random() % 60'000);
    for (size_t k = from; k < array.size(); ++k) array[k] = k;
    REQUIRE(space.Fit(0).ok());
  }
  arrays.clear();
  CHECK(space.spilled_bytes() == 0);
}

TEST_CASE("a full disk is an error of the next Fit, and nothing is lost until then") {
  const Directory directory;
  for (const size_t most : {size_t{0}, size_t{1} << 20}) {
    StateSpace space(Env::Default(), {directory.path(), most});
    const StateSpace::Scope scope(&space);
    SlotArray<uint64_t> array, other;
    const FileLimit limit(3 << 20);
    Status fits;
    uint64_t rows = 0;
    while (fits.ok() && rows < 10'000'000) {
      for (const uint64_t end = rows + 100'000; rows < end; ++rows) {
        array.Resize(rows + 1, rows);
        other.Resize(rows + 1, ~rows);
      }
      fits = space.Fit(array.MemoryBytes() + other.MemoryBytes());
    }
    CHECK(fits.code() == Code::kResourceExhausted);
    CHECK(fits.message().find("its state does not fit on the disk") == 0);
    CHECK(fits.message().find(directory.path()) != std::string::npos);
    CHECK(fits.message().find("free space there") != std::string::npos);
    // The batch under way goes on, far beyond the room that was left.
    for (const uint64_t end = rows + 1'000'000; rows < end; ++rows) array.Resize(rows + 1, rows);
    for (uint64_t i = 0; i < rows; ++i) REQUIRE(array[i] == i);
    for (uint64_t i = 0; i < other.size(); ++i) REQUIRE(other[i] == ~i);
    CHECK_FALSE(space.Fit(array.MemoryBytes()).ok());
  }
}

TEST_CASE("what cannot be spilled has to fit") {
  const Directory directory;
  StateSpace space(Env::Default(), {directory.path(), 1 << 20});
  CHECK(space.Fit(1 << 20).ok());
  const Status status = space.Fit((1 << 20) + 1);
  CHECK(status.code() == Code::kResourceExhausted);
  CHECK(status.message().find("what cannot be spilled of its state") == 0);
  CHECK(status.message().find("above the max_state of 1048576; raise max_state") != std::string::npos);
}

TEST_CASE("a directory that cannot be made is said") {
  StateSpace space(Env::Default(), {"/proc/nothing/here", 0});
  const StateSpace::Scope scope(&space);
  SlotArray<uint64_t> array;
  array.Resize(100'000, 1);
  CHECK(array[99'999] == 1);
  CHECK(space.Fit(0).message().find("/proc/nothing") != std::string::npos);
}

TEST_CASE("keys and texts are the same in memory and spilled") {
  const Directory directory;
  std::mt19937 random(3);
  for (const bool integer : {true, false}) {
    StateSpace space(Env::Default(), {directory.path(), 0});
    const DataType type(integer ? TypeId::kBigint : TypeId::kText);
    KeyTable plain({type}), spilled({type});
    SlotColumn plain_texts(TypeId::kText), spilled_texts(TypeId::kText);
    const int rounds = kSanitized ? 60 : 400;
    for (int round = 0; round < rounds; ++round) {
      ColumnBuilder keys(type), values(TypeId::kText);
      constexpr int64_t kRows = 300;
      for (int64_t i = 0; i < kRows; ++i) {
        const auto key = static_cast<int64_t>(random() % 20'000);
        if (key == 0) {
          keys.AppendNull();
        } else if (integer) {
          keys.Append<int64_t>(key);
        } else {
          keys.AppendText(key % 2 == 0 ? std::to_string(key) : "a key of some length " + std::to_string(key));
        }
        values.AppendText(std::string(random() % 40, static_cast<char>('a' + key % 26)));
      }
      const ColumnPtr key = keys.Finish();
      const ColumnPtr value = values.Finish();
      std::vector<uint64_t> hashes;
      std::vector<uint32_t> here(kRows), there(kRows);
      plain.Hash({key}, kRows, &hashes);
      const auto feed = [&](KeyTable& table, SlotColumn& texts, std::vector<uint32_t>& slots) {
        table.FindOrInsert({key}, hashes, nullptr, kRows, slots.data());
        if (texts.size() < table.slots()) texts.Resize(table.slots());
        for (int64_t i = 0; i < kRows; ++i) texts.Set(slots[static_cast<size_t>(i)], *value, i);
        for (int64_t i = 0; i < 20; ++i) {
          const uint32_t slot = slots[static_cast<size_t>(i)];
          if (table.Holds(slot)) table.Erase(slot);
        }
      };
      feed(plain, plain_texts, here);
      {
        const StateSpace::Scope scope(&space);
        feed(spilled, spilled_texts, there);
        REQUIRE(space.Fit(0).ok());
      }
      REQUIRE(here == there);
    }
    CHECK(space.spilled_bytes() > 0);
    const std::vector<uint32_t> live = plain.Live();
    REQUIRE(spilled.Live() == live);
    const auto count = static_cast<int64_t>(live.size());
    const ColumnPtr keys[2] = {plain.key(0).Gather(live.data(), count),
                               spilled.key(0).Gather(live.data(), count)};
    const ColumnPtr texts[2] = {plain_texts.Gather(live.data(), count),
                                spilled_texts.Gather(live.data(), count)};
    for (int64_t i = 0; i < count; ++i) {
      REQUIRE(plain.key(0).EqualKey(live[static_cast<size_t>(i)], *keys[1], i));
      REQUIRE(texts[0]->Text(i) == texts[1]->Text(i));
    }
  }
}

TEST_CASE("batches of every type wait in a file until the last of them is dropped") {
  const Directory directory;
  std::vector<BatchPtr> before, after;
  {
    Result<std::unique_ptr<SpilledBatches>> file = SpilledBatches::Create(Env::Default(), directory.path());
    REQUIRE(file.ok());
    for (const int64_t rows : {1, 100, 10'000}) {
      before.push_back(SampleBatch(rows, 3, false));
      Result<BatchPtr> moved = (*file)->Move(before.back());
      REQUIRE_MESSAGE(moved.ok(), moved.status().message());
      after.push_back(*moved);
    }
  }
  CHECK(std::filesystem::is_empty(directory.path()));
  for (size_t i = 0; i < before.size(); ++i) {
    REQUIRE(after[i]->rows() == before[i]->rows());
    for (int c = 0; c < before[i]->schema()->size(); ++c) {
      for (int64_t row = 0; row < before[i]->rows(); ++row) {
        REQUIRE(Value::FromColumn(*after[i]->column(c), row).ToText() ==
                Value::FromColumn(*before[i]->column(c), row).ToText());
      }
    }
  }
  const FileLimit limit(4096);
  Result<std::unique_ptr<SpilledBatches>> file = SpilledBatches::Create(Env::Default(), directory.path());
  REQUIRE(file.ok());
  CHECK_FALSE((*file)->Move(before.back()).ok());
}

}  // namespace streamrun
