// A checkpoint on disk as the tasks that go on from it see it.
#pragma once

#include <memory>
#include <string>

#include "core/base/env.h"
#include "runner/checkpoint/manifest.h"
#include "runner/exec/restored_state.h"

namespace streamrun {

/// `directory` holds a verified checkpoint; it stays as long as the state is read. `plan_hash`: of the plan
/// that goes on, to tell whether channels mean the same.
Result<std::shared_ptr<const RestoredState>> OpenStoredState(Env* env, const std::string& directory,
                                                             const std::string& plan_hash);

}  // namespace streamrun
