// Rows of letters as batches of the node that takes them in again.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/data/batch.h"
#include "runner/exec/replay_order.h"
#include "runner/plan/plan.h"

namespace streamrun {

/// The node that letters of `name` enter: the one with this name, else the one that has it as renamed_from.
/// -1: none.
int EnteredNode(const Plan& plan, std::string_view name);

/// What a row that enters `node` by `input` (-1: a source's own row, behind its decoder) looks like, and
/// which of its columns somebody reads. Null: the node has no such input.
SchemaPtr EntrySchema(const PlanNode& node, int input);
std::vector<bool> EntryColumns(const PlanNode& node, int input);

/// How rows of a batch with schema `rows` that failed in `node` enter it again: by the input that has these
/// columns first (`likely`: the one that the node was called for, -1: none). Nothing: the node made them.
std::optional<ReplayEntry> EntryOf(const PlanNode& node, const Schema& rows, int likely);

/// A line that is no row of the node.
struct UnfitLine {
  size_t line;  // of `lines`
  std::string code;
  std::string message;
};

struct EnteringRows {
  BatchPtr batch;             // null: none fits
  std::vector<size_t> lines;  // of each row
  std::vector<UnfitLine> unfit;
};
/// `lines`: rows (not records) of one input and source. A column that somebody reads must be there.
Result<EnteringRows> DecodeEntering(const PlanNode& node, const std::vector<ReplayLine>& lines);

/// Nodes in which something can change when these take rows in: they themselves and all behind them.
std::vector<bool> ReachedNodes(const Plan& plan, const std::vector<std::string>& nodes);

}  // namespace streamrun
