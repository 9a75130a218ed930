#include "runner/checkpoint/stored_counters.h"

#include <string>
#include <utility>

namespace streamrun {

namespace {

Status ReadFates(const StoredJson& json, FateCounts* out) {
  StoredObject object(json, "the fates");
  for (size_t i = 0; i < kFateCount; ++i) {
    object.Read(std::string(FateName(static_cast<Fate>(i))).c_str(), (*out)[i]);
  }
  return object.status();
}

}  // namespace

StoredJson ToJson(const NodeCounters& counters) {
  StoredJson fates = StoredJson::object();
  for (size_t i = 0; i < kFateCount; ++i) {
    fates[std::string(FateName(static_cast<Fate>(i)))] = counters.fates[i];
  }
  return {{"node", counters.node},
          {"rows_in", counters.rows_in},
          {"rows_out", counters.rows_out},
          {"bytes_in", counters.bytes_in},
          {"bytes_out", counters.bytes_out},
          {"replayed", counters.replayed},
          {"created", counters.created},
          {"state_bytes", counters.state_bytes},
          {"spilled_bytes", counters.spilled_bytes},
          {"state_keys", counters.state_keys},
          {"fates", std::move(fates)},
          {"port_rows", counters.port_rows},
          {"busy_us", counters.busy_us},
          {"total_bytes", counters.total_bytes},
          {"watermark", counters.watermark}};
}

Status ReadCounters(const StoredJson& json, NodeCounters* out) {
  StoredObject object(json, "the counters of a node");
  object.Read("node", out->node);
  object.Read("rows_in", out->rows_in);
  object.Read("rows_out", out->rows_out);
  object.Read("bytes_in", out->bytes_in);
  object.Read("bytes_out", out->bytes_out);
  if (object.Has("replayed")) object.Read("replayed", out->replayed);
  object.Read("created", out->created);
  object.Read("state_bytes", out->state_bytes);
  if (object.Has("spilled_bytes")) object.Read("spilled_bytes", out->spilled_bytes);
  object.Read("state_keys", out->state_keys);
  SR_RETURN_IF_ERROR(ReadFates(object.Object("fates"), &out->fates));
  object.Read("port_rows", out->port_rows);
  object.Read("busy_us", out->busy_us);
  object.Read("total_bytes", out->total_bytes);
  object.Read("watermark", out->watermark);
  return object.status();
}

StoredJson ToJson(const ChannelCounters& c) {
  return {{"channel", c.channel}, {"sender", c.sender},       {"rows", c.rows},        {"bytes", c.bytes},
          {"full_us", c.full_us}, {"hot_group", c.hot_group}, {"hot_rows", c.hot_rows}};
}

Status ReadCounters(const StoredJson& json, ChannelCounters* out) {
  StoredObject object(json, "a channel");
  object.Read("channel", out->channel);
  object.Read("sender", out->sender);
  object.Read("rows", out->rows);
  object.Read("bytes", out->bytes);
  object.Read("full_us", out->full_us);
  object.Read("hot_group", out->hot_group);
  object.Read("hot_rows", out->hot_rows);
  return object.status();
}

StoredJson ToJson(const TaskCounters& counters) {
  StoredJson nodes = StoredJson::array();
  for (const NodeCounters& node : counters.nodes) nodes.push_back(ToJson(node));
  StoredJson channels = StoredJson::array();
  for (const ChannelCounters& channel : counters.channels) channels.push_back(ToJson(channel));
  return {{"nodes", std::move(nodes)},
          {"channels", std::move(channels)},
          {"letters_dropped", counters.letters_dropped}};
}

Status ReadCounters(const StoredJson& json, TaskCounters* out) {
  StoredObject object(json, "the counters of a worker");
  object.ReadEach("nodes", [&](const StoredJson& node, size_t) {
    return ReadCounters(node, &out->nodes.emplace_back());
  });
  object.ReadEach("channels", [&](const StoredJson& channel, size_t) {
    return ReadCounters(channel, &out->channels.emplace_back());
  });
  object.Read("letters_dropped", out->letters_dropped);
  return object.status();
}

}  // namespace streamrun
