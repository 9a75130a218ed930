// The memory that a family shares: what one process tells another reads.
#include "runner/process/shared_cells.h"

#include <doctest/doctest.h>

#include <sys/wait.h>
#include <unistd.h>

#include "runner/process/worker.h"

namespace streamrun {
namespace {

TEST_CASE("a process that maps the cells tells the one that made them") {
  auto made = SharedCells::Make(3, 2);
  REQUIRE(made.ok());
  CHECK((*made)->fd() > kTimesDescriptor);
  for (int i = 0; i < 3; ++i) {
    CHECK((*made)->cells()[i].standing.load() == TimeCell::Standing::kNotStarted);
  }
  const pid_t child = ::fork();
  if (child == 0) {
    auto mapped = SharedCells::Map(::dup((*made)->fd()), 3, 2);
    if (!mapped.ok()) ::_exit(1);
    (*mapped)->cells()[2].watermark = 42;
    (*mapped)->cells()[2].standing = TimeCell::Standing::kActive;
    (*mapped)->places()[1].Enter(7, 100, 200);
    ::_exit(0);
  }
  int status = 1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK((*made)->cells()[2].watermark.load() == 42);
  CHECK((*made)->cells()[2].standing.load() == TimeCell::Standing::kActive);
  CHECK((*made)->places()[0].node.load() == 0);
  CHECK((*made)->places()[1].node.load() == 8);
  CHECK((*made)->places()[1].to.load() == 200);
  CHECK((*made)->cells()[1].standing.load() == TimeCell::Standing::kNotStarted);
}

TEST_CASE("memory that is not the board of this plan is refused, and its size stays") {
  auto made = SharedCells::Make(3, 2);
  REQUIRE(made.ok());
  CHECK(::ftruncate((*made)->fd(), 0) != 0);
  CHECK(SharedCells::Map(::dup((*made)->fd()), 4, 2).status().code() == Code::kInternal);
  CHECK(SharedCells::Map(::dup((*made)->fd()), 3, 1).status().code() == Code::kInternal);
  CHECK_FALSE(SharedCells::Map(-1, 3, 2).ok());
  CHECK(SharedCells::Make(0, 0).ok());  // no source with event time
}

}  // namespace
}  // namespace streamrun
