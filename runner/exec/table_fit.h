// One table of saved state and the declaration that it is to be: columns are found by name and never by
// place.
//
// An operator names what may come and go by what it was computed from (StateShape::open); everything else of
// the shape must be the same.
#pragma once

#include <string>
#include <vector>

#include "runner/exec/snapshot.h"

namespace streamrun {

/// Rows of one saved table as those of the declared one.
struct TableFit {
  std::string name;
  SchemaPtr schema;                // of the declared rows
  std::vector<int> from;           // by column: the saved one; -1: `initial`
  std::vector<ColumnPtr> initial;  // by column: one row, or null for NULL

  BatchPtr Apply(const BatchPtr& rows) const;
};

/// What people are told once, at the start.
struct StateNote {
  std::string text;
  bool lost = false;  // something that was kept is not kept any more
};

/// Appends how the rows of `saved` become those of `declared`, and what people are to know. Returns what is
/// wrong, in words; empty: it fits, else nothing was appended.
std::vector<std::string> FitTable(const std::string& node, const StateDeclaration& declared,
                                  const TableSnapshot& saved, std::vector<TableFit>* fits,
                                  std::vector<StateNote>* notes);

}  // namespace streamrun
