// smooth: moving averages and exponentially weighted ones.
#include <cmath>

#include "core/agg/double_sum.h"
#include "core/component/registry.h"
#include "core/component/series_fields.h"

namespace streamrun {
namespace {

struct Config : SeriesFields {
  int64_t rows = 0;
  Duration over = 0;
  Duration half_life = 0;
  double alpha = 0;
  std::string as;
};

// The mean of the last rows, or of those in (time - over, time].
class MovingAverage final : public SeriesLoop<MovingAverage> {
 public:
  static constexpr int kResults = 1;

  MovingAverage(int64_t rows, Duration over, Duration ttl) : SeriesLoop(ttl), rows_(rows), over_(over) {}

  void Resize(uint32_t slots) override {
    SeriesFunction::Resize(slots);
    if (slots > sums_.size()) sums_.resize(slots);
  }
  void Clear(uint32_t slot) override {
    SeriesFunction::Clear(slot);
    sums_[slot] = {};
  }
  // Twice the precision of a double: what leaves the window leaves nothing behind.
  void Restore(uint32_t slot, const Sample& sample) override {
    sums_[slot] = sums_[slot] + sample.value;
    SeriesFunction::Restore(slot, sample);
  }

  void Next(uint32_t slot, Timestamp time, double value, double* results) {
    Restore(slot, {time, value, 0});
    while (over_ > 0 ? queues.first(slot).time <= time - over_ : queues.size(slot) > rows_) {
      sums_[slot] = sums_[slot] + -queues.first(slot).value;
      queues.PopFirst(slot);
    }
    results[0] = sums_[slot].value() / queues.size(slot);
  }

 private:
  int64_t rows_;
  Duration over_;
  std::vector<TwoDouble> sums_;
};

// average += weight * (value - average), with a fixed weight (alpha), or one that follows from the time since
// the last sample: 1 - 2^(-elapsed / half_life), so that the weight of what was before halves every half_life
// however far apart samples are. The first average is the first value. (A. Eckner, "Algorithms for Unevenly
// Spaced Time Series: Moving Averages and Other Rolling Operators": the EMA with next-point interpolation.)
class Exponential final : public SeriesLoop<Exponential> {
 public:
  static constexpr int kResults = 1;

  Exponential(double alpha, Duration half_life, Duration ttl)
      : SeriesLoop(ttl), alpha_(alpha), half_life_(half_life) {}

  void Next(uint32_t slot, Timestamp time, double value, double* results) {
    if (queues.empty(slot)) {
      queues.Push(slot, {time, value, 0});
    } else {
      Sample& average = queues.last(slot);
      const double weight = half_life_ > 0
                                ? -std::expm1(-std::log(2.0) * static_cast<double>(time - average.time) /
                                              static_cast<double>(half_life_))
                                : alpha_;
      average = {time, average.value + weight * (value - average.value), 0};
    }
    results[0] = queues.last(slot).value;
  }

 private:
  double alpha_;
  Duration half_life_;
};

std::shared_ptr<const BoundOperator> Bind(const Config& config, BindContext& context) {
  const int chosen = (config.rows > 0) + (config.over > 0) + (config.half_life > 0) + (config.alpha > 0);
  if (chosen != 1) {
    context.diagnostics().ErrorAt(context.config(), "smooth.method",
                                  chosen == 0
                                      ? "none of 'rows', 'over', 'half_life' and 'alpha' is given"
                                      : "only one of 'rows', 'over', 'half_life' and 'alpha' can be given",
                                  "write rows: 10 for the mean of the last ten, or half_life: 30s");
    return nullptr;
  }
  const ConfigValue& as = context.config()["as"];
  const std::shared_ptr<SeriesPlan> plan = ReadSeries(config, {{config.as, as}}, context);
  if (!plan) return nullptr;
  plan->make = [config]() -> std::unique_ptr<SeriesFunction> {
    if (config.rows > 0 || config.over > 0) {
      return std::make_unique<MovingAverage>(config.rows, config.over, config.ttl);
    }
    return std::make_unique<Exponential>(config.alpha, config.half_life, config.ttl);
  };
  return BindSeries(plan, "Rows by event time, with the average.",
                    {"average", config.rows > 0   ? "rows: " + std::to_string(config.rows)
                                : config.over > 0 ? "over: " + PrintDuration(config.over)
                                                  : "exponential"});
}

OperatorDefinition Define() {
  ConfigSpec<Config> spec;
  AddSeriesFields(spec);
  spec.Text("as", &Config::as, "Column that gets the average.").Required().NotEmpty();
  spec.Integer("rows", &Config::rows, "Moving average of the last rows of the series, the row included.")
      .AtLeast(0)
      .AtMost(1e9);
  spec.DurationField("over", &Config::over,
                     "Moving average of the rows in the window of this length that ends with the row.")
      .AtLeast(0);
  spec.DurationField("half_life", &Config::half_life,
                     "Exponentially weighted average in which the weight of a sample halves in this time.")
      .AtLeast(0);
  spec.Double(
          "alpha", &Config::alpha,
          "Exponentially weighted average with this weight (0 to 1) for each new sample, whenever it comes.")
      .AtLeast(0)
      .AtMost(1);

  OperatorDefinition d;
  d.name = "smooth";
  d.summary = "Adds a moving or an exponentially weighted average per key, in the order of event time.";
  d.description =
      "All columns pass; `as` names the column (double precision) that is added. One of these says which "
      "average:\n\n"
      "| option | the average |\n| --- | --- |\n"
      "| `rows: n` | mean of the last n samples (fewer at the beginning) |\n"
      "| `over: d` | mean of the samples in (time - d, time] |\n"
      "| `alpha: a` | average + a * (value - average) |\n"
      "| `half_life: h` | the same with a = 1 - 2^(-elapsed / h), for samples at irregular times |\n\n"
      "The exponentially weighted ones begin with the first value. With `half_life`, of two samples at one "
      "time "
      "the second has no weight. A value that is null, NaN or infinite is no sample: its row passes with a "
      "null.";
  d.guarantee =
      "Rows come in order of event time per key, whatever the order in which they came within the watermark.";
  d.example = R"(pipeline: smooth-temperatures
sources:
  readings:
    connector: file
    path: pipelines/data/temperatures.jsonl
    format: json
    schema: {at: timestamp, sensor: text, celsius: double precision}
    event_time: {column: at, out_of_order: 10s}
operators:
  smoothed:
    operator: smooth
    input: readings
    on_error: dead_letter
    by: [sensor]
    value: celsius
    half_life: 1m
    as: smooth_celsius
    ttl: 1d
sinks:
  out: {connector: stdout, input: smoothed, format: json}
  too_late: {connector: discard, input: smoothed.late}
  unread: {connector: discard, input: readings.errors}
)";
  d.ports = SeriesPorts();
  d.fields = spec.fields();
  d.bind = BindWith<Config>(d.fields, Bind);
  return d;
}

SR_REGISTER(smooth, Define());

}  // namespace
}  // namespace streamrun
