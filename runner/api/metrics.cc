#include "runner/api/metrics.h"

#include <cstdio>
#include <initializer_list>
#include <string_view>

namespace streamrun {

namespace {

struct Label {
  std::string_view name;
  std::string_view value;
};

// Label values escape backslash, quote and newline (exposition format, "Text format details").
std::string Escape(std::string_view value) {
  std::string out;
  for (const char c : value) {
    if (c == '\\' || c == '"') out += '\\';
    c == '\n' ? out += "\\n" : out += c;
  }
  return out;
}

class Text {
 public:
  explicit Text(std::string_view pipeline) : pipeline_(Escape(pipeline)) {}

  void Begin(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    out_ +=
        "# HELP " + name_ + " " + std::string(help) + "\n# TYPE " + name_ + " " + std::string(type) + "\n";
  }
  void Sample(std::initializer_list<Label> labels, const std::string& value) {
    out_ += name_ + "{pipeline=\"" + pipeline_ + "\"";
    for (const Label& label : labels) {
      out_ += "," + std::string(label.name) + "=\"" + Escape(label.value) + "\"";
    }
    out_ += "} " + value + "\n";
  }
  void Sample(std::initializer_list<Label> labels, int64_t value) { Sample(labels, std::to_string(value)); }
  void Seconds(std::initializer_list<Label> labels, int64_t micros) {
    char text[40];
    std::snprintf(text, sizeof(text), "%lld.%06lld", static_cast<long long>(micros / kSecond),
                  static_cast<long long>(micros % kSecond));
    Sample(labels, text);
  }
  std::string Take() { return std::move(out_); }

 private:
  std::string pipeline_;
  std::string name_;
  std::string out_;
};

void Nodes(const PipelineStatus& s, Text& text) {
  text.Begin("streamrun_node_rows_total", "counter",
             "Rows that entered a node by what became of them (port empty), and rows that left it by port "
             "(fate empty).");
  for (const NodeStatus& n : s.nodes) {
    for (size_t i = 0; i < kFateCount; ++i) {
      if (n.totals.fates[i] == 0 && i != 0) continue;
      text.Sample({{"node", n.name}, {"port", ""}, {"fate", FateName(static_cast<Fate>(i))}},
                  n.totals.fates[i]);
    }
    for (size_t i = 0; i < n.ports.size(); ++i) {
      const int64_t rows = i < n.totals.port_rows.size() ? n.totals.port_rows[i] : 0;
      text.Sample({{"node", n.name}, {"port", n.ports[i].name}, {"fate", ""}}, rows);
    }
  }
  text.Begin("streamrun_node_bytes_total", "counter", "Bytes that sources read and sinks wrote.");
  for (const NodeStatus& n : s.nodes) {
    if (n.kind == "source") text.Sample({{"node", n.name}, {"direction", "in"}}, n.totals.bytes_in);
    if (n.kind == "sink") text.Sample({{"node", n.name}, {"direction", "out"}}, n.totals.bytes_out);
  }
  text.Begin("streamrun_node_busy_seconds_total", "counter",
             "Time spent inside a component, over its workers.");
  for (const NodeStatus& n : s.nodes) text.Seconds({{"node", n.name}}, n.totals.busy_us);
  text.Begin("streamrun_node_state_bytes", "gauge", "A node's keyed state, over its workers.");
  for (const NodeStatus& n : s.nodes) {
    if (n.kind == "operator") text.Sample({{"node", n.name}}, n.state_bytes);
  }
  text.Begin("streamrun_node_spilled_bytes", "gauge", "Part of a node's keyed state that is in files.");
  for (const NodeStatus& n : s.nodes) {
    if (n.kind == "operator") text.Sample({{"node", n.name}}, n.spilled_bytes);
  }
  text.Begin("streamrun_node_state_keys", "gauge", "Keys in a node's state, over its workers.");
  for (const NodeStatus& n : s.nodes) {
    if (n.kind == "operator") text.Sample({{"node", n.name}}, n.state_keys);
  }
}

void Channels(const PipelineStatus& s, Text& text) {
  text.Begin("streamrun_channel_rows_total", "counter", "Rows sent between processes.");
  for (const EdgeStatus& e : s.edges) text.Sample({{"from", e.from}, {"to", e.to}}, e.total_sent);
  text.Begin("streamrun_channel_bytes_total", "counter", "Bytes of rows sent between processes.");
  for (const EdgeStatus& e : s.edges) text.Sample({{"from", e.from}, {"to", e.to}}, e.total_bytes);
  text.Begin("streamrun_channel_full_seconds_total", "counter",
             "Time senders had something to send and found the channel full: back pressure.");
  for (const EdgeStatus& e : s.edges) text.Seconds({{"from", e.from}, {"to", e.to}}, e.total_full_us);
}

}  // namespace

std::string RenderMetrics(const PipelineStatus& s) {
  Text text(s.pipeline);
  text.Begin("streamrun_info", "gauge", "Which revision runs in which phase; always 1.");
  text.Sample({{"revision", s.revision}, {"phase", PhaseName(s.phase)}}, int64_t{1});
  text.Begin("streamrun_elapsed_seconds", "gauge", "Time since the supervisor started.");
  text.Seconds({}, s.elapsed);
  text.Begin("streamrun_restarts_total", "counter", "Restarts of regions.");
  text.Sample({}, s.restarts);
  text.Begin("streamrun_ledger_residue_rows", "gauge", "Rows under way or not accounted for; 0 at the end.");
  text.Sample({}, s.residue);
  text.Begin("streamrun_dead_letter_rows", "gauge", "Rows of the current attempt in the dead-letter file.");
  text.Sample({}, s.dead_letters);
  text.Begin("streamrun_dead_letters_dropped_total", "counter",
             "Dead letters that made room for newer ones.");
  text.Sample({}, s.dead_letters_dropped);
  Nodes(s, text);
  Channels(s, text);
  return text.Take();
}

}  // namespace streamrun
