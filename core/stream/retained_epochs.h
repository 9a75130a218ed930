// How many epochs can be gone back to.
#pragma once

namespace streamrun {

/// The newest ones that stay on disk. What a source needs to be read again from the oldest of them stays too.
inline constexpr int kRetainedEpochs = 3;

}  // namespace streamrun
