#include "runner/process/control_message.h"

#include <array>
#include <nlohmann/json.hpp>

#include "runner/checkpoint/stored_counters.h"

namespace streamrun {

namespace {

using Json = nlohmann::json;

// In the order of the variant.
constexpr std::array<std::string_view, std::variant_size_v<ControlMessage>> kNames = {
    "REGISTER", "BOUND",         "READY",     "BEAT",     "FAIL",   "DONE",    "PLACES",
    "ACK",      "NACK",          "COMMITTED", "REPLAYED", "ASSIGN", "CONNECT", "START",
    "TRIGGER",  "PLACE_BARRIER", "ABORT",     "COMMIT",   "REPLAY", "EXIT"};

Json JsonOf(const TaskCounters& counters) { return Json(ToJson(counters)); }

TaskCounters CountersFrom(const Json& json) {
  TaskCounters counters;
  const Status status = ReadCounters(StoredJson(json), &counters);
  if (!status.ok()) throw Json::other_error::create(600, status.message(), &json);
  return counters;
}

void PutStatus(Json& json, const Status& status) {
  json["code"] = static_cast<int>(status.code());
  json["fault"] = static_cast<int>(status.fault());
  json["retryable"] = status.retryable();
  json["message"] = status.message();
}

Json ToJson(const std::vector<Task::Place>& places) {
  Json list = Json::array();
  for (const Task::Place& place : places) list.push_back({{"node", place.node}, {"next", place.next}});
  return list;
}

std::vector<Task::Place> PlacesFrom(const Json& json) {
  std::vector<Task::Place> places;
  for (const Json& j : json) places.push_back({j.at("node").get<int>(), j.at("next").get<Ordinal>()});
  return places;
}

BarrierKind BarrierKindFrom(const Json& json) {
  const int kind = json;
  if (kind < 0 || kind > static_cast<int>(BarrierKind::kFinal)) {
    throw Json::other_error::create(600, "barrier kind out of range", &json);
  }
  return static_cast<BarrierKind>(kind);
}

struct Writer {
  Json& json;
  void operator()(const RegisterMessage& m) const { json["pid"] = m.pid; }
  void operator()(const BeatMessage& m) const {
    json["steps"] = m.steps;
    json["blocked_on"] = m.blocked_on;
    json["counters"] = JsonOf(m.counters);
  }
  void operator()(const ReadyMessage& m) const { json["counters"] = JsonOf(m.counters); }
  void operator()(const PlacesMessage& m) const {
    json["epoch"] = m.epoch;
    json["places"] = ToJson(m.places);
  }
  void operator()(const AckMessage& m) const {
    json["epoch"] = m.epoch;
    json["fragment"] = m.fragment;
  }
  void operator()(const NackMessage& m) const {
    json["epoch"] = m.epoch;
    json["why"] = m.why;
  }
  void operator()(const CommittedMessage& m) const { json["epoch"] = m.epoch; }
  void operator()(const TriggerMessage& m) const {
    json["epoch"] = m.epoch;
    json["barrier"] = static_cast<int>(m.kind);
  }
  void operator()(const PlaceBarrierMessage& m) const {
    json["epoch"] = m.epoch;
    json["bounds"] = ToJson(m.bounds);
  }
  void operator()(const AbortMessage& m) const { json["epoch"] = m.epoch; }
  void operator()(const CommitMessage& m) const { json["epoch"] = m.epoch; }
  void operator()(const ReplayMessage& m) const { json["order"] = m.order; }
  void operator()(const ReplayedMessage& m) const { json["order"] = m.order; }
  void operator()(const FailMessage& m) const {
    PutStatus(json, m.status);
    json["opening"] = m.opening;
    json["peer_gone"] = m.peer_gone;
  }
  void operator()(const DoneMessage& m) const {
    json["counters"] = JsonOf(m.counters);
    if (!m.failure.ok()) PutStatus(json["failure"], m.failure);
  }
  void operator()(const AssignMessage& m) const {
    json["pipeline"] = m.pipeline;
    json["file"] = m.file;
    json["plan_hash"] = m.plan_hash;
    json["stage"] = m.stage;
    json["instance"] = m.instance;
    json["generation"] = m.generation;
    json["attempt"] = m.attempt;
    json["run_directory"] = m.run_directory;
    json["endpoint_directory"] = m.endpoint_directory;
    json["dead_letter_directory"] = m.dead_letter_directory;
    json["scratch_directory"] = m.scratch_directory;
    json["stage_directory"] = m.stage_directory;
    json["state_directory"] = m.state_directory;
    json["identity"] = m.identity;
    json["checkpoint"] = m.checkpoint;
    json["run"] = m.run;
    json["replay_to"] = m.replay_to;
    json["ingest"] = m.ingest;
    for (const CarefulRows& rows : m.careful) {
      json["careful"].push_back(
          {{"node", rows.node}, {"from", rows.from}, {"to", rows.to}, {"poison", rows.poison}});
    }
    json["once"] = m.once;
    json["restarted"] = m.restarted;
    json["log_level"] = static_cast<int>(m.log_level);
    json["log_json"] = m.log_json;
  }
  template <typename Empty>
  void operator()(const Empty&) const {}
};

Status StatusFrom(const Json& json) {
  const int code = json.at("code");
  const int fault = json.at("fault");
  if (code < 1 || code > static_cast<int>(Code::kInternal) || fault < 0 ||
      fault > static_cast<int>(Fault::kInternal)) {
    throw Json::other_error::create(600, "code or fault out of range", &json);
  }
  return Status(static_cast<Code>(code), json.at("message").get<std::string>())
      .WithFault(static_cast<Fault>(fault))
      .WithRetry(json.at("retryable").get<bool>());
}

FailMessage FailFrom(const Json& json) {
  FailMessage fail;
  fail.status = StatusFrom(json);
  json.at("opening").get_to(fail.opening);
  json.at("peer_gone").get_to(fail.peer_gone);
  return fail;
}

AssignMessage AssignFrom(const Json& json) {
  AssignMessage m;
  json.at("pipeline").get_to(m.pipeline);
  json.at("file").get_to(m.file);
  json.at("plan_hash").get_to(m.plan_hash);
  json.at("stage").get_to(m.stage);
  json.at("instance").get_to(m.instance);
  json.at("generation").get_to(m.generation);
  json.at("attempt").get_to(m.attempt);
  json.at("run_directory").get_to(m.run_directory);
  json.at("endpoint_directory").get_to(m.endpoint_directory);
  json.at("dead_letter_directory").get_to(m.dead_letter_directory);
  json.at("scratch_directory").get_to(m.scratch_directory);
  json.at("stage_directory").get_to(m.stage_directory);
  json.at("state_directory").get_to(m.state_directory);
  json.at("identity").get_to(m.identity);
  json.at("checkpoint").get_to(m.checkpoint);
  json.at("run").get_to(m.run);
  json.at("replay_to").get_to(m.replay_to);
  json.at("ingest").get_to(m.ingest);
  if (const auto careful = json.find("careful"); careful != json.end()) {
    for (const Json& rows : *careful) {
      m.careful.push_back({rows.at("node").get<int>(), rows.at("from").get<int64_t>(),
                           rows.at("to").get<int64_t>(), rows.at("poison").get<std::vector<uint64_t>>()});
    }
  }
  json.at("once").get_to(m.once);
  json.at("restarted").get_to(m.restarted);
  const int level = json.at("log_level");
  if (level < 0 || level > static_cast<int>(LogLevel::kOff)) {
    throw Json::other_error::create(600, "log level out of range", &json);
  }
  m.log_level = static_cast<LogLevel>(level);
  json.at("log_json").get_to(m.log_json);
  return m;
}

ControlMessage EpochMessageFrom(std::string_view kind, const Json& json) {
  const uint64_t epoch = json.at("epoch");
  if (kind == "PLACES") return PlacesMessage{epoch, PlacesFrom(json.at("places"))};
  if (kind == "ACK") return AckMessage{epoch, json.at("fragment").get<std::string>()};
  if (kind == "NACK") return NackMessage{epoch, json.at("why").get<std::string>()};
  if (kind == "COMMITTED") return CommittedMessage{epoch};
  if (kind == "TRIGGER") {
    return TriggerMessage{epoch, BarrierKindFrom(json.at("barrier"))};
  }
  if (kind == "PLACE_BARRIER") return PlaceBarrierMessage{epoch, PlacesFrom(json.at("bounds"))};
  if (kind == "ABORT") return AbortMessage{epoch};
  if (kind == "COMMIT") return CommitMessage{epoch};
  throw Json::other_error::create(600, "unknown kind", &json);
}

ControlMessage MessageFrom(std::string_view kind, const Json& json) {
  if (kind == "REGISTER") return RegisterMessage{json.at("pid").get<int64_t>()};
  if (kind == "BOUND") return BoundMessage{};
  if (kind == "READY") return ReadyMessage{CountersFrom(json.at("counters"))};
  if (kind == "BEAT") {
    return BeatMessage{json.at("steps").get<int64_t>(), json.at("blocked_on").get<std::string>(),
                       CountersFrom(json.at("counters"))};
  }
  if (kind == "FAIL") return FailFrom(json);
  if (kind == "DONE") {
    return DoneMessage{CountersFrom(json.at("counters")),
                       json.contains("failure") ? StatusFrom(json.at("failure")) : Status::Ok()};
  }
  if (kind == "ASSIGN") return AssignFrom(json);
  if (kind == "CONNECT") return ConnectMessage{};
  if (kind == "START") return StartMessage{};
  if (kind == "EXIT") return ExitMessage{};
  if (kind == "REPLAY") return ReplayMessage{json.at("order").get<uint64_t>()};
  if (kind == "REPLAYED") return ReplayedMessage{json.at("order").get<uint64_t>()};
  return EpochMessageFrom(kind, json);
}

}  // namespace

std::string_view ControlName(const ControlMessage& message) { return kNames[message.index()]; }

std::string EncodeControl(const ControlMessage& message) {
  Json json = {{"kind", ControlName(message)}};
  std::visit(Writer{json}, message);
  // Messages may quote data that is no UTF-8.
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<ControlMessage> DecodeControl(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    return MessageFrom(json.at("kind").get<std::string>(), json);
  } catch (const Json::exception& e) {
    return Status::Corruption(std::string("not a control message: ") + e.what()).WithFault(Fault::kInternal);
  }
}

}  // namespace streamrun
