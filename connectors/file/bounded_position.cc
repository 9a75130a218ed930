#include "connectors/file/bounded_position.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace streamrun {

namespace {

using nlohmann::json;

// Without the list of files, which is the same for all instances.
Result<BoundedPosition> ParseOne(const json& saved) {
  BoundedPosition position;
  position.next = saved.at("next");
  position.within = saved.value("within", int64_t{0});
  position.skipping = saved.value("skipping", false);
  position.split_bytes = saved.at("split_bytes");
  position.splittable = saved.at("splittable");
  if (position.split_bytes == 0 || position.within < 0)
    return Status::Corruption("the saved position of a file source is damaged: a number is out of range");
  return position;
}

// Instance i of n has given out all its chunks below the common ordinal and none from it on, so it stands at
// its first chunk from there on: within n of the least, and at the beginning of the chunk unless it has the
// least.
bool Together(const std::vector<BoundedPosition>& all, const BoundedPosition& least) {
  const Ordinal n = all.size();
  for (Ordinal i = 0; i < n; ++i) {
    const BoundedPosition& one = all[i];
    if (one.next % n != i || one.next - least.next >= n) return false;
    if (&one != &least && (one.within > 0 || one.split_bytes != least.split_bytes)) return false;
  }
  return true;
}

}  // namespace

std::string PrintPosition(const BoundedPosition& position, const std::string& files) {
  json text = {
      {"next", position.next}, {"split_bytes", position.split_bytes}, {"splittable", position.splittable}};
  if (position.within > 0) text["within"] = position.within;
  if (position.skipping) text["skipping"] = true;
  std::string printed = text.dump();
  printed.pop_back();
  return printed + ",\"files\":" + files + "}";
}

Result<BoundedPosition> ParsePositions(const std::vector<std::string>& positions) {
  std::vector<BoundedPosition> all;
  try {
    for (const std::string& position : positions) {
      SR_ASSIGN_OR_RETURN(all.emplace_back(), ParseOne(json::parse(position)));
    }
    const auto least = std::min_element(all.begin(), all.end(),
                                        [](const auto& a, const auto& b) { return a.next < b.next; });
    if (all.size() > 1 && !Together(all, *least)) {
      return Status::Corruption("the saved positions of a file source do not stand behind the same part: " +
                                positions.front().substr(0, 100));
    }
    const json first = json::parse(positions.front());
    SR_ASSIGN_OR_RETURN(least->files, ParseFiles(first.at("files").dump()));
    return std::move(*least);
  } catch (const json::exception& error) {
    return Status::Corruption(std::string("the saved position of a file source is damaged: ") + error.what());
  }
}

}  // namespace streamrun
