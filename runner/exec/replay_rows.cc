#include "runner/exec/replay_rows.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/stream/codec.h"
#include "runner/exec/dead_letters.h"

namespace streamrun {

namespace {

// Late rows bear a column more than they came with.
bool BeginsWith(const Schema& rows, const Schema& input) {
  return rows.size() >= input.size() &&
         std::equal(input.fields().begin(), input.fields().end(), rows.fields().begin());
}

class Collector final : public DecodeOutput {
 public:
  explicit Collector(const std::vector<uint32_t>& begins) : begins_(begins) {}
  void Emit(BatchPtr batch) override {
    const auto* offsets = batch->origin().offsets->as<int64_t>();
    for (int64_t row = 0; row < batch->rows(); ++row) lines.push_back(LineAt(offsets[row]));
    batches.push_back(std::move(batch));
  }
  void FailRecord(int64_t offset, std::string_view, std::string code, std::string message) override {
    unfit.push_back({LineAt(offset), std::move(code), std::move(message)});
  }

  std::vector<BatchPtr> batches;
  std::vector<size_t> lines;
  std::vector<UnfitLine> unfit;

 private:
  size_t LineAt(int64_t offset) const {
    const auto it = std::upper_bound(begins_.begin(), begins_.end(), static_cast<uint32_t>(offset));
    return static_cast<size_t>(it - begins_.begin()) - 1;
  }
  const std::vector<uint32_t>& begins_;
};

// A decoder takes a missing column for null: then a row would change without a word.
std::optional<std::string> MissingColumn(const std::string& row, const Schema& schema,
                                         const std::vector<bool>& wanted) {
  const auto json = nlohmann::json::parse(row, nullptr, false);
  if (!json.is_object()) return "it is no JSON object";
  for (int c = 0; c < schema.size(); ++c) {
    if (!wanted[static_cast<size_t>(c)] || json.contains(schema.field(c).name)) continue;
    return "it has no column '" + schema.field(c).name + "', which the node reads";
  }
  return std::nullopt;
}

// What the decoder reads; where each of `lines` that is in it begins, others begin where the next one does.
struct Text {
  Chunk chunk;
  std::vector<uint32_t> begins;
};

Text TextOf(const std::vector<ReplayLine>& lines, const std::vector<bool>& left_out) {
  Text text;
  BufferBuilder bytes;
  for (size_t i = 0; i < lines.size(); ++i) {
    text.begins.push_back(static_cast<uint32_t>(bytes.size()));
    if (left_out[i]) continue;
    bytes.Append(lines[i].row->data(), lines[i].row->size());
    bytes.Append("\n", 1);
  }
  text.chunk.bytes = bytes.Finish();
  text.chunk.split = std::make_shared<const std::string>();
  return text;
}

BufferPtr ChangesOf(const std::vector<ReplayLine>& lines, const std::vector<size_t>& rows) {
  BufferBuilder changes;
  for (const size_t line : rows) changes.Push(static_cast<int8_t>(lines[line].entry.change));
  return changes.Finish();
}

Origin OriginOf(const std::vector<ReplayLine>& lines, const std::vector<size_t>& rows) {
  BufferBuilder offsets;
  for (const size_t line : rows) offsets.Push(lines[line].offset);
  return {std::make_shared<const std::string>(lines.front().source), offsets.Finish()};
}

}  // namespace

SchemaPtr EntrySchema(const PlanNode& node, int input) {
  if (node.source) return input < 0 ? node.outputs[0] : nullptr;
  const auto at = static_cast<size_t>(input);
  return input >= 0 && at < node.input_schemas.size() ? node.input_schemas[at] : nullptr;
}

std::vector<bool> EntryColumns(const PlanNode& node, int input) {
  if (node.source) return node.wanted[0];
  const SchemaPtr schema = EntrySchema(node, input);
  std::vector<bool> needed(static_cast<size_t>(schema->size()), true);
  if (node.op) {
    std::vector<std::vector<bool>> data_ports = node.wanted;
    if (node.errors_port >= 0) data_ports.resize(static_cast<size_t>(node.errors_port));
    needed = node.op->NeededColumns(input, data_ports);
  } else if (!node.format) {
    needed = node.sink->NeededColumns(*schema);
  }
  if (schema->event_time >= 0) needed[static_cast<size_t>(schema->event_time)] = true;
  return needed;
}

std::optional<ReplayEntry> EntryOf(const PlanNode& node, const Schema& rows, int likely) {
  ReplayEntry entry;
  if (node.source) return entry;
  const auto fits = [&](size_t input) { return BeginsWith(rows, *node.input_schemas[input]); };
  if (likely >= 0 && fits(static_cast<size_t>(likely))) {
    entry.input = likely;
    return entry;
  }
  for (size_t input = 0; input < node.input_schemas.size(); ++input) {
    if (!fits(input)) continue;
    if (entry.input >= 0) return std::nullopt;  // nobody can say which
    entry.input = static_cast<int>(input);
  }
  return entry.input >= 0 ? std::optional<ReplayEntry>(entry) : std::nullopt;
}

Result<EnteringRows> DecodeEntering(const PlanNode& node, const std::vector<ReplayLine>& lines) {
  EnteringRows out;
  const int input = lines.front().entry.input;
  const SchemaPtr schema = EntrySchema(node, input);
  std::vector<bool> left_out(lines.size(), false);
  DecodeOptions options;
  if (schema != nullptr) options.wanted = EntryColumns(node, input);
  for (size_t i = 0; i < lines.size(); ++i) {
    std::optional<std::string> why = "node '" + node.name + "' has no such input any more";
    if (schema != nullptr) why = MissingColumn(*lines[i].row, *schema, options.wanted);
    if (!why) continue;
    left_out[i] = true;
    out.unfit.push_back({i, "replay.row", *why});
  }
  if (out.unfit.size() == lines.size()) return out;
  const Text text = TextOf(lines, left_out);
  const auto format = JsonDecoderFor(std::make_shared<const Schema>(schema->fields()));
  options.schema = format->schema;
  options.origin = true;
  const std::unique_ptr<Decoder> decoder = format->CreateDecoder(options);
  Collector collector(text.begins);
  SR_RETURN_IF_ERROR(decoder->Begin(text.chunk));
  for (Outcome outcome = Outcome::kHaveMore; outcome == Outcome::kHaveMore;) {
    SR_ASSIGN_OR_RETURN(outcome, decoder->Decode(collector));
  }
  out.unfit.insert(out.unfit.end(), collector.unfit.begin(), collector.unfit.end());
  if (collector.batches.empty()) return out;
  const BatchPtr rows = Concat(collector.batches);
  out.lines = std::move(collector.lines);
  out.batch = std::make_shared<const Batch>(schema, rows->rows(), rows->columns(),
                                            node.origin ? OriginOf(lines, out.lines) : Origin{},
                                            schema->changes ? ChangesOf(lines, out.lines) : nullptr);
  return out;
}

int EnteredNode(const Plan& plan, std::string_view name) {
  if (const int node = plan.Find(name); node >= 0) return node;
  for (size_t i = 0; i < plan.nodes.size(); ++i) {
    if (plan.nodes[i].renamed_from == name) return static_cast<int>(i);
  }
  return -1;
}

std::vector<bool> ReachedNodes(const Plan& plan, const std::vector<std::string>& nodes) {
  std::vector<bool> reached(plan.nodes.size(), false);
  for (const std::string& name : nodes) {
    if (const int node = EnteredNode(plan, name); node >= 0) reached[static_cast<size_t>(node)] = true;
  }
  for (const int i : plan.order) {
    for (const PlanNode::Input& input : plan.node(i).inputs) {
      if (reached[static_cast<size_t>(input.node)]) reached[static_cast<size_t>(i)] = true;
    }
  }
  return reached;
}

}  // namespace streamrun
