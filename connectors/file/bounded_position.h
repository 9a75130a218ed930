// Where the instances of a bounded read stand, as a checkpoint keeps it.
#pragma once

#include <string>
#include <vector>

#include "connectors/file/split_list.h"

namespace streamrun {

struct BoundedPosition {
  /// Every chunk before this ordinal was given out, none from it on except what `within` says.
  Ordinal next = 0;
  /// Offset in the (decompressed) file where chunk `next` goes on, 0: at its beginning.
  int64_t within = 0;
  /// The record at `within` is too long and was reported; its rest is passed over.
  bool skipping = false;
  /// How the ordinals were counted: they mean nothing under another size or another way to cut.
  uint64_t split_bytes = 0;
  bool splittable = false;
  std::vector<ListedFile> files;
};

/// `files` is PrintFiles() of the list, which does not change while a source runs; position.files is left
/// out.
std::string PrintPosition(const BoundedPosition& position, const std::string& files);

/// The position that one instance gave, or all of them in order: these must stand behind the same ordinal,
/// which is where any number of instances can go on. kCorruption when they do not, or are no positions.
Result<BoundedPosition> ParsePositions(const std::vector<std::string>& positions);

}  // namespace streamrun
