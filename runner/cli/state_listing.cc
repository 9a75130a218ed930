#include "runner/cli/state_listing.h"

#include <algorithm>
#include <utility>

#include "core/data/text_io.h"
#include "runner/cli/text_table.h"
#include "runner/process/progress.h"

namespace streamrun {

namespace {

constexpr size_t kMaxPosition = 100;

std::string TimeText(Timestamp time) {
  if (time == kMinTimestamp) return "-";
  if (time == kMaxTimestamp) return "end";
  std::string text;
  PrintTimestamp(time, text);
  return text;
}

TextTable::Cell Count(int64_t number) { return {GroupDigits(number), true}; }

// Positions are the connector's own; whatever they hold, one line.
std::string PositionText(const std::string& position) {
  std::string text = position.substr(0, kMaxPosition);
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return position.size() > kMaxPosition ? text + "..." : text;
}

std::string NodeText(const NodeSnapshot& node) {
  const bool whole = node.part == NodePart::kWhole;
  return node.node + (whole ? "" : " (" + std::string(NodePartName(node.part)) + ")");
}

std::string InstanceText(const NodeSnapshot& node) {
  return std::to_string(node.instance) + "/" + std::to_string(node.parallelism);
}

std::string Head(const StoredCheckpoint& checkpoint) {
  const Manifest& m = checkpoint.manifest;
  return NameOf(checkpoint) + (checkpoint.savepoint ? " (epoch " + std::to_string(m.epoch) + ")" : "") +
         " of pipeline " + m.pipeline + ", " + std::string(BarrierKindName(m.kind)) + ", taken " +
         TimeText(m.taken) + " UTC by plan " + m.plan_hash.substr(0, 8) +
         (checkpoint.committed ? ", committed, " : ", not committed, ") +
         GroupDigits(static_cast<int64_t>(checkpoint.bytes)) + " bytes\n";
}

}  // namespace

std::string ListingOf(const std::vector<StoredCheckpoint>& checkpoints) {
  TextTable table;
  table.Add({{"checkpoint"},
             {"epoch", true},
             {"taken (UTC)"},
             {"kind"},
             {"committed"},
             {"bytes", true},
             {"plan"},
             {""}});
  for (const StoredCheckpoint& c : checkpoints) {
    const std::string name = c.savepoint ? c.name : "epoch " + c.name;
    if (!c.problem.ok()) {
      table.Add({{name}, {"", true}, {"unreadable: " + c.problem.message()}});
      continue;
    }
    table.Add({{name},
               {std::to_string(c.manifest.epoch), true},
               {TimeText(c.manifest.taken)},
               {std::string(BarrierKindName(c.manifest.kind))},
               {c.committed ? "yes" : "no"},
               Count(static_cast<int64_t>(c.bytes)),
               {c.manifest.plan_hash.substr(0, 8)},
               {c.current ? "current" : ""}});
  }
  return table.Print();
}

Result<std::string> DescriptionOf(Env* env, const StoredCheckpoint& checkpoint) {
  TextTable nodes;
  TextTable tables;
  nodes.Add({{"node"}, {"instance"}, {"rows in", true}, {"rows out", true}, {"watermark"}, {"position"}});
  tables.Add({{"node"}, {"table"}, {"instance"}, {"rows", true}, {"bytes", true}, {"columns"}});
  bool has_tables = false;
  for (const Fragment& fragment : checkpoint.manifest.fragments) {
    for (const StoredNode& stored : fragment.nodes) {
      const NodeSnapshot& node = stored.snapshot;
      nodes.Add(
          {{NodeText(node)},
           {InstanceText(node)},
           Count(node.counters.rows_in),
           Count(node.counters.rows_out),
           {TimeText(node.watermark.time) + (node.idle ? " (idle)" : "") + (node.ended ? " (ended)" : "")},
           {PositionText(node.position)}});
      for (const StoredTable& table : stored.tables) {
        has_tables = true;
        SR_ASSIGN_OR_RETURN(const int64_t rows, CountRows(env, checkpoint, table));
        uint64_t bytes = 0;
        for (const SegmentInfo& segment : table.segments) bytes += segment.bytes;
        tables.Add({{NodeText(node)},
                    {table.name},
                    {InstanceText(node)},
                    Count(rows),
                    Count(static_cast<int64_t>(bytes)),
                    {table.schema}});
      }
    }
  }
  return Head(checkpoint) + "\n" + nodes.Print() + (has_tables ? "\n" + tables.Print() : "");
}

}  // namespace streamrun
