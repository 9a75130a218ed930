#include "runner/process/status.h"

#include <nlohmann/json.hpp>

namespace streamrun {

namespace {

using Json = nlohmann::ordered_json;

Json FatesJson(const FateCounts& fates) {
  Json json = Json::object();
  for (size_t i = 0; i < kFateCount; ++i) {
    if (fates[i] != 0) json[std::string(FateName(static_cast<Fate>(i)))] = fates[i];
  }
  return json;
}

Json NodeJson(const NodeStatus& n) {
  Json json = {{"name", n.name}, {"kind", n.kind}, {"component", n.component}};
  if (!n.place.empty()) json["place"] = n.place;
  json["rows_in"] = n.now.rows_in;
  json["rows_out"] = n.now.rows_out;
  json["created"] = n.created;
  json["state_bytes"] = n.state_bytes;
  json["spilled_bytes"] = n.spilled_bytes;
  json["state_keys"] = n.state_keys;
  json["fates"] = FatesJson(n.now.fates);
  Json ports = Json::object();
  for (const PortStatus& port : n.ports) ports[port.name] = port.rows;
  json["ports"] = std::move(ports);
  json["bytes_in"] = n.now.bytes_in;
  json["bytes_out"] = n.now.bytes_out;
  if (n.total_bytes >= 0) json["total_bytes"] = n.total_bytes;
  json["busy_us"] = n.now.busy_us;
  json["watermark"] =
      n.watermark == kMinTimestamp || n.watermark == kMaxTimestamp ? Json() : Json(n.watermark);
  if (n.now.replayed > 0) json["replayed"] = n.now.replayed;
  json["dead_letters"] = n.dead_letters;
  json["residue"] = n.residue;
  return json;
}

Json EdgeJson(const EdgeStatus& e) {
  Json json = {{"from", e.from},
               {"to", e.to},
               {"sent", e.sent},
               {"received", e.received},
               {"in_flight", e.sent - e.received},
               {"bytes", e.bytes},
               {"full_us", e.full_us},
               {"channels", e.channels}};
  if (e.hot_group >= 0 && e.sent > 0) {
    json["hot_key_group"] = {{"group", e.hot_group},
                             {"rows", e.hot_rows},
                             {"share", static_cast<double>(e.hot_rows) / static_cast<double>(e.sent)}};
  }
  return json;
}

Json StageJson(const StageStatus& s) {
  Json workers = Json::array();
  for (const WorkerStatus& w : s.workers) {
    workers.push_back({{"instance", w.instance},
                       {"pid", w.pid},
                       {"state", w.state},
                       {"blocked_on", w.blocked_on},
                       {"steps", w.steps},
                       {"beat_age_us", w.beat_age}});
  }
  return {{"name", s.name},
          {"attempt", s.attempt},
          {"rows", s.rows},
          {"bytes", s.bytes},
          {"workers", std::move(workers)}};
}

Json IngestJson(const IngestStatus& i) {
  return {{"node", i.node},       {"pid", i.pid},     {"state", i.state},      {"blocked_on", i.blocked_on},
          {"records", i.records}, {"bytes", i.bytes}, {"restarts", i.restarts}};
}

}  // namespace

std::string_view PhaseName(Phase phase) {
  switch (phase) {
    case Phase::kStarting:
      return "starting";
    case Phase::kRunning:
      return "running";
    case Phase::kStopping:
      return "stopping";
    case Phase::kRestarting:
      return "restarting";
    case Phase::kFinished:
      return "finished";
    case Phase::kFailed:
      return "failed";
  }
  return "unknown";
}

std::string StatusToJson(const PipelineStatus& s) {
  Json json = {{"pipeline", s.pipeline},      {"revision", s.revision}, {"generation", s.generation},
               {"phase", PhaseName(s.phase)}, {"pid", s.pid},           {"started_us", s.started},
               {"elapsed_us", s.elapsed},     {"restarts", s.restarts}};
  if (!s.last_failure.empty()) json["last_failure"] = s.last_failure;
  json["residue"] = s.residue;
  json["dead_letters"] = {
      {"rows", s.dead_letters}, {"dropped", s.dead_letters_dropped}, {"directory", s.dead_letter_directory}};
  json["checkpoint"] = {{"epoch", s.epoch},
                        {"completed_us", s.epoch_completed},
                        {"duration_us", s.epoch_duration},
                        {"failed_in_a_row", s.epochs_failed}};
  if (!s.epochs_held_up.empty()) json["checkpoint"]["held_up"] = s.epochs_held_up;
  json["nodes"] = Json::array();
  for (const NodeStatus& n : s.nodes) json["nodes"].push_back(NodeJson(n));
  json["edges"] = Json::array();
  for (const EdgeStatus& e : s.edges) json["edges"].push_back(EdgeJson(e));
  json["stages"] = Json::array();
  for (const StageStatus& stage : s.stages) json["stages"].push_back(StageJson(stage));
  json["ingests"] = Json::array();
  for (const IngestStatus& ingest : s.ingests) json["ingests"].push_back(IngestJson(ingest));
  json["remarks"] = s.remarks;
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace streamrun
