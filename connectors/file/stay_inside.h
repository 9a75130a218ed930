// Files that data names lie under one directory, whatever links stand there.
#pragma once

#include <string>

#include "core/base/status.h"

namespace streamrun {

/// kPermissionDenied when a symbolic link on the way from `base` to `path` (which begins with it), or `path`
/// itself, leads out of `base` or nowhere. What does not exist yet leads nowhere else. The same as openat2(2)
/// with RESOLVE_BENEATH decides, before anything is made: data brings no links along, and this program makes
/// none, so what stands there when it looks was put there by someone who may write in `base`.
Status StayInside(const std::string& base, const std::string& path);

}  // namespace streamrun
