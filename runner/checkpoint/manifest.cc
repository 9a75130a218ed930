#include "runner/checkpoint/manifest.h"

#include <algorithm>
#include <array>

#include "core/base/sealed_file.h"
#include "core/stream/fate.h"
#include "runner/checkpoint/stored_counters.h"
#include "runner/checkpoint/stored_json.h"

namespace streamrun {

namespace {

// Version 1 had neither `replayed` nor `begun`, nor facts of nodes and versions of tables.
constexpr int kVersion = 2;

// In the order of their enums; on disk.
constexpr std::array<std::string_view, 5> kBarrierKinds = {"periodic", "savepoint", "reload", "stop",
                                                           "final"};
constexpr std::array<std::string_view, 5> kNodeParts = {"whole", "encode", "write", "combine", "merge"};

template <typename Enum, size_t kCount>
void ReadEnum(StoredObject& object, const char* name, const std::array<std::string_view, kCount>& names,
              Enum& out) {
  std::string text;
  object.Read(name, text);
  const auto found = std::find(names.begin(), names.end(), text);
  if (found == names.end()) return object.Fail(name, "a known word");
  out = static_cast<Enum>(found - names.begin());
}

// A segment's name is joined to a directory: it must not leave it.
bool IsPlainName(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

StoredJson TextsToJson(const std::vector<std::string>& texts) {
  StoredJson json = StoredJson::array();
  for (const std::string& text : texts) json.push_back(JsonOf(text));
  return json;
}

StoredJson ToJson(const Prepared& prepared) {
  return {{"handle", JsonOf(prepared.handle)},
          {"files", TextsToJson(prepared.files)},
          {"directories", TextsToJson(prepared.directories)}};
}

Status ReadPrepared(const StoredJson& json, const std::string& what, Prepared* out) {
  StoredObject object(json, what);
  object.Read("handle", out->handle);
  object.Read("files", out->files);
  object.Read("directories", out->directories);
  return object.status();
}

StoredJson ToJson(const StoredTable& table) {
  StoredJson segments = StoredJson::array();
  for (const SegmentInfo& s : table.segments) {
    segments.push_back(
        {{"file", JsonOf(s.file)}, {"bytes", s.bytes}, {"crc", s.crc}, {"whole", s.whole}, {"rows", s.rows}});
  }
  return {{"name", JsonOf(table.name)},
          {"schema", JsonOf(table.schema)},
          {"version", table.version},
          {"key_columns", table.key_columns},
          {"segments", std::move(segments)}};
}

Status ReadSegmentInfo(const StoredJson& json, const std::string& table, SegmentInfo* out) {
  StoredObject object(json, "a segment of " + table);
  object.Read("file", out->file);
  object.Read("bytes", out->bytes);
  object.Read("crc", out->crc);
  object.Read("whole", out->whole);
  object.Read("rows", out->rows);
  if (object.status().ok() && !IsPlainName(out->file)) object.Fail("file", "a plain name");
  return object.status();
}

Status ReadTable(const StoredJson& json, const std::string& node, int format, StoredTable* out) {
  StoredObject object(json, "a table of node " + node);
  object.Read("name", out->name);
  object.Read("schema", out->schema);
  if (format >= 2) object.Read("version", out->version);
  object.Read("key_columns", out->key_columns);
  object.ReadEach("segments", [&](const StoredJson& segment, size_t) {
    return ReadSegmentInfo(segment, "table " + out->name + " of node " + node, &out->segments.emplace_back());
  });
  return object.status();
}

StoredJson ToJson(const StoredNode& stored) {
  const NodeSnapshot& node = stored.snapshot;
  StoredJson tables = StoredJson::array();
  for (const StoredTable& table : stored.tables) tables.push_back(ToJson(table));
  StoredJson facts = StoredJson::object();
  for (const StateFact& fact : node.facts) facts[fact.name] = JsonOf(fact.value);
  return {{"node", JsonOf(node.node)},
          {"facts", std::move(facts)},
          {"part", NodePartName(node.part)},
          {"input", node.input},
          {"instance", node.instance},
          {"parallelism", node.parallelism},
          {"ended", node.ended},
          {"complete", node.complete},
          {"watermark", node.watermark.time},
          {"next_ordinal", node.watermark.next_ordinal},
          {"idle", node.idle},
          {"latest", node.latest},
          {"clock", node.clock},
          {"position", JsonOf(node.position)},
          {"prepared", ToJson(node.prepared)},
          {"counters", ToJson(node.counters)},
          {"failed_results", node.failed_results},
          {"tables", std::move(tables)}};
}

Status ReadFacts(const StoredJson& json, const std::string& node, std::vector<StateFact>* out) {
  StoredObject object(json, "the facts of node " + node);
  for (const auto& [name, value] : json.items()) {
    out->push_back({name, {}});
    object.Read(name.c_str(), out->back().value);
  }
  return object.status();
}

Status ReadNode(const StoredJson& json, int format, StoredNode* out) {
  NodeSnapshot& node = out->snapshot;
  StoredObject object(json, "a node");
  object.Read("node", node.node);
  ReadEnum(object, "part", kNodeParts, node.part);
  object.Read("input", node.input);
  object.Read("instance", node.instance);
  object.Read("parallelism", node.parallelism);
  object.Read("ended", node.ended);
  object.Read("complete", node.complete);
  object.Read("watermark", node.watermark.time);
  object.Read("next_ordinal", node.watermark.next_ordinal);
  object.Read("idle", node.idle);
  object.Read("latest", node.latest);
  object.Read("clock", node.clock);
  object.Read("position", node.position);
  object.Read("failed_results", node.failed_results);
  SR_RETURN_IF_ERROR(object.status());
  if (format >= 2) SR_RETURN_IF_ERROR(ReadFacts(object.Object("facts"), node.node, &node.facts));
  SR_RETURN_IF_ERROR(
      ReadPrepared(object.Object("prepared"), "what node " + node.node + " prepared", &node.prepared));
  SR_RETURN_IF_ERROR(ReadCounters(object.Object("counters"), &node.counters));
  object.ReadEach("tables", [&](const StoredJson& table, size_t) {
    return ReadTable(table, node.node, format, &out->tables.emplace_back());
  });
  return object.status();
}

StoredJson ToJson(const Fragment& fragment) {
  StoredJson nodes = StoredJson::array();
  for (const StoredNode& node : fragment.nodes) nodes.push_back(ToJson(node));
  StoredJson channels = StoredJson::array();
  for (const ChannelCounters& channel : fragment.channels) channels.push_back(ToJson(channel));
  return {{"stage", fragment.stage},
          {"instance", fragment.instance},
          {"generation", fragment.generation},
          {"attempt", fragment.attempt},
          {"nodes", std::move(nodes)},
          {"channels", std::move(channels)},
          {"dead_letters", ToJson(fragment.dead_letters)}};
}

Status ReadFragment(const StoredJson& json, int format, Fragment* out) {
  StoredObject object(json, "a fragment");
  object.Read("stage", out->stage);
  object.Read("instance", out->instance);
  object.Read("generation", out->generation);
  object.Read("attempt", out->attempt);
  object.ReadEach("nodes", [&](const StoredJson& node, size_t) {
    return ReadNode(node, format, &out->nodes.emplace_back());
  });
  object.ReadEach("channels", [&](const StoredJson& channel, size_t) {
    return ReadCounters(channel, &out->channels.emplace_back());
  });
  SR_RETURN_IF_ERROR(object.status());
  SR_RETURN_IF_ERROR(
      ReadPrepared(object.Object("dead_letters"), "the dead letters of a fragment", &out->dead_letters));
  return object.status();
}

Status ReadManifest(const StoredJson& json, Manifest* out) {
  StoredObject object(json, "the manifest");
  int version = 0;
  object.Read("version", version);
  SR_RETURN_IF_ERROR(object.status());
  if (version > kVersion) {
    return Status::Unsupported("the manifest has format version " + std::to_string(version) +
                               ", this streamrun reads up to " + std::to_string(kVersion));
  }
  object.Read("pipeline", out->pipeline);
  object.Read("instance", out->instance);
  object.Read("generation", out->generation);
  object.Read("epoch", out->epoch);
  object.Read("parent", out->parent);
  ReadEnum(object, "kind", kBarrierKinds, out->kind);
  object.Read("plan_hash", out->plan_hash);
  object.Read("key_groups", out->key_groups);
  if (object.status().ok() && out->key_groups < 1) object.Fail("key_groups", "a positive number");
  object.Read("taken", out->taken);
  object.Read("needs_commit", out->needs_commit);
  if (version >= 2) {
    object.Read("replayed", out->replayed);
    object.Read("begun", out->begun);
    object.Read("run", out->run);
  }
  object.ReadEach("fragments", [&](const StoredJson& fragment, size_t) {
    return ReadFragment(fragment, version, &out->fragments.emplace_back());
  });
  return object.status();
}

}  // namespace

std::string_view BarrierKindName(BarrierKind kind) { return kBarrierKinds[static_cast<size_t>(kind)]; }
std::string_view NodePartName(NodePart part) { return kNodeParts[static_cast<size_t>(part)]; }

std::string PrintFragment(const Fragment& fragment) { return ToJson(fragment).dump(); }

Result<Fragment> ParseFragment(std::string_view text) {
  SR_ASSIGN_OR_RETURN(const StoredJson json, ParseStoredJson(text, "the fragment"));
  Fragment fragment;
  SR_RETURN_IF_ERROR(ReadFragment(json, kVersion, &fragment));
  return fragment;
}

std::string PrintManifest(const Manifest& manifest) {
  StoredJson fragments = StoredJson::array();
  for (const Fragment& fragment : manifest.fragments) fragments.push_back(ToJson(fragment));
  const StoredJson json = {{"version", kVersion},
                           {"pipeline", JsonOf(manifest.pipeline)},
                           {"instance", JsonOf(manifest.instance)},
                           {"generation", manifest.generation},
                           {"epoch", manifest.epoch},
                           {"parent", manifest.parent},
                           {"kind", BarrierKindName(manifest.kind)},
                           {"plan_hash", JsonOf(manifest.plan_hash)},
                           {"key_groups", manifest.key_groups},
                           {"taken", manifest.taken},
                           {"needs_commit", manifest.needs_commit},
                           {"replayed", manifest.replayed},
                           {"begun", manifest.begun},
                           {"run", manifest.run},
                           {"fragments", std::move(fragments)}};
  return Seal(json.dump());
}

Result<Manifest> ParseManifest(std::string_view text) {
  SR_ASSIGN_OR_RETURN(const std::string value, Unseal("the manifest", text));
  SR_ASSIGN_OR_RETURN(const StoredJson json, ParseStoredJson(value, "the manifest"));
  Manifest manifest;
  SR_RETURN_IF_ERROR(ReadManifest(json, &manifest));
  return manifest;
}

}  // namespace streamrun
