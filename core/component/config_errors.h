// How messages about configuration show what was written.
#pragma once

#include <string>
#include <string_view>

#include "core/component/config_value.h"
#include "core/component/diagnostics.h"

namespace streamrun::config_internal {

inline std::string Quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

/// A value as messages show it: the text in quotes, a secret or a collection by its kind.
inline std::string Shown(const ConfigValue& value) {
  if (value.is_scalar() && value.secret()) return "this secret";
  return value.is_scalar() ? Quoted(value.text()) : std::string(value.KindName());
}

inline void WrongType(const ConfigValue& value, std::string_view field, std::string_view expected,
                      Diagnostics& d, std::string suggestion = "") {
  d.ErrorAt(value, "config.type", Quoted(field) + " takes " + std::string(expected) + ", not " + Shown(value),
            std::move(suggestion));
}

}  // namespace streamrun::config_internal
