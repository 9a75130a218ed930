// What stands under a node's earlier name moves once, and never over something.
#include "runner/process/renamed_nodes.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

namespace streamrun {
namespace {

namespace fs = std::filesystem;

TEST_CASE("staged output and logs follow renamed_from, once, and never over what is there") {
  std::string path = (std::filesystem::temp_directory_path() / "sr-renamed-XXXXXX").string();
  REQUIRE(::mkdtemp(path.data()) != nullptr);
  Plan plan;
  plan.nodes.resize(2);
  plan.nodes[0].name = "new";
  plan.nodes[0].renamed_from = "old";
  plan.nodes[1].name = "other";
  fs::create_directories(path + "/stage/old/0");
  fs::create_directories(path + "/stage/other");
  fs::create_directories(path + "/ingest/old");
  fs::create_directories(path + "/ingest/new");
  for (int start = 0; start < 2; ++start) {
    CHECK(MoveRenamed(Env::Default(), path, plan).ok());
    CHECK(fs::exists(path + "/stage/new/0"));
    CHECK_FALSE(fs::exists(path + "/stage/old"));
    CHECK(fs::exists(path + "/stage/other"));
    CHECK(fs::exists(path + "/ingest/old"));
  }
  fs::remove_all(path);
}

}  // namespace
}  // namespace streamrun
