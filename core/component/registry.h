// All components of this binary, found by kind and name.
//
// A component registers itself: its .cc ends with
//   SR_REGISTER(filter, Definition());
// and is in an OBJECT library that every executable lists. Filled before main, read-only afterwards.
#pragma once

#include <string_view>
#include <vector>

#include "core/component/definition.h"

namespace streamrun {

class Registry {
 public:
  static Registry& Global();

  /// Aborts on a second definition of the same kind and name. Takes ownership.
  bool Add(OperatorDefinition definition);
  bool Add(SourceDefinition definition);
  bool Add(SinkDefinition definition);
  bool Add(FormatDefinition definition);

  /// Null when there is none.
  const OperatorDefinition* FindOperator(std::string_view name) const;
  const SourceDefinition* FindSource(std::string_view name) const;
  const SinkDefinition* FindSink(std::string_view name) const;
  const FormatDefinition* FindFormat(std::string_view name) const;

  /// All of one kind, by name; valid for the life of the process.
  std::vector<const Definition*> List(ComponentKind kind) const;
  std::vector<std::string_view> Names(ComponentKind kind) const;

 private:
  struct Tables;
  Registry();
  Tables* tables_;
};

}  // namespace streamrun

#define SR_REGISTER(id, definition) \
  [[maybe_unused]] static const bool sr_registered_##id = ::streamrun::Registry::Global().Add(definition)
