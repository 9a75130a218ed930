// rate: how fast counters grow and gauges change.
#include "core/component/registry.h"
#include "core/component/series_fields.h"

namespace streamrun {
namespace {

struct Config : SeriesFields {
  Duration over = 0;
  std::string rate;
  std::string increase;
  std::string delta;
};

// Which column has which of the three; -1: it is not asked for.
struct Columns {
  int rate = -1;
  int increase = -1;
  int delta = -1;
};

// A sample's `extra` is what the counter had counted before its resets, so that value + extra never falls:
// how Prometheus corrects resets (promql/functions.go, extrapolatedRate).
class Rate final : public SeriesLoop<Rate> {
 public:
  static constexpr int kResults = 3;

  Rate(Columns columns, Duration over, Duration ttl) : SeriesLoop(ttl), columns_(columns), over_(over) {}

  void Next(uint32_t slot, Timestamp time, double value, double* results) {
    double resets = 0;
    if (!queues.empty(slot)) {
      const Sample& last = queues.last(slot);
      resets = value < last.value ? last.extra + last.value : last.extra;
    }
    if (over_ > 0) {
      // (time - over, time]: as a window of that length that ends with the row.
      while (!queues.empty(slot) && queues.first(slot).time <= time - over_) queues.PopFirst(slot);
    }
    if (!queues.empty(slot)) {
      const Sample& first = queues.first(slot);
      const double increase = (value - first.value) + (resets - first.extra);
      Put(columns_.increase, increase, results);
      Put(columns_.delta, value - first.value, results);
      if (time > first.time) {
        Put(columns_.rate, increase / (static_cast<double>(time - first.time) / kSecond), results);
      }
      if (over_ == 0) queues.Clear(slot);
    }
    // Without samples before it nothing has to be corrected, and the sum of resets need not grow for ever.
    queues.Push(slot, {time, value, queues.empty(slot) ? 0 : resets});
  }

 private:
  static void Put(int column, double value, double* results) {
    if (column >= 0) results[column] = value;
  }

  Columns columns_;
  Duration over_;
};

std::shared_ptr<const BoundOperator> Bind(const Config& config, BindContext& context) {
  std::vector<SeriesResult> results;
  Columns columns;
  const auto add = [&](const char* field, const std::string& name, int* column) {
    if (name.empty()) return;
    *column = static_cast<int>(results.size());
    results.push_back({name, context.config()[field]});
  };
  add("rate", config.rate, &columns.rate);
  add("increase", config.increase, &columns.increase);
  add("delta", config.delta, &columns.delta);
  if (results.empty()) {
    context.diagnostics().ErrorAt(context.config(), "rate.no_result",
                                  "none of 'rate', 'increase' and 'delta' is asked for",
                                  "name the column that gets it: rate: per_second");
    return nullptr;
  }
  const std::shared_ptr<SeriesPlan> plan = ReadSeries(config, results, context);
  if (!plan) return nullptr;
  plan->make = [columns, over = config.over, ttl = config.ttl]() -> std::unique_ptr<SeriesFunction> {
    return std::make_unique<Rate>(columns, over, ttl);
  };
  return BindSeries(plan, "Rows by event time, with the columns that were asked for.",
                    {"over", PrintDuration(config.over)});
}

OperatorDefinition Define() {
  ConfigSpec<Config> spec;
  AddSeriesFields(spec);
  spec.DurationField(
          "over", &Config::over,
          "Compares with the first sample in the window of this length that ends with the row; 0 with "
          "the sample before.")
      .AtLeast(0);
  spec.Text("rate", &Config::rate, "Column that gets the increase per second.").NotEmpty();
  spec.Text("increase", &Config::increase, "Column that gets by how much the counter has grown.").NotEmpty();
  spec.Text("delta", &Config::delta,
            "Column that gets the difference of the values; for gauges, which also fall.")
      .NotEmpty();

  OperatorDefinition d;
  d.name = "rate";
  d.summary = "Adds the rate, increase or difference of a value per key, in the order of event time.";
  d.description =
      "All columns pass; `rate`, `increase` and `delta` name the columns (double precision) that are added, "
      "at "
      "least one. Each row is compared with the sample before it of its series, or with the first one in the "
      "window (time - `over`, time].\n\n"
      "`rate` and `increase` are for counters, as in Prometheus: a value below the one before it means that "
      "the "
      "counter began anew at 0, so what it shows was added since. Unlike Prometheus nothing is extrapolated "
      "to "
      "the ends of the window: the increase is what was seen, the rate is that by the time between the two "
      "samples.\n\n"
      "A first sample has nulls; so has the rate between samples of one time. A value that is null, NaN or "
      "infinite is no sample: its row passes with nulls. To have fewer rows, put an `aggregate` behind it.";
  d.guarantee =
      "Rows come in order of event time per key, whatever the order in which they came within the watermark.";
  d.example = R"(pipeline: traffic-per-second
sources:
  counters:
    connector: file
    path: pipelines/data/interface_counters.jsonl
    format: json
    schema: {at: timestamp, host: text, interface: text, received: bigint}
    event_time: {column: at, out_of_order: 5s}
operators:
  traffic:
    operator: rate
    input: counters
    on_error: dead_letter
    by: [host, interface]
    value: received
    rate: bytes_per_second
    increase: bytes
    ttl: 1h
sinks:
  out: {connector: stdout, input: traffic, format: json}
  too_late: {connector: discard, input: traffic.late}
  unread: {connector: discard, input: counters.errors}
)";
  d.ports = SeriesPorts();
  d.fields = spec.fields();
  d.bind = BindWith<Config>(d.fields, Bind);
  return d;
}

SR_REGISTER(rate, Define());

}  // namespace
}  // namespace streamrun
