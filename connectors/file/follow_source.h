// Reads files as they grow, through rotation.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/component/definition.h"
#include "core/stream/source.h"

namespace streamrun {

struct FollowOptions {
  std::vector<std::string> patterns;
  /// Files that are there at a fresh start are read from their end on.
  bool from_end = false;
  /// A literal path that does not exist yet is waited for.
  bool allow_empty = false;
  Duration poll_interval = 200 * kMillisecond;
  /// A file that was renamed away or removed is read on for this long: its writer may still have it open.
  Duration rotate_wait = 5 * kSecond;
  FormatTraits format;
};

std::unique_ptr<Source> CreateFollowSource(FollowOptions options);

}  // namespace streamrun
