// `list` and `describe`: what components there are and what each takes, as text that is also Markdown.
#pragma once

#include <optional>
#include <string>

#include "core/component/registry.h"

namespace streamrun {

/// The components of one kind, or of all, with their summaries in a column; one heading a kind.
std::string ListComponents(const Registry& registry, std::optional<ComponentKind> only);

/// The reference of one component: fields with type, limits and default, ports, guarantee, example.
/// `definition` comes from a registry, which says its kind truly.
std::string DescribeComponent(const Definition& definition);

}  // namespace streamrun
