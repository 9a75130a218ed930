// Paths as a user writes them: a literal path or a pattern (`*`, `?`, `[a-z]` within a name, `**` over
// directories).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/env.h"

namespace streamrun {

/// True when `path` holds `*`, `?` or `[`.
bool IsPattern(std::string_view path);

/// Regular and other non-directory files that `pattern` means, sorted bytewise, each once. A path that exists
/// as it stands is that file, whatever characters it holds. Names that begin with a dot match only where the
/// pattern says the dot, so in-progress files of sinks are never seen. Unreadable directories are passed
/// over, except one that a pattern names literally.
Result<std::vector<std::string>> ExpandPattern(Env* env, const std::string& pattern);

/// "a/b" of "a/b/c", "." of "c", "/" of "/c".
std::string DirectoryOf(const std::string& path);
/// "c" of "a/b/c".
std::string_view NameOf(std::string_view path);

}  // namespace streamrun
