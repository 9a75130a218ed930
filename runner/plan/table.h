// A nested table (`table:`) bound from its connector and format.
#pragma once

#include <memory>
#include <string>

#include "core/component/bind_context.h"

namespace streamrun {

/// Connector (default file), format and schema of a bounded source that is read whole. Null after reporting.
std::shared_ptr<const TableFactory> BindNestedTable(const NestedComponent& component,
                                                    const std::string& owner, Diagnostics& diagnostics);

}  // namespace streamrun
