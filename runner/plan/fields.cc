#include "runner/plan/fields.h"

namespace streamrun {

namespace {

const std::vector<std::pair<std::string, OnError>> kOnErrorChoices = {
    {"dead_letter", OnError::kDeadLetter}, {"drop", OnError::kDrop}, {"fail", OnError::kFail}};

std::vector<FieldSpec> MakeSettingsFields() {
  ConfigSpec<SettingsConfig::DeadLetter> dead_letter;
  dead_letter
      .Size("max_size", &SettingsConfig::DeadLetter::max_size,
            "Most that dead-letter files may take on disk.")
      .AtLeast(4096);
  dead_letter.OneOf("when_full", &SettingsConfig::DeadLetter::drop_oldest,
                    {{"fail", false}, {"drop_oldest", true}},
                    "What happens beyond max_size: stop the pipeline, or forget the oldest letters.");
  ConfigSpec<SettingsConfig::Checkpoint> checkpoint;
  checkpoint
      .DurationField("interval", &SettingsConfig::Checkpoint::interval,
                     "Time from one checkpoint to the next, 0 for none but at a stop and at the end of the "
                     "input. After a failure the pipeline goes on from the last one.")
      .AtLeast(0);
  checkpoint
      .DurationField("timeout", &SettingsConfig::Checkpoint::timeout,
                     "A checkpoint that is not complete by then is given up.")
      .AtLeast(kSecond);
  checkpoint
      .Size("reserve", &SettingsConfig::Checkpoint::reserve,
            "Space set aside in the state directory while the pipeline runs (at most a sixteenth of its file "
            "system), so that a stop still finds room on a full disk; 0 for none.")
      .AtLeast(0);
  ConfigSpec<SettingsConfig::Local> local;
  local.OneOf(
      "fuse", &SettingsConfig::Local::fuse,
      {{"auto", PlanSettings::Fuse::kAuto},
       {"all", PlanSettings::Fuse::kAll},
       {"none", PlanSettings::Fuse::kNone}},
      "Which neighbours share a process: auto cuts where rows are repartitioned and before a single writer, "
      "all cuts only where it must, none gives every node its own.");
  ConfigSpec<SettingsConfig::Engine> engine;
  engine.Struct("local", &SettingsConfig::Engine::local, local, "The local multi-process engine.");

  ConfigSpec<SettingsConfig> spec;
  spec.Text("parallelism", &SettingsConfig::parallelism,
            "Parallel instances of sources that can share their input and of keyed operators; auto = one per "
            "core.");
  spec.Integer(
          "max_parallelism", &SettingsConfig::max_parallelism,
          "Key groups that rows are dealt in by their keys: the most parallel instances that an operator "
          "can ever have. Part of the saved state, so it cannot change without starting anew.")
      .AtLeast(1)
      .AtMost(32768);
  spec.Raw(
      "drop_state", &SettingsConfig::drop_state,
      "Names of nodes that are not in the file any more and whose saved state is to go: without it such a "
      "state is refused at the start.");
  spec.OneOf("delivery", &SettingsConfig::delivery,
             {{"auto", Delivery::kAuto},
              {"at_most_once", Delivery::kAtMostOnce},
              {"at_least_once", Delivery::kAtLeastOnce},
              {"exactly_once", Delivery::kExactlyOnce}},
             "Promise that every path from source to sink must keep; auto = the strongest each path can.");
  spec.Text(
      "state_dir", &SettingsConfig::state_dir,
      "Directory for state, dead letters and locks (default: the user's state directory, by pipeline name).");
  spec.Size("max_row", &SettingsConfig::max_row,
            "Longest record; a longer one leaves by `errors` with a prefix.")
      .AtLeast(1024)
      .AtMost(64 << 20);
  spec.DurationField(
      "linger", &SettingsConfig::linger,
      "Longest time rows may wait for company before they cross to another process while the worker "
      "is busy; an idle worker sends at once.");
  spec.DurationField("stop_deadline", &SettingsConfig::stop_deadline,
                     "How long a stop may take to drain before the workers are killed.");
  spec.Size("worker_memory", &SettingsConfig::worker_memory,
            "Most memory that one worker process may take for its data; one that needs more ends and starts "
            "again from the last checkpoint. 0 for no limit.")
      .AtLeast(0);
  spec.OneOf("on_crash", &SettingsConfig::on_crash,
             {{"fail", OnCrash::kFail}, {"dead_letter", OnCrash::kDeadLetter}},
             "What happens to a row that ends its worker process whenever an operator is given it (a crash, "
             "not a failure of the row): stop the pipeline with the row's name, or keep it as a dead letter "
             "and go on.");
  spec.OneOf("on_error", &SettingsConfig::on_error, kOnErrorChoices, "Default of every node's on_error.");
  spec.Struct("dead_letter", &SettingsConfig::dead_letter, dead_letter, "The pipeline's dead-letter files.");
  spec.Struct("checkpoint", &SettingsConfig::checkpoint, checkpoint,
              "When state, positions and output are made safe together.");
  spec.Struct("engine", &SettingsConfig::engine, engine, "Settings of one engine only.");
  return spec.fields();
}

void AddShared(ConfigSpec<NodeConfig>& spec) {
  spec.Raw(
      "renamed_from", &NodeConfig::renamed_from,
      "Name that this node had in an earlier version of the file: its saved state, position or output goes "
      "on under the new one. Can stay.");
  spec.Integer("parallelism", &NodeConfig::parallelism, "Parallel instances of this node.")
      .AtLeast(1)
      .AtMost(1024);
  spec.OneOf("on_error", &NodeConfig::on_error, kOnErrorChoices,
             "What happens to a row that fails here when the errors port is not wired: keep it as a dead "
             "letter, drop "
             "and count it, or stop the pipeline.");
  spec.OneOf("process", &NodeConfig::process, {{"shared", Process::kShared}, {"own", Process::kOwn}},
             "own: run in a process of its own instead of sharing one with its neighbours.");
}

ConfigSpec<SourceBuffer> MakeBufferSpec() {
  ConfigSpec<SourceBuffer> spec;
  spec.OneOf("type", &SourceBuffer::type, {{"durable", SourceBuffer::Type::kDurable}},
             "durable: a log on disk; what it has taken survives a crash.");
  spec.Size("max", &SourceBuffer::max,
            "Most that the log may take on disk; then the input waits or is refused.")
      .AtLeast(1 << 20);
  spec.Size("segment", &SourceBuffer::segment, "Size of one file of the log; whole files are removed.")
      .AtLeast(64 << 10);
  spec.DurationField(
          "sync", &SourceBuffer::sync,
          "How long records may wait so that more of them share a sync of the disk; 0s: those that "
          "come while the disk is busy share the next one.")
      .AtLeast(0);
  spec.OneOf("on_corruption", &SourceBuffer::skip_damage, {{"fail", false}, {"skip", true}},
             "Records of the log that the disk damaged: fail the pipeline, or set them aside and tell it in "
             "the errors.");
  return spec;
}

std::vector<FieldSpec> MakeNodeFields(ComponentKind kind) {
  ConfigSpec<NodeConfig> spec;
  if (kind == ComponentKind::kOperator) {
    spec.Raw("operator", &NodeConfig::op, "Name of the operator.").Required();
  } else {
    spec.Raw("connector", &NodeConfig::connector, "Name of the connector.").Required();
  }
  if (kind != ComponentKind::kSource) {
    spec.Raw("input", &NodeConfig::input, "Node, node.port, or a list of these, whose rows enter here.")
        .Required();
  }
  if (kind != ComponentKind::kSource) {
    spec.OneOf(
        "balance", &NodeConfig::balance,
        {{"auto", Balance::kAuto},
         {"round_robin", Balance::kRoundRobin},
         {"least_loaded", Balance::kLeastLoaded}},
        "How batches are dealt to the parallel instances where rows need not meet by key: auto keeps them in "
        "their process when it can, round_robin deals them in turn, least_loaded gives each to the instance "
        "with the least waiting.");
  }
  if (kind != ComponentKind::kOperator) {
    spec.Raw("format", &NodeConfig::format,
             "Format of the bytes: a name, or {type: name, ...} with its options.");
  }
  if (kind == ComponentKind::kSource) {
    spec.Raw("schema", &NodeConfig::schema, "Columns as `name: type`, or the name of one of `schemas:`.");
    spec.Raw("event_time", &NodeConfig::event_time,
             "Which column says when a row happened, and how late rows may be.");
    spec.Struct(
            "buffer", &NodeConfig::buffer, MakeBufferSpec(),
            "durable: what a source that cannot be read again has taken goes to a log on disk first, in a "
            "process of its own; it is acknowledged from there and read again after a crash.")
        .Shorthand("type");
  }
  if (kind == ComponentKind::kSink) {
    spec.OneOf(
        "changes", &NodeConfig::changes,
        {{"refuse", SinkChanges::kRefuse}, {"op_column", SinkChanges::kOpColumn}},
        "What a sink of bytes does with rows that change earlier ones: refuse such an input, or write every "
        "change with a first column `op` (insert, update_before, update_after, delete).");
    spec.OneOf(
        "order", &NodeConfig::order, {{"file", SinkOrder::kFile}, {"any", SinkOrder::kAny}},
        "file: rows of a parallel bounded source come out in the order of the input; any: as they arrive.");
  }
  if (kind == ComponentKind::kOperator) {
    spec.OneOf(
        "state", &NodeConfig::state, {{"keep", StateChoice::kKeep}, {"reset", StateChoice::kReset}},
        "What happens at a start to saved state that this version of the operator cannot use, because "
        "its keys, window or types are others: keep refuses the start, reset drops it and begins anew. "
        "State that fits is kept either way.");
  }
  AddShared(spec);
  return spec.fields();
}

std::vector<FieldSpec> MakeEventTimeFields() {
  ConfigSpec<EventTimeConfig> spec;
  spec.Raw("column", &EventTimeConfig::column, "Column of type timestamp or timestamptz.").Required();
  spec.DurationField("out_of_order", &EventTimeConfig::out_of_order,
                     "How much later than its successors a row may come.");
  spec.Raw("idle_after", &EventTimeConfig::idle_after,
           "Silence after which the source no longer holds back time.");
  spec.DurationField("max_future", &EventTimeConfig::max_future,
                     "Rows that claim to be further than this in the future leave by `errors`.");
  spec.Raw(
      "max_drift", &EventTimeConfig::max_drift,
      "How far this source may run ahead of the slowest other source in event time; further ahead it waits. "
      "Sources that are idle or have ended do not count.");
  spec.OneOf("clock", &EventTimeConfig::clock,
             {{"rows", EventTime::Clock::kRows}, {"processing", EventTime::Clock::kProcessing}},
             "What drives the watermark: the latest event time of the rows, or the wall clock; out_of_order "
             "behind.");
  spec.Expression(
      "punctuation", &EventTimeConfig::punctuation,
      "A timestamp; where it is not null no row at or before it will follow. Then nothing else drives "
      "the watermark.");
  return spec.fields();
}

}  // namespace

const std::vector<FieldSpec>& SettingsFields() {
  static const std::vector<FieldSpec> fields = MakeSettingsFields();
  return fields;
}

const std::vector<FieldSpec>& EventTimeFields() {
  static const std::vector<FieldSpec> fields = MakeEventTimeFields();
  return fields;
}

const std::vector<FieldSpec>& NodeFields(ComponentKind kind) {
  static const std::vector<FieldSpec> source = MakeNodeFields(ComponentKind::kSource);
  static const std::vector<FieldSpec> op = MakeNodeFields(ComponentKind::kOperator);
  static const std::vector<FieldSpec> sink = MakeNodeFields(ComponentKind::kSink);
  return kind == ComponentKind::kSource ? source : kind == ComponentKind::kSink ? sink : op;
}

const std::vector<std::pair<std::string, std::string>>& TopLevelKeys() {
  static const std::vector<std::pair<std::string, std::string>> keys = {
      {"pipeline", "Name of the pipeline: its identity for state, metrics and logs."},
      {"settings", "Settings of the whole pipeline."},
      {"schemas", "Named lists of columns that sources can refer to."},
      {"templates", "Named parts of nodes; a node takes one over with `template: name`."},
      {"sources", "Where rows enter: name -> source."},
      {"operators", "What happens to them: name -> operator."},
      {"sinks", "Where they leave: name -> sink."},
      {"tests", "Rows fed and rows expected, run by `streamrun test`."},
  };
  return keys;
}

}  // namespace streamrun
