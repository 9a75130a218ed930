// YAML text to a tree of ConfigValues with positions, within the limits of RELIABILITY.md section 7.
//
// yaml-cpp only delivers events; no YAML node is ever built, so a file cannot blow up before its limits are
// checked. Scalars follow the YAML 1.2 core schema: `on`, `yes`, `no` are text; `~`, `null` and nothing are
// null.
#pragma once

#include <optional>
#include <string_view>

#include "core/component/config_value.h"
#include "core/component/diagnostics.h"
#include "runner/config/source_text.h"

namespace streamrun {

inline constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
inline constexpr size_t kMaxFileBytes = size_t{1} << 20;
inline constexpr size_t kMaxScalarBytes = size_t{64} << 10;
inline constexpr int kMaxDepth = 64;
inline constexpr int kMaxNodes = 100'000;
inline constexpr int kMaxAliasNodes = 10'000;

/// The root mapping, or nothing when the text cannot be read as one. Problems that leave the rest readable (a
/// duplicate key, split SQL) are reported, marked as broken in the tree, and do not stop it.
std::optional<ConfigValue> ReadYaml(const SourceText& source, Diagnostics& diagnostics);

/// True when `text` written without quotes in block style reads back as exactly this text and not as null.
bool ReadsBackPlain(std::string_view text);
/// True when no character of `text` needs an escape on one line.
bool ReadsBackAsWritten(std::string_view text);

}  // namespace streamrun
