// `${VAR}`, `${VAR:-default}` and `${file:/path}` in the scalars of a tree that is already parsed.
//
// What a variable holds can never become structure, is never read as a variable again, and is always text. It
// may still be read where a number or a boolean is wanted (`parallelism: ${N:-2}`); quotes around a lone
// `${N}` make no difference, because inside { } YAML cannot do without them. `\${` stands for `${`. As in a
// shell, `:-` also applies to a variable that is set but empty. Keys are left alone.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "core/base/env.h"
#include "core/component/config_value.h"
#include "core/component/diagnostics.h"

namespace streamrun {

using VariableLookup = std::function<std::optional<std::string>(const std::string&)>;

/// Resolves every scalar value below `root`. A scalar that cannot be resolved is reported and marked broken;
/// one that contains a `${file:}` becomes secret. Reads files through `env`.
void Interpolate(ConfigValue* root, const VariableLookup& variable, Env* env, Diagnostics& diagnostics);

/// `text` such that Interpolate gives it back unchanged.
std::string EscapeVariables(std::string_view text);

}  // namespace streamrun
