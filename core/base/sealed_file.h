// Small files that decide something: their content ends with a checksum, so that damage is never taken for a
// value (RELIABILITY 1.8).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/env.h"
#include "core/base/status.h"

namespace streamrun {

/// "<value>\ncrc32c <8 hex digits>\n". The value is one line.
std::string Seal(std::string_view value);

/// The value of what Seal made. kCorruption begins with `name` when there is one byte more, less or
/// different.
Result<std::string> Unseal(const std::string& name, std::string_view content);

/// A file with one number. kNotFound when there is no such file.
Result<uint64_t> ReadSealedNumber(Env* env, const std::string& path);
/// Atomic and durable.
Status WriteSealedNumber(Env* env, const std::string& path, uint64_t number);

}  // namespace streamrun
